# SPDX-License-Identifier: GPL-2.0-or-later

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
        "10). Destination, when postcopy-ram is switched on.",
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
        "nothing may pack or encrypt the pages: no TLS, no compression. Source, when it connects.",
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
        (
            "Unable to write to socket: No buffer space available",
            "Process can't lock enough memory for using MSG_ZEROCOPY",
        ),
        "zero-copy-send locks the pages on their way, in the worst case as much as the guest's memory. Source, while "
        "memory is sent.",
        ("RLIMIT_MEMLOCK is too small; to tell: pymig probe --pid PID --only memlock, grep locked /proc/PID/limits",),
        ("raise RLIMIT_MEMLOCK of QEMU: LimitMEMLOCK=infinity in its unit",),
        ("zero-copy-send",),
    ),
    Topic(
        "echo/load-failed",
        "migration",
        (
            "load of migration failed",
            "error while loading state",
            "Illegal RAM offset <offset>",
            "check_section_footer: Read section footer failed",
            "loadvm failed during postcopy",
            "postcopy_ram_listen_thread: loadvm failed",
            "Failed to load vmstate version_id",
            "Unexpected end-of-file before all data were read",
            "Expected vmdescription section, but got",
        ),
        "The destination could not read the stream, and exits. The reason stands in the lines before it or, from "
        "11.0 on, after it.",
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
        "Only the echo: the destination got something that is no migration stream, often because the source broke "
        "off before it sent any. Destination, when it reads.",
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
            "multifd_send_pages fail",
            "multifd synchronization failed",
            "Failed to terminate TLS connection: <reason>",
            "postcopy_start: Migration stream error",
            "Unable to write to socket: <reason>",
            "Unable to read from socket: <reason>",
        ),
        "Only the echo: the source sees that the other end broke the connection. What happened stands at the "
        "destination.",
        (
            LOOK_AT_DESTINATION,
            "multifd from QEMU before 9.0 to 9.2.0 (QEMU issue 2720, fixed by b93d897ea2: 9.2.1, 10.0); to tell: "
            "query-version, both ends",
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
        (
            "Detected IO failure for postcopy. Migration paused.",
            "job 'migration out' failed in post-copy phase",
            "job 'migration in' failed in post-copy phase",
            "migration out job: post-copy phase failed",
        ),
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
        (
            "switch postcopy-ram off for this guest (Nova: live_migration_permit_post_copy = False on these hosts; "
            "KubeVirt 1.9 leaves it off by itself)",
        ),
        ("postcopy-ram", "switchover-ack"),
    ),
    Topic(
        "nova/parallel-postcopy",
        "migration",
        ("Nova requires QEMU version 10.1.0 or greater to use live migration parallel connections with post-copy",),
        "Nova compares versions. A distribution's QEMU 10.0 that has the feature is refused, too. Said by "
        "nova-compute when it starts.",
        ("live_migration_parallel_connections is more than 1, and post-copy is permitted; to tell: nova.conf",),
        remedies=("set live_migration_parallel_connections = 1, or live_migration_permit_post_copy = False",),
        see=("postcopy-ram/multifd",),
    ),
    Topic(
        "bitmaps/in-use",
        "migration",
        ("Bitmap '<bitmap>' is currently in use by another operation and cannot be used",),
        "A bitmap that a job uses can't travel, and a running backup keeps the disk from being released, so the "
        "migration fails at the end. Source, at migrate or later.",
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
        "These commands were removed in QEMU 6.0: their values are parameters of migrate-set-parameters. Said at "
        "either end, when parameters are set.",
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
            "migration fails",
        ),
        "postcopy-ram must be on at both ends. With it on at the source alone, the destination ends on the first "
        'command of postcopy: "RAM postcopy is disabled but have 16 byte advise". And capabilities survive a failed '
        "migration, so the next one fails too until they are switched off.",
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
            "Cannot read from TLS channel: <reason>",
            "Cannot write to TLS channel: <reason>",
            "TLS handshake failed: <reason>",
            "Failed to verify peer's certificate",
            "Failed to verify peer certificate",
            "owner does not match the hostname <hostname>",
        ),
        "The two ends could not agree on TLS. The end that refused says why; the other one only sees the end of the "
        "connection. Found out when the source connects.",
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
            "migration job: unexpectedly failed",
            "job 'migration out' unexpectedly failed",
            "job 'migration in' unexpectedly failed",
            "job 'migration out' failed: <reason>",
            "job 'migration in' failed: <reason>",
            "qemu unexpectedly closed the monitor",
            "End of file from qemu monitor",
            "Unable to read from monitor: <reason>",
            "process exited while connecting to monitor",
            "migration out job: <reason>",
            "migration was active, but no RAM info was set",
        ),
        "Only libvirt's summary: a QEMU has ended, in a migration one of the two. Why stands after this text, or in "
        "the QEMUs' own logs.",
        (LOOK_AT_DESTINATION,),
        ("read QEMU's lines in the log of both hosts",),
        strict=True,
    ),
    Topic(
        "convergence",
        "migration",
        (
            "Live migration is not completed after <seconds> seconds and has been aborted",
            "Live migration stuck for <seconds> seconds and has been aborted",
            "Live migration stuck for <seconds> sec",
            "Live migration not completed after <seconds> sec",
            "Migration is stuck: Hasn't progressed in <seconds>",
            "migration did not converge",
            "migration is not converging",
        ),
        "The guest changes memory faster than it can be sent, so the rest never fits into downtime-limit. The "
        "manager gave up. Source, while memory is sent.",
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
        "Capabilities stay on after a migration and apply to savevm as well. With multifd or mapped-ram on, a "
        'release before 10.2 may crash; from 10.2 on it is refused: "Snapshots are not compatible with multifd".',
        ("multifd is still on after a parallel migration; to tell: query-migrate-capabilities",),
        ("switch multifd and mapped-ram off before savevm",),
        ("savevm/multifd", "multifd"),
    ),
    Topic(
        "postcopy/start",
        "command",
        (
            "Enable postcopy with migrate_set_capability before the start of migration",
            "Postcopy must be started after migration has been started",
        ),
        "migrate-start-postcopy (virsh migrate-postcopy) switches a migration that runs, and that was started with "
        "postcopy-ram on. Said by migrate-start-postcopy: the source.",
        (
            "postcopy-ram was off when migrate was sent; to tell: query-migrate-capabilities",
            "migrate has not begun yet, or has ended already: libvirt sets the capability some time after virsh "
            "migrate was called; to tell: query-migrate says active",
        ),
        ("wait until query-migrate says active, then send migrate-start-postcopy",),
        ("postcopy-ram",),
        tried=("switch postcopy-ram on at both ends before migrate (virsh: --postcopy)",),
    ),
    Topic(
        "postcopy/recover",
        "command",
        (
            "Migrate recover can only be run when postcopy is paused.",
            "Migrate recovery is triggered already",
            "migrate-pause is currently only supported during postcopy-active or postcopy-recover state",
        ),
        "migrate-recover (at the destination) and migrate-pause belong to a postcopy that has begun: the first needs "
        "the status postcopy-paused.",
        (
            "QEMU has not noticed that the connection broke; to tell: query-migrate, at both ends",
            "migrate-recover was sent before; to tell: query-migrate says postcopy-recover",
        ),
        (
            "send migrate-pause first, then migrate-recover at the destination, then migrate with resume=true at the "
            "source",
        ),
        ("postcopy-ram", "postcopy/paused"),
    ),
    Topic(
        "continue/state",
        "command",
        ("Migration not in expected state: <state>",),
        "migrate-continue goes on with a migration that waits, and names the state in which it waits. Said by "
        "migrate-continue: the source.",
        ("the migration does not wait, or waits in another state; to tell: query-migrate",),
        ("send migrate-continue with state pre-switchover, when query-migrate says pre-switchover",),
        ("pause-before-switchover",),
    ),
    Topic(
        "userfaultfd/listen",
        "host",
        ("Failed to open userfault fd: <reason>",),
        "Postcopy begins, and the kernel does not give the destination a userfaultfd. It did, or nobody asked, when "
        "postcopy-ram was switched on. Destination, when the source announces postcopy.",
        (
            "the permission was taken away meanwhile: the sysctl, a cgroup, the file descriptors; to tell: pymig "
            "probe --pid PID",
        ),
        ("run pymig probe at the destination, as QEMU's user: it names the cause and the remedy",),
        ("postcopy-ram/host", "userfaultfd"),
    ),
    Topic(
        "rdma/memory-lock",
        "host",
        (
            "Failed to register local dest ram block",
            "rdma migration: error dest registering ram blocks",
            "rdma migration: error registering ram blocks",
            "Register local dest ram block",
        ),
        "RDMA locks the guest's memory, all of it at once with rdma-pin-all, and QEMU may not lock that much. Either "
        "end, when the connection is made.",
        (
            "RLIMIT_MEMLOCK is too small; to tell: pymig probe --pid PID --only memlock",
            "the memory is overcommitted; to tell: free -m",
        ),
        (
            "set <memtune><hard_limit> in the guest's XML: libvirt raises RLIMIT_MEMLOCK by it",
            "raise RLIMIT_MEMLOCK of QEMU: LimitMEMLOCK=infinity in its unit",
            "switch rdma-pin-all off: memory is then locked piece by piece",
        ),
        ("rdma-pin-all",),
    ),
    Topic(
        "tls/credentials",
        "migration",
        (
            "Unable to access credentials <file>: <reason>",
            "Unable to load <what> certificate <file>",
            "The certificate <file> has expired",
            "The server certificate <file> has expired",
            "The client certificate <file> has expired",
            "The CA certificate <file> has expired",
            "Our own certificate <file> failed validation against <authority>: <reason>",
            "certificate <file> is not yet active",
        ),
        "QEMU can't use the certificates of this end (object-add tls-creds-x509). libvirt takes them from "
        "migrate_tls_x509_cert_dir, or /etc/pki/qemu: the destination needs server-cert.pem and server-key.pem, the "
        "source client-cert.pem and client-key.pem, both ca-cert.pem. Each end says it for itself, before it "
        "migrates.",
        (
            "a file is missing, or QEMU's user may not read it; to tell: ls -l /etc/pki/qemu, at both ends",
            "a certificate has expired, or is of another authority; to tell: openssl x509 -noout -dates -issuer -in "
            "FILE",
        ),
        (
            "install the files at that end, readable for QEMU's user",
            "renew the certificate",
            "set migrate_tls_x509_verify = 0 in the destination's qemu.conf, if clients shall need no certificate",
        ),
        ("tls-creds", "tls-hostname"),
        everyday=True,
    ),
    Topic(
        "multifd/magic",
        "migration",
        (
            "multifd: received packet magic <n> and expected magic <n>",
            "multifd: received packet magic <n> expected <n>",
            "multifd: received packet magic <n>",
            "multifd: received packet version <n>",
            "multifd: received packet with <n> pages",
            "multifd: received packet with size <n>",
            "failed to receive packet via multifd channel <n>",
        ),
        "A channel of multifd brings something that is no packet of multifd, or not of this kind. Destination, when "
        "it reads.",
        (
            "the ends differ in multifd-compression, tls-creds or the page size; to tell: query-migrate-parameters, "
            "at both ends",
            "channels were mixed up, as with postcopy-preempt before QEMU 8.0; to tell: query-version, at both ends",
            "something else connected to the port: a health check, a port scanner",
        ),
        (
            "set the same multifd-compression and tls-creds at both ends",
            "update both ends, or leave multifd off",
            "keep others off the migration's ports",
        ),
        ("multifd-compression", "multifd-channels", "multifd"),
    ),
    Topic(
        "stream/unknown-flags",
        "migration",
        ("Unknown combination of migration flags: <flags>",),
        "The destination reads pages of a kind that it does not know. Destination, when memory is sent.",
        (
            "compress is on at the source, and the destination is QEMU 9.1 or later, which has it no more; to tell: "
            "query-migrate-capabilities, query-version",
            "multifd, its compression or postcopy is on at one end only; to tell: pymig preflight",
            "the stream is damaged: the line before says more",
        ),
        ("set the same capabilities and parameters at both ends: pymig preflight names those that differ",),
        ("compress/destination-lacks-it", "multifd-compression"),
    ),
    Topic(
        "device/footer",
        "migration",
        ("Missing section footer for <section>",),
        "The destination has read another amount of data for this device than the source wrote: its model, its "
        "number or its version is another one there. Destination, when it loads the devices.",
        (
            "the two ends differ in this device or in the number of CPUs; to tell: compare virsh dumpxml --migratable",
            "two builds of one machine type differ, as some of QEMU 6.2 did (piix4_pm, QEMU issue 2110); to tell: "
            "query-version, at both ends",
        ),
        (
            "start the destination with the same devices and CPUs, and a versioned machine type",
            "use the same build of QEMU at both ends",
        ),
        ("machine", "cpus/more-at-destination", "device-missing"),
    ),
    Topic(
        "bitmaps/broken",
        "migration",
        (
            "Bitmap '<bitmap>' is inconsistent and cannot be used",
            "Bitmap '<bitmap>' is readonly and cannot be modified",
            "Found bitmap '<bitmap>' in unnamed node <node>. It can't be migrated",
            "Bitmap '<bitmap>' in unnamed node can't be migrated",
            "Bitmap '<bitmap>' in a node with auto-generated name '<node>' can't be migrated",
            "Cannot migrate bitmap '<bitmap>' on node '<node>': Name is longer than <n> bytes",
        ),
        "dirty-bitmaps is on, and a bitmap can't travel. Source, when the migration starts.",
        (
            "QEMU did not end in good order while the bitmap was in use: it is marked as inconsistent; to tell: "
            "query-named-block-nodes",
            "the bitmap belongs to a node without a name; to tell: query-named-block-nodes",
        ),
        (
            "remove the bitmap (block-dirty-bitmap-remove, virsh checkpoint-delete), and begin with a full backup",
            "switch dirty-bitmaps off, if no backup needs it",
        ),
        ("dirty-bitmaps", "block-bitmap-mapping"),
    ),
    Topic(
        "manager/unknown-status",
        "migration",
        (
            "unable to parse migration status '<status>' - aborting",
            "Too many 'info migrate' broken answers",
        ),
        "The manager does not know a status of the migration. QEMU from 10.0 on goes through the status device at "
        "each switchover; before, only with pause-before-switchover on. Source, at the switchover.",
        ("a manager that is older than the QEMU: Proxmox knows device since July 2025; to tell: pveversion -v",),
        ("update the manager (Proxmox: qemu-server)",),
        ("pause-before-switchover",),
    ),
    Topic(
        "nova/shutoff",
        "migration",
        ("VM will end up in SHUTOFF state on the destination host",),
        "Nova's warning about parallel connections with post-copy: QEMU before 10.1 refuses the pair, or loses the "
        "guest.",
        ("live_migration_parallel_connections and live_migration_permit_post_copy are both on; to tell: nova.conf",),
        ("set live_migration_parallel_connections = 1, or live_migration_permit_post_copy = False",),
        ("postcopy-ram/multifd", "nova/parallel-postcopy"),
    ),
    Topic(
        "bitmaps/alias",
        "migration",
        (
            "Unknown node alias '<alias>'",
            "Unknown bitmap alias '<alias>' on node '<node>'",
        ),
        "dirty-bitmaps is on, and the destination's block-bitmap-mapping does not have the name that the source "
        "sends. Destination, when it reads.",
        ("block-bitmap-mapping differs; to tell: query-migrate-parameters, at both ends",),
        ("set block-bitmap-mapping at both ends with the same aliases, each with the node's own name",),
        ("block-bitmap-mapping", "dirty-bitmaps", "dirty-bitmaps/lost"),
    ),
    Topic(
        "storage/busy",
        "migration",
        ("bdrv_inactivate_all() failed",),
        "At the switchover the source gives its disks up, and something still uses one. The guest goes on running at "
        "the source.",
        (
            "a backup or a mirror job runs; to tell: query-block-jobs, query-jobs, virsh blockjob GUEST DISK",
            "an NBD server exports the disk; to tell: query-block-exports",
        ),
        ("let the job finish or cancel it, then migrate",),
        ("pause-before-switchover", "dirty-bitmaps", "bitmaps/in-use"),
    ),
)
