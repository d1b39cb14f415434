# SPDX-License-Identifier: GPL-2.0-or-later

"""The limits of each parameter, and the texts beyond them, written down once more."""

import pytest

from pymig import DeprecatedParameterWarning, Host, IgnoredParameterWarning, MigrationState, QemuBuild
from pymig._core import lib
from pymig.qemu.parameters import NAMES
from pymig.release import POINTS
from tests.conftest import message_of

HOST = Host()

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::pymig.{kind.__name__}")
    for kind in (DeprecatedParameterWarning, IgnoredParameterWarning)
]

# The least and the largest value, and how QEMU's text for others ends.
LIMITS = {
    "compress-level": (0, 9, "a value between 0 and 9"),
    "compress-threads": (1, 255, "a value between 1 and 255"),
    "decompress-threads": (1, 255, "a value between 1 and 255"),
    "throttle-trigger-threshold": (1, 100, "an integer in the range of 1 to 100"),
    "cpu-throttle-initial": (1, 99, "an integer in the range of 1 to 99"),
    "cpu-throttle-increment": (1, 99, "an integer in the range of 1 to 99"),
    "downtime-limit": (0, 2_000_000, "an integer in the range of 0 to (2000 * 1000) ms"),
    "multifd-channels": (1, 255, "a value between 1 and 255"),
    "multifd-zlib-level": (0, 9, "a value between 0 and 9"),
    "multifd-qatzip-level": (1, 9, "a value between 1 and 9"),
    "multifd-zstd-level": (0, 20, "a value between 0 and 20"),
    "announce-initial": (0, 100_000, "a value between 0 and 100000"),
    "announce-max": (0, 100_000, "a value between 0 and 100000"),
    "announce-rounds": (0, 1000, "a value between 0 and 1000"),
    "announce-step": (1, 10_000, "a value between 0 and 10000"),
    "x-vcpu-dirty-limit-period": (1, 1000, "a value between 1 and 1000"),
}
LARGEST = {"uint8_t": 2**8 - 1, "uint32_t": 2**32 - 1, "uint64": 2**64 - 1}
TYPES = {
    **dict.fromkeys(LIMITS, "uint8_t"),
    **dict.fromkeys(("downtime-limit", "x-vcpu-dirty-limit-period", "vcpu-dirty-limit"), "uint64"),
    **dict.fromkeys(("announce-initial", "announce-max", "announce-rounds", "announce-step"), "uint64"),
    **dict.fromkeys(("max-bandwidth", "avail-switchover-bandwidth", "max-postcopy-bandwidth"), "uint64"),
    "max-cpu-throttle": "uint8_t",
    "x-checkpoint-delay": "uint32_t",
}
IGNORED_BEFORE_9_0 = ("multifd-zlib-level", "multifd-zstd-level")


def version_of(release):
    return tuple(map(int, release.split(".")))


def is_known(release, name):
    return lib.migration_parameter_known(QemuBuild(release)._c, lib.migration_parameter_from_name(name.encode()))


def releases_with(name):
    return [release for release in POINTS if is_known(release, name)]


def answer(build, name, value):
    """The text with which a fresh state refuses the value; "" if it accepts."""
    return message_of(MigrationState(build, HOST).set_parameters, {name: value})


def refusal(release, name, expects):
    """The text of a range check, in the release's form. Unstable parameters never had underscores."""
    if version_of(release) >= (11, 0):
        return f"Option {name} expects {expects}"
    name = name if name.startswith("x-") else name.replace("-", "_")
    return f"Option {name} expects {expects}" if release == "10.2.50" else f"Parameter '{name}' expects {expects}"


@pytest.mark.parametrize("name", LIMITS)
def test_just_within_and_just_beyond(name):
    least, largest, expects = LIMITS[name]
    assert releases_with(name)
    for release in releases_with(name):
        build = QemuBuild(release)
        beyond = refusal(release, name, expects)
        if name in IGNORED_BEFORE_9_0 and version_of(release) < (9, 0):
            beyond = ""
        assert answer(build, name, least) == answer(build, name, largest) == ""
        for value in {least - 1, largest + 1} - {-1, LARGEST[TYPES[name]] + 1}:
            assert answer(build, name, value) == beyond, release


@pytest.mark.parametrize("name", TYPES)
def test_the_limits_of_its_type(name):
    for release in releases_with(name):
        build = QemuBuild(release)
        wrong = f"Parameter '{name}' expects {TYPES[name]}"
        assert wrong not in answer(build, name, LARGEST[TYPES[name]])
        assert answer(build, name, LARGEST[TYPES[name]] + 1) == wrong
        if name not in LIMITS:
            assert answer(build, name, LARGEST["uint8_t"]) in ("", answer(build, name, 100))


