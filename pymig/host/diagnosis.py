# SPDX-License-Identifier: GPL-2.0-or-later

"""The causes of what is missing on a host, with evidence and remedies.

Each missing feature gets one or more entries, with one of these causes:

===================== ================================================================================================
not-in-kernel         the kernel was built without userfaultfd
sysctl                vm.unprivileged_userfaultfd is 0, and the process lacks CAP_SYS_PTRACE
capability            it has CAP_SYS_PTRACE, but only in a user namespace of its own, which does not count
seccomp               a seccomp filter, usually a container runtime's, refuses it
device-missing        /dev/userfaultfd does not exist: a kernel before 6.1, or a container without it
device-permission     the file permissions of /dev/userfaultfd refuse access
device-cgroup         the file permissions allow access, but the device cgroup refuses it
hugepages-unavailable no huge page of this size is free
filesystem            the file system of the guest's memory lacks support, or the page size does not fit
kernel-too-old        the kernel lacks a feature; the evidence names it
resource-limit        this process ran out of descriptors or memory, or was interrupted, so the host could not be tested
unknown               none of these; see the evidence
===================== ================================================================================================
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource

from pymig._core import lib
from pymig.host.cgroup import cgroup_of, huge_pages_left
from pymig.host.facts import REFERENCE, is_inconclusive
from pymig.host.place import has_capability, methods_of, pid_of
from pymig.host.remedies import (
    ADD_CAPABILITY,
    ALLOW_BY_FILTER,
    DEVICE,
    FIND_OUT_OTHERWISE,
    OPEN_DEVICE,
    RAISE_LIMITS,
    SET_SYSCTL,
)
from pymig.host.report import Diagnosis

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymig._core import UffdMethods
    from pymig.host.report import HostReport, MemoryReport

SYSCTL = "/proc/sys/vm/unprivileged_userfaultfd"
SECCOMP_MODE_FILTER = 2
KILLED: int = lib.PYMIG_ERROR_KILLED
NOT_FOUND_OUT: int = lib.PYMIG_ERROR_UNKNOWN


def diagnose(report: HostReport) -> tuple[Diagnosis, ...]:
    """The entries for everything that the report lacks."""
    if report.userfaultfd is None:
        return tuple(_no_userfaultfd(report, methods_of(report._place)))
    if report.api_errno:
        return (_failed_step(report, "userfaultfd features", "UFFDIO_API", report.api_errno),)
    entries = [_untracked(block, report) for block in report.memory if not block.write_tracking or not block.made]
    if report.write_tracking == "absent":
        entries = [_too_old("write tracking", "UFFD_FEATURE_PAGEFAULT_FLAG_WP", "5.7", report)]
    if not report.postcopy:
        entries.append(_no_postcopy(report))
    return tuple(dict.fromkeys(entries))


# ---- No userfaultfd ----


def _no_userfaultfd(report: HostReport, ways: UffdMethods) -> list[Diagnosis]:
    evidence = _evidence(report, ways)
    device, call = _device_cause(ways), _syscall_cause(ways)
    remedies = {
        "device-missing": f"a kernel of 6.1 or later has {DEVICE}; in a container, pass it in: --device {DEVICE}",
        "device-permission": OPEN_DEVICE,
        "device-cgroup": f"allow it in the cgroup: DeviceAllow={DEVICE} rw (systemd); --device {DEVICE} (docker)",
        "not-in-kernel": "use a kernel that was built with CONFIG_USERFAULTFD=y",
        "sysctl": _numbered(OPEN_DEVICE, ADD_CAPABILITY, SET_SYSCTL),
        "capability": _numbered(OPEN_DEVICE, f"{ADD_CAPABILITY}; not in a user namespace", SET_SYSCTL),
        "seccomp": _numbered(OPEN_DEVICE, ALLOW_BY_FILTER),
        "resource-limit": RAISE_LIMITS,
        "unknown": _numbered(OPEN_DEVICE, ADD_CAPABILITY, SET_SYSCTL),
    }
    return [
        Diagnosis(f"userfaultfd by {DEVICE}", device, evidence, remedies[device]),
        Diagnosis("userfaultfd by system call", call, evidence, remedies[call]),
    ]


def _device_cause(ways: UffdMethods) -> str:
    error = ways.device_open_error or ways.device_new_error
    if _is_limit(error):
        return "resource-limit"
    causes = {
        errno.ENOENT: "device-missing",
        errno.ENXIO: "device-missing",
        errno.ENODEV: "device-missing",
        errno.EACCES: "device-permission",
        errno.EPERM: "device-cgroup",
    }
    return causes.get(error, "unknown") if ways.device_open_error else "unknown"


def _syscall_cause(ways: UffdMethods) -> str:
    error, filtered = ways.syscall_error, ways.seccomp_mode == SECCOMP_MODE_FILTER
    if error == KILLED:
        return "seccomp"
    if _is_limit(error):
        return "resource-limit"
    if error == errno.ENOSYS:
        in_kernel = os.path.exists(SYSCTL) or os.path.exists(DEVICE)  # noqa: PTH110 - pathlib takes long to import
        return "seccomp" if filtered and in_kernel else "unknown" if filtered else "not-in-kernel"
    if error == errno.EPERM and ways.syscall_user_mode_error == 0:
        # The kernel gives an unprivileged process one that is limited to user mode, so the privilege is missing.
        return "capability" if has_capability(ways.effective, "CAP_SYS_PTRACE") else "sysctl"
    return "seccomp" if filtered else "unknown"


def _evidence(report: HostReport, ways: UffdMethods) -> dict[str, str]:
    return {
        f"open {DEVICE}": _error(ways.device_open_error),
        f"mode of {DEVICE}": _mode(DEVICE, report),
        "USERFAULTFD_IOC_NEW": _error(ways.device_new_error),
        "userfaultfd(2)": _error(ways.syscall_error),
        "userfaultfd(2) with UFFD_USER_MODE_ONLY": _error(ways.syscall_user_mode_error),
        "vm.unprivileged_userfaultfd": _read(SYSCTL),
        "CapEff": f"{ways.effective:016x}",
        "CAP_SYS_PTRACE": "yes" if has_capability(ways.effective, "CAP_SYS_PTRACE") else "no",
        "Seccomp": str(ways.seccomp_mode),
        **_cgroups(report, ways),
    }


def _cgroups(report: HostReport, ways: UffdMethods) -> dict[str, str]:
    """Where the rule can be that denies the device, if one does."""
    if ways.device_open_error != errno.EPERM:
        return {}
    try:
        folders = [cgroup_of(pid_of(report._place) or os.getpid(), controller) for controller in ("", "devices")]
    except OSError as error:
        return {"cgroup": f"unknown: {error.strerror}"}
    return {"cgroup": ", ".join(filter(None, folders))}


# ---- A userfaultfd that does not suffice ----


def _untracked(block: MemoryReport, report: HostReport) -> Diagnosis:
    what = f"write tracking of {_described(block)}" if block.made else f"memory of {_described(block)}"
    evidence = {
        "file system": str(block.file_system),
        "page size": str(block.page_size),
        ("UFFDIO_REGISTER" if block.made else "mapping it"): _error(block.errno),
    }
    if not block.made:
        return _unmade(report, what, block, block.errno, evidence)
    error = report._facts()[REFERENCE].errno
    if block.errno == 0 and error:  # no block was tried
        return _failed_step(report, what, "opening a userfaultfd that tracks writes", error)
    if block.file_system == "other":
        remedy = "back the guest's memory by tmpfs, hugetlbfs, a memfd or anonymous memory"
        if block.memory.share:  # QEMU skips only shared blocks, and only if x-ignore-shared was on before
            remedy += "; or switch x-ignore-shared on, in a request of its own before background-snapshot"
        return Diagnosis(what, "filesystem", evidence, remedy)
    if block.file_system is not None and "wp-hugetlbfs-shmem" not in report.features:
        return _too_old(what, "UFFD_FEATURE_WP_HUGETLBFS_SHMEM", "5.19", report)
    if block.memory.size is not None and block.page_size is not None and block.memory.size % block.page_size:
        return Diagnosis(what, "filesystem", evidence, "make the memory's size a multiple of the page size")
    return _failed_step(report, what, "UFFDIO_REGISTER", block.errno)


def _unmade(report: HostReport, what: str, block: MemoryReport, error: int, evidence: dict[str, str]) -> Diagnosis:
    huge = block.file_system == "hugetlbfs" or (block.memory.page_size or 0) > os.sysconf("SC_PAGESIZE")
    if huge and error in (errno.ENOMEM, errno.ENODEV, errno.EINVAL):
        return _no_huge_page(what, block.page_size or block.memory.page_size or 0, evidence)
    if _is_limit(error):
        return Diagnosis(what, "resource-limit", {**evidence, **_limits(report)}, RAISE_LIMITS)
    if error == NOT_FOUND_OUT:
        return Diagnosis(what, "unknown", evidence, FIND_OUT_OTHERWISE)
    path = block.memory.path
    if path is not None:
        evidence = {**evidence, f"mode of {path}": _mode(path, report)}
        return Diagnosis(what, "filesystem", evidence, f"give QEMU's user the right to read and write {path}")
    return Diagnosis(what, "unknown", evidence, "see the errno; QEMU would not start with this memory")


def _no_huge_page(what: str, size: int, evidence: dict[str, str]) -> Diagnosis:
    pool = f"/sys/kernel/mm/hugepages/hugepages-{size // 1024}kB"
    evidence = {**evidence, f"{pool}/free_hugepages": _read(f"{pool}/free_hugepages")}
    remedy = f"reserve some: echo COUNT > {pool}/nr_hugepages"
    with contextlib.suppress(OSError, ValueError):
        limit = huge_pages_left(os.getpid(), size) if size else None
        if limit is not None and limit[0] == 0:
            evidence[limit[1]] = _read(limit[1])
            remedy = f"raise {limit[1]}"
    return Diagnosis(what, "hugepages-unavailable", evidence, remedy)


def _no_postcopy(report: HostReport) -> Diagnosis:
    support, what = report.postcopy, "incoming postcopy-ram"
    evidence = {"step": str(support.step), "errno": _error(support.errno), "QEMU says": support.message}
    if support.step in (lib.POSTCOPY_STEP_BLOCK_LENGTH, lib.POSTCOPY_STEP_FILE_SYSTEM):
        remedies = {
            lib.POSTCOPY_STEP_BLOCK_LENGTH: "make the memory's size a multiple of the page size",
            lib.POSTCOPY_STEP_FILE_SYSTEM: "put the file of the guest's memory on tmpfs (/dev/shm) or on hugetlbfs",
        }
        return Diagnosis(what, "filesystem", evidence, remedies[support.step])
    if support.step == lib.POSTCOPY_STEP_MEMORY:
        block = next(block for block in report.memory if block.step == support.step)
        return _unmade(report, f"memory of {_described(block)}", block, block.errno or support.errno, evidence)
    if support.step == lib.POSTCOPY_STEP_HUGE_PAGES:
        return _too_old(what, "UFFD_FEATURE_MISSING_HUGETLBFS", "4.11", report)
    if support.step == lib.POSTCOPY_STEP_RANGE_IOCTLS:
        return _too_old(what, "UFFDIO_WAKE, UFFDIO_COPY, UFFDIO_ZEROPAGE", "4.3", report)
    if support.step == lib.POSTCOPY_STEP_TARGET_PAGE_SIZE:
        return Diagnosis(what, "unknown", evidence, "use a target whose page size is not larger than this host's")
    return _failed_step(report, what, f"step {support.step}", support.errno, evidence)


def _too_old(what: str, feature: str, kernel: str, report: HostReport) -> Diagnosis:
    evidence = {"missing": feature, "kernel": os.uname().release, "features": ", ".join(report.features)}
    return Diagnosis(what, "kernel-too-old", evidence, f"use a kernel of {kernel} or later: it has {feature}")


def _failed_step(
    report: HostReport, what: str, step: str, error: int, evidence: Mapping[str, str] | None = None
) -> Diagnosis:
    """A system call failed that normally can't: a limit, a filter, or an unknown cause."""
    mode = lib.process_seccomp_mode() if report._place is None else report._place.c.methods.seccomp_mode
    found = {**(evidence or {}), step: _error(error), "Seccomp": str(mode), **_limits(report)}
    if _is_limit(error):
        return Diagnosis(what, "resource-limit", found, RAISE_LIMITS)
    if error == NOT_FOUND_OUT:
        return Diagnosis(what, "unknown", found, FIND_OUT_OTHERWISE)
    if mode == SECCOMP_MODE_FILTER:
        return Diagnosis(what, "seccomp", found, "allow ioctl, mmap and munlockall in the seccomp profile")
    return Diagnosis(what, "unknown", found, "see the errno; strace -f pymig probe shows the call")


