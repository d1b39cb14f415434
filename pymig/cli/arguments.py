# SPDX-License-Identifier: GPL-2.0-or-later

"""The arguments of the command line."""

from __future__ import annotations

import argparse
from functools import partial
from itertools import islice

from pymig import __version__
from pymig.qemu.build import QemuBuild

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

WITHOUT = {
    "live-block-migration": "live_block_migration",
    "replication": "replication",
    "linux": "linux",
    "zstd": "zstd",
    "direct-io": "direct_io",
}

CIRCUMSTANCES = {
    "incoming": "QEMU waits for an incoming migration",
    "incoming-started": "a listening socket of the incoming side is open (matters from 8.1 on)",
    "kvm-dirty-ring": "KVM runs with its dirty ring (matters from 8.1 on)",
    "rdma": "an RDMA migration is set up (matters from 10.1 on)",
    "single-channel": "the incoming transport can't carry several channels (matters only in 7.2)",
}


SHELLS = ("bash", "zsh", "tcsh", "fish")
COMPLETIONS = f"{__file__.rpartition('/')[0]}/completions"
"""The folder of the completion scripts, one for each shell."""


class UsageError(Exception):
    """Invalid command-line usage; the text says what is wrong.

    Attributes:
        usage: the usage of the command, or "".
    """

    def __init__(self, message: str, usage: str = "") -> None:
        super().__init__(message)
        self.usage = usage


class _Parser(argparse.ArgumentParser):
    """Determines the terminal's width only for a help text, because importing shutil takes long."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords, formatter_class=partial(argparse.HelpFormatter, width=80))

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, self.format_usage())

    def format_help(self) -> str:
        self.formatter_class = argparse.HelpFormatter
        return super().format_help()

    def format_usage(self) -> str:
        self.formatter_class = argparse.HelpFormatter
        return super().format_usage()


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The options; ``command`` is the name of the command. Raises UsageError."""
    if list(words[:1]) == ["virsh"]:
        return _parse_virsh(words[1:])
    return parser(*words[:1]).parse_args([_with_dashes(word) for word in words])


def _parse_virsh(words: Sequence[str]) -> argparse.Namespace:
    """The options of ``pymig virsh``, wherever they stand; ``words`` is the rest, virsh's own."""
    own: list[str] = []
    rest: list[str] = []
    left = iter(words)
    for word in left:
        name, equals, _ = word.partition("=")
        if word == "--":
            rest += (word, *left)
        elif name in VIRSH_VALUES:
            own += [word] if equals else [word, *islice(left, 1)]
        else:
            (own if word in VIRSH_SWITCHES else rest).append(word)
    options = parser("virsh").parse_args(["virsh", *own])
    options.words = rest
    return options


def _with_dashes(word: str) -> str:
    """An option as QEMU and Python spell its name: --kvm_dirty_ring is --kvm-dirty-ring."""
    dashed = word.replace("_", "-")
    return dashed if dashed.removeprefix("--") in CIRCUMSTANCES else word


def parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser of this command alone, which is made faster; of all commands if there is no such command."""
    parser = _Parser(
        prog="pymig",
        description="Would this QEMU accept these migration capabilities on this host, and if not, why? Will this "
        "migration between two ends work, and if not, where does it break?",
        epilog="Exit status: 0 accepted, supported, or the migration completes; 1 refused, not supported, or it does "
        "not complete; 2 wrong usage or not found out.",
    )
    parser.add_argument("--version", action="version", version=f"pymig {__version__}")
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=SHELLS,
        help="print a completion script for the shell",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", prog="pymig")
    for name in [command] if command in _COMMANDS else _COMMANDS:
        _COMMANDS[name](commands)
    return parser


class _PrintCompletion(argparse.Action):
    """Prints a completion script, which ``make completion`` made of this parser, and exits."""

    def __call__(self, parser: argparse.ArgumentParser, *arguments: Any, **_: Any) -> None:
        from pathlib import Path  # noqa: PLC0415 - it takes long, and is rarely needed

        print(Path(COMPLETIONS, f"pymig.{arguments[1]}").read_text(encoding="utf-8"), end="")
        parser.exit()


def _add_qemu(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--qemu",
        metavar="RELEASE",
        action="append",
        help=f"which QEMU: {', '.join(QemuBuild.releases())}, or the path of a binary to query "
        f"(default: {QemuBuild.newest().release}, the newest)",
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
        help=f"features that are not built in: {', '.join(WITHOUT)}",
    )


def _add_circumstances(command: argparse.ArgumentParser) -> None:
    for name, meaning in CIRCUMSTANCES.items():
        command.add_argument(f"--{name}", action="store_true", help=meaning)


def _add_parameter(command: argparse.ArgumentParser, meaning: str) -> None:
    command.add_argument("--parameter", action="append", default=[], metavar="K=V", help=meaning)


def _add_memory(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--memory",
        action="append",
        default=[],
        metavar="KIND[:PATH][,OPTION...]",
        help="a block of the guest's memory: anonymous, memfd or file:PATH, with share, readonly, size=BYTES, "
        "page_size=BYTES (with K, M or G); or the options of a QEMU memory backend; may be repeated "
        "(default: anonymous)",
    )


def _add_json(command: argparse._ActionsContainer) -> None:
    command.add_argument("--json", action="store_true", help="print JSON, also for errors")


def _add_check(commands: Any) -> None:
    command = commands.add_parser(
        "check",
        help="would QEMU accept these capabilities?",
        description="Would QEMU accept these capabilities? If the answer depends on the host, this host is probed.",
    )
    command.add_argument("names", nargs="*", metavar="NAME", help="a capability that would be on, e.g. multifd")
    command.add_argument(
        "--old",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="capabilities that are on before the change; write it after the others",
    )
    _add_circumstances(command)
    _add_qemu(command)
    _add_parameter(command, "a migration parameter that is set, e.g. multifd-compression=zstd")
    command.add_argument(
        "--host", metavar="FILE", help="another host's facts: what 'pymig probe --json' printed there; - is stdin"
    )
    _add_memory(command)
    command.add_argument("--all", action="store_true", help="show every rule that refuses, not only the first")
    _add_json(command)


def _add_probe(commands: Any) -> None:
    from pymig.host.checks import NAMES  # noqa: PLC0415 - other commands need none
    from pymig.host.formats import FORMATS  # noqa: PLC0415 - likewise

    command = commands.add_parser(
        "probe",
        help="what can this host do?",
        description="Probes this host's kernel with the system calls of QEMU's own probes. Prints why something is "
        "missing, and the remedy. Exit status: 0; 1 for a FAIL (with --strict, also for a WARN); 2 for an ERROR.",
    )
    _add_memory(command)
    _add_place(command)
    command.add_argument("--strict", action="store_true", help="exit with 1 also for a WARN")
    command.add_argument(
        "--only", action="append", metavar="NAME", choices=NAMES, help="run only this check; may be repeated"
    )
    command.add_argument("--list", action="store_true", help="list the checks without running them")
    formats = command.add_mutually_exclusive_group()
    _add_json(formats)
    formats.add_argument(
        "--format",
        choices=FORMATS,
        help="print the results for node_exporter's textfile collector (prometheus) or as a feature file of Node "
        "Feature Discovery (nfd)",
    )


def _add_place(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group(
        "in whose place",
        "By default this process is answered. In the place of another one, root is needed, and the "
        "guest's memory is by default that on its command line.",
    )
    group.add_argument("--pid", metavar="PID", help="a process's; auto: that of every QEMU on this machine")
    group.add_argument("--vm", metavar="NAME", help="that of the QEMU of libvirt's machine NAME")
    group.add_argument("--user", metavar="USER", help="a user's, without capabilities")
    group.add_argument(
        "--no-ptrace", action="store_true", help="never stop the process; then its seccomp filters can't be read"
    )


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
        description="Lists a release's capabilities, and its parameters with their defaults; with --presets, the "
        "products that pymig preflight knows, and their settings.",
    )
    command.add_argument("--presets", action="store_true", help="list products and their settings instead")
    _add_qemu(command)
    _add_json(command)


DEFAULT_URI = "tcp:destination:4444"


def _add_plan(command: argparse.ArgumentParser) -> None:
    """The arguments of values.plan_of()."""
    from pymig.ends.plan import ORDERS  # noqa: PLC0415 - most commands have no plan

    command.add_argument("names", nargs="*", metavar="NAME", help="a capability that is wanted, e.g. multifd")
    command.add_argument("--uri", help=f"where the source migrates to (default: {DEFAULT_URI})")
    command.add_argument("--incoming-uri", metavar="URI", help="where the destination listens (default: the same)")
    _add_parameter(command, "a migration parameter that is wanted, e.g. multifd-channels=4")
    command.add_argument("--postcopy", action="store_true", help="the migration will be switched to postcopy")
    command.add_argument(
        "--order",
        choices=ORDERS,
        help=f"which end's settings come first: {ORDERS[0]} (the default), destination-first (libvirt's), or "
        "incoming-first (Proxmox's)",
    )


MONITOR = "monitor: a path, host:port, or libvirt:DOMAIN (libvirt:URI#DOMAIN for a connection other than the default)"
END = (
    "a monitor's socket (a path or host:port), libvirt:DOMAIN (libvirt:URI#DOMAIN for a connection other than the "
    "default), a file that pymig describe wrote, or a release such as 10.0"
)


def _add_preflight(commands: Any) -> None:
    from pymig.ends.plan import DEFAULT_LIBVIRT  # noqa: PLC0415 - likewise

    command = commands.add_parser(
        "preflight",
        help="will this migration work, and if not, where does it break?",
        description="Will this migration between two ends work? Prints the commands that carry it out, each with the "
        "answer that QEMU will give, then what happens in the stream, and where the guest is then. Nothing is sent, "
        "except with --apply. Exit status: 0 if the migration completes, or waits as designed, without an error (and, "
        "with --apply, if every command was accepted); else 1.",
    )
    command.add_argument("--source", required=True, metavar="END", help=END)
    command.add_argument("--destination", required=True, metavar="END", help="likewise")
    _add_plan(command)
    command.add_argument(
        "--preset",
        metavar="PRODUCT[@VERSION][:SETTING=VALUE,...]",
        help="what a product wants, in place of names, e.g. kubevirt@1.9:allowPostCopy=true,parallel=8; pymig list "
        "--presets lists them",
    )
    command.add_argument(
        "--libvirt", metavar="VERSION", help=f"with --preset: which libvirt it uses (default: {DEFAULT_LIBVIRT})"
    )
    command.add_argument(
        "--apply",
        action="store_true",
        help="if nothing is wrong, set the capabilities and parameters at both ends, which must be monitors; if QEMU "
        "refuses, put both back as they were",
    )
    command.add_argument("--migrate", action="store_true", help="with --apply: also send migrate-incoming and migrate")
    _add_json(command)


VIRSH_VALUES = {
    "--libvirt": ("VERSION", "the version of libvirt at the source (default: {})"),
    "--destination-libvirt": ("VERSION", "the version of libvirt at the destination (default: the same)"),
    "--source": ("END", f"{END} (default: the newest release)"),
    "--destination": ("END", "likewise"),
    "--fact": (
        "NAME[=VALUE]",
        "what else libvirt's own checks look at in the domain, such as snapshots=2 or block-job; may be "
        "repeated; docs/libvirt.md lists the facts",
    ),
}
VIRSH_SWITCHES = {
    "--hard-limit": "the domain has a memory hard limit, which RDMA needs",
    "--no-shared-storage": "the hosts don't share the domain's disks",
    "--json": "print JSON, also for errors",
    "--help": "show this help message and exit",
    "-h": "",
}


def _add_virsh(commands: Any) -> None:
    from pymig.ends.plan import DEFAULT_LIBVIRT  # noqa: PLC0415 - likewise

    command = commands.add_parser(
        "virsh",
        help="what will virsh migrate do, and who refuses it?",
        usage="pymig virsh [--libvirt VERSION] [--source END] [--destination END] [--json] migrate [OPTION ...]",
        description="What will this command of virsh do? Prints libvirt's refusal, or the commands that libvirt sends "
        "to the QEMU of each end, with the answers that QEMU will give, as virsh shows them. Write it as for virsh: "
        "migrate --live --postcopy, or a whole command line; also save, managedsave, dump, restore and "
        "snapshot-create-as. Nothing is sent. Exit status: 0 if the migration completes; 1 if libvirt or QEMU refuses, "
        "or if it fails.",
    )
    for name, (metavar, meaning) in VIRSH_VALUES.items():
        repeated: dict[str, Any] = {"action": "append", "default": []} if name == "--fact" else {}
        command.add_argument(name, metavar=metavar, help=meaning.format(DEFAULT_LIBVIRT), **repeated)
    for name in ("--hard-limit", "--no-shared-storage", "--json"):
        command.add_argument(name, action="store_true", help=VIRSH_SWITCHES[name])


def _add_describe(commands: Any) -> None:
    command = commands.add_parser(
        "describe",
        help="what is a running QEMU as one end of a migration?",
        description="Reads a running QEMU over its QMP monitor and prints what matters for a migration as JSON, for "
        "pymig preflight on this or another machine. Changes nothing. Needs the package qemu.qmp; for a domain of "
        "libvirt's, libvirt-python.",
    )
    command.add_argument("socket", metavar="SOCKET", help=f"its {MONITOR}")
    command.add_argument(
        "--host", metavar="FILE", help="its host's facts: what 'pymig probe --json' printed there; - is stdin"
    )
    command.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="default: %(default)s")


def _add_fleet(commands: Any) -> None:
    command = commands.add_parser(
        "fleet",
        help="who of many ends can go where, and why not?",
        description="Reads what 'pymig describe' and 'pymig probe --json' printed at many ends, and predicts the "
        "migration from each to each. An end's name is its document's field 'name', else its file's, else its line. "
        "A document that can't be read is named and skipped. Exit status: 0 if every pair completes, or waits as "
        "designed; 1 if one does not; 2 if a document was skipped, or it is not known what a host can do.",
    )
    command.add_argument(
        "ends", metavar="ENDS", help="a folder with .json and .jsonl files, a file of documents, or - for stdin"
    )
    _add_plan(command)
    command.add_argument(
        "--plan", metavar="FILE", help="what is wanted, in place of names, as Plan.to_json() writes it; - for stdin"
    )
    command.add_argument(
        "--qemu",
        metavar="RELEASE",
        help="which QEMU runs at an end whose document says only what its host can do: a release, or the path of a "
        f"binary to query (default: {QemuBuild.newest().release}, the newest)",
    )
    command.add_argument("--html", metavar="FILE", help="also write a page that needs no other file")
    formats = command.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print a JSON object a pair, also for errors")
    formats.add_argument("--csv", action="store_true", help="print a line a pair, after a line of headings")


def _add_watch(commands: Any) -> None:
    command = commands.add_parser(
        "watch",
        help="what does a running migration do, and if it hangs, what is the way out?",
        description="Shows the progress of a migration until it has ended; if nothing moves, says which hang this is, "
        "where the guest is, and the way out. Reads the QMP monitors and changes nothing. Needs the package qemu.qmp; "
        "for a domain of libvirt's, libvirt-python. Exit status: 0 completed; 1 failed or cancelled; 2 no answer, or "
        "no migration.",
    )
    command.add_argument("source", metavar="SOURCE", help=f"the source's {MONITOR}")
    command.add_argument("destination", metavar="DESTINATION", nargs="?", help="the destination's monitor")
    seconds = {
        "interval": (1.0, "seconds between two looks"),
        "still": (5.0, "seconds without a change after which nothing counts as moving"),
        "timeout": (5.0, "seconds for an answer"),
    }
    for name, (default, meaning) in seconds.items():
        command.add_argument(
            f"--{name}", type=float, default=default, metavar="SECONDS", help=f"{meaning} (default: %(default)s)"
        )
    command.add_argument("--json", action="store_true", help="print a JSON object a line, also for errors")


def _add_explain(commands: Any) -> None:
    command = commands.add_parser(
        "explain",
        help="what does this text, capability, parameter or rule mean?",
        description="What does a text of QEMU's or libvirt's mean, and what helps? Takes a whole line of a log, or a "
        "part of the text. Explains a capability, a parameter and a rule, too. Exit status: 1 if nothing fits.",
    )
    command.add_argument(
        "text", nargs="+", metavar="TEXT", help="the text, or a name such as multifd or multifd/xbzrle; - is stdin"
    )
    _add_json(command)


_COMMANDS = {
    "check": _add_check,
    "probe": _add_probe,
    "diff": _add_diff,
    "list": _add_list,
    "preflight": _add_preflight,
    "describe": _add_describe,
    "fleet": _add_fleet,
    "watch": _add_watch,
    "virsh": _add_virsh,
    "explain": _add_explain,
}
