# SPDX-License-Identifier: GPL-2.0-or-later

"""What a Checker remembers: a table for masks, a bounded cache for copies of names, and nothing that may change."""

import os
import subprocess
import sys
import threading

import numpy
import pytest

from pymig import CapabilitySet, Checker, Context, Host, PostcopySupport, QemuBuild, UnknownCapabilityError
from pymig.checker import CHECKS_BEFORE_TABLE, MOST_REMEMBERED
from pymig.table import MOST_TABLES, rows_of

HOST = Host(write_tracking="absent")
UNABLE = Host("absent", PostcopySupport(False, 2, 1))

remembers = pytest.mark.skipif(MOST_REMEMBERED == 0, reason="remembering is switched off: PYMIG_MEMO=0")


def with_table(context):
    """A Checker that has answered enough to get its table."""
    checker = Checker(context)
    for _ in range(CHECKS_BEFORE_TABLE or 256):
        checker.check(1 << 12)
    return checker


@remembers
def test_it_is_bounded():
    checker = Checker(host=HOST)
    names = QemuBuild().capabilities
    for number in range(3 * MOST_REMEMBERED):
        checker.check([name for i, name in enumerate(names) if number >> i & 1])
        assert len(checker._memo) <= MOST_REMEMBERED
    for repeated in (("multifd",) * n for n in range(200)):
        checker.check(repeated)
    assert all(len(key) <= 24 for key in checker._memo)


@remembers
def test_equal_contexts_share_a_table():
    first, second = (with_table(Context("9.0", Host("absent"), incoming=True)) for _ in range(2))
    assert first._rows is second._rows != ()
    assert with_table(Context("9.0", Host("absent")))._rows is not first._rows
    for release in QemuBuild.releases():
        rows_of(Context(release, HOST))
    assert rows_of.cache_info().currsize <= MOST_TABLES


@remembers
def test_a_table_is_made_after_some_checks():
    checker = Checker(host=HOST)
    for number in range(1, 3 * CHECKS_BEFORE_TABLE):
        checker.check(number)
        assert bool(checker._rows) is (number >= CHECKS_BEFORE_TABLE)


CONTEXTS = {
    "reference": Context(host=HOST),
    "incoming": Context("10.0", HOST, incoming=True),
    "warnings": Context("8.2", HOST),
    "a reason": Context("9.0", UNABLE, incoming=True),
    "a local host": Context("11.1", Host.local(), incoming=True),
}


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_the_table_answers_like_c(context):
    """Of every kind of set: with old being all zeros but given, C is asked each time."""
    known, checker = context.build.capabilities.mask, with_table(context)
    sets = {i * 0x9E3779B1 % (1 << 24) & known for i in range(20000)} | {1 << i for i in range(24) if known >> i & 1}
    assert [checker.check(mask) for mask in sets] == [checker.check(mask, old=0) for mask in sets]
    for mask in list(sets)[:500]:
        names = list(CapabilitySet.from_mask(mask))
        for kind in (list, tuple, set, frozenset, CapabilitySet, dict.fromkeys):
            given = kind(names, True) if kind == dict.fromkeys else kind(names)
            assert checker.check(given) == checker.check(given) == checker.check(mask)


def test_masks_that_no_table_has():
    for context in CONTEXTS.values():
        checker = with_table(context)
        for mask in (-1, -255, -256, -(1 << 16), -(1 << 24), -(1 << 25), -(1 << 70)):
            with pytest.raises(ValueError, match="new must not be negative"):
                checker.check(mask)
        for mask in (1 << 24, 1 << 32, 1 << 70):
            with pytest.raises(ValueError, match="new has bits that are no capability"):
                checker.check(mask)
    with pytest.raises(UnknownCapabilityError):
        with_table(CONTEXTS["reference"]).check(1 << 23)


def test_the_second_answer_is_the_first():
    checker, fresh = Checker(host=HOST), Checker(host=HOST)
    masks = range(0, 1 << 21, 509)
    first = [checker.check(mask) for mask in masks]
    assert [checker.check(mask) for mask in masks] == first
    assert [
        fresh.check([name for i, name in enumerate(QemuBuild().capabilities) if mask >> i & 1]) for mask in masks
    ] == first


