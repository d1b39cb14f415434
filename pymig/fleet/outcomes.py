# SPDX-License-Identifier: GPL-2.0-or-later

"""Preflights of every pair of two lists of ends, as a byte a pair."""

from __future__ import annotations

import errno
from itertools import product

from pymig._core import ffi, lib
from pymig.ends.finding import OUTCOMES, PLACES
from pymig.ends.mirror import mirror_of
from pymig.ends.pair import Pair, uuid_facts
from pymig.fleet.classes import Numbers

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
    numbers = Numbers()
    codes = bytearray()
    for source in sources:
        codes += row_of(source, destinations, plan, numbers)
    return codes


def row_of(source: Endpoint, destinations: Sequence[Endpoint], plan: Plan, numbers: Numbers) -> bytearray:
    """The codes of a source's pairs. Destinations that differ only in UUIDs which compare alike are asked once."""
    if plan._goes_on:
        plan = plan._without_pause()  # it decides, as in preflight()
    asked = Asked(source, plan)
    known: dict[tuple[int, tuple[int, ...]], int] = {}
    codes = bytearray()
    for destination in destinations:
        _, number, mirror = numbers.of(destination)
        question = number, uuid_facts(source.uuid, destination.uuid)
        if question not in known:
            known[question] = asked.code(destination, mirror)
        codes.append(known[question])
    return codes


class Asked:
    """A source that C is asked about."""

    __slots__ = ("_c_plan", "_known", "_mirror", "_out", "_plan", "_source", "_told")

    def __init__(self, source: Endpoint, plan: Plan) -> None:
        self._source, self._plan = source, plan
        self._known: dict[tuple[int, int], int] = {}
        self._mirror = mirror_of(source, incoming=False)
        self._out = ffi.gc(ffi.new("MigrationPreflight *"), lib.migration_preflight_clear)
        self._c_plan = ffi.new("MigrationPlan *", plan._c.struct[0])
        self._c_plan.around[0] = self._mirror.around[0]
        self._told = self._c_plan.told

    def code(self, destination: Endpoint, mirror: int) -> int:
        """The code of the pair with this destination, whose mirror has this number. Alike questions are asked once."""
        facts = sum(1 << fact for fact in Pair(self._source, destination, self._plan).facts)
        if (mirror, facts) not in self._known:
            self._known[mirror, facts] = self._asked(destination, facts)
        return self._known[mirror, facts]

    def _asked(self, destination: Endpoint, facts: int) -> int:
        """C's answer; the bits of ``facts`` are the numbers of Pair's facts."""
        theirs = mirror_of(destination, incoming=True)
        self._c_plan.around[1] = theirs.around[0]
        self._c_plan.told = self._told | facts
        result = lib.migration_preflight(self._mirror.state._c, theirs.state._c, self._c_plan, self._out)
        code = _code(result, self._out)
        lib.migration_preflight_clear(self._out)
        return code


def _code(result: int, out: MigrationPreflight) -> int:
    if result == -errno.ENOMEM:
        raise MemoryError
    if result == -errno.EAGAIN:
        return UNKNOWN
    return 0 if out.ok else 1 + len(PLACES) * out.outcome + out.guest
