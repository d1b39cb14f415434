# SPDX-License-Identifier: GPL-2.0-or-later

"""Real migrations, watched. PYMIG_QEMU and PYMIG_QEMU_DESTINATION name the binaries, as for test_live."""

import asyncio
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from functools import partial
from pathlib import Path

import pytest

from pymig import MonitorError, Progress, explain_status, watch, watch_async
from pymig.cli import main
from pymig.cli.watch import line_of, size
from pymig.ends.watch import seconds_left
from tests import machine
from tests.migration.pair import MACHINE, binaries, pair

SOURCE, DESTINATION = binaries()

pytestmark = pytest.mark.live

QUICK = {"interval": 0.1, "still": 1.0, "timeout": 3.0}
WORDS = ["--interval", "0.1", "--still", "1", "--timeout", "3"]
SETTINGS = ("query-migrate-capabilities", "query-migrate-parameters")
LOOKS = 300  # no watch of these tests needs more


@contextlib.contextmanager
def migration(folder, *, source=(), destination=(), bandwidth=0, start=True):
    """Two QEMUs, the capabilities of each, and the migration begun."""
    with pair((SOURCE, DESTINATION), folder, MACHINE, MACHINE) as ends:
        for end, names in zip(ends, (source, destination), strict=True):
            switches = [{"capability": name, "state": True} for name in names]
            assert end.ask("migrate-set-capabilities", {"capabilities": switches}) == {}
        assert ends[0].ask("migrate-set-parameters", {"max-bandwidth": bandwidth}) == {}
        uri = {"uri": f"unix:{folder}/migration"}
        assert ends[1].ask("migrate-incoming", uri) == {}
        if start:
            assert ends[0].ask("migrate", uri) == {}
        yield ends


def addresses(ends):
    return [end.address for end in ends]


def settings(ends):
    return [end.ask(question) for end in ends for question in SETTINGS]


def until(ends, wanted, **keywords):
    """The looks until one that is wanted."""
    looks = []
    for progress in watch(*addresses(ends), **{**QUICK, **keywords}):
        looks.append(progress)
        if wanted(progress):
            return looks
        assert len(looks) < LOOKS, progress
    raise AssertionError(looks[-1])


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def still(progress):
    return not progress.moving


def test_a_slow_migration_to_its_end(tmp_path):
    with migration(tmp_path, bandwidth=200_000) as ends:
        before = settings(ends)
        looks = list(watch(*addresses(ends), **QUICK))
        assert settings(ends) == before
    last = looks[-1]
    assert (last.source, last.destination, last.explanation.situation) == ("completed", "completed", "completed")
    assert (last.explanation.guests, last.finished) == (("destination",), True)
    assert [look.finished for look in looks[:-1]] == [False] * (len(looks) - 1)
    active = [look for look in looks if look.source == "active"]
    sent = [look.transferred for look in active]
    assert len(active) >= 3
    assert sent == sorted(sent)
    assert sent[-1] > sent[0]
    assert active[-1].remaining < active[0].total
    assert any(look.rate and look.seconds_left is not None for look in active)
    assert all(look.events == () for look in looks)


def test_multifd_at_the_destination_only_and_the_way_out(tmp_path):
    with migration(tmp_path, destination=["multifd"]) as ends:
        before = settings(ends)
        look = until(ends, still)[-1]
        assert settings(ends) == before
        explained = look.explanation
        assert (look.source, look.destination, explained.situation) == ("active", "setup", "destination-waits")
        assert explained.guests == ("source",)
        assert "multifd is on at the destination only" in explained.meaning
        assert "migrate_cancel to the source" in explained.way_out
        ends[0].ask("migrate_cancel")
        wait_until(lambda: ends[0].status() == "cancelled")
        assert ends[0].runs()
        last = until(ends, lambda progress: progress.finished)[-1]
        assert (last.source, last.explanation.guests) == ("cancelled", ("source",))


def test_missing_channels_and_the_way_out(tmp_path):
    """Fewer channels at the source: it stays cancelling until yank."""
    with pair((SOURCE, DESTINATION), tmp_path, MACHINE, MACHINE) as ends:
        for end, channels in zip(ends, (2, 4), strict=True):
            end.ask("migrate-set-capabilities", {"capabilities": [{"capability": "multifd", "state": True}]})
            end.ask("migrate-set-parameters", {"multifd-channels": channels})
        uri = {"uri": f"unix:{tmp_path}/migration"}
        ends[1].ask("migrate-incoming", uri)
        ends[0].ask("migrate", uri)
        look = until(ends, still)[-1]
        assert look.explanation.guests == ("source",)
        assert "multifd" in look.explanation.meaning
        ends[0].ask("migrate_cancel")
        stays = until(ends, lambda progress: progress.finished or still(progress))[-1]
        if not stays.finished:
            assert stays.explanation.situation == "cancelling"
            yank = stays.explanation.way_out.partition("send yank with ")[2].partition(" to the source")[0]
            assert ends[0].ask("yank", json.loads(yank)) == {}
        wait_until(lambda: ends[0].status() == "cancelled")
        assert ends[0].runs()


