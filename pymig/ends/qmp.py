# SPDX-License-Identifier: GPL-2.0-or-later

"""Speaks to a running QEMU over QMP. Reads what it tells about one end of a migration, which changes nothing there.

Needs the package qemu.qmp: ``pip install 'pymig-qemu[qemu]'``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import struct
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from pymig.capability import NAMES
from pymig.errors import MonitorError
from pymig.qemu.binary import QUESTIONS, BinaryAnswers
from pymig.qemu.build import build_that_answers
from pymig.qemu.parameters import PARAMETERS
from pymig.values import escaped, wrong_type

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    Ask = Callable[..., Awaitable[Any]]
    Facts = tuple[dict[str, Any], dict[str, Any]]  # the arguments of Context and, besides the context, of Endpoint
    Told = tuple[dict[str, Any], dict[str, Any], int]  # and the process behind the monitor; 0 if it is not known

Result = TypeVar("Result")

TLS_KINDS = {f"child<tls-creds-{kind}>": kind for kind in ("x509", "psk", "anon")}
KINDS = {"memory-backend-ram": "anonymous", "memory-backend-memfd": "memfd", "memory-backend-file": "file"}
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

# A line of x-query-ramblock: name, page size, offset, used, total.
BLOCK = re.compile(r"^\s*(\S+)\s+(\d+) (\w+)\s+0x[0-9a-f]+ 0x([0-9a-f]+) 0x[0-9a-f]+", re.MULTILINE)

ATTEMPTS = 5  # to connect

STOPPED = ("paused", "prelaunch", "postmigrate", "shutdown", "suspended", "guest-panicked", "internal-error")


# ---- Connecting ----


class CommandRefusedError(Exception):
    """QEMU refuses a command; the text is its own."""


class Monitor(ABC):
    """A connection to a running QEMU's monitor.

    Args:
        shown: the address as errors show it.
        failures: what else than an OSError or an EOFError the methods raise if the monitor does not speak QMP.
    """

    def __init__(self, shown: str, *failures: type[Exception]) -> None:
        self._shown = escaped(shown[:200])
        self._failures: tuple[type[Exception], ...] = (CommandRefusedError, OSError, EOFError, *failures)

    @abstractmethod
    async def connect(self) -> None:
        """Connects, and negotiates. For its errors, and those of ask, see within."""

    @abstractmethod
    async def ask(self, command: str, /, **arguments: Any) -> Any:
        """The command's return value. Raises CommandRefusedError."""

    @abstractmethod
    def peer(self) -> int:
        """The QEMU's process, if it is on this machine; 0 if that is not known."""

    @abstractmethod
    def listen(self, event: str, heard: Callable[[Mapping[str, Any]], bool]) -> None:
        """Hands these events on, from the next connect on."""

    @abstractmethod
    async def close(self, timeout: float) -> None:
        """Ends the connection, whatever its state."""

    async def within(self, timeout: float, work: Awaitable[Result]) -> Result:
        """The result of work with this connection that takes at most so many seconds.

        Raises:
            MonitorError: the monitor can't be reached, does not answer in time, refuses, or does not answer like QEMU.
        """
        shown = self._shown
        try:
            return await asyncio.wait_for(work, timeout)
        except asyncio.TimeoutError:
            raise MonitorError(f"{shown} did not answer over QMP within {timeout:g} seconds") from None
        except self._failures as error:
            raise MonitorError(f"{shown} does not answer over QMP: {escaped(str(error))}") from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MonitorError(f"{shown} does not answer like QEMU: {escaped(repr(error))[:200]}") from None

    async def send(self, command: str, arguments: Mapping[str, Any]) -> str:
        """QEMU's answer to a command: "" if it accepts, else its text."""
        try:
            await self.ask(command, **arguments)
        except CommandRefusedError as error:
            return str(error)
        return ""


