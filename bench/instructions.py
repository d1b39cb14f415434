# SPDX-License-Identifier: GPL-2.0-or-later

"""Compares how many instructions a check takes with the figures that were committed.

Counted, not timed: the same on every machine, however busy. Compilers differ a little, hence the tolerance; whoever
makes something faster commits the new figure: python -m bench.instructions --update.
"""

import json
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
CSRC = HERE.parent / "csrc"
FIGURES = HERE / "instructions.json"
TOLERANCE = 0.2
SETS = 1 << 16

# By what its instructions are divided: the sets that it checks, or the one Checker that it makes.
WORKLOADS = {"check": SETS, "batch, portable": SETS, "batch, AVX2": SETS, "checker": 1}


def build(folder):
    """The driver, with the core in it, as cffi has it compiled."""
    program = folder / "instructions"
    sources = [HERE / "instructions.c", *sorted(CSRC.rglob("*.c"))]
    subprocess.run(["gcc", "-std=c11", "-O3", f"-I{CSRC}", "-o", program, *sources, "-lpthread"], check=True)
    return program


def count(program, workload):
    """Instructions in measured()."""
    callgrind = ["valgrind", "--tool=callgrind", "--toggle-collect=measured", "--callgrind-out-file=/dev/null"]
    done = subprocess.run([*callgrind, program, workload], capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def main(*arguments):
    """Returns the exit status."""
    if platform.machine() != "x86_64":
        print(f"the committed figures are those of x86_64, not of {platform.machine()}; nothing is compared")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder))
        counted = {workload: round(count(program, workload) / per, 2) for workload, per in WORKLOADS.items()}
    if arguments == ("--update",):
        FIGURES.write_text(json.dumps(counted, indent=2) + "\n")
    committed = json.loads(FIGURES.read_text())
    for workload, figure in committed.items():
        change = counted[workload] / figure - 1
        verdict = "" if abs(change) <= TOLERANCE else f"  more than {TOLERANCE:.0%} away"
        print(f"{workload:<16} {counted[workload]:>9} instructions, {figure:>9} committed, {change:+.1%}{verdict}")
    return int(any(abs(counted[workload] / figure - 1) > TOLERANCE for workload, figure in committed.items()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
