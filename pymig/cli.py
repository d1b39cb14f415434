"""The command line: ``pymig check``, ``pymig probe``, ``pymig list``."""

from __future__ import annotations

import argparse
import os
import sys

from pymig import __version__
from pymig.build import QemuBuild
from pymig.capability import CapabilitySet
from pymig.checker import Checker
from pymig.errors import MigrationError, UnknownCapabilityError
from pymig.host import Host, probe
from pymig.state import PARAMETER_TYPES, MigrationState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TextIO

    from pymig.verdict import Verdict

ACCEPTED, REFUSED, WRONG_USAGE = 0, 1, 2

WITHOUT = {
    "live-block-migration": "live_block_migration",
    "replication": "replication",
    "linux": "linux",
    "zstd": "zstd",
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
    except (UsageError, MigrationError, ValueError) as error:
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
        epilog="Exit status: 0 accepted or supported, 1 refused or not supported, 2 wrong usage.",
    )
    parser.add_argument("--version", action="version", version=f"pymig {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_check(commands)
    _add_probe(commands)
    _add_list(commands)
    return parser


def _add_qemu(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--qemu",
        metavar="RELEASE",
        default=QemuBuild().release,
        help=f"which release is asked: {', '.join(QemuBuild.releases())} (default: %(default)s)",
    )
    command.add_argument(
        "--without",
        nargs="+",
        action="extend",
        default=[],
        choices=WITHOUT,
        metavar="WHAT",
        help=f"what it was built without: {', '.join(WITHOUT)}",
    )


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
    command.add_argument("--incoming", action="store_true", help="QEMU waits for an incoming migration")
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
        description="Asks this host's kernel what QEMU would ask it, by trying it.",
    )
    _add_json(command)
    command.set_defaults(run=_probe)


def _add_list(commands: Any) -> None:
    command = commands.add_parser(
        "list",
        help="which capabilities and parameters are there?",
        description="Lists a release's capabilities, and its parameters with their defaults.",
    )
    _add_qemu(command)
    _add_json(command)
    command.set_defaults(run=_list)


def _build(options: argparse.Namespace) -> QemuBuild:
    return QemuBuild(options.qemu, **{WITHOUT[what]: False for what in options.without})


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
    checker = Checker(
        _build(options),
        _host(options.host),
        incoming=options.incoming,
        parameters=_parameters(options.parameter),
    )
    new, old = CapabilitySet(options.names), CapabilitySet(options.old)
    first = checker.check(new, old)
    verdicts = checker.explain(new, old) if options.all else [first] * (not first.ok)
    if options.json:
        _print_json(
            {
                "qemu": checker.build.release,
                "incoming": checker.incoming,
                "capabilities": list(new),
                "old": list(old),
                "ok": first.ok,
                "refusals": [_as_json(checker, verdict, new, old) for verdict in verdicts],
            }
        )
    elif first.ok:
        print(f"{_styled('accepted', GREEN)}  QEMU {checker.build.release}: {', '.join(new) or 'no capability'}")
    else:
        for verdict in verdicts:
            print(f"{_styled('refused', RED)}  {verdict.message}")
            _print_table(_details(checker, verdict, new, old), "         ")
    return ACCEPTED if first.ok else REFUSED


def _reason(checker: Checker, verdict: Verdict) -> str | None:
    """What QEMU logs beside its answer, where the host is the reason."""
    return checker.host.postcopy.message if verdict.rule == "postcopy-ram/host" else None


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
    report = probe()
    supported = report.postcopy.ok and report.write_tracking == "compatible"
    if options.json:
        print(report.to_json())
        return ACCEPTED if supported else REFUSED
    yes, no = _styled("yes", GREEN), _styled("no", RED)
    opens = f"by the {report.userfaultfd}" if report.userfaultfd else f"no: {os.strerror(report.errno)}"
    rows = [
        ("userfaultfd opens", opens),
        ("its features", ", ".join(report.features) or "unknown"),
        ("write tracking", report.write_tracking),
        ("background-snapshot", yes if report.write_tracking == "compatible" else no),
        ("incoming postcopy-ram", yes if report.postcopy else f"{no}: {report.postcopy.message}"),
    ]
    _print_table(rows)
    return ACCEPTED if supported else REFUSED


def _list(options: argparse.Namespace) -> int:
    build = _build(options)
    defaults = MigrationState(build, Host()).query_parameters()
    if options.json:
        _print_json(
            {
                "qemu": build.release,
                "capabilities": [
                    {
                        "name": name,
                        "bit": CapabilitySet([name]).mask.bit_length() - 1,
                        "unstable": name in build.unstable,
                        "listed": name in build.listed,
                    }
                    for name in build.capabilities
                ],
                "parameters": [{"name": name, "default": default} for name, default in defaults.items()],
            }
        )
        return ACCEPTED
    print(_styled(f"Capabilities of QEMU {build.release}", BOLD))
    marks = dict.fromkeys(build.unstable, "unstable")
    marks.update(dict.fromkeys(build.capabilities - build.listed, "not built in"))
    _print_table([(name, marks.get(name, "")) for name in build.capabilities], "  ")
    print(_styled("Parameters and their defaults", BOLD))
    _print_table([(name, _shown(default)) for name, default in defaults.items()], "  ")
    return ACCEPTED


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return str(default) or '""'
