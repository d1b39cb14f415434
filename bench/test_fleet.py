# SPDX-License-Identifier: GPL-2.0-or-later

"""A fleet of stated ends, beside a loop over its pairs; reading its documents, beside json.loads of them."""

import json
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from uuid import UUID

import pytest

from bench.peers import HOST, measure
from pymig import Context, Endpoint, Fleet, Host, Plan, QemuBuild, preflight, probe
from pymig.fleet.outcomes import outcomes
from pymig.fleet.reading import Reader

pytestmark = [pytest.mark.benchmark(group="fleet"), pytest.mark.usefixtures("turn")]

ENDS = 100_000
DOCUMENTS = 2000
PLAN = Plan(["multifd"], {"multifd-channels": 4}, uri="tcp:host:4444")
RELEASES = QemuBuild.releases()


def distinct(classes):
    """Ends that all answer differently."""
    ram = {"pc.ram": {"size": 1 << 30, "page_size": 4096, "share": False, "kind": "anonymous"}}
    return [
        Endpoint(Context(RELEASES[i % len(RELEASES)], HOST), machine="pc-q35-7.2", cpus=1 + i, ram_blocks=ram)
        for i in range(classes)
    ]


@cache
def fleet(classes, number=ENDS):
    """Names, and values that are equal but not identical."""
    ends = distinct(classes)
    return {f"host{i}": ends[i % classes].replace(paused=False) for i in range(number)}


def ask(ends):
    matrix = Fleet(ends).matrix(PLAN)
    return matrix.class_outcomes, matrix.count()


@pytest.mark.parametrize("classes", [100, 500])
def test_fleet(benchmark, classes):
    """100,000 x 100,000 ends: from values to class_outcomes and count()."""
    ends = fleet(classes)
    codes, count = ask(ends)
    assert codes.shape == (classes, classes)
    assert 0 < count < ENDS**2
    measure(benchmark, lambda: ask(ends), units=1, rounds=1)


def test_fleet_beside_a_loop(benchmark):
    """300 x 300 ends in 18 classes: every pair that the loop answers."""
    ends = fleet(18, 300)
    measure(benchmark, lambda: Fleet(ends).matrix(PLAN).outcomes, units=1, rounds=10)


def test_loop_over_pairs(benchmark):
    ends = [*fleet(18, 300).values()]
    assert all(preflight(end, end, PLAN).outcome for end in ends)
    measure(benchmark, lambda: [preflight(a, b, PLAN).ok for a in ends for b in ends], units=1, rounds=1)


MACHINES, HOSTS = 1000, 10_000
FACTS = (HOST, Host("available"), Host("absent", False))


def machines_and_hosts():
    """Machines with UUIDs of their own, and hosts, in 84 contexts."""
    contexts = [Context(release, host, rdma=rdma) for release in RELEASES for host in FACTS for rdma in (False, True)]
    ram = {"pc.ram": {"size": 1 << 30, "page_size": 4096, "share": False, "kind": "anonymous"}}
    machines = {
        f"machine{i}": Endpoint(
            contexts[i % len(contexts)], machine="pc-q35-7.2", uuid=str(UUID(int=1 + i)), ram_blocks=ram, cpus=2
        )
        for i in range(MACHINES)
    }
    return machines, {f"host{i}": Endpoint(contexts[i % len(contexts)], machine="pc-q35-7.2") for i in range(HOSTS)}


def test_machines_to_hosts(benchmark):
    """1,000 machines x 10,000 hosts, from new values to the code of each pair. The plan compares UUIDs."""
    machines, hosts = machines_and_hosts()
    matrix = Fleet({**machines, **hosts}).matrix(PLAN)
    assert matrix.classes > MACHINES
    for source, destination in zip(machines, list(hosts)[::10], strict=True):
        assert matrix.can(source, destination) == preflight(machines[source], hosts[destination], PLAN).ok
    measure(
        benchmark,
        lambda machines, hosts: Fleet({**machines, **hosts}).matrix(PLAN).block(machines, hosts),
        units=MACHINES * HOSTS,
        rounds=3,
        setup=lambda: (machines_and_hosts(), {}),
    )


def test_loop_over_machines_and_hosts(benchmark):
    """A part of these pairs, 100 x 200. What belongs to an end is made before."""
    machines, hosts = (list(ends.values()) for ends in machines_and_hosts())
    sample = [(source, destination) for source in machines[::10] for destination in hosts[::50]]
    assert sum(preflight(source, destination, PLAN).ok for source, destination in sample)
    measure(benchmark, lambda: [preflight(a, b, PLAN).ok for a, b in sample], units=len(sample), rounds=1)


def test_outcome_without_words(benchmark):
    ends = distinct(30)
    assert len(outcomes(ends, ends, PLAN)) == 900
    measure(benchmark, lambda: outcomes(ends, ends, PLAN), units=900, rounds=20)


def read(documents):
    reader = Reader()
    return [reader.read(text) for text in documents]


DIFFER = {
    "100 texts": lambda i: {"rack": i % 100},
    "names differ": lambda i: {"name": f"host{i}"},
    "all differ": lambda i: {"name": f"host{i}", "machine_id": f"{i:032x}", "time": 1.8e9 + i, "evidence": {"pid": i}},
}


@pytest.mark.parametrize("differ", DIFFER)
def test_read_documents(benchmark, differ):
    documents = host_documents(differ)
    assert len({end for _, end in read(documents)}) == 1
    measure(benchmark, lambda: read(documents), units=1, rounds=1)


@pytest.mark.parametrize("differ", DIFFER)
def test_json_loads(benchmark, differ):
    documents = host_documents(differ)
    measure(benchmark, lambda: [json.loads(text) for text in documents], units=1, rounds=1)


def host_documents(differ):
    """What pymig probe --json prints at many hosts."""
    facts = probe().to_dict()
    return [json.dumps({**facts, **DIFFER[differ](i)}, indent=2) for i in range(DOCUMENTS)]


@cache
def dask():
    """What dask_workers.py printed."""
    words = [sys.executable, "-m", "bench.dask_workers"]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("clock", ["time", "CPU"])
@pytest.mark.skipif(find_spec("distributed") is None, reason="optional: pip install distributed")
def test_dask(benchmark, clock, workers):
    benchmark.extra_info["ns"] = dask()[f"{clock}-{workers}"]
    benchmark.pedantic(lambda: None, rounds=1)
