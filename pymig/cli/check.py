# SPDX-License-Identifier: GPL-2.0-or-later

"""``pymig check``: would QEMU accept these capabilities?"""

from __future__ import annotations

from pymig.capability import CapabilitySet
from pymig.checker import Checker, check_or_unknown
from pymig.cli.arguments import UsageError
from pymig.cli.text import GREEN, RED, YELLOW, print_json, print_table, printable, styled
from pymig.cli.values import ACCEPTED, REFUSED, builds, circumstances, host, memory, parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from pymig.qemu.build import QemuBuild
    from pymig.qemu.fault import KnownFault
    from pymig.verdict import Change, Verdict


def run(options: argparse.Namespace) -> int:
    """Checks, and prints the answer; returns the exit status."""
    _require_names(options)
    qemus, asked = builds(options), host(options)
    keywords, given = circumstances(options), parameters(options.parameter)
    checkers = [Checker(qemu, asked, parameters=given, **keywords) for qemu in qemus]
    new, old = CapabilitySet(options.names), CapabilitySet(options.old)
    if len(checkers) == 1:
        return _check_one(checkers[0], new, old, options)
    return _check_each(checkers, new, old, options)


def _require_names(options: argparse.Namespace) -> None:
    if not options.names:
        remedy = "; --old took all names: write it after them" if options.old else ", e.g. multifd"
        raise UsageError(f"the set of capabilities is empty: give at least one NAME{remedy}")


def _check_one(checker: Checker, new: CapabilitySet, old: CapabilitySet, options: argparse.Namespace) -> int:
    first = checker.check(new, old)
    verdicts = checker.explain(new, old) if options.all else [first] * (not first.ok)
    if options.json:
        print_json(_checked_as_json(checker, new, old, first, verdicts))
        return ACCEPTED if first.ok else REFUSED
    for difference in checker.build.downstream:
        print(f"{styled('note', YELLOW)}      {printable(difference)}")
    for warning in first.warnings:
        print(f"{styled('warning', YELLOW)}   {warning}")
    for fault in _faults(checker.build, new) if first.ok else ():
        print(f"{styled('fault', YELLOW)}     {fault}")
    if first.ok:
        print(f"{styled('accepted', GREEN)}  QEMU {checker.build.release}: {', '.join(new) or 'no capability'}")
    for verdict in verdicts:
        print(f"{styled('refused', RED)}  {verdict.message}")
        last = verdict is verdicts[-1]
        changes = [("accepted", str(change)) for change in checker.suggest(new, old)] if last else []
        leads_on = [("explain", f"pymig explain {verdict.rule}")]
        print_table([*_details(checker, verdict), *changes, *_host_causes(verdict, options), *leads_on], "         ")
    return ACCEPTED if first.ok else REFUSED


HOST_RULES = ("postcopy-ram/host", "background-snapshot/kernel", "background-snapshot/memory")


def _host_causes(verdict: Verdict, options: argparse.Namespace) -> list[tuple[str, str]]:
    """Why this host is the cause, and what helps. Another host's facts don't tell it."""
    if verdict.rule not in HOST_RULES or options.host is not None:
        return []
    from pymig.host.probe import probe  # noqa: PLC0415 - rare

    rows = []
    for entry in probe(memory(options.memory)).diagnosis:
        rows.append(("cause", f"{entry.what}: {entry.cause}"))
        rows += [("remedy" if not number else "", line) for number, line in enumerate(entry.remedy.splitlines())]
    return [(label, printable(line)) for label, line in rows]


def _faults(build: QemuBuild, new: CapabilitySet) -> list[KnownFault]:
    """The known faults of the build that a migration with these capabilities runs into."""
    return [fault for fault in build.known_faults if fault.capabilities & new and fault.command.startswith("migrate")]


def _checked_as_json(
    checker: Checker, new: CapabilitySet, old: CapabilitySet, first: Verdict, verdicts: Iterable[Verdict]
) -> dict[str, object]:
    suggestions = checker.suggest(new, old)
    return {
        "qemu": checker.build.release,
        "downstream": list(checker.build.downstream),
        "incoming": checker.incoming,
        "capabilities": list(new),
        "old": list(old),
        "ok": first.ok,
        "warnings": list(first.warnings),
        "known_faults": [fault.to_dict() for fault in _faults(checker.build, new)],
        "suggestions": [change.to_dict() for change in suggestions],
        "refusals": [_as_json(checker, verdict, suggestions) for verdict in verdicts],
    }


def _check_each(
    checkers: Iterable[Checker], new: CapabilitySet, old: CapabilitySet, options: argparse.Namespace
) -> int:
    """Prints one row per release."""
    answers = [(checker, check_or_unknown(checker, new, old)) for checker in checkers]
    refusals = [_refusals(checker, first, new, old, options) for checker, first in answers]
    if options.json:
        rows = [
            {
                "qemu": checker.build.release,
                "ok": first.ok,
                "rule": first.rule,
                "message": first.message,
                "warnings": list(first.warnings),
                "refusals": [verdict.to_dict() for verdict in refusing],
            }
            for (checker, first), refusing in zip(answers, refusals, strict=True)
        ]
        print_json({"capabilities": list(new), "old": list(old), "answers": rows})
    else:
        width = max(len(checker.build.release) for checker, _ in answers)
        for (checker, first), refusing in zip(answers, refusals, strict=True):
            answer = styled("accepted", GREEN) if first.ok else styled("refused ", RED)
            texts = "; ".join((*(verdict.message for verdict in refusing), *first.warnings))
            print(f"{checker.build.release:<{width}}  {answer}  {texts}".rstrip())
    return ACCEPTED if all(first.ok for _, first in answers) else REFUSED


def _refusals(
    checker: Checker, first: Verdict, new: CapabilitySet, old: CapabilitySet, options: argparse.Namespace
) -> Sequence[Verdict]:
    """The first rule that refuses; with --all, every one."""
    if first.ok:
        return []
    return checker.explain(new, old) if options.all and first.code >= 0 else [first]


def _reason(checker: Checker, verdict: Verdict) -> str | None:
    """The host's reason, if QEMU logs it instead of adding it to its answer."""
    logged = verdict.rule == "postcopy-ram/host" and verdict.code in checker.build._static_verdicts
    return checker.host.postcopy.message if logged else None


def _details(checker: Checker, verdict: Verdict) -> list[tuple[str, str]]:
    details = [("release", checker.build.release), ("rule", verdict.rule)]
    if reason := _reason(checker, verdict):
        details += [("reason", line) for line in printable(reason).splitlines()]
    if verdict.hint:
        details.append(("hint", verdict.hint))
    return details


def _as_json(checker: Checker, verdict: Verdict, suggestions: Sequence[Change]) -> dict[str, object]:
    return {
        **verdict.to_dict(),
        "reason": _reason(checker, verdict),
        "accepted": [str(change) for change in suggestions],
    }
