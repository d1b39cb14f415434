# SPDX-License-Identifier: GPL-2.0-or-later

"""How libvirt's own refusals and faults are shown."""

from __future__ import annotations

from pymig.cli.text import RED, print_json, printable, styled
from pymig.cli.values import REFUSED
from pymig.ends.finding import Finding
from pymig.ends.plan import ENDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pymig.libvirt.faults import KnownLibvirtFault
    from pymig.libvirt.sent import LibvirtRefusal

BY_LIBVIRT = {
    "virsh": "virsh itself refuses",
    "client": "libvirt's library refuses, before it asks a host",
    "destination": "libvirt at the destination refuses",
    "source": "libvirt at the source refuses",
}


def print_refusal(refusal: LibvirtRefusal, *, as_json: bool) -> int:
    """Prints the refusal, and what had been sent before; returns the exit status."""
    sent = {name: getattr(refusal, name) for name in ENDS}
    if as_json:
        told = {name: None if end is None else end.to_dict() for name, end in sent.items()}
        print_json(
            {
                "refusal": {"message": refusal.message, "shown": refusal.shown, "stage": refusal.stage},
                "requests": told,
                "findings": [],
                "preflight": None,
                "shown": [refusal.shown],
            }
        )
        return REFUSED
    print(printable(refusal.shown))
    had_been = [f"the {name}'s QEMU" for name, end in sent.items() if end is not None]
    after = f"{' and '.join(had_been)} had got commands before" if had_been else "no QEMU gets a command of migration"
    print(f"\n{styled('refused', RED)}: {BY_LIBVIRT[refusal.stage]}; {after}")
    return REFUSED


def finding_of(fault: KnownLibvirtFault) -> Finding:
    """A known fault of libvirt's as a finding."""
    return Finding(
        rule=fault.rule,
        severity=fault.severity,
        stage="migrate",
        end=fault.end,
        message=fault.message,
        source_says="",
        guest="source",
        recovers=None,
        remedy=fault.remedy,
        consequence=f"{fault.consequence} ({fault.reference})",
    )
