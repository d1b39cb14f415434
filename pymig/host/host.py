"""What a host can do: asked of its kernel, or stated, or carried here from another machine."""

from __future__ import annotations

import errno as errno_names

from pymig._core import ffi, lib
from pymig.host.memory import Blocks, Memory, as_bool
from pymig.qemu.capability import BITS
from pymig.values import Value

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
WRITE_TRACKING_NAMES: dict[int, WriteTracking] = {code: name for name, code in _WRITE_TRACKING.items()}  # type: ignore[misc]

# How releases ask their host, and what each way is called in the facts that travel.
REFERENCE: int = lib.PROBE_REFERENCE
OLDER: dict[str, int] = {"8.0": lib.PROBE_8_0, "7.2": lib.PROBE_7_2}

_MESSAGE_SIZE = 512
_BITS = 64


def _write_tracking(value: object, argument: str) -> WriteTracking:
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a str, not {type(value).__name__}")
    if value not in _WRITE_TRACKING:
        raise ValueError(f"{argument} must be one of {', '.join(_WRITE_TRACKING)}, not {value[:40]!r}")
    return value  # type: ignore[return-value]


class PostcopySupport(Value):
    """The answer of QEMU's postcopy_ram_supported_by_host(); true if it is supported. Immutable.

    Args:
        ok: whether the host can do postcopy.
        step: the number of the first step that failed, as listed with PostcopyStep in pymig.h; 0 if none did, or if
            it is not known which; 15, which is none of QEMU's, if a block of memory can't even be made.
        errno: that step's errno, 0 if no system call failed.
        message: the text that the reference logs, made from step and errno if not given; "" if supported.
        detail: what else the text tells of the step, as told with PostcopySupport in pymig.h.
    """

    __slots__ = ("detail", "errno", "message", "ok", "step")

    ok: bool
    step: int
    errno: int
    message: str
    detail: int

    def __init__(self, ok: bool, step: int = 0, errno: int = 0, message: str | None = None, *, detail: int = 0) -> None:
        limits = (("step", step, lib.POSTCOPY_STEP_MEMORY), ("errno", errno, 4095), ("detail", detail, 2**32 - 1))
        for name, number, most in limits:
            if type(number) is not int:
                raise TypeError(f"{name} must be an int, not {type(number).__name__}")
            if not 0 <= number <= most:
                raise ValueError(f"{name} must be within 0 and {most}")
        if message is not None and not isinstance(message, str):
            raise TypeError(f"message must be a str, not {type(message).__name__}")
        self._set(ok=as_bool(ok, "ok"), step=step, errno=errno, detail=detail)
        self._set(message=self._text(lib.QEMU_8_0_50) if message is None else message)

    @classmethod
    def _from_c(cls, support: Any, blocks: Blocks) -> PostcopySupport:
        message = _message(support, lib.QEMU_8_0_50, blocks.c, len(blocks))
        return cls(support.ok, support.step, support.error, message, detail=support.detail)

    def _to_c(self) -> Any:
        return ffi.new("PostcopySupport *", [self.ok, self.step, self.errno, self.detail])[0]

    def _text(self, release: int) -> str:
        """What this release says, as far as that does not depend on a block."""
        return _message(self._to_c(), release, ffi.NULL, 0)

    def __bool__(self) -> bool:
        return self.ok

    def __reduce__(self) -> tuple[object, ...]:
        return (_postcopy_support, (self.ok, self.step, self.errno, self.message, self.detail))


def _postcopy_support(ok: bool, step: int, errno: int, message: str, detail: int) -> PostcopySupport:
    return PostcopySupport(ok, step, errno, message, detail=detail)


def _message(support: Any, release: int, blocks: Any, count: int) -> str:
    text = ffi.new("char[]", _MESSAGE_SIZE)
    lib.postcopy_support_message(ffi.addressof(support), release, blocks, count, text, _MESSAGE_SIZE)
    return ffi.string(text).decode()  # type: ignore[no-any-return]


# The steps whose texts are the same in every release.
_SAME_TEXT = frozenset(
    (
        lib.POSTCOPY_STEP_NONE,
        lib.POSTCOPY_STEP_TARGET_PAGE_SIZE,
        lib.POSTCOPY_STEP_HUGE_PAGES,
        lib.POSTCOPY_STEP_BLOCK_LENGTH,
        lib.POSTCOPY_STEP_FILE_SYSTEM,
        lib.POSTCOPY_STEP_RANGE_IOCTLS,
        lib.POSTCOPY_STEP_MEMORY,
    )
)


