# SPDX-License-Identifier: GPL-2.0-or-later

"""Checks QEMU's migration capabilities as QEMU does, before QEMU does.

>>> import pymig
>>> pymig.check(["multifd", "compress"])
<Verdict refused by 'multifd/compress': 'Multifd is not compatible with compress'>
"""

__version__ = "0.2.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pymig import libvirt as libvirt
    from pymig.capability import CapabilitySet as CapabilitySet
    from pymig.catalog.explain import explain as explain
    from pymig.catalog.explanation import Explanation as Explanation
    from pymig.checker import Checker as Checker
    from pymig.checker import check as check
    from pymig.checker import validate as validate
    from pymig.context import Context as Context
    from pymig.difference import ReleaseDifference as ReleaseDifference
    from pymig.difference import diff as diff
    from pymig.ends.apply import Applied as Applied
    from pymig.ends.apply import Restoration as Restoration
    from pymig.ends.apply import apply as apply
    from pymig.ends.apply import apply_async as apply_async
    from pymig.ends.endpoint import UNKNOWN as UNKNOWN
    from pymig.ends.endpoint import Endpoint as Endpoint
    from pymig.ends.endpoint import UnknownType as UnknownType
    from pymig.ends.finding import Finding as Finding
    from pymig.ends.finding import Step as Step
    from pymig.ends.pair import Unknown as Unknown
    from pymig.ends.plan import Plan as Plan
    from pymig.ends.plan import Settings as Settings
    from pymig.ends.preflight import Preflight as Preflight
    from pymig.ends.preflight import preflight as preflight
    from pymig.ends.products import Preset as Preset
    from pymig.ends.status import StatusExplanation as StatusExplanation
    from pymig.ends.status import explain_status as explain_status
    from pymig.ends.watch import Progress as Progress
    from pymig.ends.watch import watch as watch
    from pymig.ends.watch import watch_async as watch_async
    from pymig.errors import DeprecatedParameterWarning as DeprecatedParameterWarning
    from pymig.errors import HostUnknownError as HostUnknownError
    from pymig.errors import IgnoredParameterWarning as IgnoredParameterWarning
    from pymig.errors import KnownFaultWarning as KnownFaultWarning
    from pymig.errors import MigrationActiveError as MigrationActiveError
    from pymig.errors import MigrationError as MigrationError
    from pymig.errors import MonitorError as MonitorError
    from pymig.errors import ParameterError as ParameterError
    from pymig.errors import ParameterTypeError as ParameterTypeError
    from pymig.errors import QemuBinaryError as QemuBinaryError
    from pymig.errors import RequestTypeError as RequestTypeError
    from pymig.errors import TransportError as TransportError
    from pymig.errors import TransportTypeError as TransportTypeError
    from pymig.errors import UnknownCapabilityError as UnknownCapabilityError
    from pymig.fleet.fleet import Fleet as Fleet
    from pymig.fleet.fleet import FleetMatrix as FleetMatrix
    from pymig.host.facts import PostcopySupport as PostcopySupport
    from pymig.host.host import Host as Host
    from pymig.host.memory import Memory as Memory
    from pymig.host.probe import probe as probe
    from pymig.host.report import Diagnosis as Diagnosis
    from pymig.host.report import HostReport as HostReport
    from pymig.host.report import MemoryReport as MemoryReport
    from pymig.libvirt.domain import Domain as Domain
    from pymig.libvirt.faults import KnownLibvirtFault as KnownLibvirtFault
    from pymig.libvirt.flags import Flags as Flags
    from pymig.libvirt.sent import EndRequests as EndRequests
    from pymig.libvirt.sent import LibvirtRefusal as LibvirtRefusal
    from pymig.libvirt.sent import Requests as Requests
    from pymig.qemu.build import QemuBuild as QemuBuild
    from pymig.qemu.fault import KnownFault as KnownFault
    from pymig.state import AnnounceParameters as AnnounceParameters
    from pymig.state import MigrationState as MigrationState
    from pymig.verdict import CapabilityError as CapabilityError
    from pymig.verdict import Change as Change
    from pymig.verdict import Verdict as Verdict
else:
    # Each module is imported when one of its names is first used.
    _MODULE_OF = {
        "AnnounceParameters": "state",
        "Applied": "ends.apply",
        "CapabilityError": "verdict",
        "CapabilitySet": "capability",
        "Change": "verdict",
        "Checker": "checker",
        "Context": "context",
        "DeprecatedParameterWarning": "errors",
        "Diagnosis": "host.report",
        "Domain": "libvirt.domain",
        "EndRequests": "libvirt.sent",
        "Endpoint": "ends.endpoint",
        "Explanation": "catalog.explanation",
        "Finding": "ends.finding",
        "Fleet": "fleet.fleet",
        "FleetMatrix": "fleet.fleet",
        "Flags": "libvirt.flags",
        "Host": "host.host",
        "HostReport": "host.report",
        "HostUnknownError": "errors",
        "IgnoredParameterWarning": "errors",
        "KnownFault": "qemu.fault",
        "KnownFaultWarning": "errors",
        "KnownLibvirtFault": "libvirt.faults",
        "LibvirtRefusal": "libvirt.sent",
        "Memory": "host.memory",
        "MemoryReport": "host.report",
        "MigrationActiveError": "errors",
        "MigrationError": "errors",
        "MigrationState": "state",
        "MonitorError": "errors",
        "ParameterError": "errors",
        "ParameterTypeError": "errors",
        "Plan": "ends.plan",
        "PostcopySupport": "host.facts",
        "Preflight": "ends.preflight",
        "Preset": "ends.products",
        "Progress": "ends.watch",
        "QemuBinaryError": "errors",
        "QemuBuild": "qemu.build",
        "ReleaseDifference": "difference",
        "RequestTypeError": "errors",
        "Requests": "libvirt.sent",
        "Restoration": "ends.apply",
        "Settings": "ends.plan",
        "StatusExplanation": "ends.status",
        "Step": "ends.finding",
        "TransportError": "errors",
        "TransportTypeError": "errors",
        "UNKNOWN": "ends.endpoint",
        "Unknown": "ends.pair",
        "UnknownCapabilityError": "errors",
        "UnknownType": "ends.endpoint",
        "Verdict": "verdict",
        "apply": "ends.apply",
        "apply_async": "ends.apply",
        "check": "checker",
        "diff": "difference",
        "explain": "catalog.explain",
        "explain_status": "ends.status",
        "libvirt": "libvirt",
        "preflight": "ends.preflight",
        "probe": "host.probe",
        "validate": "checker",
        "watch": "ends.watch",
        "watch_async": "ends.watch",
    }
    __all__ = ["__version__", *_MODULE_OF]  # noqa: PLE0604 - all are strings

    def __getattr__(name: str) -> object:
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = __import__(f"{__name__}.{_MODULE_OF[name]}", fromlist=(name,))
        value = globals()[name] = getattr(module, name, module)  # a package is its own value
        return value


def __dir__() -> list[str]:
    return sorted(globals()["__all__"])
