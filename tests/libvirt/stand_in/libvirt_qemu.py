# SPDX-License-Identifier: GPL-2.0-or-later

"""See libvirt."""

import json
import os
import socket
import time

import libvirt

VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT = 0
LIES = {"no-json": "}", "no-object": "[]", "no-return": "{}", "long": " " * (20 << 20)}


def qemuMonitorCommand(domain, command, flags):  # noqa: N802 - libvirt's own name
    name = domain.name()
    if name == "hangs":
        time.sleep(600)
    if name == "ends":
        os._exit(1)
    if name == "refuses":
        raise libvirt.libvirtError("Timed out during operation: cannot acquire state change lock")
    return LIES[name] if name in LIES else asked(command)


def asked(command):
    """QEMU's answer, without its events."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["STAND_IN_QMP"])
        lines = connection.makefile("rw")
        lines.readline()  # the greeting
        for request in ('{"execute": "qmp_capabilities"}', command.strip()):
            lines.write(f"{request}\n")
            lines.flush()
            while "event" in (answer := json.loads(lines.readline())):
                pass
    return json.dumps(answer)
