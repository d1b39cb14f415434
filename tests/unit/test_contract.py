# SPDX-License-Identifier: GPL-2.0-or-later

"""The documented interface exists, with its signatures and types."""

import ast
import inspect
import pickle
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

import pymig
from pymig import reference
from pymig._core import ffi, lib
from pymig.state import ACCESSORS

HOST = pymig.Host()

MEMORY = "Memory('anonymous')"
CIRCUMSTANCES = "incoming_started=False, kvm_dirty_ring=False, rdma=False, single_channel=False, target_page_size=None"

CHECK = f"new, old=(), *, build=QemuBuild('8.0.50'), host=None, incoming=False, parameters=None, {CIRCUMSTANCES}"

# Every documented callable, with its parameters as they are written: "*" begins the keyword-only ones.
SIGNATURES = {
    "CapabilitySet": "names=()",
    "CapabilitySet.from_mask": "mask",
    "QemuBuild": "release='8.0.50', *, live_block_migration=True, replication=True, linux=True, zstd=True, "
    "compressions=None, direct_io=True, target=None, machine=None",
    "QemuBuild.releases": "",
    "Memory": "kind='anonymous', *, path=None, share=False, size=None, page_size=None, readonly=False",
    "Host": "write_tracking='compatible', postcopy=True, *, write_tracking_ignore_shared=None",
    "Host.local": f"memory=({MEMORY},), *, target_page_size=None",
    "Host.from_json": "text",
    "Host.to_json": "self",
    "Host.refresh": "self",
    "Checker": f"build=QemuBuild('8.0.50'), host=None, *, incoming=False, parameters=None, {CIRCUMSTANCES}",
    "Checker.check": "self, new, old=()",
    "Checker.check_many": "self, masks, old=0, out=None",
    "Checker.explain": "self, new, old=()",
    "Checker.suggest": "self, new, old=(), limit=8",
    "Context": f"build=QemuBuild('8.0.50'), host=None, *, incoming=False, parameters=None, {CIRCUMSTANCES}",
    "Context.replace": "self, changes",
    "Context.to_json": "self",
    "Context.from_json": "text",
    "Change": "on=(), off=(), parameters=None",
    "Change.apply": "self, names",
    "Verdict.to_dict": "self",
    "Memory.parse": "text",
    "QemuBuild.newest": "",
    "check": CHECK,
    "validate": CHECK,
    "MigrationState": f"build=QemuBuild('8.0.50'), host=None, *, incoming=False, parameters=None, {CIRCUMSTANCES}",
    "MigrationState.set_capability": "self, name, value",
    "MigrationState.set_capabilities": "self, changes",
    "MigrationState.query_capabilities": "self",
    "MigrationState.set_parameters": "self, parameters",
    "MigrationState.query_parameters": "self",
    "probe": f"memory=({MEMORY},), *, target_page_size=None, pid=None, user=None, ptrace=True",
    "HostReport.to_json": "self",
}

VERDICT = pymig.check(["multifd", "compress"], host=HOST)
REPORT = pymig.probe()
STATE = pymig.MigrationState(host=HOST)

FLAGS = (
    "auto_converge background_snapshot block colo compress dirty_bitmaps events ignore_shared late_block_activate "
    "multifd pause_before_switchover postcopy_blocktime postcopy_preempt postcopy_ram rdma_pin_all release_ram "
    "return_path validate_uuid xbzrle zero_blocks zero_copy_send block_incremental use_tls"
).split()
NUMBERS = (
    "checkpoint_delay compress_level compress_threads compress_wait_thread decompress_threads max_cpu_throttle "
    "max_postcopy_bandwidth multifd_channels multifd_zlib_level multifd_zstd_level throttle_trigger_threshold "
    "xbzrle_cache_size"
).split()

