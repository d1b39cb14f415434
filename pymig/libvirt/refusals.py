# SPDX-License-Identifier: GPL-2.0-or-later

"""What libvirt refuses itself: a table of rules for each stage, in its order."""

from __future__ import annotations

from typing import NamedTuple

from pymig.libvirt.flags import FIELDS
from pymig.libvirt.sent import LibvirtRefusal
from pymig.libvirt.uris import host_of, scheme_of
from pymig.libvirt.version import OLDEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from pymig.libvirt.domain import Domain
    from pymig.libvirt.flags import Flags
    from pymig.libvirt.version import Version

FUTURE: Version = (99,)

INVALID = "Requested operation is not valid: "
UNSUPPORTED = "argument unsupported: "
ARGUMENT = "invalid argument: "
NO_OPERATION = "Operation not supported: "
UNSAFE = "Unsafe migration: "
OVERFLOW = "numerical overflow: "
INTERNAL = "internal error: "
NO_SUPPORT = "this function is not supported by the connection driver: "


class Case(NamedTuple):
    """What a rule looks at.

    Attributes:
        flags: flags and typed parameters.
        given: virsh's options; empty if virsh is not used.
        domain: facts about the domain.
        name: the domain's name.
        uri: where the stream goes.
        connection: the destination's connection URI.
    """

    flags: Flags
    given: Mapping[str, Any]
    domain: Domain
    name: str
    uri: str
    connection: str

    def has(self, *names: str) -> bool:
        """Whether one of these flags is set."""
        return self.flags.has(*names)

    def tunes(self, *fields: str) -> bool:
        """Whether one of these typed parameters is given."""
        return any(field in self.flags.parameters for field in fields)


class Rule(NamedTuple):
    """Something that libvirt refuses.

    Attributes:
        text: its text, with fields of _named(): ``{name}`` is the domain's name.
        prefix: what virsh shows before the text, by the class of the error.
        applies: whether it is refused.
        since: the first version with the rule, of those known.
        until: the first version without it.
    """

    text: str
    prefix: str
    applies: Callable[[Case], bool]
    since: Version = OLDEST
    until: Version = FUTURE


def _exclusive(a: str, b: str, since: Version = OLDEST) -> Rule:
    return Rule(
        f"Options --{a} and --{b} are mutually exclusive", "", lambda case: a in case.given and b in case.given, since
    )


def _requires(word: str, other: str) -> Rule:
    return Rule(
        f"Option --{other} is required by option --{word}",
        "",
        lambda case: word in case.given and other not in case.given,
    )


def _needs_storage(word: str, second: str, since: Version = OLDEST, until: Version = FUTURE) -> Rule:
    return Rule(
        f"'--{word}' requires one of '--copy-storage-all', '{second}'",
        "",
        lambda case: word in case.given and not case.given.keys() & {"copy-storage-all", "copy-storage-inc"},
        since,
        until,
    )


STORAGE = ("NON_SHARED_DISK", "NON_SHARED_INC")

REWORKED: Version = (10, 9)
"""What 11.3 does otherwise than 9.0, without a note in libvirt's NEWS that says since when."""

VIRSH_SWITCHES = (
    _exclusive("live", "offline"),
    _exclusive("timeout-suspend", "timeout-postcopy"),
    _exclusive("copy-storage-all", "copy-storage-inc", REWORKED),
    _requires("postcopy-after-precopy", "postcopy"),
    _requires("postcopy-resume", "postcopy"),
    _requires("timeout-postcopy", "postcopy"),
    _requires("persistent-xml", "persistent"),
    _requires("tls-destination", "tls"),
)
"""In virsh, before it reads a value."""

VIRSH_TIMEOUTS = (
    Rule(
        "migrate: Unexpected timeout for offline migration",
        "",
        lambda case: "timeout" in case.given and "live" not in case.given,
    ),
    Rule(
        "migrate: Unexpected --timeout-* option without --timeout",
        "",
        lambda case: "timeout" not in case.given and bool(case.given.keys() & {"timeout-suspend", "timeout-postcopy"}),
    ),
    _needs_storage("copy-storage-synchronous-writes", "--copy-storage-inc", REWORKED),
    _needs_storage("migrate-disks", "--copy-storage-inc", REWORKED),
    _needs_storage("migrate-disks-detect-zeroes", "--copy-storage-inc", REWORKED),
)
"""In virsh, when it has read --timeout."""

VIRSH_LATE = (_needs_storage("copy-storage-synchronous-writes", "copy-storage-inc", until=REWORKED),)
"""In virsh, when it has read all values."""

