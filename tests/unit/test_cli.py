# SPDX-License-Identifier: GPL-2.0-or-later

"""The command line, as users see it."""

import json
import os
import pty
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pymig import Context, Endpoint, Host, Memory, Plan, preflight
from pymig.cli import main
from pymig.cli.arguments import COMPLETIONS, SHELLS
from tests import completions

ROOT = Path(__file__).parents[2]
PAGES = [page for page in (ROOT / "README.md", ROOT / "docs" / "new-release.md") if page.exists()]


def run(capsys, *arguments):
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    return status, out, err


def test_accepted(capsys):
    assert run(capsys, "check", "multifd", "zero-copy-send") == (
        0,
        "accepted  QEMU 11.1: multifd, zero-copy-send\n",
        "",
    )


def test_refused_says_what_helps(capsys):
    status, out, err = run(capsys, "check", "multifd", "xbzrle")
    assert (status, err) == (1, "")
    assert out.splitlines() == [
        "refused  Multifd is not compatible with xbzrle",
        "         release   11.1",
        "         rule      multifd/xbzrle",
        "         accepted  without xbzrle",
        "         accepted  without multifd",
        "         explain   pymig explain multifd/xbzrle",
    ]
    assert "         release   8.0" in run(capsys, "check", "multifd", "compress", "--qemu", "8.0")[1].splitlines()


def test_all_rules(capsys):
    status, out, _ = run(capsys, "check", "x-colo", "postcopy-preempt", "--without", "replication", "--all")
    assert status == 1
    assert [line for line in out.splitlines() if line.startswith("refused")] == [
        "refused  QEMU compiled without replication module can't enable COLO",
        "refused  Postcopy preempt requires postcopy-ram",
    ]
    assert "hint" in out


def test_json(capsys):
    status, out, _ = run(capsys, "check", "multifd", "compress", "--qemu", "9.0", "--json")
    answer = json.loads(out)
    assert status == 1
    assert (answer["ok"], answer["qemu"]) == (False, "9.0")
    assert answer["capabilities"] == ["compress", "multifd"]
    assert answer["refusals"][0]["rule"] == "multifd/compress"
    assert answer["refusals"][0]["accepted"] == ["without compress", "without multifd"]


def test_old_incoming_and_another_hosts_facts(capsys, tmp_path, monkeypatch):
    facts = tmp_path / "facts.json"
    facts.write_text(Host("absent", False).to_json())
    asked = ("check", "postcopy-ram", "--incoming", "--host", str(facts))
    status, out, _ = run(capsys, *asked)
    assert status == 1
    assert "Postcopy is not supported" in out
    assert run(capsys, *asked, "--old", "postcopy-ram")[0] == 0
    with facts.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert run(capsys, "check", "background-snapshot", "--host", "-")[0] == 1


@pytest.mark.parametrize("value, status", [("none", 0), ("zlib", 1), ("zstd", 1)])
def test_parameters(capsys, value, status):
    parameter = f"multifd-compression={value}"
    assert run(capsys, "check", "multifd", "zero-copy-send", "--parameter", parameter)[0] == status


def test_parameters_are_read_by_their_type(capsys):
    right = ["tls-creds=3", "compress-level=0x9", "block-incremental=on", "compress-wait-thread=false"]
    arguments = [word for parameter in right for word in ("--parameter", parameter)]
    assert run(capsys, "check", "multifd", "--qemu", "8.0", *arguments)[0] == 0
    assert run(capsys, "check", "multifd", "zero-copy-send", "--parameter", "tls-creds=")[0] == 0


