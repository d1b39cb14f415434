# SPDX-License-Identifier: GPL-2.0-or-later

"""Every remedy that explain() gives is followed by a test, or ends with "(not tried)".

TESTS says which test follows which remedies. The tests below follow those that no other one does: the disagreements on
recorded migrations, the options of virsh on predictions that tests/libvirt compares with real libvirts, and the
commands on the mirror that tests/vectors compares with real QEMUs.
"""

import copy
import re
from functools import cache
from pathlib import Path

import pytest

from pymig import Checker, Context, Host, MigrationError, MigrationState, explain
from pymig.capability import NAMES
from pymig.catalog.messages import messages
from pymig.catalog.names import words_about
from pymig.catalog.said import DISAGREEMENTS, NOT_FOLLOWED, NOT_TRIED, explained, keys
from pymig.libvirt import Domain, LibvirtRefusal, requests
from pymig.qemu.parameters import PARAMETERS
from tests.migration import recorded

# ---- Two ends ----


def switch(end, on, *names):
    """The plan that switches these on, or off, at an end, which has them on from before."""

    def change(row):
        row["plan"].setdefault(end, {}).setdefault("capabilities", {}).update(dict.fromkeys(names, on))
        facts = row[end] or {}
        facts["capabilities"] = [name for name in facts.get("capabilities", ()) if name not in names]

    return change


def both(on, *names):
    return [switch(end, on, *names) for end in ("source", "destination")]


def parameter(name, value, *ends):
    def change(row):
        for end in ends or ("source", "destination"):
            row["plan"].setdefault(end, {}).setdefault("parameters", {})[name] = value

    return change


def as_source_has(*facts):
    """The destination gets what the source has."""

    def change(row):
        row["destination"].update({fact: copy.deepcopy(row["source"][fact]) for fact in facts})

    return change


def fact(end, name, value):
    def change(row):
        row[end][name] = value

    return change


def address(uri):
    def change(row):
        row["plan"].update(uri=uri, incoming_uri=uri)

    return change


def no_postcopy(row):
    row["plan"]["postcopy"] = False


def certificate(row):
    """The name for which the destination's certificate is."""
    (one,) = row["destination"]["tls_objects"].values()
    parameter("tls-hostname", one["names"][0], "source")(row)


def objects(row):
    """An object of the right endpoint at each end, by the name that tls-creds has there."""
    for end, endpoint in (("source", "client"), ("destination", "server")):
        name = row["plan"].get(end, {}).get("parameters", {}).get("tls-creds") or "tls0"
        row[end]["tls_objects"] = {name: {"endpoint": endpoint, "verify_peer": True, "names": ["destination"]}}


TCP = "tcp:192.0.2.1:4444"
NO_TLS = [parameter("tls-creds", "")]

