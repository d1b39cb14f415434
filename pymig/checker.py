"""Would QEMU accept this set of capabilities?"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from pymig._core import ffi, lib
from pymig.build import WARNINGS, QemuBuild
from pymig.capability import BITS, NAMES, known_mask, mask_of
from pymig.errors import CapabilityError
from pymig.frozen import Frozen
from pymig.state import MigrationState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    # The type checker's own; nothing imports it at run time.
    from typing_extensions import Buffer

    from pymig.host import Host
    from pymig.verdict import Verdict

NOTHING: tuple[str, ...] = ()
"""The old set where none is given."""

MOST_REMEMBERED = 0 if os.environ.get("PYMIG_MEMO") == "0" else 4096
"""How many verdicts a Checker remembers; none with PYMIG_MEMO=0 in the environment."""

# The formats of an unsigned byte, and of a word of 4 or 8 in native order, as the struct module writes them.
_NATIVE = ("", "@", "=", "<" if sys.byteorder == "little" else ">")
_BYTE_FORMATS = frozenset(order + "B" for order in _NATIVE)
_WORD_FORMATS = frozenset(order + code for order in _NATIVE for code in "ILQ")
_CHECK_MANY = {
    4: ("uint32_t[]", lib.migrate_caps_check_many32),
    8: ("uint64_t[]", lib.migrate_caps_check_many64),
}


class _Verdicts(Mapping[int, "Verdict"]):
    """Every verdict of a build, by its code; the one about the host's postcopy with the host's own reason."""

    __slots__ = ("_build", "_host", "_told")

    def __init__(self, build: QemuBuild, host: Host) -> None:
        self._build = build
        self._host = host
        self._told: dict[str, Verdict] = {}

    def __getitem__(self, code: int) -> Verdict:
        verdict = self._build._verdicts[code]
        return self._with_reason(verdict) if code in self._build._reasoned else verdict

    def _with_reason(self, verdict: Verdict) -> Verdict:
        message = self._host._with_reason(verdict.message, self._build._c.release)
        told = self._told.get(message)
        if told is None:
            told = self._told[message] = verdict._with(message)
        return told

    def __iter__(self) -> Iterator[int]:
        return iter(self._build._verdicts)

    def __len__(self) -> int:
        return len(self._build._verdicts)


class Checker(Frozen):
    """One context, prepared once, to check many sets in. Immutable; any number of threads may use it.

    Args:
        build: which QEMU is asked.
        host: what its host can do; this machine if not given.
        incoming: QEMU waits for an incoming migration (it was started with -incoming).
        parameters: migration parameters that are set, in QMP's spelling, e.g. ``{"multifd-compression": "zstd"}``.
        incoming_started: a listening socket of the incoming side is open (looked at from 8.1 on).
        kvm_dirty_ring: KVM runs with its dirty ring, ``-accel kvm,dirty-ring-size=N`` (from 8.1 on).
        rdma: an RDMA migration is set up (from 10.1 on).
        single_channel: the incoming transport can't carry several channels (7.2 alone).

    Raises:
        ParameterError: QEMU would refuse the parameters.
    """

    __slots__ = (
        "_asked",
        "_c",
        "_known",
        "_memo",
        "_plain",
        "_slow",
        "_warned",
        "build",
        "host",
        "incoming",
        "verdicts",
    )

    build: QemuBuild
    host: Host
    incoming: bool
    verdicts: Mapping[int, Verdict]
    _c: Any
    _asked: int
    _known: int
    _memo: dict[object, Verdict]
    _plain: dict[int, Verdict]
    _slow: int
    _warned: dict[tuple[int, int], Verdict]

    def __init__(
        self,
        build: QemuBuild = QemuBuild(),  # noqa: B008 - immutable
        host: Host | None = None,
        *,
        incoming: bool = False,
        parameters: Mapping[str, object] | None = None,
        incoming_started: bool = False,
        kvm_dirty_ring: bool = False,
        rdma: bool = False,
        single_channel: bool = False,
    ) -> None:
        state = MigrationState(
            build,
            host,
            incoming=incoming,
            incoming_started=incoming_started,
            kvm_dirty_ring=kvm_dirty_ring,
            rdma=rdma,
            single_channel=single_channel,
        )
        if parameters is not None:
            state.set_parameters(parameters)
        c_checker = lib.migration_checker_new(state._c_context(), state.host._c)
        if c_checker == ffi.NULL:
            raise MemoryError
        known, asked = build.capabilities.mask, state.host._asked_about(incoming)
        reasoned = BITS["postcopy-ram"] if build._reasoned else 0
        self._set(
            build=build,
            host=state.host,
            incoming=incoming,
            verdicts=_Verdicts(build, state.host),
            _c=ffi.gc(c_checker, lib.migration_checker_free),
            _known=known,
            _asked=asked,
            _slow=~known | asked | reasoned | build._warning,
            _memo={},
            _plain={code: verdict for code, verdict in build._verdicts.items() if code not in build._reasoned},
            _warned={},
        )

    def check(self, new: Iterable[str] | int, old: Iterable[str] | int = ()) -> Verdict:
        """QEMU's answer to a change from ``old`` to ``new`` (migrate_caps_check): the first rule that refuses.

        Args:
            new: the whole set that would be on afterwards: a CapabilitySet, an int mask or an iterable of names.
            old: the set that is on before; it decides whether postcopy-ram is asked of the host again, and whether
                shared memory is passed over in write tracking.

        Raises:
            UnknownCapabilityError: a capability that the release has not.
        """
        if old is NOTHING and (type(new) is int or type(new) is tuple):
            verdict = self._memo.get(new)
            if verdict is not None:
                return verdict
            if type(new) is int and not new & self._slow:
                verdict = self._plain[lib.migrate_caps_check(self._c, 0, new)]
                self._remember(new, verdict)
                return verdict
        return self._check(new, old)

    def _check(self, new: Iterable[str] | int, old: Iterable[str] | int) -> Verdict:
        new_mask = self._mask(new, "new")
        code = lib.migrate_caps_check(self._c, self._mask(old, "old"), new_mask)
        if new_mask & self.build._warning:
            return self._with_warnings(code, new_mask)
        verdict = self._plain.get(code) or self.verdicts[code]
        if old is NOTHING and not new_mask & self._asked:
            self._remember(new, verdict)
        return verdict

    def _remember(self, new: Iterable[str] | int, verdict: Verdict) -> None:
        """Keeps the verdict for the next time; when the memo is full, it starts anew."""
        if type(new) is int or (type(new) is tuple and len(new) <= len(NAMES)):
            if len(self._memo) >= MOST_REMEMBERED:
                self._memo.clear()
            if MOST_REMEMBERED:
                self._memo[new] = verdict

    def _with_warnings(self, code: int, new_mask: int) -> Verdict:
        given = lib.migrate_caps_warnings(self._c, new_mask, code)
        plain = self.verdicts[code]
        if not given:
            return plain
        verdict = self._warned.get((code, given))
        if verdict is None or verdict.message != plain.message:
            texts = tuple(text for i, text in enumerate(WARNINGS) if given >> i & 1)
            verdict = self._warned[code, given] = plain._with(warnings=texts)
        return verdict

    def explain(self, new: Iterable[str] | int, old: Iterable[str] | int = ()) -> list[Verdict]:
        """Every rule that refuses, in QEMU's order; empty if the set is accepted. Arguments as in ``check``."""
        codes = ffi.new("uint8_t[]", lib.MIGRATION_VERDICT__MAX)
        count = lib.migrate_caps_explain(self._c, self._mask(old, "old"), self._mask(new, "new"), codes)
        return [self.verdicts[codes[i]] for i in range(count)]

    def check_many(self, masks: Buffer, old: Iterable[str] | int = 0, out: Buffer | None = None) -> bytearray | Buffer:
        """``check`` of many sets against one old set.

        Args:
            masks: a C-contiguous buffer of uint32 or uint64 words, one a set: array.array, memoryview, NumPy array.
                It is read in place.
            old: as in ``check``.
            out: a writable C-contiguous buffer of uint8, as long as there are words, to fill.

        Returns:
            ``out``, or a new bytearray: for each word its code in ``verdicts``.

        Raises:
            TypeError: a buffer of another type.
            ValueError: ``out`` of another length, or a word with a capability that the release has not. Nothing
                was written then.
        """
        old_mask = self._mask(old, "old")
        words, count, check_many = _words(masks)
        codes = bytearray(count) if out is None else out
        result = check_many(self._c, old_mask, words, count, _codes(codes, count))
        if result < 0:
            raise ValueError(f"masks holds words with bits that QEMU {self.build.release} has no capability for")
        return codes

    def _mask(self, capabilities: Iterable[str] | int, argument: str) -> int:
        return known_mask(mask_of(capabilities, argument), self._known, argument)

    def __repr__(self) -> str:
        incoming = ", incoming=True" if self.incoming else ""
        return f"Checker({self.build!r}, {self.host!r}{incoming})"


