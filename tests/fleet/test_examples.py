# SPDX-License-Identifier: GPL-2.0-or-later

"""The programs of examples/ do what they say."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet
import pytest

from pymig import Context, Endpoint, Fleet, FleetMatrix, Host, HostUnknownError, Plan, preflight, probe
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


@pytest.fixture(params=["JSON Lines", "Parquet"])
def data_sets(request, tmp_path):
    """Two folders of ends in several files, and the ends."""
    folders, ends = [], []
    for name, seed, count in (("sources", 5, 60), ("destinations", 6, 45)):
        folder = tmp_path / name
        folder.mkdir()
        ends.append([*random_ends(count, seed)])
        documents = [json.dumps(end.to_dict()) for end in ends[-1]]
        for start in range(0, count, 25):
            write(folder / f"part{start}", documents[start : start + 25], request.param)
        folders.append(folder)
    return folders, ends


def write(file, documents, form):
    if form == "JSON Lines":
        file.with_suffix(".jsonl").write_text("".join(f"{text}\n" for text in documents))
    else:
        table = pyarrow.table({"document": documents, "rack": list(range(len(documents)))})
        pyarrow.parquet.write_table(table, file.with_suffix(".parquet"), row_group_size=10)


def kind_of(source, destination):
    try:
        flight = preflight(source, destination, PLAN)
    except HostUnknownError:
        return "unknown: unknown"
    return "ok" if flight.ok else f"{flight.outcome}: {flight.guest}"


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="optional: make test-fleet installs Dask")
def test_dask_with_two_workers(data_sets):
    (sources, destinations), ends = data_sets
    options = [sources, "multifd", "--to", destinations, "--workers", "2", "--block", "7"]
    words = [sys.executable, EXAMPLES / "fleet_dask.py", *options]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    told = json.loads(done.stdout)
    for name, every in zip(("sources", "destinations"), ends, strict=True):
        fleet = Fleet({str(i): end for i, end in enumerate(every)})
        assert told.pop(name) == {"ends": len(every), "classes": len(fleet.variants)}
    assert told == Counter(kind_of(source, destination) for source in ends[0] for destination in ends[1])


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
