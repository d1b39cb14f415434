"""Will this migration work, and if not, where does it break, in which words, and where is the guest then?"""

from __future__ import annotations

from typing import NamedTuple

from pymig._core import ffi, lib
from pymig.capability import NAMES, CapabilitySet
from pymig.checker import Checker
from pymig.ends.endpoint import Endpoint
from pymig.ends.pair import Pair, Unknown, named, rows_of
from pymig.ends.plan import ENDS, Plan
from pymig.errors import IgnoredParameterWarning, MigrationError
from pymig.host.host import Host
from pymig.qemu.fault import KnownFault, faults_of
from pymig.qemu.parameters import PARAMETERS
from pymig.release import rows, text
from pymig.state import MigrationState
from pymig.values import Value, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from typing_extensions import Self

    from pymig.context import Context
    from pymig.verdict import Change

OUTCOMES = ("completes", "fails", "hangs", "waits", "refused")
PLACES = ("source", "destination", "nowhere", "both")
STAGES = ("set", "incoming", "migrate", "connect", "header", "advise", "ram", "switchover", "devices", "postcopy")
SEVERITIES = ("error", "warning", "info")
TRANSPORTS = {text(name): number for number, name in enumerate(rows(lib.migration_transport_name))}
TRANSPORTS["inet"] = TRANSPORTS.pop("tcp")
"""C's numbers of transports by the names that a MigrationAddress has."""

RECOVERS = {1: True, 0: False, -1: None}
STAGE_OF = {"migrate": "migrate", "migrate-incoming": "incoming"}


class Step(Value):
    """A command of the preflight, and QEMU's answer. Immutable.

    Attributes:
        end: ``"source"`` or ``"destination"``.
        command: its name in QMP.
        arguments: its arguments.
        answer: "" if QEMU accepts, else its text.
    """

    __slots__ = ("answer", "arguments", "command", "end")

    end: str
    command: str
    arguments: Mapping[str, Any]
    answer: str

    def __new__(cls, end: str, command: str, arguments: Mapping[str, Any], answer: str) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(end=end, command=command, arguments=arguments, answer=answer)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        return {"end": self.end, "command": self.command, "arguments": dict(self.arguments), "answer": self.answer}

    def __hash__(self) -> int:
        return hash((self.end, self.command, self.answer))


class Finding(Value):
    """Something that breaks a migration, or that its user should know. Immutable.

    Attributes:
        rule: a stable identifier, such as ``"multifd/destination-only"``.
        severity: ``"error"``, ``"warning"`` or ``"info"``.
        stage: when it is found out: ``"set"``, ``"incoming"``, ``"migrate"``, ``"connect"``, ``"header"``,
            ``"advise"``, ``"ram"``, ``"switchover"``, ``"devices"`` or ``"postcopy"``.
        end: the end that finds it out.
        message: what that end says; "" if it says nothing. ``<name>`` stands for a name that is not known.
        source_says: what the source says, as a class: ``""`` nothing, ``"the same"``, or ``"connection broken"``.
        guest: where the guest runs then, as in Preflight.
        recovers: whether the same two processes can try again; None if it is not known.
        remedy: what to change, as text.
        consequence: what happens, as a clause.
        changes: the remedy as changes of the refused set of capabilities, smallest first; empty for any other remedy.
    """

    __slots__ = (
        "changes",
        "consequence",
        "end",
        "guest",
        "message",
        "recovers",
        "remedy",
        "rule",
        "severity",
        "source_says",
        "stage",
    )

    rule: str
    severity: str
    stage: str
    end: str
    message: str
    source_says: str
    guest: str
    recovers: bool | None
    remedy: str
    consequence: str
    changes: tuple[Change, ...]

    def __new__(
        cls,
        rule: str,
        severity: str,
        stage: str,
        end: str,
        message: str,
        source_says: str,
        guest: str,
        recovers: bool | None,
        remedy: str,
        consequence: str = "",
        changes: tuple[Change, ...] = (),
    ) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(rule=rule, severity=severity, stage=stage, end=end, message=message, source_says=source_says)
        self._set(guest=guest, recovers=recovers, remedy=remedy, consequence=consequence, changes=changes)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        changes = [change.to_dict() for change in self.changes]
        return {name: getattr(self, name) for name in self.__slots__} | {"changes": changes}