@pytest.mark.parametrize(
    "assignment, value",
    [
        ("direct-io=on", True),
        ("direct-io=true", True),
        ("direct-io=off", False),
        ("direct-io=false", False),
        ("multifd-channels=0x10", 16),
        ("multifd-channels=16", 16),
        ("tls-creds=a=b", "a=b"),
        ("mode=cpr-exec", "cpr-exec"),
        ("cpr-exec-command=qemu,-x", ["qemu", "-x"]),
        ("cpr-exec-command=", []),
    ],
)
def test_a_parameter_has_its_type(assignment, value):
    from pymig.cli.values import parameters

    [given] = parameters([assignment]).values()
    assert (type(given), given) == (type(value), value)


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["check", "multfd"], "did you mean multifd?"),
        (["check", "?"], "see pymig list"),
        (["check", "multifd", "--qemu", "9"], "release must be one of"),
        (["check", "multifd", "--without", "kvm"], "invalid choice"),
        (["check", "multifd", "--parameter", "x"], "NAME=VALUE"),
        (["check", "multifd", "--parameter", "compress-level=x"], "whole number"),
        (["check", "multifd", "--parameter", "multifd-zlib-level=10"], "expects a value between 0 and 9"),
        (["check", "multifd", "--parameter", "block-incremental=1"], "on or off"),
        (["check", "multifd", "--parameter", "no-such=1"], "is unexpected"),
        (["check", "multifd", "--host", "/nonexistent"], "No such file"),
        (
            ["check", "multifd", "--host", "/dev/null"],
            "/dev/null: neither a file nor a pipe; - reads standard input",
        ),
        (["check", "multifd", "--host", "/dev/zero"], "neither a file nor a pipe"),
        (["check", "multifd", "--host", "/"], "neither a file nor a pipe"),
        (["check", "multifd", "--host", "/proc/version"], "not JSON"),
        (["check", "block"], "QEMU has it from 7.2 to 9.0, and 11.1 was asked"),
        (["check"], "the set of capabilities is empty"),
        (["check", "--old", "multifd", "compress"], "--old took all names"),
        (["check", "multifd", "--memory", "memfd", "--host", "-"], "--memory can't be given together with --host"),
        (["check", "switchover-ack", "--qemu", "7.2"], "QEMU has it from 8.1 on"),
        (["check", "compress", "--qemu", "10.0"], "QEMU has it from 7.2 to 9.0, and 10.0 was asked"),
        (["preflight", "multifd", "--source", "10.0"], "--destination"),
        (
            ["preflight", "--source", "10", "--destination", "10.0"],
            "an end is a socket, host:port, libvirt:DOMAIN, a file, or a release",
        ),
        (["preflight", "--source", "/nonexistent", "--destination", "10.0"], "neither a socket nor a file"),
        (["preflight", "--source", "10.0", "--destination", __file__], "not JSON"),
        (["preflight", "--source", "10.0", "--destination", "10.0", "--migrate"], "--migrate needs --apply"),
        (["preflight", "--source", "10.0", "--destination", "::1:1", "--apply"], "--source must be a running QEMU's"),
        (["preflight", "--source", "::1:1", "--destination", __file__, "--apply"], "--destination must be a running"),
        (["preflight", "--source", "::1:1", "--destination", "::1:1", "--apply"], "does not answer over QMP"),
        (["describe", "/nonexistent"], "/nonexistent does not answer over QMP"),
        (["describe", "/nonexistent", "--timeout", "0"], "timeout must be more than 0"),
        (["describe"], "SOCKET"),
        (["probe", "--pid", "x"], "--pid x: write the number of a process, or auto"),
        (["probe", "--pid", "999999999"], "there is no such process"),
        (["probe", "--pid", "1", "--user", "root"], "--pid and --user can't be given together"),
        (["probe", "--user", "no-such-user"], "--user: user must be a user of this machine"),
        (["probe", "--vm", "no-such-machine"], "--vm no-such-machine: no such running machine"),
        (["probe", "--vm", "../x"], "--vm ../x: write the name of a machine"),
        (["watch", "/nonexistent"], "/nonexistent does not answer over QMP"),
        (["watch", "/nonexistent", "--still", "0"], "still must be more than 0"),
        (["watch"], "SOURCE"),
        ([], "required"),
        (["frobnicate"], "invalid choice"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage(capsys, arguments, says):
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert says in err


def test_list(capsys):
    status, out, _ = run(capsys, "list")
    assert (status, out.splitlines()[0]) == (0, "Capabilities of QEMU 11.1")
    assert "  x-ignore-shared          unstable" in out.splitlines()
    answer = json.loads(run(capsys, "list", "--qemu", "8.0", "--without", "live-block-migration", "--json")[1])
    assert [entry["name"] for entry in answer["capabilities"] if "not built in" in entry["marks"]] == ["block"]
    assert {"name": "compress-wait-thread", "default": True, "values": [], "marks": []} in answer["parameters"]


def test_probe(capsys):
    status, out, _ = run(capsys, "probe")
    facts = json.loads(run(capsys, "probe", "--json")[1])
    assert (status == 0) == (facts["postcopy"]["ok"] and facts["write_tracking"] == "compatible")
    assert "Checking if the kernel can track writes" in out


def command(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "pymig", *arguments], capture_output=True, text=True, check=False, **options
    )


