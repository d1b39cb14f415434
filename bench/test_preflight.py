"""A preflight of two stated ends, beside two queries of a live QEMU."""

import shutil

import pytest

from bench.peers import HOST, measure
from pymig import Context, Endpoint, Plan, preflight

pytestmark = [pytest.mark.benchmark(group="preflight"), pytest.mark.usefixtures("turn")]

FACTS = {
    "machine": "pc-q35-10.0",
    "uuid": None,
    "ram_blocks": {"pc.ram": {"size": 1 << 30, "page_size": 4096, "share": False, "kind": "anonymous"}},
    "cpus": 2,
    "cpu_model": None,
    "devices": [("virtio-net-pci", "3"), ("virtio-rng-pci", "5")],
}
PREFLIGHTS = 100


def ends():
    return [Endpoint(Context(release, HOST), **FACTS) for release in ("10.0", "11.1")]


@pytest.mark.parametrize("names", [["multifd"], ["postcopy-ram", "return-path", "xbzrle"]], ids=len)
def test_preflight(benchmark, names):
    source, destination = ends()
    plan = Plan(names, {"multifd-channels": 4}, uri="tcp:host:4444")
    assert preflight(source, destination, plan)
    measure(benchmark, lambda: [preflight(source, destination, plan) for _ in range(PREFLIGHTS)], PREFLIGHTS, 20)


@pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="needs a real QEMU: qemu-system-x86_64")
def test_two_live_queries(benchmark):
    from tests.live.conftest import live_qemu

    with live_qemu() as qemu:
        measure(
            benchmark,
            lambda: [qemu.ask("query-migrate-capabilities"), qemu.ask("query-migrate-parameters")],
            units=1,
            warmup_rounds=10,
        )
