"""QEMU's migration capabilities, checked as QEMU checks them, before QEMU does.

>>> import pymig
>>> pymig.check(["multifd", "compress"])
<Verdict refused by 'multifd/compress': 'Multifd is not compatible with compress'>
"""

from pymig.checker import Checker, check, validate
from pymig.errors import (
    CapabilityError,
    DeprecatedParameterWarning,
    IgnoredParameterWarning,
    KnownFaultWarning,
    MigrationActiveError,
    MigrationError,
    ParameterError,
    QemuBinaryError,
    UnknownCapabilityError,
)
from pymig.host.host import Host, PostcopySupport
from pymig.host.memory import Memory
from pymig.host.report import HostReport, probe
from pymig.qemu.build import QemuBuild
from pymig.qemu.capability import CapabilitySet
from pymig.verdict import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pymig.announce import AnnounceParameters
    from pymig.difference import ReleaseDifference, diff
    from pymig.qemu.fault import KnownFault
    from pymig.state import MigrationState

__version__ = "0.1.0"

__all__ = [
    "AnnounceParameters",
    "CapabilityError",
    "CapabilitySet",
    "Checker",
    "DeprecatedParameterWarning",
    "Host",
    "HostReport",
    "IgnoredParameterWarning",
    "KnownFault",
    "KnownFaultWarning",
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

# Imported when they are first used: a check needs none of them, nor does a probe, which must work where nothing can be
# opened any more.
_LATER = {
    "AnnounceParameters": "announce",
    "KnownFault": "qemu.fault",
    "MigrationState": "state",
    "ReleaseDifference": "difference",
    "diff": "difference",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - as late as what it imports

    value = globals()[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
