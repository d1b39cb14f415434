"""A probe of this host."""

import subprocess
import time
from pathlib import Path

import pytest

import pymig

pytestmark = pytest.mark.benchmark(group="probe")

TURNS, PROBES = 60, 100


@pytest.fixture(scope="module")
def quickest(tmp_path_factory):
    """The quickest probe, and the quickest run of the reference's own sequence in plain C by its own clock; by turns."""
    program = tmp_path_factory.mktemp("probe") / "reference_probe"
    subprocess.run(["cc", "-O2", "-o", program, Path(__file__).parent / "reference_probe.c"], check=True)
    ours, theirs = [], []
    for _ in range(TURNS):
        theirs.append(float(subprocess.run([program, str(PROBES)], capture_output=True, text=True, check=False).stdout))
        ours.extend(duration() for _ in range(PROBES))
    return {"test_probe": min(ours), "test_plain_c_probe": min(theirs)}


def duration():
    start = time.perf_counter_ns()
    pymig.probe()
    return time.perf_counter_ns() - start


@pytest.mark.parametrize("name", ["test_probe", "test_plain_c_probe"])
def test_quickest(benchmark, quickest, name):
    benchmark.extra_info["ns"] = quickest[name]
    benchmark.name = name
    benchmark.pedantic(lambda: None, rounds=1)
