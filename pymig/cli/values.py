"""Converts command-line arguments to library objects."""

from __future__ import annotations

import sys

from pymig.cli.arguments import CIRCUMSTANCES, WITHOUT
from pymig.host.host import Host
from pymig.host.memory import Memory
from pymig.qemu.build import QemuBuild
from pymig.qemu.parameters import type_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any


ACCEPTED, REFUSED, WRONG_USAGE = 0, 1, 2
"""Exit statuses."""


class UsageError(Exception):
    """Invalid command-line usage; the text says what is wrong."""


def builds(options: argparse.Namespace) -> list[QemuBuild]:
    """Those of --qemu and --without."""
    names = options.qemu or [QemuBuild().release]
    if names == ["all"]:
        names = QemuBuild.releases()
    return [build(name, options.without) for name in names]


def build(name: str, without: Iterable[str]) -> QemuBuild:
    """That of a release, or of the binary at a path."""
    if "/" in name:
        if without:
            raise UsageError("--without can't be said of a binary: it is asked")
        return QemuBuild.from_binary(name)
    choices: dict[str, Any] = {WITHOUT[what]: False for what in without}
    return QemuBuild(name, **choices)


def circumstances(options: argparse.Namespace) -> dict[str, Any]:
    """The circumstances, as keywords of Context."""
    names = (name.replace("-", "_") for name in CIRCUMSTANCES)
    return {name: getattr(options, name) for name in names}


def memory(texts: Iterable[str]) -> list[Memory]:
    """The blocks of --memory, or the one that is meant where none is given."""
    try:
        return [Memory.parse(text) for text in texts] or [Memory()]
    except ValueError as error:
        raise UsageError(f"--memory: {error}") from None


def parameters(assignments: Iterable[str]) -> dict[str, object]:
    """K=V as QMP would have it: V is read as the parameter's type wants it."""
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


def host(file: str | None) -> Host | None:
    """The one whose facts a file holds."""
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
