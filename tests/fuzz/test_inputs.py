# SPDX-License-Identifier: GPL-2.0-or-later

"""Texts from outside: facts, contexts, memory, releases, names, command lines.

Each is refused with a documented exception, or it is understood, and then survives its round trip. The same examples on
every run; ``make fuzz`` sets PYMIG_FUZZ_EXAMPLES to try as many others.
"""

import contextlib
import copy
import io
import json
import os
import pickle
import sys
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pymig import (
    CapabilitySet,
    Checker,
    Context,
    Host,
    Memory,
    MigrationError,
    MigrationState,
    PostcopySupport,
    QemuBuild,
    explain,
)
from pymig.catalog.explain import closest
from pymig.catalog.explanation import KINDS
from pymig.catalog.messages import messages
from pymig.cli import main
from pymig.cli.arguments import CIRCUMSTANCES, WITHOUT

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

EXAMPLES = os.environ.get("PYMIG_FUZZ_EXAMPLES")
fuzzed = settings(
    max_examples=int(EXAMPLES or 150),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

NAMES = list(CapabilitySet.from_mask(2**24 - 1))
RELEASES = list(QemuBuild.releases())
PARAMETERS = {"multifd-compression": "zlib", "tls-creds": "tls0", "multifd-channels": 4, "announce-max": 7}

# ---- Documents: valid ones with some values replaced, removed or added ----

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-2, 20),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["compatible", "absent", "EPERM", "EXYZ", "9" * 30, "1.7", "2.0", "7.2", "9.0", *NAMES[:3]]),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places_in(document, path=()):
    """The path of each value in a document."""
    if not isinstance(document, (dict, list)):
        return
    for key, value in document.items() if isinstance(document, dict) else enumerate(document):
        yield (*path, key)
        yield from places_in(value, (*path, key))


@st.composite
def mutants(draw, documents):
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(0, 4))):
        places = list(places_in(document))
        if not places:
            break
        *path, last = draw(st.sampled_from(places))
        holder = document
        for key in path:
            holder = holder[key]
        match draw(st.sampled_from(["replace", "remove", "add", "pairs"])):
            case "replace":
                holder[last] = draw(values)
            case "remove":
                del holder[last]
            case "add" if isinstance(holder, dict):
                holder[draw(st.text(max_size=8))] = draw(values)
            case "pairs" if isinstance(holder[last], dict):  # what dict() would take
                holder[last] = [list(item) for item in holder[last].items()]
    return document


HOSTS = [
    Host(),
    Host("absent", PostcopySupport(ok=False, step=2, errno=1)),
    Host("available", PostcopySupport(ok=False, step=8, detail=3), write_tracking_ignore_shared="compatible"),
    Host.local([Memory(), Memory("memfd", share=True)]),
]
CONTEXTS = [
    Context(),
    Context(QemuBuild("9.0", zstd=False, target="aarch64"), Host(), parameters=PARAMETERS, target_page_size=4096),
    Context("rhel-9.3", Host("absent", False), incoming=True, incoming_started=True),
    Context("10.2", rdma=True, kvm_dirty_ring=True, parameters={"mode": "cpr-reboot"}),
]


def survives(value, from_json):
    """A value equals what its JSON, its pickle and its copy say."""
    text = value.to_json()
    again = from_json(text)
    assert again == value
    assert hash(again) == hash(value)
    assert again.to_json() == text
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value
    json.loads(text, parse_constant=pytest.fail)


def understood(function, argument, refusals):
    """function(argument), or None if it raises one of its documented exceptions, with a text."""
    try:
        return function(argument)
    except refusals as refusal:
        assert str(refusal)
        return None


@fuzzed
@given(mutants([json.loads(host.to_json()) for host in HOSTS]))
def test_facts_of_a_host(document):
    host = understood(Host.from_json, json.dumps(document), ValueError)
    if host is not None:
        survives(host, Host.from_json)
        for release in ("7.2", "8.0", "10.0"):
            Checker(release, host, incoming=True).explain(["postcopy-ram", "background-snapshot"])


@fuzzed
@given(mutants([json.loads(context.to_json()) for context in CONTEXTS]))
def test_contexts(document):
    context = understood(Context.from_json, json.dumps(document), (ValueError, MigrationError))
    if context is not None:
        survives(context, Context.from_json)
        Checker(context).explain(["multifd"])


@fuzzed
@given(st.one_of(st.text(), st.binary(), values.map(json.dumps)))
def test_any_text_for_a_document(text):
    for from_json in (Host.from_json, Context.from_json):
        assert understood(from_json, text, ValueError) is None


# ---- Memory, builds, sets ----

