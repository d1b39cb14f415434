# SPDX-License-Identifier: GPL-2.0-or-later

"""What each capability and each parameter does, in pymig's words: what no table of C's holds."""

from __future__ import annotations

from typing import NamedTuple


class About(NamedTuple):
    """What a capability or a parameter does.

    Attributes:
        does: its effect.
        since: QEMU's release that brought it, which may be older than those that pymig knows.
        ends: how the two ends must agree, beyond which of them needs it; "" if there is nothing to say.
        cost: what it costs; "" if nothing.
        notes: what else to know, beyond the rules of the tables; "" if nothing.
        values: a parameter's values and their unit.
        host: what a capability needs of the host and of QEMU's build; "" if nothing.
    """

    does: str
    since: str
    ends: str = ""
    cost: str = ""
    notes: str = ""
    values: str = ""
    host: str = ""


CAPABILITIES: dict[str, About] = {
    "xbzrle": About(
        does=(
            "Remembers pages that were already sent and sends only what has changed in them. It pays for "
            "guests that rewrite small parts of the same pages again and again over a slow link."
        ),
        since="1.2",
        ends="The destination decodes such pages in any case; setting it there does no harm.",
        cost=(
            "Memory for the cache (xbzrle-cache-size, 64 MiB unless set) and source CPU for each comparison; "
            "a cache that is too small shows as a high miss rate in query-migrate."
        ),
    ),
    "rdma-pin-all": About(
        does=(
            "Over an rdma: address, locks all guest memory in RAM before the transfer instead of piece by "
            "piece. The bulk of the memory then moves several times faster."
        ),
        since="2.0 (x-rdma-pin-all before)",
        ends=("The destination follows what the source announces when it connects; libvirt sets it at both ends."),
        cost=(
            "As much locked memory as the guest has RAM, at both hosts: no overcommit and no swap for it, and "
            "RLIMIT_MEMLOCK must allow it."
        ),
        notes="Without an rdma: address it has no effect.",
        host="An RDMA device at both hosts, and RLIMIT_MEMLOCK as large as the guest's memory.",
    ),
    "auto-converge": About(
        does=(
            "When the guest changes memory faster than it can be sent, takes CPU time from its virtual CPUs "
            "in growing steps until migration can end."
        ),
        since="1.6",
        cost=(
            "The guest gets slower, in the end by as much as max-cpu-throttle (99 percent), and all virtual "
            "CPUs alike, also those that only read."
        ),
    ),
    "zero-blocks": About(
        does=(
            "Belonged to the old block migration: a block of zeros was sent as a mark instead of as data. "
            "Without that it does nothing."
        ),
        since="1.6",
        ends="The destination had to know the mark.",
    ),
    "compress": About(
        does=(
            "The first compression of guest memory, with zlib in a pool of threads. It was full of races; "
            "multifd-compression takes its place."
        ),
        since="2.4",
        ends="The source packs (compress-threads), the destination unpacks (decompress-threads).",
        cost="CPU at both ends.",
        notes="multifd-compression takes its place.",
    ),
    "events": About(
        does=("Sends the MIGRATION event on every change of state, so that a manager need not poll query-migrate."),
        since="2.4",
        ends="Each end sends its own events; a manager wants both.",
    ),
    "postcopy-ram": About(
        does=(
            "Lets migrate-start-postcopy start the guest at the destination before all memory is there; pages "
            "that are missing are fetched when they are touched. It bounds the time and the traffic of a "
            "migration that would never converge."
        ),
        since="2.6 (x-postcopy-ram in 2.5)",
        ends=(
            "The destination checks its kernel when the capability is set there (userfaultfd, types of "
            "memory, page sizes); the source does not."
        ),
        cost=(
            "Until the last page has arrived each missing page costs a round trip, and if either host or the "
            "link dies in this phase, the guest can only be paused and recovered, or is lost."
        ),
        host=(
            "At the destination: userfaultfd (Linux 4.11), permitted to QEMU by vm.unprivileged_userfaultfd=1, "
            "by CAP_SYS_PTRACE or by /dev/userfaultfd; memory that it covers: anonymous, memfd, tmpfs or "
            "hugetlbfs."
        ),
    ),
    "x-colo": About(
        does=(
            "Keeps a second guest in step with the first one for ever, by checkpoint after checkpoint, so "
            "that it can take over at once (COLO)."
        ),
        since="2.8",
        cost=(
            "A second host that runs the same guest, and traffic and pauses for every checkpoint; migration "
            "never ends by itself."
        ),
        host="A QEMU that was built with replication.",
    ),
    "release-ram": About(
        does=(
            "In the postcopy phase the source gives back each page as soon as it is sent, which helps when "
            "both guests share one host."
        ),
        since="2.9",
        cost="An interrupted postcopy can then not be recovered: pages on their way are gone.",
    ),
    "block": About(
        does=(
            "The old way to copy disks: their content went through the migration stream, all writable disks or none."
        ),
        since="2.10",
        ends="The destination needed images of the right size.",
        cost="All disk data in the one stream that also carries memory.",
        notes="Mirror jobs to an NBD server at the destination take its place.",
        host="A QEMU that was built with live block migration.",
    ),
    "return-path": About(
        does=(
            "Opens a channel from the destination back to the source even for precopy, so that the source "
            "waits until the destination has really loaded everything and hears of errors."
        ),
        since="2.10",
        ends=(
            "The source opens it. The destination needs it only together with switchover-ack; postcopy-ram "
            "opens one by itself."
        ),
        cost="One more thread; a transport that only goes one way (exec:, a file) can't carry it.",
    ),
    "pause-before-switchover": About(
        does=(
            "Holds the source in the state pre-switchover, guest stopped, disks still active, until "
            "migrate-continue is sent. Managers end their disk mirrors in this moment."
        ),
        since="2.11",
        cost="The pause is downtime, as long as the manager takes.",
    ),
    "multifd": About(
        does=(
            "Sends memory over several connections with a thread each, which fills a fast network that one "
            "thread can't."
        ),
        since="4.0 (x-multifd in 2.11)",
        ends=(
            "Set it before the destination starts to listen, with the same multifd-channels and the same "
            "multifd-compression at both ends."
        ),
        cost=(
            "A CPU per channel at both ends on a fast link. Where QEMU is tied to few CPUs (a CPU limit, "
            "dedicated CPUs) the threads compete with the guest: KubeVirt leaves multifd off there."
        ),
        notes=("The address must be tcp:, unix: or vsock:, or file: with mapped-ram. Switch it off before savevm."),
    ),
    "dirty-bitmaps": About(
        does="Takes the named dirty bitmaps along, which incremental backups live on.",
        since="2.12",
        ends="The destination follows the stream; it is commonly set at both ends.",
        cost=(
            "What the bitmaps weigh, sent while the guest stands still, or after migrate-start-postcopy, "
            "which works with this capability alone."
        ),
        notes=(
            "Names of nodes and bitmaps, or their aliases, must not be longer than 255 bytes, and a bitmap "
            "that a job uses can't travel."
        ),
    ),
    "postcopy-blocktime": About(
        does=(
            "Measures how long virtual CPUs stood waiting for missing pages in postcopy, for query-migrate at "
            "the destination."
        ),
        since="3.0",
        ends="At the source it does no harm.",
        cost="A little bookkeeping per fault; the kernel must report the thread that faulted.",
        host="At the destination: a userfaultfd that reports threads (Linux 4.14).",
    ),
    "late-block-activate": About(
        does=(
            "The destination leaves its disks inactive, without locks on the images, until the guest is told "
            "to continue."
        ),
        since="3.0",
    ),
    "x-ignore-shared": About(
        does=(
            "Leaves out guest memory that the destination can see by itself, such as a file on a shared file "
            "system or in /dev/shm of the same host."
        ),
        since="4.0",
        ends="It is in the stream, and the destination compares it.",
        cost=(
            "None in time, it saves nearly everything; but memory that is not really the same at both ends "
            "means a broken guest."
        ),
        host="Shared memory that both ends can open.",
    ),
    "validate-uuid": About(
        does="Sends the guest's UUID along, and the destination ends if it has another one.",
        since="4.2",
        ends="A destination that has a UUID compares whatever is set there; one without a UUID accepts all.",
    ),
    "background-snapshot": About(
        does=(
            "Saves the guest as it was at the moment of migrate, while it runs on: pages are write-protected "
            "and saved before the guest may change them."
        ),
        since="6.0",
        ends="There is no live destination: the stream goes to a file or a pipe.",
        cost=(
            "Each first write to a page waits until it is saved; Linux with userfaultfd write protection, and "
            "memory that it covers."
        ),
        host=(
            "userfaultfd with write protection (Linux 5.7; 5.19 for shared memory and huge pages), permitted to "
            "QEMU as for postcopy-ram."
        ),
    ),
    "zero-copy-send": About(
        does="Hands memory pages to the network card without a copy in the kernel.",
        since="7.1",
        ends="The destination notices nothing.",
        cost=(
            "Locked memory, in the worst case as much as the guest has RAM: RLIMIT_MEMLOCK must allow it. It "
            "saves source CPU on fast links; the kernel may still copy, silently, over loopback."
        ),
        notes="It works over tcp: only; over a unix: socket that is found out when the source connects.",
        host="MSG_ZEROCOPY (Linux 4.14), and RLIMIT_MEMLOCK up to the size of the guest's memory. QEMU on Linux.",
    ),
    "postcopy-preempt": About(
        does=("Gives page requests in postcopy a connection of their own, so that they do not wait behind bulk data."),
        since="7.1 (the guide in postcopy.rst says 8.0)",
        ends="Set it before the destination starts to listen.",
        cost="One more connection and thread; missing pages come much sooner.",
        notes="The address must be one that takes several connections: tcp:, unix: or vsock:.",
        host="What postcopy-ram needs.",
    ),
    "switchover-ack": About(
        does=(
            "The source keeps the guest running until the destination says that its devices have loaded their "
            "first data, so that this does not fall into the downtime. So far VFIO devices with precopy "
            "support make use of it."
        ),
        since="8.1",
        ends="return-path must be on at both ends, too.",
        cost="Migration can take longer before it switches over; without such a device nothing changes.",
    ),
    "dirty-limit": About(
        does=(
            "Slows down only those virtual CPUs that change memory too fast, to vcpu-dirty-limit, instead of "
            "all of them."
        ),
        since="8.1",
        cost=("Virtual CPUs that write wait; those that read keep their speed. KVM must run with dirty-ring-size set."),
        host="KVM with -accel kvm,dirty-ring-size=N.",
    ),
    "mapped-ram": About(
        does=(
            "Gives each page of memory its fixed place in the migration file, so that the file does not grow "
            "with every change and several threads can write it. Made for saving to disk rather than for "
            "moving live."
        ),
        since="9.0",
        ends="It is in the stream, and the end that loads compares it.",
        cost=("A sparse file as large as guest memory; with a running guest it is slower than with a stopped one."),
        notes="The address must be file:.",
        host="A file system with sparse files.",
    ),
}


