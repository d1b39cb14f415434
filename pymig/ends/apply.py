# SPDX-License-Identifier: GPL-2.0-or-later

"""Sends the commands of a preflight to two running QEMUs, and puts both back if one refuses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pymig.ends.address import is_domain
from pymig.ends.finding import Step
from pymig.ends.plan import ENDS
from pymig.ends.preflight import Preflight
from pymig.ends.qmp import SocketMonitor, run
from pymig.errors import MonitorError
from pymig.values import Value, require_bool, require_seconds, wrong_type

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from typing_extensions import Self

    Stored = dict[str, dict[str, Any]]  # by kind: {"capabilities": {name: bool}, "parameters": {name: value}}

SET_CAPABILITIES, SET_PARAMETERS = "migrate-set-capabilities", "migrate-set-parameters"
COMMAND_OF = {"capabilities": SET_CAPABILITIES, "parameters": SET_PARAMETERS}

KEPT = {
    "migrate-incoming": "it can't be taken back: start the destination again",
    "migrate": "the guest is written and stopped: cont at the source revives it",
}
"""Why an accepted command stays."""

CANNOT_UNSET = "it was not set before, and QEMU can't unset it"
NOT_STORED = "QEMU accepted the old value, and did not store it"

PAUSE = 0.05  # seconds between two questions about the status


class Restoration(Value):
    """Something that was changed at an end, and whether it was put back. Immutable.

    Attributes:
        end: ``"source"`` or ``"destination"``.
        what: the name of a capability or a parameter; or a command that can't be taken back, such as
            ``"migrate-incoming"``.
        reason: "" if it was put back, else why not.
    """

    __slots__ = ("end", "reason", "what")

    end: str
    what: str
    reason: str

    def __new__(cls, end: str, what: str, reason: str = "") -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(end=end, what=what, reason=reason)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        return {"end": self.end, "what": self.what, "reason": self.reason}


class Applied(Value):
    """What apply did. Immutable; true if and only if every command that was to be sent was accepted.

    Attributes:
        steps: the preflight's steps, in its order. Those that were sent have QEMU's real answers.
        sent: those of the steps that were sent. If one was refused or got no answer, it is the last.
        restored: what was put back after that. Queries have shown the old values.
        not_restored: what could not be put back, with reasons.
    """

    __slots__ = ("not_restored", "restored", "sent", "steps")

    steps: tuple[Step, ...]
    sent: tuple[Step, ...]
    restored: tuple[Restoration, ...]
    not_restored: tuple[Restoration, ...]

    def __new__(
        cls,
        steps: Iterable[Step],
        sent: Iterable[Step],
        restored: Iterable[Restoration],
        not_restored: Iterable[Restoration],
    ) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(steps=tuple(steps), sent=tuple(sent), restored=tuple(restored), not_restored=tuple(not_restored))
        return self

    @property
    def ok(self) -> bool:
        """Whether every command that was to be sent was accepted."""
        return not any(step.answer for step in self.sent)

    def __bool__(self) -> bool:
        return self.ok

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        return {"ok": self.ok, **{name: [item.to_dict() for item in getattr(self, name)] for name in self.__slots__}}


def apply(
    preflight: Preflight,
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    migrate: bool = False,
    timeout: float = 10.0,
) -> Applied:
    """Sends the commands of a preflight to the two QEMUs. If one is refused, both are put back as they were.

    By default, only the settings are sent. migrate-incoming, which can't be taken back, and migrate are sent only if
    asked for. A migration to a file is waited for before the destination reads it; no other migration is waited for.
    Needs the package qemu.qmp: ``pip install 'pymig-qemu[qemu]'``.

    Args:
        preflight: the preflight of these two ends.
        source: the source's monitor: a path, or ``host:port``.
        destination: the destination's monitor.
        migrate: whether migrate-incoming and migrate are sent, too.
        timeout: seconds for each of QEMU's answers, and for writing a file; at most a day.

    Once something was sent, a monitor that does not answer is a refusal: the last step's answer and ``not_restored``
    say so, and the other end is put back. A QEMU that goes on later may still carry out the last step.

    Raises:
        TypeError: an argument has the wrong type; the text names it.
        ValueError: the preflight is not ok, an impossible timeout, or an address ``libvirt:DOMAIN``.
        MonitorError: before anything was sent, a monitor can't be reached, does not answer in time, or does not answer
            like QEMU.
    """
    return run(apply_async(preflight, source, destination, migrate=migrate, timeout=timeout))


async def apply_async(
    preflight: Preflight,
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    migrate: bool = False,
    timeout: float = 10.0,
) -> Applied:
    """The same as apply, in the running event loop. If the task is cancelled, both ends are put back."""
    _require_ok(preflight)
    require_seconds(timeout, "timeout")
    to_send = [step for step in preflight.steps if require_bool(migrate, "migrate") or step.command not in KEPT]
    ends = {
        name: _End(name, _monitor(address, name), timeout)
        for name, address in zip(ENDS, (source, destination), strict=True)
    }
    try:
        for end in ends.values():
            await end.connect()
        sent, restored, not_restored = await _carry_out(to_send, ends)
    finally:
        await asyncio.gather(*(end.monitor.close(timeout) for end in ends.values()))
    answered = {(step.end, step.command): step for step in sent}
    steps = [answered.get((step.end, step.command), step) for step in preflight.steps]
    return Applied(steps, sent, restored, not_restored)


def _monitor(address: str | os.PathLike[str], end: str) -> SocketMonitor:
    if is_domain(address):
        raise ValueError(f"{end} must be a monitor's socket; libvirt sets its domains itself, with virsh migrate")
    return SocketMonitor(address, end)


def _require_ok(preflight: object) -> None:
    if not isinstance(preflight, Preflight):
        wrong_type(preflight, "preflight", "a Preflight")
    if not preflight.ok:
        errors = [finding for finding in preflight.findings if finding.severity == "error"]
        why = f": {errors[0].consequence} ({errors[0].rule}); remedy: {errors[0].remedy}" if errors else ""
        raise ValueError(f"preflight must be ok, and its outcome is {preflight.outcome}{why}")


async def _carry_out(
    to_send: list[Step], ends: Mapping[str, _End]
) -> tuple[list[Step], list[Restoration], list[Restoration]]:
    """The steps that were sent; what was put back after a refusal, and what was not."""
    try:
        sent = await _sent(to_send, ends)
    except asyncio.CancelledError:
        await _put_back(ends)
        raise
    if sent and sent[-1].answer:
        return sent, *await _put_back(ends)
    return sent, [], []


async def _sent(to_send: list[Step], ends: Mapping[str, _End]) -> list[Step]:
    """The steps with QEMU's answers, up to the first refusal."""
    sent: list[Step] = []
    for step in to_send:
        end = ends[step.end]
        answer = await end.send(step)
        if not answer and step.command == "migrate" and step is not to_send[-1]:
            answer = await end.written()
        sent.append(Step(step.end, step.command, step.arguments, answer))
        if answer:
            break
    return sent


