"""A real QEMU, started for the test and asked over QMP."""

import asyncio
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager

import pytest
from qemu.qmp import QMPError
from qemu.qmp.legacy import QEMUMonitorProtocol

BINARY = "qemu-system-x86_64"


class LiveQemu:
    """One running QEMU."""

    def __init__(self, monitor, process):
        self.monitor = monitor
        self.process = process

    def ask(self, command, **arguments):
        """The command's return value, or the text of QEMU's error."""
        reply = self.monitor.cmd_raw(command, arguments or None)
        return reply["return"] if "return" in reply else reply["error"]["desc"]

    def capabilities(self):
        return [entry["capability"] for entry in self.ask("query-migrate-capabilities")]

    def set_capabilities(self, states):
        """The text of QEMU's error, "" if it accepts."""
        request = [{"capability": name, "state": state} for name, state in states.items()]
        answer = self.ask("migrate-set-capabilities", capabilities=request)
        return answer if isinstance(answer, str) else ""


@contextmanager
def event_loop():
    """The loop that QEMUMonitorProtocol finds, and leaves open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@contextmanager
def live_qemu(*arguments, user=None):
    """Starts QEMU without a machine, as another user if one is given, and ends it whatever happens."""
    ours, theirs = socket.socketpair()
    monitor = ["-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control"]
    command = [BINARY, "-machine", "none", "-nodefaults", "-display", "none", "-S", *monitor, *arguments]
    identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    with tempfile.TemporaryFile("w+") as log, ours, event_loop():
        with theirs:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[theirs.fileno()], **identity
            )
        try:
            qmp = QEMUMonitorProtocol(ours)
            try:
                qmp.connect()
            except QMPError:
                process.wait(10)
                log.seek(0)
                pytest.fail(f"QEMU did not start: {log.read()}")
            try:
                yield LiveQemu(qmp, process)
            finally:
                qmp.close()
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="session", autouse=True)
def binary():
    if shutil.which(BINARY) is None:
        pytest.skip(f"needs a real QEMU: {BINARY} is not in PATH (Debian: qemu-system-x86)")
    return BINARY
