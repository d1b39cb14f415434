"""The command line: ``pymig check``, ``pymig probe``, ``pymig list``."""

from __future__ import annotations

import argparse
import os
import sys

from pymig import __version__
from pymig._core import lib
from pymig.build import QemuBuild
from pymig.capability import CapabilitySet
from pymig.checker import Checker
from pymig.errors import MigrationError, QemuBinaryError, UnknownCapabilityError
from pymig.host import Host
from pymig.memory import Memory
from pymig.questions import ERROR, FAIL, PASS, QUESTIONS, WARN, ask
from pymig.questions import NAMES as QUESTION_NAMES
from pymig.releases import answer_of, diff
from pymig.report import probe
from pymig.state import PARAMETER_TYPES, PARAMETERS, MigrationState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TextIO

    from pymig.diagnosis import Diagnosis
    from pymig.questions import Answer
    from pymig.releases import ReleaseDifference
    from pymig.report import HostReport
    from pymig.verdict import Verdict

ACCEPTED, REFUSED, WRONG_USAGE = 0, 1, 2

WITHOUT = {
    "live-block-migration": "live_block_migration",
    "replication": "replication",
    "linux": "linux",
    "zstd": "zstd",
}

CIRCUMSTANCES = {
    "incoming": "QEMU waits for an incoming migration",
    "incoming-started": "and a listening socket of it is open (looked at from 8.1 on)",
    "kvm-dirty-ring": "KVM runs with its dirty ring (from 8.1 on)",
    "rdma": "an RDMA migration is set up (from 10.1 on)",
    "single-channel": "the incoming transport can't carry several channels (7.2 alone)",
}

GREEN, YELLOW, RED, BOLD = "32", "33", "31", "1"


class UsageError(Exception):
    """What was asked makes no sense; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        status = run(options)
        sys.stdout.flush()
    except (UsageError, MigrationError, QemuBinaryError, ValueError) as error:
        print(f"pymig {options.command}: {_explained(error)}", file=sys.stderr)
        return WRONG_USAGE
    except BrokenPipeError:
        # Whoever read has seen enough; keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    return status


def _explained(error: Exception) -> str:
    if isinstance(error, UnknownCapabilityError):
        close = ", ".join(error.suggestions)
        return f"{error}{f'; did you mean {close}?' if close else '; see pymig list'}"
    return str(error)


# ---- Arguments ----


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pymig",
        description="Would this QEMU accept these migration capabilities on this host, and if not, why?",
        epilog="Exit status: 0 accepted or supported, 1 refused or not supported, 2 wrong usage or not found out.",
    )
    parser.add_argument("--version", action="version", version=f"pymig {__version__}")
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=("bash", "zsh", "tcsh"),
        help="for the shell to complete words",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_check(commands)
    _add_probe(commands)
    _add_diff(commands)
    _add_list(commands)
    return parser


class _PrintCompletion(argparse.Action):
    """Prints a script for the shell, made by shtab, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *arguments: Any, **_: Any) -> None:
        try:
            import shtab  # noqa: PLC0415 - an extra
        except ImportError:
            parser.error("--print-completion needs the package shtab: pip install 'pymig[completion]'")
        print(shtab.complete(parser, arguments[1]))
        parser.exit()


def _add_qemu(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--qemu",
        metavar="RELEASE",
        action="append",
        help=f"which QEMU: {', '.join(QemuBuild.releases())}, or the path of a binary to ask "
        f"(default: {QemuBuild().release}, the reference)",
    )
    _add_without(command)


def _add_without(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--without",
        nargs="+",
        action="extend",
        default=[],
        choices=WITHOUT,
        metavar="WHAT",
        help=f"what it was built without: {', '.join(WITHOUT)}",
    )


def _add_circumstances(command: argparse.ArgumentParser) -> None:
    for name, told in CIRCUMSTANCES.items():
        spellings = dict.fromkeys((f"--{name}", f"--{name.replace('-', '_')}"))  # the second as the keyword in Python
        command.add_argument(*spellings, action="store_true", help=told)


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON, for programs")


def _add_check(commands: Any) -> None:
    command = commands.add_parser(
        "check",
        help="would QEMU accept these capabilities?",
        description="Would QEMU accept these capabilities? Where its answer depends on the host, this host is asked.",
    )
    command.add_argument("names", nargs="*", metavar="NAME", help="a capability that would be on, e.g. multifd")
    command.add_argument("--old", nargs="+", action="extend", default=[], metavar="NAME", help="one that is on before")
    _add_circumstances(command)
    _add_qemu(command)
    command.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="K=V",
        help="a migration parameter that is set, e.g. multifd-compression=zstd",
    )
    command.add_argument(
        "--host", metavar="FILE", help="another host's facts, as 'pymig probe --json' printed them there; - is stdin"
    )
    command.add_argument("--all", action="store_true", help="show every rule that refuses, not only the first")
    _add_json(command)
    command.set_defaults(run=_check)