class Preflight(Value):
    """What will happen in a migration. Immutable; true if and only if nothing is wrong.

    Attributes:
        outcome: ``"completes"``, ``"refused"`` (a command is), ``"fails"``, ``"hangs"``, or ``"waits"`` (as designed).
        guest: where the guest most likely runs afterwards: ``"source"``, ``"destination"``, ``"nowhere"``, ``"both"``.
        guests: every place where it may be. More than one is a reservation.
        steps: the commands and their answers, up to the first refusal.
        findings: what breaks the migration or should be known; what bites first stands first.
        unknown: what is not known and could change the prediction.
    """

    __slots__ = ("findings", "guest", "guests", "outcome", "steps", "unknown")

    outcome: str
    guest: str
    guests: tuple[str, ...]
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    unknown: tuple[Unknown, ...]

    def __new__(cls, **values: Any) -> Self:
        """All attributes by name."""
        self = object.__new__(cls)
        self._set(**values)
        return self

    @property
    def ok(self) -> bool:
        """Whether it completes, or waits as designed, with no finding of severity error."""
        return self.outcome in ("completes", "waits") and not any(f.severity == "error" for f in self.findings)

    def __bool__(self) -> bool:
        return self.ok

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        return {
            "ok": self.ok,
            "outcome": self.outcome,
            "guest": self.guest,
            "guests": list(self.guests),
            "steps": [step.to_dict() for step in self.steps],
            "findings": [finding.to_dict() for finding in self.findings],
            "unknown": [unknown.to_dict() for unknown in self.unknown],
        }

    def to_json(self) -> str:
        """The same as JSON."""
        from pymig.documents import dumps  # noqa: PLC0415 - only here

        return dumps(self.to_dict())

    def __repr__(self) -> str:
        first = f", {self.findings[0].rule}" if self.findings else ""
        return f"<Preflight {self.outcome}, guest: {' or '.join(self.guests)}{first}>"


