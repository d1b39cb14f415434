"""Which QEMU is asked."""

from __future__ import annotations

from pymig._core import ffi, lib
from pymig.capability import BITS, CapabilitySet
from pymig.frozen import Value
from pymig.verdict import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import Any

RELEASES: tuple[str, ...] = tuple(ffi.string(lib.qemu_release_name(i)).decode() for i in range(lib.QEMU_RELEASE__MAX))

FIRST_DEVELOPMENT_MICRO = 50
"""QEMU's development trees call themselves X.Y.50 and on: neither X.Y nor the release after it."""


def _numbers(release: object) -> tuple[int, ...] | None:
    """(8, 0) or (8, 0, 5) for what looks like a release, written the way QEMU writes it."""
    if isinstance(release, str):
        parts = release.split(".")
        if not all(part.isascii() and part.isdigit() and str(int(part[:9])) == part for part in parts):
            return None
        numbers = tuple(map(int, parts))
    elif isinstance(release, tuple) and all(type(part) is int and part >= 0 for part in release):
        numbers = release
    else:
        return None
    return numbers if len(numbers) in (2, 3) else None


def _known_release(release: object) -> str:
    """The known release that this names."""
    numbers = _numbers(release)
    if numbers is not None:
        exact = ".".join(map(str, numbers))
        if exact in RELEASES:
            return exact
        series = ".".join(map(str, numbers[:2]))
        if series in RELEASES and numbers[2] < FIRST_DEVELOPMENT_MICRO:
            return series
    shown = repr(release)
    shown = shown if len(shown) <= 40 else shown[:37] + "..."  # noqa: PLR2004
    raise ValueError(f"release must be one of {', '.join(RELEASES)}, as a string or a tuple of numbers, not {shown}")


class QemuBuild(Value):
    """One QEMU binary: its release, and the configure-time choices that change its answers. Immutable.

    Args:
        release: ``"8.0"``, ``"8.0.5"`` or ``(8, 0)``; a stable release answers as the first of its series. The default
            is the reference, the development tree of 24 April 2023: 8.0's rules, and a host probe with one step more.
        live_block_migration: built with CONFIG_LIVE_BLOCK_MIGRATION.
        replication: built with CONFIG_REPLICATION.
        linux: built for Linux.
        zstd: built with CONFIG_ZSTD.

    Attributes:
        downstream: of a build found by ``from_binary``: how it differs from its release, a text each.

    Raises:
        ValueError: a release that is not known; the text lists those that are.
        TypeError: a choice that is no bool.
    """

    __slots__ = (
        "_bits",
        "_c",
        "_differences",
        "_plain",
        "_verdicts",
        "_warning",
        "downstream",
        "linux",
        "live_block_migration",
        "release",
        "replication",
        "zstd",
    )

    release: str
    live_block_migration: bool
    replication: bool
    linux: bool
    zstd: bool
    downstream: tuple[str, ...]
    _bits: dict[str, int]
    _c: Any
    _differences: tuple[int, int, int, int]
    _plain: dict[int, Verdict]
    _verdicts: dict[int, Verdict]
    _warning: int

    def __init__(
        self,
        release: str | tuple[int, ...] = "8.0.50",
        *,
        live_block_migration: bool = True,
        replication: bool = True,
        linux: bool = True,
        zstd: bool = True,
    ) -> None:
        choices = {
            "live_block_migration": live_block_migration,
            "replication": replication,
            "linux": linux,
            "zstd": zstd,
        }
        known = _known_release(release)
        for name, value in choices.items():
            if not isinstance(value, bool):
                raise TypeError(f"{name} must be a bool, not {type(value).__name__}")
        self._set(release=known, **choices, downstream=())
        self._prepare((0, 0, 0, 0))

    def _prepare(self, differences: tuple[int, int, int, int]) -> None:
        choices = (self.live_block_migration, self.replication, self.linux, self.zstd)
        c_build = ffi.new("QemuBuild *", [RELEASES.index(self.release), *choices, *differences])
        verdicts, plain = _tables(c_build)
        self._set(_c=c_build, _verdicts=verdicts, _plain=plain, _differences=differences)
        self._set(_bits={name: BITS[name] for name in self.capabilities}, _warning=self.deprecated.mask)

    def _with_differences(self, differences: tuple[int, int, int, int], downstream: tuple[str, ...]) -> QemuBuild:
        """A downstream version: capabilities added and removed, parameters added and removed, all as masks."""
        build = QemuBuild.__new__(QemuBuild)
        build._set(**{name: getattr(self, name) for name in _CHOICES}, release=self.release, downstream=downstream)
        build._prepare(differences)
        return build

    @classmethod
    def from_binary(cls, path: str | os.PathLike[str], *, timeout: float = 20.0) -> QemuBuild:
        """The build that matches a QEMU binary, found out by starting it and asking it over QMP.

        It is started with ``-machine none`` and ended again whatever happens. Where its QMP schema differs from what
        its version number promises (distributions backport), the schema is followed for which capabilities and
        parameters exist, and ``downstream`` tells it. Needs the package qemu.qmp: ``pip install 'pymig[qemu]'``.

        Args:
            path: the binary.
            timeout: seconds for it all.

        Raises:
            QemuBinaryError: it can't be started, is no QEMU, or does not answer in time.
            ValueError: its version is not known.
        """
        from pymig.binary import build_of  # noqa: PLC0415 - it imports asyncio and qemu.qmp

        return build_of(path, timeout)

    @staticmethod
    def releases() -> tuple[str, ...]:
        """The releases that are known, the oldest first."""
        return RELEASES

    @property
    def capabilities(self) -> CapabilitySet:
        """What its setter knows: the members of the release's MigrationCapability."""
        return CapabilitySet.from_mask(lib.qemu_build_capabilities(self._c))

    @property
    def unstable(self) -> CapabilitySet:
        """Those that QEMU's schema marks as unstable."""
        return CapabilitySet.from_mask(lib.qemu_build_unstable(self._c))

    @property
    def deprecated(self) -> CapabilitySet:
        """Those that QEMU's schema marks as deprecated."""
        return CapabilitySet.from_mask(lib.qemu_build_deprecated(self._c))

    @property
    def listed(self) -> CapabilitySet:
        """What its query-migrate-capabilities lists: not `block` where that was not built in."""
        return CapabilitySet.from_mask(lib.qemu_build_listed(self._c))

    def __repr__(self) -> str:
        without = "".join(f", {name}=False" for name in _CHOICES if not getattr(self, name))
        downstream = f", downstream={self.downstream!r}" if self.downstream else ""
        return f"QemuBuild({self.release!r}{without}{downstream})"

    def __reduce__(self) -> tuple[object, ...]:
        return (
            _rebuild,
            (self.release, *(getattr(self, name) for name in _CHOICES), self._differences, self.downstream),
        )


