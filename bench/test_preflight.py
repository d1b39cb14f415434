# SPDX-License-Identifier: GPL-2.0-or-later

"""A preflight of two stated ends, beside two queries of a live QEMU; reading a live end, beside a round trip."""

import asyncio
import shutil

import pytest

from bench.peers import HOST, measure
from pymig import Context, Endpoint, Plan, preflight
from pymig.ends.endpoint import _told
from pymig.ends.qmp import CommandRefusedError, SocketMonitor, _facts

pytestmark = [pytest.mark.benchmark(group="preflight"), pytest.mark.usefixtures("turn")]
needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-system-x86_64") is None, reason="needs a real QEMU: qemu-system-x86_64"
)

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


PLANS = pytest.mark.parametrize("names", [["multifd"], ["postcopy-ram", "return-path", "xbzrle"]], ids=len)


def plan_of(names):
    return Plan(names, {"multifd-channels": 4}, uri="tcp:host:4444")


@PLANS
def test_preflight(benchmark, names):
    """Without words."""
    source, destination = ends()
    plan = plan_of(names)
    assert preflight(source, destination, plan)
    measure(benchmark, lambda: [preflight(source, destination, plan) for _ in range(PREFLIGHTS)], PREFLIGHTS, 20)


@PLANS
def test_preflight_with_words(benchmark, names):
    source, destination = ends()
    plan = plan_of(names)
    assert preflight(source, destination, plan).steps
    measure(benchmark, lambda: [preflight(source, destination, plan).steps for _ in range(PREFLIGHTS)], PREFLIGHTS, 20)


@needs_qemu
def test_two_live_queries(benchmark):
    from tests.live.conftest import live_qemu

    with live_qemu() as qemu:
        measure(
            benchmark,
            lambda: [qemu.ask("query-migrate-capabilities"), qemu.ask("query-migrate-parameters")],
            units=1,
            warmup_rounds=10,
        )


@needs_qemu
def test_round_trip(benchmark):
    from tests.live.conftest import live_qemu

    with live_qemu() as qemu:
        measure(benchmark, lambda: qemu.ask("query-status"), units=1, warmup_rounds=10)


@needs_qemu
def test_read_an_end(benchmark, tmp_path):
    """What Endpoint.from_qmp and a first preflight do besides QMP's commands, which a recording answers."""
    recording = Recording(tmp_path)
    destination, plan = _told((*recording.facts(), 0), None), plan_of(["multifd"])

    def read():
        return preflight(_told((*recording.facts(), 0), None), destination, plan)

    assert read()
    measure(benchmark, read, units=1, rounds=100)


class Recording:
    """What a live QEMU answers to the commands of Endpoint.from_qmp."""

    def __init__(self, folder):
        from tests.live.conftest import event_loop
        from tests.migration.pair import Qemu

        self.answers = []
        with event_loop():
            qemu = Qemu("qemu-system-x86_64", folder, "recorded", "-machine", "q35", "-m", "64", "-S")
            try:
                asyncio.run(self._record(qemu.address))
            finally:
                qemu.end()

    async def _record(self, address):
        monitor = SocketMonitor(address)
        await monitor.connect()

        async def ask(command, /, **arguments):
            try:
                self.answers.append(await monitor.ask(command, **arguments))
            except CommandRefusedError as error:
                self.answers.append(error)
                raise
            return self.answers[-1]

        await _facts(ask)
        await monitor.close(10)

    def facts(self):
        """What _facts makes of the answers."""
        answers = iter(self.answers)

        async def ask(_command, /, **_arguments):
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        try:
            _facts(ask).send(None)
        except StopIteration as end:
            return end.value
