# SPDX-License-Identifier: GPL-2.0-or-later

"""Each allocation of Python's fails in turn, or no file can be opened: an exception, nothing half done, no crash.

What C allocates and opens is failed in tests/c.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]


def starved(of):
    """The outcome of each call, by its name."""
    command = [sys.executable, "-m", "tests.unit.starved", of]
    return json.loads(subprocess.run(command, cwd=TREE, stdout=subprocess.PIPE, timeout=500, check=True).stdout)


def assert_nothing_is_wrong(outcomes):
    assert {name: outcome["wrong"] for name, outcome in outcomes.items() if outcome["wrong"]} == {}


GENERATOR_WITHOUT_MEMORY = """
import _testcapi
for i in range(200):
    _testcapi.set_nomemory(i, i + 1)
    try:
        tuple(part for part in (1, 2))
    except MemoryError:
        pass
    finally:
        _testcapi.remove_mem_hooks()
"""


@pytest.mark.skipif(importlib.util.find_spec("_testcapi") is None, reason="this CPython comes without _testcapi")
def test_without_memory():
    """CPython makes a SystemError of a few failures of its own."""
    if subprocess.run([sys.executable, "-c", GENERATOR_WITHOUT_MEMORY], check=False).returncode < 0:
        pytest.skip("this CPython crashes where a generator finds no memory (seen in 3.12.1 and 3.13.0)")
    outcomes = starved("memory")
    assert_nothing_is_wrong(outcomes)
    for name, outcome in outcomes.items():
        assert "MemoryError" in outcome["raised"], name
        assert set(outcome["raised"]) <= {"MemoryError", "SystemError"}, name


def test_without_descriptors():
    """A call that must import a module first says that it could not. The next one can."""
    outcomes = starved("descriptors")
    assert_nothing_is_wrong(outcomes)
    raised = {error for outcome in outcomes.values() for error in outcome["raised"]}
    assert raised <= {"OSError", "ModuleNotFoundError", "ImportError", "HostUnknownError"}