class Facts(Value):
    """What is to know of a host, as one variant of releases asks it."""

    __slots__ = ("ignore_shared", "ignore_shared_files", "postcopy", "write_tracking")

    write_tracking: WriteTracking
    ignore_shared: WriteTracking
    ignore_shared_files: WriteTracking
    postcopy: PostcopySupport

    def __init__(
        self,
        write_tracking: WriteTracking,
        ignore_shared: WriteTracking,
        ignore_shared_files: WriteTracking,
        postcopy: PostcopySupport,
    ) -> None:
        self._set(
            write_tracking=write_tracking,
            ignore_shared=ignore_shared,
            ignore_shared_files=ignore_shared_files,
            postcopy=postcopy,
        )

    def c(self) -> Any:
        """What the HostFacts of C is made of."""
        tracking = (self.write_tracking, self.ignore_shared, self.ignore_shared_files)
        return {
            "write_tracking": [_WRITE_TRACKING[name] for name in tracking],
            "postcopy": self.postcopy._to_c(),
        }


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

    __slots__ = ("_blocks", "_c", "_extra", "_stated")

    _c: Any
    _extra: dict[str, Any]
    _blocks: Blocks
    _stated: tuple[Facts, ...] | None

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
            postcopy = PostcopySupport(postcopy)
        if not isinstance(postcopy, PostcopySupport):
            raise TypeError(f"postcopy must be a bool or a PostcopySupport, not {type(postcopy).__name__}")
        self._state(dict.fromkeys(range(lib.PROBE_VARIANT__MAX), Facts(tracking, ignoring, ignoring, postcopy)), {})

    def _state(self, facts: dict[int, Facts], extra: dict[str, Any]) -> None:
        self._stated = tuple(facts[variant] for variant in range(lib.PROBE_VARIANT__MAX))
        self._c = _owned(lib.migration_host_stated(ffi.new("HostFacts[]", [fact.c() for fact in self._stated])))
        self._blocks = Blocks(())
        self._extra = extra

    @classmethod
    def local(cls, memory: Iterable[Memory] = (Memory(),), *, target_page_size: int | None = None) -> Host:
        """This machine, for a guest with this memory.

        Its kernel is asked when a fact is first needed, by trying what QEMU tries, never by version numbers. Facts
        are kept until ``refresh()``.

        Args:
            memory: the blocks of the guest's memory.
            target_page_size: the guest's page size in bytes; the host's own if not given.

        Raises:
            OSError: the path of a block is not there, or can't be looked at.
        """
        self = cls.__new__(cls)
        self._stated = None
        self._blocks = Blocks(memory)
        self._extra = {}
        self._c = _owned(lib.migration_host_local(self._blocks.c, len(self._blocks), page_size_of(target_page_size)))
        return self

    def refresh(self) -> None:
        """Forgets what this machine answered: the next question asks its kernel again. Stated facts stay."""
        lib.migration_host_refresh(self._c)

    def _asked_about(self, incoming: bool) -> int:
        """The capabilities for which this host may be asked again: their verdicts are not to be remembered."""
        if self._stated is not None:
            return 0
        return BITS["background-snapshot"] | (BITS["postcopy-ram"] if incoming else 0)

    def _tracking(self, variant: int, ignored: int) -> WriteTracking:
        return WRITE_TRACKING_NAMES[lib.migration_host_write_tracking(self._c, variant, ignored)]

    @property
    def write_tracking(self) -> WriteTracking:
        """``"absent"``: userfaultfd lacks write protection (ram_write_tracking_available() is false in QEMU).

        ``"available"``: the kernel can, but some block of the guest's memory can't be registered for it
        (ram_write_tracking_compatible()). ``"compatible"``: it can.
        """
        return self._tracking(REFERENCE, lib.SCOPE_ALL_BLOCKS)

    @property
    def write_tracking_ignore_shared(self) -> WriteTracking:
        """The same with shared blocks passed over."""
        return self._tracking(REFERENCE, lib.SCOPE_WITHOUT_SHARED)

    @property
    def postcopy(self) -> PostcopySupport:
        """QEMU's postcopy_ram_supported_by_host(): its answer, and at which step and why it failed."""
        return self._postcopy(REFERENCE)

    def _postcopy(self, variant: int) -> PostcopySupport:
        if self._stated is not None:
            return self._stated[variant].postcopy
        return PostcopySupport._from_c(lib.migration_host_postcopy(self._c, variant), self._blocks)

    def _with_reason(self, message: str, release: int, step: int) -> str:
        """The text of a verdict that goes on with what this release says of the host's postcopy."""
        support = self._postcopy(lib.qemu_release_probe_variant(release))
        if step == lib.POSTCOPY_STEP_TARGET_PAGE_SIZE:  # the guest's pages, whatever the host
            support = PostcopySupport(False, step)
        reason = support.message if support.step in _SAME_TEXT else support._text(release)
        return f"{message}: {reason}"

    def _facts(self, variant: int) -> Facts:
        if self._stated is not None:
            return self._stated[variant]
        return Facts(
            self._tracking(variant, lib.SCOPE_ALL_BLOCKS),
            self._tracking(variant, lib.SCOPE_WITHOUT_SHARED),
            self._tracking(variant, lib.SCOPE_WITHOUT_SHARED_FILES),
            self._postcopy(variant),
        )

    def facts(self) -> dict[str, Any]:
        """All facts as JSON has them; what is not known yet is asked now. The schema is in docs/host-facts.md."""
        extra = self._extra
        older = extra.get("older", {})
        return {
            **extra,
            "schema": _SCHEMA,
            "version": extra.get("version", _VERSION),
            **_facts_as_json(self._facts(REFERENCE), extra),
            "older": {
                **older,
                **{name: _facts_as_json(self._facts(variant), older.get(name, {})) for name, variant in OLDER.items()},
            },
        }

    def to_json(self) -> str:
        """The facts as JSON, to carry to another machine. What is not known yet is asked now."""
        return dumps(self.facts())

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
        return self is other or (self._stated is not None and self._stated == other._stated)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if self._stated is None:
            return f"Host.local({self._blocks.memory!r})"
        shared = f", write_tracking_ignore_shared={self.write_tracking_ignore_shared!r}"
        return f"Host({self.write_tracking!r}, {self.postcopy!r}{shared})"

    def __reduce__(self) -> tuple[object, ...]:
        return (Host.from_json, (self.to_json(),))


