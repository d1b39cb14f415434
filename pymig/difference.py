# SPDX-License-Identifier: GPL-2.0-or-later

"""Compares two builds of QEMU."""

from __future__ import annotations

from pymig._core import lib
from pymig.capability import CapabilitySet, mask_of_names
from pymig.checker import Checker, check_or_unknown
from pymig.context import Context
from pymig.errors import ParameterError
from pymig.host.host import Host
from pymig.qemu.build import require_build
from pymig.qemu.parameters import COMPRESSIONS, PARAMETERS, values_of
from pymig.request import Request
from pymig.state import STATUSES, MigrationState
from pymig.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from typing_extensions import Self

    from pymig.qemu.build import QemuBuild
    from pymig.qemu.fault import KnownFault
    from pymig.verdict import Verdict


class ReleaseDifference(Value):
    """The differences between two builds of QEMU. Immutable.

    Attributes:
        before, after: the builds compared.
        added: capabilities present only in ``after``.
        removed: capabilities present only in ``before``.
        deprecated: capabilities deprecated in ``after`` but not in ``before``.
        rules_added: verdicts of rules present only in ``after``.
        rules_removed: verdicts of rules present only in ``before``.
        rules_changed: pairs of verdicts of the same rule with different texts or hints.
        parameters_added: parameters present only in ``after``.
        parameters_removed: parameters present only in ``before``.
        parameters_deprecated: parameters deprecated in ``after`` but not in ``before``.
        parameters_changed: for each parameter that the builds treat differently: its name, and how ``before`` and
            ``after`` treat it (the default, or the answer to the first value for which the answers differ).
        statuses_added: members of MigrationStatus present only in ``after``.
        faults_added: known faults present only in ``after``.
        faults_mended: known faults present only in ``before``.
        answers: for each given set whose answers differ: the set and the two verdicts.
    """

    __slots__ = (
        "added",
        "after",
        "answers",
        "before",
        "deprecated",
        "faults_added",
        "faults_mended",
        "parameters_added",
        "parameters_changed",
        "parameters_deprecated",
        "parameters_removed",
        "removed",
        "rules_added",
        "rules_changed",
        "rules_removed",
        "statuses_added",
    )

    before: QemuBuild
    after: QemuBuild
    added: CapabilitySet
    removed: CapabilitySet
    deprecated: CapabilitySet
    rules_added: tuple[Verdict, ...]
    rules_removed: tuple[Verdict, ...]
    rules_changed: tuple[tuple[Verdict, Verdict], ...]
    parameters_added: tuple[str, ...]
    parameters_removed: tuple[str, ...]
    parameters_deprecated: tuple[str, ...]
    parameters_changed: tuple[tuple[str, str, str], ...]
    statuses_added: tuple[str, ...]
    faults_added: tuple[KnownFault, ...]
    faults_mended: tuple[KnownFault, ...]
    answers: tuple[tuple[CapabilitySet, Verdict, Verdict], ...]

    @classmethod
    def _of(cls, **values: Any) -> Self:
        self = object.__new__(cls)
        self._set(**values)
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return (_difference, ({name: getattr(self, name) for name in self.__slots__},))


def _difference(values: dict[str, Any]) -> ReleaseDifference:
    return ReleaseDifference._of(**values)


def diff(
    before: QemuBuild | str | tuple[int, ...],
    after: QemuBuild | str | tuple[int, ...],
    sets: Iterable[Iterable[str]] = (),
    *,
    host: Host | None = None,
    incoming: bool = False,
    parameters: Mapping[str, object] | None = None,
    incoming_started: bool = False,
    kvm_dirty_ring: bool = False,
    rdma: bool = False,
    single_channel: bool = False,
    target_page_size: int | None = None,
) -> ReleaseDifference:
    """Compares two builds of QEMU: their capabilities, rules and parameters, and their answers to the given sets.

    Args:
        before: the old build.
        after: the new build.
        sets: sets of capabilities whose answers are compared, each an iterable of names. A build that lacks one of the
            names refuses it with QMP's text.
        host: what the host can do; by default everything, so that only the releases count.
        incoming: as for Context, for both builds.
        parameters: as for Context.
        incoming_started: as for Context.
        kvm_dirty_ring: as for Context.
        rdma: as for Context.
        single_channel: as for Context.
        target_page_size: as for Context.
    """
    builds = (require_build(before, "before"), require_build(after, "after"))
    context = Context(
        builds[0],
        Host() if host is None else host,
        incoming=incoming,
        parameters=parameters,
        incoming_started=incoming_started,
        kvm_dirty_ring=kvm_dirty_ring,
        rdma=rdma,
        single_channel=single_channel,
        target_page_size=target_page_size,
    )
    checkers = (Checker(context), Checker(context.replace(build=builds[1])))
    asked = [CapabilitySet.from_mask(mask_of_names(names, "sets")) for names in sets]
    answers = [(names, check_or_unknown(checkers[0], names), check_or_unknown(checkers[1], names)) for names in asked]
    return ReleaseDifference._of(
        before=builds[0],
        after=builds[1],
        answers=tuple(answer for answer in answers if _outcome(answer[1]) != _outcome(answer[2])),
        **_capability_differences(*builds),
        **_rule_differences(*builds),
        **_parameter_differences(*builds),
        **_other_differences(*builds),
    )