def test_as_a_process():
    assert command("check", "multifd").returncode == 0
    assert command("check", "multifd", "xbzrle").returncode == 1
    assert command("check", "multfd").returncode == 2
    assert command("--version").stdout.startswith("pymig ")
    for name in ("check", "probe", "diff", "list"):
        told = command(name, "--help")
        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout.startswith(f"usage: pymig {name} [-h]")
        assert "--json" in told.stdout
        assert name in command("--help").stdout.split()


def test_colour_only_on_a_terminal():
    assert "\033" not in command("check", "multifd").stdout

    def on_terminal(**environment):
        master, terminal = pty.openpty()
        env = {**os.environ, "TERM": "xterm", "NO_COLOR": "", **environment}
        subprocess.run([sys.executable, "-m", "pymig", "check", "multifd"], stdout=terminal, env=env, check=True)
        os.close(terminal)
        with os.fdopen(master, "rb") as shown:
            return shown.read1()

    assert b"\033[32maccepted" in on_terminal()
    assert b"\033" not in on_terminal(NO_COLOR="1")
    assert b"\033" not in on_terminal(TERM="dumb")


def test_a_reader_that_stops_reading():
    shell = f"{sys.executable} -m pymig list | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", shell], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == "Capabilities of QEMU 11.1\n"
    assert done.returncode in (0, 141)  # 0 if all was written before the reader stopped


def test_a_reader_that_is_gone():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "pymig", "list"], stdout=stdout, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


PYMIG = f"{sys.executable} -m pymig"


