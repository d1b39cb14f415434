# SPDX-License-Identifier: GPL-2.0-or-later

"""QemuBuild.from_binary against programs that lie, hang, flood, die or multiply, and callers that are killed.

Nothing may be left: no process, descriptor, thread or file. The binaries of this module need no real QEMU.
"""

import asyncio
import json
import math
import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import pymig
from pymig.qemu.binary import QUESTIONS
from tests.fake_binary import answers, program, server

CAPABILITIES = ("multifd", "block")


def changed(**changes):
    """The body of a binary that gives other answers to these questions."""
    given = {name.replace("_", "-"): answer for name, answer in changes.items()}
    return f"serve({{**GOOD, **{given!r}}})"


def versioned(major=8, minor=0, micro=0, package=""):
    return changed(query_version={"qemu": {"major": major, "minor": minor, "micro": micro}, "package": package})


def schema(**names):
    return changed(query_qmp_schema=answers(**names)["query-qmp-schema"])


FAMILY = """
for session in (False, True):
    if os.fork() == 0:
        os.setsid() if session else None
        if os.fork() == 0:
            os.setsid() if session else None
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
        os._exit(0)
"""
"""Children and grandchildren, in the session of the binary and in others."""

# Binaries in Python: what they do, and the release that they are taken for, or a part of the error's text.
SERVERS = {
    "good": (changed(), "8.0.0"),
    # a stream that is not QMP's
    "socket flood": ("say(GREETING)\nwhile True: monitor.sendall(b'x' * 65536)", "sent more than 16 MiB"),
    "one long line": ("while True: monitor.sendall(b'y' * 65536)", "sent more than 16 MiB"),
    "events": (
        "say(GREETING)\nevent = json.dumps({'event': 'STOP', 'x': 'y' * 9999}).encode()\n"
        "while True: monitor.sendall(event + b'\\n')",
        "sent more than 16 MiB",
    ),
    "small events": (
        'say(GREETING)\nwhile True: monitor.sendall(b\'{"event": "STOP"}\\n\' * 999)',
        "sent more than 16 MiB|within 2 seconds",
    ),
    "deep": ("monitor.sendall(b'[' * 1000000 + b'\\n')\ntime.sleep(600)", "greeting is not JSON"),
    "a drop at a time": ("for c in json.dumps(GREETING): monitor.sendall(c.encode()); time.sleep(0.2)", "within 2 sec"),
    "closes early": ("say(GREETING)\nmonitor.shutdown(2)\ntime.sleep(600)", "closed its monitor before its answer"),
    "closes at once": ("monitor.shutdown(2)\ntime.sleep(600)", "closed its monitor before its greeting"),
    "garbage": ("monitor.sendall(bytes(range(256)) * 40)\ntime.sleep(600)", "greeting is not JSON"),
    "greets with a list": ("say([1, 2])\ntime.sleep(600)", "greeting is no JSON object"),
    "greets with a number": ("say({'QMP': 3})\ntime.sleep(600)", "not QMP's greeting"),
    "dies of SIGSEGV": ("os.kill(os.getpid(), signal.SIGSEGV)", "before its greeting; is it a QEMU"),
    "dies midway": (
        "serve(GOOD, lambda command: command == 'query-version' and os.kill(os.getpid(), 9))",
        "before its answer to query-version",
    ),
    "answers with an error": (
        "say(GREETING)\nfor line in monitor.makefile():\n"
        "    say({'error': {'class': 'GenericError', 'desc': 'no\\x1b[31m'}, 'id': json.loads(line)['id']})",
        r"the answer to qmp_capabilities is an error: no\\x1b\[31m",
    ),
    "an error that is a list": ("say(GREETING)\nsay({'error': []})\ntime.sleep(600)", "without a description"),
    "wrong id": ("say(GREETING)\nsay({'return': {}, 'id': 'x'})\ntime.sleep(600)", "no answer to qmp_cap"),
    "id false for 0": ("say(GREETING)\nsay({'return': {}, 'id': False})\ntime.sleep(600)", "no answer to qmp_cap"),
    "no return": ("say(GREETING)\nsay({'id': 0})\ntime.sleep(600)", "no answer to qmp_capabilities"),
    # versions
    "version a list": (changed(query_version=[]), "query-version is an array, not an object"),
    "version a string": (changed(query_version="8"), "query-version is a string, not an object"),
    "version null": (changed(query_version=None), "query-version is null, not an object"),
    "version empty": (changed(query_version={}), "query-version has no qemu"),
    "major inf": (versioned(math.inf), "major in query-version is a fraction"),
    "major nan": (versioned(math.nan), "major in query-version is a fraction"),
    "major a fraction": (versioned(8.0), "major in query-version is a fraction, not a whole number"),
    "major a word": (versioned("abc"), "major in query-version is a string, not a whole number"),
    "major in a string": (versioned("8"), "major in query-version is a string, not a whole number"),
    "major true": (versioned(True), "major in query-version is a truth value, not a whole number"),
    "major negative": (versioned(-8), "not within 0 and 99"),
    "major 99": (versioned(99), "11.1"),
    "major large": (versioned(2**64), "not within 0 and 99"),
    "major huge": (versioned(10**4000), "answer to query-version is not JSON"),
    "major a list": (versioned([8]), "major in query-version is an array"),
    "qemu a list": (changed(query_version={"qemu": [8, 0, 0], "package": ""}), "qemu in query-version is an array"),
    "micro huge": (versioned(micro=9999999), "not within 0 and 99"),
    "a development tree": (versioned(11, 0, 50), "11.1"),
    "package a number": (versioned(package=5), "package in query-version is a whole number"),
    "package with escapes": (versioned(package="\x1b[2J"), "package in query-version has control characters"),
    # schemas
    "schema null": (changed(query_qmp_schema=None), "query-qmp-schema is null, not an array"),
    "schema empty": (changed(query_qmp_schema=[]), "query-qmp-schema has no migrate-set-capabilities"),
    "schema a string": (changed(query_qmp_schema="abc"), "query-qmp-schema is a string, not an array"),
    "schema of numbers": (changed(query_qmp_schema=[1]), "query-qmp-schema is a whole number, not an object"),
    "names that are lists": (changed(query_qmp_schema=[{"name": [1]}]), "name in query-qmp-schema is an array"),
    "members null": (
        changed(
            query_qmp_schema=[{"name": "migrate-set-capabilities", "arg-type": "1"}, {"name": "1", "members": None}]
        ),
        "members in query-qmp-schema is null, not an array",
    ),
    "capability a number": (schema(capabilities=[*CAPABILITIES, 5]), "a name in query-qmp-schema is a whole number"),
    "capability a list": (schema(capabilities=[*CAPABILITIES, [1]]), "a name in query-qmp-schema is an array"),
    "capabilities an object": (schema(capabilities={"a": 1}), "values in query-qmp-schema is an object"),
    "capabilities a string": (schema(capabilities="abc"), "values in query-qmp-schema is a string"),
    "many capabilities": (schema(capabilities=["x"] * 200000), "query-qmp-schema has 200000 names in one list"),
    "capability with escapes": (schema(capabilities=["\x1b]0;owned\x07"]), r"'\\x1b\]0;owned\\x07', which is no name"),
    "capability a surrogate": (schema(capabilities=["\ud800"]), r"'\\ud800', which is no name in QAPI"),
    "capability a long name": (schema(capabilities=["x" * 9999]), "'x{100}', which is no name in QAPI"),
    "capability unknown": (schema(capabilities=[*CAPABILITIES, "x-vendor"]), "8.0.0"),
    "parameter a number": (schema(parameters=[5]), "name in query-qmp-schema is a whole number"),
    "parameter a list": (schema(parameters=[[5]]), "name in query-qmp-schema is an array"),
    "compressions null": (schema(compressions=None), "values in query-qmp-schema is null"),
    "listed numbers": (changed(query_migrate_capabilities=[1, 2]), "query-migrate-capabilities is a whole number"),
    "listed lists": (
        changed(query_migrate_capabilities=[{"capability": []}]),
        "capability in query-migrate-.* an array",
    ),
    "listed null": (changed(query_migrate_capabilities=None), "query-migrate-capabilities is null, not an array"),
    "target a list": (changed(query_target=[]), "query-target is an array, not an object"),
    "arch a list": (changed(query_target={"arch": []}), "arch in query-target is an array, not a string"),
    "schema of 60 MB": (
        "serve({**GOOD, 'query-qmp-schema': [{'name': 'x' * 1000}] * 60000})",
        "sent more than 16 MiB",
    ),
    "schema of 8 MB": (
        "serve({**GOOD, 'query-qmp-schema': GOOD['query-qmp-schema'] + [{'name': 'x' * 1000}] * 8000})",
        "8.0.0",
    ),
    # processes
    "a family": (FAMILY + changed(), "8.0.0"),
    "an orphan with the monitor": (FAMILY, "before its greeting"),
    "stops itself": ("os.kill(os.getpid(), signal.SIGSTOP)", "within 2 seconds"),
    "stops its parent": ("os.kill(os.getppid(), signal.SIGSTOP)\n" + changed(), "8.0.0"),
    "terminates its parent": ("os.kill(os.getppid(), signal.SIGTERM)\n" + changed(), "8.0.0"),
    "kills its parent": ("os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(600)", "before its greeting"),
    "kills its group": (FAMILY + "os.killpg(0, signal.SIGKILL)", "before its greeting"),
    "leaves its session": ("if os.fork(): os._exit(0)\nos.setsid()\n" + changed(), "8.0.0|before its"),
}