# Every documented attribute, with its type.
ATTRIBUTES = [
    (pymig.CapabilitySet(), {"mask": int}),
    (
        pymig.QemuBuild(),
        {"release": str, "live_block_migration": bool, "replication": bool, "linux": bool, "zstd": bool},
    ),
    (
        VERDICT,
        {
            "ok": bool,
            "code": int,
            "rule": str,
            "message": str,
            "hint": (str, type(None)),
            "warnings": tuple,
            "capabilities": pymig.CapabilitySet,
        },
    ),
    (pymig.Memory(), {"kind": str, "share": bool, "readonly": bool}),
    (HOST, {"write_tracking": str, "write_tracking_ignore_shared": str, "postcopy": pymig.PostcopySupport}),
    (
        pymig.Host.local(),
        {"write_tracking": str, "write_tracking_ignore_shared": str, "postcopy": pymig.PostcopySupport},
    ),
    (REPORT.postcopy, {"ok": bool, "step": int, "errno": int, "message": str}),
    (
        REPORT,
        {
            "userfaultfd": (str, type(None)),
            "errno": int,
            "device_errno": int,
            "api_errno": (int, type(None)),
            "features": tuple,
            "feature_bits": int,
            "ioctls": tuple,
            "ioctl_bits": int,
            "write_tracking": str,
            "write_tracking_ignore_shared": str,
            "postcopy": pymig.PostcopySupport,
            "memory": tuple,
            "page_size": int,
            "host": pymig.Host,
        },
    ),
    (pymig.Checker(host=HOST), {"verdicts": Mapping, "build": pymig.QemuBuild, "host": pymig.Host}),
    (
        STATE,
        {
            **dict.fromkeys(FLAGS, bool),
            **dict.fromkeys(NUMBERS, int),
            "multifd_compression": str,
            "announce_params": tuple,
            "capabilities": pymig.CapabilitySet,
            "status": str,
        },
    ),
]


def find(path):
    found = pymig
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("path", SIGNATURES)
def test_signatures(path):
    parameters = inspect.signature(find(path)).parameters.values()
    shown, keyword_only = [], False
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            shown.append("*")
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        shown.append(parameter.name + default)
    assert ", ".join(shown) == SIGNATURES[path]


@pytest.mark.parametrize(
    "owner, name, kind",
    [(owner, name, kind) for owner, names in ATTRIBUTES for name, kind in names.items()],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__ * (not isinstance(value, type)),
)
def test_attributes(owner, name, kind):
    assert isinstance(getattr(owner, name), kind)
    assert not (kind is int and isinstance(getattr(owner, name), bool))
    if name != "status":
        with pytest.raises((AttributeError, TypeError)):
            setattr(owner, name, getattr(owner, name))


