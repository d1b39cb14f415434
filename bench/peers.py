# SPDX-License-Identifier: GPL-2.0-or-later

"""What pymig is measured beside, and the sets that they are given."""

import random

import numpy

from pymig import Host, reference

HOST = Host()
"""A host whose facts are known."""

CALLS = 1000
"""Calls a round: one would be lost in the clock."""

ROUNDS = 300


def measure(benchmark, work, units=CALLS, rounds=ROUNDS, **options):
    """Times a round of so many units; the report divides by them."""
    benchmark.extra_info["units"] = units
    benchmark.pedantic(work, rounds=rounds, **options)


NAMES = ("multifd", "zero-copy-send")

UNSEEN = list(range(0, 1 << 18, 1 << 6))[:CALLS]
"""Masks, each asked about once."""


def requests(seed=1000):
    """1,000 sets as an orchestrator asks about them: of 20 that are in use, and one in 25 never asked about before."""
    chance = random.Random(seed)
    common = ["multifd", "postcopy-ram", "auto-converge", "xbzrle", "events", "return-path", "compress"]
    used = [tuple(name for name in common if chance.random() < 0.3) for _ in range(20)]
    new = [tuple(name for name in reference.CAPABILITIES if chance.random() < 0.2) for _ in range(40)]
    return [new[i // 25] if i % 25 == 24 else chance.choice(used) for i in range(CALLS)]


def words(count, kind=numpy.uint32):
    """Sets in no order; distinct, as long as there are enough."""
    sets = numpy.resize(numpy.arange(1 << 21, dtype=kind), count)
    numpy.random.default_rng(1).shuffle(sets)
    return sets


def check_with_numpy(sets, out):
    """As a user would write it: rule by rule, the last one first."""
    bit = {name: sets.dtype.type(mask) for name, mask in reference.BIT.items()}

    def on(name):
        return (sets & bit[name]) != 0

    out[:] = 0
    out[on("multifd") & on("compress")] = 26
    out[on("postcopy-preempt") & on("compress")] = 25
    out[on("postcopy-preempt") & ~on("postcopy-ram")] = 24
    out[on("zero-copy-send") & (~on("multifd") | on("compress") | on("xbzrle"))] = 22
    snapshot = on("background-snapshot")
    for code, name in reversed(list(enumerate(reference.NOT_WITH_BACKGROUND_SNAPSHOT, 7))):
        out[snapshot & on(name)] = code
    out[on("postcopy-ram") & on("x-ignore-shared")] = 4


def check_with_reference(masks):
    """Each by itself, as pure Python has it."""
    context = reference.Context()
    return [reference.migrate_caps_check(0, mask, context) for mask in masks]
