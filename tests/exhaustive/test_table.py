# SPDX-License-Identifier: GPL-2.0-or-later

"""The table of verdicts against the batch: every set of every release; and from threads while it is made."""

import threading

import numpy
import pytest

from pymig import Checker, Context, Host, PostcopySupport, QemuBuild
from pymig.checker import CHECKS_BEFORE_TABLE
from pymig.table import rows_of

ABLE, UNABLE = Host(), Host("available", PostcopySupport(False, 2, 1))
UNDECIDED = 255
CHUNK = 1 << 20


def codes_of(rows):
    """The codes in a table, as a matrix of distinct rows and the number of each row."""
    distinct = {id(row): row for row in rows}
    matrix = [[UNDECIDED if verdict is None else verdict.code for verdict in row] for row in distinct.values()]
    numbers = {key: i for i, key in enumerate(distinct)}
    return numpy.array(matrix, numpy.uint8), numpy.array([numbers[id(row)] for row in rows])


@pytest.mark.parametrize("incoming", [False, True], ids=["outgoing", "incoming"])
@pytest.mark.parametrize("release", QemuBuild.releases())
def test_every_set(release, incoming):
    for host in (ABLE, UNABLE):
        context = Context(release, host, incoming=incoming)
        checker, known = Checker(context), context.build.capabilities.mask
        matrix, numbers = codes_of(rows_of(context))
        for first in range(0, known + 1, CHUNK):
            masks = numpy.arange(first, min(first + CHUNK, known + 1), dtype=numpy.uint32)
            table = matrix[numbers[masks >> 8], masks & 255]
            assert numpy.array_equal(table, checker.check_many(masks))


@pytest.mark.skipif(not CHECKS_BEFORE_TABLE, reason="remembering is switched off: PYMIG_MEMO=0")
@pytest.mark.parametrize("release", QemuBuild.releases())
def test_threads_while_it_is_made(release):
    context = Context(release, UNABLE, incoming=True)
    known = context.build.capabilities.mask
    masks = numpy.unique(numpy.arange(4000, dtype=numpy.uint32) * 0x9E3779B1 & known)
    codes = dict(zip(masks.tolist(), Checker(context).check_many(masks.astype(numpy.uint32)), strict=True))
    rows_of.cache_clear()
    checker, wrong, start = Checker(context), [], threading.Barrier(4)

    def check(first):
        start.wait()
        wrong.extend(mask for mask in list(codes)[first::2] if checker.check(mask).code != codes[mask])

    threads = [threading.Thread(target=check, args=(i % 2,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert checker._rows
