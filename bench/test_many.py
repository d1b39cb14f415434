# SPDX-License-Identifier: GPL-2.0-or-later

"""Many checks at once: side by side, over their number, and in threads."""

import array
import os
import threading

import numpy
import pytest

from bench.peers import HOST, check_with_numpy, check_with_reference, measure, words
from pymig import Checker

SETS = 1 << 21
SIZES = [1 << power for power in range(16, 28)]
FREE = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def rounds_for(count):
    return max(3, min(200, (1 << 27) // count))


# ---- The ways to check so many sets ----


def check_many(count):
    checker, sets, out = Checker(host=HOST), words(count), numpy.zeros(count, numpy.uint8)
    return lambda: checker.check_many(sets, out=out)


def check_many_without_out(count):
    checker, sets = Checker(host=HOST), words(count)
    return lambda: checker.check_many(sets)


def histogram(count):
    checker, sets = Checker(host=HOST), words(count)
    return lambda: checker.histogram(sets)


def memcpy(count):
    sets, copy = words(count), numpy.zeros(count, numpy.uint32)
    return lambda: numpy.copyto(copy, sets)


def numpy_rules(count):
    sets, out = words(count), numpy.zeros(count, numpy.uint8)
    return lambda: check_with_numpy(sets, out)


def pure_python(count):
    masks = words(count).tolist()
    return lambda: check_with_reference(masks)


def check(count):
    masks, checker = words(count).tolist(), Checker(host=HOST)
    return lambda: [checker.check(mask) for mask in masks]


# How far each is followed over the number of sets: to where it takes too long, or is the same anyway.
FEW = [1 << power for power in range(0, 16, 3)]
SOME = [*FEW[:-1], 1 << 14]
WAYS = {
    check_many: FEW + SIZES,
    check_many_without_out: FEW + SIZES,
    histogram: FEW + SIZES,
    memcpy: FEW + SIZES,
    numpy_rules: FEW + SIZES[:7],
    pure_python: SOME,
    check: SOME,
}

# ---- All 2^21 sets of the reference ----


@pytest.mark.usefixtures("turn")
@pytest.mark.benchmark(group="many")
@pytest.mark.parametrize("kind", [numpy.uint32, numpy.uint64])
def test_check_many(benchmark, kind):
    checker, sets, out = Checker(host=HOST), words(SETS, kind), numpy.zeros(SETS, numpy.uint8)
    measure(benchmark, lambda: checker.check_many(sets, out=out), units=SETS, rounds=100, warmup_rounds=3)


@pytest.mark.usefixtures("turn")
@pytest.mark.benchmark(group="many")
@pytest.mark.parametrize(
    ("way", "count", "rounds"),
    [(memcpy, SETS, 100), (numpy_rules, SETS, 5), (pure_python, 1 << 17, 5)],
    ids=["memcpy", "numpy", "reference"],
)
def test_peer(benchmark, way, count, rounds):
    measure(benchmark, way(count), units=count, rounds=rounds, warmup_rounds=1)


@pytest.mark.usefixtures("turn")
@pytest.mark.benchmark(group="few")
@pytest.mark.parametrize("count", [1, 10, 1000])
def test_few(benchmark, count):
    checker, sets = Checker(host=HOST), array.array("I", words(count).tolist())
    measure(benchmark, lambda: [checker.check_many(sets) for _ in range(100)], units=100)


# ---- Over their number ----


@pytest.mark.benchmark(group="growth")
@pytest.mark.parametrize(("way", "count"), [(way, count) for way, counts in WAYS.items() for count in counts])
def test_growth(benchmark, way, count):
    if 24 * count > FREE:
        pytest.skip(f"needs {24 * count >> 20} MiB of free memory")
    benchmark.extra_info["way"] = way.__name__
    measure(benchmark, way(count), units=count, rounds=rounds_for(count), warmup_rounds=1)


# ---- In threads ----


BATCHES, BATCH = 400, 1 << 20


def in_threads(threads):
    """Two shares of batches that stay in the cache: one after the other, or each in a thread of its own."""
    checker = Checker(host=HOST)
    shares = [(words(BATCH), numpy.zeros(BATCH, numpy.uint8)) for _ in range(2)]

    def work(sets, out):
        for _ in range(BATCHES):
            checker.check_many(sets, out=out)

    def one_after_the_other():
        for share in shares:
            work(*share)

    def side_by_side():
        running = [threading.Thread(target=work, args=share) for share in shares]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    return side_by_side if threads == 2 else one_after_the_other


@pytest.mark.benchmark(group="threads")
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
@pytest.mark.parametrize("threads", [1, 2])
def test_threads(benchmark, threads):
    measure(benchmark, in_threads(threads), units=2 * BATCHES * BATCH, rounds=9, warmup_rounds=1)


def test_the_peers_say_the_same():
    sets, out = words(1 << 16), numpy.empty(1 << 16, numpy.uint8)
    check_with_numpy(sets, out)
    assert Checker(host=HOST).check_many(sets) == bytes(out)
