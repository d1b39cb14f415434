# SPDX-License-Identifier: GPL-2.0-or-later

"""The command line: one module per command."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from pymig.cli.arguments import UsageError, parse
from pymig.cli.text import print_json, printable
from pymig.cli.values import NOT_ANSWERED
from pymig.errors import MigrationError, MonitorError, QemuBinaryError, UnknownCapabilityError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

CLOSED_PIPE, INTERRUPTED = 128 + 13, 128 + 2
"""Exit statuses of a process that SIGPIPE or SIGINT ends, as a shell reports them."""

EXPECTED = (UsageError, MigrationError, MonitorError, QemuBinaryError, ValueError, OSError, MemoryError)
"""Errors that are no bug of pymig; only others get a traceback."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        status = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        status = CLOSED_PIPE
    except KeyboardInterrupt:
        status = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - exit status 1 would mean a refusal
        _report_if_there_is_room(error, words)
        status = NOT_ANSWERED
    return status if _flushed() or status == CLOSED_PIPE else NOT_ANSWERED


def _run(words: Sequence[str]) -> int:
    if sys.stdout is None:
        raise UsageError("standard output is closed")
    options = parse(words)
    status: int = import_module(f"{__name__}.{options.command}").run(options)
    return status


def _report_if_there_is_room(error: Exception, words: Sequence[str]) -> None:
    """Prints the error, unless that fails, too."""
    from contextlib import suppress  # noqa: PLC0415 - rare

    with suppress(OSError):
        _report(error, words)


def _report(error: Exception, words: Sequence[str]) -> None:
    """Prints the error: as text on standard error or, with --json, as JSON on standard output."""
    if not isinstance(error, EXPECTED):
        import traceback  # noqa: PLC0415 - rare

        traceback.print_exc()
    message = _explained(error)
    if "--json" in words and sys.stdout is not None:
        print_json({"error": {"kind": type(error).__name__, "message": message}})
    elif sys.stderr is not None:
        usage = error.usage if isinstance(error, UsageError) else ""
        print(f"{usage}pymig: {printable(message)}", file=sys.stderr)


def _explained(error: Exception) -> str:
    if not isinstance(error, UnknownCapabilityError):
        return str(error) or type(error).__name__
    if error.since is not None:
        return f"{error}; QEMU has it {_range(error.since, error.until)}, and {error.release} was asked"
    close = ", ".join(error.suggestions)
    return f"{error}{f'; did you mean {close}?' if close else '; see pymig list'}"


def _range(since: str, until: str | None) -> str:
    return f"from {since} on" if until is None else f"from {since} to {until}"


def _flushed() -> bool:
    """Whether everything was printed. If not, drops the rest, so that the interpreter does not try again at exit."""
    flushed = [_is_flushed(stream) for stream in (sys.stdout, sys.stderr) if stream is not None]
    return all(flushed)


def _is_flushed(stream: TextIO) -> bool:
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True
