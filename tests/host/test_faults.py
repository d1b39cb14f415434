# SPDX-License-Identifier: GPL-2.0-or-later

"""Faults made for real: each has its cause, its evidence and its remedy, and none is an exception, a hang or a leak."""

import ctypes
import errno
import os
import threading
from pathlib import Path

import pytest

import pymig.cli.probe  # noqa: F401 - else the command imports it, which needs a descriptor
from pymig import Checker, HostUnknownError, Memory, probe
from pymig.cli import main
from pymig.host.report import CAUSES
from tests import machine
from tests.conftest import NOBODY, run_in_child, set_or_skip
from tests.host import faults

pytestmark = pytest.mark.root

if os.geteuid() != 0:
    pytest.skip("needs root, to make the faults", allow_module_level=True)

if not machine.DEVICE.exists():
    pytest.skip("needs /dev/userfaultfd (Linux 6.1)", allow_module_level=True)

GROUP = 64321
CLOSED, OPEN = 0, 1


def nobody(*groups):
    return lambda: faults.become(NOBODY, *groups)


def device(mode, group=0):
    return lambda: machine.own_device(mode, group)


# Each fault: vm.unprivileged_userfaultfd, what a child does in turn; how userfaultfd then opens, and the causes.
FAULTS = {
    "unprivileged": (CLOSED, [nobody()], None, {"device-permission", "sysctl"}),
    "unprivileged, sysctl 1": (OPEN, [nobody()], "syscall", set()),
    "filter answers EPERM": (
        OPEN,
        [lambda: faults.refuse(faults.USERFAULTFD, faults.EPERM), nobody()],
        None,
        {"device-permission", "seccomp"},
    ),
    "filter answers ENOSYS": (
        OPEN,
        [lambda: faults.refuse(faults.USERFAULTFD, faults.ENOSYS), nobody()],
        None,
        {"device-permission", "seccomp"},
    ),
    "filter kills": (
        OPEN,
        [lambda: faults.kill(faults.USERFAULTFD), nobody()],
        None,
        {"device-permission", "seccomp"},
    ),
    "filter kills, no device": (
        CLOSED,
        [faults.hide_device, lambda: faults.kill(faults.USERFAULTFD)],
        None,
        {"device-missing", "seccomp"},
    ),
    "filter kills, root has the device": (CLOSED, [lambda: faults.kill(faults.USERFAULTFD)], "device", set()),
    "device open to all": (CLOSED, [device(0o666), nobody()], "device", set()),
    "device open to a group": (CLOSED, [device(0o660, GROUP), nobody(GROUP)], "device", set()),
    "device open to another group": (
        CLOSED,
        [device(0o660, GROUP), nobody()],
        None,
        {"device-permission", "sysctl"},
    ),
    "no device, root": (CLOSED, [faults.hide_device], "syscall", set()),
    "no device, unprivileged": (CLOSED, [faults.hide_device, nobody()], None, {"device-missing", "sysctl"}),
    "user namespace": (CLOSED, [nobody(), faults.own_user_namespace], None, {"device-permission", "capability"}),
    "no /proc": (CLOSED, [lambda: faults.unmount("/proc"), nobody()], None, {"device-permission", "sysctl"}),
    "no /sys": (CLOSED, [lambda: faults.unmount("/sys"), nobody()], None, {"device-permission", "sysctl"}),
    "no descriptors": (CLOSED, [faults.no_descriptors], None, {"resource-limit"}),
    "no address space": (CLOSED, [faults.no_address_space], "device", {"resource-limit"}),
    "munlockall refused": (CLOSED, [lambda: faults.refuse(faults.MUNLOCKALL, faults.EPERM)], "device", {"seccomp"}),
    "munlockall kills": (CLOSED, [lambda: faults.kill(faults.MUNLOCKALL)], "device", {"seccomp"}),
}


def answer_to(name):
    try:
        return Checker(incoming=True).check([name]).message
    except HostUnknownError as error:
        return error.errno


