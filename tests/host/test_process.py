# SPDX-License-Identifier: GPL-2.0-or-later

"""Host.of_process: a real QEMU in real surroundings, asked about from outside, then asked over QMP."""

import contextlib
import errno
import functools
import json
import mmap
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

import pytest

import pymig
from pymig import Checker, Host, Memory, QemuBuild
from pymig.host.place import memory_of, qemu_processes
from tests import machine
from tests.conftest import run_in_child, set_or_skip
from tests.host import faults
from tests.live.conftest import QEMUMonitorProtocol, event_loop

BINARY = shutil.which(os.environ.get("PYMIG_QEMU", "qemu-system-x86_64"))
NOBODY, GROUP = 65534, 64000
KILLED = 4095  # PYMIG_ERROR_KILLED

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make surroundings and to take them on"),
    pytest.mark.skipif(BINARY is None, reason="needs a real QEMU: qemu-system-x86_64"),
    pytest.mark.usefixtures("closed_userfaultfd"),  # which also keeps another run from opening it meanwhile
]


def nobody(*groups):
    return lambda: faults.become(NOBODY, *groups)


def device(mode, group=0):
    return lambda: machine.own_device(mode, group)


def small_limits():
    for name in (resource.RLIMIT_MEMLOCK, resource.RLIMIT_FSIZE):
        resource.setrlimit(name, (1 << 16, 1 << 16))


