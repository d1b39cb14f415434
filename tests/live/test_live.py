"""A live QEMU and pymig give the same answers: Debian's 7.2, whose rules these are."""

import itertools
import random
import shutil

import pytest

from pymig import CapabilitySet, Checker, Host, Memory, MigrationState, QemuBuild
from tests.conftest import NOBODY, message_of, run_in_child
from tests.live.conftest import BINARY, live_qemu

pytestmark = pytest.mark.live

SIDES = {"outgoing": (), "incoming": ("-incoming", "defer")}


@pytest.fixture(scope="module", params=SIDES)
def side(request):
    with live_qemu(*SIDES[request.param]) as qemu:
        yield qemu, request.param == "incoming"


def every_set(names):
    """All single capabilities, all pairs, and 2,000 random sets, the same in every run."""
    yield from itertools.combinations(names, 1)
    yield from itertools.combinations(names, 2)
    chance = random.Random(7202)
    for _ in range(2000):
        yield tuple(name for name in names if chance.random() < chance.choice((0.1, 0.3, 0.6)))


def test_singles_pairs_and_random_sets(side):
    qemu, incoming = side
    names = qemu.capabilities()
    build = QemuBuild.from_binary(shutil.which(BINARY))
    assert names == list(build.capabilities)
    checker = Checker(build, incoming=incoming)
    old, asked, refused = CapabilitySet(), 0, 0
    for chosen in every_set(names):
        answer = qemu.set_capabilities({name: name in chosen for name in names})
        new = CapabilitySet(chosen)
        assert checker.check(new, old).message == answer, (old, new)
        old = old if answer else new
        asked, refused = asked + 1, refused + bool(answer)
    assert asked == 21 + 210 + 2000
    assert refused > 500


@pytest.mark.filterwarnings("ignore::pymig.IgnoredParameterWarning")
def test_parameters(side):
    """Each boundary of each parameter, wrong types included, alone and after one another."""
    qemu, incoming = side
    state = MigrationState(QemuBuild("7.2"), incoming=incoming)
    assert qemu.ask("query-migrate-parameters") == state.query_parameters()
    values = [0, 1, 9, 10, 20, 21, 99, 100, 101, 255, 256, 1000, 1001, 4096, 6000, 10000, 10001, 100000, 100001]
    values += [2000000, 2000001, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -1, -(2**63), -(2**63) - 1]
    values += [1.5, True, False, None, "", "x", "none", "zlib", "zstd", "lz4", [], {}]
    for name, value in itertools.product(state.query_parameters(), values):
        if name == "tls-authz" and value is None:
            continue  # aborts this release of QEMU
        answer = qemu.ask("migrate-set-parameters", **{name: value})
        assert message_of(state.set_parameters, {name: value}) == (answer if isinstance(answer, str) else ""), (
            name,
            value,
        )
    assert qemu.ask("query-migrate-parameters") == state.query_parameters()


def test_which_of_several_faults_is_named(side):
    qemu, incoming = side
    state = MigrationState(QemuBuild("7.2"), incoming=incoming)
    requests = [
        {"compress-level": 10, "announce-max": -5, "multifd-compression": "q"},
        {"multifd-compression": "q", "announce-initial": "s"},
        {"no-such": 1, "compress-level": 300},
        {"max-cpu-throttle": 100, "compress-level": 10, "announce-step": 0},
        {"announce-step": 0, "announce-rounds": 1001, "cpu-throttle-increment": 0},
    ]
    for request in requests:
        assert message_of(state.set_parameters, request) == qemu.ask("migrate-set-parameters", **request)


@pytest.mark.parametrize(
    "request_",
    [
        3,
        None,
        "x",
        [None],
        [[]],
        [{}],
        [{"state": 1}],
        [{"capability": None, "state": True}],
        [{"capability": "x", "state": 1}],
        [{"capability": "multifd", "state": 1, "extra": 2}],
        [{"capability": "multifd", "state": True, "b": 2}],
        [{"capability": "multifd", "state": True}, 3],
        [{"capability": "multifd", "state": True}, {"capability": "compress"}],
    ],
    ids=repr,
)
def test_malformed_lists(side, request_):
    qemu, incoming = side
    state = MigrationState(QemuBuild("7.2"), incoming=incoming)
    assert message_of(state.set_capabilities, request_) == qemu.ask("migrate-set-capabilities", capabilities=request_)
    assert not state.capabilities


@pytest.mark.root
@pytest.mark.parametrize("user", [None, NOBODY], ids=["root", "nobody"])
@pytest.mark.parametrize("side", SIDES)
def test_what_depends_on_the_host(closed_userfaultfd, side, user):
    """background-snapshot and incoming postcopy-ram, as root and without any right to userfaultfd."""
    incoming = side == "incoming"
    memory = ("-object", "memory-backend-ram,id=m0,size=64M", "-machine", "memory-backend=m0")
    with live_qemu(*SIDES[side], *memory, user=user) as qemu:
        for name in ("background-snapshot", "postcopy-ram"):
            expected = qemu.set_capabilities({name: True})
            qemu.set_capabilities({name: False})
            assert run_in_child(ask_here, name, incoming, user=user) == expected
            if user is not None and (name == "background-snapshot" or incoming):
                assert expected, "a process without rights was expected to be refused"


def ask_here(name, incoming):
    return Checker(host=Host.local([Memory()]), incoming=incoming).check([name]).message
