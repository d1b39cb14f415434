# SPDX-License-Identifier: GPL-2.0-or-later

"""Starts a QEMU binary and queries it over QMP."""

from __future__ import annotations

import os
import re
import socket
from contextlib import ExitStack
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from pymig.errors import QemuBinaryError
from pymig.qemu.process import running
from pymig.qemu.qmp import Cancellation, Monitor
from pymig.values import Value, escaped, require_seconds, wrong_type

if TYPE_CHECKING:
    from typing_extensions import Self

_T = TypeVar("_T")

# The binary's descriptors: standard input and output, standard error, and the monitor, number 3.
ARGUMENTS = (
    *("-machine", "none", "-nodefaults", "-display", "none", "-S"),
    *("-chardev", "socket,id=qmp,fd=3", "-mon", "chardev=qmp,mode=control"),
)

QUESTIONS = VERSION, SCHEMA, LISTED, TARGET = (
    "query-version",
    "query-qmp-schema",
    "query-migrate-capabilities",
    "query-target",
)

# Commands that exist if and only if QEMU was built with replication.
REPLICATION_COMMANDS = ("xen-set-replication", "query-xen-replication-status")

MOST_PATH = 200  # characters of the path in a message


def ask(path: str | os.PathLike[str], timeout: float) -> BinaryAnswers:
    """Starts the binary and queries it; see QemuBuild.from_binary."""
    require_seconds(timeout, "timeout")
    name = _name_of(path)
    shown = escaped(os.fsdecode(name)[:MOST_PATH])
    try:
        return BinaryAnswers(*_answers(_program(name), timeout))
    except QemuBinaryError as error:
        raise QemuBinaryError(f"{shown} {error}") from None
    except OSError as error:
        raise QemuBinaryError(f"{shown} can't be started: {error.strerror}") from None


def _name_of(path: object) -> bytes:
    if not isinstance(path, (str, bytes, os.PathLike)):
        wrong_type(path, "path", "a str or a path")
    name = os.fsencode(path)
    if not name or b"\0" in name:
        raise ValueError("path must be the path of a program: it is empty or contains a null byte")
    return name


def _program(name: bytes) -> bytes:
    """The path to execute: one without a slash is looked up in PATH."""
    if b"/" in name:
        return name
    from shutil import which  # noqa: PLC0415 - rare

    found = which(name)
    if found is None:
        raise QemuBinaryError("can't be started: there is no such program in PATH")
    return found


def _answers(program: bytes, timeout: float) -> list[Any]:
    """The answers to QUESTIONS."""
    cancellation = Cancellation()
    with ExitStack() as opened:
        ours, theirs = (opened.enter_context(end) for end in socket.socketpair())
        log, stderr = (opened.enter_context(open(end, "rb", 0)) for end in os.pipe())  # noqa: PTH123
        null = opened.enter_context(open(os.devnull, "r+b", 0))  # noqa: PTH123
        command = [program, *(word.encode() for word in ARGUMENTS)]
        given = [end.fileno() for end in (null, null, stderr, theirs)]
        life = opened.enter_context(running(command, given))
        theirs.close()
        stderr.close()
        monitor = Monitor(ours, log.fileno(), life, timeout, cancellation)
        try:
            return monitor.ask(*QUESTIONS)
        except QemuBinaryError as error:
            words = monitor.last_words()
            raise QemuBinaryError(f"{error} ({words})" if words else str(error)) from None


# ---- Reading the answers ----

# What QAPI's generator accepts as a name.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")

MOST_NAME = 100  # characters of a name in a message
MOST_NAMES = 1000  # in one enum, or of one command's arguments
MOST_NUMBER = 99  # of a version; development trees and candidates have 50 to 99


class BinaryAnswers(Value):
    """A binary's answers."""

    __slots__ = (
        "capabilities",
        "compressions",
        "live_block_migration",
        "package",
        "parameters",
        "replication",
        "target",
        "version",
    )

    version: tuple[int, int, int]
    package: str
    target: str
    capabilities: list[str]
    parameters: list[str]
    compressions: list[str]
    live_block_migration: bool
    replication: bool

    def __new__(cls, version: object, schema: object, capabilities: object, target: object) -> Self:
        """From the answers to QUESTIONS. Raises QemuBinaryError if no QEMU would answer so."""
        entities = _Schema(schema)
        members = entities.capabilities()
        listed = _listed(capabilities)
        self = object.__new__(cls)
        self._set(
            version=_version(version),
            package=_package(version),
            target=_name(_member(target, "arch", str, TARGET), TARGET),
            capabilities=members,
            parameters=list(entities.arguments("migrate-set-parameters")),
            compressions=entities.compressions(),
            live_block_migration="block" not in members or "block" in listed,
            replication=any(command in entities for command in REPLICATION_COMMANDS),
        )
        return self


_KINDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "a whole number",
    float: "a fraction",
    bool: "a truth value",
    type(None): "null",
}
"""JSON's types, in words."""


def _unlike_qemu(reason: str) -> QemuBinaryError:
    return QemuBinaryError(f"does not answer like QEMU: {reason}")


def _the(kind: type[_T], value: object, what: str) -> _T:
    if type(value) is not kind:
        raise _unlike_qemu(f"{what} is {_KINDS[type(value)]}, not {_KINDS[kind]}")
    return value


def _member(value: object, name: str, kind: type[_T], what: str) -> _T:
    members = _the(dict, value, what)
    member = members.get(name)
    if type(member) is kind:
        return member
    shown = escaped(name[:MOST_NAME])
    if name not in members:
        raise _unlike_qemu(f"{what} has no {shown}")
    return _the(kind, member, f"{shown} in {what}")


def _name(value: object, what: str) -> str:
    name = _the(str, value, f"a name in {what}")
    if not _NAME.fullmatch(name):
        raise _unlike_qemu(f"{what} has {name[:MOST_NAME]!a}, which is no name in QAPI")
    return name


def _few(names: list[_T], what: str) -> list[_T]:
    if len(names) > MOST_NAMES:
        raise _unlike_qemu(f"{what} has {len(names)} names in one list")
    return names


def _version(answer: object) -> tuple[int, int, int]:
    numbers = _member(answer, "qemu", dict, VERSION)
    major, minor, micro = (_member(numbers, part, int, VERSION) for part in ("major", "minor", "micro"))
    if not all(0 <= number <= MOST_NUMBER for number in (major, minor, micro)):
        raise _unlike_qemu(f"a number in {VERSION} is not within 0 and {MOST_NUMBER}")
    return major, minor, micro


def _package(answer: object) -> str:
    package = _member(answer, "package", str, VERSION)
    if not package.isprintable():
        raise _unlike_qemu(f"package in {VERSION} has control characters")
    return package


def _listed(answer: object) -> list[str]:
    return [_member(entry, "capability", str, LISTED) for entry in _the(list, answer, LISTED)]


_its_name = itemgetter("name")


class _Schema:
    """The answer to query-qmp-schema."""

    def __init__(self, answer: object) -> None:
        entities = _the(list, answer, SCHEMA)
        try:
            self._entities = dict(zip(map(_its_name, entities), entities, strict=True))
            is_schema = {*map(type, self._entities)} <= {str}
        except (KeyError, TypeError):
            is_schema = False
        if not is_schema:  # only now is it worth the time to look for the entity that is wrong
            self._entities = {_member(entity, "name", str, SCHEMA): entity for entity in entities}

    def __contains__(self, name: str) -> bool:
        return name in self._entities

    def arguments(self, command: str) -> dict[str, str]:
        """The type of each argument of a command."""
        return self._members(self._field(command, "arg-type", str))

    def values(self, enum: str) -> list[str]:
        """The values of an enum."""
        return [_name(value, SCHEMA) for value in _few(self._field(enum, "values", list), SCHEMA)]

    def capabilities(self) -> list[str]:
        """The enum of capabilities, from the arguments of migrate-set-capabilities."""
        array = _member(self.arguments("migrate-set-capabilities"), "capabilities", str, SCHEMA)
        entry = self._members(self._field(array, "element-type", str))
        return self.values(_member(entry, "capability", str, SCHEMA))

    def compressions(self) -> list[str]:
        """The values of multifd-compression."""
        return self.values(_member(self.arguments("migrate-set-parameters"), "multifd-compression", str, SCHEMA))

    def _members(self, kind: str) -> dict[str, str]:
        members = _few(self._field(kind, "members", list), SCHEMA)
        names = [_name(_member(member, "name", str, SCHEMA), SCHEMA) for member in members]
        return {name: _member(member, "type", str, SCHEMA) for name, member in zip(names, members, strict=True)}

    def _field(self, entity: str, field: str, kind: type[_T]) -> _T:
        return _member(_member(self._entities, entity, dict, SCHEMA), field, kind, SCHEMA)
