# SPDX-License-Identifier: GPL-2.0-or-later

"""Facts of a host."""

from __future__ import annotations

from pymig._core import ffi, lib
from pymig.release import written
from pymig.values import Value, require_bool, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from typing_extensions import Self

    WriteTracking = Literal["absent", "available", "compatible"]
    FoundTracking = Literal["unknown", "absent", "available", "compatible"]

UNKNOWN: Literal["unknown"] = "unknown"
"""Write tracking that was not found out."""

_WRITE_TRACKING: dict[str, int] = {
    UNKNOWN: lib.WRITE_TRACKING_UNKNOWN,
    "absent": lib.WRITE_TRACKING_ABSENT,
    "available": lib.WRITE_TRACKING_AVAILABLE,
    "compatible": lib.WRITE_TRACKING_COMPATIBLE,
}
WRITE_TRACKING_NAMES: dict[int, FoundTracking] = {code: name for name, code in _WRITE_TRACKING.items()}  # type: ignore[misc]

REFERENCE: int = lib.PROBE_REFERENCE

LEGACY_VARIANTS: dict[str, int] = {"8.0": lib.PROBE_8_0, "7.2": lib.PROBE_7_2}
"""The probes of older releases, by their names in JSON."""

# Steps of the postcopy probe: those that fail with an errno, and those that make no system call.
_STEPS_OF_A_CALL = frozenset((2, 4, 5, 10, 11, 12, 13))
_STEPS_WITHOUT_A_CALL = frozenset((0, 1, 3, 6, 7, 8, 9, 14))


def is_inconclusive(errno: int) -> bool:
    """Whether a probe that failed with this errno found nothing out about the host."""
    inconclusive: bool = lib.host_error_is_inconclusive(errno)
    return inconclusive


def write_tracking_of(value: object, argument: str) -> FoundTracking:
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
        step: the first step that failed, as numbered by PostcopyStep in pymig.h. 0: no step failed, or it is unknown
            which one did; then QEMU's text has no reason. 15: a block of memory can't be created (not a step of QEMU).
        errno: that step's errno; 0 for a step without a system call (1, 3, 6 to 9, 14). Step 15 may have one. With one
            that says nothing about the host (see ``known``), step may also be 0.
        message: the text that the reference logs; by default, made from step and errno. "" if supported.
        detail: a number that is part of some steps' text; see PostcopySupport in pymig.h.

    Attributes:
        known: whether the answer was found out. Not with errno EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN, EINTR or
            PYMIG_ERROR_UNKNOWN (in pymig.h): a Host with such an answer raises HostUnknownError.

    Raises:
        ValueError: a contradiction: supported with a failed step, or a failed system call without an errno.
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
        """The same, with the length and the page size of the block that failed at step 8."""
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
    def _from_c(cls, support: Any) -> PostcopySupport:
        if support.ok:
            return _SUPPORTED
        block = (support.block_length, support.block_page_size)
        return cls._make(False, support.step, support.error, None, support.detail, block)

    def _c(self) -> Any:
        return ffi.new("PostcopySupport *", [self.ok, self.step, self.errno, self.detail, *self._block])[0]

    def _text(self) -> str:
        """The reference's text."""
        c_support = ffi.new("PostcopySupport *", self._c())
        return written(lib.postcopy_support_message, c_support, lib.QEMU_8_0_50) or ""

    @property
    def known(self) -> bool:
        """See the class."""
        return self.ok or not is_inconclusive(self.errno)

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        if self.ok:
            return "PostcopySupport(True)"
        given = {"errno": self.errno, "detail": self.detail}
        rest = "".join(f", {name}={value}" for name, value in given.items() if value)
        message = f", message={self.message!r}" if self.message != self._text() else ""
        return f"PostcopySupport(False, {self.step}{rest}{message})"

    def __reduce__(self) -> tuple[object, ...]:
        return (PostcopySupport._make, (self.ok, self.step, self.errno, self.message, self.detail, self._block))


def _require_possible(ok: bool, step: int, errno: int, message: str | None, detail: int) -> None:
    """Raises ValueError for a contradiction."""
    if ok and (step or errno or detail or message):
        raise ValueError("ok is true: step, errno, detail and message must be left out")
    if not ok and step in _STEPS_OF_A_CALL and errno == 0:
        raise ValueError(f"errno must be given for step {step}: it is a system call that failed")
    if step in _STEPS_WITHOUT_A_CALL and errno != 0 and not (step == 0 and is_inconclusive(errno)):
        raise ValueError(f"errno must be left out for step {step}: it makes no system call")


_SUPPORTED = PostcopySupport(True)


class HostFacts(Value):
    """The facts about a host, as one variant of QEMU's probe finds them.

    Attributes:
        errno: why write tracking is unknown in some scope; 0 if it is not.
    """

    __slots__ = ("errno", "ignore_shared", "ignore_shared_files", "postcopy", "write_tracking")

    write_tracking: FoundTracking
    ignore_shared: FoundTracking
    ignore_shared_files: FoundTracking
    postcopy: PostcopySupport
    errno: int

    def __new__(
        cls,
        write_tracking: FoundTracking,
        ignore_shared: FoundTracking,
        ignore_shared_files: FoundTracking,
        postcopy: PostcopySupport,
        errno: int = lib.PYMIG_ERROR_UNKNOWN,
    ) -> Self:
        """See the class."""
        unknown = UNKNOWN in (write_tracking, ignore_shared, ignore_shared_files)
        self = object.__new__(cls)
        self._set(write_tracking=write_tracking, ignore_shared=ignore_shared)
        self._set(ignore_shared_files=ignore_shared_files, postcopy=postcopy, errno=errno if unknown else 0)
        return self

    @property
    def known(self) -> bool:
        """Whether all of them were found out."""
        return self.errno == 0 and self.postcopy.known

    @classmethod
    def _from_c(cls, facts: Any) -> Self:
        everything, without_shared, without_shared_files = (WRITE_TRACKING_NAMES[code] for code in facts.write_tracking)
        support = PostcopySupport._from_c(facts.postcopy)
        return cls(everything, without_shared, without_shared_files, support, facts.write_tracking_error)

    def _c(self) -> dict[str, Any]:
        """The initializer of C's HostFacts."""
        tracking = (self.write_tracking, self.ignore_shared, self.ignore_shared_files)
        return {
            "write_tracking": [_WRITE_TRACKING[name] for name in tracking],
            "write_tracking_error": self.errno,
            "postcopy": self.postcopy._c(),
        }

    def __reduce__(self) -> tuple[object, ...]:
        tracking = (self.write_tracking, self.ignore_shared, self.ignore_shared_files)
        return (HostFacts, (*tracking, self.postcopy, self.errno))
