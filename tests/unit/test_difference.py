# SPDX-License-Identifier: GPL-2.0-or-later

"""What changes from one release to another."""

import json
import pickle

import pytest

import pymig
from pymig import Host, PostcopySupport, QemuBuild, diff
from pymig.cli import main

TO_9_0 = """\
capability  added       mapped-ram
capability  deprecated  compress
capability  deprecated  block
rule        added       Multifd is not compatible with xbzrle
rule        added       Compression is not compatible with xbzrle
rule        added       Mapped-ram migration is incompatible with xbzrle
rule        added       Mapped-ram migration is incompatible with compression
rule        added       Mapped-ram migration is incompatible with postcopy
rule        changed     QEMU compiled without old-style (blk/-b, inc/-i) block migration (Use blockdev-mirror with NBD \
instead.)
parameter   added       avail-switchover-bandwidth
parameter   added       mode
parameter   added       zero-page-detection
parameter   deprecated  compress-level
parameter   deprecated  compress-threads
parameter   deprecated  compress-wait-thread
parameter   deprecated  decompress-threads
parameter   deprecated  block-incremental
parameter   before      multifd-zlib-level=0: accepted and ignored
parameter   after       multifd-zlib-level=0: accepted
parameter   before      multifd-zstd-level=0: accepted and ignored
parameter   after       multifd-zstd-level=0: accepted
fault       added       migrate: migrate or migrate-incoming gets an rdma: uri without a port: QEMU aborts: free(): \
invalid pointer; the guest is lost
fault       added       migrate: migrate or migrate-incoming gets a channel of transport exec with an empty list of \
arguments: QEMU crashes; the guest is lost
answer      before      compress, events: accepted
answer      after       compress, events: accepted; warning: old compression method is deprecated; use multifd \
compression methods instead
"""


def test_every_line(capsys):
    assert main(["diff", "8.1", "9.0", "compress", "events"]) == 1
    assert capsys.readouterr().out == TO_9_0


def test_a_rule_to_which_the_reason_is_added(capsys):
    assert main(["diff", "8.0", "8.1"]) == 0
    changed = [line for line in capsys.readouterr().out.splitlines() if "changed" in line]
    assert [line.split("changed")[1].strip() for line in changed] == [
        "Postcopy is not supported: ..., the host's own reason follows"
    ]


def test_what_comes_and_goes():
    difference = diff("9.0", "9.1")
    assert (difference.before, difference.after) == (QemuBuild("9.0"), QemuBuild("9.1"))
    assert difference.removed == {"compress", "block"}
    assert not difference.added
    assert not difference.deprecated
    gone = "compress-level compress-threads compress-wait-thread decompress-threads block-incremental"
    assert set(difference.parameters_removed) == set(gone.split())
    assert difference.parameters_added == ("direct-io",)
    assert difference.parameters_deprecated == ()
    assert {rule.rule for rule in difference.rules_removed} == {
        "block/not-built",
        "background-snapshot/compress",
        "postcopy-preempt/compress",
        "multifd/compress",
        "compress/xbzrle",
        "mapped-ram/compress",
    }
    assert difference.rules_added == difference.rules_changed == ()
    assert diff("9.0", "9.1.0").statuses_added == ("postcopy-recover-setup",)
    assert diff("9.1", "9.0").statuses_added == ()


def test_of_a_parameter_the_first_difference_is_told():
    assert diff("9.0", "9.1").parameters_changed == (
        (
            "vcpu-dirty-limit",
            "vcpu-dirty-limit=0: refused: Parameter 'vcpu_dirty_limit' expects is invalid, it must greater then 1 MB/s",
            "vcpu-dirty-limit=0: refused: Parameter 'vcpu_dirty_limit' must be greater than 1 MB/s",
        ),
    )
    old, new = QemuBuild("9.0", machine="pc-q35-8.2"), QemuBuild("9.0", machine="pc-q35-9.0")
    assert diff(old, new).parameters_changed == (("zero-page-detection", "default 'legacy'", "default 'multifd'"),)
    assert diff(QemuBuild("9.1", direct_io=False), "9.1").parameters_changed == (
        ("direct-io", "direct-io=True: refused: No build-time support for direct-io", "direct-io=True: accepted"),
    )


def test_each_range_is_asked_beyond_its_limit():
    """Of each range that 11.0 refuses in other words, some value is beyond the limit."""
    changed = {name for name, _, _ in diff("10.2", "11.0").parameters_changed}
    assert changed == {
        *("announce-initial announce-max announce-rounds announce-step throttle-trigger-threshold").split(),
        *("cpu-throttle-initial cpu-throttle-increment downtime-limit multifd-channels xbzrle-cache-size").split(),
        *("max-cpu-throttle multifd-zlib-level multifd-qatzip-level multifd-zstd-level").split(),
        *("x-vcpu-dirty-limit-period vcpu-dirty-limit").split(),
    }


