# SPDX-License-Identifier: GPL-2.0-or-later

"""Many ends at once: each class of ends that answer alike is asked once."""

from __future__ import annotations

from _collections_abc import Iterable, Mapping  # what collections.abc re-exports; that package takes 1 ms to import
from array import array
from operator import itemgetter

from pymig.ends.endpoint import Endpoint
from pymig.ends.mirror import mirror_of
from pymig.ends.plan import Plan
from pymig.ends.preflight import preflight
from pymig.errors import HostUnknownError, MigrationError
from pymig.fleet.classes import NOT_MIRRORED, Classes, Keys, is_lasting, without
from pymig.fleet.outcomes import KINDS, UNKNOWN, Asker, in_turn
from pymig.values import Value, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, TypeVar, overload

    from typing_extensions import Buffer, Self

    from pymig.ends.preflight import Preflight
    from pymig.fleet.classes import Key
    from pymig.fleet.report import Reason, Report

    B = TypeVar("B", bound=Buffer)

MOST_REMEMBERED = 4096
"""Ends that are recognized by their identity while a fleet is read."""

MOST_PLANS = 8
"""Plans whose answers a fleet keeps."""


class Members:
    """A fleet that is being put together: names, and the classes of their ends."""

    __slots__ = ("_checked", "_keys", "_remembered", "class_of", "ends", "names", "places")

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.class_of = array("I")
        self.ends: list[Endpoint] = []
        self.places: dict[Key, int] = {}
        self._checked: set[Key] = set()
        self._keys = Keys()
        self._remembered: dict[int, tuple[Endpoint, int]] = {}  # with the end, so that no other gets its id

    def add(self, name: str, end: Endpoint) -> None:
        """Adds an end, or raises TypeError or ValueError, and then nothing has changed."""
        if not isinstance(name, str):
            wrong_type(name, "a name in ends", "a str")
        if name in self.names:
            raise ValueError(f"ends has the name {name!r:.80} twice; give each end a name of its own")
        known = self._remembered.get(id(end))
        number = self._class(name, end) if known is None else known[1]
        self.names[name] = len(self.names)
        self.class_of.append(number)

    def _class(self, name: str, end: Endpoint) -> int:
        try:
            key = checked_key(end, self._keys, self._checked)
        except (TypeError, ValueError) as error:
            raise type(error)(f"ends[{name!r:.80}]: {error}") from None
        number = self.places.setdefault(key, len(self.ends))
        if number == len(self.ends):
            self.ends.append(end)
        if len(self._remembered) == MOST_REMEMBERED:
            self._remembered, self._keys = {}, Keys()
        self._remembered[id(end)] = end, number
        return number


def checked_key(end: object, keys: Keys, checked: set[Key]) -> Key:
    """The key of an end that a preflight can use. Others raise TypeError or ValueError.

    Args:
        end: the end.
        keys: makes the key.
        checked: what was found to be usable before; added to.
    """
    if not isinstance(end, Endpoint):
        wrong_type(end, "end", "an Endpoint")
    try:
        key = keys.of(end)
        mirrored = without(key, NOT_MIRRORED)
        if mirrored not in checked:
            for incoming in (False, True):
                mirror_of(end, incoming=incoming)
            checked.add(mirrored)
    except (MigrationError, TypeError, ValueError) as error:
        raise ValueError(f"no migration can have this end: {error}") from None
    return key


