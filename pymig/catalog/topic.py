# SPDX-License-Identifier: GPL-2.0-or-later

"""What a text that no table holds means: the form of the rows in topics.py."""

from __future__ import annotations

from typing import NamedTuple

OTHER = "other matter"
"""The kind of a text that looks alike, but has another cause than a capability or a parameter."""


class Topic(NamedTuple):
    """What such texts mean.

    Attributes:
        name: its identifier.
        kind: a key of KINDS in explanation.py.
        texts: what is said, with ``<...>`` for names; the first is the title.
        text: what it means, at which end and when it is said.
        causes: the causes, the likeliest first, each with how to tell it.
        remedies: what helps, but no test of this project follows it.
        see: related names.
        tried: what helps, and a test follows it.
        everyday: others say these texts, too: only a line about QEMU, or the text alone, means this.
        strict: QEMU and libvirt say these texts at other times, too: only a line about a migration, or the text alone,
            means this.
    """

    name: str
    kind: str
    texts: tuple[str, ...]
    text: str
    causes: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    everyday: bool = False
    strict: bool = False
