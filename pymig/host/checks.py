# SPDX-License-Identifier: GPL-2.0-or-later

"""The checks of ``pymig probe``, as one table for its output, JSON, ``--list`` and ``--only``."""

from __future__ import annotations

import errno
import os

from pymig._core import lib
from pymig.host.cgroup import huge_pages_left
from pymig.host.diagnosis import error_text
from pymig.host.facts import UNKNOWN, is_inconclusive
from pymig.host.place import capabilities_of, has_capability, pid_of
from pymig.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from typing_extensions import Self

    from pymig.host.place import Answer
    from pymig.host.report import HostReport

    Result = tuple[str, str]

PASS, WARN, FAIL, ERROR = "PASS", "WARN", "FAIL", "ERROR"

OPTMEM_MAX = "/proc/sys/net/core/optmem_max"
USUAL_OPTMEM_MAX = 128 * 1024  # the kernel's own default since 6.7; it was 20 KiB
RDMA_DEVICES = "/sys/class/infiniband"
RDMA_NODES = "/dev/infiniband/uverbs* and rdma_cm"
EVERY_USER = 2**32 - 1  # the number of users in the initial user namespace
HUGE_PAGES = "/sys/kernel/mm/hugepages"


class CheckResult(Value):
    """The result of one check. Immutable.

    Attributes:
        name: the question's name, e.g. ``"postcopy"``.
        question: completes the sentence "Checking ...".
        status: ``"PASS"``, ``"WARN"``, ``"FAIL"``, or ``"ERROR"`` where it could not be found out.
        detail: what was found.
    """

    __slots__ = ("detail", "name", "question", "status")

    name: str
    question: str
    status: str
    detail: str

    def __new__(cls, name: str, question: str, status: str, detail: str) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(name=name, question=question, status=status, detail=detail)
        return self

    def to_dict(self) -> dict[str, str]:
        """The same as a dict for JSON."""
        return {"name": self.name, "question": self.question, "status": self.status, "detail": self.detail}


# ---- What decides QEMU's verdict ----


def _failed(error: int, detail: str) -> Result:
    """A failure; or ERROR if the errno says nothing about the host."""
    return (ERROR if is_inconclusive(error) else FAIL), detail


def _userfaultfd(report: HostReport) -> Result:
    if report.userfaultfd is not None:
        return PASS, f"by the {report.userfaultfd}"
    return _failed(report.errno, error_text(report.errno))


def _features(report: HostReport) -> Result:
    if report.api_errno == 0:
        return PASS, f"{len(report.features)} features"
    return _failed(report.api_errno or report.errno, "they can't be asked")


def _write_protect(report: HostReport) -> Result:
    if "pagefault-flag-wp" in report.features:
        return PASS, "pagefault-flag-wp"
    return _failed(report.api_errno or report.errno, "no pagefault-flag-wp")


def _background_snapshot(report: HostReport) -> Result:
    if report.write_tracking == "compatible":
        return PASS, f"{len(report.memory)} of memory"
    return (ERROR if report.write_tracking == UNKNOWN else FAIL), f"write tracking is {report.write_tracking}"


def _postcopy(report: HostReport) -> Result:
    if report.postcopy:
        return PASS, "postcopy_ram_supported_by_host"
    return _failed(report.postcopy.errno, f"step {report.postcopy.step}: {report.postcopy.message}".partition("\n")[0])


# ---- What decides whether it works once accepted ----


def _place_of(report: HostReport | None) -> Answer | None:
    return report._place if report else None


def _transport_error(report: HostReport | None, transport: int) -> int:
    """The errno for which this host, or the process in whose place was asked, can't do it."""
    place = _place_of(report)
    error: int = place.c.transports[transport] if place else lib.host_transport_error(transport)
    return error


def _zero_copy(report: HostReport | None) -> Result:
    error = _transport_error(report, lib.TRANSPORT_ZERO_COPY)
    if error == 0:
        return PASS, "SO_ZEROCOPY"
    return (ERROR if is_inconclusive(error) else WARN), f"SO_ZEROCOPY: {error_text(error)}"


def _optmem(report: HostReport | None) -> Result:
    place = _place_of(report)
    try:
        most = place.c.optmem_max if place and place.pid else _number(OPTMEM_MAX)
    except (OSError, ValueError) as error:
        return ERROR, str(error)
    if most < 0:
        how = f"nsenter --net --target {pid_of(place)} pymig probe --only optmem"
        return ERROR, f"it is of the network namespace: {error_text(-most)}; to ask there: {how}"
    return (PASS if most >= USUAL_OPTMEM_MAX else WARN), f"net.core.optmem_max = {most}"


