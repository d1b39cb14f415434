# SPDX-License-Identifier: GPL-2.0-or-later

"""What real QEMUs answered to migrate and migrate-incoming, and the same questions for pymig.

    python -m tests.vectors.commands BINARY    # records it into tests/vectors/commands/VERSION.json.gz

A recording is ``{version, answers}``, an answer being ``[case, text]``: the text of the refusal, "" if the command was
accepted, or null if QEMU died of it. Each case has a QEMU of its own.
"""

import argparse
import contextlib
import itertools
import sys
import tempfile
import warnings
from pathlib import Path

from pymig import Host, KnownFaultWarning, MigrationState, TransportError
from tests.live.conftest import DiedError, live_qemu
from tests.vectors import recorded

DATA = Path(__file__).with_name("commands")

OPENING = (
    "Failed to ",
    "Unable to open",
    "Could not ",
    "File descriptor named",
    "address resolution",
    "RDMA ERROR: could",
)
"""How the texts begin with which a command is refused once it opens something. pymig does not open anything."""

NOT_MODELLED = (
    "is not compatible with CPR",
    "error parsing to=",
    "error parsing 'ipv4'",
    "Invalid parameter '",
    "expects a number",
    "expects 'on' or 'off'",
    "file URI has bad offset",
    "migration to a file is not supported",
    "Failed to parse",
)
"""Refusals that pymig leaves out: options of addresses, blockers of a mode, and what a descriptor turns out to be."""


def unix(path, kind="main"):
    return channel({"transport": "socket", "type": "unix", "path": path}, kind)


def channel(address, kind="main"):
    return {"channel-type": kind, "addr": address}


MAIN, CPR = unix("/nonexistent/main"), unix("/nonexistent/cpr", "cpr")
URI = {"uri": "unix:/nonexistent/main"}

URIS = (
    "",
    "tcp",
    "tcp:",
    "tcp:x",
    "tcp:192.0.2.1",
    "tcp:a:",
    "tcp::1",
    "tcp:[::1]:1",
    "tcp:[::1]",
    "tcp:[",
    "tcp:a:x",
    f"tcp:{'a' * 70}:1",
    "unix:",
    "unix:/nonexistent/main",
    "vsock:1",
    "vsock:1:",
    "vsock::2",
    "vsock:1:2,x",
    "vsock:1:2",
    "fd:",
    "fd:unknown",
    "exec:",
    "exec:true",
    "file:",
    "file:/nonexistent/x",
    "rdma:",
    "rdma:x",
    "rdma:[::1]",
    "rdma:x:1",
    "TCP:1:2",
    "defer",
    "nowhere:1",
)

ADDRESSES = (
    {},
    {"transport": "x"},
    {"transport": 3},
    {"transport": "socket"},
    {"transport": "socket", "type": "x"},
    {"transport": "socket", "type": "unix"},
    {"transport": "socket", "type": "unix", "path": "/nonexistent/x", "foo": 1},
    {"transport": "socket", "type": "inet", "host": "h"},
    {"transport": "socket", "type": "inet", "host": "h", "port": 1},
    {"transport": "socket", "type": "inet", "host": "h", "port": "1", "to": "x"},
    {"transport": "socket", "type": "inet", "host": "h", "port": "1", "to": 65536},
    {"transport": "socket", "type": "inet", "host": "h", "port": "1", "ipv4": "on"},
    {"transport": "socket", "type": "inet", "host": "h", "port": "1", "keep-alive-count": -1},
    {"transport": "socket", "type": "vsock", "cid": "1"},
    {"transport": "socket", "type": "fd", "str": "unknown"},
    {"transport": "exec"},
    {"transport": "exec", "args": []},
    {"transport": "exec", "args": [3]},
    {"transport": "exec", "args": ["true"]},
    {"transport": "file"},
    {"transport": "file", "filename": "/nonexistent/x"},
    {"transport": "file", "filename": "/nonexistent/x", "offset": "3"},
    {"transport": "file", "filename": "/nonexistent/x", "offset": 0},
    {"transport": "rdma", "host": "h"},
)

CHANNELS = (
    [],
    [MAIN],
    [MAIN, MAIN],
    [CPR],
    [CPR, CPR],
    [MAIN, CPR],
    [CPR, MAIN],
    [MAIN, CPR, MAIN],
    [CPR, MAIN, CPR],
    {},
    "x",
    [3],
    [{}],
    [{"addr": {}}],
    [{"channel-type": "main"}],
    [{"channel-type": "x", "addr": MAIN["addr"]}],
    [{**MAIN, "foo": 1}],
    *([channel(address)] for address in ADDRESSES),
)

ARGUMENTS = (
    {},
    {"uri": 3},
    {"foo": 1},
    {"uri": 3, "foo": 1},
    {"detach": True},
    {"resume": True},
    {"channels": [MAIN], "uri": "tcp:1:1"},
    *({**URI, name: True} for name in ("detach", "blk", "inc", "resume", "exit-on-error", "foo")),
    {**URI, "resume": 3},
    {**URI, "resume": False},
    {"uri": "nowhere:1", "resume": True},
    {"uri": "tcp:x", "resume": True},
    *({"uri": uri} for uri in URIS),
    *({"channels": channels} for channels in CHANNELS),
)

