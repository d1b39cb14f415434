# SPDX-License-Identifier: GPL-2.0-or-later

"""Predicts what libvirt sends to QEMU for a command of virsh."""

from __future__ import annotations

from typing import NamedTuple

from pymig.libvirt.domain import Domain
from pymig.libvirt.flags import FIELDS, MIB, OPTIONS, Flags
from pymig.libvirt.refusals import (
    ALLOWED,
    BEGIN,
    CLIENT,
    DISKS,
    METHODS,
    MULTIFD_METHODS,
    PREPARE,
    RESUME,
    REWORKED,
    UNIX_DISKS,
    UNIX_TLS,
    UNSUPPORTED,
    VIRSH_LATE,
    VIRSH_SWITCHES,
    VIRSH_TIMEOUTS,
    Case,
    copied,
    raise_first,
    refuse_parameters,
    refuse_unknown,
)
from pymig.libvirt.saving import COMMANDS, saved
from pymig.libvirt.sent import NOTHING, Command, EndRequests, LibvirtRefusal, Requests
from pymig.libvirt.uris import host_of, number_of, port_of, scheme_of
from pymig.libvirt.version import version_of
from pymig.libvirt.wire import (
    AT_START,
    CAPABILITIES,
    OPTIONAL_SINCE,
    UNLIMITED,
    capabilities_of,
    in_order,
    is_refused,
    reset_of,
    set_commands,
)
from pymig.libvirt.words import command_of, convert, flags_of, read, split
from pymig.qemu.build import QemuBuild, require_build
from pymig.release import POINTS
from pymig.values import wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pymig.libvirt.version import Version

TLS_OBJECT = "objlibvirt_migrate_tls0"
CERTIFICATES = "/etc/pki/qemu"

SOMEWHERE = "destination"
"""Stands for the destination's host, if no URI names one."""

FIRST_PORT = 49152
"""Of libvirt's migration_port_min: where the destination listens if no URI names a port."""

QEMU_CONNECTS_POSTCOPY: Version = (10, 0)
NO_DETACH: Version = (9, 1)
"""The version without the argument detach of migrate: only 9.0 was seen to send it, and 11.3 does not."""

EXIT_ON_ERROR = POINTS.index("9.1.0")
"""The release of QEMU from which libvirt gives migrate-incoming exit-on-error."""


class Migration(NamedTuple):
    """A migration between two libvirts.

    Attributes:
        case: what is asked for.
        versions: of libvirt, by end.
        builds: of QEMU, by end.
    """

    case: Case
    versions: dict[str, Version]
    builds: dict[str, QemuBuild]

    @property
    def flags(self) -> Flags:
        """Flags and typed parameters."""
        return self.case.flags

    @property
    def qemu_connects(self) -> bool:
        """Whether the source's QEMU opens the stream itself, in place of getting a descriptor."""
        postcopy = self.flags.has("POSTCOPY") and self.versions["source"] >= QEMU_CONNECTS_POSTCOPY
        if self.flags.has("TUNNELLED"):
            return False
        return self.flags.has("PARALLEL") or postcopy or self.case.uri.startswith("rdma:")


def requests(
    options: str | Sequence[str] | Flags,
    *,
    libvirt: str,
    source: QemuBuild | str,
    destination: QemuBuild | str,
    destination_libvirt: str | None = None,
    domain: Domain | None = None,
) -> Requests:
    """What libvirt sends to the QEMU of each end for ``virsh migrate``, ``save``, ``restore``, ``dump`` and their kin.

    Args:
        options: virsh's words as a list, or as one string: a whole command line, or only the options of migrate; or
            the Flags that a program passes to libvirt.
        libvirt: the version of libvirt at the source, such as ``"11.3"``.
        source: the source's QEMU: a QemuBuild, or a release.
        destination: the destination's QEMU.
        destination_libvirt: the version of libvirt at the destination; by default, the same.
        domain: facts about the domain; by default, a plain one that is not being migrated.

    Raises:
        LibvirtRefusal: libvirt refuses the command itself.
        TypeError, ValueError: an impossible argument; the text names it.
    """
    command, _, migration = asked(
        options, libvirt, source, destination, destination_libvirt=destination_libvirt, domain=domain
    )
    if command != "migrate":
        return saved(command, migration.case, migration.versions["source"], migration.builds["source"])
    return migrated(migration)


