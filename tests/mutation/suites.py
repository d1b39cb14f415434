# SPDX-License-Identifier: GPL-2.0-or-later

"""Which tests are to notice a change of which file: the quick and likely ones first."""

from .mutant import ROOT

CONTRACT = "tests/unit/test_contract.py"
CONTEXT = "tests/unit/test_context.py"
BUILD = "tests/unit/test_build.py"
CLI = "tests/unit/test_cli.py"
LIMITS = "tests/unit/test_limits.py"
VALUES = "tests/unit/test_host_values.py"
LEAKS = "tests/host/test_leaks.py"
FLEET = "tests/fleet"
ENDS = "tests/unit/test_ends.py"
MIGRATE = "tests/unit/test_migrate.py"
STATUS = "tests/unit/test_status.py"
PAIRS = "tests/migration/test_recorded.py"
UNIT, VECTORS, SETS, HOST, LIVE = "tests/unit", "tests/vectors", "tests/exhaustive", "tests/host", "tests/live"
MIGRATION, LIBVIRT, CATALOG = "tests/migration", "tests/libvirt", "tests/catalog"

# Half of the time of tests/unit, about speed and forks; and a browser, which needs more memory than a mutant may have.
LEFT_OUT = (
    "tests/unit/test_robust.py::test_a_million_names",
    "tests/unit/test_threads.py::test_a_fork_while_other_threads_change_the_state",
    "tests/fleet/test_outputs.py::TestInChromium",
)

# The beginning of a path: the programs of tests/c, the arguments of pytest. The first row that fits counts.
SUITES = (
    ("csrc/qemu/rules", "core tables batch", (CONTRACT, CONTEXT, VECTORS, SETS, UNIT)),
    ("csrc/qemu/parameter", "core tables", (LIMITS, CONTRACT, BUILD, VECTORS, UNIT)),
    ("csrc/qemu/bitmaps", "core out_of_memory", (BUILD, CONTRACT, VECTORS, UNIT, LEAKS)),
    ("csrc/qemu/", "core tables out_of_memory", (BUILD, CONTRACT, VECTORS, UNIT)),
    ("csrc/check/lanes_neon", "", ()),
    ("csrc/check/", "core batch out_of_memory", (CONTRACT, CONTEXT, UNIT, VECTORS, SETS)),
    ("csrc/state/", "core out_of_memory", (BUILD, CONTRACT, VECTORS, UNIT, LEAKS)),
    ("csrc/migration/", "core", (PAIRS, MIGRATE, ENDS, CATALOG, UNIT, MIGRATION)),
    ("csrc/host/", "core faults out_of_memory uffd_abi", (HOST, CONTEXT, UNIT, LIVE)),
    ("pymig/host/", "", (VALUES, CONTEXT, HOST, UNIT, LIVE)),
    ("pymig/qemu/binary.py", "", (LIVE, BUILD, UNIT)),
    ("pymig/qemu/", "", (BUILD, CONTEXT, UNIT, VECTORS)),
    ("pymig/ends/", "", (ENDS, STATUS, PAIRS, UNIT, MIGRATION, CATALOG, LIBVIRT)),
    ("pymig/libvirt/", "", (LIBVIRT, UNIT)),
    ("pymig/catalog/", "", (CATALOG, UNIT)),
    ("pymig/cli/", "", (CLI, UNIT, CATALOG, LIBVIRT, FLEET, MIGRATION)),
    ("pymig/fleet/", "", (FLEET, UNIT)),
    ("pymig/state.py", "", (CONTRACT, BUILD, UNIT, VECTORS, LEAKS)),
    ("pymig/", "", (CONTEXT, CONTRACT, BUILD, UNIT, LEAKS)),
)


def _files(arguments):
    """The files of tests, each once, in this order. (pytest would merge a file with the folder that it is in.)"""
    found = {}
    for argument in arguments:
        path = ROOT / argument
        files = sorted(path.glob("test_*.py")) if path.is_dir() else [path]
        found.update(dict.fromkeys(file.relative_to(ROOT).as_posix() for file in files))
    return tuple(found)


def suite_of(path):
    """The programs of tests/c and the arguments of pytest; None if nothing here can run the file."""
    for beginning, programs, arguments in SUITES:
        if path.startswith(beginning):
            deselected = tuple(f"--deselect={test}" for test in LEFT_OUT)
            return (tuple(programs.split()), _files(arguments) + deselected) if arguments else None
    return None
