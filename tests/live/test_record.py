# SPDX-License-Identifier: GPL-2.0-or-later

"""The recorder of tests/vectors records the QEMU that is here, and finds what differs from pymig."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import NOBODY, run_in_child
from tests.live.conftest import BINARY
from tests.vectors import machine, questions, record, recorded, replay

pytestmark = [pytest.mark.live, pytest.mark.root]

if os.geteuid() != 0:
    pytest.skip("needs root, who has all of userfaultfd", allow_module_level=True)

COMMAND = (sys.executable, "-m", "tests.vectors.record")
KVM = ("outgoing-kvm", "outgoing-kvm-dirty-ring")


def run(*arguments, **options):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("recorded") / "recording.json.gz"


@pytest.fixture(scope="module")
def finished(path):
    return run(BINARY, "--quick", "--label", "here", "--output", path)


@pytest.fixture
def recording(finished, path):
    return recorded.read(path)


def test_pymig_gives_every_recorded_answer(finished, path):
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.endswith(f"{path}: pymig gives every answer\n")


def test_the_recording_has_every_part(recording, own_mounts):
    if not own_mounts:
        pytest.skip("needs private mounts, to close userfaultfd to the recorded QEMU")
    assert recording["label"] == "here"
    assert replay.WHOLE_PARTS.keys() <= recording.keys()
    assert list(recording["contexts"]) == list(questions.CONTEXTS)
    skipped = {name for name, context in recording["contexts"].items() if "skipped" in context}
    assert skipped <= set(KVM)
    assert len(recording["parameter_cases"]) > 1000
    assert [len(session["steps"]) for session in recording["sessions"]] == [questions.STEPS] * questions.QUICK.sessions


def test_a_change_in_the_recording_is_reported(recording, tmp_path, capsys):
    changed = tmp_path / "changed.json.gz"
    recording["parameters"]["multifd-channels"] = 3
    recording["messages"] = [text.replace("Postcopy preempt", "Preempt") for text in recording["messages"]]
    recorded.write(changed, recording)
    assert replay.main([changed]) == 1
    report = capsys.readouterr().out
    assert "default of multifd-channels:\n  QEMU   3\n  pymig  2\n" in report
    assert "  QEMU   Preempt requires postcopy-ram\n  pymig  Postcopy preempt requires postcopy-ram\n" in report


@pytest.mark.parametrize("binary", ["/bin/true", "/nonexistent/qemu"])
def test_what_is_no_qemu_could_not_be_recorded(binary, tmp_path):
    ended = run(binary, "--quick", env=os.environ | {"TMPDIR": str(tmp_path)})
    assert ended.returncode == 2
    assert f"{binary} could not be recorded: " in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_the_output_is_looked_for_first(tmp_path):
    ended = run(BINARY, "--output", tmp_path / "no-such" / "file")
    assert ended.returncode == 2
    assert "there is no folder" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_runs_on_after_a_signal(number, tmp_path):
    entry = f"TMPDIR={tmp_path}"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [*COMMAND, BINARY, "--output", tmp_path / "recording.json.gz"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as process:
        assert eventually(lambda: with_environment(entry) > {process.pid})
        process.send_signal(number)
    assert eventually(lambda: not with_environment(entry))
    if number == signal.SIGTERM:
        assert process.returncode == 2
        assert list(tmp_path.iterdir()) == []


def eventually(condition):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def with_environment(entry):
    """The processes that have this entry in their environment."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if entry in (process / "environ").read_text(errors="replace").split("\0"):
                found.add(int(process.name))
        except OSError:
            pass  # it has ended
    return found


def test_a_request_that_kills_qemu_is_kept_and_the_next_asks_another():
    def ask(qemu, request):
        if request == "kill":
            qemu.process.kill()
        return qemu.ask("query-status")["status"]

    with machine.machine(BINARY) as place:
        cases = list(record.from_defaults(place, ["a", "kill", "b"], ask, lambda *_: True))
    assert cases == [("a", "prelaunch"), ("kill", None), ("b", "prelaunch")]


def test_an_unprivileged_user_records_no_contexts(tmp_path):
    assert run_in_child(contexts_here, user=NOBODY) == {"skipped": "needs root"}


def contexts_here():
    with machine.machine(BINARY) as place:
        contexts = record.contexts_of(place, ["multifd"], questions.QUICK)["contexts"]
    (answer,) = {tuple(context.items()) for context in contexts.values()}
    return dict(answer)
