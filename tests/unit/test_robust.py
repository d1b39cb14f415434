# SPDX-License-Identifier: GPL-2.0-or-later

"""No input crashes the interpreter. Each invalid input raises a clear exception and changes nothing."""

import array
import collections
import ctypes
import mmap
import subprocess
import sys

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pymig
from pymig import (
    CapabilitySet,
    Checker,
    Host,
    Memory,
    MigrationError,
    MigrationState,
    PostcopySupport,
    QemuBuild,
    UnknownCapabilityError,
)
from tests.conftest import FREE_THREADED

pytestmark = [
    pytest.mark.filterwarnings("ignore::pymig.IgnoredParameterWarning"),
    pytest.mark.filterwarnings("ignore::pymig.KnownFaultWarning"),
]

HOST = Host()
CHECKER = Checker(host=HOST)
REFUSALS = (TypeError, ValueError, MigrationError)

anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(min_value=-(2**70), max_value=2**70),
        st.floats(),
        st.text(st.characters()),
        st.text(st.characters(categories=["Cs"]), min_size=1),
        st.sampled_from(list(CapabilitySet.from_mask(2**24 - 1))),
        st.binary(),
        st.just(object()),
        st.builds(CapabilitySet),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.tuples(inner, inner), st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=6,
)

CALLS = {
    "CapabilitySet": CapabilitySet,
    "from_mask": CapabilitySet.from_mask,
    "check new": CHECKER.check,
    "check old": lambda value: CHECKER.check((), value),
    "explain": CHECKER.explain,
    "check_many": CHECKER.check_many,
    "check_many old": lambda value: CHECKER.check_many(array.array("I", [1]), value),
    "check_many out": lambda value: CHECKER.check_many(array.array("I", [1]), 0, value),
    "QemuBuild": QemuBuild,
    "QemuBuild zstd": lambda value: QemuBuild(zstd=value),
    "Checker build": Checker,
    "Checker host": lambda value: Checker(host=value),
    "Checker incoming": lambda value: Checker(host=HOST, incoming=value),
    "Checker parameters": lambda value: Checker(host=HOST, parameters=value),
    "Host tracking": Host,
    "Host postcopy": lambda value: Host("compatible", value),
    "Host shared": lambda value: Host(write_tracking_ignore_shared=value),
    "Host.local": Host.local,
    "Host.local size": lambda value: Host.local(target_page_size=value),
    "from_json": Host.from_json,
    "Memory": Memory,
    "Memory share": lambda value: Memory(share=value),
    "PostcopySupport": lambda value: PostcopySupport(value, value, value, value),
    "probe": pymig.probe,
    "probe size": lambda value: pymig.probe(target_page_size=value),
    "check": lambda value: pymig.check(value, host=HOST),
    "validate": lambda value: pymig.validate(value, host=HOST),
}


@pytest.mark.parametrize("call", CALLS)
@given(value=anything)
@settings(deadline=None)
def test_any_argument(call, value):
    try:
        CALLS[call](value)
    except REFUSALS as error:
        assert str(error)


@given(value=anything)
@settings(deadline=None)
def test_any_change_is_whole_or_not_at_all(value):
    state = MigrationState(host=HOST)
    changes = (
        state.set_capabilities,
        state.set_parameters,
        lambda value: state.set_capability(value, True),
        lambda value: state.set_capability("multifd", value),
        lambda value: setattr(state, "status", value),
    )
    for change in changes:
        before = (state.query_capabilities(), state.query_parameters(), state.status)
        try:
            change(value)
        except REFUSALS as error:
            assert str(error)
            assert before == (state.query_capabilities(), state.query_parameters(), state.status)


@given(
    parameters=st.dictionaries(
        st.one_of(st.sampled_from(list(MigrationState(host=HOST).query_parameters())), st.text(max_size=5)), anything
    )
)
@settings(max_examples=300, deadline=None)
def test_any_parameters(parameters):
    state = MigrationState(host=HOST)
    before = state.query_parameters()
    try:
        state.set_parameters(parameters)
    except REFUSALS:
        assert state.query_parameters() == before


@pytest.mark.parametrize("value", [1.5, object(), b"x", {"a"}, [1]], ids=repr)
def test_a_wrong_type_is_a_type_error_that_names_the_parameter(value):
    with pytest.raises(TypeError, match="compress-level") as caught:
        MigrationState(host=HOST).set_parameters({"compress-level": value})
    assert isinstance(caught.value, pymig.ParameterError)
    assert caught.value.parameter == "compress-level"