_CHOICES = ("live_block_migration", "replication", "linux", "zstd")


def _rebuild(release: str, *state: Any) -> QemuBuild:
    choices, (differences, downstream) = state[: len(_CHOICES)], state[len(_CHOICES) :]
    return QemuBuild(release, **dict(zip(_CHOICES, choices, strict=True)))._with_differences(differences, downstream)


def _warnings() -> Iterator[str]:
    number = 0
    while text := lib.migration_warning(number):
        yield ffi.string(text).decode()
        number += 1


WARNINGS: tuple[str, ...] = tuple(_warnings())
"""What QEMU can warn of, by the numbers that C has for it."""

_TABLES: dict[tuple[int, int], tuple[dict[int, Verdict], dict[int, Verdict]]] = {}


def _tables(c_build: Any) -> tuple[dict[int, Verdict], dict[int, Verdict]]:
    """Every verdict of a build's release by its code; and without those whose text goes on with the host's reason.

    Made once for each release and set of capabilities, then shared.
    """
    key = (c_build.release, lib.qemu_build_capabilities(c_build))
    return _TABLES.get(key) or _TABLES.setdefault(key, _make_tables(c_build))


def _make_tables(c_build: Any) -> tuple[dict[int, Verdict], dict[int, Verdict]]:
    rule = ffi.new("MigrationRule *")
    verdicts, plain = {}, {}
    for code in range(lib.MIGRATION_VERDICT__MAX):
        if lib.migration_rule(c_build, code, rule) < 0:
            continue
        hint = ffi.string(rule.hint).decode() if rule.hint else None
        capabilities = CapabilitySet.from_mask(rule.capabilities)
        verdicts[code] = Verdict(
            code, ffi.string(rule.id).decode(), ffi.string(rule.message).decode(), hint, (), capabilities
        )
        if not rule.reason_follows:
            plain[code] = verdicts[code]
    return verdicts, plain


def require_build(build: object) -> QemuBuild:
    """The build, or a TypeError that names the argument."""
    if not isinstance(build, QemuBuild):
        raise TypeError(f"build must be a QemuBuild, not {type(build).__name__}")
    return build
