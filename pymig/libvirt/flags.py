# SPDX-License-Identifier: GPL-2.0-or-later

"""The table of virsh migrate's options, VIR_MIGRATE_* flags and typed parameters, and what each sets in QEMU."""

from __future__ import annotations

from _collections_abc import Mapping
from typing import NamedTuple

from pymig.libvirt.version import OLDEST
from pymig.values import READ_ONLY, Value, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from pymig.libvirt.version import Version

MIB = 1 << 20

S, D, BOTH = ("source",), ("destination",), ("source", "destination")


class Option(NamedTuple):
    """An option of ``virsh migrate``, and what becomes of it.

    Attributes:
        word: virsh's name for it, without dashes.
        takes: its value: ``""`` none, ``"string"``, ``"words"`` (may be repeated), ``"list"`` (with commas), ``"int"``,
            ``"unsigned"`` or ``"number"`` (unsigned, of 64 bits).
        flag: the flag's name without ``VIR_MIGRATE_``; "" for none.
        bit: the flag's bit.
        parameter: the typed parameter's name without ``VIR_MIGRATE_PARAM_``; "" for none.
        field: the typed parameter's string.
        sets: the capability or the migration parameter that it sets in QEMU; "" for none.
        ends: where.
        factor: what the value is multiplied with.
        since: the first version of libvirt that has it, of those known.
    """

    word: str
    takes: str = ""
    flag: str = ""
    bit: int = -1
    parameter: str = ""
    field: str = ""
    sets: str = ""
    ends: tuple[str, ...] = ()
    factor: int = 1
    since: Version = OLDEST


def _flag(word: str, flag: str, bit: int, sets: str = "", ends: tuple[str, ...] = ()) -> Option:
    return Option(word, "", flag, bit, sets=sets, ends=ends)


def _typed(word: str, takes: str, parameter: str, field: str, **more: Any) -> Option:
    return Option(word, takes, parameter=parameter, field=field, **more)


OPTIONS = (
    Option("domain", "string"),
    Option("desturi", "string"),
    _flag("live", "LIVE", 0),
    _flag("offline", "OFFLINE", 10),
    _flag("p2p", "PEER2PEER", 1),
    Option("direct"),
    _flag("tunnelled", "TUNNELLED", 2),
    _flag("persistent", "PERSIST_DEST", 3),
    _flag("undefinesource", "UNDEFINE_SOURCE", 4),
    _flag("suspend", "PAUSED", 5),
    _flag("copy-storage-all", "NON_SHARED_DISK", 6),
    _flag("copy-storage-inc", "NON_SHARED_INC", 7),
    _flag("copy-storage-synchronous-writes", "NON_SHARED_SYNCHRONOUS_WRITES", 18),
    _flag("change-protection", "CHANGE_PROTECTION", 8),
    _flag("unsafe", "UNSAFE", 9),
    Option("verbose"),
    _flag("compressed", "COMPRESSED", 11, "xbzrle", BOTH),
    _flag("auto-converge", "AUTO_CONVERGE", 13, "auto-converge", S),
    _flag("rdma-pin-all", "RDMA_PIN_ALL", 14, "rdma-pin-all", BOTH),
    _flag("abort-on-error", "ABORT_ON_ERROR", 12),
    _flag("postcopy", "POSTCOPY", 15, "postcopy-ram", BOTH),
    Option("postcopy-after-precopy"),
    _flag("postcopy-resume", "POSTCOPY_RESUME", 19),
    _flag("zerocopy", "ZEROCOPY", 20, "zero-copy-send", S),
    _typed("migrateuri", "string", "URI", "migrate_uri"),
    _typed("graphicsuri", "string", "GRAPHICS_URI", "graphics_uri"),
    _typed("listen-address", "string", "LISTEN_ADDRESS", "listen_address"),
    _typed("dname", "string", "DEST_NAME", "destination_name"),
    Option("timeout", "unsigned"),
    Option("timeout-suspend"),
    Option("timeout-postcopy"),
    _typed("xml", "string", "DEST_XML", "destination_xml"),
    _typed("migrate-disks", "list", "MIGRATE_DISKS", "migrate_disks"),
    _typed(
        "migrate-disks-detect-zeroes",
        "list",
        "MIGRATE_DISKS_DETECT_ZEROES",
        "migrate_disks_detect_zeroes",
        since=(10, 9),
    ),
    _typed("disks-port", "int", "DISKS_PORT", "disks_port"),
    _typed("disks-uri", "string", "DISKS_URI", "disks_uri"),
    _typed("comp-methods", "list", "COMPRESSION", "compression"),
    _typed("comp-mt-level", "int", "COMPRESSION_MT_LEVEL", "compression.mt.level", sets="compress-level", ends=BOTH),
    _typed(
        "comp-mt-threads", "int", "COMPRESSION_MT_THREADS", "compression.mt.threads", sets="compress-threads", ends=BOTH
    ),
    _typed(
        "comp-mt-dthreads",
        "int",
        "COMPRESSION_MT_DTHREADS",
        "compression.mt.dthreads",
        sets="decompress-threads",
        ends=BOTH,
    ),
    _typed(
        "comp-xbzrle-cache",
        "number",
        "COMPRESSION_XBZRLE_CACHE",
        "compression.xbzrle.cache",
        sets="xbzrle-cache-size",
        ends=BOTH,
    ),
    _typed(
        "auto-converge-initial",
        "int",
        "AUTO_CONVERGE_INITIAL",
        "auto_converge.initial",
        sets="cpu-throttle-initial",
        ends=S,
    ),
    _typed(
        "auto-converge-increment",
        "int",
        "AUTO_CONVERGE_INCREMENT",
        "auto_converge.increment",
        sets="cpu-throttle-increment",
        ends=S,
    ),
    _typed("persistent-xml", "string", "PERSIST_XML", "persistent_xml"),
    _flag("tls", "TLS", 16, "tls-creds", BOTH),
    _typed(
        "postcopy-bandwidth",
        "number",
        "BANDWIDTH_POSTCOPY",
        "bandwidth.postcopy",
        sets="max-postcopy-bandwidth",
        ends=BOTH,
        factor=MIB,
    ),
    _flag("parallel", "PARALLEL", 17, "multifd", BOTH),
    _typed(
        "parallel-connections",
        "int",
        "PARALLEL_CONNECTIONS",
        "parallel.connections",
        sets="multifd-channels",
        ends=BOTH,
    ),
    _typed("bandwidth", "number", "BANDWIDTH", "bandwidth", sets="max-bandwidth", ends=S, factor=MIB),
    _typed("tls-destination", "string", "TLS_DESTINATION", "tls.destination", sets="tls-hostname", ends=S),
    _typed(
        "comp-zlib-level",
        "int",
        "COMPRESSION_ZLIB_LEVEL",
        "compression.zlib.level",
        sets="multifd-zlib-level",
        ends=BOTH,
        since=(9, 4),
    ),
    _typed(
        "comp-zstd-level",
        "int",
        "COMPRESSION_ZSTD_LEVEL",
        "compression.zstd.level",
        sets="multifd-zstd-level",
        ends=BOTH,
        since=(9, 4),
    ),
    _typed(
        "available-switchover-bandwidth",
        "number",
        "BANDWIDTH_AVAIL_SWITCHOVER",
        "bandwidth.avail.switchover",
        sets="avail-switchover-bandwidth",
        ends=S,
        factor=MIB,
        since=(11, 1),
    ),
)
"""In virsh's order, which is also that of its positional arguments."""

