# SPDX-License-Identifier: GPL-2.0-or-later

"""What libvirt's own checks look at in a domain. tests.libvirt.live makes real libvirts say many of the texts."""

import pickle
from itertools import combinations

import pytest

from pymig import Context, Domain, Endpoint, LibvirtRefusal, Plan, preflight
from pymig.cli import main
from pymig.libvirt import requests

INVALID = "error: Requested operation is not valid: "
OLD = {"libvirt": "9.0", "source": "7.2", "destination": "7.2"}
NEW = {"libvirt": "11.3", "source": "10.0", "destination": "10.0"}

# In libvirt's order: a value, and what virsh shows.
FACTS = {
    "snapshots": (2, f"{INVALID}cannot migrate domain with 2 snapshots"),
    "blockers": (["one", "two {0}"], f"{INVALID}cannot migrate domain: one; two {{0}}"),
    "io_error": (True, f"{INVALID}cannot migrate domain with I/O error"),
    "auto_destroy": (True, f"{INVALID}domain is marked for auto destroy"),
    "block_job": (True, f"{INVALID}domain has active block job"),
    "invtsc": (True, f"{INVALID}domain has 'invtsc' CPU feature but TSC frequency is not specified"),
    "dimm": (True, f"{INVALID}domain's dimm info lacks slot ID or base address"),
    "shmem": (
        "m",
        f"{INVALID}shmem device 'm' cannot be migrated, only shmem with role='master' can be migrated",
    ),
    "slirp": (True, f"{INVALID}a slirp-helper cannot be migrated"),
    "virtiofs": (True, "error: Operation not supported: migration with this virtiofs device is not supported"),
    "transient_disk": (True, f"{INVALID}migration with transient disk is not supported"),
    "swtpm": (
        True,
        "error: this function is not supported by the connection driver: the running swtpm does not support migration "
        "with shared storage",
    ),
}
REMOTE = ("snapshots", "io_error", "auto_destroy")
"""What only matters on the way to another host."""


def shown(words, *names, **choices):
    """What virsh shows for a domain of these facts; "" if libvirt accepts."""
    domain = Domain(**{name: FACTS[name][0] for name in names})
    try:
        requests(words, **{**NEW, **choices}, domain=domain)
    except LibvirtRefusal as refusal:
        assert (refusal.stage, refusal.source, refusal.destination) == ("source", None, None)
        return refusal.shown
    return ""


@pytest.mark.parametrize("name", FACTS)
def test_a_fact(name):
    assert shown("--live --abort-on-error --unsafe", name) == FACTS[name][1]
    assert shown("--offline --persistent", name) == (FACTS[name][1] if name == "snapshots" else "")
    assert shown("--live", name) == ("" if name == "io_error" else FACTS[name][1])


@pytest.mark.parametrize("first, second", list(combinations(FACTS, 2)))
def test_the_first_of_two_is_said(first, second):
    assert shown("--live --abort-on-error", first, second) == FACTS[first][1]


@pytest.mark.parametrize("words", ["save g f", "managedsave g", "dump g f", "snapshot-create-as g s --memspec file=f"])
@pytest.mark.parametrize("name", FACTS)
def test_saving(words, name):
    assert shown(words, name) == ("" if name in REMOTE else FACTS[name][1])


@pytest.mark.parametrize(
    "words", ["restore f", "dump g f --memory-only", "snapshot-create-as g s", "migrate-getspeed g"]
)
def test_what_is_no_migration_does_not_ask(words):
    assert shown(words, *FACTS) == ""


def test_they_come_before_what_the_options_forbid_and_after_virsh():
    assert shown("--postcopy", "swtpm") == FACTS["swtpm"][1]
    with pytest.raises(LibvirtRefusal, match="mutually exclusive"):
        requests("--live --offline", **NEW, domain=Domain(snapshots=1))


def test_a_migration_is_resumed_whatever_the_domain_is():
    facts = {name: value for name, (value, _) in FACTS.items()}
    sent = requests("--live --postcopy --postcopy-resume", **NEW, domain=Domain(**facts, failed_postcopy=True))
    assert sent.destination.commands[-1].execute == "migrate-recover"