CLIENT = (
    Rule(
        "Flags 'VIR_MIGRATE_NON_SHARED_DISK' and 'VIR_MIGRATE_NON_SHARED_INC' are mutually exclusive",
        "",
        lambda case: case.has("NON_SHARED_DISK") and case.has("NON_SHARED_INC"),
    ),
    Rule(
        "Flags 'VIR_MIGRATE_TUNNELLED' and 'VIR_MIGRATE_PARALLEL' are mutually exclusive",
        "",
        lambda case: case.has("TUNNELLED") and case.has("PARALLEL"),
    ),
    Rule(
        "Flag 'VIR_MIGRATE_NON_SHARED_DISK | VIR_MIGRATE_NON_SHARED_INC' is required by flag "
        "'VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES'",
        "",
        lambda case: case.has("NON_SHARED_SYNCHRONOUS_WRITES") and not case.has(*STORAGE),
    ),
    Rule(
        "cannot perform tunnelled migration without using peer2peer flag",
        "",
        lambda case: case.has("TUNNELLED") and not case.has("PEER2PEER"),
    ),
    Rule(
        "Attempt to migrate guest to the same host",
        "",
        lambda case: case.has("PEER2PEER") and (host_of(case.connection) or "").startswith("localhost"),
    ),
)

RESUME = (
    Rule(
        "resuming failed post-copy migration requires post-copy to be enabled",
        ARGUMENT,
        lambda case: not case.has("POSTCOPY"),
    ),
    Rule("domain '{name}' is not being migrated", INVALID, lambda case: not case.domain.failed_postcopy),
)
"""At the source, for VIR_MIGRATE_POSTCOPY_RESUME."""


def _fact(name: str, text: str, prefix: str = INVALID, since: Version = OLDEST, until: Version = FUTURE) -> Rule:
    """A fact that keeps a running domain where it is."""
    return Rule(text, prefix, lambda case: bool(getattr(case.domain, name)) and not case.has("OFFLINE"), since, until)


BLOCKED = _fact("blockers", "cannot migrate domain: {blockers}")
UNMOVABLE = (
    _fact("block_job", "domain has active block job"),
    _fact("invtsc", "domain has 'invtsc' CPU feature but TSC frequency is not specified"),
    _fact("dimm", "domain's dimm info lacks slot ID or base address"),
    _fact("shmem", "shmem device '{shmem}' cannot be migrated, only shmem with role='master' can be migrated"),
    _fact("slirp", "a slirp-helper cannot be migrated"),
    _fact("virtiofs", "migration with virtiofs device is not supported", until=REWORKED),
    _fact("virtiofs", "migration with this virtiofs device is not supported", NO_OPERATION, since=REWORKED),
    _fact("transient_disk", "migration with transient disk is not supported"),
    _fact("swtpm", "the running swtpm does not support migration with shared storage", NO_SUPPORT),
)

TO_A_FILE = (BLOCKED, *UNMOVABLE)
"""For save and its kin: what the domain is."""

ALLOWED = (
    Rule("cannot migrate domain with {snapshots} snapshots", INVALID, lambda case: case.domain.snapshots > 0),
    BLOCKED,
    Rule(
        "cannot migrate domain with I/O error",
        INVALID,
        lambda case: case.domain.io_error and case.has("ABORT_ON_ERROR") and not case.has("OFFLINE"),
    ),
    _fact("auto_destroy", "domain is marked for auto destroy"),
    *UNMOVABLE,
)
"""At the source, first: what the domain is."""


def _leaves_a_disk(case: Case) -> bool:
    """Whether a disk is known that is neither shared nor copied."""
    if case.domain.shared_storage or not case.has(*STORAGE):
        return not case.domain.shared_storage
    return not set(case.domain.disks or ()) <= set(copied(case))


BEGIN = (
    Rule(
        "Migration without shared storage is unsafe",
        UNSAFE,
        lambda case: _leaves_a_disk(case) and not case.has("UNSAFE", "OFFLINE"),
    ),
    Rule(
        "post-copy migration is not supported with non-live or paused migration",
        UNSUPPORTED,
        lambda case: case.has("POSTCOPY") and (case.has("PAUSED") or not case.has("LIVE")),
    ),
    Rule(
        "post-copy is not supported with tunnelled migration",
        UNSUPPORTED,
        lambda case: case.has("POSTCOPY") and case.has("TUNNELLED"),
    ),
    Rule(
        "offline migration cannot handle non-shared storage",
        INVALID,
        lambda case: case.has("OFFLINE") and case.has(*STORAGE),
    ),
    Rule(
        "offline migration must be specified with the persistent flag set",
        INVALID,
        lambda case: case.has("OFFLINE") and not case.has("PERSIST_DEST"),
    ),
    Rule(
        "tunnelled offline migration does not make sense",
        INVALID,
        lambda case: case.has("OFFLINE") and case.has("TUNNELLED"),
    ),
    Rule(
        "zero-copy is only available for parallel migration",
        INVALID,
        lambda case: case.has("ZEROCOPY") and not case.has("PARALLEL"),
    ),
    Rule(
        "migration of non-shared storage is not supported with tunnelled migration and this QEMU",
        NO_OPERATION,
        lambda case: case.has(*STORAGE) and case.has("TUNNELLED"),
        REWORKED,
    ),
    Rule(
        "use of 'VIR_MIGRATE_PARAM_MIGRATE_DISKS' requires use of 'VIR_MIGRATE_NON_SHARED_DISK' or "
        "'VIR_MIGRATE_NON_SHARED_INC' flag",
        ARGUMENT,
        lambda case: case.tunes("migrate_disks") and not case.has(*STORAGE),
        REWORKED,
    ),
    Rule("disk target {disk} not found", ARGUMENT, lambda case: bool(unknown_disk(case))),
)
"""At the source, before the destination is prepared."""

