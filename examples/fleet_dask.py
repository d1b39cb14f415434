"""Who of many ends can go where, computed by Dask in blocks of classes.

    python examples/fleet_dask.py ENDS.jsonl [--workers 2] [--scheduler tcp://host:8786] [NAME...]

ENDS.jsonl has a document of an end a line. A local cluster is started unless a scheduler is given. Each block is
``pymig.fleet.outcomes.outcomes(sources, destinations, plan)``: a pure function of values that can be pickled. It needs
nothing of Dask.

Needs: pip install pymig-qemu distributed
"""

import argparse
import json
from pathlib import Path

from dask.distributed import Client, LocalCluster

from pymig import Fleet, FleetMatrix, Plan
from pymig.fleet.outcomes import outcomes

BLOCK = 50
"""Classes of sources in a block. Each is some hundred thousand pairs a second."""


def matrix_by_dask(client: Client, fleet: Fleet, plan: Plan, block: int = BLOCK) -> FleetMatrix:
    """The same as fleet.matrix(plan), with its blocks computed by the cluster's workers."""
    ends = fleet.representatives(plan)
    [destinations] = client.scatter([ends], broadcast=True, hash=False)
    parts = [ends[start : start + block] for start in range(0, len(ends), block)]
    futures = [client.submit(outcomes, part, destinations, plan, pure=False) for part in parts]
    return FleetMatrix(fleet, plan, b"".join(client.gather(futures)))


def main() -> None:
    """Prints how many pairs have which outcome, as JSON."""
    parser = argparse.ArgumentParser(description="Who of many ends can go where, computed by Dask.")
    parser.add_argument("ends", type=Path)
    parser.add_argument("names", nargs="*", help="capabilities that are wanted")
    parser.add_argument("--uri", default="tcp:destination:4444")
    parser.add_argument("--block", type=int, default=BLOCK, help="classes of sources in a block (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scheduler", help="the address of a cluster that runs already")
    options = parser.parse_args()
    fleet = Fleet(options.ends.read_text().splitlines())
    plan = Plan(options.names, uri=options.uri)
    with client_of(options) as client:
        matrix = matrix_by_dask(client, fleet, plan, options.block)
    counts = {f"{outcome}: {guest}": matrix.count(i) for i, (outcome, guest) in enumerate(matrix.kinds) if i}
    counts = {kind: count for kind, count in counts.items() if count}
    print(json.dumps({"ends": len(fleet.names), "classes": fleet.classes, "ok": matrix.count(), **counts}, indent=2))


def client_of(options: argparse.Namespace) -> Client:
    """A client of the given cluster, or of one on this machine."""
    if options.scheduler:
        return Client(options.scheduler)
    return Client(LocalCluster(n_workers=options.workers, threads_per_worker=1, dashboard_address=None))


if __name__ == "__main__":
    main()
