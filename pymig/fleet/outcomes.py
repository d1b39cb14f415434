"""Preflights of every pair of two lists of ends, as a byte a pair."""

from __future__ import annotations

import errno
from itertools import product

from pymig._core import ffi, lib
from pymig.ends.finding import OUTCOMES, PLACES
from pymig.ends.mirror import mirror_of
from pymig.ends.pair import Pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pymig._core import MigrationPreflight
    from pymig.ends.endpoint import Endpoint
    from pymig.ends.plan import Plan

KINDS = (("completes", "destination"), *product(OUTCOMES, PLACES), ("unknown", "unknown"))
"""What a code means: an outcome, and where the guest most likely is. 0 is a preflight that is ok, whatever the outcome.
The last one is a pair of which it was not found out what a host can do."""

UNKNOWN = len(KINDS) - 1


def outcomes(sources: Sequence[Endpoint], destinations: Sequence[Endpoint], plan: Plan) -> bytearray:
    """The codes of all pairs, indices of KINDS, source by source. Nothing is kept but what Endpoints keep."""
    codes = bytearray()
    for source in sources:
        codes += bytes(_row(source, destinations, plan))
    return codes


def _row(source: Endpoint, destinations: Sequence[Endpoint], plan: Plan) -> Iterator[int]:
    out = ffi.gc(ffi.new("MigrationPreflight *"), lib.migration_preflight_clear)
    asked = ffi.new("MigrationPlan *", plan._c.struct[0])
    told = asked.told
    ours = mirror_of(source, incoming=False)
    asked.around[0] = ours.around[0]
    for destination in destinations:
        theirs = mirror_of(destination, incoming=True)
        asked.around[1] = theirs.around[0]
        asked.told = told | sum(1 << fact for fact in Pair(source, destination, plan).facts)
        result = lib.migration_preflight(ours.state._c, theirs.state._c, asked, out)
        yield _code(result, out)
        lib.migration_preflight_clear(out)


def _code(result: int, out: MigrationPreflight) -> int:
    if result == -errno.ENOMEM:
        raise MemoryError
    if result == -errno.EAGAIN:
        return UNKNOWN
    return 0 if out.ok else 1 + len(PLACES) * out.outcome + out.guest
