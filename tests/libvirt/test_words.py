# SPDX-License-Identifier: GPL-2.0-or-later

"""What people type after virsh, and what virsh says to it. Virsh 9.0.0 and 11.3.0 were asked for the texts."""

import contextlib
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymig.libvirt import VERSIONS, Domain, Flags, LibvirtRefusal, requests
from pymig.libvirt.flags import BITS, FIELDS, OPTIONS

SAME = {"libvirt": "9.0", "source": "7.2", "destination": "7.2"}
NEW = {"libvirt": "11.3", "source": "10.0", "destination": "10.0"}


def refusal(options, **choices):
    with pytest.raises(LibvirtRefusal) as caught:
        requests(options, **{**SAME, **choices})
    return caught.value


SAID_BY_VIRSH = {
    "--comp-xx 1": "command 'migrate' doesn't support option --comp-xx",
    "--comp-zstd-level 3": "command 'migrate' doesn't support option --comp-zstd-level",
    "--live --live": "option --live already seen",
    "g --domain x": "option --domain already seen",
    "--timeout": "expected syntax: --timeout <number>",
    "--dname": "expected syntax: --dname <string>",
    "--live=3": "invalid '=' after option --live",
    "--timeout 99999999999": "Numeric value '99999999999' for <timeout> option is malformed or out of range",
    "--timeout -5 --live": "Numeric value '-5' for <timeout> option is malformed or out of range",
    "--timeout x": "Numeric value 'x' for <timeout> option is malformed or out of range",
    "--timeout-suspend --timeout x": "Numeric value 'x' for <timeout> option is malformed or out of range",
    "g d a b c d e": "Numeric value 'e' for <timeout> option is malformed or out of range",
    "g d a b c d 5 e f 7 g h i j k l m n o": "Option --persistent is required by option --persistent-xml",
    "--bandwidth -1": "Numeric value '-1' for <bandwidth> option is malformed or out of range",
    "--bandwidth '5 '": "Numeric value '5 ' for <bandwidth> option is malformed or out of range",
    "--bandwidth 18446744073709551616": "Numeric value '18446744073709551616' for <bandwidth> option is malformed or "
    "out of range",
    "--bandwidth abc --copy-storage-synchronous-writes": "Numeric value 'abc' for <bandwidth> option is malformed or "
    "out of range",
    "--parallel-connections=": "Numeric value '' for <parallel-connections> option is malformed or out of range",
    "--parallel-connections 0x10": "Numeric value '0x10' for <parallel-connections> option is malformed or out of "
    "range",
    "--auto-converge-initial a --bandwidth b --comp-mt-level c --disks-port d": "Numeric value 'd' for <disks-port> "
    "option is malformed or out of range",
    "--comp-methods ''": "Failed to get option 'comp-methods': Option argument is empty",
    "--live --timeout-suspend": "migrate: Unexpected --timeout-* option without --timeout",
    "--timeout 5": "migrate: Unexpected timeout for offline migration",
    "--postcopy-resume --timeout 3 --offline --live": "Options --live and --offline are mutually exclusive",
    "--tls-destination x --copy-storage-synchronous-writes": "Option --tls is required by option --tls-destination",
    "--copy-storage-synchronous-writes": "'--copy-storage-synchronous-writes' requires one of '--copy-storage-all', "
    "'copy-storage-inc'",
}


@pytest.mark.parametrize("words", SAID_BY_VIRSH)
def test_refused_by_virsh(words):
    refused = refusal(words)
    assert (refused.message, refused.shown) == (SAID_BY_VIRSH[words], f"error: {SAID_BY_VIRSH[words]}")
    assert (refused.stage, refused.source, refused.destination) == ("virsh", None, None)


EITHER = "requires one of '--copy-storage-all', '--copy-storage-inc'"
MALFORMED = "option is malformed or out of range"