class SocketMonitor(Monitor):
    """A connection to a running QEMU's monitor socket.

    Args:
        address: a path, or ``host:port``.
        argument: the name that an error gives to the address.

    Raises:
        TypeError: not an address.
        MonitorError: the package qemu.qmp is missing.
    """

    def __init__(self, address: str | os.PathLike[str], argument: str = "address") -> None:
        self._name = _address_of(address, argument)
        try:
            from qemu.qmp import QMPClient, QMPError  # noqa: PLC0415 - an extra
        except ImportError:
            raise MonitorError("reading a monitor needs the package qemu.qmp: pip install 'pymig-qemu[qemu]'") from None
        super().__init__(str(address), QMPError)
        self._client: Any = QMPClient("pymig")

    async def connect(self) -> None:
        """See Monitor.

        QEMU may send an event before its answer to qmp_capabilities. Then qemu.qmp gives up, and another attempt helps.
        """
        from qemu.qmp import ConnectError  # noqa: PLC0415 - an extra
        from qemu.qmp.qmp_client import NegotiationError  # noqa: PLC0415 - likewise

        for _ in range(ATTEMPTS - 1):
            try:
                return await self._connect_once()
            except ConnectError as error:  # noqa: PERF203 - few rounds
                if not isinstance(error.exc, NegotiationError):
                    raise
        return await self._connect_once()

    async def _connect_once(self) -> None:
        await self._client.connect(self._name)

    async def ask(self, command: str, /, **arguments: Any) -> Any:
        """See Monitor."""
        from qemu.qmp import ExecuteError  # noqa: PLC0415 - an extra

        try:
            return await self._client.execute(command, arguments or None)
        except ExecuteError as error:
            raise CommandRefusedError(str(error)) from None

    def peer(self) -> int:
        """See Monitor: the process that listens at the socket."""
        try:
            connected = self._client._writer.get_extra_info("socket")
            pid, _, _ = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        except (AttributeError, OSError):
            return 0
        return int(pid)

    def listen(self, event: str, heard: Callable[[Mapping[str, Any]], bool]) -> None:
        """See Monitor."""
        from qemu.qmp import EventListener  # noqa: PLC0415 - an extra

        self._client.register_listener(EventListener(event, heard))

    async def close(self, timeout: float) -> None:
        """See Monitor."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._client.disconnect(), timeout)


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Runs the coroutine in a new event loop; in a new thread if this thread already runs one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(coroutine))
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = threading.Thread(target=run, name="pymig-qmp", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _address_of(address: object, argument: str) -> str | tuple[str, int]:
    """A socket's path, or host and port."""
    if not isinstance(address, (str, os.PathLike)):
        wrong_type(address, argument, "a path or host:port")
    name = os.fspath(address)
    host, colon, port = name.rpartition(":")
    if colon and port.isdecimal() and "/" not in name:
        return host.strip("[]"), int(port)
    return name


async def told_by(monitor: Monitor) -> Told:
    """What a monitor tells about its QEMU as one end. Errors as those of Monitor.ask."""
    await monitor.connect()
    context, facts = await _facts(monitor.ask)
    return context, facts, monitor.peer()


# ---- Reading ----


async def _facts(ask: Ask) -> Facts:
    build = build_that_answers(BinaryAnswers(*[await ask(question) for question in QUESTIONS]))
    machine = await optional(ask, "qom-get", path="/machine", property="type")
    name = machine.removesuffix("-machine") if isinstance(machine, str) else None
    status, migration = await ask("query-status"), await ask("query-migrate")
    switches = await ask("query-migrate-capabilities")
    parameters = await ask("query-migrate-parameters")
    context = {
        "build": build if name is None else build.of_machine(name),
        **await _incoming(ask, status, migration),
    }
    facts = {
        "capabilities": [entry["capability"] for entry in switches if entry["state"] and entry["capability"] in NAMES],
        "parameters": {name: value for name, value in parameters.items() if name in PARAMETERS},
        "uuid": _uuid(await ask("query-uuid")),
        "ram_blocks": await _blocks(ask),
        "tls_objects": await _tls_objects(ask),
        "devices": await _devices(ask),
        "blockers": migration.get("blocked-reasons", ()),
        "paused": status["status"] in STOPPED,
        "status": migration.get("status", "none"),
        **await _cpus(ask),
        **_nodes(await ask("query-named-block-nodes")),
    }
    return context, facts if name is None else {**facts, "machine": name}


