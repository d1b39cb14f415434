# SPDX-License-Identifier: GPL-2.0-or-later

"""Builds of QEMU."""

from __future__ import annotations

from _collections_abc import Iterable  # what collections.abc re-exports; that package takes 1 ms to import

from pymig._core import ffi, lib
from pymig.capability import BITS, NAMES, CapabilitySet
from pymig.errors import DeprecatedParameterWarning, IgnoredParameterWarning, warn
from pymig.qemu import parameters
from pymig.qemu.parameters import COMPRESSIONS, PARAMETERS
from pymig.qemu.rules import verdicts_of
from pymig.release import (
    DOWNSTREAMS,
    FIRST_DEVELOPMENT_MICRO,
    POINTS,
    RELEASES,
    is_newer,
    known_release,
    rows,
    text,
)
from pymig.values import Value, require_bool, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import Any

    from typing_extensions import Self

    from pymig._core import QemuBuild as CBuild
    from pymig.qemu.binary import BinaryAnswers
    from pymig.qemu.fault import KnownFault
    from pymig.verdict import Verdict

_MASK_BITS = 64

_ALWAYS_BUILT = ("none", "zlib")


_POSSIBLE: dict[int, tuple[str, ...]] = {}


def _possible_compressions(number: int) -> tuple[str, ...]:
    """The values that multifd-compression can have in a release, in QEMU's order."""
    if number not in _POSSIBLE:
        every = ffi.new("QemuBuild *", {"release": number, "compressions": (1 << len(COMPRESSIONS)) - 1})
        parameter = lib.MIGRATION_PARAMETER_MULTIFD_COMPRESSION
        known = enumerate(COMPRESSIONS)
        _POSSIBLE[number] = tuple(name for i, name in known if lib.migration_parameter_value_known(every, parameter, i))
    return _POSSIBLE[number]


def _known_compressions(number: int, compressions: Iterable[str] | None, zstd: bool) -> tuple[str, ...]:
    """The build's values of multifd-compression, in QEMU's order."""
    if compressions is None:
        given = {*_ALWAYS_BUILT, *(("zstd",) if zstd else ())}
    elif isinstance(compressions, (str, bytes)) or not isinstance(compressions, Iterable):
        raise TypeError(f"compressions must be an iterable of names, not {type(compressions).__name__}")
    else:
        given = {*_ALWAYS_BUILT, *compressions}
    possible = _possible_compressions(number)
    if unknown := sorted(map(str, given.difference(possible))):
        raise ValueError(f"compressions must be in {', '.join(possible)} in QEMU {POINTS[number]}, not {unknown[0]!r}")
    if not zstd and "zstd" in given:
        raise ValueError("compressions contains zstd, but zstd is False; leave one of them out")
    return tuple(name for name in possible if name in given)


def _targets() -> tuple[str, ...]:
    """The targets with a known page size."""
    return tuple(dict.fromkeys(map(text, rows(lib.qemu_target_name))))


def _page_size(number: int, target: str | None, machine: str | None) -> int:
    for argument, value in (("target", target), ("machine", machine)):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{argument} must be a str, not {type(value).__name__}")
    if target is None:
        return 0
    if target not in _targets():
        raise ValueError(f"target must be one of {', '.join(_targets())}, not {target[:40]!r}")
    c_machine = ffi.NULL if machine is None else ffi.new("char[]", machine.encode())
    size: int = lib.qemu_target_page_size(number, target.encode(), c_machine)
    return size