def _add_probe(commands: Any) -> None:
    command = commands.add_parser(
        "probe",
        help="what can this host do?",
        description="Asks this host's kernel what QEMU would ask it, by trying it; says why something is missing, and "
        "what helps. Exit status: 0, 1 with a FAIL (with --strict, a WARN too), 2 with an ERROR.",
    )
    command.add_argument(
        "--memory",
        action="append",
        default=[],
        metavar="KIND[:PATH][,OPTION...]",
        help="what backs the guest's memory: anonymous, memfd or file:PATH, with share, readonly, size=BYTES, "
        "page_size=BYTES (with K, M or G); may be given more than once (default: anonymous)",
    )
    command.add_argument("--strict", action="store_true", help="exit with 1 for a WARN, too")
    command.add_argument("--only", action="append", metavar="NAME", choices=QUESTION_NAMES, help="ask this alone")
    command.add_argument("--list", action="store_true", help="name the questions, and ask nothing")
    _add_json(command)
    command.set_defaults(run=_probe)


def _add_diff(commands: Any) -> None:
    command = commands.add_parser(
        "diff",
        help="what changes from one release to another?",
        description="What changes from one release to another: capabilities, rules, and the answer to a set of names.",
    )
    command.add_argument("before", metavar="RELEASE")
    command.add_argument("after", metavar="RELEASE")
    command.add_argument("names", nargs="*", metavar="NAME", help="a set of capabilities to compare the answers for")
    _add_circumstances(command)
    _add_without(command)
    _add_json(command)
    command.set_defaults(run=_diff)


def _add_list(commands: Any) -> None:
    command = commands.add_parser(
        "list",
        help="which capabilities and parameters are there?",
        description="Lists a release's capabilities, and its parameters with their defaults.",
    )
    _add_qemu(command)
    _add_json(command)
    command.set_defaults(run=_list)


def _builds(options: argparse.Namespace) -> list[QemuBuild]:
    names = options.qemu or [QemuBuild().release]
    if names == ["all"]:
        names = QemuBuild.releases()
    return [_build(name, options.without) for name in names]


def _build(name: str, without: Iterable[str]) -> QemuBuild:
    if "/" in name:
        if without:
            raise UsageError("--without can't be said of a binary: it is asked")
        return QemuBuild.from_binary(name)
    return QemuBuild(name, **{WITHOUT[what]: False for what in without})


def _circumstances(options: argparse.Namespace) -> dict[str, bool]:
    names = (name.replace("-", "_") for name in CIRCUMSTANCES)
    return {name: getattr(options, name) for name in names}


UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def _memory(text: str) -> Memory:
    """KIND[:PATH][,share][,readonly][,size=BYTES][,page_size=BYTES]."""
    backing, *options = text.split(",")
    kind, colon, path = backing.partition(":")
    keywords: dict[str, Any] = {"path": path} if colon else {}
    for option in options:
        name, equals, value = option.partition("=")
        if option in ("share", "readonly"):
            keywords[option] = True
        elif equals and name in ("size", "page_size"):
            keywords[name] = _bytes(value)
        else:
            raise UsageError(f"--memory {text}: {option!r} is not share, readonly, size=BYTES or page_size=BYTES")
    return Memory(kind, **keywords)


def _bytes(text: str) -> int:
    number, unit = (text[:-1], UNITS[text[-1]]) if text[-1:] in UNITS else (text, 1)
    if not (number.isascii() and number.isdigit()):
        raise UsageError(f"{text!r} is not a number of bytes; write e.g. 2M")
    return int(number) * unit


def _parameters(assignments: Iterable[str]) -> dict[str, object]:
    """K=V as QMP would have it: V is read as the parameter's type wants it."""
    parameters: dict[str, object] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"--parameter {assignment}: write NAME=VALUE")
        parameters[name] = _value(name, text)
    return parameters


def _value(name: str, text: str) -> object:
    kind = PARAMETER_TYPES.get(name, "str")
    if kind == "bool":
        switches = {"on": True, "true": True, "off": False, "false": False}
        if text not in switches:
            raise UsageError(f"--parameter {name}={text}: write on or off")
        return switches[text]
    if kind == "list":
        return text.split(",") if text else []
    if kind == "int":
        try:
            return int(text, 0)
        except ValueError:
            raise UsageError(f"--parameter {name}={text}: write a whole number") from None
    return text


