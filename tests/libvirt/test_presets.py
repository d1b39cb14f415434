# SPDX-License-Identifier: GPL-2.0-or-later

"""What products set, at both ends, on each release; and real cases that this explains."""

import errno
import json
import pickle

import pytest

from pymig import Context, Endpoint, Host, LibvirtRefusal, Plan, PostcopySupport, QemuBuild, preflight
from pymig.cli import main

RELEASES = [release for release in QemuBuild.releases() if release.count(".") == 1]
HOST = Host(write_tracking="compatible", postcopy=True)


def flight_of(name, source, destination=None, host=HOST, **choices):
    builds = source, destination or source
    plan = Plan.from_preset(name, source=builds[0], destination=builds[1], **choices)
    return preflight(*(Endpoint(Context(build, host)) for build in builds), plan)


def refused_with(flight):
    return [(step.end, step.answer) for step in flight.steps if step.answer]


def number(release):
    return tuple(map(int, release.split(".")))


ZERO_BLOCKS = [("source", "Parameter 'capability' does not accept value 'zero-blocks'")]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", Plan.presets())
def test_each_preset_on_each_release(name, release):
    flight = flight_of(name, release)
    if name == "lxd" and number(release) >= (11, 0):
        assert refused_with(flight) == ZERO_BLOCKS
    else:
        assert (flight.outcome, flight.guests) == ("completes", ("destination",))


def on(settings):
    return {name for name, state in settings.capabilities.items() if state}


BASE = {"return-path", "pause-before-switchover", "late-block-activate", "switchover-ack"}


@pytest.mark.parametrize(
    "name, settings, both, at_source, parameters",
    [
        ("nova", {}, set(), set(), {}),
        ("nova", {"live_migration_permit_post_copy": True}, {"postcopy-ram", "postcopy-preempt"}, set(), {}),
        ("nova", {"live_migration_permit_post_copy": True, "paused": True}, set(), set(), {}),
        ("nova", {"live_migration_permit_auto_converge": "True"}, set(), {"auto-converge"}, {}),
        (
            "nova",
            {"live_migration_permit_auto_converge": True, "live_migration_permit_post_copy": True},
            {"postcopy-ram", "postcopy-preempt"},
            set(),
            {},
        ),
        ("nova", {"live_migration_parallel_connections": 4}, {"multifd"}, set(), {"multifd-channels": 4}),
        ("nova", {"live_migration_parallel_connections": 4, "version": "32.0.0"}, set(), set(), {}),
        ("nova", {"live_migration_parallel_connections": 1}, set(), set(), {}),
        ("nova", {"live_migration_bandwidth": 1}, set(), set(), {"max-bandwidth": 1 << 20}),
        ("kubevirt", {}, {"multifd"}, set(), {"multifd-channels": 8}),
        ("kubevirt", {"cpuLimit": True}, set(), set(), {}),
        ("kubevirt", {"dedicatedCpuPlacement": True}, set(), set(), {}),
        ("kubevirt", {"dedicatedCpuPlacement": True, "version": "1.8"}, {"multifd"}, set(), {"multifd-channels": 8}),
        (
            "kubevirt",
            {"allowPostCopy": True, "version": "v1.9.0"},
            {"multifd", "postcopy-ram", "postcopy-preempt"},
            set(),
            {"multifd-channels": 8},
        ),
        ("kubevirt", {"allowPostCopy": True, "version": "1.8"}, {"postcopy-ram", "postcopy-preempt"}, set(), {}),
        ("kubevirt", {"allowPostCopy": True, "vfio": True}, {"multifd"}, set(), {"multifd-channels": 8}),
        (
            "kubevirt",
            {"bandwidthPerMigration": "64Mi", "allowAutoConverge": True},
            {"multifd"},
            {"auto-converge"},
            {"multifd-channels": 8, "max-bandwidth": 64 << 20},
        ),
        (
            "kubevirt",
            {"compression": "zstd"},
            {"multifd"},
            set(),
            {"multifd-channels": 8, "multifd-compression": "zstd"},
        ),
        ("harvester", {}, {"multifd"}, set(), {"multifd-channels": 8}),
        ("ovirt", {}, set(), set(), {"max-bandwidth": 52 << 20}),
        (
            "ovirt",
            {"parallel": 4, "zerocopy": True, "autoConverge": True},
            {"multifd"},
            {"zero-copy-send", "auto-converge"},
            {"multifd-channels": 4, "max-bandwidth": 52 << 20},
        ),
        ("ovirt", {"compressed": True}, {"xbzrle"}, set(), {"max-bandwidth": 52 << 20}),
        (
            "ovirt",
            {"encrypted": True},
            set(),
            set(),
            {"max-bandwidth": 52 << 20, "tls-creds": "objlibvirt_migrate_tls0", "tls-hostname": "destination"},
        ),
        ("cloudstack", {"kvm_auto_convergence": True}, {"xbzrle"}, {"auto-converge"}, {}),
        (
            "opennebula",
            {"MIGRATE_AUTO_CONVERGE": "30,10", "MIGRATE_OPTIONS": "--unsafe --parallel"},
            {"multifd"},
            {"auto-converge"},
            {"cpu-throttle-initial": 30, "cpu-throttle-increment": 10},
        ),
        ("opennebula", {"MIGRATE_COMPRESSED": "YES"}, {"xbzrle"}, set(), {}),
    ],
)
def test_products_on_libvirt(name, settings, both, at_source, parameters):
    plan = Plan.from_preset(name, source="11.1", destination="11.1", **settings)
    assert on(plan.source) - BASE == both | at_source
    assert on(plan.destination) - BASE == both
    defaults = {"tls-creds": "", "tls-hostname": "", "max-bandwidth": 9223372036853727232}
    assert dict(plan.source.parameters) == defaults | parameters


