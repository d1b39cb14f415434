# SPDX-License-Identifier: GPL-2.0-or-later

"""A program that asks a domain's QEMU over libvirt's monitor command: ``monitor_command.py URI DOMAIN``.

pymig.ends.domain starts it, because a call to libvirt can hang, and because libvirt prints errors unless it is told
otherwise, for the whole process. It reads QMP commands, one a line, and prints JSON, one a line: first what libvirt
says of the domain, then for each command QEMU's answer as a text; ``{"error": TEXT}`` if libvirt refuses. It imports
nothing of pymig.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

READ_ONLY = re.compile("(x-)?query-|qom-(get|list)$")
"""The commands that change nothing."""


def main() -> None:
    """Connects, and answers until its input ends."""
    try:
        import libvirt  # noqa: PLC0415 - an extra
        import libvirt_qemu  # noqa: PLC0415 - likewise
    except ImportError as error:
        return tell({"missing": str(error)})
    libvirt.registerErrorHandler(lambda *_: None, None)
    uri, name = sys.argv[1:]
    try:
        connection = libvirt.open(uri or None)
        domain = found(libvirt, connection, name)
        tell(about(connection, domain))
        for line in sys.stdin:
            if not READ_ONLY.match(json.loads(line)["execute"]):
                raise ValueError(line)
            tell(libvirt_qemu.qemuMonitorCommand(domain, line, libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT))
    except libvirt.libvirtError as error:
        tell({"error": str(error)})
    return None


def found(libvirt: Any, connection: Any, name: str) -> Any:
    """The domain of this name, or else of this UUID."""
    try:
        return connection.lookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        try:
            return connection.lookupByUUIDString(name)
        except libvirt.libvirtError:
            raise error from None


def about(connection: Any, domain: Any) -> dict[str, Any]:
    """What libvirt says of the connection and of the domain."""
    return {
        "uri": connection.getURI(),
        "driver": connection.getType(),
        "name": domain.name(),
        "running": bool(domain.isActive()),
        "version": connection.getLibVersion(),
        "snapshots": domain.snapshotNum(),
        "xml": domain.XMLDesc(),
    }


def tell(what: object) -> None:
    """Prints one line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
