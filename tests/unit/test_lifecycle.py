# SPDX-License-Identifier: GPL-2.0-or-later

"""Whatever Python code does to an object, no memory in use is freed, and no immutable object changes."""

import contextlib
import copy
import gc
import pickle
import subprocess
import sys
import threading
import weakref

import pytest

import pymig
from pymig import (
    CapabilitySet,
    Change,
    Checker,
    Context,
    Host,
    Memory,
    MigrationState,
    PostcopySupport,
    QemuBuild,
)

ABLE = Host()
UNABLE = Host("absent", PostcopySupport(False, 2, 1))
REPORT = pymig.probe()
VERDICT = pymig.check(["multifd", "compress"], host=ABLE)

VALUES = {
    "CapabilitySet": CapabilitySet(["multifd"]),
    "Change": Change(on=["multifd"], off=["compress"], parameters={"tls-creds": ""}),
    "Verdict": VERDICT,
    "QemuBuild": QemuBuild("10.0.13", replication=False),
    "KnownFault": QemuBuild("7.2").known_faults[0],
    "Memory": Memory("file", path="/dev/shm", share=True),
    "PostcopySupport": PostcopySupport(False, 2, 1),
    "Host": Host("available", False),
    "Context": Context("9.0", UNABLE, incoming=True, parameters={"tls-creds": "x"}),
    "MemoryReport": REPORT.memory[0],
    "HostReport": REPORT,
    "Diagnosis": pymig.Diagnosis("w", "unknown", {"a": "b"}, "r"),
    "ReleaseDifference": pymig.diff("8.0", "8.1"),
}
OTHERS = {
    "local Host": Host.local(),
    "Checker": Checker(Context("10.0", UNABLE, incoming=True)),
    "MigrationState": MigrationState(Context("10.0", UNABLE, incoming=True)),
}
EVERYTHING = {**VALUES, **OTHERS}


def attributes(instance):
    return [name for name in dir(type(instance)) if not name.startswith("__")]


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_second_init_changes_nothing(name):
    instance = EVERYTHING[name]
    before = repr(instance)
    for arguments in ((), (1,), ("x", 2)):
        with contextlib.suppress(TypeError):
            instance.__init__(*arguments)
    assert repr(instance) == before


@pytest.mark.parametrize("name", EVERYTHING)
def test_no_attribute_can_be_assigned_or_deleted(name):
    instance = EVERYTHING[name]
    for attribute in [*attributes(instance), "__class__", "new"]:
        if name == "MigrationState" and attribute == "status":
            continue
        with pytest.raises((AttributeError, TypeError)):
            setattr(instance, attribute, None)
        with pytest.raises((AttributeError, TypeError)):
            delattr(instance, attribute)


@pytest.mark.parametrize("name", VALUES)
def test_values_are_equal_to_their_copies(name):
    value = VALUES[name]
    for other in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert other == value
        assert type(other) is type(value)
        assert repr(other) == repr(value)
        assert hash(other) == hash(value)


def test_a_checker_travels_with_its_context():
    checker = OTHERS["Checker"]
    other = pickle.loads(pickle.dumps(checker))
    assert other.context == checker.context
    assert repr(other) == repr(checker)
    assert other.check(["postcopy-ram"]).message == checker.check(["postcopy-ram"]).message


def test_a_local_host_travels_as_what_it_answered():
    host = pickle.loads(pickle.dumps(Host.local()))
    assert host.postcopy == Host.local().postcopy
    assert host == pickle.loads(pickle.dumps(host))


def test_a_state_stays_where_it_is():
    for function in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="can't be"):
            function(OTHERS["MigrationState"])


@pytest.mark.parametrize("name", ["Host", "Checker", "MigrationState"])
def test_weak_references(name):
    instance = {
        "Host": lambda: Host("available"),
        "Checker": lambda: Checker(host=ABLE),
        "MigrationState": lambda: MigrationState(host=ABLE),
    }[name]()
    reference = weakref.ref(instance)
    assert reference() is instance
    del instance
    gc.collect()
    assert reference() is None


