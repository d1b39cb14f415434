# SPDX-License-Identifier: GPL-2.0-or-later

"""What libvirt sends for ``virsh save`` and its kin, and for the commands that change a running migration."""

from __future__ import annotations

from pymig.libvirt.flags import MIB, Option
from pymig.libvirt.refusals import ARGUMENT, OVERFLOW, TO_A_FILE, raise_first
from pymig.libvirt.sent import NOTHING, Command, EndRequests, LibvirtRefusal, Requests
from pymig.libvirt.wire import AT_START, UNLIMITED, capabilities_of, set_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from pymig.libvirt.refusals import Case
    from pymig.libvirt.version import Version
    from pymig.qemu.build import QemuBuild

    Sent: TypeAlias = Callable[[Mapping[str, Any], Version, QemuBuild], EndRequests]

SPARSE_SINCE: Version = (11, 2)
NO_LIVE_DUMP: Version = (12, 8)
"""The first version seen to refuse ``dump --live``; 11.3 does not."""

RESTORE_RESETS: Version = (10, 0)
"""The version from which restore sets capabilities: after 9.0, and before 11.3."""

DOMAIN, FILE = Option("domain", "string"), Option("file", "string")
QUERY = Command("query-migrate-parameters", {})


def _switches(*words: str) -> tuple[Option, ...]:
    return tuple(Option(word) for word in words)


CHANNELS = Option("parallel-channels", "int", since=SPARSE_SINCE)

SAVE = (
    DOMAIN,
    FILE,
    Option("bypass-cache"),
    Option("xml", "string"),
    Option("image-format", "string", since=SPARSE_SINCE),
    CHANNELS,
    *_switches("running", "paused", "verbose"),
)
MANAGEDSAVE = (DOMAIN, *_switches("bypass-cache", "running", "paused", "verbose"))
DUMP = (
    DOMAIN,
    FILE,
    *_switches("live", "crash", "bypass-cache", "reset", "verbose", "memory-only"),
    Option("format", "string"),
)
RESTORE = (
    FILE,
    Option("bypass-cache"),
    Option("xml", "string"),
    CHANNELS,
    *_switches("running", "paused", "reset-nvram"),
)
SNAPSHOT = (
    DOMAIN,
    Option("name", "string"),
    Option("description", "string"),
    *_switches(
        "print-xml", "no-metadata", "halt", "disk-only", "reuse-external", "quiesce", "atomic", "live", "validate"
    ),
    Option("memspec", "string"),
    Option("diskspec", "words"),
)


def saved(command: str, case: Case, version: Version, build: QemuBuild) -> Requests:
    """What is sent to this host's QEMU. Raises LibvirtRefusal."""
    sent = COMMANDS[command][1](case.given, version, build)
    if any(one.execute == "migrate" for one in sent.commands):
        raise_first(TO_A_FILE, case, version, "source")
    return Requests(sent, NOTHING)


def _save(given: Mapping[str, Any], version: Version, build: QemuBuild) -> EndRequests:
    sparse = given.get("image-format") == "sparse"
    if "parallel-channels" in given and not sparse:
        raise LibvirtRefusal("Parallel save is only supported with the 'sparse' save image format", ARGUMENT)
    extra = {"direct-io": True} if sparse and "bypass-cache" in given else {}
    return _to_file(version, build, live=False, sparse=_sparse(given) if sparse else {}, extra=extra)


def _sparse(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"multifd-channels": given.get("parallel-channels", 1)}


def _dump(given: Mapping[str, Any], version: Version, build: QemuBuild) -> EndRequests:
    if "live" in given and version >= NO_LIVE_DUMP:
        raise LibvirtRefusal("unsupported flags (0x2) in function qemuDomainCoreDump")
    return NOTHING if "memory-only" in given else _to_file(version, build, live="live" in given)


def _snapshot(given: Mapping[str, Any], version: Version, build: QemuBuild) -> EndRequests:
    with_memory = "memspec" in given and "disk-only" not in given and "print-xml" not in given
    return _to_file(version, build, live="live" in given) if with_memory else NOTHING


def _to_file(
    version: Version,
    build: QemuBuild,
    *,
    live: bool,
    sparse: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> EndRequests:
    """A migration to a file. After a sparse one, libvirt sets the same again in place of a reset."""
    capabilities = capabilities_of(version, build, ("mapped-ram", "multifd") if sparse else ())
    parameters = {"max-bandwidth": UNLIMITED, **(sparse or {}), **(extra or {})}
    settings = set_commands(capabilities, parameters)
    stop = () if live else (Command("stop", {}),)
    uri = "file:/dev/fdset/0" if sparse else "fd:migrate"
    opened = Command("add-fd", {"fdset-id": 0}) if sparse else Command("getfd", {"fdname": "migrate"})
    commands = (*stop, QUERY, *settings, opened, Command("migrate", {"resume": False, "uri": uri}))
    return EndRequests(capabilities, parameters, commands, settings)


def _restore(given: Mapping[str, Any], version: Version, build: QemuBuild) -> EndRequests:
    """Only a sparse image can be read by several channels; without them an ordinary one is assumed."""
    sparse = "parallel-channels" in given
    on = ("mapped-ram", "multifd") if sparse else ()
    capabilities = capabilities_of(version, build, on) if version >= RESTORE_RESETS else {}
    parameters = _sparse(given) if sparse else {}
    incoming = Command("migrate-incoming", {"uri": "file:/dev/fdset/0" if sparse else "fd:migrate"})
    return EndRequests(capabilities, parameters, (*AT_START, *set_commands(capabilities, parameters), incoming))


def _speed(given: Mapping[str, Any], *_: object) -> EndRequests:
    name = "max-postcopy-bandwidth" if "postcopy" in given else "max-bandwidth"
    most = UNLIMITED // MIB + 1
    if given.get("bandwidth", 0) >= most:
        raise LibvirtRefusal(f"bandwidth must be less than {most}", OVERFLOW)
    return _parameter(name, given, "bandwidth", MIB)


def _downtime(given: Mapping[str, Any], *_: object) -> EndRequests:
    return _parameter("downtime-limit", given, "downtime")


def _cache(given: Mapping[str, Any], *_: object) -> EndRequests:
    return _parameter("xbzrle-cache-size", given, "size")


def _asks(*_: object) -> EndRequests:
    return EndRequests({}, {}, (QUERY,))


def _parameter(name: str, given: Mapping[str, Any], word: str, factor: int = 1) -> EndRequests:
    parameters = {name: given[word] * factor} if word in given else {}
    return EndRequests({}, parameters, set_commands({}, parameters))


COMMANDS: dict[str, tuple[tuple[Option, ...], Sent]] = {
    "save": (SAVE, _save),
    "managedsave": (MANAGEDSAVE, _save),
    "dump": (DUMP, _dump),
    "restore": (RESTORE, _restore),
    "snapshot-create-as": (SNAPSHOT, _snapshot),
    "migrate-setspeed": ((DOMAIN, Option("bandwidth", "number"), Option("postcopy")), _speed),
    "migrate-getspeed": ((DOMAIN, Option("postcopy")), _asks),
    "migrate-getmaxdowntime": ((DOMAIN,), _asks),
    "migrate-setmaxdowntime": ((DOMAIN, Option("downtime", "number")), _downtime),
    "migrate-compcache": ((DOMAIN, Option("size", "number")), _cache),
}
"""virsh's commands besides migrate: their options, and what is sent."""
