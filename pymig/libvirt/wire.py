# SPDX-License-Identifier: GPL-2.0-or-later

"""What libvirt names in QMP: its capabilities and parameters, in its order, and the commands that carry them."""

from __future__ import annotations

from warnings import catch_warnings, simplefilter

from pymig.errors import MigrationError
from pymig.host.host import Host
from pymig.libvirt.sent import Command
from pymig.libvirt.version import OLDEST
from pymig.state import MigrationState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from pymig.libvirt.sent import EndRequests
    from pymig.libvirt.version import Version
    from pymig.qemu.build import QemuBuild

OPTIONAL_SINCE: Version = (10, 0)
"""The version that takes postcopy-preempt and switchover-ack if both ends have them."""

CAPABILITIES: dict[str, Version] = {
    "xbzrle": OLDEST,
    "auto-converge": OLDEST,
    "rdma-pin-all": OLDEST,
    "postcopy-ram": OLDEST,
    "compress": OLDEST,
    "pause-before-switchover": OLDEST,
    "late-block-activate": OLDEST,
    "multifd": OLDEST,
    "dirty-bitmaps": OLDEST,
    "return-path": OLDEST,
    "zero-copy-send": OLDEST,
    "postcopy-preempt": OPTIONAL_SINCE,
    "switchover-ack": OPTIONAL_SINCE,
    "mapped-ram": (11, 2),
}
"""The capabilities that libvirt names, in its order, and the first version that does, of those known."""

PARAMETERS: dict[str, Version] = {
    "compress-level": OLDEST,
    "compress-threads": OLDEST,
    "decompress-threads": OLDEST,
    "cpu-throttle-initial": OLDEST,
    "cpu-throttle-increment": OLDEST,
    "tls-creds": OLDEST,
    "tls-hostname": OLDEST,
    "max-bandwidth": OLDEST,
    "downtime-limit": OLDEST,
    "block-incremental": OLDEST,
    "xbzrle-cache-size": OLDEST,
    "max-postcopy-bandwidth": OLDEST,
    "multifd-channels": OLDEST,
    "multifd-compression": (9, 4),
    "multifd-zlib-level": (9, 4),
    "multifd-zstd-level": (9, 4),
    "avail-switchover-bandwidth": (11, 1),
    "direct-io": (11, 2),
    "block-bitmap-mapping": OLDEST,
}
"""The migration parameters that libvirt names, likewise."""

UNLIMITED = 8796093022207 << 20
"""Bytes per second that libvirt calls unlimited."""

AT_START = (
    Command("query-migrate-capabilities", {}),
    Command("migrate-set-capabilities", {"capabilities": [{"capability": "events", "state": True}]}),
)
"""What every QEMU gets that libvirt starts."""


def capabilities_of(version: Version, build: QemuBuild, on: Collection[str] = ()) -> dict[str, bool]:
    """Every capability that libvirt knows and this QEMU lists, and whether it is on."""
    return {name: name in on for name, since in CAPABILITIES.items() if since <= version and name in build.listed}


def in_order(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters in libvirt's order."""
    return {name: parameters[name] for name in PARAMETERS if name in parameters}


def set_commands(capabilities: Mapping[str, bool], parameters: Mapping[str, Any]) -> tuple[Command, ...]:
    """The commands that set them, without those that would set nothing."""
    switches = [{"capability": name, "state": on} for name, on in capabilities.items()]
    return (
        *((Command("migrate-set-capabilities", {"capabilities": switches}),) if switches else ()),
        *((Command("migrate-set-parameters", dict(parameters)),) if parameters else ()),
    )


def is_refused(build: QemuBuild, sent: EndRequests) -> bool:
    """Whether a waiting QEMU of this build refuses these settings, whatever its host can do."""
    state = MigrationState(build, Host(write_tracking="compatible", postcopy=True), incoming=True)
    with catch_warnings():
        simplefilter("ignore")
        try:
            state.set_capabilities(sent.capabilities)
            state.set_parameters(sent.parameters)
        except MigrationError:
            return True
    return False


def reset_of(version: Version, build: QemuBuild) -> tuple[Command, ...]:
    """The commands that switch all known capabilities off, and set all known parameters to the release's defaults."""
    defaults = MigrationState(build, Host()).query_parameters()
    known = {name: defaults[name] for name, since in PARAMETERS.items() if since <= version and name in defaults}
    return set_commands(capabilities_of(version, build), known)
