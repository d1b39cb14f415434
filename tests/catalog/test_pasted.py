# SPDX-License-Identifier: GPL-2.0-or-later

"""Texts as people paste them, from trackers of libvirt's tests, KubeVirt, Nova, Proxmox, Ganeti and CloudStack."""

import pytest

from pymig import explain
from pymig.catalog.topics import TOPICS
from pymig.catalog.wrapping import WRAPPINGS

QMP = "internal error: unable to execute QEMU command"

# What is pasted: the kind of the first explanation, a part of what it means or of its causes, a part of a remedy.
TEXTS = {
    f"{QMP} 'migrate-start-postcopy': Enable postcopy with migrate_set_capability before the start of migration": (
        "command",
        "postcopy-ram was off when migrate was sent",
        "--postcopy",
    ),
    "qemu-kvm: Missing section footer for 0000:00:01.3/piix4_pm\nqemu-kvm: load of migration failed: Invalid": (
        "migration",
        "QEMU issue 2110",
        "same build of QEMU",
    ),
    f"{QMP} 'object-add': Unable to access credentials /etc/pki/qemu/client-cert.pem: No such file or directory": (
        "migration",
        "the source client-cert.pem",
        "install the files",
    ),
    "error: operation failed: job 'migration out' failed: Certificate does not match the hostname dell.example.com": (
        "stream",
        "Found out at the source",
        "tls-hostname",
    ),
    "error: operation failed: migration out job: Cannot write to TLS channel: Input/output error": (
        "migration",
        "TLS is on at one end only",
        "tls-creds at both ends",
    ),
    "job 'migration out' failed: Cannot read from TLS channel: Software caused connection abort": (
        "migration",
        "The end that refused says why",
        "renew the certificates",
    ),
    f"org.libvirt.LibvirtException: {QMP} 'migrate': this feature or command is not currently supported": (
        "other matter",
        "CentOS 7",
        "qemu-kvm-ev",
    ),
    "不支持的参数：migration URI is not supported by tunnelled migration": ("libvirt", "one channel", "--tls"),
    "kvm: error executing the migrate-set-capabilities command: Invalid parameter 'x-multifd' (GenericError)": (
        "value",
        "refuses the whole command",
        "use the name multifd",
    ),
    "kvm: error executing the migrate-set-capabilities command: Invalid parameter '' (GenericError):": (
        "value",
        "No release of QEMU",
        "correct the name",
    ),
    "qemu-kvm: Features 0x1c0010130afffaf unsupported. Allowed features: 0x10179bfffef": (
        "other matter",
        "offers other features",
        "versioned machine type",
    ),
    "virError(Code=38, Message='Cannot check QEMU binary /usr/libexec/qemu-kvm: No such file or directory')": (
        "other matter",
        "different paths",
        "<emulator>",
    ),
    "operation failed: guest CPU doesn't match specification: extra features: ht": (
        "other matter",
        "libvirt before 11.10 with QEMU 10.0",
        "libvirt to 11.10",
    ),
    "virError(Code=9, Domain=31, Message='operation failed: guest CPU doesn't match specification: missing features: "
    "vmx-rdrand-exit')": ("other matter", "host-passthrough", "CPU model that both hosts have"),
    "Migration pre-check error: CPU doesn't have compatibility.": ("other matter", "CPUs differ", "cpu_mode = custom"),
    "qemu-kvm: ../block.c:6979: int bdrv_inactivate_recurse(BlockDriverState *): Assertion `!(bs->open_flags & "
    "BDRV_O_INACTIVE)' failed.": ("other matter", "paused since an earlier migration", "QEMU 10.0"),
    "error: Requested operation is not valid: QEMU reports migration is still running": (
        "libvirt",
        "has not noticed",
        "domjobabort GUEST --postcopy",
    ),
    "error: operation failed: migration failed. Message from the source host: operation failed: job 'migration out' "
    "failed in post-copy phase": ("migration", "connection broke", "--postcopy-resume"),
    "qemu-kvm: Process can't lock enough memory for using MSG_ZEROCOPY: No buffer space available": (
        "host",
        "RLIMIT_MEMLOCK is too small",
        "LimitMEMLOCK=infinity",
    ),
    "unsupported flags (0x100000) in function qemuDomainMigratePerform3Params": (
        "libvirt",
        "two versions of libvirt",
        "update libvirt at both ends",
    ),
    "unable to parse migration status 'device' - aborting": ("migration", "10.0", "qemu-server"),
    "Failed to migrate instance: Too many 'info migrate' broken answers": (
        "migration",
        "older than the QEMU",
        "update",
    ),
    "internal error: Unable to find an unused port in range 'migration' (49152-49215)": (
        "other matter",
        "ss -ltnp",
        "migration_port_max",
    ),
    "error: Cannot recv data: Host key verification failed.: Connection reset by peer": (
        "other matter",
        "no ssh key",
        "ssh HOST",
    ),
    "error: unsupported configuration: Unable to find security driver for model selinux": (
        "other matter",
        "security label",
        "security_driver",
    ),
    "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory": (
        "other matter",
        "huge pages",
        "vm.nr_hugepages",
    ),
    "Error: Device 'drive-scsi0' is writable but does not support snapshots": ("other matter", "raw image", "qcow2"),
    "qemu-kvm: qemu_savevm_state_complete_precopy_non_iterable: bdrv_inactivate_all() failed (-1)": (
        "migration",
        "backup or a mirror job",
        "let the job finish",
    ),
    "qemu-kvm: VFIO_MAP_DMA failed: Cannot allocate memory": ("other matter", "no migration is involved", "MEMLOCK"),
    "org.libvirt.LibvirtException: Operation not supported: pre-creation of storage target '/var/lib/images/e7' "
    "for incremental storage migration of disk 'vda' is not supported": (
        "other matter",
        "is not at the destination",
        "--copy-storage-all",
    ),
    "migrate-set-capabilities failed: GenericError; Parameter 'capability' does not accept value 'compress'": (
        "value",
        "removed in 9.1",
        "multifd-compression=zstd",
    ),
    f"{QMP} 'migrate': 0000:3b:00.2: VFIO migration is not supported with postcopy migration": (
        "migration",
        "postcopy is permitted",
        "live_migration_permit_post_copy = False",
    ),
    f"error: {QMP} 'migrate-set-capabilities': Multifd is not compatible with compress": (
        "rule",
        "old compression (mt)",
        "multifd-compression=zstd",
    ),
    f"error: {QMP} 'migrate-set-capabilities': Background-snapshot is not compatible with auto-converge": (
        "rule",
        "capabilities survive a migration",
        "without auto-converge",
    ),
    "error: Requested operation is not valid: cannot abort migration in post-copy mode": (
        "libvirt",
        "can't be taken back",
        "domjobabort GUEST --postcopy",
    ),
    "Failed migration on source: Stateful migration requires migration.stateful to be set to true": (
        "other matter",
        "the option is off",
        "migration.stateful=true",
    ),
    "ERROR: VM 100 qmp command 'cont' failed - Failed to get \"write\" lock": (
        "other matter",
        "has the image open",
        "late-block-activate",
    ),
    f"{QMP} 'blockdev-mirror': Source and target image have different sizes": ("other matter", "qemu-img", "same size"),
    "Live Migration failure: operation failed: domain is not running": ("other matter", "crashed", "QEMU's log"),
    "error: operation failed: domain is no longer running": ("other matter", "crashed", "QEMU's log"),
    "libvirt.libvirtError: invalid argument: monitor must not be NULL": ("other matter", "crashed", "QEMU's log"),
    "query migrate failed: VM 100 not running": ("other matter", "crashed", "QEMU's log"),
    "kvm: -incoming tcp:0:4444: Failed to find an available port: Address already in use": (
        "other matter",
        "the port is taken",
        "correct the address",
    ),
    "qemu-kvm: Failed to connect to '192.0.2.7:4444': No route to host": ("other matter", "firewall", "open the ports"),
    "error: operation failed: migration job: unexpectedly failed": ("migration", "libvirt's summary", "log of both"),
    "Requested operation is not valid: domain has CPU feature: invtsc": ("other matter", "invtsc", "drop invtsc"),
    "qemu-kvm: virtio-net: saved image requires vnet_hdr=on": ("other matter", "differ", "same devices"),
    "ERROR: online migrate failure - unable to detect remote migration address": (
        "other matter",
        "did not start",
        "lines above",
    ),
    "VMI conditions: type LiveMigratable, status False, reason: HotplugNotLiveMigratable": (
        "other matter",
        "refuses before libvirt",
        "shared storage",
    ),
    f"{QMP} 'migrate-set-parameters': Parameter 'compress-level' is unexpected": (
        "value",
        "removed in 9.1",
        "leave compress-level out",
    ),
    "Live Migration failure: End of file while reading data: : Input/output error: libvirt.libvirtError": (
        "libvirt",
        "coredumpctl",
        "update libvirt",
    ),
    f"{QMP} 'nbd-server-start': Failed to find an available port: Address already in use": (
        "other matter",
        "the port is taken",
        "correct the address",
    ),
    "ERROR: online migrate failure - VM 137 qmp command 'query-migrate' failed - client closed connection": (
        "other matter",
        "QEMU crashed",
        "qm status",
    ),
    "migration status error: VM 101 qmp command 'query-migrate' failed - got timeout": (
        "other matter",
        "storage",
        "qm status",
    ),
    "qemu-kvm: rdma migration: recv polling control error!": ("other matter", "the link is down", "use tcp:"),
    "[pve2] Installed QEMU version '8.1.2' is too old to run machine type 'pc-i440fx-9.0+pve0', please "
    "upgrade node 'pve2'": ("other matter", "machine type", "machine"),
    "2025-11-28 14:01:09 ERROR: online migrate failure - remote command failed with exit code 255": (
        "other matter",
        "in the lines before",
        "read the lines above",
    ),
    "ERROR: online migrate failure - interrupted by signal": ("other matter", "cancelled", "downtime-limit"),
    "ERROR: Problem found while scanning volumes - can't migrate local cdrom 'local:iso/debian.iso'": (
        "other matter",
        "ISO image",
        "remove the local disk",
    ),
    "DestinationHypervisorTooOld: The instance requires a newer hypervisor version than has been provided.": (
        "other matter",
        "is older",
        "another host",
    ),
    "TASK ERROR: migration aborted": ("other matter", "in the lines before", "read the lines above"),
    f"{QMP} 'cont': Migration is not finalized yet": ("command", "query-status", "pymig watch"),
    "Error: Postcopy migration in progress, cannot cancel.": ("command", "can't be taken back", "resume=true"),
    f"{QMP} 'device_add': device_add not allowed while migrating": ("command", "stay as they are", "virsh domjobabort"),
    "qemu-kvm: virtio-rng: incoming version_id 3 is too new for local version_id 2": (
        "other matter",
        "the destination's QEMU is older",
        "pc-q35-7.2",
    ),
    "qemu-system-x86_64: Unknown savevm section or instance '0000:00:1c.0/ich9_ahci' 0.": (
        "stream",
        "the destination",
        "same devices",
    ),
    "qemu-system-x86_64: Unknown savevm section type 84": ("migration", "the two ends differ", "pymig preflight"),
    "qemu-kvm: multifd 0: packet size received 40 size expected 80": (
        "migration",
        "multifd-compression differs",
        "the same multifd-compression",
    ),
    "qemu-kvm: Failed to load XBZRLE page - decode error!": ("migration", "xbzrle packed", "switch xbzrle off"),
    "kvm: RAM block '/rom@etc/acpi/tables' resized during precopy.": ("other matter", "rebooted", "has booted"),
    "qemu-kvm: Could not read whole mapped-ram migration header (expected 16, got 0 bytes)": (
        "migration",
        "the disk was full",
        "enough space",
    ),
    f"error: {QMP} 'migrate': 0000:41:00.0: VFIO migration is not supported with background snapshot": (
        "migration",
        "background-snapshot is on",
        "switch background-snapshot off",
    ),
    f"{QMP} 'migrate': 0000:41:00.0: Migration is currently not supported with vIOMMU enabled": (
        "other matter",
        "blocked-reasons",
        "unplug the device",
    ),
    "qemu-kvm: Mismatch between user-specified TSC frequency and migrated TSC frequency": (
        "other matter",
        "CPU",
        "both hosts",
    ),
    "virsh migrate: error: Requested operation is not valid: domain is not running": (
        "libvirt",
        "virsh domstate",
        "--offline",
    ),
    "error: operation failed: another migration job is already running for domain 'web1'": (
        "libvirt",
        "virsh domjobinfo",
        "domjobabort",
    ),
    "Requested operation is not valid: cannot abort incoming migration; use virDomainDestroy instead": (
        "libvirt",
        "went to the destination",
        "the source's libvirt",
    ),
    "virtqemud[812]: Migration of domain web1 failed during post-copy; leaving the domain paused": (
        "migration",
        "either end",
        "--postcopy-resume",
    ),
    "operation failed: migrate_tls_x509_cert_dir directory '/etc/pki/qemu' does not exist": (
        "libvirt",
        "ls -l /etc/pki/qemu",
        "qemu.conf",
    ),
    "virsh migrate: error: Unable to read from monitor: Connection reset by peer": (
        "migration",
        "a QEMU has ended",
        "log of both",
    ),
    f"error: {QMP} 'migrate-incoming': unknown migration protocol: rdma:0.0.0.0:49152": (
        "command",
        "without RDMA",
        "use tcp:",
    ),
    "qemu-kvm: multifd: received packet magic 1347093252 and expected magic 287454020": (
        "migration",
        "is no packet of multifd",
        "multifd-compression",
    ),
    "qmp command 'migrate-set-parameters' failed - Parameter 'downtime-limit' expects uint64": (
        "value",
        "another type",
        "0 to 2000000",
    ),
    "Parameter 'downtime_limit' expects an integer in the range of 0 to (2000 * 1000) ms": (
        "value",
        "outside the range",
        "0 to 2000000",
    ),
}


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text):
    kind, means, helps = TEXTS[text]
    found = explain(text)[0]
    assert found.kind == kind
    assert means in "\n".join((found.text, *found.causes))
    assert helps in "\n".join(found.remedies)


