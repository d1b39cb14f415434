# SPDX-License-Identifier: GPL-2.0-or-later

"""Prints in JSON how long Dask takes with one worker and with two, in ns: medians of rounds in turn.

Where other jobs want the same cores, two workers may get no more time than one; so the CPU time of the busiest worker is
printed, too. Both clusters are up, and their workers have imported everything. 800 x 800 classes are asked, in blocks.
"""

import json
import statistics
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from bench.test_fleet import PLAN, distinct

ROUNDS = 2
CLASSES = 800


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
    times = {}
    answers = [dask.counts_by_dask(client, ends[:100], ends[:100], PLAN) for client in clients.values()]
    assert answers[0] == answers[1]
    for _ in range(ROUNDS):
        for workers, client in clients.items():
            start, before = time.perf_counter_ns(), client.run(time.process_time_ns)
            dask.counts_by_dask(client, ends, ends, PLAN, block=25)
            taken, after = time.perf_counter_ns() - start, client.run(time.process_time_ns)
            times.setdefault(f"time-{workers}", []).append(taken)
            times.setdefault(f"CPU-{workers}", []).append(max(after[one] - before[one] for one in after))
    json.dump({name: statistics.median(each) for name, each in times.items()}, sys.stdout)


if __name__ == "__main__":
    main()