async def _put_back(ends: Mapping[str, _End]) -> tuple[list[Restoration], list[Restoration]]:
    """What was put back, and what was not. An end that is slow does not keep the other one waiting."""
    everything = [one for end in await asyncio.gather(*(end.put_back() for end in ends.values())) for one in end]
    return [one for one in everything if not one.reason], [one for one in everything if one.reason]


class _End:
    """One end while commands are sent to it.

    Attributes:
        before: what was stored there before.
        sent: the commands that were sent; without those that QEMU refused.
        closed: why nothing more is sent there; "" if more may be.
    """

    def __init__(self, name: str, monitor: SocketMonitor, timeout: float) -> None:
        self.name, self.monitor, self.timeout = name, monitor, timeout
        self.before: Stored = {}
        self.sent: list[Step] = []
        self.closed = ""

    async def connect(self) -> None:
        """Connects, and reads what is stored. Raises MonitorError."""
        await self.monitor.within(self.timeout, self.monitor.connect())
        self.before = await self.stored()

    async def stored(self) -> Stored:
        """What is stored now. Raises MonitorError."""
        return await self.monitor.within(self.timeout, _stored(self.monitor))

    async def send(self, step: Step) -> str:
        """QEMU's answer: "" if it accepts. No answer closes the end, and the text says why."""
        self.sent.append(step)
        try:
            answer = await self.answer(step.command, step.arguments)
        except MonitorError as error:
            self.closed = f"no answer: {error}"
            return self.closed
        if answer:
            self.sent.pop()
        return answer

    async def answer(self, command: str, arguments: Mapping[str, Any]) -> str:
        """QEMU's answer. Raises MonitorError."""
        return await self.monitor.within(self.timeout, self.monitor.send(command, arguments))

    async def written(self) -> str:
        """Waits until the source has written its file: "" then, else why it has not."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.timeout
        try:
            while (told := await self.status()).get("status") not in ("completed", "failed", "cancelled"):
                if loop.time() > deadline:
                    self.closed = f"the migration is still {told.get('status')} after {self.timeout:g} seconds"
                    return self.closed
                await asyncio.sleep(PAUSE)
        except MonitorError as error:
            self.closed = f"no answer: {error}"
            return self.closed
        if told["status"] == "completed":
            return ""
        self.sent.pop()  # the guest runs on, as if migrate had been refused
        return str(told.get("error-desc", f"the migration has {told['status']}"))

    async def status(self) -> dict[str, Any]:
        """The answer of query-migrate. Raises MonitorError."""
        return dict(await self.monitor.within(self.timeout, self.monitor.ask("query-migrate")))

    async def put_back(self) -> list[Restoration]:
        """Puts back what is stored otherwise than before; then reads again what is."""
        if not self.sent:
            return []
        try:
            return self.kept() + (self.lost() if self.closed else await self.set_back())
        except MonitorError as error:
            self.closed = f"no answer: {error}"
            return self.kept() + self.lost()

    def kept(self) -> list[Restoration]:
        """The accepted commands that can't be taken back."""
        commands = [step.command for step in self.sent if step.command in KEPT]
        return [Restoration(self.name, command, self.closed or KEPT[command]) for command in commands]

    def lost(self) -> list[Restoration]:
        """Everything that was set, or may still be, at an end that is closed."""
        names = [name for step in self.sent for name in _names_of(step)]
        return [Restoration(self.name, name, self.closed) for name in names]

    async def set_back(self) -> list[Restoration]:
        """Sends the old values. Raises MonitorError."""
        changed = _changed(self.before, await self.stored())
        refusals = await self.send_back(changed)
        left = _changed(self.before, await self.stored())
        return [
            Restoration(self.name, name, _reason(kind, old, refusals) if name in left[kind] else "")
            for kind, olds in changed.items()
            for name, old in olds.items()
        ]

    async def send_back(self, changed: Stored) -> dict[str, str]:
        """The refusals, by command. What is refused is sent again after the rest, against which QEMU may check it."""
        refusals = dict.fromkeys(dict(_commands(changed)), "")
        for _ in range(2):
            for command, arguments in _commands(changed):
                if command in refusals:
                    refusals[command] = await self.answer(command, arguments)
            refusals = {command: answer for command, answer in refusals.items() if answer}
        return refusals


