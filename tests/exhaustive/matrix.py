# SPDX-License-Identifier: GPL-2.0-or-later

"""QEMU's check as one slow walk for every release, on arrays of all sets at once.

It shares nothing with the core: its rows are written down once more, in the order of execution, each with its releases
as comparisons of version numbers.
"""

from dataclasses import dataclass

import numpy

SNAPSHOT_CONFLICTS = (
    "postcopy-ram dirty-bitmaps postcopy-blocktime late-block-activate return-path multifd pause-before-switchover "
    "auto-converge release-ram rdma-pin-all compress xbzrle x-colo validate-uuid zero-copy-send"
).split()


@dataclass(frozen=True)
class Circumstances:
    """The input of a check, except for the new set. The old set is a set of names."""

    incoming: bool = False
    incoming_started: bool = False
    single_channel: bool = False
    kvm_dirty_ring: bool = False
    rdma: bool = False
    compressed: bool = False
    live_block_migration: bool = True
    replication: bool = True
    tracking: str = "compatible"
    postcopy: bool = True
    old: frozenset = frozenset()


def rows(version, on, now):  # noqa: C901, PLR0912 - as many rows as QEMU has
    """(text, the sets that it refuses) in QEMU's order; ``on(name)`` are the sets with a capability on."""
    v = version
    new = {name: on(name) & (name not in now.old) for name in ("postcopy-ram", "postcopy-preempt", "multifd")}
    looks_at_new_ones = v >= (10, 1) or (10, 0, 1) <= v < (10, 0, 50) or (9, 2, 4) <= v < (9, 2, 50)
    late = {name: (new[name] if looks_at_new_ones else on(name)) for name in ("postcopy-preempt", "multifd")}
    snapshot, zero_copy = on("background-snapshot"), on("zero-copy-send")

    if v < (9, 1) and not now.live_block_migration:
        yield "QEMU compiled without old-style (blk/-b, inc/-i) block migration", on("block")
    if not now.replication:
        yield "QEMU compiled without replication module can't enable COLO", on("x-colo")
    elif v >= (11, 0):
        yield "Capability 'x-colo' requires capability 'return-path'", on("x-colo") & ~on("return-path")
    if now.incoming and not now.postcopy:
        reason = ": Userfaultfd not available: Operation not permitted" if v >= (8, 1) else ""
        yield f"Postcopy is not supported{reason}", new["postcopy-ram"]
    yield "Postcopy is not compatible with ignore-shared", on("postcopy-ram") & on("x-ignore-shared")
    if (8, 1) <= v < (10, 1):
        yield "Postcopy is not yet compatible with multifd", on("postcopy-ram") & on("multifd")
    if now.tracking == "absent":
        yield "Background-snapshot is not supported by host kernel", snapshot
    if now.tracking == "available":
        yield "Background-snapshot is not compatible with guest memory configuration", snapshot
    for name in SNAPSHOT_CONFLICTS:
        yield f"Background-snapshot is not compatible with {name}", snapshot & on(name)
    plain = on("multifd") & ~on("compress") & ~on("xbzrle") & (not now.compressed)
    yield "Zero copy only available for non-compressed non-TLS multifd migration", zero_copy & ~plain
    if v < (8, 0) and now.incoming and now.single_channel:
        yield "multifd is not supported by current protocol", on("multifd")
    yield "Postcopy preempt requires postcopy-ram", on("postcopy-preempt") & ~on("postcopy-ram")
    yield "Postcopy preempt not compatible with compress", on("postcopy-preempt") & on("compress")
    if v >= (8, 1) and now.incoming_started:
        yield "Postcopy preempt must be set before incoming starts", late["postcopy-preempt"]
    yield "Multifd is not compatible with compress", on("multifd") & on("compress")
    if v >= (8, 1) and now.incoming_started:
        yield "Multifd must be set before incoming starts", late["multifd"]
    text = "Capability 'switchover-ack' requires capability 'return-path'"
    yield text, on("switchover-ack") & ~on("return-path")
    text = "dirty-limit conflicts with auto-converge either of then available currently"
    yield text, on("dirty-limit") & on("auto-converge")
    if not now.kvm_dirty_ring:
        yield "dirty-limit requires KVM with accelerator property 'dirty-ring-size' set", on("dirty-limit")
    if v >= (8, 2):
        yield "Multifd is not compatible with xbzrle", on("multifd") & on("xbzrle")
        yield "Compression is not compatible with xbzrle", on("compress") & on("xbzrle")
    yield "Mapped-ram migration is incompatible with xbzrle", on("mapped-ram") & on("xbzrle")
    yield "Mapped-ram migration is incompatible with compression", on("mapped-ram") & on("compress")
    yield "Mapped-ram migration is incompatible with postcopy", on("mapped-ram") & on("postcopy-ram")
    if v >= (10, 1) and now.rdma:
        yield "RDMA and XBZRLE can't be used together", on("xbzrle")
        yield "RDMA and multifd can't be used together", on("multifd")
        yield "RDMA and postcopy-ram can't be used together", on("postcopy-ram")


def walk(version, words, bits, now):
    """The texts, and the index of each word's text; 0 is "", accepted."""
    nothing = numpy.zeros(len(words), dtype=bool)

    def on(name):
        return (words & numpy.uint32(bits[name])) != 0 if name in bits else nothing

    texts, answers = [""], numpy.zeros(len(words), dtype=numpy.uint8)
    for text, refuses in rows(version, on, now):
        answers[refuses & (answers == 0)] = len(texts)
        texts.append(text)
    return texts, answers
