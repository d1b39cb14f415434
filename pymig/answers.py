"""What C answers in one context, as verdicts."""

from __future__ import annotations

from _collections_abc import Mapping  # collections.abc's own; the package takes a millisecond

from pymig._core import lib
from pymig.qemu.build import WARNINGS, QemuBuild
from pymig.qemu.capability import known_mask, mask_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from pymig.host.host import Host
    from pymig.verdict import Verdict


class Verdicts(Mapping[int, "Verdict"]):
    """Every verdict of a build, by its code; the one about the host's postcopy with the host's own reason.

    ``postcopy`` gives C's answer of the postcopy probe in the context that is asked about.
    """

    __slots__ = ("_build", "_host", "_postcopy", "_told")

    def __init__(self, build: QemuBuild, host: Host, postcopy: Callable[[], Any]) -> None:
        self._build = build
        self._host = host
        self._postcopy = postcopy
        self._told: dict[str, Verdict] = {}

    def __getitem__(self, code: int) -> Verdict:
        plain = self._build._plain.get(code)
        return self._with_reason(self._build._verdicts[code]) if plain is None else plain

    def _with_reason(self, verdict: Verdict) -> Verdict:
        message = self._host._with_reason(verdict.message, self._build._c.probe_release, self._postcopy().step)
        told = self._told.get(message)
        if told is None:
            told = self._told[message] = verdict._with(message)
        return told

    def __iter__(self) -> Iterator[int]:
        return iter(self._build._verdicts)

    def __len__(self) -> int:
        return len(self._build._verdicts)


class Answers:
    """The verdict on every change in one context."""

    __slots__ = ("_c", "_known", "_verdicts", "_warned", "_warning")

    def __init__(self, c_checker: Any, build: QemuBuild, verdicts: Verdicts) -> None:
        self._c = c_checker
        self._verdicts = verdicts
        self._known = build.capabilities.mask
        self._warning = build._warning
        self._warned: dict[tuple[int, int], Verdict] = {}

    def mask(self, capabilities: Iterable[str] | int, argument: str) -> int:
        """The mask of a set that the release knows; errors name the argument."""
        return known_mask(mask_of(capabilities, argument), self._known, argument)

    def of_change(self, new: int, old: int) -> Verdict:
        """The verdict on a change from one mask to the other."""
        code = lib.migrate_caps_check(self._c, old, new)
        return self._with_warnings(code, new) if new & self._warning else self._verdicts[code]

    def _with_warnings(self, code: int, new: int) -> Verdict:
        given = lib.migrate_caps_warnings(self._c, new, code)
        plain = self._verdicts[code]
        if not given:
            return plain
        verdict = self._warned.get((code, given))
        if verdict is None or verdict.message != plain.message:
            texts = tuple(text for i, text in enumerate(WARNINGS) if given >> i & 1)
            verdict = self._warned[code, given] = plain._with(warnings=texts)
        return verdict