memory_words = st.sampled_from(
    "anonymous memfd file file:/dev/shm memory-backend-ram memory-backend-memfd memory-backend-file share share=on "
    "share=off readonly hugetlb=on hugetlbsize=2M page_size=3 page_size=2M size=1G size=0 size=99999999999T size=-1 "
    "mem-path=/dev/shm mem-path= id=m0 prealloc=on policy=bind share=maybe".split()
)


@fuzzed
@given(st.lists(memory_words | st.text(max_size=12), max_size=6).map(",".join))
def test_texts_of_memory(text):
    memory = understood(Memory.parse, text, ValueError)
    if memory is not None:
        assert eval(repr(memory)) == memory
        assert pickle.loads(pickle.dumps(memory)) == memory


release_texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from(RELEASES),
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,12}){0,3}(-.*)?", fullmatch=True),
    st.lists(st.integers(-1, 2**65) | st.integers(7, 11), max_size=4).map(tuple),
)


@fuzzed
@given(release_texts, st.none() | st.text(max_size=8) | st.just("aarch64"), st.none() | st.text(max_size=8))
def test_releases(release, target, machine):
    build = understood(lambda text: QemuBuild(text, target=target, machine=machine), release, ValueError)
    if build is not None:
        assert QemuBuild(build.release, target=target, machine=machine) == build
        assert pickle.loads(pickle.dumps(build)) == build
        survives(Context(build), Context.from_json)


@fuzzed
@given(st.lists(st.sampled_from(NAMES) | st.text(max_size=8)), st.sets(st.sampled_from(NAMES)))
def test_sets_of_capabilities(names, others):
    made = understood(CapabilitySet, names, ValueError)
    assert (made is not None) == (set(names) <= set(NAMES))
    if made is None:
        return
    assert set(made) == set(names)
    assert CapabilitySet.from_mask(made.mask) == made
    other = CapabilitySet(others)
    for operation in (set.__and__, set.__or__, set.__sub__, set.__xor__):
        assert set(getattr(made, operation.__name__)(other)) == operation(set(names), others)


@fuzzed
@given(st.sampled_from(RELEASES), st.dictionaries(st.sampled_from([*PARAMETERS, "mode", "x"]), values, max_size=4))
def test_parameters_are_set_all_or_none(release, changes):
    state = MigrationState(release, HOSTS[0])
    before = state.query_parameters()
    try:
        state.set_parameters(changes)
    except (MigrationError, TypeError, ValueError):
        assert state.query_parameters() == before
        return
    after = state.query_parameters()
    assert {name: value for name, value in before.items() if name not in changes} == {
        name: value for name, value in after.items() if name not in changes
    }


# ---- Command lines ----

FACTS = HOSTS[1].to_json()

words = st.one_of(
    st.sampled_from(["check", "probe", "diff", "list", "--json", "--all", "--old", "--strict", "--list", "--only"]),
    st.sampled_from(["--qemu", "all", "--parameter", "--host", "--memory", "--without", "--", "-", "/dev/null", "{}"]),
    st.sampled_from(["multifd-compression=zstd", "multifd-channels=0", "tls-creds=", "=", "memfd,share", "file:/dev"]),
    st.sampled_from([*NAMES, *RELEASES, *WITHOUT, *(f"--{name}" for name in CIRCUMSTANCES)]),
    # What holds a slash might be the path of a program.
    st.text(st.characters(exclude_characters="/"), max_size=8),
)


@contextlib.contextmanager
def stdin_holds(text):
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(text.encode()))
    try:
        yield
    finally:
        sys.stdin = before


def answers(line):
    """Exit status, standard output and standard error of a command line."""
    out, error = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(error),
        stdin_holds(FACTS),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            status = main(line)
        except SystemExit as ended:  # --help, --version
            status = ended.code
    return status, out.getvalue(), error.getvalue()


@fuzzed
@given(st.sampled_from(["check", "probe", "diff", "list"]), st.lists(words, max_size=8))
def test_command_lines(command, rest):
    status, out, error = answers([command, *rest])
    assert status in {0, 1, 2}
    assert "Traceback" not in error
    assert status != 2 or out or error
    assert "\x1b" not in out + error


PIECES = [
    *(message.text for message in messages()),
    "multifd",
    "mode",
    "'",
    '"',
    "\\",
    "\n",
    ": ",
    "<x>",
    "&#39;",
    "\x1b[0m",
    "=",
]


@fuzzed
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=6).map("".join)))
def test_texts_to_explain(text):
    found = explain(text)
    assert len(found) == len(set(found))
    assert all(one.kind in KINDS and one.title and one.text for one in found)
    assert isinstance(closest(text), tuple)
