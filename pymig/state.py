# SPDX-License-Identifier: GPL-2.0-or-later

"""A mirror of QEMU's MigrationState."""

from __future__ import annotations

import errno
from _collections_abc import Iterable, Mapping  # what collections.abc re-exports; that package takes 1 ms to import
from typing import NamedTuple

from pymig._core import ffi, lib
from pymig.capability import NAMES, CapabilitySet, unknown_capability
from pymig.context import Context, require_context
from pymig.errors import (
    KnownFaultWarning,
    MigrationActiveError,
    RequestTypeError,
    UnknownCapabilityError,
    host_unknown,
    warn,
)
from pymig.host.host import Host, require_host
from pymig.owned import borrowed, new_state
from pymig.qemu.build import REFERENCE_BUILD, QemuBuild
from pymig.qemu.fault import faults_of
from pymig.qemu.parameters import COMPRESSIONS, values_of
from pymig.qemu.rules import UNKNOWN_CAPABILITY, Verdicts
from pymig.release import rows, text
from pymig.request import Command, Request, c_members, parameters_in, python_value
from pymig.values import Frozen, require_bool, wrong_type
from pymig.verdict import CapabilityError, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, Generic, TypedDict, TypeVar, overload

    from typing_extensions import Never, Self

    from pymig._core import MigrationState as CState
    from pymig.errors import HostUnknownError, MigrationError
    from pymig.qemu.parameters import MigMode, MultiFDCompression, ZeroPageDetection

    T = TypeVar("T")

    class CapabilityStatus(TypedDict):
        """An entry of query-migrate-capabilities."""

        capability: str
        state: bool

    class _ReadOnly(Generic[T]):
        """The type of an attribute that can be read and not assigned."""

        @overload
        def __get__(self, instance: None, owner: type) -> _ReadOnly[T]: ...
        @overload
        def __get__(self, instance: MigrationState, owner: type) -> T: ...
        def __get__(self, instance: MigrationState | None, owner: type) -> _ReadOnly[T] | T: ...
        def __set__(self, instance: MigrationState, value: Never) -> None: ...


STATUSES: dict[str, int] = {name: i for i, name in enumerate(map(text, rows(lib.migration_status_name)))}
"""Every MigrationStatus, by its QMP name."""

_STATUS_NAMES: tuple[str, ...] = tuple(STATUSES)

ACCESSORS: tuple[str, ...] = tuple(map(text, rows(lib.migration_accessor_name)))
"""The accessors of all releases, without "migrate_"."""

_MODES: Any = values_of(lib.MIGRATION_PARAMETER_MODE)
_ZERO_PAGE_DETECTIONS: Any = values_of(lib.MIGRATION_PARAMETER_ZERO_PAGE_DETECTION)
_EAGAIN, _EBUSY = -errno.EAGAIN, -errno.EBUSY
_change_capabilities = lib.migrate_change_capabilities
_ACTIVE_MESSAGE: str = text(lib.migration_active_message())

MIGRATION_ACTIVE = Verdict(254, "migration-active", _ACTIVE_MESSAGE, None, ())
"""The verdict of try_set_capabilities() while a migration is in progress."""


class AnnounceParameters(NamedTuple):
    """How the network learns the guest's new location (QEMU's AnnounceParameters).

    Attributes:
        initial: the first delay, in ms.
        max: the longest delay, in ms.
        rounds: the number of announcements.
        step: the increase of the delay, in ms.
    """

    initial: int
    max: int
    rounds: int
    step: int


# ---- Accessors ----

# Each accessor reads the C state from its own slot, which stays empty if the build has no such accessor. So an absent
# accessor raises AttributeError, and a present one needs no lookup. All are compiled from one template.

_READER = """
def {name}(self):
    try:
        return migrate_{name}(self._c_{name})
    except AttributeError:
        raise absent(self, {name!r}) from None
"""


def _absent(state: MigrationState, name: str) -> AttributeError:
    release = state.build.release
    return AttributeError(f"QEMU {release} has no migrate_{name}, so this MigrationState has no {name!r}")


def _compiled_readers() -> dict[str, Callable[[Any], Any]]:
    names: dict[str, Any] = {f"migrate_{name}": getattr(lib, f"migrate_{name}") for name in ACCESSORS}
    readers: dict[str, Callable[[Any], Any]] = {}
    exec("".join(_READER.format(name=name) for name in ACCESSORS), names | {"absent": _absent}, readers)  # noqa: S102
    return readers


