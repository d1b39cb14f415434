"""Shared fixtures and helpers."""

import os
import pickle
import signal
import traceback
from pathlib import Path

import pytest

from pymig import MigrationError

NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to drop privileges or to change the host")


def message_of(function, argument):
    """The text with which QEMU would refuse function(argument); "" if it accepts."""
    try:
        function(argument)
    except MigrationError as error:
        return error.message
    return ""


def run_in_child(function, *arguments, user=None, timeout=60):
    """The result of function(*arguments) in a forked child, as another user if one is given.

    The child is killed at the timeout. Raises what the child raised, or says which signal ended it.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
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
    except BaseException:
        return pickle.dumps(("raised", traceback.format_exc()))


@pytest.fixture
def closed_userfaultfd():
    """A host in the usual setup of distributions: unprivileged users can't open userfaultfd by any method."""
    sysctl, device = Path("/proc/sys/vm/unprivileged_userfaultfd"), Path("/dev/userfaultfd")
    if os.geteuid() != 0:
        pytest.skip("needs root, to close userfaultfd to the unprivileged")
    before, mode = sysctl.read_text(), device.stat().st_mode & 0o777 if device.exists() else None
    sysctl.write_text("0")
    if mode is not None:
        device.chmod(0o600)
    yield
    sysctl.write_text(before)
    if mode is not None:
        device.chmod(mode)
