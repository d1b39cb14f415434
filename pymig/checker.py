"""Would QEMU accept this set of capabilities?"""

from __future__ import annotations

import os

from pymig._core import ffi, lib
from pymig.answers import Answers, Verdicts
from pymig.buffers import bytes_to_fill, words
from pymig.context import new_context, require_bools, require_new
from pymig.errors import CapabilityError
from pymig.host.host import page_size_of, require_host
from pymig.qemu.build import QemuBuild, require_build
from pymig.qemu.capability import BITS, NAMES, mask_of
from pymig.values import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    # The type checker's own; nothing imports it at run time.
    from typing_extensions import Buffer

    from pymig.host.host import Host
    from pymig.verdict import Verdict

NOTHING: tuple[str, ...] = ()
"""The old set where none is given."""

MOST_REMEMBERED = 0 if os.environ.get("PYMIG_MEMO") == "0" else 4096
"""How many verdicts a Checker remembers; none with PYMIG_MEMO=0 in the environment."""

_check_set: Any = lib.migrate_caps_check_set

# By the bytes of a word: the check of many, the same into memory that nobody minds, and the search for a bad word.
_CHECK_MANY = {4: lib.migrate_caps_check_many32, 8: lib.migrate_caps_check_many64}
_FILL = {4: lib.migrate_caps_check_many32_onepass, 8: lib.migrate_caps_check_many64_onepass}
_FIND_UNKNOWN = {4: lib.migrate_caps_find_unknown32, 8: lib.migrate_caps_find_unknown64}