def preflight(source: Endpoint, destination: Endpoint | None, plan: Plan) -> Preflight:
    """Plays the plan's commands on mirrors of both ends, and predicts what happens then.

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
    return _Flight(source, destination, plan).result()


NO_MONITOR_BEFORE = Finding(
    rule="cpr-transfer/monitor",
    severity="info",
    stage="incoming",
    end="destination",
    message="",
    source_says="",
    consequence="the destination has no monitor before the source's migrate; the source then stays in setup, and its "
    "guest runs, until the destination's migrate-incoming",
    guest="source",
    recovers=True,
    remedy="start the destination with two -incoming: defer, and a JSON channel of type cpr; share the guest's memory "
    "(share=on) and set the machine's aux-ram-share=on",
)
"""What mode cpr-transfer means for the order of the commands."""


class _Flight:
    """One preflight in the making."""

    def __init__(self, source: Endpoint, destination: Endpoint | None, plan: Plan) -> None:
        self.is_alone = destination is None
        self.ends = source, source if destination is None else destination
        self.plan = plan
        self.states = _mirror(source, incoming=False), _mirror(self.ends[1], incoming=True)
        self.before = [state.capabilities for state in self.states]
        self.unknown: list[Unknown] = []

    def result(self) -> Preflight:
        """Plays, then predicts."""
        played = list(self.play())
        outcome, guest, guests, findings = self.nobody() if self.is_alone else self.predict()
        ended = [i for i, (step, notes) in enumerate(played) if step.answer or notes.faults]
        endings = [self.ending(*played[i]) for i in ended]
        if ended:
            outcome, guest = "refused" if played[ended[0]][0].answer else "fails", endings[0].guest
            guests = (guest,)
        remarks = [_remark(step, *remark) for step, notes in played for remark in notes.remarks]
        remarks += [NO_MONITOR_BEFORE] if self.is_cpr_transfer() else []
        return Preflight(
            outcome=outcome,
            guest=guest,
            guests=(guest, *(place for place in guests if place != guest)),
            steps=tuple(step for step, _ in (played[: ended[0] + 1] if ended else played)),
            findings=(*endings, *findings, *remarks),
            unknown=tuple(self.unknown),
        )

    # ---- The commands ----

    def play(self) -> Iterator[tuple[Step, _Notes]]:
        """Every command with its answer and what is to be noted, also after a refusal."""
        for end, send in self.commands():
            if not (self.is_alone and end == 1):
                yield from send(end)

    def commands(self) -> tuple[tuple[int, Callable[[int], Iterator[tuple[Step, _Notes]]]], ...]:
        """The commands, in the plan's order; a file is written before it is read."""
        if self.is_cpr_transfer():
            return ((0, self.settings), (0, self.migrate), (1, self.settings), (1, self.migrate_incoming))
        opening = [(1, self.migrate_incoming), (0, self.migrate)]
        if self.reads_later():
            opening.reverse()
        settings = {
            "source-first": [(0, self.settings), (1, self.settings), *opening],
            "destination-first": [(1, self.settings), (0, self.settings), *opening],
            "incoming-first": [(1, self.settings), opening[0], (0, self.settings), opening[1]],
        }
        return tuple(settings[self.plan.order])

    def reads_later(self) -> bool:
        """Whether the destination reads what the source has written."""
        return bool(self.plan.uri) and str(self.plan.uri).startswith(("file:", "exec:"))

    def is_cpr_transfer(self) -> bool:
        """Whether the destination gets its monitor only after the source's migrate."""
        planned = self.plan.ends[0].parameters
        return bool(planned.get("mode", self.ends[0].parameters.get("mode")) == "cpr-transfer")

    def settings(self, end: int) -> Iterator[tuple[Step, _Notes]]:
        """What is set at an end: the capabilities, then the parameters."""
        wanted, state = self.plan.ends[end], self.states[end]
        if wanted.capabilities:
            entries = [{"capability": name, "state": on} for name, on in wanted.capabilities.items()]
            arguments: dict[str, Any] = {"capabilities": entries}
            step, notes = self.step(
                end, "migrate-set-capabilities", arguments, lambda: state.set_capabilities(dict(wanted.capabilities))
            )
            if step.answer:
                self.pretend(end)
            yield step, notes
        if wanted.parameters:
            parameters = dict(wanted.parameters)
            yield self.step(end, "migrate-set-parameters", parameters, lambda: state.set_parameters(parameters))

    def pretend(self, end: int) -> None:
        """Switches on what was refused: the rest shows what else is wrong, not what follows from the refusal."""
        state = self.states[end]
        lib.migration_state_load(state._c, self.wanted(end).mask & state.build._mask)

    def wanted(self, end: int) -> CapabilitySet:
        """What would be on at an end after the plan's migrate-set-capabilities, as far as any release knows it."""
        switches = {name: on for name, on in self.plan.ends[end].capabilities.items() if name in NAMES}
        on, off = ([name for name, is_on in switches.items() if is_on is one] for one in (True, False))
        return (self.before[end] | CapabilitySet(on)) - CapabilitySet(off)

    def migrate(self, end: int) -> Iterator[tuple[Step, _Notes]]:
        """The source's migrate."""
        arguments = {**({"uri": self.plan.uri} if self.plan.uri is not None else {}), **self.plan.migrate}
        state, around = self.states[end], _surroundings(self.ends[end])
        yield self.step(end, "migrate", arguments, lambda: state.migrate(**_keywords(arguments), **around))

    def migrate_incoming(self, end: int) -> Iterator[tuple[Step, _Notes]]:
        """The destination's migrate-incoming, which stays alive after a failure where it can."""
        uri = self.plan.uri if self.plan.incoming_uri is None else self.plan.incoming_uri
        state = self.states[end]
        arguments: dict[str, Any] = {"uri": uri} if uri is not None else {}
        if self.can_stay_alive():
            arguments["exit-on-error"] = False
        arguments |= self.plan.migrate_incoming
        yield self.step(end, "migrate-incoming", arguments, lambda: state.migrate_incoming(**_keywords(arguments)))

    def can_stay_alive(self) -> bool:
        """Whether the destination's migrate-incoming has exit-on-error (from 9.1 on)."""
        return self.states[1].build._c.release >= lib.QEMU_9_1

    def step(self, end: int, command: str, arguments: dict[str, Any], send: Callable[[], None]) -> tuple[Step, _Notes]:
        """Sends a command to a mirror."""
        answer = ""
        self.states[end].clear()
        try:
            send()
        except MigrationError as error:
            answer = error.message
        return Step(ENDS[end], command, arguments, answer), self.states[end].notes

    # ---- What follows ----

    def transport(self) -> int:
        """The transport of the source's migrate; tcp if it can't be told."""
        channels = self.plan.migrate.get("channels")
        if channels and not self.plan.uri:
            return _transport_of_channel(channels)
        found: int = lib.migration_transport_of_uri(self.states[0].build._c, (self.plan.uri or "").encode())
        return max(found, 0)

    def nobody(self) -> tuple[str, str, tuple[str, ...], list[Finding]]:
        """What happens where nobody listens."""
        home = "nowhere" if self.ends[0].paused else "source"
        nobody = Finding(
            rule="no-destination",
            severity="error",
            stage="connect",
            end="source",
            message="",
            source_says="the same",
            consequence="the source can't connect, and goes on",
            guest=home,
            recovers=True,
            remedy="start the destination first",
        )
        return "fails", home, (home,), [nobody]

    def predict(self) -> tuple[str, str, tuple[str, ...], list[Finding]]:
        """The table's outcome, guest and places, and its findings."""
        transport = self.transport()
        pair = Pair(self.ends, self.states, self.plan, text(lib.migration_transport_name(transport)))
        self.unknown += pair.unknown
        prediction = ffi.new("MigrationPrediction *")
        lib.migration_agree(self.states[0]._c, self.states[1]._c, transport, pair.told, prediction)
        findings = [self.finding(prediction.rows[i], pair.names) for i in range(prediction.count)]
        places = tuple(PLACES[i] for i in rows_of(prediction.guests))
        return OUTCOMES[prediction.outcome], PLACES[prediction.guest], places, findings

    def finding(self, row: int, names: dict[str, str]) -> Finding:
        """A row of the table, in the words of its end's release."""
        told = lib.migration_agreement(row)
        words = lib.migration_agreement_words(row, self.states[told.end].build._c.release)
        by_source = told.end == lib.MIGRATION_END_SOURCE
        return Finding(
            rule=text(told.id),
            severity=SEVERITIES[told.severity],
            stage=STAGES[told.stage],
            end=ENDS[told.end],
            message="" if words == ffi.NULL else named(text(words), names),
            source_says="the same" if by_source else "connection broken" if told.outcome == lib.MIGRATION_FAILS else "",
            consequence=text(told.consequence),
            guest=PLACES[told.guest],
            recovers=RECOVERS[told.recovers],
            remedy=text(told.remedy),
        )

    def changes(self, step: Step) -> tuple[Change, ...]:
        """The smallest changes after which the end accepts the capabilities that it refused."""
        if step.command != "migrate-set-capabilities":
            return ()
        end = ENDS.index(step.end)
        state = self.states[end]
        if not set(self.plan.ends[end].capabilities) <= set(state.build.capabilities):
            return ()
        return Checker(state.context).suggest(self.wanted(end), self.before[end])

    def ending(self, step: Step, notes: _Notes) -> Finding:
        """Why nothing comes after this step."""
        return self.refusal(step) if step.answer else self.death(step, notes.faults[0])

    def death(self, step: Step, fault: KnownFault) -> Finding:
        """A command that this release does not survive."""
        home = "nowhere" if self.ends[0].paused else "source"
        return Finding(
            rule=fault.fault,
            severity="error",
            stage=STAGE_OF.get(step.command, "set"),
            end=step.end,
            message="",
            source_says="",
            consequence=f"a fault of QEMU {fault.releases}: {fault.consequence}",
            guest="nowhere" if step.end == "source" else home,
            recovers=False,
            remedy=f"use a release without the fault ({fault.reference}), or avoid what triggers it: {fault.condition}",
        )

    def refusal(self, step: Step) -> Finding:
        """A refused command. If the destination refuses to read what was written, the guest is nowhere until cont."""
        too_late = step.command == "migrate-incoming" and self.reads_later()
        home = "nowhere" if self.ends[0].paused else "source"
        changes = self.changes(step)
        remedies = " or ".join(str(change) for change in changes)
        return Finding(
            rule=f"{step.command}/refused",
            severity="error",
            stage=STAGE_OF.get(step.command, "set"),
            end=step.end,
            message=step.answer,
            source_says="the same" if step.end == "source" else "",
            consequence="the guest is written and stopped; cont at the source revives it"
            if too_late
            else "nothing was changed by the command",
            guest="nowhere" if too_late else home,
            recovers=True,
            remedy=f"set the capabilities {remedies}" if changes else "change the plan",
            changes=changes,
        )