def test_type_checkers_see_what_is_imported_at_run_time():
    tree = ast.parse(Path(pymig.__file__).read_text())
    seen = {
        alias.asname: f"pymig.{alias.name}" if statement.module == "pymig" else statement.module
        for statement in ast.walk(tree)
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert seen == {name: f"pymig.{module}" for name, module in pymig._MODULE_OF.items()}


def test_everything_exported_is_there_and_told():
    assert dir(pymig) == sorted(pymig.__all__)
    for name in pymig.__all__:
        assert name == "__version__" or inspect.getdoc(getattr(pymig, name)), name
    for owner in (
        pymig.CapabilitySet,
        pymig.QemuBuild,
        pymig.Checker,
        pymig.MigrationState,
        pymig.Host,
        pymig.HostReport,
    ):
        for name, member in vars(owner).items():
            if not name.startswith("_") and (callable(member) or isinstance(member, property)):
                assert inspect.getdoc(member), f"{owner.__name__}.{name}"


@pytest.mark.parametrize("name", ACCESSORS)
def test_an_accessor_tells_which_of_qemus_it_is(name):
    assert f"(migrate_{name})" in inspect.getdoc(getattr(pymig.MigrationState, name))


def test_the_tree_of_errors():
    assert issubclass(pymig.MigrationError, Exception)
    for error in (
        pymig.CapabilityError,
        pymig.ParameterError,
        pymig.MigrationActiveError,
        pymig.UnknownCapabilityError,
    ):
        assert issubclass(error, pymig.MigrationError)


# The accessors added by each release, from QEMU's migration/options.h: functions without arguments that return a value,
# and migrate_can_snapshot(), whose argument only receives the text.
ADDED = {
    "8.1": "dirty_limit switchover_ack multifd_flush_after_each_section tls block_bitmap_mapping "
    "has_block_bitmap_mapping cpu_throttle_increment cpu_throttle_initial cpu_throttle_tailslow downtime_limit "
    "max_bandwidth tls_authz tls_creds tls_hostname",
    "8.2": "rdma avail_switchover_bandwidth mode",
    "9.0": "mapped_ram zero_page_detection vcpu_dirty_limit_period",
    "9.1": "direct_io",
    "9.2": "multifd_qatzip_level",
    "10.0": "send_switchover_start",
    "10.2": "can_snapshot",
}
REMOVED = {
    "8.1": "use_tls",
    "9.1": "block compress block_incremental compress_level compress_threads compress_wait_thread decompress_threads",
    "9.2": "zero_blocks",
}
NEWER = ["postcopy", *" ".join(ADDED.values()).split()]

# How many functions options.h declares, and which of them are no accessors: they take arguments, or give nothing.
DECLARED = {"8.1": 56, "8.2": 59, "9.0": 62, "9.1": 54, "9.2": 53, "10.0": 54, "10.1": 55, "10.2": 56, "11.0": 57}
NO_ACCESSORS = {
    "8.1": "caps_check cap_set set_block_incremental params_check params_init block_cleanup_parameters",
    "9.1": "caps_check cap_set params_check params_init",
    "9.2": "caps_check params_check params_init",
    "10.1": "caps_check params_check params_init rdma_caps_check",
    "11.0": "caps_check params_check params_init rdma_caps_check tls_opts_free",
}


def test_every_accessor_of_c_has_its_property():
    """The C library's accessors are those functions that take just a state and are named migrate_*."""
    not_accessors = {
        "change_capabilities",
        "cap_set",
        "set_status",
        "try_parameters",
        "parameters_faults",
        "try",
        "try_incoming",
    }
    accessors = {name.removeprefix("migrate_") for name in dir(lib) if name.startswith("migrate_")}
    accessors = {name for name in accessors - not_accessors if not name.startswith("caps_")}
    assert accessors == {*FLAGS, *NUMBERS, "multifd_compression", "announce_params", *NEWER}
    assert len(accessors) == 21 + 14 + 1 + 1 + len(NEWER)


def test_accessors_come_and_go():
    present = {*FLAGS, *NUMBERS, "multifd_compression", "announce_params", "postcopy"}
    for release in pymig.QemuBuild.releases():
        present |= set(ADDED.get(release, "").split())
        present -= set(REMOVED.get(release, "").split())
        state = pymig.MigrationState(pymig.QemuBuild(release), HOST)
        assert isinstance(state, pymig.MigrationState)
        for name in {*FLAGS, *NUMBERS, *NEWER, "multifd_compression", "announce_params"}:
            if name in present:
                getattr(state, name)
            else:
                with pytest.raises(AttributeError, match=f"QEMU {release} has no migrate_{name}"):
                    getattr(state, name)


def test_there_are_as_many_accessors_as_options_h_declares():
    """For each release from 8.1 on. migrate_announce_params() is counted, although another header declares it."""
    no_accessors = ""
    for release in pymig.QemuBuild.releases():
        no_accessors = NO_ACCESSORS.get(release, no_accessors)
        build = pymig.QemuBuild(release)
        names = [name for name in ACCESSORS if lib.migration_accessor_known(build._c, name.encode())]
        if release in DECLARED:
            assert len(names) - 1 + len(no_accessors.split()) == DECLARED[release], release


CAPABILITY_OF = {"colo": "x-colo", "ignore_shared": "x-ignore-shared"}
OF_A_CAPABILITY = [*FLAGS[:21], "dirty_limit", "switchover_ack", "mapped_ram"]


@pytest.mark.parametrize("name", OF_A_CAPABILITY)
def test_an_accessor_goes_with_its_capability(name):
    """A downstream build that removes or adds a capability removes or adds that one accessor."""
    bit = pymig.CapabilitySet([CAPABILITY_OF.get(name, name.replace("_", "-"))]).mask

    def known(release, **differences):
        build = ffi.new("QemuBuild *", pymig.QemuBuild(release)._c[0])
        for field, mask in differences.items():
            setattr(build, field, mask)
        return {accessor for accessor in ACCESSORS if lib.migration_accessor_known(build, accessor.encode())}

    for release in ("7.2", "9.0", "11.1"):
        plain = known(release)
        assert known(release, capabilities_removed=bit) == plain - {name}
        assert known(release, capabilities_added=bit) == plain | {name}


def test_what_is_no_accessor():
    for release in pymig.QemuBuild.releases():
        assert not lib.migration_accessor_known(pymig.QemuBuild(release)._c, b"nonsense")


def test_newer_accessors():
    state = pymig.MigrationState(pymig.QemuBuild("11.1"), HOST, kvm_dirty_ring=True)
    state.set_capabilities({"dirty-limit": True, "switchover-ack": True, "return-path": True, "dirty-bitmaps": True})
    assert (state.dirty_limit, state.switchover_ack, state.mapped_ram, state.postcopy) == (True, True, False, True)
    values = {
        "cpu-throttle-increment": ("cpu_throttle_increment", 11),
        "cpu-throttle-initial": ("cpu_throttle_initial", 21),
        "cpu-throttle-tailslow": ("cpu_throttle_tailslow", True),
        "downtime-limit": ("downtime_limit", 301),
        "max-bandwidth": ("max_bandwidth", 2**64 - 1),
        "max-postcopy-bandwidth": ("max_postcopy_bandwidth", 2**64 - 1),
        "avail-switchover-bandwidth": ("avail_switchover_bandwidth", 2**64 - 2),
        "mode": ("mode", "cpr-exec"),
        "zero-page-detection": ("zero_page_detection", "legacy"),
        "x-vcpu-dirty-limit-period": ("vcpu_dirty_limit_period", 999),
        "multifd-qatzip-level": ("multifd_qatzip_level", 9),
        "multifd-zlib-level": ("multifd_zlib_level", 9),
    }
    state.set_parameters({name: value for name, (_, value) in values.items()})
    for name, (accessor, value) in values.items():
        assert getattr(state, accessor) == state.query_parameters()[name] == value
    state.set_parameters({"cpr-exec-command": ["qemu", "", "-x é"]})
    assert state.query_parameters()["cpr-exec-command"] == ["qemu", "", "-x é"]
    for wrong, text in (([1], "cpr-exec-command[0]', expected: string"), ("x", "cpr-exec-command', expected: array")):
        with pytest.raises(pymig.ParameterError) as caught:
            state.set_parameters({"cpr-exec-command": wrong})
        assert text in caught.value.message
    state.set_parameters({"cpr-exec-command": []})
    assert state.query_parameters()["cpr-exec-command"] == []


def test_each_flag_follows_its_capability():
    for flag in FLAGS[:21]:
        state = pymig.MigrationState(host=HOST)
        # some need another capability
        extra = {"zero_copy_send": {"multifd": True}, "postcopy_preempt": {"postcopy-ram": True}}.get(flag, {})
        name = CAPABILITY_OF.get(flag, flag.replace("_", "-"))
        state.set_capabilities({name: True, **extra})
        assert getattr(state, flag) is True
        on = {flag, *(key.replace("-", "_") for key in extra)}
        assert {other for other in FLAGS[:21] if getattr(state, other)} == on
        state.set_capability(name, False)
        assert getattr(state, flag) is False


def test_each_parameter_has_its_accessor():
    values = {
        "block-incremental": ("block_incremental", True),
        "x-checkpoint-delay": ("checkpoint_delay", 2**32 - 1),
        "compress-level": ("compress_level", 7),
        "compress-threads": ("compress_threads", 255),
        "decompress-threads": ("decompress_threads", 254),
        "max-cpu-throttle": ("max_cpu_throttle", 77),
        "max-postcopy-bandwidth": ("max_postcopy_bandwidth", 2**63 - 1),
        "multifd-channels": ("multifd_channels", 250),
        "multifd-compression": ("multifd_compression", "zstd"),
        "throttle-trigger-threshold": ("throttle_trigger_threshold", 100),
        "xbzrle-cache-size": ("xbzrle_cache_size", 2**63),
    }
    state = pymig.MigrationState(host=HOST)
    for name, (accessor, value) in values.items():
        state.set_parameters({name: value})
        assert getattr(state, accessor) == value
    state.set_parameters({"compress-wait-thread": False, "max-postcopy-bandwidth": 2**64 - 5, "tls-creds": "é"})
    assert (state.compress_wait_thread, state.max_postcopy_bandwidth, state.use_tls) == (0, -5, True)
    assert state.query_parameters()["max-postcopy-bandwidth"] == 2**64 - 5
    assert state.query_parameters()["tls-creds"] == "é"
    state.set_parameters({"announce-initial": 1, "announce-max": 2, "announce-rounds": 3, "announce-step": 4})
    assert state.announce_params == (1, 2, 3, 4)
    assert (state.announce_params.initial, state.announce_params.step) == (1, 4)


class TestCapabilitySet:
    def test_is_a_set(self):
        few = pymig.CapabilitySet(["zero-copy-send", "multifd"])
        assert isinstance(few, AbstractSet)
        assert list(few) == ["multifd", "zero-copy-send"]
        assert few == {"multifd", "zero-copy-send"}
        assert hash(few) == hash(frozenset(few))
        assert few | {"events"} == pymig.CapabilitySet(["multifd", "zero-copy-send", "events"])
        assert few & ["multifd"] == few - {"zero-copy-send"} == {"multifd"}
        assert few ^ {"multifd"} == {"zero-copy-send"}
        assert {"multifd"} <= few
        assert few <= few
        assert not few < few
        assert "multifd" in few
        assert "no-such" not in few
        assert 3 not in few
        assert len(few) == 2
        assert not pymig.CapabilitySet()
        assert eval(repr(few), vars(pymig)) == few
        assert isinstance(few | few, pymig.CapabilitySet)

    def test_bits_are_those_of_the_reference(self):
        for i, name in enumerate(reference.CAPABILITIES):
            assert pymig.CapabilitySet([name]).mask == 1 << i
        for bit, name in ((21, "switchover-ack"), (22, "dirty-limit"), (23, "mapped-ram")):
            assert list(pymig.CapabilitySet.from_mask(1 << bit)) == [name]

    def test_unknown_names(self):
        with pytest.raises(pymig.UnknownCapabilityError) as caught:
            pymig.CapabilitySet(["multifd", "zero_copy_snd"])
        assert caught.value.message == "Parameter 'capability' does not accept value 'zero_copy_snd'"
        assert caught.value.suggestions[0] == "zero-copy-send"
        with pytest.raises(pymig.UnknownCapabilityError) as caught:
            pymig.CapabilitySet(["?"])
        assert caught.value.suggestions == ()


class TestQemuBuild:
    @pytest.mark.parametrize("release", ["8.0", "8.0.0", "8.0.5", "8.0.49", (8, 0), (8, 0, 5)])
    def test_known(self, release):
        given = release if isinstance(release, str) else ".".join(map(str, release))
        assert pymig.QemuBuild(release).release == given

    def test_the_reference_is_a_release_of_its_own(self):
        assert pymig.QemuBuild().release == pymig.QemuBuild((8, 0, 50)).release == "8.0.50"
        known = "7.2 8.0 8.0.50 8.1 8.2 9.0 9.1 9.2 10.0 10.1 10.2 10.2.50 11.0 11.1"
        assert pymig.QemuBuild.releases() == tuple(known.split())

    @pytest.mark.parametrize(
        "release",
        [
            "8",
            "08.1",
            "8.00",
            "8.1; rm",
            "",
            "8.",
            ".8",
            "8.0.",
            "8.0.5.1",
            "8.0.5-rc1",
            " 8.0",
            "8.0\n",
            "٨.٠",
            "8.0.99",
        ]
        + ["9" * 5000 + ".0", 8.0, 8, (8,), (8, 0, 0, 0), (8, "0"), (8, -1), (True, False), None, b"8.0", [8, 0]],
        ids=lambda release: repr(release)[:20],
    )
    def test_unknown(self, release):
        with pytest.raises(ValueError, match=r"release must be one of .*8\.0") as caught:
            pymig.QemuBuild(release)
        assert len(str(caught.value)) < 400


def test_running_migrations():
    running = (
        "active postcopy-active postcopy-paused postcopy-recover setup pre-switchover device wait-unplug cancelling"
    )
    for status in [*running.split(), "none", "cancelled", "completed", "failed", "colo"]:
        state = pymig.MigrationState(host=HOST)
        state.status = status
        assert state.status == status
        state.set_parameters({"compress-level": 2})
        if status in running.split():
            for change in ({"multifd": True}, {}, []):
                with pytest.raises(pymig.MigrationActiveError, match="There's a migration process in progress"):
                    state.set_capabilities(change)
            with pytest.raises(pymig.MigrationActiveError):
                state.set_capability("multifd", True)
            assert not state.multifd
        else:
            state.set_capability("multifd", True)
            assert state.multifd
    with pytest.raises(ValueError, match="status must be one of none, setup"):
        state.status = "running"
    with pytest.raises(TypeError, match="status"):
        state.status = 3


def test_set_capability_and_list_forms():
    state = pymig.MigrationState(host=HOST)
    state.set_capabilities([{"capability": "multifd", "state": False}, {"capability": "multifd", "state": True}])
    assert state.multifd
    with pytest.raises(pymig.CapabilityError) as caught:
        state.set_capabilities({"events": True, "compress": True})
    assert caught.value.verdict.rule == "multifd/compress"
    assert caught.value.message == str(caught.value) == "Multifd is not compatible with compress"
    assert state.capabilities == {"multifd"}
    with pytest.raises(pymig.CapabilityError):
        state.set_capability("compress", True)
    with pytest.raises(pymig.UnknownCapabilityError):
        state.set_capability("mapped-ram", True)
    with pytest.raises(TypeError, match="value"):
        state.set_capability("multifd", 1)
    with pytest.raises(TypeError, match="name"):
        state.set_capability(3, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"multifd": True, "compress": True},
        [{"capability": "compress", "state": True}, {"capability": "multifd", "state": True}],
        ({"capability": name, "state": True} for name in ("multifd", "compress")),
    ],
    ids=["dict", "list", "generator"],
)
def test_try_set_capabilities(changes):
    state = pymig.MigrationState(host=HOST)
    refused = state.try_set_capabilities(changes)
    assert (refused.ok, refused.rule, state.capabilities) == (False, "multifd/compress", set())
    assert state.try_set_capabilities({"multifd": True})
    assert state.try_set_capabilities([{"capability": "events", "state": True}])
    assert state.capabilities == {"multifd", "events"}


