"""``pymig check``: would QEMU accept these capabilities?"""

from __future__ import annotations

from pymig.checker import Checker
from pymig.cli.text import GREEN, RED, YELLOW, print_json, print_table, styled
from pymig.cli.values import ACCEPTED, REFUSED, builds, circumstances, host, parameters
from pymig.difference import answer_of
from pymig.host.host import Host
from pymig.qemu.capability import CapabilitySet

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from pymig.qemu.build import QemuBuild
    from pymig.qemu.fault import KnownFault
    from pymig.verdict import Verdict


def run(options: argparse.Namespace) -> int:
    """Checks, and prints the answer; returns the exit status."""
    qemus, asked = builds(options), host(options.host) or Host.local()
    keywords, given = circumstances(options), parameters(options.parameter)
    checkers = [Checker(qemu, asked, parameters=given, **keywords) for qemu in qemus]
    new, old = CapabilitySet(options.names), CapabilitySet(options.old)
    if len(checkers) == 1:
        return _check_one(checkers[0], new, old, options)
    return _check_each(checkers, new, old, options)


def _check_one(checker: Checker, new: CapabilitySet, old: CapabilitySet, options: argparse.Namespace) -> int:
    first = checker.check(new, old)
    verdicts = checker.explain(new, old) if options.all else [first] * (not first.ok)
    if options.json:
        print_json(_checked_as_json(checker, new, old, first, verdicts))
        return ACCEPTED if first.ok else REFUSED
    for difference in checker.build.downstream:
        print(f"{styled('note', YELLOW)}      {difference}")
    for warning in first.warnings:
        print(f"{styled('warning', YELLOW)}   {warning}")
    for fault in _faults(checker.build, new) if first.ok else ():
        print(f"{styled('fault', YELLOW)}     {fault}")
    if first.ok:
        print(f"{styled('accepted', GREEN)}  QEMU {checker.build.release}: {', '.join(new) or 'no capability'}")
    for verdict in verdicts:
        print(f"{styled('refused', RED)}  {verdict.message}")
        print_table(_details(checker, verdict, new, old), "         ")
    return ACCEPTED if first.ok else REFUSED


def _faults(build: QemuBuild, new: CapabilitySet) -> list[KnownFault]:
    """The known faults of the build that wait for whoever migrates with these capabilities on."""
    return [fault for fault in build.known_faults if fault.capabilities & new and fault.command.startswith("migrate")]


def _checked_as_json(
    checker: Checker, new: CapabilitySet, old: CapabilitySet, first: Verdict, verdicts: Iterable[Verdict]
) -> dict[str, object]:
    return {
        "qemu": checker.build.release,
        "downstream": list(checker.build.downstream),
        "incoming": checker.incoming,
        "capabilities": list(new),
        "old": list(old),
        "ok": first.ok,
        "warnings": list(first.warnings),
        "known_faults": [fault.to_dict() for fault in _faults(checker.build, new)],
        "refusals": [_as_json(checker, verdict, new, old) for verdict in verdicts],
    }


def _check_each(
    checkers: Iterable[Checker], new: CapabilitySet, old: CapabilitySet, options: argparse.Namespace
) -> int:
    """A row a release."""
    answers = [(checker, answer_of(checker, new, old)) for checker in checkers]
    if options.json:
        rows = [
            {
                "qemu": checker.build.release,
                "ok": verdict.ok,
                "rule": verdict.rule,
                "message": verdict.message,
                "warnings": list(verdict.warnings),
            }
            for checker, verdict in answers
        ]
        print_json({"capabilities": list(new), "old": list(old), "answers": rows})
    else:
        width = max(len(checker.build.release) for checker, _ in answers)
        for checker, verdict in answers:
            answer = styled("accepted", GREEN) if verdict.ok else styled("refused ", RED)
            said = "; ".join((*([verdict.message] if verdict.message else []), *verdict.warnings))
            print(f"{checker.build.release:<{width}}  {answer}  {said}".rstrip())
    return ACCEPTED if all(verdict.ok for _, verdict in answers) else REFUSED


def _reason(checker: Checker, verdict: Verdict) -> str | None:
    """What QEMU logs beside its answer, where the host is the reason."""
    logged = verdict.rule == "postcopy-ram/host" and verdict.code in checker.build._plain
    return checker.host.postcopy.message if logged else None


def _helps(checker: Checker, verdict: Verdict, new: CapabilitySet, old: CapabilitySet) -> list[str]:
    """The single changes after which QEMU accepts; each was checked."""
    changes = []
    for name in verdict.capabilities:
        one = CapabilitySet([name])
        if checker.check(new ^ one, old):
            changes.append(f"without {name}" if name in new else f"with {name}")
    return changes


def _details(checker: Checker, verdict: Verdict, new: CapabilitySet, old: CapabilitySet) -> list[tuple[str, str]]:
    details = [("rule", verdict.rule)]
    if reason := _reason(checker, verdict):
        details += [("reason", line) for line in reason.splitlines()]
    if verdict.hint:
        details.append(("hint", verdict.hint))
    details += [("accepted", change) for change in _helps(checker, verdict, new, old)]
    return details


def _as_json(checker: Checker, verdict: Verdict, new: CapabilitySet, old: CapabilitySet) -> dict[str, object]:
    return {
        "code": verdict.code,
        "rule": verdict.rule,
        "message": verdict.message,
        "hint": verdict.hint,
        "reason": _reason(checker, verdict),
        "capabilities": list(verdict.capabilities),
        "accepted": _helps(checker, verdict, new, old),
    }
