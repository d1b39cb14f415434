"""What a host can do: asked of its kernel, or stated, or carried here from another machine."""

from __future__ import annotations

import errno as errno_names

from pymig._core import ffi, lib
from pymig.frozen import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Literal

    WriteTracking = Literal["absent", "available", "compatible"]

_WRITE_TRACKING: dict[str, int] = {
    "absent": lib.WRITE_TRACKING_ABSENT,
    "available": lib.WRITE_TRACKING_AVAILABLE,
    "compatible": lib.WRITE_TRACKING_COMPATIBLE,
}
_WRITE_TRACKING_NAMES: dict[int, WriteTracking] = {code: name for name, code in _WRITE_TRACKING.items()}  # type: ignore[misc]

_KINDS: dict[str, int] = {"anonymous": lib.RAM_BLOCK_ANONYMOUS}

_MESSAGE_SIZE = 512
_BITS = 64


def _bool(value: object, argument: str) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{argument} must be a bool, not {type(value).__name__}")
    return value


def _write_tracking(value: object, argument: str) -> WriteTracking:
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a str, not {type(value).__name__}")
    if value not in _WRITE_TRACKING:
        raise ValueError(f"{argument} must be one of {', '.join(_WRITE_TRACKING)}, not {value[:40]!r}")
    return value  # type: ignore[return-value]


class Memory(Value):
    """What backs one block of the guest's memory. Immutable.

    Args:
        kind: ``"anonymous"``, as QEMU's memory-backend-ram.
        share: mapped shared (``share=on``), not private.
        readonly: never written by the guest; such a block is passed over when QEMU looks for write tracking.
    """

    __slots__ = ("kind", "readonly", "share")

    kind: str
    share: bool
    readonly: bool

    def __init__(self, kind: str = "anonymous", *, share: bool = False, readonly: bool = False) -> None:
        if not isinstance(kind, str):
            raise TypeError(f"kind must be a str, not {type(kind).__name__}")
        if kind not in _KINDS:
            raise ValueError(f"kind must be one of {', '.join(_KINDS)}, not {kind[:40]!r}")
        self._set(kind=kind, share=_bool(share, "share"), readonly=_bool(readonly, "readonly"))

    def __reduce__(self) -> tuple[object, ...]:
        return (_memory, (self.kind, self.share, self.readonly))


def _memory(kind: str, share: bool, readonly: bool) -> Memory:
    return Memory(kind, share=share, readonly=readonly)


def _memory_blocks(memory: Iterable[Memory]) -> tuple[Memory, ...]:
    if isinstance(memory, Memory):
        raise TypeError("memory must be an iterable of Memory; for one block, write (block,)")
    try:
        blocks = tuple(memory)
    except TypeError:
        raise TypeError(f"memory must be an iterable of Memory, not {type(memory).__name__}") from None
    for block in blocks:
        if not isinstance(block, Memory):
            raise TypeError(f"memory must hold Memory objects, not {type(block).__name__}")
    return blocks


def _c_blocks(blocks: tuple[Memory, ...]) -> Any:
    return ffi.new("RamBlock[]", [(_KINDS[block.kind], block.share, block.readonly) for block in blocks])


