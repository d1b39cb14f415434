# SPDX-License-Identifier: GPL-2.0-or-later

"""Nothing leaks: every public C function is called in a loop, and memory and descriptors are counted."""

import ctypes
import gc
import os

import pytest

import pymig
from pymig import owned
from pymig._core import ffi, lib

ROUNDS = int(os.environ.get("PYMIG_LEAK_ROUNDS", "20000"))
TOLERANCE = 16 * 1024  # bytes in all: less than one byte a round


class Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


C = ctypes.CDLL(None)
if not hasattr(C, "mallinfo2"):
    pytest.skip("needs mallinfo2() of glibc 2.33", allow_module_level=True)
C.mallinfo2.restype = Mallinfo2


def in_use():
    """Bytes that malloc has handed out, and the number of open descriptors and mappings."""
    gc.collect()
    info = C.mallinfo2()
    with open("/proc/self/maps", "rb") as maps:
        mappings = len(maps.readlines())
    return info.uordblks + info.hblkhd, len(os.listdir("/proc/self/fd")), mappings


BUILD = ffi.new(
    "QemuBuild *",
    {
        "release": lib.QEMU_8_2,
        "probe_release": lib.QEMU_8_2,
        "live_block_migration": True,
        "replication": True,
        "on_linux": True,
        "direct_io": True,
        "compressions": 7,
    },
)
CONTEXT = ffi.new("MigrationContext *", {"build": BUILD[0], "incoming": True})
FOLDER = ffi.new("char[]", b"/dev/shm")
BLOCKS = ffi.new(
    "RamBlock[]",
    [
        {"kind": lib.RAM_BLOCK_ANONYMOUS, "share": True},
        {"kind": lib.RAM_BLOCK_MEMFD},
        {"kind": lib.RAM_BLOCK_FILE, "share": True, "path": FOLDER},
    ],
)
REPORTS = ffi.new("RamBlockReport[]", 3)
SUPPORT = ffi.new("PostcopySupport *", [False, 2, 1, 0])
FACTS = ffi.new("HostFacts[]", [{"write_tracking": [3, 3, 3], "postcopy": SUPPORT[0]}] * lib.PROBE_VARIANT__MAX)
HOST = owned.new_stated_host(FACTS, 0)
LOCAL = owned.new_local_host(BLOCKS, 3, 0)
CHECKER = owned.new_checker(CONTEXT, HOST)
STATE = owned.new_state(CONTEXT, HOST)
NEW = {kind: ffi.new(f"{kind} **") for kind in ("MigrationHost", "MigrationChecker", "MigrationState")}
NAME = ffi.new("char[]", b"multifd")
CODES = ffi.new("uint8_t[]", 64)
COUNTS = ffi.new("uint64_t[]", lib.MIGRATION_CODES)
ROW_OF = ffi.new("uint8_t[]", 1 << 16)
ROWS, CELLS = ffi.new("uint8_t[]", 1 << 16), ffi.new("uint16_t[]", 256)
WORDS32, WORDS64 = ffi.new("uint32_t[]", [5, 1 << 19]), ffi.new("uint64_t[]", [5, 1 << 19])
RULE = ffi.new("MigrationRule *")
MEMBER = ffi.new("QmpMember *")
ERROR = ffi.new("MigrationError *")
ENTRIES = ffi.new("MigrationCapabilityStatus[]", 32)
TEXT = ffi.new("char[]", 256)
TLS = ffi.new("char[]", b"tls-creds")
LEVEL = ffi.new("char[]", b"compress-level")
STRING = {"type": lib.QMP_STRING, "text": NAME}
GOOD = ffi.new("QmpMember[]", [(TLS, STRING)])
BAD = ffi.new("QmpMember[]", [(TLS, STRING), (LEVEL, {"type": lib.QMP_INT, "number": 10})])
NODE = {key: ffi.new("char[]", key.encode()) for key in ("node-name", "alias", "bitmaps")}
NODE_MEMBERS = ffi.new(
    "QmpMember[]",
    [(NODE["node-name"], STRING), (NODE["alias"], STRING), (NODE["bitmaps"], {"type": lib.QMP_ARRAY})],
)
NODES = ffi.new("QmpValue[]", [{"type": lib.QMP_OBJECT, "number": 3, "members": NODE_MEMBERS}])
PROGRAM = ffi.new("char[]", b"/nonexistent")
COMMAND = ffi.new("char *[]", [PROGRAM, ffi.NULL])
GUARDED = ffi.new("GuardedProcess *")
PLACE, NO_PLACE = (ffi.new("ProcessPlace *", {"pid": pid}) for pid in (os.getpid(), (1 << 31) - 1))
PLACE_REPORT = ffi.new("ProcessReport *")
URI, TCP, NOWHERE = (ffi.new("char[]", name) for name in (b"uri", b"tcp:192.0.2.1:4444", b"nowhere:1"))
TO_TCP, TO_NOWHERE = (ffi.new("QmpMember[]", [(URI, {"type": lib.QMP_STRING, "text": uri})]) for uri in (TCP, NOWHERE))
AROUND = ffi.new("MigrationSurroundings *")
COMMAND_RULE = ffi.new("MigrationCommandRule *")
FAULTS = ffi.new("uint32_t *")
PREDICTION = ffi.new("MigrationPrediction *")
PLAN = ffi.new("MigrationPlan *")
PREFLIGHT = ffi.new("MigrationPreflight *")
MAPPING_NAME = ffi.new("char[]", b"block-bitmap-mapping")
MAPPING = ffi.new("QmpMember[]", [(MAPPING_NAME, {"type": lib.QMP_ARRAY, "number": 1, "elements": NODES})])