def test_tunnelled_has_no_return_path():
    plan = Plan.from_preset("nova", live_migration_tunnelled=True)
    assert not {"return-path", "switchover-ack"} & (on(plan.source) | on(plan.destination))


def test_products_on_qmp():
    proxmox = Plan.from_preset("proxmox", source="10.0", destination="7.2", memory=4096, migrate_speed=100, bwlimit=50)
    assert on(proxmox.source) == on(proxmox.destination) == {"auto-converge", "xbzrle"}
    assert set(proxmox.source.capabilities) == set(QemuBuild("10.0").listed)
    assert dict(proxmox.source.parameters) == {
        "max-bandwidth": 50 << 10,
        "downtime-limit": 100,
        "xbzrle-cache-size": 512 << 20,
    }
    assert (proxmox.order, dict(proxmox.destination.parameters)) == ("incoming-first", {})
    bitmaps = Plan.from_preset("proxmox", pbs_dirty_bitmap_migration=True)
    assert "dirty-bitmaps" in on(bitmaps.source)
    incus = Plan.from_preset("incus")
    assert on(incus.source) == {"auto-converge", "pause-before-switchover", "events"}
    assert dict(incus.source.parameters) == {"cpu-throttle-initial": 50, "throttle-trigger-threshold": 20}
    assert (on(incus.destination), dict(incus.destination.parameters)) == (set(), {})
    assert on(Plan.from_preset("lxd", shared_storage=True).source) == {"auto-converge"}
    ganeti = Plan.from_preset("ganeti", migration_caps="postcopy-ram:events")
    assert on(ganeti.source) == on(ganeti.destination) == {"postcopy-ram", "events"}
    assert ganeti.source.parameters["max-postcopy-bandwidth"] == 32 << 20
    assert ganeti.postcopy


# ---- Real cases ----


@pytest.mark.parametrize("release", RELEASES)
def test_incus_3316(release):
    """The zero-blocks capability is gone in QEMU 11.0; Incus 7.1 no longer sets it."""
    expected = ZERO_BLOCKS if number(release) >= (11, 0) else []
    assert refused_with(flight_of("incus", release, version="7.0")) == expected
    assert refused_with(flight_of("incus", release, version="7.1")) == []


def test_ganeti_1711():
    expected = "Parameter 'capability' does not accept value 'x-rdma-pin-all'"
    assert refused_with(flight_of("ganeti", "8.0", migration_caps="x-rdma-pin-all"))[0][1] == expected
    assert refused_with(flight_of("ganeti", "8.0", migration_caps="rdma-pin-all")) == []


@pytest.mark.parametrize("release", RELEASES)
def test_kubevirt_17106(release):
    """Parallel migration with post copy needs QEMU 10.1 in every launcher; KubeVirt 1.8 does not ask for both."""
    expected = [("destination", "Postcopy is not yet compatible with multifd")]
    both = refused_with(flight_of("kubevirt", release, version="1.9", allowPostCopy=True))
    assert both == (expected if (8, 1) <= number(release) < (10, 1) else [])
    assert refused_with(flight_of("kubevirt", release, version="1.8", allowPostCopy=True)) == []


def test_kubevirt_17780():
    without = Host(postcopy=PostcopySupport(False, 2, errno.EPERM))
    expected = "Postcopy is not supported: Userfaultfd not available: Operation not permitted"
    assert refused_with(flight_of("kubevirt", "10.1", host=without, allowPostCopy=True)) == [("destination", expected)]