def _surroundings(end: Endpoint) -> dict[str, Any]:
    """What migrate depends on besides the mirror."""
    private = bool(end.ram_blocks) and not all(block.get("share") for block in end.ram_blocks.values())  # type: ignore[union-attr]
    return {"blockers": end.blockers, "private_memory": private}


def _keywords(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("-", "_"): value for name, value in arguments.items()}


def _transport_of_channel(channels: Any) -> int:
    try:
        address = next(channel["addr"] for channel in channels if channel["channel-type"] == "main")
        return TRANSPORTS[address["type"] if address["transport"] == "socket" else address["transport"]]
    except (KeyError, StopIteration, TypeError):
        return 0


def _is_parameter(state: MigrationState, name: str) -> bool:
    return bool(lib.migration_parameter_known(state.build._c, PARAMETERS.get(name, -1)))


class _Notes(NamedTuple):
    """What is to be said about a command that QEMU accepts: the faults that it meets, and texts with categories."""

    faults: tuple[KnownFault, ...] = ()
    remarks: tuple[tuple[str, type[Warning]], ...] = ()


class _Mirror(MigrationState):
    """A MigrationState that keeps what it would warn of."""

    __slots__ = ("notes",)

    notes: _Notes

    def clear(self) -> None:
        """Forgets the notes."""
        self._set(notes=_Notes())

    def _note(self, parameters: Iterable[str], faults: int) -> None:
        self._set(notes=_Notes(faults_of(faults), tuple(self.build._notes_on(parameters))))


