# SPDX-License-Identifier: GPL-2.0-or-later

"""Will this migration work, and if not, where does it break, in which words, and where is the guest then?"""

from __future__ import annotations

import errno

from pymig._core import ffi, lib
from pymig.ends.endpoint import Endpoint
from pymig.ends.finding import OUTCOMES, PLACES
from pymig.ends.mirror import mirror_of
from pymig.ends.pair import Pair, rows_of
from pymig.ends.plan import Plan
from pymig.ends.words import Told
from pymig.errors import host_unknown
from pymig.values import Value, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from pymig._core import MigrationPreflight
    from pymig.ends.finding import Finding, Step
    from pymig.ends.mirror import Mirror
    from pymig.ends.pair import Unknown
    from pymig.ends.words import Words


class Preflight(Value):
    """What will happen in a migration. Immutable; true if and only if nothing is wrong.

    Attributes:
        outcome: ``"completes"``, ``"refused"`` (a command is), ``"fails"``, ``"hangs"``, or ``"waits"`` (as designed).
        guest: where the guest most likely runs afterwards: ``"source"``, ``"destination"``, ``"nowhere"``, ``"both"``.
        guests: every place where it may be. More than one is a reservation.
        ok: whether it completes, or waits as designed, with no finding of severity error.
    """

    __slots__ = ("_words", "guest", "guests", "ok", "outcome")

    outcome: str
    guest: str
    guests: tuple[str, ...]
    ok: bool
    _words: Told | Words

    def __new__(cls, outcome: str, guest: str, guests: tuple[str, ...], ok: bool, words: Told | Words) -> Self:
        """What preflight() returns. The words are made when they are first read."""
        self = object.__new__(cls)
        self._set(outcome=outcome, guest=guest, guests=guests, ok=ok, _words=words)
        return self

    @property
    def steps(self) -> tuple[Step, ...]:
        """The commands and their answers, up to the first refusal."""
        return self._spoken()[0]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What breaks the migration or should be known; what bites first stands first."""
        return self._spoken()[1]

    @property
    def unknown(self) -> tuple[Unknown, ...]:
        """What is not known and could change the prediction."""
        return self._spoken()[2]

    def _spoken(self) -> Words:
        words = self._words
        if isinstance(words, Told):
            words = words.words()
            self._set(_words=words)
        return words

    def _key(self) -> tuple[object, ...]:
        return (self.outcome, self.guest, self.guests, self.ok, *self._spoken())

    def __reduce__(self) -> tuple[object, ...]:
        return (Preflight, (self.outcome, self.guest, self.guests, self.ok, self._spoken()))

    def __bool__(self) -> bool:
        return self.ok

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        steps, findings, unknown = self._spoken()
        return {
            "ok": self.ok,
            "outcome": self.outcome,
            "guest": self.guest,
            "guests": list(self.guests),
            "steps": [step.to_dict() for step in steps],
            "findings": [finding.to_dict() for finding in findings],
            "unknown": [fact.to_dict() for fact in unknown],
        }

    def to_json(self) -> str:
        """The same as JSON."""
        from pymig.documents import dumps  # noqa: PLC0415 - only here

        return dumps(self.to_dict())

    def __repr__(self) -> str:
        first = f", {self.findings[0].rule}" if self.findings else ""
        return f"<Preflight {self.outcome}, guest: {' or '.join(self.guests)}{first}>"


def preflight(source: Endpoint, destination: Endpoint | None, plan: Plan) -> Preflight:
    """Plays the plan's commands on mirrors of both ends, and predicts what happens then (migration_preflight in C).

    Args:
        source: where the guest runs now.
        destination: where it goes; None if nobody is there to listen.
        plan: what is wanted.

    Opening is not tried: addresses, files, descriptors and RDMA devices count as there, and ``unknown`` says so.

    Raises:
        TypeError: an argument has the wrong type; the text names it.
        HostUnknownError: what a host can do could not be found out.
    """
    if not isinstance(source, Endpoint):
        wrong_type(source, "source", "an Endpoint")
    if destination is not None and not isinstance(destination, Endpoint):
        wrong_type(destination, "destination", "an Endpoint or None")
    if not isinstance(plan, Plan):
        wrong_type(plan, "plan", "a Plan")
    alone = destination is None
    pair = Pair(source, source if destination is None else destination, plan)
    mirrors = mirror_of(source, incoming=False), mirror_of(pair.destination, incoming=True)
    out = _played(pair, mirrors, alone)
    guest = PLACES[out.guest]
    guests = (guest,) if out.guests == 1 << out.guest else _places(guest, out.guests)
    flight = Preflight(OUTCOMES[out.outcome], guest, guests, out.ok, Told(pair, mirrors, alone, out))
    return _continued(flight, source, destination, plan) if plan._goes_on else flight


def _continued(waiting: Preflight, source: Endpoint, destination: Endpoint | None, plan: Plan) -> Preflight:
    """What happens after migrate-continue: what would happen without the pause. The commands are those of the plan."""
    rest = preflight(source, destination, plan._without_pause())
    words = (waiting.steps, rest.findings, rest.unknown)
    return Preflight(rest.outcome, rest.guest, rest.guests, rest.ok, words)


def _places(guest: str, places: int) -> tuple[str, ...]:
    """Every place, the likeliest first."""
    return (guest, *(PLACES[i] for i in rows_of(places) if PLACES[i] != guest))


def _played(pair: Pair, mirrors: tuple[Mirror, Mirror], alone: bool) -> MigrationPreflight:
    """C's answer. Whatever it points to belongs to it."""
    source, destination = mirrors
    plan = ffi.new("MigrationPlan *", pair.plan._c.struct[0])
    for end, mirror in enumerate(mirrors):
        plan.around[end] = mirror.around[0]
    for fact in pair.facts:
        plan.told |= 1 << fact
    out = ffi.gc(ffi.new("MigrationPreflight *"), lib.migration_preflight_clear)
    result = lib.migration_preflight(source.state._c, ffi.NULL if alone else destination.state._c, plan, out)
    if result == -errno.ENOMEM:
        raise MemoryError
    if result == -errno.EAGAIN:
        asked = mirrors[out.steps[out.count - 1].end].state.host
        raise host_unknown(lib.migration_host_error(asked._c))
    return out
