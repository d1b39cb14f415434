# SPDX-License-Identifier: GPL-2.0-or-later

"""Two ends of a migration."""

from typing import Any

from typing_extensions import assert_type

from pymig import (
    UNKNOWN,
    Applied,
    Change,
    Context,
    Endpoint,
    Finding,
    Host,
    MonitorError,
    Plan,
    Preflight,
    QemuBuild,
    Restoration,
    Settings,
    Step,
    Unknown,
    UnknownType,
    apply,
    apply_async,
    preflight,
)

source = Endpoint(
    Context("10.0", Host()),
    capabilities=["multifd"],
    parameters={"multifd-channels": 4},
    machine="pc-q35-10.0",
    uuid=None,
    ram_blocks={"pc.ram": {"size": 1 << 30, "kind": "memfd", "share": True}},
    cpus=2,
    cpu_model=UNKNOWN,
    devices=[("virtio-net-pci", "0x3"), ("virtio-rng-pci", None)],
    tls_objects={"tls0": {"endpoint": "client", "verify_peer": True}},
    block_nodes=("disk",),
    bitmaps={"disk": ["backup"]},
    blockers=[],
    paused=False,
    status="none",
)
destination = source.replace(capabilities=())
assert_type(Endpoint.from_json(source.to_json()), Endpoint)
assert_type(source.machine, str | UnknownType)
assert_type(source.cpus, int | UnknownType)
assert_type([source.uuid, source.cpu_model], list[str | UnknownType | None])
assert_type(source.host, Host | None)
assert_type(source.blockers, tuple[str, ...])
known = (source.ram_blocks, source.devices, source.tls_objects, source.block_nodes, source.bitmaps, source.paused)
if not isinstance(source.devices, UnknownType):
    assert_type(source.devices, tuple[tuple[str, str | None], ...])

plan = Plan({"multifd": True}, {"multifd-channels": 4}, uri="tcp:192.0.2.1:4444", postcopy=False, order="source-first")
exact = Plan(source={"capabilities": ["multifd"]}, destination={"parameters": {"multifd-channels": 2}})
assert_type(Plan.from_json(plan.to_json()), Plan)
assert_type(exact.ends, tuple[Settings, Settings])
assert_type([plan.uri, plan.incoming_uri], list[str | None])
assert_type(plan.postcopy, bool)
arguments = {**plan.migrate, **plan.migrate_incoming, "order": plan.order}
settings = {**exact.source.capabilities, **exact.destination.parameters}

flight = preflight(source, destination, plan)
assert_type(flight, Preflight)
assert_type(flight.ok, bool)
assert_type([flight.outcome, flight.guest, *flight.guests, flight.to_json()], list[str])
for step in flight.steps:
    assert_type(step, Step)
    assert_type([step.end, step.command, step.answer], list[str])
    given = {**step.arguments, **step.to_dict()}
for finding in flight.findings:
    assert_type(finding, Finding)
    assert_type([finding.rule, finding.severity, finding.stage, finding.end], list[str])
    assert_type([finding.message, finding.source_says, finding.guest], list[str])
    assert_type([finding.remedy, finding.consequence], list[str])
    assert_type(finding.recovers, bool | None)
    assert_type(finding.changes, tuple[Change, ...])
for unknown in flight.unknown:
    assert_type(unknown, Unknown)
    assert_type([unknown.end, unknown.what, unknown.matters], list[str])
assert_type(source.status, str)


async def live() -> list[Endpoint]:
    """Two running QEMUs."""
    try:
        one = Endpoint.from_qmp("/run/source.qmp", host=Host(), timeout=3)
        return [one, await Endpoint.from_qmp_async("192.0.2.1:4444")]
    except MonitorError:
        return []


async def send() -> list[Applied]:
    """The commands of a preflight for two running QEMUs."""
    applied = apply(flight, "/run/source.qmp", "192.0.2.1:4444", timeout=3)
    assert_type(applied, Applied)
    assert_type(applied.ok, bool)
    assert_type([*applied.steps, *applied.sent], list[Step])
    for one in (*applied.restored, *applied.not_restored):
        assert_type(one, Restoration)
        assert_type([one.end, one.what, one.reason], list[str])
    assert_type([applied.to_dict(), *(one.to_dict() for one in applied.restored)], list[dict[str, Any]])
    return [applied, await apply_async(flight, "/run/source.qmp", "/run/destination.qmp", migrate=True)]


assert_type(QemuBuild("9.0").of_machine("pc-q35-8.2"), QemuBuild)
