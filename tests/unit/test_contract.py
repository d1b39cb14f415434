"""The documented interface is there, with its signatures and types."""

import inspect
import pickle
import types
from collections.abc import Set as AbstractSet

import pytest

import pymig
from pymig import reference
from pymig._core import lib

HOST = pymig.Host()

# Every documented callable, with its parameters as they are written: "*" begins the keyword-only ones.
SIGNATURES = {
    "CapabilitySet": "names=()",
    "CapabilitySet.from_mask": "mask",
    "QemuBuild": "release='8.0', *, live_block_migration=True, replication=True, linux=True, zstd=True",
    "QemuBuild.releases": "",
    "Memory": "kind='anonymous', *, share=False, readonly=False",
    "Host": "write_tracking='compatible', postcopy=True, *, write_tracking_ignore_shared=None",
    "Host.local": "memory=(Memory(kind='anonymous', readonly=False, share=False),), *, target_page_size=None",
    "Host.from_json": "text",
    "Host.to_json": "self",
    "Host.refresh": "self",
    "Checker": "build=QemuBuild('8.0'), host=None, *, incoming=False, parameters=None",
    "Checker.check": "self, new, old=()",
    "Checker.check_many": "self, masks, old=0, out=None",
    "Checker.explain": "self, new, old=()",
    "check": "new, old=(), *, build=QemuBuild('8.0'), host=None, incoming=False, parameters=None",
    "validate": "new, old=(), *, build=QemuBuild('8.0'), host=None, incoming=False, parameters=None",
    "MigrationState": "build=QemuBuild('8.0'), host=None, *, incoming=False",
    "MigrationState.set_capability": "self, name, value",
    "MigrationState.set_capabilities": "self, changes",
    "MigrationState.query_capabilities": "self",
    "MigrationState.set_parameters": "self, parameters",
    "MigrationState.query_parameters": "self",
    "probe": "memory=(Memory(kind='anonymous', readonly=False, share=False),), *, target_page_size=None",
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
    (pymig.Checker(host=HOST), {"verdicts": types.MappingProxyType, "build": pymig.QemuBuild, "host": pymig.Host}),
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


def test_everything_exported_is_there_and_told():
    assert sorted(pymig.__all__) == pymig.__all__
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


def test_the_tree_of_errors():
    assert issubclass(pymig.MigrationError, Exception)
    for error in (
        pymig.CapabilityError,
        pymig.ParameterError,
        pymig.MigrationActiveError,
        pymig.UnknownCapabilityError,
    ):
        assert issubclass(error, pymig.MigrationError)


def test_every_accessor_of_c_has_its_property():
    """The C library's accessors are those functions that take just a state and are named migrate_*."""
    not_accessors = {"change_capabilities", "cap_set", "set_status"}
    accessors = {name.removeprefix("migrate_") for name in dir(lib) if name.startswith("migrate_")}
    accessors = {name for name in accessors - not_accessors if not name.startswith("caps_")}
    assert accessors == {*FLAGS, *NUMBERS, "multifd_compression", "announce_params"}
    assert len(accessors) == 21 + 14 + 1 + 1


def test_each_flag_follows_its_capability():
    names = {"colo": "x-colo", "ignore_shared": "x-ignore-shared"}
    for flag in FLAGS[:21]:
        state = pymig.MigrationState(host=HOST)
        # some need another capability
        extra = {"zero_copy_send": {"multifd": True}, "postcopy_preempt": {"postcopy-ram": True}}.get(flag, {})
        name = names.get(flag, flag.replace("_", "-"))
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
        assert pymig.QemuBuild(release).release == "8.0"

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
        assert len(str(caught.value)) < 300


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


def test_validate():
    assert pymig.validate(["multifd"], host=HOST) is None
    with pytest.raises(pymig.CapabilityError, match="COLO") as caught:
        pymig.validate(["x-colo"], host=HOST, build=pymig.QemuBuild(replication=False))
    assert caught.value.hint == "Please enable replication before COLO."
    assert caught.value.verdict is pymig.Checker(pymig.QemuBuild(replication=False), HOST).check(["x-colo"])


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
        assert pymig.Host.from_json(REPORT.to_json()).facts()["userfaultfd"]["opens"] == REPORT.userfaultfd

    def test_fields_of_a_newer_minor_version_are_kept(self):
        text = pymig.Host().to_json().replace('"1.0"', '"1.7"').replace('"ok": true', '"ok": true, "new": [1]')
        again = pymig.Host.from_json(text).to_json()
        assert '"1.7"' in again
        assert '"new"' in again

    @pytest.mark.parametrize(
        "text, says",
        [
            ("", "not JSON"),
            ("[" * 100000, "not JSON"),
            ("[]", "facts of a host"),
            ("{}", "facts of a host"),
            ('{"schema": "pymig-host"}', "version"),
            ('{"schema": "pymig-host", "version": "2.0"}', "newer pymig"),
            ('{"schema": "pymig-host", "version": 1}', "version"),
            ('{"schema": "pymig-host", "version": "1.0"}', "postcopy"),
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
