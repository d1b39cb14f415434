# SPDX-License-Identifier: GPL-2.0-or-later

"""``pymig fleet``: who of many ends can go where, and why not."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from pymig.cli.arguments import UsageError
from pymig.cli.text import BOLD, GREEN, RED, print_table, styled
from pymig.cli.values import ACCEPTED, NOT_ANSWERED, REFUSED, build, content, open_file_or_pipe, plan_of, require_only
from pymig.ends.plan import Plan
from pymig.errors import MigrationError
from pymig.fleet.fleet import Fleet, Members
from pymig.fleet.reading import Reader, documents
from pymig.fleet.report import LABELS, csv_lines, described, few, happens, kind_of
from pymig.values import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import BinaryIO

    from pymig.fleet.report import Report

OF_ONE, OF_LINES = ".json", (".jsonl", ".ndjson")
"""How the names of files end that are read: those of one document, and those of a document a line."""

WANTED = "give what pymig probe --json or pymig describe printed; of a folder, .json, .jsonl and .ndjson are read"

WIDEST = 24
"""Classes of which a matrix is printed as text."""


def run(options: argparse.Namespace) -> int:
    """Reads the ends, asks for every pair, and prints who can go where; returns the exit status."""
    plan = plan_of(options) if options.plan is None else _plan_of_file(options)
    members, skipped = _members(options)
    if not members.names:
        raise UsageError(f"{options.ends}: there is no end that can be read; {WANTED}")
    matrix = Fleet._of(members).matrix(plan, progress=_Bar("asking"))
    report = matrix._report(_Bar("explaining"))
    if options.html is not None:
        _write_page(report, plan, options.html)
    _FORMATS[_format(options)](report)
    reasons = report.pairs()
    if skipped or any(reason.outcome == "unknown" for reason in reasons):
        return NOT_ANSWERED
    return ACCEPTED if all(reason.ok for reason in reasons) else REFUSED


# ---- Reading ----


def _plan_of_file(options: argparse.Namespace) -> Plan:
    """The plan of --plan."""
    require_only("--plan", options)
    if options.plan == options.ends == "-":
        raise UsageError("--plan: standard input can't be both ENDS and the plan; give one of them as a file")
    try:
        return Plan.from_json(content(options.plan))
    except (OSError, TypeError, ValueError) as error:
        raise UsageError(f"--plan {escaped(options.plan)}: {getattr(error, 'strerror', None) or error}") from None


def _members(options: argparse.Namespace) -> tuple[Members, int]:
    """The ends, and how many documents were skipped, each of which is named."""
    members, reader, skipped = Members(), Reader(build(options.qemu, ()) if options.qemu else None), 0
    bar = _Bar("reading")
    for name, text in _texts(options.ends):
        try:
            if isinstance(text, Exception):
                raise text
            own_name, end = reader.read(text)
            members.add(name if own_name is None else own_name, end)
        except (MigrationError, OSError, TypeError, ValueError) as error:
            skipped += 1
            _skip(name, error, as_json=options.json)
        bar(len(members.names) + skipped, 0)
    return members, skipped


def _skip(name: str, error: Exception, *, as_json: bool) -> None:
    """Names a document that is left out, and says why."""
    if as_json:
        print(json.dumps({"skipped": name, "error": {"kind": type(error).__name__, "message": str(error)}}))
    else:
        print(f"{CLEAR if _is_terminal() else ''}pymig: skipped {escaped(f'{name}: {error}')}", file=sys.stderr)


def _texts(place: str) -> Iterator[tuple[str, bytes | OSError | ValueError]]:
    """Each document with its name; what can't be read is an error."""
    if place == "-":
        if sys.stdin is None:
            raise UsageError("standard input is closed")
        yield from _of_stream("", sys.stdin.buffer)
    elif Path(place).is_dir():
        for path in sorted(Path(place).iterdir()):
            if path.suffix in (OF_ONE, *OF_LINES):
                yield from _of_file(path)
    else:
        with open(place, "rb", opener=open_file_or_pipe) as stream:
            yield from _of_stream("", stream)