# The ways out of each disagreement that its remedy names.
FIXES = {
    "x-colo": [both(False, "x-colo")],
    "tls/source-object-missing": [[objects], NO_TLS],
    "tls/destination-object-missing": [[objects], NO_TLS],
    "tls/source-endpoint": [[objects]],
    "tls/kind": [[objects]],
    "postcopy-preempt/late": [
        both(False, "postcopy-preempt"),
        [fact("source", "machine", "pc-q35-7.2"), fact("destination", "machine", "pc-q35-7.2")],
    ],
    "tls/file": [NO_TLS],
    "tls/source-only": [NO_TLS],
    "tls/hostname": [[certificate]],
    "tls/authz-missing": [[parameter("tls-authz", "", "destination")]],
    "single-channel": [both(False, "multifd"), [address(TCP)]],
    "one-way/file": [[switch("source", False, "return-path", "postcopy-ram")]],
    "one-way/exec": [[switch("source", False, "return-path", "postcopy-ram")]],
    "zero-copy-send/transport": [[switch("source", False, "zero-copy-send")], [address(TCP)]],
    "multifd/source-only": [both(True, "multifd"), both(False, "multifd")],
    "multifd/destination-only": [both(True, "multifd"), both(False, "multifd")],
    "multifd-channels/one-more": [[parameter("multifd-channels", 4)]],
    "multifd-channels/more": [[parameter("multifd-channels", 4)]],
    "multifd/uuid": [[as_source_has("uuid")]],
    "multifd-compression": [[parameter("multifd-compression", "zlib")], [parameter("multifd-compression", "none")]],
    "postcopy-preempt/early": [[switch("source", False, "postcopy-preempt")], both(False, "multifd")],
    "postcopy-preempt/destination-7.2": [both(False, "postcopy-preempt")],
    "postcopy-preempt/destination-only": [both(False, "postcopy-preempt")],
    "postcopy-preempt/source-only": [both(False, "postcopy-preempt")],
    "validate-uuid": [[as_source_has("uuid")], [switch("source", False, "validate-uuid")]],
    "machine": [[as_source_has("machine")]],
    "x-ignore-shared/source-only": [both(True, "x-ignore-shared"), both(False, "x-ignore-shared")],
    "x-ignore-shared/destination-only": [both(True, "x-ignore-shared"), both(False, "x-ignore-shared")],
    "mapped-ram/source-only": [both(True, "mapped-ram"), both(False, "mapped-ram")],
    "mapped-ram/destination-only": [both(True, "mapped-ram"), both(False, "mapped-ram")],
    "postcopy-ram/source-only": [
        [switch("destination", True, "postcopy-ram")],
        [no_postcopy, switch("source", False, "postcopy-ram")],
    ],
    "ram/block-missing": [[as_source_has("ram_blocks")]],
    "ram/size": [[as_source_has("ram_blocks")]],
    "compress/destination-lacks-it": [[switch("source", False, "compress")]],
    "compress/source-only": [[switch("destination", True, "compress")], [switch("source", False, "compress")]],
    "switchover-ack/source-only": [
        both(True, "return-path", "switchover-ack"),
        [switch("source", False, "switchover-ack")],
    ],
    "device-missing": [[as_source_has("devices")]],
    "cpus/more-at-source": [[as_source_has("cpus")]],
    "cpus/more-at-destination": [[as_source_has("cpus")]],
    "cpu-model": [[as_source_has("cpu_model")]],
    "dirty-bitmaps/exists": [[fact("destination", "bitmaps", {})]],
    "dirty-bitmaps/lost": [[as_source_has("block_nodes")]],
    "postcopy/shared-file": [[no_postcopy]],
    "background-snapshot": [[switch("source", False, "background-snapshot")]],
}


LACKING = {"compress/source-only": "compress/destination-lacks-it"}
"""Where another release is the only way out."""


def found_in(row):
    return [finding.rule for finding in recorded.predicted(row).findings]


ROWS = [(row, found_in(row)) for row in recorded.rows()]


@pytest.mark.parametrize("key", FIXES)
def test_two_ends(key):
    """In each recorded migration that meets the disagreement, each way out ends it."""
    met = [row for row, rules in ROWS if key in rules and LACKING.get(key) not in rules]
    assert met
    for row in met:
        for ways in FIXES[key]:
            fixed = copy.deepcopy(row)
            for change in ways:
                change(fixed)
            assert key not in found_in(fixed), (row["id"], ways)


def test_every_disagreement_is_followed_or_marked():
    assert set(FIXES) | NOT_FOLLOWED == set(DISAGREEMENTS)
    assert set(FIXES) & NOT_FOLLOWED == set()


# ---- libvirt ----

TO = "virsh migrate g qemu+ssh://b/system --live --p2p"
UNIX = "virsh migrate g --live --p2p --desturi qemu+unix:///system?socket=/b --migrateuri unix:///m --tls"
BITS = "--available-switchover-bandwidth 100"
LIMITED = {"domain": Domain(hard_limit=True)}
NOT_SHARED = {"domain": Domain(shared_storage=False)}

