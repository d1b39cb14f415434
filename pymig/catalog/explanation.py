# SPDX-License-Identifier: GPL-2.0-or-later

"""What pymig says about a text or a name."""

from __future__ import annotations

from pymig.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from typing_extensions import Self

KINDS = {
    "capability": "a capability",
    "parameter": "a parameter",
    "rule": "QEMU refuses this set of capabilities",
    "value": "QEMU refuses this parameter",
    "command": "QEMU refuses this command",
    "host": "the kernel refuses what QEMU needs",
    "stream": "the two ends disagree; found out while the migration runs",
    "warning": "a warning of QEMU's",
    "fault": "a known fault of QEMU or libvirt",
    "libvirt": "libvirt refuses, before QEMU is asked",
    "migration": "something that a migration meets",
    "other matter": "another matter: no capability or parameter is the cause",
}
"""What an Explanation can be about, in words."""


class Explanation(Value):
    """What a text, a capability, a parameter or a rule means. Immutable.

    Args:
        kind: a key of KINDS: capability, parameter, rule, value, command, host, stream, warning, fault, libvirt,
            migration or "other matter".
        title: what is explained: QEMU's text, with ``<...>`` for what it names, or the name itself.
        text: what it means, at which end and when it is said, and what to know about it.
        releases: the series of QEMU that say it or have it, oldest first; empty if it does not depend on them.
        causes: the causes, the likeliest first, each with how to tell it.
        remedies: what helps; what no test of pymig follows ends with "(not tried)".
        see: the identifier of the rule, then related names. ``explain`` explains each of them.
    """

    __slots__ = ("causes", "kind", "releases", "remedies", "see", "text", "title")

    kind: str
    title: str
    text: str
    releases: tuple[str, ...]
    causes: tuple[str, ...]
    remedies: tuple[str, ...]
    see: tuple[str, ...]

    def __new__(
        cls,
        kind: str,
        title: str,
        text: str,
        releases: Sequence[str],
        causes: Sequence[str],
        remedies: Sequence[str],
        see: Sequence[str],
    ) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(kind=kind, title=title, text=text, releases=tuple(releases), causes=tuple(causes))
        self._set(remedies=tuple(remedies), see=tuple(see))
        return self

    def to_dict(self) -> dict[str, Any]:
        """The explanation as a dict for JSON."""
        lists = {name: list(getattr(self, name)) for name in ("releases", "causes", "remedies", "see")}
        return {"kind": self.kind, "title": self.title, "text": self.text, **lists}