class Checker(Frozen):
    """One context, prepared once, to check many sets in. Immutable; any number of threads may use it.

    Verdicts are remembered by the very int or tuple of names that was checked, with nothing on before: at most 4,096,
    then it begins anew. An answer that a local host was asked for may change, and is not. PYMIG_MEMO=0 in the
    environment switches this off.

    Args:
        build: which QEMU is asked.
        host: what its host can do; this machine if not given.
        incoming: QEMU waits for an incoming migration (it was started with -incoming).
        parameters: migration parameters that are set, in QMP's spelling, e.g. ``{"multifd-compression": "zstd"}``.
        incoming_started: a listening socket of the incoming side is open (looked at from 8.1 on).
        kvm_dirty_ring: KVM runs with its dirty ring, ``-accel kvm,dirty-ring-size=N`` (from 8.1 on).
        rdma: an RDMA migration is set up (from 10.1 on).
        single_channel: the incoming transport can't carry several channels (7.2 alone).
        target_page_size: the guest's page size in bytes; that of the build's target and machine if not given.

    Raises:
        ParameterError: QEMU would refuse the parameters.
    """

    __slots__ = (
        "_answers",
        "_asked",
        "_c",
        "_memo",
        "_owner",
        "_plain",
        "_slow",
        "build",
        "host",
        "incoming",
        "verdicts",
    )

    build: QemuBuild
    host: Host
    incoming: bool
    verdicts: Mapping[int, Verdict]
    _answers: Answers
    _asked: int
    _c: Any
    _memo: dict[object, Verdict]
    _owner: Any
    _plain: dict[int, Verdict]
    _slow: int

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
        target_page_size: int | None = None,
    ) -> None:
        require_new(self)
        circumstances = require_bools(
            incoming=incoming,
            incoming_started=incoming_started,
            kvm_dirty_ring=kvm_dirty_ring,
            rdma=rdma,
            single_channel=single_channel,
        )
        build, host = require_build(build), require_host(host)
        page_size = page_size_of(target_page_size)
        if parameters is None:
            context = new_context(build, page_size, **circumstances)
        else:
            from pymig.state import MigrationState  # noqa: PLC0415 - which knows the rules for parameters

            state = MigrationState(build, host, target_page_size=target_page_size, **circumstances)
            state.set_parameters(parameters)
            context = state._c_context()
        c_checker = lib.migration_checker_new(context, host._c)
        if c_checker == ffi.NULL:
            raise MemoryError
        owner = ffi.gc(c_checker, lib.migration_checker_free)
        verdicts = Verdicts(build, host, lambda: lib.migration_checker_postcopy(owner))
        asked = host._asked_about(incoming)
        with_reason = BITS["postcopy-ram"] if incoming and len(build._plain) < len(build._verdicts) else 0
        self._set(
            build=build,
            host=host,
            incoming=incoming,
            verdicts=verdicts,
            _answers=Answers(c_checker, build, verdicts),
            _asked=asked,
            _plain=build._plain,
            _owner=owner,
            _c=c_checker,  # which cffi takes faster than the owner
            _memo={},
            _slow=~build.capabilities.mask | asked | build._warning | with_reason,
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
        if old is NOTHING:
            memo = self._memo
            if type(new) is int:
                if new in memo:
                    return memo[new]
                if not new & self._slow and len(memo) < MOST_REMEMBERED:
                    memo[new] = verdict = self._plain[_check_set(self._c, new)]
                    return verdict
            elif type(new) is tuple:
                try:
                    known = memo.get(new)
                except TypeError:  # it has no hash; what is wrong with it is said below
                    known = None
                if known is not None:
                    return known
        return self._check(new, old)

    def _check(self, new: Iterable[str] | int, old: Iterable[str] | int) -> Verdict:
        mask = mask_of(new, "new")
        if old is NOTHING and not mask & self._slow:
            verdict = self._plain[_check_set(self._c, mask)]
        else:
            answers = self._answers
            verdict = answers.of_change(answers.mask(mask, "new"), 0 if old is NOTHING else answers.mask(old, "old"))
        small = type(new) is int or (type(new) is tuple and len(new) <= len(NAMES))
        if old is NOTHING and small and not mask & self._asked:
            memo = self._memo if len(self._memo) < MOST_REMEMBERED else self._begin_memo()
            memo[new] = verdict
        return verdict

    def _begin_memo(self) -> dict[object, Verdict]:
        """A new one, because another thread may just be reading from the old one."""
        memo: dict[object, Verdict] = {}
        if MOST_REMEMBERED > 0:
            self._set(_memo=memo)
        return memo

    def explain(self, new: Iterable[str] | int, old: Iterable[str] | int = ()) -> list[Verdict]:
        """Every rule that refuses, in QEMU's order; empty if the set is accepted. Arguments as in ``check``."""
        codes = ffi.new("uint8_t[]", lib.MIGRATION_VERDICT__MAX)
        count = lib.migrate_caps_explain(self._c, self._answers.mask(old, "old"), self._answers.mask(new, "new"), codes)
        return [self.verdicts[codes[i]] for i in range(count)]

    def check_many(self, masks: Buffer, old: Iterable[str] | int = 0, out: Buffer | None = None) -> bytearray | Buffer:
        """``check`` of many sets against one old set. Other threads run meanwhile.

        Args:
            masks: a C-contiguous buffer of uint32 or uint64 words, one a set: array.array, memoryview, NumPy array;
                or raw bytes of uint32 words in native order: bytes, bytearray, mmap. It is read in place.
            old: as in ``check``.
            out: a writable C-contiguous buffer of uint8, as long as there are words, to fill.

        Returns:
            ``out``, or a new bytearray: for each word its code in ``verdicts``.

        Raises:
            TypeError: a buffer of another type.
            ValueError: ``out`` of another length, or a word with a capability that the release has not. Nothing
                was written then.
        """
        old_mask = self._answers.mask(old, "old")
        c_words, count, width = words(masks, "masks")
        if out is None:
            codes: bytearray | Buffer = bytearray(count)
            result = _FILL[width](self._c, old_mask, c_words, count, ffi.from_buffer("uint8_t[]", codes))
        else:
            codes = out
            result = _CHECK_MANY[width](self._c, old_mask, c_words, count, bytes_to_fill(out, count, "out"))
        if result < 0:
            index = _FIND_UNKNOWN[width](self._c, c_words, count)
            raise ValueError(f"masks[{index}] has bits that QEMU {self.build.release} has no capability for")
        return codes

    def __repr__(self) -> str:
        incoming = ", incoming=True" if self.incoming else ""
        return f"Checker({self.build!r}, {self.host!r}{incoming})"


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
    target_page_size: int | None = None,
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
        target_page_size=target_page_size,
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
    target_page_size: int | None = None,
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
        target_page_size=target_page_size,
    )
    if not verdict:
        raise CapabilityError(verdict)
