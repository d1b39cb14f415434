"""The programs of examples/ do what they say."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pymig import Context, Endpoint, Fleet, FleetMatrix, Host, Plan, probe
from pymig.fleet.outcomes import outcomes
from tests.fleet.ends import random_ends

EXAMPLES = Path(__file__).parents[2] / "examples"
PLAN = Plan(["multifd"], uri="tcp:destination:4444")

pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="needs the source tree: examples/")


@pytest.fixture
def lines(tmp_path):
    """A file with a document a line."""
    ends = list(random_ends(60, 5))
    file = tmp_path / "ends.jsonl"
    file.write_text("".join(f"{json.dumps(end.to_dict())}\n" for end in ends))
    return file


def test_blocks_computed_apart_fit_together(lines):
    fleet = Fleet(lines.read_text().splitlines())
    ends = fleet.representatives(PLAN)
    assert all(isinstance(end, Endpoint) for end in ends)
    assert len(ends) == fleet.matrix(PLAN).classes
    blocks = [outcomes(ends[i : i + 7], ends, PLAN) for i in range(0, len(ends), 7)]
    assert FleetMatrix(fleet, PLAN, b"".join(blocks)) == fleet.matrix(PLAN)
    with pytest.raises(ValueError, match="codes must have a byte a pair of classes"):
        FleetMatrix(fleet, PLAN, b"")


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="optional: make test-fleet installs Dask")
def test_dask_with_two_workers(lines):
    words = [sys.executable, EXAMPLES / "fleet_dask.py", lines, "multifd", "--workers", "2", "--block", "7"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    fleet = Fleet(lines.read_text().splitlines())
    matrix = fleet.matrix(PLAN)
    kinds = {f"{outcome}: {guest}": matrix.count(i) for i, (outcome, guest) in enumerate(matrix.kinds) if i}
    wanted = {kind: count for kind, count in kinds.items() if count}
    assert json.loads(done.stdout) == {"ends": 60, "classes": fleet.classes, "ok": matrix.count(), **wanted}


ANSIBLE = shutil.which("ansible-playbook")


@pytest.mark.skipif(ANSIBLE is None, reason="optional: make test-fleet installs Ansible")
def test_ansible_collects_the_answers_of_hosts(tmp_path):
    inventory = tmp_path / "inventory"
    inventory.write_text("one ansible_connection=local\ntwo ansible_connection=local\n")
    command = tmp_path / "pymig"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m pymig "$@"\n')
    command.chmod(0o755)
    given = [f"ends={tmp_path / 'ends'}", f"pymig={command}", f"ansible_python_interpreter={sys.executable}"]
    words = [ANSIBLE, "-i", inventory, EXAMPLES / "collect.yml", *(word for one in given for word in ("-e", one))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, cwd=EXAMPLES.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    files = sorted((tmp_path / "ends").iterdir())
    assert [file.name for file in files] == ["one.json", "two.json"]
    fleet = Fleet({file.stem: Endpoint(Context(host=Host.from_json(file.read_text()))) for file in files})
    assert fleet.representatives(PLAN)[0].host == Host.from_json(probe().to_json())
