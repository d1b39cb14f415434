# SPDX-License-Identifier: GPL-2.0-or-later

"""docs/endpoint.schema.json describes what Endpoint.to_json() writes."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pymig import Context, Endpoint, Host
from pymig.ends.endpoint import BLOCK_KEYS, BLOCK_KINDS
from tests.migration import recorded
from tests.unit.test_ends import KNOWN

SCHEMA = Path(__file__).parents[2] / "docs" / "endpoint.schema.json"

pytestmark = pytest.mark.skipif(not SCHEMA.exists(), reason="needs docs/, which only the source tree has")


@pytest.fixture(scope="module")
def schema():
    return json.loads(SCHEMA.read_text())


@pytest.fixture(scope="module")
def validator(schema):
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def least():
    return Endpoint(Context("10.0"))


def most():
    return Endpoint(Context("10.0", Host()), **KNOWN)


@pytest.mark.parametrize("end", [least, most])
def test_what_is_written_is_valid(validator, end):
    assert list(validator.iter_errors(end().to_dict())) == []


def test_ends_of_recorded_migrations_are_valid(validator):
    ends = [recorded.endpoint_of(row["source"]) for row in recorded.rows()[::10]]
    assert len(ends) > 50
    assert [error.message for end in ends for error in validator.iter_errors(end.to_dict())] == []


def test_it_describes_every_field(schema):
    assert schema["properties"].keys() == most().to_dict().keys()
    block = schema["properties"]["ram_blocks"]["additionalProperties"]["properties"]
    assert (tuple(block), tuple(block["kind"]["enum"])) == (BLOCK_KEYS, BLOCK_KINDS)


WRONG = [
    {"schema": "pymig-host"},
    {"version": "2.0"},
    {"context": None},
    {"context": {}},
    {"capabilities": "multifd"},
    {"parameters": []},
    {"blockers": [1]},
    {"paused": 1},
    {"status": None},
    {"machine": None},
    {"uuid": 1},
    {"ram_blocks": {"pc.ram": {"size": 0}}},
    {"ram_blocks": {"pc.ram": {"pages": 1}}},
    {"ram_blocks": {"pc.ram": {"kind": "hugetlb"}}},
    {"cpus": 0},
    {"cpu_model": 1},
    {"devices": [["virtio-rng-pci"]]},
    {"devices": [["virtio-rng-pci", None, None]]},
    {"tls_objects": {"tls0": {"endpoint": "both"}}},
    {"block_nodes": "n0"},
    {"bitmaps": {"n0": "b0"}},
]


@pytest.mark.parametrize("change", WRONG, ids=json.dumps)
def test_what_is_wrong_is_invalid_and_refused(validator, change):
    document = {**most().to_dict(), **change}
    assert list(validator.iter_errors(document)) != []
    with pytest.raises((TypeError, ValueError)):
        Endpoint.from_json(json.dumps(document))
