# SPDX-License-Identifier: GPL-2.0-or-later

"""Faults made for real, in a process that is to be thrown away: call them in a child."""

import contextlib
import ctypes
import errno
import os
import resource
import stat
import struct
from pathlib import Path

from tests import machine

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
RETURN_KILL, RETURN_ERRNO, RETURN_ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
CAPABILITY_VERSION_3 = 0x20080522
CLONE_NEWUSER = 0x10000000
USERFAULTFD = {"x86_64": 323}.get(os.uname().machine, 282)
MUNLOCKALL = {"x86_64": 152}.get(os.uname().machine, 231)
SETSOCKOPT = {"x86_64": 54}.get(os.uname().machine, 208)
BPF = {"x86_64": 321}.get(os.uname().machine, 280)
IOCTL = {"x86_64": 16}.get(os.uname().machine, 29)

# What a probe calls, beside ioctl(2): by name, as x86-64 numbers them.
CALLS = {
    "openat": 257,
    "memfd_create": 319,
    "ftruncate": 77,
    "fstatfs": 138,
    "prctl": 157,
    "clone": 56,
    "munlockall": 152,
    "pidfd_open": 434,
}
REQUESTS = {"IOC_NEW": 0xAA00, "UFFDIO_API": 0xC018AA3F, "UFFDIO_REGISTER": 0xC020AA00, "UFFDIO_UNREGISTER": 0x8010AA01}


def filter_syscall(number, action):
    """A seccomp filter that answers this system call so, and lets all others through."""
    _install(
        (0x20, 0, 0, 0),  # load the number
        (0x15, 0, 1, number),  # unless it is this one, skip a step
        (0x06, 0, 0, action),
        (0x06, 0, 0, RETURN_ALLOW),
    )


def _install(*instructions):
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    code = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code)))
    machine.call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    machine.call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header)


def refuse_ioctl(request, error):
    """Likewise for one request of ioctl(2): its low 32 bits."""
    _install(
        (0x20, 0, 0, 0),
        (0x15, 0, 3, IOCTL),
        (0x20, 0, 0, 24),  # load the second argument
        (0x15, 0, 1, request),
        (0x06, 0, 0, RETURN_ERRNO | error),
        (0x06, 0, 0, RETURN_ALLOW),
    )


def refuse(number, error):
    filter_syscall(number, RETURN_ERRNO | error)


def kill(number):
    filter_syscall(number, RETURN_KILL)


def unmount(path):
    machine.own_mounts()
    machine.unmount(path)


def hide_device():
    """As a container does that has a /dev of its own."""
    machine.own_mounts()
    machine.mount("none", "/dev", "tmpfs")


def own_rdma_nodes(mode):
    """Mount a /dev/infiniband with the nodes of a device, which are those of /dev/null, with this mode."""
    machine.own_mounts()
    machine.mount("none", "/dev", "tmpfs", options="mode=755")
    Path("/dev/infiniband").mkdir()
    for name in ("uverbs17", "rdma_cm"):
        node = Path("/dev/infiniband", name)
        os.mknod(node, stat.S_IFCHR, os.makedev(1, 3))
        node.chmod(mode)


def cover(path, file):
    """The file stands in place of what is at the path."""
    machine.own_mounts()
    machine.mount(str(file), path, flags=machine.MS_BIND)


def own_user_namespace():
    machine.call("unshare", CLONE_NEWUSER)


BPF_PROG_LOAD, BPF_PROG_ATTACH, BPF_PROG_DETACH, BPF_F_ALLOW_MULTI = 5, 8, 9, 2
BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE = 15, 6
BPF_ATTR_SIZE = 120


@contextlib.contextmanager
def denied_device(cgroup, device):
    """Attach a device program to a cgroup of version 2: it denies this device, and allows all others.

    It stays until the cgroup is removed, or until the function that this gives is called.
    """
    program = (
        (0x61, 1 << 4 | 2, 4, 0),  # load the major number
        (0x61, 1 << 4 | 3, 8, 0),  # load the minor number
        (0xB7, 0, 0, 1),  # the answer is yes
        (0x55, 2, 2, os.major(device)),  # unless it is this one, skip two steps
        (0x55, 3, 1, os.minor(device)),
        (0xB7, 0, 0, 0),  # it is no
        (0x95, 0, 0, 0),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("<BBhi", *instruction) for instruction in program))
    license_ = ctypes.create_string_buffer(b"GPL")
    addresses = ctypes.addressof(code), ctypes.addressof(license_)
    loaded = _bpf(BPF_PROG_LOAD, struct.pack("IIQQ", BPF_PROG_TYPE_CGROUP_DEVICE, len(program), *addresses))
    folder = os.open(cgroup, os.O_RDONLY)
    try:
        _bpf(BPF_PROG_ATTACH, struct.pack("IIII", folder, loaded, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI))
        yield lambda: _bpf(BPF_PROG_DETACH, struct.pack("III", folder, loaded, BPF_CGROUP_DEVICE))
    finally:
        os.close(folder)
        os.close(loaded)


def _bpf(command, attributes):
    given = ctypes.create_string_buffer(attributes, BPF_ATTR_SIZE)
    result = machine.LIBC.syscall(BPF, command, given, BPF_ATTR_SIZE)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "bpf")
    return result


def no_descriptors():
    """None but those that are open can be used."""
    lowest_free = os.dup(0)
    os.close(lowest_free)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, most))


def no_address_space():
    resource.setrlimit(resource.RLIMIT_AS, (4096, resource.RLIM_INFINITY))


def become(user, *groups):
    os.setgroups(list(groups))
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def set_capabilities(permitted, inheritable=0):
    """The permitted capabilities, all of them effective."""
    header = ctypes.create_string_buffer(struct.pack("Ii", CAPABILITY_VERSION_3, 0))
    halves = [(each & 0xFFFFFFFF, each >> 32) for each in (permitted, permitted, inheritable)]
    data = struct.pack("6I", *(half[i] for i in range(2) for half in halves))
    machine.call("capset", header, ctypes.create_string_buffer(data))


EPERM, ENOSYS = errno.EPERM, errno.ENOSYS
