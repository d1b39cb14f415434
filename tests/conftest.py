# SPDX-License-Identifier: GPL-2.0-or-later

"""Shared fixtures and helpers."""

import contextlib
import faulthandler
import os
import pickle
import signal
import sysconfig
import time
import traceback
import uuid
from pathlib import Path

import pytest

from pymig import MigrationError
from tests import machine

NOBODY = 65534
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def message_of(function, argument):
    """The text with which QEMU would refuse function(argument); "" if it accepts."""
    try:
        function(argument)
    except MigrationError as error:
        return error.message
    return ""


def run_in_child(function, *arguments, user=None, timeout=60):
    """The result of function(*arguments) in a forked child, as another user if one is given.

    The child is killed at the timeout. Raises what the child raised, skips if it skips, or says which signal ended it.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            faulthandler.register(signal.SIGALRM, chain=True)  # shows where it hangs, then lets the signal end it
            signal.alarm(timeout)
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(_outcome(function, arguments, user))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        outcome = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        raise ChildProcessError(f"the child was ended by {signal.Signals(os.WTERMSIG(status)).name}")
    kind, value = pickle.loads(outcome)
    if kind == "skipped":
        pytest.skip(value)
    if kind == "raised":
        raise AssertionError(f"in the child:\n{value}")
    return value


def _outcome(function, arguments, user):
    try:
        if user is not None:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        return pickle.dumps(("returned", function(*arguments)))
    except pytest.skip.Exception as skipped:
        return pickle.dumps(("skipped", skipped.msg))
    except BaseException:
        return pickle.dumps(("raised", traceback.format_exc()))


@pytest.fixture(scope="session")
def say(request):
    """A function that prints a line at once, although pytest captures output."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(text):
        with capture.global_and_fixture_disabled():
            print(f"\n{text}", flush=True)

    return say


@pytest.fixture(scope="session", autouse=True)
def own_mounts():
    """Whether this run could make its mounts and its userfaultfd device private."""
    try:
        machine.own_device() if machine.DEVICE.exists() else machine.own_mounts()
    except OSError:
        return False
    return True


def running(mark):
    """The processes with this mark in their environment; a dead one has none."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes():
                found.append(path.parent.name)
    return found


def children():
    """The processes that this one has started, by any of its threads."""
    return {child for path in Path("/proc/self/task").glob("*/children") for child in path.read_text().split()}


@pytest.fixture
def nothing_left(monkeypatch):
    """A function that says whether all that the test started has ended, or does so soon."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv("PYMIG_TEST", mark)
    before = children()

    def something_runs():
        return running(mark.encode()) or children() - before

    def nothing_runs():
        end = time.monotonic() + 10
        while something_runs() and time.monotonic() < end:
            time.sleep(0.01)
        return not something_runs()

    return nothing_runs


@pytest.fixture
def closed_userfaultfd(own_mounts, say):
    """A host in the usual setup of distributions: unprivileged users can't open userfaultfd. Yields the sysctl."""
    for need, there in (
        ("root", os.geteuid() == 0),
        (f"{machine.SYSCTL} (Linux 5.2)", machine.SYSCTL.exists()),
        (f"{machine.MEMORY_SETTINGS}, to lock them", machine.MEMORY_SETTINGS.exists()),
        (f"private mounts, to close {machine.DEVICE}", own_mounts or machine.device_is_closed()),
    ):
        if not there:
            pytest.skip(f"needs {need}")
    with machine.held(machine.SYSCTL, machine.MEMORY_SETTINGS, say) as sysctl:
        set_or_skip(sysctl, 0)
        yield sysctl


def set_or_skip(setting, value):
    if not setting.set(value):
        pytest.skip(f"needs a machine that lets {setting.path} be set to {value}")


def pytest_sessionfinish(session):
    """Fail a run in CI that skipped a test for something that it needs."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    reasons = [report.longrepr[2] for report in reporter.stats.get("skipped", ())]
    if os.environ.get("CI") == "true" and any(reason.startswith("Skipped: needs ") for reason in reasons):
        reporter.write_line("\nfailed: CI must provide everything that tests need", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