# A remedy; the words that libvirt refuses, and the circumstances; words and circumstances with which it does not.
OPTIONS = {
    "leave the option out: --comp-methods mt for compress; --parallel with --comp-methods zstd packs, too": (
        (f"{TO} --comp-methods mt", {}),
        ((TO, {}), (f"{TO} --parallel --comp-methods zstd", {})),
    ),
    "leave --compressed out, or use --comp-methods zstd with --parallel": (
        (f"{TO} --parallel --comp-methods xbzrle", {}),
        ((f"{TO} --parallel", {}), (f"{TO} --parallel --comp-methods zstd", {})),
    ),
    "add --comp-methods zstd (or zlib), or leave --compressed out": (
        (f"{TO} --parallel --compressed", {}),
        (
            (f"{TO} --parallel --compressed --comp-methods zstd", {}),
            (f"{TO} --parallel --compressed --comp-methods zlib", {}),
            (f"{TO} --parallel", {}),
        ),
    ),
    "add --parallel, or leave the method out": (
        (f"{TO} --comp-methods zstd", {}),
        ((f"{TO} --comp-methods zstd --parallel", {}), (TO, {})),
    ),
    "name one method": (
        (f"{TO} --parallel --comp-methods zlib,zstd", {}),
        ((f"{TO} --parallel --comp-methods zstd", {}),),
    ),
    "add --auto-converge, --parallel or --comp-methods METHOD": (
        (f"{TO} --parallel-connections 4", {}),
        ((f"{TO} --parallel-connections 4 --parallel", {}),),
    ),
    "leave the option that tunes out": ((f"{TO} --auto-converge-initial 30", {}), ((TO, {}),)),
    "add --parallel to --zerocopy": ((f"{TO} --zerocopy", {}), ((f"{TO} --zerocopy --parallel", {}),)),
    "leave one of the two out": (
        (f"{TO} --copy-storage-all --copy-storage-inc", {}),
        ((f"{TO} --copy-storage-all", {}), (f"{TO} --copy-storage-inc", {})),
    ),
    "add the option that the text names": (
        (f"{TO} --postcopy-after-precopy", {}),
        ((f"{TO} --postcopy-after-precopy --postcopy", {}),),
    ),
    "leave --postcopy out for a paused guest": ((f"{TO} --postcopy --suspend", {}), ((f"{TO} --suspend", {}),)),
    "leave --tunnelled out, and use --tls to encrypt": (
        (f"{TO} --tunnelled --postcopy", {}),
        ((f"{TO} --postcopy --tls", {}),),
    ),
    "set <memtune><hard_limit> in the guest's XML": (
        (f"{TO} --migrateuri rdma://b", {}),
        ((f"{TO} --migrateuri rdma://b", LIMITED),),
    ),
    "add --tls-destination NAME": ((UNIX, {}), ((f"{UNIX} --tls-destination b", {}),)),
    "add --image-format sparse": (
        ("virsh save g /x --parallel-channels 2", {}),
        (("virsh save g /x --parallel-channels 2 --image-format sparse", {}),),
    ),
    "use --copy-storage-all, which copies disks by NBD and mirror jobs": (
        (TO, NOT_SHARED),
        ((f"{TO} --copy-storage-all", NOT_SHARED),),
    ),
    "use --unsafe if you know that the storage is shared": ((TO, NOT_SHARED), ((f"{TO} --unsafe", NOT_SHARED),)),
    "update libvirt at both ends, or leave the option out": (
        (f"{TO} {BITS}", {"destination_libvirt": "11.0.0"}),
        ((TO, {"destination_libvirt": "11.0.0"}), (f"{TO} {BITS}", {})),
    ),
    "give the bandwidth in MiB/s, or 0 for no limit": (
        (f"{TO} --postcopy --postcopy-bandwidth 17592186044416", {}),
        ((f"{TO} --postcopy --postcopy-bandwidth 1000", {}), (f"{TO} --postcopy --postcopy-bandwidth 0", {})),
    ),
}


def answer_of_libvirt(command, circumstances):
    """What virsh shows if libvirt refuses, or None."""
    versions = {"libvirt": "11.3.0", "source": "11.1", "destination": "11.1"}
    try:
        requests(command.split(), **versions, **circumstances)
    except LibvirtRefusal as refusal:
        return refusal.shown
    return None


@pytest.mark.parametrize("remedy", OPTIONS)
def test_options(remedy):
    refused, accepted = OPTIONS[remedy]
    said = answer_of_libvirt(*refused)
    assert remedy in [one for found in explain(said) for one in found.remedies]
    assert [answer_of_libvirt(*one) for one in accepted] == [None] * len(accepted)


# ---- Commands ----


def qemu(*names, release="11.1", incoming=False, **parameters):
    """A QEMU with these capabilities and parameters, as a mirror."""
    set_so = {name.replace("_", "-"): value for name, value in parameters.items()}
    state = MigrationState(Context(release, Host(), incoming=incoming, rdma=False))
    state.set_capabilities(dict.fromkeys(names, True))
    state.set_parameters(set_so)
    return state


def active(status):
    state = qemu()
    state.status = status
    return state


def paused(*names):
    """A postcopy that lost its connection."""
    state = qemu("postcopy-ram", *names)
    state.status = "postcopy-paused"
    return state


def listening():
    state = qemu(incoming=True)
    state.migrate_incoming(TCP)
    return state


MAIN = {"channel-type": "main", "addr": {"transport": "socket", "type": "unix", "path": "/m"}}
CPR = {**MAIN, "channel-type": "cpr"}
FILE, RDMA, UNIX_PATH = "file:/x", "rdma:192.0.2.1:4444", "unix:/m"

