# SPDX-License-Identifier: GPL-2.0-or-later

"""Texts of libvirt's, said before QEMU is asked, or instead of it."""

from __future__ import annotations

from pymig.catalog.topic import Topic

ONE_METHOD = "Choose one: parallel connections, or xbzrle. With parallel connections, zlib or zstd are possible."

LIBVIRT_TOPICS: tuple[Topic, ...] = (
    Topic(
        "libvirt/option-not-supported",
        "libvirt",
        ("Migration option '<option>' is not supported by QEMU binary",),
        "libvirt asked this end's QEMU for its capabilities, and the one that the options need is not among them. "
        "QEMU is not asked to set it.",
        (
            "the capability was removed from QEMU: compress and block in 9.1, zero-blocks in 11.0; to tell: pymig "
            "explain NAME",
            "QEMU is too old for it; to tell: pymig list --qemu RELEASE",
        ),
        (),
        ("compress",),
        tried=("leave the option out: --comp-methods mt for compress; --parallel with --comp-methods zstd packs, too",),
    ),
    Topic(
        "libvirt/xbzrle-parallel",
        "libvirt",
        ("Compression method '<method>' isn't supported with parallel migration",),
        "libvirt from 9.4 on refuses xbzrle and mt together with --parallel, because multifd has compression of its "
        "own. " + ONE_METHOD,
        ("--compressed or --comp-methods xbzrle together with --parallel",),
        (),
        ("multifd/xbzrle", "multifd-compression"),
        tried=("leave --compressed out, or use --comp-methods zstd with --parallel",),
    ),
    Topic(
        "libvirt/no-algorithm",
        "libvirt",
        ("No compression algorithm selected for parallel migration",),
        "libvirt from 9.4 on: --compressed alone used to mean xbzrle, which multifd does not take. " + ONE_METHOD,
        ("--compressed with --parallel, and no method; oVirt sends this where both are on",),
        (),
        ("multifd-compression", "multifd/xbzrle"),
        tried=("add --comp-methods zstd (or zlib), or leave --compressed out",),
    ),
    Topic(
        "libvirt/only-parallel",
        "libvirt",
        ("Compression method '<method>' is only supported with parallel migration",),
        "zlib and zstd are compressions of multifd: libvirt takes them with --parallel only.",
        ("no --parallel; KubeVirt leaves it out where a guest has a CPU limit or dedicated CPUs",),
        (),
        ("multifd-compression",),
        tried=("add --parallel, or leave the method out",),
    ),
    Topic(
        "libvirt/one-method",
        "libvirt",
        (
            "Only one compression method could be specified with parallel compression",
            "Compression method '<method>' is specified twice",
            "Unsupported compression method '<method>'",
        ),
        "libvirt takes the methods xbzrle and mt and, from 9.4 on, zlib and zstd; with --parallel one of the last two.",
        ("two methods, or one that this libvirt does not know: zlib and zstd came with 9.4; to tell: virsh version",),
        tried=("name one method",),
        see=("multifd-compression",),
    ),
    Topic(
        "libvirt/turn-on-to-tune",
        "libvirt",
        (
            "Turn auto convergence on to tune it",
            "Turn parallel migration on to tune it",
            "Turn multithread compression on to tune it",
            "Turn xbzrle compression on to tune it",
            "Turn zlib compression on to tune it",
            "Turn zstd compression on to tune it",
        ),
        "An option tunes something that is not switched on. --compressed alone does not count as xbzrle.",
        (
            "a manager tunes with --auto-converge-initial, --parallel-connections or a --comp- option, without the "
            "switch",
        ),
        tried=(
            "add --auto-converge, --parallel or --comp-methods METHOD",
            "leave the option that tunes out",
        ),
        see=("auto-converge", "multifd", "xbzrle"),
    ),
    Topic(
        "libvirt/zero-copy-parallel",
        "libvirt",
        ("zero-copy is only available for parallel migration",),
        "zero-copy-send exists in multifd only, so libvirt asks for --parallel.",
        ("--zerocopy without --parallel, as where a manager leaves parallel connections out",),
        tried=("add --parallel to --zerocopy",),
        see=("zero-copy-send", "zero-copy-send/plain-multifd"),
    ),
    Topic(
        "libvirt/memory-lock",
        "libvirt",
        ("cannot limit locked memory of process <process> to <size>: Operation not permitted",),
        "libvirt raises RLIMIT_MEMLOCK of QEMU before zero copy, RDMA or a device that is passed through, and may "
        "not: it lacks CAP_SYS_RESOURCE, as in a container. QEMU accepted the capability already. Source for zero "
        "copy; either end for RDMA and devices.",
        (
            "libvirt runs in a container or a user session; to tell: grep CapEff /proc/PID/status of its daemon",
            "a VFIO device or <memoryBacking><locked/> needs locked memory, without any capability",
        ),
        ("give the pod or unit an unlimited RLIMIT_MEMLOCK (KubeVirt does since May 2026), or leave --zerocopy out",),
        ("zero-copy-send", "rdma-pin-all"),
    ),
    Topic(
        "libvirt/exclusive",
        "libvirt",
        (
            "Options <option> and <option> are mutually exclusive",
            "Flags 'VIR_MIGRATE_<flag>' and 'VIR_MIGRATE_<flag>' are mutually exclusive",
        ),
        "Two options of virsh, or two flags of libvirt, exclude each other. A tunnelled migration has one "
        "connection, so it excludes --parallel.",
        ("a manager adds an option of its own (OpenNebula's MIGRATE_OPTIONS); to tell: its log",),
        tried=("leave one of the two out",),
        strict=True,
    ),
    Topic(
        "libvirt/required",
        "libvirt",
        (
            "Option --<option> is required by option --<option>",
            "requires one of '--copy-storage-all', '--copy-storage-inc'",
            "requires one of '--copy-storage-all', 'copy-storage-inc'",
            "command '<command>' doesn't support option --<option>",
            "migrate: Unexpected timeout for offline migration",
            "migrate: Unexpected --timeout-* option without --timeout",
            "requires use of 'VIR_MIGRATE_NON_SHARED_DISK' or 'VIR_MIGRATE_NON_SHARED_INC' flag",
        ),
        "An option of virsh needs another one, or this virsh is too old for it: --comp-zstd-level came with 9.4, "
        "--image-format with 11.2.",
        ("an option was left out, or virsh is old; to tell: virsh version",),
        remedies=("update libvirt",),
        tried=("add the option that the text names",),
        strict=True,
    ),
    Topic(
        "libvirt/postcopy-paused",
        "libvirt",
        ("post-copy migration is not supported with non-live or paused migration",),
        "Postcopy starts the guest at the destination, so the guest must run: --postcopy needs --live, and no "
        "--suspend.",
        ("the guest is paused, and a manager permits postcopy; OpenNebula's local storage adds --suspend",),
        (),
        ("postcopy-ram",),
        tried=("leave --postcopy out for a paused guest",),
    ),
    Topic(
        "libvirt/postcopy-not-asked",
        "libvirt",
        ("switching to post-copy requires migration to be started with VIR_MIGRATE_POSTCOPY flag",),
        "migrate-postcopy switches a running migration, which must have been started with --postcopy.",
        ("the migration was started without --postcopy; to tell: virsh domjobinfo GUEST",),
        remedies=("start the migration with --postcopy",),
        see=("postcopy-ram",),
    ),
    Topic(
        "libvirt/address",
        "libvirt",
        (
            "missing scheme in migration URI: <uri>",
            "unsupported scheme <scheme> in migration URI <uri>",
            "missing host in migration URI: <uri>",
            "Both port and URI requested for disk migration while being mutually exclusive",
            "No URI scheme specified: <uri>",
            "Unsupported scheme in disks URI: <scheme>",
            "nbd port must be in range 0-65535",
        ),
        "The destination's libvirt can't use the address of the stream (--migrateuri) or of the disks (--disks-uri, "
        "--disks-port). It says so when it prepares.",
        causes=("the URI or the port is written wrong; to tell: the text names the part",),
        remedies=(
            "write tcp://HOST:PORT, rdma://HOST:PORT or unix:///PATH; for the disks, tcp: or unix:, or a port alone",
            "leave the option out: libvirt finds an address by itself",
        ),
    ),
    Topic(
        "libvirt/disks",
        "libvirt",
        (
            "disk target <disk> not found",
            "NBD migration with TLS is not supported over UNIX socket",
            "Flag 'VIR_MIGRATE_NON_SHARED_DISK | VIR_MIGRATE_NON_SHARED_INC' is required by flag "
            "'VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES'",
        ),
        "The options say of the disks that are copied what is impossible. No capability is the cause.",
        causes=("a wrong name or combination in --migrate-disks, --disks-uri or --tls; to tell: virsh domblklist",),
        remedies=(
            "name the disks' targets, as virsh domblklist shows them",
            "copy over TCP if TLS is wanted",
            "add --copy-storage-all or --copy-storage-inc",
        ),
    ),
    Topic(
        "libvirt/offline",
        "libvirt",
        (
            "offline migration cannot handle non-shared storage",
            "offline migration must be specified with the persistent flag set",
        ),
        "An offline migration moves the definition of a domain alone; no QEMU has a part in it.",
        causes=("the domain is shut off, and --offline asks for more than its definition; to tell: virsh domstate",),
        remedies=("add --persistent, and leave --copy-storage-all and --copy-storage-inc out",),
    ),
    Topic(
        "libvirt/tunnelled",
        "libvirt",
        (
            "cannot perform tunnelled migration without using peer2peer flag",
            "post-copy is not supported with tunnelled migration",
            "tunnelled offline migration does not make sense",
            "migration of non-shared storage is not supported with tunnelled migration and this QEMU",
            "argument key 'host' must not have null value",
            "migration URI is not supported by tunnelled migration",
        ),
        "A tunnelled migration goes through libvirt's own connection, which has one channel and no way back.",
        ("--tunnelled stands in the manager's settings (Nova: live_migration_tunnelled)",),
        tried=("leave --tunnelled out, and use --tls to encrypt",),
    ),
    Topic(
        "libvirt/rdma-limit",
        "libvirt",
        ("cannot start RDMA migration with no memory hard limit set",),
        "RDMA locks memory, so libvirt wants to know how much.",
        ("the guest has no <memtune><hard_limit>; to tell: virsh memtune GUEST",),
        tried=("set <memtune><hard_limit> in the guest's XML",),
        see=("rdma-pin-all",),
    ),
    Topic(
        "libvirt/tls-unix",
        "libvirt",
        ("Explicit destination hostname is required for TLS migration over UNIX socket",),
        "A unix: address has no name to check the destination's certificate against.",
        ("--tls with a unix: address, as through a proxy; to tell: virsh's --migrateuri",),
        tried=("add --tls-destination NAME",),
        see=("tls-hostname",),
    ),
    Topic(
        "libvirt/tls-forced",
        "libvirt",
        ("this libvirtd instance allows migration only with VIR_MIGRATE_TLS flag",),
        "migrate_tls_force = 1 stands in this host's qemu.conf.",
        ("the manager does not ask for TLS; to tell: grep migrate_tls_force /etc/libvirt/qemu.conf",),
        remedies=("add --tls",),
        see=("tls-creds",),
    ),
    Topic(
        "libvirt/parameter-unknown",
        "libvirt",
        (
            "argument unsupported: parameter '<parameter>' not supported",
            "parameter 'migrate_disks_detect_zeroes' not supported",
        ),
        "One end's libvirt is too old for this typed parameter: migrate_disks_detect_zeroes came with 10.9, "
        "bandwidth.avail.switchover with 11.1, zlib and zstd with 9.4.",
        ("two versions of libvirt in one cluster, as during an upgrade; to tell: virsh version, at both ends",),
        (),
        everyday=True,
        tried=("update libvirt at both ends, or leave the option out",),
    ),
    Topic(
        "libvirt/blocked",
        "libvirt",
        ("cannot migrate domain: <reasons>",),
        "QEMU says that something in the guest can't be moved (query-migrate's blocked-reasons), and libvirt repeats "
        "it. The text after the colon names the device or feature. No capability is the cause.",
        ("a device or a feature of the guest; to tell: query-migrate's blocked-reasons",),
        remedies=("remove what the text names from the guest",),
    ),
    Topic(
        "libvirt/domain-state",
        "libvirt",
        (
            "cannot migrate domain with <n> snapshots",
            "cannot migrate domain with I/O error",
            "domain is marked for auto destroy",
            "domain has active block job",
            "domain's dimm info lacks slot ID or base address",
            "shmem device '<device>' cannot be migrated, only shmem with role='<role>' can be migrated",
            "a slirp-helper cannot be migrated",
            "migration with this virtiofs device is not supported",
            "migration with virtiofs device is not supported",
            "migration with transient disk is not supported",
            "the running swtpm does not support migration with shared storage",
            "cannot migrate VMI until backup <backup> is completed",
            "cannot migrate domain with <n> checkpoints",
            "migration with virtiofs device is not supported",
        ),
        "The guest is in a state, or has a device, that libvirt does not migrate. No capability is the cause.",
        ("a block job, a backup or a snapshot runs; to tell: virsh blockjob, virsh domjobinfo",),
        ("let the job or the backup finish, or cancel it; then migrate", "remove the device that the text names"),
        ("dirty-bitmaps",),
    ),
    Topic(
        "libvirt/sparse",
        "libvirt",
        (
            "Parallel save is only supported with the 'sparse' save image format",
            "Compression program for save image format in configuration file isn't available",
        ),
        "virsh save writes several channels into a sparse image only: with mapped-ram each has its own places there.",
        (
            "save_image_format of qemu.conf is another one, or --image-format is missing; to tell: "
            "grep save_image /etc/libvirt/qemu.conf",
        ),
        remedies=("correct save_image_format in qemu.conf",),
        tried=("add --image-format sparse",),
        see=("mapped-ram", "multifd"),
    ),
    Topic(
        "libvirt/daemon-ended",
        "libvirt",
        ("Disconnected from qemu:///system due to end of file", "End of file while reading data: Input/output error"),
        "libvirt's daemon has ended while it worked; the guest lives on. libvirtd 11.3 ends at --p2p --tunnelled "
        "--tls.",
        ("a fault of libvirt's; to tell: coredumpctl list, journalctl -u libvirtd",),
        ("leave --tunnelled out: --tls alone encrypts", "update libvirt"),
        strict=True,
    ),
    Topic(
        "libvirt/postcopy-resume",
        "libvirt",
        (
            "resuming failed post-copy migration requires post-copy to be enabled",
            "resuming failed post-copy migration requires change protection",
            "migration of domain <domain> is not in post-copy phase",
            "post-copy migration of domain <domain> has not failed",
            "domain '<domain>' is not being migrated",
            "domain <domain> is not in post-copy phase",
        ),
        "--postcopy-resume goes on with a postcopy that lost its connection, and nothing else.",
        ("the migration has ended, still runs, or never began postcopy; to tell: virsh domjobinfo GUEST",),
        remedies=("look where the migration is: virsh domjobinfo, pymig watch",),
        see=("postcopy-ram",),
    ),
    Topic(
        "libvirt/restore-file",
        "libvirt",
        ("fd: migration to a file is not supported. Use file: instead.",),
        "QEMU from 11.0 on refuses a plain file behind fd:. libvirt before 12.1 restores ordinary images that way.",
        ("virsh restore with libvirt before 12.1 and QEMU 11.0 or later; to tell: virsh version",),
        ("update libvirt to 12.1 or later", "save with --image-format sparse, whose images can be restored"),
    ),
    Topic(
        "libvirt/same-host",
        "libvirt",
        ("Attempt to migrate guest to the same host",),
        "Both ends have the same host UUID, or the address says localhost. No capability is the cause.",
        ("two hosts of one image have the same UUID; to tell: virsh sysinfo, or host_uuid in libvirtd.conf",),
        ("set host_uuid in libvirtd.conf of one host",),
    ),
    Topic(
        "libvirt/unsupported-flags",
        "libvirt",
        ("unsupported flags (<flags>) in function <function>", "unsupported flags (<flags>)"),
        "One end's libvirt does not know a flag that the other one, or the manager, sends: PARALLEL came with "
        "libvirt 5.2, ZEROCOPY with 8.5, POSTCOPY_RESUME with 8.5. Nothing was changed.",
        ("two versions of libvirt in one cluster, as during an upgrade; to tell: virsh version, at both ends",),
        (),
        everyday=True,
        tried=("update libvirt at both ends, or leave the option out",),
    ),
    Topic(
        "libvirt/still-running",
        "libvirt",
        ("QEMU reports migration is still running",),
        "--postcopy-resume was sent, but QEMU has not noticed that the connection broke: for it the migration runs. "
        "TCP can take a quarter of an hour to notice.",
        ("the network broke without a word, as a cable or a firewall does; to tell: pymig watch, query-migrate",),
        (
            "first pause the migration: virsh domjobabort GUEST --postcopy; then resume it: virsh migrate "
            "--postcopy-resume",
        ),
        ("postcopy-ram", "postcopy/paused"),
    ),
    Topic(
        "libvirt/too-large",
        "libvirt",
        ("bandwidth must be less than <limit>", "migration parameter '<parameter>' must be less than <limit>"),
        "A number does not fit: libvirt takes bandwidths in MiB/s, and QEMU counts them in bytes.",
        ("a value in bytes where MiB/s are meant",),
        (),
        ("max-bandwidth", "max-postcopy-bandwidth"),
        everyday=True,
        tried=("give the bandwidth in MiB/s, or 0 for no limit",),
    ),
    Topic(
        "libvirt/postcopy-abort",
        "libvirt",
        ("cannot abort migration in post-copy mode",),
        "After postcopy has begun the guest runs at the destination with a part of its memory, so the migration "
        "can't be taken back: it can only be paused and resumed.",
        ("virsh domjobabort, or a manager's time limit, after the switch to postcopy; to tell: virsh domjobinfo",),
        ("wait until it ends, or pause it: virsh domjobabort GUEST --postcopy, then virsh migrate --postcopy-resume",),
        ("postcopy-ram", "postcopy/paused"),
    ),
)
