# SPDX-License-Identifier: GPL-2.0-or-later

"""Sets of migration capabilities, by their QMP names."""

from __future__ import annotations

from _collections_abc import Mapping  # what collections.abc re-exports; that package takes 1 ms to import
from _collections_abc import Set as AbstractSet
from _operator import index

from pymig._core import ffi, lib
from pymig.errors import UnknownCapabilityError
from pymig.release import series_of
from pymig.values import Frozen, require_bool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from typing_extensions import Self

NAMES: tuple[str, ...] = tuple(
    ffi.string(lib.migration_capability_name(i)).decode() for i in range(lib.MIGRATION_CAPABILITY__MAX)
)
"""Every capability's QMP name, by its bit."""

BITS: dict[str, int] = {name: 1 << i for i, name in enumerate(NAMES)}
"""Every capability's mask, by its QMP name."""

ALL: int = (1 << len(NAMES)) - 1


class CapabilitySet(AbstractSet[str], Frozen):
    """An immutable set of capabilities, by QMP name, over one integer.

    Bit i of ``mask`` is capability number i. The numbers are pymig's own and never change: 0 to 20 are those of QEMU
    7.2 to 8.0 (``MigrationCapability`` in QEMU's qapi/migration.json), followed by switchover-ack, dirty-limit and
    mapped-ram.

    Iterates in enum order. Compares and hashes like a frozenset of the names.

    Args:
        names: QMP names.

    Raises:
        UnknownCapabilityError: a name that no release of QEMU has.
        TypeError: not an iterable of str.
    """

    __slots__ = ("_mask",)
    _mask: int

    def __new__(cls, names: Iterable[str] = ()) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(_mask=mask_of_names(names, "names"))
        return self

    @classmethod
    def from_mask(cls, mask: int) -> CapabilitySet:
        """The set with these bits.

        Raises:
            ValueError: negative, or a bit that is no capability.
            TypeError: not an integer.
        """
        self = object.__new__(cls)
        self._set(_mask=checked_mask(mask, "mask"))
        return self

    @classmethod
    def _from_iterable(cls, it: Iterable[Any]) -> CapabilitySet:  # type: ignore[override]
        return cls(it)

    @property
    def mask(self) -> int:
        """The set as an integer: bit i is capability number i."""
        return self._mask

    def __index__(self) -> int:
        return self._mask

    __int__ = __index__

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._mask & BITS.get(name, 0))

    def __iter__(self) -> Iterator[str]:
        return (name for name, bit in BITS.items() if self._mask & bit)

    def __len__(self) -> int:
        return self._mask.bit_count()

    def __bool__(self) -> bool:
        return self._mask != 0

    # The operators of collections.abc.Set, with the right return type.
    def __and__(self, other: Iterable[object]) -> CapabilitySet:
        return AbstractSet.__and__(self, other)  # type: ignore[operator,return-value]

    def __or__(self, other: Iterable[str]) -> CapabilitySet:  # type: ignore[override]
        return AbstractSet.__or__(self, other)  # type: ignore[operator,return-value]

    def __sub__(self, other: Iterable[object]) -> CapabilitySet:
        return AbstractSet.__sub__(self, other)  # type: ignore[operator,return-value]

    def __xor__(self, other: Iterable[str]) -> CapabilitySet:  # type: ignore[override]
        return AbstractSet.__xor__(self, other)  # type: ignore[operator,return-value]

    __hash__ = AbstractSet._hash  # equal to the frozenset of the names, so it must have the same hash

    def __repr__(self) -> str:
        return f"CapabilitySet([{', '.join(map(repr, self))}])"

    def __reduce__(self) -> tuple[object, ...]:
        return (CapabilitySet.from_mask, (self._mask,))


def names_that_are_on(states: Mapping[str, bool], argument: str) -> list[str]:
    """The names in ``{name: bool}`` whose value is True."""
    for name, state in states.items():
        require_bool(state, f"{argument}[{name!r}]")
    return [name for name, state in states.items() if state]


