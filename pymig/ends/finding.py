# SPDX-License-Identifier: GPL-2.0-or-later

"""What a preflight says: its commands, and its findings."""

from __future__ import annotations

from pymig.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from typing_extensions import Self

    from pymig.verdict import Change

OUTCOMES = ("completes", "fails", "hangs", "waits", "refused")
PLACES = ("source", "destination", "nowhere", "both")
STAGES = ("set", "incoming", "migrate", "connect", "header", "advise", "ram", "switchover", "devices", "postcopy")
SEVERITIES = ("error", "warning", "info")


class Step(Value):
    """A command of the preflight, and QEMU's answer. Immutable.

    Attributes:
        end: ``"source"`` or ``"destination"``.
        command: its name in QMP.
        arguments: its arguments.
        answer: "" if QEMU accepts, else its text.
    """

    __slots__ = ("answer", "arguments", "command", "end")

    end: str
    command: str
    arguments: Mapping[str, Any]
    answer: str

    def __new__(cls, end: str, command: str, arguments: Mapping[str, Any], answer: str) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(end=end, command=command, arguments=arguments, answer=answer)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        return {"end": self.end, "command": self.command, "arguments": dict(self.arguments), "answer": self.answer}

    def __hash__(self) -> int:
        return hash((self.end, self.command, self.answer))


class Finding(Value):
    """Something that breaks a migration, or that its user should know. Immutable.

    Attributes:
        rule: a stable identifier, such as ``"multifd/destination-only"``.
        severity: ``"error"``, ``"warning"`` or ``"info"``.
        stage: when it is found out: ``"set"``, ``"incoming"``, ``"migrate"``, ``"connect"``, ``"header"``,
            ``"advise"``, ``"ram"``, ``"switchover"``, ``"devices"`` or ``"postcopy"``.
        end: the end that finds it out.
        message: what that end says; "" if it says nothing. ``<name>`` stands for a name that is not known.
        source_says: what the source says, as a class: ``""`` nothing, ``"the same"``, or ``"connection broken"``.
        guest: where the guest runs then, as in Preflight.
        recovers: whether the same two processes can try again; None if it is not known.
        remedy: what to change, as text.
        consequence: what happens, as a clause.
        changes: the remedy as changes of the refused set of capabilities, smallest first; empty for any other remedy.
    """

    __slots__ = (
        "changes",
        "consequence",
        "end",
        "guest",
        "message",
        "recovers",
        "remedy",
        "rule",
        "severity",
        "source_says",
        "stage",
    )

    rule: str
    severity: str
    stage: str
    end: str
    message: str
    source_says: str
    guest: str
    recovers: bool | None
    remedy: str
    consequence: str
    changes: tuple[Change, ...]

    def __new__(
        cls,
        rule: str,
        severity: str,
        stage: str,
        end: str,
        message: str,
        source_says: str,
        guest: str,
        recovers: bool | None,
        remedy: str,
        consequence: str = "",
        changes: tuple[Change, ...] = (),
    ) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(rule=rule, severity=severity, stage=stage, end=end, message=message, source_says=source_says)
        self._set(guest=guest, recovers=recovers, remedy=remedy, consequence=consequence, changes=changes)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        changes = [change.to_dict() for change in self.changes]
        return {name: getattr(self, name) for name in self.__slots__} | {"changes": changes}
