"""Facts of a host, and the JSON that carries them to another machine."""

from __future__ import annotations

import errno as errno_names

from pymig._core import ffi, lib
from pymig.values import Value, require_bool, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    from typing_extensions import Self

    WriteTracking = Literal["absent", "available", "compatible"]

_WRITE_TRACKING: dict[str, int] = {
    "absent": lib.WRITE_TRACKING_ABSENT,
    "available": lib.WRITE_TRACKING_AVAILABLE,
    "compatible": lib.WRITE_TRACKING_COMPATIBLE,
}
WRITE_TRACKING_NAMES: dict[int, WriteTracking] = {code: name for name, code in _WRITE_TRACKING.items()}  # type: ignore[misc]

REFERENCE: int = lib.PROBE_REFERENCE

LEGACY_VARIANTS: dict[str, int] = {"8.0": lib.PROBE_8_0, "7.2": lib.PROBE_7_2}
"""The probes of older releases, by the names that they have in facts that travel."""

# Steps of the postcopy probe: those whose system call has an errno when it fails, and those that make none.
_STEPS_OF_A_CALL = frozenset((2, 4, 5, 10, 11, 12, 13))
_STEPS_WITHOUT_A_CALL = frozenset((0, 1, 3, 6, 7, 8, 9, 14))

_MESSAGE_SIZE = 512


def write_tracking_of(value: object, argument: str) -> WriteTracking:
    """The value, or an error that names the argument."""
    if not isinstance(value, str):
        wrong_type(value, argument, "a str")
    if value not in _WRITE_TRACKING:
        raise ValueError(f"{argument} must be one of {', '.join(_WRITE_TRACKING)}, not {value[:40]!r}")
    return value  # type: ignore[return-value]


class PostcopySupport(Value):
    """The answer of QEMU's postcopy_ram_supported_by_host(); true if it is supported. Immutable.

    Args:
        ok: whether the host can do postcopy.
        step: the number of the first step that failed, as listed with PostcopyStep in pymig.h; 0 if none did, or if
            it is not known which, which adds no text to a refusal; 15, which is none of QEMU's, if a block of memory
            can't even be made.
        errno: that step's errno; 0 for a step that makes no system call (1, 3, 6 to 9, 14; 15 has one or not).
        message: the text that the reference logs, made from step and errno if not given; "" if supported.
        detail: what else the text tells of the step, as told with PostcopySupport in pymig.h.

    Raises:
        ValueError: what can't be: supported with a step that failed, a failed system call without an errno.
    """

    __slots__ = ("_block", "detail", "errno", "message", "ok", "step")

    ok: bool
    step: int
    errno: int
    message: str
    detail: int
    _block: tuple[int, int]

    def __new__(cls, ok: bool, step: int = 0, errno: int = 0, message: str | None = None, *, detail: int = 0) -> Self:
        """See the class."""
        return cls._make(ok, step, errno, message, detail, (0, 0))

    @classmethod
    def _make(cls, ok: bool, step: int, errno: int, message: str | None, detail: int, block: tuple[int, int]) -> Self:
        """With the length and the page size of the block that step 8 is about."""
        require_bool(ok, "ok")
        limits = (
            ("step", step, lib.POSTCOPY_STEP_MEMORY),
            ("errno", errno, lib.PYMIG_ERROR_KILLED),
            ("detail", detail, 2**32 - 1),
        )
        for name, number, most in limits:
            if type(number) is not int:
                wrong_type(number, name, "an int")
            if not 0 <= number <= most:
                raise ValueError(f"{name} must be within 0 and {most}")
        if message is not None and not isinstance(message, str):
            wrong_type(message, "message", "a str")
        _require_possible(ok, step, errno, message, detail)
        self = object.__new__(cls)
        self._set(ok=ok, step=step, errno=errno, detail=detail, _block=block)
        self._set(message=self._text() if message is None else message)
        return self

    @classmethod
    def _from_c(cls, support: Any) -> Self:
        if support.ok:
            return cls._supported()
        block = (support.block_length, support.block_page_size)
        return cls._make(False, support.step, support.error, None, support.detail, block)

    @classmethod
    def _supported(cls) -> Self:
        self = object.__new__(cls)
        self._set(ok=True, step=0, errno=0, detail=0, message="", _block=(0, 0))
        return self

    def _c(self) -> Any:
        return ffi.new("PostcopySupport *", [self.ok, self.step, self.errno, self.detail, *self._block])[0]

    def _text(self) -> str:
        """What the reference says."""
        buffer = ffi.new("char[]", _MESSAGE_SIZE)
        lib.postcopy_support_message(ffi.new("PostcopySupport *", self._c()), lib.QEMU_8_0_50, buffer, _MESSAGE_SIZE)
        text: str = ffi.string(buffer).decode()
        return text

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        if self.ok:
            return "PostcopySupport(True)"
        told = {"errno": self.errno, "detail": self.detail}
        rest = "".join(f", {name}={value}" for name, value in told.items() if value)
        message = f", message={self.message!r}" if self.message != self._text() else ""
        return f"PostcopySupport(False, {self.step}{rest}{message})"

    def __reduce__(self) -> tuple[object, ...]:
        return (PostcopySupport._make, (self.ok, self.step, self.errno, self.message, self.detail, self._block))