def asked(
    options: object,
    libvirt: object,
    source: object,
    destination: object,
    *,
    destination_libvirt: object = None,
    domain: object = None,
) -> tuple[str, dict[str, Any], Migration]:
    """A command of virsh, its options, and the migration that they ask for. Arguments and errors as in requests()."""
    versions = {
        "source": version_of(libvirt, "libvirt"),
        "destination": version_of(
            libvirt if destination_libvirt is None else destination_libvirt, "destination_libvirt"
        ),
    }
    builds = {"source": require_build(source, "source"), "destination": require_build(destination, "destination")}
    facts = Domain() if domain is None else domain
    if not isinstance(facts, Domain):
        wrong_type(domain, "domain", "a Domain")
    if isinstance(options, Flags):
        return "migrate", {}, Migration(_case(options, {}, facts), versions, builds)
    command, words = command_of(split(options), ("migrate", *COMMANDS))
    known = OPTIONS if command == "migrate" else COMMANDS[command][0]
    given = read(command, words, known, versions["source"])
    if command == "migrate":
        _refuse_as_virsh(given, versions["source"])
    convert(given, known)
    flags = flags_of(given) if command == "migrate" else Flags()
    return command, given, Migration(_case(flags, given, facts), versions, builds)


def _refuse_as_virsh(given: dict[str, Any], version: Version) -> None:
    """Refuses what virsh migrate refuses, in its order; replaces texts by values meanwhile."""
    case = _case(Flags(), given, Domain())
    raise_first(VIRSH_SWITCHES, case, version, "virsh")
    convert(given, (option for option in OPTIONS if option.word == "timeout"))
    raise_first(VIRSH_TIMEOUTS, case, version, "virsh")
    convert(given, OPTIONS)
    raise_first(VIRSH_LATE, case, version, "virsh")


def _case(flags: Flags, given: dict[str, Any], domain: Domain) -> Case:
    connection = given.get("desturi", "")
    uri = flags.parameters.get("migrate_uri") or f"tcp://{_bracketed(host_of(connection) or SOMEWHERE)}"
    return Case(flags, given, domain, given.get("domain", "DOMAIN"), uri, connection)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def migrated(migration: Migration) -> Requests:
    """What is sent for a migration. Raises LibvirtRefusal, with what was sent before.

    If the destination's QEMU refuses what it is sent, the source's libvirt is not asked any more, and refuses nothing.
    """
    case, versions = migration.case, migration.versions
    raise_first(CLIENT, case, versions["source"], "client")
    refuse_unknown(case, versions["source"], "source")
    rules = RESUME if case.has("POSTCOPY_RESUME") else (*ALLOWED, *BEGIN)
    raise_first(rules, case, versions["source"], "source")
    refuse_unknown(case, versions["destination"], "destination")
    if case.has("OFFLINE"):
        return Requests(NOTHING, NOTHING)
    refuse_parameters(case, versions["destination"], "destination")
    raise_first(PREPARE, case, versions["destination"], "destination")
    destination, source = _sent(migration, "destination"), None
    try:
        raise_first(DISKS, case, versions["destination"], "destination")
        refuse_parameters(case, versions["source"], "source")
        raise_first((UNIX_TLS,), case, versions["source"], "source")
        source = _sent(migration, "source")
        raise_first((UNIX_DISKS,), case, versions["source"], "source")
    except LibvirtRefusal as refusal:
        if refusal.stage == "source" and is_refused(migration.builds["destination"], destination):
            return Requests(_sent(migration, "source", strict=False), destination)
        refusal.source, refusal.destination = source, destination
        if refusal.stage == "destination":
            refusal.destination = _before_the_disks(destination, versions["destination"])
        raise
    return Requests(source, destination)


def _before_the_disks(sent: EndRequests, version: Version) -> EndRequests:
    """What the destination is sent before QEMU's server for the disks is started."""
    if version >= REWORKED:
        return EndRequests({}, {}, AT_START)
    return EndRequests(sent.capabilities, sent.parameters, sent.commands[:-1], sent.reset)


