# SPDX-License-Identifier: GPL-2.0-or-later

"""A live QEMU and pymig give the same answers, whatever release it is."""

import itertools
import math
import os
import random
import warnings

import pytest

from pymig import CapabilitySet, Checker, DeprecatedParameterWarning, Host, Memory, MigrationState
from tests.conftest import NOBODY, message_of, run_in_child
from tests.live.conftest import entities_of, enum_of, live_qemu

pytestmark = [
    pytest.mark.live,
    pytest.mark.filterwarnings("ignore::pymig.IgnoredParameterWarning"),
    pytest.mark.filterwarnings("ignore::pymig.DeprecatedParameterWarning"),
]

# QEMU's arguments, and what they are to a Checker.
CIRCUMSTANCES = {
    "outgoing": ((), {}),
    "incoming": (("-incoming", "defer"), {"incoming": True}),
    "incoming, started": (("-incoming", "tcp:127.0.0.1:0"), {"incoming": True, "incoming_started": True}),
    "dirty ring": (("-accel", "kvm,dirty-ring-size=4096"), {"kvm_dirty_ring": True}),
}
SIDES = ("outgoing", "incoming")

RANDOM_SETS, RANDOM_REQUESTS = 1000, 1000


@pytest.fixture(scope="module", params=SIDES)
def side(request):
    return CIRCUMSTANCES[request.param]


@pytest.fixture(scope="module")
def qemu(side):
    with live_qemu(*side[0]) as qemu:
        yield qemu


@pytest.fixture
def state(build, side):
    return MigrationState(build, Host(), **side[1])


def every_set(names):
    """All single capabilities, all pairs, and random sets, the same in every run."""
    yield from itertools.combinations(names, 1)
    yield from itertools.combinations(names, 2)
    chance = random.Random(7202)
    for _ in range(RANDOM_SETS):
        yield tuple(name for name in names if chance.random() < chance.choice((0.1, 0.3, 0.6)))


@pytest.mark.parametrize("name", CIRCUMSTANCES)
def test_singles_pairs_and_random_sets(build, name):
    arguments, circumstances = CIRCUMSTANCES[name]
    if "kvm_dirty_ring" in circumstances and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("needs /dev/kvm")
    checker, names = Checker(build, **circumstances), list(build.capabilities)
    old, asked, refused = CapabilitySet(), 0, 0
    with live_qemu(*arguments) as qemu:
        assert qemu.capabilities() == list(build.listed)
        for chosen in every_set(names):
            new = CapabilitySet(chosen)
            answer = qemu.set_capabilities({name: name in new for name in new ^ old})
            assert checker.check(new, old).message == answer, (old, new)
            old = old if answer else new
            asked, refused = asked + 1, refused + bool(answer)
    assert asked == len(names) + math.comb(len(names), 2) + RANDOM_SETS
    assert refused > RANDOM_SETS / 4


def test_warnings(build):
    checker, state = Checker(build), MigrationState(build, Host())
    with live_qemu() as qemu:
        for name in build.capabilities:
            verdict = checker.check([name])
            assert qemu.set_capabilities({name: True}) == verdict.message
            assert qemu.warnings() == list(verdict.warnings)
            qemu.set_capabilities({name: False})
        for name, value in state.query_parameters().items():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", DeprecatedParameterWarning)
                state.set_parameters({name: value})
            assert qemu.set_parameters({name: value}) == ""
            assert qemu.warnings() == [str(warning.message) for warning in caught]


# Where a check, a type or a unit of some release ends.
EDGES = (0, 1, 9, 20, 99, 100, 255, 1000, 4096, 10**4, 10**5, 2 * 10**6, 2**20, 2**30, 2**32, 2**63, 2**64)
NUMBERS = sorted({edge + step for edge in EDGES for step in (-1, 0, 1)} | {-(2**63), -(2**63) - 1})
WRONG = (1.5, 1.0, True, False, None, "", "x", "NONE", " none", [], {}, [""], ["a", "b"], ["a", 1], [[]])

# tls-authz null aborts these: a series of QEMU, and its first point release that takes it.
ABORTS_ON_NULL = {(7, 2): 7, (8, 0): math.inf, (8, 1): 2}


@pytest.fixture(scope="module")
def values(qemu, version):
    """What each parameter is set to, by its name: each boundary, each word that some parameter takes, wrong types."""
    entities = entities_of(qemu.ask("query-qmp-schema"))
    names = list(qemu.ask("query-migrate-parameters"))
    words = [word for name in names for word in enum_of(entities, "migrate-set-parameters", name)]
    every = {name: [*NUMBERS, *words, *WRONG] for name in names}
    if version[2] < ABORTS_ON_NULL.get(version[:2], 0):
        every["tls-authz"].remove(None)
    return every


def test_parameters(qemu, state, values):
    """Each value of each parameter, one after another."""
    assert qemu.ask("query-migrate-parameters") == state.query_parameters()
    for name in values:
        for value in values[name]:
            request = {name: value}
            assert message_of(state.set_parameters, request) == qemu.set_parameters(request), request
        assert qemu.ask("query-migrate-parameters") == state.query_parameters()


