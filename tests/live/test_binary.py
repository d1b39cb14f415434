"""QemuBuild.from_binary: the real QEMU, and binaries that are none, hang, die, flood or are somebody else's QEMU."""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

import pymig
from pymig.cli import main
from tests.live.conftest import BINARY, live_qemu

pytestmark = pytest.mark.live

# The client ends no request with a line end: they are read as JSON, as QEMU does.
FAKE = """#!{python}
import json, re, socket, sys
answers = json.load(open({answers!r}))
connection = socket.socket(fileno=int(re.search(r",fd=(\\d+)", " ".join(sys.argv))[1]))
def say(message):
    connection.sendall(json.dumps(message).encode() + b"\\n")
say({{"QMP": {{"version": {{"qemu": answers["query-version"]["qemu"], "package": ""}}, "capabilities": []}}}})
text = ""
while data := connection.recv(4096):
    text = (text + data.decode()).lstrip()
    try:
        request, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        continue
    text = text[end:]
    say({{"return": answers.get(request["execute"], {{}}), "id": request.get("id")}})
"""


@pytest.fixture(scope="module")
def real_answers():
    with live_qemu() as qemu:
        return {name: qemu.ask(name) for name in ("query-version", "query-qmp-schema", "query-migrate-capabilities")}


@pytest.fixture
def fake(tmp_path):
    """Makes a binary that gives these answers over QMP."""

    def make(answers):
        (tmp_path / "answers").write_text(json.dumps(answers))
        return script(tmp_path, FAKE.format(python=sys.executable, answers=str(tmp_path / "answers")))

    return make


def script(folder, text):
    path = folder / "qemu"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def processes():
    """The command lines of those that from_binary started and that still run; a dead one has none."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes())
    return [line for line in found if b"id=qmp,fd=" in line]


def test_the_real_one():
    import shutil

    build = pymig.QemuBuild.from_binary(shutil.which(BINARY))
    assert build.release == "7.2"
    assert build == pymig.QemuBuild("7.2")
    assert build.downstream == ()
    assert processes() == []


def edited(answers, edit):
    copy = json.loads(json.dumps(answers))
    edit(copy, {entity["name"]: entity for entity in copy["query-qmp-schema"]})
    return copy


def capability_enum(entities):
    return next(e for e in entities.values() if e["meta-type"] == "enum" and "postcopy-ram" in e["values"])


def test_a_downstream_version_is_followed_by_its_schema(real_answers, fake):
    def backport(answers, entities):
        enum = capability_enum(entities)
        enum["values"] += ["switchover-ack", "x-vendor"]
        enum["values"].remove("x-colo")
        enum.pop("members", None)
        parameters = entities[entities["migrate-set-parameters"]["arg-type"]]["members"]
        parameters.append({"name": "mode", "type": "str"})
        parameters[:] = [member for member in parameters if member["name"] != "compress-level"]

    build = pymig.QemuBuild.from_binary(fake(edited(real_answers, backport)))
    assert build.release == "7.2"
    assert build.downstream == (
        "has the capability switchover-ack, which 7.2 has not",
        "has the capability x-vendor, which pymig does not know",
        "lacks the capability x-colo of 7.2",
        "has the parameter mode, which 7.2 has not",
        "lacks the parameter compress-level of 7.2",
    )
    checker = pymig.Checker(build, pymig.Host())
    assert checker.check(["switchover-ack"]).message == "Capability 'switchover-ack' requires capability 'return-path'"
    with pytest.raises(pymig.UnknownCapabilityError):
        checker.check(["x-colo"])
    state = pymig.MigrationState(build, pymig.Host())
    state.set_parameters({"mode": "cpr-reboot"})
    assert "compress-level" not in state.query_parameters()
    with pytest.raises(pymig.ParameterError, match="is unexpected"):
        state.set_parameters({"compress-level": 1})


def test_choices_at_build_time(real_answers, fake):
    def minimal(answers, entities):
        answers["query-qmp-schema"] = [entity for entity in answers["query-qmp-schema"] if "xen-" not in entity["name"]]
        compression = next(
            e
            for e in entities.values()
            if e["meta-type"] == "enum" and "zstd" in e["values"] and "zlib" in e["values"] and len(e["values"]) == 3
        )
        compression["values"].remove("zstd")
        answers["query-migrate-capabilities"] = [
            entry for entry in answers["query-migrate-capabilities"] if entry["capability"] != "block"
        ]

    build = pymig.QemuBuild.from_binary(fake(edited(real_answers, minimal)))
    assert (build.live_block_migration, build.replication, build.zstd) == (False, False, False)


@pytest.mark.parametrize(
    "version, release",
    [((8, 0, 50), "8.0.50"), ((9, 2, 4), "9.2"), ((10, 2, 50), "11.0"), ((10, 1, 91), "10.2"), ((8, 0, 92), "8.1")],
)
def test_versions(real_answers, fake, version, release):
    def number(answers, entities):
        answers["query-version"]["qemu"] = dict(zip(("major", "minor", "micro"), version, strict=True))

    assert pymig.QemuBuild.from_binary(fake(edited(real_answers, number))).release == release


def test_an_unknown_version(real_answers, fake):
    def number(answers, entities):
        answers["query-version"]["qemu"] = {"major": 99, "minor": 1, "micro": 0}

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
        (KILLED, "is no QEMU"),
        (FLOODS, "is no QEMU"),
        (NO_LINE_END, "is no QEMU"),
        ("not a program", "can't be started"),
    ],
    ids=["hangs", "dies", "killed", "floods", "no line end", "no program"],
)
def test_binaries_that_are_no_qemu(tmp_path, text, says):
    path = script(tmp_path, text)
    descriptors = len(os.listdir("/proc/self/fd"))
    begin = time.monotonic()
    with pytest.raises(pymig.QemuBinaryError, match=says) as caught:
        pymig.QemuBuild.from_binary(path, timeout=2)
    assert path in str(caught.value)
    assert time.monotonic() - begin < 20
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert processes() == []


def test_a_path_that_is_nothing():
    for path in ("/nonexistent/qemu", "/", "/bin/true"):
        with pytest.raises(pymig.QemuBinaryError):
            pymig.QemuBuild.from_binary(path)


def test_within_a_running_loop():
    import asyncio
    import shutil

    async def ask():
        return pymig.QemuBuild.from_binary(shutil.which(BINARY))

    assert asyncio.run(ask()).release == "7.2"


def test_the_command_line(capsys):
    import shutil

    assert main(["check", "multifd", "compress", "--qemu", shutil.which(BINARY)]) == 1
    assert main(["check", "multifd", "--qemu", "/bin/true"]) == 2
    assert "is no QEMU" in capsys.readouterr().err
    assert main(["check", "multifd", "--qemu", shutil.which(BINARY), "--without", "zstd"]) == 2


def test_signals_of_the_caller_are_left_alone():
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
