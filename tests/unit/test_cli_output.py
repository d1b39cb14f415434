# SPDX-License-Identifier: GPL-2.0-or-later

"""Whole answers of the command line, to the letter."""

import json

import pytest

from pymig import Host, PostcopySupport
from pymig.cli import main

LIST = """\
Capabilities of QEMU 8.2
  xbzrle
  rdma-pin-all
  auto-converge
  zero-blocks
  compress                 deprecated
  events
  postcopy-ram
  x-colo                   unstable
  release-ram
  block                    deprecated, not built in
  return-path
  pause-before-switchover
  multifd
  dirty-bitmaps
  postcopy-blocktime
  late-block-activate
  x-ignore-shared          unstable
  validate-uuid
  background-snapshot
  zero-copy-send
  postcopy-preempt
  switchover-ack
  dirty-limit
Parameters and their defaults
  announce-initial            50
  announce-max                550
  announce-rounds             5
  announce-step               100
  compress-level              1          deprecated
  compress-threads            8          deprecated
  compress-wait-thread        on         deprecated
  decompress-threads          2          deprecated
  throttle-trigger-threshold  50
  cpu-throttle-initial        20
  cpu-throttle-increment      10
  cpu-throttle-tailslow       off
  tls-creds                   ""
  tls-hostname                ""
  tls-authz                   ""
  max-bandwidth               134217728
  avail-switchover-bandwidth  0
  downtime-limit              300
  x-checkpoint-delay          20000      unstable
  block-incremental           off        deprecated
  multifd-channels            2
  xbzrle-cache-size           67108864
  max-postcopy-bandwidth      0
  max-cpu-throttle            99
  multifd-compression         none       of none, zlib, zstd
  multifd-zlib-level          1          accepted and ignored
  multifd-zstd-level          1          accepted and ignored
  x-vcpu-dirty-limit-period   1000       unstable
  vcpu-dirty-limit            1
  mode                        normal     of normal, cpr-reboot
Known faults
  migrate: migrate or migrate-incoming gets an rdma: uri without a port: QEMU aborts: free(): invalid pointer; the \
guest is lost
    all from 8.2 on; seen with 8.2.2, 10.0.2, 10.0.13 and 11.1.3
  migrate: migrate or migrate-incoming gets a channel of transport exec with an empty list of arguments: QEMU \
crashes; the guest is lost
    all from 8.2 on; seen with 8.2.2, 10.0.2, 10.0.13 and 11.1.3
  savevm: a snapshot is taken while multifd or mapped-ram is still on, for example after a migration: QEMU may \
crash, and the snapshot may be corrupt; from 10.2 on multifd is refused
    all before 10.2; QEMU issue 2881
"""

FAULT = (
    "migrate-set-parameters: zero-copy-send is on, and the request (even an empty one) does not contain tls-creds: "
    "QEMU reads through a null pointer and dies; the guest is lost"
)

CHECKS = {
    "block x-colo --without live-block-migration replication --all --qemu 8.2": """\
refused  QEMU compiled without old-style (blk/-b, inc/-i) block migration
         release  8.2
         rule     block/not-built
         hint     Use blockdev-mirror with NBD instead.
         explain  pymig explain block/not-built
refused  QEMU compiled without replication module can't enable COLO
         release   8.2
         rule      x-colo/not-built
         hint      Please enable replication before COLO.
         accepted  without x-colo and block
         explain   pymig explain x-colo/not-built
""",
    "zero-copy-send multifd --qemu 11.0.0": f"""\
fault     {FAULT}
accepted  QEMU 11.0.0: multifd, zero-copy-send
""",
    "multifd --qemu 11.0.0": """\
accepted  QEMU 11.0.0: multifd
""",
    "postcopy-ram --incoming --host UNABLE --qemu 8.0": """\
refused  Postcopy is not supported
         release   8.0
         rule      postcopy-ram/host
         reason    postcopy_ram_supported_by_host: userfaultfd not available: Operation not permitted
         accepted  without postcopy-ram
         explain   pymig explain postcopy-ram/host
""",
    "postcopy-ram --incoming --host UNABLE --qemu 8.1": """\
refused  Postcopy is not supported: Userfaultfd not available: Operation not permitted
         release   8.1
         rule      postcopy-ram/host
         accepted  without postcopy-ram
         explain   pymig explain postcopy-ram/host
""",
    "background-snapshot --host UNABLE": """\
refused  Background-snapshot is not supported by host kernel
         release   11.1
         rule      background-snapshot/kernel
         accepted  without background-snapshot
         explain   pymig explain background-snapshot/kernel
""",
    "multifd compress --qemu rhel-9.3": """\
note      probes its host like 8.1.0
note      has the capability switchover-ack, which 8.0.0 lacks
refused  Multifd is not compatible with compress
         release   rhel-9.3
         rule      multifd/compress
         accepted  without compress
         accepted  without multifd
         explain   pymig explain multifd/compress
""",
    "block compress --qemu 8.2": """\
warning   block migration is deprecated; use blockdev-mirror with NBD instead
warning   old compression method is deprecated; use multifd compression methods instead
accepted  QEMU 8.2: compress, block
""",
    "postcopy-ram multifd compress --qemu 8.0 --qemu 8.2 --qemu 10.1.0 --all": """\
8.0     refused   Multifd is not compatible with compress
8.2     refused   Postcopy is not yet compatible with multifd; Multifd is not compatible with compress; old \
compression method is deprecated; use multifd compression methods instead
10.1.0  refused   Parameter 'capability' does not accept value 'compress'
""",
    "multifd zero-copy-send --qemu 8.0 --qemu 11.1": """\
8.0   accepted
11.1  accepted
""",
    "multifd events --old multifd --incoming --incoming-started --qemu 10.0.0 --qemu 10.0.1": """\
10.0.0  refused   Multifd must be set before incoming starts
10.0.1  accepted
""",
    "multifd zero-copy-send --parameter multifd-compression=zstd --parameter tls-creds=t": """\
refused  Zero copy only available for non-compressed non-TLS multifd migration
         release   11.1
         rule      zero-copy-send/plain-multifd
         accepted  without zero-copy-send
         accepted  tls-creds=unset, multifd-compression=none
         explain   pymig explain zero-copy-send/plain-multifd
""",
}


