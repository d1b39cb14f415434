# SPDX-License-Identifier: GPL-2.0-or-later

"""The host is asked only when a rule needs it, and then once. Shown by strace."""

import re
import shutil
import subprocess
import sys

import pytest

if shutil.which("strace") is None:
    pytest.skip("needs strace", allow_module_level=True)

BEGIN, END = "/pymig-begin", "/pymig-end"

SETUP = f"""
import os
from pymig import Checker, Host, MigrationState
checker, incoming, state = Checker(), Checker(incoming=True), MigrationState()
def between(function, *arguments):
    function(*arguments) if warm else None
    os.access({BEGIN!r}, 0)
    function(*arguments)
    os.access({END!r}, 0)
"""

# Every set without background-snapshot and, incoming, without postcopy-ram or with it on before.
WITHOUT_HOST = """
POSTCOPY, SNAPSHOT = 1 << 6, 1 << 18
def ask():
    for mask in range(0, 1 << 21, 1999):
        checker.check(mask & ~SNAPSHOT)
        incoming.check(mask & ~SNAPSHOT & ~POSTCOPY)
        incoming.check(mask & ~SNAPSHOT, POSTCOPY)
        incoming.explain(mask & ~SNAPSHOT & ~POSTCOPY)
    state.set_capabilities({"multifd": True, "postcopy-ram": True})
    state.set_capabilities({"multifd": False, "postcopy-ram": False})
warm = True
between(ask)
"""

# Refused by an earlier rule, so the host's answer is of no interest.
REFUSED_BEFORE = """
from pymig import QemuBuild
checker = Checker(QemuBuild(live_block_migration=False, replication=False), incoming=True)
warm = False
between(lambda: [
    checker.check(["block", "background-snapshot", "postcopy-ram"]),
    checker.check(["x-colo", "postcopy-ram"]),
])
"""

TWICE = """
warm = False
between(lambda: [checker.check(["background-snapshot"]), checker.check(["background-snapshot"])])
"""

MAKING = """
warm = True
between(lambda: [Checker(), Checker(incoming=True), MigrationState(), Host.local()])
"""


def system_calls(script):
    """The system calls that a script makes between the marks, as strace writes them."""
    done = subprocess.run(
        ["strace", "-f", "-qq", sys.executable, "-c", SETUP + script], capture_output=True, text=True, check=True
    )
    lines = done.stderr.splitlines()
    marks = [i for i, line in enumerate(lines) if BEGIN in line or END in line]
    assert len(marks) == 2
    inside = lines[marks[0] + 1 : marks[1]]
    return [
        line for line in inside if not re.search(r"\b(brk|mmap|munmap|madvise|mremap)\(", line) or "userfaultfd" in line
    ]


@pytest.mark.parametrize("script", [WITHOUT_HOST, REFUSED_BEFORE, MAKING], ids=["rules", "refused before", "making"])
def test_no_system_call(script):
    assert system_calls(script) == []


def test_asked_once():
    calls = system_calls(TWICE)
    assert sum("/dev/userfaultfd" in call for call in calls) == 1, calls
    assert any("UFFDIO_API" in call or "userfaultfd" in call for call in calls)
