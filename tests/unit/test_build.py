# SPDX-License-Identifier: GPL-2.0-or-later

"""Builds of QEMU: point releases, options, targets, downstream builds, known faults."""

import pickle
import warnings

import pytest

import pymig
from pymig import Checker, Host, MigrationState, QemuBuild
from pymig._core import ffi
from pymig.request import _error

HOST = Host()


def set_parameters(build, **parameters):
    """The text with which the build refuses the parameters, "" if it accepts."""
    state = MigrationState(build, HOST)
    try:
        state.set_parameters({name.replace("_", "-"): value for name, value in parameters.items()})
    except pymig.ParameterError as error:
        return error.message
    return ""


class TestReleases:
    def test_newest(self):
        assert QemuBuild.newest() == QemuBuild(QemuBuild.releases()[-1])

    @pytest.mark.parametrize("release", ["11.2", "12.0.1", (99, 0), "11.1.50"])
    def test_one_that_is_newer_than_those_known(self, release):
        with pytest.raises(ValueError, match=r"newer than all known releases; the nearest is 11\.1"):
            QemuBuild(release)

    def test_a_series_is_its_newest_release_and_a_release_itself(self):
        assert QemuBuild("10.0").release == "10.0"
        assert QemuBuild("10.0.13").release == "10.0.13"
        assert QemuBuild("10.0") != QemuBuild("10.0.13")
        started = {"incoming": True, "incoming_started": True}
        for release, rule in (("10.0", "accepted"), ("10.0.13", "accepted"), ("10.0.0", "multifd/incoming-started")):
            checker = Checker(QemuBuild(release), HOST, **started)
            assert checker.check(["multifd", "events"], ["multifd"]).rule == rule

    def test_the_development_tree_is_no_release(self):
        tree, release = QemuBuild("10.2.50"), QemuBuild("11.0")
        assert set_parameters(tree, max_cpu_throttle=100).startswith("max_Option cpu_throttle expects")
        assert set_parameters(release, max_cpu_throttle=100).startswith("Option max-cpu-throttle expects")

    @pytest.mark.parametrize("choices", [{}, {"replication": False}, {"target": "aarch64", "machine": "virt-9.0"}])
    def test_pickle_and_repr(self, choices):
        build = QemuBuild("10.0.13", **choices)
        assert pickle.loads(pickle.dumps(build)) == build
        assert eval(repr(build)) == build


@pytest.mark.parametrize("name", ["live_block_migration", "replication", "linux", "zstd", "direct_io"])
@pytest.mark.parametrize("value", [1, None, "yes"])
def test_what_is_built_in_is_a_bool(name, value):
    with pytest.raises(TypeError, match=f"{name} must be a bool, not {type(value).__name__}"):
        QemuBuild(**{name: value})


class TestCompressions:
    def test_what_is_built_in(self):
        assert QemuBuild("11.1").compressions == ("none", "zlib", "zstd")
        assert QemuBuild("11.1", zstd=False).compressions == ("none", "zlib")
        build = QemuBuild("11.1", compressions=["uadk", "qatzip"])
        assert build.compressions == ("none", "zlib", "qatzip", "uadk")
        assert not build.zstd
        assert set_parameters(build, multifd_compression="uadk") == ""
        refusal = "Parameter 'multifd-compression' does not accept value 'qpl'"
        assert set_parameters(build, multifd_compression="qpl") == refusal
        assert MigrationState(build, HOST).multifd_compression == "none"

    def test_a_method_that_is_not_none_is_compression(self):
        build = QemuBuild("9.1", compressions=("qpl",))
        verdict = Checker(build, HOST, parameters={"multifd-compression": "qpl"}).check(["multifd", "zero-copy-send"])
        assert verdict.rule == "zero-copy-send/plain-multifd"

    @pytest.mark.parametrize(
        "release, compressions, keywords, text",
        [
            ("9.0", ["qpl"], {}, "compressions must be in none, zlib, zstd in QEMU 9.0.0, not 'qpl'"),
            ("9.1", ["qatzip"], {}, "not 'qatzip'"),
            ("9.1", ["zstd"], {"zstd": False}, "leave one of them out"),
        ],
    )
    def test_what_can_not_be(self, release, compressions, keywords, text):
        with pytest.raises(ValueError, match=text):
            QemuBuild(release, compressions=compressions, **keywords)

    @pytest.mark.parametrize("compressions", ["zstd", 3])
    def test_wrong_types(self, compressions):
        with pytest.raises(TypeError, match="compressions must be an iterable of names"):
            QemuBuild(compressions=compressions)