# A remedy; what QEMU refuses; what it accepts with the remedy.
COMMANDS = {
    "start the destination with -incoming defer": (
        lambda: qemu().migrate_incoming(TCP),
        [lambda: qemu(incoming=True).migrate_incoming(TCP)],
    ),
    "start the destination with -incoming defer, set its capabilities, and only then send migrate-incoming": (
        lambda: listening().set_capability("multifd", True),
        [lambda: qemu("multifd", incoming=True).migrate_incoming(TCP)],
    ),
    "leave migrate-incoming out, or restart the destination": (
        lambda: listening().migrate_incoming(TCP),
        [listening],
    ),
    "send migrate to the source": (lambda: qemu(incoming=True).migrate(TCP), [lambda: qemu().migrate(TCP)]),
    "send cont, if the guest runs nowhere else": (
        lambda: qemu().migrate(TCP, run_state="postmigrate"),
        [lambda: qemu().migrate(TCP, run_state="running")],
    ),
    "unset tls-creds, and set multifd-compression=none": (
        lambda: qemu("mapped-ram", tls_creds="tls0").migrate(FILE),
        [lambda: qemu("mapped-ram", multifd_compression="none").migrate(FILE)],
    ),
    "use a file: address": (
        lambda: qemu("mapped-ram").migrate(TCP),
        [lambda: qemu("mapped-ram").migrate(FILE)],
    ),
    "set the parameter cpr-exec-command": (
        lambda: qemu(mode="cpr-exec").migrate(FILE),
        [lambda: qemu(mode="cpr-exec", cpr_exec_command=["qemu"]).migrate(FILE)],
    ),
    "use tcp:, unix:, vsock:, fd:, exec:, file: or rdma:": (
        lambda: qemu().migrate("nbd:x"),
        [lambda uri=uri: qemu().migrate(uri) for uri in (TCP, UNIX_PATH, "vsock:3:4", "fd:x", "exec:cat", FILE, RDMA)],
    ),
    "use tcp:, unix:, vsock:, fd:, exec: or rdma:": (
        lambda: qemu(release="8.0").migrate("nbd:x"),
        [
            lambda uri=uri: qemu(release="8.0").migrate(uri)
            for uri in (TCP, UNIX_PATH, "vsock:3:4", "fd:x", "exec:cat", RDMA)
        ],
    ),
    "correct the address in uri": (lambda: qemu().migrate("tcp:X"), [lambda: qemu().migrate(TCP)]),
    "give either uri or channels": (
        lambda: qemu().migrate(),
        [lambda: qemu().migrate(UNIX_PATH), lambda: qemu().migrate(channels=[MAIN])],
    ),
    "give one channel of type main": (
        lambda: qemu().migrate(channels=[MAIN, MAIN]),
        [lambda: qemu().migrate(channels=[MAIN])],
    ),
    "give a channel of type cpr besides the one of type main": (
        lambda: qemu(mode="cpr-transfer").migrate(channels=[MAIN]),
        [lambda: qemu(mode="cpr-transfer").migrate(channels=[MAIN, CPR])],
    ),
    "use a unix: or tcp: address": (
        lambda: qemu(mode="cpr-transfer").migrate(channels=[{"channel-type": "main", "addr": AT_FILE}, CPR]),
        [lambda: qemu(mode="cpr-transfer").migrate(channels=[MAIN, CPR])],
    ),
    "wait until the migration has ended, or send migrate_cancel": (
        lambda: active("active").set_capability("events", True),
        [lambda status=status: active(status).set_capability("events", True) for status in ("completed", "cancelled")],
    ),
    "change parameters alone: migrate-set-parameters is allowed": (
        lambda: active("active").set_capability("events", True),
        [lambda: active("active").set_parameters({"max-bandwidth": 1 << 30})],
    ),
    "use a tcp: address": (
        lambda: qemu("xbzrle", release="10.1").migrate(RDMA),
        [lambda: qemu("xbzrle", release="10.1").migrate(TCP)],
    ),
    "leave postcopy out over rdma:": (
        lambda: qemu("postcopy-ram", "postcopy-preempt", release="9.0").migrate(RDMA),
        [lambda: qemu(release="9.0").migrate(RDMA)],
    ),
    "switch multifd and postcopy-preempt off at both ends": (
        lambda: qemu("multifd").migrate("exec:cat"),
        [lambda: qemu().migrate("exec:cat")],
    ),
    "use a tcp:, unix: or vsock: address": (
        lambda: qemu("multifd").migrate("exec:cat"),
        [lambda uri=uri: qemu("multifd").migrate(uri) for uri in (TCP, UNIX_PATH, "vsock:3:4")],
    ),
    "leave release-ram off before the next postcopy": (
        lambda: paused("release-ram").migrate(TCP, resume=True),
        [lambda: paused().migrate(TCP, resume=True)],
    ),
    "send migrate without resume, if the guest still runs at the source": (
        lambda: qemu().migrate(TCP, resume=True),
        [lambda: qemu().migrate(TCP)],
    ),
    "switch off postcopy-ram": (
        lambda: qemu("postcopy-ram", mode="cpr-reboot").migrate(FILE),
        [lambda: qemu(mode="cpr-reboot").migrate(FILE)],
    ),
    "switch off dirty-bitmaps": (
        lambda: qemu("dirty-bitmaps", mode="cpr-reboot").migrate(FILE),
        [lambda: qemu(mode="cpr-reboot").migrate(FILE)],
    ),
    "switch off background-snapshot": (
        lambda: qemu("background-snapshot", mode="cpr-reboot").migrate(FILE),
        [lambda: qemu(mode="cpr-reboot").migrate(FILE)],
    ),
    "switch off x-colo": (
        lambda: qemu("x-colo", "return-path", mode="cpr-reboot").migrate(FILE),
        [lambda: qemu(mode="cpr-reboot").migrate(FILE)],
    ),
    "switch off block": (
        lambda: qemu("block", release="8.2").migrate(TCP, blk=True),
        [lambda: qemu(release="8.2").migrate(TCP, blk=True)],
    ),
}
AT_FILE = {"transport": "file", "filename": "/x", "offset": 0}


