# SPDX-License-Identifier: GPL-2.0-or-later

"""What the tables don't say about QEMU's refusals: why they are there, and what else helps."""

from __future__ import annotations

from typing import NamedTuple

from pymig._core import lib
from pymig.host.remedies import ADD_CAPABILITY, ALLOW_BY_FILTER, OPEN_DEVICE, RAISE_LIMITS, SET_SYSCTL


class Note(NamedTuple):
    """What else to know about a text.

    Attributes:
        text: its background.
        causes: the causes, the likeliest first, each with how to tell it.
        remedies: what helps besides what the tables say.
        see: related names.
    """

    text: str
    causes: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    see: tuple[str, ...] = ()


AT_DESTINATION = ("postcopy-ram/host", "postcopy-preempt/incoming-started", "multifd/incoming-started")
"""The rules that only a destination has."""

START_LATER = "start the destination with -incoming defer, set its capabilities, and only then send migrate-incoming"
KEPT_ON = (
    "the other capability was left on by an earlier migration, because capabilities survive a migration, also a "
    "failed one; to tell: query-migrate-capabilities"
)
MULTI_CHANNEL = "use a tcp:, unix: or vsock: address"

NOTES_ON_RULES: dict[str, Note] = {
    "block/not-built": Note(
        "The old migration of disks needs a build option that distributions leave out, and is gone from 9.1 on.",
        remedies=(
            "copy disks by blockdev-mirror to an NBD server at the destination, virsh: --copy-storage-all (not tried)",
        ),
        see=("block",),
    ),
    "x-colo/not-built": Note("COLO needs a QEMU that was built with replication.", see=("x-colo",)),
    "postcopy-ram/host": Note(
        "The destination asks its kernel when postcopy-ram is switched on there, and the kernel says no. From 8.1 on "
        "the reason follows the text; older releases write it to QEMU's log only.",
        causes=(
            "userfaultfd is not permitted to QEMU; to tell: pymig probe, as QEMU's user and in its container",
            "the guest's memory is in a file outside tmpfs and hugetlbfs; to tell: the reason says TMPFS",
            "a limit, or a seccomp filter; to tell: pymig probe",
        ),
        remedies=("run pymig probe at the destination, as QEMU's user: it names the cause and the remedy",),
        see=("userfaultfd",),
    ),
    "postcopy-ram/multifd": Note(
        "8.1 to 10.0 refuse the pair as a precaution, because hardly anybody had tested it; 10.1 allows it. "
        "Distributions bring that back: RHEL's qemu-kvm accepts it from 10.0.0-8 on. Ask the binary rather than the "
        "version.",
        causes=(
            "an update to 8.1 or later: 7.2 and 8.0 accepted the pair; to tell: pymig check postcopy-ram multifd "
            "--qemu /usr/bin/qemu-system-x86_64",
            KEPT_ON,
        ),
        remedies=("update both ends to QEMU 10.1 or later",),
    ),
    "background-snapshot/kernel": Note(
        "A background snapshot write-protects memory by userfaultfd: the kernel must be 5.7 or later, and must "
        "permit it.",
        causes=(
            "userfaultfd is not permitted to QEMU; to tell: pymig probe",
            "a kernel before 5.7; to tell: uname -r",
        ),
        remedies=("run pymig probe, as QEMU's user: it names the cause and the remedy",),
        see=("userfaultfd",),
    ),
    "background-snapshot/memory": Note(
        "The kernel can't write-protect every block of the guest's memory.",
        causes=(
            "a block is in a file outside tmpfs and hugetlbfs; to tell: pymig probe --memory file:PATH",
            "shared memory or huge pages with a kernel before 5.19; to tell: uname -r",
        ),
        remedies=("back the guest's memory by anonymous memory, a memfd, tmpfs or hugetlbfs",),
    ),
    "zero-copy-send/plain-multifd": Note(
        "zero-copy-send hands pages to the kernel as they are, so nothing may pack or encrypt them, and it exists in "
        "multifd only. Choose one of the two. virsh asks for --parallel before QEMU is asked.",
        causes=(
            "TLS is on; to tell: tls-creds in query-migrate-parameters",
            "multifd-compression is not none; to tell: query-migrate-parameters",
            "multifd is off, or xbzrle or compress is on; to tell: query-migrate-capabilities",
        ),
        see=("tls-creds", "multifd-compression"),
    ),
    "postcopy-preempt/incoming-started": Note("", remedies=(START_LATER,)),
    "multifd/incoming-started": Note("", remedies=(START_LATER,)),
    "multifd/single-channel": Note("", remedies=(MULTI_CHANNEL,)),
    "dirty-limit/kvm": Note(
        "dirty-limit measures each virtual CPU by KVM's dirty ring.",
        remedies=("start QEMU with -accel kvm,dirty-ring-size=4096 (not tried)",),
    ),
    "dirty-limit/auto-converge": Note("Both slow the guest down, each in its own way: choose one."),
    "multifd/xbzrle": Note(
        "Until 8.1 QEMU accepted the pair, and xbzrle had no effect. libvirt from 9.4 on refuses it itself.",
        causes=(
            "the manager asks for compression and for parallel connections; to tell: virsh's --compressed and "
            "--parallel",
        ),
        see=("multifd-compression",),
    ),
    "multifd/compress": Note(
        "multifd packs pages itself.",
        causes=("the manager asks for the old compression (mt) and for parallel connections",),
        remedies=("switch multifd on with multifd-compression=zstd instead of compress",),
        see=("multifd-compression",),
    ),
}
"""By the rule's identifier."""