# Programs of other kinds: their text, and a part of the error's text.
PROGRAMS = {
    "hangs": ("#!/bin/sh\nexec sleep 600\n", "within 2 seconds"),
    "ignores SIGTERM": ("#!/bin/sh\ntrap '' TERM INT HUP\nwhile :; do sleep 1; done\n", "within 2 seconds"),
    "exits": ("#!/bin/sh\nexit 3\n", "before its greeting; is it a QEMU system emulator?"),
    "last words": ("#!/bin/sh\nprintf 'out of\\n\\033[31mluck' >&2\n", r"\(out of; \\x1b\[31mluck\)$"),
    "floods standard error": ("#!/bin/sh\nexec yes >&2\n", r"within 2 seconds \(.*y; y\)"),
    "floods standard output": ("#!/bin/sh\nexec yes\n", "within 2 seconds"),
    "no shebang": ("exit 3\n", "can't be started: Exec format error"),
    "empty": ("", "can't be started: Exec format error"),
    "a text": ("hello world\n", "can't be started: Exec format error"),
    "bad interpreter": ("#!/nonexistent/interpreter\n", "can't be started: No such file"),
}


def expect(path, expected, timeout=2):
    """Queries the binary, and compares the release or the error with what is expected."""
    try:
        got = pymig.QemuBuild.from_binary(path, timeout=timeout).release
    except pymig.QemuBinaryError as error:
        got = str(error)
        assert os.fspath(path)[:100] in got
        assert got.isprintable()
        assert len(got) < 700
    assert re.search(expected, got), got


