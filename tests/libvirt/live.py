# SPDX-License-Identifier: GPL-2.0-or-later

"""Let two real libvirts migrate, and compare what they send and refuse with what pymig predicts.

    python -m tests.libvirt.live [SUITE[:SUITE]...]

A suite is one of Debian's; with two, migrations go from the first to the second. mmdebstrap makes a root of each once;
build/libvirt keeps it as an archive. The daemons run in namespaces of their own (tests.libvirt.hosts), so nothing of
them is left. Exit status: 0 all is as predicted, 1 something is not, 77 a root can't be had. Needs root.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from pymig import Context, Domain, Endpoint, Host, LibvirtRefusal, Plan, preflight
from pymig.cli.virsh import shown_by_virsh
from pymig.ends.monitor_command import READ_ONLY
from pymig.libvirt import requests
from pymig.libvirt.flags import BITS, FIELDS, OPTIONS
from pymig.libvirt.version import version_of
from tests.libvirt.recorded import AROUND, OPENINGS, settings, tidy
from tests.live.bring import BringError, fetch, say, worst
from tests.machines.roots import keyring, mirror

KEPT = Path(__file__).parents[2] / "build" / "libvirt"
SUITES = ("bookworm", "trixie", "bookworm:trixie", "trixie:bookworm")
PACKAGES = (
    "libvirt-daemon,libvirt-daemon-driver-qemu,libvirt-clients,qemu-system-x86,qemu-utils,python3-libvirt,"
    "python3-cffi-backend"
)
NO_SERVICES = 'printf "#!/bin/sh\\nexit 101\\n" > "$1/usr/sbin/policy-rc.d" && chmod +x "$1/usr/sbin/policy-rc.d"'
NAMESPACES = ("unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child")
REAPS = ("sh", "-c", '"$@"; exit $?', "sh")  # the first process must wait for orphans, and a shell does
LONGEST = 600  # seconds


def archive_of(suite: str) -> Path:
    """The archive of a root with libvirt and QEMU; made unless it exists."""
    archive = KEPT / f"{suite}.tar"
    if not archive.exists():
        say(suite, "making a root with libvirt and QEMU; this can take some minutes")
        KEPT.mkdir(parents=True, exist_ok=True)
        unfinished = archive.with_suffix(".unfinished")
        options = ("--quiet", "--variant=apt", "--format=tar", f"--include={PACKAGES}")
        hooks = ('--setup-hook=mkdir -p "$1/usr/sbin"', f"--setup-hook={NO_SERVICES}")
        keys = f"--keyring={keyring('debian')}"
        fetch("mmdebstrap", *options, *hooks, keys, suite, str(unfinished), *mirror("debian"))
        unfinished.rename(archive)
    return archive


def seen_in(suite: str) -> dict:
    """What tests.libvirt.hosts saw."""
    archives = [archive_of(one) for one in suite.split(":")]
    with tempfile.TemporaryDirectory(prefix="libvirt-", dir=KEPT) as name:
        roots, out = [Path(name) / archive.stem for archive in archives], Path(name) / "out.json"
        for archive, root in zip(archives, roots, strict=True):
            root.mkdir()
            subprocess.run(["tar", "-xf", archive, "-C", root, "--exclude=./dev/*"], check=True)
        command = [*NAMESPACES, *REAPS, sys.executable, "-m", "tests.libvirt.hosts", ":".join(map(str, roots)), out]
        subprocess.run(command, check=True, timeout=LONGEST)
        return json.loads(out.read_text())


def differences(seen: dict) -> list[str]:
    """What is not as predicted, a line each."""
    libvirt, qemu = seen["source"]
    version = version_of(libvirt, "libvirt")
    known = [option.word for option in OPTIONS if option.since <= version]
    found = [] if known == seen["options"] else [f"options: {seen['options']}, not {known}"]
    found += differences_of_constants(seen["constants"], version)
    found += differences_of_domain(seen["domain"], qemu)
    choices = {"libvirt": libvirt, "source": qemu}
    choices["destination_libvirt"], choices["destination"] = seen["destination"]
    for migration in seen["migrations"]:
        words = " ".join(migration["virsh"])
        found += [f"{words}: {line}" for line in differences_of(migration, choices)]
    return found


def differences_of_constants(constants: dict, version: tuple) -> list[str]:
    """Of libvirt-python's VIR_MIGRATE_*."""
    flags = {f"VIR_MIGRATE_{name}": value for name, value in BITS.items()}
    typed = {f"VIR_MIGRATE_PARAM_{one.parameter}": one.field for one in FIELDS.values() if one.since <= version}
    ours = flags | typed
    return [
        f"{name}: {constants.get(name)!r}, not {ours.get(name)!r}"
        for name in sorted(ours.keys() | constants.keys())
        if constants.get(name) != ours.get(name)
    ]