@pytest.mark.parametrize("remedy", COMMANDS)
@pytest.mark.filterwarnings("ignore::pymig.KnownFaultWarning")
def test_commands(remedy):
    refused, accepted = COMMANDS[remedy]
    with pytest.raises(MigrationError) as caught:
        refused()
    assert remedy in [one for found in explain(caught.value.message) for one in found.remedies]
    for command in accepted:
        command()


# ---- Values ----

VALUES = {
    "mode": "cpr-reboot",
    "multifd-compression": "zlib",
    "block-bitmap-mapping": [{"node-name": "n", "alias": "a", "bitmaps": []}],
    "cpr-exec-command": ["qemu"],
    "zero-page-detection": "none",
    "max-cpu-throttle": 99,
    "xbzrle-cache-size": 1 << 26,
    "x-rdma-chunk-size": 1 << 20,
    "tls-creds": "tls0",
    "tls-hostname": "host",
    "tls-authz": "authz",
    "compress-wait-thread": True,
    "block-incremental": True,
    "cpu-throttle-tailslow": True,
    "direct-io": False,
}
"""A value in the range that the remedy names; of all other parameters, 1 is one."""


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.filterwarnings("ignore::pymig.IgnoredParameterWarning", "ignore::pymig.DeprecatedParameterWarning")
def test_values(name):
    value = VALUES.get(name, 1)
    releases = explain(name)[0].releases
    for release in releases:
        state = MigrationState(release, Host())
        state.set_parameters({name: value})
        assert state.query_parameters()[name] == value or release != releases[-1]  # 7.2 ignores some


# ---- All of them ----

HERE = "tests/catalog/test_remedies.py"
ON_HOSTS = "tests/host/test_remedies.py"
BY_HOST = f"{ON_HOSTS}::test_what_opens_userfaultfd"

# Which test follows which remedies: a regular expression for them.
TESTS = {
    r"set the capabilities (with|without) .*": "tests/unit/test_context.py::test_each_undoes_its_rule",
    r"set [a-z-]+ to: .*": f"{HERE}::test_values",
    r"use the name .*|correct the name|leave \S+ out where query-migrate-capabilities does not list it": (
        f"{HERE}::test_names"
    ),
    r"leave \S+ out where query-migrate-parameters does not list it": f"{HERE}::test_names_of_parameters",
    r"switch mapped-ram off, set multifd-compression=none and tls-creds='', and switch it on again": (
        f"{HERE}::test_mapped_ram"
    ),
    r"switch multifd on with multifd-compression=zstd instead of compress": f"{HERE}::test_instead_of_compress",
    r"correct or leave out .*": f"{HERE}::test_arguments",
    r"update both ends to QEMU 10\.1 or later": f"{HERE}::test_releases",
    r"switch postcopy-ram on at both ends before migrate \(virsh: --postcopy\)": (
        "tests/migration/test_recorded.py::test_outcomes"
    ),
    r"let every process have it: .*|give QEMU's user access .*|give QEMU CAP_SYS_PTRACE.*": BY_HOST,
    r"allow the system call .*|This process hit a resource limit.*": BY_HOST,
    r"run pymig probe.*": "tests/host/test_faults.py::test_cause_evidence_and_remedy",
    r"(back the guest's memory|put the file of the guest's memory) .*": f"{ON_HOSTS}::test_another_file_system",
    r"make the memory's size a multiple of the page size": "tests/unit/test_host_values.py::test_an_odd_size",
}