@pytest.fixture
def leaves_nothing(nothing_left):
    """Compares processes, descriptors and threads after the test with those before."""

    def state():
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    before = state()
    yield
    assert nothing_left()
    assert state() == before


@pytest.mark.parametrize("body, expected", SERVERS.values(), ids=SERVERS)
def test_servers(tmp_path, leaves_nothing, body, expected):
    expect(server(tmp_path, body), expected, timeout=2 if "2 sec" in expected else 60)


@pytest.mark.parametrize("text, expected", PROGRAMS.values(), ids=PROGRAMS)
def test_programs(tmp_path, leaves_nothing, text, expected):
    expect(program(tmp_path, text), expected)


def test_paths(tmp_path, leaves_nothing):
    os.mkfifo(tmp_path / "fifo", 0o755)
    (tmp_path / "text").write_text("#!/bin/sh\n")
    for path, expected in {
        tmp_path / "fifo": "can't be started: Permission denied",
        tmp_path / "text": "can't be started: Permission denied",
        tmp_path: "can't be started: Permission denied",
        tmp_path / "nothing": "can't be started: No such file",
        "/dev/null": "can't be started: Permission denied",
        "/x" * 5000: "can't be started: File name too long",
        "no-such-program": "can't be started: there is no such program in PATH",
        "/bin/true": "/bin/true does not answer over QMP: .*; is it a QEMU system emulator?",
        "/bin/cat": r"is it a QEMU system emulator\? \(/bin/cat: .*option",
    }.items():
        expect(path, expected)
    odd = tmp_path / "a new\nline"
    odd.write_text("#!/bin/sh\nexit 4\n")
    odd.chmod(0o4755)
    with pytest.raises(pymig.QemuBinaryError, match=r"a new\\nline does not answer"):
        pymig.QemuBuild.from_binary(odd)


def test_a_program_in_path(tmp_path, monkeypatch, leaves_nothing):
    server(tmp_path, changed())
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert pymig.QemuBuild.from_binary("qemu").release == "8.0.0"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nonexistent")
    expect("qemu", "no such program in PATH")


@pytest.mark.parametrize("path", ["", "a\0b", b"", None, 5, []])
def test_a_path_that_can_be_none(path):
    with pytest.raises((TypeError, ValueError), match=r"^path must be"):
        pymig.QemuBuild.from_binary(path)


