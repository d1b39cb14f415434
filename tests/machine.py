"""What a test run changes of the machine, and how the machine gets it back.

Mounts and device nodes are made in a mount namespace of the run's own: nobody else sees them, and they end with it. A
setting that the kernel has only once (a sysctl, a pool of huge pages) is changed under a lock. A guardian restores it.
"""

import ctypes
import os
import signal
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x00020000
PR_SET_PDEATHSIG = 1
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 1 << 12, 1 << 14, 1 << 18, 2

DEVICE = Path("/dev/userfaultfd")
SYSCTL = Path("/proc/sys/vm/unprivileged_userfaultfd")
MEMORY_SETTINGS = Path("/sys/kernel/mm")
HUGE_PAGES = MEMORY_SETTINGS / "hugepages"


def call(name, *arguments):
    """Calls this function of the C library; OSError names it."""
    if getattr(LIBC, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


def mount(source, target, kind=None, flags=0, options=None):
    words = (source, str(target), kind, options)
    source, target, kind, options = (word and word.encode() for word in words)
    call("mount", source, target, kind, flags, options)


def unmount(path):
    call("umount2", str(path).encode(), MNT_DETACH)


def own_mounts():
    """From here on nobody sees what this process mounts. Not in a chroot: there "/" is no mount of which to say so."""
    call("unshare", CLONE_NEWNS)
    mount("none", "/", flags=MS_REC | MS_PRIVATE)


def own_device(mode=0o600, group=0):
    """A /dev/userfaultfd of this process's own, with this mode and group, in a /dev/shm of its own."""
    own_mounts()
    mount("none", "/dev/shm", "tmpfs", options="mode=1777")
    node = Path("/dev/shm/userfaultfd")
    os.mknod(node, stat.S_IFCHR, DEVICE.stat().st_rdev)
    os.chown(node, 0, group)
    node.chmod(mode)
    mount(str(node), DEVICE, flags=MS_BIND)


def end_with_parent():
    """For a child, before it becomes another program: it may hold what the machine is to get back."""
    call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def device_is_closed():
    """Whether the machine's own device, if any, is closed to the unprivileged."""
    return not DEVICE.exists() or not DEVICE.stat().st_mode & 0o066


# Locks $1, tells what $2 is, sets it to each line that it reads, and restores it when there is none left to read: at
# the end of the run, however that came. It is in a session of its own, so that no signal to the run ends it, too.
GUARDIAN = """
exec 9<"$1" && flock 9 && before=$(cat "$2") && echo "$before" || exit
while read -r value; do
    echo "$value" >"$2"
    cat "$2"
done
[ "$(cat "$2")" = "$before" ] || echo "$before" >"$2"
"""


class Setting:
    """A setting of the kernel that is this run's alone while it is held."""

    def __init__(self, path, guardian, say):
        self.path, self._guardian, self._say = path, guardian, say
        self.value = self._answer()
        if not self.value:
            raise FileNotFoundError(f"no setting to be read from {path}")

    def _answer(self):
        return self._guardian.stdout.readline().strip()

    def set(self, value):
        """Sets it, and says so before. Returns whether the kernel took it."""
        if str(value) != self.value:
            self._say(f"changing {self.path} from {self.value} to {value} while this test runs")
            self._guardian.stdin.write(f"{value}\n")
            self._guardian.stdin.flush()
            self.value = self._answer()
        return self.value == str(value)


@contextmanager
def held(path, lock, say):
    """The setting at path, locked against other runs, and restored whatever happens to this one.

    lock is a folder of /sys, which is the same one in every chroot and container that shares this network namespace.
    """
    with subprocess.Popen(
        ["sh", "-c", GUARDIAN, "guardian", lock, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as guardian:
        yield Setting(path, guardian, say)
