# SPDX-License-Identifier: GPL-2.0-or-later

"""For each pair of neighbouring releases: the number of sets whose answers differ, and the rules responsible.

Run it to print the table that stands in docs/releases.md; a test compares the two. All sets of capabilities that both
releases know, outgoing, everything built, on a host that can do everything, with KVM's dirty ring.
"""

from collections import Counter
from itertools import pairwise

import numpy

from pymig import Checker, Host, QemuBuild

CHUNK = 1 << 20


def words_of(common):
    """Every subset of a CapabilitySet as a word, in chunks."""
    mask = common.mask
    bits = [1 << i for i in range(mask.bit_length()) if mask >> i & 1]
    for start in range(0, 1 << len(bits), CHUNK):
        index = numpy.arange(start, min(start + CHUNK, 1 << len(bits)), dtype=numpy.uint32)
        words = numpy.zeros_like(index)
        for i, bit in enumerate(bits):
            words |= (index >> numpy.uint32(i) & numpy.uint32(1)) * numpy.uint32(bit)
        yield words


def differences(before, after):
    """(number of sets, {(rule before, rule after): number of sets})."""
    checkers = [Checker(QemuBuild(release), Host(), kvm_dirty_ring=True) for release in (before, after)]
    one, other = checkers
    common = one.build.capabilities & other.build.capabilities
    total, changes = 0, Counter()
    for words in words_of(common):
        total += len(words)
        codes = [numpy.asarray(checker.check_many(words)) for checker in checkers]
        texts = [texts_by_code(checker) for checker in checkers]
        pairs = codes[0].astype(numpy.uint16) << 8 | codes[1]
        for pair, count in zip(*numpy.unique(pairs, return_counts=True), strict=True):
            was, now = int(pair) >> 8, int(pair) & 255
            if texts[0][was] != texts[1][now]:
                changes[one.verdicts[was].rule, other.verdicts[now].rule] += int(count)
    return total, changes


def texts_by_code(checker):
    return {code: (verdict.message, verdict.hint) for code, verdict in checker.verdicts.items()}


def table():
    lines = ["| from | to | sets | answered otherwise | because |", "|---|---|---:|---:|---|"]
    for before, after in pairwise(QemuBuild.releases()):
        total, changes = differences(before, after)
        rows = [f"{was} → {now}: {count:,}" for (was, now), count in sorted(changes.items(), key=lambda item: -item[1])]
        why = "<br>".join(rows) or "-"
        lines.append(f"| {before} | {after} | {total:,} | {sum(changes.values()):,} | {why} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