def _require_possible(ok: bool, step: int, errno: int, message: str | None, detail: int) -> None:
    """A ValueError for what can't be."""
    if ok and (step or errno or detail or message):
        raise ValueError("ok is true: step, errno, detail and message must be left out")
    if not ok and step in _STEPS_OF_A_CALL and errno == 0:
        raise ValueError(f"errno must be given for step {step}: it is a system call that failed")
    if step in _STEPS_WITHOUT_A_CALL and errno != 0:
        raise ValueError(f"errno must be left out for step {step}: it makes no system call")


class HostFacts(Value):
    """What is to know of a host, as one variant of the probe asks it."""

    __slots__ = ("ignore_shared", "ignore_shared_files", "postcopy", "write_tracking")

    write_tracking: WriteTracking
    ignore_shared: WriteTracking
    ignore_shared_files: WriteTracking
    postcopy: PostcopySupport

    def __new__(
        cls,
        write_tracking: WriteTracking,
        ignore_shared: WriteTracking,
        ignore_shared_files: WriteTracking,
        postcopy: PostcopySupport,
    ) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(write_tracking=write_tracking, ignore_shared=ignore_shared)
        self._set(ignore_shared_files=ignore_shared_files, postcopy=postcopy)
        return self

    @classmethod
    def _from_c(cls, facts: Any) -> Self:
        everything, without_shared, without_shared_files = (WRITE_TRACKING_NAMES[code] for code in facts.write_tracking)
        return cls(everything, without_shared, without_shared_files, PostcopySupport._from_c(facts.postcopy))

    def _c(self) -> dict[str, Any]:
        """What the HostFacts of C is made of."""
        tracking = (self.write_tracking, self.ignore_shared, self.ignore_shared_files)
        return {"write_tracking": [_WRITE_TRACKING[name] for name in tracking], "postcopy": self.postcopy._c()}

    def __reduce__(self) -> tuple[object, ...]:
        return (HostFacts, (self.write_tracking, self.ignore_shared, self.ignore_shared_files, self.postcopy))


# ---- Facts that travel ----

_SCHEMA = "pymig-host"
_VERSION = "1.1"


def dumps(facts: Mapping[str, Any]) -> str:
    """A document as JSON."""
    import json  # noqa: PLC0415 - a check needs none

    return json.dumps(facts, indent=2)


