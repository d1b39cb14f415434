"""Prints in JSON how long Dask takes with one worker and with two, in ns: medians of rounds in turn.

Both clusters are up, and their workers have imported everything. 300 x 300 classes are asked, in blocks.
"""

import json
import statistics
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from bench.test_fleet import PLAN, distinct

ROUNDS = 3
CLASSES = 300


def example():
    """The module examples/fleet_dask.py."""
    spec = spec_from_file_location("fleet_dask", Path(__file__).parents[1] / "examples" / "fleet_dask.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    """See the module."""
    dask, ends = example(), [(end, 1) for end in distinct(CLASSES)]
    clients = {
        workers: dask.Client(dask.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None))
        for workers in (1, 2)
    }
    times = {workers: [] for workers in clients}
    answers = [dask.counts_by_dask(client, ends[:100], ends[:100], PLAN) for client in clients.values()]
    assert answers[0] == answers[1]
    for _ in range(ROUNDS):
        for workers, client in clients.items():
            start = time.perf_counter_ns()
            dask.counts_by_dask(client, ends, ends, PLAN, block=25)
            times[workers].append(time.perf_counter_ns() - start)
    json.dump({workers: statistics.median(each) for workers, each in times.items()}, sys.stdout)


if __name__ == "__main__":
    main()
