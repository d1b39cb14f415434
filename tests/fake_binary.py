# SPDX-License-Identifier: GPL-2.0-or-later

"""Binaries that claim to be a QEMU."""

import sys

SERVER = f"""#!{sys.executable}
import json, os, re, signal, socket, sys, time
from math import inf, nan

monitor = socket.socket(fileno=int(re.search(r",fd=(\\d+)", " ".join(sys.argv))[1]))
VERSION = {{"qemu": {{"major": 8, "minor": 0, "micro": 0}}, "package": ""}}
GREETING = {{"QMP": {{"version": VERSION, "capabilities": []}}}}

def say(message):
    monitor.sendall(json.dumps(message).encode() + b"\\r\\n")

def serve(answers, at=lambda command: None):
    say(GREETING)
    for line in monitor.makefile():
        request = json.loads(line)
        at(request["execute"])
        say({{"return": answers.get(request["execute"], {{}}), "id": request["id"]}})

"""
"""What the bodies below may use: ``serve`` answers over QMP, and calls ``at`` before each answer."""


def answers(capabilities=("multifd", "block"), compressions=("none", "zlib", "zstd"), parameters=("max-bandwidth",)):
    """The least that is taken for a QEMU 8.0, with these names."""
    members = [{"name": name, "type": "int"} for name in parameters]
    return {
        "query-version": {"qemu": {"major": 8, "minor": 0, "micro": 0}, "package": ""},
        "query-target": {"arch": "x86_64"},
        "query-migrate-capabilities": [{"capability": "multifd", "state": False}],
        "query-qmp-schema": [
            {"name": "migrate-set-capabilities", "arg-type": "1"},
            {"name": "1", "members": [{"name": "capabilities", "type": "[2]"}]},
            {"name": "[2]", "element-type": "2"},
            {"name": "2", "members": [{"name": "capability", "type": "3"}, {"name": "state", "type": "bool"}]},
            {"name": "3", "values": capabilities},
            {"name": "migrate-set-parameters", "arg-type": "4"},
            {"name": "4", "members": [*members, {"name": "multifd-compression", "type": "5"}]},
            {"name": "5", "values": compressions},
        ],
    }


def program(folder, text):
    """The path of a program with this text."""
    path = folder / "qemu"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def server(folder, body):
    """The path of a binary that runs this body, in which GOOD are the answers of a QEMU 8.0."""
    return program(folder, f"{SERVER}GOOD = {answers()!r}\n{body}")