class Fleet(Value):
    """Many ends, each of which may be the source or the destination. Immutable; can be pickled.

    Ends that answer alike are one class. What differs only in what a plan does not compare, such as UUIDs, is one class
    to that plan.

    Args:
        ends: a mapping of names to Endpoints, or the JSON documents of ends: what ``pymig describe`` and
            ``pymig probe --json`` print. A host's document is an end with the newest QEMU. A document's name is its
            field ``"name"``, else its number, from 0 on.

    Attributes:
        names: the names, in the given order.

    Raises:
        TypeError, ValueError: no end; a damaged document; a name twice; an end whose parameters QEMU would refuse. The
            text names it.
    """

    __slots__ = ("_asked", "_class_of", "_classes", "_ends", "_keys", "_places", "names")

    names: tuple[str, ...]
    _places: dict[str, int]  # by name
    _class_of: array[int]  # by place: the number of its variant
    _classes: int | None
    _ends: tuple[Endpoint, ...]  # by variant
    _keys: tuple[Key, ...]  # by variant
    _asked: dict[Plan, FleetMatrix]  # replaced, never changed, because other threads may read it; the last plan first

    def __new__(cls, ends: Mapping[str, Endpoint] | Iterable[str | bytes]) -> Self:
        """See the class."""
        if isinstance(ends, (str, bytes)) or not isinstance(ends, Iterable):
            wrong_type(ends, "ends", "a mapping of names to Endpoints, or a list of JSON documents")
        members = Members()
        for name, end in ends.items() if isinstance(ends, Mapping) else _named(ends):
            members.add(name, end)
        return cls._of(members)

    @classmethod
    def _of(cls, members: Members) -> Self:
        if not members.names:
            raise ValueError("ends must have at least one end")
        return cls._make(members.names, members.class_of, tuple(members.ends), tuple(members.places))

    @classmethod
    def _make(
        cls, places: dict[str, int], class_of: array[int], ends: tuple[Endpoint, ...], keys: tuple[Key, ...]
    ) -> Self:
        self = object.__new__(cls)
        self._set(names=tuple(places), _places=places, _class_of=class_of, _ends=ends, _keys=keys, _asked={})
        self._set(_classes=None)
        return self

    @property
    def classes(self) -> int:
        """How many ends answer differently, if the plan sets nothing. Another plan may compare more, such as UUIDs."""
        if self._classes is None:
            self._set(_classes=len(self._told_apart(Plan()).ends))
        return self._classes  # type: ignore[return-value]

    def representatives(self, plan: Plan) -> tuple[Endpoint, ...]:
        """One end of each class that this plan tells apart, by the class's number in its matrix."""
        return tuple(self._told_apart(plan).ends)

    @property
    def variants(self) -> tuple[tuple[Endpoint, tuple[str, ...]], ...]:
        """Each end that some plan can tell from the others, with the names that have it."""
        names: list[list[str]] = [[] for _ in self._ends]
        for name, number in zip(self.names, self._class_of, strict=True):
            names[number].append(name)
        return tuple(zip(self._ends, map(tuple, names), strict=True))

    def _told_apart(self, plan: Plan) -> Classes:
        return Classes(self._keys, self._ends, plan)

    def replace(self, name: str, end: Endpoint) -> Fleet:
        """The same with another end of this name. What is known of the others is kept.

        Raises:
            TypeError, ValueError: no such name; not an end that can be in a fleet.
        """
        place = self._place(name, "name")
        key = checked_key(end, Keys(), set())
        class_of, ends, keys = array("I", self._class_of), list(self._ends), list(self._keys)
        old = class_of[place]
        is_last, number = class_of.count(old) == 1, keys.index(key) if key in keys else len(keys)
        if number == len(keys):
            ends.append(end)
            keys.append(key)
        class_of[place] = number
        if is_last and number != old:
            del ends[old], keys[old]
            class_of = array("I", (other - (other > old) for other in class_of))
        fleet = self._make(self._places, class_of, tuple(ends), tuple(keys))
        fleet._set(_asked=self._asked)
        return fleet

    def matrix(self, plan: Plan, *, progress: Callable[[int, int], None] | None = None) -> FleetMatrix:
        """Who can go where with this plan. Each pair of classes is asked once; what is known is not asked.

        Args:
            plan: what is wanted.
            progress: called after each class of sources, with how many were asked, and how many there are.

        Raises:
            TypeError: not a Plan.
        """
        if not isinstance(plan, Plan):
            wrong_type(plan, "plan", "a Plan")
        before = self._asked.get(plan)
        if before is not None and repr(before.plan) != repr(plan):  # equal but for 1 and True
            before = None
        if before is None or before._fleet is not self or not all(map(is_lasting, self._ends)):
            before = FleetMatrix._extending(self, plan, before, progress)
            others = [entry for entry in self._asked.items() if entry[0] != plan]
            self._set(_asked=dict([(plan, before), *others][:MOST_PLANS]))
        return before

    def _place(self, name: object, argument: str) -> int:
        if not isinstance(name, str):
            wrong_type(name, argument, "a str")
        if name not in self._places:
            raise ValueError(f"{argument}: the fleet has no end named {name!r:.80}")
        return self._places[name]

    def _key(self) -> tuple[object, ...]:
        return (self.names, tuple(map(self._keys.__getitem__, self._class_of)))

    def __hash__(self) -> int:
        return hash(self.names)

    def __reduce__(self) -> tuple[object, ...]:
        return (_fleet, (self.names, bytes(self._class_of), self._ends))

    def __repr__(self) -> str:
        return f"<Fleet of {len(self.names)} ends in {self.classes} classes>"


