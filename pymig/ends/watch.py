# SPDX-License-Identifier: GPL-2.0-or-later

"""Watches a migration over the monitors of one or both ends. Changes nothing there.

Needs the package qemu.qmp: ``pip install 'pymig-qemu[qemu]'``; for a domain, libvirt-python instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from pymig.ends.monitors import monitor_at
from pymig.ends.qmp import optional
from pymig.ends.status import NO_ANSWER, NOT_ASKED, StatusExplanation, explain_status, status_of
from pymig.errors import MonitorError
from pymig.values import Value, require_seconds

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator, Mapping
    from typing import TypeVar

    from typing_extensions import Self

    Result = TypeVar("Result")
    Address = str | os.PathLike[str]
    Answer = Mapping[str, Any] | MonitorError

INTERVAL, STILL, TIMEOUT = 1.0, 5.0, 5.0  # seconds

NOTHING_MORE = frozenset({"completed", "failed", "cancelled", NOT_ASKED})
"""Statuses of an end that nothing follows."""

PERHAPS_MORE = NOTHING_MORE | {NO_ANSWER}
"""Statuses of a source that nothing follows, or nothing if they last: a monitor may answer again."""


class Progress(Value):
    """One look at a migration. Immutable.

    Attributes:
        source: the status of query-migrate at the source; ``"none"`` if there was no migration, ``"no-answer"``,
            ``"unknown"``.
        destination: likewise; ``"not-asked"`` without a destination.
        elapsed: seconds since the watch began.
        transferred: bytes that the source has sent; None if it does not say.
        remaining: bytes that it still has to send, as known now: the guest goes on writing; None if it does not say.
        total: bytes of the guest's memory; None if the source does not say.
        rate: bytes per second that were sent since the last look; None at the first.
        seconds_left: seconds until the memory is sent at this rate, less what the guest writes meanwhile; None if that
            is not known, or never at this rate.
        moving: whether anything has changed in the last seconds (``still`` of watch).
        finished: nothing more is expected; the last look.
        events: ``(end, status)`` of the MIGRATION events since the last look; QEMU sends them if somebody has set the
            capability ``events``.
        explanation: what happens, where the guest is, and the way out.
    """

    __slots__ = (
        "destination",
        "elapsed",
        "events",
        "explanation",
        "finished",
        "moving",
        "rate",
        "remaining",
        "seconds_left",
        "source",
        "total",
        "transferred",
    )

    source: str
    destination: str
    elapsed: float
    transferred: int | None
    remaining: int | None
    total: int | None
    rate: float | None
    seconds_left: float | None
    moving: bool
    finished: bool
    events: tuple[tuple[str, str], ...]
    explanation: StatusExplanation

    def __new__(
        cls,
        source: str,
        destination: str,
        explanation: StatusExplanation,
        *,
        elapsed: float = 0.0,
        transferred: int | None = None,
        remaining: int | None = None,
        total: int | None = None,
        rate: float | None = None,
        seconds_left: float | None = None,
        moving: bool = True,
        finished: bool = False,
        events: tuple[tuple[str, str], ...] = (),
    ) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(source=source, destination=destination, explanation=explanation, elapsed=elapsed, events=events)
        self._set(transferred=transferred, remaining=remaining, total=total, rate=rate, seconds_left=seconds_left)
        self._set(moving=moving, finished=finished)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return values | {"events": [list(event) for event in self.events], "explanation": self.explanation.to_dict()}


# ---- Watching ----


def watch(
    source: Address,
    destination: Address | None = None,
    *,
    interval: float = INTERVAL,
    still: float = STILL,
    timeout: float = TIMEOUT,
) -> Generator[Progress, None, None]:
    """Yields a Progress every interval, until the migration has ended or no migration is there or begins.

    Reads query-migrate, query-status and MIGRATION events; changes nothing. A hang does not end it. Not for a thread
    that runs an event loop: use watch_async there. Needs the package qemu.qmp: ``pip install 'pymig-qemu[qemu]'``.

    Args:
        source: the monitor's socket of the source: a path, or ``host:port``; or a running domain, ``libvirt:DOMAIN``
            or ``libvirt:URI#DOMAIN``, whose events libvirt keeps to itself.
        destination: likewise of the destination; without it, only the source is asked.
        interval: seconds between two looks.
        still: seconds without a change after which nothing counts as moving.
        timeout: seconds for an answer. A monitor that needs longer counts as one that does not answer; it is tried
            again at the next look.

    Raises:
        TypeError: an argument has the wrong type; the text names it.
        ValueError: seconds that are not above 0, or more than a day.
        MonitorError: at the first look the source does not answer. Later, this is a Progress.
    """
    _check(interval=interval, still=still, timeout=timeout)
    return _watched(source, destination, interval, still, timeout)


def _watched(source: Address, destination: Address | None, *seconds: float) -> Generator[Progress, None, None]:
    """See watch."""
    loop = asyncio.new_event_loop()
    looks = _looks(source, destination, *seconds)
    try:
        while (progress := _run(loop, _next(looks))) is not None:
            yield progress
    finally:
        _run(loop, looks.aclose())
        _run(loop, _ended())
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Result]) -> Result:
    """The coroutine's result. An interruption (Ctrl-C) cancels it, and waits for its end."""
    task = loop.create_task(coroutine)
    try:
        return loop.run_until_complete(task)
    except BaseException:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            loop.run_until_complete(task)
        raise


