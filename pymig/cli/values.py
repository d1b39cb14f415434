"""What the arguments say, as the library takes it."""

from __future__ import annotations

import sys

from pymig.cli.arguments import CIRCUMSTANCES, WITHOUT
from pymig.host.host import Host
from pymig.host.memory import Memory
from pymig.qemu.build import QemuBuild

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any


ACCEPTED, REFUSED, WRONG_USAGE = 0, 1, 2
"""Exit statuses."""

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class UsageError(Exception):
    """What was asked makes no sense; the text says why."""


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


def circumstances(options: argparse.Namespace) -> dict[str, bool]:
    """As keywords."""
    names = (name.replace("-", "_") for name in CIRCUMSTANCES)
    return {name: getattr(options, name) for name in names}


def memory(text: str) -> Memory:
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
    from pymig.state import PARAMETER_TYPES  # noqa: PLC0415 - only where there are any

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