async def _stored(monitor: SocketMonitor) -> Stored:
    switches = await monitor.ask("query-migrate-capabilities")
    return {
        "capabilities": {entry["capability"]: entry["state"] for entry in switches},
        "parameters": dict(await monitor.ask("query-migrate-parameters")),
    }


def _changed(before: Stored, now: Stored) -> Stored:
    """The old values of what has changed; None for a parameter that was not set."""
    return {
        kind: {name: before[kind].get(name) for name, value in values.items() if before[kind].get(name) != value}
        for kind, values in now.items()
    }


def _commands(changed: Stored) -> Iterator[tuple[str, dict[str, Any]]]:
    """The commands that set the old values."""
    entries = [{"capability": name, "state": state} for name, state in changed["capabilities"].items()]
    if entries:
        yield SET_CAPABILITIES, {"capabilities": entries}
    parameters = {name: value for name, value in changed["parameters"].items() if value is not None}
    if parameters:
        yield SET_PARAMETERS, parameters


def _reason(kind: str, old: object, refusals: Mapping[str, str]) -> str:
    """Why something is not as before."""
    return CANNOT_UNSET if old is None else refusals.get(COMMAND_OF[kind], NOT_STORED)


def _names_of(step: Step) -> list[str]:
    """What a step sets: the names of capabilities or parameters."""
    if step.command == SET_CAPABILITIES:
        return [str(entry["capability"]) for entry in step.arguments["capabilities"]]
    return list(step.arguments) if step.command == SET_PARAMETERS else []
