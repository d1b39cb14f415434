# SPDX-License-Identifier: GPL-2.0-or-later

"""The recorded answers of real QEMU binaries, and the same questions for pymig.

README.md describes the format.
"""

import gzip
import json
from functools import cache
from pathlib import Path

from pymig import Host, PostcopySupport, QemuBuild
from pymig.qemu.build import COMPRESSIONS

DATA = Path(__file__).parent / "data"

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

NO_REPLICATION = "QEMU compiled without replication module can't enable COLO"


def names():
    """The project's recordings: their paths below DATA, without the suffix."""
    return sorted(str(path.relative_to(DATA)).removesuffix(".json.gz") for path in DATA.rglob("*.json.gz"))


def read(path):
    with gzip.open(path) as file:
        return json.load(file)


def write(path, recording):
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write(json.dumps(recording, separators=(",", ":")).encode())


@cache
def load(name):
    return read(DATA / f"{name}.json.gz")


def build_of(recording, release=None):
    """The binary as pymig knows it: its version, and what was built in as its answers show.

    Args:
        recording: one with capabilities and parameters, or the sessions or started contexts of the same label.
        release: asked instead of the binary's own version.

    Raises:
        ValueError: pymig does not know the release.
    """
    if "listed" not in recording:
        recording = load(recording["label"])
    capabilities = {capability["name"] for capability in recording["capabilities"]}
    cases = recording["parameter_cases"]
    return QemuBuild(
        release or version_of(recording),
        live_block_migration="block" in recording["listed"] or "block" not in capabilities,
        replication=NO_REPLICATION not in recording["messages"],
        compressions=[value for value in COMPRESSIONS if [{"multifd-compression": value}, ""] in cases],
    )


def version_of(recording):
    return "{major}.{minor}.{micro}".format(**recording["version"])


def host_of(context, build):
    if context["host"] == "no-userfaultfd":
        return NO_USERFAULTFD
    tracking, ignoring, on_tmpfs = MEMORIES[context["memory"]]
    looks_at_file_systems = not build.release.startswith(("7.2", "8.0")) or build.release == "8.0.50"
    postcopy = PostcopySupport(False, 9) if looks_at_file_systems and not on_tmpfs else PostcopySupport(True)
    return Host(tracking, postcopy, write_tracking_ignore_shared=ignoring)


def circumstances(context):
    """The keywords for a Checker or a MigrationState, in addition to build and host."""
    return {
        "incoming": context["incoming"],
        "kvm_dirty_ring": "dirty-ring-size" in context["accel"],
        "incoming_started": context.get("transport") == "unix",
        "single_channel": context.get("transport") == "exec",
    }