SAID_BY_VIRSH_11 = {
    "--bandwidth abc --copy-storage-synchronous-writes": f"'--copy-storage-synchronous-writes' {EITHER}",
    "--migrate-disks vda --bandwidth abc": f"'--migrate-disks' {EITHER}",
    "--migrate-disks vda --copy-storage-synchronous-writes": f"'--copy-storage-synchronous-writes' {EITHER}",
    "--migrate-disks-detect-zeroes vda": f"'--migrate-disks-detect-zeroes' {EITHER}",
    "--copy-storage-all --copy-storage-inc --live --offline": "Options --live and --offline are mutually exclusive",
    "--tls-destination x --copy-storage-all --copy-storage-inc": "Options --copy-storage-all and "
    "--copy-storage-inc are mutually exclusive",
    "--timeout x --migrate-disks vda": f"Numeric value 'x' for <timeout> {MALFORMED}",
    "--comp-zlib-level x --auto-converge-initial a": f"Numeric value 'a' for <auto-converge-initial> {MALFORMED}",
    "--postcopy-bandwidth a --parallel-connections b --available-switchover-bandwidth c": "Numeric value 'a' for "
    f"<postcopy-bandwidth> {MALFORMED}",
    "--parallel-connections b --bandwidth c --tls --tls-destination ''": "Numeric value 'b' for <parallel-connections> "
    f"{MALFORMED}",
    "--persistent --persistent-xml ''": "Failed to get option 'persistent-xml': Option argument is empty",
}


@pytest.mark.parametrize("words", SAID_BY_VIRSH_11)
def test_refused_by_virsh_11(words):
    refused = refusal(words, **NEW)
    assert (refused.message, refused.stage) == (SAID_BY_VIRSH_11[words], "virsh")


@pytest.mark.parametrize(
    "words",
    [
        "g qemu+ssh://there/system --live --bandwidth 100",
        "migrate g qemu+ssh://there/system --live --bandwidth=100",
        "virsh -c qemu:///system migrate --live --bandwidth 100 g qemu+ssh://there/system",
        "virsh --connect=qemu:///system -k0 -q -K 3 migrate g --bandwidth +100 qemu+ssh://there/system --live",
        "/usr/bin/virsh -cqemu:///system migrate --domain g --live --bandwidth ' 100' -- qemu+ssh://there/system",
        "--live --bandwidth 100 --verbose --migrateuri tcp://there",
        ["--live", "--bandwidth", "100", "--desturi", "qemu+ssh://me@there:22/system"],
        ("migrate", "g", "qemu+ssh://there/system", "tcp://there:49152", "--live", "--bandwidth", "100"),
        Flags(1, {"bandwidth": 100, "migrate_uri": "tcp://there"}),
    ],
)
def test_the_same_migration(words):
    reference = requests("--live --bandwidth 100 --migrateuri tcp://there:49152", **SAME)
    assert requests(words, **SAME) == reference
    assert reference.source.parameters["max-bandwidth"] == 100 << 20


@pytest.mark.parametrize(
    "options, error, text",
    [
        ("'--live", ValueError, "options can't be split into words: No closing quotation"),
        (3, TypeError, "options must be virsh's words"),
        (["--live", 3], TypeError, "options must be virsh's words"),
        ("virsh", ValueError, "options: virsh is given no command"),
        ("virsh -c qemu:///system", ValueError, "options: virsh is given no command"),
        ("virsh list", ValueError, "options: virsh 'list' is not known here; known are migrate, save"),
        ("virsh --nope migrate", ValueError, "options: virsh has no option '--nope' before its command"),
    ],
)
def test_no_words(options, error, text):
    with pytest.raises(error, match="^" + text.replace("?", r"\?")):
        requests(options, **SAME)


