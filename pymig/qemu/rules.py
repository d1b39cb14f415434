# SPDX-License-Identifier: GPL-2.0-or-later

"""The rules of a build, as verdicts."""

from __future__ import annotations

from _collections_abc import Mapping  # what collections.abc re-exports; that package takes 1 ms to import

from pymig._core import ffi, lib
from pymig.capability import CapabilitySet
from pymig.errors import host_unknown
from pymig.qemu.parameters import NAMES, values_of
from pymig.release import rows, text, written
from pymig.verdict import Change, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pymig._core import QemuBuild

    VerdictTables = tuple[dict[int, Verdict], dict[int, Verdict], dict[tuple[int, int], Verdict]]


_TABLES: dict[tuple[int, int, int], VerdictTables] = {}


def verdicts_of(c_build: QemuBuild, capabilities: int) -> VerdictTables:
    """The verdicts of a build, shared by all builds with the same release, probe and capabilities.

    Returns:
        Every verdict, by its code. The same without those whose text goes on with the host's reason. And these with
        warnings, by the code and the bits of the warnings, as far as they were needed.
    """
    key = (c_build.release, c_build.probe_release, capabilities)
    return _TABLES.get(key) or _TABLES.setdefault(key, _make_tables(c_build))


def _make_tables(c_build: QemuBuild) -> VerdictTables:
    rule = ffi.new("MigrationRule *")
    verdicts, static = {}, {}
    for code in range(lib.MIGRATION_VERDICT__MAX):
        if lib.migration_rule(c_build, code, rule) < 0:
            continue
        verdicts[code] = Verdict(
            code,
            text(rule.id),
            text(rule.message),
            text(rule.hint) if rule.hint else None,
            (),
            CapabilitySet.from_mask(rule.capabilities),
            _remedies(rule.trigger, rule.need, rule.forbid, rule.parameters),
        )
        if not rule.reason_follows:
            static[code] = verdicts[code]
    return verdicts, static, {}


def _remedies(trigger: int, need: int, forbid: int, parameters: int) -> Callable[[], tuple[Change, ...]]:
    """A function that makes them: trigger off; or all that the rule needs on and all that it forbids off."""

    def make() -> tuple[Change, ...]:
        remedies = [Change(off=CapabilitySet.from_mask(trigger))]
        if need or forbid:
            on, off = map(CapabilitySet.from_mask, (need, forbid))
            remedies.append(Change(on=on, off=off, parameters=_defaults(parameters)))
        return tuple(remedies) if trigger else ()

    return make


def _defaults(parameters: int) -> dict[str, object]:
    """The defaults of these parameters: an enum's first value, or an unset string."""
    chosen = (i for i in range(len(NAMES)) if parameters >> i & 1)
    return {NAMES[i]: (values_of(i) or ("",))[0] for i in chosen}


def _warnings(given: int) -> tuple[str, ...]:
    """The texts of the warnings whose bits are given."""
    return tuple(text(warning) for i, warning in enumerate(rows(lib.migration_warning)) if given >> i & 1)


UNKNOWN_CAPABILITY = Verdict(
    lib.MIGRATION_UNKNOWN_CAPABILITY, "unknown-capability", "The release lacks a capability of the set", None, ()
)
"""The verdict of check_many() on a word with a capability that the release lacks. QEMU's own text would name it."""


class Verdicts(Mapping[int, Verdict]):
    """Maps each code to its verdict. Each rule has one shared object, in all threads.

    The code 255 of check_many() has a verdict, too, but is not among the keys, because it is no rule of QEMU's.

    Args:
        c_build: C's build, whose rules they are.
        capabilities: the bits of the capabilities that the build knows.
        message: C's migration_checker_message() or migration_state_message(), for the text that a rule has in this
            context where the host's reason is part of it.
        owner: what that function is called with; kept alive.
        c_host: C's host, which it asks; the owner keeps it alive.

    Attributes:
        static: those whose text is the same on every host.
    """

    __slots__ = (
        "_c_host",
        "_every",
        "_message",
        "_owner",
        "_reason_with_warnings",
        "_warned",
        "_with_reason",
        "static",
    )

    def __init__(
        self, c_build: QemuBuild, capabilities: int, message: Callable[..., int], owner: Any, c_host: Any
    ) -> None:
        self._every, self.static, self._warned = verdicts_of(c_build, capabilities)
        self._message = message
        self._owner = owner
        self._c_host = c_host
        self._with_reason: dict[str, Verdict] = {}
        self._reason_with_warnings: dict[tuple[int, str], Verdict] = {}

    def __getitem__(self, code: int) -> Verdict:
        static = self.static.get(code)
        return self._told(code) if static is None else static

    def _told(self, code: int) -> Verdict:
        if code == lib.MIGRATION_UNKNOWN_CAPABILITY:
            return UNKNOWN_CAPABILITY
        verdict = self._every[code]
        message = written(self._message, self._owner, code)
        if message is None:
            raise host_unknown(lib.migration_host_error(self._c_host))
        known = self._with_reason.get(message)
        return known or self._with_reason.setdefault(message, verdict._with(message))

    def with_warnings(self, code: int, given: int) -> Verdict:
        """The verdict with the warnings whose bits are given."""
        static = self.static.get(code)
        if static is not None:
            known = self._warned.get((code, given))
            return known or self._warned.setdefault((code, given), static._with(warnings=_warnings(given)))
        verdict = self[code]
        key = (given, verdict.message)
        known = self._reason_with_warnings.get(key)
        return known or self._reason_with_warnings.setdefault(key, verdict._with(warnings=_warnings(given)))

    @property
    def has_reasons(self) -> bool:
        """Whether the text of some of them goes on with the host's reason."""
        return len(self.static) < len(self._every)

    def __iter__(self) -> Iterator[int]:
        return iter(self._every)

    def __len__(self) -> int:
        return len(self._every)
