# SPDX-License-Identifier: GPL-2.0-or-later

"""Commands sent to two running QEMUs: what is stored at both ends before and afterwards."""

import asyncio
import contextlib
import json
import signal
import time

import pytest

from pymig import (
    Applied,
    Context,
    Endpoint,
    Host,
    MigrationState,
    MonitorError,
    Plan,
    QemuBuild,
    Step,
    apply,
    apply_async,
    preflight,
)
from pymig.cli import main
from tests.migration.pair import MACHINE, binaries, endpoint_of, outcome, pair

SOURCE, DESTINATION = binaries()

pytestmark = pytest.mark.live

QUESTIONS = ("query-migrate-capabilities", "query-migrate-parameters", "query-migrate", "query-status")
NAMES = ("source", "destination")
TIMEOUT = 2  # seconds

# What the destination lacks, and a release that has it.
HAS_RDMA_CHUNKS = "x-rdma-chunk-size" in MigrationState(QemuBuild.from_binary(DESTINATION)).query_parameters()
LACKED, OTHER = ({"compress-level": 2}, "7.2") if HAS_RDMA_CHUNKS else ({"x-rdma-chunk-size": 1 << 20}, "11.1")
REMOTE = Endpoint(Context(OTHER, Host()))

SETTINGS = {
    "capabilities": ["return-path", "multifd"],
    "parameters": {"multifd-channels": 4, "tls-hostname": "h", "multifd-compression": "zlib", "max-bandwidth": 1 << 30},
}


@pytest.fixture(name="ends")
def _ends(tmp_path):
    with pair((SOURCE, DESTINATION), tmp_path, MACHINE, MACHINE) as ends:
        yield ends


def stored(end):
    return [end.ask(question) for question in QUESTIONS]


def flight_of(ends, tmp_path, **settings):
    return preflight(*map(endpoint_of, ends), Plan(**{"uri": f"unix:{tmp_path}/migration"} | settings))


def flight_that_errs(tmp_path, ours, theirs):
    """Right for other QEMUs than these."""
    return preflight(REMOTE, REMOTE, Plan(source=ours, destination=theirs, uri=f"unix:{tmp_path}/migration"))


def send(flight, ends, **keywords):
    return apply(flight, *[end.address for end in ends], timeout=TIMEOUT, **keywords)


def what(restorations):
    return {(one.end, one.what) for one in restorations}


def commands(steps):
    return [(step.end, step.command) for step in steps]


def refused_by_the_destination(flight, applied):
    """The first refusal is of what the destination does not have."""
    assert not applied
    assert commands(applied.sent) == commands(flight.steps)[: len(applied.sent)]
    assert applied.sent[-1].end == "destination"
    assert [bool(step.answer) for step in applied.sent] == [False] * (len(applied.sent) - 1) + [True]


@pytest.mark.parametrize("order", ["source-first", "destination-first", "incoming-first"])
def test_the_planned_state(ends, tmp_path, order):
    before = [stored(end) for end in ends]
    parameters = {"multifd-channels": 4, "max-bandwidth": 1 << 30}
    flight = flight_of(ends, tmp_path, capabilities=["multifd", "xbzrle"][:1], parameters=parameters, order=order)
    applied = send(flight, ends)
    assert applied
    assert (applied.steps, applied.restored, applied.not_restored) == (flight.steps, (), ())
    assert applied.sent == tuple(step for step in flight.steps if "migrate-set" in step.command)
    for i, end in enumerate(ends):
        switches, values, *others = before[i]
        planned = [entry | {"state": True} if entry["capability"] == "multifd" else entry for entry in switches]
        changes = {"multifd-channels": 4} | ({"max-bandwidth": 1 << 30} if i == 0 else {})
        assert stored(end) == [planned, values | changes, *others]


def test_a_migration(ends, tmp_path):
    flight = flight_of(ends, tmp_path, capabilities=["multifd"])
    applied = send(flight, ends, migrate=True)
    assert applied
    assert applied.sent == flight.steps
    assert outcome(*ends) == ("completes", "destination")