AUTO_CONVERGE = ("auto_converge.initial", "auto_converge.increment")
MULTITHREAD = ("compression.mt.level", "compression.mt.threads", "compression.mt.dthreads")
PARALLEL_METHODS: Version = (9, 4)
"""The version from which zlib and zstd are methods, for parallel migration alone, and xbzrle and mt are not."""


def _tuning(text: str, fields: tuple[str, ...], method: str, since: Version = OLDEST) -> Rule:
    return Rule(text, ARGUMENT, lambda case: case.tunes(*fields) and method not in case.flags.methods, since)


CONVERGE = Rule(
    "Turn auto convergence on to tune it",
    ARGUMENT,
    lambda case: case.tunes(*AUTO_CONVERGE) and not case.has("AUTO_CONVERGE"),
)
"""Refused at the source alone, when the destination listens already."""

CHANNELS = Rule(
    "Turn parallel migration on to tune it",
    ARGUMENT,
    lambda case: case.tunes("parallel.connections") and not case.has("PARALLEL"),
)

COMPRESSION = (
    Rule(
        "Only one compression method could be specified with parallel compression",
        ARGUMENT,
        lambda case: case.has("PARALLEL") and len(case.flags.methods) > 1,
        PARALLEL_METHODS,
    ),
    _tuning("Turn multithread compression on to tune it", MULTITHREAD, "mt"),
    _tuning("Turn xbzrle compression on to tune it", ("compression.xbzrle.cache",), "xbzrle"),
    _tuning("Turn zlib compression on to tune it", ("compression.zlib.level",), "zlib", PARALLEL_METHODS),
    _tuning("Turn zstd compression on to tune it", ("compression.zstd.level",), "zstd", PARALLEL_METHODS),
    Rule(
        "No compression algorithm selected for parallel migration",
        ARGUMENT,
        lambda case: case.has("COMPRESSED") and case.has("PARALLEL") and not case.flags.methods,
        PARALLEL_METHODS,
    ),
)

SCHEMES = ("tcp", "rdma", "unix")
PREPARE = (
    Rule(
        "Both port and URI requested for disk migration while being mutually exclusive",
        ARGUMENT,
        lambda case: case.tunes("disks_port") and case.tunes("disks_uri"),
    ),
    Rule("missing scheme in migration URI: {uri}", ARGUMENT, lambda case: ":" not in case.uri),
    Rule(
        "unsupported scheme {scheme} in migration URI {uri}",
        UNSUPPORTED,
        lambda case: scheme_of(case.uri) not in SCHEMES,
    ),
    Rule("missing host in migration URI: {uri}", ARGUMENT, lambda case: _lacks_host(case.uri)),
    Rule(
        "cannot start RDMA migration with no memory hard limit set",
        INVALID,
        lambda case: scheme_of(case.uri) == "rdma" and not case.domain.hard_limit,
    ),
)
"""At the destination, before it starts QEMU."""

DISKS = (
    Rule(
        "No URI scheme specified: {disks_uri}",
        ARGUMENT,
        lambda case: case.has(*STORAGE) and ":" not in case.flags.parameters.get("disks_uri", ":"),
    ),
    Rule(
        "Unsupported scheme in disks URI: {disks_scheme}",
        ARGUMENT,
        lambda case: case.has(*STORAGE) and _disks_scheme(case) not in {"", "tcp", "unix"},
    ),
    Rule(
        "nbd port must be in range 0-65535",
        ARGUMENT,
        lambda case: case.has(*STORAGE) and not 0 <= case.flags.parameters.get("disks_port", 0) < 1 << 16,
    ),
    Rule(
        "argument key 'host' must not have null value",
        INTERNAL,
        lambda case: case.has(*STORAGE) and case.has("TUNNELLED"),
    ),
)
"""At the destination, when it starts QEMU's server for the disks."""

