# SPDX-License-Identifier: GPL-2.0-or-later

"""JSON of others: what is accepted can be written and pickled again, and the rest is refused with the field's name."""

import copy
import errno
import json
import math
import os
import pickle
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pymig
from pymig.documents import MOST_BYTES, MOST_DEPTH

FACTS = json.loads(pymig.Host("available", pymig.PostcopySupport(False, 2, 1)).to_json()) | {"page_size": 4096}
CONTEXT = json.loads(pymig.Context("9.0", pymig.Host(), parameters={"multifd-channels": 3}).to_json())


def pairs(document):
    return [[name, value] for name, value in document.items()]


@pytest.mark.parametrize(
    "path, value, says",
    [
        (["postcopy"], pairs(FACTS["postcopy"]), "postcopy must be an object, not list"),
        (["older"], pairs(FACTS["older"]), "older must be an object, not list"),
        (["older"], None, "older must be an object"),
        (["older", "8.0"], pairs(FACTS["older"]["8.0"]), r"older\.8\.0 must be an object"),
        (["older", "7.2", "postcopy"], ["ok"], "postcopy must be an object"),
        (["postcopy", "ok"], 1, "ok must be a bool"),
        (["postcopy", "step"], True, "step must be an int, not bool"),
        (["postcopy", "step"], 2.0, "step must be an int, not float"),
        (["postcopy", "detail"], False, "detail must be an int, not bool"),
        (["postcopy", "block_length"], True, r"postcopy\.block_length must be a number of bytes"),
        (["postcopy", "message"], False, "message must be a str, not bool"),
        (["postcopy", "errno"], True, "errno must be null or an errno's name"),
        (["page_size"], True, "page_size must be a number of bytes"),
        (["page_size"], 2**64, "page_size must be a number of bytes"),
        (["write_tracking"], True, "write_tracking must be a str, not bool"),
        (["new"], math.nan, "new is nan, which is no number in JSON"),
        (["postcopy", "new"], [math.inf], r"postcopy\.new is inf, which is no number"),
        (["older", "8.0", "x"], {"y": -math.inf}, r"older\.8\.0\.x\.y is -inf"),
        (["postcopy", "message"], "\ud800", r"postcopy\.message has a lone surrogate.*'\\ud800'"),
        (["\udfff"], 1, "a name in text has a lone surrogate"),
        (["new\n"], math.nan, r"new\\n is nan"),
        (["new"], 10**40, "a number of 41 digits"),
    ],
    ids=ascii,
)
def test_refused(path, value, says):
    document = copy.deepcopy(FACTS)
    place = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=says):
        pymig.Host.from_json(json.dumps(document))


def nested(depth):
    return json.dumps(FACTS)[:-1] + ', "new": ' + "[" * depth + "]" * depth + "}"


def test_depth():
    deepest = MOST_DEPTH - 1
    assert pymig.Host.from_json(pymig.Host.from_json(nested(deepest)).to_json()).to_dict()["new"] != []
    for depth in (deepest + 2, 900, 10**6):
        with pytest.raises(ValueError, match="nested"):
            pymig.Host.from_json(nested(depth))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-be"])
@pytest.mark.parametrize("new", ["plain", "Zürich", "\U0001f642", 'a \\ or a "', 1.5, -(10**38), 1e300])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_every_spelling(encoding, new, ensure_ascii):
    text = json.dumps({**FACTS, "new": new}, ensure_ascii=ensure_ascii)
    for spelled in (text, text.encode(encoding)):
        assert pymig.Host.from_json(spelled).to_dict() == {**FACTS, "new": new}


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 400 + ".0", "NaN", "Infinity", "-Infinity"])
def test_numbers_beyond_json(number):
    with pytest.raises(ValueError, match=r"^a\.b is (-?inf|nan), which is no number in JSON$"):
        pymig.Host.from_json(json.dumps(FACTS)[:-1] + f', "a": {{"b": {number}}}}}')


@pytest.mark.parametrize("encode", [str, str.encode], ids=["str", "bytes"])
def test_size(encode):
    text = json.dumps(FACTS)
    pymig.Host.from_json(encode(text.ljust(MOST_BYTES)))
    with pytest.raises(ValueError, match="longer than 16 MiB"):
        pymig.Host.from_json(encode(text.ljust(MOST_BYTES + 1)))


anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.integers(0, 16),
        st.floats(),
        st.text(st.characters()),
        st.text(st.characters(categories=["Cs"]), min_size=1),
        st.sampled_from(["absent", "compatible", "EPERM", "1", "1.9", "9.0", "none", FACTS, FACTS["older"]]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=3), st.sampled_from(["ok", "8.0"])), inner, max_size=3),
    ),
    max_leaves=6,
)


def places(document):
    """Every object within the document, with each of its names."""
    for name, value in document.items():
        yield document, name
        if isinstance(value, dict):
            yield from places(value)


@pytest.mark.parametrize("kind, document", [(pymig.Host, FACTS), (pymig.Context, CONTEXT)], ids=["host", "context"])
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_what_is_accepted_can_be_written_and_pickled(kind, document, data):
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        place, name = data.draw(st.sampled_from(list(places(document))))
        if data.draw(st.booleans()):
            del place[name]
        else:
            place[name + data.draw(st.sampled_from(["", "", "x"]))] = copy.deepcopy(data.draw(anything))
        if not document:
            return
    try:
        accepted = kind.from_json(json.dumps(document))
    except (ValueError, pymig.ParameterError) as error:
        assert str(error)
        return
    written = accepted.to_json()
    assert kind.from_json(written) == pickle.loads(pickle.dumps(accepted)) == accepted
    assert kind.from_json(written).to_json() == written


def check(*arguments, **keywords):
    command = [sys.executable, "-m", "pymig", "check", "multifd", "--host", *arguments]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, **keywords)
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    return ended.returncode, ended.stderr


def test_files_that_are_no_documents(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "large").write_bytes(b"[" + b" " * MOST_BYTES)
    for path, says in {
        tmp_path / "fifo": "fifo: text is not JSON",
        "/dev/zero": "/dev/zero: neither a file nor a pipe",
        tmp_path: "neither a file nor a pipe",
        tmp_path / "large": "text is longer than 16 MiB",
        "/proc/self/mem": os.strerror(errno.EIO),
        "a\nb": r"a\nb: No such file",
    }.items():
        status, error = check(str(path))
        assert status == 2
        assert says in error


def test_standard_input_that_is_no_document():
    with open("/dev/zero", "rb") as endless:
        assert check("-", stdin=endless) == (2, "pymig: --host -: text is longer than 16 MiB\n")
    closed = subprocess.run(
        ["sh", "-c", '"$0" -m pymig check multifd --host - <&-', sys.executable],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (closed.returncode, closed.stderr) == (2, "pymig: --host -: standard input is closed\n")