def test_older_versions():
    assert shown("--live", "virtiofs", **OLD) == f"{INVALID}migration with virtiofs device is not supported"


# ---- Disks ----

DISKS = {"vda": ["a", "b"], "vdb": [], "vdc": ["c"]}
COPY = "--live --copy-storage-all"


def mapping(words, disks, **choices):
    """What libvirt maps, as it says it to both ends; [] if it leaves the capability off."""
    sent = requests(words, **{**NEW, **choices}, domain=Domain(disks=disks))
    for end in (sent.source, sent.destination):
        assert end.capabilities["dirty-bitmaps"] is ("block-bitmap-mapping" in end.parameters)
    ours, theirs = (end.parameters.get("block-bitmap-mapping", []) for end in (sent.source, sent.destination))
    assert ours == theirs
    return ours


def entry(number, disk, *names):
    bitmaps = [{"name": name, "alias": f"libvirt-{disk}-{name}"} for name in names]
    return {"node-name": f"libvirt-{number}-format", "alias": disk, "bitmaps": bitmaps}


@pytest.mark.parametrize("choices", [NEW, OLD], ids=["11.3", "9.0"])
def test_bitmaps_of_copied_disks(choices):
    """As two disks were seen, of libvirt 9.0.0 and 11.3.0: the last disk has the first number, and is named first."""
    both = {"vda": ["b0"], "vdb": ["b1"]}
    assert mapping(COPY, both, **choices) == [entry(1, "vdb", "b1"), entry(2, "vda", "b0")]
    assert mapping(f"{COPY} --migrate-disks vdb", both, **choices) == [entry(1, "vdb", "b1")]
    assert mapping(f"{COPY} --migrate-disks vda", both, **choices) == [entry(2, "vda", "b0")]
    assert mapping("--live --copy-storage-inc", DISKS, **choices) == [entry(1, "vdc", "c"), entry(3, "vda", "a", "b")]


@pytest.mark.parametrize(
    "words, disks", [("--live", DISKS), (COPY, None), (COPY, {"vda": []}), (f"{COPY} --migrate-disks vdb", DISKS)]
)
def test_no_bitmaps(words, disks):
    assert mapping(words, disks) == []


def test_the_mapping_comes_last():
    sent = requests(f"{COPY} --parallel --parallel-connections 3", **NEW, domain=Domain(disks=DISKS))
    assert list(sent.source.parameters)[-1] == "block-bitmap-mapping"
    assert [name for name, on in sent.source.capabilities.items() if on] == [
        "pause-before-switchover",
        "multifd",
        "dirty-bitmaps",
        "return-path",
        "switchover-ack",
    ]


def test_qemu_accepts_the_mapping():
    end = Endpoint(Context("10.0"), capabilities=["events"])
    flight = preflight(end, end, Plan.from_virsh(COPY, **NEW, domain=Domain(disks=DISKS)))
    assert flight.outcome == "completes"
    assert not any(step.answer for step in flight.steps)


@pytest.mark.parametrize("chosen, refused", [("vda", True), ("vda,vdb,vdc", False)])
def test_a_disk_that_is_neither_shared_nor_copied(chosen, refused):
    domain = Domain(disks=DISKS, shared_storage=False)
    words = f"{COPY} --migrate-disks {chosen}"
    requests(f"{words} --unsafe", **NEW, domain=domain)
    requests(words, **NEW, domain=Domain(shared_storage=False))  # the disks are not known
    if refused:
        with pytest.raises(LibvirtRefusal, match="Migration without shared storage is unsafe"):
            requests(words, **NEW, domain=domain)
    else:
        requests(words, **NEW, domain=domain)


# ---- The value ----


def test_a_domain_is_a_value():
    domain = Domain(disks=DISKS, snapshots=1, blockers=["x"], shmem="m", block_job=True)
    assert domain == pickle.loads(pickle.dumps(domain)) == eval(repr(domain))
    assert hash(domain) == hash(pickle.loads(pickle.dumps(domain)))
    assert domain != Domain(disks=DISKS)
    assert repr(Domain()) == "Domain()"
    with pytest.raises(TypeError):
        domain.disks["vda"] = ()


