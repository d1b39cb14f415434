"""Texts that no table holds: libvirt's, the kernel's reasons, and what looks alike but is another matter."""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """What such texts mean.

    Attributes:
        name: its identifier.
        kind: a key of KINDS in explanation.py.
        texts: what is said, with ``<...>`` for names; the first is the title.
        text: what it means, at which end and when it is said.
        causes: the causes, the likeliest first, each with how to tell it.
        remedies: what helps.
        see: related names.
        everyday: others say these texts, too: only a line about QEMU, or the text alone, means this.
    """

    name: str
    kind: str
    texts: tuple[str, ...]
    text: str
    causes: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
    everyday: bool = False


OTHER = "other matter"
ONE_METHOD = "Choose one: parallel connections, or xbzrle. With parallel connections, zlib or zstd are possible."
LOOK_AT_DESTINATION = "read the destination's log first: it says why; to tell: /var/log/libvirt/qemu/GUEST.log there"

TOPICS: tuple[Topic, ...] = (
    # ---- libvirt ----
    Topic(
        "libvirt/option-not-supported",
        "libvirt",
        ("Migration option '<option>' is not supported by QEMU binary",),
        "libvirt asked this end's QEMU for its capabilities, and the one that the options need is not among them. QEMU "
        "is not asked to set it.",
        (
            "the capability was removed from QEMU: compress and block in 9.1, zero-blocks in 11.0; to tell: pymig "
            "explain "
            "NAME",
            "QEMU is too old for it; to tell: pymig list --qemu RELEASE",
        ),
        ("leave the option out: --comp-methods mt for compress; --parallel with --comp-methods zstd packs, too",),
        ("compress",),
    ),
    Topic(
        "libvirt/xbzrle-parallel",
        "libvirt",
        ("Compression method '<method>' isn't supported with parallel migration",),
        "libvirt from 9.4 on refuses xbzrle and mt together with --parallel, because multifd has compression of its "
        "own. " + ONE_METHOD,
        ("--compressed or --comp-methods xbzrle together with --parallel",),
        ("leave --compressed out, or use --comp-methods zstd with --parallel",),
        ("multifd/xbzrle", "multifd-compression"),
    ),
    Topic(
        "libvirt/no-algorithm",
        "libvirt",
        ("No compression algorithm selected for parallel migration",),
        "libvirt from 9.4 on: --compressed alone used to mean xbzrle, which multifd does not take. " + ONE_METHOD,
        ("--compressed with --parallel, and no method; oVirt sends this where both are on",),
        ("add --comp-methods zstd (or zlib), or leave --compressed out",),
        ("multifd-compression", "multifd/xbzrle"),
    ),
    Topic(
        "libvirt/only-parallel",
        "libvirt",
        ("Compression method '<method>' is only supported with parallel migration",),
        "zlib and zstd are compressions of multifd: libvirt takes them with --parallel only.",
        ("no --parallel; KubeVirt leaves it out where a guest has a CPU limit or dedicated CPUs",),
        ("add --parallel, or leave the method out",),
        ("multifd-compression",),
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
        remedies=("name one method",),
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
        remedies=("add --auto-converge, --parallel or --comp-methods METHOD", "leave the option that tunes out"),
        see=("auto-converge", "multifd", "xbzrle"),
    ),
    Topic(
        "libvirt/zero-copy-parallel",
        "libvirt",
        ("zero-copy is only available for parallel migration",),
        "zero-copy-send exists in multifd only, so libvirt asks for --parallel.",
        remedies=("add --parallel to --zerocopy",),
        see=("zero-copy-send", "zero-copy-send/plain-multifd"),
    ),
    Topic(
        "libvirt/memory-lock",
        "libvirt",
        ("cannot limit locked memory of process <process> to <size>: Operation not permitted",),
        "libvirt raises RLIMIT_MEMLOCK of QEMU before zero copy, RDMA or a device that is passed through, and may "
        "not: it "
        "lacks CAP_SYS_RESOURCE, as in a container. QEMU accepted the capability already.",
        (
            "libvirt runs in a container or a user session; to tell: grep CapEff /proc/PID/status of its daemon",
            "a VFIO device or <memoryBacking><locked/> needs locked memory, without any capability",
        ),
        ("give the pod or unit an unlimited RLIMIT_MEMLOCK, or leave --zerocopy out",),
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
        "connection, so it "
        "excludes --parallel.",
        remedies=("leave one of the two out",),
        everyday=True,
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
        remedies=("add the option that the text names", "update libvirt"),
        everyday=True,
    ),
    Topic(
        "libvirt/postcopy-paused",
        "libvirt",
        ("post-copy migration is not supported with non-live or paused migration",),
        "Postcopy starts the guest at the destination, so the guest must run: --postcopy needs --live, and no "
        "--suspend.",
        ("the guest is paused, and a manager permits postcopy; OpenNebula's local storage adds --suspend",),
        ("leave --postcopy out for a paused guest",),
        ("postcopy-ram",),
    ),
    Topic(
        "libvirt/postcopy-not-asked",
        "libvirt",
        ("switching to post-copy requires migration to be started with VIR_MIGRATE_POSTCOPY flag",),
        "migrate-postcopy switches a running migration, which must have been started with --postcopy.",
        remedies=("start the migration with --postcopy",),
        see=("postcopy-ram",),
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
        ),
        "A tunnelled migration goes through libvirt's own connection, which has one channel and no way back.",
        remedies=("leave --tunnelled out, and use --tls to encrypt",),
    ),
    Topic(
        "libvirt/rdma-limit",
        "libvirt",
        ("cannot start RDMA migration with no memory hard limit set",),
        "RDMA locks memory, so libvirt wants to know how much.",
        remedies=("set <memtune><hard_limit> in the guest's XML",),
        see=("rdma-pin-all",),
    ),
    Topic(
        "libvirt/tls-unix",
        "libvirt",
        ("Explicit destination hostname is required for TLS migration over UNIX socket",),
        "A unix: address has no name to check the destination's certificate against.",
        remedies=("add --tls-destination NAME",),
        see=("tls-hostname",),
    ),
    Topic(
        "libvirt/tls-forced",
        "libvirt",
        ("this libvirtd instance allows migration only with VIR_MIGRATE_TLS flag",),
        "migrate_tls_force = 1 stands in this host's qemu.conf.",
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
        ("update libvirt at both ends, or leave the option out",),
        everyday=True,
    ),
    Topic(
        "libvirt/blocked",
        "libvirt",
        ("cannot migrate domain: <reasons>",),
        "QEMU says that something in the guest can't be moved (query-migrate's blocked-reasons), and libvirt repeats "
        "it. "
        "The text after the colon names the device or feature. No capability is the cause.",
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
            "migration with transient disk is not supported",
            "the running swtpm does not support migration with shared storage",
            "cannot migrate VMI until backup <backup> is completed",
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
        remedies=("add --image-format sparse", "correct save_image_format in qemu.conf"),
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
        everyday=True,
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
        ),
        "--postcopy-resume goes on with a postcopy that lost its connection, and nothing else.",
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
    # ---- The kernel ----
    Topic(
        "selinux/userfaultfd",
        "host",
        ("anonclass=[userfaultfd]",),
        "SELinux refuses userfaultfd to QEMU, so postcopy is refused whatever the sysctl says (container_t on RHEL "
        "10).",
        ("the policy has no rule for it; to tell: ausearch -m avc | grep userfaultfd",),
        ("add a policy module: audit2allow -M userfaultfd < the lines; semodule -i userfaultfd.pp",),
        ("postcopy-ram/host", "userfaultfd"),
    ),
    Topic(
        "zero-copy/kernel",
        "host",
        (
            "Requested Zero Copy feature is not available: Invalid argument",
            "Requested Zero Copy feature is not available",
            "Zero copy send feature not detected in host kernel",
        ),
        "zero-copy-send is on, and the socket has no MSG_ZEROCOPY. It works over TCP with Linux 4.14 or later, and "
        "nothing "
        "may pack or encrypt the pages: no TLS, no compression. Source, when it connects.",
        (
            "a unix: address, as KubeVirt uses; to tell: the address in migrate",
            "TLS or compression is on as well; to tell: query-migrate-parameters",
            "a kernel before 4.14; to tell: uname -r",
        ),
        ("use tcp:, without TLS and compression", "switch zero-copy-send off"),
        ("zero-copy-send", "zero-copy-send/plain-multifd"),
    ),
    Topic(
        "zero-copy/memory-lock",
        "host",
        ("Unable to write to socket: No buffer space available",),
        "zero-copy-send locks the pages on their way, in the worst case as much as the guest's memory.",
        ("RLIMIT_MEMLOCK is too small; to tell: grep locked /proc/PID/limits",),
        ("raise RLIMIT_MEMLOCK of QEMU: LimitMEMLOCK=infinity in its unit",),
        ("zero-copy-send",),
    ),
    # ---- What a migration meets ----
    Topic(
        "echo/load-failed",
        "migration",
        (
            "load of migration failed",
            "error while loading state",
            "check_section_footer: Read section footer failed",
            "loadvm failed during postcopy",
            "postcopy_ram_listen_thread: loadvm failed",
            "Failed to load vmstate version_id",
            "Unexpected end-of-file before all data were read",
        ),
        "The destination could not read the stream, and exits. The reason stands in the lines before it or, from "
        "11.0 on, "
        "after it.",
        (
            "the source broke off: TLS, a name in the certificate; to tell: read the source's error first",
            "the two ends disagree in machine type, devices, memory or capabilities; to tell: pymig preflight",
        ),
        ("read the line before this one, and the source's error", "run pymig preflight with both ends"),
    ),
    Topic(
        "echo/not-a-stream",
        "migration",
        ("Not a migration stream",),
        "Only the echo: the destination got something that is no migration stream, often because the source broke off "
        "before it sent any. Destination, when it reads.",
        (
            "the source broke off, as for a wrong host name in the certificate; to tell: read the source's error first",
            "TLS is on at the source alone; to tell: tls-creds in query-migrate-parameters, at both ends",
            "something else connected to the port: a health check, a port scanner",
        ),
        ("read the source's error, and correct that", "set tls-creds at both ends or at none"),
        ("tls/source-only", "tls/hostname"),
    ),
    Topic(
        "echo/broken-connection",
        "migration",
        (
            "Unable to write to socket: Broken pipe",
            "Unable to write to socket: Connection reset by peer",
            "Unable to read from socket: Connection reset by peer",
            "Unable to read from socket: Bad file descriptor",
            "Unable to write to socket: Bad file descriptor",
            "Channel error: Input/output error",
            "Sibling indicated error",
            "failed to save SaveStateEntry with id(name)",
            "Unable to shutdown socket: Bad file descriptor",
            "Failed to peek at channel",
            "ram_save_setup failed: <reason>",
            "channel 0 has already quit",
            "Received invalid message 0x0000 length 0x0000",
        ),
        "Only the echo: the source sees that the other end broke the connection. What happened stands at the "
        "destination.",
        (
            LOOK_AT_DESTINATION,
            "multifd from QEMU before 9.0 to 9.2.0 (QEMU issue 2720, fixed by b93d897ea2: 9.2.1, 10.0); to tell: "
            "query-version, both "
            "ends",
            "a firewall or a proxy closed the connection",
        ),
        ("read the destination's log", "leave multifd off between those releases, or update to 9.2.1 or later"),
        ("multifd/sync",),
        everyday=True,
    ),
    Topic(
        "no-destination",
        OTHER,
        (
            "Failed to connect to '<address>': Connection refused",
            "unable to connect to server at '<address>': Connection refused",
            "unable to connect to server at '<address>': No route to host",
            "unable to connect to server at '<address>': Connection timed out",
            "Failed to connect to '<address>': No such file or directory",
            "Failed to connect to '<address>': Connection timed out",
        ),
        "Nobody listens at the address. migrate succeeds first, and its status becomes failed.",
        (
            "the destination has ended, or does not listen yet; to tell: query-status there",
            "a firewall: libvirt uses the ports 49152 to 49215; to tell: nc -z HOST PORT",
        ),
        ("start the destination first", "open the ports"),
        everyday=True,
    ),
    Topic(
        "open/failed",
        OTHER,
        (
            "Failed to bind socket to <path>: <reason>",
            "Failed to bind socket: <reason>",
            "Could not open '<file>': <reason>",
            "Could not create '<file>': <reason>",
            "Unable to open <file>: <reason>",
            "address resolution failed for <address>: <reason>",
            "File descriptor named '<name>' has not been found",
            "Failed to execute child process '<command>'",
        ),
        "QEMU can't open what the address names. Said by migrate and migrate-incoming.",
        (
            "the path does not exist, or QEMU's user may not write there; to tell: ls -ld DIRECTORY",
            "the port is taken, or the address is no address of this host; to tell: ss -ltnp, ip address",
            "no getfd or add-fd came before fd:; to tell: the manager's log",
        ),
        ("correct the address, or give QEMU's user access",),
        everyday=True,
    ),
    Topic(
        "rdma/device",
        OTHER,
        (
            "RDMA ERROR: could not create CM channel",
            "RDMA ERROR: could not create rdma event channel",
            "RDMA ERROR: <reason>",
        ),
        "The host has no RDMA device that QEMU can use, or the address is not that of one.",
        ("no device, or no driver; to tell: rdma link, ls /dev/infiniband",),
        ("load the driver, and give QEMU's user access to /dev/infiniband", "use a tcp: address"),
        ("rdma-pin-all",),
        everyday=True,
    ),
    Topic(
        "colo/stream",
        "migration",
        (
            "ENABLE_COLO command come in migration stream, but x-colo capability is not set",
            "ENABLE_COLO command come in migration stream, but c-colo capability is not set",
            "Can't receive COLO message: <reason>",
        ),
        "x-colo is on at the source, and not at the destination, or the destination has ended.",
        ("x-colo was left on by an earlier use; to tell: query-migrate-capabilities, at both ends",),
        ("switch x-colo off at both ends",),
        ("x-colo",),
    ),
    Topic(
        "multifd/channel-count",
        "migration",
        (
            "multifd: received channel id <n> exceeds channel count <n>",
            "multifd: received channel id <n> is greater than number of channels <n>",
            "multifd: received id '<n>' already setup",
            "multifd: received channel version <n> expected <n>",
        ),
        "The destination gets more channels of multifd than it expects, or connections that are none.",
        ("multifd-channels differs; to tell: query-migrate-parameters, at both ends",),
        ("set the same multifd-channels at both ends",),
        ("multifd-channels/more", "multifd-channels/one-more", "multifd-channels"),
    ),
    Topic(
        "uuid/unset",
        "migration",
        ("UUID is received <uuid>, but local uuid isn't set",),
        "Only a warning: the destination was started without -uuid, so validate-uuid compares nothing.",
        remedies=("start the destination with the source's -uuid",),
        see=("validate-uuid",),
    ),
    Topic(
        "postcopy/memory",
        "migration",
        ("ram_block_enable_notify failed", "cleanup_range: userfault unregister"),
        "Postcopy has begun, and the destination's kernel does not cover a block of its memory: the guest is lost.",
        ("the memory is in a shared file outside tmpfs and hugetlbfs; to tell: pymig probe --memory file:PATH",),
        ("keep the memory on tmpfs or hugetlbfs, or do not start postcopy",),
        ("postcopy/shared-file", "postcopy-ram"),
    ),
    Topic(
        "postcopy/paused",
        "migration",
        ("Detected IO failure for postcopy. Migration paused.",),
        "The connection broke after postcopy had begun: the guest stands still at the destination until it is "
        "recovered.",
        ("the network, or one of the hosts",),
        ("migrate-recover at the destination, then migrate with resume=true at the source (virsh: --postcopy-resume)",),
        ("postcopy-ram", "release-ram"),
    ),
    Topic(
        "vfio/postcopy",
        "migration",
        ("VFIO migration is not supported with postcopy migration",),
        "A VFIO device (vGPU, passed-through device) can't fetch pages later, so postcopy is refused. Source, at "
        "migrate.",
        ("postcopy is permitted for a guest with such a device; to tell: virsh dumpxml GUEST | grep hostdev",),
        ("switch postcopy-ram off for this guest (Nova: live_migration_permit_post_copy = False)",),
        ("postcopy-ram", "switchover-ack"),
    ),
    Topic(
        "nova/parallel-postcopy",
        "migration",
        ("Nova requires QEMU version 10.1.0 or greater to use live migration parallel connections with post-copy",),
        "Nova compares versions. A distribution's QEMU 10.0 that has the feature is refused, too.",
        remedies=("set live_migration_parallel_connections = 1, or live_migration_permit_post_copy = False",),
        see=("postcopy-ram/multifd",),
    ),
    Topic(
        "bitmaps/in-use",
        "migration",
        ("Bitmap '<bitmap>' is currently in use by another operation and cannot be used",),
        "A bitmap that a job uses can't travel, and a running backup keeps the disk from being released, so the "
        "migration "
        "fails at the end. Source, at migrate or later.",
        ("a backup runs; to tell: query-jobs, virsh domjobinfo",),
        ("let the backup finish or cancel it, then migrate with dirty-bitmaps on at both ends",),
        ("dirty-bitmaps",),
    ),
    Topic(
        "commands/removed",
        "migration",
        (
            "The command migrate_set_speed has not been found",
            "The command migrate_set_downtime has not been found",
            "The command migrate-set-cache-size has not been found",
            "The command query-migrate-cache-size has not been found",
            "migrate_set_speed",
            "migrate_set_downtime",
            "migrate_set_cache_size",
        ),
        "These commands were removed in QEMU 6.0: their values are parameters of migrate-set-parameters.",
        ("a tool or a libvirt that is older than the QEMU; to tell: virsh version",),
        (
            "set max-bandwidth, downtime-limit and xbzrle-cache-size with migrate-set-parameters",
            "update libvirt or the tool",
        ),
        ("max-bandwidth", "downtime-limit", "xbzrle-cache-size"),
    ),
    Topic(
        "capabilities/kept",
        "migration",
        (
            "Currently we set KVM migration capabilities only on the source instance and leave them set even if "
            "migration "
            "fails",
        ),
        "postcopy-ram must be on at both ends. With it on at the source alone, the destination ends on the first "
        "command of "
        'postcopy: "RAM postcopy is disabled but have 16 byte advise". And capabilities survive a failed migration, so '
        "the next one fails too until they are switched off.",
        ("a tool sets capabilities at the source only; to tell: query-migrate-capabilities, at both ends",),
        ("set postcopy-ram at both ends", "switch capabilities off after each migration"),
        ("postcopy-ram/source-only", "postcopy-ram"),
    ),
    Topic(
        "tls/certificate",
        "migration",
        (
            "The certificate hasn't got a known issuer",
            "TLS handshake failed: The TLS connection was non-properly terminated.",
            "TLS handshake failed: Error in the push function.",
            "Cannot read from TLS channel: Input/output error",
            "Cannot write to TLS channel: Input/output error",
        ),
        "The two ends could not agree on TLS. The end that refused says why; the other one only sees the end of the "
        "connection.",
        (
            "TLS is on at one end only; to tell: tls-creds in query-migrate-parameters, at both ends",
            "certificates of different authorities, or expired; to tell: openssl x509 -in server-cert.pem -noout "
            "-dates",
            "the name in the certificate is another one; to tell: openssl x509 -in server-cert.pem -noout -ext "
            "subjectAltName",
        ),
        ("set tls-creds at both ends or at none", "renew the certificates", "set tls-hostname at the source"),
        ("tls-creds", "tls-hostname"),
        everyday=True,
    ),
    Topic(
        "echo/libvirt",
        "migration",
        (
            "migration out job: unexpectedly failed",
            "job 'migration out' unexpectedly failed",
            "job 'migration in' unexpectedly failed",
            "job 'migration out' failed: <reason>",
            "job 'migration in' failed: <reason>",
            "qemu unexpectedly closed the monitor",
        ),
        "Only libvirt's summary: one of the two QEMUs ended the migration. Why stands in the QEMUs' own logs.",
        (LOOK_AT_DESTINATION,),
        ("read QEMU's lines in the log of both hosts",),
    ),
    Topic(
        "libvirt/cancelled",
        OTHER,
        (
            "migration out job: canceled by client",
            "job 'migration out' canceled by client",
        ),
        "Somebody, or a time limit of the manager, cancelled the migration.",
        ("it did not converge within the manager's limit; to tell: dirty-pages-rate in query-migrate",),
        ("raise downtime-limit or max-bandwidth, or use auto-converge or postcopy",),
        ("auto-converge", "postcopy-ram", "downtime-limit", "max-bandwidth"),
    ),
    # ---- Other matters ----
    Topic(
        "blocker/cpu",
        OTHER,
        (
            "State blocked by non-migratable CPU device (invtsc flag)",
            "State blocked by non-migratable CPU device",
            "domain has 'invtsc' CPU feature but TSC frequency is not specified",
        ),
        "A CPU flag that can't be moved blocks migration and savevm, whatever the capabilities are. Source, at "
        "migrate.",
        ("the CPU model has invtsc, as -cpu host,migratable=off does; to tell: query-migrate's blocked-reasons",),
        ("drop invtsc: -cpu host,migratable=on", "or fix the frequency: tsc-frequency (libvirt: <timer name='tsc'/>)"),
    ),
    Topic(
        "blocker/device",
        OTHER,
        (
            "State blocked by non-migratable device '<device>'",
            "Migration is disabled when using feature '<feature>' in device '<device>'",
            "VFIO migration is not supported in kernel",
            "VFIO device doesn't support migration",
            "The <format> format used by node '<node>' does not support live migration",
            "Device <device> is not migratable, but --only-migratable was specified",
            "Migration disabled: vhost lacks VHOST_F_LOG_ALL feature.",
            "Migration disabled: vhost-user backend lacks VHOST_USER_PROTOCOL_F_LOG_SHMFD feature.",
            "Migration disabled: failed to allocate shared memory",
            "Migration is disabled when VirtFS export path '<path>' is mounted in the guest using mount_tag '<tag>'",
        ),
        "A device, or the format of a disk, that can't be moved blocks the command, whatever the capabilities are. "
        "Source, "
        "at migrate.",
        ("the text names the device; to tell: query-migrate's blocked-reasons",),
        ("unplug the device, or use one that can be moved",),
    ),
    Topic(
        "storage/unsafe",
        OTHER,
        (
            "Unsafe migration: Migration without shared storage is unsafe",
            "Migration without shared storage is unsafe",
            "VIR_ERR_MIGRATE_UNSAFE",
            "Migration may lead to data corruption if disks use cache other than none or directsync",
        ),
        "libvirt, before QEMU is asked: it does not find the disk on storage that both hosts share, or its cache "
        "mode is "
        "unsafe (the check came with libvirt 4.3). QEMU's capability block, which copied disks, is gone since 9.1.",
        (
            "the disk is on local storage; to tell: virsh domblklist GUEST",
            "the storage is shared, and libvirt can't tell; to tell: stat -f -c %T FILE",
        ),
        (
            "use --copy-storage-all, which copies disks by NBD and mirror jobs",
            "use --unsafe if you know that the storage is shared",
            "set cache='none' for the disk",
        ),
        ("block",),
    ),
    Topic(
        "storage/copy",
        OTHER,
        (
            "migration of disk <disk> failed",
            "pre-creation of storage target '<disk>' for incremental storage migration of disk '<disk>' is not "
            "supported",
        ),
        "libvirt copies the disks by NBD and mirror jobs, beside the migration of memory.",
        ("the destination's image is missing, too small or full; to tell: qemu-img info, df, at the destination",),
        ("make an image of the same size at the destination first", "use --copy-storage-all instead of -inc"),
    ),
    Topic(
        "storage/lock",
        OTHER,
        (
            'Failed to get "write" lock',
            'Failed to get shared "write" lock',
            "bdrv_inactivate_recurse: Assertion",
        ),
        "It is about the disks: another process has the image open, or the other end can't take it over.",
        ("another QEMU, or the other end, has the image open; to tell: lsof IMAGE, at both hosts",),
        ("end what has the image open", "let the destination wait with its locks: late-block-activate"),
        ("late-block-activate",),
        everyday=True,
    ),
    Topic(
        "cpu/mismatch",
        OTHER,
        (
            "guest CPU doesn't match specification: extra features: <features>",
            "guest CPU doesn't match specification: missing features: <features>",
            "guest CPU doesn't match specification",
            "Host CPU does not provide required features: <features>",
            "Unacceptable CPU info: CPU doesn't have compatibility",
            "host doesn't support requested feature: <feature>",
            "TSC frequency mismatch between VM (<n> kHz) and host (<n> kHz), and TSC scaling unavailable",
        ),
        "The destination's CPU, or its QEMU, can't give the guest the CPU that it has. libvirt before 11.10 "
        "says so (extra features: ht) on the way to QEMU 10.0 or later.",
        (
            "the hosts' CPUs or microcodes differ; to tell: virsh domcapabilities, at both hosts",
            "libvirt before 11.10 with QEMU 10.0 or later; to tell: virsh version",
        ),
        ("use a CPU model that both hosts have, instead of host-passthrough", "update libvirt to 11.10 or later"),
    ),
    Topic(
        "machine/unsupported",
        OTHER,
        (
            "unsupported machine type '<machine>'",
            "unsupported machine type",
            "Emulator '<emulator>' does not support machine type '<machine>'",
        ),
        "The destination's QEMU does not know the guest's machine type: it is older, or dropped the type.",
        ("the destination is older than the guest's machine type; to tell: qemu-system-x86_64 -machine help, there",),
        ("update the destination, or start the guest with a machine type that both have",),
        ("machine",),
        everyday=True,
    ),
    Topic(
        "device/state",
        OTHER,
        (
            "get_pci_config_device: Bad config data",
            "Failed to load virtio",
            "unsupported. Allowed features",
            "inconsistent with Host index",
            "Length mismatch: <block>: <size> in != <size>",
        ),
        "The destination can't load what the source says of a device: its model, its slot or its features are others "
        "there. "
        "Destination, when it reads the stream.",
        (
            "the two command lines differ; to tell: compare virsh dumpxml --migratable at both ends",
            "a machine type without a version (pc, q35), which is another one in another release; to tell: "
            "query-machines",
            "a back end (vhost-user, DPDK, kernel) of another version offers other features",
        ),
        ("start the destination with the same devices and a versioned machine type",),
        ("machine", "device-missing", "ram/size"),
    ),
    Topic(
        "cpu/registers",
        OTHER,
        ("failed to set MSR <number>", "kvm_put_msrs: Assertion", "kvm_buf_set_msrs: Assertion"),
        "The destination's KVM does not take a register of the guest's CPU. Destination, when it loads the CPU.",
        ("the hosts' CPUs, kernels or microcodes differ; to tell: lscpu and uname -r, at both hosts",),
        ("use a CPU model that both hosts have, and bring both kernels to the same state",),
    ),
    Topic(
        "blocker/busy",
        OTHER,
        (
            "disallowing migration blocker (migration/snapshot in progress)",
            "Nested VMX virtualization does not support live migration yet",
            "SEV: Migration is not implemented",
            "SNP: Migration is not implemented",
            "domain has assigned non-USB host devices",
            "cannot migrate a domain with hostdev",
            "multiple devices migration is supported only if all of them support P2P migration",
        ),
        "Something in the guest, or something that runs, excludes migration. Source, at migrate.",
        ("the text names it; to tell: query-migrate's blocked-reasons",),
        ("remove what the text names from the guest, or wait until it has ended",),
    ),
    Topic(
        "libvirt/connection",
        OTHER,
        (
            "Failed to connect to remote libvirt URI <uri>",
            "hostname on destination resolved to localhost, but migration requires an FQDN",
            "cannot acquire state change lock (held by monitor=<holder>)",
            "operation failed: domain '<domain>' already exists with uuid <uuid>",
        ),
        "The two libvirts, not the two QEMUs: one can't reach the other, or is busy with the guest.",
        (
            "no ssh, TLS or name service between the hosts; to tell: virsh -c qemu+ssh://HOST/system list",
            "an earlier migration left the guest, or a job, behind; to tell: virsh list --all, virsh domjobinfo",
        ),
        ("make the connection work first", "end or undefine what was left behind at the destination"),
    ),
    Topic(
        "libvirt/abi",
        OTHER,
        (
            "Target domain <what> does not match source",
            "Target network card <what> does not match source",
            "Target device <what> does not match source",
            "Cannot get interface MTU on '<bridge>': No such device",
            "cannot access storage file '<file>'",
        ),
        "libvirt compares the guest's XML, or looks for what it names at the destination, before QEMU is asked.",
        ("a bridge, a disk or a device has another name there; to tell: virsh dumpxml, at both hosts",),
        ("give both hosts the same names, or give the destination its XML: virsh migrate --xml FILE",),
    ),
    Topic(
        "manager/not-migratable",
        OTHER,
        (
            "DisksNotLiveMigratable",
            "InterfaceNotLiveMigratable",
            "HostDeviceNotLiveMigratable",
            "live migration requires that all PVCs must be shared",
            "cannot migrate VMI which does not use <network>",
            "is not on shared storage: Shared storage live-migration requires",
            "is on shared storage: Block migration can not be used with shared storage",
            "can't migrate VM which uses local devices: <devices>",
            "can't live migrate attached local disks without with-local-disks option",
        ),
        "The manager (KubeVirt, Nova, Proxmox) refuses before libvirt and QEMU are asked: the guest's disks or "
        "devices are of "
        "one host alone.",
        ("local disks, an access mode that is not shared (ReadWriteMany), or a passed-through device",),
        ("use shared storage, or the manager's option that copies disks", "remove the local device"),
    ),
    Topic(
        "convergence",
        "migration",
        (
            "Live migration is not completed after <seconds> seconds and has been aborted",
            "Live migration stuck for <seconds> seconds and has been aborted",
            "Live migration not completed after <seconds> sec",
            "Migration is stuck: Hasn't progressed in <seconds>",
            "migration did not converge",
            "migration is not converging",
        ),
        "The guest changes memory faster than it can be sent, so the rest never fits into downtime-limit. The "
        "manager gave "
        "up.",
        (
            "a busy guest; to tell: dirty-pages-rate against mbps in query-migrate",
            "max-bandwidth is low; to tell: query-migrate-parameters",
        ),
        (
            "raise max-bandwidth and downtime-limit: both may be changed while it runs",
            "use multifd on a fast network",
            "use auto-converge or dirty-limit, which slow the guest down, or postcopy-ram, which always ends",
        ),
        ("downtime-limit", "max-bandwidth", "auto-converge", "dirty-limit", "postcopy-ram", "multifd"),
    ),
    Topic(
        "savevm/risk",
        "fault",
        ("there's a risk of crashing QEMU or producing incorrect behavior",),
        "Capabilities stay on after a migration and apply to savevm as well. With multifd or mapped-ram on, a release "
        'before 10.2 may crash; from 10.2 on it is refused: "Snapshots are not compatible with multifd".',
        ("multifd is still on after a parallel migration; to tell: query-migrate-capabilities",),
        ("switch multifd and mapped-ram off before savevm",),
        ("savevm/multifd", "multifd"),
    ),
)

TOPIC_OF = {topic.name: topic for topic in TOPICS}

ECHOES = frozenset(text for topic in TOPICS if topic.name.startswith("echo/") for text in topic.texts)
"""Texts that only say that something else went wrong before."""

FAINTEST = "echo/load-failed"
"""What is said whatever went wrong."""
