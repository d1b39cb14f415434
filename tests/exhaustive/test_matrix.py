# SPDX-License-Identifier: GPL-2.0-or-later

"""Every release and point release: the core and an independent slow walk agree on every set, word for word."""

import numpy
import pytest

from pymig import Checker, Host, PostcopySupport, QemuBuild
from pymig.release import POINTS
from tests.exhaustive.matrix import Circumstances, rows, walk
from tests.exhaustive.pool import all_cores
from tests.exhaustive.release_differences import words_of

UNABLE = {"postcopy": False, "tracking": "absent", "live_block_migration": False, "replication": False}
CONTEXTS = {
    "plain": Circumstances(kvm_dirty_ring=True),
    "started": Circumstances(
        incoming=True,
        incoming_started=True,
        single_channel=True,
        rdma=True,
        tracking="available",
        old=frozenset(("multifd", "postcopy-ram")),
    ),
    "unable": Circumstances(incoming=True, incoming_started=True, rdma=True, compressed=True, **UNABLE),
}


def checker_of(release, now):
    host = Host(now.tracking, PostcopySupport(True) if now.postcopy else PostcopySupport(False, 2, 1))
    build = QemuBuild(release, live_block_migration=now.live_block_migration, replication=now.replication)
    names = ("incoming", "incoming_started", "single_channel", "kvm_dirty_ring", "rdma")
    parameters = {"multifd-compression": "zlib"} if now.compressed else None
    return Checker(build, host, parameters=parameters, **{name: getattr(now, name) for name in names})


def first_difference(release, now):
    """(the number of sets; the first set whose answers differ, with both texts, or None)."""
    checker = checker_of(release, now)
    bits = {name: 1 << i for i, name in enumerate(CAPABILITIES) if name in checker.build.capabilities}
    version, total = tuple(map(int, release.split("."))), 0
    for words in words_of(checker.build.capabilities):
        texts, expected = walk(version, words, bits, now)
        codes = numpy.asarray(checker.check_many(words, [name for name in now.old if name in bits]))
        index_of = numpy.full(256, 255, dtype=numpy.uint8)
        for code, verdict in checker.verdicts.items():
            index_of[code] = texts.index(verdict.message) if verdict.message in texts else 255
        total += len(words)
        wrong = numpy.flatnonzero(index_of[codes] != expected)
        if len(wrong):
            i = wrong[0]
            return total, (hex(words[i]), checker.verdicts[int(codes[i])].message, texts[expected[i]])
    return total, None


# Bit i is capability i, as pymig numbers them for good.
CAPABILITIES = (
    "xbzrle rdma-pin-all auto-converge zero-blocks compress events postcopy-ram x-colo release-ram block return-path "
    "pause-before-switchover multifd dirty-bitmaps postcopy-blocktime late-block-activate x-ignore-shared "
    "validate-uuid background-snapshot zero-copy-send postcopy-preempt switchover-ack dirty-limit mapped-ram"
).split()


@pytest.fixture(scope="module")
def differences():
    """All at once, on all cores."""
    with all_cores() as pool:
        jobs = {
            (release, name): pool.submit(first_difference, release, now)
            for release in POINTS
            for name, now in CONTEXTS.items()
        }
        yield jobs


@pytest.mark.parametrize("name", CONTEXTS)
@pytest.mark.parametrize("release", POINTS)
def test_core_and_matrix_agree_on_every_set(differences, release, name):
    total, difference = differences[release, name].result()
    assert difference is None
    assert total == 1 << len(QemuBuild(release).capabilities)


# Whatever a rule may depend on, at least one of these has it.
EVERY_CASE = (
    *CONTEXTS.values(),
    Circumstances(incoming=True, incoming_started=True, postcopy=False),
    Circumstances(incoming=True, single_channel=True, tracking="absent", live_block_migration=False),
)
NOT_LINUX = "Zero copy currently only available on Linux"  # the matrix has no such builds


def texts_that_can_refuse(version, bits):
    """The texts of the rules that refuse at least one pair of capabilities."""
    one = numpy.array(list(bits.values()), dtype=numpy.uint32)
    words = numpy.bitwise_or.outer(one, one).ravel()
    nothing = numpy.zeros(len(words), dtype=bool)

    def on(name):
        return (words & numpy.uint32(bits[name])) != 0 if name in bits else nothing

    return {text for now in EVERY_CASE for text, refuses in rows(version, on, now) if refuses.any()}


@pytest.mark.parametrize("release", POINTS)
def test_a_checker_lists_the_rules_that_can_refuse(release):
    checker = checker_of(release, EVERY_CASE[3])
    bits = {name: 1 << i for i, name in enumerate(CAPABILITIES) if name in checker.build.capabilities}
    expected = texts_that_can_refuse(tuple(map(int, release.split("."))), bits)
    assert {verdict.message for verdict in checker.verdicts.values()} == expected | {"", NOT_LINUX}
