# SPDX-License-Identifier: GPL-2.0-or-later

"""Words by which people ask."""

OLD_NAMES = {
    "x-rdma-pin-all": "rdma-pin-all",
    "x-postcopy-ram": "postcopy-ram",
    "x-multifd": "multifd",
    "x-multifd-channels": "multifd-channels",
    "x-multifd-page-count": "multifd-channels",
    "ignore-shared": "x-ignore-shared",
    "colo": "x-colo",
}
"""Names that capabilities and parameters had before, or are called by."""

EVERYDAY = frozenset(("block", "compress", "events", "machine", "mode", "return-path"))
"""Names that must stand alone, exactly as they are: other texts have these words, too."""

INSTEAD = {
    "compress": ("switch multifd on with multifd-compression=zstd instead of compress",),
    "block": ("copy disks by blockdev-mirror to an NBD server; virsh: --copy-storage-all (not tried)",),
}
"""What takes the place of capabilities that were removed."""

ALIASES = {
    "postcopy": "postcopy-ram",
    "post-copy": "postcopy-ram",
    "--postcopy": "postcopy-ram",
    "preempt": "postcopy-preempt",
    "parallel": "multifd",
    "--parallel": "multifd",
    "connections": "multifd-channels",
    "--parallel-connections": "multifd-channels",
    "zero-copy": "zero-copy-send",
    "zerocopy": "zero-copy-send",
    "--zerocopy": "zero-copy-send",
    "--auto-converge": "auto-converge",
    "--rdma-pin-all": "rdma-pin-all",
    "--compressed": "xbzrle",
    "bitmaps": "dirty-bitmaps",
    "bitmap": "dirty-bitmaps",
    "snapshot": "background-snapshot",
    "tls": "tls-creds",
    "--tls": "tls-creds",
    "compression": "multifd-compression",
    "bandwidth": "max-bandwidth",
    "downtime": "downtime-limit",
    "xbzrle-cache": "xbzrle-cache-size",
    "zstd": "multifd-compression",
    "zlib": "multifd-compression",
}
"""Everyday words for capabilities and parameters."""

HOST_WORDS = frozenset(
    (
        "userfaultfd",
        "/dev/userfaultfd",
        "cap_sys_ptrace",
        "sys_ptrace",
        "unprivileged_userfaultfd",
        "vm.unprivileged_userfaultfd",
    )
)
"""What a process needs for a userfaultfd."""

TOPICS_BY_NAME = {
    "invtsc": "blocker/cpu",
    "--unsafe": "storage/unsafe",
    "--copy-storage-all": "storage/unsafe",
    "--copy-storage-inc": "storage/copy",
    "--postcopy-resume": "postcopy/paused",
    "--tunnelled": "libvirt/tunnelled",
    "--suspend": "libvirt/postcopy-paused",
    "migrate-recover": "postcopy/recover",
    "migrate-start-postcopy": "postcopy/start",
    "migrate-continue": "continue/state",
    "migrate_set_speed": "commands/removed",
    "migrate_set_downtime": "commands/removed",
}
"""Options of virsh and commands, and the topic that says most about them."""

FILLERS = frozenset(
    """
    a about after allowed an and any are at be because before benefit benefits best between both by called can
    cap capabilities capability caps compatible config configure conflict conflicts default deprecated
    destination did difference disable disabled do does enable enabled enabling end ends equal error explain
    file flag for from gone harvester has have host hosts how i in incompatible is it its kubevirt kvm libvirtd
    like live long many maximum may mean means migrate migration minimum missing much must my need needed needs
    new no not nova number of off old on one only openstack option options or ovirt parameter parameters
    possible proxmox qemu range recommended refused release releases removed required requirement requirements
    requires safe same set setting settings should side sides since source still supported switch take takes
    target tcp than that the then there to together too turn two unit units unix unsupported until up update
    upgrade use used using value values version versions virsh was were what when where which who why will with
    without work works would you
    """.split()  # noqa: SIM905 - a list of a hundred words
)
"""Words that say nothing by themselves."""

