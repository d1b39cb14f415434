"""QEMU's answers."""

from __future__ import annotations

from pymig.qemu.capability import CapabilitySet
from pymig.values import Value


class Verdict(Value):
    """QEMU's answer to a set of capabilities; true exactly when it is accepted.

    Immutable, and one shared object per rule and context: compare with ``is``.

    Attributes:
        ok: whether QEMU accepts.
        code: 0 is accepted; any other stands for one rule, the same in every release of QEMU and of pymig.
        rule: the same as a readable identifier, e.g. ``"background-snapshot/multifd"``; ``"accepted"``.
        message: QEMU's text, word for word; "" if accepted.
        hint: QEMU's second text, which its human monitor shows after the first, or None.
        warnings: what QEMU would warn of on the way.
        capabilities: those that the rule looks at.
    """

    __slots__ = ("capabilities", "code", "hint", "message", "ok", "rule", "warnings")

    ok: bool
    code: int
    rule: str
    message: str
    hint: str | None
    warnings: tuple[str, ...]
    capabilities: CapabilitySet

    def __init__(
        self,
        code: int,
        rule: str,
        message: str,
        hint: str | None = None,
        warnings: tuple[str, ...] = (),
        capabilities: CapabilitySet = CapabilitySet(),  # noqa: B008 - immutable
    ) -> None:
        self._set(
            ok=code == 0,
            code=code,
            rule=rule,
            message=message,
            hint=hint,
            warnings=warnings,
            capabilities=capabilities,
        )

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return "<Verdict accepted>" if self.ok else f"<Verdict refused by {self.rule!r}: {self.message!r}>"

    def _with(self, message: str | None = None, warnings: tuple[str, ...] = ()) -> Verdict:
        """The same rule's verdict with another text or with warnings."""
        text = self.message if message is None else message
        return Verdict(self.code, self.rule, text, self.hint, warnings, self.capabilities)

    def __reduce__(self) -> tuple[object, ...]:
        return (Verdict, (self.code, self.rule, self.message, self.hint, self.warnings, self.capabilities))
