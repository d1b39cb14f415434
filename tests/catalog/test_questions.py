# SPDX-License-Identifier: GPL-2.0-or-later

"""Real questions, verbatim from trackers and lists, with what must be in the answer."""

import pytest

from pymig import explain

WRAPPING = "internal error: unable to execute QEMU command"

QUESTIONS = {
    "postcopy refused, although seccomp is right": (
        f"{WRAPPING} 'migrate-set-capabilities': Postcopy is not supported: Userfaultfd not available: Operation not "
        "permitted",
        "host",
        ("CAP_SYS_PTRACE", "vm.unprivileged_userfaultfd is 0", "seccomp", "second gate", "destination"),
        ("sysctl -w vm.unprivileged_userfaultfd=1", "/dev/userfaultfd"),
    ),
    "postcopy with multifd after an update": (
        f"error: {WRAPPING} 'migrate-set-capabilities': Postcopy is not yet compatible with multifd",
        "rule",
        ("8.1 to 10.0", "precaution", "10.1 allows it", "10.0.0-8", "either end"),
        ("10.1", "without multifd"),
    ),
    "capabilities at the source only": (
        "Currently we set KVM migration capabilities only on the source instance and leave them set even if migration "
        "fails.",
        "migration",
        ("both ends", "RAM postcopy is disabled but have 16 byte advise", "survive a failed migration"),
        ("both ends", "off after each migration"),
    ),
    "the destination's words for it": (
        "qemu-system-x86_64: RAM postcopy is disabled but have 16 byte advise",
        "stream",
        ("destination", "postcopy is announced"),
        ("switch postcopy-ram on at the destination",),
    ),
    "RDMA with postcopy": (
        f"error: {WRAPPING} 'migrate-incoming': Migration requires multi-channel URIs (e.g. tcp)",
        "command",
        ("postcopy-preempt", "libvirt", "rdma:", "10.1", "RDMA and postcopy-ram can't be used together"),
        ("tcp:",),
    ),
    "a name that went away": (
        "Failed to accept instance: kvm: error executing the migrate-set-capabilities command: Parameter 'capability' "
        "does not accept value 'x-rdma-pin-all' (GenericError)",
        "value",
        ("2.0", "refuses the whole command"),
        ("use the name rdma-pin-all",),
    ),
    "migrate_set_speed": (
        f"error: {WRAPPING} 'migrate_set_speed': The command migrate_set_speed has not been found",
        "migration",
        ("removed in QEMU 6.0",),
        ("max-bandwidth, downtime-limit and xbzrle-cache-size with migrate-set-parameters", "update libvirt"),
    ),
    "multifd, 7.1 to 9.2": (
        "Migration status: failed (Unable to write to socket: Broken pipe)",
        "migration",
        ("sync packets", "2720", "b93d897ea2", "destination's log"),
        ("9.2.1", "multifd off"),
    ),
    "zero copy with TLS": (
        "Requested Zero Copy feature is not available: Invalid argument",
        "host",
        ("zero-copy-send", "pack or encrypt", "TLS"),
        ("without TLS and compression",),
    ),
    "zero copy with TLS, in QEMU's words": (
        "Zero copy only available for non-compressed non-TLS multifd migration",
        "rule",
        ("as they are", "multifd only", "virsh"),
        ("without zero-copy-send", "tls-creds"),
    ),
    "how many connections": (
        f"{WRAPPING} 'migrate-set-parameters': Parameter 'multifd_channels' expects is invalid, it should be in the "
        "range of 1 to 255",
        "value",
        (
            "1 to 255",
            "expects a value between 1 and 255",
            "Parameter 'multifd-channels' expects uint8_t",
            "Option multifd_channels expects",
        ),
        ("1 to 255",),
    ),
    "savevm after a parallel migration": (
        "there's a risk of crashing QEMU or producing incorrect behavior",
        "fault",
        ("stay on after a migration", "10.2", "Snapshots are not compatible with multifd"),
        ("multifd and mapped-ram off",),
    ),
    "not a migration stream": (
        "qemu-kvm: Not a migration stream\nqemu-kvm: load of migration failed: Invalid argument",
        "migration",
        ("echo", "read the source's error first", "TLS is on at the source alone"),
        ("tls-creds at both ends",),
    ),
    "a process in progress": (
        "internal error: unable to execute QEMU command migrate-set-capabilities: There's a migration process in "
        "progress",
        "command",
        ("parameters may be changed while it runs", "capabilities may not", "old libvirt"),
        ("wait until the migration has ended", "update libvirt"),
    ),
    "backup and migration": (
        "Bitmap 'bitmap0' is currently in use by another operation and cannot be used",
        "migration",
        ("job", "can't travel", "running backup"),
        ("let the backup finish or cancel it", "dirty-bitmaps on at both ends"),
    ),
    "backup and migration, in KubeVirt": (
        "cannot migrate VMI until backup nightly is completed",
        "libvirt",
        ("backup",),
        ("let the job or the backup finish",),
    ),
    "blocked by the CPU": (
        "Error: State blocked by non-migratable CPU device (invtsc flag)",
        "other matter",
        ("whatever the capabilities are",),
        ("migratable=on", "tsc-frequency"),
    ),
    "blocked by a device": (
        "State blocked by non-migratable device '0000:00:08.0/ich9_ahci'",
        "other matter",
        ("whatever the capabilities are",),
        ("unplug the device",),
    ),
    "without shared storage": (
        "virError(Code=81, Domain=10, Message='Unsafe migration: Migration without shared storage is unsafe')",
        "other matter",
        ("before QEMU is asked", "libvirt 4.3", "gone since 9.1"),
        ("--copy-storage-all", "--unsafe"),
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_questions(name):
    text, kind, meanings, remedies = QUESTIONS[name]
    found = explain(text)
    assert found[0].kind == kind
    said = "\n".join("\n".join((one.text, *one.causes)) for one in found)
    helps = "\n".join("\n".join(one.remedies) for one in found)
    assert [part for part in meanings if part not in said] == []
    assert [part for part in remedies if part not in helps] == []


TITLES = {
    "Postcopy is refused at the target, although the feature gate and the seccomp profile are right. Why?": (
        "userfaultfd"
    ),
    "Why is postcopy with parallel migration suddenly refused after an update to 8.1?": "postcopy-ram/multifd",
    "postcopy-ram only fails with Ganeti, by hand it works. Why?": "postcopy-ram/source-only",
    "RDMA with postcopy fails with a text about channels. What does it want?": "rdma/postcopy-ram",
    "A tool says that migrate_set_speed does not exist.": "max-bandwidth",
    "With multifd, 7.1 to 9.2 fails; without it works.": "multifd/sync",
    "Zero copy is refused together with TLS or compression.": "zero-copy-send/plain-multifd",
    "How many parallel connections are allowed?": "multifd",
    "savevm crashes QEMU after a parallel migration.": "savevm/multifd",
    'What does "Not a migration stream" mean with TLS on?': "tls/source-only",
    "Backup and migration at once: which wins?": "dirty-bitmaps",
    "Migration without shared storage.": "block",
    "multifd with postcopy since when": "postcopy-ram/multifd",
    "what needs CAP_SYS_PTRACE": "postcopy-ram/host",
    "Live migration fails after an upgrade to QEMU 11. Why?": "zero-blocks",
    "vGPU live migration with post copy permitted fails": "switchover-ack",
    "postcopy paused, how do I recover?": "release-ram",
    "Why is xbzrle refused with parallel since libvirt 9.4?": "multifd/xbzrle",
    "Compressed and parallel together are refused": "multifd-compression",
    "Memory lock limit in pods": "rdma-pin-all",
    "Can I migrate with TLS and zero copy?": "zero-copy-send/plain-multifd",
    "SELinux denies userfaultfd": "userfaultfd",
    "Why does a background snapshot fail in a container?": "background-snapshot/kernel",
    "two ends differ in multifd-channels": "multifd-channels",
    "do capabilities survive a migration": "postcopy-ram/source-only",
    "what needs RLIMIT_MEMLOCK": "zero-copy-send",
    "invtsc": "State blocked by non-migratable CPU device (invtsc flag)",
    "--postcopy-resume": "release-ram",
}
"""Questions in people's own words, and a name that the answer leads to."""


@pytest.mark.parametrize("title", TITLES)
def test_in_words(title):
    names = {name for one in explain(title) for name in one.see}
    names |= {one.title for one in explain(title)}
    assert TITLES[title] in names | ({"userfaultfd"} if "postcopy-ram/host" in names else set())


def test_removed():
    (found,) = explain("zero-blocks removed")
    assert (found.kind, found.title) == ("capability", "zero-blocks")
    assert "removed in 11.0" in found.text
    assert found.releases[-1] == "10.2"


OTHERS = {
    "invalid argument: No compression algorithm selected for parallel migration": "libvirt",
    "error: argument unsupported: Migration option 'compress' is not supported by QEMU binary": "libvirt",
    "error: invalid argument: Compression method 'xbzrle' isn't supported with parallel migration": "libvirt",
    "error: Requested operation is not valid: post-copy migration is not supported with non-live or paused migration": (
        "libvirt"
    ),
    "libvirt.libvirtError: cannot limit locked memory of process 96 to 5368709120: Operation not permitted": "libvirt",
    "operation failed: guest CPU doesn't match specification: extra features: ht": "other matter",
    "VFIO migration is not supported with postcopy migration": "migration",
    "avc:  denied  { create } for  pid=7 anonclass=[userfaultfd] scontext=container_t tcontext=userfaultfd_t": "host",
    "warning: zero-blocks capability is deprecated": "warning",
    "qmp command 'migrate-set-parameters' failed - Parameter 'downtime-limit' expects uint64": "value",
    "error: unsupported configuration: qemu: unsupported machine type 'pc-i440fx-9.0'": "other matter",
    "error: unable to connect to server at 'host2:49152': Connection refused: libvirt": "other matter",
}


@pytest.mark.parametrize("text", OTHERS)
def test_other_texts(text):
    assert explain(text)[0].kind == OTHERS[text]


def test_an_echo_comes_last():
    text = "qemu-kvm: Not a migration stream\nqemu-kvm: load of migration failed: Invalid argument\n"
    assert [one.title for one in explain(text)][-1] == "load of migration failed"
    assert explain(text)[0].title == "Not a migration stream"
    reason = "qemu-kvm: Certificate does not match the hostname elsewhere"
    assert explain(text + reason)[0].see[0] == explain(reason + "\n" + text)[0].see[0] == "tls/hostname"
