# SPDX-License-Identifier: GPL-2.0-or-later

"""``pymig watch``: what a running migration does, and the way out if nothing moves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys

from pymig.cli.text import BOLD, GREEN, RED, YELLOW, places, print_table, printable, styled
from pymig.cli.values import ACCEPTED, NOT_ANSWERED, REFUSED
from pymig.ends.watch import watch_async

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from pymig.ends.watch import Progress

STATUSES = {
    "completed": ACCEPTED,
    "completed-paused": ACCEPTED,
    "completed-snapshot": ACCEPTED,
    "completed-unseen": ACCEPTED,
    "both": REFUSED,
    "none": NOT_ANSWERED,
    "not-a-source": NOT_ANSWERED,
    "completed-silent": NOT_ANSWERED,
    "source-gone": NOT_ANSWERED,
    "source-lost": NOT_ANSWERED,
    "source-silent": NOT_ANSWERED,
}
"""Exit statuses by the last situation; REFUSED for all others."""

STYLES = {ACCEPTED: GREEN, REFUSED: RED, NOT_ANSWERED: YELLOW}

BAR = 24  # characters
CLEAR = "\r\033[K"


def run(options: argparse.Namespace) -> int:
    """Prints the progress until the migration has ended; returns the exit status."""
    show = _Json() if options.json else _Terminal() if _is_terminal() else _Lines()
    try:
        last = asyncio.run(_watch(options, show))  # it handles an interruption
    finally:
        show.end()
    return NOT_ANSWERED if last is None else exit_status(last)


async def _watch(options: argparse.Namespace, show: _Json | _Lines) -> Progress | None:
    """Prints each look; returns the last one."""
    seconds = {name: getattr(options, name) for name in ("interval", "still", "timeout")}
    progress = None
    async with contextlib.aclosing(watch_async(options.source, options.destination, **seconds)) as looks:
        async for progress in looks:
            show.progress(progress)
            sys.stdout.flush()
    return progress


def exit_status(progress: Progress) -> int:
    """The exit status of the last Progress."""
    return STATUSES.get(progress.explanation.situation, REFUSED)


def _is_terminal() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


# ---- Printing ----


class _Json:
    """A JSON object a line."""

    def progress(self, progress: Progress) -> None:
        print(json.dumps(progress.to_dict()))

    def end(self) -> None:
        """Nothing is left open."""


class _Lines:
    """A line a change, and the explanation once for each situation in which nothing moves, and at the end."""

    def __init__(self) -> None:
        self._line = self._explained = ""

    def progress(self, progress: Progress) -> None:
        line = line_of(progress)
        if line != self._line:
            self._print_line(line)
        self._line = line
        if progress.moving and not progress.finished:
            self._explained = ""
        elif self._explained != progress.explanation.situation:
            self.end()
            _print_explanation(progress)
            self._explained = progress.explanation.situation

    def _print_line(self, line: str) -> None:
        print(line)

    def end(self) -> None:
        """Ends a line that is still open."""


class _Terminal(_Lines):
    """One line that is written again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._open = False

    def _print_line(self, line: str) -> None:
        print(f"{CLEAR}{line[: _width() - 1]}", end="")
        self._open = True

    def end(self) -> None:
        if self._open:
            print()
        self._open = False


def _width() -> int:
    """Columns of the terminal."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except OSError:
        return 80


def line_of(progress: Progress) -> str:
    """The progress in a line, such as ``active > active [####......]  40 %  38.4 MiB left, 9.5 MiB/s, 4 s left``."""
    statuses = progress.source if progress.destination == "not-asked" else f"{progress.source} > {progress.destination}"
    parts = [f"{size(progress.remaining)} left"] if progress.remaining is not None else []
    parts += [f"{size(progress.rate)}/s"] if progress.rate is not None else []
    parts += [_time(progress.seconds_left)] if progress.seconds_left is not None else []
    parts += [] if progress.moving or progress.finished else ["nothing moves"]
    return " ".join([f"{statuses:<15}", _bar(progress), ", ".join(parts)]).rstrip()


def _bar(progress: Progress) -> str:
    if not progress.total or progress.remaining is None:
        return ""
    done = min(max(1 - progress.remaining / progress.total, 0.0), 1.0)
    full = int(done * BAR)
    return f"[{'#' * full}{'.' * (BAR - full)}] {done:4.0%}"


def size(count: float) -> str:
    """Bytes with a unit."""
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while count >= 1024 and len(units) > 1:  # noqa: PLR2004 - the factor of the units
        count /= 1024
        units.pop(0)
    return f"{count:.{0 if units[0] == 'B' else 1}f} {units[0]}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes} min to go" if hours else f"{minutes} min {rest} s to go" if minutes else f"{rest} s to go"
    )


def _print_explanation(progress: Progress) -> None:
    explanation = progress.explanation
    style = STYLES[exit_status(progress)] if progress.finished else BOLD
    print(f"{styled(explanation.situation, style)}: the guest {places(explanation.guests)}")
    rows = [("meaning", explanation.meaning), ("way out", explanation.way_out), ("never", explanation.never)]
    print_table([(name, printable(text)) for name, text in rows if text], "  ")
