"""Probes this machine."""

from __future__ import annotations

from pymig._core import ffi, lib
from pymig.host.diagnosis import diagnose
from pymig.host.host import page_size_of
from pymig.host.memory import Memory, RamBlocks
from pymig.host.report import HostReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


_PLAIN = (Memory(),)
_PLAIN_BLOCKS = RamBlocks(_PLAIN)


def probe(memory: Iterable[Memory] = _PLAIN, *, target_page_size: int | None = None) -> HostReport:
    """Probes this machine's kernel for everything that QEMU's checks depend on, at one moment.

    Args:
        memory: the blocks of the guest's memory.
        target_page_size: the guest's page size in bytes; the host's own if not given.

    Raises:
        OSError: a block's path does not exist or is not accessible.
    """
    blocks = _PLAIN_BLOCKS if memory is _PLAIN else RamBlocks(memory)
    reports = ffi.new("RamBlockReport[]", max(len(blocks), 1))
    report = HostReport(
        blocks.memory, lib.host_probe(blocks.c, len(blocks), page_size_of(target_page_size), reports), reports
    )
    report._set(diagnosis=diagnose(report))
    return report
