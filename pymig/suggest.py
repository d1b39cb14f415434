"""Which smallest changes make a set of capabilities acceptable?"""

from __future__ import annotations

from pymig.capability import CapabilitySet
from pymig.verdict import Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pymig.verdict import Verdict

    Ask = Callable[[int], Verdict]

MOST_TRIED = 20_000
"""How many sets are tried before what was found has to do."""

_RESET = 1 << 63
"""Stands among the switches for resetting the parameters that stand in the way."""


def suggestions(
    new: int, ask: Ask, ask_with_defaults: Ask, reset: Mapping[str, object], limit: int
) -> tuple[Change, ...]:
    """As Checker.suggest, of a mask.

    A set is refused until some capability that the first refusing rule looks at is switched, or until the parameters
    that it looks at are reset. So only those are tried, the fewest first.

    Args:
        new: the set.
        ask: the verdict on a set.
        ask_with_defaults: the same with the parameters of ``reset`` at their defaults.
        reset: parameters that stand in the way, with their defaults.
        limit: how many suggestions at most.
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
    """Each switch that this rule looks at and that was not made yet."""
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
