# SPDX-License-Identifier: GPL-2.0-or-later

"""The parts of a URI, as libvirt reads them."""

from __future__ import annotations


def scheme_of(uri: str) -> str:
    """What stands before the colon."""
    return uri.partition(":")[0]


def host_of(uri: str) -> str | None:
    """The host; None if there is none."""
    authority = _authority(uri)
    if authority.startswith("["):
        return authority[1:].partition("]")[0] or None
    return authority.partition(":")[0] or None


def port_of(uri: str) -> int:
    """The port; -1 if there is none."""
    return number_of(_authority(uri).rpartition("]")[2].partition(":")[2])


def number_of(text: str) -> int:
    """A small number; -1 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1  # noqa: PLR2004 - 2**31 has 10


def _authority(uri: str) -> str:
    """Host and port."""
    _, separator, rest = uri.partition("://")
    return (rest if separator else uri.partition(":")[2]).split("/")[0].split("?")[0].rpartition("@")[2]
