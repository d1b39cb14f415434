# SPDX-License-Identifier: GPL-2.0-or-later

"""A full probe costs at most twice the system calls of the reference's own sequence."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "bench" / "reference_probe.c"
MARK = "/pymig-mark"

PROBE = f"""
import os, pymig
pymig.probe()
os.access({MARK!r}, 0)
pymig.probe()
os.access({MARK!r}, 0)
"""

for need, there in (
    ("strace", shutil.which("strace")),
    ("a C compiler", shutil.which("cc")),
    ("bench/, which only the source tree has", SOURCE.exists()),
    ("root, for /dev/userfaultfd", os.geteuid() == 0 and os.path.exists("/dev/userfaultfd")),
):
    if not there:
        pytest.skip(f"needs {need}", allow_module_level=True)


def calls_between_marks(*command):
    done = subprocess.run(["strace", "-f", "-qq", *command], capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if re.match(r"(\[pid +\d+\] )?\w+\(", line)]
    marks = [i for i, line in enumerate(lines) if MARK in line and "access" in line]
    assert len(marks) == 2
    return lines[marks[0] + 1 : marks[1]]


def test_system_calls_of_a_probe(tmp_path):
    peer = tmp_path / "reference_probe"
    subprocess.run(["cc", "-O2", "-o", peer, SOURCE], check=True)
    reference = calls_between_marks(peer, "1", MARK)
    ours = calls_between_marks(sys.executable, "-c", PROBE)
    assert len(reference) > 20
    assert len(ours) <= 2 * len(reference), "\n".join(ours)


LOCKED = "import resource as r; r.setrlimit(r.RLIMIT_MEMLOCK, (65536, r.getrlimit(r.RLIMIT_MEMLOCK)[1]));"


def test_locked_memory_opens_no_userfaultfd():
    ask = f"{LOCKED} from pymig.host.checks import ask; print(ask(None, ['memlock'])[0].detail)"
    command = ["strace", "-f", "-qq", "-e", "trace=userfaultfd,openat", sys.executable, "-c", ask]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "RLIMIT_MEMLOCK = 65536, but CAP_IPC_LOCK lifts it\n"
    assert "userfaultfd" not in done.stderr