_READERS = _compiled_readers()

_SLOTS: dict[tuple[int, tuple[int, ...]], tuple[Callable[[MigrationState, Any], None], ...]] = {}


def _slots_of(build: QemuBuild) -> tuple[Callable[[MigrationState, Any], None], ...]:
    """The functions that fill the slots of this build's accessors."""
    key = (build._c.release, build._differences)
    if key not in _SLOTS:
        known = (name for name in ACCESSORS if lib.migration_accessor_known(build._c, name.encode()))
        _SLOTS[key] = tuple(vars(MigrationState)[f"_c_{name}"].__set__ for name in known)
    return _SLOTS[key]


def _flag(name: str, doc: str) -> _ReadOnly[bool]:
    accessor: _ReadOnly[bool] = property(_READERS[name], doc=doc)  # type: ignore[assignment]
    return accessor


def _capability(capability: str, name: str | None = None) -> _ReadOnly[bool]:
    name = name or capability.replace("-", "_")
    return _flag(name, f"{capability} is on (migrate_{name}).")


def _number(name: str, doc: str) -> _ReadOnly[int]:
    accessor: _ReadOnly[int] = property(_READERS[name], doc=doc)  # type: ignore[assignment]
    return accessor


def _text(name: str, doc: str) -> _ReadOnly[str | None]:
    """An accessor whose C function returns a copy of a text."""
    read = _READERS[name]

    def take(self: MigrationState) -> str | None:
        c_text = read(self)
        if c_text == ffi.NULL:
            return None
        try:
            return text(c_text)
        finally:
            lib.migration_text_free(c_text)

    accessor: _ReadOnly[str | None] = property(take, doc=doc)  # type: ignore[assignment]
    return accessor


