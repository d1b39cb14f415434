"""A Checker's cache: exact keys, a limited size, and no verdict that may change."""

import os
import subprocess
import sys
import threading

import numpy
import pytest

from pymig import Checker, Host, QemuBuild
from pymig.checker import MOST_REMEMBERED

HOST = Host(write_tracking="absent")


@pytest.mark.skipif(MOST_REMEMBERED == 0, reason="remembering is switched off: PYMIG_MEMO=0")
def test_it_is_bounded():
    checker = Checker(host=HOST)
    for mask in range(3 * MOST_REMEMBERED):
        checker.check(mask)
        assert len(checker._memo) <= MOST_REMEMBERED
    for names in (("multifd",) * n for n in range(200)):
        checker.check(names)
    assert all(type(key) is int or len(key) <= 24 for key in checker._memo)


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


def test_a_list_may_change():
    checker, names = Checker(host=HOST), ["multifd"]
    assert checker.check(names)
    names.append("compress")
    assert not checker.check(names)


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
    checker.check(1 << 18)
    assert not checker._memo


def test_switched_off():
    program = (
        "from pymig import Checker, Host; checker = Checker(host=Host()); "
        "print(*(checker.check(set).ok for set in (4096, 4096, ('multifd', 'compress'))), len(checker._memo))"
    )
    environment = {**os.environ, "PYMIG_MEMO": "0"}
    said = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert said == "True True False 0\n"


def test_threads_that_fill_it_again_and_again():
    checker, wrong = Checker(host=HOST), []
    expected = Checker(host=HOST).check_many(numpy.arange(1 << 15, dtype=numpy.uint32))

    def check(first):
        wrong.extend(mask for mask in range(first, 1 << 15, 3) if checker.check(mask).code != expected[mask])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=check, args=(first,)) for first in (0, 0, 1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
