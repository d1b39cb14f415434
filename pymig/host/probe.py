# SPDX-License-Identifier: GPL-2.0-or-later

"""Probes this machine."""

from __future__ import annotations

from pymig._core import ffi, lib
from pymig.host.diagnosis import diagnose
from pymig.host.host import page_size_of
from pymig.host.memory import DEFAULT_MEMORY, blocks_of
from pymig.host.place import in_place_of_process, in_place_of_user
from pymig.host.report import HostReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymig.host.memory import Memory
    from pymig.host.place import Answer


def probe(
    memory: Iterable[Memory] = DEFAULT_MEMORY,
    *,
    target_page_size: int | None = None,
    pid: int | None = None,
    user: str | int | None = None,
    ptrace: bool = True,
) -> HostReport:
    """Probes this machine's kernel for everything that QEMU's checks depend on, at one moment.

    Args:
        memory: the blocks of the guest's memory; with ``pid``, by default those on the process's command line.
        target_page_size: the guest's page size in bytes; the host's own if not given.
        pid: ask in the place of this process, as Host.of_process does.
        user: ask in the place of this user, as Host.of_user does.
        ptrace: whether the process may be stopped, usually for less than 0.1 ms, to read its seccomp filters.

    Raises:
        OSError: a block's path does not exist or is not accessible; or as for Host.of_process.
        ValueError: both ``pid`` and ``user`` are given, or there is no such user.
    """
    page_size = page_size_of(target_page_size)
    if pid is not None and user is not None:
        raise ValueError("pid and user can't be given together")
    given = None if memory is DEFAULT_MEMORY else memory
    if pid is not None:
        return _report_of(in_place_of_process(pid, given, page_size, ptrace=ptrace))
    if user is not None:
        return _report_of(in_place_of_user(user, given, page_size))
    blocks = blocks_of(memory)
    reports = ffi.new("RamBlockReport[]", max(len(blocks), 1))
    report = HostReport(blocks.memory, lib.host_probe(blocks.c, len(blocks), page_size, reports), reports)
    report._set(diagnosis=diagnose(report))
    return report


def _report_of(answer: Answer) -> HostReport:
    report = HostReport(answer.blocks.memory, answer.c.host, answer.reports)
    report._set(_place=answer, incomplete=answer.incomplete)
    report._set(diagnosis=diagnose(report))
    return report
