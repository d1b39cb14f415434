"""Checks QEMU's migration capabilities as QEMU does, before QEMU does.

>>> import pymig
>>> pymig.check(["multifd", "compress"])
<Verdict refused by 'multifd/compress': 'Multifd is not compatible with compress'>
"""

from pymig.capability import CapabilitySet
from pymig.checker import Checker, check, validate
from pymig.context import Context
from pymig.errors import (
    DeprecatedParameterWarning,
    IgnoredParameterWarning,
    KnownFaultWarning,
    MigrationActiveError,
    MigrationError,
    ParameterError,
    ParameterTypeError,
    QemuBinaryError,
    RequestTypeError,
    UnknownCapabilityError,
)
from pymig.host.facts import PostcopySupport
from pymig.host.host import Host
from pymig.host.memory import Memory
from pymig.host.probe import probe
from pymig.host.report import Diagnosis, HostReport, MemoryReport
from pymig.qemu.build import QemuBuild
from pymig.verdict import CapabilityError, Change, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pymig.difference import ReleaseDifference, diff
    from pymig.qemu.fault import KnownFault
    from pymig.state import AnnounceParameters, MigrationState

__version__ = "0.1.0"

__all__ = [
    "AnnounceParameters",
    "CapabilityError",
    "CapabilitySet",
    "Change",
    "Checker",
    "Context",
    "DeprecatedParameterWarning",
    "Diagnosis",
    "Host",
    "HostReport",
    "IgnoredParameterWarning",
    "KnownFault",
    "KnownFaultWarning",
    "Memory",
    "MemoryReport",
    "MigrationActiveError",
    "MigrationError",
    "MigrationState",
    "ParameterError",
    "ParameterTypeError",
    "PostcopySupport",
    "QemuBinaryError",
    "QemuBuild",
    "ReleaseDifference",
    "RequestTypeError",
    "UnknownCapabilityError",
    "Verdict",
    "__version__",
    "check",
    "diff",
    "probe",
    "validate",
]

# Imported on first use, because a check does not need them. A probe's modules are imported at once, because a probe
# must work even if no more files can be opened.
_LATER = {
    "AnnounceParameters": "state",
    "KnownFault": "qemu.fault",
    "MigrationState": "state",
    "ReleaseDifference": "difference",
    "diff": "difference",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - needed only here

        value = globals()[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
