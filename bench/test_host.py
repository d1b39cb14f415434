# SPDX-License-Identifier: GPL-2.0-or-later

"""A probe of this host."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.benchmark(group="probe")

TURNS, PROBES = 40, 100

PROGRAM = f"""
import time, pymig
pymig.probe()
start = time.perf_counter_ns()
for _ in range({PROBES}):
    pymig.probe()
print((time.perf_counter_ns() - start) / {PROBES})
"""


@pytest.fixture(scope="module")
def quickest(tmp_path_factory):
    """The quickest probe, and the quickest run of the reference's own sequence in plain C; each in its own process and
    by its own clock, by turns."""
    program = tmp_path_factory.mktemp("probe") / "reference_probe"
    subprocess.run(["cc", "-O2", "-o", program, Path(__file__).parent / "reference_probe.c"], check=True)
    commands = {"test_probe": [sys.executable, "-c", PROGRAM], "test_plain_c_probe": [program, str(PROBES)]}
    turns = [{name: said(command) for name, command in commands.items()} for _ in range(TURNS)]
    return {name: min(turn[name] for turn in turns) for name in commands}


def said(command):
    return float(subprocess.run(command, capture_output=True, text=True, check=False).stdout)


@pytest.mark.parametrize("name", ["test_probe", "test_plain_c_probe"])
def test_quickest(benchmark, quickest, name):
    benchmark.extra_info["ns"] = quickest[name]
    benchmark.name = name
    benchmark.pedantic(lambda: None, rounds=1)
