# SPDX-License-Identifier: GPL-2.0-or-later

"""How many of very many ends can go where, computed by Dask in blocks.

    python examples/fleet_dask.py SOURCES [NAME...] [--to DESTINATIONS] [--workers 2] [--scheduler tcp://host:8786]

SOURCES and DESTINATIONS are Parquet files with a column "document", JSON Lines, or folders of such files; by default
both are the same. A local cluster is started unless a scheduler is given, whose workers must see the files, too.

Each worker reads parts of the files, and tells only which classes of ends are there, and how many ends each has. Then
each asks a block of classes: ``pymig.fleet.outcomes.outcomes(sources, destinations, plan)``, a pure function of values
that can be pickled. So 10^6 x 10^4 ends are no more work than reading them.

Needs: pip install pymig-qemu distributed, and for Parquet pyarrow
"""

import argparse
import json
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

from dask.distributed import Client, LocalCluster

from pymig import Endpoint, Fleet, Plan
from pymig.fleet.outcomes import KINDS, outcomes

BLOCK = 50
"""Classes of sources in a block."""

Classes = list[tuple[Endpoint, int]]
"""An end of each class, and how many ends there are of it."""


def parts_of(path: Path) -> list[tuple[Path, int]]:
    """What is read at once: row groups of Parquet files, whole files of JSON Lines."""
    files = sorted(chain(path.glob("*.parquet"), path.glob("*.jsonl"))) if path.is_dir() else [path]
    return [(file, group) for file in files for group in range(_row_groups(file))]


def _row_groups(file: Path) -> int:
    return parquet(file).num_row_groups if file.suffix == ".parquet" else 1


def parquet(path: Path) -> Any:
    """A Parquet file."""
    from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - only for these

    return ParquetFile(path)


def read(part: tuple[Path, int]) -> Classes:
    """The classes of a part's ends."""
    file, group = part
    if file.suffix == ".parquet":
        documents = parquet(file).read_row_group(group, columns=["document"])["document"].to_pylist()
    else:
        documents = file.read_text().splitlines()
    return [(end, len(names)) for end, names in Fleet(documents).variants]


def merged(parts: list[Classes]) -> Classes:
    """The classes of all parts: an end of one part may be of the same class as one of another."""
    every = list(chain.from_iterable(parts))
    fleet = Fleet({str(number): end for number, (end, _) in enumerate(every)})
    return [(end, sum(every[int(name)][1] for name in names)) for end, names in fleet.variants]


def counts_of(sources: Classes, destinations: Classes, plan: Plan) -> Counter[int]:
    """How many pairs of ends have which code, an index of KINDS."""
    codes = iter(outcomes([end for end, _ in sources], [end for end, _ in destinations], plan))
    counts: Counter[int] = Counter()
    for _, ours in sources:
        for _, theirs in destinations:
            counts[next(codes)] += ours * theirs
    return counts


def counts_by_dask(
    client: Client, sources: Classes, destinations: Classes, plan: Plan, block: int = BLOCK
) -> Counter[int]:
    """The same, with blocks of sources counted by the cluster's workers."""
    [everywhere] = client.scatter([destinations], broadcast=True, hash=False)
    blocks = [sources[start : start + block] for start in range(0, len(sources), block)]
    futures = [client.submit(counts_of, one, everywhere, plan, pure=False) for one in blocks]
    return sum(client.gather(futures), Counter())


def client_of(options: argparse.Namespace) -> Client:
    """A client of the given cluster, or of one on this machine."""
    if options.scheduler:
        return Client(options.scheduler)
    return Client(LocalCluster(n_workers=options.workers, threads_per_worker=1, dashboard_address=None))


def main() -> None:
    """Prints how many pairs have which outcome, as JSON."""
    parser = argparse.ArgumentParser(description="How many of very many ends can go where, computed by Dask.")
    parser.add_argument("sources", type=Path)
    parser.add_argument("names", nargs="*", help="capabilities that are wanted")
    parser.add_argument("--to", type=Path, help="the destinations (default: the sources)")
    parser.add_argument("--uri", default="tcp:destination:4444")
    parser.add_argument("--block", type=int, default=BLOCK, help="classes of sources in a block (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scheduler", help="the address of a cluster that runs already")
    options = parser.parse_intermixed_args()
    plan = Plan(options.names, uri=options.uri)
    with client_of(options) as client:
        sources, destinations = (
            merged(client.gather(client.map(read, parts_of(path), pure=False)))
            for path in (options.sources, options.to or options.sources)
        )
        counts = counts_by_dask(client, sources, destinations, plan, options.block)
    sizes = {"sources": sources, "destinations": destinations}
    told = {name: {"ends": sum(size for _, size in one), "classes": len(one)} for name, one in sizes.items()}
    kinds = {
        f"{outcome}: {guest}": counts[code] for code, (outcome, guest) in enumerate(KINDS) if code and counts[code]
    }
    print(json.dumps({**told, "ok": counts[0], **kinds}, indent=2))


if __name__ == "__main__":
    main()