@pytest.mark.parametrize(
    "timeout", [None, "x", True, [], 5j, math.nan, math.inf, -math.inf, 0, -1, 86401, 2**70, 10**5000, 1e300], ids=type
)
def test_timeouts_that_are_refused_before_a_start(tmp_path, timeout):
    path = program(tmp_path, f"#!/bin/sh\ntouch {tmp_path}/started\n")
    with pytest.raises((TypeError, ValueError), match=r"^timeout must be"):
        pymig.QemuBuild.from_binary(path, timeout=timeout)
    assert not (tmp_path / "started").exists()


# ---- Callers that are killed ----

CALLER = """
import os, signal, sys, pymig
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores SIGINT
os.environ["CALLER"] = str(os.getpid())
pymig.QemuBuild.from_binary(sys.argv[1], timeout=600)
"""

STAGES = {
    "starting": "kill()",
    "greeting": "say(GREETING)\nkill()",
    "answering": "serve(GOOD, lambda command: command == 'query-qmp-schema' and kill())",
    "ending": "serve(GOOD, lambda command: command == 'query-target' and kill(0))",
}


def run_python(code, path):
    command = [sys.executable, "-Wd", "-c", code, path]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("stage", STAGES)
def test_a_caller_that_is_killed(tmp_path, nothing_left, stage, number):
    kill = f"""
    def kill(rest=600):
        os.kill(int(os.environ["CALLER"]), {number})
        time.sleep(rest)
    """
    path = server(tmp_path, FAMILY + textwrap.dedent(kill) + STAGES[stage])
    ended = run_python(CALLER, path)
    assert ended.returncode == -number
    assert ended.stderr.strip().endswith("KeyboardInterrupt" if number == signal.SIGINT else "")
    assert nothing_left()


DISPOSITIONS = """
import os, signal, sys, pymig
signal.signal(signal.{}, {})
pymig.QemuBuild.from_binary(sys.argv[1])
"""


@pytest.mark.parametrize(
    "name, handler",
    [
        ("SIGCHLD", "signal.SIG_IGN"),
        ("SIGCHLD", "lambda *_: os._exit(9)"),
        ("SIGPIPE", "signal.SIG_DFL"),
        ("SIGTERM", "signal.SIG_IGN"),
    ],
)
def test_signals_of_the_caller(tmp_path, nothing_left, name, handler):
    ended = run_python(DISPOSITIONS.format(name, handler), server(tmp_path, FAMILY + changed()))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert nothing_left()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="needs Task.cancelling() of Python 3.11")
def test_a_task_that_is_cancelled(tmp_path, leaves_nothing):
    path = program(tmp_path, f"#!/bin/sh\ntouch {tmp_path}/started\nexec sleep 600\n")
    tasks = []

    async def query():
        tasks.append(asyncio.current_task())
        pymig.QemuBuild.from_binary(path, timeout=600)

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(asyncio.run, query())
        while not (tmp_path / "started").exists():
            time.sleep(0.01)
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            result.result(60)


def test_a_task_that_was_cancelled_before(tmp_path):
    path = server(tmp_path, changed())

    async def query():
        asyncio.current_task().cancel()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return pymig.QemuBuild.from_binary(path).release

    assert asyncio.run(query()) == "8.0.0"


# ---- Many queries ----


@pytest.fixture
def quick(tmp_path):
    """A binary that is faster than Python: it knows the questions beforehand."""
    given = {"qmp_capabilities": {}, **answers()}
    replies = [{"return": given[question], "id": i} for i, question in enumerate(("qmp_capabilities", *QUESTIONS))]
    lines = [{"QMP": {}}, *replies]
    (tmp_path / "answers").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return program(tmp_path, f"#!/bin/sh\nsetsid sleep 600 &\ncat {tmp_path}/answers >&3\nexec cat <&3\n")


def test_many_in_a_row(quick, leaves_nothing):
    for _ in range(200):
        assert pymig.QemuBuild.from_binary(quick).release == "8.0.0"


def test_many_in_parallel(quick, leaves_nothing):
    with ThreadPoolExecutor(8) as pool:
        builds = list(pool.map(lambda _: pymig.QemuBuild.from_binary(quick), range(80)))
    assert {build.release for build in builds} == {"8.0.0"}


def test_out_of_descriptors(quick, leaves_nothing):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd"))
    try:
        for spare in range(12):
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + spare, limits[1]))
            expect(quick, "8.0.0|can't be started: Too many open files")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