PARAMETERS: dict[str, About] = {
    "announce-initial": About(
        does="Delay before the first packet that tells the network where the guest is now.",
        since="4.0",
        values="milliseconds, 0 to 100000",
    ),
    "announce-max": About(
        does="Upper limit of the delay between two of these packets.",
        since="4.0",
        values="milliseconds, 0 to 100000",
    ),
    "announce-rounds": About(
        does="How many of these packets are sent.",
        since="4.0",
        values="0 to 1000",
    ),
    "announce-step": About(
        does="By how much the delay grows from packet to packet.",
        since="4.0",
        values="milliseconds, 1 to 10000 (the error text says 0 to 10000)",
    ),
    "compress-level": About(
        does="zlib level of compress.",
        since="2.4",
        notes="Use multifd-zlib-level or multifd-zstd-level instead.",
        values="0 to 9",
    ),
    "compress-threads": About(
        does="Threads that compress packs pages with.",
        since="2.4",
        notes="Use multifd-channels instead.",
        values="1 to 255",
    ),
    "compress-wait-thread": About(
        does="Whether a page waits for a free compressing thread or goes out as it is.",
        since="3.1",
        values="true, false",
    ),
    "decompress-threads": About(
        does="Threads that unpack what compress has packed; a quarter of compress-threads is enough.",
        since="2.4",
        values="1 to 255",
    ),
    "block-incremental": About(
        does="With block on: copy only the top image of a chain rather than one flat image.",
        since="2.10",
        ends="The destination needs the rest of the chain.",
        values="true, false",
    ),
    "throttle-trigger-threshold": About(
        does="From which ratio of changed to sent data, in percent, auto-converge steps in.",
        since="5.0",
        values="1 to 100",
    ),
    "cpu-throttle-initial": About(
        does="The first step of auto-converge: percent of CPU time that the guest loses.",
        since="2.7",
        values="1 to 99",
    ),
    "cpu-throttle-increment": About(
        does="Each further step of auto-converge, in percent.",
        since="2.7",
        values="1 to 99",
    ),
    "cpu-throttle-tailslow": About(
        does="Takes smaller steps near the end, where the guest suffers most from each percent.",
        since="5.1",
        values="true, false",
    ),
    "max-cpu-throttle": About(
        does="The most that auto-converge may take.",
        since="3.1",
        values="cpu-throttle-initial to 99",
    ),
    "tls-creds": About(
        does=(
            "Names the TLS credentials object, and so switches TLS on for every migration of this QEMU; an "
            "empty string or null switches it off."
        ),
        since="2.7",
        ends="An object with endpoint=client at the source, one with endpoint=server at the destination.",
        cost="CPU for encryption, per channel with multifd.",
        values="object id",
    ),
    "tls-hostname": About(
        does=(
            "The name that the destination's certificate must carry. Needed with x509 where the address has "
            "no host name, as with unix:, fd: and exec:."
        ),
        since="2.7 (an empty value since 2.9)",
        values="host name",
    ),
    "tls-authz": About(
        does=(
            "Names the authorization object that decides by the client certificate's name who may connect. It "
            "is looked up when a client comes; if it is missing then, nobody may."
        ),
        since="4.0",
        values="object id",
    ),
    "max-bandwidth": About(
        does="Limits how fast precopy may send.",
        since="2.8",
        cost="Too low a value on a busy guest, and migration never ends.",
        values="bytes a second, 0 is no limit; can be changed while running",
    ),
    "avail-switchover-bandwidth": About(
        does=(
            "What the link will carry during switchover, for the decision when to stop the guest. It limits "
            "nothing; too high a figure means more downtime than asked for."
        ),
        since="8.2",
        values="bytes a second, 0 means QEMU estimates",
    ),
    "downtime-limit": About(
        does=(
            "How long the guest may stand still at the end. Migration goes on until the rest can be sent in that time."
        ),
        since="2.8",
        cost="A small value can keep migration from ever ending, a large one is felt by the guest.",
        values="milliseconds, 0 to 2000000",
    ),
    "x-checkpoint-delay": About(
        does="Time between two checkpoints of COLO.",
        since="2.8",
        values="milliseconds",
    ),
    "multifd-channels": About(
        does="How many connections multifd opens besides the main one.",
        since="4.0 (x-multifd-channels before)",
        ends=("The same at both ends: a destination that expects more waits for ever, one that expects fewer fails."),
        cost="A thread and, on a fast link, a CPU each.",
        values="1 to 255",
    ),
    "multifd-compression": About(
        does="How multifd packs pages.",
        since="5.0",
        ends="The same at both ends, else the destination can't read the pages.",
        cost="CPU at both ends, or an accelerator; less traffic.",
        values="none, zlib, zstd (if built in); qpl and uadk since 9.1, qatzip since 9.2 (hardware)",
    ),
    "multifd-zlib-level": About(
        does="zlib level of multifd: 1 is fast, 9 packs best, 0 packs nothing.",
        since="5.0",
        values="0 to 9",
    ),
    "multifd-zstd-level": About(
        does="zstd level of multifd.",
        since="5.0",
        values="0 to 20",
    ),
    "multifd-qatzip-level": About(
        does="Level of qatzip.",
        since="9.2",
        values="1 to 9",
    ),
    "xbzrle-cache-size": About(
        does="Cache of xbzrle. Can be changed while migration runs.",
        since="2.11",
        cost="That much memory.",
        values="bytes, a power of two, at least one target page",
    ),
    "max-postcopy-bandwidth": About(
        does=("Limits what the source sends unasked in the postcopy phase; requested pages are not held back by it."),
        since="3.0",
        values="bytes a second, 0 is no limit",
    ),
    "block-bitmap-mapping": About(
        does=(
            "Gives nodes and bitmaps the names under which they travel, so that they may be called "
            "differently at the two ends, and picks those that travel. With transform a bitmap can become "
            "persistent, or stop being so, on the way."
        ),
        since="5.2 (transform since 6.0)",
        ends=(
            "Each end has its own. At the source, what is not in the map is not sent; at the destination, an "
            "unknown alias is logged and its bitmaps are dropped, while the migration completes."
        ),
        values=(
            "a list; each name and alias only once; aliases up to 255 bytes, node names up to 31, bitmap "
            "names up to 1023"
        ),
    ),
    "x-vcpu-dirty-limit-period": About(
        does="How often dirty-limit measures.",
        since="8.1",
        values="milliseconds, 1 to 1000",
    ),
    "vcpu-dirty-limit": About(
        does="How much memory a virtual CPU may change under dirty-limit.",
        since="8.1",
        values="MB a second, at least 1",
    ),
    "mode": About(
        does=(
            "What kind of migration: normal; cpr-reboot to save and come back after an update of host or "
            "QEMU; cpr-transfer and cpr-exec to go over to a new QEMU on the same host with memory left in "
            "place."
        ),
        since="8.2",
        ends="With cpr-reboot the destination needs it, too.",
        cost=(
            "The guest is stopped throughout. cpr-transfer and cpr-exec need memory backends with share=on "
            "and -machine aux-ram-share=on."
        ),
        notes=(
            "cpr-transfer needs a second channel of type cpr over a unix socket, and its main channel can't "
            "be a file; cpr-exec needs cpr-exec-command."
        ),
        values="normal, cpr-reboot (8.2), cpr-transfer (10.0), cpr-exec (10.2)",
    ),
    "zero-page-detection": About(
        does=(
            "Who looks for pages of zeros: nobody (none), the migration thread (legacy), or the multifd "
            "threads (multifd; without multifd the same as legacy)."
        ),
        since="9.0",
        ends=(
            "The destination must be 9.0 or newer to understand what multifd threads say about zero pages; "
            "machine types of older releases choose legacy."
        ),
        values="none, legacy, multifd",
    ),
    "direct-io": About(
        does="Opens migration files past the page cache (O_DIRECT), for large files on fast disks.",
        since="9.1",
        ends="Each end opens its own file.",
        cost=(
            "The file system must support it, and on some a save through multifd becomes much slower: then leave "
            "it off."
        ),
        notes=(
            "It only has an effect with mapped-ram. With multifd over an fdset, two file descriptors are "
            "needed, exactly one of them with O_DIRECT."
        ),
        values="true, false",
    ),
    "cpr-exec-command": About(
        does="Command line of the new QEMU for mode cpr-exec; the first element is the program.",
        since="10.2",
        values="list of strings",
    ),
    "x-rdma-chunk-size": About(
        does="How much memory an rdma: migration registers at once.",
        since="11.1",
        values="bytes, a power of two, 1 MiB to 1024 MiB",
    ),
}