def test_a_host_outlives_its_python_object():
    """Checkers and states keep the host's C object alive, even if the Host is gone."""
    checkers = [Checker("10.0", Host("absent", PostcopySupport(False, 2, 1)), incoming=True) for _ in range(50)]
    states = [MigrationState("10.0", Host("absent", PostcopySupport(False, 2, 1)), incoming=True) for _ in range(50)]
    gc.collect()
    ballast = [Host() for _ in range(200)]
    for checker in checkers:
        object.__setattr__(checker, "host", ballast[0])
        gc.collect(0)
        assert checker.check(["background-snapshot"]).rule == "background-snapshot/kernel"
        assert checker.check(["postcopy-ram"]).message.endswith("Operation not permitted")
    for state in states:
        object.__setattr__(state, "host", ballast[0])
        with pytest.raises(pymig.CapabilityError, match="not supported by host kernel"):
            state.set_capability("background-snapshot", True)


def test_verdicts_outlive_their_checker():
    verdicts = Checker("10.0", Host(postcopy=PostcopySupport(False, 2, 1)), incoming=True).verdicts
    gc.collect()
    [Host() for _ in range(200)]
    assert verdicts[3].message == "Postcopy is not supported: Userfaultfd not available: Operation not permitted"


def test_subclasses_keep_every_rule():
    class Mine(MigrationState):
        pass

    assert type(Mine("8.0", ABLE)) is Mine
    with pytest.raises(AttributeError, match=r"QEMU 8\.0 has no migrate_mapped_ram"):
        getattr(Mine("8.0", ABLE), "mapped_ram")  # noqa: B009
    assert Mine("9.0", ABLE).mapped_ram is False
    assert type(MigrationState("8.0", ABLE)) is MigrationState


@pytest.mark.parametrize("kind", [type(value) for value in EVERYTHING.values()], ids=lambda kind: kind.__name__)
def test_objects_that_were_never_made(kind):
    """Every attribute and method works or raises an exception; none accesses invalid memory."""
    empty = object.__new__(kind)
    for name in [*attributes(empty), "__repr__", "__len__", "__iter__", "__hash__", "__bool__"]:
        try:
            attribute = getattr(empty, name)
            if callable(attribute):
                attribute()
        except (AttributeError, TypeError, ValueError, KeyError):
            pass


def test_threads_that_race_for_the_first_verdict():
    """One object per rule and context. Get-then-set would sometimes create two."""
    for _ in range(100):
        checker = Checker("10.0", UNABLE, incoming=True)
        start, seen = threading.Barrier(8), []

        def ask(checker=checker, start=start, seen=seen):
            start.wait()
            seen.append(checker.check(["postcopy-ram"]))
            seen.append(checker.explain(["postcopy-ram"])[0])

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(verdict) for verdict in seen}) == 1


def test_threads_that_race_construction():
    start, made = threading.Barrier(8), []

    def make():
        start.wait()
        for release in QemuBuild.releases():
            made.append(Checker(release, ABLE).check(["multifd", "events"]))
            made.append(MigrationState(release, ABLE).multifd)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8 * 2 * len(QemuBuild.releases())


AT_EXIT = """
import pymig
class Last:
    def __init__(self):
        self.host = pymig.Host.local()
        self.checker = pymig.Checker(host=self.host, incoming=True)
        self.state = pymig.MigrationState(host=self.host)
    def __del__(self):
        self.checker.check(["postcopy-ram"]); self.state.multifd; self.host.refresh()
last = Last()
last.itself = last
"""

SUBINTERPRETER = """
try:
    import _interpreters as interpreters
    run = interpreters.run_string
    kind = interpreters.create
except ImportError:
    import _xxsubinterpreters as interpreters
    # In 3.12 an isolated one that can't load an extension module leaves its memory to that module.
    run, kind = interpreters.run_string, lambda: interpreters.create(isolated=False)
import pymig
for _ in range(3):
    one = kind()
    try:
        run(one, "import pymig; pymig.check(['multifd'], host=pymig.Host())")
    except Exception as error:
        print(type(error).__name__)
    interpreters.destroy(one)
print(pymig.check(["multifd"], host=pymig.Host()).ok)
"""


@pytest.mark.parametrize("program", [AT_EXIT, SUBINTERPRETER], ids=["at exit", "in a subinterpreter"])
def test_the_process_ends_well(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    if program is SUBINTERPRETER:
        assert done.stdout.splitlines()[-1] == "True"