class PostcopySupport(Value):
    """The answer of QEMU's postcopy_ram_supported_by_host(); true if it is supported. Immutable.

    Args:
        ok: whether the host can do postcopy.
        step: the number of the first step that failed, as listed with PostcopyStep in pymig.h; 0 if none did, or if
            it is not known which.
        errno: that step's errno, 0 if no system call failed.
        message: the text that QEMU logs; "" if supported.
    """

    __slots__ = ("errno", "message", "ok", "step")

    ok: bool
    step: int
    errno: int
    message: str

    def __init__(self, ok: bool, step: int = 0, errno: int = 0, message: str = "") -> None:
        for name, number, most in (("step", step, lib.POSTCOPY_STEP_RANGE_IOCTLS), ("errno", errno, 4095)):
            if type(number) is not int:
                raise TypeError(f"{name} must be an int, not {type(number).__name__}")
            if not 0 <= number <= most:
                raise ValueError(f"{name} must be within 0 and {most}")
        if not isinstance(message, str):
            raise TypeError(f"message must be a str, not {type(message).__name__}")
        self._set(ok=_bool(ok, "ok"), step=step, errno=errno, message=message)

    @classmethod
    def _from_c(cls, support: Any) -> PostcopySupport:
        text = ffi.new("char[]", _MESSAGE_SIZE)
        lib.postcopy_support_message(ffi.addressof(support), text, _MESSAGE_SIZE)
        return cls(support.ok, support.step, support.error, ffi.string(text).decode())

    def __bool__(self) -> bool:
        return self.ok

    def __reduce__(self) -> tuple[object, ...]:
        return (PostcopySupport, (self.ok, self.step, self.errno, self.message))


_UNSUPPORTED = PostcopySupport(False, message="Postcopy is not supported")


class Host:
    """What a host can do, as far as QEMU's checks ask.

    ``Host(...)`` states facts. ``Host.local()`` asks this machine, each thing once and only when it is needed.

    Args:
        write_tracking: ``"absent"``, ``"available"`` (the kernel can, but not for the guest's memory) or
            ``"compatible"``.
        write_tracking_ignore_shared: the same with shared blocks passed over, as QEMU does while x-ignore-shared is
            on; as write_tracking if not given.
        postcopy: whether the host supports postcopy; a PostcopySupport tells more than a bool.
    """

    __slots__ = ("_c", "_extra", "_memory", "_postcopy")

    _c: Any
    _extra: dict[str, Any]
    _memory: tuple[Memory, ...] | None
    _postcopy: PostcopySupport | None

    def __init__(
        self,
        write_tracking: WriteTracking = "compatible",
        postcopy: bool | PostcopySupport = True,
        *,
        write_tracking_ignore_shared: WriteTracking | None = None,
    ) -> None:
        tracking = _write_tracking(write_tracking, "write_tracking")
        ignoring = tracking
        if write_tracking_ignore_shared is not None:
            ignoring = _write_tracking(write_tracking_ignore_shared, "write_tracking_ignore_shared")
        if isinstance(postcopy, bool):
            postcopy = PostcopySupport(True) if postcopy else _UNSUPPORTED
        if not isinstance(postcopy, PostcopySupport):
            raise TypeError(f"postcopy must be a bool or a PostcopySupport, not {type(postcopy).__name__}")
        support = ffi.new("PostcopySupport *", [postcopy.ok, postcopy.step, postcopy.errno, 0])
        self._c = _owned(lib.migration_host_stated(_WRITE_TRACKING[tracking], _WRITE_TRACKING[ignoring], support))
        self._memory = None
        self._postcopy = postcopy
        self._extra = {}

    @classmethod
    def local(cls, memory: Iterable[Memory] = (Memory(),), *, target_page_size: int | None = None) -> Host:
        """This machine, for a guest with this memory.

        Its kernel is asked when a fact is first needed, by trying what QEMU tries, never by version numbers. Facts
        are kept until ``refresh()``.

        Args:
            memory: the blocks of the guest's memory.
            target_page_size: the guest's page size in bytes; the host's own if not given.
        """
        self = cls.__new__(cls)
        self._memory = _memory_blocks(memory)
        self._postcopy = None
        self._extra = {}
        blocks = _c_blocks(self._memory)
        self._c = _owned(lib.migration_host_local(blocks, len(self._memory), _page_size(target_page_size)))
        return self

    def refresh(self) -> None:
        """Forgets what this machine answered: the next question asks its kernel again. Stated facts stay."""
        lib.migration_host_refresh(self._c)

    @property
    def write_tracking(self) -> WriteTracking:
        """``"absent"``: userfaultfd lacks write protection (ram_write_tracking_available() is false in QEMU).

        ``"available"``: the kernel can, but some block of the guest's memory can't be registered for it
        (ram_write_tracking_compatible()). ``"compatible"``: it can.
        """
        return _WRITE_TRACKING_NAMES[lib.migration_host_write_tracking(self._c, False)]

    @property
    def write_tracking_ignore_shared(self) -> WriteTracking:
        """The same with shared blocks passed over."""
        return _WRITE_TRACKING_NAMES[lib.migration_host_write_tracking(self._c, True)]

    @property
    def postcopy(self) -> PostcopySupport:
        """QEMU's postcopy_ram_supported_by_host(): its answer, and at which step and why it failed."""
        return self._postcopy or PostcopySupport._from_c(lib.migration_host_postcopy(self._c))

    def facts(self) -> dict[str, Any]:
        """All facts as JSON has them; what is not known yet is asked now. The schema is in docs/host-facts.md."""
        return {
            **self._extra,
            "schema": _SCHEMA,
            "version": self._extra.get("version", _VERSION),
            "write_tracking": self.write_tracking,
            "write_tracking_ignore_shared": self.write_tracking_ignore_shared,
            "postcopy": {**self._extra.get("postcopy", {}), **_postcopy_facts(self.postcopy)},
        }

    def to_json(self) -> str:
        """The facts as JSON, to carry to another machine. What is not known yet is asked now."""
        return _dumps(self.facts())

    @classmethod
    def from_json(cls, text: str | bytes) -> Host:
        """The host whose facts these are. Fields that only a newer pymig knows are kept.

        Raises:
            ValueError: not such a text, or of a newer major version.
        """
        return _host_from_facts(_loads(text))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Host):
            return NotImplemented
        return self is other or (self._memory is other._memory is None and self.facts() == other.facts())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if self._memory is not None:
            return f"Host.local({self._memory!r})"
        shared = f", write_tracking_ignore_shared={self.write_tracking_ignore_shared!r}"
        return f"Host({self.write_tracking!r}, {self.postcopy!r}{shared})"

    def __reduce__(self) -> tuple[object, ...]:
        return (Host.from_json, (self.to_json(),))