def probed():
    report = probe()
    return {
        "userfaultfd": report.userfaultfd,
        "postcopy": report.postcopy,
        "write_tracking": report.write_tracking,
        "diagnosis": report.diagnosis,
        "checks": {name: answer_to(name) for name in ("postcopy-ram", "background-snapshot")},
    }


def make_then(steps, function, arguments):
    try:
        for step in steps:
            step()
    except OSError as error:
        pytest.skip(f"needs a machine that lets this fault be made: {error}")
    return function(*arguments)


@pytest.fixture
def after(closed_userfaultfd):
    """A function that returns what another function returns after a fault, in a child process."""

    def run(fault, function=probed, *arguments):
        sysctl, steps, _, _ = FAULTS[fault]
        set_or_skip(closed_userfaultfd, sysctl)
        return run_in_child(make_then, steps, function, arguments, timeout=30)

    return run


@pytest.mark.parametrize("fault", FAULTS)
def test_cause_evidence_and_remedy(after, fault):
    answer = after(fault)
    _, _, opens, causes = FAULTS[fault]
    assert answer["userfaultfd"] == opens
    assert {entry.cause for entry in answer["diagnosis"]} == causes
    for entry in answer["diagnosis"]:
        assert entry.cause in CAUSES
        assert entry.what
        assert entry.remedy
        assert entry.evidence
    if causes == {"resource-limit"}:  # says nothing about the host
        assert answer["checks"]["postcopy-ram"] in (errno.EMFILE, errno.ENOMEM)
    elif opens is None:
        assert answer["checks"]["background-snapshot"] == "Background-snapshot is not supported by host kernel"
        assert answer["checks"]["postcopy-ram"] == "Postcopy is not supported"
        assert answer["postcopy"].step == 2


def entry_of(answer, cause):
    return next(entry for entry in answer["diagnosis"] if entry.cause == cause)


def test_evidence_of_the_unprivileged(after):
    answer = after("unprivileged")
    evidence = entry_of(answer, "sysctl").evidence
    assert evidence["vm.unprivileged_userfaultfd"] == "0"
    assert evidence["CAP_SYS_PTRACE"] == "no"
    assert evidence["Seccomp"] == "0"
    assert evidence["userfaultfd(2)"].startswith("EPERM")
    assert evidence["userfaultfd(2) with UFFD_USER_MODE_ONLY"] == "works"
    assert evidence["open /dev/userfaultfd"].startswith("EACCES")
    assert evidence["mode of /dev/userfaultfd"].startswith("0600")
    remedy = entry_of(answer, "sysctl").remedy
    device, capability, sysctl = (remedy.index(word) for word in ("setfacl", "CAP_SYS_PTRACE", "sysctl -w"))
    assert device < capability < sysctl, "the least privilege comes first"
    for container in ("--device", "--cap-add", "Kubernetes"):
        assert container in remedy


def test_evidence_of_a_filter(after):
    answer = after("filter kills")
    evidence = entry_of(answer, "seccomp").evidence
    assert evidence["Seccomp"] == "2"
    assert "kills" in evidence["userfaultfd(2)"]
    assert answer["postcopy"].message.endswith("Bad system call")
    assert "userfaultfd" in entry_of(answer, "seccomp").remedy


def test_evidence_without_proc(after):
    assert entry_of(after("no /proc"), "sysctl").evidence["vm.unprivileged_userfaultfd"].startswith("unreadable")


def test_steps_of_the_probe(after):
    answer = after("no descriptors")
    assert answer["postcopy"].step == 2
    assert "Too many open files" in answer["postcopy"].message
    answer = after("no address space")
    assert answer["postcopy"].step == 11
    assert "Failed to map test area: Cannot allocate memory" in answer["postcopy"].message
    answer = after("munlockall refused")
    assert answer["postcopy"].step == 10
    assert answer["postcopy"].message == "postcopy_ram_supported_by_host: munlockall: Operation not permitted"


