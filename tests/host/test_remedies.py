# SPDX-License-Identifier: GPL-2.0-or-later

"""Each remedy of a diagnosis, followed: what was missing is there afterwards.

Not followed here: another kernel (not-in-kernel, kernel-too-old). A device cgroup's rule: tests/host/test_process.py.
"""

import os
import resource
import struct
import tempfile
from pathlib import Path

import pytest

from pymig import Checker, Memory, probe
from tests import machine
from tests.conftest import NOBODY, run_in_child, set_or_skip
from tests.host import faults
from tests.host.test_faults import CLOSED, FAULTS, GROUP, OPEN, device, make_then, nobody

pytestmark = pytest.mark.root

if os.geteuid() != 0:
    pytest.skip("needs root, to make the faults", allow_module_level=True)

if not machine.DEVICE.exists():
    pytest.skip("needs /dev/userfaultfd (Linux 6.1)", allow_module_level=True)

MIB = 1 << 20
ANOTHER_CALL = 0x7FFF  # no system call
PR_SET_KEEPCAPS, CAP_SYS_PTRACE = 8, 19


def nobody_with_an_acl():
    """What setfacl -m u:nobody:rw does: an entry for the user, and a mask that lets it count."""
    machine.own_device()
    user_object, user, group_object, mask, other = 0x01, 0x02, 0x04, 0x10, 0x20
    nowhere = 0xFFFFFFFF
    entries = [
        (user_object, 6, nowhere),
        (user, 6, NOBODY),
        (group_object, 0, nowhere),
        (mask, 6, nowhere),
        (other, 0, nowhere),
    ]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    os.setxattr(machine.DEVICE, "system.posix_acl_access", acl)
    faults.become(NOBODY)


def nobody_with_ptrace():
    """What AmbientCapabilities=CAP_SYS_PTRACE and User=nobody give."""
    machine.call("prctl", PR_SET_KEEPCAPS, 1, 0, 0, 0)
    faults.become(NOBODY)
    faults.set_capabilities(1 << CAP_SYS_PTRACE)


def filter_another_call():
    faults.kill(ANOTHER_CALL)


def raise_limit(limit):
    _, most = resource.getrlimit(limit)
    resource.setrlimit(limit, (most, most))


# Each remedy: the fault and the cause that it is for, a part of its text; the sysctl, and what a child does instead of
# making the fault; how userfaultfd then opens.
REMEDIES = {
    "an ACL": ("unprivileged", "device-permission", "setfacl -m u:USER:rw", CLOSED, [nobody_with_an_acl], "device"),
    "a udev rule": (
        "device open to another group",
        "device-permission",
        'MODE="0660"',
        CLOSED,
        [device(0o660, GROUP), nobody(GROUP)],
        "device",
    ),
    "CAP_SYS_PTRACE": ("unprivileged", "sysctl", "give QEMU CAP_SYS_PTRACE", CLOSED, [nobody_with_ptrace], "syscall"),
    "the sysctl": ("unprivileged", "sysctl", "vm.unprivileged_userfaultfd=1", OPEN, [nobody()], "syscall"),
    "CAP_SYS_PTRACE, not in a user namespace": (
        "user namespace",
        "capability",
        "not in a user namespace",
        CLOSED,
        [nobody_with_ptrace],
        "syscall",
    ),
    "the device passed in": (
        "no device, unprivileged",
        "device-missing",
        "--device /dev/userfaultfd",
        CLOSED,
        [device(0o666), nobody()],
        "device",
    ),
    "a filter that allows userfaultfd": (
        "filter kills",
        "seccomp",
        "allow the system call userfaultfd",
        OPEN,
        [filter_another_call, nobody()],
        "syscall",
    ),
    "a filter that allows munlockall": (
        "munlockall refused",
        "seccomp",
        "allow ioctl, mmap and munlockall",
        CLOSED,
        [filter_another_call],
        "device",
    ),
    "more descriptors": (
        "no descriptors",
        "resource-limit",
        "Raise `ulimit -n`",
        CLOSED,
        [faults.no_descriptors, lambda: raise_limit(resource.RLIMIT_NOFILE)],
        "device",
    ),
    "more address space": (
        "no address space",
        "resource-limit",
        "`-v`",
        CLOSED,
        [faults.no_address_space, lambda: raise_limit(resource.RLIMIT_AS)],
        "device",
    ),
}


