# SPDX-License-Identifier: GPL-2.0-or-later

"""What libvirt sends to QEMU, and what it refuses."""

from __future__ import annotations

from typing import NamedTuple

from pymig.errors import MigrationError
from pymig.values import READ_ONLY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from typing_extensions import Self


class Command(NamedTuple):
    """A QMP command.

    Attributes:
        execute: its name.
        arguments: its arguments; empty for none.
    """

    execute: str
    arguments: dict[str, Any]


class EndRequests(Value):
    """What libvirt sends to the QEMU of one end. Immutable.

    Attributes:
        capabilities: ``{name: bool}``: every capability that libvirt names there, in its order. ``events`` is not among
            them: libvirt switches it on at once when it starts a QEMU.
        parameters: ``{name: value}`` in libvirt's order, in QEMU's units.
        commands: the QMP commands in order, up to ``migrate`` or ``migrate-incoming``.
        reset: the commands after a migration that ended well (destination), or badly (source). The values of parameters
            are the release's defaults, in place of those that libvirt had queried.
    """

    __slots__ = ("capabilities", "commands", "parameters", "reset")

    capabilities: Mapping[str, bool]
    parameters: Mapping[str, Any]
    commands: tuple[Command, ...]
    reset: tuple[Command, ...]

    def __new__(
        cls,
        capabilities: Mapping[str, bool],
        parameters: Mapping[str, Any],
        commands: Iterable[Command] = (),
        reset: Iterable[Command] = (),
    ) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(capabilities=READ_ONLY(dict(capabilities)), parameters=READ_ONLY(dict(parameters)))
        self._set(commands=tuple(commands), reset=tuple(reset))
        return self

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        return {
            "capabilities": dict(self.capabilities),
            "parameters": dict(self.parameters),
            "commands": [command._asdict() for command in self.commands],
        }

    def __hash__(self) -> int:
        return hash((tuple(self.capabilities.items()), tuple(self.parameters)))

    def __reduce__(self) -> tuple[object, ...]:
        return (EndRequests, (dict(self.capabilities), dict(self.parameters), self.commands, self.reset))

    def __repr__(self) -> str:
        return f"EndRequests({dict(self.capabilities)!r}, {dict(self.parameters)!r}, {self.commands!r})"


NOTHING = EndRequests({}, {})
"""What is sent to an end that has no part in a command."""


class Requests(Value):
    """What libvirt sends to the QEMUs of both ends. Immutable.

    Attributes:
        source: to the source. For ``virsh restore``, nothing.
        destination: to the destination, which libvirt prepares first. For ``virsh save`` and its kin, nothing.
    """

    __slots__ = ("destination", "source")

    source: EndRequests
    destination: EndRequests

    def __new__(cls, source: EndRequests, destination: EndRequests) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(source=source, destination=destination)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        return {"source": self.source.to_dict(), "destination": self.destination.to_dict()}


class LibvirtRefusal(MigrationError):  # noqa: N818 - its name is part of the interface
    """libvirt refuses a command itself, before or between what it sends to QEMU.

    Attributes:
        shown: the line as virsh prints it.
        stage: who refuses: ``"virsh"``, ``"client"`` (libvirt's library), ``"destination"`` or ``"source"`` (the daemon
            there).
        source: what had been sent to the source's QEMU before, or None.
        destination: the same at the destination.
    """

    def __init__(
        self,
        message: str,
        prefix: str = "",
        stage: str = "source",
        source: EndRequests | None = None,
        destination: EndRequests | None = None,
    ) -> None:
        super().__init__(message)
        self.args = (message, prefix, stage, source, destination)
        self.shown = f"error: {prefix}{message}"
        self.stage = stage
        self.source = source
        self.destination = destination