@pytest.mark.parametrize(
    "mask, error",
    [(-1, ValueError), (1 << 24, ValueError), (1 << 64, ValueError), (10**100, ValueError), (True, TypeError)],
)
def test_masks_out_of_range(mask, error):
    for argument, call in (
        ("new", CHECKER.check),
        ("old", lambda mask: CHECKER.check(0, mask)),
        ("mask", CapabilitySet.from_mask),
    ):
        with pytest.raises(error, match=argument):
            call(mask)


def test_a_capability_of_another_release():
    with pytest.raises(UnknownCapabilityError, match="does not accept value 'mapped-ram'"):
        CHECKER.check(["mapped-ram"])
    with pytest.raises(UnknownCapabilityError, match="does not accept value 'switchover-ack'"):
        CHECKER.check(1 << 21)


@pytest.mark.parametrize(
    "name", ["a\0b", "multifd\0", "\ud800", "é" * 100, "", "x" * 10**6], ids=lambda name: repr(name)[:12]
)
def test_strange_names(name):
    with pytest.raises(UnknownCapabilityError):
        CapabilitySet([name])
    state = MigrationState(host=HOST)
    with pytest.raises(UnknownCapabilityError):
        state.set_capabilities({name: True})
    with pytest.raises((MigrationError, ValueError)):
        state.set_parameters({name: 1})


@pytest.mark.parametrize("value", ["a\0b", "\ud800"], ids=repr)
def test_strings_that_qmp_cannot_carry(value):
    state = MigrationState(host=HOST)
    with pytest.raises(ValueError, match="tls-creds"):
        state.set_parameters({"tls-creds": value, "compress-level": 3})
    assert state.compress_level == 1


def test_a_million_names():
    names = ["multifd"] * 10**6
    assert CapabilitySet(names) == {"multifd"}
    assert CHECKER.check(names)
    state = MigrationState(host=HOST)
    state.set_capabilities([{"capability": "multifd", "state": True}] * 10**6)
    assert state.multifd
    with pytest.raises(pymig.ParameterError, match="is unexpected"):
        state.set_parameters({f"no-such-{i}": i for i in range(10**6)})


