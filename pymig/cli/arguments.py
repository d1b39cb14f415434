"""What the command line takes."""

from __future__ import annotations

import argparse
from functools import partial

from pymig import __version__
from pymig.host.checks import NAMES as CHECK_NAMES
from pymig.qemu.build import QemuBuild

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WITHOUT = {
    "live-block-migration": "live_block_migration",
    "replication": "replication",
    "linux": "linux",
    "zstd": "zstd",
    "direct-io": "direct_io",
}

CIRCUMSTANCES = {
    "incoming": "QEMU waits for an incoming migration",
    "incoming-started": "and a listening socket of it is open (looked at from 8.1 on)",
    "kvm-dirty-ring": "KVM runs with its dirty ring (from 8.1 on)",
    "rdma": "an RDMA migration is set up (from 10.1 on)",
    "single-channel": "the incoming transport can't carry several channels (7.2 alone)",
}


class _Parser(argparse.ArgumentParser):
    """Whose help alone asks how wide the terminal is; each argument would, and shutil takes long to import."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords, formatter_class=partial(argparse.HelpFormatter, width=80))

    def format_help(self) -> str:
        self.formatter_class = argparse.HelpFormatter
        return super().format_help()

    def format_usage(self) -> str:
        self.formatter_class = argparse.HelpFormatter
        return super().format_usage()


def parser() -> argparse.ArgumentParser:
    """Of all commands; ``command`` is the name of the one that was chosen."""
    parser = _Parser(
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
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", prog="pymig")
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
    command.add_argument("--only", action="append", metavar="NAME", choices=CHECK_NAMES, help="ask this alone")
    command.add_argument("--list", action="store_true", help="name the questions, and ask nothing")
    _add_json(command)


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


def _add_list(commands: Any) -> None:
    command = commands.add_parser(
        "list",
        help="which capabilities and parameters are there?",
        description="Lists a release's capabilities, and its parameters with their defaults.",
    )
    _add_qemu(command)
    _add_json(command)