class QemuBuild(Value):
    """One QEMU binary: its release, and the configure-time choices that change its answers. Immutable.

    Args:
        release: ``"10.0"`` or ``(10, 0)`` for the newest stable release of that series; ``"10.0.1"`` for exactly that
            one; or a distribution's build whose answers differ from its version's: ``"rhel-9.3"``. The default is the
            reference, the development tree of 24 April 2023: 8.0's rules, and a host probe with one more step.
        live_block_migration: built with CONFIG_LIVE_BLOCK_MIGRATION.
        replication: built with CONFIG_REPLICATION.
        linux: built for Linux.
        zstd: built with CONFIG_ZSTD.
        compressions: the values of multifd-compression, e.g. ``("none", "zlib", "qpl")``; none and zlib are always
            included. By default: none, zlib and, with ``zstd``, zstd.
        direct_io: built on a platform with O_DIRECT, such as Linux.
        target: the emulated architecture, e.g. ``"aarch64"``. It decides the guest's page size. By default, x86's.
        machine: the machine type, e.g. ``"virt-9.0"`` or ``"pc-q35-7.2"``. On Arm it decides the page size, and its
            version decides some defaults. By default, as with ``-machine none``.

    Attributes:
        downstream: how the build differs from its release, one text per difference; empty for upstream builds.

    Raises:
        ValueError: an unknown release (the text names the known ones, or the nearest); a compression that the release
            can't have; an unknown target.
        TypeError: an argument has the wrong type.
    """

    __slots__ = (
        "_bits",
        "_c",
        "_differences",
        "_mask",
        "_warning",
        "compressions",
        "direct_io",
        "downstream",
        "linux",
        "live_block_migration",
        "machine",
        "release",
        "replication",
        "target",
        "zstd",
    )

    release: str
    live_block_migration: bool
    replication: bool
    linux: bool
    zstd: bool
    compressions: tuple[str, ...]
    direct_io: bool
    target: str | None
    machine: str | None
    downstream: tuple[str, ...]
    _bits: dict[str, int]
    _c: CBuild
    _differences: tuple[int, ...]
    _mask: int
    _warning: int

    def __new__(
        cls,
        release: str | tuple[int, ...] = "8.0.50",
        *,
        live_block_migration: bool = True,
        replication: bool = True,
        linux: bool = True,
        zstd: bool = True,
        compressions: Iterable[str] | None = None,
        direct_io: bool = True,
        target: str | None = None,
        machine: str | None = None,
    ) -> Self:
        """See the class."""
        choices = {
            "live_block_migration": live_block_migration,
            "replication": replication,
            "linux": linux,
            "direct_io": direct_io,
        }
        for name, value in {**choices, "zstd": zstd}.items():
            require_bool(value, name)
        self = object.__new__(cls)
        if isinstance(release, str) and release in DOWNSTREAMS:
            if not all((*choices.values(), zstd, compressions is None)):
                raise ValueError(f"release {release!r} has fixed build options; only target and machine can be given")
            self._be_downstream(release, target, machine)
            return self
        known, number = known_release(release)
        built = _known_compressions(number, compressions, zstd)
        self._set(release=known, **choices, zstd="zstd" in built, compressions=built, target=target, machine=machine)
        self._prepare(number, (number, 0, 0, 0, 0), ())
        return self

    def _be_downstream(self, name: str, target: str | None, machine: str | None) -> None:
        """Becomes a distribution's build. C's row defines everything except target and machine."""
        c_build = DOWNSTREAMS[name].build
        built = tuple(value for i, value in enumerate(COMPRESSIONS) if c_build.compressions >> i & 1)
        self._set(release=name, target=target, machine=machine, compressions=built, zstd="zstd" in built)
        self._set(live_block_migration=c_build.live_block_migration, replication=c_build.replication)
        self._set(linux=c_build.on_linux, direct_io=c_build.direct_io)
        differences = tuple(getattr(c_build, field) for field in _DIFFERENCES)
        self._prepare(c_build.release, differences, difference_texts(POINTS[c_build.release], differences))

    def _prepare(self, number: int, differences: tuple[int, ...], downstream: tuple[str, ...]) -> None:
        c_build = ffi.new("QemuBuild *", {"release": number, **dict(zip(_DIFFERENCES, differences, strict=True))})
        c_build.live_block_migration, c_build.replication = self.live_block_migration, self.replication
        c_build.on_linux, c_build.direct_io = self.linux, self.direct_io
        c_build.compressions = sum(1 << COMPRESSIONS.index(name) for name in self.compressions)
        c_build.target_page_size = _page_size(number, self.target, self.machine)
        if self.machine is not None:
            c_build.machine_version = lib.qemu_machine_version(self.machine.encode())
        mask = lib.qemu_build_capabilities(c_build)
        self._set(
            _c=c_build,
            _differences=differences,
            _mask=mask,
            _bits={name: bit for name, bit in BITS.items() if bit & mask},
            _warning=lib.qemu_build_deprecated(c_build),
            downstream=downstream,
        )

    def _with_differences(
        self, differences: tuple[int, ...], downstream: tuple[str, ...], **choices: object
    ) -> QemuBuild:
        """A copy with other choices, and a downstream build's differences: as values of _DIFFERENCES, and in words."""
        build = object.__new__(QemuBuild)
        build._set(**{**{name: getattr(self, name) for name in ("release", *_CHOICES)}, **choices})
        build._prepare(self._c.release, differences, downstream)
        return build

    @classmethod
    def from_binary(cls, path: str | os.PathLike[str], *, timeout: float = 20.0) -> QemuBuild:
        """The build that matches a QEMU binary. Starts the binary and queries it over QMP.

        The binary is started with ``-machine none``. It ends with the call, together with all its descendants, and also
        if the caller is killed. Ctrl-C and the cancellation of the calling task end the call at once.

        If the binary's QMP schema differs from its version number (distributions backport), the schema decides which
        capabilities and parameters exist, and ``downstream`` lists the differences. A release newer than all known ones
        answers by the newest release's rules, and ``downstream`` says so.

        Args:
            path: the binary; a name without a slash is looked up in PATH.
            timeout: seconds for the whole query, at most a day.

        Raises:
            QemuBinaryError: the binary can't be started, is not QEMU, or does not answer in time.
            ValueError: its version is unknown, and not newer than all known ones.
        """
        from pymig.qemu.binary import ask  # noqa: PLC0415 - it imports json and socket

        return build_that_answers(ask(path, timeout))

    @staticmethod
    def releases() -> tuple[str, ...]:
        """The known series and development trees, oldest first."""
        return RELEASES

    @staticmethod
    def newest() -> QemuBuild:
        """The newest known release, with the default build options."""
        return QemuBuild(RELEASES[-1])

    def of_machine(self, machine: str) -> QemuBuild:
        """The same build with this machine type, on which some defaults and, on Arm, the page size depend."""
        return self._with_differences(self._differences, self.downstream, machine=machine)

    @property
    def target_page_size(self) -> int:
        """The guest's page size in bytes, by target and, on Arm, by machine; 4096 without a target."""
        size: int = self._c.target_page_size
        return size or lib.QEMU_DEFAULT_TARGET_PAGE_SIZE

    @property
    def known_faults(self) -> tuple[KnownFault, ...]:
        """The known bugs of this release: requests that it accepts and then crashes on, or handles wrongly."""
        from pymig.qemu.fault import faults_of  # noqa: PLC0415 - rare

        return faults_of(lib.qemu_build_faults(self._c))

    @property
    def _noted(self) -> frozenset[str]:
        """The parameters for which setting them gives a warning."""
        return _noted_parameters(self._c, self._differences)

    @property
    def _verdicts(self) -> dict[int, Verdict]:
        """Every verdict of its release, by code."""
        return verdicts_of(self._c, self._mask)[0]

    @property
    def _static_verdicts(self) -> dict[int, Verdict]:
        """Those whose text is the same on every host."""
        return verdicts_of(self._c, self._mask)[1]

    @property
    def capabilities(self) -> CapabilitySet:
        """The members of the release's MigrationCapability: what its setter accepts."""
        return CapabilitySet.from_mask(self._mask)

    @property
    def unstable(self) -> CapabilitySet:
        """The capabilities that QEMU's schema marks as unstable."""
        return CapabilitySet.from_mask(lib.qemu_build_unstable(self._c))

    @property
    def deprecated(self) -> CapabilitySet:
        """The capabilities that QEMU's schema marks as deprecated."""
        return CapabilitySet.from_mask(lib.qemu_build_deprecated(self._c))

    @property
    def listed(self) -> CapabilitySet:
        """The capabilities that query-migrate-capabilities lists. `block` is missing if it is not built in."""
        return CapabilitySet.from_mask(lib.qemu_build_listed(self._c))

    def __repr__(self) -> str:
        plain = QemuBuild(self.release)
        given = "".join(f", {name}={getattr(self, name)!r}" for name in _CHOICES if self._differs(plain, name))
        downstream = f", downstream={self.downstream!r}" if self.downstream != plain.downstream else ""
        return f"QemuBuild({self.release!r}{given}{downstream})"

    def _differs(self, plain: QemuBuild, name: str) -> bool:
        """Whether the choice has to be told; compressions follow from zstd alone, as a rule."""
        if name == "compressions":
            return self.compressions != (*_ALWAYS_BUILT, *(("zstd",) if self.zstd else ()))
        return bool(getattr(self, name) != getattr(plain, name))

    def _to_dict(self) -> dict[str, Any]:
        """The build as a dict for JSON."""
        probe, *masks = self._differences
        choices = {name: getattr(self, name) for name in _CHOICES}
        differences = dict(zip(_DIFFERENCES, (POINTS[probe], *masks), strict=True))
        told = {"compressions": list(self.compressions), "downstream": list(self.downstream)}
        return {"release": self.release, **choices, **told, "differences": differences}

    @classmethod
    def _from_dict(cls, document: Any) -> QemuBuild:
        """The build from such a dict. Raises KeyError, TypeError or ValueError for any other document."""
        if not isinstance(document, dict):
            wrong_type(document, "build", "an object")
        given = ("target", "machine") if document["release"] in DOWNSTREAMS else _CHOICES
        build = QemuBuild(document["release"], **{name: document[name] for name in given if name in document})
        if "differences" not in document:
            return build
        probe, *masks = (document["differences"][name] for name in _DIFFERENCES)
        if any(type(mask) is not int or mask < 0 or mask.bit_length() > _MASK_BITS for mask in masks):
            raise ValueError("build.differences must hold masks of 64 bits")
        return build._with_differences((POINTS.index(probe), *masks), tuple(map(str, document["downstream"])))

    def _warn_of(self, parameters: Iterable[str]) -> None:
        """Issues the warnings for parameters that are about to be set."""
        for message, category in self._notes_on(parameters):
            warn(message, category)

    def _notes_on(self, parameters: Iterable[str]) -> Iterator[tuple[str, type[Warning]]]:
        """What is to be said about setting these parameters: texts and their categories."""
        for name in sorted(self._noted.intersection(parameters), key=PARAMETERS.__getitem__):
            warning = lib.migration_parameter_warning(self._c, PARAMETERS[name])
            if warning != ffi.NULL:
                yield text(warning), DeprecatedParameterWarning
            if lib.migration_parameter_ignored(self._c, PARAMETERS[name]):
                message = f"QEMU {self.release} accepts {name} and ignores it: the value stays as it is"
                yield message, IgnoredParameterWarning

    def __reduce__(self) -> tuple[object, ...]:
        probe, *masks = self._differences
        given = ("target", "machine") if self.release in DOWNSTREAMS else _CHOICES
        choices = {name: getattr(self, name) for name in ("release", *given)}
        return (_rebuild, (choices, POINTS[probe], masks, self.downstream))


