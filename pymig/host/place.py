# SPDX-License-Identifier: GPL-2.0-or-later

"""The host as another process sees it: the probes, asked in its place (host_probe_process in C)."""

from __future__ import annotations

import errno
import os
from itertools import pairwise

from pymig._core import ffi, lib
from pymig.host.facts import HostFacts
from pymig.host.memory import DEFAULT_MEMORY, Memory, RamBlocks, blocks_of
from pymig.release import rows, text
from pymig.values import Frozen, require_bool, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from typing_extensions import Self

    from pymig._core import ProcessReport, UffdMethods

TRAITS = tuple(map(text, rows(lib.process_trait_name)))
"""What a child takes on."""

CAPABILITIES = {
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_SETPCAP": 8,
    "CAP_IPC_LOCK": 14,
    "CAP_SYS_CHROOT": 18,
    "CAP_SYS_PTRACE": 19,
    "CAP_SYS_ADMIN": 21,
    "CAP_DAC_OVERRIDE": 1,
}
"""The numbers of a process's capabilities (<linux/capability.h>)."""

# What taking on a trait needs.
_NEEDED = {
    "cgroup": ("CAP_DAC_OVERRIDE",),
    "mount namespace": ("CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE"),
    "pid namespace": ("CAP_SYS_ADMIN", "CAP_SYS_PTRACE"),
    "user namespace": ("CAP_SYS_ADMIN", "CAP_SYS_PTRACE"),
    "root directory": ("CAP_SYS_CHROOT", "CAP_SYS_PTRACE"),
    "groups": ("CAP_SETGID",),
    "user": ("CAP_SETUID",),
    "capabilities": ("CAP_SETPCAP",),
    "seccomp filters": ("CAP_SYS_PTRACE", "CAP_SYS_ADMIN"),
}

SECONDS = 20
"""How long asking may take; as in C."""


class Answer(Frozen):
    """What was found in a place.

    Attributes:
        blocks: the guest's memory.
        c: C's ProcessReport.
        reports: C's reports of the blocks.
        incomplete: what could not be taken on: each trait with its errno.
        pid: the process's number; 0 for a user.
    """

    __slots__ = ("blocks", "c", "incomplete", "pid", "reports")

    blocks: RamBlocks
    c: ProcessReport
    reports: Any
    incomplete: tuple[tuple[str, int], ...]
    pid: int

    def __new__(cls, **values: object) -> Self:
        """All attributes by name."""
        self = object.__new__(cls)
        self._set(**values)
        return self

    def facts(self) -> dict[int, HostFacts]:
        """The facts of every variant of the probe."""
        return {variant: HostFacts._from_c(self.c.host.facts[variant]) for variant in range(lib.PROBE_VARIANT__MAX)}

    def extra(self) -> dict[str, Any]:
        """What a Host's document holds besides."""
        incomplete = {"incomplete": [list(entry) for entry in self.incomplete]} if self.incomplete else {}
        return {"page_size": self.c.host.page_size, **incomplete}


def in_place_of_process(pid: int, memory: Iterable[Memory] | None, page_size: int, *, ptrace: bool = True) -> Answer:
    """Probes this machine's kernel in the place of a process; see Host.of_process. ``page_size``: as C has it."""
    if type(pid) is not int:
        wrong_type(pid, "pid", "an int")
    require_bool(ptrace, "ptrace")
    if not 0 < pid < 1 << 31:
        raise ProcessLookupError(errno.ESRCH, f"pid must be the number of a process, not {pid}")
    blocks = RamBlocks(memory_of(pid) if memory is None else memory, root=f"/proc/{pid}/root", in_use=True)
    place = ffi.new("ProcessPlace *", {"pid": pid, "no_ptrace": not ptrace})
    return _asked(place, blocks, page_size, f"process {pid}")


def in_place_of_user(user: str | int, memory: Iterable[Memory] | None, page_size: int) -> Answer:
    """The same for a user; see Host.of_user."""
    uid, gid, groups = _ids_of(user)
    c_groups = ffi.new("uint32_t[]", groups)
    place = ffi.new("ProcessPlace *", {"uid": uid, "gid": gid, "groups": c_groups, "n_groups": len(groups)})
    return _asked(place, blocks_of(DEFAULT_MEMORY if memory is None else memory), page_size, f"user {user}")


def pid_of(place: Answer | None) -> int:
    """The process in whose place was asked; 0 for this process, or a user."""
    return place.pid if place else 0


def methods_of(place: Answer | None) -> UffdMethods:
    """What opening a userfaultfd gave there, or gives this process."""
    return place.c.methods if place else lib.uffd_probe_methods()


def capabilities_of(place: Answer | None) -> int:
    """The effective capabilities there, or of this process."""
    return place.c.methods.effective if place else lib.process_effective_capabilities()


def has_capability(effective: int, name: str) -> bool:
    """Whether a capability is among the effective ones."""
    return bool(effective >> CAPABILITIES[name] & 1)