def test_in_a_running_event_loop(ends, tmp_path):
    flight = flight_of(ends, tmp_path, capabilities=["xbzrle"])
    addresses = [end.address for end in ends]

    async def both():
        return await apply_async(flight, *addresses), apply(flight, *addresses)

    assert in_loop(both()) == (Applied(flight.steps, flight.steps[:1], (), ()),) * 2


def test_a_refusal_puts_both_back(ends, tmp_path):
    first = {"capabilities": ["xbzrle"], "parameters": {"max-bandwidth": 1, "multifd-channels": 3}}
    assert send(flight_of(ends, tmp_path, source=first, destination=first), ends)
    before = [stored(end) for end in ends]
    ours = SETTINGS | {"capabilities": {"multifd": True, "xbzrle": False}}
    theirs = ours | {"parameters": {**SETTINGS["parameters"], **LACKED}}
    flight = flight_that_errs(tmp_path, ours, theirs)
    applied = send(flight, ends)
    refused_by_the_destination(flight, applied)
    assert applied.sent[-1].answer == f"Parameter '{next(iter(LACKED))}' is unexpected"
    assert [stored(end) for end in ends] == before
    assert applied.not_restored == ()
    ours_back = {("source", name) for name in ("multifd", "xbzrle", *SETTINGS["parameters"])}
    assert what(applied.restored) == ours_back | {("destination", "multifd"), ("destination", "xbzrle")}


def test_a_refused_migrate_incoming(ends, tmp_path):
    before = [stored(end) for end in ends]
    flight = flight_of(ends, tmp_path, capabilities=["return-path"])
    (tmp_path / "migration").mkdir()  # nobody can listen there
    applied = send(flight, ends, migrate=True)
    assert (applied.sent[-1].end, applied.sent[-1].command) == ("destination", "migrate-incoming")
    assert "Is a directory" in applied.sent[-1].answer
    assert [stored(end)[:2] for end in ends] == [state[:2] for state in before]
    assert (what(applied.restored), applied.not_restored) == ({(end, "return-path") for end in NAMES}, ())


def test_a_refused_migrate(ends, tmp_path):
    before = [stored(end) for end in ends]
    flight = flight_of(ends, tmp_path, capabilities=["xbzrle"], parameters={"max-bandwidth": 1 << 30})
    wrong = [Step(s.end, s.command, {"uri": "nowhere:"}, "") if s.command == "migrate" else s for s in flight.steps]
    words = (tuple(wrong), flight.findings, flight.unknown)
    flight = type(flight)(flight.outcome, flight.guest, flight.guests, flight.ok, words)
    applied = send(flight, ends, migrate=True)
    assert commands(applied.sent) == commands(flight.steps)
    assert "migration protocol" in applied.sent[-1].answer
    assert stored(ends[0])[:2] == before[0][:2]  # 7.2's status is failed
    assert what(applied.not_restored) == {("destination", "migrate-incoming")}


def test_what_can_not_be_unset(ends, tmp_path):
    ours = {"parameters": {"block-bitmap-mapping": [], "max-bandwidth": 1}}
    flight = flight_that_errs(tmp_path, ours, {"parameters": LACKED})
    applied = send(flight, ends)
    refused_by_the_destination(flight, applied)
    assert what(applied.restored) == {("source", "max-bandwidth")}
    assert what(applied.not_restored) == {("source", "block-bitmap-mapping")}
    assert "can't unset" in applied.not_restored[0].reason


def test_a_destination_killed_in_the_middle(ends, tmp_path, monkeypatch):
    before = stored(ends[0])
    flight = flight_of(ends, tmp_path, source=SETTINGS, destination=SETTINGS | {"capabilities": ["multifd"]})
    between(monkeypatch, ("destination", "migrate-set-parameters"), ends[1].process.kill)
    applied = send(flight, ends)
    assert commands(applied.sent)[-1] == ("destination", "migrate-set-parameters")
    assert "no answer" in applied.sent[-1].answer
    assert stored(ends[0]) == before
    assert what(applied.restored) == {("source", name) for name in ("return-path", "multifd", *SETTINGS["parameters"])}
    lost = {("destination", name) for name in ("multifd", *SETTINGS["parameters"])}
    assert what(applied.not_restored) == lost
    assert {one.reason for one in applied.not_restored} == {applied.sent[-1].answer}