# Lines about guests and hosts that have nothing to do with a migration.
UNRELATED = (
    "error: failed to get domain 'web1'",
    "error: Domain not found: no domain with matching uuid '045d1838-0204-41ab-936e-e77d1e5c3f94' (web1)",
    "error: Failed to connect socket to '/var/run/libvirt/virtqemud-sock': No such file or directory",
    "qemu-system-x86_64: warning: host doesn't have all the memory",
    "libvirtd[1]: internal error: Child process (mount) unexpected exit status 32",
    "Error migrating VirtualMachine the server has asked for the client to provide credentials",
    "error executing SQL: Invalid parameter 'mode'",
    "libvirtd[900]: End of file while reading data: Input/output error",
    "virtqemud[1]: Cannot recv data: Connection reset by peer",
    "libvirtd[1]: Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchGet)",
    "qemu-ga: error: guest-exec: Failed to execute child process 'foo' (No such file or directory)",
    "qemu-nbd: Failed to bind socket: Address already in use",
    "qemu-system-x86_64: -vnc :0: Failed to bind socket: Address already in use",
    "qemu-system-x86_64: warning: host doesn't support requested feature: CPUID[eax=01h].ECX.monitor [bit 3]",
    "libvirtd[1]: internal error: qemu unexpectedly closed the monitor: failed to initialize kvm: Permission denied",
    "Options --quiet and --verbose are mutually exclusive",
    "django.db.utils.OperationalError: migration 0042 failed: Invalid parameter 'events'",
    "sshd[1]: Host key verification failed.",
    "web[2]: internal client socket is closed",
    "Error: 4 while reading state",
    "Unknown column 'capability' in 'field list'",
    "flyway: Migration of schema public to version 12 failed. Changes successfully rolled back.",
    "alembic.util.exc.CommandError: Target database is not up to date.",
    "direct io not supported",
    "return path",
    "Max bandwidth 1000",
    "zlib compress level must be 0 to 9",
    "the block number must be the same on both sides",
    "the target must be the same as the source",
    "compress: number of threads required",
)


