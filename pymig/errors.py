"""What can go wrong.

::

    MigrationError                  QEMU, or QMP before it, would refuse the request; .message is its text
    ├── CapabilityError             a rule refuses the set: .verdict says which
    ├── ParameterError              a parameter is refused: .parameter says which
    │   └── ParameterTypeError      ... because its value is of the wrong type; a TypeError, too
    ├── MigrationActiveError        a migration is in progress
    ├── RequestTypeError            the request's shape is wrong; a TypeError, too
    └── UnknownCapabilityError      no such capability; a ValueError, too

    QemuBinaryError                 a QEMU binary can't be asked; it stands by itself

Arguments that no QEMU would ever come to see are plain TypeErrors and ValueErrors.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymig.verdict import Verdict


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
        """QEMU's second text, which its human monitor shows, or None."""
        return self._texts[1]

    def __str__(self) -> str:
        return self.message


class CapabilityError(MigrationError):
    """A rule refuses the set of capabilities."""

    if TYPE_CHECKING:

        def __init__(self, verdict: Verdict) -> None: ...

    else:
        __init__ = Exception.__init__  # in C, which halves the time that one takes to make

    @property
    def verdict(self) -> Verdict:
        """The Verdict, with the rule and what it looks at."""
        verdict: Verdict = self.args[0]
        return verdict

    @property
    def message(self) -> str:
        """The verdict's message."""
        return self.verdict.message

    @property
    def hint(self) -> str | None:
        """The verdict's hint."""
        return self.verdict.hint


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
    """A list of changes is not of the shape that QMP's migrate-set-capabilities takes."""


class UnknownCapabilityError(MigrationError, ValueError):
    """No such capability, in this release.

    Attributes:
        name: the name that was given.
        known: the names that would have been known.
    """

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"Parameter 'capability' does not accept value '{name}'")
        self.name = name
        self.known = tuple(known)
        self.args = (name, self.known)

    @property
    def suggestions(self) -> tuple[str, ...]:
        """The closest known names, the closest first; empty if none is close."""
        from difflib import get_close_matches  # noqa: PLC0415 - it costs more than all of pymig, and only here

        wanted = self.name[:64].lower().strip().replace("_", "-")
        return tuple(get_close_matches(wanted, self.known, n=3, cutoff=0.6))


class QemuBinaryError(Exception):
    """A binary can't be started, is no QEMU, or does not answer in time."""


class IgnoredParameterWarning(UserWarning):
    """This release of QEMU accepts the parameter and then forgets it."""


class DeprecatedParameterWarning(UserWarning):
    """This release of QEMU warns of the parameter when it is set; the text is QEMU's."""


class KnownFaultWarning(UserWarning):
    """This release of QEMU dies of what it accepts; see ``QemuBuild.known_faults``."""