def made(kind, make, *arguments):
    """Makes one, and frees it."""
    free = {
        "MigrationHost": lib.migration_host_free,
        "MigrationChecker": lib.migration_checker_free,
        "MigrationState": lib.migration_state_free,
    }
    assert make(*arguments, NEW[kind]) == 0
    free[kind](NEW[kind][0])


def set_parameters():
    assert lib.qmp_migrate_set_parameters(STATE, GOOD, 1, ERROR) == 0
    assert lib.qmp_migrate_set_parameters(STATE, BAD, 2, ERROR) < 0
    lib.migration_error_clear(ERROR)


def block_bitmap_mapping():
    assert lib.qmp_migrate_set_parameters(STATE, MAPPING, 1, ERROR) == 0
    assert lib.migrate_has_block_bitmap_mapping(STATE)
    lib.qmp_value_free(lib.migrate_block_bitmap_mapping(STATE))


def texts():
    for accessor in (lib.migrate_tls_creds, lib.migrate_tls_hostname, lib.migrate_tls_authz):
        lib.migration_text_free(accessor(STATE))


def query_parameters():
    parameters = lib.qmp_query_migrate_parameters(STATE)
    assert lib.migration_parameters_get(parameters, lib.MIGRATION_PARAMETER_TLS_CREDS, MEMBER) == 0
    lib.migration_parameters_free(parameters)


def ask_local():
    lib.migration_host_refresh(LOCAL)
    return lib.migration_host_write_tracking(LOCAL, 0, 0), lib.migration_host_postcopy(LOCAL, 0)


def ask_in_the_own_place():
    """Once as a process, once as one that does not exist."""
    assert lib.host_probe_process(PLACE, BLOCKS, 3, 0, PLACE_REPORT, REPORTS) == 0
    assert lib.host_probe_process(NO_PLACE, BLOCKS, 3, 0, PLACE_REPORT, REPORTS) < 0


def start_and_end():
    assert lib.guarded_process_start(COMMAND, [], 0, GUARDED) == 0
    lib.guarded_process_end(GUARDED)


def preflight():
    """Every command is sent; one is refused."""
    for settings in PLAN.ends:
        settings.on, settings.has_unknown = 1 << lib.MIGRATION_CAPABILITY_XBZRLE, False
        settings.parameters, settings.n_parameters = BAD, 2
        settings.opening, settings.n_opening = TO_TCP, 1
    assert lib.migration_preflight(STATE, STATE, PLAN, PREFLIGHT) == 0
    lib.migration_preflight_clear(PREFLIGHT)


def migrate(function, *further):
    """Accepted at most for one of the two: the other scheme does not exist."""
    for uri in (TO_TCP, TO_NOWHERE):
        function(STATE, uri, 1, *further, ERROR)
        lib.migration_error_clear(ERROR)


