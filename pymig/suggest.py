# SPDX-License-Identifier: GPL-2.0-or-later

"""Finds the smallest changes that make QEMU accept a set of capabilities."""

from __future__ import annotations

from pymig.capability import CapabilitySet
from pymig.verdict import Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pymig.verdict import Verdict

    Ask = Callable[[int], Verdict]

MOST_TRIED = 20_000
"""The search stops after this many sets."""

_RESET = 1 << 63
"""The switch that stands for resetting the parameters in ``reset``."""


def suggestions(
    new: int, ask: Ask, ask_with_defaults: Ask, reset: Mapping[str, object], limit: int
) -> tuple[Change, ...]:
    """See Checker.suggest.

    A set stays refused until a capability that the first refusing rule looks at is switched, or the parameters that the
    rule looks at are reset. So only these changes are tried, in order of size.

    Args:
        new: the mask of the set.
        ask: returns the verdict on a mask.
        ask_with_defaults: the same, with the parameters in ``reset`` at their defaults.
        reset: the parameters that may cause a refusal, with their defaults.
        limit: the most suggestions to return.
    """
    if ask(new).ok:
        return ()
    found: list[int] = []
    level, tried = [0], 0
    while level and len(found) < limit and tried < MOST_TRIED:
        following: dict[int, None] = {}
        for switches in level:
            verdict = (ask_with_defaults if switches & _RESET else ask)((new ^ switches) & ~_RESET)
            if verdict.ok:
                found.append(switches)
            else:
                following.update(
                    dict.fromkeys(switches | switch for switch in _switches(verdict, bool(reset), switches))
                )
        tried += len(level)
        level = [switches for switches in following if not any(switches & small == small for small in found)]
    return tuple(_change(switches, new, reset) for switches in sorted(found, key=_order)[:limit])


def _order(switches: int) -> tuple[int, int]:
    return switches.bit_count(), switches


def _switches(verdict: Verdict, resettable: bool, switches: int) -> Iterator[int]:
    """Each switch that this rule looks at and that is not in ``switches``."""
    bits = verdict.capabilities.mask
    if resettable and any(remedy.parameters for remedy in verdict.remedies):
        bits |= _RESET
    bits &= ~switches
    while bits:
        yield bits & -bits
        bits &= bits - 1


def _change(switches: int, new: int, reset: Mapping[str, object]) -> Change:
    on, off = switches & ~new & ~_RESET, switches & new
    return Change(CapabilitySet.from_mask(on), CapabilitySet.from_mask(off), reset if switches & _RESET else None)
