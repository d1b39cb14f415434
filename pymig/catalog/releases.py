# SPDX-License-Identifier: GPL-2.0-or-later

"""Releases, as the catalogue tells them."""

from __future__ import annotations

from pymig.release import RELEASES as SERIES
from pymig.release import series_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def series(numbers: Iterable[int]) -> tuple[str, ...]:
    """The series to which C's numbers belong, in their order."""
    return tuple(dict.fromkeys(map(series_of, numbers)))


def in_words(known: Sequence[str]) -> str:
    """Series as people write them: ``8.1 to 10.0``, ``8.2 and later``, ``all``."""
    if tuple(known) == SERIES:
        return "all"
    runs: list[list[str]] = []
    for name in known:
        follows = runs and SERIES.index(name) == SERIES.index(runs[-1][-1]) + 1
        runs[-1].append(name) if follows else runs.append([name])
    return ", ".join(map(_run_in_words, runs))


def _run_in_words(run: Sequence[str]) -> str:
    if run[-1] == SERIES[-1] and len(run) > 1:
        return f"{run[0]} and later"
    return run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}"
