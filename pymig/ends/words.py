# SPDX-License-Identifier: GPL-2.0-or-later

"""Puts C's answer to a preflight into words."""

from __future__ import annotations

from pymig._core import ffi, lib
from pymig.capability import CapabilitySet
from pymig.checker import Checker
from pymig.ends.finding import PLACES, SEVERITIES, STAGES, Finding, Step
from pymig.ends.pair import named
from pymig.ends.plan import ENDS
from pymig.errors import IgnoredParameterWarning, MigrationError
from pymig.qemu.fault import faults_of
from pymig.release import text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pymig._core import MigrationPreflight, MigrationStep
    from pymig.ends.mirror import Mirror
    from pymig.ends.pair import Pair, Unknown
    from pymig.verdict import Change

    Words = tuple[tuple[Step, ...], tuple[Finding, ...], tuple[Unknown, ...]]

COMMANDS = ("migrate-set-capabilities", "migrate-set-parameters", "migrate", "migrate-incoming")
STAGE_OF = {"migrate": "migrate", "migrate-incoming": "incoming"}
RECOVERS = {1: True, 0: False, -1: None}

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


class Told:
    """C's answer, to be put into words."""

    __slots__ = ("alone", "out", "pair", "plan", "states")

    def __init__(self, pair: Pair, mirrors: tuple[Mirror, Mirror], alone: bool, out: MigrationPreflight) -> None:
        self.pair = pair
        self.plan = pair.plan
        self.alone = alone
        self.states = mirrors[0].state, mirrors[1].state
        self.out = out

    def words(self) -> Words:
        """The steps, the findings, and what is not known."""
        out = self.out
        played = [(out.steps[i], self.step(out.steps[i])) for i in range(out.count)]
        findings = [
            *(self.ending(told, step) for told, step in played if told.code or told.faults),
            *([self.nobody()] if self.alone else self.predicted()),
            *(remark for told, step in played if not told.code for remark in self.remarks(told, step)),
            *([NO_MONITOR_BEFORE] if self.is_cpr_transfer() else ()),
        ]
        steps = [step for _, step in played]
        return tuple(steps[: out.ends_at + 1] if out.ends_at >= 0 else steps), tuple(findings), self.unknown()

    # ---- Steps ----

    def step(self, told: MigrationStep) -> Step:
        """A command, and its answer in QEMU's words."""
        return Step(ENDS[told.end], COMMANDS[told.command], self.arguments(told), self.answer(told))

    def arguments(self, told: MigrationStep) -> dict[str, Any]:
        """The command's arguments. migrate-incoming lets the destination stay alive after a failure where it can."""
        wanted = self.plan.ends[told.end]
        if told.command == lib.MIGRATION_SET_CAPABILITIES:
            return {"capabilities": [{"capability": name, "state": on} for name, on in wanted.capabilities.items()]}
        if told.command == lib.MIGRATION_SET_PARAMETERS:
            return dict(wanted.parameters)
        arguments = self.plan._arguments(told.command)
        if told.command == lib.MIGRATION_INCOMING and self.states[1].build._c.release >= lib.QEMU_9_1:
            return {**arguments, "exit-on-error": arguments.get("exit-on-error", False)}
        return arguments

    def answer(self, told: MigrationStep) -> str:
        """What QEMU says; "" if it accepts."""
        if not told.code:
            return ""
        if told.command != lib.MIGRATION_SET_CAPABILITIES:
            return text(told.error.message)
        state = self.states[told.end]
        try:
            state._read(self.plan.ends[told.end].capabilities)
            raise state._refusal(told.code)
        except MigrationError as refusal:
            return refusal.message

    # ---- Findings ----

    def ending(self, told: MigrationStep, step: Step) -> Finding:
        """Why nothing comes after this step."""
        return self.refusal(told, step) if told.code else self.death(told, step)

    def refusal(self, told: MigrationStep, step: Step) -> Finding:
        """A refused command. If the destination refuses to read what was written, the guest is nowhere until cont."""
        too_late = told.command == lib.MIGRATION_INCOMING and bool(self.out.told >> lib.PAIR_READS_LATER & 1)
        changes = self.changes(told)
        return Finding(
            rule=f"{step.command}/refused",
            severity="error",
            stage=STAGE_OF.get(step.command, "set"),
            end=step.end,
            message=step.answer,
            source_says="the same" if told.end == lib.MIGRATION_END_SOURCE else "",
            consequence="the guest is written and stopped; cont at the source revives it"
            if too_late
            else "nothing was changed by the command",
            guest=PLACES[told.guest],
            recovers=True,
            remedy=_remedy(step.answer, changes),
            changes=changes,
        )

    def changes(self, told: MigrationStep) -> tuple[Change, ...]:
        """The smallest changes after which the end accepts the capabilities that it refused."""
        settings = self.plan._c.struct.ends[told.end]
        state = self.states[told.end]
        if told.command != lib.MIGRATION_SET_CAPABILITIES or told.code < 0:
            return ()
        before = state.capabilities
        wanted = CapabilitySet.from_mask((before.mask | settings.on) & ~settings.off)
        return Checker(state.context).suggest(wanted, before)

    def death(self, told: MigrationStep, step: Step) -> Finding:
        """A command that this release does not survive."""
        fault = faults_of(told.faults)[0]
        return Finding(
            rule=fault.fault,
            severity="error",
            stage=STAGE_OF.get(step.command, "set"),
            end=step.end,
            message="",
            source_says="",
            consequence=f"a fault of QEMU {fault.releases}: {fault.consequence}",
            guest=PLACES[told.guest],
            recovers=False,
            remedy=f"use a release without the fault ({fault.reference}), or avoid what triggers it: {fault.condition}",
        )

    def predicted(self) -> Iterator[Finding]:
        """The rows of the table that apply, in the words of their ends' releases."""
        names, predicted = self.pair.names(), self.out.predicted
        return (self.finding(predicted.rows[i], names) for i in range(predicted.count))

    def finding(self, row: int, names: dict[str, str]) -> Finding:
        """A row of the table."""
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

    def nobody(self) -> Finding:
        """What happens where nobody listens."""
        return Finding(
            rule="no-destination",
            severity="error",
            stage="connect",
            end="source",
            message="",
            source_says="the same",
            consequence="the source can't connect, and goes on",
            guest="nowhere" if self.pair.source.paused else "source",
            recovers=True,
            remedy="start the destination first",
        )

    def remarks(self, told: MigrationStep, step: Step) -> Iterator[Finding]:
        """Parameters that a release accepts, and ignores or deprecates."""
        if told.command == lib.MIGRATION_SET_PARAMETERS:
            notes = self.states[told.end].build._notes_on(step.arguments)
            yield from (_remark(step, message, category) for message, category in notes)

    def is_cpr_transfer(self) -> bool:
        """Whether the destination gets its monitor only after the source's migrate."""
        return bool(self.pair.parameter(0, "mode") == "cpr-transfer")

    def unknown(self) -> tuple[Unknown, ...]:
        """What is not known and could change the prediction."""
        if self.alone:
            return ()
        after = [CapabilitySet.from_mask(self.out.after[end]) for end in (0, 1)]
        one_way = bool(self.out.told >> lib.PAIR_ONE_WAY & 1)
        transport = text(lib.migration_transport_name(self.out.transport))
        return tuple(self.pair.unknown(after, transport, one_way=one_way))


REMEDIES = {
    "Illegal migration incoming state": "restart the destination: its migrate-incoming failed before, and can't be "
    "sent again",
    "The incoming migration has already been started": "leave incoming_uri and migrate_incoming out of the plan: the "
    "destination listens already",
}
"""What helps where QEMU says so."""


def _remedy(answer: str, changes: tuple[Change, ...]) -> str:
    if changes:
        return f"set the capabilities {' or '.join(map(str, changes))}"
    return next((remedy for text, remedy in REMEDIES.items() if answer.startswith(text)), "change the plan")


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