def _remark(step: Step, message: str, category: type[Warning]) -> Finding:
    """A parameter that a release ignores or deprecates."""
    ignored = category is IgnoredParameterWarning
    return Finding(
        rule="parameter/ignored" if ignored else "parameter/deprecated",
        severity="warning" if ignored else "info",
        stage="set",
        end=step.end,
        message="" if ignored else message,
        source_says="",
        consequence=message,
        guest="source",
        recovers=True,
        remedy="leave the parameter out",
    )


def _mirrored(end: Endpoint, *, incoming: bool) -> Context:
    """The end's context as a source or as a destination, made once. A host that is not known refuses nothing."""
    made: Context | None = end._contexts.get(incoming)
    if made is None:
        host = Host() if end.host is None else end.host
        made = end._contexts[incoming] = end.context.replace(incoming=incoming, host=host, parameters=None)
    return made


def _mirror(end: Endpoint, *, incoming: bool) -> _Mirror:
    """A MigrationState with what is set at the end."""
    state = _Mirror._of(_mirrored(end, incoming=incoming))
    given = {**(end.context.parameters or {}), **end.parameters}
    known = {name: value for name, value in given.items() if _is_parameter(state, name)}
    if known:
        state.set_parameters(known)
    lib.migration_state_load(state._c, end.capabilities.mask & state.build._mask)
    state.status = end.status
    return state