def test_try_set_capabilities_and_what_no_rule_refuses():
    state = pymig.MigrationState(host=HOST)
    unknown = state.try_set_capabilities({"mapped-ram": True, "multifd": True})
    assert (unknown.ok, unknown.rule) == (False, "unknown-capability")
    assert unknown.message == "Parameter 'capability' does not accept value 'mapped-ram'"
    state.status = "active"
    active = state.try_set_capabilities({"multifd": True})
    assert (active.ok, active.message) == (False, "There's a migration process in progress")
    assert state.capabilities == set()
    with pytest.raises(pymig.RequestTypeError):
        state.try_set_capabilities([{"capability": "multifd"}])


def test_qmps_list_is_read_like_qmp():
    for entry, says in (
        ({"capability": "multifd", "state": 1}, "state', expected: boolean"),
        ({"capability": "multifd", "state": True, "more": 1}, "more' is unexpected"),
        ({"capability": "multifd"}, "state' is missing"),
        ({"state": True, "capability": ["multifd"]}, "capability', expected: string"),
        ("multifd", "expected: object"),
    ):
        state = pymig.MigrationState(host=HOST)
        with pytest.raises(pymig.RequestTypeError, match=says):
            state.set_capabilities([{"capability": "events", "state": True}, entry])
        assert state.capabilities == set()


