"""A mirror of QEMU's MigrationState."""

from __future__ import annotations

import errno
from _collections_abc import Iterable, Mapping  # collections.abc's own; the package takes a millisecond
from _operator import index

from pymig._core import ffi, lib
from pymig.answers import Verdicts
from pymig.build import QemuBuild, require_build
from pymig.capability import NAMES, CapabilitySet
from pymig.context import new_context, require_bools, require_new
from pymig.errors import (
    CapabilityError,
    IgnoredParameterWarning,
    MigrationActiveError,
    MigrationError,
    ParameterError,
    ParameterTypeError,
    RequestTypeError,
    UnknownCapabilityError,
)
from pymig.host import Host, require_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Generic, Literal, TypeVar, overload

    from pymig.announce import AnnounceParameters

    MultiFDCompression = Literal["none", "zlib", "zstd"]

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
}

PARAMETER_TYPES: dict[str, str] = {
    name: _TYPE_NAMES.get(lib.migration_parameter_type(i), "int") for name, i in PARAMETERS.items()
}
"""Every parameter's Python type, by its QMP name."""

_STATUSES: dict[str, int] = {
    ffi.string(lib.migration_status_name(i)).decode(): i for i in range(lib.MIGRATION_STATUS__MAX)
}
_STATUS_NAMES: tuple[str, ...] = tuple(_STATUSES)


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

    A property that the release does not have, such as ``mapped_ram`` before 9.0, raises an AttributeError.
    """

    __slots__ = ("_c", "_circumstances", "_owner", "_verdicts", "build", "host", "incoming")

    build: QemuBuild
    host: Host
    incoming: bool
    _c: Any
    _circumstances: dict[str, bool]
    _owner: Any
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
        self._verdicts = Verdicts(build, self.host)
        c_state = lib.migration_state_new(new_context(build, **circumstances), self.host._c)
        if c_state == ffi.NULL:
            raise MemoryError
        self._owner = ffi.gc(c_state, lib.migration_state_free)
        self._c = c_state  # which cffi takes faster than the owner

    def _c_context(self) -> Any:
        """The context in which it stands now, with its parameters."""
        return new_context(
            self.build,
            **self._circumstances,
            compressed=lib.migrate_multifd_compression(self._c) != lib.MULTIFD_COMPRESSION_NONE,
            tls=lib.migrate_use_tls(self._c),
            ignore_all=lib.migrate_mode(self._c) >= lib.MIG_MODE_CPR_TRANSFER,
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
    direct_io = _flag(lib.migrate_direct_io, "O_DIRECT is used for files; since 9.1 (migrate_direct_io).")
    multifd_qatzip_level = _number(
        lib.migrate_multifd_qatzip_level, "1 to 9; since 9.2 (migrate_multifd_qatzip_level)."
    )

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
        if lib.migrate_set_status(self._c, _STATUSES.get(name, -1)) < 0:
            known = (name for name, i in _STATUSES.items() if lib.migration_status_known(self.build._c, i))
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
        """
        members, _alive = _c_members(parameters)
        error = ffi.new("MigrationError *")
        result = lib.qmp_migrate_set_parameters(self._c, members, len(members), error)
        if result == 0:
            self._warn_of_ignored(parameters)
            return
        try:
            raise _parameter_error(error, parameters)
        finally:
            lib.migration_error_clear(error)

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
                    values[name] = _python_value(member)
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

    def _warn_of_ignored(self, parameters: Mapping[str, object]) -> None:
        for name in parameters:
            if lib.migration_parameter_ignored(self.build._c, PARAMETERS[name]):
                import warnings  # noqa: PLC0415 - rare

                warnings.warn(
                    f"QEMU {self.build.release} accepts {name} and ignores it: the value stays as it is",
                    IgnoredParameterWarning,
                    stacklevel=3,
                )

    def __repr__(self) -> str:
        incoming = ", incoming=True" if self.incoming else ""
        return f"<MigrationState of {self.build!r}{incoming}, status {self.status!r}: {', '.join(self.capabilities)}>"


_CLASSES: dict[str, type[MigrationState]] = {}