SETTINGS = (
    (("multifd",), {}),
    (("postcopy-ram", "postcopy-preempt"), {}),
    (("mapped-ram",), {}),
    (("mapped-ram", "multifd"), {}),
    (("xbzrle",), {}),
    (("compress",), {}),
    (("postcopy-ram",), {}),
    (("dirty-bitmaps",), {}),
    (("background-snapshot",), {}),
    (("return-path", "x-colo"), {}),
    (("release-ram",), {}),
    (("block",), {}),
    ((), {"block-incremental": True}),
    ((), {"multifd-compression": "zlib"}),
    (("mapped-ram",), {"multifd-compression": "zlib"}),
    (("mapped-ram",), {"tls-creds": "tls0"}),
    (("mapped-ram", "multifd"), {"direct-io": True}),
    *(
        (names, {"mode": mode})
        for mode in ("cpr-reboot", "cpr-transfer", "cpr-exec")
        for names in (
            (),
            ("postcopy-ram",),
            ("dirty-bitmaps",),
            ("background-snapshot",),
            ("return-path", "x-colo"),
            ("release-ram",),
        )
    ),
    ((), {"mode": "cpr-exec", "cpr-exec-command": ["true"]}),
)

TRANSPORTS = (
    *(
        {"uri": uri}
        for uri in (
            "tcp:127.0.0.1:1",
            "unix:/nonexistent/x",
            "vsock:1:2",
            "fd:unknown",
            "exec:true",
            "file:/nonexistent/x",
            "rdma:x:1",
            "nowhere:1",
        )
    ),
    {"channels": [MAIN]},
    {"channels": [MAIN, CPR]},
    {**URI, "blk": True},
    {**URI, "resume": True},
)

SEQUENCES = (
    [("migrate", {"uri": "exec:sleep 9"}), ("migrate", URI)],
    [("migrate", {"uri": "exec:sleep 9"}), ("migrate", {"uri": "nowhere:1"})],
    [("migrate-incoming", {"uri": "unix:DIR/s"}), ("migrate-incoming", URI)],
    [("migrate-incoming", {"uri": "unix:DIR/s"}), ("migrate", URI)],
    [
        ("migrate-incoming", {"uri": "nowhere:1"}),
        ("migrate-incoming", {"uri": "unix:DIR/s"}),
        ("migrate-incoming", {"uri": "nowhere:1"}),
    ],
)


def cases():
    """Each case: whether QEMU waits for an incoming migration, what is set first, and the commands."""
    for incoming, command in (
        (False, "migrate"),
        (True, "migrate-incoming"),
        (True, "migrate"),
        (False, "migrate-incoming"),
    ):
        alone = ARGUMENTS if incoming == (command == "migrate-incoming") else ({}, URI, {"uri": "nowhere:1"})
        yield from ({"incoming": incoming, "commands": [[command, arguments]]} for arguments in alone)
    for (names, parameters), arguments in itertools.product(SETTINGS, TRANSPORTS):
        for command in ("migrate", "migrate-incoming"):
            setting = {"capabilities": list(names), "parameters": parameters}
            yield {"incoming": command == "migrate-incoming", **setting, "commands": [[command, arguments]]}
    for sequence in SEQUENCES:
        waits = {"capabilities": ["pause-before-switchover"], "parameters": {}}
        yield {"incoming": sequence[0][0] == "migrate-incoming", **waits, "commands": [list(step) for step in sequence]}


# ---- Asking a real QEMU ----


def ask(binary, case, folder):
    """The text of the last refusal, None if QEMU died, or False if it refuses the settings."""
    options = ["-incoming", "defer"] if case["incoming"] else []
    with live_qemu(*options, command=(binary,)) as qemu:
        if not set_up(qemu, case):
            return False
        answer = ""
        for command, arguments in case["commands"]:
            try:
                answer = qemu.ask(command, **in_folder(arguments, folder))
            except DiedError:
                return None
        return answer if isinstance(answer, str) else ""


def in_folder(arguments, folder):
    return {
        name: value.replace("DIR", str(folder)) if isinstance(value, str) else value
        for name, value in arguments.items()
    }


def set_up(qemu, case):
    names, parameters = case.get("capabilities", []), case.get("parameters", {})
    requests = (
        ("migrate-set-capabilities", {"capabilities": [{"capability": name, "state": True} for name in names]}),
        ("migrate-set-parameters", parameters),
    )
    return not any(isinstance(qemu.ask(command, **arguments), str) for command, arguments in requests)


def record(binary):
    with live_qemu(command=(binary,)) as qemu:
        version = qemu.ask("query-version")["qemu"]
    with tempfile.TemporaryDirectory() as folder:
        answers = [[case, ask(binary, case, folder)] for case in cases()]
    return {"version": version, "answers": [answer for answer in answers if answer[1] is not False]}


# ---- Asking pymig ----


def told(build, case):
    """What pymig says of a case: the text, or None for a known fault that kills QEMU."""
    state = MigrationState(build, Host(), incoming=case["incoming"])
    answer = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", KnownFaultWarning)
        state.set_capabilities(dict.fromkeys(case.get("capabilities", []), True))
        state.set_parameters(case.get("parameters", {}))
        for command, arguments in case["commands"]:
            send = state.migrate if command == "migrate" else state.migrate_incoming
            try:
                send(**arguments)
                answer = ""
            except TransportError as error:
                answer = error.message
            except KnownFaultWarning:
                answer = None
    return answer


def is_beyond(text):
    """Whether a recorded text is one that pymig does not give: it would open something, or it is left out."""
    return text is not None and (text.startswith(OPENING) or any(words in text for words in NOT_MODELLED))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("binary")
    recording = record(parser.parse_args().binary)
    DATA.mkdir(exist_ok=True)
    recorded.write(DATA / f"{recorded.version_of(recording)}.json.gz", recording)
    print(f"{len(recording['answers'])} answers of {recorded.version_of(recording)}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
