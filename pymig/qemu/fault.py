"""What a release of QEMU does wrong although it has accepted everything."""

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
    """A fault of some releases of QEMU: what is accepted and then ends badly. Immutable.

    Attributes:
        fault: a stable identifier, e.g. ``"savevm/multifd"``.
        command: the QMP or HMP command that meets it.
        condition: when.
        consequence: what happens then.
        releases: which releases have it, in words.
        reference: where it was reported or mended.
        capabilities: one of these has to be on; empty if it depends on none.
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
        """Of a row of C's table."""
        self = object.__new__(cls)
        texts = ("command", "condition", "consequence", "releases", "reference")
        self._set(fault=text(c_fault.id), capabilities=CapabilitySet.from_mask(c_fault.capabilities))
        self._set(**{name: text(getattr(c_fault, name)) for name in texts})
        return self

    def __str__(self) -> str:
        return f"{self.command}: {self.condition}: {self.consequence}"

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {name: getattr(self, name) for name in self.__slots__} | {"capabilities": list(self.capabilities)}

    def __reduce__(self) -> tuple[object, ...]:
        return (_fault_named, (self.fault,))


FAULTS: tuple[KnownFault, ...] = tuple(map(KnownFault, rows(lib.qemu_fault)))
"""Every known fault, by the numbers that C has for them."""


def _fault_named(name: str) -> KnownFault:
    return next(fault for fault in FAULTS if fault.fault == name)


def faults_of(bits: int) -> tuple[KnownFault, ...]:
    """The faults whose bits these are."""
    return tuple(fault for i, fault in enumerate(FAULTS) if bits >> i & 1)