def test_without_o_direct():
    assert set_parameters(QemuBuild("9.1"), direct_io=True) == ""
    assert set_parameters(QemuBuild("9.1", direct_io=False), direct_io=True) == "No build-time support for direct-io"
    assert set_parameters(QemuBuild("9.1", direct_io=False), direct_io=False) == ""


@pytest.mark.parametrize("names", [("mapped-ram", "multifd"), ("multifd", "mapped-ram")])
def test_direct_io_counts_with_mapped_ram_and_multifd(names):
    state = MigrationState(QemuBuild("11.1"), HOST)
    state.set_parameters({"direct-io": True})
    seen = [state.direct_io]
    for name in names:
        state.set_capability(name, True)
        seen.append(state.direct_io)
    state.set_parameters({"direct-io": False})
    assert [*seen, state.direct_io] == [False, False, True, False]


# Each target's page without a machine.
PAGES = {
    1024: "aarch64 arm avr",
    4096: "hexagon hppa i386 loongarch64 m68k microblaze microblazeel mips mips64 mips64el mipsel nios2 ppc ppc64 "
    "riscv32 riscv64 rx s390x sh4 sh4eb sparc x86_64 xtensa xtensaeb",
    8192: "alpha cris or1k sparc64",
    16384: "tricore",
}


