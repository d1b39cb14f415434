"""``pymig probe``: what can this host do?"""

from __future__ import annotations

from pymig.cli.arguments import UsageError
from pymig.cli.text import BOLD, GREEN, RED, YELLOW, print_json, print_table, printable, styled
from pymig.cli.values import ACCEPTED, NOT_ANSWERED, REFUSED, memory
from pymig.host.checks import CHECKS, ERROR, FAIL, OF_A_REPORT, PASS, WARN, ask
from pymig.host.checks import NAMES as CHECK_NAMES
from pymig.host.probe import probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pymig.host.checks import CheckResult
    from pymig.host.report import Diagnosis, HostReport


STYLES = {PASS: GREEN, WARN: YELLOW, FAIL: RED, ERROR: RED}


def run(options: argparse.Namespace) -> int:
    """Probes this host, and prints the results; returns the exit status."""
    if options.list:
        print_table([(name, words) for name, words, _ in CHECKS])
        return ACCEPTED
    names = options.only or CHECK_NAMES
    report = _report(options, names)
    answers = ask(report, names)
    if options.json:
        print_json({**(report.to_dict() if report else {}), "questions": [answer.to_dict() for answer in answers]})
    else:
        _print_report(report, answers)
    statuses = {answer.status for answer in answers}
    if ERROR in statuses:
        return NOT_ANSWERED
    return REFUSED if FAIL in statuses or (options.strict and WARN in statuses) else ACCEPTED


def _report(options: argparse.Namespace, names: Sequence[str]) -> HostReport | None:
    """What the probe finds; None if no check reads it."""
    if not OF_A_REPORT.intersection(names):
        if options.memory:
            raise UsageError("--memory: none of the checks in --only looks at the guest's memory")
        return None
    try:
        return probe(memory(options.memory))
    except OSError as error:
        raise UsageError(f"--memory: {error}") from None


def _print_report(report: HostReport | None, answers: Sequence[CheckResult]) -> None:
    for answer in answers:
        status = styled(f"{answer.status:<5}", STYLES[answer.status])
        print(f"  HOST: Checking {answer.question:<52}: {status} ({answer.detail})")
    if report:
        print(f"  userfaultfd features: {', '.join(report.features) or 'unknown'}")
    if report and any(answer.status in (FAIL, ERROR) for answer in answers):
        for entry in report.diagnosis:
            _print_diagnosis(entry)
    counts = [f"{sum(answer.status == status for answer in answers)} {status}" for status in STYLES]
    print(f"\n{', '.join(counts)}")


def _print_diagnosis(entry: Diagnosis) -> None:
    print(f"\n{styled(entry.what, BOLD)}: {entry.cause}")
    print_table([(name, printable(value)) for name, value in entry.evidence.items()], "    ")
    for i, line in enumerate(entry.remedy.splitlines()):
        print(f"  {'remedy:' if i == 0 else '       '} {line}")
