# SPDX-License-Identifier: GPL-2.0-or-later

"""The known releases of QEMU, and their notation."""

from __future__ import annotations

from itertools import count

from pymig._core import ffi, lib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    from pymig._core import Chars, QemuDownstream

    T = TypeVar("T")


def rows(row: Callable[[int], T]) -> Iterator[T]:
    """What a C function returns for 0, 1, ... up to the first NULL."""
    for number in count():
        found = row(number)
        if found == ffi.NULL:
            return
        yield found


def text(c_text: Chars) -> str:
    """A C string as a str."""
    decoded: str = ffi.string(c_text).decode()
    return decoded


_MOST_WRITTEN = 512
"""The size of the buffer for a text, in bytes; each of C's texts is shorter."""


def written(write: Callable[..., int], *arguments: Any) -> str | None:
    """The text that a C function like snprintf() writes; None if it returns an error."""
    buffer = ffi.new("char[]", _MOST_WRITTEN)
    return text(buffer) if write(*arguments, buffer, _MOST_WRITTEN) >= 0 else None


FIRST_DEVELOPMENT_MICRO: int = lib.QEMU_FIRST_DEVELOPMENT_MICRO
"""QEMU's development trees have versions from X.Y.50 on."""

POINTS: tuple[str, ...] = tuple(map(text, rows(lib.qemu_release_name)))
"""The versions at which answers change, indexed by C's numbers."""


def _series_or_tree(point: str) -> str:
    """The name of a version's series, X.Y; for a development tree, X.Y.Z."""
    series, _, micro = point.rpartition(".")
    return point if int(micro) >= FIRST_DEVELOPMENT_MICRO else series


def series_of(number: int) -> str:
    """The name of the series or development tree to which C's number belongs."""
    return _series_or_tree(POINTS[number])


RELEASES: tuple[str, ...] = tuple(dict.fromkeys(map(_series_or_tree, POINTS)))
"""The known series and development trees, oldest first."""

DOWNSTREAMS: dict[str, QemuDownstream] = {text(row.name): row for row in rows(lib.qemu_downstream)}
"""C's rows for the known distribution builds, by name."""


def _numbers(release: object) -> tuple[int, ...] | None:
    """(8, 0) or (8, 0, 5) if this is a version number as QEMU writes it, else None."""
    if isinstance(release, str):
        parts = release.split(".")
        if not all(part.isascii() and part.isdigit() and str(int(part[:9])) == part for part in parts):
            return None
        numbers = tuple(map(int, parts))
    elif isinstance(release, tuple) and all(type(part) is int and 0 <= part < 10**9 for part in release):
        numbers = release
    else:
        return None
    return numbers if len(numbers) in (2, 3) else None


def _newest_numbers() -> tuple[int, ...]:
    return tuple(map(int, RELEASES[-1].split(".")))


def is_newer(numbers: tuple[int, ...]) -> bool:
    """Whether this version is newer than all known ones. A development tree is newer than its series."""
    newest = _newest_numbers()
    tree = len(numbers) > len(newest) and numbers[-1] >= FIRST_DEVELOPMENT_MICRO
    return numbers[:2] > newest or (numbers[:2] == newest and tree)


def known_release(release: object) -> tuple[str, int]:
    """The release as a str, and C's number of the release that answers like it."""
    numbers = _numbers(release)
    if numbers is not None:
        number: int = lib.qemu_release_of_version(*numbers, *(-1,) * (3 - len(numbers)))
        if number >= 0:
            return ".".join(map(str, numbers)), number
        if is_newer(numbers):
            raise ValueError(
                f"release {'.'.join(map(str, numbers))} is newer than all known releases; the nearest is {RELEASES[-1]}"
            )
    shown = repr(release)
    shown = shown if len(shown) <= 40 else shown[:37] + "..."  # noqa: PLR2004
    raise ValueError(
        f"release must be one of {', '.join((*RELEASES, *DOWNSTREAMS))}, or a stable release such as 10.0.5, "
        f"as a string or a tuple of numbers, not {shown}"
    )
