# SPDX-License-Identifier: GPL-2.0-or-later

"""What real libvirts sent to real QEMUs: tests/libvirt/data/recorded.json.gz.

``entries`` holds one end of one command of virsh each: ``virsh`` (its words), ``exit``, ``error`` (virsh's lines),
``libvirt``, ``qemu``, ``side``, ``commands`` ([execute, arguments, reply]); a reply {"$ref": KEY} stands under
``replies``. An end without a side was sent nothing.
"""

import gzip
import json
import re
from pathlib import Path

from pymig.libvirt import Domain, LibvirtRefusal, requests

DOCUMENT = json.loads(gzip.decompress((Path(__file__).parent / "data" / "recorded.json.gz").read_bytes()))
ENTRIES = DOCUMENT["entries"]

OF_QEMU = ("unable to execute QEMU command", "job 'migration out'", "operation failed", "canceled by client")
OF_THE_HOST = ("cannot limit locked memory",)
FAULTY = ("tls-tunnelled",)
"""A fault of libvirt's, see pymig.libvirt.known_faults: the source sends less than it means to, or nothing."""

PAIR = re.compile(r"libvirt (\S+) \+ QEMU (\S+) -> libvirt (\S+) \+ QEMU ([\d.]+)")
BY_NOTE = {"Debian 12": ("9.0.0", "7.2.22"), "Debian 13": ("11.3.0", "11.1.3"), "Debian sid": ("12.8.0", "11.1.3")}


def pair_of(entry):
    """(libvirt, QEMU) at the source and at the destination."""
    if found := PAIR.search(entry["note"]):
        a, b, c, d = (part.replace("7.2", "7.2.22") if part == "7.2" else part for part in found.groups())
        return (full(a), b), (full(c), d)
    own = next((pair for start, pair in BY_NOTE.items() if entry["note"].startswith(start)), None)
    own = own or (entry["libvirt"], entry["qemu"])
    return own, own


def full(version):
    return version if version.count(".") == 2 else f"{version}.0"


def domain_of(entry):
    return Domain(shared_storage=not entry["xml"].startswith("gd"), hard_limit=entry["xml"].startswith("gm"))


def predicted(entry):
    """The Requests, or the LibvirtRefusal."""
    (libvirt, qemu), (other_libvirt, other_qemu) = pair_of(entry)
    try:
        return requests(
            entry["virsh"],
            libvirt=libvirt,
            source=qemu,
            destination=other_qemu,
            destination_libvirt=other_libvirt,
            domain=domain_of(entry),
        )
    except LibvirtRefusal as refusal:
        return refusal


def libvirts_own(entry):
    """The last line of virsh's error, if libvirt refused the command itself; else None."""
    line = entry["error"][-1] if entry["exit"] and entry["error"] else None
    return None if line is None or any(text in line for text in (*OF_QEMU, *OF_THE_HOST)) else line


SETTINGS = ("migrate-set-capabilities", "migrate-set-parameters")
OPENINGS = ("migrate", "migrate-incoming")
AROUND = ("query-migrate", "nbd-server-start", "block-export-add", "blockdev-mirror", "block-job-cancel")
"""Commands of the storage, or repeated ones: not predicted."""


def settings(commands):
    """The first set of capabilities, beyond events, in order; the parameters that follow, if QEMU accepts the set."""
    sets = [command for command in commands if command[0] in SETTINGS and not only_events(command)]
    first = next((i for i, command in enumerate(sets) if command[0] == "migrate-set-capabilities"), None)
    switches = [] if first is None else [(one["capability"], one["state"]) for one in sets[first][1]["capabilities"]]
    following = sets[0 if first is None else first + 1 :][:1]
    return switches, following[0][1] if following and following[0][0] == "migrate-set-parameters" else {}


def only_events(command):
    return [one["capability"] for one in command[1].get("capabilities", ())] == ["events"]


def opened_by(commands):
    """The commands up to migrate or migrate-incoming, without those that are not predicted; None if there is none."""
    names = [execute for execute, *_ in commands]
    ends = [names.index(name) for name in OPENINGS if name in names]
    return [tidy(*command[:2]) for command in commands[: ends[0] + 1] if command[0] not in AROUND] if ends else None


def after_opening(commands):
    names = [execute for execute, *_ in commands]
    return commands[min(names.index(name) for name in OPENINGS if name in names) + 1 :]


def tidy(execute, arguments):
    """Without what the hosts decide: the number of a descriptor, and whether certificates of clients are verified."""
    arguments = dict(arguments or {})
    if str(arguments.get("uri", "")).startswith("fd:"):
        arguments["uri"] = "fd:"
    arguments.pop("verify-peer", None)
    return execute, arguments
