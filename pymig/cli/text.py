# SPDX-License-Identifier: GPL-2.0-or-later

"""What is printed, and how."""

from __future__ import annotations

import os
import sys

from pymig.values import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

GREEN, YELLOW, RED, BOLD = "32", "33", "31", "1"

PLACES = {
    "source": "runs on the source",
    "destination": "runs on the destination",
    "nowhere": "runs nowhere",
    "both": "runs on both ends",
}


def places(guests: Sequence[str]) -> str:
    """Where the guest is, in words."""
    return " or ".join(PLACES[place] for place in guests)


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """The text in colour if the stream is a terminal, unless NO_COLOR is set; see https://no-color.org."""
    terminal = (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\033[{style}m{text}\033[0m" if terminal else text


def printable(text: str) -> str:
    """The text of others, so that it can't change the terminal's state."""
    return escaped(text, "\n")


def print_json(value: object) -> None:
    """Prints the value as JSON."""
    import json  # noqa: PLC0415 - only with --json

    print(json.dumps(value, indent=2))


def print_table(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    """Prints the rows in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print((indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip())