@pytest.mark.parametrize(
    "choices, error, text",
    [
        ({"libvirt": "8.10"}, ValueError, "libvirt: libvirt 8.10 is not known; known are 9.0 to 12.8"),
        ({"libvirt": "12.9"}, ValueError, "libvirt: libvirt 12.9 is not known"),
        ({"libvirt": "11"}, ValueError, "libvirt: libvirt 11 is not known"),
        ({"libvirt": "11.3.x"}, ValueError, "libvirt: libvirt 11.3.x is not known"),
        ({"libvirt": "11.3.0.1"}, ValueError, "libvirt: libvirt 11.3.0.1 is not known"),
        ({"libvirt": 11.3}, TypeError, "libvirt must be a version of libvirt"),
        ({"destination_libvirt": "1.0"}, ValueError, "destination_libvirt: libvirt 1.0 is not known"),
        ({"source": "99.0"}, ValueError, "release 99.0 is newer"),
        ({"destination": 3}, TypeError, "destination must be a QemuBuild"),
        ({"domain": "g"}, TypeError, "domain must be a Domain, not str"),
    ],
)
def test_other_arguments(choices, error, text):
    with pytest.raises(error, match=f"^{text}"):
        requests("--live", **{**SAME, **choices})


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        (("1",), TypeError, "number must be an int of VIR_MIGRATE_"),
        ((True,), TypeError, "number must be an int of VIR_MIGRATE_"),
        ((1 << 21,), ValueError, "number has bits that are no VIR_MIGRATE_\\* flag: 0x200000"),
        ((-1,), ValueError, "number has bits"),
        ((1, ["bandwidth"]), TypeError, "parameters must be a mapping"),
        ((1, {"max-bandwidth": 1}), ValueError, "parameters has no typed parameter 'max-bandwidth'"),
        ((1, {"bandwidth": "1"}), TypeError, "parameters\\['bandwidth'\\] must be an int"),
        ((1, {"bandwidth": True}), TypeError, "parameters\\['bandwidth'\\] must be an int"),
        ((1, {"bandwidth": -1}), ValueError, "parameters\\['bandwidth'\\] must be from 0 to 18446744073709551615"),
        (
            (1, {"disks_port": 1 << 31}),
            ValueError,
            "parameters\\['disks_port'\\] must be from -2147483648 to 2147483647",
        ),
        ((1, {"migrate_uri": 1}), TypeError, "parameters\\['migrate_uri'\\] must be a str"),
        ((1, {"compression": [1]}), TypeError, "parameters\\['compression'\\] must be a str or a list of str"),
    ],
)
def test_flags_refuse(arguments, error, text):
    with pytest.raises(error, match=f"^{text}"):
        Flags(*arguments)


def test_flags():
    flags = Flags(1 | 1 << 17, {"compression": "zstd", "parallel.connections": 4})
    assert flags.names == ("VIR_MIGRATE_LIVE", "VIR_MIGRATE_PARALLEL")
    assert flags.methods == ("zstd",)
    assert flags == pickle.loads(pickle.dumps(flags)) == eval(repr(flags))
    assert hash(flags) == hash(eval(repr(flags)))
    assert flags != Flags(1)
    with pytest.raises(TypeError):
        flags.parameters["bandwidth"] = 1


def test_the_table_has_each_name_once():
    assert sorted(BITS.values()) == [1 << i for i in range(21)]
    assert len(FIELDS) == sum(bool(option.parameter) for option in OPTIONS) == 24
    assert len({option.word for option in OPTIONS}) == len(OPTIONS)


def test_answers_are_values():
    sent = requests("--live --tls", **NEW)
    assert pickle.loads(pickle.dumps(sent)) == sent
    assert hash(pickle.loads(pickle.dumps(sent))) == hash(sent)
    assert sent.to_dict()["source"]["capabilities"] == dict(sent.source.capabilities)
    refused = refusal("--live --auto-converge-initial 3")
    again = pickle.loads(pickle.dumps(refused))
    assert (again.shown, again.stage, again.destination) == (refused.shown, "source", refused.destination)
    assert again.destination.capabilities["return-path"] is True
    with pytest.raises(TypeError, match="hard_limit must be a bool"):
        Domain(hard_limit=1)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version(version):
    sent = requests("--live --postcopy", libvirt=version, source="10.0", destination="10.0")
    major = int(version.split(".")[0])
    assert ("switchover-ack" in sent.source.capabilities) is (major >= 10)
    assert sent.source.commands[-1].arguments["uri"] == ("tcp:destination:49152" if major >= 10 else "fd:migrate")
    assert sent == requests("--live --postcopy", libvirt=f"{version}.0", source="10.0", destination="10.0")