SAID = {
    "unknown": "pymig: libvirt:nobody: libvirt says: Domain not found: no domain with matching name 'nobody'",
    "unreachable": ": libvirt says: Failed to connect socket to '/nowhere': No such file or directory",
    "another driver": "pymig: libvirt:test:///default#test: libvirt is connected to TEST, not to QEMU",
    "hangs": "pymig: libvirt:g did not answer over QMP within 2 seconds",
    "off": "pymig: libvirt:g: the domain is not running",
}


def differences_of_domain(domain: dict, qemu: str) -> list[str]:
    """Of the domain as an end."""
    answers = domain["answers"]
    found = [f"libvirt:g sends {name}" for name in domain["sent"] if not READ_ONLY.match(name)]
    for name, text in SAID.items():
        status, out, error = answers[name]
        found += [] if (status, out, text in error) == (2, "", True) else [f"{name}: {status} {out}{error}"]
    for name in ("describe", "again", "uri"):
        end = Endpoint.from_json(answers[name][1])
        told = (end.context.build.release, end.uuid, list(end.capabilities), end.cpus, end.host is not None)
        expected = (qemu, "deadbeef-0000-4000-8000-000000000001", ["events"], 1, name != "uri")
        found += [] if told == expected else [f"{name}: {told}, not {expected}"]
    found += [] if "migrate-incoming" in answers["virsh"][1] else [f"virsh: {answers['virsh']}"]
    snapshot = json.loads(answers["snapshot"][1] or "{}").get("shown")
    expected = ["error: Requested operation is not valid: cannot migrate domain with 1 snapshots"]
    found += [] if snapshot == expected else [f"snapshot: {answers['snapshot']}"]
    looked = answers["watch"][0], json.loads(answers["watch"][1] or "{}").get("source")
    return found if looked == (2, "none") else [*found, f"watch: {answers['watch']}"]


def differences_of(migration: dict, choices: dict) -> list[str]:
    """Of one migration."""
    domain = Domain(**migration.get("facts", {}))
    choices = {**choices, "domain": domain}
    try:
        answer = requests(migration["virsh"], **choices)
        shown = qemus_refusal(migration["virsh"], choices)
    except LibvirtRefusal as refusal:
        answer, shown = refusal, [refusal.shown]
    errors = [line for line in migration["error"] if not line.startswith("Migration: [")]
    found = [] if errors == shown else [f"virsh shows {errors}, not {shown}"]
    for side, sent in migration["sent"].items():
        end = getattr(answer, side)
        commands = [command for command in sent if command[0] not in AROUND]
        capabilities, parameters = settings([[execute, arguments or {}] for execute, arguments in commands])
        ours = ([], {}) if end is None else (list(end.capabilities.items()), dict(end.parameters))
        if not migration["exit"]:
            opened = opened_by(commands)
            predicted = [tidy(*command) for command in end.commands if not command.execute.startswith("query-")]
            found += [] if opened == predicted else [f"the {side} is sent {opened}, not {predicted}"]
        if (capabilities or not migration["exit"]) and capabilities != ours[0]:
            found.append(f"the {side} gets {capabilities}, not {ours[0]}")
        if (parameters or not migration["exit"]) and parameters != ours[1]:
            found.append(f"the {side} gets {parameters}, not {ours[1]}")
    return found


def opened_by(commands: list) -> list:
    """The commands up to migrate or migrate-incoming, without queries."""
    names = [execute for execute, _ in commands]
    last = min((names.index(name) for name in OPENINGS if name in names), default=len(names))
    return [tidy(*command) for command in commands[: last + 1] if not command[0].startswith("query-")]


def qemus_refusal(words: list[str], choices: dict) -> list[str]:
    """What virsh shows if QEMU refuses: the daemons run as root, so QEMU may do everything."""
    host = Host(write_tracking="compatible", postcopy=True)
    ends = (Endpoint(Context(choices[name], host), capabilities=["events"]) for name in ("source", "destination"))
    return shown_by_virsh(preflight(*ends, Plan.from_virsh(words, **choices)))


def outcome(suite: str) -> int:
    """Compares a suite, prints how that ended, and returns the exit status."""
    try:
        seen = seen_in(suite)
    except BringError as error:
        say(suite, f"{error.outcome}: {error}")
        return error.status
    found = differences(seen)
    for line in found:
        say(suite, line)
    what = " to ".join("libvirt {} with QEMU {}".format(*seen[end]) for end in ("source", "destination"))
    say(suite, f"{what}: {len(seen['migrations'])} migrations, {len(found)} differences")
    return 1 if found else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.libvirt.live", description="Ask real libvirts.")
    parser.add_argument("suites", nargs="*", metavar="SUITE[:SUITE]", help=f"by default {' and '.join(SUITES)}")
    return worst([outcome(suite) for suite in parser.parse_args().suites or SUITES])


if __name__ == "__main__":
    sys.exit(main())