def _host(file: str | None) -> Host | None:
    if file is None:
        return None
    try:
        if file == "-":
            return Host.from_json(sys.stdin.read())
        with open(file, encoding="utf-8") as facts:  # noqa: PTH123 - pathlib takes longer to import than a check
            return Host.from_json(facts.read())
    except OSError as error:
        raise UsageError(f"--host {file}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--host {file}: {error}") from None


# ---- Text ----


def _styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """In colour on a terminal, plain elsewhere; https://no-color.org."""
    terminal = (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\033[{style}m{text}\033[0m" if terminal else text


def _print_json(value: object) -> None:
    import json  # noqa: PLC0415 - only where it is asked for

    print(json.dumps(value, indent=2))


def _print_table(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print((indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip())


# ---- Commands ----


def _check(options: argparse.Namespace) -> int:
    builds, host = _builds(options), _host(options.host) or Host.local()
    circumstances, parameters = _circumstances(options), _parameters(options.parameter)
    checkers = [Checker(build, host, parameters=parameters, **circumstances) for build in builds]
    new, old = CapabilitySet(options.names), CapabilitySet(options.old)
    return (
        _check_one(checkers[0], new, old, options) if len(checkers) == 1 else _check_each(checkers, new, old, options)
    )


def _check_one(checker: Checker, new: CapabilitySet, old: CapabilitySet, options: argparse.Namespace) -> int:
    first = checker.check(new, old)
    verdicts = checker.explain(new, old) if options.all else [first] * (not first.ok)
    if options.json:
        _print_json(_checked_as_json(checker, new, old, first, verdicts))
        return ACCEPTED if first.ok else REFUSED
    for difference in checker.build.downstream:
        print(f"{_styled('note', YELLOW)}      {difference}")
    for warning in first.warnings:
        print(f"{_styled('warning', YELLOW)}   {warning}")
    if first.ok:
        print(f"{_styled('accepted', GREEN)}  QEMU {checker.build.release}: {', '.join(new) or 'no capability'}")
    for verdict in verdicts:
        print(f"{_styled('refused', RED)}  {verdict.message}")
        _print_table(_details(checker, verdict, new, old), "         ")
    return ACCEPTED if first.ok else REFUSED


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
        _print_json({"capabilities": list(new), "old": list(old), "answers": rows})
    else:
        width = max(len(checker.build.release) for checker, _ in answers)
        for checker, verdict in answers:
            answer = _styled("accepted", GREEN) if verdict.ok else _styled("refused ", RED)
            said = "; ".join((*([verdict.message] if verdict.message else []), *verdict.warnings))
            print(f"{checker.build.release:<{width}}  {answer}  {said}".rstrip())
    return ACCEPTED if all(verdict.ok for _, verdict in answers) else REFUSED


def _reason(checker: Checker, verdict: Verdict) -> str | None:
    """What QEMU logs beside its answer, where the host is the reason."""
    logged = verdict.rule == "postcopy-ram/host" and verdict.code not in checker.build._reasoned
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


def _probe(options: argparse.Namespace) -> int:
    if options.list:
        _print_table([(name, words) for name, words, _ in QUESTIONS])
        return ACCEPTED
    memory = [_memory(text) for text in options.memory] or [Memory()]
    try:
        report = probe(memory)
    except OSError as error:
        raise UsageError(f"--memory: {error}") from None
    answers = ask(report, options.only or QUESTION_NAMES)
    if options.json:
        _print_json({**report.facts(), "questions": [answer.to_dict() for answer in answers]})
    else:
        _print_report(report, answers)
    statuses = {answer.status for answer in answers}
    if ERROR in statuses:
        return WRONG_USAGE
    return REFUSED if FAIL in statuses or (options.strict and WARN in statuses) else ACCEPTED


STYLES = {PASS: GREEN, WARN: YELLOW, FAIL: RED, ERROR: RED}


def _print_report(report: HostReport, answers: Sequence[Answer]) -> None:
    for answer in answers:
        status = _styled(f"{answer.status:<5}", STYLES[answer.status])
        print(f"  HOST: Checking {answer.question:<52}: {status} ({answer.detail})")
    print(f"  userfaultfd features: {', '.join(report.features) or 'unknown'}")
    if any(answer.status in (FAIL, ERROR) for answer in answers):
        for entry in report.diagnosis:
            _print_diagnosis(entry)
    counts = [f"{sum(answer.status == status for answer in answers)} {status}" for status in STYLES]
    print(f"\n{', '.join(counts)}")


def _print_diagnosis(entry: Diagnosis) -> None:
    print(f"\n{_styled(entry.what, BOLD)}: {entry.cause}")
    _print_table(list(entry.evidence.items()), "    ")
    for i, line in enumerate(entry.remedy.splitlines()):
        print(f"  {'helps:' if i == 0 else '      '} {line}")


def _diff(options: argparse.Namespace) -> int:
    before, after = (_build(name, options.without) for name in (options.before, options.after))
    circumstances = _circumstances(options)
    sets = [options.names] if options.names else []
    difference = diff(before, after, sets, host=None, **circumstances)
    if options.json:
        _print_json(_difference_as_json(difference))
    else:
        _print_difference(difference)
    return REFUSED if difference.answers else ACCEPTED


def _difference_as_json(difference: ReleaseDifference) -> dict[str, object]:
    return {
        "before": difference.before.release,
        "after": difference.after.release,
        "capabilities": {name: list(getattr(difference, name)) for name in ("added", "removed", "deprecated")},
        "rules": {
            "added": [[rule.rule, rule.message] for rule in difference.rules_added],
            "removed": [[rule.rule, rule.message] for rule in difference.rules_removed],
            "changed": [[old.rule, _text(old), _text(new)] for old, new in difference.rules_changed],
        },
        "answers": [
            {"capabilities": list(names), "before": _answer(old), "after": _answer(new)}
            for names, old, new in difference.answers
        ],
    }


def _text(verdict: Verdict) -> str:
    return f"{verdict.message} ({verdict.hint})" if verdict.hint else verdict.message


def _answer(verdict: Verdict) -> str:
    said = f"refused: {verdict.message}" if verdict.message else "accepted"
    return "; ".join((said, *(f"warning: {warning}" for warning in verdict.warnings)))


def _print_difference(difference: ReleaseDifference) -> None:
    rows = [
        ("capability", change, name)
        for change in ("added", "removed", "deprecated")
        for name in getattr(difference, change)
    ]
    rows += [("rule", "added", rule.message) for rule in difference.rules_added]
    rows += [("rule", "removed", rule.message) for rule in difference.rules_removed]
    for old, new in difference.rules_changed:
        reason = ": ..., the host's own reason follows" if _text(old) == _text(new) else ""
        rows.append(("rule", "changed", f"{_text(new)}{reason}"))
    for names, old, new in difference.answers:
        rows.append(("answer", "before", f"{', '.join(names)}: {_answer(old)}"))
        rows.append(("answer", "after", f"{', '.join(names)}: {_answer(new)}"))
    if rows:
        _print_table(rows)
    else:
        print(f"nothing changes from {difference.before.release} to {difference.after.release}")


def _list(options: argparse.Namespace) -> int:
    builds = _builds(options)
    if len(builds) > 1:
        raise UsageError("--qemu: list shows one release at a time; pymig diff compares two")
    (build,) = builds
    capabilities, parameters = _capability_marks(build), _parameter_marks(build)
    defaults = MigrationState(build, Host()).query_parameters()
    if options.json:
        _print_json(
            {
                "qemu": build.release,
                "downstream": list(build.downstream),
                "capabilities": [
                    {"name": name, "bit": CapabilitySet([name]).mask.bit_length() - 1, "marks": marks}
                    for name, marks in capabilities.items()
                ],
                "parameters": [
                    {"name": name, "default": default, "marks": parameters[name]} for name, default in defaults.items()
                ],
            }
        )
        return ACCEPTED
    print(_styled(f"Capabilities of QEMU {build.release}", BOLD))
    _print_table([(name, ", ".join(marks)) for name, marks in capabilities.items()], "  ")
    print(_styled("Parameters and their defaults", BOLD))
    rows = [(name, _shown(default), ", ".join(parameters[name])) for name, default in defaults.items()]
    _print_table(rows, "  ")
    return ACCEPTED


def _capability_marks(build: QemuBuild) -> dict[str, list[str]]:
    marks = {
        "unstable": build.unstable,
        "deprecated": build.deprecated,
        "not built in": build.capabilities - build.listed,
    }
    return {name: [mark for mark, names in marks.items() if name in names] for name in build.capabilities}


def _parameter_marks(build: QemuBuild) -> dict[str, list[str]]:
    marks = {
        "unstable": lib.migration_parameter_unstable,
        "deprecated": lib.migration_parameter_deprecated,
        "accepted and ignored": lib.migration_parameter_ignored,
    }
    return {name: [mark for mark, has in marks.items() if has(build._c, i)] for name, i in PARAMETERS.items()}


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return str(default) or '""'
