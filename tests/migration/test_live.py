# SPDX-License-Identifier: GPL-2.0-or-later

"""The preflight of two running QEMUs, and then the same migration for real.

PYMIG_QEMU and PYMIG_QEMU_DESTINATION name the binaries; by default, both ends are this machine's QEMU.
"""

import os

import pytest

from pymig import Context, Endpoint, Host, Memory, Plan, PostcopySupport, QemuBuild, preflight
from tests.migration.pair import MACHINE, binaries, carry_out, endpoint_of, outcome, pair

SOURCE, DESTINATION = binaries()

pytestmark = pytest.mark.live

OTHER_MACHINE = ("-machine", "pc-q35-6.2", "-m", "64M")
UUIDS = [("-uuid", f"{digit * 8}-{digit * 4}-{digit * 4}-{digit * 4}-{digit * 12}") for digit in "12"]
DEVICE = ("-device", "virtio-rng-pci,addr=5")
MULTIFD, POSTCOPY = {"capabilities": ["multifd"]}, {"capabilities": ["postcopy-ram"]}
NOTHING = {}

# Each: the settings of both ends, their further options, and the uri.
CASES = {
    "plain": (NOTHING, NOTHING, (), (), "unix"),
    "xbzrle": ({"capabilities": ["xbzrle"]}, NOTHING, (), (), "unix"),
    "multifd": (MULTIFD, MULTIFD, (), (), "unix"),
    "multifd at the destination only": (NOTHING, MULTIFD, (), (), "unix"),
    "fewer channels at the source": (
        {**MULTIFD, "parameters": {"multifd-channels": 2}},
        {**MULTIFD, "parameters": {"multifd-channels": 4}},
        (),
        (),
        "unix",
    ),
    "postcopy-ram": (POSTCOPY, POSTCOPY, (), (), "unix"),
    "postcopy-ram at the source only": (POSTCOPY, NOTHING, (), (), "unix"),
    "x-ignore-shared at the source only": ({"capabilities": ["x-ignore-shared"]}, NOTHING, (), (), "unix"),
    "another UUID": ({"capabilities": ["validate-uuid"]}, NOTHING, UUIDS[0], UUIDS[1], "unix"),
    "a device that is missing": ({"capabilities": ["return-path"]}, NOTHING, DEVICE, (), "unix"),
    "a pause": ({"capabilities": ["pause-before-switchover"]}, NOTHING, (), (), "unix"),
    "a refused capability": ({"capabilities": ["postcopy-preempt"]}, NOTHING, (), (), "unix"),
    "a scheme that does not exist": (NOTHING, NOTHING, (), (), "nowhere"),
    "a snapshot": ({"capabilities": ["background-snapshot"]}, NOTHING, (), (), "unix"),
    "a file and a return path": ({"capabilities": ["return-path"]}, NOTHING, (), (), "file"),
    "another machine type": ({"capabilities": ["return-path"]}, NOTHING, (), OTHER_MACHINE, "unix"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_migration(case, tmp_path):
    ours, theirs, source_options, destination_options, scheme = CASES[case]
    other = destination_options if destination_options[:1] == ("-machine",) else (*MACHINE, *destination_options)
    plan = Plan(source=ours, destination=theirs, uri=f"{scheme}:{tmp_path}/migration")
    with pair((SOURCE, DESTINATION), tmp_path, (*MACHINE, *source_options), other) as (source, destination):
        ends = endpoint_of(source), endpoint_of(destination)
        flight = preflight(*ends, plan)
        carried_elsewhere = (Endpoint.from_json(end.to_json()) for end in ends)
        assert preflight(*carried_elsewhere, Plan.from_json(plan.to_json())) == flight
        answers = carry_out(flight, source, destination)
        assert answers == [step.answer for step in flight.steps]
        if flight.outcome != "refused":
            seen = outcome(source, destination)
            assert (flight.outcome, seen[1] in flight.guests) == (seen[0], True), (flight, seen)


UNABLE = Host("absent", PostcopySupport(False, 2, 1))
TAKEN = "tcp:192.0.2.1:4444"
"""An address that nobody can listen at."""


@pytest.mark.parametrize("given", [False, True], ids=["the plan says nothing", "the plan says where"])
@pytest.mark.parametrize("first", ["unix:{}/migration", TAKEN], ids=["listens", "failed"])
def test_a_destination_that_was_started_before(first, given, tmp_path):
    uri = f"unix:{tmp_path}/migration"
    plan = Plan(
        source={"capabilities": ["return-path"]},
        destination={"capabilities": ["xbzrle"]},
        uri=uri,
        incoming_uri=uri if given else None,
    )
    with pair((SOURCE, DESTINATION), tmp_path, MACHINE, MACHINE) as (source, destination):
        end = endpoint_of(destination)
        release = tuple(map(int, end.context.build.release.split(".")))
        arguments = {"exit-on-error": False} if release >= (9, 1) else {}
        destination.ask("migrate-incoming", {"uri": first.format(tmp_path), **arguments})
        flight = preflight(endpoint_of(source), endpoint_of(destination), plan)
        assert carry_out(flight, source, destination) == [step.answer for step in flight.steps]
        sent = [step.command for step in flight.steps if step.end == "destination"]
        assert ("migrate-incoming" in sent) is (first == TAKEN or given)
        if flight.outcome == "completes":
            assert outcome(source, destination) == ("completes", "destination")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to ask in QEMU's place")
def test_the_host_is_asked_in_qemus_place(tmp_path):
    memory = ("-object", "memory-backend-memfd,id=m,size=64M,share=on", "-machine", "pc-q35-7.2,memory-backend=m")
    with pair((SOURCE, DESTINATION), tmp_path, (*MACHINE[2:], *memory), MACHINE) as (source, destination):
        for qemu, blocks in ((source, [Memory("memfd", share=True)]), (destination, [Memory()])):
            end = Endpoint.from_qmp(str(qemu.address))
            assert end.host == Host.of_process(qemu.process.pid, blocks)
            assert "host" not in {unknown.what for unknown in preflight(end, end, Plan(uri="tcp:h:1")).unknown}
        assert Endpoint.from_qmp(str(source.address), host=UNABLE).host == UNABLE


def test_what_a_running_qemu_tells(tmp_path):
    options = ("-uuid", UUIDS[0][1], "-smp", "2", *DEVICE, "-object", "tls-creds-anon,id=t0,endpoint=server")
    questions = ("query-migrate-parameters", "query-status", "query-migrate")
    with pair((SOURCE, DESTINATION), tmp_path, (*MACHINE, *options), (*MACHINE, "-S")) as (source, destination):
        before = [source.ask(question) for question in questions]
        one, other = endpoint_of(source), endpoint_of(destination)
        assert one == endpoint_of(source)
        assert [source.ask(question) for question in questions] == before
    assert (one.machine, one.uuid, one.cpus, one.paused, one.status) == ("pc-q35-7.2", UUIDS[0][1], 2, False, "none")
    assert one.ram_blocks["pc.ram"]["size"] == 64 << 20
    assert one.ram_blocks["pc.ram"]["kind"] == "anonymous"
    assert ("virtio-rng-pci", "05.0") in one.devices
    assert one.tls_objects["t0"] == {"kind": "anon", "endpoint": "server", "verify_peer": True}
    assert (one.context.incoming, other.context.incoming) == (False, True)
    assert other.uuid is None
    assert one.context.build.machine == "pc-q35-7.2"
    assert one.context.build.release == QemuBuild.from_binary(SOURCE).release


def test_stated_facts_predict_the_same(tmp_path):
    def stated(binary, machine):
        blocks = {"pc.ram": {"size": 64 << 20, "page_size": 4096, "share": False, "kind": "anonymous"}}
        facts = {"machine": machine, "uuid": None, "ram_blocks": blocks, "cpus": 1}
        return Endpoint(Context(QemuBuild.from_binary(binary).of_machine(machine), Host()), **facts)

    def told(ends, plan):
        flight = preflight(*ends, plan)
        return flight.outcome, flight.guests, flight.steps, [finding.rule for finding in flight.findings]

    plans = [Plan(**ours, uri="tcp:[::1]:4444") for ours in (NOTHING, MULTIFD, POSTCOPY, {"capabilities": ["x-colo"]})]
    outcomes = set()
    for machine in (MACHINE, OTHER_MACHINE):
        with pair((SOURCE, DESTINATION), tmp_path, MACHINE, machine) as (source, destination):
            live = endpoint_of(source), endpoint_of(destination)
        facts = stated(SOURCE, MACHINE[1]), stated(DESTINATION, machine[1])
        for plan in plans:
            assert told(live, plan) == told(facts, plan)
            outcomes.add(told(facts, plan)[0])
    assert {"completes", "fails"} <= outcomes