def out_of_range(qemu, values):
    """For each parameter whose range is checked a value that is of the right type and out of it."""
    other_faults = ("uint", "expected:", "does not accept")
    for name in values:
        for value in values[name]:
            answer = qemu.set_parameters({name: value})
            if answer and not any(words in answer for words in other_faults):
                yield name, value
                break


def test_which_of_two_ranges_is_named(qemu, state, values):
    wrong = list(out_of_range(qemu, values))
    assert len(wrong) > 12
    state.set_parameters(qemu.ask("query-migrate-parameters"))
    for pair in itertools.combinations(wrong, 2):
        request = dict(pair)
        assert message_of(state.set_parameters, request) == qemu.set_parameters(request), request


def random_requests(values, unknown):
    """Requests of several parameters with any values, the same in every run."""
    chance = random.Random(7202)
    for _ in range(RANDOM_REQUESTS):
        names = chance.sample([*values, *unknown], chance.randint(2, 6))
        yield {name: chance.choice(values.get(name, [1])) for name in names}


@pytest.mark.parametrize(
    "unknown", [["no-such"], ["no-such", "multifd", "Mode", "a", "b", "tls_creds"]], ids=["one", "several"]
)
def test_which_of_several_faults_is_named(qemu, state, values, unknown):
    state.set_parameters(qemu.ask("query-migrate-parameters"))
    for request in random_requests(values, unknown):
        assert message_of(state.set_parameters, request) == qemu.set_parameters(request), request


def node(**changes):
    return {"node-name": "n", "alias": "a", "bitmaps": [], **changes}


def bitmaps(*changes):
    """A node with these bitmaps."""
    return [node(bitmaps=[{"name": "b", "alias": "c", **change} for change in changes])]


# What block-bitmap-mapping is set to: types, members, then lengths in bytes, forms, and names that come twice.
MAPPINGS = [
    *(None, 3, "x", {}, [], [3], [[]], [{}], [{"alias": 3}], [{"node-name": "n", "alias": "a"}]),
    *([node()], [node(alias=3)], [node(alias=None)], [node(bitmaps=3)], [node(bitmaps=[3])], [node(extra=1)]),
    *(bitmaps({"name": 3}), bitmaps({"alias": 3}), bitmaps({"extra": 1}), [node(bitmaps=[{"name": "b"}])]),
    *(bitmaps({"transform": value}) for value in (3, {}, {"persistent": True}, {"persistent": 1}, {"extra": 1})),
    *([node(alias=name)] for name in ("", "_a", "0a", "a.b-c_d", "a b", "\u00e9", "a" * 255, "a" * 256)),
    *([node(**{"node-name": name})] for name in ("", "#b 1", "n" * 31, "n" * 32, "\u00e9" * 15, "\u00e9" * 16)),
    *(bitmaps({"alias": name}) for name in ("", "c" * 255, "c" * 256, "\u00e9" * 127, "\u00e9" * 128)),
    *(bitmaps({"name": name}) for name in ("", "b" * 1023, "b" * 1024, "\u00e9" * 511, "\u00e9" * 512)),
    *([node(), node(alias="d")], [node(), node(**{"node-name": "m"})], [node(), node()]),
    *(
        bitmaps({}, {}),
        bitmaps({}, {"name": "d"}),
        bitmaps({}, {"alias": "d"}),
        bitmaps({}, {"name": "d", "alias": "e"}),
    ),
    [node(), node(**{"node-name": "m"}), node(alias="d")],
]


@pytest.mark.parametrize("others", [{}, {"announce-step": 0}, {"mode": "x", "max-cpu-throttle": 100}], ids=repr)
def test_block_bitmap_mapping(qemu, state, others):
    state.set_parameters(qemu.ask("query-migrate-parameters"))
    for mapping in MAPPINGS:
        request = {"block-bitmap-mapping": mapping, **others}
        assert message_of(state.set_parameters, request) == qemu.set_parameters(request), request
        assert qemu.ask("query-migrate-parameters") == state.query_parameters(), request


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
        [{"capability": "multifd", "state": True, "a": 1, "b": 2}],
        [{"capability": "multifd", "state": True}, 3],
        [{"capability": "multifd", "state": True}, {"capability": "compress"}],
    ],
    ids=repr,
)
def test_malformed_lists(qemu, state, request_):
    assert message_of(state.set_capabilities, request_) == qemu.ask("migrate-set-capabilities", capabilities=request_)
    assert not state.capabilities


@pytest.mark.root
@pytest.mark.parametrize("user", [None, NOBODY], ids=["root", "nobody"])
def test_what_depends_on_the_host(build, closed_userfaultfd, side, user):
    """background-snapshot and incoming postcopy-ram, as root and without any right to userfaultfd."""
    arguments, circumstances = side
    memory = ("-object", "memory-backend-ram,id=m0,size=64M", "-machine", "memory-backend=m0")
    with live_qemu(*arguments, *memory, user=user) as qemu:
        for name in ("background-snapshot", "postcopy-ram"):
            expected = qemu.set_capabilities({name: True})
            qemu.set_capabilities({name: False})
            assert run_in_child(ask_here, build, name, circumstances, user=user) == expected
            if user is not None and (name == "background-snapshot" or circumstances):
                assert expected, "a process without rights was expected to be refused"


def ask_here(build, name, circumstances):
    return Checker(build, Host.local([Memory()]), **circumstances).check([name]).message
