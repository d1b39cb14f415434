# SPDX-License-Identifier: GPL-2.0-or-later

"""``python -m tests.host.steady [COUNT]``: asks a thousand times in the place of a QEMU whose guest counts.

The guest's counter must go on, QEMU and this process must be as before, and the longest stop is printed.
"""

import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import pymig
from tests.host.test_process import nobody, qemu_in, settled, visible

BOOT_SECTOR = bytes.fromhex("31c08ed866ff06007eebf9").ljust(510, b"\0") + b"\x55\xaa"
"""A guest that increments the 32-bit number at 0x7e00 for ever: xor ax, ax; mov ds, ax; inc dword [0x7e00]; jmp."""


def counter(qmp):
    """The guest's number."""
    reply = qmp.cmd("human-monitor-command", **{"command-line": "xp /1wx 0x7e00"})
    return int(re.search(r"0x([0-9a-f]{8})$", reply.strip()).group(1), 16)


def started(qmp):
    """The guest's number, once the boot sector runs."""
    qmp.cmd("cont")
    deadline = time.monotonic() + 60
    while (number := counter(qmp)) == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    return number


def ask(count):
    """Asks `count` times; returns the figures, or raises AssertionError."""
    with tempfile.NamedTemporaryFile() as image:
        image.write(BOOT_SECTOR)
        image.flush()
        Path(image.name).chmod(0o644)
        disk = f"file={image.name},format=raw,if=floppy,readonly=on"
        with qemu_in([nobody()], "-drive", disk, "-sandbox", "on,spawn=deny") as (pid, qmp):
            first = started(qmp)
            before = visible(os.getpid())[2], settled(pid)
            stops = [pymig.probe(pid=pid)._place.c.stopped for _ in range(count)]
            assert visible(os.getpid())[2] == before[0], "this process has other descriptors than before"
            assert settled(pid) == before[1], "QEMU is not as before"
            assert 0 < first != counter(qmp), "the guest does not count"
            assert qmp.cmd("query-status")["status"] == "running"
    return {"probes": count, "longest stop, ms": max(stops) / 1e6, "usual stop, ms": sorted(stops)[count // 2] / 1e6}


if __name__ == "__main__":
    print(json.dumps(ask(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)))
