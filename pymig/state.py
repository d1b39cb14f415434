"""A mirror of QEMU's MigrationState."""

from __future__ import annotations

import errno
from _collections_abc import Iterable, Mapping  # collections.abc's own; the package takes a millisecond
from _operator import index

from pymig._core import ffi, lib
from pymig.answers import Verdicts
from pymig.context import new_context, require_bools, require_new
from pymig.errors import (
    CapabilityError,
    DeprecatedParameterWarning,
    IgnoredParameterWarning,
    KnownFaultWarning,
    MigrationActiveError,
    MigrationError,
    ParameterError,
    ParameterTypeError,
    RequestTypeError,
    UnknownCapabilityError,
)
from pymig.host.host import Host, page_size_of, require_host
from pymig.qemu.build import QemuBuild, require_build
from pymig.qemu.capability import NAMES, CapabilitySet
from pymig.qemu.fault import FAULTS
from pymig.qemu.release import rows, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Generic, Literal, TypeVar, overload

    from pymig.announce import AnnounceParameters

    MultiFDCompression = Literal["none", "zlib", "zstd", "qatzip", "qpl", "uadk"]

    T = TypeVar("T")

    class _Accessor(Generic[T]):
        """A read-only property."""

        @overload
        def __get__(self, instance: None, owner: type) -> _Accessor[T]: ...
        @overload
        def __get__(self, instance: MigrationState, owner: type) -> T: ...
        def __get__(self, instance: MigrationState | None, owner: type) -> _Accessor[T] | T: ...


PARAMETERS: dict[str, int] = {
    ffi.string(lib.migration_parameter_name(i)).decode(): i for i in range(lib.MIGRATION_PARAMETER__MAX)
}
_PARAMETER_NAMES: tuple[str, ...] = tuple(PARAMETERS)
_TYPE_NAMES = {
    lib.PARAMETER_BOOL: "bool",
    lib.PARAMETER_STRING: "str",
    lib.PARAMETER_ENUM: "str",
    lib.PARAMETER_STRINGS: "list",
    lib.PARAMETER_BITMAPS: "list",
}

PARAMETER_TYPES: dict[str, str] = {
    name: _TYPE_NAMES.get(lib.migration_parameter_type(i), "int") for name, i in PARAMETERS.items()
}
"""Every parameter's Python type, by its QMP name."""

STATUSES: dict[str, int] = {
    ffi.string(lib.migration_status_name(i)).decode(): i for i in range(lib.MIGRATION_STATUS__MAX)
}
"""Every MigrationStatus, by its QMP name."""
_STATUS_NAMES: tuple[str, ...] = tuple(STATUSES)


ACCESSORS: tuple[str, ...] = tuple(map(text, rows(lib.migration_accessor_name)))
"""Every accessor that some release has, without "migrate_"."""


def _values(parameter: int, count: int) -> tuple[Any, ...]:
    names = (lib.migration_parameter_value_name(parameter, i) for i in range(count))
    return tuple(ffi.string(name).decode() for name in names)


_COMPRESSIONS = _values(lib.MIGRATION_PARAMETER_MULTIFD_COMPRESSION, lib.MULTIFD_COMPRESSION__MAX)
_MODES = _values(lib.MIGRATION_PARAMETER_MODE, lib.MIG_MODE__MAX)
_ZERO_PAGE_DETECTIONS = _values(lib.MIGRATION_PARAMETER_ZERO_PAGE_DETECTION, lib.ZERO_PAGE_DETECTION__MAX)
_EBUSY = -errno.EBUSY
_change_capabilities: Any = lib.migrate_change_capabilities
_ACTIVE_MESSAGE: str = ffi.string(lib.migration_active_message()).decode()


def _accessor(function: Any, doc: str) -> Any:
    return property(lambda self: function(self._c), doc=doc)


def _flag(function: Any, doc: str) -> _Accessor[bool]:
    accessor: _Accessor[bool] = _accessor(function, doc)
    return accessor


def _number(function: Any, doc: str) -> _Accessor[int]:
    accessor: _Accessor[int] = _accessor(function, doc)
    return accessor


def _text(function: Any, doc: str) -> _Accessor[str | None]:
    def read(self: MigrationState) -> str | None:
        c_text = function(self._c)
        if c_text == ffi.NULL:
            return None
        try:
            return text(c_text)
        finally:
            lib.migration_text_free(c_text)

    accessor: _Accessor[str | None] = property(read, doc=doc)  # type: ignore[assignment]
    return accessor