def _view(buffer: object, argument: str) -> memoryview:
    try:
        view = memoryview(buffer)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"{argument} must be a buffer, such as array.array or a NumPy array, not {type(buffer).__name__}"
        ) from None
    if not view.c_contiguous:
        raise TypeError(f"{argument} must be C-contiguous; this one has strides")
    return view


def _words(masks: object) -> tuple[Any, int, Any]:
    """The words as C sees them, their number, and the function for their width."""
    view = _view(masks, "masks")
    if view.format not in _WORD_FORMATS or view.itemsize not in _CHECK_MANY:
        raise TypeError(f"masks must hold uint32 or uint64 words in native order, not items of format {view.format!r}")
    c_type, check_many = _CHECK_MANY[view.itemsize]
    return ffi.from_buffer(c_type, view), view.nbytes // view.itemsize, check_many


def _codes(out: object, count: int) -> Any:
    view = _view(out, "out")
    if view.format not in _BYTE_FORMATS:
        raise TypeError(f"out must hold uint8, not items of format {view.format!r}")
    if view.readonly:
        raise TypeError("out must be writable; this one is read-only")
    if view.nbytes != count:
        raise ValueError(f"out must be as long as there are masks, {count}, not {view.nbytes}")
    return ffi.from_buffer("uint8_t[]", view)