COPY = "--copy-storage-all"
STAGES = [
    ("--live --p2p --tunnelled --parallel", "client", "Flags 'VIR_MIGRATE_TUNNELLED' and 'VIR_MIGRATE_PARALLEL' are"),
    ("--live --p2p --desturi qemu+ssh://localhost/system", "client", "Attempt to migrate guest to the same host"),
    ("--persistent --offline --copy-storage-all", "source", "offline migration cannot handle non-shared storage"),
    ("--offline", "source", "offline migration must be specified with the persistent flag set"),
    ("--live --parallel-connections 3", "destination", "Turn parallel migration on to tune it"),
    ("--live --comp-xbzrle-cache 65536 --compressed", "destination", "Turn xbzrle compression on to tune it"),
    ("--live --comp-methods mt", "destination", "Migration option 'compress' is not supported by QEMU binary"),
    ("--live --tls --migrateuri unix:///x", "source", "Explicit destination hostname is required for TLS migration"),
    ("--live --migrateuri rdma://there", "destination", "cannot start RDMA migration with no memory hard limit set"),
]


@pytest.mark.parametrize("words, stage, text", STAGES)
def test_stages(words, stage, text):
    refused = refusal(words, **NEW)
    assert (refused.stage, refused.message[: len(text)]) == (stage, text)


# All were seen from libvirt 11.3.0, and all but the last from 9.0.0.
URIS = [
    ("--migrateuri 127.0.0.1", "invalid argument: missing scheme in migration URI: 127.0.0.1"),
    ("--migrateuri exec:foo", "argument unsupported: unsupported scheme exec in migration URI exec:foo"),
    ("--p2p --migrateuri foo://bar", "argument unsupported: unsupported scheme foo in migration URI foo://bar"),
    ("--migrateuri foo://bar --comp-methods lz4", "invalid argument: Unsupported compression method 'lz4'"),
    ("--migrateuri foo://bar --parallel-connections 3", "invalid argument: Turn parallel migration on to tune it"),
    ("--migrateuri tcp://", "invalid argument: missing host in migration URI: tcp://"),
    ("--migrateuri rdma://", "invalid argument: missing host in migration URI: rdma://"),
    ("--migrateuri rdma:127.0.0.1:5", "invalid argument: missing host in migration URI: rdma:127.0.0.1:5"),
    ("--migrateuri rdma://h --comp-methods lz4", "invalid argument: Unsupported compression method 'lz4'"),
    (
        "--migrateuri rdma://h --auto-converge-initial 3",
        "Requested operation is not valid: cannot start RDMA migration with no memory hard limit set",
    ),
    (f"{COPY} --disks-uri foo://bar", "invalid argument: Unsupported scheme in disks URI: foo"),
    (
        f"{COPY} --disks-uri foo://bar --parallel-connections 3",
        "invalid argument: Turn parallel migration on to tune it",
    ),
    (f"{COPY} --disks-port 65536", "invalid argument: nbd port must be in range 0-65535"),
    (f"{COPY} --disks-port -1", "invalid argument: nbd port must be in range 0-65535"),
    (
        f"{COPY} --disks-uri unix:///d.sock --tls",
        "Operation not supported: NBD migration with TLS is not supported over UNIX socket",
    ),
    (
        "--disks-port 5 --disks-uri tcp://h:6 --migrateuri foo://x",
        "invalid argument: Both port and URI requested for disk migration while being mutually exclusive",
    ),
    (f"{COPY} --disks-uri nonsense", "invalid argument: No URI scheme specified: nonsense"),
]


