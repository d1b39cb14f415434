"""The verdicts of one context."""

from __future__ import annotations

from _collections_abc import Mapping  # what collections.abc re-exports; that package takes 1 ms to import

from pymig._core import ffi
from pymig.qemu.rules import WARNINGS, verdicts_of
from pymig.verdict import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pymig.qemu.build import QemuBuild

_MESSAGE_SIZE = 512


class Verdicts(Mapping[int, Verdict]):
    """Maps each code to its verdict. Each rule has one shared object, in all threads.

    Args:
        build: the build whose rules they are.
        message: C's migration_checker_message() or migration_state_message(), for the text that a rule has in this
            context where the host's reason is part of it.
        owner: what that function is called with; kept alive.

    Attributes:
        static: those whose text is the same on every host.
    """

    __slots__ = ("_every", "_message", "_owner", "_with_reason", "_with_warnings", "static")

    def __init__(self, build: QemuBuild, message: Callable[..., int], owner: Any) -> None:
        self._every, self.static = verdicts_of(build._c)
        self._message = message
        self._owner = owner
        self._with_reason: dict[str, Verdict] = {}
        self._with_warnings: dict[tuple[int, str], Verdict] = {}

    def __getitem__(self, code: int) -> Verdict:
        static = self.static.get(code)
        return self._told(code) if static is None else static

    def _told(self, code: int) -> Verdict:
        verdict = self._every[code]
        buffer = ffi.new("char[]", _MESSAGE_SIZE)
        self._message(self._owner, code, buffer, _MESSAGE_SIZE)
        message = ffi.string(buffer).decode()
        known = self._with_reason.get(message)
        return known or self._with_reason.setdefault(message, verdict._with(message))

    def with_warnings(self, code: int, given: int) -> Verdict:
        """The verdict with the warnings whose bits are given."""
        verdict = self[code]
        key = (given, verdict.rule + verdict.message)
        warned = self._with_warnings.get(key)
        texts = tuple(text for i, text in enumerate(WARNINGS) if given >> i & 1)
        return warned or self._with_warnings.setdefault(key, verdict._with(warnings=texts))

    def __iter__(self) -> Iterator[int]:
        return iter(self._every)

    def __len__(self) -> int:
        return len(self._every)