ONE_OF_URI = Note(
    "migrate and migrate-incoming take either a uri or a list of channels, and not both.",
    causes=("a manager sends both, or none; to tell: its log",),
    remedies=("give either uri or channels",),
)
ALREADY = Note(
    "One migration at a time, and parameters may be changed while it runs, but capabilities may not.",
    causes=(
        "a manager sends capabilities while the migration runs; an old libvirt did so to change the bandwidth",
        "an earlier migration has not ended: it hangs, or waits in pre-switchover; to tell: query-migrate, pymig watch",
        "a snapshot or a save runs, which is a migration for QEMU, too",
    ),
    remedies=(
        "wait until the migration has ended, or send migrate_cancel",
        "change parameters alone: migrate-set-parameters is allowed",
        "update libvirt (not tried)",
    ),
)
FILE_ONLY = Note("mapped-ram gives every page a fixed place in a file.", remedies=("use a file: address",))
CPR = Note("The modes of CPR keep memory in place, and move nothing that these capabilities are for.")
MAPPED = Note("mapped-ram writes pages as they are.", remedies=("unset tls-creds, and set multifd-compression=none",))
NO_RDMA = Note("An rdma: address moves pages by itself, over one connection.", remedies=("use a tcp: address",))
CHANNELS = Note(
    "migrate takes one channel of type main and, for mode cpr-transfer, one of type cpr.",
    remedies=("give one channel of type main",),
)
CPR_EXEC = Note("Mode cpr-exec starts a new QEMU.", remedies=("set the parameter cpr-exec-command",))
DISKS = Note("blk and inc of migrate belong to the old migration of disks, which is gone from 9.1 on.")

NO_SCHEME = (
    "rdma:, and this QEMU was built without RDMA, as in RHEL 9; to tell: ldd /usr/libexec/qemu-kvm | grep rdma",
    "the scheme is misspelt, or newer than this QEMU; to tell: query-version",
)