def loads(text: str | bytes) -> Any:
    """A document of JSON's, or a ValueError."""
    import json  # noqa: PLC0415 - a check needs none

    if not isinstance(text, (str, bytes)):
        wrong_type(text, "text", "a str or bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"text is not JSON: {error}") from None


def require_schema(document: Any, schema: str, version: str) -> None:
    """A ValueError for a document of another schema, or of another major version than this one."""
    if not isinstance(document, dict) or document.get("schema") != schema:
        raise ValueError(f'text is no such document: it has no "schema": "{schema}"')
    given = document.get("version")
    major = given.partition(".")[0] if isinstance(given, str) else ""
    if not (major.isascii() and major.isdigit()):
        raise ValueError(f"version must be a string like {version!r}, not {given!r:.40}")
    if major != version.partition(".")[0]:
        raise ValueError(f"version {given:.40} is not one that this pymig reads ({version}); use a newer pymig")


def newer_version(given: object, version: str) -> str:
    """The version to write: the document's own where that is newer than what this pymig writes."""
    try:
        mine, theirs = (tuple(map(int, str(text).split(".")[:2])) for text in (version, given))
    except ValueError:
        return version
    return str(given) if theirs > mine else version


def document_of(facts: Mapping[int, HostFacts], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of every variant as JSON has them; ``extra`` are fields that only a newer pymig knows."""
    legacy = extra.get("older", {})
    return {
        **extra,
        "schema": _SCHEMA,
        "version": newer_version(extra.get("version"), _VERSION),
        **_facts_as_json(facts[REFERENCE], extra),
        "older": {
            **legacy,
            **{name: _facts_as_json(facts[variant], legacy.get(name, {})) for name, variant in LEGACY_VARIANTS.items()},
        },
    }


def facts_of_document(document: Any) -> dict[int, HostFacts]:
    """The facts of every variant.

    Raises:
        ValueError: no document of facts, or of a newer major version.
    """
    require_schema(document, _SCHEMA, _VERSION)
    try:
        reference = _facts_from_json(document)
        legacy = dict(document.get("older", {}))
        facts = {REFERENCE: reference}
        for name, variant in LEGACY_VARIANTS.items():
            facts[variant] = _facts_from_json(legacy[name]) if name in legacy else reference
    except KeyError as error:
        raise ValueError(f"text lacks the field {error}") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"text: {error}") from None
    return facts


def _facts_as_json(facts: HostFacts, extra: Mapping[str, Any]) -> dict[str, Any]:
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
            "block_length": support._block[0],
            "block_page_size": support._block[1],
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


def _block_of(postcopy: Mapping[str, Any], message: object) -> tuple[int, int]:
    """Length and page size of the block that step 8 is about; documents of 1.0 have them in the text alone."""
    numbers = (postcopy.get("block_length"), postcopy.get("block_page_size"))
    if numbers == (None, None):
        words = (
            message.split()
            if isinstance(message, str) and postcopy.get("step") == lib.POSTCOPY_STEP_BLOCK_LENGTH
            else []
        )
        numbers = tuple(int(word, 16) for word in words if word.startswith("0x"))[:2] or (0, 0)  # type: ignore[assignment]
    for name, number in zip(("block_length", "block_page_size"), numbers, strict=True):
        if type(number) is not int or not 0 <= number < 1 << 64:
            raise ValueError(f"postcopy.{name} must be a number of bytes")
    return numbers  # type: ignore[return-value]


def _facts_from_json(facts: Mapping[str, Any]) -> HostFacts:
    postcopy = dict(facts["postcopy"])
    message = postcopy.get("message")
    support = PostcopySupport._make(
        postcopy["ok"],
        postcopy.get("step", 0),
        _errno_number(postcopy.get("errno")),
        message or None,
        postcopy.get("detail", 0),
        _block_of(postcopy, message),
    )
    tracking = write_tracking_of(facts["write_tracking"], "write_tracking")
    ignoring = write_tracking_of(facts.get("write_tracking_ignore_shared", tracking), "write_tracking_ignore_shared")
    files = facts.get("write_tracking_ignore_shared_files", ignoring)
    return HostFacts(tracking, ignoring, write_tracking_of(files, "write_tracking_ignore_shared_files"), support)