def _is_limit(error: int) -> bool:
    return is_inconclusive(error) and error != NOT_FOUND_OUT


# ---- Evidence ----


def error_text(number: int) -> str:
    """strerror(), also of the numbers that pymig has in place of an errno."""
    return {KILLED: "Bad system call", NOT_FOUND_OUT: "Not found out"}.get(number) or os.strerror(number)


def _error(number: int) -> str:
    if number == KILLED:
        return "kills the process (SIGSYS)"
    if number < 0:
        return "not tried"
    return f"{errno.errorcode.get(number, number)} ({error_text(number)})" if number else "works"


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib takes long to import
            return file.read().decode().strip()
    except (OSError, ValueError) as error:
        return f"unreadable: {error}"


def _mode(path: str, report: HostReport) -> str:
    try:
        status = os.stat(_root(report) + path)  # noqa: PTH116 - likewise
    except OSError as error:
        return f"unknown: {error.strerror}"
    return f"{status.st_mode & 0o7777:04o}, user {status.st_uid}, group {status.st_gid}"


def _root(report: HostReport) -> str:
    """Where the root directory is of the process in whose place was asked."""
    pid = pid_of(report._place)
    return f"/proc/{pid}/root" if pid else ""


def _limits(report: HostReport) -> dict[str, str]:
    names = ("RLIMIT_NOFILE", "RLIMIT_AS", "RLIMIT_MEMLOCK")
    pid = pid_of(report._place)
    return {name: _limit(pid, getattr(resource, name)) for name in names}


def _limit(pid: int, number: int) -> str:
    try:
        return str(resource.prlimit(pid, number)[0])
    except OSError as error:
        return f"unknown: {error.strerror}"


def _described(block: MemoryReport) -> str:
    memory = block.memory
    parts = [memory.kind, *([memory.path] if memory.path else []), *(["share=on"] if memory.share else [])]
    return " ".join(parts)


def _numbered(*ways: str) -> str:
    return "\n".join(f"{i}. {way}" for i, way in enumerate(ways, 1))
