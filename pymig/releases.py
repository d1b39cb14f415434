"""What changes from one release to another."""

from __future__ import annotations

from pymig.build import require_build
from pymig.capability import CapabilitySet, mask_of_names
from pymig.checker import Checker
from pymig.errors import UnknownCapabilityError
from pymig.frozen import Value
from pymig.host import Host
from pymig.verdict import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from pymig.build import QemuBuild


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
        answers: for each set that was asked about and is answered otherwise: the set and the two verdicts.
    """

    __slots__ = (
        "added",
        "after",
        "answers",
        "before",
        "deprecated",
        "removed",
        "rules_added",
        "rules_changed",
        "rules_removed",
    )

    before: QemuBuild
    after: QemuBuild
    added: CapabilitySet
    removed: CapabilitySet
    deprecated: CapabilitySet
    rules_added: tuple[Verdict, ...]
    rules_removed: tuple[Verdict, ...]
    rules_changed: tuple[tuple[Verdict, Verdict], ...]
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
        answers=tuple(answer for answer in answers if _said(answer[1]) != _said(answer[2])),
    )


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