# Each public function: how it is called. Functions that come as a pair stand with their partner.
CALLS = {
    "pymig_version": lambda: lib.pymig_version(),
    "pymig_version_number": lambda: lib.pymig_version_number(),
    "migration_capability_name": lambda: lib.migration_capability_name(3),
    "migration_capability_from_name": lambda: lib.migration_capability_from_name(NAME),
    "qemu_release_name": lambda: lib.qemu_release_name(0),
    "qemu_release_of_version": lambda: lib.qemu_release_of_version(10, 0, 13),
    "qemu_downstream": lambda: lib.qemu_downstream(0),
    "qemu_target_name": lambda: lib.qemu_target_name(0),
    "qemu_target_page_size": lambda: lib.qemu_target_page_size(0, b"aarch64", b"virt-4.1"),
    "qemu_machine_version": lambda: lib.qemu_machine_version(b"pc-q35-8.2"),
    "qemu_fault": lambda: lib.qemu_fault(0),
    "qemu_build_faults": lambda: lib.qemu_build_faults(BUILD),
    "qemu_build_capabilities": lambda: lib.qemu_build_capabilities(BUILD),
    "qemu_build_listed": lambda: lib.qemu_build_listed(BUILD),
    "qemu_build_unstable": lambda: lib.qemu_build_unstable(BUILD),
    "ram_write_tracking_available": lambda: lib.ram_write_tracking_available(),
    "ram_write_tracking_compatible": lambda: lib.ram_write_tracking_compatible(BLOCKS, 3, False),
    "postcopy_ram_supported_by_host": lambda: lib.postcopy_ram_supported_by_host(BLOCKS, 3, 0),
    "postcopy_support_message": lambda: lib.postcopy_support_message(SUPPORT, lib.QEMU_8_1, TEXT, 256),
    "host_probe": lambda: lib.host_probe(BLOCKS, 3, 0, REPORTS),
    "host_probe_process": ask_in_the_own_place,
    "process_cgroup": lambda: [lib.process_cgroup(pid, b"", TEXT, 256) for pid in (1, 0)],
    "process_effective_capabilities": lambda: lib.process_effective_capabilities(),
    "process_trait_name": lambda: lib.process_trait_name(0),
    "guarded_process_start guarded_process_end": start_and_end,
    "uffd_feature_name": lambda: lib.uffd_feature_name(0),
    "uffd_ioctl_name": lambda: lib.uffd_ioctl_name(0),
    "migration_host_local migration_host_free": lambda: made("MigrationHost", lib.migration_host_local, BLOCKS, 3, 0),
    "migration_host_stated": lambda: made("MigrationHost", lib.migration_host_stated, FACTS, 0),
    "migration_host_refresh migration_host_write_tracking migration_host_postcopy migration_host_error": ask_local,
    "host_error_is_inconclusive": lambda: lib.host_error_is_inconclusive(24),
    "migration_checker_new migration_checker_free": lambda: made(
        "MigrationChecker", lib.migration_checker_new, CONTEXT, HOST
    ),
    "migrate_caps_check": lambda: lib.migrate_caps_check(CHECKER, 0, 1 << 18),
    "migrate_caps_check_set": lambda: lib.migrate_caps_check_set(CHECKER, 1 << 18),
    "migrate_caps_explain": lambda: lib.migrate_caps_explain(CHECKER, 0, (1 << 23) - 1, CODES),
    "migrate_caps_check_many32": lambda: lib.migrate_caps_check_many32(CHECKER, 0, WORDS32, 2, CODES),
    "migrate_caps_check_many64": lambda: lib.migrate_caps_check_many64(CHECKER, 0, WORDS64, 2, CODES),
    "migrate_caps_histogram32": lambda: lib.migrate_caps_histogram32(CHECKER, 0, WORDS32, 2, COUNTS),
    "migrate_caps_histogram64": lambda: lib.migrate_caps_histogram64(CHECKER, 0, WORDS64, 2, COUNTS),
    "migrate_caps_table": lambda: lib.migrate_caps_table(CHECKER, 0, ROW_OF, ROWS, CELLS),
    "migration_rule": lambda: lib.migration_rule(BUILD, 3, RULE),
    "migration_parameter_name": lambda: lib.migration_parameter_name(3),
    "migration_parameter_from_name": lambda: lib.migration_parameter_from_name(NAME),
    "migration_parameter_type": lambda: lib.migration_parameter_type(3),
    "migration_parameter_ignored": lambda: lib.migration_parameter_ignored(BUILD, 3),
    "migration_parameter_value_name": lambda: lib.migration_parameter_value_name(lib.MIGRATION_PARAMETER_MODE, 1),
    "migration_parameter_known": lambda: lib.migration_parameter_known(BUILD, 3),
    "migration_parameter_deprecated": lambda: lib.migration_parameter_deprecated(BUILD, 3),
    "migration_parameter_unstable": lambda: lib.migration_parameter_unstable(BUILD, 3),
    "migration_status_known": lambda: lib.migration_status_known(BUILD, 3),
    "migration_accessor_known": lambda: lib.migration_accessor_known(BUILD, NAME),
    "migration_warning": lambda: lib.migration_warning(0),
    "migrate_caps_warnings": lambda: lib.migrate_caps_warnings(CHECKER, 1 << 9, 0),
    "qemu_build_deprecated": lambda: lib.qemu_build_deprecated(BUILD),
    "qemu_release_probe_variant": lambda: lib.qemu_release_probe_variant(0),
    "qemu_release_scope": lambda: lib.qemu_release_scope(0),
    "host_transport_error": lambda: [lib.host_transport_error(transport) for transport in range(3)],
    "uffd_probe_methods": lambda: lib.uffd_probe_methods(),
    "qmp_migrate_set_parameters migration_error_clear": set_parameters,
    "qmp_query_migrate_parameters migration_parameters_get migration_parameters_free": query_parameters,
    "migrate_try_parameters": lambda: lib.migrate_try_parameters(STATE, GOOD, 1, ERROR),
    "migrate_parameters_faults": lambda: lib.migrate_parameters_faults(STATE, GOOD, 1),
    "qmp_first_unvisited": lambda: lib.qmp_first_unvisited(BAD, 2, [0], 1),
    "migrate_block_bitmap_mapping migrate_has_block_bitmap_mapping qmp_value_free": block_bitmap_mapping,
    "migrate_tls_creds migrate_tls_hostname migrate_tls_authz migration_text_free": texts,
    "qmp_migrate": lambda: migrate(lib.qmp_migrate, AROUND),
    "qmp_migrate_incoming": lambda: migrate(lib.qmp_migrate_incoming),
    "migrate_try": lambda: migrate(lib.migrate_try, AROUND, FAULTS),
    "migrate_try_incoming": lambda: migrate(lib.migrate_try_incoming, FAULTS),
    "migration_transport_name": lambda: lib.migration_transport_name(0),
    "migration_transport_of_uri": lambda: lib.migration_transport_of_uri(BUILD, TCP),
    "migration_state_load": lambda: lib.migration_state_load(STATE, 1 << 12),
    "migration_agree": lambda: lib.migration_agree(STATE, STATE, 0, (1 << lib.PAIR_FACT__MAX) - 1, PREDICTION),
    "migration_preflight migration_preflight_clear": preflight,
    "migration_command_rule": lambda: lib.migration_command_rule(0, 0, COMMAND_RULE),
    "migration_agreement": lambda: lib.migration_agreement(0),
    "migration_agreement_name": lambda: lib.migration_agreement_name(0),
    "migration_agreement_words": lambda: lib.migration_agreement_words(1, 0),
    "migration_capability_ends": lambda: lib.migration_capability_ends(0),
    "migration_parameter_ends": lambda: lib.migration_parameter_ends(0),
    "migration_snapshot_message": lambda: lib.migration_snapshot_message(),
    "migration_checker_postcopy": lambda: lib.migration_checker_postcopy(CHECKER),
    "migration_checker_message": lambda: lib.migration_checker_message(CHECKER, 3, TEXT, 256),
    "migration_state_message": lambda: lib.migration_state_message(STATE, 3, TEXT, 256),
    "migration_context_apply": lambda: lib.migration_context_apply(CONTEXT, GOOD, 1, ERROR),
    "migration_accessor_signed": lambda: lib.migration_accessor_signed(BUILD, NAME),
    "process_seccomp_mode": lambda: lib.process_seccomp_mode(),
    "migration_parameter_warning": lambda: lib.migration_parameter_warning(BUILD, 3),
    "migration_parameter_value_known": lambda: lib.migration_parameter_value_known(
        BUILD, lib.MIGRATION_PARAMETER_MODE, 1
    ),
    "migration_accessor_name": lambda: lib.migration_accessor_name(0),
    "migration_status_name": lambda: lib.migration_status_name(1),
    "migration_status_from_name": lambda: lib.migration_status_from_name(NAME),
    "migration_active_message": lambda: lib.migration_active_message(),
    "migration_state_new migration_state_free": lambda: made("MigrationState", lib.migration_state_new, CONTEXT, HOST),
    "migration_status": lambda: lib.migration_status(STATE),
    "migrate_set_status": lambda: lib.migrate_set_status(STATE, 0),
    "migration_capabilities": lambda: lib.migration_capabilities(STATE),
    "migrate_cap_set": lambda: lib.migrate_cap_set(STATE, 12, True),
    "qmp_migrate_set_capabilities": lambda: lib.qmp_migrate_set_capabilities(STATE, ENTRIES, 3),
    "migrate_change_capabilities": lambda: lib.migrate_change_capabilities(STATE, 1 << 12, 1 << 4),
    "qmp_query_migrate_capabilities": lambda: lib.qmp_query_migrate_capabilities(STATE, ENTRIES),
}
CALLED = {name for names in CALLS for name in names.split()}
ACCESSORS = [name for name in dir(lib) if name.startswith("migrate_") and name not in CALLED]
CALLS.update({name: lambda name=name: getattr(lib, name)(STATE) for name in ACCESSORS})


