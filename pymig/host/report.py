"""Everything that this machine answers."""

from __future__ import annotations

from pymig._core import ffi, lib
from pymig.host.diagnosis import diagnose
from pymig.host.host import OLDER, REFERENCE, WRITE_TRACKING_NAMES, Facts, Host, PostcopySupport, dumps, page_size_of
from pymig.host.memory import Blocks, Memory
from pymig.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

    from pymig.host.diagnosis import Diagnosis
    from pymig.host.host import WriteTracking

_FILE_SYSTEMS: dict[int, str | None] = {
    lib.RAM_FILE_SYSTEM_NONE: None,
    lib.RAM_FILE_SYSTEM_OTHER: "other",
    lib.RAM_FILE_SYSTEM_TMPFS: "tmpfs",
    lib.RAM_FILE_SYSTEM_HUGETLBFS: "hugetlbfs",
}


_BITS = 64


def _named_bits(mask: int, name_of: Any) -> tuple[str, ...]:
    """The names of the bits of a mask; a bit without a name as ``"bit 17"``."""
    names = ((i, name_of(i)) for i in range(_BITS) if mask >> i & 1)
    return tuple(ffi.string(name).decode() if name else f"bit {i}" for i, name in names)


class MemoryReport(Value):
    """What this machine makes of one block of memory. Immutable.

    Attributes:
        memory: the block.
        write_tracking: it can be write-tracked (UFFDIO_REGISTER_MODE_WP), or is read-only and need not be.
        postcopy: the postcopy probe has nothing against it.
        step: the step of the postcopy probe that has, or 0.
        errno: why the block can't be made, or else why it can't be registered; 0 if neither.
        made: it can be made at all; where it can't, QEMU would not start.
        file_system: of the file behind it: ``"tmpfs"``, ``"hugetlbfs"``, ``"other"``, or None without a file.
        page_size: of what backs it, in bytes; None if it can't be told.
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

    def __init__(self, memory: Memory, report: Any, uffd: bool) -> None:
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

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON has it."""
        memory = {name: getattr(self.memory, name) for name in Memory.__slots__}
        return {name: getattr(self, name) for name in self.__slots__} | {"memory": memory}


class HostReport(Value):
    """The full answer of this machine. Immutable.

    Attributes:
        memory: a MemoryReport for each block that was asked about.
        userfaultfd: how it opens, as QEMU opens it: ``"device"`` (/dev/userfaultfd), ``"syscall"``, or None.
        errno: why it does not open, 0 if it does.
        device_errno: why /dev/userfaultfd does not open, 0 if it does.
        api_errno: why UFFDIO_API fails, 0 if it works, None if it was not tried.
        feature_bits: uffdio_api.features of the kernel, all of them.
        features: their names; a bit that has none here as ``"bit 17"``.
        ioctl_bits: uffdio_api.ioctls: bit n is the ioctl with number n.
        ioctls: their names.
        write_tracking: as Host.write_tracking.
        write_tracking_ignore_shared: as Host.write_tracking_ignore_shared.
        postcopy: as Host.postcopy.
        page_size: the host's, in bytes.
        diagnosis: a Diagnosis for each thing that is missing: its cause, the evidence and the remedy.
    """

    __slots__ = (
        "_blocks",
        "_files",
        "_target_page_size",
        "api_errno",
        "device_errno",
        "diagnosis",
        "errno",
        "feature_bits",
        "features",
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
    write_tracking: WriteTracking
    write_tracking_ignore_shared: WriteTracking
    postcopy: PostcopySupport
    page_size: int
    _blocks: Blocks
    _files: WriteTracking
    _target_page_size: int | None

    def __init__(self, blocks: Blocks, target_page_size: int | None, report: Any, reports: Any) -> None:
        uffd = report.uffd
        way: Literal["device", "syscall"] = "syscall" if uffd.device_error else "device"
        tracking = report.facts.write_tracking
        works = uffd.open_error == 0 and uffd.api_error == 0
        self._set(
            memory=tuple(MemoryReport(block, reports[i], works) for i, block in enumerate(blocks.memory)),
            userfaultfd=None if uffd.open_error else way,
            errno=uffd.open_error,
            device_errno=uffd.device_error,
            api_errno=None if uffd.api_error < 0 else uffd.api_error,
            feature_bits=uffd.features,
            features=_named_bits(uffd.features, lib.uffd_feature_name),
            ioctl_bits=uffd.ioctls,
            ioctls=_named_bits(uffd.ioctls, lib.uffd_ioctl_name),
            write_tracking=WRITE_TRACKING_NAMES[tracking[lib.SCOPE_ALL_BLOCKS]],
            write_tracking_ignore_shared=WRITE_TRACKING_NAMES[tracking[lib.SCOPE_WITHOUT_SHARED]],
            postcopy=PostcopySupport._from_c(report.facts.postcopy, blocks),
            page_size=report.page_size,
            _files=WRITE_TRACKING_NAMES[tracking[lib.SCOPE_WITHOUT_SHARED_FILES]],
            _blocks=blocks,
            _target_page_size=target_page_size,
        )
        self._set(diagnosis=diagnose(self))

    @property
    def host(self) -> Host:
        """The facts that a check asks for; those that only QEMU before 8.0.50 asks otherwise are asked now."""
        local = Host.local(self._blocks.memory, target_page_size=self._target_page_size)
        reference = Facts(self.write_tracking, self.write_tracking_ignore_shared, self._files, self.postcopy)
        host = Host.__new__(Host)
        host._state({REFERENCE: reference, **{variant: local._facts(variant) for variant in OLDER.values()}}, {})
        return host

    def to_json(self) -> str:
        """Everything as JSON; ``Host.from_json`` takes it. The schema is in docs/host-facts.md."""
        return dumps(self.facts())

    def facts(self) -> dict[str, Any]:
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
            **self.host.facts(),
            "page_size": self.page_size,
            "userfaultfd": userfaultfd,
            "memory": [block.to_dict() for block in self.memory],
            "diagnosis": [entry.to_dict() for entry in self.diagnosis],
        }


def probe(memory: Iterable[Memory] = (Memory(),), *, target_page_size: int | None = None) -> HostReport:
    """Asks this machine's kernel everything that QEMU's checks depend on, by trying it.

    Args:
        memory: the blocks of the guest's memory.
        target_page_size: the guest's page size in bytes; the host's own if not given.
    """
    blocks = Blocks(memory)
    reports = ffi.new("RamBlockReport[]", max(len(blocks), 1))
    report = lib.host_probe(blocks.c, len(blocks), page_size_of(target_page_size), reports)
    return HostReport(blocks, target_page_size, report, reports)
