"""Asks this machine everything at once."""

from __future__ import annotations

from pymig._core import ffi, lib
from pymig.host.diagnosis import diagnose
from pymig.host.host import page_size_of
from pymig.host.memory import Memory, RamBlocks
from pymig.host.report import HostReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def probe(memory: Iterable[Memory] = (Memory(),), *, target_page_size: int | None = None) -> HostReport:
    """Asks this machine's kernel everything that QEMU's checks depend on, by trying it, at one moment.

    Args:
        memory: the blocks of the guest's memory.
        target_page_size: the guest's page size in bytes; the host's own if not given.

    Raises:
        OSError: the path of a block is not there, or can't be looked at.
    """
    blocks = RamBlocks(memory)
    reports = ffi.new("RamBlockReport[]", max(len(blocks), 1))
    report = HostReport(
        blocks.memory, lib.host_probe(blocks.c, len(blocks), page_size_of(target_page_size), reports), reports
    )
    report._set(diagnosis=diagnose(report))
    return report