_CHOICES = (
    "live_block_migration",
    "replication",
    "linux",
    "zstd",
    "compressions",
    "direct_io",
    "target",
    "machine",
)

_DIFFERENCES = (
    "probe_release",
    "capabilities_added",
    "capabilities_removed",
    "parameters_added",
    "parameters_removed",
)
"""The fields of C's QemuBuild in which a downstream build differs."""


def _rebuild(choices: dict[str, Any], probe: str, masks: list[int], downstream: tuple[str, ...]) -> QemuBuild:
    build = QemuBuild(**choices)
    return build._with_differences((POINTS.index(probe), *masks), downstream)


_NOTED: dict[tuple[int, tuple[int, ...]], frozenset[str]] = {}


def _noted_parameters(c_build: CBuild, differences: tuple[int, ...]) -> frozenset[str]:
    """The parameters for which setting them gives a warning."""
    key = (c_build.release, differences)
    if key not in _NOTED:
        _NOTED[key] = frozenset(
            name
            for name, i in PARAMETERS.items()
            if lib.migration_parameter_ignored(c_build, i) or lib.migration_parameter_warning(c_build, i) != ffi.NULL
        )
    return _NOTED[key]


def _names_of(mask: int, names: tuple[str, ...]) -> list[str]:
    return sorted(name for i, name in enumerate(names) if mask >> i & 1)