def command_line(*arguments):
    try:
        return main(arguments)
    except SystemExit as stop:
        return stop.code


@pytest.mark.parametrize(
    "fault, status",
    [("unprivileged", 1), ("unprivileged, sysctl 1", 0), ("no descriptors", 2), ("filter kills", 1), ("no /proc", 2)],
)
def test_exit_status_of_the_command(after, fault, status):
    assert after(fault, command_line, "probe") == status


def test_no_fault_is_an_error_for_one_question_alone(after):
    assert after("no /proc", command_line, "probe", "--only", "zero-copy") == 0


# ---- Each system call refused, one after the other ----


def probe_with(refuse, number, error):
    memory = [Memory(), Memory("memfd", share=True), Memory("file", path="/dev/shm", share=True)]
    refuse(number, error)
    descriptors = os.listdir("/proc/self/fd") if refuse is faults.refuse_ioctl else None
    report = probe(memory)
    if descriptors is not None:
        assert os.listdir("/proc/self/fd") == descriptors
    return report.postcopy, report.write_tracking, report.diagnosis


ERRORS = [errno.EPERM, errno.EINVAL, errno.ENOSYS, errno.ENOMEM, errno.EMFILE, errno.EBUSY]


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="needs x86-64, whose numbers it has")
@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("name", [*faults.REQUESTS, *faults.CALLS])
def test_each_call_refused(name, error):
    refuse, numbers = (
        (faults.refuse_ioctl, faults.REQUESTS) if name in faults.REQUESTS else (faults.refuse, faults.CALLS)
    )
    postcopy, tracking, diagnosis = run_in_child(probe_with, refuse, numbers[name], error, timeout=30)
    assert bool(diagnosis) == (not postcopy or tracking != "compatible")
    for entry in diagnosis:
        assert entry.cause in CAUSES
        assert entry.evidence
        assert entry.remedy
    steps = {"IOC_NEW": 2, "UFFDIO_API": 4, "UFFDIO_REGISTER": 12, "UFFDIO_UNREGISTER": 13, "munlockall": 10}
    steps |= {"memfd_create": 15, "openat": 15, "fstatfs": 9}  # a file system that can't be told is none of the two
    if name == "fstatfs" and not postcopy.known:
        steps["fstatfs"] = 15
    assert postcopy.step == (steps.get(name, 0)), postcopy
    if postcopy.step not in (0, 9):
        assert postcopy.errno == error


# ---- munlockall() has no effect on the caller ----


def locked_after_probe(filtered):
    page = ctypes.create_string_buffer(1 << 16)
    if filtered:
        faults.refuse(faults.MUNLOCKALL, 0)  # answers that it worked
    assert ctypes.CDLL(None).mlock(page, 1 << 16) == 0
    assert probe().postcopy.ok
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmLck"))


@pytest.mark.parametrize("filtered", [False, True])
def test_the_callers_memory_stays_locked(filtered):
    assert run_in_child(locked_after_probe, filtered) >= 64


def children_seen():
    import signal

    seen = []
    signal.signal(signal.SIGCHLD, lambda *_: seen.append(1))
    faults.refuse(faults.MUNLOCKALL, faults.EPERM)
    assert probe().postcopy.step == 10
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    return len(seen)


def test_the_callers_handlers_see_no_child():
    assert run_in_child(children_seen) == 0


# ---- Many at once ----


def test_eight_threads_and_a_forked_child():
    expected = probe()
    descriptors = len(os.listdir("/proc/self/fd"))
    answers = []
    threads = [threading.Thread(target=lambda: answers.extend(probe() for _ in range(200))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert run_in_child(lambda: probe().postcopy) == expected.postcopy
    for thread in threads:
        thread.join()
    assert len(answers) == 1600
    assert set(answers) == {expected}
    assert len(os.listdir("/proc/self/fd")) == descriptors