def mask_of_names(names: Iterable[str], argument: str) -> int:
    """The mask of an iterable of names; errors name the argument."""
    if type(names) is CapabilitySet:
        return names._mask
    if isinstance(names, Mapping):
        names = names_that_are_on(names, argument)
    if isinstance(names, (str, bytes)):
        raise TypeError(
            f"{argument} must be an iterable of capability names, not one {type(names).__name__}: {names!r}"
        )
    mask = 0
    try:
        iterator = iter(names)
    except TypeError:
        raise TypeError(f"{argument} must be an iterable of capability names, not {type(names).__name__}") from None
    for name in iterator:
        if not isinstance(name, str):
            raise TypeError(f"{argument} must hold capability names (str), not {type(name).__name__}")
        bit = BITS.get(name)
        if bit is None:
            raise unknown_capability(name, NAMES)
        mask |= bit
    return mask


def _releases_with(name: str) -> list[str]:
    """The releases that have this capability, oldest first."""
    bit = BITS.get(name, 0)
    builds = (ffi.new("QemuBuild *", {"release": i}) for i in range(lib.QEMU_RELEASE__MAX))
    return [series_of(build.release) for build in builds if lib.qemu_build_capabilities(build) & bit]


def unknown_capability(name: str, known: Iterable[str], release: str | None = None) -> UnknownCapabilityError:
    """The error for a name that is not in ``known``. It says which releases have the capability."""
    having = _releases_with(name)
    if not having:
        return UnknownCapabilityError(name, known, release=release)
    until = None if having[-1] == series_of(lib.QEMU_RELEASE__MAX - 1) else having[-1]
    return UnknownCapabilityError(name, known, having[0], until, release)


def checked_mask(mask: int, argument: str) -> int:
    """The mask as a plain int, without unknown bits; errors name the argument."""
    if isinstance(mask, bool):
        raise TypeError(f"{argument} must be an integer mask, not bool")
    try:
        plain = index(mask)
    except TypeError:
        raise TypeError(f"{argument} must be an integer mask, not {type(mask).__name__}") from None
    if plain < 0:
        raise ValueError(f"{argument} must not be negative")
    if plain & ~ALL:
        raise ValueError(f"{argument} has bits that are no capability; the known bits are 0 to {len(NAMES) - 1}")
    return plain


_PLAIN = frozenset((tuple, list, set, frozenset))
"""The types of names that are read here, without a call."""


def mask_of(capabilities: Iterable[str] | int, argument: str) -> int:
    """The mask of a CapabilitySet, an int mask or an iterable of names; errors name the argument."""
    kind = type(capabilities)  # isinstance() is slow here, because CapabilitySet is an abstract Set
    if kind is CapabilitySet:
        return capabilities._mask  # type: ignore[union-attr,no-any-return]
    if kind is int and 0 <= capabilities <= ALL:  # type: ignore[operator]
        return capabilities  # type: ignore[return-value]
    if kind in _PLAIN:
        mask = 0
        try:
            for name in capabilities:  # type: ignore[union-attr]
                mask |= BITS[name]
        except (KeyError, TypeError):  # mask_of_names() raises the right error
            return mask_of_names(capabilities, argument)  # type: ignore[arg-type]
        return mask
    if kind is dict:
        return _mask_of_states(capabilities, argument)  # type: ignore[arg-type]
    is_number = hasattr(capabilities, "__index__")
    return checked_mask(capabilities, argument) if is_number else mask_of_names(capabilities, argument)  # type: ignore[arg-type]


def _mask_of_states(states: Mapping[str, bool], argument: str) -> int:
    mask = 0
    for name, on in states.items():
        if on is True and name in BITS:
            mask |= BITS[name]
        elif on is not False:
            return mask_of_names(states, argument)  # which raises the right error
    return mask


def unknown_in(mask: int, known: int, argument: str, release: str) -> UnknownCapabilityError:
    """The error for the first capability of the mask that is not among those that the release knows."""
    checked_mask(mask, argument)
    unknown = mask & ~known
    name = NAMES[(unknown & -unknown).bit_length() - 1]
    return unknown_capability(name, CapabilitySet.from_mask(known), release)
