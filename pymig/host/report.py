# SPDX-License-Identifier: GPL-2.0-or-later

"""The results of a probe, as one value."""

from __future__ import annotations

from pymig._core import ffi, lib
from pymig.host.facts import REFERENCE, HostFacts
from pymig.host.host import Host
from pymig.host.memory import Memory
from pymig.values import READ_ONLY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Literal, TypeVar

    from typing_extensions import Self

    from pymig.host.facts import FoundTracking, PostcopySupport
    from pymig.host.place import Answer

    V = TypeVar("V", bound="Value")


_FILE_SYSTEMS: dict[int, str | None] = {
    lib.RAM_FILE_SYSTEM_NONE: None,
    lib.RAM_FILE_SYSTEM_OTHER: "other",
    lib.RAM_FILE_SYSTEM_TMPFS: "tmpfs",
    lib.RAM_FILE_SYSTEM_HUGETLBFS: "hugetlbfs",
}

_BITS = 64


_NAMED_BITS: dict[tuple[int, Any], tuple[str, ...]] = {}
"""The names of masks. A kernel has a few masks, always the same."""


def _named_bits(mask: int, name_of: Any) -> tuple[str, ...]:
    """The names of the bits of a mask; a bit without a name as ``"bit 17"``."""
    known = _NAMED_BITS.get((mask, name_of))
    if known is not None:
        return known
    names = ((i, name_of(i)) for i in range(_BITS) if mask >> i & 1)
    named = tuple(ffi.string(name).decode() if name else f"bit {i}" for i, name in names)
    return _NAMED_BITS.setdefault((mask, name_of), named)


CAUSES = (
    "not-in-kernel",
    "sysctl",
    "capability",
    "seccomp",
    "device-missing",
    "device-permission",
    "device-cgroup",
    "hugepages-unavailable",
    "filesystem",
    "kernel-too-old",
    "resource-limit",
    "unknown",
)


class Diagnosis(Value):
    """A missing feature: its cause, the evidence, and the remedy. Immutable.

    Attributes:
        what: what is missing, e.g. ``"userfaultfd by system call"``.
        cause: one of ``CAUSES``, explained in pymig.host.diagnosis.
        evidence: what was read and tried, with its result, e.g. ``{"vm.unprivileged_userfaultfd": "0"}``.
        remedy: what to do. Several ways are numbered, the one with the least privilege first.
    """

    __slots__ = ("cause", "evidence", "remedy", "what")

    what: str
    cause: str
    evidence: Mapping[str, str]
    remedy: str

    def __new__(cls, what: str, cause: str, evidence: Mapping[str, str], remedy: str) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(what=what, cause=cause, evidence=READ_ONLY(dict(evidence)), remedy=remedy)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        return {"what": self.what, "cause": self.cause, "evidence": dict(self.evidence), "remedy": self.remedy}

    def __hash__(self) -> int:
        return hash((self.what, self.cause, self.remedy))

    def __reduce__(self) -> tuple[object, ...]:
        return (Diagnosis, (self.what, self.cause, dict(self.evidence), self.remedy))


class MemoryReport(Value):
    """The probe's results for one block of memory. Immutable.

    Attributes:
        memory: the block.
        write_tracking: it can be registered for write tracking (UFFDIO_REGISTER_MODE_WP), or is read-only.
        postcopy: the postcopy probe accepts it.
        step: the step of the postcopy probe that refuses it, or 0.
        errno: why the block can't be created or, if it can, why it can't be registered; 0 if neither fails.
        made: it can be created. If not, QEMU would not start.
        file_system: of its file: ``"tmpfs"``, ``"hugetlbfs"``, ``"other"``, or None without a file.
        page_size: of the backing memory, in bytes; None if unknown.
    """

    __slots__ = ("errno", "file_system", "made", "memory", "page_size", "postcopy", "step", "write_tracking")

    memory: Memory
    write_tracking: bool
    postcopy: bool
    step: int
    errno: int
    made: bool
    file_system: str | None
    page_size: int | None

    def __new__(cls, memory: Memory, report: Any, uffd: bool) -> Self:
        """The results in C's report of a block; ``uffd``: whether userfaultfd works."""
        self = object.__new__(cls)
        self._set(
            memory=memory,
            write_tracking=bool(report.tracked),
            postcopy=uffd and report.postcopy_step == 0,
            step=report.postcopy_step,
            errno=report.map_error or max(report.register_error, 0),
            made=report.map_error == 0 and report.postcopy_step != lib.POSTCOPY_STEP_MEMORY,
            file_system=_FILE_SYSTEMS[report.file_system],
            page_size=report.page_size or None,
        )
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return (_restored, (MemoryReport, {name: getattr(self, name) for name in self.__slots__}))

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        memory = {name: getattr(self.memory, name) for name in Memory.__slots__}
        return {name: getattr(self, name) for name in self.__slots__} | {"memory": memory}