def _capability_differences(before: QemuBuild, after: QemuBuild) -> dict[str, Any]:
    return {
        "added": after.capabilities - before.capabilities,
        "removed": before.capabilities - after.capabilities,
        "deprecated": (after.deprecated - before.deprecated) & before.capabilities,
    }


def _rule_differences(before: QemuBuild, after: QemuBuild) -> dict[str, Any]:
    rules_before, rules_after = before._verdicts, after._verdicts
    return {
        "rules_added": tuple(rules_after[code] for code in rules_after if code not in rules_before),
        "rules_removed": tuple(rules_before[code] for code in rules_before if code not in rules_after),
        "rules_changed": tuple(
            (rules_before[code], rules_after[code])
            for code in rules_before
            if code in rules_after and _rule_texts(before, code) != _rule_texts(after, code)
        ),
    }


def _rule_texts(build: QemuBuild, code: int) -> tuple[object, ...]:
    verdict = build._verdicts[code]
    return (verdict.message, verdict.hint, code in build._static_verdicts)


def _outcome(verdict: Verdict) -> tuple[object, ...]:
    return (verdict.message, verdict.hint, verdict.warnings)


def _other_differences(before: QemuBuild, after: QemuBuild) -> dict[str, Any]:
    faults_before, faults_after = before.known_faults, after.known_faults
    return {
        "statuses_added": tuple(
            name for name in STATUSES if _has_status(after, name) and not _has_status(before, name)
        ),
        "faults_added": tuple(fault for fault in faults_after if fault not in faults_before),
        "faults_mended": tuple(fault for fault in faults_before if fault not in faults_after),
    }


def _has_status(build: QemuBuild, name: str) -> bool:
    known: bool = lib.migration_status_known(build._c, STATUSES[name])
    return known


def _parameter_differences(before: QemuBuild, after: QemuBuild) -> dict[str, Any]:
    names_before, names_after = (
        [name for name, i in PARAMETERS.items() if lib.migration_parameter_known(build._c, i)]
        for build in (before, after)
    )
    states = [MigrationState(build, Host()) for build in (before, after)]
    both = [name for name in names_before if name in names_after]
    changed = ((name, *_what_differs(name, states)) for name in both)
    return {
        "parameters_added": tuple(name for name in names_after if name not in names_before),
        "parameters_removed": tuple(name for name in names_before if name not in names_after),
        "parameters_deprecated": tuple(
            name
            for name in both
            if lib.migration_parameter_deprecated(after._c, PARAMETERS[name])
            and not lib.migration_parameter_deprecated(before._c, PARAMETERS[name])
        ),
        "parameters_changed": tuple(entry for entry in changed if len(entry) > 1),
    }


# For each parameter's range, some of these are inside and some outside.
_VALUES = (
    0,
    1,
    5,
    10,
    21,
    101,
    1001,
    10001,
    100001,
    2000001,
    *COMPRESSIONS,
    *values_of(lib.MIGRATION_PARAMETER_MODE),
    True,
)


def _what_differs(name: str, states: list[MigrationState]) -> tuple[str, ...]:
    """How the two states treat a parameter: the first difference, or an empty tuple."""
    defaults = [state.query_parameters().get(name) for state in states]
    if defaults[0] != defaults[1]:
        return tuple(f"default {default!r}" for default in defaults)
    for value in _VALUES:
        answers = [_answer_to(state, name, value) for state in states]
        if answers[0] != answers[1]:
            return tuple(f"{name}={value}: {answer}" for answer in answers)
    return ()


def _answer_to(state: MigrationState, name: str, value: object) -> str:
    """The state's full answer to setting this parameter, without setting it."""
    request = Request({name: value})
    try:
        request.send(lib.migrate_try_parameters, state._c)
    except ParameterError as error:
        return f"refused: {error.message}"
    ignored = lib.migration_parameter_ignored(state.build._c, PARAMETERS[name])
    return "accepted and ignored" if ignored else "accepted"
