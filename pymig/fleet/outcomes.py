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
    from collections.abc import Iterable, Sequence

    from pymig._core import MigrationPreflight
    from pymig.ends.endpoint import Endpoint
    from pymig.ends.plan import Plan
    from pymig.fleet.classes import Numbered

KINDS = (("completes", "destination"), *product(OUTCOMES, PLACES), ("unknown", "unknown"))
"""What a code means: an outcome, and where the guest most likely is. 0 is a preflight that is ok, whatever the outcome.
The last one is a pair of which it was not found out what a host can do."""

UNKNOWN = len(KINDS) - 1


def outcomes(sources: Sequence[Endpoint], destinations: Sequence[Endpoint], plan: Plan) -> bytes:
    """The codes of all pairs, indices of KINDS, source by source. Nothing is kept but what Endpoints keep."""
    asker = Asker(plan)
    ours, theirs = asker.numbered(sources), asker.numbered(destinations)
    rows = [b""] * len(ours)
    for place in in_turn(ours):
        rows[place] = asker.row(ours[place], theirs)
    return b"".join(rows)


def in_turn(ends: Sequence[Numbered]) -> list[int]:
    """The places of sources in the order in which they are best asked: those that are alike, one after another."""
    return sorted(range(len(ends)), key=lambda place: ends[place].but_uuid)


class Asker:
    """Asks about pairs, with one plan. Pairs that differ only in UUIDs which compare alike are asked once."""

    __slots__ = ("_known", "_numbers", "_of_source", "_plan", "_source")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan._without_pause() if plan._goes_on else plan  # what decides, as in preflight()
        self._numbers = Numbers()
        self._source = -1  # the number of the source that was asked last
        self._known: dict[tuple[int, tuple[int, ...]], int] = {}  # of this source

    def numbered(self, ends: Iterable[Endpoint]) -> list[Numbered]:
        """The ends with their numbers."""
        return [self._numbers.of(end) for end in ends]

    def row(self, source: Numbered, destinations: Iterable[Numbered]) -> bytes:
        """The codes of a source's pairs."""
        if source.but_uuid != self._source:
            self._source, self._known, self._of_source = source.but_uuid, {}, Asked(source.end, self._plan)
        known, uuid = self._known, source.end.uuid
        codes = bytearray()
        for destination in destinations:
            question = destination.but_uuid, uuid_facts(uuid, destination.end.uuid)
            if question not in known:
                pair = Pair(source.end, destination.end, self._plan)
                known[question] = self._of_source.code(destination, sum(1 << fact for fact in pair.facts))
            codes.append(known[question])
        return bytes(codes)


class Asked:
    """A source that C is asked about."""

    __slots__ = ("_known", "_mirror", "_out", "_plan", "_told")

    def __init__(self, source: Endpoint, plan: Plan) -> None:
        self._mirror = mirror_of(source, incoming=False)
        self._out = ffi.gc(ffi.new("MigrationPreflight *"), lib.migration_preflight_clear)
        self._plan = ffi.new("MigrationPlan *", plan._c.struct[0])
        self._plan.around[0] = self._mirror.around[0]
        self._told = self._plan.told
        self._known: dict[tuple[int, int], int] = {}

    def code(self, destination: Numbered, facts: int) -> int:
        """The code of the pair with this destination; the bits of ``facts`` are the numbers of Pair's facts."""
        question = destination.mirror, facts
        if question not in self._known:
            self._known[question] = self._answer(destination.end, facts)
        return self._known[question]

    def _answer(self, destination: Endpoint, facts: int) -> int:
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
