# SPDX-License-Identifier: GPL-2.0-or-later

"""Explains the texts of messages.py: each kind by the table that it came from, with notes.py."""

from __future__ import annotations

from functools import cache

from pymig._core import lib
from pymig.capability import BITS
from pymig.catalog.explanation import Explanation
from pymig.catalog.messages import RELEASES, Message, Rule, command_rules, messages, rules
from pymig.catalog.notes import ADDRESS, AT_DESTINATION, KEPT_ON, NOTES_ON_COMMANDS, NOTES_ON_RULES, STEPS, Note
from pymig.catalog.releases import series
from pymig.catalog.topic import OTHER
from pymig.catalog.topics import TOPIC_OF
from pymig.ends.finding import OUTCOMES, PLACES, STAGES
from pymig.ends.plan import ENDS
from pymig.qemu.build import QemuBuild
from pymig.qemu.fault import FAULTS as QEMUS
from pymig.release import POINTS, rows, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pymig._core import MigrationAgreement
    from pymig.libvirt.faults import Fault

NOT_TRIED = " (not tried)"
ANOTHER_MATTER = "Another matter: no capability and no parameter is the cause."

WHEN = {
    "set": "when capabilities or parameters are set",
    "incoming": "at migrate-incoming",
    "migrate": "at migrate",
    "connect": "when the source connects",
    "header": "when the destination reads the head of the stream",
    "advise": "when postcopy is announced",
    "ram": "when memory is sent",
    "switchover": "at the switchover",
    "devices": "when the devices are loaded",
    "postcopy": "after postcopy has begun",
}
OUTCOME = {
    "completes": "The migration completes all the same",
    "fails": "The migration fails",
    "hangs": "The migration hangs",
    "waits": "The migration waits, as designed",
}
GUEST = {
    "source": "the guest runs on the source",
    "destination": "the guest runs on the destination",
    "nowhere": "the guest runs nowhere",
    "both": "the guest runs on both ends",
}


def explained(message: Message) -> Explanation:
    """What the message means."""
    if message.key in TOPIC_OF:
        return _topic(message)
    return EXPLAINERS[message.kind](message)


def of_key(key: str) -> list[Explanation]:
    """What a rule, a row of the table of agreement, a fault or a topic means; empty if there is no such."""
    if key in FAULTS:
        return [_fault(key)]
    said = [message for message in messages() if message.key == key]
    if not said and key in DISAGREEMENTS:
        return [_disagreement(Message("stream", key, key, ()))]
    if not said:
        known = key.startswith("libvirt/") and key in faults_of_libvirt()  # else there is no need to import them
        return [_fault_of_libvirt(key)] if known else []
    newest = {message.kind: message for message in said if message.kind != "rule" or _is_text(message)}
    first = {message.kind: message for message in reversed(said)}
    chosen = newest if said and said[0].kind == "rule" else first
    return [explained(message) for message in chosen.values()]


def _is_text(message: Message) -> bool:
    return any(message.text == rule.message for rule in rules()[message.key].values())


def keys() -> Iterable[str]:
    """All that of_key() knows."""
    return dict.fromkeys((*rules(), *DISAGREEMENTS, *FAULTS, *faults_of_libvirt(), *TOPIC_OF))


# ---- Rules ----


def _rule(message: Message) -> Explanation:
    by_release = rules()[message.key]
    newest = max(message.releases)
    note = NOTES_ON_RULES.get(message.key, Note(""))
    where = "at the destination" if message.key in AT_DESTINATION else "at either end"
    parts = (_statement(by_release[newest]), note.text, f"Said {where}, when capabilities are set.")
    remedies = (f"set the capabilities {change}" for change in _changes(newest, by_release[newest]))
    return Explanation(
        "rule",
        message.text,
        " ".join(filter(None, parts)),
        series(message.releases),
        note.causes or _causes(by_release[newest]),
        (*note.remedies, *remedies),
        _see(message.key, note.see, by_release[newest].trigger, by_release[newest].need, by_release[newest].forbid),
    )


def _statement(rule: Rule) -> str:
    trigger = " and ".join(rule.trigger)
    others = [f"needs {' and '.join(rule.need)}"] if rule.need else []
    others += [f"does not go together with {' or '.join(rule.forbid)}"] if rule.forbid else []
    return f"{trigger} {', and '.join(others)}." if others else f"QEMU can't switch {trigger} on here."


def _causes(rule: Rule) -> tuple[str, ...]:
    """Why a set breaks a rule about two capabilities."""
    if rule.forbid:
        return ("a manager asks for both; to tell: its log", KEPT_ON)
    return (f"{' or '.join(rule.need)} is off; to tell: query-migrate-capabilities",) if rule.need else ()


def _changes(release: int, rule: Rule) -> Sequence[object]:
    return QemuBuild(POINTS[release])._verdicts[rule.code].remedies


def _see(*related: str | Iterable[str]) -> tuple[str, ...]:
    names: list[str] = []
    for one in related:
        names += [one] if isinstance(one, str) else one
    return tuple(dict.fromkeys(names))


# ---- Commands ----


