# SPDX-License-Identifier: GPL-2.0-or-later

"""The types of the extension module are those of csrc/pymig.h."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pymig
from pymig._core import lib

SCRIPT = Path(__file__).parents[2] / "csrc" / "stub.py"
STUB = Path(pymig.__file__).with_name("_core.pyi")


@pytest.mark.skipif(not SCRIPT.exists(), reason="needs csrc/, which only the source tree has")
def test_stub_is_made_from_the_header():
    made = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=True).stdout
    assert made == STUB.read_text(), "csrc/pymig.h has changed: run `make stub`"


def test_stub_has_every_name_of_the_library_and_no_other():
    classes = {node.name: node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.ClassDef)}
    names = {node.target.id if isinstance(node, ast.AnnAssign) else node.name for node in classes["Lib"].body}
    assert names == set(dir(lib))


def test_package_says_that_it_is_typed():
    assert STUB.with_name("py.typed").exists()