class MigrationState(Frozen):
    """QEMU's migration capabilities, parameters and status, with its rules for changing them.

    Every change is applied completely or not at all. The object is thread-safe: each change is checked against the
    state at that moment.

    Call ``MigrationState(context)``, or ``MigrationState(build, host, **keywords)``, which creates the Context. The
    context's parameters are set.

    Args:
        build: a Context; or a QemuBuild or a release, as for Context.
        host: as for Context, like the other keywords.

    An accessor that the release lacks, such as ``mapped_ram`` before 9.0, raises AttributeError. Only ``status`` can be
    assigned.
    """

    __slots__ = (
        "__weakref__",
        "_c",
        "_owner",
        "_verdicts",
        "build",
        "context",
        "host",
        "incoming",
        *(f"_c_{name}" for name in ACCESSORS),
    )

    context: _ReadOnly[Context]
    build: _ReadOnly[QemuBuild]
    host: _ReadOnly[Host]
    incoming: _ReadOnly[bool]
    _c: CState
    _owner: Any
    _verdicts: Verdicts

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
        build, host = context.build, require_host(context.host)
        owner = new_state(context._c, host._c)
        c_state = borrowed(owner)
        self = object.__new__(cls)
        self._set(context=context, build=build, host=host, incoming=context.incoming, _c=c_state, _owner=owner)
        self._set(_verdicts=Verdicts(build._c, build._mask, lib.migration_state_message, owner, host._c))
        for fill in _slots_of(build):
            fill(self, c_state)
        if context.parameters is not None:
            Request(context.parameters).send(lib.qmp_migrate_set_parameters, c_state)
        return self

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: object) -> None:
            if name == "status":
                type(self).status.fset(self, value)
            else:
                raise AttributeError(f"can't set {name!r} of a {type(self).__name__}")

    def __copy__(self) -> object:
        raise TypeError("a MigrationState can't be copied: create another one from its context")

    def __deepcopy__(self, memo: object) -> object:
        return self.__copy__()

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a MigrationState can't be pickled: its context, capabilities and parameters can")

    auto_converge = _capability("auto-converge")
    background_snapshot = _capability("background-snapshot")
    block = _capability("block")
    colo = _capability("x-colo", "colo")
    compress = _capability("compress")
    dirty_bitmaps = _capability("dirty-bitmaps")
    dirty_limit = _capability("dirty-limit")
    events = _capability("events")
    ignore_shared = _capability("x-ignore-shared", "ignore_shared")
    late_block_activate = _capability("late-block-activate")
    mapped_ram = _capability("mapped-ram")
    multifd = _capability("multifd")
    pause_before_switchover = _capability("pause-before-switchover")
    postcopy_blocktime = _capability("postcopy-blocktime")
    postcopy_preempt = _capability("postcopy-preempt")
    postcopy_ram = _capability("postcopy-ram")
    rdma_pin_all = _capability("rdma-pin-all")
    release_ram = _capability("release-ram")
    return_path = _capability("return-path")
    switchover_ack = _capability("switchover-ack")
    validate_uuid = _capability("validate-uuid")
    xbzrle = _capability("xbzrle")
    zero_blocks = _capability("zero-blocks")
    zero_copy_send = _capability("zero-copy-send")

    block_incremental = _flag(
        "block_incremental",
        "Block migration copies only the top image (migrate_block_incremental).",
    )
    checkpoint_delay = _number(
        "checkpoint_delay",
        "Time between two COLO checkpoints, in ms (migrate_checkpoint_delay).",
    )
    compress_level = _number("compress_level", "0 to 9 (migrate_compress_level).")
    compress_threads = _number(
        "compress_threads",
        "Threads, 1 to 255 (migrate_compress_threads).",
    )
    compress_wait_thread = _number(
        "compress_wait_thread",
        "1: a page waits for a free compression thread; 0: it is sent uncompressed (migrate_compress_wait_thread).",
    )
    decompress_threads = _number(
        "decompress_threads",
        "Threads, 1 to 255 (migrate_decompress_threads).",
    )
    max_cpu_throttle = _number(
        "max_cpu_throttle",
        "The maximum throttling by auto-converge, in percent (migrate_max_cpu_throttle).",
    )
    multifd_channels = _number(
        "multifd_channels",
        "Channels, 1 to 255 (migrate_multifd_channels).",
    )
    multifd_zlib_level = _number(
        "multifd_zlib_level",
        "0 to 9 (migrate_multifd_zlib_level).",
    )
    multifd_zstd_level = _number(
        "multifd_zstd_level",
        "0 to 20 (migrate_multifd_zstd_level).",
    )
    throttle_trigger_threshold = _number(
        "throttle_trigger_threshold",
        "The ratio of dirty to transferred bytes that starts throttling, percent (migrate_throttle_trigger_threshold).",
    )
    xbzrle_cache_size = _number(
        "xbzrle_cache_size",
        "In bytes, a power of two (migrate_xbzrle_cache_size).",
    )
    use_tls = _flag("use_tls", "tls-creds is set and not empty (migrate_use_tls).")

    tls = _flag("tls", "tls-creds is set and not empty; since 8.1 (migrate_tls).")
    postcopy = _flag(
        "postcopy",
        "postcopy-ram or dirty-bitmaps is on (migrate_postcopy).",
    )
    cpu_throttle_increment = _number(
        "cpu_throttle_increment",
        "In percent; since 8.1 (migrate_cpu_throttle_increment).",
    )
    cpu_throttle_initial = _number(
        "cpu_throttle_initial",
        "In percent; since 8.1 (migrate_cpu_throttle_initial).",
    )
    cpu_throttle_tailslow = _flag(
        "cpu_throttle_tailslow",
        "Slow down at the tail only; since 8.1 (migrate_cpu_throttle_tailslow).",
    )
    downtime_limit = _number(
        "downtime_limit",
        "In ms; since 8.1 (migrate_downtime_limit).",
    )
    max_bandwidth = _number(
        "max_bandwidth",
        "In bytes/s; since 8.1 (migrate_max_bandwidth).",
    )
    avail_switchover_bandwidth = _number(
        "avail_switchover_bandwidth",
        "In bytes/s, 0: estimated by QEMU; since 8.2 (migrate_avail_switchover_bandwidth).",
    )
    vcpu_dirty_limit_period = _number(
        "vcpu_dirty_limit_period",
        "In ms; since 9.0 (migrate_vcpu_dirty_limit_period).",
    )
    direct_io = _flag(
        "direct_io",
        "Files use O_DIRECT: direct-io is set, and mapped-ram and multifd are on; since 9.1 (migrate_direct_io).",
    )
    multifd_qatzip_level = _number(
        "multifd_qatzip_level",
        "1 to 9; since 9.2 (migrate_multifd_qatzip_level).",
    )
    rdma = _flag("rdma", "An RDMA migration is set up; since 8.2 (migrate_rdma).")
    multifd_flush_after_each_section = _flag(
        "multifd_flush_after_each_section",
        "multifd's channels are synchronised after each section (machine types up to 8.0); since 8.1 "
        "(migrate_multifd_flush_after_each_section).",
    )
    send_switchover_start = _flag(
        "send_switchover_start",
        "The stream announces the switchover (machine types after 9.2); since 10.0 (migrate_send_switchover_start).",
    )
    has_block_bitmap_mapping = _flag(
        "has_block_bitmap_mapping",
        "block-bitmap-mapping was set; since 8.1 (migrate_has_block_bitmap_mapping).",
    )
    tls_authz = _text(
        "tls_authz",
        'The id of the authorization object, None or "" if not set; since 8.1 (migrate_tls_authz).',
    )
    tls_creds = _text(
        "tls_creds",
        'The id of the credentials object, None or "" if not set; since 8.1 (migrate_tls_creds).',
    )
    tls_hostname = _text(
        "tls_hostname",
        'The hostname expected in the peer\'s certificate, None or "" if not set; since 8.1 (migrate_tls_hostname).',
    )

    @property
    def block_bitmap_mapping(self) -> list[dict[str, Any]] | None:
        """The value of block-bitmap-mapping, None if never set; since 8.1 (migrate_block_bitmap_mapping)."""
        value = _READERS["block_bitmap_mapping"](self)
        if value == ffi.NULL:
            return None
        try:
            mapping: list[dict[str, Any]] = python_value(value)
            return mapping
        finally:
            lib.qmp_value_free(value)

    @property
    def can_snapshot(self) -> bool:
        """Whether savevm is compatible with the enabled capabilities; since 10.2 (migrate_can_snapshot)."""
        can: bool = _READERS["can_snapshot"](self)
        return can

    @property
    def mode(self) -> MigMode:
        """The migration's MigMode, e.g. "normal"; since 8.2 (migrate_mode)."""
        mode: MigMode = _MODES[_READERS["mode"](self)]
        return mode

    @property
    def zero_page_detection(self) -> ZeroPageDetection:
        """How zero pages are detected: "none", "legacy" or "multifd"; since 9.0 (migrate_zero_page_detection)."""
        where: ZeroPageDetection = _ZERO_PAGE_DETECTIONS[_READERS["zero_page_detection"](self)]
        return where

    @property
    def max_postcopy_bandwidth(self) -> int:
        """In bytes/s, 0: unlimited; up to 8.0.50 a signed 64-bit number (migrate_max_postcopy_bandwidth)."""
        bandwidth: int = _READERS["max_postcopy_bandwidth"](self)
        is_signed = lib.migration_accessor_signed(self.build._c, b"max_postcopy_bandwidth")
        return int(ffi.cast("int64_t", bandwidth)) if is_signed else bandwidth

    @property
    def multifd_compression(self) -> MultiFDCompression:
        """The compression method of multifd (migrate_multifd_compression)."""
        method: MultiFDCompression = COMPRESSIONS[_READERS["multifd_compression"](self)]
        return method

    @property
    def announce_params(self) -> AnnounceParameters:
        """The four announce parameters, read at one moment (migrate_announce_params)."""
        announce = _READERS["announce_params"](self)
        return AnnounceParameters(announce.initial, announce.max, announce.rounds, announce.step)

    @property
    def status(self) -> str:
        """The outgoing migration's MigrationStatus, ``"none"`` at first. Set it as the migration proceeds."""
        status: int = lib.migration_status(self._c)
        return _STATUS_NAMES[status]

    @status.setter
    def status(self, name: str) -> None:
        if not isinstance(name, str):
            wrong_type(name, "status", "a str")
        if lib.migrate_set_status(self._c, STATUSES.get(name, -1)) < 0:
            known = (name for name, i in STATUSES.items() if lib.migration_status_known(self.build._c, i))
            raise ValueError(f"status must be one of {', '.join(known)}, not {name[:40]!r}")

    @property
    def capabilities(self) -> CapabilitySet:
        """The enabled capabilities."""
        return CapabilitySet.from_mask(lib.migration_capabilities(self._c))

    def set_capability(self, name: str, value: bool) -> None:
        """Switches one capability (migrate_cap_set).

        Raises:
            CapabilityError: a rule refuses the resulting set.
            MigrationActiveError: a migration is in progress.
            UnknownCapabilityError: the release has no such capability.
            HostUnknownError: the answer depends on what could not be found out about the host. Nothing has changed.
            TypeError: ``name`` is not a str, or ``value`` is not a bool.
        """
        if not isinstance(name, str):
            wrong_type(name, "name", "a str")
        require_bool(value, "value")
        self._known_bit(name)
        code = lib.migrate_cap_set(self._c, NAMES.index(name), value)
        if code:
            raise self._refusal(code)

    def set_capabilities(self, changes: Mapping[str, bool] | Iterable[Mapping[str, object]]) -> None:
        """Switches several capabilities, all or nothing (qmp_migrate_set_capabilities).

        Args:
            changes: ``{name: bool}``, or QMP's list of ``{"capability": name, "state": bool}``. If a capability occurs
                twice, the later entry counts.

        Raises:
            CapabilityError: a rule refuses the resulting set.
            MigrationActiveError: a migration is in progress.
            UnknownCapabilityError: the release has no such capability.
            HostUnknownError: as for ``set_capability``.
            RequestTypeError: the wrong structure; the text is QMP's.
        """
        on = off = 0
        bits = self.build._bits
        if type(changes) is dict:  # the two usual types, read here without a call
            try:
                for name in changes:
                    state = changes[name]
                    if state is True:
                        on |= bits[name]
                    elif state is False:
                        off |= bits[name]
                    else:
                        raise KeyError  # noqa: TRY301 - handled like an unknown name
            except KeyError:
                on = off = 0
        elif type(changes) is list:
            on, off = _masks_of_list(changes, bits)
        if not (on or off):
            on, off = self._read(changes)
        code = _change_capabilities(self._c, on, off)
        if code:
            verdict = self._verdicts.static.get(code)  # without a call, which would take as long as the rest
            raise self._refusal(code) if verdict is None else CapabilityError(verdict)

    def try_set_capabilities(self, changes: Mapping[str, bool] | Iterable[Mapping[str, object]]) -> Verdict:
        """The same, but returns QEMU's answer instead of raising an exception for a refusal.

        Args:
            changes: as for ``set_capabilities``.

        Returns:
            The verdict. Unless it is true, nothing has changed. While a migration is in progress, its rule is
            ``"migration-active"``; for a capability that the release lacks, ``"unknown-capability"``.

        Raises:
            HostUnknownError: as for ``set_capability``.
            RequestTypeError: the wrong structure; the text is QMP's.
        """
        try:
            on, off = self._read(changes)
        except UnknownCapabilityError as error:
            return UNKNOWN_CAPABILITY._with(error.message)
        code = _change_capabilities(self._c, on, off)
        if code == _EBUSY:
            return MIGRATION_ACTIVE
        if code == _EAGAIN:
            raise self._refusal(code)
        return self._verdicts[code]

    def query_capabilities(self) -> list[CapabilityStatus]:
        """The answer to query-migrate-capabilities (qmp_query_migrate_capabilities), in enum order."""
        entries = ffi.new("MigrationCapabilityStatus[]", lib.MIGRATION_CAPABILITY__MAX)
        count = lib.qmp_query_migrate_capabilities(self._c, entries)
        return [{"capability": NAMES[entries[i].capability], "state": entries[i].state} for i in range(count)]

    def set_parameters(self, parameters: Mapping[str, object]) -> None:
        """Sets parameters, all or nothing (qmp_migrate_set_parameters).

        Args:
            parameters: QMP's names and values, e.g. ``{"multifd-compression": "zstd", "tls-creds": None}``.

        Raises:
            ParameterError: QEMU would refuse; the text is QEMU's.
            ParameterTypeError: QEMU would refuse a value's type.
            ValueError: a string that QMP can't carry.

        Warns:
            IgnoredParameterWarning: this release ignores the value.
            DeprecatedParameterWarning: QEMU's own warning on its standard error (8.2, 9.0).
            KnownFaultWarning: the request would crash this release. Warnings are issued before anything changes.
        """
        request = Request(parameters)
        self._warn(request)
        request.send(lib.qmp_migrate_set_parameters, self._c)

    def query_parameters(self) -> dict[str, Any]:
        """The answer to query-migrate-parameters (qmp_query_migrate_parameters), read at one moment."""
        return parameters_in(self._c)

    def migrate(
        self,
        uri: str | None = None,
        *,
        channels: Sequence[Mapping[str, object]] | None = None,
        resume: bool = False,
        blockers: Sequence[str] = (),
        run_state: str | None = None,
        poisoned_memory: bool = False,
        private_memory: bool = False,
        **arguments: object,
    ) -> None:
        """Starts an outgoing migration as far as QEMU decides before it connects (qmp_migrate).

        If QEMU accepts, ``status`` becomes ``"setup"``, or ``"postcopy-recover"`` with ``resume``. Whether the address
        can be reached, a file opened or a descriptor found is not checked, nor what other devices object to.

        Args:
            uri: e.g. ``"tcp:host:4444"``. Of a tcp address, only host and port are checked.
            channels: QMP's list of MigrationChannel, instead of a uri (from 8.2 on).
            resume: resume a paused postcopy migration.
            blockers: query-migrate's blocked-reasons, in its order. QEMU names the last.
            run_state: query-status's status. By default ``"inmigrate"`` for the incoming side, ``"postmigrate"`` after
                the status ``"completed"``, else ``"running"``.
            poisoned_memory: the guest has hardware-poisoned memory under KVM (matters from 9.0 on).
            private_memory: some of the guest's memory is not shared (matters in mode cpr-transfer).
            arguments: further arguments of the command, for example ``blk=True``.

        Raises:
            TransportError: QEMU would refuse; the text is QEMU's.
            TransportTypeError: QEMU would refuse an argument's type.
            ValueError: a string that QMP can't carry.

        Warns:
            KnownFaultWarning: the command would crash this release. It is issued before anything changes.
        """
        command = Command({"uri": uri, "channels": channels, "resume": resume or None, **arguments})
        reasons = _texts(blockers, "blockers")
        blocker = ffi.new("char[]", reasons[-1].encode()) if reasons else ffi.NULL
        after = self.status == "completed" if run_state is None else run_state == "postmigrate"
        around = ffi.new("MigrationSurroundings *", (after, poisoned_memory, private_memory, blocker))
        faults = ffi.new("uint32_t *")
        command.send(lib.migrate_try, self._c, around, faults)
        self._note((), faults[0])
        command.send(lib.qmp_migrate, self._c, around)

    def migrate_incoming(
        self,
        uri: str | None = None,
        *,
        channels: Sequence[Mapping[str, object]] | None = None,
        **arguments: object,
    ) -> None:
        """Starts the incoming side (qmp_migrate_incoming), as far as QEMU decides before it opens anything.

        If QEMU accepts, incoming has started: later changes of capabilities are checked accordingly.

        Args:
            uri: as for ``migrate``.
            channels: as for ``migrate``.
            arguments: further arguments of the command, for example ``exit_on_error=False`` (from 9.1 on).

        Raises:
            TransportError: QEMU would refuse; the text is QEMU's.
            TransportTypeError: QEMU would refuse an argument's type.
            ValueError: a string that QMP can't carry.

        Warns:
            KnownFaultWarning: the command would crash this release. It is issued before anything changes.
        """
        command = Command({"uri": uri, "channels": channels, **arguments})
        faults = ffi.new("uint32_t *")
        command.send(lib.migrate_try_incoming, self._c, faults)
        self._note((), faults[0])
        command.send(lib.qmp_migrate_incoming, self._c)

    def _note(self, parameters: Iterable[str], faults: int) -> None:
        """Issues the warnings for a command that QEMU would accept."""
        self.build._warn_of(parameters)
        for fault in faults_of(faults):
            warn(f"QEMU {self.build.release}: {fault}", KnownFaultWarning)

    def _known_bit(self, name: str) -> int:
        bit = self.build._bits.get(name)
        if bit is None:
            raise unknown_capability(name, self.build._bits, self.build.release)
        return bit

    def _refusal(self, code: int) -> MigrationError | HostUnknownError:
        if code == _EBUSY:
            return MigrationActiveError(_ACTIVE_MESSAGE)
        if code == _EAGAIN:
            return host_unknown(lib.migration_host_error(self.host._c))
        return CapabilityError(self._verdicts[code])

    def _read(self, changes: object) -> tuple[int, int]:
        """The masks to switch on and off. If a capability occurs twice, the later entry counts."""
        on = off = 0
        for name, state in self._read_changes(changes):
            bit = self.build._bits[name]
            on, off = (on | bit, off & ~bit) if state else (on & ~bit, off | bit)
        return on, off

    def _read_changes(self, changes: object) -> Iterator[tuple[str, bool]]:
        """The changes one by one, checked in the order in which QMP checks them."""
        pairs: Iterable[tuple[object, object]]
        if isinstance(changes, Mapping):
            pairs = changes.items()
        elif isinstance(changes, (str, bytes)) or not isinstance(changes, Iterable):
            raise RequestTypeError("Invalid parameter type for 'capabilities', expected: array")
        else:
            pairs = _read_entries(changes, self.build)
        for i, (name, state) in enumerate(pairs):
            if not isinstance(name, str):
                raise RequestTypeError(f"Invalid parameter type for 'capabilities[{i}].capability', expected: string")
            self._known_bit(name)
            if not isinstance(state, bool):
                raise RequestTypeError(f"Invalid parameter type for 'capabilities[{i}].state', expected: boolean")
            yield name, state

    def _warn(self, request: Request) -> None:
        """Issues the warnings for a request that QEMU would accept, before anything changes."""
        met = lib.migrate_parameters_faults(self._c, request.members, len(request.members))
        if not met and self.build._noted.isdisjoint(request.parameters):
            return
        request.send(lib.migrate_try_parameters, self._c)
        self._note(request.parameters, met)

    def __repr__(self) -> str:
        on = ", ".join(self.capabilities)
        return f"<MigrationState of {self.context!r}, status {self.status!r}: {on or 'nothing enabled'}>"


