# SPDX-License-Identifier: GPL-2.0-or-later

"""What a host can do: stated, asked, carried from another machine."""

import pathlib
from collections.abc import Mapping
from typing import Literal

from typing_extensions import assert_type

from pymig import (
    Diagnosis,
    Host,
    HostReport,
    HostUnknownError,
    Memory,
    MemoryReport,
    PostcopySupport,
    probe,
)

memory = Memory("memfd", share=True, size=4 << 20, page_size=2 << 20, readonly=False)
assert_type(Memory.parse("memfd,share=on,hugetlbsize=2M"), Memory)
assert_type(Memory("file", path=pathlib.Path("/dev/shm")), Memory)
assert_type(memory.kind, str)
assert_type(memory.path, str | None)
assert_type([memory.share, memory.readonly], list[bool])
assert_type([memory.size, memory.page_size], list[int | None])

host = Host("available", PostcopySupport(False, 2, 1), write_tracking_ignore_shared="compatible")
assert_type(Host(write_tracking="absent", postcopy=False), Host)
assert_type(Host.local([Memory()], target_page_size=4096), Host)
assert_type(host.write_tracking, Literal["absent", "available", "compatible"])
assert_type(host.write_tracking_ignore_shared, Literal["absent", "available", "compatible"])
assert_type(host.postcopy, PostcopySupport)
assert_type(Host.from_json(host.to_json()), Host)
assert_type({host: host == Host()}, dict[Host, bool])
host.refresh()

support = host.postcopy
assert_type(support.ok, bool)
assert_type([support.step, support.errno, support.detail], list[int])
assert_type(support.message, str)
assert_type(support.known, bool)


def supported(host: Host) -> bool | None:
    """Whether the host supports postcopy; None if that could not be found out."""
    try:
        return host.postcopy.ok
    except HostUnknownError as error:
        assert_type(error.errno, int | None)
        return None


def in_places(pid: int) -> None:
    """In the place of a process, and of a user."""
    assert_type(probe(pid=pid, ptrace=False), HostReport)
    assert_type(probe(user="root").incomplete, tuple[tuple[str, int], ...])
    assert_type(Host.of_process(pid, [Memory()], ptrace=False), Host)
    assert_type(Host.of_user("root").incomplete, tuple[tuple[str, int], ...])


report = probe([Memory()], target_page_size=4096)
assert_type(report, HostReport)
assert_type(report.userfaultfd, Literal["device", "syscall"] | None)
assert_type([report.errno, report.device_errno, report.feature_bits, report.ioctl_bits, report.page_size], list[int])
assert_type(report.api_errno, int | None)
assert_type(report.features, tuple[str, ...])
assert_type(report.ioctls, tuple[str, ...])
assert_type(report.write_tracking, Literal["unknown", "absent", "available", "compatible"])
assert_type(report.write_tracking_ignore_shared, Literal["unknown", "absent", "available", "compatible"])
assert_type(report.postcopy, PostcopySupport)
assert_type(report.host, Host)
assert_type(report.to_json(), str)
assert_type(report.memory, tuple[MemoryReport, ...])
for block in report.memory:
    assert_type(block.memory, Memory)
    assert_type([block.write_tracking, block.postcopy, block.made], list[bool])
    assert_type([block.step, block.errno], list[int])
    assert_type(block.file_system, str | None)
    assert_type(block.page_size, int | None)
assert_type(report.diagnosis, tuple[Diagnosis, ...])
for entry in report.diagnosis:
    assert_type([entry.what, entry.cause, entry.remedy], list[str])
    assert_type(entry.evidence, Mapping[str, str])
