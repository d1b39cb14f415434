# SPDX-License-Identifier: GPL-2.0-or-later

"""Checks sets of capabilities in one context."""

from __future__ import annotations

import errno
import os
from itertools import count

from pymig._core import ffi, lib
from pymig.buffers import BYTES, bytes_to_fill, from_buffer, require_apart, words
from pymig.capability import BITS, NAMES, CapabilitySet, mask_of, unknown_in
from pymig.context import Context, require_context
from pymig.errors import UnknownCapabilityError, host_unknown
from pymig.host.host import Host, require_host
from pymig.owned import borrowed, new_checker
from pymig.qemu.build import REFERENCE_BUILD, QemuBuild
from pymig.qemu.rules import Verdicts
from pymig.values import Frozen
from pymig.verdict import CapabilityError, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TypeVar, overload

    # For type checkers only; not imported at run time.
    from typing_extensions import Buffer, Self

    from pymig._core import MigrationChecker
    from pymig.errors import HostUnknownError
    from pymig.table import Row
    from pymig.verdict import Change

    B = TypeVar("B", bound=Buffer)
    Names = Iterable[str] | Mapping[str, bool] | int

EMPTY: tuple[str, ...] = ()
"""The default of ``old``."""

_REMEMBERS = os.environ.get("PYMIG_MEMO") != "0"

MOST_REMEMBERED = 4096 if _REMEMBERS else 0
"""The most verdicts on names that a Checker caches; 0 with PYMIG_MEMO=0 in the environment."""

MOST_NAMES = len(NAMES)
"""The most names of a set that is cached."""

CHECKS_BEFORE_TABLE = 256 if _REMEMBERS else 0
"""After so many checks a Checker gets a table of all verdicts; never with PYMIG_MEMO=0."""

_EAGAIN = -errno.EAGAIN
_EFAULT = -errno.EFAULT

_check_set = lib.migrate_caps_check_set

_SNAPSHOTS: dict[type, type] = {list: tuple, set: frozenset, frozenset: frozenset}
"""What a verdict is cached by, besides a tuple: a copy of the names, which another thread can't change."""

# By word size in bytes.
_CHECK_MANY = {4: lib.migrate_caps_check_many32, 8: lib.migrate_caps_check_many64}
_HISTOGRAM = {4: lib.migrate_caps_histogram32, 8: lib.migrate_caps_histogram64}