def test_faults_and_reasons():
    difference = diff("10.2", "11.0.0")
    assert {fault.fault for fault in difference.faults_added} == {
        "set-parameters/zero-copy-send",
        "migrate/cpr-transfer-uri",
    }
    assert difference.faults_mended == ()
    assert {fault.fault for fault in diff("11.0.0", "10.2").faults_mended} == {
        fault.fault for fault in difference.faults_added
    }
    [(before, after)] = diff("8.0", "8.1").rules_changed  # from 8.1 on the host's reason follows
    assert before.rule == after.rule == "postcopy-ram/host"
    assert before.message == after.message == "Postcopy is not supported"


def test_answers():
    difference = diff("8.1", "8.2", [["multifd", "xbzrle"], ["multifd"], ["switchover-ack"]])
    [(names, before, after)] = difference.answers
    assert names == {"multifd", "xbzrle"}
    assert (before.ok, after.rule) == (True, "multifd/xbzrle")
    [(_, before, after)] = diff("8.0", "8.1", [["switchover-ack"]]).answers
    assert before.message == "Parameter 'capability' does not accept value 'switchover-ack'"
    assert after.rule == "switchover-ack/return-path"


def test_the_circumstances_count():
    def answers(before, after, names, **circumstances):
        return [(one.rule, other.rule) for _, one, other in diff(before, after, [names], **circumstances).answers]

    unable = Host("available", PostcopySupport(False, 2, 1))
    single = {"incoming": True, "single_channel": True}
    started = {"incoming": True, "incoming_started": True}
    assert answers("10.0", "10.1", ["multifd"]) == []
    assert answers("10.0", "10.1", ["multifd"], rdma=True) == [("accepted", "rdma/multifd")]
    assert answers("7.2", "8.0", ["multifd"], **single) == [("multifd/single-channel", "accepted")]
    assert answers("8.0", "8.1", ["multifd"], **started) == [("accepted", "multifd/incoming-started")]
    assert answers("8.0", "8.1", ["dirty-limit"], kvm_dirty_ring=True)[0][1] == "accepted"
    assert answers("8.0", "8.1", ["dirty-limit"])[0][1] == "dirty-limit/kvm"
    refused = [("postcopy-ram/host", "postcopy-ram/host")]
    assert answers("8.0", "8.1", ["postcopy-ram"], host=unable, incoming=True) == refused
    plain = {"parameters": {"multifd-compression": "zlib"}}
    assert answers("8.1", "8.2", ["multifd", "zero-copy-send", "xbzrle"], **plain) == []


def test_a_difference_is_a_value():
    difference = diff("8.1", "9.0", [["compress"]])
    copy = pickle.loads(pickle.dumps(difference))
    assert copy == difference == diff("8.1", "9.0", [["compress"]])
    assert copy != diff("8.1", "9.0")
    assert diff("9.0", "9.0") != difference
    with pytest.raises(TypeError, match="before must be a QemuBuild or a release"):
        diff(9.0, "9.1")
    with pytest.raises(TypeError, match="after must be a QemuBuild or a release"):
        diff("9.0", None)
    with pytest.raises(pymig.UnknownCapabilityError):
        diff("9.0", "9.1", [["multfd"]])


def test_as_json(capsys):
    assert main(["diff", "8.1", "9.1", "compress", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["before"], answer["after"]) == ("8.1", "9.1")
    assert answer["capabilities"] == {"added": ["mapped-ram"], "removed": ["compress", "block"], "deprecated": []}
    assert answer["rules"]["changed"] == []
    assert ["compress/xbzrle", "Compression is not compatible with xbzrle"] not in answer["rules"]["added"]
    assert ["multifd/compress", "Multifd is not compatible with compress"] in answer["rules"]["removed"]
    parameters = answer["parameters"]
    assert parameters["added"] == ["avail-switchover-bandwidth", "mode", "zero-page-detection", "direct-io"]
    assert len(parameters["removed"]) == 5
    assert parameters["deprecated"] == []
    zlib = ["multifd-zlib-level=0: accepted and ignored", "multifd-zlib-level=0: accepted"]
    assert ["multifd-zlib-level", *zlib] in parameters["changed"]
    assert answer["statuses"] == {"added": ["postcopy-recover-setup"]}
    assert [fault["fault"] for fault in answer["faults"]["added"]] == [
        "migrate/rdma-address",
        "migrate/exec-without-arguments",
    ]
    assert [fault["fault"] for fault in answer["faults"]["mended"]] == []
    assert answer["answers"] == [
        {
            "capabilities": ["compress"],
            "before": "accepted",
            "after": "refused: Parameter 'capability' does not accept value 'compress'",
        }
    ]
    assert main(["diff", "10.2", "11.0.0", "--json"]) == 0
    faults = json.loads(capsys.readouterr().out)["faults"]
    assert {fault["fault"] for fault in faults["added"]} == {
        "set-parameters/zero-copy-send",
        "migrate/cpr-transfer-uri",
    }
    assert main(["diff", "8.1", "8.2", "--json"]) == 0
    [(rule, before, after)] = json.loads(capsys.readouterr().out)["rules"]["changed"]
    text = "QEMU compiled without old-style (blk/-b, inc/-i) block migration"
    assert (rule, before) == ("block/not-built", f"{text} (Use drive_mirror+NBD instead.)")
    assert after == f"{text} (Use blockdev-mirror with NBD instead.)"