@pytest.mark.parametrize("words, text", URIS)
@pytest.mark.parametrize("choices", [NEW, SAME], ids=["11.3", "9.0"])
def test_uris_that_are_refused(words, text, choices):
    assert refusal(f"--live {words}", **choices).shown == f"error: {text}"


@pytest.mark.parametrize(
    "words", ["--disks-port 70000", "--disks-uri foo://bar", f"{COPY} --disks-port 65535", "--migrateuri tcp:there"]
)
def test_uris_that_are_not(words):
    requests(f"--live {words}", **NEW)


def test_disks_that_the_domain_lacks():
    domain = Domain(disks={"vda": ()})
    for words, disk in (
        ("--migrate-disks vdz,vda", "vdz"),
        ("--migrate-disks vda,vdy --migrateuri rdma://h", "vdy"),
        ("--migrate-disks vda --migrate-disks-detect-zeroes vdb --disks-port 5 --disks-uri tcp://h:6", "vdb"),
    ):
        refused = refusal(f"{COPY} {words}", **NEW, domain=domain)
        assert (refused.shown, refused.stage) == (f"error: invalid argument: disk target {disk} not found", "source")
        with contextlib.suppress(LibvirtRefusal):
            assert requests(f"{COPY} {words}", **NEW)
    requests(f"{COPY} --migrate-disks vda", **NEW, domain=domain)


def test_what_was_sent_before_the_disks_are_refused():
    new = refusal(f"{COPY} --disks-port -1", **NEW)
    assert (new.source, [one.execute for one in new.destination.commands][-1:]) == (None, ["migrate-set-capabilities"])
    assert not new.destination.capabilities
    old = refusal(f"{COPY} --disks-port -1", **SAME)
    assert (old.source, old.destination.commands[-1].execute) == (None, "migrate-set-parameters")
    assert old.destination.capabilities["late-block-activate"]
    late = refusal(f"{COPY} --disks-uri unix:///d.sock --tls", **NEW)
    assert late.source.capabilities["pause-before-switchover"]
    assert late.destination.commands[-1].execute == "migrate-incoming"


SPICE = {"protocol": "spice", "hostname": "bar", "port": 5, "tls-port": -1}


@pytest.mark.parametrize(
    "uri, expected",
    [
        ("spice://bar:5", SPICE),
        ("spice://bar:5?tlsPort=7&tlsSubject=x", {**SPICE, "tls-port": 7, "cert-subject": "x"}),
        ("spice://[::1]:5900", {**SPICE, "hostname": "::1", "port": 5900}),
        ("spice://bar", None),
        ("vnc://bar:5", None),
        ("nonsense", None),
    ],
)
@pytest.mark.parametrize("choices", [NEW, SAME], ids=["11.3", "9.0"])
def test_where_a_client_is_sent(uri, expected, choices):
    commands = requests(f"--graphicsuri {uri}", **choices).source.commands
    assert ("client_migrate_info" in [one.execute for one in commands]) is (expected is not None)
    if expected:
        assert (commands[0].execute, commands[0].arguments) == ("client_migrate_info", expected)


@pytest.mark.parametrize("port, expected", [("0", 49152), ("99999", 34463), ("65535", 65535), ("", 49152)])
def test_of_a_port_16_bits_count(port, expected):
    sent = requests(f"--live --parallel --migrateuri tcp://there:{port}", **NEW)
    assert sent.destination.commands[-1].arguments["uri"] == f"tcp:[::]:{expected}"
    assert sent.source.commands[-1].arguments["uri"] == f"tcp:there:{expected}"