def no_capabilities():
    for capability in range(41):
        with contextlib.suppress(OSError):
            machine.call("prctl", 24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
    faults.become(0)
    machine.call("prctl", 8, 0, 0, 0, 0)  # PR_SET_KEEPCAPS
    machine.call("prctl", 28, 1 << 0 | 1 << 2, 0, 0, 0)  # PR_SET_SECUREBITS: root gains nothing by execve


def ambient_ptrace(bits=0):
    """A user whom execve leaves CAP_SYS_PTRACE, with these securebits."""
    one, setting = 1 << 19, 1 << 8  # CAP_SYS_PTRACE, CAP_SETPCAP
    machine.call("prctl", 8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
    faults.become(NOBODY)
    faults.set_capabilities(one | setting, inheritable=one)
    machine.call("prctl", 47, 2, 19, 0, 0)  # PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE
    machine.call("prctl", 28, bits, 0, 0, 0)


NOROOT, NO_SETUID_FIXUP, KEEP_CAPS, NO_AMBIENT = (1 << bit for bit in (0, 2, 4, 6))  # securebits
LOCKED = 0b11  # times one of them: beside each is one that locks it

REFUSE, KILL = (lambda: faults.refuse(faults.USERFAULTFD, faults.EPERM)), (lambda: faults.kill(faults.USERFAULTFD))

# Each: what is done to QEMU before it starts, and its further arguments.
SURROUNDINGS = {
    "root": ([], []),
    "root without the device": ([faults.hide_device], []),
    "root without capabilities": ([no_capabilities], []),
    "root without capabilities or device": ([faults.hide_device, no_capabilities], []),
    "a user": ([nobody()], []),
    "a user, the device for all": ([device(0o666), nobody()], []),
    "a user, the device for its group": ([device(0o660, GROUP), nobody(GROUP)], []),
    "a user, the device for another group": ([device(0o660, GROUP), nobody()], []),
    "a user without the device": ([faults.hide_device, nobody()], []),
    "a user with CAP_SYS_PTRACE": ([faults.hide_device, ambient_ptrace], []),
    "a user with CAP_SYS_PTRACE and locked securebits": (
        [faults.hide_device, lambda: ambient_ptrace((NOROOT | NO_SETUID_FIXUP | NO_AMBIENT) * LOCKED)],
        [],
    ),
    "a user namespace": ([nobody(), faults.own_user_namespace], []),
    "a user namespace with the device": ([device(0o666), nobody(), faults.own_user_namespace], []),
    "a filter: EPERM": ([faults.hide_device, REFUSE], []),
    "a filter: ENOSYS": ([faults.hide_device, lambda: faults.refuse(faults.USERFAULTFD, faults.ENOSYS)], []),
    "a filter that kills": ([faults.hide_device, KILL], []),
    "a filter and the device": ([REFUSE], []),
    "two filters": ([faults.hide_device, lambda: faults.refuse(faults.MUNLOCKALL, faults.EPERM), REFUSE], []),
    "a filter that refuses UFFDIO_API": (
        [lambda: faults.refuse_ioctl(faults.REQUESTS["UFFDIO_API"], faults.EPERM)],
        [],
    ),
    "a filter that refuses munlockall": ([lambda: faults.refuse(faults.MUNLOCKALL, faults.EPERM)], []),
    "-sandbox on": ([], ["-sandbox", "on"]),
    "-sandbox on, everything denied": (
        [],
        ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ),
    "-sandbox on, everything denied, a user": (
        [nobody()],
        ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ),
    "a filter below -sandbox on": ([faults.hide_device, REFUSE], ["-sandbox", "on,spawn=deny"]),
    "small limits": ([small_limits], []),
    "small limits, a user": ([small_limits, device(0o666), nobody()], []),
}


@contextlib.contextmanager
def qemu_in(surroundings, *arguments):
    """A QEMU with a small guest, and its monitor."""
    ours, theirs = socket.socketpair()
    monitor = ["-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control"]
    plain = ["-machine", "pc", "-accel", "tcg", "-m", "16", "-nodefaults", "-display", "none", "-S"]
    parent = os.getpid()

    def surround():
        for change in surroundings:
            change()
        machine.end_with(parent)  # at last: a change of the user makes the kernel forget it

    with tempfile.TemporaryFile("w+") as log, ours, event_loop():
        with theirs:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "pass_fds": [theirs.fileno()]}
            streams["env"] = machine.environment_of_others()
            streams["preexec_fn"] = surround
            process = subprocess.Popen([BINARY, *plain, *monitor, *arguments], **streams)
        try:
            qmp = QEMUMonitorProtocol(ours)
            qmp.settimeout(30)
            qmp.connect()
            try:
                yield process.pid, qmp
            finally:
                with contextlib.suppress(Exception):  # where QEMU died
                    qmp.close()
        finally:
            process.kill()
            process.wait()


def answer(qmp, name):
    """QEMU's text; "" if it accepts; None if it dies."""
    changes = {"capabilities": [{"capability": name, "state": True}]}
    try:
        reply = qmp.cmd_raw("migrate-set-capabilities", changes)
    except Exception:
        return None
    return reply["error"]["desc"] if "error" in reply else ""


def visible(pid):
    """What must not change about a process that is asked about."""
    files = {name: Path(f"/proc/{pid}/{name}").read_text() for name in ("cgroup", "maps", "limits")}
    kept = ("TracerPid", "Uid", "Gid", "Groups", "SigPnd", "SigBlk", "SigIgn", "SigCgt", "Cap", "NoNewPrivs", "Seccomp")
    status = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(kept)]
    return files, status, sorted(os.listdir(f"/proc/{pid}/fd"))


def settled(pid):
    """The same, once it does not change by itself."""
    before, deadline = None, time.monotonic() + 10
    while (now := visible(pid)) != before and time.monotonic() < deadline:
        before = now
        time.sleep(0.1)
    return now


@functools.cache
def build():
    """The QEMU, asked once."""
    return QemuBuild.from_binary(BINARY)


def prediction(host, name, *, incoming):
    """What pymig says that QEMU will say; None: it dies."""
    if incoming and host.postcopy.errno == KILLED:
        return None
    return Checker(build(), host, incoming=incoming).check([name]).message


@pytest.mark.parametrize("incoming", [False, True], ids=["background-snapshot", "postcopy-ram"])
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_the_answer_is_qemus(name, incoming):
    surroundings, arguments = SURROUNDINGS[name]
    with qemu_in(surroundings, *arguments, *(["-incoming", "defer"] if incoming else [])) as (pid, qmp):
        before = settled(pid)
        host = Host.of_process(pid)
        assert host.incomplete == ()
        assert visible(pid) == before
        capability = "postcopy-ram" if incoming else "background-snapshot"
        predicted = prediction(host, capability, incoming=incoming)
        if not incoming and host.postcopy.errno == KILLED and host.write_tracking != "compatible":
            predicted = None
        assert predicted == answer(qmp, capability)


