"""Preflights of every pair of two lists of ends, as a byte a pair."""

from __future__ import annotations

import errno
from itertools import product

from pymig._core import ffi, lib
from pymig.ends.finding import OUTCOMES, PLACES
from pymig.ends.mirror import mirror_of
from pymig.ends.pair import Pair
from pymig.fleet.classes import MirrorNumbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymig._core import MigrationPreflight
    from pymig.ends.endpoint import Endpoint
    from pymig.ends.plan import Plan

KINDS = (("completes", "destination"), *product(OUTCOMES, PLACES), ("unknown", "unknown"))
"""What a code means: an outcome, and where the guest most likely is. 0 is a preflight that is ok, whatever the outcome.
The last one is a pair of which it was not found out what a host can do."""

UNKNOWN = len(KINDS) - 1


def outcomes(sources: Sequence[Endpoint], destinations: Sequence[Endpoint], plan: Plan) -> bytearray:
    """The codes of all pairs, indices of KINDS, source by source. Nothing is kept but what Endpoints keep."""
    numbers = MirrorNumbers()
    codes = bytearray()
    for source in sources:
        codes += row_of(source, destinations, plan, numbers)
    return codes


def row_of(source: Endpoint, destinations: Sequence[Endpoint], plan: Plan, numbers: MirrorNumbers) -> bytearray:
    """The codes of a source's pairs. C is asked once for all destinations that it can't tell apart."""
    if plan._goes_on:
        plan = plan._without_pause()  # it decides, as in preflight()
    asked = Asked(source, plan)
    known: dict[tuple[int, int], int] = {}
    codes = bytearray()
    for destination in destinations:
        facts = sum(1 << fact for fact in Pair(source, destination, plan).facts)
        question = numbers.of(destination), facts
        if question not in known:
            known[question] = asked.code(destination, facts)
        codes.append(known[question])
    return codes


class Asked:
    """A source that C is asked about."""

    __slots__ = ("_mirror", "_out", "_plan", "_told")

    def __init__(self, source: Endpoint, plan: Plan) -> None:
        self._mirror = mirror_of(source, incoming=False)
        self._out = ffi.gc(ffi.new("MigrationPreflight *"), lib.migration_preflight_clear)
        self._plan = ffi.new("MigrationPlan *", plan._c.struct[0])
        self._plan.around[0] = self._mirror.around[0]
        self._told = self._plan.told

    def code(self, destination: Endpoint, facts: int) -> int:
        """The code of the pair with this destination; the bits of ``facts`` are the numbers of Pair's facts."""
        theirs = mirror_of(destination, incoming=True)
        self._plan.around[1] = theirs.around[0]
        self._plan.told = self._told | facts
        result = lib.migration_preflight(self._mirror.state._c, theirs.state._c, self._plan, self._out)
        code = _code(result, self._out)
        lib.migration_preflight_clear(self._out)
        return code


def _code(result: int, out: MigrationPreflight) -> int:
    if result == -errno.ENOMEM:
        raise MemoryError
    if result == -errno.EAGAIN:
        return UNKNOWN
    return 0 if out.ok else 1 + len(PLACES) * out.outcome + out.guest