def _sent(migration: Migration, end: str, *, strict: bool = True) -> EndRequests:
    """What this end's QEMU gets. If strict, raises LibvirtRefusal if it lacks a capability."""
    flags, build, version = migration.flags, migration.builds[end], migration.versions[end]
    start = AT_START if end == "destination" else ()
    query = Command("query-migrate-parameters", {})
    parameters = in_order(_parameters(migration, end))
    if flags.has("POSTCOPY_RESUME"):
        opening = _opening(migration, end)
        return EndRequests({}, parameters, (query, *set_commands({}, parameters), *opening))
    wanted, optional = _wanted(migration, end)
    capabilities = capabilities_of(version, build, wanted | optional)
    lacking = [name for name in CAPABILITIES if name in wanted and name not in capabilities]
    if strict and lacking:
        text = f"Migration option '{lacking[0]}' is not supported by QEMU binary"
        raise LibvirtRefusal(text, UNSUPPORTED, end, **({end: EndRequests({}, {}, start)} if start else {}))
    credentials = _credentials(end) if flags.has("TLS") else ()
    start = (*start, *(_graphics(flags) if end == "source" else ()))
    commands = (*start, query, *credentials, *set_commands(capabilities, parameters), *_opening(migration, end))
    reset = (*reset_of(version, build), *_forgotten(flags))
    return EndRequests(capabilities, parameters, commands, reset)


def _wanted(migration: Migration, end: str) -> tuple[dict[str, bool], dict[str, bool]]:
    """The capabilities that are asked for, and those that are taken if QEMU has them."""
    flags = migration.flags
    by_flag = [
        option.sets
        for option in OPTIONS
        if option.flag not in {"", "COMPRESSED", "TLS"}
        and flags.has(option.flag)
        and end in option.ends
        and option.sets
    ]
    by_method = [METHODS[method] for method in _methods(flags) if method in METHODS]
    always = [] if flags.has("TUNNELLED") else ["return-path"]
    by_disk = ["dirty-bitmaps"] if _bitmaps(migration.case) else []
    own = "pause-before-switchover" if end == "source" else "late-block-activate"
    return dict.fromkeys((*by_method, *by_flag, *by_disk, *always), True), dict.fromkeys(
        (own, *_agreed(migration)), True
    )


def _methods(flags: Flags) -> tuple[str, ...]:
    return flags.methods or (("xbzrle",) if flags.has("COMPRESSED") else ())


def _agreed(migration: Migration) -> list[str]:
    """The optional capabilities: both libvirts know them, and both QEMUs have them."""
    flags, listed = migration.flags, [build.listed for build in migration.builds.values()]
    asked = {"postcopy-preempt": flags.has("POSTCOPY"), "switchover-ack": not flags.has("TUNNELLED")}
    if min(migration.versions.values()) < OPTIONAL_SINCE:
        return []
    return [name for name, is_asked in asked.items() if is_asked and all(name in names for names in listed)]


def _parameters(migration: Migration, end: str) -> dict[str, Any]:
    flags = migration.flags
    given = {
        FIELDS[field].sets: _in_bytes(value) if FIELDS[field].factor == MIB else value
        for field, value in flags.parameters.items()
        if end in FIELDS[field].ends
    }
    if flags.has("POSTCOPY_RESUME"):
        return {name: value for name, value in given.items() if name == "max-postcopy-bandwidth"}
    if bitmaps := _bitmaps(migration.case):
        given["block-bitmap-mapping"] = bitmaps
    for method in set(flags.methods).intersection(MULTIFD_METHODS):
        given["multifd-compression"] = method
    if end == "source":
        given["max-bandwidth"] = given["max-bandwidth"] if flags.parameters.get("bandwidth") else UNLIMITED
    if not flags.has("TLS"):
        return given | {"tls-creds": "", "tls-hostname": ""}
    return {"tls-creds": TLS_OBJECT, "tls-hostname": _tls_host(migration, end)} | given