@cache
def unmarked():
    """The remedies without the mark that explain() gives: of names, of every text, of wrong values."""
    found = [explained(message) for message in messages()]
    texts = (text for name in PARAMETERS for text in words_about(name))
    found += [one for text in (*NAMES, *PARAMETERS, *keys(), *texts, *VALUE_TEXTS) for one in explain(text)]
    return {remedy for one in found for remedy in one.remedies if not remedy.endswith(NOT_TRIED)}


VALUE_TEXTS = (
    "Parameter 'capability' does not accept value 'x-multifd'",
    "Parameter 'capability' does not accept value 'compress'",
    "Parameter 'capability' does not accept value 'multifdd'",
    "Parameter 'compress-level' is unexpected",
    "Mapped-ram only available for non-compressed non-TLS multifd migration",
    "migrate-set-capabilities: Parameter 'capabilities' is missing",
)
TABLES = {**OPTIONS, **COMMANDS}


def test_every_remedy_is_followed_or_marked():
    of_rows = {remedy for key in FIXES for one in explain(key) for remedy in one.remedies}
    rest = unmarked() - of_rows - set(TABLES)
    assert {one for one in rest if not any(re.fullmatch(each, one, re.DOTALL) for each in TESTS)} == set()


def test_no_row_is_dead():
    assert [remedy for remedy in TABLES if remedy not in unmarked()] == []
    assert [each for each in TESTS if not any(re.fullmatch(each, one, re.DOTALL) for one in unmarked())] == []


def test_the_tests_are_there():
    root = Path(__file__).parents[2]
    for test in TESTS.values():
        path, _, name = test.partition("::")
        assert f"def {name}" in (root / path).read_text(), test


def test_names():
    """With the right name, or without one that the release lacks, the command is accepted."""
    for said, name in (("x-multifd", "multifd"), ("multifdd", "multifd")):
        with pytest.raises(MigrationError, match="does not accept value"):
            qemu().set_capabilities([{"capability": said, "state": True}])
        qemu().set_capabilities([{"capability": name, "state": True}])
    with pytest.raises(MigrationError, match="does not accept value"):
        qemu().set_capabilities({"compress": True, "multifd": True})
    qemu().set_capabilities({"multifd": True})


def test_names_of_parameters():
    """Without the parameter that the release lacks, the command is accepted."""
    state = qemu()
    with pytest.raises(MigrationError, match="'compress-level' is unexpected"):
        state.set_parameters({"compress-level": 1, "max-bandwidth": 1})
    state.set_parameters({"max-bandwidth": 1})


def test_instead_of_compress():
    for release in ("8.2", "11.1"):
        with pytest.raises(MigrationError):
            qemu("multifd", "compress", release=release)
        qemu("multifd", release=release, multifd_compression="zstd").migrate(TCP)


def test_mapped_ram():
    """The stored values are what counts, so mapped-ram must be off while they are reset."""
    state = qemu("mapped-ram", tls_creds="tls0")
    with pytest.raises(MigrationError, match="non-TLS"):
        state.set_parameters({"max-bandwidth": 1})
    state.set_capability("mapped-ram", False)
    state.set_parameters({"multifd-compression": "none", "tls-creds": ""})
    state.set_capability("mapped-ram", True)
    state.set_parameters({"max-bandwidth": 1})


def test_arguments():
    with pytest.raises(MigrationError, match="is unexpected"):
        qemu().migrate(TCP, blk=True)
    qemu().migrate(TCP)


def test_releases():
    """The pair that 8.1 to 10.0 refuse."""
    answers = {release: Checker(release, Host()).check(["postcopy-ram", "multifd"]).ok for release in ("10.0", "10.1")}
    assert answers == {"10.0": False, "10.1": True}