class MigrationState:
    """QEMU's migration capabilities, parameters and status, with its rules for changing them.

    Every change is whole or not at all. Any number of threads may use one state: each change is checked against what
    is there at that moment.

    Args:
        build: which QEMU this is.
        host: what its host can do; this machine if not given.
        incoming: it waits for an incoming migration (it was started with -incoming).
        incoming_started: a listening socket of the incoming side is open (looked at from 8.1 on).
        kvm_dirty_ring: KVM runs with its dirty ring, ``-accel kvm,dirty-ring-size=N`` (from 8.1 on).
        rdma: an RDMA migration is set up (from 10.1 on).
        single_channel: the incoming transport can't carry several channels (7.2 alone).
        target_page_size: the guest's page size in bytes; that of the build's target and machine if not given.

    A property that the release does not have, such as ``mapped_ram`` before 9.0, raises an AttributeError.
    """

    __slots__ = ("_c", "_circumstances", "_owner", "_page_size", "_verdicts", "build", "host", "incoming")

    build: QemuBuild
    host: Host
    incoming: bool
    _c: Any
    _circumstances: dict[str, bool]
    _owner: Any
    _page_size: int
    _verdicts: Verdicts

    def __init__(
        self,
        build: QemuBuild = QemuBuild(),  # noqa: B008 - immutable
        host: Host | None = None,
        *,
        incoming: bool = False,
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
        self.build = require_build(build)
        if type(self) is MigrationState:
            self.__class__ = _class_for(build)
        self.host = require_host(host)
        self.incoming = incoming
        self._circumstances = circumstances
        self._page_size = page_size_of(target_page_size)
        c_state = lib.migration_state_new(new_context(build, self._page_size, **circumstances), self.host._c)
        if c_state == ffi.NULL:
            raise MemoryError
        self._owner = owner = ffi.gc(c_state, lib.migration_state_free)
        self._verdicts = Verdicts(build, self.host, lambda: lib.migration_state_postcopy(owner))
        self._c = c_state  # which cffi takes faster than the owner

    def _c_context(self) -> Any:
        """The context in which it stands now, with its parameters."""
        return new_context(
            self.build,
            self._page_size,
            **self._circumstances,
            compressed=lib.migrate_multifd_compression(self._c) != lib.MULTIFD_COMPRESSION_NONE,
            tls=lib.migrate_use_tls(self._c),
            no_ram_tracked=lib.migrate_mode(self._c) >= lib.MIG_MODE_CPR_TRANSFER,
        )

    auto_converge = _flag(lib.migrate_auto_converge, "auto-converge is on (migrate_auto_converge).")
    background_snapshot = _flag(
        lib.migrate_background_snapshot, "background-snapshot is on (migrate_background_snapshot)."
    )
    block = _flag(lib.migrate_block, "block is on (migrate_block).")
    colo = _flag(lib.migrate_colo, "x-colo is on (migrate_colo).")
    compress = _flag(lib.migrate_compress, "compress is on (migrate_compress).")
    dirty_bitmaps = _flag(lib.migrate_dirty_bitmaps, "dirty-bitmaps is on (migrate_dirty_bitmaps).")
    dirty_limit = _flag(lib.migrate_dirty_limit, "dirty-limit is on (migrate_dirty_limit).")
    events = _flag(lib.migrate_events, "events is on (migrate_events).")
    ignore_shared = _flag(lib.migrate_ignore_shared, "x-ignore-shared is on (migrate_ignore_shared).")
    late_block_activate = _flag(
        lib.migrate_late_block_activate, "late-block-activate is on (migrate_late_block_activate)."
    )
    mapped_ram = _flag(lib.migrate_mapped_ram, "mapped-ram is on (migrate_mapped_ram).")
    multifd = _flag(lib.migrate_multifd, "multifd is on (migrate_multifd).")
    pause_before_switchover = _flag(
        lib.migrate_pause_before_switchover, "pause-before-switchover is on (migrate_pause_before_switchover)."
    )
    postcopy_blocktime = _flag(lib.migrate_postcopy_blocktime, "postcopy-blocktime is on (migrate_postcopy_blocktime).")
    postcopy_preempt = _flag(lib.migrate_postcopy_preempt, "postcopy-preempt is on (migrate_postcopy_preempt).")
    postcopy_ram = _flag(lib.migrate_postcopy_ram, "postcopy-ram is on (migrate_postcopy_ram).")
    rdma_pin_all = _flag(lib.migrate_rdma_pin_all, "rdma-pin-all is on (migrate_rdma_pin_all).")
    release_ram = _flag(lib.migrate_release_ram, "release-ram is on (migrate_release_ram).")
    return_path = _flag(lib.migrate_return_path, "return-path is on (migrate_return_path).")
    switchover_ack = _flag(lib.migrate_switchover_ack, "switchover-ack is on (migrate_switchover_ack).")
    validate_uuid = _flag(lib.migrate_validate_uuid, "validate-uuid is on (migrate_validate_uuid).")
    xbzrle = _flag(lib.migrate_xbzrle, "xbzrle is on (migrate_xbzrle).")
    zero_blocks = _flag(lib.migrate_zero_blocks, "zero-blocks is on (migrate_zero_blocks).")
    zero_copy_send = _flag(lib.migrate_zero_copy_send, "zero-copy-send is on (migrate_zero_copy_send).")

    block_incremental = _flag(
        lib.migrate_block_incremental, "Block migration copies only the top image (migrate_block_incremental)."
    )
    checkpoint_delay = _number(
        lib.migrate_checkpoint_delay, "Time between two COLO checkpoints, in ms (migrate_checkpoint_delay)."
    )
    compress_level = _number(lib.migrate_compress_level, "0 to 9 (migrate_compress_level).")
    compress_threads = _number(lib.migrate_compress_threads, "Threads, 1 to 255 (migrate_compress_threads).")
    compress_wait_thread = _number(
        lib.migrate_compress_wait_thread,
        "1: a page waits for a free compression thread; 0: it is then sent as it is (migrate_compress_wait_thread).",
    )
    decompress_threads = _number(lib.migrate_decompress_threads, "Threads, 1 to 255 (migrate_decompress_threads).")
    max_cpu_throttle = _number(
        lib.migrate_max_cpu_throttle, "The most that auto-converge throttles, in percent (migrate_max_cpu_throttle)."
    )
    multifd_channels = _number(lib.migrate_multifd_channels, "Channels, 1 to 255 (migrate_multifd_channels).")
    multifd_zlib_level = _number(lib.migrate_multifd_zlib_level, "0 to 9 (migrate_multifd_zlib_level).")
    multifd_zstd_level = _number(lib.migrate_multifd_zstd_level, "0 to 20 (migrate_multifd_zstd_level).")
    throttle_trigger_threshold = _number(
        lib.migrate_throttle_trigger_threshold,
        "Dirty pages over transferred ones that trigger throttling, in percent (migrate_throttle_trigger_threshold).",
    )
    xbzrle_cache_size = _number(lib.migrate_xbzrle_cache_size, "In bytes, a power of two (migrate_xbzrle_cache_size).")
    use_tls = _flag(lib.migrate_use_tls, "tls-creds is set and not empty (migrate_use_tls).")

    tls = _flag(lib.migrate_tls, "tls-creds is set and not empty; since 8.1 (migrate_tls).")
    postcopy = _flag(lib.migrate_postcopy, "postcopy-ram or dirty-bitmaps is on (migrate_postcopy).")
    cpu_throttle_increment = _number(
        lib.migrate_cpu_throttle_increment, "In percent; since 8.1 (migrate_cpu_throttle_increment)."
    )
    cpu_throttle_initial = _number(
        lib.migrate_cpu_throttle_initial, "In percent; since 8.1 (migrate_cpu_throttle_initial)."
    )
    cpu_throttle_tailslow = _flag(
        lib.migrate_cpu_throttle_tailslow, "Slow down at the tail only; since 8.1 (migrate_cpu_throttle_tailslow)."
    )
    downtime_limit = _number(lib.migrate_downtime_limit, "In ms; since 8.1 (migrate_downtime_limit).")
    max_bandwidth = _number(lib.migrate_max_bandwidth, "In bytes/s; since 8.1 (migrate_max_bandwidth).")
    avail_switchover_bandwidth = _number(
        lib.migrate_avail_switchover_bandwidth,
        "In bytes/s, 0 is estimated; since 8.2 (migrate_avail_switchover_bandwidth).",
    )
    vcpu_dirty_limit_period = _number(
        lib.migrate_vcpu_dirty_limit_period, "In ms; since 9.0 (migrate_vcpu_dirty_limit_period)."
    )
    direct_io = _flag(
        lib.migrate_direct_io,
        "O_DIRECT is used for files: direct-io is set, mapped-ram and multifd are on; since 9.1 (migrate_direct_io).",
    )
    multifd_qatzip_level = _number(
        lib.migrate_multifd_qatzip_level, "1 to 9; since 9.2 (migrate_multifd_qatzip_level)."
    )
    rdma = _flag(lib.migrate_rdma, "An RDMA migration is set up; since 8.2 (migrate_rdma).")
    multifd_flush_after_each_section = _flag(
        lib.migrate_multifd_flush_after_each_section,
        "multifd's channels are synchronised after each section, as machine types up to 8.0 have it; since 8.1 "
        "(migrate_multifd_flush_after_each_section).",
    )
    send_switchover_start = _flag(
        lib.migrate_send_switchover_start,
        "The switchover is announced in the stream, as machine types after 9.2 have it; since 10.0 "
        "(migrate_send_switchover_start).",
    )
    has_block_bitmap_mapping = _flag(
        lib.migrate_has_block_bitmap_mapping,
        "block-bitmap-mapping was set; since 8.1 (migrate_has_block_bitmap_mapping).",
    )
    tls_authz = _text(
        lib.migrate_tls_authz, 'Who may connect: an object\'s id, None or "" if not set; since 8.1 (migrate_tls_authz).'
    )
    tls_creds = _text(
        lib.migrate_tls_creds, 'The credentials: an object\'s id, None or "" if not set; since 8.1 (migrate_tls_creds).'
    )
    tls_hostname = _text(
        lib.migrate_tls_hostname,
        'The name that the other end\'s certificate must have, None or "" if not set; since 8.1 '
        "(migrate_tls_hostname).",
    )

    @property
    def block_bitmap_mapping(self) -> list[dict[str, object]] | None:
        """block-bitmap-mapping as it was set, None if it never was; since 8.1 (migrate_block_bitmap_mapping)."""
        value = lib.migrate_block_bitmap_mapping(self._c)
        if value == ffi.NULL:
            return None
        try:
            return _python_value(value)  # type: ignore[return-value]
        finally:
            lib.qmp_value_free(value)

    @property
    def can_snapshot(self) -> bool:
        """Whether savevm is compatible with the capabilities that are on; since 10.2 (migrate_can_snapshot)."""
        can: bool = lib.migrate_can_snapshot(self._c, ffi.NULL)
        return can

    @property
    def mode(self) -> str:
        """The migration's MigMode, e.g. "normal"; since 8.2 (migrate_mode)."""
        return str(_MODES[lib.migrate_mode(self._c)])

    @property
    def zero_page_detection(self) -> str:
        """Where zero pages are found: "none", "legacy" or "multifd"; since 9.0 (migrate_zero_page_detection)."""
        return str(_ZERO_PAGE_DETECTIONS[lib.migrate_zero_page_detection(self._c)])

    @property
    def max_postcopy_bandwidth(self) -> int:
        """In bytes/s, 0 is unlimited; up to 8.0.50 the 64 bits as a signed number (migrate_max_postcopy_bandwidth)."""
        bandwidth: int = lib.migrate_max_postcopy_bandwidth(self._c)
        return bandwidth if self.build._c.release < lib.QEMU_8_1 else bandwidth & (1 << 64) - 1

    @property
    def multifd_compression(self) -> MultiFDCompression:
        """The method that multifd compresses with (migrate_multifd_compression)."""
        method: MultiFDCompression = _COMPRESSIONS[lib.migrate_multifd_compression(self._c)]
        return method

    @property
    def announce_params(self) -> AnnounceParameters:
        """The four announce parameters, as of one moment (migrate_announce_params)."""
        from pymig.announce import AnnounceParameters  # noqa: PLC0415 - rare

        announce = lib.migrate_announce_params(self._c)
        return AnnounceParameters(announce.initial, announce.max, announce.rounds, announce.step)

    @property
    def status(self) -> str:
        """The outgoing migration's MigrationStatus: ``"none"`` at first; to be set by whoever runs the migration."""
        status: int = lib.migration_status(self._c)
        return _STATUS_NAMES[status]

    @status.setter
    def status(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"status must be a str, not {type(name).__name__}")
        if lib.migrate_set_status(self._c, STATUSES.get(name, -1)) < 0:
            known = (name for name, i in STATUSES.items() if lib.migration_status_known(self.build._c, i))
            raise ValueError(f"status must be one of {', '.join(known)}, not {name[:40]!r}")

    @property
    def capabilities(self) -> CapabilitySet:
        """Those that are on."""
        return CapabilitySet.from_mask(lib.migration_capabilities(self._c))

    def set_capability(self, name: str, value: bool) -> None:
        """Switches one capability (migrate_cap_set).

        Raises:
            CapabilityError: a rule refuses the set that would result.
            MigrationActiveError: a migration is in progress.
            UnknownCapabilityError: the release has no such capability.
            TypeError: no str, or no bool.
        """
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, not {type(name).__name__}")
        if not isinstance(value, bool):
            raise TypeError(f"value must be a bool, not {type(value).__name__}")
        self._known_bit(name)
        code = lib.migrate_cap_set(self._c, NAMES.index(name), value)
        if code:
            raise self._refusal(code)

    def set_capabilities(self, changes: Mapping[str, bool] | Iterable[Mapping[str, object]]) -> None:
        """Switches several, all or nothing (qmp_migrate_set_capabilities).

        Args:
            changes: ``{name: bool}``, or QMP's list of ``{"capability": name, "state": bool}``, in which of two
                entries for one capability the later counts.

        Raises:
            CapabilityError: a rule refuses the set that would result.
            MigrationActiveError: a migration is in progress.
            UnknownCapabilityError: the release has no such capability.
            RequestTypeError: not of that shape; the text is QMP's.
        """
        on = off = 0
        if type(changes) is dict:  # nearly always, and nearly always right: read here without a call
            bits = self.build._bits
            try:
                for name in changes:
                    state = changes[name]
                    if state is True:
                        on |= bits[name]
                    elif state is False:
                        off |= bits[name]
                    else:
                        raise KeyError  # noqa: TRY301 - as for a name that is not known
            except KeyError:
                on = off = 0
        if not (on or off):
            on, off = self._read(changes)
        code = _change_capabilities(self._c, on, off)
        if code:
            raise self._refusal(code)

    def query_capabilities(self) -> list[dict[str, str | bool]]:
        """What query-migrate-capabilities answers (qmp_query_migrate_capabilities): each with its state, in order."""
        entries = ffi.new("MigrationCapabilityStatus[]", lib.MIGRATION_CAPABILITY__MAX)
        count = lib.qmp_query_migrate_capabilities(self._c, entries)
        return [{"capability": NAMES[entries[i].capability], "state": entries[i].state} for i in range(count)]

    def set_parameters(self, parameters: Mapping[str, object]) -> None:
        """Sets parameters, all or nothing (qmp_migrate_set_parameters).

        Args:
            parameters: QMP's names and values, e.g. ``{"multifd-compression": "zstd", "tls-creds": None}``.

        Raises:
            ParameterError: QEMU would refuse; the text is QEMU's.
            ParameterTypeError: likewise, because of a value's type.
            ValueError: a string that QMP can't carry.

        Warns:
            IgnoredParameterWarning: this release forgets the value.
            DeprecatedParameterWarning: what QEMU warns of on its standard error (8.2, 9.0).
            KnownFaultWarning: this release dies of the request. Nothing has changed yet when a warning is given.
        """
        request = Request(parameters)
        if any(name in self.build._noted for name in parameters) or self.build._has_faults:
            self._warn(request)
        request.refused_by(lib.qmp_migrate_set_parameters, self._c)

    def query_parameters(self) -> dict[str, object]:
        """What query-migrate-parameters answers (qmp_query_migrate_parameters), as of one moment."""
        c_parameters = lib.qmp_query_migrate_parameters(self._c)
        if c_parameters == ffi.NULL:
            raise MemoryError
        try:
            member = ffi.new("QmpMember *")
            values = {}
            for name, i in PARAMETERS.items():
                if lib.migration_parameters_get(c_parameters, i, member) == 0:
                    values[name] = _python_value(member.value)
            return values
        finally:
            lib.migration_parameters_free(c_parameters)

    def _known_bit(self, name: str) -> int:
        bit = self.build._bits.get(name)
        if bit is None:
            raise UnknownCapabilityError(name, self.build._bits)
        return bit

    def _refusal(self, code: int) -> MigrationError:
        if code == _EBUSY:
            return MigrationActiveError(_ACTIVE_MESSAGE)
        return CapabilityError(self._verdicts[code])

    def _read(self, changes: object) -> tuple[int, int]:
        """Those to switch on, and off; of two entries for one capability the later counts."""
        on = off = 0
        for name, state in self._read_changes(changes):
            bit = self.build._bits[name]
            on, off = (on | bit, off & ~bit) if state else (on & ~bit, off | bit)
        return on, off

    def _read_changes(self, changes: object) -> Iterator[tuple[str, bool]]:
        """The changes one by one, read as QMP would read them."""
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
        """What is to be said of a request that would be accepted; before anything has changed."""
        import warnings  # noqa: PLC0415 - rare

        request.refused_by(lib.migrate_try_parameters, self._c)
        release, c_build = self.build.release, self.build._c
        for name in sorted(request.parameters, key=PARAMETERS.__getitem__):
            warning = lib.migration_parameter_warning(c_build, PARAMETERS[name])
            if warning != ffi.NULL:
                warnings.warn(ffi.string(warning).decode(), DeprecatedParameterWarning, stacklevel=3)
            if lib.migration_parameter_ignored(c_build, PARAMETERS[name]):
                message = f"QEMU {release} accepts {name} and ignores it: the value stays as it is"
                warnings.warn(message, IgnoredParameterWarning, stacklevel=3)
        met = lib.migrate_parameters_faults(self._c, request.members, len(request.members))
        for fault in self.build.known_faults if met else ():
            if met >> FAULTS.index(fault) & 1:
                warnings.warn(f"QEMU {release}: {fault}", KnownFaultWarning, stacklevel=3)

    def __repr__(self) -> str:
        incoming = ", incoming=True" if self.incoming else ""
        return f"<MigrationState of {self.build!r}{incoming}, status {self.status!r}: {', '.join(self.capabilities)}>"


_CLASSES: dict[str, type[MigrationState]] = {}


def _class_for(build: QemuBuild) -> type[MigrationState]:
    """MigrationState with the accessors of one release; made once for each."""
    return _CLASSES.get(build.release) or _CLASSES.setdefault(build.release, _make_class(build))


def _make_class(build: QemuBuild) -> type[MigrationState]:
    absent = [name for name in ACCESSORS if not lib.migration_accessor_known(build._c, name.encode())]
    members: dict[str, Any] = {"__slots__": (), "__doc__": MigrationState.__doc__}
    return type("MigrationState", (MigrationState,), members | {name: _absent(name) for name in absent})


def _absent(name: str) -> property:
    def refuse(self: MigrationState) -> None:
        raise AttributeError(f"QEMU {self.build.release} has no migrate_{name}; a MigrationState of it has no {name!r}")

    return property(refuse, doc="This release has none.")


def _read_entries(entries: Iterable[object], build: QemuBuild) -> Iterator[tuple[object, object]]:
    """QMP's list of {"capability", "state"} as pairs; texts and their order are QAPI's."""
    for i, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise RequestTypeError(f"Invalid parameter type for 'capabilities[{i}]', expected: object")
        if "capability" not in entry:
            raise RequestTypeError(f"Parameter 'capabilities[{i}].capability' is missing")
        name = entry["capability"]
        if "state" not in entry and isinstance(name, str) and name in build._bits:
            raise RequestTypeError(f"Parameter 'capabilities[{i}].state' is missing")
        yield name, entry.get("state")
        if len(entry) > 2:  # noqa: PLR2004 - the two above
            first = _first_unexpected(entry, f"capabilities[{i}]")
            raise RequestTypeError(f"Parameter 'capabilities[{i}].{first}' is unexpected")


def _first_unexpected(entry: Mapping[object, object], argument: str) -> str:
    """Which of the members beside capability and state QEMU names."""
    alive: list[Any] = []
    members = _c_members(entry, argument, alive)
    names = list(entry)
    visited = [names.index(name) for name in ("capability", "state")]
    first = lib.qmp_first_unvisited(members, len(members), visited, len(visited))
    if first < 0:
        raise MemoryError
    return str(names[first])


# ---- Values, as QMP has them ----

_MOST_DEPTH = 8
"""Deeper than any value that a migration parameter takes; what lies deeper is not looked at by QEMU either."""


class Request:
    """A request to set parameters, as C sees it."""

    __slots__ = ("_alive", "members", "parameters")

    def __init__(self, parameters: Mapping[str, object]) -> None:
        if not isinstance(parameters, Mapping):
            raise TypeError(f"parameters must be a mapping of QMP names to values, not {type(parameters).__name__}")
        self._alive: list[Any] = []
        self.parameters = parameters
        self.members = _c_members(parameters, "parameters", self._alive)

    def refused_by(self, function: Any, c_state: Any) -> None:
        """Raises what the function refuses the request with, if it does."""
        error = ffi.new("MigrationError *")
        if function(c_state, self.members, len(self.members), error) == 0:
            return
        try:
            raise _parameter_error(error, self.parameters)
        finally:
            lib.migration_error_clear(error)


def _c_text(text: str, argument: str) -> Any:
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{argument} must be text that UTF-8 can carry; it has a lone surrogate") from None
    if b"\0" in encoded:
        raise ValueError(f"{argument} must not contain a NUL character")
    return ffi.new("char[]", encoded)


def _c_members(mapping: Mapping[Any, object], argument: str, alive: list[Any], depth: int = 0) -> Any:
    """The mapping as QmpMember[]; what has to stay alive as long as that is in use goes to ``alive``."""
    members = ffi.new("QmpMember[]", len(mapping))
    alive.append(members)
    for member, (name, value) in zip(members, mapping.items(), strict=True):
        if not isinstance(name, str):
            raise TypeError(f"{argument} must have names that are str, not {type(name).__name__}")
        c_name = _c_text(name, f"the name {name[:40]!r} in {argument}")
        alive.append(c_name)
        member.name = c_name
        _fill(member.value, value, f"{argument}[{name[:40]!r}]", alive, depth + 1)
    return members


def _fill(c_value: Any, value: object, argument: str, alive: list[Any], depth: int) -> None:
    """Makes C's value what this one is."""
    if value is None:
        c_value.type = lib.QMP_NULL
    elif isinstance(value, bool):
        c_value.type, c_value.number = lib.QMP_BOOL, value
    elif isinstance(value, str):
        c_value.type, c_value.text = lib.QMP_STRING, _kept(_c_text(value, argument), alive)
    elif isinstance(value, (list, tuple)):
        c_value.type = lib.QMP_ARRAY
        if depth < _MOST_DEPTH:
            c_value.number, c_value.elements = len(value), _c_elements(value, argument, alive, depth)
    elif isinstance(value, Mapping):
        c_value.type = lib.QMP_OBJECT
        if depth < _MOST_DEPTH:
            c_value.number, c_value.members = len(value), _c_members(value, argument, alive, depth)
    elif hasattr(value, "__index__"):
        number = index(value)
        fits = -(1 << 63) <= number < 1 << 64
        c_value.type, c_value.number = (lib.QMP_INT, number & (1 << 64) - 1) if fits else (lib.QMP_NUMBER, 0)
    else:
        c_value.type = lib.QMP_OTHER


def _kept(c_object: Any, alive: list[Any]) -> Any:
    alive.append(c_object)
    return c_object


def _c_elements(values: list[object] | tuple[object, ...], argument: str, alive: list[Any], depth: int) -> Any:
    elements = _kept(ffi.new("QmpValue[]", len(values)), alive)
    for i, (element, value) in enumerate(zip(elements, values, strict=True)):
        _fill(element, value, f"{argument}[{i}]", alive, depth + 1)
    return elements


def _python_value(value: Any) -> object:
    """What C has, as Python has it."""
    if value.type == lib.QMP_ARRAY:
        return [_python_value(value.elements[i]) for i in range(value.number)]
    if value.type == lib.QMP_OBJECT:
        members = (value.members[i] for i in range(value.number))
        return {ffi.string(member.name).decode(): _python_value(member.value) for member in members}
    if value.type == lib.QMP_STRING:
        return ffi.string(value.text).decode()
    return bool(value.number) if value.type == lib.QMP_BOOL else int(value.number)


def _parameter_error(error: Any, parameters: Mapping[str, object]) -> Exception:
    if error.message == ffi.NULL:
        return MemoryError()
    message = ffi.string(error.message).decode()
    name = _PARAMETER_NAMES[error.parameter] if error.parameter >= 0 else tuple(parameters)[error.unexpected]
    return (ParameterTypeError if error.wrong_type else ParameterError)(message, name)