def _of_file(path: Path) -> Iterator[tuple[str, bytes | OSError | ValueError]]:
    """The documents of a file in a folder. The first of a .json has the file's name."""
    try:
        with open(path, "rb", opener=open_file_or_pipe) as stream:
            texts = _of_stream(path.stem, stream)
            if path.suffix == OF_ONE:
                yield path.stem, next(texts, (path.stem, b""))[1]
            yield from texts
    except (OSError, ValueError) as error:
        yield path.name, error


def _of_stream(name: str, stream: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """The documents of a stream, by their lines' numbers."""
    for line, text in documents(stream):
        yield f"{name}:{line}" if name else f"line {line}", text


# ---- Progress ----

CLEAR = "\r\033[K"
BAR = 24
OFTEN = 0.1
"""Seconds between two pictures of the bar."""


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class _Bar:
    """Shows on a terminal how much of what takes long is done."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = time.monotonic()
        self._terminal = _is_terminal()

    def __call__(self, done: int, total: int) -> None:
        """Shows so much of a total, which is 0 if it is not known."""
        now = time.monotonic()
        if not self._terminal or (now - self._shown < OFTEN and done != total):
            return
        self._shown = now
        full = BAR * done // total if total else 0
        bar = f"[{'#' * full}{'.' * (BAR - full)}] {done / total:4.0%}" if total else str(done)
        line = "" if done == total else f"{self._what} {bar}"
        print(f"{CLEAR}{line}", end="", file=sys.stderr, flush=True)


# ---- Printing ----


def _format(options: argparse.Namespace) -> str:
    return "json" if options.json else "csv" if options.csv else "text"


def _write_page(report: Report, plan: Plan, path: str) -> None:
    from pymig.fleet.page import page  # noqa: PLC0415 - only with --html

    Path(path).write_text(page(report, plan), encoding="utf-8")


def _print_json(report: Report) -> None:
    """A JSON object a pair of names."""
    for source, destination, reason in report.rows():
        print(json.dumps({"source": source, "destination": destination, **reason._asdict()}))


def _print_csv(report: Report) -> None:
    for line in csv_lines(report):
        print(line, end="")


def _print_text(report: Report) -> None:
    rows = [
        (str(i), f"{len(members)}", *described(end), few(members))
        for i, (members, end) in enumerate(zip(report.members, report.ends, strict=True), 1)
    ]
    headings = ("class", "ends", "QEMU", "host", "machine", "capabilities", "names")
    print_table([headings, *([escaped(cell) or "-" for cell in row] for row in rows)])
    print()
    _print_matrix(report)
    _print_reasons(report)
    pairs = report.pairs()
    ok, every = sum(count for reason, count in pairs.items() if reason.ok), sum(pairs.values())
    print(f"\n{styled(f'{ok} of {every} pairs', GREEN if ok == every else RED)} complete, or wait as designed")


def _print_matrix(report: Report) -> None:
    """Rows are sources, columns destinations."""
    if len(report.ends) > WIDEST:
        print(f"a matrix of {len(report.ends)} classes is too wide to be printed: --html FILE shows it")
        return
    labels = [_label(report, place) for place in range(len(report.reasons))]
    head = ["from / to", *(str(i) for i in range(1, len(report.ends) + 1))]
    print_table([head, *([str(i), *(labels[place] for place in row)] for i, row in enumerate(report.numbers, 1))])


def _label(report: Report, place: int) -> str:
    kind = kind_of(report.reasons[place])
    return "ok" if kind == "ok" else f"{LABELS[kind]}{place + 1}"


def _print_reasons(report: Report) -> None:
    places = {reason: place for place, reason in enumerate(report.reasons)}
    for reason, pairs in report.pairs().items():
        if not reason.ok:
            label = _label(report, places[reason])
            print(f"\n{styled(label, BOLD)} {happens(reason)} ({pairs} pairs)")
            says = {f"{reason.end} says": reason.says, "what happens": reason.consequence, "remedy": reason.remedy}
            print_table([(name, escaped(text)) for name, text in says.items() if text], "   ")


_FORMATS = {"json": _print_json, "csv": _print_csv, "text": _print_text}