def test_validate():
    assert pymig.validate(["multifd"], host=HOST) is None
    with pytest.raises(pymig.CapabilityError, match="COLO") as caught:
        pymig.validate(["x-colo"], host=HOST, build=pymig.QemuBuild(replication=False))
    assert caught.value.hint == "Please enable replication before COLO."
    assert caught.value.verdict is pymig.Checker(pymig.QemuBuild(replication=False), HOST).check(["x-colo"])


def test_the_hosts_reason_is_part_of_the_text_from_8_1_on():
    unable = pymig.Host(postcopy=pymig.PostcopySupport(False, 2, 1))
    for release in pymig.QemuBuild.releases():
        checker = pymig.Checker(pymig.QemuBuild(release), unable, incoming=True)
        old = release in ("7.2", "8.0", "8.0.50")
        message = "Postcopy is not supported"
        message += "" if old else ": Userfaultfd not available: Operation not permitted"
        verdict = checker.check(["postcopy-ram"])
        assert verdict.message == message
        assert verdict is checker.verdicts[verdict.code] is checker.explain(["postcopy-ram"])[0]
        state = pymig.MigrationState(pymig.QemuBuild(release), unable, incoming=True)
        with pytest.raises(pymig.CapabilityError) as caught:
            state.set_capability("postcopy-ram", True)
        assert caught.value.message == message


