# SPDX-License-Identifier: GPL-2.0-or-later

"""Speaks QMP, QEMU's monitor protocol, with a program that may be any program: time and size are limited."""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

from pymig.documents import parse
from pymig.errors import QemuBinaryError
from pymig.qemu.process import errno_of
from pymig.values import escaped

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BYTES = 16 << 20
"""Bytes that are read in all. QEMU's schema has less than 1 MiB."""

INTERVAL = 0.1  # seconds between two looks whether the caller's task is cancelled
CHUNK = 1 << 16  # bytes read at a time
MOST_WORDS = 200  # characters shown of what others wrote
MOST_LOG = 4 * MOST_WORDS  # bytes kept of the log; a character has at most four
DRAINS = 100  # reads of the log after the end, which a program may still be filling


class Monitor:
    """A program's QMP monitor. Every error is a QemuBinaryError, whose text lacks the program's name.

    Args:
        monitor: our end of the monitor's socket.
        log: the reading end of the program's standard error.
        life: the descriptor that ``running`` gives.
        timeout: seconds for everything.
        cancellation: made before the program was started.
    """

    def __init__(self, monitor: socket.socket, log: int, life: int, timeout: float, cancellation: Cancellation) -> None:
        self._monitor = monitor
        self._deadline, self._timeout = time.monotonic() + timeout, timeout
        self._readers = {monitor.fileno(): self._read_monitor, log: self._read_log, life: self._read_life}
        self._log_number, self._life = log, life
        self._input, self._log, self._received = bytearray(), b"", 0
        self._cancellation = cancellation
        self._awaited = "greeting"
        self._poll = select.poll()
        for number in self._readers:
            self._poll.register(number, select.POLLIN)

    def ask(self, *commands: str) -> list[Any]:
        """Greets, and gives the answer to each command."""
        if not isinstance(self._message().get("QMP"), dict):
            self._fail("what it sent first is not QMP's greeting")
        return [self._answer(number, command) for number, command in enumerate(("qmp_capabilities", *commands))][1:]

    def last_words(self) -> str:
        """The end of what the program wrote to standard error, in one line; "" if nothing."""
        self._ignore(self._monitor.fileno())
        for _ in range(DRAINS):
            if not self._handle(0):
                break
        lines = map(str.strip, self._log.decode(errors="replace").splitlines())
        return escaped("; ".join(filter(None, lines))[-MOST_WORDS:])

    def _answer(self, number: int, command: str) -> Any:
        self._awaited = f"answer to {command}"
        self._send({"execute": command, "id": number})
        message = self._message()
        while "event" in message:
            message = self._message()
        if "error" in message:
            self._fail(f"the {self._awaited} is an error: {_description(message['error'])}")
        given = message.get("id")
        if type(given) is not int or given != number or "return" not in message:
            self._fail(f"what it sent is no {self._awaited}")
        return message["return"]

    def _send(self, request: dict[str, Any]) -> None:
        try:
            self._monitor.sendall(json.dumps(request).encode() + b"\n", socket.MSG_NOSIGNAL)
        except OSError:
            self._closed()

    def _message(self) -> dict[str, Any]:
        try:
            message = parse(self._line())
        except ValueError:
            self._fail(f"the {self._awaited} is not JSON")
        if type(message) is not dict:
            self._fail(f"the {self._awaited} is no JSON object")
        return message

    def _line(self) -> bytes:
        searched = 0
        while (end := self._input.find(b"\n", searched)) < 0:
            searched = len(self._input)
            self._wait()
        line = bytes(self._input[:end])
        del self._input[: end + 1]
        return line

    def _wait(self) -> None:
        """Reads what the program sends within INTERVAL."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise QemuBinaryError(f"did not answer over QMP within {self._timeout:g} seconds")
        self._handle(min(left, INTERVAL))
        self._cancellation.raise_if_requested()

    def _handle(self, seconds: float) -> bool:
        """Reads what there is or comes in this time; whether something was there."""
        ready = self._poll.poll(seconds * 1000)
        for number, _ in ready:
            self._readers[number]()
        return bool(ready)

    def _ignore(self, number: int) -> None:
        if self._readers.pop(number, None):
            self._poll.unregister(number)

    def _read_monitor(self) -> None:
        try:
            data = self._monitor.recv(CHUNK)
        except ConnectionError:
            data = b""
        if not data:
            self._closed()
        self._received += len(data)
        if self._received > MOST_BYTES:
            self._fail(f"it sent more than {MOST_BYTES >> 20} MiB")
        self._input += data

    def _read_log(self) -> None:
        data = os.read(self._log_number, CHUNK)
        if not data:
            self._ignore(self._log_number)
        self._log = (self._log + data)[-MOST_LOG:]

    def _read_life(self) -> None:
        number = errno_of(self._life)
        self._ignore(self._life)
        if number:
            raise QemuBinaryError(f"can't be started: {os.strerror(number)}")

    def _closed(self) -> NoReturn:
        self.last_words()  # raises if the program was never started
        doubt = "; is it a QEMU system emulator?" if self._awaited == "greeting" else ""
        self._fail(f"it ended or closed its monitor before its {self._awaited}{doubt}")

    def _fail(self, reason: str) -> NoReturn:
        raise QemuBinaryError(f"does not answer over QMP: {reason}")


class Cancellation:
    """Whether the calling task is asked to end from now on.

    From Python 3.11 on, Ctrl-C only cancels the main task, and raises nothing in a call that blocks the event loop.
    """

    def __init__(self) -> None:
        asyncio = sys.modules.get("asyncio")
        try:
            task = asyncio.current_task() if asyncio else None
        except RuntimeError:
            task = None
        self._requests: Callable[[], int] = getattr(task, "cancelling", int)
        self._before = self._requests()

    def raise_if_requested(self) -> None:
        """Raises CancelledError if it is."""
        if self._requests() > self._before:
            from asyncio import CancelledError  # noqa: PLC0415 - the caller has imported it

            raise CancelledError


def _description(error: object) -> str:
    text = error.get("desc") if isinstance(error, dict) else None
    return escaped(text[:MOST_WORDS]) if isinstance(text, str) else "without a description"
