# SPDX-License-Identifier: GPL-2.0-or-later

"""Two real QEMUs on this machine, and a migration between them."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from pymig import Endpoint, Host
from tests import machine
from tests.live.conftest import QEMUMonitorProtocol, event_loop

MACHINE = ("-machine", "pc-q35-7.2", "-m", "64M")
LONGEST_START, LONGEST_MOVE = 30, 8  # seconds
ENDED = ("completed", "failed", "cancelled", "pre-switchover")


class Qemu:
    """One running QEMU, with a guest that does nothing. ``address`` is a monitor for others."""

    def __init__(self, binary, folder, name, *options):
        self.address = folder / f"{name}.qmp"
        own = folder / f"{name}.own"
        monitors = [word for path in (self.address, own) for word in ("-qmp", f"unix:{path},server=on,wait=off")]
        command = [binary, "-nodefaults", "-display", "none", "-accel", "tcg", *monitors, *options]
        self.log = folder / f"{name}.log"
        with self.log.open("w") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            streams["preexec_fn"] = partial(machine.end_with, os.getpid())
            self.process = subprocess.Popen(command, **streams)
        self.monitor = self._connected(own)

    def _connected(self, path):
        for waits_for in (self.address, path):
            self._wait_for(waits_for)
        monitor = QEMUMonitorProtocol(str(path))
        monitor.settimeout(LONGEST_START)
        monitor.connect()
        return monitor

    def _wait_for(self, path):
        """Until somebody listens there."""
        deadline = time.monotonic() + LONGEST_START
        with socket.socket(socket.AF_UNIX) as probe:
            while probe.connect_ex(str(path)) != 0:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, "QEMU does not start"
                time.sleep(0.02)

    def ask(self, command, arguments=None):
        """The return value; the text of an error; None if QEMU has ended."""
        try:
            reply = self.monitor.cmd_raw(command, arguments or None)
        except Exception:
            return None
        return reply["return"] if "return" in reply else reply["error"]["desc"]

    def status(self):
        return (self.ask("query-migrate") or {}).get("status")

    def runs(self):
        return bool((self.ask("query-status") or {}).get("running"))

    def end(self):
        with contextlib.suppress(Exception):
            self.monitor.close()
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def pair(binaries, folder, source_options=(), destination_options=()):
    """A source whose guest runs, and a destination that waits."""
    with event_loop():
        ends = []
        try:
            ends.append(Qemu(binaries[0], Path(folder), "source", *source_options))
            ends.append(Qemu(binaries[1], Path(folder), "destination", *destination_options, "-incoming", "defer"))
            yield ends
        finally:
            for end in ends:
                end.end()


def endpoint_of(qemu, host=Host()):  # noqa: B008 - immutable
    return Endpoint.from_qmp(qemu.address, host=host)


def carry_out(flight, source, destination):
    """Sends the steps of a preflight; the answers, "" for each accepted command."""
    ends = {"source": source, "destination": destination}
    answers = []
    for step in flight.steps:
        answer = ends[step.end].ask(step.command, dict(step.arguments))
        answers.append(answer if isinstance(answer, str) else "")
        if step.command == "migrate" and flight.steps[-1] is not step:
            wait(source)  # a file is read once it is written
    return answers


def wait(source):
    """The source's status once it has ended or nothing more is expected."""
    deadline = time.monotonic() + LONGEST_MOVE
    while (status := source.status()) not in ENDED and time.monotonic() < deadline:
        time.sleep(0.05)
    return status


def outcome(source, destination):
    """What happened, as (outcome, guest)."""
    status = wait(source)
    for end in (source, destination):
        end.monitor.settimeout(LONGEST_MOVE)  # one that hangs does not answer
    if status == "completed":  # says the source, whose word is not enough
        status = ended(destination)
    at_source, at_destination = source.runs(), destination.runs()
    places = {(True, True): "both", (True, False): "source", (False, True): "destination", (False, False): "nowhere"}
    words = {"completed": "completes", "failed": "fails", "pre-switchover": "waits"}
    return words.get(status, "hangs"), places[at_source, at_destination]


def ended(destination):
    """The destination's status, failed if it has exited, once it has loaded the guest or nothing more is expected."""
    deadline = time.monotonic() + LONGEST_MOVE
    while (status := destination.status()) not in ENDED and time.monotonic() < deadline:
        if destination.process.poll() is not None:
            return "failed"
        time.sleep(0.05)
    return status


def binaries():
    """The paths of the source's and the destination's QEMU; skips the module that calls it if one is missing."""
    source = os.environ.get("PYMIG_QEMU", "qemu-system-x86_64")
    found = shutil.which(source), shutil.which(os.environ.get("PYMIG_QEMU_DESTINATION", source))
    if None in found:
        pytest.skip(f"needs a real QEMU: {source} is not in PATH (Debian: qemu-system-x86)", allow_module_level=True)
    return found