class Checker(Frozen):
    """Checks many sets of capabilities in one context. Immutable, picklable, thread-safe.

    Call ``Checker(context)``, or ``Checker(build, host, **keywords)``, which creates the Context.

    After 256 checks of sets with an empty old set, it gets a table of the verdicts on all sets, which equal contexts
    share. Besides, up to 4,096 verdicts are cached by the names that were checked, of a tuple, list, set or frozenset.
    A full cache starts over. Verdicts that depend on a local host are in neither, because ``refresh()`` may change
    them. PYMIG_MEMO=0 in the environment disables both.

    Args:
        build: a Context; or a QemuBuild or a release, as for Context.
        host: as for Context, like the other keywords.

    Raises:
        ParameterError: QEMU would refuse the parameters.
        TypeError: a Context together with other arguments.
    """

    __slots__ = (
        "__weakref__",
        "_c",
        "_host_dependent_mask",
        "_memo",
        "_next_check",
        "_owner",
        "_rows",
        "_static_verdicts",
        "_uncached_mask",
        "context",
        "host",
        "verdicts",
    )

    context: Context
    host: Host
    verdicts: Verdicts
    _c: MigrationChecker
    _host_dependent_mask: int
    _memo: dict[object, Verdict]
    _next_check: Callable[[], int]
    _owner: Any
    _rows: Sequence[Row]
    _static_verdicts: dict[int, Verdict]
    _uncached_mask: int

    def __new__(
        cls,
        build: Context | QemuBuild | str | tuple[int, ...] = REFERENCE_BUILD,
        host: Host | None = None,
        *,
        incoming: bool = False,
        parameters: Mapping[str, object] | None = None,
        incoming_started: bool = False,
        kvm_dirty_ring: bool = False,
        rdma: bool = False,
        single_channel: bool = False,
        target_page_size: int | None = None,
    ) -> Self:
        """See the class."""
        keywords = {
            "incoming": incoming,
            "parameters": parameters,
            "incoming_started": incoming_started,
            "kvm_dirty_ring": kvm_dirty_ring,
            "rdma": rdma,
            "single_channel": single_channel,
            "target_page_size": target_page_size,
        }
        return cls._of(require_context(build, host, keywords))

    @classmethod
    def _of(cls, context: Context) -> Self:
        build, host, incoming = context.build, require_host(context.host), context.incoming
        owner = new_checker(context._c, host._c)
        verdicts = Verdicts(build._c, build._mask, lib.migration_checker_message, owner, host._c)
        host_dependent, static = host._host_dependent_mask(incoming), verdicts.static
        with_reason = BITS["postcopy-ram"] if incoming and verdicts.has_reasons else 0
        self = object.__new__(cls)
        self._set(
            context=context,
            host=host,
            verdicts=verdicts,
            _c=borrowed(owner),
            _owner=owner,
            _host_dependent_mask=host_dependent,
            _memo={},
            _next_check=count(1).__next__,
            _rows=(),
            _static_verdicts=static,
            _uncached_mask=~build._mask | host_dependent | build._warning | with_reason,
        )
        return self

    @property
    def build(self) -> QemuBuild:
        """Which QEMU is asked."""
        return self.context.build

    @property
    def incoming(self) -> bool:
        """Whether it waits for an incoming migration."""
        return self.context.incoming

    def check(self, new: Names, old: Names = ()) -> Verdict:
        """QEMU's answer to a change from ``old`` to ``new`` (migrate_caps_check): the first rule that refuses.

        Args:
            new: the whole set enabled after the change: a CapabilitySet, an int mask, an iterable of names, or a
                mapping ``{name: bool}``, in which only true values count.
            old: the set enabled before the change. It decides whether postcopy-ram probes the host again, and whether
                write tracking skips shared memory.

        Raises:
            UnknownCapabilityError: a capability that the release lacks.
            HostUnknownError: the answer depends on what could not be found out about the host.
        """
        if old is EMPTY:
            kind = type(new)
            if kind is int:
                try:
                    if new >= 0 and (verdict := self._rows[new >> 8][new & 255]) is not None:  # type: ignore[operator]
                        return verdict
                except IndexError:  # there is no table yet, or the mask has an unknown bit
                    pass
            elif kind is tuple or kind in _SNAPSHOTS:
                names = new if kind is tuple else _SNAPSHOTS[kind](new)
                try:
                    known = self._memo.get(names)
                except TypeError:  # unhashable
                    known = None
                return self._check_names(names) if known is None else known  # type: ignore[arg-type]
            elif kind is CapabilitySet:
                return self.check(new._mask)  # type: ignore[union-attr]
            return self._check_mask(mask_of(new, "new"))
        return self._of_change(self._mask(new, "new"), self._mask(old, "old"))

    def _check_names(self, names: tuple[str, ...] | frozenset[str]) -> Verdict:
        """The verdict on names with an empty old set. Caches it unless it may change."""
        mask = 0
        try:
            for name in names:  # as in mask_of(), without a call
                mask |= BITS[name]
            verdict = self._rows[mask >> 8][mask & 255]
        except (KeyError, TypeError, IndexError):
            verdict, mask = None, mask_of(names, "new")
        if verdict is None:
            verdict = self._check_mask(mask)
            if mask & self._host_dependent_mask:
                return verdict
        memo = self._memo
        if len(names) <= MOST_NAMES:
            if len(memo) >= MOST_REMEMBERED:
                memo = self._begin_memo()
            memo[names] = verdict
        return verdict

    def _check_mask(self, mask: int) -> Verdict:
        """The verdict on a mask with an empty old set."""
        try:
            verdict = self._rows[mask >> 8][mask & 255]
        except IndexError:
            verdict = None
        return self._asked(mask) if verdict is None else verdict

    def _asked(self, mask: int) -> Verdict:
        """C's answer."""
        if self._next_check() == CHECKS_BEFORE_TABLE:
            from pymig.table import rows_of  # noqa: PLC0415 - few checks need none

            self._set(_rows=rows_of(self.context))
        if mask & self._uncached_mask:
            return self._of_change(self._mask(mask, "new"), 0)
        return self._static_verdicts[_check_set(self._c, mask)]

    def _mask(self, names: Names, argument: str) -> int:
        """The mask of a set whose capabilities the release has; errors name the argument."""
        mask, known = mask_of(names, argument), self.build._mask
        if mask & ~known:
            raise unknown_in(mask, known, argument, self.build.release)
        return mask

    def _of_change(self, new: int, old: int) -> Verdict:
        """The verdict on a change from ``old`` to ``new``, both masks."""
        code = lib.migrate_caps_check(self._c, old, new)
        if code == _EAGAIN:
            raise self._host_unknown()
        given = lib.migrate_caps_warnings(self._c, new, code) if new & self.build._warning else 0
        return self.verdicts.with_warnings(code, given) if given else self.verdicts[code]

    def _host_unknown(self) -> HostUnknownError:
        return host_unknown(lib.migration_host_error(self.host._c))

    def _begin_memo(self) -> dict[object, Verdict]:
        """Starts a new cache. The old one is not cleared, because another thread may be reading it."""
        memo: dict[object, Verdict] = {}
        if MOST_REMEMBERED > 0:
            self._set(_memo=memo)
        return memo

    def explain(self, new: Names, old: Names = ()) -> list[Verdict]:
        """Every rule that refuses, in QEMU's order; empty if the set is accepted. Arguments as in ``check``."""
        codes = ffi.new("uint8_t[]", lib.MIGRATION_VERDICT__MAX)
        old_mask, new_mask = self._mask(old, "old"), self._mask(new, "new")
        count = lib.migrate_caps_explain(self._c, old_mask, new_mask, codes)
        if count == _EAGAIN:
            raise self._host_unknown()
        return [self.verdicts[codes[i]] for i in range(count)]

    def suggest(self, new: Names, old: Names = (), limit: int = 8) -> tuple[Change, ...]:
        """The smallest changes that make QEMU accept the set, smallest first. Each one was checked.

        Each change is minimal: without any part of it, the set is refused. If parameters of the context cause the
        refusal, resetting them counts as one part. Empty if the set is accepted, or if no change helps.

        Args:
            new: as in ``check``.
            old: as in ``check``.
            limit: the most changes to return.
        """
        from pymig.suggest import suggestions  # noqa: PLC0415 - a check needs none

        if type(limit) is not int or limit < 1:
            raise ValueError(f"limit must be an int of at least 1, not {limit!r}")
        new_mask, old_mask = self._mask(new, "new"), self._mask(old, "old")
        reset = self._parameters_in_the_way()
        plain = Checker(self.context.replace(parameters=self._parameters_beside(reset))) if reset else self
        return suggestions(
            new_mask,
            lambda mask: self._of_change(mask, old_mask),
            lambda mask: plain._of_change(mask, old_mask),
            reset,
            limit,
        )

    def _parameters_in_the_way(self) -> dict[str, object]:
        """The defaults of the context's parameters that some rule looks at and that are not at their defaults."""
        given = self.context.parameters or {}
        return {
            name: default
            for verdict in self.build._verdicts.values()
            for remedy in verdict.remedies
            for name, default in remedy.parameters.items()
            if given.get(name) not in (None, default)
        }

    def _parameters_beside(self, left_out: Mapping[str, object]) -> dict[str, object] | None:
        given = self.context.parameters or {}
        return {name: value for name, value in given.items() if name not in left_out} or None

    if TYPE_CHECKING:

        @overload
        def check_many(self, masks: Buffer, old: Names = ..., out: None = None) -> bytearray: ...
        @overload
        def check_many(self, masks: Buffer, old: Names = ..., *, out: B) -> B: ...
        @overload
        def check_many(self, masks: Buffer, old: Names, out: B) -> B: ...

    def check_many(self, masks: Buffer, old: Names = 0, out: Any = None) -> Any:
        """Checks many sets against one old set. Releases the GIL.

        Args:
            masks: a C-contiguous buffer of uint32 or uint64 words, one set per word: array.array, memoryview, NumPy
                array; or raw bytes of uint32 words in native order: bytes, bytearray, mmap. It is read in place.
            old: as in ``check``.
            out: a writable C-contiguous buffer of uint8 to fill, with one byte per word.

        Returns:
            ``out``, or a new bytearray: for each word, its code in ``verdicts``. A word with a capability that the
            release lacks has the code 255.

        Raises:
            TypeError: the wrong type of buffer, or one not aligned to its words.
            ValueError: ``out`` has the wrong length or overlaps ``masks``. Nothing is written then.
            HostUnknownError: as for ``check``. Nothing is written then.
        """
        old_mask = 0 if old is EMPTY or (type(old) is int and not old) else self._mask(old, "old")
        c_words, count, width = words(masks, "masks")
        codes: Any
        if out is None:
            codes = bytearray(count)
            c_codes = from_buffer(BYTES, codes)
        else:
            codes, c_codes = out, bytes_to_fill(out, count, "out")
            require_apart(c_words, count * width, c_codes, count)
        result = _CHECK_MANY[width](self._c, old_mask, c_words, count, c_codes)
        if result:
            raise self._many_failed(result, width)
        return codes

    def histogram(self, masks: Buffer, old: Names = ()) -> dict[Verdict, int]:
        """How many of these sets get each verdict. No codes are written, so any number of sets needs no memory.

        Args:
            masks: as in ``check_many``.
            old: as in ``check``.

        Returns:
            Each verdict that occurs, and how often; the accepted sets first.

        Raises:
            TypeError: the wrong type of buffer, or one not aligned to its words.
            HostUnknownError: as for ``check``.
        """
        old_mask = self._mask(old, "old")
        c_words, count, width = words(masks, "masks")
        counts = ffi.new("uint64_t[]", lib.MIGRATION_CODES)
        result = _HISTOGRAM[width](self._c, old_mask, c_words, count, counts)
        if result:
            raise self._many_failed(result, width)
        return {self.verdicts[code]: many for code, many in enumerate(counts) if many}

    def _many_failed(self, result: int, width: int) -> Exception:
        if result == _EFAULT:
            return TypeError(f"masks must be aligned to its words of {width} bytes; copy it first")
        return self._host_unknown()

    def __repr__(self) -> str:
        return f"Checker({self.context!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return (Checker, (self.context,))