def _masks_of_list(entries: list[Any], bits: Mapping[str, int]) -> tuple[int, int]:
    """The masks to switch on and off of QMP's list; two zeros for anything unusual in it."""
    on = off = 0
    try:
        for entry in entries:
            if type(entry) is not dict or len(entry) != 2:  # noqa: PLR2004 - capability and state
                return 0, 0
            bit, state = bits[entry["capability"]], entry["state"]
            if state is True:
                on, off = on | bit, off & ~bit
            elif state is False:
                on, off = on & ~bit, off | bit
            else:
                return 0, 0
    except (KeyError, TypeError):
        return 0, 0
    return on, off


def _texts(values: object, argument: str) -> list[str]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        wrong_type(values, argument, "a list of str")
    texts = list(values)
    for value in texts:
        if not isinstance(value, str):
            wrong_type(value, argument, "a list of str")
    return texts


def _read_entries(entries: Iterable[object], build: QemuBuild) -> Iterator[tuple[object, object]]:
    """QMP's list of {"capability", "state"} as pairs. The error texts and their order are QAPI's."""
    for i, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise RequestTypeError(f"Invalid parameter type for 'capabilities[{i}]', expected: object")
        if "capability" not in entry:
            raise RequestTypeError(f"Parameter 'capabilities[{i}].capability' is missing")
        name = entry["capability"]
        if "state" not in entry and isinstance(name, str) and name in build._bits:
            raise RequestTypeError(f"Parameter 'capabilities[{i}].state' is missing")
        yield name, entry.get("state")
        if len(entry) > 2:  # noqa: PLR2004 - capability and state
            first = _first_unexpected(entry, f"capabilities[{i}]")
            raise RequestTypeError(f"Parameter 'capabilities[{i}].{first}' is unexpected")


def _first_unexpected(entry: Mapping[object, object], argument: str) -> str:
    """The member, other than capability and state, that QEMU names."""
    alive: list[Any] = []
    members = c_members(entry, argument, alive)
    names = list(entry)
    visited = [names.index(name) for name in ("capability", "state")]
    first = lib.qmp_first_unvisited(members, len(members), visited, len(visited))
    if first < 0:
        raise MemoryError
    return str(names[first])