def _fleet(names: tuple[str, ...], class_of: bytes, ends: tuple[Endpoint, ...]) -> Fleet:
    keys = Keys()
    places = {name: place for place, name in enumerate(names)}
    return Fleet._make(places, array("I", class_of), ends, tuple(map(keys.of, ends)))


def _named(documents: Iterable[str | bytes]) -> Iterator[tuple[str, Endpoint]]:
    from pymig.fleet.reading import Reader  # noqa: PLC0415 - it imports json

    reader = Reader()
    for number, text in enumerate(documents):
        if not isinstance(text, (str, bytes)):
            wrong_type(text, f"ends[{number}]", "a JSON document, as str or bytes")
        try:
            name, end = reader.read(text)
        except (MigrationError, TypeError, ValueError) as error:
            raise ValueError(f"ends[{number}]: {error}") from None
        yield str(number) if name is None else name, end


class FleetMatrix(Value):
    """Who can go where, with one plan. Immutable; can be pickled. Fleet.matrix() makes it.

    Args:
        fleet: the ends.
        plan: what is wanted.
        codes: what ``pymig.fleet.outcomes.outcomes(ends, ends, plan)`` gives for ``fleet.representatives(plan)``,
            perhaps computed elsewhere, and in blocks of sources.

    Attributes:
        plan: what is wanted.
        names: the names of the ends.
        kinds: what a code means, as ``(outcome, guest)`` of Preflight. Code 0 is every pair whose preflight is ``ok``.
            The last kind is ``("unknown", "unknown")``: it was not found out what a host can do. The kinds are the same
            in all matrices.
        classes: how many ends answer differently to this plan.
        class_outcomes: the code of each pair of classes: a read-only memoryview, classes x classes, uint8; rows are
            sources.
        class_of: the class of each name, in the order of ``names``: a read-only memoryview of uint32.

    Raises:
        ValueError: codes are not of this fleet's size.
    """

    __slots__ = ("_classes", "_fleet", "_flights", "_outcomes", "class_of", "class_outcomes", "kinds", "names", "plan")

    plan: Plan
    names: tuple[str, ...]
    kinds: tuple[tuple[str, str], ...]
    class_outcomes: memoryview
    class_of: memoryview
    _classes: Classes
    _fleet: Fleet
    _flights: dict[tuple[int, int], Preflight]
    _outcomes: memoryview | None

    def __new__(cls, fleet: Fleet, plan: Plan, codes: bytes | bytearray) -> Self:
        """See the class."""
        return cls._of(fleet, plan, fleet._told_apart(plan), codes)

    @classmethod
    def _of(cls, fleet: Fleet, plan: Plan, classes: Classes, codes: bytes | bytearray) -> Self:
        count = len(classes.ends)
        if len(codes) != count**2:
            raise ValueError(f"codes must have a byte a pair of classes, {count**2}, not {len(codes)}")
        self = object.__new__(cls)
        self._set(plan=plan, names=fleet.names, kinds=KINDS, _fleet=fleet, _classes=classes, _flights={})
        self._set(class_outcomes=_table(bytes(codes), count, count), _outcomes=None)
        self._set(class_of=memoryview(array("I", map(classes.of.__getitem__, fleet._class_of))).toreadonly())
        return self

    @classmethod
    def _extending(
        cls, fleet: Fleet, plan: Plan, before: FleetMatrix | None, progress: Callable[[int, int], None] | None
    ) -> FleetMatrix:
        """The matrix, with what an earlier one of the same plan says of lasting ends."""
        classes = fleet._told_apart(plan)
        kept = {} if before is None else before._classes.numbers
        places = [
            kept.get(key) if is_lasting(end) else None for key, end in zip(classes.numbers, classes.ends, strict=True)
        ]
        asker = Asker(plan)
        ends = asker.numbered(classes.ends)
        new = [end for end, place in zip(ends, places, strict=True) if place is None]
        rows = [b""] * len(ends)
        for done, number in enumerate(in_turn(ends), 1):
            place = places[number]
            if before is None or place is None:
                rows[number] = asker.row(ends[number], ends)
            else:
                rows[number] = _completed(before._row(place), places, asker.row(ends[number], new))
            if progress is not None:
                progress(done, len(ends))
        return cls._of(fleet, plan, classes, b"".join(rows))

    @property
    def classes(self) -> int:
        """See the class."""
        return len(self._classes.ends)

    @property
    def outcomes(self) -> memoryview:
        """The code of each pair: a read-only memoryview, names x names, uint8. Made when it is first read."""
        if self._outcomes is None:
            self._set(_outcomes=self.block(self.names, self.names))
        return self._outcomes  # type: ignore[return-value]

    if TYPE_CHECKING:

        @overload
        def block(self, sources: Iterable[str], destinations: Iterable[str], out: None = None) -> memoryview: ...
        @overload
        def block(self, sources: Iterable[str], destinations: Iterable[str], out: B) -> B: ...

    def block(self, sources: Iterable[str], destinations: Iterable[str], out: Any = None) -> Any:
        """The codes of some pairs.

        Args:
            sources: names; a row each.
            destinations: names; a column each.
            out: a writable, contiguous buffer with a byte a pair.

        Returns:
            ``out`` itself; without it, a read-only memoryview, sources x destinations, uint8.

        Raises:
            TypeError, ValueError: an unknown name; a buffer that is not of this size. Nothing is written then.
        """
        rows, columns = self._classes_of(sources, "sources"), self._classes_of(destinations, "destinations")
        size = len(rows) * len(columns)
        made_here = bytearray(size if out is None else 0)
        codes = made_here if out is None else _writable(out, size)
        made: dict[int, bytes] = {}
        for i, row in enumerate(rows):
            if row not in made:
                made[row] = _spread(self._row(row), columns)
            codes[i * len(columns) : (i + 1) * len(columns)] = made[row]
        return _table(made_here, len(rows), len(columns)) if out is None else out

    def can(self, source: str, destination: str) -> bool:
        """Whether a migration between these two completes, or waits as designed: their ``Preflight.ok``.

        Raises:
            HostUnknownError: it was not found out what a host can do.
            ValueError: no such name.
        """
        row, column = self._pair(source, destination)
        code = self._row(row)[column]
        return self.preflight(source, destination).ok if code == UNKNOWN else code == 0

    def preflight(self, source: str, destination: str) -> Preflight:
        """The preflight of these two, made once for all pairs of their classes.

        Raises:
            HostUnknownError: it was not found out what a host can do.
            ValueError: no such name.
        """
        pair = self._pair(source, destination)
        if pair not in self._flights:
            self._flights[pair] = self._flight(*pair)
        return self._flights[pair]

    def count(self, kind: int = 0) -> int:
        """How many pairs of names have this code; an end paired with itself counts, too.

        Raises:
            TypeError, ValueError: not an index of ``kinds``.
        """
        if isinstance(kind, bool) or not isinstance(kind, int):
            wrong_type(kind, "kind", "an int")
        if not 0 <= kind < len(KINDS):
            raise ValueError(f"kind must be an index of kinds, within 0 and {len(KINDS) - 1}, not {kind}")
        sizes = self._sizes()
        return sum(
            ours * sum(size for size, code in zip(sizes, self._row(row), strict=True) if code == kind)
            for row, ours in enumerate(sizes)
        )

    def to_csv(self) -> str:
        """CSV with a line a pair of names, and why. Control characters in texts are escaped."""
        from pymig.fleet.report import csv_lines  # noqa: PLC0415 - only here

        return "".join(csv_lines(self._report()))

    def to_arrow(self) -> Any:
        """A ``pyarrow.Table`` with a row a pair of names, and why; texts are encoded as dictionaries.

        Raises:
            ImportError: there is no pyarrow.
        """
        from pymig.fleet.report import arrow_table  # noqa: PLC0415 - only here

        return arrow_table(self._report())

    def to_html(self) -> str:
        """One page that needs no other file: classes x classes, a reason for each cell, filters where scripting is."""
        from pymig.fleet.page import page  # noqa: PLC0415 - only here

        return page(self._report(), self.plan)

    def _report(self, progress: Callable[[int, int], None] | None = None) -> Report:
        """The matrix with its reasons. Each pair of classes is played again, for its words."""
        from pymig.fleet.report import Report, not_found_out, reason_of  # noqa: PLC0415 - only where reasons are read

        def reason(row: int, column: int) -> Reason:
            if progress is not None and column == self.classes - 1:
                progress(row + 1, self.classes)
            try:
                return reason_of(self._flight(row, column))
            except HostUnknownError as error:
                return not_found_out(error)

        return Report(self.names, self.class_of, self._classes.ends, reason)

    def _sizes(self) -> list[int]:
        """How many names each class has."""
        sizes = [0] * self.classes
        for number in self.class_of:
            sizes[number] += 1
        return sizes

    def _row(self, row: int) -> bytes:
        n = self.classes
        codes: bytes = self.class_outcomes.obj  # type: ignore[assignment]
        return codes[row * n : (row + 1) * n]

    def _pair(self, source: str, destination: str) -> tuple[int, int]:
        places = self._fleet._place(source, "source"), self._fleet._place(destination, "destination")
        return self.class_of[places[0]], self.class_of[places[1]]

    def _classes_of(self, names: Iterable[str], argument: str) -> list[int]:
        if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
            wrong_type(names, argument, "a list of names")
        return [self.class_of[self._fleet._place(name, argument)] for name in names]

    def _flight(self, row: int, column: int) -> Preflight:
        return preflight(self._classes.ends[row], self._classes.ends[column], self.plan)

    def _key(self) -> tuple[object, ...]:
        return (self._fleet, self.plan, self.class_outcomes.obj)

    def __hash__(self) -> int:
        return hash((self._fleet, self.plan))

    def __reduce__(self) -> tuple[object, ...]:
        return (FleetMatrix, (self._fleet, self.plan, self.class_outcomes.obj))

    def __repr__(self) -> str:
        pairs = len(self.names) ** 2
        return f"<FleetMatrix of {len(self.names)} ends in {self.classes} classes: {self.count()} of {pairs} can>"