@pytest.mark.parametrize(
    "facts, error, text",
    [
        ({"snapshots": True}, TypeError, "snapshots must be an int"),
        ({"snapshots": -1}, ValueError, "snapshots must be at least 0, not -1"),
        ({"blockers": "x"}, TypeError, "blockers must be a list of str"),
        ({"blockers": [1]}, TypeError, "what is in blockers must be a str"),
        ({"shmem": None}, TypeError, "shmem must be a str"),
        ({"disks": ["vda"]}, TypeError, "disks must be a mapping of targets"),
        ({"disks": {1: []}}, TypeError, "a target in disks must be a str"),
        ({"disks": {"vda": "b"}}, TypeError, r"disks\['vda'\] must be a list of str"),
        *[({name: 1}, TypeError, f"{name} must be a bool") for name in FACTS if FACTS[name][0] is True],
    ],
)
def test_wrong_facts(facts, error, text):
    with pytest.raises(error, match=f"^{text}"):
        Domain(**facts)


XML = """<domain type='kvm'><devices>
<disk type='file' device='disk'><source file='/a'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
<disk type='file' device='cdrom'><source file='/c'/><target dev='sdb' bus='sata'/><readonly/></disk>
<disk type='network' device='disk'><source protocol='rbd' name='x'/><target dev='vdb'/>{more}</disk>
</devices>{limit}</domain>"""


@pytest.mark.parametrize(
    "more, limit, expected",
    [
        ("", "", {}),
        ("<transient/>", "", {"transient_disk": True}),
        ("", "<memtune><hard_limit unit='KiB'>5</hard_limit></memtune>", {"hard_limit": True}),
        ("", "<memtune><soft_limit unit='KiB'>5</soft_limit></memtune>", {}),
    ],
)
def test_facts_of_an_xml(more, limit, expected):
    disks = {"vda": (), "vdb": ()}
    assert Domain.from_xml(XML.format(more=more, limit=limit), snapshots=2) == Domain(
        disks=disks, snapshots=2, **expected
    )


@pytest.mark.parametrize(
    "text, error, words",
    [
        ("<", ValueError, "text is not XML"),
        ("<network/>", ValueError, "text must be a domain's XML, not a network's"),
        (b"<domain/>", TypeError, "text must be a str"),
    ],
)
def test_no_xml_of_a_domain(text, error, words):
    with pytest.raises(error, match=f"^{words}"):
        Domain.from_xml(text)


# ---- The command line ----


def run(capsys, *words):
    status = main(["virsh", "migrate", "--live", "--abort-on-error", *words])
    return status, *capsys.readouterr()


@pytest.mark.parametrize("name", FACTS)
def test_facts_on_the_command_line(capsys, name):
    text = FACTS[name][1]
    given = {"snapshots": ["snapshots=2"], "blockers": ["blocker=one", "blocker=two {0}"], "shmem": ["shmem=m"]}
    status, out, _ = run(capsys, *[f"--fact={fact}" for fact in given.get(name, [name.replace("_", "-")])])
    assert (status, out.splitlines()[0]) == (1, text)


def test_disks_on_the_command_line(capsys):
    status, out, _ = run(capsys, "--copy-storage-all", "--fact", "disk=vda:a,b", "--fact=disk=vdb", "--json")
    answer = out[out.index("block-bitmap-mapping") :]
    assert status == 0
    assert all(name in answer for name in ("libvirt-2-format", "libvirt-vda-a", "libvirt-vda-b"))


def test_the_blockers_of_the_source_are_facts(capsys, tmp_path):
    end = Endpoint(Context("10.0"), blockers=["no", "never"])
    (tmp_path / "source.json").write_text(end.to_json())
    status, out, _ = run(capsys, "--source", str(tmp_path / "source.json"))
    assert (status, out.splitlines()[0]) == (1, f"{INVALID}cannot migrate domain: no; never")


@pytest.mark.parametrize("fact", ["nope", "snapshots", "snapshots=", "snapshots=x", "block-job=1", "disk", "shmem="])
def test_facts_that_are_none(capsys, fact):
    status, out, err = run(capsys, "--fact", fact)
    assert (status, out) == (2, "")
    assert f"--fact {fact}: write " in err