def check(
    new: Iterable[str] | int,
    old: Iterable[str] | int = (),
    *,
    build: QemuBuild = QemuBuild(),  # noqa: B008 - immutable
    host: Host | None = None,
    incoming: bool = False,
    parameters: Mapping[str, object] | None = None,
    incoming_started: bool = False,
    kvm_dirty_ring: bool = False,
    rdma: bool = False,
    single_channel: bool = False,
) -> Verdict:
    """QEMU's answer to one change; the arguments are those of Checker and of Checker.check.

    For more than one check in the same context, a Checker is prepared once and asks the host once.
    """
    checker = Checker(
        build,
        host,
        incoming=incoming,
        parameters=parameters,
        incoming_started=incoming_started,
        kvm_dirty_ring=kvm_dirty_ring,
        rdma=rdma,
        single_channel=single_channel,
    )
    return checker.check(new, old)


def validate(
    new: Iterable[str] | int,
    old: Iterable[str] | int = (),
    *,
    build: QemuBuild = QemuBuild(),  # noqa: B008 - immutable
    host: Host | None = None,
    incoming: bool = False,
    parameters: Mapping[str, object] | None = None,
    incoming_started: bool = False,
    kvm_dirty_ring: bool = False,
    rdma: bool = False,
    single_channel: bool = False,
) -> None:
    """Like check(), but returns nothing, or raises.

    Raises:
        CapabilityError: QEMU would refuse; its verdict says why.
    """
    verdict = check(
        new,
        old,
        build=build,
        host=host,
        incoming=incoming,
        parameters=parameters,
        incoming_started=incoming_started,
        kvm_dirty_ring=kvm_dirty_ring,
        rdma=rdma,
        single_channel=single_channel,
    )
    if not verdict:
        raise CapabilityError(verdict)
