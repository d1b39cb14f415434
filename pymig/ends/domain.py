# SPDX-License-Identifier: GPL-2.0-or-later

"""Speaks to the QEMU behind a domain of libvirt's, over libvirt's own monitor command. Read-only queries alone.

Needs the package libvirt-python: ``pip install 'pymig-qemu[libvirt]'``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymig.documents import parse
from pymig.ends.address import PREFIX
from pymig.ends.qmp import CommandRefusedError, Monitor, run
from pymig.errors import MonitorError
from pymig.host.place import pid_of_machine
from pymig.libvirt.domain import Domain
from pymig.values import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROGRAM = Path(__file__).with_name("monitor_command.py")
MOST_BYTES = 16 << 20  # of an answer, as of any document; libvirt hands on up to 4 MiB
LOCAL = {"qemu:///system": False, "qemu:///session": True}
"""The connections to this machine's libvirt, and whether it is the user's own."""

GRACE = 1.0  # seconds for the program to end by itself, which is kinder to libvirt's daemon
PAUSE = 0.01  # seconds between two looks whether it has


class DomainMonitor(Monitor):
    """The monitor of the QEMU behind a domain.

    Args:
        address: ``libvirt:DOMAIN``, DOMAIN being a name or a UUID: over libvirt's default connection, which
            LIBVIRT_DEFAULT_URI or libvirt's configuration names. Or ``libvirt:URI#DOMAIN``.
        argument: the name that an error gives to the address.

    Raises:
        ValueError: no domain is named.
    """

    def __init__(self, address: str, argument: str = "address") -> None:
        self._uri, self._name = _parts(address, argument)
        super().__init__(address)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None
        self._about: dict[str, Any] = {}

    async def connect(self) -> None:
        """See Monitor."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = self._started(theirs)
            self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=MOST_BYTES)
        except BaseException:
            ours.close()
            raise
        self._about = await self._line()
        if "missing" in self._about:
            raise MonitorError(
                f"reading {self._shown} needs the package libvirt-python: pip install 'pymig-qemu[libvirt]' "
                f"({escaped(self._about['missing'])})"
            )
        if self._about["driver"] != "QEMU":
            raise MonitorError(f"{self._shown}: libvirt is connected to {escaped(self._about['driver'])}, not to QEMU")
        if not self._about["running"]:
            raise MonitorError(f"{self._shown}: the domain is not running")

    def _started(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        """The program, in a session of its own: then ssh, which libvirt may start, can't ask for a password."""
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, str(PROGRAM), self._uri, self._name],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )

    async def _line(self) -> Any:
        """What the program prints next."""
        line = await self._reader.readline()
        if not line:
            raise EOFError("the connection to libvirt has ended")
        told = parse(line)
        if isinstance(told, dict) and "error" in told:
            raise MonitorError(f"{self._shown}: libvirt says: {escaped(told['error'])}")
        return told

    async def ask(self, command: str, /, **arguments: Any) -> Any:
        """See Monitor."""
        if self._writer is None:
            raise EOFError("it is not connected")
        request = {"execute": command, **({"arguments": arguments} if arguments else {})}
        self._writer.write(json.dumps(request).encode() + b"\n")
        answer = parse(await self._line())
        if "error" in answer:
            raise CommandRefusedError(str(answer["error"]["desc"]))
        return answer["return"]

    def peer(self) -> int:
        """See Monitor: the process in libvirt's file, if this machine's libvirt was asked."""
        session = LOCAL.get(self._about["uri"])
        if session is None:
            return 0
        with contextlib.suppress(OSError, ValueError):
            return pid_of_machine(self._about["name"], session=session)
        return 0

    def told(self) -> tuple[str, Domain]:
        """The version of its libvirt, and what libvirt tells of the domain, once connected."""
        major, rest = divmod(int(self._about["version"]), 1_000_000)
        domain = Domain.from_xml(self._about["xml"], snapshots=self._about["snapshots"])
        return f"{major}.{rest // 1000}.{rest % 1000}", domain

    def listen(self, event: str, heard: Callable[[Mapping[str, Any]], bool]) -> None:
        """Does nothing: libvirt keeps QEMU's events to itself."""

    async def close(self, timeout: float) -> None:
        """See Monitor."""
        process = self._process
        if process is None:
            return
        try:
            if self._writer is not None:
                self._writer.close()
            await _end_of(process, min(timeout, GRACE))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def told_async(address: str, timeout: float) -> tuple[str, Domain]:
    """See told_by_libvirt."""
    monitor = DomainMonitor(address)

    async def told() -> tuple[str, Domain]:
        await monitor.connect()
        return monitor.told()

    try:
        return await monitor.within(timeout, told())
    finally:
        await monitor.close(timeout)


def told_by_libvirt(address: str, timeout: float = 10.0) -> tuple[str, Domain]:
    """The version of a running domain's libvirt, and what libvirt tells of the domain.

    Raises:
        ValueError, MonitorError: as Endpoint.from_qmp.
    """
    return run(told_async(address, timeout))


async def _end_of(process: subprocess.Popen[bytes], timeout: float) -> None:
    """Waits for its end, at most so many seconds, and leaves its number in use."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    with contextlib.suppress(ChildProcessError):  # somebody else waits for this process's children
        while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) and loop.time() < deadline:
            await asyncio.sleep(PAUSE)


def _parts(address: str, argument: str) -> tuple[str, str]:
    """The connection's URI, "" for the default, and the domain."""
    named = address.removeprefix(PREFIX)
    uri, _, name = named.rpartition("#") if "://" in named else ("", "", named)
    if not name or "://" in name:
        raise ValueError(f"{argument} must be libvirt:DOMAIN or libvirt:URI#DOMAIN, not {escaped(address):.100}")
    return uri, name