def _asked(place: Any, blocks: RamBlocks, page_size: int, shown: str) -> Answer:
    report = ffi.new("ProcessReport *")
    reports = ffi.new("RamBlockReport[]", max(len(blocks), 1))
    result = lib.host_probe_process(place, blocks.c, len(blocks), page_size, report, reports)
    if result < 0:
        raise _failure(-result, shown)
    incomplete = tuple((TRAITS[i], error) for i, error in enumerate(report.missing) if error)
    _require_privilege(incomplete, shown)
    if report.unasked:
        raise OSError(report.unasked, f"{shown}: nothing could be asked in its place: {_reason(report)}")
    return Answer(blocks=blocks, c=report, reports=reports, incomplete=incomplete, pid=place.pid)


def _reason(report: ProcessReport) -> str:
    error: int = report.unasked
    if error == lib.PYMIG_ERROR_UNKNOWN:
        return "the child that stood in for it did not answer"
    return os.strerror(error)


def _failure(error: int, shown: str) -> OSError:
    words = {
        errno.ESRCH: f"{shown}: there is no such process, or it has ended",
        errno.ETIMEDOUT: f"{shown}: asking in its place took more than {SECONDS} seconds",
    }
    return OSError(error, words.get(error, f"{shown}: {os.strerror(error)}"))


def _require_privilege(missing: Iterable[tuple[str, int]], shown: str) -> None:
    """Raises PermissionError if a trait is missing for lack of a capability."""
    ours = lib.process_effective_capabilities()
    refused = [what for what, error in missing if error in (errno.EPERM, errno.EACCES)]
    needed = dict.fromkeys(name for what in refused for name in _NEEDED.get(what, ()))
    lacking = [name for name in needed if not has_capability(ours, name)]
    if lacking:
        raise PermissionError(
            errno.EPERM,
            f"{shown}: its {', '.join(refused)} can't be taken on without {', '.join(lacking)}; ask as root",
        )


def _ids_of(user: object) -> tuple[int, int, list[int]]:
    import pwd  # noqa: PLC0415 - rare

    if isinstance(user, bool) or not isinstance(user, (str, int)):
        wrong_type(user, "user", "a str or an int")
    try:
        entry = pwd.getpwuid(int(user)) if isinstance(user, int) or user.isdecimal() else pwd.getpwnam(user)
    except (KeyError, OverflowError, ValueError):
        raise ValueError(f"user must be a user of this machine, by name or number, not {str(user)[:40]!r}") from None
    return entry.pw_uid, entry.pw_gid, os.getgrouplist(entry.pw_name, entry.pw_gid)


# ---- QEMUs ----


def memory_of(pid: int) -> tuple[Memory, ...]:
    """The guest's memory as QEMU's command line has it: its memory backends, or -mem-path; else one anonymous block."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - pathlib takes long to import
            words = os.fsdecode(file.read()).split("\0")
    except OSError:
        return DEFAULT_MEMORY
    options = list(pairwise(words))
    backends = [block for option, value in options if option == "-object" for block in _backend(value)]
    paths = [Memory("file", path=value) for option, value in options if option == "-mem-path"]
    return tuple(backends or paths) or DEFAULT_MEMORY


def _backend(value: str) -> list[Memory]:
    """The memory of an -object; none if it is no memory backend, or one that can't be read."""
    if value.startswith("{"):
        value = _backend_of_json(value)
    try:
        return [Memory.parse(value)] if value.startswith("memory-backend-") else []
    except (TypeError, ValueError):
        return []


def _backend_of_json(value: str) -> str:
    """The same in QEMU's other spelling; "" if it has none."""
    import json  # noqa: PLC0415 - rare

    try:
        members = dict(json.loads(value))
        kind = members.pop("qom-type")
    except (ValueError, KeyError, TypeError):
        return ""
    plain = ((name, {True: "on", False: "off"}.get(given, given)) for name, given in members.items() if given != [])
    return ",".join([str(kind), *(f"{name}={given}" for name, given in plain if not isinstance(given, (list, dict)))])


def qemu_processes() -> list[int]:
    """The numbers of all processes that have a QEMU binary mapped, also those under a loader of their own."""
    numbers = sorted(int(name) for name in os.listdir("/proc") if name.isdecimal())  # noqa: PTH208
    return [number for number in numbers if is_qemu(number)]


def pid_of_machine(name: str, *, session: bool = False) -> int:
    """The number of the QEMU of libvirt's machine, which the user's own libvirt runs or the system's.

    Raises:
        OSError, ValueError: there is no such machine here, or it does not run.
    """
    own = os.environ.get("XDG_RUNTIME_DIR") or os.path.expanduser("~/.cache")  # noqa: PTH111 - pathlib takes long
    folder = f"{own}/libvirt/qemu/run" if session else "/run/libvirt/qemu"
    with open(f"{folder}/{name}.pid", encoding="ascii") as file:  # noqa: PTH123 - likewise
        number = int(file.read(64))
    if not 0 < number < 1 << 31:
        raise ValueError(f"{number} is no number of a process")
    return number


def is_qemu(pid: int) -> bool:
    """Whether the process has a QEMU binary mapped."""
    try:
        with open(f"/proc/{pid}/maps", "rb") as file:  # noqa: PTH123
            names = {line.split(b"/")[-1].strip() for line in file if b"/" in line and b" r-xp " in line}
    except OSError:
        return False
    return any(name.startswith(b"qemu-system-") or name == b"qemu-kvm" for name in names)