def test_circumstances():
    def rule(release, names, old=(), **circumstances):
        return pymig.Checker(pymig.QemuBuild(release), HOST, **circumstances).check(names, old).rule

    started = {"incoming": True, "incoming_started": True}
    assert rule("7.2", ["multifd"], incoming=True, single_channel=True) == "multifd/single-channel"
    assert rule("7.2", ["multifd"], single_channel=True) == "accepted"
    assert rule("8.0", ["multifd"], incoming=True, single_channel=True) == "accepted"
    assert rule("8.0.50", ["multifd"], **started) == "accepted"
    assert rule("8.1", ["multifd"], **started) == "multifd/incoming-started"
    assert rule("10.0.0", ["multifd", "events"], ["multifd"], **started) == "multifd/incoming-started"
    assert rule("10.0.1", ["multifd", "events"], ["multifd"], **started) == "accepted"
    assert rule("9.2.3", ["multifd", "events"], ["multifd"], **started) == "multifd/incoming-started"
    assert rule("9.2.4", ["multifd", "events"], ["multifd"], **started) == "accepted"
    assert rule("10.1", ["multifd", "events"], ["multifd"], **started) == "accepted"
    assert rule("10.1", ["multifd"], **started) == "multifd/incoming-started"
    preempt = ["postcopy-ram", "postcopy-preempt"]
    assert rule("9.0", preempt, preempt, **started) == "postcopy-preempt/incoming-started"
    assert rule("10.1", preempt, preempt, **started) == "accepted"
    assert rule("8.1", ["dirty-limit"]) == "dirty-limit/kvm"
    assert rule("8.1", ["dirty-limit"], kvm_dirty_ring=True) == "accepted"
    assert rule("10.0", ["xbzrle"], rdma=True) == "accepted"
    for name in ("xbzrle", "multifd", "postcopy-ram"):
        assert rule("10.1", [name], rdma=True) == f"rdma/{name}"
    available = pymig.Host("available")
    transfer = {"parameters": {"mode": "cpr-transfer"}}
    snapshot = ["background-snapshot"]
    assert pymig.Checker(pymig.QemuBuild("10.0"), available, **transfer).check(snapshot).ok
    assert pymig.Checker(pymig.QemuBuild("10.0"), available).check(snapshot).rule == "background-snapshot/memory"


