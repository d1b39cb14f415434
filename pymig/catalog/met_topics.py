"""The kernel's reasons, what a migration meets, and what managers say of it."""

from __future__ import annotations

from pymig.catalog.topic import Topic

LOOK_AT_DESTINATION = "read the destination's log first: it says why; to tell: /var/log/libvirt/qemu/GUEST.log there"

MET_TOPICS: tuple[Topic, ...] = (
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
