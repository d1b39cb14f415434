# SPDX-License-Identifier: GPL-2.0-or-later

"""A real QEMU, started for the test and asked over QMP: the one that PYMIG_QEMU names, else the one in PATH."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from functools import partial

import pytest
from qemu.qmp import QMPError
from qemu.qmp.legacy import QEMUMonitorProtocol

from pymig import QemuBuild
from tests import machine

NAME = os.environ.get("PYMIG_QEMU", "qemu-system-x86_64")
BINARY = shutil.which(NAME)

TIMEOUT = 60
"""Seconds for one answer."""


class DidNotStartError(Exception):
    """QEMU ended before it answered; the text is what it wrote."""


class DiedError(Exception):
    """QEMU ended instead of answering, or did not answer in time."""


class LiveQemu:
    """One running QEMU."""

    def __init__(self, monitor, process, log):
        self.monitor = monitor
        self.process = process
        self.log = log
        self.position = 0

    def ask(self, command, **arguments):
        """The command's return value, or the text of QEMU's error."""
        try:
            reply = self.monitor.cmd_raw(command, arguments or None)
        except (QMPError, OSError, asyncio.TimeoutError) as error:
            raise DiedError(f"QEMU did not answer {command}: {error or 'it took too long'}") from None
        return reply["return"] if "return" in reply else reply["error"]["desc"]

    def lines(self):
        """The lines that it wrote since they were last asked for."""
        text = os.pread(self.log.fileno(), os.fstat(self.log.fileno()).st_size, self.position)
        self.position += len(text)
        return text.decode(errors="replace").splitlines()

    def warnings(self):
        """The warnings among these lines."""
        return [line.removeprefix("warning: ") for line in self.lines() if line.startswith("warning: ")]

    def capabilities(self):
        return [entry["capability"] for entry in self.ask("query-migrate-capabilities")]

    def set_capabilities(self, states):
        """The text of QEMU's error, "" if it accepts."""
        request = [{"capability": name, "state": state} for name, state in states.items()]
        answer = self.ask("migrate-set-capabilities", capabilities=request)
        return answer if isinstance(answer, str) else ""

    def set_parameters(self, parameters):
        """The text of QEMU's error, "" if it accepts."""
        answer = self.ask("migrate-set-parameters", **parameters)
        return answer if isinstance(answer, str) else ""


def entities_of(schema):
    """The answer of query-qmp-schema as a dict."""
    return {entity["name"]: entity for entity in schema}


def enum_of(entities, command, argument):
    """The values of a command's argument, which can be changed; empty if it is no enum."""
    members = entities[entities[command]["arg-type"]]["members"]
    kind = next(member["type"] for member in members if member["name"] == argument)
    return entities[kind].get("values", [])


@contextmanager
def event_loop():
    """The loop that QEMUMonitorProtocol finds, and leaves open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def start(command, log, monitor, user):
    """Starts a program that writes to the log and has the monitor's socket, and ends when this process does."""
    identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "pass_fds": [monitor.fileno()]}
    # What a signal's handler raises is lost where that runs in a hook of fork().
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGINT, signal.SIGTERM})
    streams["preexec_fn"] = partial(prepare, os.getpid(), mask)
    try:
        return subprocess.Popen(command, **streams, **identity)
    except PermissionError:
        if user is None:
            raise
        pytest.skip(f"user {user} may not start {BINARY}")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def prepare(parent, mask):
    """In the child: ends with the parent, and has its mask of signals."""
    machine.end_with(parent)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def live_qemu(*arguments, command=(BINARY,), user=None):
    """Starts QEMU without a machine, as another user if one is given, and ends it whatever happens."""
    ours, theirs = socket.socketpair()
    monitor = ["-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control"]
    command = [*command, "-machine", "none", "-nodefaults", "-display", "none", "-S", *monitor, *arguments]
    with tempfile.TemporaryFile("w+") as log, ours, event_loop():
        with theirs:
            process = start(command, log, theirs, user)
        try:
            qmp = QEMUMonitorProtocol(ours)
            qmp.settimeout(TIMEOUT)
            try:
                qmp.connect()
            except QMPError:
                process.wait(10)
                log.seek(0)
                raise DidNotStartError(log.read()) from None
            try:
                yield LiveQemu(qmp, process, log)
            finally:
                with contextlib.suppress(QMPError, OSError, EOFError):  # where QEMU died
                    qmp.close()
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="session", autouse=True)
def binary():
    """The path of the QEMU that is asked."""
    if BINARY is None and "PYMIG_QEMU" in os.environ:
        pytest.fail(f"PYMIG_QEMU names {NAME}, which is not a program")
    if BINARY is None:
        pytest.skip(f"needs a real QEMU: {NAME} is not in PATH (Debian: qemu-system-x86)")
    return BINARY


@pytest.fixture(scope="session")
def build(binary):
    """What pymig takes it for."""
    return QemuBuild.from_binary(binary)


@pytest.fixture(scope="session")
def version(binary):
    """The version that it has by its own words, three numbers."""
    with live_qemu() as qemu:
        numbers = qemu.ask("query-version")["qemu"]
    return tuple(numbers[part] for part in ("major", "minor", "micro"))