@pytest.mark.parametrize(
    "name, choices, text",
    [
        (
            "ovirt",
            {"parallel": 2, "compressed": True, "libvirt": "9.4"},
            "No compression algorithm selected for parallel migration",
        ),
        (
            "kubevirt",
            {"compression": "zstd", "cpuLimit": True},
            "Compression method 'zstd' is only supported with parallel migration",
        ),
        (
            "opennebula",
            {"local_storage": True, "MIGRATE_OPTIONS": "--postcopy"},
            "post-copy migration is not supported with non-live or paused migration",
        ),
        (
            "harvester",
            {"blockMigration": True, "destination_libvirt": "10.8"},
            "parameter 'migrate_disks_detect_zeroes' not supported",
        ),
    ],
)
def test_refused_by_libvirt(name, choices, text):
    with pytest.raises(LibvirtRefusal) as caught:
        Plan.from_preset(name, **choices)
    assert caught.value.message == text


def test_ovirt_compressed_and_parallel_before_9_4():
    plan = Plan.from_preset("ovirt", libvirt="9.3", parallel=2, compressed=True)
    assert {"xbzrle", "multifd"} <= on(plan.source)


def test_qemu_server_7044():
    expected = "Parameter 'downtime_limit' expects an integer in the range of 0 to (2000 * 1000) ms"
    assert refused_with(flight_of("proxmox", "8.0", migrate_downtime=3000))[0][1] == expected


NOVA = "Nova requires QEMU version 10.1.0 or greater to use live migration parallel connections with post-copy."
BOTH = {"live_migration_permit_post_copy": True, "live_migration_parallel_connections": 2}


@pytest.mark.parametrize(
    "choices, ends",
    [
        ({"source": "10.0", "destination": "10.0"}, ["source", "destination"]),
        ({"source": "10.1", "destination": "10.0.13"}, ["destination"]),
        ({"source": "10.1.0", "destination": "11.1"}, []),
        ({}, []),
        ({"source": "10.0", "version": "33.0.0"}, ["source"]),
        ({"source": "10.0", "version": "32.0.0"}, []),
        ({"source": "10.0", "live_migration_parallel_connections": 1}, []),
        ({"source": "10.0", "live_migration_permit_post_copy": "false"}, []),
        ({"source": "10.0", "paused": True}, ["source"]),
    ],
)
def test_nova_compares_versions_when_it_starts(choices, ends):
    assert Plan.presets()["nova"].refusals(**{**BOTH, **choices}) == dict.fromkeys(ends, NOVA)


def test_other_products_start():
    for name, preset in Plan.presets().items():
        assert preset.refusals(source="7.2", destination="7.2") == {}, name
    with pytest.raises(ValueError, match="lxd has no setting x"):
        Plan.presets()["lxd"].refusals(x=1)


# ---- The interface ----


@pytest.mark.parametrize(
    "name, choices, error, text",
    [
        ("openshift", {}, ValueError, "there is no preset openshift; there are nova, kubevirt, "),
        (3, {}, ValueError, "there is no preset 3"),
        ("nova", {"allowPostCopy": True}, ValueError, "nova has no setting allowPostCopy; it has live_migration_"),
        ("nova", {"paused": "maybe"}, TypeError, "paused must be true or false, not 'maybe'"),
        ("nova", {"paused": 1}, TypeError, "paused must be true or false, not 1"),
        ("ovirt", {"parallel": "x"}, ValueError, "parallel must be a number, not x"),
        ("ovirt", {"parallel": -1}, ValueError, "parallel must be a number from 0 to"),
        ("ovirt", {"parallel": True}, TypeError, "parallel must be an int, not True"),
        ("proxmox", {"migrate_downtime": "x"}, ValueError, "migrate_downtime must be a number, not x"),
        ("kubevirt", {"bandwidthPerMigration": "fast"}, ValueError, "bandwidthPerMigration must be a quantity"),
        ("kubevirt", {"compression": 3}, TypeError, "compression must be a str, not 3"),
        ("kubevirt", {"version": "new"}, ValueError, "version must be numbers with dots, such as 1.9, not 'new'"),
        ("kubevirt", {"version": 1.9}, ValueError, "version must be numbers with dots"),
        ("kubevirt", {"libvirt": "1.0"}, ValueError, "libvirt: libvirt 1.0 is not known"),
        ("lxd", {"source": "99.0"}, ValueError, "release 99.0 is newer"),
    ],
)
def test_wrong_arguments(name, choices, error, text):
    with pytest.raises(error) as caught:
        Plan.from_preset(name, **choices)
    assert str(caught.value).startswith(text)


def test_presets_are_values():
    presets = Plan.presets()
    assert list(presets) == [
        "nova",
        "kubevirt",
        "harvester",
        "ovirt",
        "cloudstack",
        "opennebula",
        "proxmox",
        "incus",
        "lxd",
        "ganeti",
    ]
    for name, preset in presets.items():
        assert pickle.loads(pickle.dumps(preset)) == preset
        assert preset.settings.keys() == preset.meanings.keys() == preset.sources.keys()
        assert (preset.name, hash(preset)) == (name, hash(name))
        assert all(file and date for file, date in preset.sources.values())
    with pytest.raises(TypeError):
        presets["mine"] = presets["nova"]