def _page_size(target_page_size: int | None) -> int:
    if target_page_size is None:
        return 0
    if type(target_page_size) is not int:
        raise TypeError(f"target_page_size must be an int, not {type(target_page_size).__name__}")
    if target_page_size <= 0 or target_page_size & (target_page_size - 1) or target_page_size.bit_length() > _BITS:
        raise ValueError("target_page_size must be a power of two, in bytes, below 2**64")
    return target_page_size


def _owned(host: Any) -> Any:
    if host == ffi.NULL:
        raise MemoryError
    return ffi.gc(host, lib.migration_host_free)


def require_host(host: object) -> Host:
    """The host; this machine for None; or a TypeError that names the argument."""
    if host is None:
        return Host.local()
    if not isinstance(host, Host):
        raise TypeError(f"host must be a Host, not {type(host).__name__}")
    return host


# ---- Facts that travel ----

_SCHEMA = "pymig-host"
_VERSION = "1.0"


def _dumps(facts: Mapping[str, Any]) -> str:
    import json  # noqa: PLC0415 - a check needs none

    return json.dumps(facts, indent=2)


def _loads(text: str | bytes) -> Any:
    import json  # noqa: PLC0415 - a check needs none

    if not isinstance(text, (str, bytes)):
        raise TypeError(f"text must be str or bytes, not {type(text).__name__}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"text is not JSON: {error}") from None


def _postcopy_facts(support: PostcopySupport) -> dict[str, Any]:
    name = errno_names.errorcode.get(support.errno, str(support.errno)) if support.errno else None
    return {"ok": support.ok, "step": support.step, "errno": name, "message": support.message}


def _errno_number(name: object) -> int:
    if name is None:
        return 0
    number = getattr(errno_names, name, None) if isinstance(name, str) and name.startswith("E") else None
    if isinstance(number, int):
        return number
    if isinstance(name, str) and name.isascii() and name.isdigit():
        return int(name[:9])
    raise ValueError(f"postcopy.errno must be null or an errno's name, not {name!r:.40}")


def _check_schema(facts: Any) -> None:
    if not isinstance(facts, dict) or facts.get("schema") != _SCHEMA:
        raise ValueError(f'text does not hold the facts of a host: no "schema": "{_SCHEMA}"')
    version = facts.get("version")
    major = version.partition(".")[0] if isinstance(version, str) else ""
    if not (major.isascii() and major.isdigit()):
        raise ValueError(f"version must be a string like {_VERSION!r}, not {version!r:.40}")
    if major != _VERSION.partition(".")[0]:
        raise ValueError(f"version {version:.40} is not one that this pymig reads ({_VERSION}); use a newer pymig")


def _host_from_facts(facts: Any) -> Host:
    _check_schema(facts)
    try:
        postcopy = dict(facts["postcopy"])
        support = PostcopySupport(
            postcopy["ok"], postcopy.get("step", 0), _errno_number(postcopy.get("errno")), postcopy.get("message", "")
        )
        host = Host(
            facts["write_tracking"],
            support,
            write_tracking_ignore_shared=facts.get("write_tracking_ignore_shared"),
        )
    except KeyError as error:
        raise ValueError(f"text lacks the field {error}") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"text: {error}") from None
    host._extra = facts
    return host