def _memlock(report: HostReport | None) -> Result:
    import resource  # noqa: PLC0415 - likewise

    pid = pid_of(_place_of(report))
    try:
        soft, hard = resource.prlimit(pid, resource.RLIMIT_MEMLOCK)
    except OSError as error:
        return ERROR, f"RLIMIT_MEMLOCK: {error.strerror}"
    if soft == resource.RLIM_INFINITY:
        return PASS, "RLIMIT_MEMLOCK = unlimited"
    found = f"RLIMIT_MEMLOCK = {soft}"
    if _locks_without_limit(_place_of(report)):
        return PASS, f"{found}, but CAP_IPC_LOCK lifts it"
    sizes = [block.memory.size for block in report.memory] if report else [None]
    known = [size for size in sizes if size is not None]
    if not sizes or len(known) < len(sizes):
        return WARN, f"{found}; zero-copy-send locks what it sends, rdma-pin-all the guest's whole memory"
    guest = sum(known)
    found += f"; the guest has {guest}"
    if soft >= guest:
        return PASS, found
    needed = f"{guest}:" if hard == resource.RLIM_INFINITY or hard >= guest else guest
    remedy = f"prlimit --pid {pid} --memlock={needed}" if pid else "LimitMEMLOCK=infinity in QEMU's unit"
    return WARN, f"{found}, all of which may be locked; to raise it: {remedy}"


def _locks_without_limit(place: Answer | None) -> bool:
    """Whether the process has CAP_IPC_LOCK where the kernel asks for it: in the initial user namespace."""
    try:
        with open(f"/proc/{pid_of(place) or 'self'}/uid_map", "rb") as file:  # noqa: PTH123
            is_initial = file.read().split() == [b"0", b"0", b"%d" % EVERY_USER]
    except OSError:
        return False
    return is_initial and has_capability(capabilities_of(place), "CAP_IPC_LOCK")


def _number(path: str) -> int:
    """The number in a file."""
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib takes long to import
        return int(file.read())


def _folder(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))  # noqa: PTH208 - likewise
    except FileNotFoundError:
        return []


def _rdma(report: HostReport | None) -> Result:
    error = _transport_error(report, lib.TRANSPORT_RDMA)
    try:
        devices = _folder(RDMA_DEVICES)
    except OSError as problem:
        return ERROR, str(problem)
    if error == 0:
        return PASS, ", ".join(devices) or RDMA_NODES
    if is_inconclusive(error):
        return ERROR, f"{RDMA_NODES}: {error_text(error)}"
    if not devices and error == errno.ENOENT:
        return WARN, f"none in {RDMA_DEVICES}"
    return WARN, f"{RDMA_NODES} can't be opened: {error_text(error)}"


def _huge_pages(report: HostReport | None) -> Result:
    pid = pid_of(_place_of(report))
    try:
        free = [_free_huge_pages(name, pid) for name in _folder(HUGE_PAGES)]
    except (OSError, ValueError) as error:
        return ERROR, str(error)
    detail = ", ".join(found for _, found in free) or f"none in {HUGE_PAGES}"
    return (PASS if any(count for count, _ in free) else WARN), detail


def _free_huge_pages(name: str, pid: int) -> tuple[int, str]:
    """How many a pool has free for a process, or for anybody (0), and what that is called."""
    size = name.removeprefix("hugepages-")
    count = _number(f"{HUGE_PAGES}/{name}/free_hugepages") - _number(f"{HUGE_PAGES}/{name}/resv_hugepages")
    limit = huge_pages_left(pid, int(size.removesuffix("kB")) << 10) if pid and count else None
    if limit is None or limit[0] >= count:
        return count, f"{count} of {size}"
    return limit[0], f"{limit[0]} of {size} because of {limit[1]}"


CHECKS: tuple[tuple[str, str, Callable[[Any], Result]], ...] = (
    ("userfaultfd", "if a userfaultfd can be opened", _userfaultfd),
    ("features", "if its features can be asked", _features),
    ("write-protect", "if the kernel can track writes", _write_protect),
    ("background-snapshot", "if the guest's memory can be write-tracked", _background_snapshot),
    ("postcopy", "if an incoming postcopy-ram is supported", _postcopy),
    ("zero-copy", "if a TCP socket takes MSG_ZEROCOPY (zero-copy-send)", _zero_copy),
    ("optmem", "if sockets may hold enough notices (zero-copy-send)", _optmem),
    ("memlock", "if the guest's memory may be locked (zero copy, RDMA)", _memlock),
    ("rdma", "if an RDMA device can be opened (rdma-pin-all)", _rdma),
    ("huge-pages", "if huge pages are free", _huge_pages),
)
"""Each check: its name, its question, and the function that answers it. Checks after ``postcopy`` never change QEMU's
verdict, and need no report; memlock reads the sizes of the guest's memory if there is one."""

NAMES = tuple(name for name, _, _ in CHECKS)

OF_A_REPORT = frozenset(NAMES[: NAMES.index("postcopy") + 1])
"""The checks that read a HostReport."""


def ask(report: HostReport | None, names: Iterable[str] = NAMES) -> list[CheckResult]:
    """The results of these checks, in the table's order. `report` may be None if none of OF_A_REPORT is among them."""
    wanted = set(names)
    return [CheckResult(name, words, *answer(report)) for name, words, answer in CHECKS if name in wanted]