@pytest.mark.parametrize("line", UNRELATED)
def test_unrelated(line):
    assert explain(line) == []


# A line, and the end at which its text was met.
ENDS = {
    f"error: {QMP} 'migrate-incoming': Migration requires multi-channel URIs (e.g. tcp)": "destination",
    f"error: {QMP} 'migrate': Migration requires multi-channel URIs (e.g. tcp)": "source",
    f"error: {QMP} 'migrate-start-postcopy': Postcopy must be started after migration has been started": "source",
    "job 'migration out' failed: Certificate does not match the hostname x": "source",
    "operation failed: migration out job: Unable to write to socket: Broken pipe": "source",
    "job 'migration in' failed: load of migration failed: Invalid argument": "destination",
    "Failed to accept instance: kvm: error executing the migrate-set-capabilities command: Parameter 'capability' does "
    "not accept value 'x-rdma-pin-all' (GenericError)": "destination",
    "load of migration failed: Invalid argument: RAM postcopy is disabled but have 16 byte advise": "destination",
    "cannot acquire state change lock (held by monitor=remoteDispatchDomainMigratePrepare3Params)": "destination",
    "unsupported flags (0x100000) in function qemuDomainMigratePerform3Params": "source",
    "migration failed. Message from the source host: operation failed: job 'migration out' failed: Zero copy send "
    "feature not detected in host kernel. Message from the destination host: operation failed: job 'migration in' "
    "unexpectedly failed": "source",
    f"error: {QMP} 'migrate-set-capabilities': Postcopy is not yet compatible with multifd": None,
    "Postcopy is not yet compatible with multifd": None,
    "There's a migration process in progress": None,
}