# ---- Everything that this machine answers ----


def _named_bits(mask: int, name_of: Any) -> tuple[str, ...]:
    """The names of the bits of a mask; a bit without a name as ``"bit 17"``."""
    names = ((i, name_of(i)) for i in range(_BITS) if mask >> i & 1)
    return tuple(ffi.string(name).decode() if name else f"bit {i}" for i, name in names)


class HostReport(Value):
    """The full answer of this machine. Immutable.

    Attributes:
        memory: the blocks that were asked about.
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
    """

    __slots__ = (
        "api_errno",
        "device_errno",
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

    memory: tuple[Memory, ...]
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

    def __init__(self, memory: tuple[Memory, ...], report: Any) -> None:
        uffd = report.uffd
        way = "syscall" if uffd.device_error else "device"
        self._set(
            memory=memory,
            userfaultfd=None if uffd.open_error else way,
            errno=uffd.open_error,
            device_errno=uffd.device_error,
            api_errno=None if uffd.api_error < 0 else uffd.api_error,
            feature_bits=uffd.features,
            features=_named_bits(uffd.features, lib.uffd_feature_name),
            ioctl_bits=uffd.ioctls,
            ioctls=_named_bits(uffd.ioctls, lib.uffd_ioctl_name),
            write_tracking=_WRITE_TRACKING_NAMES[report.write_tracking],
            write_tracking_ignore_shared=_WRITE_TRACKING_NAMES[report.write_tracking_ignore_shared],
            postcopy=PostcopySupport._from_c(report.postcopy),
            page_size=report.page_size,
        )

    @property
    def host(self) -> Host:
        """The facts that a check asks for."""
        return Host(self.write_tracking, self.postcopy, write_tracking_ignore_shared=self.write_tracking_ignore_shared)

    def to_json(self) -> str:
        """Everything as JSON; ``Host.from_json`` takes it."""
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
        return _dumps({**self.host.facts(), "page_size": self.page_size, "userfaultfd": userfaultfd})


def probe(memory: Iterable[Memory] = (Memory(),), *, target_page_size: int | None = None) -> HostReport:
    """Asks this machine's kernel everything that QEMU's checks depend on, by trying it.

    Args:
        memory: the blocks of the guest's memory.
        target_page_size: the guest's page size in bytes; the host's own if not given.
    """
    blocks = _memory_blocks(memory)
    report = lib.host_probe(_c_blocks(blocks), len(blocks), _page_size(target_page_size))
    return HostReport(blocks, report)
