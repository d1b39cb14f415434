# SPDX-License-Identifier: GPL-2.0-or-later

"""Changes of the machine that a test run makes and undoes.

Mounts and device nodes are private to the run: it makes them in a mount namespace of its own, and they end with it. A
setting that the kernel has only once (a sysctl, a pool of huge pages) is locked, changed, and restored by a guardian.
"""

import ctypes
import errno
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
    """Call a function of the C library. The OSError for a failure contains the function's name."""
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
    """Make all further mounts of this process private. Fails in a chroot, where "/" is not a mount point."""
    call("unshare", CLONE_NEWNS)
    mount("none", "/", flags=MS_REC | MS_PRIVATE)


def own_device(mode=0o600, group=0):
    """Mount a private /dev/userfaultfd with this mode and group, and a private /dev/shm."""
    own_mounts()
    mount("none", "/dev/shm", "tmpfs", options="mode=1777")
    node = Path("/dev/shm/userfaultfd")
    os.mknod(node, stat.S_IFCHR, DEVICE.stat().st_rdev)
    os.chown(node, 0, group)
    node.chmod(mode)
    mount(str(node), DEVICE, flags=MS_BIND)


def end_with(parent):
    """Have the kernel kill this child of the process ``parent`` when that ends; end at once if it has ended already."""
    call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def environment_of_others():
    """The environment without a sanitizer's library, which belongs into this interpreter alone."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


def device_is_closed():
    """Whether the machine has no userfaultfd device that unprivileged users can open."""
    return not DEVICE.exists() or not DEVICE.stat().st_mode & 0o066


# Locks $1, prints the value of $2, sets it to each line of standard input, and restores it at the end of file. The end
# of file comes with the end of the run, even if the run is killed. Signals to the run don't reach the guardian, because
# it has a session of its own.
GUARDIAN = """
exec 9<"$1" && flock 9 && before=$(cat "$2") && echo "$before" || exit
while read -r value; do
    echo "$value" >"$2"
    cat "$2"
done
[ "$(cat "$2")" = "$before" ] || echo "$before" >"$2"
"""


class Setting:
    """A setting of the kernel, locked against other runs."""

    def __init__(self, path, guardian, say):
        self.path, self._guardian, self._say = path, guardian, say
        self.value = self._answer()
        if not self.value:
            raise FileNotFoundError(f"cannot read the setting {path}")

    def _answer(self):
        return self._guardian.stdout.readline().strip()

    def set(self, value):
        """Announce the change and make it. Return whether the kernel accepted the value."""
        if str(value) != self.value:
            self._say(f"changing {self.path} from {self.value} to {value} while this test runs")
            self._guardian.stdin.write(f"{value}\n")
            self._guardian.stdin.flush()
            self.value = self._answer()
        return self.value == str(value)


@contextmanager
def held(path, lock, say):
    """The setting at path, locked until the end of the block and then restored, even if this process is killed.

    lock is a folder in /sys: every chroot and container that shares this network namespace has the same one.
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


# Makes the folder $1 and prints a line. At the end of file, which comes as above, it removes it once it is empty, which
# it tries $2 times. Meanwhile the cgroups beside it have the controller $3, if one is given; runs take turns then.
CGROUP_GUARDIAN = """
children=${1%/*}/cgroup.subtree_control
if [ "$3" ]; then
    exec 9<"$children" && flock 9 || exit
    grep -qw "$3" "$children" || { echo "+$3" >"$children" && added=$3; } || exit
fi
removed() {
    for _ in $(seq $2); do
        find "$1" -depth -type d -exec rmdir {} + && return
        sleep 0.1
    done
    return 1
}
mkdir "$1" && echo made && cat && removed "$1" "$2"
outcome=$?
[ -z "$added" ] || echo "-$added" >"$children"
exit $outcome
"""


@contextmanager
def cgroup(folder, controller="", tries=100):
    """A cgroup, removed at the end of the block, even if this process is killed. OSError: that is not possible."""
    with subprocess.Popen(
        ["sh", "-c", CGROUP_GUARDIAN, "guardian", folder, str(tries), controller],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as guardian:
        if not guardian.stdout.readline():
            raise OSError(errno.EPERM, "this cgroup can't be made", str(folder))
        yield folder
        guardian.stdin.close()
        if guardian.wait() != 0:
            raise OSError(errno.EBUSY, "this cgroup can't be removed", str(folder))


def cgroup_mount(kind, controller=""):
    """Where this kind of hierarchy is mounted ("cgroup2", "cgroup"); None if nowhere."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    found = [
        Path(at) for _, at, found, options, *_ in mounts if found == kind and controller in ["", *options.split(",")]
    ]
    return found[0] if found else None