def _completed(known: bytes, places: Iterable[int | None], new: bytes) -> bytes:
    """A row of what is known by its place in an earlier row, and of new codes for what has no place there."""
    rest = iter(new)
    return bytes(next(rest) if place is None else known[place] for place in places)


def _spread(row: bytes, columns: Sequence[int]) -> bytes:
    """The row's code for the class of each column."""
    return bytes(itemgetter(*columns)(row)) if len(columns) > 1 else bytes(row[column] for column in columns)


def _table(codes: bytes | bytearray, rows: int, columns: int) -> memoryview:
    """A read-only memoryview of two dimensions; of one, if it is empty, because Python knows no other."""
    view = memoryview(codes).toreadonly()
    return view.cast("B", (rows, columns)) if codes else view


def _writable(out: Buffer, size: int) -> memoryview:
    """The buffer's bytes, or a TypeError or ValueError."""
    try:
        view = memoryview(out)
    except TypeError:
        wrong_type(out, "out", "a writable buffer, such as a bytearray")
    if view.readonly or not view.c_contiguous or view.itemsize != 1:
        raise TypeError("out must be writable and contiguous, with items of a byte")
    if view.nbytes != size:
        raise ValueError(f"out must have a byte a pair, {size}, not {view.nbytes}")
    return view.cast("B") if size else memoryview(bytearray())  # Python can't cast a view without items