NOTES_ON_COMMANDS: dict[str, Note] = {
    "The incoming migration has already been started": Note(
        "The destination listens already: migrate-incoming is sent once.",
        remedies=("leave migrate-incoming out, or restart the destination",),
    ),
    "'-incoming' was not specified on the command line": Note(
        "Only a QEMU that was started with -incoming takes migrate-incoming.",
        remedies=("start the destination with -incoming defer",),
    ),
    "'uri' and 'channels' arguments": ONE_OF_URI,
    "neither 'uri' or 'channels'": ONE_OF_URI,
    "need either 'uri' or 'channels'": ONE_OF_URI,
    "Channel list": CHANNELS,
    "unknown migration protocol": Note(
        "QEMU does not know the scheme of the address. file: came with 8.2.",
        causes=NO_SCHEME,
        remedies=("use tcp:, unix:, vsock:, fd:, exec:, file: or rdma:",),
    ),
    "Parameter 'uri' expects a valid migration protocol": Note(
        "QEMU does not know the scheme of the address. file: came with 8.2.",
        causes=NO_SCHEME,
        remedies=("use tcp:, unix:, vsock:, fd:, exec: or rdma:",),
    ),
    "missing 'cpr' migration channel": Note(
        "Mode cpr-transfer needs a second channel, of type cpr, over a unix socket.",
        remedies=("give a channel of type cpr besides the one of type main",),
    ),
    "Migration requires seekable transport": FILE_ONLY,
    "Migration requires multi-channel URIs": Note(
        "multifd and postcopy-preempt open further connections, which an rdma:, fd:, exec: or file: address can't "
        "take. "
        "libvirt from 10.0 on adds postcopy-preempt to postcopy where both QEMUs have it. From 10.1 on rdma: with "
        'postcopy is refused earlier: "RDMA and postcopy-ram can\'t be used together".',
        causes=(
            "rdma: with postcopy, to which libvirt adds postcopy-preempt; to tell: virsh's --migrateuri",
            "multifd over fd: or exec:; to tell: query-migrate-capabilities",
        ),
        remedies=(
            MULTI_CHANNEL,
            "leave postcopy out over rdma:",
            "switch multifd and postcopy-preempt off at both ends",
        ),
        see=("rdma/postcopy-ram",),
    ),
    "Migration requires streamable transport": Note(
        "Mode cpr-transfer can't go through a file.", remedies=("use a unix: or tcp: address",)
    ),
    "Illegal migration incoming state": Note(
        "An earlier migrate-incoming failed, and can't be sent again.",
        remedies=("restart the destination (not tried)",),
    ),
    "RDMA and": NO_RDMA,
    "Cannot resume if there is no paused migration": Note(
        "resume goes on with a postcopy that lost its connection: the status must be postcopy-paused.",
        causes=("the migration failed, or postcopy had not begun; to tell: query-migrate",),
        remedies=("send migrate without resume, if the guest still runs at the source",),
    ),
    "Postcopy recovery cannot work": Note(
        "With release-ram the source gave back the pages that it had sent, and can't send them again. The guest is "
        "lost.",
        remedies=("leave release-ram off before the next postcopy",),
    ),
    "There's a migration process in progress": ALREADY,
    "Guest is waiting for an incoming migration": Note(
        "This QEMU is a destination (started with -incoming).", remedies=("send migrate to the source",)
    ),
    "Can't migrate the vm that was paused": Note(
        "The guest was migrated away already. If it is not running elsewhere, it can be continued here first.",
        causes=("an earlier migration completed; to tell: query-status says postmigrate",),
        remedies=("send cont, if the guest runs nowhere else",),
    ),
    "Can't migrate this vm with hardware poisoned memory": Note(
        "The host found a memory error in the guest's memory; to send it would kill QEMU.",
        remedies=("reboot the guest (not tried)",),
    ),
    "cpr-exec mode requires": CPR_EXEC,
    "Parameter 'cpr-exec-command' required": CPR_EXEC,
    "Memory region": Note(
        "Mode cpr-transfer hands the guest's memory to a new process, so all of it must be shared.",
        remedies=("share=on for every memory backend, and -machine aux-ram-share=on (not tried)",),
    ),
    "Cannot use TLS with mapped-ram": MAPPED,
    "Cannot use compression with mapped-ram": MAPPED,
    "Cannot use postcopy with CPR": CPR,
    "Cannot use background snapshot with CPR": CPR,
    "Cannot use COLO with CPR": CPR,
    "No disk migration is required in COLO mode": DISKS,
    "Command options are incompatible": DISKS,
}
"""By how the text begins."""

ADDRESS = Note(
    "The part of the address after the scheme can't be read. tcp: is HOST:PORT or [IPV6]:PORT, vsock: is CID:PORT, "
    "unix: needs a path, fd: needs a name.",
    remedies=("correct the address in uri",),
)

