# SPDX-License-Identifier: GPL-2.0-or-later

"""Base classes of immutable values, and shared argument checks."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, NoReturn


READ_ONLY: Any = type(type.__dict__)
"""types.MappingProxyType, without importing types: a read-only view of a dict."""


class Frozen:
    """An immutable object. Its slots are set in ``__new__``, so calling ``__init__`` again changes nothing."""

    __slots__: tuple[str, ...] = ()
    _setters: ClassVar[dict[str, Callable[[Any, Any], None]]] = {}  # by slot: faster than object.__setattr__

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        slots = vars(cls).get("__slots__", ())
        cls._setters = {**cls._setters, **{name: vars(cls)[name].__set__ for name in slots if name != "__weakref__"}}

    def _set(self, **values: object) -> None:
        setters = self._setters
        for name, value in values.items():
            setters[name](self, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} is immutable; can't set {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} is immutable; can't delete {name!r}")

    def __copy__(self) -> object:
        return self

    def __deepcopy__(self, memo: object) -> object:
        return self


class Value(Frozen):
    """A Frozen whose equality, hash and repr depend on its public slots."""

    __slots__: tuple[str, ...] = ()

    def _key(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__ if not name.startswith("_"))

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Value) and type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> tuple[object, ...]:
        """Made again by the constructor, whose keywords are the public slots; a class with others has its own."""
        return (_made_again, (type(self), {name: getattr(self, name) for name in self.__slots__}))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__ if not name.startswith("_"))
        return f"{type(self).__name__}({shown})"


def _made_again(cls: type[Value], values: dict[str, object]) -> Value:
    return cls(**values)


def require_bool(value: object, argument: str) -> bool:
    """Returns the value, or raises a TypeError that names the argument."""
    if not isinstance(value, bool):
        raise TypeError(f"{argument} must be a bool, not {type(value).__name__}")
    return value


MOST_SECONDS = 24 * 60 * 60


def require_seconds(value: object, argument: str) -> None:
    """Raises a TypeError or ValueError that names the argument, unless the value is a time limit within a day."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        wrong_type(value, argument, "a number of seconds")
    if not 0 < value <= MOST_SECONDS:
        raise ValueError(f"{argument} must be more than 0 and at most {MOST_SECONDS} seconds")


def escaped(text: str, kept: str = "") -> str:
    """The text with control characters escaped, because others wrote it; those in ``kept`` stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode() for c in text)


def wrong_type(value: object, argument: str, wanted: str) -> NoReturn:
    """Raises a TypeError that names the argument and the wanted type."""
    raise TypeError(f"{argument} must be {wanted}, not {type(value).__name__}")