@pytest.mark.parametrize("alike", [True, False, 1.0, 0.0, 4096.0, complex(1)], ids=repr)
def test_what_equals_a_mask_is_no_mask(alike):
    checker = Checker(host=HOST)
    for mask in (0, 1, 4096):
        checker.check(mask)
    with pytest.raises(TypeError, match="new"):
        checker.check(alike)


def test_what_is_as_good_as_an_int():
    checker = Checker(host=HOST)
    assert checker.check(numpy.uint32(4096)) is checker.check(4096)


@pytest.mark.parametrize("kind", [list, set, dict])
def test_names_may_change(kind):
    checker, names = Checker(host=HOST), {list: ["multifd"], set: {"multifd"}, dict: {"multifd": True}}[kind]
    assert checker.check(names)
    more = {list: lambda: names.append("compress"), set: lambda: names.add("compress")}
    more.get(kind, lambda: names.update(compress=True))()
    assert not checker.check(names)
    assert not checker.check(names)


def test_a_mapping_with_what_is_no_bool():
    checker = Checker(host=HOST)
    assert checker.check({"multifd": True, "compress": False})
    for states in ({"multifd": 1}, {"multifd": None}, {"multifd": True, "compress": 0}):
        with pytest.raises(TypeError, match="must be a bool"):
            checker.check(states)
    with pytest.raises(UnknownCapabilityError):
        checker.check({"no-such": True})


def test_an_iterator_is_read_each_time():
    checker = Checker(host=HOST)
    names = iter(["multifd", "compress"])
    assert not checker.check(names)
    assert checker.check(names)


@pytest.mark.parametrize("new", [([],), ({},), (["multifd"],)], ids=repr)
def test_a_tuple_without_a_hash(new):
    with pytest.raises(TypeError, match="new must hold capability names"):
        Checker(host=HOST).check(new)


def test_with_something_on_before_nothing_is_remembered():
    checker = Checker(QemuBuild("10.1"), HOST, incoming=True, incoming_started=True)
    multifd = QemuBuild("10.1").capabilities.mask & 4096
    assert not checker.check(multifd)
    assert checker.check(multifd, multifd)
    assert not checker.check(multifd)


def test_what_a_local_host_was_asked_is_asked_again():
    checker = Checker(host=Host.local())
    checker.check(("background-snapshot",))
    assert not checker._memo
    for _ in range(2 * CHECKS_BEFORE_TABLE):
        checker.check(1 << 18)
    assert not checker._rows or checker._rows[1 << 10][0] is None


def test_switched_off():
    program = (
        "from pymig import Checker, Host; checker = Checker(host=Host()); "
        "print(*(checker.check(set).ok for set in (4096, 4096, ('multifd', 'compress'))), len(checker._memo)); "
        "print({checker.check(i).ok for i in [4096] * 2000}, checker._rows)"
    )
    environment = {**os.environ, "PYMIG_MEMO": "0"}
    said = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert said == "True True False 0\n{True} ()\n"


def test_threads_while_the_table_is_made():
    """Each round has a new Checker and no table; the threads check all sets between them."""
    expected = Checker(host=HOST).check_many(numpy.arange(1 << 15, dtype=numpy.uint32))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(4):
            rows_of.cache_clear()
            assert wrong_from_threads(Checker(host=HOST), expected) == []
    finally:
        sys.setswitchinterval(interval)


def wrong_from_threads(checker, expected):
    wrong = []

    def check(first):
        wrong.extend(mask for mask in range(first, 1 << 15, 3) if checker.check(mask).code != expected[mask])
        names = list(CapabilitySet.from_mask(first * 4096 | 1))
        wrong.extend(names for _ in range(2000) if checker.check(names).code != expected[first * 4096 | 1])

    threads = [threading.Thread(target=check, args=(first,)) for first in (0, 0, 1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong
