# SPDX-License-Identifier: GPL-2.0-or-later

"""Explains capabilities and parameters: what about.py says, with what C's tables say about releases and rules."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from pymig._core import lib
from pymig.capability import BITS
from pymig.catalog.about import CAPABILITIES, PARAMETERS
from pymig.catalog.explanation import Explanation
from pymig.catalog.messages import RELEASES, Rule, build_of, rules, state_of
from pymig.catalog.releases import in_words, series
from pymig.errors import MigrationError
from pymig.qemu.fault import FAULTS
from pymig.qemu.parameters import PARAMETERS as NUMBERS
from pymig.qemu.parameters import values_of
from pymig.release import RELEASES as SERIES
from pymig.request import Request, parameters_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any


def of_name(name: str) -> Iterator[Explanation]:
    """What the capability and the parameter of this name mean."""
    if name in CAPABILITIES:
        yield capability(name)
    if name in PARAMETERS:
        yield parameter(name)


NEEDED_AT = {1: "at the source", 2: "at the destination", 3: "at both ends"}


# ---- Capabilities ----


class Conflict(NamedTuple):
    """A rule that ties a capability to another one.

    Attributes:
        rule: its identifier.
        other: the other capability.
        needed: whether it must be on; else it must be off.
        releases: C's numbers of the releases in which it is so.
    """

    rule: str
    other: str
    needed: bool
    releases: tuple[int, ...]


@cache
def conflicts(name: str) -> tuple[Conflict, ...]:
    """What ties the capability to others, in the order of QEMU's rules."""
    found: dict[tuple[str, str, bool], list[int]] = {}
    for rule, by_release in rules().items():
        for release, row in by_release.items():
            for other, needed in _tied(name, row):
                found.setdefault((rule, other, needed), []).append(release)
    return tuple(Conflict(*which, tuple(releases)) for which, releases in found.items())


def _tied(name: str, row: Rule) -> Iterator[tuple[str, bool]]:
    """The others to which a rule ties the capability, and whether they must be on."""
    if name in row.trigger:
        yield from ((other, True) for other in row.need)
        yield from ((other, False) for other in row.forbid)
    elif name in row.forbid:
        yield from ((other, False) for other in row.trigger)


def rules_of(name: str) -> tuple[str, ...]:
    """The rules about the capability, in any release."""
    return tuple(
        rule
        for rule, by_release in rules().items()
        if any(name in names for row in by_release.values() for names in (row.trigger, row.need, row.forbid))
    )


def common_rules(capabilities: Sequence[str]) -> list[str]:
    """The rules that tie two of these together."""
    tied = (one for name in capabilities for one in conflicts(name) if one.other in capabilities)
    return list(dict.fromkeys(one.rule for one in tied))


@cache
def capability(name: str) -> Explanation:
    """What a capability does, needs and costs, what it does not go together with, and which releases have it."""
    about, number = CAPABILITIES[name], BITS[name].bit_length() - 1
    having = [release for release in RELEASES if lib.qemu_build_capabilities(build_of(release)) >> number & 1]
    deprecated = [release for release in having if lib.qemu_build_deprecated(build_of(release)) >> number & 1]
    unstable = lib.qemu_build_unstable(build_of(having[-1])) >> number & 1
    tied = [_tie(conflict, having) for conflict in conflicts(name)]
    text = _paragraphs(
        about.does,
        f"Needed {NEEDED_AT[lib.migration_capability_ends(number)]}. {about.ends}",
        f"Needs: {about.host}" if about.host else "",
        f"Costs: {about.cost}" if about.cost else "",
        _life(about.since, having, deprecated),
        "Unstable: it may change without notice." if unstable else "",
        f"Refused: {'; '.join(tied)}." if tied else "",
        f"Also refused: {'; '.join(_alone(name, having))}." if _alone(name, having) else "",
        about.notes,
    )
    related = [*rules_of(name), *(one.fault for one in FAULTS if name in one.capabilities), *parameters_of(name)]
    return Explanation("capability", name, text, series(having), (), (), tuple(dict.fromkeys(related)))


def _tie(conflict: Conflict, having: Sequence[int]) -> str:
    which = series(conflict.releases)
    when = "" if set(which) >= set(series(having)) else f" ({in_words(which)})"
    return f"{'without' if conflict.needed else 'with'} {conflict.other}{when}"


def _alone(name: str, having: Sequence[int]) -> list[str]:
    """The rules that refuse the capability by itself: where it is not built, not supported, or too late."""
    said = []
    for by_release in rules().values():
        row = list(by_release.values())[-1]
        if name in row.trigger and not row.need and not row.forbid:
            which = series(by_release)
            said.append(f'"{row.message}"' + ("" if set(which) >= set(series(having)) else f" ({in_words(which)})"))
    return said


def _life(since: str, having: Sequence[int], deprecated: Sequence[int]) -> str:
    known = series(having)
    parts = [f"Since QEMU {since}"]
    if deprecated:
        parts.append(f"deprecated from {series(deprecated)[0]} on")
    if known[-1] != SERIES[-1]:
        after = SERIES[SERIES.index(known[-1]) + 1 :]
        removed = next(name for name in after if name.count(".") == 1)
        parts.append(f"removed in {removed}")
    return ", ".join(parts) + "."


def _paragraphs(*parts: str) -> str:
    return "\n".join(part.strip() for part in parts if part.strip())


TUNED_BY: dict[str, tuple[str, ...]] = {
    "xbzrle": ("xbzrle-cache-size",),
    "rdma-pin-all": ("x-rdma-chunk-size",),
    "auto-converge": (
        "throttle-trigger-threshold",
        "cpu-throttle-initial",
        "cpu-throttle-increment",
        "cpu-throttle-tailslow",
        "max-cpu-throttle",
    ),
    "compress": ("compress-level", "compress-threads", "compress-wait-thread", "decompress-threads"),
    "postcopy-ram": ("max-postcopy-bandwidth",),
    "x-colo": ("x-checkpoint-delay",),
    "block": ("block-incremental",),
    "multifd": (
        "multifd-channels",
        "multifd-compression",
        "multifd-zlib-level",
        "multifd-zstd-level",
        "multifd-qatzip-level",
        "zero-page-detection",
    ),
    "dirty-bitmaps": ("block-bitmap-mapping",),
    "zero-copy-send": ("tls-creds", "multifd-compression"),
    "dirty-limit": ("vcpu-dirty-limit", "x-vcpu-dirty-limit-period"),
    "mapped-ram": ("direct-io", "tls-creds", "multifd-compression"),
}
"""The parameters that matter to a capability."""


def parameters_of(name: str) -> tuple[str, ...]:
    """The parameters that matter to the capability."""
    return TUNED_BY.get(name, ())


# ---- Parameters ----

_TRIED: tuple[object, ...] = (-1, 0, 21, 256, 2000001, 2**32, 2**64 - 1, "x", [])
"""For each parameter's range and type, some of these are outside."""


@cache
def parameter(name: str) -> Explanation:
    """What a parameter does, its values and defaults, and which releases have it."""
    about, number = PARAMETERS[name], NUMBERS[name]
    having = [release for release in RELEASES if lib.migration_parameter_known(build_of(release), number)]
    text = _paragraphs(
        about.does,
        f"Values: {about.values or _values(number)}. Default: {_in_releases(_defaults(name, having))}.",
        f"Needed {NEEDED_AT[lib.migration_parameter_ends(number)]}. {about.ends}",
        f"Costs: {about.cost}" if about.cost else "",
        _life(about.since, having, _where(lib.migration_parameter_deprecated, having, number)),
        "Unstable: it may change without notice."
        if lib.migration_parameter_unstable(build_of(having[-1]), number)
        else "",
        _ignored(_where(lib.migration_parameter_ignored, having, number)),
        about.notes,
    )
    related = tuple(one for one in TUNED_BY if name in TUNED_BY[one])
    return Explanation("parameter", name, text, series(having), (), (), related)


def _where(holds: Callable[..., bool], having: Iterable[int], number: int) -> list[int]:
    return [release for release in having if holds(build_of(release), number)]


def _ignored(releases: Sequence[int]) -> str:
    return f"Accepted and ignored by {in_words(series(releases))}: a fault of QEMU's." if releases else ""


def _values(number: int) -> str:
    return ", ".join(values_of(number))


def _defaults(name: str, having: Iterable[int]) -> dict[str, tuple[str, ...]]:
    """The series by the default value that they have."""
    found: dict[str, list[int]] = {}
    for release in having:
        value = parameters_in(state_of(release)).get(name)
        found.setdefault(_shown(value), []).append(release)
    return {value: series(releases) for value, releases in found.items()}


def _shown(value: object) -> str:
    if value is None or value in ("", []):
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _in_releases(by_value: dict[str, tuple[str, ...]]) -> str:
    if len(by_value) == 1:
        return next(iter(by_value))
    return ", ".join(f"{value} ({in_words(known)})" for value, known in by_value.items())


@cache
def words_about(name: str) -> dict[str, tuple[str, ...]]:
    """What QEMU says of wrong values of the parameter, and the series that say it."""
    said: dict[str, list[int]] = {}
    for release in RELEASES:
        if not lib.migration_parameter_known(build_of(release), NUMBERS[name]):
            continue
        state = state_of(release)
        for value in _TRIED:
            answer = _answer(state, name, value)
            if answer:
                said.setdefault(answer, []).append(release)
    return {words: series(releases) for words, releases in said.items()}


def _answer(state: Any, name: str, value: object) -> str:
    """What the state says to this value, without setting it; "" if it accepts."""
    try:
        Request({name: value}).send(lib.migrate_try_parameters, state)
    except MigrationError as error:
        return error.message
    return ""
