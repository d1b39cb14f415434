# SPDX-License-Identifier: GPL-2.0-or-later

"""What libvirt sets in the QEMU of each end of a migration, and what it refuses itself.

>>> from pymig import libvirt
>>> sent = libvirt.requests("--live --postcopy", libvirt="11.3", source="10.0", destination="10.0")
>>> [name for name, on in sent.destination.capabilities.items() if on]
['postcopy-ram', 'late-block-activate', 'return-path', 'postcopy-preempt', 'switchover-ack']
"""

from pymig.libvirt.domain import Domain
from pymig.libvirt.faults import KnownLibvirtFault, known_faults
from pymig.libvirt.flags import Flags
from pymig.libvirt.predict import requests
from pymig.libvirt.sent import Command, EndRequests, LibvirtRefusal, Requests
from pymig.libvirt.version import VERSIONS

__all__ = [
    "VERSIONS",
    "Command",
    "Domain",
    "EndRequests",
    "Flags",
    "KnownLibvirtFault",
    "LibvirtRefusal",
    "Requests",
    "known_faults",
    "requests",
]