async def _next(looks: AsyncIterator[Progress]) -> Progress | None:
    return await anext(looks, None)


async def _ended() -> None:
    """Cancels the tasks that are left."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def watch_async(
    source: Address,
    destination: Address | None = None,
    *,
    interval: float = INTERVAL,
    still: float = STILL,
    timeout: float = TIMEOUT,
) -> AsyncGenerator[Progress, None]:
    """Yields the same as watch, asynchronously, in the running event loop."""
    _check(interval=interval, still=still, timeout=timeout)
    return _looks(source, destination, interval, still, timeout)


def _check(**seconds: float) -> None:
    for name, value in seconds.items():
        require_seconds(value, name)


async def _looks(
    source: Address, destination: Address | None, interval: float, still: float, timeout: float
) -> AsyncGenerator[Progress, None]:
    """See watch."""
    addresses = {"source": source} | ({} if destination is None else {"destination": destination})
    ends = {name: _End(address, timeout) for name, address in addresses.items()}
    history = _History(still)
    try:
        while True:
            answers = dict(zip(ends, await asyncio.gather(*[end.answer() for end in ends.values()]), strict=True))
            if history.first and isinstance(answers["source"], MonitorError):
                raise answers["source"]
            events = tuple((name, status) for name, end in ends.items() for status in end.events())
            progress = history.progress(answers["source"], answers.get("destination"), events)
            yield progress
            if progress.finished:
                return
            await _pause(list(ends.values()), interval)
    finally:
        await asyncio.gather(*[end.close() for end in ends.values()])


async def _pause(ends: list[_End], interval: float) -> None:
    """Waits for the interval, or for an event of an end."""
    waits = [asyncio.ensure_future(end.event()) for end in ends]
    try:
        await asyncio.wait(waits, timeout=interval, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


class _End:
    """One end's monitor, connected again after it did not answer."""

    def __init__(self, address: Address, timeout: float) -> None:
        self._address, self._timeout = address, timeout
        self._monitor = monitor_at(address)  # checks the address
        self._connected = False
        self._heard = asyncio.Event()
        self._events: list[str] = []

    async def answer(self) -> Answer:
        """The answer for explain_status, in bounded time. Raises nothing that the monitor causes."""
        try:
            return await self._monitor.within(self._timeout, self._asked())
        except MonitorError as error:
            await self.close()
            self._monitor, self._connected = monitor_at(self._address), False
            return error

    async def _asked(self) -> dict[str, Any]:
        if not self._connected:
            await self._connect()
        migration, status = await self._monitor.ask("query-migrate"), await self._monitor.ask("query-status")
        answer = {**migration, "run-state": status["status"]}
        if answer["run-state"] == "inmigrate" and "status" not in answer and await self._listens():
            answer["status"] = "setup"  # as 8.2 says it; earlier releases don't
        explain_status(answer)  # raises a TypeError for what is not QEMU's
        _ram(answer)
        return answer

    async def _connect(self) -> None:
        self._monitor.listen("MIGRATION", self._hear)
        await self._monitor.connect()
        self._connected = True

    def _hear(self, event: Mapping[str, Any]) -> bool:
        self._events.append(str(event.get("data", {}).get("status", "")))
        self._heard.set()
        return False  # nothing more is done with it

    async def _listens(self) -> bool:
        """Whether an incoming migration was started."""
        instances = await optional(self._monitor.ask, "query-yank") or ()
        return any(instance["type"] == "migration" for instance in instances)

    async def event(self) -> None:
        """Waits for an event since the last call of events."""
        await self._heard.wait()

    def events(self) -> list[str]:
        """The statuses of the events since the last call."""
        events, self._events = self._events, []
        self._heard.clear()
        return events

    async def close(self) -> None:
        await self._monitor.close(self._timeout)


