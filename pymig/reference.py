# SPDX-License-Identifier: GPL-2.0-or-later

"""QEMU's check in plain Python: an executable description of the rules.

The reference is QEMU's migration/options.c of 24 April 2023, which has the rules of release 8.0. This module shares no
code and no table with the C core, so that tests can compare the two. It knows one release, never probes a host (the
context states what the host can do), and accepts names or masks.

>>> check(("multifd", "compress"))
Refusal(message='Multifd is not compatible with compress', hint=None)
>>> check(("multifd", "zero-copy-send")) is None
True
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

CAPABILITIES = (
    "xbzrle",
    "rdma-pin-all",
    "auto-converge",
    "zero-blocks",
    "compress",
    "events",
    "postcopy-ram",
    "x-colo",
    "release-ram",
    "block",
    "return-path",
    "pause-before-switchover",
    "multifd",
    "dirty-bitmaps",
    "postcopy-blocktime",
    "late-block-activate",
    "x-ignore-shared",
    "validate-uuid",
    "background-snapshot",
    "zero-copy-send",
    "postcopy-preempt",
)
"""In the order of QEMU's enum: bit i of a mask is the i-th name."""

BIT = {name: 1 << i for i, name in enumerate(CAPABILITIES)}

XBZRLE = BIT["xbzrle"]
COMPRESS = BIT["compress"]
POSTCOPY_RAM = BIT["postcopy-ram"]
COLO = BIT["x-colo"]
BLOCK = BIT["block"]
MULTIFD = BIT["multifd"]
IGNORE_SHARED = BIT["x-ignore-shared"]
BACKGROUND_SNAPSHOT = BIT["background-snapshot"]
ZERO_COPY_SEND = BIT["zero-copy-send"]
POSTCOPY_PREEMPT = BIT["postcopy-preempt"]

NOT_WITH_BACKGROUND_SNAPSHOT = (
    "postcopy-ram",
    "dirty-bitmaps",
    "postcopy-blocktime",
    "late-block-activate",
    "return-path",
    "multifd",
    "pause-before-switchover",
    "auto-converge",
    "release-ram",
    "rdma-pin-all",
    "compress",
    "xbzrle",
    "x-colo",
    "validate-uuid",
    "zero-copy-send",
)
"""In the order in which QEMU checks them."""


class Refusal(NamedTuple):
    """Why a set is refused: QEMU's text, and the hint that only its human monitor shows."""

    message: str
    hint: str | None = None


class Context(NamedTuple):
    """The input of the check, except for the two sets."""

    live_block_migration: bool = True
    replication: bool = True
    linux: bool = True
    incoming: bool = False
    postcopy: bool = True
    write_tracking: Literal["absent", "available", "compatible"] = "compatible"
    write_tracking_ignore_shared: Literal["absent", "available", "compatible"] | None = None
    multifd_compression: Literal["none", "zlib", "zstd"] = "none"
    tls_creds: str = ""


NO_LIVE_BLOCK_MIGRATION = Refusal(
    "QEMU compiled without old-style (blk/-b, inc/-i) block migration", "Use drive_mirror+NBD instead."
)
NO_REPLICATION = Refusal(
    "QEMU compiled without replication module can't enable COLO", "Please enable replication before COLO."
)
NO_POSTCOPY = Refusal("Postcopy is not supported")
POSTCOPY_WITH_IGNORE_SHARED = Refusal("Postcopy is not compatible with ignore-shared")
NO_SNAPSHOT_BY_KERNEL = Refusal("Background-snapshot is not supported by host kernel")
NO_SNAPSHOT_BY_MEMORY = Refusal("Background-snapshot is not compatible with guest memory configuration")
SNAPSHOT_CONFLICTS = tuple(
    (BIT[name], Refusal(f"Background-snapshot is not compatible with {name}")) for name in NOT_WITH_BACKGROUND_SNAPSHOT
)
ZERO_COPY_NOT_PLAIN = Refusal("Zero copy only available for non-compressed non-TLS multifd migration")
ZERO_COPY_NOT_LINUX = Refusal("Zero copy currently only available on Linux")
PREEMPT_WITHOUT_POSTCOPY = Refusal("Postcopy preempt requires postcopy-ram")
PREEMPT_WITH_COMPRESS = Refusal("Postcopy preempt not compatible with compress")
MULTIFD_WITH_COMPRESS = Refusal("Multifd is not compatible with compress")


def mask_of(capabilities: Iterable[str] | int) -> int:
    """The mask of an iterable of names, or of a mask."""
    if isinstance(capabilities, int):
        return capabilities
    mask = 0
    for name in capabilities:
        mask |= BIT[name]
    return mask


def check(
    new: Iterable[str] | int,
    old: Iterable[str] | int = (),
    context: Context = Context(),  # noqa: B008 - immutable
) -> Refusal | None:
    """Why QEMU refuses the change from ``old`` to ``new``, or None if it accepts."""
    return migrate_caps_check(mask_of(old), mask_of(new), context)


def migrate_caps_check(old: int, new: int, context: Context) -> Refusal | None:  # noqa: C901, PLR0911, PLR0912
    """The first of the rules 1 to 11 that refuses."""
    # 1, 2: features that are not built in
    if new & BLOCK and not context.live_block_migration:
        return NO_LIVE_BLOCK_MIGRATION
    if new & COLO and not context.replication:
        return NO_REPLICATION

    # 3, 4
    if new & POSTCOPY_RAM:
        if not old & POSTCOPY_RAM and context.incoming and not context.postcopy:
            return NO_POSTCOPY
        if new & IGNORE_SHARED:
            return POSTCOPY_WITH_IGNORE_SHARED

    # 5, 6, 7
    if new & BACKGROUND_SNAPSHOT:
        # Write tracking skips shared blocks if the *old* set has x-ignore-shared.
        tracking = context.write_tracking
        if old & IGNORE_SHARED and context.write_tracking_ignore_shared is not None:
            tracking = context.write_tracking_ignore_shared
        if tracking == "absent":
            return NO_SNAPSHOT_BY_KERNEL
        if tracking == "available":
            return NO_SNAPSHOT_BY_MEMORY
        for conflicting, refusal in SNAPSHOT_CONFLICTS:
            if new & conflicting:
                return refusal

    # 8, 8'
    if new & ZERO_COPY_SEND:
        if not context.linux:
            return ZERO_COPY_NOT_LINUX
        compressed = context.multifd_compression != "none" or new & (COMPRESS | XBZRLE)
        if not new & MULTIFD or compressed or context.tls_creds:
            return ZERO_COPY_NOT_PLAIN

    # 9, 10
    if new & POSTCOPY_PREEMPT:
        if not new & POSTCOPY_RAM:
            return PREEMPT_WITHOUT_POSTCOPY
        if new & COMPRESS:
            return PREEMPT_WITH_COMPRESS

    # 11
    if new & MULTIFD and new & COMPRESS:
        return MULTIFD_WITH_COMPRESS
    return None