@contextlib.contextmanager
def cgroup_in(kind, controller=""):
    """A cgroup of this kind of hierarchy, with a controller."""
    version_2 = kind == "cgroup2"
    mount = machine.cgroup_mount(kind, "" if version_2 else controller)
    if mount is None:
        pytest.skip(f"this machine has no hierarchy {kind} {controller}".rstrip())
    made = machine.cgroup(mount / f"pymig-{uuid.uuid4().hex}", controller if version_2 else "")
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(made)
        except OSError as error:
            pytest.skip(str(error))
        yield folder


# A cgroup that denies the device; where QEMU is in it; and what allows the device.
@contextlib.contextmanager
def denied_by_version_1():
    number = machine.DEVICE.stat().st_rdev
    rule = f"c {os.major(number)}:{os.minor(number)} rwm"
    with cgroup_in("cgroup", "devices") as folder:
        (folder / "devices.deny").write_text(rule)
        yield folder, folder, lambda: (folder / "devices.allow").write_text(rule)


@contextlib.contextmanager
def denied_by_program():
    with cgroup_in("cgroup2") as folder, faults.denied_device(folder, machine.DEVICE.stat().st_rdev) as allow:
        yield folder, folder, allow


@contextlib.contextmanager
def denied_by_program_above():
    """As libvirt has it: QEMU's main thread is in a threaded cgroup below the one with the program."""
    with denied_by_program() as (folder, _, allow):
        (folder / "emulator").mkdir()
        (folder / "emulator/cgroup.type").write_text("threaded")
        yield folder, folder / "emulator", allow


DENIALS = {
    "version 1": denied_by_version_1,
    "version 2": denied_by_program,
    "version 2, libvirt's threads": denied_by_program_above,
}


def join(cgroup):
    """What puts QEMU there. It has no capabilities, so nothing but the device could give it a userfaultfd."""
    return [lambda: (cgroup / "cgroup.procs").write_text("0"), no_capabilities]


@pytest.mark.parametrize("incoming", [False, True], ids=["background-snapshot", "postcopy-ram"])
@pytest.mark.parametrize("denial", DENIALS)
def test_a_cgroup_that_denies_the_device(denial, incoming):
    arguments = ["-incoming", "defer"] if incoming else []
    with DENIALS[denial]() as (folder, cgroup, allow), qemu_in(join(cgroup), *arguments) as (pid, qmp):
        before = settled(pid), Path("/proc/self/cgroup").read_text()
        report = pymig.probe(pid=pid)
        assert report.device_errno == errno.EPERM
        assert report.incomplete == ()
        (entry,) = (entry for entry in report.diagnosis if entry.cause == "device-cgroup")
        assert str(cgroup) in entry.evidence["cgroup"]
        capability = "postcopy-ram" if incoming else "background-snapshot"
        assert prediction(report.host, capability, incoming=incoming) == answer(qmp, capability)
        assert (visible(pid), Path("/proc/self/cgroup").read_text()) == before
        assert (folder / "cgroup.procs").read_text().split() == [str(pid)]
        assert "allow it in the cgroup" in entry.remedy
        allow()
        after = pymig.probe(pid=pid)
        assert (after.userfaultfd, after.diagnosis) == ("device", ())


CGROUPS = Path("/sys/fs/cgroup")


def cover_cgroups():
    machine.own_mounts()
    machine.mount("none", CGROUPS, "tmpfs")


def show_cgroups(path, part):
    """They are covered, and this part of the hierarchy is at another path below."""
    machine.own_mounts()
    held = os.open(part, os.O_PATH)
    machine.mount("none", CGROUPS, "tmpfs")
    (CGROUPS / path).mkdir(exist_ok=True)
    machine.mount(f"/proc/self/fd/{held}", CGROUPS / path, flags=machine.MS_BIND)
    os.close(held)


