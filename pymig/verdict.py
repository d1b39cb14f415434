# SPDX-License-Identifier: GPL-2.0-or-later

"""QEMU's answers, and the changes that undo a refusal."""

from __future__ import annotations

from _collections_abc import Iterable, Mapping  # what collections.abc re-exports; that package takes 1 ms to import

from pymig.capability import CapabilitySet
from pymig.errors import MigrationError
from pymig.values import READ_ONLY, Value, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Self


class Change(Value):
    """Capabilities to switch and parameters to set. Immutable.

    Args:
        on: names of capabilities to switch on.
        off: names of capabilities to switch off.
        parameters: QMP's names and values of parameters to set.

    ``str()`` gives readable text: ``"without multifd"``.

    Raises:
        ValueError: a capability is in both ``on`` and ``off``.
    """

    __slots__ = ("off", "on", "parameters")

    on: CapabilitySet
    off: CapabilitySet
    parameters: Mapping[str, object]

    def __new__(
        cls, on: Iterable[str] = (), off: Iterable[str] = (), parameters: Mapping[str, object] | None = None
    ) -> Self:
        """See the class."""
        if parameters is not None and not isinstance(parameters, Mapping):
            wrong_type(parameters, "parameters", "a mapping of QMP names to values")
        self = object.__new__(cls)
        self._set(on=CapabilitySet(on), off=CapabilitySet(off), parameters=READ_ONLY(dict(parameters or {})))
        if both := self.on & self.off:
            raise ValueError(f"on and off both contain {next(iter(both))}")
        return self

    def apply(self, names: Iterable[str]) -> CapabilitySet:
        """This set after the change."""
        return (CapabilitySet(names) | self.on) - self.off

    def to_dict(self) -> dict[str, Any]:
        """The change as a dict for JSON."""
        return {"on": list(self.on), "off": list(self.off), "parameters": dict(self.parameters)}

    def __len__(self) -> int:
        """The number of switches and parameters."""
        return len(self.on) + len(self.off) + len(self.parameters)

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        parts = [
            *([f"with {' and '.join(self.on)}"] if self.on else []),
            *([f"without {' and '.join(self.off)}"] if self.off else []),
            *(f"{name}={value if value != '' else 'unset'}" for name, value in self.parameters.items()),
        ]
        return ", ".join(parts) or "nothing changed"

    def __repr__(self) -> str:
        on, off, parameters = list(self.on), list(self.off), dict(self.parameters)
        given = {"on": on, "off": off, "parameters": parameters}
        return f"Change({', '.join(f'{name}={value!r}' for name, value in given.items() if value)})"

    def __hash__(self) -> int:
        return hash((self.on, self.off, tuple(self.parameters)))

    def __reduce__(self) -> tuple[object, ...]:
        return (Change, (self.on, self.off, dict(self.parameters)))


class Verdict(Value):
    """QEMU's answer to a set of capabilities. True if and only if QEMU accepts.

    Immutable. Each rule has one shared Verdict per context, in all threads: compare with ``is``.

    Attributes:
        ok: whether QEMU accepts.
        code: 0 if accepted; otherwise the rule's number, which is the same in every release of QEMU and of pymig.
        rule: the rule's identifier, e.g. ``"background-snapshot/multifd"``; ``"accepted"`` if accepted.
        message: QEMU's text, word for word; "" if accepted.
        hint: QEMU's second text, shown only by its human monitor, or None.
        warnings: the warnings that QEMU would give before this answer.
        capabilities: the capabilities that the rule looks at.
        remedies: the changes that undo this rule. Another rule may still refuse the set; ``Checker.suggest`` finds
            changes that make QEMU accept the whole set.
    """

    __slots__ = ("_remedies", "capabilities", "code", "hint", "message", "ok", "rule", "warnings")

    ok: bool
    code: int
    rule: str
    message: str
    hint: str | None
    warnings: tuple[str, ...]
    capabilities: CapabilitySet
    _remedies: tuple[Change, ...] | Callable[[], tuple[Change, ...]]

    def __new__(
        cls,
        code: int,
        rule: str,
        message: str,
        hint: str | None = None,
        warnings: tuple[str, ...] = (),
        capabilities: CapabilitySet = CapabilitySet(),  # noqa: B008 - immutable
        remedies: tuple[Change, ...] | Callable[[], tuple[Change, ...]] = (),
    ) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(ok=code == 0, code=code, rule=rule, message=message, hint=hint)
        self._set(warnings=warnings, capabilities=capabilities, _remedies=remedies)
        return self

    @property
    def remedies(self) -> tuple[Change, ...]:
        """The changes that undo this rule by themselves; made when they are first asked for."""
        if callable(self._remedies):
            self._set(_remedies=self._remedies())
        return self._remedies  # type: ignore[return-value]

    def __bool__(self) -> bool:
        return self.ok

    def to_dict(self) -> dict[str, Any]:
        """The verdict as a dict for JSON."""
        return {
            "ok": self.ok,
            "code": self.code,
            "rule": self.rule,
            "message": self.message,
            "hint": self.hint,
            "warnings": list(self.warnings),
            "capabilities": list(self.capabilities),
            "remedies": [remedy.to_dict() for remedy in self.remedies],
        }

    def __repr__(self) -> str:
        return "<Verdict accepted>" if self.ok else f"<Verdict refused by {self.rule!r}: {self.message!r}>"

    def _with(self, message: str | None = None, warnings: tuple[str, ...] = ()) -> Verdict:
        """A verdict of the same rule with another text or with warnings."""
        text = self.message if message is None else message
        return Verdict(self.code, self.rule, text, self.hint, warnings, self.capabilities, self._remedies)

    def __reduce__(self) -> tuple[object, ...]:
        arguments = (self.code, self.rule, self.message, self.hint, self.warnings, self.capabilities, self.remedies)
        return (Verdict, arguments)


class CapabilityError(MigrationError):
    """A rule refuses the set of capabilities.

    Args:
        verdict: the Verdict that refuses.
    """

    if TYPE_CHECKING:

        def __init__(self, verdict: Verdict) -> None: ...

    else:
        __init__ = Exception.__init__  # written in C, which halves the time to create one

    @property
    def verdict(self) -> Verdict:
        """The Verdict that refuses."""
        verdict = self.args[0] if self.args else None
        if not isinstance(verdict, Verdict):
            wrong_type(verdict, "the argument of CapabilityError", "a Verdict")
        return verdict

    @property
    def message(self) -> str:
        """The verdict's message."""
        return self.verdict.message

    @property
    def hint(self) -> str | None:
        """The verdict's hint."""
        return self.verdict.hint
