# SPDX-License-Identifier: GPL-2.0-or-later

"""``pymig explain``: what does this text, capability, parameter or rule mean?"""

from __future__ import annotations

import sys
from textwrap import wrap

from pymig.catalog.explain import closest, explain
from pymig.catalog.explanation import KINDS
from pymig.catalog.releases import in_words
from pymig.cli.arguments import UsageError
from pymig.cli.text import BOLD, print_json, printable, styled
from pymig.cli.values import ACCEPTED, REFUSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pymig.catalog.explanation import Explanation

WIDTH = 100
IN_FULL = 3
"""How many explanations are printed in full; of the others only the title."""


def run(options: argparse.Namespace) -> int:
    """Explains the text, and prints the explanations; returns the exit status."""
    text = _text(options.text)
    found = explain(text)
    close = () if found else closest(text)
    if options.json:
        print_json({"explanations": [one.to_dict() for one in found], "closest": list(close)})
    elif found:
        print("\n\n".join("\n".join(_lines(one)) for one in found[:IN_FULL]))
        for one in found[IN_FULL:]:
            print(f"\nalso  {printable(one.title)}: {KINDS[one.kind]}")
    else:
        _print_nothing(close)
    return ACCEPTED if found else REFUSED


def _text(words: list[str]) -> str:
    if words != ["-"]:
        return " ".join(words)
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    return sys.stdin.buffer.read().decode(errors="replace")


def _lines(one: Explanation) -> Iterator[str]:
    yield styled(printable(one.title), BOLD)
    yield from _block("", [KINDS[one.kind] + (f"; releases: {in_words(one.releases)}" if one.releases else "")])
    yield from _block("meaning", one.text.splitlines())
    yield from _block("cause", one.causes)
    yield from _block("remedy", one.remedies)
    yield from _block("see", [f"pymig explain {name}" for name in one.see[:6]])


def _block(label: str, paragraphs: list[str] | tuple[str, ...]) -> Iterator[str]:
    """The paragraphs in lines, beside the label; a line that is indented, such as a command, stays as it is."""
    lines = [line for paragraph in paragraphs for line in _wrapped(printable(paragraph))]
    yield from (f"  {label if not number else '':<8} {line}" for number, line in enumerate(lines))


def _wrapped(paragraph: str) -> Iterator[str]:
    first, *rest = paragraph.splitlines()
    yield from wrap(first, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    yield from rest


def _print_nothing(close: tuple[str, ...]) -> None:
    print("nothing fits")
    if close:
        print("closest:")
        for one in close:
            print(f"  {one}")
