# SPDX-License-Identifier: GPL-2.0-or-later

"""What looks alike but is another matter: no capability and no parameter is the cause."""

from __future__ import annotations

from pymig.catalog.topic import Topic

OTHER = "other matter"

OTHER_MATTERS: tuple[Topic, ...] = (
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
            "Failed to connect to '<address>': No route to host",
            "Failed to connect to '<address>': Network is unreachable",
            "unable to connect to server at '<address>': <reason>",
        ),
        "Nobody listens at the address. migrate succeeds first, and its status becomes failed. Source, when it "
        "connects.",
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
            "Failed to find an available port: <reason>",
            "Failed to listen on socket: <reason>",
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
        strict=True,
    ),
    Topic(
        "rdma/device",
        OTHER,
        (
            "RDMA ERROR: could not create CM channel",
            "RDMA ERROR: could not create rdma event channel",
            "could not rdma_getaddrinfo address",
            "RDMA ERROR: <reason>",
        ),
        "The host has no RDMA device that QEMU can use, or the address is not that of one. Source at migrate, "
        "destination at migrate-incoming.",
        ("no device, or no driver; to tell: rdma link, ls /dev/infiniband",),
        ("load the driver, and give QEMU's user access to /dev/infiniband", "use a tcp: address"),
        ("rdma-pin-all",),
        everyday=True,
    ),
    Topic(
        "libvirt/cancelled",
        OTHER,
        (
            "migration out job: canceled by client",
            "job 'migration out' canceled by client",
            "online migrate failure - interrupted by signal",
        ),
        "Somebody, or a time limit of the manager, cancelled the migration. Source, while it migrates.",
        ("it did not converge within the manager's limit; to tell: dirty-pages-rate in query-migrate",),
        ("raise downtime-limit or max-bandwidth, or use auto-converge or postcopy",),
        ("auto-converge", "postcopy-ram", "downtime-limit", "max-bandwidth"),
    ),
    Topic(
        "blocker/cpu",
        OTHER,
        (
            "State blocked by non-migratable CPU device (invtsc flag)",
            "State blocked by non-migratable CPU device",
            "domain has CPU feature: invtsc",
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
            "virgl is not yet migratable",
            "Migration is disabled for VFIO device",
            "Migration couldn't be initialized for VFIO device",
            "Migration is currently not supported with vIOMMU enabled",
            "Migration is currently not supported with large memory VM due to dirty tracking limitation in backend",
            "Multiple VFIO devices migration is supported only if all of them support P2P migration",
            "'peer' devices are not migratable",
            "vhost-scsi does not support migration in all cases",
            "Back-end of <type> device <device> (tag: '<tag>') does not support migration through qemu",
            "Migration disabled: TPM emulator does not support migration",
            "Migration disabled: devices with VIRTIO Shared Memory Regions do not support migration yet.",
            "The vdagent chardev doesn't yet support migration",
            "The vdagent chardev doesn't support migration with machine version less than 10.1",
            "'hv-passthrough' CPU flag prevents migration",
            "'hv-no-nonarch-coresharing=auto' CPU flag prevents migration",
            "TCG plugin time control does not support migration",
            "only one NVMe namespace is supported for migration",
            "Live migration disabled: dump-guest-memory in progress",
            "Failed to start DMA logging",
        ),
        "A device, or the format of a disk, that can't be moved blocks the command, whatever the capabilities are. "
        "Source, at migrate.",
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
        "mode is unsafe (the check came with libvirt 4.3). QEMU's capability block, which copied disks, is gone "
        "since 9.1.",
        (
            "the disk is on local storage; to tell: virsh domblklist GUEST",
            "the storage is shared, and libvirt can't tell; to tell: stat -f -c %T FILE",
        ),
        ("set cache='none' for the disk",),
        ("block",),
        tried=(
            "use --copy-storage-all, which copies disks by NBD and mirror jobs",
            "use --unsafe if you know that the storage is shared",
        ),
    ),
    Topic(
        "storage/copy",
        OTHER,
        (
            "migration of disk <disk> failed",
            "Source and target image have different sizes",
            "migration of non-shared disks requested but NBD is not set up",
        ),
        "libvirt copies the disks by NBD and mirror jobs, beside the migration of memory. Both ends, before memory "
        "is sent.",
        ("the destination's image is missing, too small or full; to tell: qemu-img info, df, at the destination",),
        ("make an image of the same size at the destination first", "use --copy-storage-all instead of -inc"),
    ),
    Topic(
        "storage/re-activate",
        OTHER,
        ("failed to re-activate block nodes after migration of VM '<domain>'",),
        "The migration failed after the source had given its disks up, and it can't take them back. The guest stays "
        "paused there. Said by the source's libvirt.",
        ("the destination's QEMU still has the images open; to tell: lsof IMAGE, at both hosts",),
        ("end the destination's QEMU if the guest does not run there, then virsh resume GUEST at the source",),
        ("storage/busy", "storage/lock"),
    ),
    Topic(
        "storage/lock",
        OTHER,
        (
            'Failed to get "write" lock',
            'Failed to get shared "write" lock',
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
            "guest CPU doesn't match specification: missing features: <features>",
            "guest CPU doesn't match specification",
            "Host CPU does not provide required features: <features>",
            "Unacceptable CPU info: CPU doesn't have compatibility",
            "Migration pre-check error: CPU doesn't have compatibility",
            "TSC frequency mismatch between VM (<n> kHz) and host (<n> kHz), and TSC scaling unavailable",
            "Mismatch between user-specified TSC frequency and migrated TSC frequency",
        ),
        "The destination's CPU, or its QEMU, can't give the guest the CPU that it has.",
        (
            "the guest has host-passthrough or host-model, and the hosts' CPUs differ; to tell: virsh "
            "domcapabilities, at both hosts",
            "microcode, kernel or BIOS differ: a flag was switched off at one host; to tell: lscpu, at both hosts",
        ),
        (
            "use a CPU model that both hosts have, instead of host-passthrough or host-model (virsh "
            "hypervisor-cpu-baseline; Nova: cpu_mode = custom)",
            "bring microcode and kernel of both hosts to the same state, and restart the guest",
        ),
    ),
    Topic(
        "machine/unsupported",
        OTHER,
        (
            "unsupported machine type '<machine>'",
            "unsupported machine type",
            "Emulator '<emulator>' does not support machine type '<machine>'",
            "Installed QEMU version '<version>' is too old to run machine type '<machine>', please upgrade node "
            "'<node>'",
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
            "VQ <n> size <size> < last_avail_idx <n> - used_idx <n>",
            "Failed to load PCIDevice:config",
            "Error loading back-end state of",
            "virtio-net: saved image requires vnet_hdr=on",
        ),
        "The destination can't load what the source says of a device: its model, its slot or its features are others "
        "there. Destination, when it reads the stream.",
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
        (
            "failed to set MSR <number>",
            "kvm_put_msrs: Assertion",
            "kvm_buf_set_msrs: Assertion",
            "Failed to put registers after init",
            "Putting registers after init: <reason>",
        ),
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
            "cannot migrate a domain with <device>",
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
        ),
        "The two libvirts, not the two QEMUs: one can't reach the other. Source, before anything is sent.",
        ("no ssh, TLS or name service between the hosts; to tell: virsh -c qemu+ssh://HOST/system list",),
        ("make the connection work first: virsh -c qemu+ssh://HOST/system list, as the source's libvirt",),
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
            "Target CPU <what> does not match source",
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
            "is not on local storage: Block migration can not be used with shared storage",
            "is on shared storage: Block migration can not be used with shared storage",
            "can't migrate VM which uses local devices: <devices>",
            "can't live migrate attached local disks without with-local-disks option",
            "NotLiveMigratable",
            "Live migration can not be used without shared storage except",
            "cannot migrate VMI: <reason>",
        ),
        "The manager (KubeVirt, Nova, Proxmox) refuses before libvirt and QEMU are asked: the guest's disks or "
        "devices are of one host alone.",
        ("local disks, an access mode that is not shared (ReadWriteMany), or a passed-through device",),
        ("use shared storage, or the manager's option that copies disks", "remove the local device"),
    ),
    Topic(
        "cpu/extra-features",
        OTHER,
        ("guest CPU doesn't match specification: extra features: <features>",),
        "The destination's QEMU gives the guest a CPU flag that the source does not have. QEMU 10.0 and later show "
        "ht where older ones did not, and libvirt before 11.10 takes this for a difference.",
        (
            "libvirt before 11.10 with QEMU 10.0 or later (ht); to tell: virsh version, at the destination",
            "the hosts' CPUs or microcodes differ; to tell: virsh domcapabilities, at both hosts",
        ),
        (
            "update libvirt to 11.10 or later",
            "use a CPU model that both hosts have, instead of host-passthrough or host-model",
        ),
    ),
    Topic(
        "storage/inactive-twice",
        OTHER,
        (
            "Assertion '!(bs->open_flags & BDRV_O_INACTIVE)' failed",
            "bdrv_inactivate_recurse: Assertion",
        ),
        "QEMU aborts, because its disks are inactive already: the guest was migrated here while it was paused, and "
        "is migrated on before it ran. Source, at the switchover. Nova meets this with paused instances.",
        ("the guest is paused since an earlier migration; to tell: query-status, virsh domstate --reason",),
        (
            "let the guest run (cont, virsh resume) before it is migrated again",
            "update to QEMU 10.0 or later, which knows whether a disk is active",
        ),
        ("late-block-activate", "pause-before-switchover"),
    ),
    Topic(
        "command/not-supported",
        OTHER,
        ("this feature or command is not currently supported",),
        "The qemu-kvm of RHEL 7 and CentOS 7 refuses migrate with disks (blk, inc) and live block jobs: they are in "
        "qemu-kvm-ev (qemu-kvm-rhev) only. Source, at migrate.",
        ("qemu-kvm of the base repository; to tell: rpm -q qemu-kvm",),
        ("use qemu-kvm-ev or a newer release", "keep the disks on shared storage, and migrate without them"),
        ("block",),
        everyday=True,
    ),
    Topic(
        "machine/emulator",
        OTHER,
        ("Cannot check QEMU binary <path>: <reason>", "Destination host emulator is different"),
        "libvirt at the destination looks for the QEMU that the guest's XML names, and finds none at that path.",
        ("the hosts have QEMU at different paths; to tell: virsh dumpxml GUEST | grep emulator, at both hosts",),
        (
            "give the destination its own XML: virsh migrate --xml FILE, with its path in <emulator>",
            "make a link at that path",
        ),
    ),
    Topic(
        "libvirt/ports",
        OTHER,
        (
            "Unable to find an unused port in range '<range>'",
            "Failed to reserve port <port>",
            "Unable to find an unused port in range",
        ),
        "libvirt at the destination finds no free port for the migration.",
        (
            "many migrations at once, or others use the ports 49152 to 49215; to tell: ss -ltnp",
            "ports of failed migrations are still held; to tell: virsh list --all, at the destination",
        ),
        ("raise migration_port_max in qemu.conf", "migrate fewer guests at a time"),
        everyday=True,
    ),
    Topic(
        "libvirt/ssh",
        OTHER,
        (
            "Cannot recv data: Host key verification failed",
            "Cannot recv data: <reason>",
            "unable to resolve address '<host>' service '<port>'",
            "internal error: client socket is closed",
            "connection closed due to keepalive timeout",
            "Lost connection to destination host",
        ),
        "The two libvirts, not the two QEMUs: their connection can't be made, or has broken.",
        (
            "no ssh key, no name, or another address than the manager's; to tell: virsh -c qemu+ssh://HOST/system list",
            "the network or a libvirt ended while it migrated; to tell: journalctl -u libvirtd, at both hosts",
        ),
        (
            "make the connection work first: ssh HOST, as the user of the source's libvirt",
            "look where the guest runs before anything else: virsh list --all, pymig watch",
        ),
        strict=True,
    ),
    Topic(
        "libvirt/no-guest",
        OTHER,
        ("no domain with matching name '<domain>'", "no domain with matching uuid '<uuid>'"),
        "This libvirt has no guest of that name. Nothing was changed.",
        (
            "the guest is at another host already, or in the other session (qemu:///session); to tell: virsh -c "
            "qemu:///system list --all, at both hosts",
        ),
        ("correct the name, or ask the libvirt that has the guest",),
        strict=True,
    ),
    Topic(
        "libvirt/permission",
        OTHER,
        ("no polkit agent available to authenticate action 'org.libvirt.unix.manage'",),
        "The user who connects may not use that host's libvirt.",
        ("the user is not root and not in the group libvirt there; to tell: ssh USER@HOST id",),
        ("add the user to the group libvirt at that host, or connect as root",),
    ),
    Topic(
        "libvirt/security",
        OTHER,
        ("Unable to find security driver for model <model>", "Unable to find security driver for label <label>"),
        "The guest's XML has a security label (SELinux, AppArmor) of a kind that the destination does not use.",
        ("security_driver, or the distribution, differs; to tell: virsh capabilities | grep -A3 secmodel, at both",),
        ("use the same security_driver in qemu.conf at both hosts, or drop <seclabel> from the XML: --xml FILE",),
    ),
    Topic(
        "destination/memory",
        OTHER,
        (
            "cannot set up guest memory '<block>': Cannot allocate memory",
            "unable to map backing store for guest RAM: Cannot allocate memory",
            "Insufficient free host memory pages available to allocate guest RAM",
        ),
        "The destination has not enough memory, or not enough huge pages, for the guest. QEMU could not even start "
        "there.",
        ("too few free pages; to tell: grep -i huge /proc/meminfo, free -m, at the destination",),
        ("reserve the pages at the destination (sysctl vm.nr_hugepages), or choose another host",),
        everyday=True,
    ),
    Topic(
        "savevm/disk",
        OTHER,
        (
            "Device '<device>' is writable but does not support snapshots",
            "vmstate block device '<device>' does not support snapshots",
            "vmstate block device '<device>' does not exist",
            "no block device can store vmstate for snapshot",
            "No block device can accept snapshots",
            "Error <n> while writing VM state",
            "Error while writing VM state",
        ),
        "savevm writes the state into a disk's image, and that format, or its storage, can't take it. No migration, "
        "and no capability, is involved.",
        ("a raw image, or a full disk; to tell: info block, qemu-img info, df",),
        ("use qcow2 images, or save to a file: migrate to file:, virsh save",),
    ),
    Topic(
        "libvirt/not-running",
        OTHER,
        (
            "Live Migration failure: operation failed: domain is not running",
            "operation failed: domain is not running",
            "domain is no longer running",
            "monitor must not be NULL",
            "query migrate failed: VM <id> not running",
        ),
        "The guest ended while it was migrated, at the source or, after the switchover, at the destination.",
        (
            "QEMU crashed; to tell: coredumpctl list, and QEMU's log (/var/log/libvirt/qemu/GUEST.log), at both hosts",
            "somebody shut the guest down; to tell: the manager's log",
        ),
        ("read the end of QEMU's log at both hosts",),
        everyday=True,
    ),
    Topic(
        "proxmox/online",
        OTHER,
        (
            "can't migrate running VM without --online",
            "unable to detect remote migration address",
            "online migrate failure - aborting",
            "online migrate failure - remote command failed with exit code <n>",
            "migration finished with problems (duration <time>)",
            "TASK ERROR: migration problems",
            "ERROR: migration aborted (duration <time>)",
            "TASK ERROR: migration aborted",
        ),
        "Proxmox's own words: the reason stands in the lines before, or the guest runs and --online was not given.",
        ("the destination's QEMU did not start; to tell: the task's log, the lines above",),
        ("read the lines above", "add --online for a running guest"),
    ),
    Topic(
        "proxmox/closed",
        OTHER,
        (
            "qmp command '<command>' failed - client closed connection",
            "failed to handle 'resume' command - VM <id> not running",
        ),
        "The QEMU that Proxmox asked has ended: with query-migrate it was the source's, with resume the destination's.",
        (
            "QEMU crashed, or the kernel ended it for want of memory; to tell: journalctl at that node, coredumpctl "
            "list",
        ),
        (
            "look where the guest runs before anything else: qm status ID, at both nodes",
            "read the journal of both nodes at that time",
        ),
        strict=True,
    ),
    Topic(
        "proxmox/timeout",
        OTHER,
        ("qmp command '<command>' failed - got timeout",),
        "QEMU did not answer Proxmox in time. The migration may still go on.",
        ("QEMU waits for a storage or is busy; to tell: dmesg, pvesm status, at that node",),
        (
            "ask again: qm status ID --verbose",
            "correct the storage first, then migrate again",
        ),
        strict=True,
    ),
    Topic(
        "vfio/memory-lock",
        OTHER,
        (
            "VFIO_MAP_DMA failed: Cannot allocate memory",
            "vfio_pin_page_external: Task <task> RLIMIT_MEMLOCK (<limit>) exceeded",
        ),
        "A passed-through device locks the guest's memory when the guest starts. It looks like zero copy or RDMA, "
        "but no migration is involved.",
        ("RLIMIT_MEMLOCK of QEMU is too small; to tell: pymig probe --pid PID --only memlock",),
        ("raise RLIMIT_MEMLOCK of QEMU and of libvirt's daemon: LimitMEMLOCK=infinity in the unit",),
    ),
    Topic(
        "storage/precreation",
        OTHER,
        (
            "pre-creation of storage target '<file>' for incremental storage migration of disk '<disk>' is not "
            "supported",
            "pre-creation of storage target for incremental storage migration of disk '<disk>' is not supported",
            "pre-creation of storage targets for incremental storage migration is not supported",
        ),
        "The disk's image is not at the destination. libvirt creates missing images itself for a full copy only: "
        "with --copy-storage-inc (NON_SHARED_INC, as Nova, KubeVirt and CloudStack use) it can't know what stands "
        "below.",
        ("the image, or its backing file, is missing at the destination; to tell: ls -l FILE, there",),
        (
            "make the image at the destination first: qemu-img create -f qcow2 -b BASE -F FORMAT FILE SIZE",
            "use --copy-storage-all instead of --copy-storage-inc",
        ),
        ("block",),
    ),
    Topic(
        "incus/stateful",
        OTHER,
        ("Stateful migration requires migration.stateful to be set to true",),
        "Incus and LXD migrate a running guest only if it was started with migration.stateful.",
        ("the option is off; to tell: incus config get GUEST migration.stateful",),
        ("set it, and restart the guest: incus config set GUEST migration.stateful=true",),
    ),
    Topic(
        "nova/hypervisor",
        OTHER,
        (
            "The instance requires a newer hypervisor version than has been provided",
            "The supplied hypervisor type of is invalid",
            "Unable to migrate instance (<id>) to current host",
        ),
        "Nova compares the two hosts before libvirt is asked: the same hypervisor, at least the same version, another "
        "host.",
        ("the destination's libvirt or QEMU is older; to tell: openstack hypervisor show HOST",),
        ("choose another host, or update that one first",),
    ),
    Topic(
        "proxmox/disks",
        OTHER,
        (
            "can't live migrate VM with replicated volumes",
            "Problem found while scanning volumes - can't migrate '<volume>'",
            "Problem found while scanning volumes - <reason>",
            "storage '<storage>' is not available on node '<node>'",
        ),
        "Proxmox refuses before QEMU is asked: a disk or a storage of the guest is not at the other node.",
        ("a local disk, an ISO image or a storage of one node alone; to tell: qm config ID, pvesm status",),
        ("use shared storage, or --with-local-disks with --targetstorage", "remove the local disk or the ISO image"),
    ),
    Topic(
        "libvirt/busy",
        OTHER,
        (
            "cannot acquire state change lock (held by monitor=<holder>)",
            "cannot acquire state change lock",
            "domain '<domain>' already exists with uuid <uuid>",
            "domain '<domain>' is already active",
        ),
        "One of the two libvirts is busy with the guest, or still has it from an earlier migration.",
        (
            "an earlier migration left the guest, or a job, behind; to tell: virsh list --all, virsh domjobinfo",
            "a snapshot, a backup or a query that hangs holds the lock: the text names it",
        ),
        ("wait, or end what holds the lock", "end or undefine what was left behind at the destination"),
        strict=True,
    ),
    Topic(
        "cpu/warning",
        OTHER,
        ("host doesn't support requested feature: <feature>",),
        "QEMU says at its start that the guest gets a CPU without this flag. As a warning it stops nothing; with "
        "-cpu ...,enforce QEMU does not start, and libvirt compares the CPU at the destination by itself.",
        ("the destination's CPU, or its kernel, lacks the flag; to tell: virsh domcapabilities, at both hosts",),
        ("use a CPU model that both hosts have, instead of host-passthrough or host-model",),
        strict=True,
    ),
)