UNIX_TLS = Rule(
    "Explicit destination hostname is required for TLS migration over UNIX socket",
    NO_OPERATION,
    lambda case: case.has("TLS") and case.uri.startswith("unix:") and not case.tunes("tls.destination"),
)
"""At the source, when the destination listens already."""

UNIX_DISKS = Rule(
    "NBD migration with TLS is not supported over UNIX socket",
    NO_OPERATION,
    lambda case: case.has(*STORAGE) and case.has("TLS") and _disks_scheme(case) == "unix",
)
"""At the source, after capabilities and parameters."""


def _lacks_host(uri: str) -> bool:
    """Whether no host is in a URI that needs one. Without slashes, only tcp: is read."""
    scheme = scheme_of(uri)
    return scheme != "unix" and (not host_of(uri) or (scheme == "rdma" and "//" not in uri))


def _disks_scheme(case: Case) -> str:
    return scheme_of(case.flags.parameters.get("disks_uri", ""))


def unknown_disk(case: Case) -> str:
    """The first disk that is named for copying, and that the domain lacks, if its disks are known; "" for none."""
    disks, named = case.domain.disks, ("migrate_disks", "migrate_disks_detect_zeroes")
    if disks is None or not case.has(*STORAGE):
        return ""
    return next((disk for name in named for disk in case.flags.parameters.get(name, ()) if disk not in disks), "")


def copied(case: Case) -> tuple[str, ...]:
    """The domain's disks that are copied, as far as they are known."""
    if not case.has(*STORAGE):
        return ()
    disks = tuple(case.domain.disks or ())
    chosen: tuple[str, ...] = case.flags.parameters.get("migrate_disks", disks)
    return tuple(disk for disk in disks if disk in chosen)


def raise_first(rules: Iterable[Rule], case: Case, version: Version, stage: str) -> None:
    """Raises the LibvirtRefusal of the first rule that applies."""
    for rule in rules:
        if rule.since <= version < rule.until and rule.applies(case):
            raise LibvirtRefusal(rule.text.format(**_named(case)), rule.prefix, stage)


def _named(case: Case) -> dict[str, object]:
    """What a rule's text may name."""
    domain = case.domain
    facts = {"snapshots": domain.snapshots, "blockers": "; ".join(domain.blockers), "shmem": domain.shmem}
    uris = {"uri": case.uri, "scheme": scheme_of(case.uri)}
    uris |= {"disks_uri": case.flags.parameters.get("disks_uri", ""), "disks_scheme": _disks_scheme(case)}
    return {"name": case.name, "disk": unknown_disk(case), **facts, **uris}


def refuse_unknown(case: Case, version: Version, stage: str) -> None:
    """Refuses typed parameters that this version of libvirt does not have."""
    for field in case.flags.parameters:
        if FIELDS[field].since > version:
            raise LibvirtRefusal(f"parameter '{field}' not supported", UNSUPPORTED, stage)


def refuse_parameters(case: Case, version: Version, end: str) -> None:
    """Refuses typed parameters and flags as an end does before it talks to QEMU."""
    for field, value in case.flags.parameters.items():
        option = FIELDS[field]
        most = (1 << 64) // option.factor
        if option.factor > 1 and field != "bandwidth" and end in option.ends and value >= most:
            raise LibvirtRefusal(f"migration parameter '{field}' must be less than {most}", OVERFLOW, end)
    raise_first((CONVERGE, CHANNELS) if end == "source" else (CHANNELS,), case, version, end)
    _refuse_methods(case, version, end)
    raise_first(COMPRESSION, case, version, end)


def _refuse_methods(case: Case, version: Version, end: str) -> None:
    methods = case.flags.methods
    for i, method in enumerate(methods):
        for is_refused, text in (
            (method not in methods_of(version), f"Unsupported compression method '{method}'"),
            (method in methods[:i], f"Compression method '{method}' is specified twice"),
            (
                version >= PARALLEL_METHODS and method in METHODS and case.has("PARALLEL"),
                f"Compression method '{method}' isn't supported with parallel migration",
            ),
            (
                method in MULTIFD_METHODS and not case.has("PARALLEL"),
                f"Compression method '{method}' is only supported with parallel migration",
            ),
        ):
            if is_refused:
                raise LibvirtRefusal(text, ARGUMENT, end)


METHODS = {"xbzrle": "xbzrle", "mt": "compress"}
"""Compression methods that are capabilities."""

MULTIFD_METHODS = ("zlib", "zstd")
"""Compression methods that are values of multifd-compression."""


def methods_of(version: Version) -> tuple[str, ...]:
    """The compression methods of a version of libvirt."""
    return (*METHODS, *(MULTIFD_METHODS if version >= PARALLEL_METHODS else ()))
