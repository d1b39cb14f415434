# SPDX-License-Identifier: GPL-2.0-or-later

"""Host.of_process for a QEMU in a container that bubblewrap or systemd-nspawn made."""

import contextlib
import os
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from pymig import Host
from tests import machine
from tests.host.test_process import BINARY, answer, device, nobody, prediction, settled, visible
from tests.host.test_process import pytestmark as needs
from tests.live.conftest import QEMUMonitorProtocol, event_loop

pytestmark = needs

ROOT = Path(__file__).parents[2]


def bwrap(*options):
    return ["bwrap", "--die-with-parent", "--ro-bind", "/", "/", *options]


def nspawn(*options):
    """/usr and what leads there, in a root directory that is empty otherwise. It ends with its pid namespace."""
    alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    fixed = ["-q", "--register=no", "--keep-unit", "--volatile=yes", "-D", "/", "--machine=pymig", "--console=pipe"]
    shown = [f"--bind-ro={path}" for path in ("/etc/ld.so.cache", "/etc/alternatives", ROOT) if os.path.exists(path)]
    return [*alone, "systemd-nspawn", *fixed, *shown, "--as-pid2", *options]


def own_run():
    """What systemd-nspawn leaves there goes with it."""
    machine.own_mounts()
    machine.mount("none", "/run", "tmpfs")


USERS = ("--private-users=1000000:65536", "--private-users-ownership=off")
OF_A_USER = ("--unshare-user", "--dev", "/dev")
THE_DEVICE = ("--dev-bind", "/dev/userfaultfd", "/dev/userfaultfd")

# Each: what is done before it starts, and its words in front of QEMU's.
CONTAINERS = {
    "bwrap, root": ([], bwrap("--dev", "/dev")),
    "bwrap, root, the whole /dev": ([], bwrap("--dev-bind", "/dev", "/dev", "--unshare-pid", "--proc", "/proc")),
    "bwrap, root without capabilities": ([], bwrap("--dev", "/dev", *THE_DEVICE, "--cap-drop", "ALL")),
    "bwrap, root without capabilities or device": ([], bwrap("--dev", "/dev", "--cap-drop", "ALL")),
    "bwrap, root in a user namespace": ([], bwrap(*OF_A_USER, "--uid", "0")),
    "bwrap, a user": ([nobody()], bwrap(*OF_A_USER)),
    "bwrap, a user, everything unshared": ([nobody()], bwrap(*OF_A_USER, "--unshare-all", "--proc", "/proc")),
    "bwrap, a user, the device for all": ([device(0o666), nobody()], bwrap(*OF_A_USER, *THE_DEVICE)),
    "bwrap, a user, the device for root": ([device(0o600), nobody()], bwrap(*OF_A_USER, *THE_DEVICE)),
    "nspawn": ([own_run], nspawn()),
    "nspawn, fewer capabilities": ([own_run], nspawn("--drop-capability=CAP_SYS_PTRACE")),
    "nspawn, fewer capabilities, the device": (
        [own_run],
        nspawn("--drop-capability=CAP_SYS_PTRACE", "--bind=/dev/userfaultfd"),
    ),
    "nspawn, a filter": ([own_run], nspawn("--system-call-filter=~userfaultfd")),
    "nspawn, a user namespace": ([own_run], nspawn(*USERS)),
}


def connected(path, process, log):
    """A socket to the monitor, once it is there."""
    deadline = time.monotonic() + 30
    while True:
        monitor = socket.socket(socket.AF_UNIX)
        try:
            monitor.connect(path)
        except OSError:
            monitor.close()
            if process.poll() is not None:
                log.seek(0)
                pytest.skip(f"{process.args[0]} can't make this container here: {log.read().strip()}")
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return monitor


@contextlib.contextmanager
def qemu_in(surroundings, words):
    """A QEMU in a container, which waits for a migration: its number outside, and its monitor."""
    parent = os.getpid()

    def surround():
        for change in surroundings:
            change()
        machine.end_with(parent)

    plain = "-machine pc -accel tcg -m 16 -nodefaults -display none -S -incoming defer".split()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log, event_loop():
        Path(folder).chmod(0o777)
        bind = ["--bind", folder, folder] if words[0] == "bwrap" else [f"--bind={folder}"]
        command = [*words, *bind, "--", BINARY, *plain, "-qmp", f"unix:{folder}/qmp,server=on,wait=off"]
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "preexec_fn": surround}
        streams["env"] = machine.environment_of_others()
        process = subprocess.Popen(command, **streams)
        try:
            with connected(f"{folder}/qmp", process, log) as monitor:
                pid, _, _ = struct.unpack("3i", monitor.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
                pidfd = os.pidfd_open(pid)
                qmp = QEMUMonitorProtocol(monitor)
                qmp.settimeout(30)
                qmp.connect()
                yield pid, qmp
                qmp.close()
        finally:
            process.kill()
            process.wait()
        assert select.select([pidfd], [], [], 10)[0], "QEMU outlived its container"
        os.close(pidfd)


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_answers_are_qemus(name):
    surroundings, words = CONTAINERS[name]
    program = "bwrap" if words[0] == "bwrap" else "systemd-nspawn"
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}: .ci/require {program}")
    with qemu_in(surroundings, words) as (pid, qmp):
        before = settled(pid)
        host = Host.of_process(pid)
        assert host.incomplete == ()
        assert visible(pid) == before
        predicted = [prediction(host, "postcopy-ram", incoming=True)]
        predicted.append(prediction(host, "background-snapshot", incoming=False))
        said = [answer(qmp, "postcopy-ram")]
        qmp.cmd_raw("migrate-set-capabilities", {"capabilities": [{"capability": "postcopy-ram", "state": False}]})
        assert predicted == [*said, answer(qmp, "background-snapshot")]