def test_what_was_sent_before_a_refusal():
    """A source without zlib, a destination with it: the destination listens already."""
    refused = refusal("--live --parallel --comp-methods zlib", destination_libvirt="11.3", destination="11.1")
    assert refused.destination.parameters["multifd-compression"] == "zlib"
    assert refused.destination.commands[-1].execute == "migrate-incoming"
    assert refused.source is None
    started = refusal("--live --comp-methods mt", destination="9.1").destination
    assert [command.execute for command in started.commands] == [
        "query-migrate-capabilities",
        "migrate-set-capabilities",
    ]
    assert not started.capabilities
    late = refusal("--live --p2p --tunnelled --copy-storage-all")
    assert late.shown == "error: internal error: argument key 'host' must not have null value"
    assert (late.stage, late.source, late.destination.commands[-1].execute) == (
        "destination",
        None,
        "migrate-set-parameters",
    )
    newer = refusal("--live --p2p --tunnelled --copy-storage-all", destination_libvirt="11.3", destination="10.0")
    assert (newer.shown, newer.stage) == (late.shown, "destination")
    assert newer.destination.commands[-1].execute == "migrate-set-capabilities"  # events alone


@pytest.mark.parametrize(
    "field", ["bandwidth.avail.switchover", "migrate_disks_detect_zeroes", "compression.zlib.level"]
)
def test_an_older_libvirt_does_not_know_the_parameter(field):
    flags = Flags(1, {field: ["vda"] if "disks" in field else 3})
    text = f"error: argument unsupported: parameter '{field}' not supported"
    assert refusal(flags).shown == text
    assert refusal(flags).stage == "source"
    assert refusal(flags, libvirt="11.3", destination_libvirt="9.0").stage == "destination"


def test_offline_has_no_qemu():
    sent = requests("--offline --persistent", **NEW)
    assert sent.source == sent.destination
    assert not sent.source.commands


def test_resume():
    words = "g --live --postcopy --postcopy-resume --postcopy-bandwidth 7"
    assert refusal(words, **NEW).message == "domain 'g' is not being migrated"
    sent = requests(words, **NEW, domain=Domain(failed_postcopy=True))
    assert (dict(sent.source.capabilities), dict(sent.source.parameters)) == ({}, {"max-postcopy-bandwidth": 7 << 20})
    assert sent.source.commands[-1].arguments["resume"] is True
    assert sent.destination.commands[-1].execute == "migrate-recover"


@pytest.mark.parametrize(
    "mebibytes, expected",
    [
        (0, 9223372036853727232),
        (1, 1 << 20),
        ((1 << 44) - 1, (1 << 64) - (1 << 20)),
        (1 << 44, 0),
        ((1 << 44) + 1, 1 << 20),
    ],
)
def test_bandwidth_wraps_as_in_c(mebibytes, expected):
    assert requests(f"--live --bandwidth {mebibytes}", **NEW).source.parameters["max-bandwidth"] == expected


def test_listen_address_and_ipv6():
    sent = requests("--live --parallel --listen-address 192.0.2.1 --migrateuri tcp://[2001:db8::1]:5", **NEW)
    assert sent.destination.commands[-1].arguments["uri"] == "tcp:192.0.2.1:5"
    assert sent.source.commands[-1].arguments["uri"] == "tcp:[2001:db8::1]:5"
    assert requests("--live --tls g qemu+tls://me@there:99/system", **NEW).source.parameters["tls-hostname"] == "there"


WORDS = st.sampled_from([f"--{option.word}" for option in OPTIONS]) | st.text(max_size=8) | st.integers().map(str)


@given(st.text(max_size=60) | st.lists(WORDS, max_size=8), st.sampled_from(VERSIONS))
@settings(deadline=None)
def test_any_words_are_read_or_refused(words, version):
    with contextlib.suppress(LibvirtRefusal, ValueError):
        requests(words, libvirt=version, source="10.0", destination="10.0")


TYPED = st.dictionaries(
    st.sampled_from(sorted(FIELDS)),
    st.integers(-(1 << 70), 1 << 70) | st.text(max_size=5) | st.lists(st.text(max_size=5)),
)


@given(st.integers(-1, 1 << 22), TYPED, st.sampled_from(VERSIONS))
@settings(deadline=None)
def test_any_flags_are_read_or_refused(number, parameters, version):
    with contextlib.suppress(LibvirtRefusal, ValueError, TypeError):
        requests(Flags(number, parameters), libvirt=version, source="10.0", destination="10.0")