class TestTargets:
    # Seen with real binaries; -machine none where no machine is named.
    @pytest.mark.parametrize(
        "target, machine, size",
        [
            (None, None, 4096),
            ("x86_64", "pc-q35-7.2", 4096),
            ("aarch64", None, 1024),
            ("aarch64", "raspi3b", 1024),
            ("aarch64", "virt-2.6", 1024),
            ("aarch64", "virt-4.1", 4096),
            ("arm", "virt", 4096),
            ("alpha", None, 8192),
            ("tricore", None, 16384),
            ("s390x", "s390-ccw-virtio-8.0", 4096),
        ],
    )
    def test_the_least_cache_is_a_page(self, target, machine, size):
        build = QemuBuild("10.0.13", target=target, machine=machine)
        assert build.target_page_size == size
        assert set_parameters(build, xbzrle_cache_size=size) == ""
        assert "expects a power of two no less than" in set_parameters(build, xbzrle_cache_size=size // 2)

    def test_the_page_of_each_target(self):
        pages = {target: size for size, targets in PAGES.items() for target in targets.split()}
        for target, size in pages.items():
            assert QemuBuild("10.0", target=target).target_page_size == size, target
        with pytest.raises(ValueError, match="target must be one of") as caught:
            QemuBuild(target="?")
        assert set(str(caught.value).split("one of ")[1].split(", not")[0].split(", ")) == set(pages)

    @pytest.mark.parametrize("machine", ["sbsa-ref", "vmapple", "virt", "virt-2.7", "virt-10.0"])
    def test_arms_machines_with_larger_pages(self, machine):
        assert QemuBuild("10.0", target="aarch64", machine=machine).target_page_size == 4096
        assert QemuBuild("10.0", target="arm", machine=machine).target_page_size == (
            4096 if machine.startswith("virt") else 1024
        )

    @pytest.mark.parametrize("machine", ["virt-2.6", "virtual", "virt2", "xvirt", "sbsa-reference", ""])
    def test_other_machines_of_arm(self, machine):
        assert QemuBuild("10.0", target="aarch64", machine=machine).target_page_size == 1024

    @pytest.mark.parametrize(
        "release, size", [("7.2", 16384), ("8.2", 16384), ("9.0", 4096), ("10.0", 4096), ("11.1", 4096)]
    )
    def test_loongarch64s_page_became_smaller(self, release, size):
        assert QemuBuild(release, target="loongarch64").target_page_size == size

    def test_a_context_can_say_it(self):
        state = MigrationState(QemuBuild("10.0"), HOST, target_page_size=65536)
        state.set_parameters({"xbzrle-cache-size": 65536})
        with pytest.raises(pymig.ParameterError):
            state.set_parameters({"xbzrle-cache-size": 32768})
        Checker(QemuBuild("10.0", target="aarch64"), HOST, parameters={"xbzrle-cache-size": 1024})

    @pytest.mark.parametrize(
        "release, message",
        [
            ("7.2", "Postcopy is not supported"),
            ("11.1", "Postcopy is not supported: Target page size bigger than host page size"),
        ],
    )
    def test_pages_larger_than_the_hosts_come_first(self, release, message):
        """The postcopy probe's first step, before the host is probed."""
        tricore = QemuBuild(release, target="tricore")
        assert Checker(tricore, Host.local(), incoming=True).check(["postcopy-ram"]).message == message
        assert Checker(tricore, Host.local()).check(["postcopy-ram"]).ok
        state = MigrationState(tricore, Host.local(), incoming=True)
        with pytest.raises(pymig.CapabilityError) as caught:
            state.set_capability("postcopy-ram", True)
        assert caught.value.message == message

    def test_what_the_machines_version_decides(self):
        def defaults(machine, release="11.1"):
            state = MigrationState(QemuBuild(release, machine=machine), HOST)
            return (
                state.zero_page_detection,
                state.multifd_flush_after_each_section,
                state.send_switchover_start,
            )

        assert defaults("pc-q35-8.0") == ("legacy", True, False)
        assert defaults("pc-i440fx-8.2") == ("legacy", False, False)
        assert defaults("pc-q35-9.2+pve1") == ("multifd", False, False)
        assert defaults("virt-10.0") == ("multifd", False, True)
        for newest in (None, "none", "pc-q35", "pc-q35-noble"):
            assert defaults(newest) == ("multifd", False, True)

    def test_unknown(self):
        with pytest.raises(ValueError, match=r"target must be one of aarch64, .*, not 'vax'"):
            QemuBuild(target="vax")
        with pytest.raises(TypeError, match="machine must be a str"):
            QemuBuild(machine=3)


class TestDocuments:
    def test_a_plain_build(self):
        assert QemuBuild("8.0")._to_dict() == {
            "release": "8.0",
            "live_block_migration": True,
            "replication": True,
            "linux": True,
            "zstd": True,
            "compressions": ["none", "zlib", "zstd"],
            "direct_io": True,
            "target": None,
            "machine": None,
            "downstream": [],
            "differences": {
                "probe_release": "8.0.0",
                "capabilities_added": 0,
                "capabilities_removed": 0,
                "parameters_added": 0,
                "parameters_removed": 0,
            },
        }

    @pytest.mark.parametrize("name", ["capabilities_added", "parameters_removed"])
    def test_a_mask_has_64_bits(self, name):
        document = QemuBuild("rhel-9.3")._to_dict()
        document["differences"][name] |= 1 << 63
        assert QemuBuild._from_dict(document)._to_dict() == document
        for mask in (1 << 64, -1, 1.0, True):
            document["differences"][name] = mask
            with pytest.raises(ValueError, match="masks of 64 bits"):
                QemuBuild._from_dict(document)


class TestRhel:
    """RHEL 9.3's qemu-kvm 8.0.0: 8.0's rules, one capability and the host probe of 8.1, three features not built."""

    def test_answers(self):
        build = QemuBuild("rhel-9.3")
        unable = Host(postcopy=pymig.PostcopySupport(False, 2, 1))
        check = Checker(build, unable, incoming=True).check
        assert check(["postcopy-ram"]).message == (
            "Postcopy is not supported: Userfaultfd not available: Operation not permitted"
        )
        assert check(["switchover-ack"]).message == "Capability 'switchover-ack' requires capability 'return-path'"
        assert Checker(build, HOST).check(["postcopy-ram", "multifd"]).ok
        assert check(["block"]).rule == "block/not-built"
        assert check(["x-colo"]).rule == "x-colo/not-built"
        assert build.compressions == ("none", "zlib")
        assert "dirty-limit" not in build.capabilities

    def test_what_it_says_of_itself(self):
        build = QemuBuild("rhel-9.3")
        assert build.downstream == (
            "probes its host like 8.1.0",
            "has the capability switchover-ack, which 8.0.0 lacks",
        )
        assert eval(repr(build)) == pickle.loads(pickle.dumps(build)) == build
        with pytest.raises(ValueError, match="has fixed build options"):
            QemuBuild("rhel-9.3", replication=False)

    @pytest.mark.parametrize("release", ["rhel-9.3", "10.0"])
    def test_with_a_machine_type(self, release):
        build = QemuBuild(release, target="x86_64").of_machine("pc-q35-7.2")
        assert build == QemuBuild(release, target="x86_64", machine="pc-q35-7.2")
        assert build.of_machine("q35").of_machine("pc-q35-7.2") == build


FROM_8_2 = {"migrate/rdma-address", "migrate/exec-without-arguments"}
FROM_10_0 = FROM_8_2 | {"migrate/no-main-channel"}
FROM_10_2_50 = FROM_10_0 | {"migrate/cpr-transfer-uri"}

FAULTS = {
    "7.2.0": {"set-parameters/tls-authz-null", "savevm/multifd"},
    "7.2.7": {"savevm/multifd"},
    "8.1.1": {"set-parameters/tls-authz-null", "savevm/multifd"},
    "8.1.2": {"savevm/multifd"},
    "8.2": {"savevm/multifd"} | FROM_8_2,
    "10.1": {"savevm/multifd"} | FROM_10_0,
    "10.2": FROM_10_0,
    "10.2.50": {"set-parameters/zero-copy-send"} | FROM_10_2_50,
    "11.0.0": {"set-parameters/zero-copy-send"} | FROM_10_2_50,
    "11.0.3": FROM_10_2_50,
    "11.1": FROM_10_2_50,
}


class TestKnownFaults:
    @pytest.mark.parametrize("release", FAULTS)
    def test_of_a_release(self, release):
        faults = QemuBuild(release).known_faults
        assert {fault.fault for fault in faults} == FAULTS[release]
        for fault in faults:
            assert all((fault.command, fault.condition, fault.consequence, fault.releases, fault.reference))
            assert pickle.loads(pickle.dumps(fault)) is fault

    def test_a_request_that_kills_is_warned_of_before_anything_changes(self):
        state = MigrationState(QemuBuild("11.0.0"), HOST)
        state.set_capabilities({"multifd": True, "zero-copy-send": True})
        with pytest.warns(
            pymig.KnownFaultWarning, match=r"QEMU 11\.0\.0: migrate-set-parameters: zero-copy-send is on"
        ):
            state.set_parameters({})
        with pytest.raises(pymig.KnownFaultWarning):
            state.set_parameters({"multifd-channels": 8})
        assert state.multifd_channels == 2
        state.set_parameters({"multifd-channels": 8, "tls-creds": ""})
        assert state.multifd_channels == 8

    @pytest.mark.parametrize("release, warned", [("7.2.6", True), ("7.2.7", False), ("8.1.1", True), ("8.1.2", False)])
    def test_tls_authz_null(self, release, warned):
        state = MigrationState(QemuBuild(release), HOST)
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            state.set_parameters({"tls-authz": None})
        assert [warning.category for warning in given] == [pymig.KnownFaultWarning] * warned


class TestWarnings:
    OLD = "old compression is deprecated; use multifd compression methods instead"
    BLOCK = "block migration is deprecated; use blockdev-mirror with NBD instead"

    def given(self, release, parameters):
        state = MigrationState(QemuBuild(release), HOST)
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            state.set_parameters(parameters)
        return [(warning.category, str(warning.message)) for warning in given if "ignores" not in str(warning.message)]

    def test_in_the_order_of_the_struct(self):
        request = {"block-incremental": True, "decompress-threads": 3, "compress-level": 5}
        texts = [self.OLD, self.OLD, self.BLOCK]
        for release in ("8.2", "9.0"):
            assert self.given(release, request) == [(pymig.DeprecatedParameterWarning, text) for text in texts]
        for release in ("7.2", "8.0.50", "8.1"):
            assert self.given(release, request) == []

    def test_a_refused_request_warns_of_nothing(self):
        state = MigrationState(QemuBuild("8.2"), HOST)
        with pytest.raises(pymig.ParameterError):
            state.set_parameters({"compress-level": 10})

    def test_nothing_has_changed_when_a_warning_is_an_error(self):
        state = MigrationState(QemuBuild("8.2"), HOST)
        with pytest.raises(pymig.DeprecatedParameterWarning):
            state.set_parameters({"multifd-channels": 9, "compress-level": 5})
        assert state.multifd_channels == 2


class TestStatus:
    def test_failing_blocks_as_a_running_migration_does(self):
        state = MigrationState(QemuBuild("11.0"), HOST)
        state.status = "failing"
        with pytest.raises(pymig.MigrationActiveError):
            state.set_capability("multifd", True)
        state.status = "failed"
        state.set_capability("multifd", True)
        with pytest.raises(ValueError, match="status must be one of"):
            MigrationState(QemuBuild("10.2"), HOST).status = "failing"


class TestAccessorsOfTexts:
    def test_unset_texts_are_none_from_11_on(self):
        assert MigrationState(QemuBuild("10.2"), HOST).tls_creds == ""
        assert MigrationState(QemuBuild("11.0"), HOST).tls_creds is None

    def test_what_was_set(self):
        state = MigrationState(QemuBuild("11.1"), HOST)
        state.set_parameters({"tls-creds": "tls0", "tls-hostname": "é", "tls-authz": "a"})
        assert (state.tls_creds, state.tls_hostname, state.tls_authz) == ("tls0", "é", "a")

    def test_block_bitmap_mapping(self):
        state = MigrationState(QemuBuild("11.1"), HOST)
        assert state.block_bitmap_mapping is None
        assert not state.has_block_bitmap_mapping
        bitmap = {"name": "b", "alias": "", "transform": {"persistent": True}}
        mapping = [{"node-name": "disk0", "alias": "a", "bitmaps": [bitmap]}]
        state.set_parameters({"block-bitmap-mapping": mapping})
        assert state.has_block_bitmap_mapping
        assert state.block_bitmap_mapping == state.query_parameters()["block-bitmap-mapping"] == mapping
        state.set_parameters({"block-bitmap-mapping": []})
        assert state.block_bitmap_mapping == state.query_parameters()["block-bitmap-mapping"] == []

    def test_others(self):
        assert MigrationState(QemuBuild("10.1"), HOST, rdma=True).rdma
        state = MigrationState(QemuBuild("11.1"), HOST)
        assert state.can_snapshot
        state.set_capability("multifd", True)
        assert not state.can_snapshot


class TestRequests:
    def test_an_error_without_a_text_is_that_memory_is_short(self):
        assert isinstance(_error(ffi.new("MigrationError *"), {}), MemoryError)

    @pytest.mark.parametrize("depth", [3, 100, 100_000])
    def test_depth_is_no_danger(self, depth):
        value = []
        for _ in range(depth):
            value = [value]
        refusal = set_parameters(QemuBuild(), block_bitmap_mapping=value)
        assert refusal == "Invalid parameter type for 'block-bitmap-mapping[0]', expected: object"

    def test_what_holds_itself(self):
        value = {}
        value["node-name"] = value
        refusal = "Invalid parameter type for 'block-bitmap-mapping[0].node-name', expected: string"
        assert set_parameters(QemuBuild(), block_bitmap_mapping=[value]) == refusal

    def test_a_long_list_takes_no_time(self):
        nodes = [{"node-name": str(i), "alias": f"a{i}", "bitmaps": []} for i in range(20_000)]
        assert set_parameters(QemuBuild(), block_bitmap_mapping=nodes) == ""
        nodes.append({"node-name": "n", "alias": "a7", "bitmaps": []})
        assert "The node alias 'a7' is used twice" in set_parameters(QemuBuild(), block_bitmap_mapping=nodes)

    # Asked of 7.2.22: by themselves, and among parameters that it knows. With many, GLib's table grows.
    @pytest.mark.parametrize(
        "names, alone, among_others",
        [
            ("e0 f1 a2", "a2", "a2"),
            ("f0 é1 d2 g3 b4 d5 a6", "é1", "b4"),
            ("d0 g1 e2 c3 g4 c5 b6 c7 é8", "g1", "e2"),
            ("c0 c1 a2 a3 d4 d5 c6 c7 e8 f9 d10 d11", "e8", "e8"),
            ("c0 d1 g2 e3 a4 f5 g6 c7 c8 e9 b10 f11 e12 a13 f14 b15 e16 f17 e18 é19", "b10", "b10"),
        ],
    )
    def test_which_of_several_unknown_members_is_named(self, names, alone, among_others):
        unknown = dict.fromkeys(names.split(), 1)
        known = {"max-bandwidth": 6, "tls-creds": "", "downtime-limit": 7, "announce-step": 5}
        for request, named in (
            (unknown, alone),
            ({"multifd-channels": 3, "announce-max": 5, **unknown, **known}, among_others),
        ):
            assert set_parameters(QemuBuild("7.2.22"), **request) == f"Parameter '{named}' is unexpected"

    def test_which_member_of_a_capability_is_named(self):
        entry = {"capability": "multifd", "state": True, "a": 1, "b": 2}
        with pytest.raises(pymig.MigrationError, match=r"Parameter 'capabilities\[0\]\.b' is unexpected"):
            MigrationState(QemuBuild("7.2.22"), HOST).set_capabilities([entry])