def test_pre_switchover_and_both_ways_out(tmp_path):
    with migration(tmp_path, source=["pause-before-switchover"], bandwidth=10**8) as ends:
        explained = until(ends, still)[-1].explanation
        assert (explained.situation, explained.guests) == ("pre-switchover", ("nowhere",))
        assert 'migrate-continue with {"state": "pre-switchover"}' in explained.way_out
        assert ends[0].ask("migrate-continue", {"state": "pre-switchover"}) == {}
        last = list(watch(*addresses(ends), **QUICK))[-1]
        assert (last.explanation.situation, last.explanation.guests) == ("completed", ("destination",))


def test_a_one_way_exec_and_the_way_out(tmp_path):
    with migration(tmp_path, source=["return-path"], bandwidth=10**8, start=False) as ends:
        stream = tmp_path / "stream"
        ends[0].ask("migrate", {"uri": f"exec:cat > {stream}; exec sleep 100"})
        look = until(ends[:1], still)[-1]
        assert (look.explanation.situation, look.explanation.guests) == ("one-way", ("nowhere",))
        assert "end the command that the source runs" in look.explanation.way_out
        ends[0].ask("migrate_cancel")
        source = ends[0].process.pid
        for child in Path(f"/proc/{source}/task/{source}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)
        wait_until(lambda: ends[0].status() in {"cancelled", "failed"} and ends[0].runs())


def test_a_destination_that_is_killed(tmp_path):
    with migration(tmp_path, bandwidth=20_000) as ends:
        looks = []
        for progress in watch(*addresses(ends), **QUICK):
            looks.append(progress)
            if len(looks) == 3:
                ends[1].process.kill()
            assert len(looks) < LOOKS
        silent = [look for look in looks if look.destination == "no-answer" and look.source == "active"]
        assert {look.explanation.situation for look in silent} <= {"destination-silent"}
        last = looks[-1]
        assert (last.source, last.destination, last.explanation.situation) == ("failed", "no-answer", "failed")
        assert last.explanation.guests == ("source",)
        assert ends[0].runs()


def test_a_source_that_is_killed(tmp_path):
    with migration(tmp_path, bandwidth=20_000) as ends:
        looks = []
        for progress in watch(ends[0].address, **QUICK):
            looks.append(progress)
            ends[0].process.kill()
            assert len(looks) < LOOKS
        assert [look.source for look in looks][-1] == "no-answer"
        assert looks[-1].explanation.situation == "source-silent"


def test_a_stopped_monitor_is_noticed_in_bounded_time(tmp_path):
    with migration(tmp_path, bandwidth=20_000) as ends:
        os.kill(ends[1].process.pid, signal.SIGSTOP)
        began = time.monotonic()
        look = until(ends, lambda progress: progress.destination == "no-answer", timeout=0.5)[-1]
        assert time.monotonic() - began < 5
        assert look.explanation.situation == "destination-silent"
        os.kill(ends[1].process.pid, signal.SIGCONT)
        until(ends, lambda progress: progress.destination == "active")


def test_nothing_to_watch(tmp_path):
    with migration(tmp_path, start=False) as ends:
        (only,) = watch(ends[0].address, **QUICK)
        assert (only.source, only.explanation.situation, only.finished) == ("none", "none", True)
        (wrong,) = (until(ends[1:], lambda progress: True),)
        assert wrong[-1].explanation.situation == "not-a-source"
        waiting = until(ends, still)[-1]
        assert (waiting.source, waiting.destination, waiting.finished) == ("none", "setup", False)


def test_events_end_the_interval(tmp_path):
    """Another monitor's user has set the capability; they come to every monitor."""
    with migration(tmp_path, source=["events"], bandwidth=10**8, start=False) as ends:
        timer = threading.Timer(0.5, ends[0].ask, ("migrate", {"uri": f"unix:{tmp_path}/migration"}))
        began = time.monotonic()
        timer.start()
        looks = until(ends, lambda progress: progress.events, interval=20)
        timer.join()
        assert time.monotonic() - began < 10
        assert looks[-1].events[0] == ("source", "setup")


def test_in_a_running_event_loop(tmp_path):
    async def watched():
        return [progress async for progress in watch_async(*addresses(ends), **QUICK)]

    with migration(tmp_path, bandwidth=10**8) as ends:
        assert asyncio.run(watched())[-1].explanation.situation == "completed"


# ---- The command ----


def test_lines_of_a_command(tmp_path, capsys):
    with migration(tmp_path, bandwidth=200_000) as ends:
        status = main(["watch", *map(str, addresses(ends)), *WORDS])
    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert any("left" in line and "/s" in line and "[" in line for line in lines)
    assert "completed: the guest runs on the destination" in lines
    assert any(line.startswith("  never") and "cont" in line for line in lines)
    assert not any("\033" in line or "\r" in line for line in lines)


def test_json_lines(tmp_path, capsys):
    with migration(tmp_path, bandwidth=10**8) as ends:
        assert main(["watch", *map(str, addresses(ends)), *WORDS, "--json"]) == 0
    looks = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert looks[-1]["finished"]
    assert looks[-1]["explanation"]["guests"] == ["destination"]


def interruptible(parent):
    machine.end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a job in the background ignores SIGINT


@pytest.mark.parametrize("delay", range(3))
def test_a_hang_goes_on_until_it_is_interrupted(tmp_path, delay):
    with migration(tmp_path, destination=["multifd"]) as ends:
        command = [sys.executable, "-m", "pymig", "watch", *map(str, addresses(ends)), *WORDS]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        options["preexec_fn"] = partial(interruptible, os.getpid())
        with subprocess.Popen(command, **options) as process:
            limit = threading.Timer(60, process.kill)
            limit.start()
            seen = []
            for line in process.stdout:
                seen.append(line)
                if line.startswith("  never"):
                    time.sleep(0.05 * delay)  # in the interval, or in a question
                    process.send_signal(signal.SIGINT)
            errors, status = process.stderr.read(), process.wait(20)
            limit.cancel()
    assert (status, errors) == (130, "")
    assert "destination-waits: the guest runs on the source\n" in seen
    assert any("nothing moves" in line for line in seen)


class Screen(io.StringIO):
    def isatty(self):
        return True

    def fileno(self):
        raise OSError


def test_a_terminal_has_one_line_that_is_written_again(tmp_path, monkeypatch):
    screen = Screen()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    with migration(tmp_path, bandwidth=200_000) as ends:
        monkeypatch.setattr(sys, "stdout", screen)
        status = main(["watch", *map(str, addresses(ends)), *WORDS])
    monkeypatch.undo()
    head, _, tail = screen.getvalue().partition("\n")
    assert status == 0
    assert head.count("\r\033[K") >= 3
    assert all(len(line) < 80 for line in head.split("\r\033[K"))
    assert tail.startswith("completed: the guest runs on the destination\n")


def test_a_failure_exits_with_1_and_shows_what_the_ends_say(tmp_path, capsys):
    with migration(tmp_path, start=False) as ends:
        ends[0].ask("migrate", {"uri": f"unix:{tmp_path}/nobody"})
        wait_until(lambda: ends[0].status() == "failed")
        assert main(["watch", str(ends[0].address), *WORDS]) == 1
    assert "failed: the guest runs on the source" in capsys.readouterr().out


# ---- Without a QEMU ----


class FakeMonitor(threading.Thread):
    """A monitor that answers what a test wants. ``early``: an event comes before the answer to qmp_capabilities."""

    def __init__(self, path, answers, early=0):
        super().__init__(daemon=True)
        self.answers, self.early = answers, early
        self.questions = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection, contextlib.suppress(OSError):
                    self.serve(connection)

    def serve(self, connection):
        def send(message):
            connection.sendall(json.dumps(message).encode() + b"\n")

        send({"QMP": {"version": {"qemu": {"major": 9, "minor": 0, "micro": 0}, "package": ""}, "capabilities": []}})
        while data := connection.recv(4096):  # a question, as only one is on its way; no newline ends it
            question = json.loads(data)
            self.questions.append(question["execute"])
            if question["execute"] == "qmp_capabilities" and self.early:
                self.early -= 1
                send({"event": "RESUME", "timestamp": {"seconds": 0, "microseconds": 0}})
            own = {"id": question["id"]} if "id" in question else {}
            send({"return": self.answers.get(question["execute"], {}), **own})


@contextlib.contextmanager
def fake_monitor(path, migration, run_state="running", early=0):
    monitor = FakeMonitor(path, {"query-migrate": migration, "query-status": {"status": run_state}}, early)
    monitor.start()
    try:
        yield monitor
    finally:
        monitor.listener.shutdown(socket.SHUT_RDWR)
        monitor.join(10)
        monitor.listener.close()


def test_an_event_before_the_first_answer(tmp_path):
    with fake_monitor(tmp_path / "qmp", {"status": "completed"}, "postmigrate", early=2) as monitor:
        (look,) = watch(tmp_path / "qmp", **QUICK)
    assert look.explanation.situation == "completed-unseen"
    assert set(monitor.questions) == {"qmp_capabilities", "query-migrate", "query-status"}


def test_texts_of_others_cannot_change_the_terminal(tmp_path, capsys):
    with fake_monitor(tmp_path / "qmp", {"status": "failed", "error-desc": "bad\x1b[31m\x07"}):
        assert main(["watch", str(tmp_path / "qmp")]) == 1
    assert "The source says: bad\\x1b[31m\\x07." in capsys.readouterr().out


@pytest.mark.parametrize("answer", [{"status": 1}, ["active"], {"status": "active", "ram": 3}])
def test_answers_that_are_not_qemus(tmp_path, answer):
    with fake_monitor(tmp_path / "qmp", answer), pytest.raises(MonitorError, match="does not answer like QEMU"):
        next(watch(tmp_path / "qmp", **QUICK))


def test_a_status_of_the_future_goes_on(tmp_path):
    with fake_monitor(tmp_path / "qmp", {"status": "of-the-future"}):
        look = until([monitor_at(tmp_path / "qmp")], still)[-1]
    assert (look.source, look.explanation.situation, look.finished) == ("unknown", "unknown", False)


def monitor_at(address):
    return types.SimpleNamespace(address=address)


def test_the_destination_may_still_load(tmp_path):
    ends = [monitor_at(tmp_path / name) for name in ("source", "destination")]
    source = fake_monitor(ends[0].address, {"status": "completed"}, "postmigrate")
    with source, fake_monitor(ends[1].address, {"status": "active"}, "inmigrate") as destination:
        looks = []
        for look in watch(*addresses(ends), **{**QUICK, "still": 30}):
            looks.append(look.explanation.situation)
            destination.answers = {"query-migrate": {"status": "completed"}, "query-status": {"status": "running"}}
    assert looks == ["completed-loads", "completed"]


def test_a_monitor_that_is_silent_for_a_moment(tmp_path):
    source, destination = (monitor_at(tmp_path / name) for name in ("source", "destination"))
    with fake_monitor(source.address, {"status": "completed"}, "postmigrate"):
        looks = watch(source.address, destination.address, **QUICK)
        assert next(looks).explanation.situation == "completed-silent"
        with fake_monitor(destination.address, {"status": "completed"}):
            assert list(looks)[-1].explanation.situation == "completed"


ENDS = [
    ("completed", 0),
    ("failed", 1),
    ("cancelled", 1),
    ("", 2),
]


@pytest.mark.parametrize("status, exit_status", ENDS)
def test_exit_statuses(tmp_path, capsys, status, exit_status):
    with fake_monitor(tmp_path / "qmp", {"status": status} if status else {}):
        assert main(["watch", str(tmp_path / "qmp"), "--json"]) == exit_status


def test_seconds_left_allow_for_what_the_guest_writes():
    ram = {"remaining": 8_000_000, "page-size": 4096, "dirty-pages-rate": 500}
    assert seconds_left(ram, 4_048_000) == pytest.approx(4.0)
    assert seconds_left(ram, 2_048_000) is None
    assert seconds_left(ram, None) is None


SIZES = {0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 3 << 30: "3.0 GiB", 5 << 50: "5120.0 TiB"}


def test_lines():
    assert {count: size(count) for count in SIZES} == SIZES
    explained = explain_status({"status": "active"})
    numbers = {"remaining": 25 << 20, "total": 100 << 20, "rate": 2048.0, "seconds_left": 3725.0}
    line = line_of(Progress("active", "not-asked", explained, **numbers))
    assert line == "active          [##################......]  75% 25.0 MiB left, 2.0 KiB/s, 1 h 2 min to go"
    assert line_of(Progress("active", "setup", explained, moving=False)) == "active > setup   nothing moves"
    assert line_of(Progress("none", "not-asked", explained)) == "none"


@pytest.mark.parametrize("arguments, error", [({"interval": 0}, ValueError), ({"still": "1"}, TypeError)])
def test_wrong_seconds(arguments, error):
    for watcher in (watch, watch_async):
        with pytest.raises(error, match=next(iter(arguments))):
            watcher("/nonexistent", **arguments)


def test_a_source_that_does_not_answer(tmp_path, capsys):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        with pytest.raises(MonitorError, match=r"did not answer over QMP within 0\.5 seconds"):
            next(watch(tmp_path / "silent", timeout=0.5))
    assert main(["watch", str(tmp_path / "nobody")]) == 2
    assert "does not answer over QMP" in capsys.readouterr().err