def in_child(setting, sysctl, steps):
    set_or_skip(setting, sysctl)
    return run_in_child(make_then, steps, probe, (), timeout=30)


@pytest.mark.parametrize("remedy", REMEDIES)
def test_what_opens_userfaultfd(closed_userfaultfd, remedy):
    fault, cause, text, sysctl, steps, opens = REMEDIES[remedy]
    before = in_child(closed_userfaultfd, *FAULTS[fault][:2])
    assert any(entry.cause == cause and text in entry.remedy for entry in before.diagnosis)
    after = in_child(closed_userfaultfd, sysctl, steps)
    assert after.userfaultfd == opens
    assert after.postcopy.ok
    assert after.write_tracking == "compatible"
    assert after.diagnosis == ()


@pytest.fixture
def disk_file():
    """A file of a megabyte in a folder that everybody can enter."""
    with tempfile.TemporaryDirectory(prefix="pymig-remedies-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "ram"
        path.write_bytes(bytes(MIB))
        yield path


def remedies_of(report, cause):
    return " ".join(entry.remedy for entry in report.diagnosis if entry.cause == cause)


def test_another_file_system(disk_file):
    report = probe([Memory("file", path=disk_file, share=True)])
    assert report.write_tracking == "available"
    assert not report.postcopy
    remedies = remedies_of(report, "filesystem")
    assert "tmpfs, hugetlbfs, a memfd or anonymous memory" in remedies
    assert "put the file of the guest's memory on tmpfs" in remedies
    for memory in (Memory("file", path="/dev/shm", share=True), Memory("memfd", share=True), Memory()):
        after = probe([memory])
        assert after.write_tracking == "compatible"
        assert after.postcopy
        assert after.diagnosis == ()


def test_ignoring_shared_memory(disk_file):
    shared = Memory("file", path=disk_file, share=True)
    assert "switch x-ignore-shared on" in remedies_of(probe([shared]), "filesystem")
    checker = Checker(host=probe([shared]).host)
    assert not checker.check(["background-snapshot"])
    assert checker.check(["background-snapshot", "x-ignore-shared"], old=["x-ignore-shared"])


def test_no_advice_to_ignore_what_is_not_shared(disk_file):
    private = Memory("file", path=disk_file)
    assert "x-ignore-shared" not in remedies_of(probe([private]), "filesystem")


def test_access_to_the_file(closed_userfaultfd, disk_file):
    memory = [Memory("file", path=disk_file, share=True)]
    steps = [device(0o666), nobody()]
    disk_file.chmod(0o600)
    before = run_in_child(make_then, steps, probe, (memory,))
    assert f"give QEMU's user the right to read and write {disk_file}" in remedies_of(before, "filesystem")
    assert not before.memory[0].made
    disk_file.chmod(0o666)
    assert run_in_child(make_then, steps, probe, (memory,)).memory[0].made


def test_a_smaller_target_page():
    host_page = os.sysconf("SC_PAGESIZE")
    report = probe(target_page_size=host_page * 16)
    assert "use a target whose page size is not larger" in remedies_of(report, "unknown")
    assert probe(target_page_size=host_page).postcopy


@pytest.fixture
def pool(own_mounts, say):
    """The number of huge pages of 2 MiB, at 0."""
    folder = machine.HUGE_PAGES / "hugepages-2048kB"
    if not folder.exists():
        pytest.skip("needs huge pages of 2 MiB")
    with machine.held(folder / "nr_hugepages", folder, say) as pages:
        set_or_skip(pages, 0)
        yield pages


def test_reserving_huge_pages(pool):
    memory = [Memory("memfd", share=True, page_size=2 * MIB)]
    before = probe(memory)
    assert f"reserve some: echo COUNT > {pool.path}" in remedies_of(before, "hugepages-unavailable")
    set_or_skip(pool, 4)
    after = probe(memory)
    assert after.postcopy
    assert after.diagnosis == ()


def test_a_size_of_whole_pages(pool):
    set_or_skip(pool, 4)
    odd = Memory("memfd", share=True, page_size=2 * MIB, size=3 * MIB)
    assert "make the memory's size a multiple of the page size" in remedies_of(probe([odd]), "filesystem")
    assert probe([Memory("memfd", share=True, page_size=2 * MIB, size=4 * MIB)]).diagnosis == ()