def _class_for(build: QemuBuild) -> type[MigrationState]:
    """MigrationState with the accessors of one release; made once for each."""
    return _CLASSES.get(build.release) or _CLASSES.setdefault(build.release, _make_class(build))


def _make_class(build: QemuBuild) -> type[MigrationState]:
    accessors = (name for name, member in vars(MigrationState).items() if isinstance(member, property))
    absent = [name for name in accessors if not lib.migration_accessor_known(build._c, name.encode())]
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
        for member in entry:
            if member not in ("capability", "state"):
                raise RequestTypeError(f"Parameter 'capabilities[{i}].{member}' is unexpected")


def _c_text(text: str, argument: str) -> Any:
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{argument} must be text that UTF-8 can carry; it has a lone surrogate") from None
    if b"\0" in encoded:
        raise ValueError(f"{argument} must not contain a NUL character")
    return ffi.new("char[]", encoded)


def _c_members(parameters: Mapping[str, object]) -> tuple[Any, list[Any]]:
    """The mapping as QmpMember[], and what has to stay alive as long as that is in use."""
    if not isinstance(parameters, Mapping):
        raise TypeError(f"parameters must be a mapping of QMP names to values, not {type(parameters).__name__}")
    alive: list[Any] = []
    members = []
    for name, value in parameters.items():
        if not isinstance(name, str):
            raise TypeError(f"parameters must have names that are str, not {type(name).__name__}")
        if name == "block-bitmap-mapping":
            raise NotImplementedError("parameters: pymig does not know block-bitmap-mapping yet; leave it out")
        c_name = _c_text(name, f"the name {name[:40]!r} in parameters")
        argument = f"parameters[{name[:40]!r}]"
        kind, number, c_text = _qmp_value(value, argument)
        alive += (c_name, c_text)
        members.append((c_name, kind, number, c_text))
    return ffi.new("QmpMember[]", members), alive


def _qmp_value(value: object, argument: str) -> tuple[int, int, Any]:  # noqa: PLR0911 - one a type
    """The value's QMP type, its number and its text."""
    if value is None:
        return lib.QMP_NULL, 0, ffi.NULL
    if isinstance(value, bool):
        return lib.QMP_BOOL, int(value), ffi.NULL
    if isinstance(value, str):
        return lib.QMP_STRING, 0, _c_text(value, argument)
    if isinstance(value, (list, tuple)):
        return _qmp_array(value, argument)
    if hasattr(value, "__index__"):
        number = index(value)
        if -(1 << 63) <= number < 1 << 64:
            return lib.QMP_INT, number & (1 << 64) - 1, ffi.NULL
        return lib.QMP_NUMBER, 0, ffi.NULL
    return lib.QMP_OTHER, 0, ffi.NULL


def _qmp_array(values: list[object] | tuple[object, ...], argument: str) -> tuple[int, int, Any]:
    strings = [value for value in values if isinstance(value, str)]
    if len(strings) < len(values):
        first = next(i for i, value in enumerate(values) if not isinstance(value, str))
        return lib.QMP_ARRAY, first, ffi.NULL
    texts = [ffi.string(_c_text(text, argument)) for text in strings]
    return lib.QMP_STRINGS, len(texts), ffi.new("char[]", b"\0".join(texts) + b"\0")


def _python_value(member: Any) -> object:
    if member.type == lib.QMP_STRINGS:
        return _strings(member.text, member.number)
    if member.type == lib.QMP_STRING:
        return ffi.string(member.text).decode()
    return bool(member.number) if member.type == lib.QMP_BOOL else int(member.number)


def _strings(text: Any, count: int) -> list[str]:
    """So many strings, one after the other, each with its NUL."""
    strings = []
    for _ in range(count):
        raw = ffi.string(text)
        strings.append(raw.decode())
        text += len(raw) + 1
    return strings


def _parameter_error(error: Any, parameters: Mapping[str, object]) -> Exception:
    if error.message == ffi.NULL:
        return MemoryError()
    message = ffi.string(error.message).decode()
    name = tuple(parameters)[error.unexpected] if error.unexpected >= 0 else _PARAMETER_NAMES[error.parameter]
    return (ParameterTypeError if error.wrong_type else ParameterError)(message, name)
