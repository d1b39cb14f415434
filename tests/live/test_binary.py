# SPDX-License-Identifier: GPL-2.0-or-later

"""QemuBuild.from_binary: the real QEMU, and binaries that are none, hang, die, flood or are somebody else's QEMU."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

import pymig
from pymig.cli import main
from tests.fake_binary import program, server
from tests.live.conftest import entities_of, enum_of, live_qemu

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def real_answers():
    with live_qemu() as qemu:
        questions = ("query-version", "query-qmp-schema", "query-migrate-capabilities", "query-target")
        return {question: qemu.ask(question) for question in questions}


@pytest.fixture
def fake(tmp_path):
    """Makes a binary that gives these answers over QMP."""

    def make(answers):
        (tmp_path / "answers").write_text(json.dumps(answers))
        return server(tmp_path, f"serve(json.load(open({str(tmp_path / 'answers')!r})))")

    return make


def test_the_real_one(binary, version, nothing_left):
    build = pymig.QemuBuild.from_binary(binary)
    assert build.release == pymig.QemuBuild(version).release
    assert build.downstream == ()
    assert nothing_left()


def edited(answers, edit):
    copy = json.loads(json.dumps(answers))
    edit(copy, entities_of(copy["query-qmp-schema"]))
    return copy


def capability_enum(entities):
    return next(e for e in entities.values() if e["meta-type"] == "enum" and "postcopy-ram" in e["values"])


def of_other_releases(here, names_of):
    """What some release has, by the first one that does, and this one has not."""
    releases = [pymig.QemuBuild(release) for release in reversed(pymig.QemuBuild.releases())]
    return {name: build for build in releases for name in names_of(build) if name not in here}


def parameters_of(build):
    return pymig.MigrationState(build, pymig.Host()).query_parameters()


def test_a_downstream_version_is_followed_by_its_schema(build, real_answers, fake):
    capabilities = of_other_releases(build.capabilities, lambda build: build.capabilities)
    parameters = of_other_releases(parameters_of(build), parameters_of)

    def backport(answers, entities):
        enum = capability_enum(entities)
        enum["values"] += [*capabilities, "x-vendor"]
        enum["values"].remove("x-colo")
        enum.pop("members", None)
        answers["query-migrate-capabilities"] += [{"capability": name, "state": False} for name in capabilities]
        members = entities[entities["migrate-set-parameters"]["arg-type"]]["members"]
        members.extend({"name": name, "type": "str"} for name in parameters)
        members[:] = [member for member in members if member["name"] != "announce-step"]

    found = pymig.QemuBuild.from_binary(fake(edited(real_answers, backport)))
    assert found.release == build.release
    told = [re.match(r"(has|lacks) the \w+ ([\w-]+)", text).groups() for text in found.downstream]
    added = [("has", name) for name in (*capabilities, "x-vendor", *parameters)]
    assert sorted(told) == sorted([*added, ("lacks", "x-colo"), ("lacks", "announce-step")])
    checker = pymig.Checker(found, pymig.Host())
    for name, native in capabilities.items():
        assert checker.check([name]).message == pymig.Checker(native, pymig.Host()).check([name]).message
    with pytest.raises(pymig.UnknownCapabilityError):
        checker.check(["x-colo"])
    state = pymig.MigrationState(found, pymig.Host())
    assert state.query_parameters().keys() == {*parameters_of(build), *parameters} - {"announce-step"}
    with pytest.raises(pymig.ParameterError, match="is unexpected"):
        state.set_parameters({"announce-step": 1})


def test_choices_at_build_time(real_answers, fake):
    def minimal(answers, entities):
        answers["query-qmp-schema"] = [entity for entity in answers["query-qmp-schema"] if "xen-" not in entity["name"]]
        compressions = enum_of(entities, "migrate-set-parameters", "multifd-compression")
        compressions[:] = [value for value in compressions if value != "zstd"]
        answers["query-migrate-capabilities"] = [
            entry for entry in answers["query-migrate-capabilities"] if entry["capability"] != "block"
        ]

    build = pymig.QemuBuild.from_binary(fake(edited(real_answers, minimal)))
    assert (build.replication, build.zstd) == (False, False)
    assert build.live_block_migration == ("block" not in build.capabilities)


@pytest.mark.parametrize(
    "version, release",
    [
        ((8, 0, 50), "8.0.50"),
        ((9, 2, 4), "9.2.4"),
        ((10, 2, 50), "10.2.50"),
        ((10, 1, 91), "10.2"),
        ((8, 0, 92), "8.1"),
    ],
)
def test_versions(real_answers, fake, version, release):
    def number(answers, entities):
        answers["query-version"]["qemu"] = dict(zip(("major", "minor", "micro"), version, strict=True))

    assert pymig.QemuBuild.from_binary(fake(edited(real_answers, number))).release == release


def test_a_version_that_is_too_new(real_answers, fake):
    def number(answers, entities):
        answers["query-version"]["qemu"] = {"major": 99, "minor": 1, "micro": 0}

    build = pymig.QemuBuild.from_binary(fake(edited(real_answers, number)))
    assert build.release == pymig.QemuBuild.releases()[-1]
    assert "99.1.0" in build.downstream[0]


def test_a_version_that_is_too_old(real_answers, fake):
    def number(answers, entities):
        answers["query-version"]["qemu"] = {"major": 2, "minor": 1, "micro": 0}

    with pytest.raises(ValueError, match="release must be one of"):
        pymig.QemuBuild.from_binary(fake(edited(real_answers, number)))


@pytest.mark.parametrize(
    "edit",
    [
        lambda answers, entities: answers.update({"query-qmp-schema": []}),
        lambda answers, entities: answers.update({"query-qmp-schema": 3}),
        lambda answers, entities: answers.update({"query-migrate-capabilities": {"x": 1}}),
        lambda answers, entities: answers["query-version"].update(qemu=[]),
    ],
)
def test_answers_that_no_qemu_gives(real_answers, fake, edit):
    with pytest.raises(pymig.QemuBinaryError):
        pymig.QemuBuild.from_binary(fake(edited(real_answers, edit)))


HANGS = "#!/bin/sh\nsleep 1000\n"
DIES = "#!/bin/sh\necho 'out of luck' >&2\nexit 3\n"
KILLED = "#!/bin/sh\nkill -9 $$\n"
FLOODS = """#!/bin/bash
[[ "$*" =~ fd=([0-9]+) ]]
yes flood >&2 &
yes '{"QMP": {' >&${BASH_REMATCH[1]}
"""
NO_LINE_END = """#!/bin/bash
[[ "$*" =~ fd=([0-9]+) ]]
tr '\\0' x < /dev/zero >&${BASH_REMATCH[1]}
"""


@pytest.mark.parametrize(
    "text, says",
    [
        (HANGS, "did not answer over QMP within 2 seconds"),
        (DIES, "out of luck"),
        (KILLED, "does not answer over QMP"),
        (FLOODS, "does not answer over QMP"),
        (NO_LINE_END, "does not answer over QMP"),
        ("not a program", "can't be started"),
    ],
    ids=["hangs", "dies", "killed", "floods", "no line end", "no program"],
)
def test_binaries_that_are_no_qemu(tmp_path, nothing_left, text, says):
    path = program(tmp_path, text)
    descriptors = len(os.listdir("/proc/self/fd"))
    begin = time.monotonic()
    with pytest.raises(pymig.QemuBinaryError, match=says) as caught:
        pymig.QemuBuild.from_binary(path, timeout=2)
    assert path in str(caught.value)
    assert time.monotonic() - begin < 20
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert nothing_left()


def test_a_path_that_is_nothing():
    for path in ("/nonexistent/qemu", "/", "/bin/true"):
        with pytest.raises(pymig.QemuBinaryError):
            pymig.QemuBuild.from_binary(path)


def test_within_a_running_loop(binary, build):
    async def ask():
        return pymig.QemuBuild.from_binary(binary)

    assert asyncio.run(ask()) == build


INTERRUPTED = """
import asyncio, signal, sys, pymig
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores SIGINT
def ask():
    pymig.QemuBuild.from_binary(sys.argv[1], timeout=600)
async def ask_in_a_loop():
    ask()
try:
    {}
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("call", ["ask()", "asyncio.run(ask_in_a_loop())"], ids=["plain", "in a loop"])
def test_ctrl_c_ends_the_query(tmp_path, nothing_left, call):
    path = program(tmp_path, f"#!/bin/bash\ntouch {tmp_path}/started\nsleep 600\n")
    command = [sys.executable, "-c", INTERRUPTED.format(call), path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as caller:
        try:
            while not (tmp_path / "started").exists():
                assert caller.poll() is None
                time.sleep(0.01)
            caller.send_signal(signal.SIGINT)
            assert caller.communicate(timeout=60) == ("interrupted\n", None)
            assert nothing_left()
        finally:
            caller.kill()


def test_the_command_line(capsys, binary):
    assert main(["check", "multifd", "zero-copy-send", "xbzrle", "--qemu", binary]) == 1
    assert main(["check", "multifd", "--qemu", "/bin/true"]) == 2
    assert "does not answer over QMP" in capsys.readouterr().err
    assert main(["check", "multifd", "--qemu", binary, "--without", "zstd"]) == 2


def test_signals_of_the_caller_are_left_alone():
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