def page_size_of(target_page_size: int | None) -> int:
    """A target's page size as C takes it: 0 for the host's own."""
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


def dumps(facts: Mapping[str, Any]) -> str:
    """The facts as JSON."""
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


def _facts_as_json(facts: Facts, extra: Mapping[str, Any]) -> dict[str, Any]:
    support = facts.postcopy
    name = errno_names.errorcode.get(support.errno, str(support.errno)) if support.errno else None
    return {
        "write_tracking": facts.write_tracking,
        "write_tracking_ignore_shared": facts.ignore_shared,
        "write_tracking_ignore_shared_files": facts.ignore_shared_files,
        "postcopy": {
            **extra.get("postcopy", {}),
            "ok": support.ok,
            "step": support.step,
            "errno": name,
            "detail": support.detail,
            "message": support.message,
        },
    }


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


def _facts_from_json(facts: Mapping[str, Any]) -> Facts:
    postcopy = dict(facts["postcopy"])
    support = PostcopySupport(
        postcopy["ok"],
        postcopy.get("step", 0),
        _errno_number(postcopy.get("errno")),
        postcopy.get("message"),
        detail=postcopy.get("detail", 0),
    )
    tracking = _write_tracking(facts["write_tracking"], "write_tracking")
    ignoring = _write_tracking(facts.get("write_tracking_ignore_shared", tracking), "write_tracking_ignore_shared")
    files = facts.get("write_tracking_ignore_shared_files", ignoring)
    return Facts(tracking, ignoring, _write_tracking(files, "write_tracking_ignore_shared_files"), support)


def _host_from_facts(facts: Any) -> Host:
    _check_schema(facts)
    try:
        reference = _facts_from_json(facts)
        older = dict(facts.get("older", {}))
        stated = {REFERENCE: reference}
        for name, variant in OLDER.items():
            stated[variant] = _facts_from_json(older[name]) if name in older else reference
    except KeyError as error:
        raise ValueError(f"text lacks the field {error}") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"text: {error}") from None
    host = Host.__new__(Host)
    host._state(stated, facts)
    return host