BITS = {option.flag: 1 << option.bit for option in OPTIONS if option.flag}
"""The flags' values, by name without ``VIR_MIGRATE_``."""

FIELDS = {option.field: option for option in OPTIONS if option.field}
"""The typed parameters, by their strings."""

LIMITS = {"int": (-(1 << 31), (1 << 31) - 1), "unsigned": (0, (1 << 32) - 1), "number": (0, (1 << 64) - 1)}
"""The least and the greatest value of each kind of number."""

_TYPES: dict[str, tuple[Any, str]] = {"string": (str, "a str"), "int": (int, "an int"), "number": (int, "an int")}


class Flags(Value):
    """What a program passes to virDomainMigrate3 and its kin. Immutable.

    Args:
        number: the VIR_MIGRATE_* flags, or'ed together.
        parameters: typed parameters, by their strings, such as ``{"parallel.connections": 4, "bandwidth": 100}``,
            bandwidths in MiB/s. ``"compression"`` and ``"migrate_disks"`` take one string or a list.

    Raises:
        TypeError, ValueError: not such a number, or no such parameter; the text names it.
    """

    __slots__ = ("number", "parameters")

    number: int
    parameters: Mapping[str, Any]

    def __new__(cls, number: int = 0, parameters: Mapping[str, object] | None = None) -> Self:
        """See the class."""
        if isinstance(number, bool) or not isinstance(number, int):
            wrong_type(number, "number", "an int of VIR_MIGRATE_* flags")
        if unknown := number & ~sum(BITS.values()):
            raise ValueError(f"number has bits that are no VIR_MIGRATE_* flag: {unknown:#x}")
        if parameters is not None and not isinstance(parameters, Mapping):
            wrong_type(parameters, "parameters", "a mapping of typed parameters to values")
        self = object.__new__(cls)
        given = {name: _typed_value(name, value) for name, value in (parameters or {}).items()}
        self._set(number=number, parameters=READ_ONLY(given))
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The flags that are set, such as ``("VIR_MIGRATE_LIVE",)``, lowest bit first."""
        by_bit = sorted((bit, name) for name, bit in BITS.items())
        return tuple(f"VIR_MIGRATE_{name}" for bit, name in by_bit if self.number & bit)

    def has(self, *names: str) -> bool:
        """Whether one of these flags is set, by names without ``VIR_MIGRATE_``."""
        return any(self.number & BITS[name] for name in names)

    @property
    def methods(self) -> tuple[str, ...]:
        """The compression methods that are named."""
        named: tuple[str, ...] = self.parameters.get("compression", ())
        return named

    def __hash__(self) -> int:
        return hash((self.number, tuple(sorted(self.parameters))))

    def __reduce__(self) -> tuple[object, ...]:
        return (Flags, (self.number, dict(self.parameters)))

    def __repr__(self) -> str:
        return f"Flags({self.number:#x}, {dict(self.parameters)!r})"


def _typed_value(name: object, value: Any) -> object:
    if name not in FIELDS:
        raise ValueError(f"parameters has no typed parameter {name!r:.60}; it may have {', '.join(FIELDS)}")
    takes = FIELDS[name].takes
    if takes == "list":
        return _texts(name, value)
    kind, wanted = _TYPES[takes]
    if isinstance(value, bool) or not isinstance(value, kind):
        wrong_type(value, f"parameters[{name!r}]", wanted)
    if takes in LIMITS and not LIMITS[takes][0] <= value <= LIMITS[takes][1]:
        raise ValueError(f"parameters[{name!r}] must be from {LIMITS[takes][0]} to {LIMITS[takes][1]}, not {value}")
    return value


def _texts(name: object, value: object) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        wrong_type(value, f"parameters[{name!r}]", "a str or a list of str")
    return tuple(texts)