@pytest.mark.parametrize(
    "shell, status, says",
    [
        (f"{PYMIG} check multifd > /dev/full", 2, "No space left on device"),
        (f"{PYMIG} check multifd >&-", 2, "standard output is closed"),
        (f"{PYMIG} check multifd 2>&-", 0, ""),
        (f"{PYMIG} check multifd --parameter block-bitmap-mapping=x", 2, "block-bitmap-mapping"),
    ],
)
def test_exit_status_when_there_is_no_answer(shell, status, says):
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_bug_is_not_a_refusal(capsys, monkeypatch):
    monkeypatch.setattr("pymig.cli.check.run", lambda _: 1 // 0)
    status, out, err = run(capsys, "check", "multifd")
    assert (status, out) == (2, "")
    assert "Traceback" in err


def test_ctrl_c(capsys, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pymig.cli.check.run", interrupted)
    assert run(capsys, "check", "multifd") == (130, "", "")


@pytest.mark.parametrize(
    "arguments, kind",
    [
        (["check", "multfd"], "UnknownCapabilityError"),
        (["check"], "UsageError"),
        (["check", "multifd", "--no-such-option"], "UsageError"),
        (["check", "multifd", "--parameter", "multifd-zlib-level=10"], "ParameterError"),
    ],
)
def test_errors_as_json(capsys, arguments, kind):
    status, out, err = run(capsys, *arguments, "--json")
    assert (status, err) == (2, "")
    error = json.loads(out)["error"]
    assert error["kind"] == kind
    assert error["message"]


def test_all_rules_for_several_releases(capsys):
    asked = ("check", "multifd", "compress", "xbzrle", "zero-copy-send", "--qemu", "8.0", "--qemu", "8.2")
    first, every = (run(capsys, *asked, *more)[1].splitlines() for more in ([], ["--all"]))
    assert all(len(long) > len(short) for short, long in zip(first, every, strict=True))
    answers = json.loads(run(capsys, *asked, "--all", "--json")[1])["answers"]
    assert all(len(answer["refusals"]) > 1 for answer in answers)


def test_memory_of_a_check(capsys, tmp_path):
    (tmp_path / "ram").write_bytes(bytes(4096))
    for memory in ("memory-backend-memfd,share=on", f"file:{tmp_path / 'ram'},share"):
        compatible = Host.local([Memory.parse(memory)]).write_tracking == "compatible"
        assert run(capsys, "check", "background-snapshot", "--memory", memory)[0] == (0 if compatible else 1)


def test_facts_from_a_pipe(tmp_path):
    shell = f"{PYMIG} check background-snapshot --host <({PYMIG} probe --json)"
    compatible = Host.local().write_tracking == "compatible"
    assert subprocess.run(["bash", "-c", shell], check=False, capture_output=True).returncode == (
        0 if compatible else 1
    )
    os.mkfifo(tmp_path / "fifo")
    done = command("check", "multifd", "--host", str(tmp_path / "fifo"))  # nobody writes
    assert (done.returncode, "not JSON" in done.stderr) == (2, True)


def test_an_option_is_not_ambiguous(capsys):
    for option in ("--kvm", "--kvm-dirty-ring", "--kvm_dirty_ring"):
        assert run(capsys, "check", "multifd", option)[0] == 0


def test_text_of_others_is_escaped(capsys):
    status, _, err = run(capsys, "check", "\033[2Jmultifd")
    assert status == 2
    assert "\033" not in err
    assert "\\x1b[2Jmultifd" in err


ELSEWHERE = {
    "probe",
    "describe",
    "watch",
    "fleet",
    "source.json",
    "--host",
    "--incoming",
    "/usr/bin/qemu-system-x86_64",
}


def console_examples():
    """The commands of the pages' console blocks that ask no host and no binary, with what they print."""
    examples = []
    for block in (block for page in PAGES for block in page.read_text().split("```console\n")[1:]):
        for example in block.partition("```")[0].split("$ ")[1:]:
            command, *output = example.splitlines()
            words = shlex.split(command, comments=True)[1:]
            if not ELSEWHERE & set(words):
                examples.append(pytest.param(words, output, id=" ".join(words)))
    return examples


@pytest.mark.skipif(not PAGES, reason="needs the source tree: README.md")
@pytest.mark.parametrize("words, output", console_examples())
def test_examples_of_the_pages(capsys, words, output):
    assert run(capsys, *words)[1].splitlines() == output


def test_explain(capsys):
    status, out, err = run(capsys, "explain", "error: Postcopy is not yet compatible with multifd")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "Postcopy is not yet compatible with multifd"
    assert lines[1].split() == "QEMU refuses this set of capabilities; releases: 8.1 to 10.0".split()
    assert {line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "} == {
        "meaning",
        "cause",
        "remedy",
        "see",
    }
    assert "  see      pymig explain postcopy-ram/multifd" in lines
    assert run(capsys, "explain", "multifd", "with", "postcopy")[1].startswith(out.split("\n\n")[0])


def test_explain_standard_input(capsys, tmp_path, monkeypatch):
    log = tmp_path / "log"
    log.write_bytes(b'nothing\n\xffqemu-kvm: Unknown ramblock "ma", cannot accept migration\n')
    with log.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        status, out, _ = run(capsys, "explain", "-")
    assert status == 0
    assert out.startswith('Unknown ramblock "<block>", cannot accept migration\n')


def test_explain_nothing(capsys):
    status, out, err = run(capsys, "explain", "multifdd")
    assert (status, err) == (1, "")
    assert out.splitlines()[:3] == ["nothing fits", "closest:", "  multifd"]
    status, out, _ = run(capsys, "explain", "multifdd", "--json")
    assert status == 1
    assert json.loads(out)["explanations"] == []
    assert json.loads(out)["closest"][0] == "multifd"
    assert run(capsys, "explain", "\x1b]0;title\x07")[:2] == (1, "nothing fits\n")
    assert run(capsys, "explain")[0] == 2


def test_explain_json(capsys):
    (found,) = json.loads(run(capsys, "explain", "multifd/compress", "--json")[1])["explanations"]
    assert set(found) == {"kind", "title", "text", "releases", "causes", "remedies", "see"}
    assert found["see"][0] == "multifd/compress"


def test_what_a_check_leads_to_is_explained(capsys):
    for words in (("multifd", "xbzrle"), ("switchover-ack",), ("dirty-limit",)):
        last = run(capsys, "check", *words)[1].splitlines()[-1]
        assert last.split()[:3] == ["explain", "pymig", "explain"]
        assert run(capsys, *last.split()[2:])[0] == 0


def test_what_a_preflight_leads_to_is_explained(capsys):
    ends = ("--source", "10.0", "--destination", "11.1")
    for words in (("postcopy-ram", "multifd"), ("x-colo",)):
        out = run(capsys, "preflight", *words, *ends)[1]
        commands = [line.split("explain", 1)[1] for line in out.splitlines() if line.split()[:1] == ["explain"]]
        assert commands
        for command in commands:
            assert run(capsys, *shlex.split(command)[1:])[0] == 0


def test_a_refusal_for_which_this_host_is_the_cause_says_so(capsys):
    """A memory that can't be made is the cause on every host."""
    memory = ("--memory", "file:/proc/self/status,share")
    status, out, _ = run(capsys, "check", "background-snapshot", *memory)
    assert status == 1
    labels = [line.split()[0] for line in out.splitlines()]
    assert "cause" in labels
    assert "remedy" in labels


@pytest.mark.parametrize("shell", SHELLS)
class TestCompletion:
    def test_the_script_is_what_the_parser_makes(self, capsys, shell):
        """If not: make completion."""
        status, out, _ = run(capsys, "--print-completion", shell)
        assert status == 0
        assert "incoming-started" in out
        assert out == completions.made(shell)

    def test_no_package_is_needed(self, shell):
        code = "import sys; sys.modules['shtab'] = None; from pymig.cli import main; main(sys.argv[1:])"
        words = [sys.executable, "-c", code, "--print-completion", shell]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "pymig" in done.stdout


def complete_in_bash(*words):
    """What bash offers for the last word."""
    script = Path(COMPLETIONS, "pymig.bash")
    code = (
        f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shtab_pymig; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", code, "bash", *words], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes():
    assert {"check", "explain", "preflight"} <= complete_in_bash("pymig", "")
    assert complete_in_bash("pymig", "expl") == {"explain"}
    assert "--json" in complete_in_bash("pymig", "explain", "--")
    assert complete_in_bash("pymig", "--print-completion", "z") == {"zsh"}


def test_table_of_releases(capsys):
    status, out, _ = run(capsys, "check", "multifd", "postcopy-ram", "--qemu", "all")
    assert status == 1
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert lines["8.0"] == lines["10.1"] == "accepted"
    assert lines["8.1"] == "refused   Postcopy is not yet compatible with multifd"
    status, out, _ = run(capsys, "check", "zero-blocks", "--qemu", "10.2", "--qemu", "11.0", "--json")
    answers = json.loads(out)["answers"]
    assert [answer["qemu"] for answer in answers] == ["10.2", "11.0"]
    assert answers[0]["warnings"] == ["zero-blocks capability is deprecated"]
    assert answers[1]["message"] == "Parameter 'capability' does not accept value 'zero-blocks'"


def test_diff(capsys):
    status, out, _ = run(capsys, "diff", "10.2", "11.0", "zero-blocks")
    assert status == 1
    assert "capability  removed  zero-blocks" in out
    assert run(capsys, "diff", "10.2.0", "10.2.1")[:2] == (0, "nothing changes from 10.2.0 to 10.2.1\n")
    answer = json.loads(run(capsys, "diff", "8.0", "8.2", "multifd", "xbzrle", "--json")[1])
    assert answer["capabilities"]["added"] == ["switchover-ack", "dirty-limit"]
    assert ["multifd/xbzrle", "Multifd is not compatible with xbzrle"] in answer["rules"]["added"]
    assert answer["answers"][0]["after"] == "refused: Multifd is not compatible with xbzrle"
    hints = run(capsys, "diff", "8.1", "8.2")[1]
    assert "Use blockdev-mirror with NBD instead." in hints
    assert run(capsys, "diff", "8.1", "99")[0] == 2


def test_warnings_are_shown(capsys):
    assert run(capsys, "check", "block", "--qemu", "8.2")[1].startswith("warning   block migration is deprecated")


def test_questions_of_the_probe(capsys):
    from pymig.host.checks import NAMES

    status, out, _ = run(capsys, "probe", "--list")
    assert status == 0
    assert tuple(line.split()[0] for line in out.splitlines()) == NAMES
    assert [line.split(maxsplit=1)[1] for line in out.splitlines()] == [
        "if a userfaultfd can be opened",
        "if its features can be asked",
        "if the kernel can track writes",
        "if the guest's memory can be write-tracked",
        "if an incoming postcopy-ram is supported",
        "if a TCP socket takes MSG_ZEROCOPY (zero-copy-send)",
        "if sockets may hold enough notices (zero-copy-send)",
        "if the guest's memory may be locked (zero copy, RDMA)",
        "if an RDMA device can be opened (rdma-pin-all)",
        "if huge pages are free",
    ]
    answer = json.loads(run(capsys, "probe", "--json")[1])
    assert tuple(entry["name"] for entry in answer["questions"]) == NAMES
    assert {entry["status"] for entry in answer["questions"]} <= {"PASS", "WARN", "FAIL", "ERROR"}
    assert answer["schema"] == "pymig-host"
    for name in NAMES:
        only = json.loads(run(capsys, "probe", "--json", "--only", name)[1])["questions"]
        assert [entry["name"] for entry in only] == [name]
    if any(entry["status"] == "WARN" for entry in answer["questions"]):
        assert run(capsys, "probe", "--strict")[0] != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to ask in another user's place")
def test_probe_in_a_users_place(capsys):
    status, out, _ = run(capsys, "probe", "--user", "nobody")
    assert out.startswith("in the place of user nobody:\n")
    assert status == (0 if "0 FAIL, 0 ERROR" in out else 1)
    document = json.loads(run(capsys, "probe", "--user", "nobody", "--json")[1])
    assert {question["name"] for question in document["questions"]} >= {"userfaultfd", "postcopy", "memlock"}
    assert document["postcopy"] == json.loads(Host.of_user("nobody").to_json())["postcopy"]


def test_probe_in_the_own_place(capsys):
    plain, own = (json.loads(run(capsys, "probe", "--json", *place)[1]) for place in ((), ("--pid", str(os.getpid()))))
    assert own["write_tracking"] == plain["write_tracking"]
    assert own["postcopy"] == plain["postcopy"]


def test_what_is_not_asked_is_not_probed(capsys, monkeypatch):
    monkeypatch.setattr("pymig.cli.probe.probe", lambda _: pytest.fail("probed"))
    for name in ("zero-copy", "optmem", "memlock", "rdma", "huge-pages"):
        status, out, _ = run(capsys, "probe", "--only", name)
        assert status in (0, 2)
        assert "userfaultfd" not in out
    assert set(json.loads(run(capsys, "probe", "--only", "rdma", "--json")[1])) == {"questions"}
    status, _, err = run(capsys, "probe", "--only", "rdma", "--memory", "memfd")
    assert status == 2
    assert "none of the checks in --only" in err


@pytest.mark.parametrize(
    "memory, says",
    [
        ("disk", "kind must be one of"),
        ("file", "path must be given"),
        ("file:/nonexistent", "No such file"),
        ("memfd,page_size=3M", "power of two"),
        ("memfd,size=x", "not a number of bytes"),
        ("memfd,sharing", "is not a known option"),
    ],
)
def test_memory_that_is_none(capsys, memory, says):
    status, out, err = run(capsys, "probe", "--memory", memory)
    assert (status, out) == (2, "")
    assert says in err


def test_memory_of_the_probe(capsys):
    arguments = ("--memory", "memfd,share", "--memory", "file:/dev/shm,share,size=2M", "--json")
    answer = json.loads(run(capsys, "probe", *arguments)[1])
    assert [entry["memory"]["kind"] for entry in answer["memory"]] == ["memfd", "file"]
    assert answer["memory"][1]["memory"]["size"] == 2 << 20


def test_a_preflight_that_completes(capsys):
    status, out, _ = run(capsys, "preflight", "multifd", "--source", "10.0", "--destination", "11.1")
    lines = out.splitlines()
    assert status == 0
    assert [line.split()[:2] for line in lines[:4]] == [
        ["source", "migrate-set-capabilities"],
        ["destination", "migrate-set-capabilities"],
        ["destination", "migrate-incoming"],
        ["source", "migrate"],
    ]
    assert all(line.endswith("  accepted") for line in lines[:4])
    assert lines[-1] == "completes: the guest runs on the destination"


def test_a_preflight_that_is_refused(capsys):
    names = ["multifd", "postcopy-ram"]
    status, out, _ = run(capsys, "preflight", *names, "--source", "8.0", "--destination", "8.2")
    assert status == 1
    assert "+multifd +postcopy-ram  refused: Postcopy is not yet compatible with multifd" in out
    assert "remedy            set the capabilities without postcopy-ram or without multifd" in out
    assert out.splitlines()[-1] == "refused: the guest runs on the source"


def test_a_preflight_of_files_as_json(capsys, tmp_path):
    there, other = tmp_path / "there.json", tmp_path / "other.json"
    there.write_text(Endpoint(Context("10.0"), machine="pc-q35-10.0").to_json())
    other.write_text(Endpoint(Context("11.1"), machine="pc-q35-9.0").to_json())
    arguments = ["preflight", "--source", str(there), "--json", "--parameter", "max-bandwidth=1000000"]
    status, out, _ = run(capsys, *arguments, "--destination", str(other))
    answer = json.loads(out)
    assert (status, answer["outcome"], answer["guest"]) == (1, "fails", preflight_of(there, other).guest)
    assert answer["findings"][0]["rule"] == "machine"
    status, out, _ = run(capsys, *arguments, "--destination", str(there))
    assert (status, json.loads(out)["outcome"]) == (0, "completes")


def preflight_of(source, destination):
    ends = [Endpoint.from_json(path.read_text()) for path in (source, destination)]
    return preflight(*ends, Plan(parameters={"max-bandwidth": 1000000}, uri="tcp:destination:4444"))
