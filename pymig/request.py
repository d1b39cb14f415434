# SPDX-License-Identifier: GPL-2.0-or-later

"""Converts QMP requests and answers between Python and C."""

from __future__ import annotations

from _collections_abc import Mapping  # what collections.abc re-exports; that package takes 1 ms to import
from _operator import index

from pymig._core import ffi, lib
from pymig.errors import ParameterError, ParameterTypeError, TransportError, TransportTypeError
from pymig.qemu.parameters import NAMES, PARAMETERS
from pymig.release import text
from pymig.values import wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MOST_DEPTH = 8
"""Deeper nesting than any migration parameter allows. QEMU does not look deeper either."""


class Request:
    """A request to set parameters, converted for C.

    Raises:
        TypeError: not a mapping with str keys.
        ValueError: a string that QMP can't carry.
    """

    __slots__ = ("_alive", "members", "parameters")

    def __init__(self, parameters: Mapping[str, object]) -> None:
        if not isinstance(parameters, Mapping):
            wrong_type(parameters, "parameters", "a mapping of QMP names to values")
        self._alive: list[Any] = []
        self.parameters = dict(parameters)
        self.members = c_members(self.parameters, "parameters", self._alive)

    def send(self, function: Callable[..., int], target: Any) -> None:
        """Passes this request to a C function.

        Raises:
            ParameterError: the function refuses; the text is QEMU's.
        """
        error = ffi.new("MigrationError *")
        if function(target, self.members, len(self.members), error) == 0:
            return
        try:
            raise _error(error, self.parameters)
        finally:
            lib.migration_error_clear(error)


def _error(error: Any, parameters: Mapping[str, object]) -> Exception:
    if error.message == ffi.NULL:
        return MemoryError()
    message = text(error.message)
    name = NAMES[error.parameter] if error.parameter >= 0 else tuple(parameters)[error.unexpected]
    return (ParameterTypeError if error.wrong_type else ParameterError)(message, name)


# ---- migrate and migrate-incoming ----


class Command:
    """A migrate or migrate-incoming command, converted for C.

    Args:
        arguments: by their QMP names; ``_`` is read as ``-``. What is None is not given.

    Raises:
        ValueError: a string that QMP can't carry.
    """

    __slots__ = ("_alive", "members")

    def __init__(self, arguments: Mapping[str, object]) -> None:
        given = {name.replace("_", "-"): value for name, value in arguments.items() if value is not None}
        self._alive: list[Any] = []
        self.members = c_members(given, "arguments", self._alive)

    def send(self, function: Callable[..., int], target: Any, *further: Any) -> None:
        """Passes this command to a C function.

        Raises:
            TransportError: the function refuses; the text is QEMU's.
        """
        error = ffi.new("MigrationError *")
        if function(target, self.members, len(self.members), *further, error) == 0:
            return
        try:
            if error.message == ffi.NULL:
                raise MemoryError
            raise (TransportTypeError if error.wrong_type else TransportError)(text(error.message))
        finally:
            lib.migration_error_clear(error)


# ---- To C ----


def c_text(text: str, argument: str) -> Any:
    """A str for C. The argument's name is for the ValueError."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{argument} must be encodable as UTF-8; it contains a lone surrogate") from None
    if b"\0" in encoded:
        raise ValueError(f"{argument} must not contain a NUL character")
    return ffi.new("char[]", encoded)


def _kept(c_object: Any, alive: list[Any]) -> Any:
    alive.append(c_object)
    return c_object


def c_members(mapping: Mapping[Any, object], argument: str, alive: list[Any], depth: int = 0) -> Any:
    """A mapping as QmpMember[]. Objects that must live as long as the array are appended to ``alive``."""
    items = list(mapping.items())
    members = _kept(ffi.new("QmpMember[]", len(items)), alive)
    for member, (name, value) in zip(members, items, strict=True):
        if not isinstance(name, str):
            raise TypeError(f"{argument} must have str keys, not {type(name).__name__}")
        member.name = _kept(c_text(name, f"the name {name[:40]!r} in {argument}"), alive)
        _fill(member.value, value, f"{argument}[{name[:40]!r}]", alive, depth + 1)
    return members


def _c_elements(values: list[object] | tuple[object, ...], argument: str, alive: list[Any], depth: int) -> Any:
    elements = _kept(ffi.new("QmpValue[]", len(values)), alive)
    for i, (element, value) in enumerate(zip(elements, values, strict=True)):
        _fill(element, value, f"{argument}[{i}]", alive, depth + 1)
    return elements


def _fill(c_value: Any, value: object, argument: str, alive: list[Any], depth: int) -> None:
    """Fills in a QmpValue."""
    if value is None:
        c_value.type = lib.QMP_NULL
    elif isinstance(value, bool):
        c_value.type, c_value.number = lib.QMP_BOOL, value
    elif isinstance(value, str):
        c_value.type, c_value.text = lib.QMP_STRING, _kept(c_text(value, argument), alive)
    elif isinstance(value, (list, tuple)):
        c_value.type = lib.QMP_ARRAY
        if depth < MOST_DEPTH:
            values = tuple(value)
            c_value.number, c_value.elements = len(values), _c_elements(values, argument, alive, depth)
    elif isinstance(value, Mapping):
        c_value.type = lib.QMP_OBJECT
        if depth < MOST_DEPTH:
            members = c_members(value, argument, alive, depth)
            c_value.number, c_value.members = len(members), members
    elif hasattr(value, "__index__"):
        number = index(value)
        fits = -(1 << 63) <= number < 1 << 64
        c_value.type, c_value.number = (lib.QMP_INT, number & (1 << 64) - 1) if fits else (lib.QMP_NUMBER, 0)
    else:
        c_value.type = lib.QMP_OTHER


# ---- From C ----


def python_value(value: Any) -> Any:
    """A QmpValue as a Python object."""
    if value.type == lib.QMP_ARRAY:
        return [python_value(value.elements[i]) for i in range(value.number)]
    if value.type == lib.QMP_OBJECT:
        members = (value.members[i] for i in range(value.number))
        return {text(member.name): python_value(member.value) for member in members}
    if value.type == lib.QMP_STRING:
        return text(value.text)
    return bool(value.number) if value.type == lib.QMP_BOOL else int(value.number)


def parameters_in(state: Any) -> dict[str, Any]:
    """What query-migrate-parameters answers in C's state, read at one moment."""
    c_parameters = lib.qmp_query_migrate_parameters(state)
    if c_parameters == ffi.NULL:
        raise MemoryError
    try:
        member = ffi.new("QmpMember *")
        return {
            name: python_value(member.value)
            for name, i in PARAMETERS.items()
            if lib.migration_parameters_get(c_parameters, i, member) == 0
        }
    finally:
        lib.migration_parameters_free(c_parameters)