class TestBuffers:
    WORDS = (5, 1 << 20, 0)

    @pytest.mark.parametrize(
        "masks",
        [
            array.array("I", WORDS),
            array.array("L", WORDS),
            array.array("Q", WORDS),
            memoryview(array.array("I", WORDS)),
            memoryview(array.array("I", (0, *WORDS)))[1:],
            memoryview(b"".join(word.to_bytes(4, "little") for word in WORDS)).cast("I"),
            numpy.array(WORDS, dtype=numpy.uint32),
            numpy.array(WORDS, dtype=numpy.uint64),
            (ctypes.c_uint32 * 3)(*WORDS),
        ],
        ids=lambda masks: type(masks).__name__,
    )
    def test_taken(self, masks):
        expected = bytes(CHECKER.check(word).code for word in self.WORDS)
        assert CHECKER.check_many(masks) == expected
        out = bytearray(3)
        assert CHECKER.check_many(masks, out=out) is out
        assert out == expected

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, mmap.mmap])
    def test_raw_bytes_are_words_of_four(self, kind):
        raw = array.array("I", self.WORDS).tobytes()
        masks = mmap.mmap(-1, len(raw)) if kind is mmap.mmap else kind(raw)
        if kind is mmap.mmap:
            masks[:] = raw
        assert CHECKER.check_many(masks) == bytes(CHECKER.check(word).code for word in self.WORDS)
        assert CHECKER.check_many(memoryview(masks)[4:]) == bytes(CHECKER.check(word).code for word in self.WORDS[1:])

    def test_a_file_is_read_in_place(self, tmp_path):
        words = numpy.arange(1 << 21, dtype=numpy.uint32)
        words.tofile(tmp_path / "sets")
        with (
            open(tmp_path / "sets", "rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as masks,
        ):
            assert CHECKER.check_many(masks) == CHECKER.check_many(words)

    @pytest.mark.parametrize(
        "masks",
        [
            b"12345",
            array.array("B", [1, 2, 3, 4]),
            numpy.arange(4, dtype=numpy.uint8),
            None,
            3,
            [1, 2],
            "multifd",
            array.array("i", WORDS),
            array.array("H", [1, 2]),
            array.array("d", WORDS),
            memoryview(array.array("I", WORDS))[::2],
            numpy.arange(12, dtype=numpy.uint32)[::3],
            numpy.arange(12, dtype=numpy.uint32).reshape(3, 4).T,
            numpy.arange(3, dtype=numpy.int64),
            numpy.arange(3, dtype=">u4"),
        ],
        ids=lambda masks: repr(masks)[:20],
    )
    def test_refused(self, masks):
        with pytest.raises(TypeError, match="masks"):
            CHECKER.check_many(masks)

    @pytest.mark.parametrize(
        "out, error",
        [
            (bytes(3), TypeError),
            (bytearray(2), ValueError),
            (bytearray(4), ValueError),
            (array.array("I", WORDS), TypeError),
            (array.array("b", [0] * 3), TypeError),
            (memoryview(bytearray(6))[::2], TypeError),
            ("abc", TypeError),
        ],
        ids=lambda value: repr(value)[:20],
    )
    def test_out_refused(self, out, error):
        with pytest.raises(error, match="out"):
            CHECKER.check_many(array.array("I", self.WORDS), out=out)

    def test_out_of_every_kind(self):
        for out in (
            bytearray(3),
            array.array("B", [9] * 3),
            memoryview(bytearray(5))[1:4],
            numpy.empty(3, numpy.uint8),
        ):
            CHECKER.check_many(array.array("I", self.WORDS), out=out)
            assert bytes(out) == bytes(CHECKER.check(word).code for word in self.WORDS)
        with mmap.mmap(-1, 3) as out:
            CHECKER.check_many(array.array("I", self.WORDS), out=out)
            assert out[1] == CHECKER.check(1 << 20).code

    def test_a_word_with_an_unknown_capability(self):
        unknown = CHECKER.verdicts[255]
        assert (unknown.code, unknown.rule, bool(unknown)) == (255, "unknown-capability", False)
        for count in (3, 5001):
            for word in (1 << 21, 1 << 31, 1 << 63):
                masks, out = array.array("Q", [1, word] + [2] * (count - 2)), bytearray(count)
                assert CHECKER.check_many(masks, out=out) is out
                assert out == CHECKER.check_many(masks) == b"\0\xff" + bytes(count - 2)
                assert CHECKER.histogram(masks) == {CHECKER.verdicts[0]: count - 1, unknown: 1}

    def test_an_unknown_old_set(self):
        for call in (CHECKER.check_many, CHECKER.histogram):
            with pytest.raises(UnknownCapabilityError, match="switchover-ack"):
                call(array.array("I", [1]), 1 << 21)

    def test_a_histogram(self):
        for kind in "IQ":
            masks = array.array(kind, range(0, 1 << 21, 3))
            counts = collections.Counter(CHECKER.check_many(masks))
            told = CHECKER.histogram(masks)
            assert {verdict.code: count for verdict, count in told.items()} == counts
            assert [verdict.code for verdict in told] == sorted(counts)
            assert CHECKER.histogram(masks, ["events"]) == told
        assert CHECKER.histogram(b"") == {}
        assert CHECKER.histogram(bytes(8)) == {CHECKER.verdicts[0]: 2}

    @pytest.mark.skipif(FREE_THREADED, reason="free-threaded CPython has reserved address space before the limit")
    def test_nothing_is_needed_beyond_out(self):
        """With only 2 MiB of free address space, 16 MiB of words are checked into 4 MiB of codes."""
        program = """if True:
            import array, resource
            from pymig import Checker, Host
            checker, sets = Checker(host=Host()), array.array("I", bytes(4 << 22))
            out = bytearray(len(sets))
            checker.check_many(sets[:1000])
            pages = int(open("/proc/self/statm").read().split()[0])
            limit = pages * resource.getpagesize() + (2 << 20)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            checker.check_many(sets, out=out)
            try:
                checker.check_many(sets)
            except MemoryError:
                print("the limit is one")
        """
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout == "the limit is one\n"

    def test_none_at_all(self):
        assert CHECKER.check_many(array.array("I")) == b""


@pytest.mark.parametrize(
    "kind, name", [(CapabilitySet, "mask"), (QemuBuild, "release"), (Memory, "share"), (PostcopySupport, "ok")]
)
def test_values_can_not_be_changed(kind, name):
    value = kind(True) if kind is PostcopySupport else kind()
    with pytest.raises(AttributeError, match="immutable"):
        setattr(value, name, 1)
    with pytest.raises(AttributeError, match="immutable"):
        delattr(value, name)