def test_warnings():
    checker = pymig.Checker(pymig.QemuBuild("8.2"), HOST)
    block = "block migration is deprecated; use blockdev-mirror with NBD instead"
    compress = "old compression method is deprecated; use multifd compression methods instead"
    assert checker.check(["block", "compress"]).warnings == (block, compress)
    assert checker.check(["block", "compress"]) is checker.check(["block", "compress", "events"])
    refused = checker.check(["compress", "multifd"])
    assert (refused.message, refused.warnings) == ("Multifd is not compatible with compress", (compress,))
    unbuilt = pymig.Checker(pymig.QemuBuild("8.2", live_block_migration=False), HOST)
    assert unbuilt.check(["block", "compress"]).warnings == ()
    assert pymig.Checker(pymig.QemuBuild("9.2"), HOST).check(["zero-blocks"]).warnings
    assert not pymig.Checker(pymig.QemuBuild("9.1"), HOST).check(["zero-blocks"]).warnings


def test_explain_tells_every_rule_in_order():
    checker = pymig.Checker(pymig.QemuBuild(live_block_migration=False), pymig.Host("available", False), incoming=True)
    names = ["block", "postcopy-ram", "x-ignore-shared", "background-snapshot", "compress", "multifd", "zero-copy-send"]
    rules = [verdict.rule for verdict in checker.explain(names)]
    assert rules == [
        "block/not-built",
        "postcopy-ram/host",
        "postcopy-ram/x-ignore-shared",
        "background-snapshot/memory",
        "background-snapshot/postcopy-ram",
        "background-snapshot/multifd",
        "background-snapshot/compress",
        "background-snapshot/zero-copy-send",
        "zero-copy-send/plain-multifd",
        "multifd/compress",
    ]
    assert (
        pymig.Checker(host=pymig.Host("absent")).explain(["background-snapshot"])[0].rule
        == "background-snapshot/kernel"
    )
    assert len(pymig.Checker(host=pymig.Host("absent")).explain(["background-snapshot"])) == 1
    assert pymig.Checker(host=HOST).explain(["multifd"]) == []


