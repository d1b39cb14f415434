# SPDX-License-Identifier: GPL-2.0-or-later

"""``pymig probe``: what can this host do?"""

from __future__ import annotations

from pymig.cli.arguments import UsageError
from pymig.cli.text import BOLD, GREEN, RED, YELLOW, print_json, print_table, printable, styled
from pymig.cli.values import ACCEPTED, NOT_ANSWERED, REFUSED, memory
from pymig.host.checks import CHECKS, ERROR, FAIL, OF_A_REPORT, PASS, WARN, ask
from pymig.host.checks import NAMES as CHECK_NAMES
from pymig.host.diagnosis import error_text
from pymig.host.formats import FORMATS
from pymig.host.place import pid_of_machine, qemu_processes
from pymig.host.probe import probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any

    from pymig.host.checks import CheckResult
    from pymig.host.report import Diagnosis, HostReport


STYLES = {PASS: GREEN, WARN: YELLOW, FAIL: RED, ERROR: RED}


def run(options: argparse.Namespace) -> int:
    """Probes this host, and prints the results; returns the exit status."""
    if options.list:
        print_table([(name, words) for name, words, _ in CHECKS])
        return ACCEPTED
    names: Sequence[str] = options.only or CHECK_NAMES
    places = _places(options)
    if options.pid != "auto":
        document, status = _probed(options, names, places[0])
        if options.json:
            print_json(document)
        return status
    results = [_probed(options, names, place) for place in places]
    if options.json:
        print_json(
            {"processes": [{"pid": place["pid"], **result[0]} for place, result in zip(places, results, strict=True)]}
        )
    return max(status for _, status in results)


def _places(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Where to ask, as arguments of probe()."""
    given = [name for name in ("pid", "user", "vm") if getattr(options, name) is not None]
    if len(given) > 1:
        raise UsageError(f"--{given[0]} and --{given[1]} can't be given together")
    if options.pid == "auto" and options.format:
        raise UsageError("--format: it is for one place, not for --pid auto")
    if options.pid == "auto":
        pids = qemu_processes()
        if not pids:
            raise UsageError("--pid auto: no QEMU is running on this machine, or none that this user may see")
        return [{"pid": pid} for pid in pids]
    if options.pid is not None:
        return [{"pid": _pid(options.pid, "--pid")}]
    if options.vm is not None:
        return [{"pid": _pid_of_vm(options.vm)}]
    return [{} if options.user is None else {"user": options.user}]


def _pid(text: str, option: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - digits of 2**31
        raise UsageError(f"{option} {text}: write the number of a process, or auto")
    return int(text)


def _pid_of_vm(name: str) -> int:
    """The number in libvirt's file for this machine."""
    if "/" in name:
        raise UsageError(f"--vm {name}: write the name of a machine")
    try:
        return pid_of_machine(name)
    except (OSError, ValueError) as error:
        raise UsageError(f"--vm {name}: no such running machine of libvirt's: {error}") from None


def _probed(options: argparse.Namespace, names: Sequence[str], place: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Probes in one place and, unless it is for JSON, prints the results. Returns the document and the exit status."""
    report = _report(options, names, place)
    answers = ask(report, names)
    if options.format:
        print(*FORMATS[options.format](answers), sep="\n")
    elif not options.json:
        if place:
            print(styled(f"in the place of {_shown(place)}:", BOLD))
        _print_report(report, answers)
    document = {**(report.to_dict() if report else {}), "questions": [answer.to_dict() for answer in answers]}
    return document, _status(answers, strict=options.strict)


def _status(answers: Sequence[CheckResult], *, strict: bool) -> int:
    statuses = {answer.status for answer in answers}
    if ERROR in statuses:
        return NOT_ANSWERED
    return REFUSED if FAIL in statuses or (strict and WARN in statuses) else ACCEPTED


def _shown(place: dict[str, Any]) -> str:
    (kind, value), *_ = place.items()
    return f"user {value}" if kind == "user" else f"process {value}"


def _report(options: argparse.Namespace, names: Sequence[str], place: dict[str, Any]) -> HostReport | None:
    """What the probe finds; None if no check reads it."""
    reads_memory = OF_A_REPORT.union({"memlock"} if options.memory else ())
    if not place and not reads_memory.intersection(names):
        if options.memory:
            raise UsageError("--memory: none of the checks in --only looks at the guest's memory")
        return None
    if not place:
        try:
            return probe(memory(options.memory))
        except OSError as error:
            raise UsageError(f"--memory: {error}") from None
    given: dict[str, Any] = {"memory": memory(options.memory)} if options.memory else {}
    try:
        return probe(**given, **place, ptrace=not options.no_ptrace)
    except ValueError as error:
        raise UsageError(f"--user: {error}") from None
    except OSError as error:
        raise UsageError(error.strerror or str(error)) from None


def _print_report(report: HostReport | None, answers: Sequence[CheckResult]) -> None:
    for answer in answers:
        status = styled(f"{answer.status:<5}", STYLES[answer.status])
        print(f"  HOST: Checking {answer.question:<52}: {status} ({answer.detail})")
    if report:
        print(f"  userfaultfd features: {', '.join(report.features) or 'unknown'}")
        for what, error in report.incomplete:
            print(styled(f"  not taken on, so the process may get another answer: {what}: {error_text(error)}", YELLOW))
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