NOT_PERMITTED = Note(
    "The kernel does not give QEMU a userfaultfd, which postcopy and background snapshots need. It refuses a process "
    "without CAP_SYS_PTRACE while vm.unprivileged_userfaultfd is 0; a seccomp profile is only the second gate. Set "
    "the sysctl to 1 on every node that can be a target, or give QEMU the device. Said at the destination, when "
    "postcopy-ram is switched on.",
    causes=(
        "vm.unprivileged_userfaultfd is 0, and QEMU lacks CAP_SYS_PTRACE (Operation not permitted); to tell: sysctl "
        "vm.unprivileged_userfaultfd, and grep CapEff /proc/PID/status",
        "QEMU's user may not open /dev/userfaultfd (Permission denied); to tell: ls -l /dev/userfaultfd",
        "a seccomp profile refuses the system call; to tell: grep Seccomp /proc/PID/status, pymig probe in the "
        "container",
        "SELinux refuses it; to tell: ausearch -m avc | grep userfaultfd",
        "the kernel has no userfaultfd (Function not implemented); to tell: pymig probe",
    ),
    remedies=(SET_SYSCTL, OPEN_DEVICE, ADD_CAPABILITY, ALLOW_BY_FILTER),
    see=("selinux/userfaultfd",),
)
STRANGE_STEP = Note(
    "A system call failed that normally can't: a seccomp filter or a limit refuses it.",
    causes=("a seccomp filter; to tell: grep Seccomp /proc/PID/status", "a limit; to tell: cat /proc/PID/limits"),
    remedies=("allow ioctl, mmap and munlockall in the seccomp profile (not tried)", RAISE_LIMITS),
)
OLD_KERNEL = Note(
    "The kernel's userfaultfd lacks what postcopy needs.",
    causes=("an old kernel; to tell: uname -r, pymig probe",),
    remedies=("use a kernel of 4.11 or later (not tried)",),
)

STEPS: dict[int, Note] = {
    lib.POSTCOPY_STEP_TARGET_PAGE_SIZE: Note(
        "The guest's pages are larger than the host's, and postcopy places whole pages of the guest.",
        remedies=("use a host whose page size is not smaller than the guest's (not tried)",),
    ),
    lib.POSTCOPY_STEP_OPEN: NOT_PERMITTED,
    lib.POSTCOPY_STEP_DEVICES: Note(
        "A vhost-user device's back end (DPDK, OVS, virtiofsd) can't take part in postcopy.",
        remedies=("update the back end, start it with postcopy support, or migrate without postcopy-ram (not tried)",),
    ),
    lib.POSTCOPY_STEP_QUERY_FEATURES: STRANGE_STEP,
    lib.POSTCOPY_STEP_REQUEST_FEATURES: STRANGE_STEP,
    lib.POSTCOPY_STEP_API_IOCTLS: OLD_KERNEL,
    lib.POSTCOPY_STEP_HUGE_PAGES: OLD_KERNEL,
    lib.POSTCOPY_STEP_BLOCK_LENGTH: Note(
        "A block of the guest's memory ends in the middle of a page.",
        remedies=("make the memory's size a multiple of the page size",),
    ),
    lib.POSTCOPY_STEP_FILE_SYSTEM: Note(
        "The guest's memory is in a shared file on a file system that userfaultfd does not cover. Up to 8.0 nobody "
        "checks it, and the guest is lost when postcopy begins.",
        causes=("memory-backend-file on a disk; to tell: stat -f -c %T PATH, pymig probe --memory file:PATH",),
        remedies=("put the file of the guest's memory on tmpfs (/dev/shm) or on hugetlbfs",),
        see=("postcopy/shared-file",),
    ),
    lib.POSTCOPY_STEP_MUNLOCKALL: STRANGE_STEP,
    lib.POSTCOPY_STEP_MAP: STRANGE_STEP,
    lib.POSTCOPY_STEP_REGISTER: STRANGE_STEP,
    lib.POSTCOPY_STEP_UNREGISTER: STRANGE_STEP,
    lib.POSTCOPY_STEP_RANGE_IOCTLS: OLD_KERNEL,
}
"""Why a host has no postcopy, by C's enum PostcopyStep."""
