"""What changes from one release to another."""

from __future__ import annotations

from pymig._core import lib
from pymig.checker import Checker
from pymig.errors import ParameterError, UnknownCapabilityError
from pymig.host.host import Host
from pymig.qemu.build import COMPRESSIONS, require_build
from pymig.qemu.capability import CapabilitySet, mask_of_names
from pymig.state import PARAMETERS, STATUSES, MigrationState, Request
from pymig.values import Value
from pymig.verdict import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from pymig.qemu.build import QemuBuild
    from pymig.qemu.fault import KnownFault


class ReleaseDifference(Value):
    """What changes from one build of QEMU to another. Immutable.

    Attributes:
        before: the one.
        after: the other.
        added: capabilities that only the other has.
        removed: capabilities that only the one has.
        deprecated: capabilities that the other marks as deprecated and the one does not.
        rules_added: verdicts of rules that only the other has.
        rules_removed: verdicts of rules that only the one has.
        rules_changed: pairs of verdicts of one rule that have another text or hint.
        parameters_added: parameters that only the other has.
        parameters_removed: parameters that only the one has.
        parameters_deprecated: parameters that the other marks as deprecated and the one does not.
        parameters_changed: for each parameter that both have and that they treat otherwise: its name, what the one
            says, and what the other says (the default of a fresh state, or the first refusal that differs).
        statuses_added: members of MigrationStatus that only the other has.
        faults_added: known faults that only the other has.
        faults_mended: known faults that only the one has.
        answers: for each set that was asked about and is answered otherwise: the set and the two verdicts.
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

    def __init__(self, **values: Any) -> None:
        self._set(**values)


def diff(
    before: QemuBuild,
    after: QemuBuild,
    sets: Iterable[Iterable[str]] = (),
    *,
    host: Host | None = None,
    **circumstances: Any,
) -> ReleaseDifference:
    """What changes from one build of QEMU to another, in general and for given sets.

    Args:
        before: the one.
        after: the other.
        sets: sets of capabilities to compare the answers for, each an iterable of names; one that a release does not
            know is refused by it as QMP would.
        host: what the host can do; one that can do everything if not given, since it is the releases that count.
        circumstances: the keywords of Checker, for both.
    """
    require_build(before)
    require_build(after)
    able = Host() if host is None else host
    one, other = (Checker(build, able, **circumstances) for build in (before, after))
    mine, theirs = before._verdicts, after._verdicts
    asked = [CapabilitySet.from_mask(mask_of_names(names, "sets")) for names in sets]
    answers = [(names, answer_of(one, names), answer_of(other, names)) for names in asked]
    return ReleaseDifference(
        before=before,
        after=after,
        added=after.capabilities - before.capabilities,
        removed=before.capabilities - after.capabilities,
        deprecated=(after.deprecated - before.deprecated) & before.capabilities,
        rules_added=tuple(theirs[code] for code in theirs if code not in mine),
        rules_removed=tuple(mine[code] for code in mine if code not in theirs),
        rules_changed=tuple(
            (mine[code], theirs[code]) for code in mine if code in theirs and _texts(one, code) != _texts(other, code)
        ),
        **_parameter_differences(before, after),
        statuses_added=tuple(name for name in STATUSES if _has_status(after, name) and not _has_status(before, name)),
        faults_added=tuple(fault for fault in after.known_faults if fault not in before.known_faults),
        faults_mended=tuple(fault for fault in before.known_faults if fault not in after.known_faults),
        answers=tuple(answer for answer in answers if _said(answer[1]) != _said(answer[2])),
    )


def _has_status(build: QemuBuild, name: str) -> bool:
    known: bool = lib.migration_status_known(build._c, STATUSES[name])
    return known


def _parameter_differences(before: QemuBuild, after: QemuBuild) -> dict[str, Any]:
    mine, theirs = (
        [name for name, i in PARAMETERS.items() if lib.migration_parameter_known(build._c, i)]
        for build in (before, after)
    )
    one, other = (MigrationState(build, Host()) for build in (before, after))
    both = [name for name in mine if name in theirs]
    said = ((name, *_what_differs(name, one, other)) for name in both)
    return {
        "parameters_added": tuple(name for name in theirs if name not in mine),
        "parameters_removed": tuple(name for name in mine if name not in theirs),
        "parameters_deprecated": tuple(
            name
            for name in both
            if lib.migration_parameter_deprecated(after._c, PARAMETERS[name])
            and not lib.migration_parameter_deprecated(before._c, PARAMETERS[name])
        ),
        "parameters_changed": tuple(entry for entry in said if len(entry) > 1),
    }


# Some of these is outside of each range, and some inside.
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
    "cpr-reboot",
    "cpr-transfer",
    "cpr-exec",
    True,
)


def _what_differs(name: str, one: MigrationState, other: MigrationState) -> tuple[str, ...]:
    """What the two say of a parameter: the first that they don't say alike, or nothing."""
    defaults = [state.query_parameters().get(name) for state in (one, other)]
    if defaults[0] != defaults[1]:
        return tuple(f"default {default!r}" for default in defaults)
    for value in _VALUES:
        answers = [_answer_to(state, name, value) for state in (one, other)]
        if answers[0] != answers[1]:
            return tuple(f"{name}={value}: {answer}" for answer in answers)
    return ()


def _answer_to(state: MigrationState, name: str, value: object) -> str:
    """What this state answers to the request, in full; nothing is changed."""
    request = Request({name: value})
    try:
        request.refused_by(lib.migrate_try_parameters, state._c)
    except ParameterError as error:
        return f"refused: {error.message}"
    ignored = lib.migration_parameter_ignored(state.build._c, PARAMETERS[name])
    return "accepted and ignored" if ignored else "accepted"


def _texts(checker: Checker, code: int) -> tuple[object, ...]:
    verdict = checker.build._verdicts[code]
    return (verdict.message, verdict.hint, code not in checker.build._plain)


def _said(verdict: Verdict) -> tuple[object, ...]:
    return (verdict.message, verdict.hint, verdict.warnings)


def answer_of(checker: Checker, new: CapabilitySet, old: CapabilitySet = CapabilitySet()) -> Verdict:  # noqa: B008
    """The checker's verdict; where the release does not know a name, QMP's refusal as a verdict of code -1."""
    try:
        return checker.check(new, old)
    except UnknownCapabilityError as error:
        return Verdict(-1, "unknown-capability", error.message, None, (), CapabilitySet([error.name]))
