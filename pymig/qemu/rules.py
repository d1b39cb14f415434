"""The rules of a build, as verdicts."""

from __future__ import annotations

from pymig._core import ffi, lib
from pymig.capability import CapabilitySet
from pymig.qemu.parameters import NAMES, values_of
from pymig.release import rows, text
from pymig.verdict import Change, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pymig._core import MigrationRule, QemuBuild

    VerdictTable = dict[int, Verdict]

WARNINGS: tuple[str, ...] = tuple(map(text, rows(lib.migration_warning)))
"""QEMU's warnings, indexed by C's numbers."""

_TABLES: dict[tuple[int, int, int], tuple[VerdictTable, VerdictTable]] = {}


def verdicts_of(c_build: QemuBuild) -> tuple[VerdictTable, VerdictTable]:
    """Every verdict of a build by its code; and without those whose text goes on with the host's reason.

    They are shared by all builds with the same release, probe and capabilities.
    """
    key = (c_build.release, c_build.probe_release, lib.qemu_build_capabilities(c_build))
    return _TABLES.get(key) or _TABLES.setdefault(key, _make_tables(c_build))


def _make_tables(c_build: QemuBuild) -> tuple[VerdictTable, VerdictTable]:
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
            _remedies(rule),
        )
        if not rule.reason_follows:
            static[code] = verdicts[code]
    return verdicts, static


def _remedies(rule: MigrationRule) -> tuple[Change, ...]:
    """Switch the trigger off; or switch on all that the rule needs and off all that it forbids."""
    if not rule.trigger:
        return ()
    remedies = [Change(off=CapabilitySet.from_mask(rule.trigger))]
    if rule.need or rule.forbid:
        need, forbid = map(CapabilitySet.from_mask, (rule.need, rule.forbid))
        remedies.append(Change(on=need, off=forbid, parameters=_defaults(rule.parameters)))
    return tuple(remedies)


def _defaults(parameters: int) -> dict[str, object]:
    """The defaults of these parameters: an enum's first value, or an unset string."""
    chosen = (i for i in range(len(NAMES)) if parameters >> i & 1)
    return {NAMES[i]: (values_of(i) or ("",))[0] for i in chosen}