# How the machine looks to the one who asks. `folder` is QEMU's cgroup.
LAYOUTS = {
    "as it is": lambda _: None,
    "unified": lambda folder: show_cgroups("", folder.parent),
    "hybrid": lambda folder: show_cgroups("unified", folder.parent),
    "elsewhere": lambda folder: show_cgroups("a \\ b", folder.parent),
    "a part": lambda folder: show_cgroups("part", folder),
    "another part": lambda folder: show_cgroups("part", folder / "other"),
    "not mounted": lambda _: cover_cgroups(),
}


@pytest.fixture(scope="module")
def qemu_in_a_cgroup():
    """A QEMU that a device program denies the device; its number, its cgroup, and its answer."""
    with denied_by_program() as (folder, *_), qemu_in(join(folder)) as (pid, qmp):
        (folder / "other").mkdir()
        yield pid, folder, answer(qmp, "background-snapshot")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_wherever_cgroups_are_mounted(qemu_in_a_cgroup, layout):
    pid, folder, said = qemu_in_a_cgroup

    def ask():
        LAYOUTS[layout](folder)
        return Host.of_process(pid)

    host = run_in_child(ask)
    assert host.incomplete == ()
    assert prediction(host, "background-snapshot", incoming=False) == said != ""


def test_cgroups_that_nobody_has_mounted():
    def ask(pid):
        cover_cgroups()
        machine.mount("none", "/proc/1", "tmpfs")
        return Host.of_process(pid)

    with denied_by_program() as (folder, *_), qemu_in([*join(folder), cover_cgroups]) as (pid, _):
        assert run_in_child(ask, pid).incomplete == (("cgroup", errno.ENOENT),)


def test_a_frozen_cgroup():
    """Who joins it would be stopped, too."""
    with cgroup_in("cgroup2") as folder, running(*join(folder)) as pid:
        (folder / "cgroup.freeze").write_text("1")
        while "frozen 1" not in (folder / "cgroup.events").read_text():
            time.sleep(0.01)
        assert Host.of_process(pid).incomplete == (("cgroup", errno.EBUSY),)
        (folder / "cgroup.freeze").write_text("0")
        assert Host.of_process(pid).incomplete == ()


def test_outside_of_the_cgroup_namespace(qemu_in_a_cgroup):
    """A kernel that delegates to namespaces (nsdelegate) does not let it join, and says ENOENT."""
    pid, folder, said = qemu_in_a_cgroup

    def ask():
        machine.call("unshare", 0x02000000)  # CLONE_NEWCGROUP
        return Host.of_process(pid)

    with machine.cgroup(folder.with_name(f"{folder.name}-own")) as own:
        host = run_in_child(lambda: ((own / "cgroup.procs").write_text("0"), ask())[1])
    if host.incomplete:
        assert host.incomplete == (("cgroup", errno.ENOENT),)
    else:
        assert prediction(host, "background-snapshot", incoming=False) == said


def test_what_it_must_not_stop():
    with qemu_in([], "-sandbox", "on") as (pid, _):
        host = Host.of_process(pid, ptrace=False)
        assert host.incomplete == (("seccomp filters", errno.ECANCELED),)
        assert Host.from_json(host.to_json()).incomplete == host.incomplete
        os.kill(pid, signal.SIGSTOP)
        assert Host.of_process(pid).incomplete == ()
        assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        os.kill(pid, signal.SIGCONT)
    assert Host.of_process(os.getpid()).incomplete == ()


def test_nothing_is_left():
    with qemu_in([nobody()], "-sandbox", "on,spawn=deny") as (pid, _):
        before = visible(os.getpid()), settled(pid)
        longest = 0
        for _ in range(100):
            report = pymig.probe(pid=pid)
            longest = max(longest, report._place.c.stopped)
        assert 0 < longest < 1_000_000_000
        ours, theirs = visible(os.getpid()), visible(pid)
        assert (ours[2], theirs) == (before[0][2], before[1])
        assert os.waitpid(-1, os.WNOHANG | 0x40000000) == (0, 0)  # __WALL: no child has ended; QEMU is one