def functions():
    return {name for name in dir(lib) if isinstance(getattr(lib, name), type(len))}


def test_every_public_function_is_called():
    assert {name for names in CALLS for name in names.split()} == functions()


@pytest.mark.parametrize("names", CALLS)
def test_c_function(names):
    call = CALLS[names]
    for _ in range(100):
        call()
    before = in_use()
    for _ in range(
        ROUNDS // 40 if "process_start" in names or "probe_process" in names else ROUNDS
    ):  # a process takes milliseconds
        call()
    after = in_use()
    assert after[0] - before[0] < TOLERANCE, "memory"
    assert after[1] == before[1], "descriptors"
    assert after[2] - before[2] < 3, "mappings"  # CPython maps an arena now and then


def refused(function, *arguments):
    with pytest.raises((pymig.MigrationError, TypeError, ValueError)):
        function(*arguments)


WITH_TEXTS = pymig.MigrationState("11.1", pymig.Host())
BITMAPS = {"block-bitmap-mapping": [{"node-name": "n", "alias": "a", "bitmaps": [{"name": "b", "alias": "c"}]}]}
WITH_TEXTS.set_parameters({"tls-creds": "t" * 100, **BITMAPS})

PYTHON = {
    "CapabilitySet": lambda: pymig.CapabilitySet(["multifd"]) | {"events"},
    "QemuBuild": lambda: pymig.QemuBuild("8.0.3", zstd=False),
    "Checker": lambda: pymig.Checker(host=pymig.Host()).check(["multifd"]),
    "state": lambda: pymig.MigrationState(host=pymig.Host()).set_parameters({"tls-creds": "x"}),
    "refused": lambda: refused(
        pymig.MigrationState(host=pymig.Host()).set_parameters, {"tls-creds": "x", "compress-level": 10}
    ),
    "texts": lambda: WITH_TEXTS.tls_creds,
    "mapping": lambda: WITH_TEXTS.block_bitmap_mapping,
    "mapping set": lambda: WITH_TEXTS.set_parameters(BITMAPS),
    "all parameters": lambda: WITH_TEXTS.query_parameters(),
    "probe": lambda: pymig.probe().to_json(),
    "local": lambda: pymig.Host.local().postcopy,
}


@pytest.mark.parametrize("name", PYTHON)
def test_python(name):
    call = PYTHON[name]
    for _ in range(100):
        call()
    before = in_use()
    for _ in range(2000):
        call()
    after = in_use()
    assert after[0] - before[0] < TOLERANCE, "memory"
    assert after[1] == before[1], "descriptors"