@pytest.fixture
def unable(tmp_path):
    """A file with the facts of a host that can do nothing."""
    file = tmp_path / "unable.json"
    file.write_text(Host("absent", PostcopySupport(False, 2, 1)).to_json())
    return str(file)


def test_list(capsys):
    assert main(["list", "--qemu", "8.2", "--without", "live-block-migration"]) == 0
    assert capsys.readouterr().out == LIST


@pytest.mark.parametrize("words", CHECKS)
def test_check(capsys, unable, words):
    status = main(["check", *words.replace("UNABLE", unable).split()])
    out = capsys.readouterr().out
    assert out == CHECKS[words]
    assert status == (1 if "refused" in out else 0)


def test_check_as_json(capsys, unable):
    names = ["postcopy-ram", "multifd", "compress"]
    assert (
        main(["check", *names, "--old", "compress", "--qemu", "8.2", "--incoming", "--all", "--json", "--host", unable])
        == 1
    )
    answer = json.loads(capsys.readouterr().out)
    deprecated = "old compression method is deprecated; use multifd compression methods instead"
    rules = [(refusal["rule"], refusal["reason"]) for refusal in answer.pop("refusals")]
    assert rules == [("postcopy-ram/host", None), ("postcopy-ram/multifd", None), ("multifd/compress", None)]
    suggestions = answer.pop("suggestions")
    assert suggestions[0] == {"on": [], "off": ["compress", "postcopy-ram"], "parameters": {}}
    assert answer == {
        "qemu": "8.2",
        "downstream": [],
        "incoming": True,
        "capabilities": ["compress", "postcopy-ram", "multifd"],
        "old": ["compress"],
        "ok": False,
        "warnings": [deprecated],
        "known_faults": [],
    }
    assert main(["check", "postcopy-ram", "--qemu", "8.0", "--incoming", "--json", "--host", unable]) == 1
    [refusal] = json.loads(capsys.readouterr().out)["refusals"]
    reason = "postcopy_ram_supported_by_host: userfaultfd not available: Operation not permitted"
    assert refusal == {
        "ok": False,
        "code": 3,
        "rule": "postcopy-ram/host",
        "message": "Postcopy is not supported",
        "hint": None,
        "warnings": [],
        "capabilities": ["postcopy-ram"],
        "remedies": [{"on": [], "off": ["postcopy-ram"], "parameters": {}}],
        "reason": reason,
        "accepted": ["without postcopy-ram"],
    }
    assert main(["check", "zero-copy-send", "multifd", "--json", "--qemu", "11.0.0"]) == 0
    [fault] = json.loads(capsys.readouterr().out)["known_faults"]
    assert fault["fault"] == "set-parameters/zero-copy-send"


def test_check_of_several_releases_as_json(capsys):
    assert main(["check", "block", "x-colo", "--qemu", "8.2", "--qemu", "11.1", "--json"]) == 1
    lacking = "Parameter 'capability' does not accept value 'block'"
    accepted = {"ok": True, "rule": "accepted", "message": "", "refusals": []}
    answer = json.loads(capsys.readouterr().out)
    refusals = answer["answers"][1].pop("refusals")
    assert [refusal["message"] for refusal in refusals] == [lacking]
    deprecated = "block migration is deprecated; use blockdev-mirror with NBD instead"
    assert answer == {
        "capabilities": ["x-colo", "block"],
        "old": [],
        "answers": [
            {"qemu": "8.2", **accepted, "warnings": [deprecated]},
            {"qemu": "11.1", "ok": False, "rule": "unknown-capability", "message": lacking, "warnings": []},
        ],
    }


def test_list_as_json(capsys):
    assert main(["list", "--qemu", "11.1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"qemu", "downstream", "capabilities", "parameters", "known_faults"}
    assert (answer["qemu"], answer["downstream"]) == ("11.1", [])
    assert {"name": "mapped-ram", "bit": 23, "marks": []} in answer["capabilities"]
    assert {"name": "x-colo", "bit": 7, "marks": ["unstable"]} in answer["capabilities"]
    mode = {"name": "mode", "default": "normal", "marks": []}
    assert {**mode, "values": ["normal", "cpr-reboot", "cpr-transfer", "cpr-exec"]} in answer["parameters"]
    assert "migrate/cpr-transfer-uri" in [fault["fault"] for fault in answer["known_faults"]]
    assert main(["list", "--qemu", "8.0", "--qemu", "8.1"]) == 2
    assert "list shows one release at a time" in capsys.readouterr().err