COUNT_SIGNALS = """
import os, signal, sys
from tests import machine
from tests.conftest import run_in_child, set_or_skip
from tests.host import faults
machine.end_with(os.getppid())
faults.refuse(faults.MUNLOCKALL, faults.EPERM)
got = 0
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
def count(*_):
    global got
    got += 1
signal.signal(signal.SIGUSR1, count)
print(flush=True)
while signal.SIGTERM not in signal.sigpending():
    signal.sigtimedwait([signal.SIGTERM], 0.001)
    if got and got == int(sys.argv[1]):
        break
print(got)
"""


def test_no_signal_is_lost():
    """Each one is sent when the one before has arrived, so that none is merged with another."""
    count = 300
    command = [sys.executable, "-c", COUNT_SIGNALS, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as counter:
        counter.stdout.read(1)
        done = threading.Event()

        def ask():
            while not done.is_set():
                with contextlib.suppress(ProcessLookupError):
                    Host.of_process(counter.pid)

        thread = threading.Thread(target=ask)
        thread.start()
        for _ in range(count):
            os.kill(counter.pid, signal.SIGUSR1)
            while has_pending(counter.pid, signal.SIGUSR1):
                time.sleep(0.0005)
            time.sleep(0.001)
        done.set()
        thread.join()
        counter.terminate()
        assert int(counter.stdout.read()) == count


def has_pending(pid, number):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return any(int(line.split()[1], 16) >> (number - 1) & 1 for line in lines if line.startswith(("SigPnd", "ShdPnd")))


def test_a_process_that_is_traced_already():
    with qemu_in([], "-sandbox", "on") as (pid, _):
        tracer = os.fork()
        if tracer == 0:
            machine.call("ptrace", 0x4206, pid, None, None)  # PTRACE_SEIZE
            time.sleep(30)
            os._exit(0)
        try:
            deadline = time.monotonic() + 10
            while "TracerPid:\t0" in Path(f"/proc/{pid}/status").read_text() and time.monotonic() < deadline:
                time.sleep(0.01)
            assert Host.of_process(pid).incomplete == (("seccomp filters", errno.EBUSY),)
        finally:
            os.kill(tracer, signal.SIGKILL)
            os.waitpid(tracer, 0)


def test_processes_that_are_none():
    with subprocess.Popen(["true"]) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        for pid in (zombie.pid, 1 << 30, 0, -1):
            with pytest.raises(ProcessLookupError, match=str(pid)):
                Host.of_process(pid)
    for wrong in ("1", True, None):
        with pytest.raises(TypeError, match="pid must be an int"):
            Host.of_process(wrong)


def unprivileged(function):
    """The text that a function returns in a child of an unprivileged user, or that of its exception."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        faults.become(NOBODY)
        try:
            said = function()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def test_without_privileges():
    with qemu_in([]) as (pid, _):
        said = unprivileged(lambda: Host.of_process(pid).to_json())
        assert said.startswith("PermissionError")
        assert all(name in said for name in ("CAP_SETUID", "CAP_SETGID", "CAP_SYS_PTRACE"))
    own = unprivileged(lambda: str(Host.of_process(os.getpid()).postcopy == Host.local().postcopy))
    assert own == "True"


@pytest.mark.parametrize(
    "bits, is_named",
    [(NOROOT * LOCKED, False), (NO_SETUID_FIXUP * LOCKED, False), (NO_AMBIENT * LOCKED, False), (KEEP_CAPS << 1, True)],
    ids=["NOROOT", "NO_SETUID_FIXUP", "NO_CAP_AMBIENT_RAISE", "no KEEP_CAPS"],
)
@pytest.mark.parametrize("name", ["a user without the device", "a user with CAP_SYS_PTRACE"])
def test_securebits_of_the_one_who_asks(name, bits, is_named):
    """They are in the way only where it can't keep its capabilities when it becomes the user."""

    def ask(pid):
        machine.call("prctl", 28, bits, 0, 0, 0)
        return Host.of_process(pid)

    with qemu_in(SURROUNDINGS[name][0]) as (pid, qmp):
        host = run_in_child(ask, pid)
        assert bool(host.incomplete) == is_named
        said = prediction(host, "background-snapshot", incoming=False)
        assert is_named or said == answer(qmp, "background-snapshot")


def test_a_user():
    assert Host.of_user("root").postcopy
    expected = unprivileged(lambda: Host.local().to_json())
    assert Host.of_user(NOBODY) == Host.of_user("nobody") == Host.from_json(expected)
    with pytest.raises(ValueError, match="user must be a user of this machine"):
        Host.of_user("no-such-user")
    with pytest.raises(ValueError, match="together"):
        pymig.probe(pid=1, user="root")


def test_where_a_child_cannot_be_waited_for():
    """As under Docker's filters before pidfd_open was known."""

    def ask():
        faults.refuse(faults.CALLS["pidfd_open"], errno.ENOSYS)
        with pytest.raises(OSError, match="Function not implemented"):
            Host.of_user(NOBODY)

    run_in_child(ask)


@pytest.mark.parametrize(
    "options, memory",
    [
        ([], [Memory()]),
        (["-object", "memory-backend-ram,id=a,size=16M"], [Memory(size=16 << 20)]),
        (
            ["-object", '{"qom-type":"memory-backend-memfd","id":"a","size":16777216,"share":true}'],
            [Memory("memfd", share=True, size=16 << 20)],
        ),
        (["-object", "rng-random,id=r"], [Memory()]),
    ],
)
def test_memory_on_the_command_line(options, memory):
    with qemu_in([], *options) as (pid, _):
        assert list(memory_of(pid)) == memory
        assert pid in qemu_processes()


def checked(pid, name, *options):
    """The result of one check of pymig probe in the place of a process: its status and what was found."""
    words = [sys.executable, "-m", "pymig", "probe", "--json", "--only", name, "--pid", str(pid), *options]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    (question,) = json.loads(done.stdout)["questions"]
    return question["status"], question["detail"]


@contextlib.contextmanager
def running(*surroundings):
    """A process other than QEMU in these surroundings."""

    parent = os.getpid()

    def surround():
        for one in surroundings:
            one()
        machine.end_with(parent)  # at last, as above

    streams = {"stdout": subprocess.PIPE, "preexec_fn": surround, "env": machine.environment_of_others()}
    with subprocess.Popen(["sh", "-c", "echo; exec sleep 60"], **streams) as process:
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


RDMA_NODES = "/dev/infiniband/uverbs* and rdma_cm"


@pytest.mark.parametrize(
    "surroundings, zero_copy, rdma",
    [
        ([], ("PASS", "SO_ZEROCOPY"), None),
        ([lambda: faults.own_rdma_nodes(0o666), nobody()], None, ("PASS", RDMA_NODES)),
        (
            [lambda: faults.own_rdma_nodes(0o600), nobody()],
            None,
            ("WARN", f"{RDMA_NODES} can't be opened: Permission denied"),
        ),
        (
            [lambda: faults.refuse(faults.SETSOCKOPT, faults.EPERM)],
            ("WARN", "SO_ZEROCOPY: Operation not permitted"),
            None,
        ),
        ([lambda: faults.kill(faults.SETSOCKOPT)], ("WARN", "SO_ZEROCOPY: Bad system call"), None),
    ],
    ids=["plain", "RDMA nodes for all", "RDMA nodes for root", "a filter: EPERM", "a filter that kills"],
)
def test_what_a_transport_needs(surroundings, zero_copy, rdma):
    """QEMU uses sockets itself."""
    with running(*surroundings) as pid:
        assert zero_copy in (None, checked(pid, "zero-copy"))
        assert rdma in (None, checked(pid, "rdma"))


def limit_locked_memory(pid, size):
    """Sets the soft limit only: not everyone who is root may raise the hard one again."""
    resource.prlimit(pid, resource.RLIMIT_MEMLOCK, (size, resource.prlimit(pid, resource.RLIMIT_MEMLOCK)[1]))


def test_locked_memory_of_a_guest():
    memory = ("--memory", "memory-backend-ram,size=4M")
    with qemu_in([no_capabilities]) as (pid, _):
        limit_locked_memory(pid, 4 << 20)
        assert checked(pid, "memlock", *memory) == ("PASS", "RLIMIT_MEMLOCK = 4194304; the guest has 4194304")
        limit_locked_memory(pid, 65536)
        assert checked(pid, "memlock")[0] == "WARN"
        status, detail = checked(pid, "memlock", *memory)
        assert status == "WARN"
        assert detail.startswith("RLIMIT_MEMLOCK = 65536; the guest has 4194304, all of which may be locked")
        subprocess.run(detail.partition("to raise it: ")[2].split(), check=True)
        assert checked(pid, "memlock", *memory)[0] == "PASS"
    with qemu_in([]) as (pid, _):
        limit_locked_memory(pid, 65536)
        assert checked(pid, "memlock") == ("PASS", "RLIMIT_MEMLOCK = 65536, but CAP_IPC_LOCK lifts it")


OPTMEM_MAX = Path("/proc/sys/net/core/optmem_max")


def own_network(optmem_max):
    machine.call("unshare", 0x40000000)  # CLONE_NEWNET
    OPTMEM_MAX.write_text(str(optmem_max))


def test_another_network_namespace():
    own = OPTMEM_MAX.read_text()
    try:
        run_in_child(own_network, 4096)
    except AssertionError as error:
        pytest.skip(f"needs an optmem_max for each network namespace (Linux 6.9): {error}")

    def ask_without_the_right_to(pid):
        machine.call("prctl", 24, 21, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_SYS_ADMIN
        return checked(pid, "optmem")

    with running(lambda: own_network(4096), no_capabilities) as pid:
        assert checked(pid, "optmem") == ("WARN", "net.core.optmem_max = 4096")
        assert checked(os.getpid(), "optmem")[1] == f"net.core.optmem_max = {own.strip()}"
        status, detail = run_in_child(ask_without_the_right_to, pid)
        assert status == "ERROR"
        assert detail.startswith("it is of the network namespace: Operation not permitted; to ask there: nsenter --net")
        words = detail.partition("to ask there: ")[2].split()
        assert words[: words.index("pymig")] == ["nsenter", "--net", "--target", str(pid)]
    assert OPTMEM_MAX.read_text() == own


HUGE = 2 << 20
POOL = machine.HUGE_PAGES / "hugepages-2048kB"
ON_HUGE_PAGES = ["-m", "4", "-machine", "memory-backend=a"]
ON_HUGE_PAGES += ["-object", "memory-backend-memfd,id=a,size=4M,hugetlb=on,hugetlbsize=2M,share=on,prealloc=on"]


@pytest.fixture
def huge_pages(say):
    """A function that sets the number of huge pages of 2 MiB."""
    if not POOL.exists():
        pytest.skip("needs huge pages of 2 MiB")
    with machine.held(POOL / "nr_hugepages", POOL, say) as pages:
        yield lambda count: set_or_skip(pages, count)


def test_a_guest_that_has_all_huge_pages(huge_pages):
    """No page need be free: QEMU registers those that the guest has."""
    huge_pages(2)
    with qemu_in([], *ON_HUGE_PAGES) as (pid, qmp):
        assert (POOL / "free_hugepages").read_text() == "0\n"
        host = Host.of_process(pid)
        assert prediction(host, "background-snapshot", incoming=False) == ""
        assert answer(qmp, "background-snapshot") == ""
        assert checked(pid, "huge-pages")[0] == "WARN"


def can_have(pages):
    """Whether this process can have that many huge pages, touched."""
    try:
        with mmap.mmap(
            -1, pages * HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000
        ) as memory:  # MAP_HUGETLB
            memory.madvise(23)  # MADV_POPULATE_WRITE
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "kind, limit",
    [
        ("cgroup2", "max"),
        ("cgroup2", "rsvd.max"),
        ("cgroup", "limit_in_bytes"),
        ("cgroup", "rsvd.limit_in_bytes"),
    ],
)
def test_a_limit_of_huge_pages(huge_pages, kind, limit):
    """What is left is what a process there can have, and no more."""
    huge_pages(8)
    with cgroup_in(kind, "hugetlb") as folder:
        file = folder / f"hugetlb.2MB.{limit}"
        file.write_text(str(5 * HUGE))
        enter = [lambda: (folder / "cgroup.procs").write_text("0")]
        with qemu_in(enter, *ON_HUGE_PAGES) as (pid, _):
            status, detail = checked(pid, "huge-pages")
            assert status == "PASS"
            assert f"3 of 2048kB because of {file}" in detail
            assert run_in_child(lambda: (enter[0](), can_have(3), can_have(4))[1:]) == (True, False)
            file.write_text(str(2 * HUGE))  # what QEMU has
            assert f"0 of 2048kB because of {file}" in checked(pid, "huge-pages")[1]
            assert Host.of_process(pid).write_tracking == "compatible"
            assert "6 of 2048kB" in checked(os.getpid(), "huge-pages")[1]


def test_a_remedy_for_a_limit_of_huge_pages(huge_pages):
    huge_pages(2)
    with cgroup_in("cgroup2", "hugetlb") as folder:
        file = folder / "hugetlb.2MB.rsvd.max"

        def ask():
            (folder / "cgroup.procs").write_text("0")
            return pymig.probe([Memory("memfd", share=True, page_size=HUGE)])

        file.write_text("0")
        (entry,) = run_in_child(ask).diagnosis
        assert (entry.cause, entry.remedy) == ("hugepages-unavailable", f"raise {file}")
        file.write_text("max")
        assert run_in_child(ask).diagnosis == ()


def test_from_several_threads():
    wrong = []
    with qemu_in([nobody()], "-sandbox", "on") as (pid, _):
        expected = Host.of_process(pid)

        def ask():
            wrong.extend(host for _ in range(10) if (host := Host.of_process(pid)) != expected or host.incomplete)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_in_a_child_that_ignores_its_children():
    """SIGCHLD is ignored there, so that an ordinary child would be reaped by the kernel."""
    signals = []

    def ask():
        signal.signal(signal.SIGCHLD, lambda *_: signals.append(1))
        one = Host.of_process(os.getpid())
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        return f"{one == Host.of_process(os.getpid())} {signals}"

    assert unprivileged(ask) == "True []"


def test_with_few_descriptors():
    """With none free, one, and so on: the lack of descriptors is said, and what is asked next is right."""

    def ask(pid):
        expected, before = Host.of_process(pid), len(os.listdir("/proc/self/fd"))
        lowest_free = os.dup(0)
        os.close(lowest_free)
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        said = []
        for spare in range(20):
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + spare, most))
            said.append(outcome(pid, expected))
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        return said, Host.of_process(pid) == expected and len(os.listdir("/proc/self/fd")) == before

    def outcome(pid, expected):
        try:
            host = Host.of_process(pid)
        except OSError as error:
            return error.errno
        if host.incomplete:
            return {number for _, number in host.incomplete}
        return "right" if host == expected else host.to_json()

    with qemu_in([nobody()], "-sandbox", "on") as (pid, _):
        said, right_afterwards = run_in_child(ask, pid)
    assert right_afterwards
    assert said[:2] == [errno.EMFILE, errno.EMFILE]
    assert [each for each in said if each not in (errno.EMFILE, {errno.EMFILE}, "right")] == []
    assert said[-1] == "right"


ASK_FOR_EVER = "import sys, pymig\nprint(flush=True)\nwhile True: pymig.Host.of_process(int(sys.argv[1]))"


def test_a_caller_that_is_killed():
    with qemu_in([], "-sandbox", "on") as (pid, qmp):
        before = settled(pid)
        for _ in range(30):
            caller = subprocess.Popen([sys.executable, "-c", ASK_FOR_EVER, str(pid)], stdout=subprocess.PIPE)
            with caller:
                caller.stdout.read(1)
                time.sleep(random.random() / 50)
                caller.kill()
        deadline = time.monotonic() + 10
        while children_of_the_killed() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert children_of_the_killed() == []
        assert visible(pid) == before
        assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "SR"
        assert qmp.cmd_raw("query-status")["return"]["status"] == "prelaunch"


def children_of_the_killed():
    """The processes that run ASK_FOR_EVER."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b"while True: pymig.Host.of_process" in path.read_bytes():
                found.append(path.parent.name)
    return found
