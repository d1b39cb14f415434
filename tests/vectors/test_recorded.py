"""Every recorded answer of a real QEMU is reproduced, word for word."""

import array

import pytest

from pymig import Checker, IgnoredParameterWarning, MigrationState
from tests.conftest import message_of
from tests.vectors import recorded

CONTEXTS = [(label, name) for label in recorded.labels() for name in recorded.load(label)["contexts"]]


@pytest.mark.parametrize("label, name", CONTEXTS, ids="/".join)
def test_verdicts(label, name):
    file = recorded.load(label)
    context = file["contexts"][name]
    own = recorded.own_masks(file)
    checker = Checker(
        recorded.BUILDS[label],
        recorded.host_of(context, label),
        parameters=context["parameters"],
        **recorded.circumstances(context),
    )
    old = 0
    for mask, index in context["cases"]:
        new = own(mask)
        text = file["messages"][index]
        assert checker.check(new, old).message == text, (old, new)
        assert checker.verdicts[checker.check_many(array.array("Q", [new]), old)[0]].message == text
        if not text:
            old = new


@pytest.mark.parametrize("label, name", CONTEXTS, ids="/".join)
def test_a_state_that_follows_the_requests(label, name):
    file = recorded.load(label)
    context = file["contexts"][name]
    names = [capability["name"] for capability in file["capabilities"]]
    state = MigrationState(recorded.BUILDS[label], recorded.host_of(context, label), **recorded.circumstances(context))
    state.set_parameters(context["parameters"])
    for mask, index in context["cases"]:
        request = [{"capability": name, "state": bool(mask >> i & 1)} for i, name in enumerate(names)]
        assert message_of(state.set_capabilities, request) == file["messages"][index]


@pytest.mark.parametrize("label", recorded.labels())
def test_capabilities_and_what_is_listed(label):
    file = recorded.load(label)
    build = recorded.BUILDS[label]
    assert list(build.capabilities) == [capability["name"] for capability in file["capabilities"]]
    for mark in ("unstable", "deprecated"):
        marked = [capability["name"] for capability in file["capabilities"] if mark in capability["features"]]
        assert list(getattr(build, mark)) == marked
    listed = [entry["capability"] for entry in MigrationState(build, recorded.CAPABLE).query_capabilities()]
    assert listed == file["listed"]


@pytest.mark.parametrize("label, name", CONTEXTS, ids="/".join)
def test_warnings_are_those_that_were_logged(label, name):
    file = recorded.load(label)
    context = file["contexts"][name]
    own = recorded.own_masks(file)
    checker = Checker(recorded.BUILDS[label], recorded.host_of(context, label), **recorded.circumstances(context))
    given = {text for mask, _ in context["cases"] for text in checker.check(own(mask)).warnings}
    logged = {line.removeprefix("warning: ") for line in context["log"] if line.startswith("warning: ")}
    assert given == logged


@pytest.mark.parametrize("label", recorded.labels())
def test_default_parameters(label):
    assert (
        MigrationState(recorded.BUILDS[label], recorded.CAPABLE).query_parameters()
        == recorded.load(label)["parameters"]
    )


@pytest.mark.filterwarnings("ignore::pymig.IgnoredParameterWarning")
@pytest.mark.parametrize("label", recorded.labels())
def test_parameter_cases(label):
    for parameters, text in recorded.load(label)["parameter_cases"]:
        state = MigrationState(recorded.BUILDS[label], recorded.CAPABLE)
        before = state.query_parameters()
        assert message_of(state.set_parameters, parameters) == text, parameters
        if text:
            assert state.query_parameters() == before


@pytest.mark.parametrize("label", recorded.labels())
def test_malformed_requests(label):
    for request, text in recorded.load(label)["name_cases"]:
        state = MigrationState(recorded.BUILDS[label], recorded.CAPABLE)
        assert message_of(state.set_capabilities, request) == text, request
        if text:
            assert not state.capabilities


SESSIONS = [
    (label, i)
    for label in recorded.labels(".sessions")
    for i in range(len(recorded.load(f"{label}.sessions")["sessions"]))
]


@pytest.mark.filterwarnings("ignore::pymig.IgnoredParameterWarning")
@pytest.mark.parametrize("label, i", SESSIONS)
def test_sessions(label, i):
    session = recorded.load(f"{label}.sessions")["sessions"][i]
    state = MigrationState(recorded.BUILDS[label], recorded.CAPABLE, incoming=session["incoming"])
    commands = {
        "set-capabilities": lambda argument: message_of(state.set_capabilities, argument),
        "set-parameters": lambda argument: message_of(state.set_parameters, argument),
        "query-capabilities": lambda _: state.query_capabilities(),
        "query-parameters": lambda _: state.query_parameters(),
    }
    for step, (command, argument, expected) in enumerate(session["steps"]):
        assert commands[command](argument) == expected, (step, command, argument)


def test_the_warning_about_a_parameter_that_is_ignored():
    state = MigrationState(host=recorded.CAPABLE)
    with pytest.warns(IgnoredParameterWarning, match="8.0.50 accepts multifd-zlib-level and ignores it"):
        state.set_parameters({"multifd-zlib-level": 9})
    assert state.multifd_zlib_level == 1