@pytest.mark.parametrize("line", ENDS)
def test_ends(line):
    last = explain(line)[0].text.splitlines()[-1]
    end = ENDS[line]
    assert last.startswith("This line: met at the") == (end is not None)
    assert end is None or f"met at the {end}" in last


def test_an_end_of_each_part_of_a_line():
    line = next(line for line in ENDS if "Message from the destination host" in line)
    ends = {one.title: one.text.splitlines()[-1].split(",")[0] for one in explain(line)}
    assert ends["Zero copy send feature not detected in host kernel"] == "This line: met at the source"
    assert ends["job 'migration in' unexpectedly failed"] == "This line: met at the destination"


def test_every_row_of_wrappings_tells_an_end_in_some_line():
    import re

    assert [pattern for pattern, _, _ in WRAPPINGS if not any(re.search(pattern, line.lower()) for line in ENDS)] == []


def test_another_matter_is_said_to_be_one():
    for topic in TOPICS:
        if topic.kind == "other matter":
            assert explain(topic.name)[0].text.startswith(
                "Another matter: no capability and no parameter is the cause."
            )


def test_a_topic_has_each_text_once():
    assert [topic.name for topic in TOPICS if len(set(topic.texts)) < len(topic.texts)] == []


def test_every_topic_has_a_cause_and_a_remedy():
    """All but a warning that needs none."""
    assert [topic.name for topic in TOPICS if not topic.causes] == ["uuid/unset"]
    assert [topic.name for topic in TOPICS if not topic.remedies and not topic.tried] == []
