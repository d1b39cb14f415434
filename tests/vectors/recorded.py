"""The recorded answers of real QEMU binaries, and what pymig needs to be asked the same."""

import gzip
import json
from functools import cache
from pathlib import Path

from pymig import CapabilitySet, Host, PostcopySupport, QemuBuild

DATA = Path(__file__).parent / "data"

BUILDS = {
    "qemu-8.0.50-2682c4eea7": QemuBuild("8.0"),
    "qemu-8.0.50-2682c4eea7-minimal": QemuBuild("8.0", live_block_migration=False, replication=False),
    "qemu-8.0.0": QemuBuild("8.0", live_block_migration=False),
    "debian-7.2.22": QemuBuild("8.0"),
}

CAPABLE = Host("compatible", True)

# What the recording host could do for each memory: a memory that pymig maps itself is asked for in tests/host.
HOSTS = {
    ("full", "memory-backend-ram"): CAPABLE,
    ("full", "memory-backend-memfd"): CAPABLE,
    ("full", "memory-backend-file"): Host("available", True, write_tracking_ignore_shared="compatible"),
    ("no-userfaultfd", "memory-backend-ram"): Host("absent", PostcopySupport(False, 2, 1)),
}
PRIVATE_DISK_FILE = Host("available", True)


def labels(suffix=""):
    names = (path.name.removesuffix(".json.gz") for path in sorted(DATA.glob("*.json.gz")))
    if suffix:
        return [name.removesuffix(suffix) for name in names if name.endswith(suffix)]
    return [name for name in names if not name.endswith(".sessions")]


@cache
def load(label):
    with gzip.open(DATA / f"{label}.json.gz") as file:
        return json.load(file)


def host_of(context, label):
    if context["memory"].endswith("share=off"):
        host = PRIVATE_DISK_FILE
    else:
        host = HOSTS[context["host"], context["memory"].partition(",")[0]]
    file_systems_count = label.startswith("qemu-8.0.50")
    if context["memory"].startswith("memory-backend-file") and file_systems_count:
        host = Host(
            host.write_tracking,
            PostcopySupport(False, 9),
            write_tracking_ignore_shared=host.write_tracking_ignore_shared,
        )
    return host


def own_masks(file):
    """A function from a mask of this file to pymig's: bit i of the file is its capability i."""
    names = [capability["name"] for capability in file["capabilities"]]
    bits = [CapabilitySet([name]).mask for name in names]

    def own(mask):
        return sum(bit for i, bit in enumerate(bits) if mask >> i & 1)

    return own
