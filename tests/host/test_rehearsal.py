# SPDX-License-Identifier: GPL-2.0-or-later

"""What a child tries under a filter: it leaves no core file, and no wait or limit of others changes the answer."""

import os
import resource
import signal
import threading
from pathlib import Path

import pytest

from pymig import Checker, Host, HostUnknownError, Memory, QemuBuild, probe
from tests import machine
from tests.conftest import run_in_child
from tests.host import faults

pytestmark = pytest.mark.root

if os.geteuid() != 0 or not machine.DEVICE.exists():
    pytest.skip("needs root and /dev/userfaultfd (Linux 6.1)", allow_module_level=True)

CORE_PATTERN = Path("/proc/sys/kernel/core_pattern")
WALL = 0x40000000
WAIT4, PRLIMIT64, PRCTL = (
    {"x86_64": numbers}.get(os.uname().machine, others) for numbers, others in ((61, 260), (302, 261), (157, 167))
)
NOT_FOUND_OUT = 4094  # PYMIG_ERROR_UNKNOWN


def core_files(folder, ask, *more):
    """The core files in this folder after the question, and of a child that is killed without precautions."""
    os.chdir(folder)
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    for step in more:
        step()
    result = ask()
    files = sorted(os.listdir(folder))
    if (child := os.fork()) == 0:
        os.kill(os.getpid(), signal.SIGSYS)
    os.waitpid(child, 0)
    return result, files, sorted(os.listdir(folder))


def opened_by_syscall():
    return Checker(QemuBuild("7.2"), incoming=True).check(["postcopy-ram"]).rule


def munlockall_tried():
    return probe().postcopy.step


@pytest.mark.parametrize(
    "ask, number, answer",
    [(opened_by_syscall, faults.USERFAULTFD, "postcopy-ram/host"), (munlockall_tried, faults.MUNLOCKALL, 10)],
)
def test_no_core_file(tmp_path, ask, number, answer):
    result, files, others = run_in_child(core_files, tmp_path, ask, lambda: faults.kill(number))
    assert result == answer
    assert files == []
    if not others:
        pytest.skip(f"needs core files in the working directory: {CORE_PATTERN} is {CORE_PATTERN.read_text().strip()}")


def test_no_core_file_where_a_filter_refuses_to_make_the_child_undumpable(tmp_path):
    """prctl(PR_GET_SECCOMP) fails then, too, so the filter is not noticed and nothing is tried in a child."""

    def steps():
        faults.refuse(PRCTL, faults.EPERM)

    result, files, _ = run_in_child(core_files, tmp_path, munlockall_tried, steps)
    assert (result, files) == (0, [])


def killed_for_limits():
    faults.refuse(faults.MUNLOCKALL, faults.EPERM)
    faults.kill(PRLIMIT64)
    return Host.local().postcopy.step


def test_a_filter_that_kills_for_setting_limits_does_not_matter():
    assert run_in_child(killed_for_limits) == 10


def answers_beside_a_thread_that_waits_for_all():
    faults.refuse(1000, faults.EPERM)  # a filter that refuses nothing of interest

    def wait_for_all():
        while True:
            try:
                os.waitpid(-1, WALL)
            except ChildProcessError:
                continue

    threading.Thread(target=wait_for_all, daemon=True).start()
    return {probe().postcopy.ok for _ in range(300)}


def test_another_wait_for_all_children():
    assert run_in_child(answers_beside_a_thread_that_waits_for_all) == {True}


def ask_where_a_wait_is_refused(release):
    faults.hide_device()
    faults.refuse(WAIT4, faults.EPERM)
    checker = Checker(release, incoming=True)
    try:
        checker.check(["postcopy-ram"])
    except HostUnknownError as error:
        thread = threading.get_native_id()
        return error.errno, Path(f"/proc/self/task/{thread}/children").read_text()


def test_a_refused_wait_is_no_answer_and_leaves_no_zombie():
    assert run_in_child(ask_where_a_wait_is_refused, "7.2") == (NOT_FOUND_OUT, "")


# ---- RLIMIT_FSIZE ----


def probe_without_room_for_files(pending):
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if pending:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGXFSZ])
        signal.raise_signal(signal.SIGXFSZ)
    blocks = probe([Memory("memfd", share=True), Memory("file", path="/dev/shm", share=True)]).memory
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    left = signal.SIGXFSZ in signal.sigpending()
    signal.pthread_sigmask(signal.SIG_SETMASK, []) if not left else None
    return [os.strerror(block.errno) for block in blocks], signal.SIGXFSZ in mask, left


@pytest.mark.parametrize("pending", [False, True])
def test_no_signal_for_a_file_that_is_too_large(pending):
    """And one that was pending before still is."""
    errors, blocked, left = run_in_child(probe_without_room_for_files, pending)
    assert errors == ["File too large", "Success"]
    assert (blocked, left) == (pending, pending)