def test_verdicts_are_shared_and_stable():
    checker = pymig.Checker(host=HOST)
    first = checker.check(["multifd", "compress"])
    assert first is checker.check(("compress", "multifd", "events"))
    assert first.capabilities == {"multifd", "compress"}
    assert not first
    assert checker.check([]).ok
    assert checker.check([]).code == 0
    assert checker.check([]).message == ""
    assert len({verdict.rule for verdict in checker.verdicts.values()}) == len(checker.verdicts)


@pytest.mark.parametrize(
    "value",
    [
        pymig.CapabilitySet(["multifd"]),
        pymig.QemuBuild(replication=False),
        pymig.Memory(share=True),
        VERDICT,
        pymig.Host("available", False),
        REPORT.postcopy,
        pymig.AnnounceParameters(1, 2, 3, 4),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_can_be_pickled(value):
    copy = pickle.loads(pickle.dumps(value))
    assert copy == value
    assert type(copy) is type(value)
    assert repr(copy) == repr(value)


@pytest.mark.parametrize(
    "error",
    [
        pymig.MigrationError("m", "h"),
        pymig.CapabilityError(VERDICT),
        pymig.ParameterError("m", "p"),
        pymig.UnknownCapabilityError("x", ["y"]),
        pymig.UnknownCapabilityError("block", ["multifd"], "7.2", "9.0", "9.1"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_can_be_pickled(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


class TestFactsThatTravel:
    def test_there_and_back(self):
        for host in (
            pymig.Host("absent", False),
            REPORT.host,
            pymig.Host("available", write_tracking_ignore_shared="compatible"),
        ):
            copy = pymig.Host.from_json(host.to_json())
            assert copy == host
            assert copy.postcopy == host.postcopy
        assert pymig.Host.from_json(REPORT.to_json()).to_dict()["userfaultfd"]["opens"] == REPORT.userfaultfd

    def test_fields_of_a_newer_minor_version_are_kept(self):
        text = pymig.Host().to_json().replace('"1.2"', '"1.7"').replace('"ok": true', '"ok": true, "new": [1]')
        again = pymig.Host.from_json(text).to_json()
        assert '"1.7"' in again
        assert '"new"' in again

    @pytest.mark.parametrize(
        "text, says",
        [
            ("", "not JSON"),
            ("[" * 100000, "not JSON"),
            ("[]", "no such document"),
            ("{}", "no such document"),
            ('{"schema": "pymig-host"}', "version"),
            ('{"schema": "pymig-host", "version": "2.0"}', "newer pymig"),
            ('{"schema": "pymig-host", "version": 1}', "version"),
            ('{"schema": "pymig-host", "version": "1.0"}', "postcopy"),
            ('{"more": NaN, "schema": "pymig-host", "version": "1.0"}', "more is nan, which is no number in JSON"),
            ('{"more": -1e999, "schema": "pymig-host", "version": "1.0"}', "more is -inf, which is no number in JSON"),
            (
                '{"schema": "pymig-host", "version": "1.0", "postcopy": [["ok", true]], "write_tracking": "absent"}',
                "postcopy must be an object",
            ),
            (
                '{"schema": "pymig-host", "version": "1.0", "postcopy": {"ok": true}, "write_tracking": "absent", '
                '"older": [["8.0", {}]]}',
                "older must be an object",
            ),
            ('{"schema": "pymig-host", "version": "1.0", "postcopy": 3, "write_tracking": "absent"}', "text"),
            (
                '{"schema": "pymig-host", "version": "1.0", "postcopy": {"ok": 1}, "write_tracking": "absent"}',
                "ok must",
            ),
            ('{"schema": "pymig-host", "version": "1.0", "postcopy": {"ok": true}, "write_tracking": "x"}', "one of"),
            (
                '{"schema": "pymig-host", "version": "1.0", "postcopy": {"ok": true, "errno": "__name__"}, '
                '"write_tracking": "absent"}',
                "errno",
            ),
        ],
        ids=lambda value: value[:30],
    )
    def test_refused(self, text, says):
        with pytest.raises(ValueError, match=says):
            pymig.Host.from_json(text)