def _bitmaps(case: Case) -> list[dict[str, Any]]:
    """The mapping of the persistent bitmaps of disks that are copied. libvirt numbers and names the last disk first."""
    disks, names = case.domain.disks or {}, copied(case)
    return [
        {
            "node-name": f"libvirt-{number}-format",
            "alias": disk,
            "bitmaps": [{"name": bitmap, "alias": f"libvirt-{disk}-{bitmap}"} for bitmap in disks[disk]],
        }
        for number, disk in enumerate(reversed(tuple(disks)), 1)
        if disks[disk] and disk in names
    ]


def _in_bytes(mebibytes: int) -> int:
    """Bytes per second, as C multiplies: libvirt checks only some bandwidths."""
    return mebibytes * MIB % (1 << 64)


def _tls_host(migration: Migration, end: str) -> str:
    """The host whose certificate QEMU expects; "" if QEMU knows it, because it connects itself, or is connected to."""
    return "" if end == "destination" or migration.qemu_connects else host_of(migration.case.uri) or ""


def _graphics(flags: Flags) -> tuple[Command, ...]:
    """Where a SPICE client is sent, if that is said."""
    uri = flags.parameters.get("graphics_uri", "")
    query = dict(part.partition("=")[::2] for part in uri.partition("?")[2].split("&"))
    port, tls_port = port_of(uri), number_of(query.get("tlsPort", ""))
    if scheme_of(uri) != "spice" or max(port, tls_port) <= 0:
        return ()
    subject = {"cert-subject": query["tlsSubject"]} if "tlsSubject" in query else {}
    ports = {"port": port, "tls-port": tls_port}
    return (Command("client_migrate_info", {"protocol": "spice", "hostname": host_of(uri), **ports, **subject}),)


def _credentials(end: str) -> tuple[Command, ...]:
    endpoint = "client" if end == "source" else "server"
    arguments = {"qom-type": "tls-creds-x509", "id": TLS_OBJECT, "dir": CERTIFICATES, "endpoint": endpoint}
    return Command("object-del", {"id": TLS_OBJECT}), Command("object-add", {**arguments, "verify-peer": True})


def _forgotten(flags: Flags) -> tuple[Command, ...]:
    return (Command("object-del", {"id": TLS_OBJECT}),) if flags.has("TLS") else ()


def _opening(migration: Migration, end: str) -> tuple[Command, ...]:
    """The commands that open the stream at this end."""
    return _outgoing(migration) if end == "source" else (_incoming(migration),)


def _outgoing(migration: Migration) -> tuple[Command, ...]:
    flags = migration.flags
    resume = flags.has("POSTCOPY_RESUME")
    stop = () if flags.has("LIVE") or resume else (Command("stop", {}),)
    fd = () if migration.qemu_connects else (Command("getfd", {"fdname": "migrate"}),)
    uri = _address(migration.case.uri) if migration.qemu_connects else "fd:migrate"
    detach = {} if migration.versions["source"] >= NO_DETACH else {"detach": True}
    return (*stop, *fd, Command("migrate", {**detach, "resume": resume, "uri": uri}))


def _incoming(migration: Migration) -> Command:
    uri, build = migration.case.uri, migration.builds["destination"]
    scheme = uri.partition(":")[0]
    listen = migration.flags.parameters.get("listen_address", "::")
    address = _address(uri) if scheme == "unix" else f"{scheme}:{_bracketed(listen)}:{_port(uri)}"
    if migration.flags.has("TUNNELLED"):
        address = "fd:migrate"
    if migration.flags.has("POSTCOPY_RESUME"):
        return Command("migrate-recover", {"uri": address})
    known = migration.versions["destination"] >= OPTIONAL_SINCE and build._c.release >= EXIT_ON_ERROR
    return Command("migrate-incoming", {**({"exit-on-error": False} if known else {}), "uri": address})


def _address(uri: str) -> str:
    """The URI as QEMU writes it."""
    scheme, _, rest = uri.partition(":")
    if scheme == "unix":
        return f"unix:{rest.removeprefix('//')}"
    return f"{scheme}:{_bracketed(host_of(uri) or SOMEWHERE)}:{_port(uri)}"


def _port(uri: str) -> int:
    """The port, of which 16 bits count."""
    return max(port_of(uri), 0) % (1 << 16) or FIRST_PORT
