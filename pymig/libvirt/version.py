# SPDX-License-Identifier: GPL-2.0-or-later

"""Versions of libvirt."""

from __future__ import annotations

from pymig.values import escaped, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Version: TypeAlias = tuple[int, ...]

LAST_MINORS = {9: 10, 10: 10, 11: 10, 12: 8}

VERSIONS = tuple(f"{major}.{minor}" for major, last in LAST_MINORS.items() for minor in range(last + 1))
"""The series of libvirt that are known, oldest first. A point release answers like its series."""

OLDEST: Version = (9, 0)


def version_of(text: object, argument: str) -> Version:
    """The major and minor version of a text such as ``"11.3"`` or ``"11.3.0"``.

    Raises:
        TypeError, ValueError: not a known version; the text names the argument.
    """
    if not isinstance(text, str):
        wrong_type(text, argument, 'a version of libvirt, such as "11.3"')
    series = ".".join(text.split(".")[:2])
    if series not in VERSIONS or text.count(".") > 2 or not all(_is_number(part) for part in text.split(".")):  # noqa: PLR2004
        raise ValueError(
            f"{argument}: libvirt {escaped(text):.40} is not known; known are {VERSIONS[0]} to {VERSIONS[-1]}"
        )
    major, minor = series.split(".")
    return int(major), int(minor)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
