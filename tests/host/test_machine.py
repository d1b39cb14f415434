# SPDX-License-Identifier: GPL-2.0-or-later

"""Changed settings are restored, even if the run is killed, and two runs take turns."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests import machine

RUN = """
import sys, time
from tests import machine
with machine.held(sys.argv[1], sys.argv[2], print) as setting:
    setting.set(1)
    print("set", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def setting(tmp_path):
    path = tmp_path / "setting"
    path.write_text("0\n")
    return path


def hold(setting, say=print):
    return machine.held(setting, setting.parent, say)


def test_restored_at_the_end(setting):
    said = []
    with hold(setting, said.append) as held:
        assert held.set(1)
        assert setting.read_text() == "1\n"
        assert held.set("2")
        assert held.set(2)
    assert setting.read_text() == "0\n"
    assert said == [f"changing {setting} from {old} to {new} while this test runs" for old, new in ((0, 1), (1, 2))]


def set_and_fail(setting):
    with hold(setting) as held:
        held.set(1)
        raise ZeroDivisionError


def test_restored_after_an_error(setting):
    with pytest.raises(ZeroDivisionError):
        set_and_fail(setting)
    assert setting.read_text() == "0\n"


@pytest.mark.parametrize("end", ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"])
def test_restored_when_the_run_and_its_group_are_killed(setting, end):
    with subprocess.Popen(
        [sys.executable, "-c", RUN, setting, setting.parent],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as run:
        while run.stdout.readline() != "set\n":
            pass
        assert setting.read_text() == "1\n"
        os.killpg(run.pid, signal.Signals[end])
    with hold(setting) as held:
        assert held.value == "0"


def test_another_run_waits(setting):
    seen = []

    def another_run():
        with hold(setting) as held:
            seen.append(held.value)

    with hold(setting) as held:
        held.set(1)
        thread = threading.Thread(target=another_run)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(10)
    assert seen == ["0"]


KILLED_AFTER = """
import os, subprocess
from functools import partial
from tests import machine
subprocess.Popen(["sleep", "60"], preexec_fn=partial(machine.end_with, os.getpid()))
os.kill(os.getpid(), 9)
"""

KILLED_BEFORE = """
import os, subprocess
from tests import machine
parent = os.getpid()
def begin():
    os.kill(parent, 9)
    while os.getppid() == parent:
        pass
    machine.end_with(parent)
subprocess.Popen(["sleep", "60"], preexec_fn=begin)
"""


@pytest.mark.parametrize("program", [KILLED_AFTER, KILLED_BEFORE])
def test_a_child_ends_with_its_parent(program):
    run = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, timeout=30, check=False)
    assert run.returncode == -signal.SIGKILL, "and nobody else holds the pipe"


def test_a_setting_that_cannot_be_set(tmp_path):
    with machine.held("/proc/sys/kernel/version", tmp_path, print) as held:
        assert not held.set("another")
    with pytest.raises(FileNotFoundError), machine.held(tmp_path / "nothing", tmp_path, print):
        pass


def test_mounts_are_this_runs_own(own_mounts):
    if not own_mounts:
        pytest.skip("needs root and private mounts")
    assert Path("/proc/self/ns/mnt").readlink() != Path(f"/proc/{os.getppid()}/ns/mnt").readlink()
    shared = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if " shared:" in line]
    assert shared == []


MAKE_A_CGROUP = """
import sys, time
from pathlib import Path
from tests import machine
with machine.cgroup(Path(sys.argv[1])) as cgroup:
    (cgroup / "below").mkdir()
    print("made", flush=True)
    time.sleep(60)
"""


def test_a_cgroup_is_removed_when_the_run_is_killed(tmp_path):
    folder = tmp_path / "cgroup"
    with subprocess.Popen([sys.executable, "-c", MAKE_A_CGROUP, folder], stdout=subprocess.PIPE) as run:
        run.stdout.readline()
        assert (folder / "below").exists()
        run.kill()
    deadline = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not folder.exists()


def test_a_cgroup_that_can_not_be_made_or_removed(tmp_path):
    with pytest.raises(OSError, match="can't be made"), machine.cgroup(tmp_path):
        pass
    with pytest.raises(OSError, match="can't be removed"), machine.cgroup(tmp_path / "a", tries=1) as folder:
        (folder / "file").touch()
