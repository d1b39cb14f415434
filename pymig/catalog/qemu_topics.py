# SPDX-License-Identifier: GPL-2.0-or-later

"""Texts of QEMU's, in its log or at its monitor, that no table of C's holds."""

from __future__ import annotations

from pymig.catalog.topic import OTHER, Topic

AT_BOTH_ENDS = "query-migrate-parameters, at both ends"

QEMU_TOPICS: tuple[Topic, ...] = (
    # ---- The state of a migration ----
    Topic(
        "status/not-finalized",
        "command",
        ("Migration is not finalized yet",),
        "The guest stands still for the switchover (finish-migrate), and QEMU does not let it go on before "
        "the migration has ended, one way or the other. Said by cont: the source.",
        (
            "the migration hangs, for instance because the destination waits or is gone; to tell: query-migrate, "
            "query-status, at both ends",
            "postcopy has begun: the guest belongs to the destination; to tell: query-migrate says postcopy-...",
        ),
        (
            "look whether the guest runs at the destination (query-status there) before anything else",
            "if it does not, and postcopy has not begun: migrate_cancel at the source, and cont when query-migrate "
            "says cancelled",
            "run pymig watch with both ends: it says where the guest is and what to send",
        ),
        ("return-path", "postcopy-ram"),
    ),
    Topic(
        "postcopy/cancel",
        "command",
        ("Postcopy migration in progress, cannot cancel.",),
        "After postcopy has begun, the guest runs at the destination with a part of its memory, so the migration "
        "can't be taken back. QEMU from 10.0 on says so; older ones may abort. Said by migrate_cancel: the source.",
        ("postcopy has begun; to tell: query-migrate says postcopy-active, postcopy-paused or postcopy-recover",),
        (
            "let it end; if the connection is dead: migrate-pause, then migrate-recover at the destination and migrate "
            "with resume=true at the source",
        ),
        ("postcopy-ram", "postcopy/recover", "postcopy/paused"),
    ),
    Topic(
        "postcopy/by-hand",
        "migration",
        (
            "Postcopy migration is paused by the user",
            "Failed to pause source migration",
            "Failed to pause destination migration",
        ),
        "migrate-pause was sent (virsh domjobabort --postcopy). The guest stands still at the destination where it "
        "needs a page that is still at the source.",
        ("a person or a manager paused the migration; to tell: the manager's log",),
        ("send migrate-recover at the destination, then migrate with resume=true at the source",),
        ("postcopy/recover", "postcopy/paused"),
    ),
    Topic(
        "command/while-migrating",
        "command",
        (
            "device_add not allowed while migrating",
            "device_del not allowed while migrating",
            "Dump not allowed during incoming migration.",
            "Dump not allowed during migration.",
            "Guest memory access not allowed during migration",
            "Config synchronization is not allowed during migration",
            "can't set dirty page rate limit while migration is running",
            "can't cancel dirty page rate limit while migration is running",
        ),
        "QEMU does not do this while a migration runs: devices and memory must stay as they are.",
        ("a migration runs, or hangs; to tell: query-migrate",),
        ("wait until the migration has ended, or cancel it: migrate_cancel, virsh domjobabort",),
    ),
    # ---- What the source finds ----
    Topic(
        "postcopy/return-path",
        "migration",
        ("Unable to open return-path for postcopy",),
        "In postcopy the destination asks for pages, and this connection has no way back. Source, at migrate.",
        ("the address is exec: with a command that only reads, or the descriptor behind fd: is a pipe",),
        ("use a tcp: or unix: address", "switch postcopy-ram off"),
        ("postcopy-ram", "return-path", "one-way/postcopy-file"),
    ),
    Topic(
        "ram/resized",
        OTHER,
        (
            "RAM block '<block>' resized during precopy.",
            "RAM block '<block>' resized during postcopy state: <state>",
            "RAM block '<block>' discard of resized RAM failed",
        ),
        "A block of memory got another size while the guest was migrated. Before postcopy, the source cancels the "
        "migration and the guest goes on there; in postcopy, the destination ends.",
        (
            "the guest was rebooted: tables of its firmware are made anew then; to tell: the guest's log",
            "a memory device was resized; to tell: query-memory-devices",
        ),
        ("migrate again when the guest has booted",),
    ),
    Topic(
        "vfio/background-snapshot",
        "migration",
        ("VFIO migration is not supported with background snapshot",),
        "A device that is passed through writes to the guest's memory by itself, and background-snapshot does not see "
        "it. Source, at migrate.",
        ("background-snapshot is on; to tell: query-migrate-capabilities",),
        ("switch background-snapshot off for this guest",),
        ("background-snapshot",),
    ),
    # ---- What the destination finds ----
    Topic(
        "device/version",
        OTHER,
        (
            "incoming version_id <n> is too new for local version_id <n>",
            "incoming version_id <n> is too old for local minimum version_id <n>",
            "unsupported version <n> for '<section>' v<n>",
            "Unsupported migration stream version",
            "SaveVM v2 format is obsolete",
        ),
        "The state of a device has a form that this QEMU does not read: a newer QEMU wrote it, or one with another "
        "machine type. Destination, when it loads the devices.",
        (
            "the destination's QEMU is older; to tell: query-version, at both ends",
            "a machine type without a version (pc, q35), which is another one in another release; to tell: virsh "
            "dumpxml GUEST | grep machine",
        ),
        (
            "migrate to the same or a newer QEMU",
            "give the guest a machine type that both have, such as pc-q35-7.2, and restart it",
        ),
        ("machine", "device-missing"),
    ),
    Topic(
        "stream/section",
        "migration",
        (
            "Unknown savevm section type <n>",
            "Ack, bad migration stream!",
        ),
        "The destination expects the head of a section and reads something else: before it, the two ends read and "
        "wrote different amounts. Destination, when it reads.",
        (
            "the two ends differ in capabilities, parameters or devices; to tell: pymig preflight",
            "something changed the stream on its way: a pipe that packs at one end only; to tell: the addresses of "
            "migrate and migrate-incoming",
        ),
        ("set the same capabilities and parameters at both ends: pymig preflight names those that differ",),
        ("device/footer", "stream/unknown-flags"),
    ),
    Topic(
        "multifd/packet",
        "migration",
        (
            "multifd <n>: packet size received <n> size expected <n>",
            "multifd <n>: inflate returned <n> instead of Z_OK",
            "multifd <n>: inflate generated too few output",
            "multifd <n>: decompressStream returned <reason>",
            "multifd <n>: decompressStream buffer too small",
            "multifd <n>: next_packet_size <n> exceeds allocated <n>",
            "multifd <n>: expected empty packet",
            "multifd: unknown ram block <block>",
            "multifd: unexpected EOF after packet header",
            "multifd: offset too long <n> (max <n>)",
        ),
        "A packet of multifd can't be unpacked, or names memory that is not there. Destination, when memory is sent.",
        (
            f"multifd-compression differs between the two ends; to tell: {AT_BOTH_ENDS}",
            "the packet was damaged on its way, or by a fault of one QEMU; to tell: query-version, and a second try",
        ),
        (
            "set the same multifd-compression at both ends",
            "try once more without compression: multifd-compression=none",
        ),
        ("multifd-compression", "multifd"),
    ),
    Topic(
        "xbzrle/page",
        "migration",
        (
            "Failed to load XBZRLE page - wrong compression!",
            "Failed to load XBZRLE page - len overflow!",
            "Failed to load XBZRLE page - decode error!",
            "Failed to decompress XBZRLE page",
        ),
        "A page that xbzrle packed does not fit what the destination has of it. Destination, when memory is sent.",
        ("the stream was damaged on its way, or by a fault of one QEMU; to tell: query-version, and a second try",),
        ("switch xbzrle off, and migrate again",),
        ("xbzrle",),
    ),
    Topic(
        "mapped-ram/file",
        "migration",
        (
            "Could not read whole mapped-ram migration header",
            "Migration mapped-ram capability version not supported",
            "Migration mapped-ram header has invalid page_size <n> (expected <n>)",
            "page outside of ramblock <block> range",
            "outside of ramblock <block> range",
            "read bitmap failed for ramblock",
        ),
        "The file is not laid out as mapped-ram does it, is cut short, or was written by another QEMU than this one "
        "reads.",
        (
            "the disk was full when the file was written; to tell: ls -l FILE, df",
            "the offset of file:PATH,offset=N differs; to tell: the addresses of migrate and migrate-incoming",
            "a newer QEMU, or one with another page size, wrote it; to tell: query-version",
        ),
        (
            "write the file again, with mapped-ram on at both ends and enough space",
            "read it with the QEMU that wrote it",
        ),
        ("mapped-ram", "direct-io"),
    ),
    Topic(
        "rdma/blocks",
        OTHER,
        (
            "RAMBlock '<block>' not found on destination",
            "ram blocks mismatch (Number of blocks <n> vs <n>)",
            "ram blocks mismatch",
        ),
        "The two guests have different memory. RDMA compares the blocks before it sends anything.",
        ("devices or memory differ; to tell: compare virsh dumpxml --migratable at both ends, info ramblock",),
        ("start the destination with the same memory and devices",),
    ),
    Topic(
        "rdma/broken",
        OTHER,
        (
            "rdma migration: polling error",
            "rdma migration: recv polling control error",
            "rdma migration: send polling control error",
            "rdma migration: post rdma write failed",
            "rdma migration: complete polling error",
            "RDMA is in an error state waiting migration to abort!",
        ),
        "The RDMA connection broke. This end only notices it; what happened stands at the other end, or in the "
        "network.",
        ("the other QEMU has ended, or the link is down; to tell: its log, rdma link, at both ends",),
        ("read the other end's log", "use tcp: instead of rdma:"),
    ),
    Topic(
        "incoming/extra",
        "migration",
        ("Extra incoming migration connection; ignoring",),
        "Only a warning: one connection more than the destination needs.",
        (
            f"multifd-channels is larger at the source; to tell: {AT_BOTH_ENDS}",
            "something else connects to the port: a health check, a port scanner",
        ),
        ("set the same multifd-channels at both ends", "keep others off the migration's ports"),
        ("multifd-channels",),
    ),
    Topic(
        "vhost-user/postcopy",
        "migration",
        (
            "Failed to send postcopy_advise to vhost",
            "Failed to get postcopy_advise reply from vhost",
            "Failed to send postcopy_listen to vhost",
            "Failed to receive reply to postcopy_listen",
            "Failed to send postcopy_end to vhost",
            "Failed to receive reply to postcopy_end",
            "failed to respond to set-mem-table for postcopy",
            "failed to receive valid ack for postcopy set-mem-table",
        ),
        "The back end of a vhost-user device (DPDK, OVS, virtiofsd, passt) takes part in postcopy, and did not answer. "
        "Destination.",
        (
            "the back end has ended; to tell: its log, at the destination",
            "it was built without postcopy, or may not use userfaultfd; to tell: its log, pymig probe --pid PID",
        ),
        ("leave postcopy off for this guest", "update the back end, and give it userfaultfd"),
        ("postcopy-ram", "userfaultfd"),
    ),
    Topic(
        "postcopy/target-page-size",
        "migration",
        ("Postcopy needs matching target page sizes (s=<source> d=<destination>)",),
        "The two QEMUs emulate machines with pages of different sizes, so postcopy is refused. Destination, when "
        "postcopy is announced.",
        ("the targets or the machine types differ; to tell: query-target, query-machines, at both ends",),
        ("start the destination with the same target and machine type",),
        ("postcopy-ram", "postcopy-ram/page-size"),
    ),
    Topic(
        "echo/vhost",
        "migration",
        ("vhost VQ <n> ring restore failed",),
        "Only an echo: QEMU stops a vhost device, whose back end has ended or does not answer any more. Either end, "
        "when the guest is stopped or a migration has failed.",
        ("a back end (vhost-user, DPDK, OVS) was restarted or has ended; to tell: its log",),
        ("read the lines before this one, and the other end's log",),
    ),
    Topic(
        "postcopy/nvdimm",
        "migration",
        ("is a nvdimm memory, postcopyis not supported now!",),
        "Pages of an NVDIMM can't be fetched later, so postcopy is refused. Destination, when postcopy is announced.",
        ("the guest has an nvdimm; to tell: virsh dumpxml GUEST | grep nvdimm",),
        ("leave postcopy off for this guest",),
        ("postcopy-ram",),
    ),
    Topic(
        "bitmaps/destination",
        "migration",
        (
            "Migrated bitmap granularity doesn't match the destination bitmap '<bitmap>' granularity",
            "Cannot make migrated bitmap '<bitmap>' persistent on read-only node '<node>'",
            "Unknown flags in migrated dirty bitmap header",
            "Bitmap migration stream buffer allocation request is too large",
            "All state is migrated except dirty bitmaps",
        ),
        "dirty-bitmaps is on, and the destination can't take a bitmap over. The bitmap is lost, and the migration "
        "fails unless the text says that the rest was migrated.",
        (
            "a bitmap of this name is there already; to tell: query-named-block-nodes, at the destination",
            "the image can't be written there; to tell: query-named-block-nodes, at the destination",
        ),
        (
            "remove the bitmap at the destination before the migration: block-dirty-bitmap-remove",
            "begin with a full backup, if a bitmap was lost",
        ),
        ("dirty-bitmaps", "block-bitmap-mapping", "dirty-bitmaps/lost"),
    ),
    Topic(
        "failover/unplug",
        OTHER,
        (
            "migration: partially unplugged device on failure",
            "Failed to wait on unplug condition",
        ),
        "A network card that is passed through (virtio-net with failover=on) is unplugged before the migration and "
        "plugged in again after it. The migration failed in between.",
        ("the guest does not give the card up; to tell: the guest's log, query-migrate says wait-unplug",),
        (
            "look in the guest whether the card is there, and plug it in by hand if not: device_add, virsh "
            "attach-device",
        ),
    ),
)