def _command(message: Message) -> Explanation:
    told = [
        command_rules()[message.text, release]
        for release in message.releases
        if (message.text, release) in command_rules()
    ]
    commands = tuple(dict.fromkeys(name for rule in told for name in rule.commands)) or ("migrate", "migrate-incoming")
    note = next((note for start, note in NOTES_ON_COMMANDS.items() if message.text.startswith(start)), ADDRESS)
    on = [name for rule in told for name in rule.capabilities]
    parts = (note.text, f"Said by {' and '.join(commands)}: {_ends_of(commands)}.")
    remedies = [f"switch off {name}" for name in dict.fromkeys(on)] if told and not note.remedies else []
    return Explanation(
        "command",
        message.text,
        " ".join(filter(None, parts)),
        series(message.releases),
        note.causes,
        (*note.remedies, *remedies),
        _see(note.see, on),
    )


def _ends_of(commands: Sequence[str]) -> str:
    ends = [
        end
        for command, end in (("migrate", "the source"), ("migrate-incoming", "the destination"))
        if command in commands
    ]
    return " and ".join(ends)


# ---- The host ----


def _step(message: Message) -> Explanation:
    note = STEPS[int(message.key.rpartition("/")[2])]
    text = f"{note.text} QEMU's answer begins with: Postcopy is not supported."
    see = _see("postcopy-ram/host", note.see, "postcopy-ram")
    return Explanation("host", message.text, text, series(message.releases), note.causes, note.remedies, see)


# ---- Two ends ----

DISAGREEMENTS: dict[str, list[MigrationAgreement]] = {}
for _row in rows(lib.migration_agreement):
    DISAGREEMENTS.setdefault(text(_row.id), []).append(_row)


NOT_FOLLOWED = frozenset(
    (
        "pause-before-switchover/file",
        "tls/exec",
        "tls/destination-only",
        "tls/destination-endpoint",
        "tls/no-hostname",
        "single-channel/preempt",
        "one-way/switchover-ack",
        "one-way/postcopy-file",
        "multifd-channels/fewer",
        "mapped-ram/destination-lacks-it",
        "dirty-bitmaps/postcopy-ram",
        "postcopy-ram/page-size",
        "x-ignore-shared/source-private",
        "x-ignore-shared/destination-private",
        "x-ignore-shared/memfd",
        "mapped-ram/x-ignore-shared",
        "multifd/sync",
        "block/destination-lacks-it",
        "pause-before-switchover",
        "switchover-ack/source-lacks-it",
        "postcopy/multifd",
        "postcopy/run",
    )
)
"""The rows whose remedy no test follows."""


def _disagreement(message: Message) -> Explanation:
    found = DISAGREEMENTS[message.key]
    first = found[0]
    stage, end = STAGES[first.stage], ENDS[first.end]
    outcomes = dict.fromkeys(f"{OUTCOME[OUTCOMES[row.outcome]]}: {text(row.consequence)}" for row in found)
    places = dict.fromkeys(GUEST[PLACES[row.guest]] for row in found)
    parts = (
        f"Found out at the {end}, {WHEN[stage]}.",
        *(f"{one}." for one in outcomes),
        f"Then {' or '.join(places)}.",
    )
    mark = NOT_TRIED if message.key in NOT_FOLLOWED else ""
    remedies = dict.fromkeys(text(row.remedy) + mark for row in found)
    return Explanation(
        "stream",
        message.text,
        " ".join(parts),
        series(message.releases or RELEASES),
        (),
        tuple(remedies),
        _see(message.key, (name for name in message.key.split("/") if name in BITS)),
    )


# ---- Warnings, faults, topics ----


def _warning(message: Message) -> Explanation:
    said = message.text.split()[0]
    name = {"block": "block", "old": "compress", "zero-blocks": "zero-blocks"}.get(said, "")
    text = "QEMU accepts the request, and says that a later release will not."
    return Explanation("warning", message.text, text, series(message.releases), (), (), _see(name) if name else ())


FAULTS = {fault.fault: fault for fault in QEMUS}


def _fault(key: str, said: str = "") -> Explanation:
    fault = FAULTS[key]
    words = f"QEMU accepts {fault.command}, and {fault.condition}: {fault.consequence}. Releases: {fault.releases}."
    remedy = (
        f"use a release without the fault ({fault.reference}), or avoid what triggers it: {fault.condition}{NOT_TRIED}"
    )
    return Explanation("fault", said or key, words, (), (), (remedy,), _see(key, fault.capabilities))


@cache
def faults_of_libvirt() -> dict[str, Fault]:
    """The known faults of libvirt, by identifier."""
    from pymig.libvirt.faults import FAULTS as LIBVIRT  # noqa: PLC0415 - few texts need libvirt's tables

    return {row.fault.rule: row for row in LIBVIRT}


def _fault_of_libvirt(key: str) -> Explanation:
    fault, versions = faults_of_libvirt()[key].fault, faults_of_libvirt()[key].versions
    says = f" It says: {fault.message}" if fault.message else ""
    text = f"libvirt accepts the command, and {fault.consequence}. Versions at the {fault.end}: {versions}.{says}"
    return Explanation("fault", key, text, (), (), (f"{fault.remedy} ({fault.reference}){NOT_TRIED}",), ())


def _topic(message: Message) -> Explanation:
    topic = TOPIC_OF[message.key]
    remedies = (*topic.tried, *(remedy + NOT_TRIED for remedy in topic.remedies))
    text = f"{ANOTHER_MATTER} {topic.text}" if topic.kind == OTHER else topic.text
    return Explanation(topic.kind, message.text, text, (), topic.causes, remedies, _see(topic.see))


EXPLAINERS: dict[str, Callable[[Message], Explanation]] = {
    "rule": _rule,
    "command": _command,
    "host": _step,
    "stream": _disagreement,
    "warning": _warning,
    "fault": lambda message: _fault(message.key, message.text),
}