def difference_texts(
    release: str, differences: tuple[int, ...], unknown: tuple[Iterable[str], Iterable[str]] = ((), ())
) -> tuple[str, ...]:
    """The differences of a downstream build, in words.

    Args:
        release: the release that it claims to be.
        differences: the values of _DIFFERENCES.
        unknown: names of capabilities and of parameters that pymig does not know.
    """
    probe, added, removed, parameters_added, parameters_removed = differences
    number = known_release(release)[1]
    texts = [] if probe == number else [f"probes its host like {POINTS[probe]}"]
    for kind, names, has, lacks, foreign in (
        ("capability", NAMES, added, removed, unknown[0]),
        ("parameter", parameters.NAMES, parameters_added, parameters_removed, unknown[1]),
    ):
        texts += [f"has the {kind} {name}, which {release} lacks" for name in _names_of(has, names)]
        texts += [f"has the {kind} {name}, which pymig does not know" for name in sorted(foreign)]
        texts += [f"lacks the {kind} {name} of {release}" for name in _names_of(lacks, names)]
    return tuple(texts)


REFERENCE_BUILD = QemuBuild()
"""The default of every argument ``build``."""


def require_build(build: object, argument: str = "build") -> QemuBuild:
    """Returns the build, made from a release if necessary, or raises a TypeError that names the argument."""
    if isinstance(build, QemuBuild):
        return build
    if isinstance(build, (str, tuple)):
        return QemuBuild(build)
    return wrong_type(build, argument, "a QemuBuild or a release such as '10.0'")