ASKED = (
    ("postcopy refused seccomp", "userfaultfd"),
    ("postcopy refused userfaultfd", "userfaultfd"),
    ("postcopy parallel refused", "postcopy-ram/multifd"),
    ("postcopy multifd refused", "postcopy-ram/multifd"),
    ("rdma postcopy channels", "Migration requires multi-channel URIs (e.g. tcp)"),
    ("ganeti postcopy-ram", "capabilities/kept"),
    ("ganeti postcopy", "capabilities/kept"),
    ("migrate_set_speed", "commands/removed"),
    ("migrate_set_downtime", "commands/removed"),
    ("multifd 9.2 fails", "multifd/sync"),
    ("zero-copy tls", "zero-copy-send/plain-multifd"),
    ("zero-copy compression", "zero-copy-send/plain-multifd"),
    ("savevm crashes", "savevm/multifd"),
    ("cluster rdma-pin-all", "rdma-pin-all"),
    ("parallel connections allowed", "multifd-channels"),
    ("savevm parallel migration", "savevm/multifd"),
    ("savevm multifd", "savevm/multifd"),
    ("rdma multifd", "rdma/multifd"),
    ("zero-copy memory lock", "zero-copy/memory-lock"),
    ("zero-copy-send memory lock", "zero-copy/memory-lock"),
    ("dirty-limit dirty ring", "dirty-limit"),
    ("tls certificate hostname", "tls/certificate"),
    ("postcopy hugepages", "postcopy-ram"),
    ("live migration vfio", "blocker/device"),
    ("rdma postcopy", "rdma/postcopy-ram"),
    ("rdma postcopy-ram", "rdma/postcopy-ram"),
    ("rdma xbzrle", "rdma/xbzrle"),
    ("not a migration stream", "echo/not-a-stream"),
    ("migration never ends", "convergence"),
    ("migration never converges", "convergence"),
    ("migration converge", "convergence"),
    ("migration slow", "convergence"),
    ("migration stuck", "convergence"),
    ("migration never finishes", "convergence"),
    ("backup migration at once", "bitmaps/in-use"),
    ("savevm blocked cpu", "blocker/cpu"),
    ("migration blocked cpu", "blocker/cpu"),
    ("migration blocked device", "blocker/device"),
    ("migration without shared storage", "storage/unsafe"),
    ("selinux userfaultfd", "selinux/userfaultfd"),
    ("selinux postcopy", "selinux/userfaultfd"),
    ("vgpu postcopy", "vfio/postcopy"),
    ("vfio postcopy", "vfio/postcopy"),
    ("snapshot blocked vfio", "blocker/device"),
    ("paused instance postcopy", "libvirt/postcopy-paused"),
    ("paused guest postcopy", "libvirt/postcopy-paused"),
    ("postcopy paused recover", "postcopy/paused"),
    ("postcopy connection lost", "postcopy/paused"),
    ("guest lost postcopy", "postcopy/memory"),
    ("postcopy shared memory", "postcopy/shared-file"),
    ("postcopy huge pages", "postcopy-ram"),
    ("compressed parallel migration", "libvirt/no-algorithm"),
    ("compressed parallel refused", "libvirt/no-algorithm"),
    ("xbzrle parallel", "libvirt/xbzrle-parallel"),
    ("memory lock pods", "libvirt/memory-lock"),
    ("locked memory migration", "libvirt/memory-lock"),
    ("locked memory zero-copy", "libvirt/memory-lock"),
    ("needs rlimit_memlock", "zero-copy/memory-lock"),
    ("needs cap_ipc_lock", "zero-copy/memory-lock"),
    ("mixed libvirts", "libvirt/parameter-unknown"),
    ("mixed libvirt versions", "libvirt/parameter-unknown"),
    ("downtime doubled limit", "downtime-limit"),
    ("change downtime migrates", "downtime-limit"),
    ("large downtime-limit", "downtime-limit"),
    ("direct-io multifd slow", "direct-io"),
    ("multifd dedicated cpus", "multifd"),
    ("capabilities set both ends", "capabilities/kept"),
    ("capabilities survive migration", "capabilities/kept"),
    ("differ multifd-channels", "multifd/channel-count"),
    ("background-snapshot container", "background-snapshot/kernel"),
    ("background-snapshot fails", "background-snapshot/kernel"),
    ("compress qemu 9.1", "compress"),
    ("live migration upgrade qemu 11", "zero-blocks"),
    ("extra features ht", "cpu/extra-features"),
    ("migration tls one end", "tls/certificate"),
)
"""Words that stand together in a question, in any order, and the key of what they ask for."""