def test_the_throttles_are_in_order():
    for release in POINTS:
        build, version = QemuBuild(release), version_of(release)
        text = "Parameter 'max_cpu_throttle' expects an integer in the range of cpu_throttle_initial to 99"
        if version >= (10, 2, 50):
            text = "max_Option cpu_throttle expects an integer in the range of cpu_throttle_initial to 99"
        if version >= (11, 0):
            text = "Option max-cpu-throttle expects an integer in the range of cpu-throttle-initial to 99"
        for value, expected in ((19, text), (20, ""), (99, ""), (100, text)):
            assert answer(build, "max-cpu-throttle", value) == expected, release
        state = MigrationState(build, HOST)
        both = {"cpu-throttle-initial": 30, "max-cpu-throttle": 29}
        assert message_of(state.set_parameters, both) == text
        assert message_of(state.set_parameters, {**both, "max-cpu-throttle": 30}) == ""
        assert message_of(state.set_parameters, {"cpu-throttle-initial": 31}) == text


def test_the_dirty_limit_is_at_least_one():
    for release in releases_with("vcpu-dirty-limit"):
        version = version_of(release)
        text = "Parameter 'vcpu_dirty_limit' expects is invalid, it must greater then 1 MB/s"
        if version >= (9, 1):
            text = "Parameter 'vcpu_dirty_limit' must be greater than 1 MB/s"
        if version >= (11, 0):
            text = "Parameter 'vcpu-dirty-limit' must be greater than 1 MB/s"
        for value, expected in ((0, text), (1, ""), (2**64 - 1, "")):
            assert answer(QemuBuild(release), "vcpu-dirty-limit", value) == expected, release


def test_powers_of_two():
    mebibyte = 1 << 20
    chunk = "Option x_rdma_chunk_size expects a power of 2 in the range 1MiB to 1024MiB"
    for value, expected in (
        (mebibyte, ""),
        (mebibyte * 1024, ""),
        (mebibyte // 2, chunk),
        (mebibyte * 2048, chunk),
        (mebibyte * 3, chunk),
        (mebibyte - 1, chunk),
    ):
        assert answer(QemuBuild("11.1"), "x-rdma-chunk-size", value) == expected
    for release in POINTS:
        cache = refusal(release, "xbzrle-cache-size", "a power of two no less than the target page size")
        for value, expected in ((4096, ""), (2**63, ""), (2048, cache), (4095, cache), (4097, cache), (0, cache)):
            assert answer(QemuBuild(release), "xbzrle-cache-size", value) == expected, release


# A value and the first release that has it; modes and detections need no library.
VALUES = {
    "mode": {"normal": "8.2", "cpr-reboot": "8.2", "cpr-transfer": "10.0", "cpr-exec": "10.2"},
    "zero-page-detection": {"none": "9.0", "legacy": "9.0", "multifd": "9.0"},
    "multifd-compression": {
        "none": "7.2",
        "zlib": "7.2",
        "zstd": "7.2",
        "qpl": "9.1",
        "uadk": "9.1",
        "qatzip": "9.2",
    },
}


@pytest.mark.parametrize("name", VALUES)
def test_the_values_of_an_enum(name):
    for release in releases_with(name):
        for value, first in VALUES[name].items():
            known = version_of(release) >= version_of(first)
            if known and name == "multifd-compression" and value not in ("none", "zlib"):
                builds = [QemuBuild(release, compressions=[value])]
                assert answer(QemuBuild(release, compressions=[]), name, value).endswith(f"accept value '{value}'")
            else:
                builds = [QemuBuild(release), QemuBuild(release, compressions=[])]
            refused = "" if known else f"Parameter '{name}' does not accept value '{value}'"
            assert [answer(build, name, value) for build in builds] == [refused] * len(builds), release
        for wrong in ("", "normal ", "None", name):
            assert answer(QemuBuild(release), name, wrong) == f"Parameter '{name}' does not accept value '{wrong}'"


def test_everything_with_a_limit_is_asked_for():
    """A new parameter is either in a table above, or named here as one that takes any value of its type."""
    asked = {*TYPES, *VALUES, "xbzrle-cache-size", "x-rdma-chunk-size"}
    free = {"block-bitmap-mapping", "block-incremental", "compress-wait-thread", "cpr-exec-command"}
    free |= {"cpu-throttle-tailslow", "direct-io", "tls-authz", "tls-creds", "tls-hostname"}
    assert set(NAMES) == asked | free
    assert all(releases_with(name) for name in NAMES)
