# SPDX-License-Identifier: GPL-2.0-or-later

"""Known bugs of QEMU releases."""

from __future__ import annotations

from pymig._core import lib
from pymig.capability import CapabilitySet
from pymig.release import rows, text
from pymig.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from pymig._core import QemuFault


class KnownFault(Value):
    """A bug of some releases of QEMU, which accept a request and then crash or misbehave. Immutable.

    Attributes:
        fault: a stable identifier, e.g. ``"savevm/multifd"``.
        command: the QMP or HMP command that triggers it.
        condition: when the command triggers it.
        consequence: what happens then.
        releases: the affected releases, in words.
        reference: where it was reported or fixed.
        capabilities: one of these must be on; empty if the fault does not depend on capabilities.
    """

    __slots__ = ("capabilities", "command", "condition", "consequence", "fault", "reference", "releases")

    fault: str
    command: str
    condition: str
    consequence: str
    releases: str
    reference: str
    capabilities: CapabilitySet

    def __new__(cls, c_fault: QemuFault) -> Self:
        """From a row of C's table."""
        self = object.__new__(cls)
        texts = ("command", "condition", "consequence", "releases", "reference")
        self._set(fault=text(c_fault.id), capabilities=CapabilitySet.from_mask(c_fault.capabilities))
        self._set(**{name: text(getattr(c_fault, name)) for name in texts})
        return self

    def __str__(self) -> str:
        return f"{self.command}: {self.condition}: {self.consequence}"

    def to_dict(self) -> dict[str, Any]:
        """The fault as a dict for JSON."""
        return {name: getattr(self, name) for name in self.__slots__} | {"capabilities": list(self.capabilities)}

    def __reduce__(self) -> tuple[object, ...]:
        return (_fault_named, (self.fault,))


FAULTS: tuple[KnownFault, ...] = tuple(map(KnownFault, rows(lib.qemu_fault)))
"""Every known fault, indexed by C's numbers."""


def _fault_named(name: str) -> KnownFault:
    return next(fault for fault in FAULTS if fault.fault == name)


def faults_of(bits: int) -> tuple[KnownFault, ...]:
    """The faults in this bit mask."""
    return tuple(fault for i, fault in enumerate(FAULTS) if bits >> i & 1)