class _History:
    """What was seen before: for the rate, and to see that nothing moves."""

    def __init__(self, still: float) -> None:
        self.first = True
        self._still = still
        self._began = self._changed = self._looked = time.monotonic()
        self._last: tuple[object, ...] = ()
        self._transferred: int | None = None

    def progress(self, source: Answer, destination: Answer | None, events: tuple[tuple[str, str], ...]) -> Progress:
        """The Progress of these answers, which are as old as this call."""
        now, ram = time.monotonic(), _ram(source)
        statuses = status_of(source), status_of(destination)
        explanation = explain_status(source, destination)
        transferred = ram.get("transferred")
        seen = (statuses, explanation.situation, transferred, events)
        if seen != self._last:
            self._changed, self._last = now, seen
        moving = now - self._changed < self._still
        rate = self._rate(transferred, now)
        self.first, self._looked, self._transferred = False, now, transferred
        return Progress(
            *statuses,
            explanation,
            elapsed=now - self._began,
            transferred=transferred,
            remaining=ram.get("remaining"),
            total=ram.get("total"),
            rate=rate,
            seconds_left=seconds_left(ram, rate),
            moving=moving,
            finished=_finished(*statuses, moving=moving),
            events=events,
        )

    def _rate(self, transferred: int | None, now: float) -> float | None:
        if transferred is None or self._transferred is None or now <= self._looked:
            return None
        return max(transferred - self._transferred, 0) / (now - self._looked)


def _ram(answer: Answer) -> Mapping[str, Any]:
    """The numbers of query-migrate's ``ram``; empty if there are none."""
    ram = {} if isinstance(answer, MonitorError) else answer.get("ram", {})
    return {name: value for name, value in ram.items() if isinstance(value, int)}


def seconds_left(ram: Mapping[str, Any], rate: float | None) -> float | None:
    """Seconds until the memory is sent at this rate (bytes/s), less what the guest writes meanwhile.

    ``ram`` is that of query-migrate. None if that is not known, or never at this rate.
    """
    net = (rate or 0) - ram.get("dirty-pages-rate", 0) * ram.get("page-size", 4096)
    return ram["remaining"] / net if net > 0 and "remaining" in ram else None


def _finished(source: str, destination: str, *, moving: bool) -> bool:
    """Whether nothing more is expected. What a destination still does after the source's end may take a moment."""
    if source == "none":
        return destination in NOTHING_MORE | {"none"} or (destination == NO_ANSWER and not moving)
    return source in PERHAPS_MORE and (not moving or {source, destination} <= NOTHING_MORE)