# ---- A binary's answers ----

# The targets with x86's page size, which is the default.
_X86 = ("i386", "x86_64")

# Parameters unknown to pymig that identify a build.
_TELLING = {"compress-method": "is openEuler's: its check of compress-level depends on it, which pymig does not model"}


def build_that_answers(answers: BinaryAnswers) -> QemuBuild:
    """The build that matches a binary's answers."""
    release, notes = _release_of(answers.version)
    known_target = answers.target in _targets()
    compressions = [value for value in answers.compressions if value in COMPRESSIONS]
    build = QemuBuild(
        release,
        live_block_migration=answers.live_block_migration,
        replication=answers.replication,
        zstd="zstd" in compressions,
        compressions=compressions,
        target=answers.target if known_target and answers.target not in _X86 else None,
    )
    foreign = sorted(set(answers.compressions) - set(COMPRESSIONS))
    notes += [f"has the multifd-compression {value}, which pymig does not know" for value in foreign]
    if not known_target:
        notes.append(f"emulates {answers.target}, whose page size pymig does not know: x86's is used")
    return _with_schema(build, answers, notes)


def _release_of(numbers: tuple[int, int, int]) -> tuple[str, list[str]]:
    """The release whose rules are used for this version, and notes about that.

    A development tree is treated as the release that it became, if that is known.
    """
    major, minor, micro = numbers
    exact, series = f"{major}.{minor}.{micro}", f"{major}.{minor}"
    if is_newer(numbers):
        note = f"is {exact}, newer than all known releases: treated as {RELEASES[-1]}"
        return RELEASES[-1], [note]
    if exact in RELEASES or micro < FIRST_DEVELOPMENT_MICRO or series not in RELEASES:
        return exact, []
    later = RELEASES[RELEASES.index(series) + 1 :]
    became = next(release for release in later if release.count(".") == 1)
    return became, [f"is {exact}, a development tree: treated as {became}"]


def _with_schema(build: QemuBuild, answers: BinaryAnswers, notes: list[str]) -> QemuBuild:
    """The build with the differences between its schema and its release, and with its package's host probe."""
    bits = {name: 1 << i for name, i in PARAMETERS.items()}
    promised = {name for name, i in PARAMETERS.items() if lib.migration_parameter_known(build._c, i)}
    masks: list[int] = []
    unknown: list[set[str]] = []
    for has, should, known in (
        (set(answers.capabilities), set(build.capabilities), BITS),
        (set(answers.parameters), promised, bits),
    ):
        masks += [sum(known.get(name, 0) for name in names) for names in (has - should, should - has)]
        unknown.append({name for name in has - should if name not in known})
    probe, said = _probe_of(build, answers.package)
    differences = (probe, *masks)
    told = difference_texts(build.release, differences, (unknown[0], unknown[1]))
    told = (*notes, *said, *told, *(_TELLING[name] for name in unknown[1] if name in _TELLING))
    return build._with_differences(differences, told) if told else build


def _probe_of(build: QemuBuild, package: str) -> tuple[int, list[str]]:
    """The release whose host probe it has, judged by its package, because the schema does not say."""
    from fnmatch import fnmatch  # noqa: PLC0415 - only here

    number: int = build._c.release
    for row in DOWNSTREAMS.values():
        if fnmatch(package, text(row.package)) and row.build.release == number:
            return row.build.probe_release, []
    if ".el" in package:
        return number, [f"is a rebuild of RHEL ({package}): rules of later releases may have been backported"]
    return number, []
