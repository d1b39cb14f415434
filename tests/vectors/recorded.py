"""The recorded answers of real QEMU binaries, and the same questions for pymig."""

import gzip
import json
from functools import cache
from pathlib import Path

from pymig import CapabilitySet, Host, PostcopySupport, QemuBuild

DATA = Path(__file__).parent / "data"

BUILDS = {
    "qemu-8.0.50-2682c4eea7": QemuBuild("8.0.50"),
    "qemu-8.0.50-2682c4eea7-minimal": QemuBuild("8.0.50", live_block_migration=False, replication=False),
    "debian-7.2.22": QemuBuild("7.2.22"),
    "qemu-11.0-dev-ece408818d": QemuBuild("11.0", live_block_migration=False),
    **{
        f"qemu-{release}": QemuBuild(release, live_block_migration=False)
        for release in ("8.0.0", "8.1.0", "8.2.0", "9.0.0", "9.1.0", "9.2.0", "10.0.0", "10.1.0", "10.2.0")
    },
}

CAPABLE = Host("compatible", True)

# What the recording host could do for each memory: a memory that pymig maps itself is asked for in tests/host. A disk
# file can't be write-tracked, and is no file system for postcopy where a release looks at that (from the reference on).
NO_USERFAULTFD = Host("absent", PostcopySupport(False, 2, 1))
MEMORIES = {
    "memory-backend-ram,id=m0,size=64M": ("compatible", "compatible", True),
    "memory-backend-memfd,id=m0,size=64M,share=on": ("compatible", "compatible", True),
    "memory-backend-file,id=m0,size=64M,mem-path=DIR/ram,share=on": ("available", "compatible", False),
    "memory-backend-file,id=m0,size=64M,mem-path=DIR/ram2,share=off": ("available", "available", False),
}


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
    if context["host"] == "no-userfaultfd":
        return NO_USERFAULTFD
    tracking, ignoring, on_tmpfs = MEMORIES[context["memory"]]
    looks_at_file_systems = BUILDS[label].release not in ("7.2", "8.0")
    postcopy = PostcopySupport(False, 9) if looks_at_file_systems and not on_tmpfs else PostcopySupport(True)
    return Host(tracking, postcopy, write_tracking_ignore_shared=ignoring)


def circumstances(context):
    """The keywords for a Checker or a MigrationState, in addition to build and host."""
    return {"incoming": context["incoming"], "kvm_dirty_ring": "dirty-ring-size" in context["accel"]}


def own_masks(file):
    """A function from a mask of this file to pymig's: bit i of the file is its capability i."""
    names = [capability["name"] for capability in file["capabilities"]]
    bits = [CapabilitySet([name]).mask for name in names]

    def own(mask):
        return sum(bit for i, bit in enumerate(bits) if mask >> i & 1)

    return own
