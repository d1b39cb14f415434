"""QEMU's migration capabilities, checked as QEMU checks them, before QEMU does.

>>> import pymig
>>> pymig.check(["multifd", "compress"])
<Verdict refused by 'multifd/compress': 'Multifd is not compatible with compress'>
"""

from pymig.build import QemuBuild
from pymig.capability import CapabilitySet
from pymig.checker import Checker, check, validate
from pymig.errors import (
    CapabilityError,
    IgnoredParameterWarning,
    MigrationActiveError,
    MigrationError,
    ParameterError,
    QemuBinaryError,
    UnknownCapabilityError,
)
from pymig.host import Host, PostcopySupport
from pymig.memory import Memory
from pymig.releases import ReleaseDifference, diff
from pymig.report import HostReport, probe
from pymig.state import AnnounceParameters, MigrationState
from pymig.verdict import Verdict

__version__ = "0.1.0"

__all__ = [
    "AnnounceParameters",
    "CapabilityError",
    "CapabilitySet",
    "Checker",
    "Host",
    "HostReport",
    "IgnoredParameterWarning",
    "Memory",
    "MigrationActiveError",
    "MigrationError",
    "MigrationState",
    "ParameterError",
    "PostcopySupport",
    "QemuBinaryError",
    "QemuBuild",
    "ReleaseDifference",
    "UnknownCapabilityError",
    "Verdict",
    "__version__",
    "check",
    "diff",
    "probe",
    "validate",
]
