# SPDX-License-Identifier: GPL-2.0-or-later

"""Converts command-line arguments to library objects."""

from __future__ import annotations

import os
import stat
import sys

from pymig.cli.arguments import CIRCUMSTANCES, DEFAULT_URI, WITHOUT, UsageError
from pymig.host.host import Host
from pymig.host.memory import Memory
from pymig.qemu.build import QemuBuild
from pymig.qemu.parameters import type_of
from pymig.values import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any

    from pymig.ends.plan import Plan

ACCEPTED, REFUSED, NOT_ANSWERED = 0, 1, 2
"""Exit statuses."""


def builds(options: argparse.Namespace) -> list[QemuBuild]:
    """The builds of --qemu and --without."""
    names = options.qemu or [QemuBuild.newest().release]
    if names == ["all"]:
        names = QemuBuild.releases()
    return [build(name, options.without) for name in names]


def build(name: str, without: Iterable[str]) -> QemuBuild:
    """The build of a release, or of the binary at a path."""
    if "/" in name:
        if without:
            raise UsageError("--without can't be given for a binary, which is queried")
        return QemuBuild.from_binary(name)
    choices: dict[str, Any] = {WITHOUT[what]: False for what in without}
    return QemuBuild(name, **choices)


def circumstances(options: argparse.Namespace) -> dict[str, Any]:
    """The circumstances, as keywords of Context."""
    names = (name.replace("-", "_") for name in CIRCUMSTANCES)
    return {name: getattr(options, name) for name in names}


def memory(texts: Iterable[str]) -> list[Memory]:
    """The blocks of --memory; by default, one anonymous block."""
    try:
        return [Memory.parse(text) for text in texts] or [Memory()]
    except ValueError as error:
        raise UsageError(f"--memory: {error}") from None


def parameters(assignments: Iterable[str]) -> dict[str, object]:
    """The parameters with QMP's types of values."""
    parameters: dict[str, object] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"--parameter {assignment}: write NAME=VALUE")
        parameters[name] = _value(name, text)
    return parameters


def _value(name: str, text: str) -> object:
    kind = type_of(name)
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


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan of the names and of the options that _add_plan adds."""
    from pymig.ends.plan import ORDERS, Plan  # noqa: PLC0415 - most commands have none

    return Plan(
        options.names,
        parameters(options.parameter),
        uri=DEFAULT_URI if options.uri is None else options.uri,
        incoming_uri=options.incoming_uri,
        postcopy=options.postcopy,
        order=options.order or ORDERS[0],
    )


def require_only(argument: str, options: argparse.Namespace) -> None:
    """Raises UsageError if the options that _add_plan adds say what is wanted, besides this argument."""
    for name in ("names", "parameter", "uri", "incoming_uri", "postcopy", "order"):
        if getattr(options, name):
            shown = "NAME" if name == "names" else f"--{name.replace('_', '-')}"
            raise UsageError(f"{shown} can't be given with {argument}, which says what is wanted")


def host(options: argparse.Namespace) -> Host:
    """The host of --host; by default, this machine with the memory of --memory."""
    if options.host is None:
        return Host.local(memory(options.memory))
    if options.memory:
        raise UsageError("--memory can't be given together with --host, whose facts are of that host's memory")
    return facts_of(options.host)


def facts_of(file: str) -> Host:
    """The host whose facts the file has."""
    try:
        return Host.from_json(content(file))
    except OSError as error:
        raise UsageError(f"--host {escaped(file)}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--host {escaped(file)}: {error}") from None


def content(file: str) -> bytes:
    """The file's bytes: all, or more than a document may have."""
    from pymig.documents import MOST_BYTES  # noqa: PLC0415 - it imports json

    if file == "-":
        if sys.stdin is None:
            raise ValueError("standard input is closed")
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    with open(file, "rb", opener=open_file_or_pipe) as facts:
        return facts.read(MOST_BYTES + 1)


def open_file_or_pipe(file: str, flags: int) -> int:
    """A descriptor of a regular file or a pipe, such as a shell's <(command). It does not wait for a writer."""
    kinds = (stat.S_IFREG, stat.S_IFIFO)
    if stat.S_IFMT(os.stat(file).st_mode) not in kinds:  # noqa: PTH116 - likewise
        raise ValueError("neither a file nor a pipe; - reads standard input")
    descriptor = os.open(file, flags | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor
