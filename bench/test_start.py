# SPDX-License-Identifier: GPL-2.0-or-later

"""From nothing to an answer: a new interpreter each time."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.benchmark(group="start")

RUNS = 40

TIMED = "import time; start = time.perf_counter_ns(); {}; print(time.perf_counter_ns() - start)"
STATEMENTS = {
    "test_import_backend": "import _cffi_backend",
    "test_import_pymig": "import pymig",
    "test_first_check": "import pymig; pymig.check(['multifd'])",
}

PYMIG = Path(sys.executable).with_name("pymig")
REFUSED = "error: internal error: unable to execute QEMU command 'migrate-set-capabilities': Postcopy is not supported"
WRONG_VALUE = "Parameter 'multifd-channels' expects a value between 1 and 255"
PROCESSES = {
    "test_process_argparse": (sys.executable, "-c", "import argparse"),
    "test_process_check": (PYMIG, "check", "multifd"),
    "test_process_explain[line]": (PYMIG, "explain", REFUSED),
    "test_process_explain[value]": (PYMIG, "explain", WRONG_VALUE),
}

# What was compiled once is kept, as it is for users.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def output(*command):
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout


def duration(command):
    start = time.perf_counter_ns()
    output(*command)
    return time.perf_counter_ns() - start


@pytest.fixture(scope="module")
def measured():
    """Medians in ns; by turns, so that what else the machine does hits all alike."""
    times = {name: [] for name in (*STATEMENTS, *PROCESSES)}
    for _ in range(RUNS + 1):
        for name, statement in STATEMENTS.items():
            times[name].append(int(output(sys.executable, "-c", TIMED.format(statement))))
        for name, command in PROCESSES.items():
            times[name].append(duration(command))
    return {name: statistics.median(each[1:]) for name, each in times.items()}


@pytest.mark.parametrize("name", [*STATEMENTS, *PROCESSES])
def test_start(benchmark, measured, name):
    benchmark.extra_info["ns"] = measured[name]
    benchmark.name = name
    benchmark.pedantic(lambda: None, rounds=1)
