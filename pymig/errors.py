# SPDX-License-Identifier: GPL-2.0-or-later

"""The exceptions and warnings of pymig.

::

    MigrationError                  QEMU or QMP would refuse the request; .message is its text
    ├── CapabilityError             a rule refuses the set: .verdict says which (in pymig.verdict)
    ├── ParameterError              a parameter is refused: .parameter says which
    │   └── ParameterTypeError      ... because its value has the wrong type; also a TypeError
    ├── MigrationActiveError        a migration is in progress
    ├── RequestTypeError            the request has the wrong structure; also a TypeError
    ├── TransportError              migrate or migrate-incoming is refused
    │   └── TransportTypeError      ... because an argument has the wrong type; also a TypeError
    └── UnknownCapabilityError      the release has no such capability; also a ValueError

    QemuBinaryError                 a QEMU binary can't be queried
    MonitorError                    a running QEMU's monitor can't be read
    HostUnknownError                a host could not be probed; also an OSError, and no MigrationError

Invalid arguments that would never reach QEMU raise a plain TypeError or ValueError.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class MigrationError(Exception):
    """QEMU would refuse this."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self._texts = (message, hint)

    @property
    def message(self) -> str:
        """QEMU's text, word for word."""
        return self._texts[0]

    @property
    def hint(self) -> str | None:
        """QEMU's second text, shown only by its human monitor, or None."""
        return self._texts[1]

    def __str__(self) -> str:
        return self.message


class ParameterError(MigrationError):
    """A migration parameter is refused.

    Attributes:
        parameter: its QMP name.
    """

    def __init__(self, message: str, parameter: str) -> None:
        super().__init__(message)
        self.args = (message, parameter)
        self.parameter = parameter


class ParameterTypeError(ParameterError, TypeError):
    """A migration parameter was given a value of the wrong type."""


class MigrationActiveError(MigrationError):
    """Capabilities can't change while a migration is in progress."""


class RequestTypeError(MigrationError, TypeError):
    """The changes don't have the structure that QMP's migrate-set-capabilities requires."""


class TransportError(MigrationError):
    """``migrate`` or ``migrate-incoming`` is refused."""


class TransportTypeError(TransportError, TypeError):
    """An argument of ``migrate`` or ``migrate-incoming`` has the wrong type or is missing; the text is QMP's."""


class UnknownCapabilityError(MigrationError, ValueError):
    """This release has no such capability.

    Attributes:
        name: the name that was given.
        known: the names that are known.
        since: the first release of QEMU that has it, e.g. ``"8.1"``; None if no release has it.
        until: the last release that has it; None if the newest or no release has it.
        release: the release that was asked; None if the name is unknown whatever the release.
    """

    def __init__(
        self,
        name: str,
        known: Iterable[str],
        since: str | None = None,
        until: str | None = None,
        release: str | None = None,
    ) -> None:
        super().__init__(f"Parameter 'capability' does not accept value '{name}'")
        self.name = name
        self.known = tuple(known)
        self.since = since
        self.until = until
        self.release = release
        self.args = (name, self.known, since, until, release)

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Similar known names, the closest first; empty if none is close."""
        from difflib import get_close_matches  # noqa: PLC0415 - slower to import than all of pymig

        wanted = self.name[:64].lower().strip().replace("_", "-")
        return tuple(get_close_matches(wanted, self.known, n=3, cutoff=0.6))


class QemuBinaryError(Exception):
    """A binary can't be started, is not QEMU, or does not answer in time."""


class HostUnknownError(OSError):
    """It was not found out what the host can do, so there is no answer: neither a refusal nor an acceptance.

    Nothing has changed, and nothing is kept: the next question to a local host probes its kernel again.

    Attributes:
        errno: why: EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN, EINTR, or PYMIG_ERROR_UNKNOWN in pymig.h.
        strerror: the whole text.
    """

    def __str__(self) -> str:
        return str(self.strerror)


def host_unknown(number: int) -> HostUnknownError:
    """The error for this errno."""
    import os  # noqa: PLC0415 - as the following

    from pymig._core import lib  # noqa: PLC0415 - rare; what raises an error of another kind needs none

    reasons = {lib.PYMIG_ERROR_UNKNOWN: "that would change something there, or the attempt was stopped"}
    reason = reasons.get(number) or f"{os.strerror(number)}; ask again when that is over"
    return HostUnknownError(number, f"it could not be found out what the host can do: {reason}")


class MonitorError(Exception):
    """A running QEMU's monitor can't be reached, does not answer in time, or does not answer like QEMU."""


class IgnoredParameterWarning(UserWarning):
    """This release of QEMU accepts the parameter and ignores it."""


class DeprecatedParameterWarning(UserWarning):
    """This release of QEMU gives a warning when the parameter is set. The text is QEMU's."""


class KnownFaultWarning(UserWarning):
    """This release of QEMU accepts the request and then crashes; see ``QemuBuild.known_faults``."""


def warn(message: str, category: type[Warning]) -> None:
    """Issues a warning that points at the line outside pymig that called it."""
    import sys  # noqa: PLC0415 - rare
    import warnings  # noqa: PLC0415 - rare

    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "pymig":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