@pytest.mark.parametrize("stuck", [0, 1], ids=["source", "destination"])
def test_a_monitor_that_stops_answering(ends, tmp_path, monkeypatch, stuck):
    before = [stored(end) for end in ends]
    order = "destination-first" if stuck == 0 else "source-first"
    flight = flight_of(ends, tmp_path, capabilities=["multifd", "return-path"], order=order)
    name = NAMES[stuck]
    between(monkeypatch, (name, "migrate-set-capabilities"), ends[stuck].process.send_signal, signal.SIGSTOP)
    start = time.monotonic()
    applied = send(flight, ends)
    assert time.monotonic() - start < 2 * TIMEOUT
    assert "did not answer over QMP within 2 seconds" in applied.sent[-1].answer
    assert stored(ends[1 - stuck]) == before[1 - stuck]
    assert {one.end for one in applied.restored} == {NAMES[1 - stuck]}
    assert {one.end for one in applied.not_restored} == {name}


def test_a_monitor_that_does_not_answer_at_all(ends, tmp_path):
    before = stored(ends[0])
    flight = flight_of(ends, tmp_path, capabilities=["multifd"])
    ends[1].process.send_signal(signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(MonitorError, match="did not answer over QMP within 2 seconds"):
        send(flight, ends)
    assert time.monotonic() - start < 2 * TIMEOUT
    assert stored(ends[0]) == before


def test_a_cancelled_task(ends, tmp_path, monkeypatch):
    before = stored(ends[0])
    flight = flight_of(ends, tmp_path, capabilities=["multifd"])
    between(monkeypatch, ("destination", "migrate-set-capabilities"), ends[1].process.send_signal, signal.SIGSTOP)

    async def give_up():
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(apply_async(flight, *[end.address for end in ends], timeout=TIMEOUT), 1)

    in_loop(give_up())
    assert stored(ends[0]) == before


def test_what_qemu_accepts_in_one_order_only(ends, tmp_path):
    """Zero-copy-send is refused while a compression is stored, so the parameter has to come first."""
    switches = [{"capability": name, "state": True} for name in ("multifd", "zero-copy-send")]
    assert ends[0].ask("migrate-set-capabilities", {"capabilities": switches}) == {}
    before = stored(ends[0])
    ours = {"capabilities": {"zero-copy-send": False}, "parameters": {"multifd-compression": "zlib"}}
    applied = send(flight_that_errs(tmp_path, ours, {"parameters": LACKED}), ends)
    assert not applied
    assert (what(applied.restored), applied.not_restored) == (
        {("source", "zero-copy-send"), ("source", "multifd-compression")},
        (),
    )
    assert stored(ends[0]) == before


class TestAFile:
    """The destination reads what the source has written."""

    @staticmethod
    def flight(ends, tmp_path, incoming_uri=None, write="cat >", **settings):
        uri = f"exec:{write} {tmp_path}/written"
        incoming_uri = incoming_uri or f"exec:cat {tmp_path}/written"
        return flight_of(ends, tmp_path, uri=uri, incoming_uri=incoming_uri, **settings)

    def test_is_read_once_it_is_written(self, ends, tmp_path):
        flight = self.flight(ends, tmp_path, capabilities=["xbzrle"])
        applied = send(flight, ends, migrate=True)
        assert applied
        assert commands(applied.sent)[-2:] == [("source", "migrate"), ("destination", "migrate-incoming")]
        assert outcome(*ends) == ("completes", "destination")

    def test_that_nobody_reads(self, ends, tmp_path):
        (tmp_path / "folder").mkdir()
        flight = self.flight(ends, tmp_path, f"unix:{tmp_path}/folder", parameters={"max-bandwidth": 1 << 30})
        before = [stored(end)[:2] for end in ends]
        applied = send(flight, ends, migrate=True)
        assert "Is a directory" in applied.sent[-1].answer
        assert what(applied.restored) == {("source", "max-bandwidth")}
        assert [(one.what, "cont" in one.reason) for one in applied.not_restored] == [("migrate", True)]
        assert [stored(end)[:2] for end in ends] == before

    def test_that_can_not_be_written(self, ends, tmp_path):
        flight = self.flight(ends, tmp_path, write="false >", parameters={"max-bandwidth": 1 << 30})
        before = [stored(end)[:2] for end in ends]
        applied = send(flight, ends, migrate=True)
        assert (applied.sent[-1].command, bool(applied.sent[-1].answer)) == ("migrate", True)
        assert (what(applied.restored), applied.not_restored) == ({("source", "max-bandwidth")}, ())
        assert [stored(end)[:2] for end in ends] == before
        assert ends[0].runs()

    def test_that_is_not_written_in_time(self, ends, tmp_path):
        flight = self.flight(ends, tmp_path, capabilities=["pause-before-switchover"])
        before = stored(ends[1])
        applied = send(flight, ends, migrate=True)
        assert applied.sent[-1].answer == "the migration is still pre-switchover after 2 seconds"
        assert what(applied.not_restored) == {("source", "migrate"), ("source", "pause-before-switchover")}
        assert stored(ends[1]) == before


class TestTheCommandLine:
    """``pymig preflight --apply``."""

    @staticmethod
    def run(capsys, ends, tmp_path, *words):
        addresses = ("--source", str(ends[0].address), "--destination", str(ends[1].address))
        status = main(["preflight", *words, *addresses, "--uri", f"unix:{tmp_path}/migration", "--apply"])
        return status, capsys.readouterr().out

    def test_the_planned_state(self, capsys, ends, tmp_path):
        status, out = self.run(capsys, ends, tmp_path, "return-path")
        sent = out.partition("\nsent:\n")[2].splitlines()
        assert (status, sent[0]) == (0, "source       migrate-set-capabilities  +return-path  accepted")
        assert sent[-1] == "2 of 4 commands were sent, and accepted"
        assert {"capability": "return-path", "state": True} in stored(ends[0])[0]

    def test_a_migration_as_json(self, capsys, ends, tmp_path):
        status, out = self.run(capsys, ends, tmp_path, "return-path", "--migrate", "--json")
        told = json.loads(out)
        assert (status, told["preflight"]["outcome"], told["applied"]["ok"]) == (0, "completes", True)
        assert told["applied"]["sent"] == told["preflight"]["steps"]
        assert outcome(*ends) == ("completes", "destination")

    def test_nothing_is_sent_of_what_will_not_work(self, capsys, ends, tmp_path):
        before = [stored(end) for end in ends]
        status, out = self.run(capsys, ends, tmp_path, "return-path", "postcopy-preempt")
        assert (status, out.splitlines()[-1]) == (1, "nothing was sent")
        status, out = self.run(capsys, ends, tmp_path, "return-path", "postcopy-preempt", "--json")
        assert (status, json.loads(out)["applied"]) == (1, None)
        assert [stored(end) for end in ends] == before

    def test_a_refusal(self, capsys, ends, tmp_path):
        before = [stored(end) for end in ends]
        (tmp_path / "migration").mkdir()  # nobody can listen there
        status, out = self.run(capsys, ends, tmp_path, "return-path", "--migrate")
        assert (status, out.splitlines()[-1]) == (1, "refused: both ends are as before")
        assert "source       return-path  put back" in out
        assert "refused: Failed to unlink socket" in out
        assert [stored(end)[:2] for end in ends] == [state[:2] for state in before]


def in_loop(coroutine):
    """Its result; the loop of the pair's monitors stays."""
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(coroutine)


def between(monkeypatch, place, do, *arguments):
    """Does something right before the command is sent to that end."""
    from pymig.ends.apply import _End

    send = _End.send

    async def first(self, step):
        if (step.end, step.command) == place:
            do(*arguments)
        return await send(self, step)

    monkeypatch.setattr(_End, "send", first)
