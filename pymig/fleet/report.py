# SPDX-License-Identifier: GPL-2.0-or-later

"""What a matrix says, with reasons: as rows, as CSV and as an Arrow table."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from pymig.host.facts import REFERENCE
from pymig.values import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from pymig.ends.endpoint import Endpoint
    from pymig.ends.preflight import Preflight
    from pymig.errors import HostUnknownError
    from pymig.host.host import Host


class Reason(NamedTuple):
    """What happens to a pair, and why.

    Attributes:
        ok: the preflight's.
        outcome, guest: the preflight's; ``"unknown"`` if it was not found out what a host can do.
        rule: what decides; of a pair that is ok, its first warning, or "".
        end: the end that finds it out.
        says: what that end says; "" if it says nothing.
        consequence, remedy: the finding's.
    """

    ok: bool
    outcome: str
    guest: str
    rule: str = ""
    end: str = ""
    says: str = ""
    consequence: str = ""
    remedy: str = ""

    @property
    def why(self) -> str:
        """In one line."""
        return (f"{self.end}: {self.says}" if self.says else self.consequence) or self.rule


def reason_of(flight: Preflight) -> Reason:
    """The finding that decides, in short."""
    severity = "warning" if flight.ok else "error"
    decisive = [finding for finding in flight.findings if finding.severity == severity]
    if not decisive and not flight.ok:
        decisive = list(flight.findings)
    if not decisive:
        return Reason(flight.ok, flight.outcome, flight.guest)
    one = decisive[0]
    words = one.rule, one.end, one.message, one.consequence, one.remedy
    return Reason(flight.ok, flight.outcome, flight.guest, *words)


def not_found_out(error: HostUnknownError) -> Reason:
    """The reason of a pair that has no preflight."""
    remedy = "probe the host again"
    return Reason(False, "unknown", "unknown", "host/unknown", consequence=str(error), remedy=remedy)


class Report:
    """A matrix with its reasons.

    Attributes:
        names, class_of: those of the matrix.
        ends: one end of each class.
        members: the names of each class.
        reasons: all reasons, each once.
        numbers: by class of the source, then of the destination: an index of ``reasons``.
    """

    __slots__ = ("class_of", "ends", "members", "names", "numbers", "reasons")

    def __init__(
        self,
        names: Sequence[str],
        class_of: Iterable[int],
        ends: Sequence[Endpoint],
        reason: Callable[[int, int], Reason],
    ) -> None:
        self.names = names
        self.class_of = array("I", class_of)
        self.ends = ends
        self.members: list[list[str]] = [[] for _ in ends]
        for name, number in zip(names, self.class_of, strict=True):
            self.members[number].append(name)
        places: dict[Reason, int] = {}
        classes = range(len(ends))
        self.numbers = [array("i", (places.setdefault(reason(i, j), len(places)) for j in classes)) for i in classes]
        self.reasons = tuple(places)

    def rows(self) -> Iterator[tuple[str, str, Reason]]:
        """Each pair of names, source by source, and its reason."""
        for source, number in zip(self.names, self.class_of, strict=True):
            reasons = [self.reasons[place] for place in self.numbers[number]]
            for destination, other in zip(self.names, self.class_of, strict=True):
                yield source, destination, reasons[other]

    def pairs(self) -> dict[Reason, int]:
        """How many pairs of names have each reason, the most frequent first."""
        counts = dict.fromkeys(self.reasons, 0)
        for numbers, ours in zip(self.numbers, self.members, strict=True):
            for place, theirs in zip(numbers, self.members, strict=True):
                counts[self.reasons[place]] += len(ours) * len(theirs)
        return dict(sorted(counts.items(), key=lambda item: -item[1]))


MEANINGS = {
    "ok": "completes, or waits as designed",
    "completes": "completes, with an error",
    "waits": "waits, with an error",
    "refused": "a command is refused",
    "fails": "fails",
    "hangs": "hangs",
    "unknown": "not found out",
}
"""The kinds of reasons."""

LABELS = {"ok": "ok", "completes": "!", "waits": "W", "refused": "R", "fails": "F", "hangs": "H", "unknown": "?"}
"""The kinds, in short."""


def kind_of(reason: Reason) -> str:
    """One of MEANINGS."""
    return "ok" if reason.ok else reason.outcome


def happens(reason: Reason) -> str:
    """What happens, and where the guest is then."""
    if reason.outcome == "unknown":
        return MEANINGS["unknown"]
    places = {"nowhere": "runs nowhere", "both": "runs at both ends"}
    return f"{reason.outcome}: the guest {places.get(reason.guest, f'runs at the {reason.guest}')}"


FEW = 6
"""So many names of a class are shown at once."""


def few(members: list[str], most: int = FEW) -> str:
    """The first names of a class."""
    more = f" and {len(members) - most} more" if len(members) > most else ""
    return ", ".join(members[:most]) + more


def described(end: Endpoint) -> tuple[str, str, str, str]:
    """An end in short: its QEMU, its host, its machine type, and its capabilities."""
    machine = end.machine if isinstance(end.machine, str) else "not known"
    return end.context.build.release, _host(end.host), machine, ", ".join(end.capabilities)


def _host(host: Host | None) -> str:
    if host is None:
        return "not known"
    if host._stated is None:
        return "this machine"
    facts = host._stated[REFERENCE]
    postcopy = ("yes" if facts.postcopy.ok else "no") if facts.postcopy.known else "unknown"
    return f"write tracking: {facts.write_tracking}, postcopy: {postcopy}"


COLUMNS = ("source", "destination", *Reason._fields)


def csv_lines(report: Report) -> Iterator[str]:
    """CSV, a line a pair of names, after a line of headings. Control characters are escaped."""
    import csv  # noqa: PLC0415 - only here

    class Line:
        """A file that keeps only the last line."""

        text = ""

        def write(self, text: str) -> None:
            self.text = text

    line = Line()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(COLUMNS)
    yield line.text
    shown = {name: escaped(name) for name in report.names}
    told = {
        reason: ("true" if reason.ok else "false", *(escaped(field) for field in reason[1:]))
        for reason in report.reasons
    }
    for source, destination, reason in report.rows():
        writer.writerow((shown[source], shown[destination], *told[reason]))
        yield line.text


def arrow_table(report: Report) -> Any:
    """A pyarrow.Table, a row a pair of names; texts are encoded as dictionaries.

    Raises:
        ImportError: there is no pyarrow.
    """
    try:
        import pyarrow  # noqa: PLC0415 - optional, and it takes long to import
    except ImportError:
        raise ImportError("to_arrow() needs the package pyarrow: pip install 'pymig-qemu[arrow]'") from None

    n = len(report.names)
    sources, destinations, reasons = array("i"), array("i", range(n)) * n, array("i")
    of_class = [array("i", map(row.__getitem__, report.class_of)) for row in report.numbers]
    for source, number in enumerate(report.class_of):
        sources.extend(array("i", [source]) * n)
        reasons.extend(of_class[number])

    def column(indices: array[int], values: Sequence[object]) -> Any:
        buffers = [None, pyarrow.py_buffer(indices)]
        places = pyarrow.Array.from_buffers(pyarrow.int32(), len(indices), buffers)
        return pyarrow.DictionaryArray.from_arrays(places, pyarrow.array(values))

    columns = [column(sources, report.names), column(destinations, report.names)]
    fields = zip(*report.reasons, strict=True)
    columns += [column(reasons, values) for values in fields]
    columns[COLUMNS.index("ok")] = columns[COLUMNS.index("ok")].dictionary_decode()
    return pyarrow.table(columns, names=list(COLUMNS))