def check(
    new: Names,
    old: Names = (),
    *,
    build: QemuBuild | str | tuple[int, ...] = REFERENCE_BUILD,
    host: Host | None = None,
    incoming: bool = False,
    parameters: Mapping[str, object] | None = None,
    incoming_started: bool = False,
    kvm_dirty_ring: bool = False,
    rdma: bool = False,
    single_channel: bool = False,
    target_page_size: int | None = None,
) -> Verdict:
    """QEMU's answer to one change. The arguments are those of Checker.check and Context.

    For several checks in the same context, create a Checker once.
    """
    context = Context(
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
    return Checker(context).check(new, old)


def validate(
    new: Names,
    old: Names = (),
    *,
    build: QemuBuild | str | tuple[int, ...] = REFERENCE_BUILD,
    host: Host | None = None,
    incoming: bool = False,
    parameters: Mapping[str, object] | None = None,
    incoming_started: bool = False,
    kvm_dirty_ring: bool = False,
    rdma: bool = False,
    single_channel: bool = False,
    target_page_size: int | None = None,
) -> None:
    """Like check(), but raises an exception if QEMU would refuse, and returns nothing otherwise.

    Raises:
        CapabilityError: QEMU would refuse; ``.verdict`` says why.
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


def check_or_unknown(checker: Checker, new: CapabilitySet, old: CapabilitySet = CapabilitySet()) -> Verdict:  # noqa: B008
    """The checker's verdict. If the release lacks a capability, QMP's refusal as a verdict with code -1."""
    try:
        return checker.check(new, old)
    except UnknownCapabilityError as error:
        return Verdict(-1, "unknown-capability", error.message, None, (), CapabilitySet([error.name]))
