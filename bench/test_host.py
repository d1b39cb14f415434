"""A probe of this host."""

import statistics
import subprocess
from pathlib import Path

import pytest

import pymig

pytestmark = pytest.mark.benchmark(group="probe")


def test_probe(benchmark):
    benchmark(pymig.probe)


def test_plain_c_probe(benchmark, tmp_path):
    """The reference's own sequence in plain C, by its own clock."""
    program = tmp_path / "reference_probe"
    subprocess.run(["cc", "-O2", "-o", program, Path(__file__).parent / "reference_probe.c"], check=True)

    def ask():
        done = subprocess.run([program, "2000"], capture_output=True, text=True, check=False)
        return float(done.stdout)

    benchmark.extra_info["ns"] = statistics.median(ask() for _ in range(5))
    benchmark.pedantic(ask, rounds=1)