# ---- The command line ----


def run(capsys, *words):
    status = main([*words])
    return status, *capsys.readouterr()


ENDS = ("--source", "10.0", "--destination", "10.1")


def test_what_nova_refuses_itself(capsys):
    settings = ",".join(f"{name}={value}" for name, value in BOTH.items())
    words = ["preflight", "--preset", f"nova:{settings}", "--destination", "10.1", "--libvirt", "11.4"]
    status, out, _ = run(capsys, *words, "--source", "10.0")
    assert (status, "error    nova/parallel-postcopy (set)" in out, NOVA in out) == (1, True, True)
    status, out, _ = run(capsys, *words, "--source", "10.0", "--json")
    assert (status, [one["message"] for one in json.loads(out)["product"]]) == (1, [NOVA])
    status, out, _ = run(capsys, *words, "--source", "10.1", "--json")
    assert (status, "product" in json.loads(out)) == (0, False)
    status, out, _ = run(capsys, "explain", "nova/parallel-postcopy")
    assert status == 0


def test_what_its_libvirt_is_known_to_do_wrong(capsys):
    words = ["preflight", "--source", "10.1", "--destination", "10.1", "--json", "--preset"]
    kubevirt = [*words, "kubevirt@1.9:allowPostCopy=true", "--libvirt"]
    status, out, _ = run(capsys, *kubevirt, "11.3")
    assert (status, [one["rule"] for one in json.loads(out)["product"]]) == (0, ["libvirt/postcopy-resume-crash"])
    status, out, _ = run(capsys, *kubevirt, "11.4")
    assert (status, "product" in json.loads(out)) == (0, False)
    nova = "nova:live_migration_with_native_tls=true,block_migration=true,live_migration_parallel_connections=2"
    status, out, _ = run(capsys, *words, nova, "--libvirt", "10.2")
    rules = [one["rule"] for one in json.loads(out)["product"]]
    assert (status, rules) == (1, ["libvirt/copy-tls-hostname", "libvirt/tls-crash"])
    status, out, _ = run(capsys, *words, "proxmox")
    assert (status, "product" in json.loads(out)) == (0, False)


def test_preflight_with_a_preset(capsys):
    status, out, _ = run(capsys, "preflight", "--preset", "kubevirt@1.9:allowPostCopy=true,parallel=3", *ENDS)
    assert status == 1
    assert "refused: Postcopy is not yet compatible with multifd" in out
    status, out, _ = run(capsys, "preflight", "--preset", "opennebula:MIGRATE_AUTO_CONVERGE=30,10", *ENDS)
    assert (status, "cpu-throttle-initial=30 cpu-throttle-increment=10" in out) == (0, True)
    status, out, _ = run(capsys, "preflight", "--preset", "ovirt:parallel=2,compressed=yes", *ENDS)
    assert (status, out.splitlines()[0]) == (
        1,
        "error: invalid argument: No compression algorithm selected for parallel migration",
    )
    older = ("preflight", "--preset", "ovirt:parallel=2,compressed=yes", "--libvirt", "9.3", "--json", *ENDS)
    assert json.loads(run(capsys, *older)[1])["steps"][0]["end"] == "destination"


@pytest.mark.parametrize(
    "words, text",
    [
        (["--preset", "x"], "--preset: there is no preset x"),
        (["--preset", "nova:paused"], "--preset: write SETTING=VALUE, not paused"),
        (["--preset", "nova:name=x"], "--preset: name is no setting"),
        (["--preset", "nova", "multifd"], "NAME can't be given with --preset"),
        (["--preset", "nova", "--incoming-uri", "tcp:x:1"], "--incoming-uri can't be given with --preset"),
        (["--preset", "nova", "--order", "source-first"], "--order can't be given with --preset"),
        (["--libvirt", "9.0"], "--libvirt needs --preset"),
    ],
)
def test_wrong_usage(capsys, words, text):
    status, out, err = run(capsys, "preflight", *words, *ENDS)
    assert (status, out) == (2, "")
    assert text in err


def test_list_of_presets(capsys):
    status, out, _ = run(capsys, "list", "--presets")
    assert status == 0
    assert "  allowPostCopy            off  post copy" in out
    answer = json.loads(run(capsys, "list", "--presets", "--json")[1])
    assert answer["ovirt"]["migration_max_bandwidth"]["default"] == 52
    assert answer.keys() == Plan.presets().keys()
    assert run(capsys, "list", "--presets", "--qemu", "10.0")[0] == 2
