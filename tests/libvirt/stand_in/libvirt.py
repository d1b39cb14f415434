# SPDX-License-Identifier: GPL-2.0-or-later

"""Stands in for libvirt-python, where there is no libvirt: a domain's QEMU is one whose QMP socket STAND_IN_QMP names.

The domain ``g`` hands commands on to it; other names are domains that misbehave, see libvirt_qemu.
"""

import os
import time

VIR_ERR_NO_DOMAIN = 42
UUID = "deadbeef-0000-4000-8000-000000000001"
NAMES = ("g", "off", "no-json", "no-object", "no-return", "long", "hangs", "ends", "refuses")


XML = """<domain type='kvm'><name>g</name><memtune><hard_limit unit='KiB'>1</hard_limit></memtune><devices>
<disk type='file' device='disk'><source file='/d'/><target dev='vda'/></disk></devices></domain>"""


class libvirtError(Exception):  # noqa: N801 - libvirt's own name
    """An error of libvirt's."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code

    def get_error_code(self):
        return self.code


def registerErrorHandler(handler, context):  # noqa: N802 - libvirt's own name
    """Without this, libvirt prints errors itself."""


class Connection:
    def __init__(self, uri):
        self.uri = uri

    def getURI(self):  # noqa: N802
        return self.uri

    def getType(self):  # noqa: N802
        return "Xen" if self.uri.startswith("xen:") else "QEMU"

    def getLibVersion(self):  # noqa: N802
        return 9_000_000

    def lookupByName(self, name):  # noqa: N802
        if name not in NAMES:
            raise libvirtError(f"Domain not found: no domain with matching name '{name}'\x1b[31m", VIR_ERR_NO_DOMAIN)
        return Domain(name)

    def lookupByUUIDString(self, text):  # noqa: N802
        if text != UUID:
            raise libvirtError("invalid argument: not a UUID")
        return Domain("g")


class Domain:
    def __init__(self, name):
        self._name = name

    def name(self):
        return self._name

    def isActive(self):  # noqa: N802
        return int(self._name != "off")

    def snapshotNum(self):  # noqa: N802
        return int(os.environ.get("STAND_IN_SNAPSHOTS", "0"))

    def XMLDesc(self):  # noqa: N802
        return XML


def open(uri):  # noqa: A001 - likewise
    uri = uri or os.environ.get("LIBVIRT_DEFAULT_URI") or "qemu:///session"
    if uri == "qemu+hangs:///system":
        time.sleep(600)
    if "://" not in uri or uri == "qemu+tls://nowhere/system":
        raise libvirtError(f"unable to connect to server at '{uri}'")
    return Connection(uri)