async def _incoming(ask: Ask, status: Mapping[str, Any], migration: Mapping[str, Any]) -> dict[str, bool]:
    """The circumstances of a QEMU that may wait for an incoming migration."""
    waits = status["status"] == "inmigrate"
    instances = await optional(ask, "query-yank") or ()
    started = waits and any(instance["type"] == "migration" for instance in instances)
    listens = started and "socket-address" in migration
    return {"incoming": waits, "incoming_started": listens, "single_channel": started and not listens}


async def optional(ask: Ask, command: str, **arguments: Any) -> Any:
    """The answer; None if QEMU refuses the question."""
    try:
        return await ask(command, **arguments)
    except CommandRefusedError:
        return None


def _uuid(answer: Mapping[str, Any]) -> str | None:
    """Unset and all zeros read the same."""
    uuid = str(answer["UUID"])
    return uuid if uuid.strip("0-") else None


async def _cpus(ask: Ask) -> dict[str, Any]:
    cpus = await ask("query-cpus-fast")
    if not cpus:
        return {}
    kind = await ask("qom-get", path=cpus[0]["qom-path"], property="type")
    return {"cpus": len(cpus), "cpu_model": re.sub(r"-[a-z0-9_]+-cpu$", "", str(kind))}


def _nodes(nodes: list[Mapping[str, Any]]) -> dict[str, Any]:
    names = [str(node["node-name"]) for node in nodes]
    bitmaps = {
        str(node["node-name"]): [str(bitmap["name"]) for bitmap in node["dirty-bitmaps"] if "name" in bitmap]
        for node in nodes
        if node.get("dirty-bitmaps")
    }
    return {"block_nodes": names, "bitmaps": bitmaps}


async def _blocks(ask: Ask) -> dict[str, dict[str, Any]]:
    """Every RAM block; what backs it, where it is a backend of the user's."""
    table = (await ask("x-query-ramblock"))["human-readable-text"]
    blocks: dict[str, dict[str, Any]] = {
        name: {"size": int(used, 16), "page_size": int(number) * UNITS[unit]}
        for name, number, unit, used in BLOCK.findall(table)
    }
    backends = {str(backend["id"]): backend for backend in await ask("query-memdev") if "id" in backend}
    for entry in await ask("qom-list", path="/objects"):
        kind = KINDS.get(str(entry["type"]).removeprefix("child<").removesuffix(">"))
        name = str(entry["name"])
        block = blocks.get(name) or blocks.get(f"/objects/{name}")
        if kind and block is not None:
            block |= {"kind": kind, "share": bool(backends.get(name, {}).get("share"))}
            if kind == "file":
                block["path"] = str(await ask("qom-get", path=f"/objects/{name}", property="mem-path"))
    return blocks


async def _tls_objects(ask: Ask) -> dict[str, dict[str, Any]]:
    objects = {}
    for entry in await ask("qom-list", path="/objects"):
        if kind := TLS_KINDS.get(str(entry["type"])):
            path = f"/objects/{entry['name']}"
            objects[str(entry["name"])] = {
                "kind": kind,
                "endpoint": str(await ask("qom-get", path=path, property="endpoint")),
                "verify_peer": bool(await ask("qom-get", path=path, property="verify-peer")),
            }
    return objects


def _slot(address: object) -> str | None:
    """A PCI address as lspci writes it, without the bus."""
    return f"{address >> 3:02x}.{address & 7}" if isinstance(address, int) else None


async def _devices(ask: Ask) -> list[tuple[str, str | None]]:
    """The devices that were added on the command line or later, with their addresses on the PCI bus."""
    devices = []
    for folder in ("/machine/peripheral", "/machine/peripheral-anon"):
        for entry in await optional(ask, "qom-list", path=folder) or ():
            if str(entry["type"]).startswith("child<"):
                address = await optional(ask, "qom-get", path=f"{folder}/{entry['name']}", property="addr")
                driver = str(entry["type"]).removeprefix("child<").removesuffix(">")
                devices.append((driver, _slot(address)))
    return sorted(devices, key=str)