class HostReport(Value):
    """The results of ``probe()``. Immutable.

    Attributes:
        memory: a MemoryReport for each given block.
        userfaultfd: how it opens, as QEMU opens it: ``"device"`` (/dev/userfaultfd), ``"syscall"``, or None.
        errno: why it does not open, 0 if it does.
        device_errno: why /dev/userfaultfd does not open, 0 if it does.
        api_errno: why UFFDIO_API fails, 0 if it works, None if it was not tried.
        feature_bits: the kernel's uffdio_api.features.
        features: their names; an unknown bit is ``"bit 17"``.
        ioctl_bits: uffdio_api.ioctls: bit n is the ioctl with number n.
        ioctls: their names.
        write_tracking: as Host.write_tracking; ``"unknown"`` if it could not be found out.
        write_tracking_ignore_shared: as Host.write_tracking_ignore_shared; or ``"unknown"``.
        postcopy: as Host.postcopy; its ``known`` is false if it could not be found out.
        page_size: the host's, in bytes.
        diagnosis: a Diagnosis for each thing that is missing: its cause, the evidence and the remedy.
        incomplete: what a child could not take on that asked in the place of a process, each with its errno.
    """

    __slots__ = (
        "_c",
        "_place",
        "api_errno",
        "device_errno",
        "diagnosis",
        "errno",
        "feature_bits",
        "features",
        "incomplete",
        "ioctl_bits",
        "ioctls",
        "memory",
        "page_size",
        "postcopy",
        "userfaultfd",
        "write_tracking",
        "write_tracking_ignore_shared",
    )

    memory: tuple[MemoryReport, ...]
    diagnosis: tuple[Diagnosis, ...]
    userfaultfd: Literal["device", "syscall"] | None
    errno: int
    device_errno: int
    api_errno: int | None
    feature_bits: int
    features: tuple[str, ...]
    ioctl_bits: int
    ioctls: tuple[str, ...]
    write_tracking: FoundTracking
    write_tracking_ignore_shared: FoundTracking
    postcopy: PostcopySupport
    page_size: int
    incomplete: tuple[tuple[str, int], ...]
    _c: Any
    _place: Answer | None

    def __new__(cls, memory: Iterable[Memory], report: Any, reports: Any) -> Self:
        """The results in C's reports, of the machine and of each block, without a diagnosis."""
        uffd = report.uffd
        way: Literal["device", "syscall"] = "syscall" if uffd.device_error else "device"
        works = uffd.open_error == 0 and uffd.api_error == 0
        reference = HostFacts._from_c(report.facts[REFERENCE])
        self = object.__new__(cls)
        self._set(
            memory=tuple(MemoryReport(block, reports[i], works) for i, block in enumerate(memory)),
            userfaultfd=None if uffd.open_error else way,
            errno=uffd.open_error,
            device_errno=uffd.device_error,
            api_errno=None if uffd.api_error < 0 else uffd.api_error,
            feature_bits=uffd.features,
            features=_named_bits(uffd.features, lib.uffd_feature_name),
            ioctl_bits=uffd.ioctls,
            ioctls=_named_bits(uffd.ioctls, lib.uffd_ioctl_name),
            write_tracking=reference.write_tracking,
            write_tracking_ignore_shared=reference.ignore_shared,
            postcopy=reference.postcopy,
            page_size=report.page_size,
            diagnosis=(),
            incomplete=(),
            _c=report,
            _place=None,
        )
        return self

    def _facts(self) -> dict[int, HostFacts]:
        """The facts of every variant of the probe."""
        if isinstance(self._c, dict):
            return self._c
        return {variant: HostFacts._from_c(self._c.facts[variant]) for variant in range(lib.PROBE_VARIANT__MAX)}

    def __reduce__(self) -> tuple[object, ...]:
        values = {name: getattr(self, name) for name in self.__slots__}
        return (_restored, (HostReport, values | {"_c": self._facts(), "_place": None}))

    def __repr__(self) -> str:
        way = self.userfaultfd or "none"
        missing = ", ".join(entry.cause for entry in self.diagnosis) or "nothing"
        return (
            f"<HostReport userfaultfd: {way}, write tracking: {self.write_tracking}, "
            f"postcopy: {self.postcopy.ok}, missing: {missing}>"
        )

    @property
    def host(self) -> Host:
        """A Host with the facts at the moment of the probe."""
        incomplete = {"incomplete": [list(entry) for entry in self.incomplete]} if self.incomplete else {}
        return Host._stating(self._facts(), {"page_size": self.page_size, **incomplete})

    def to_json(self) -> str:
        """Everything as JSON; ``Host.from_json`` takes it. The schema is in docs/host-facts.md."""
        from pymig.documents import dumps  # noqa: PLC0415 - a probe needs none

        return dumps(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict."""
        userfaultfd = {
            "opens": self.userfaultfd,
            "errno": self.errno,
            "device_errno": self.device_errno,
            "api_errno": self.api_errno,
            "features": self.features,
            "feature_bits": self.feature_bits,
            "ioctls": self.ioctls,
            "ioctl_bits": self.ioctl_bits,
        }
        return {
            **self.host.to_dict(),
            "page_size": self.page_size,
            "userfaultfd": userfaultfd,
            "memory": [block.to_dict() for block in self.memory],
            "diagnosis": [entry.to_dict() for entry in self.diagnosis],
        }


def _restored(cls: type[V], values: dict[str, Any]) -> V:
    """The value with these slots."""
    self = object.__new__(cls)
    self._set(**values)
    return self
