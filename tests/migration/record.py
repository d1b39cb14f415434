# SPDX-License-Identifier: GPL-2.0-or-later

"""Carry out migrations between real QEMUs of several releases, and write what they did to ``data/more.json``.

    python -m tests.migration.record [NAME...]

It takes some minutes. A NAME selects cases; the rows of the others stay. recorded.py tells what a row has.
"""

import argparse
import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from pymig import Plan, preflight
from tests.live.bring import bring, say, wrapper_of
from tests.migration.pair import carry_out, endpoint_of, outcome, pair
from tests.migration.recorded import MORE

OLD, MIDDLE, NEW, NEWEST = "debian-7.2", "quicksand-8.2.2", "debian-10.0", "debian-11.1"
ALLOW_MULTIFD_WITH_POSTCOPY = [(a, b) for a in (OLD, NEWEST) for b in (OLD, NEWEST)]

POSTCOPY, PREEMPT, MULTIFD, RETURNS = "postcopy-ram", "postcopy-preempt", "multifd", "return-path"
PAUSE = "pause-before-switchover"
NOTHING, ALL_THREE = (), (POSTCOPY, PREEMPT, MULTIFD)


class Case(NamedTuple):
    """Migrations that differ in their ends and transports alone."""

    name: str
    ends: list[tuple[str, str]]
    ours: tuple[str, ...]  # the capabilities of the source
    theirs: tuple[str, ...]
    transports: tuple[str, ...]
    machines: tuple[str, str] = ("pc-q35-7.2",) * 2
    channels: tuple[int, int] | None = None  # multifd-channels
    memory: str = "anonymous"
    paused: bool = False  # at the source
    credentials: tuple[str | None, str | None] = (None, None)  # the kinds of TLS objects
    bitmap: bool = False  # the same dirty bitmap at both ends


BOTH, TCP, EXEC, FILE = ("unix", "tcp"), ("tcp",), ("exec",), ("file",)
CASES = [
    Case("early-preempt", ALLOW_MULTIFD_WITH_POSTCOPY, ALL_THREE, ALL_THREE, BOTH),
    Case("early-preempt", [(NEWEST, NEWEST)], ALL_THREE, (POSTCOPY, MULTIFD), BOTH),
    Case("early-preempt", [(OLD, MIDDLE), (OLD, NEW)], ALL_THREE, (MULTIFD,), BOTH),
    Case("late-preempt", [(NEWEST, NEWEST)], ALL_THREE, ALL_THREE, BOTH, ("pc-q35-8.0",) * 2),
    Case("late-preempt", [(NEWEST, NEWEST)], ALL_THREE, (POSTCOPY, MULTIFD), BOTH, ("pc-q35-8.0",) * 2),
    Case("unread", [(OLD, OLD), (MIDDLE, NEW), (NEW, NEWEST)], NOTHING, (MULTIFD,), TCP),
    Case("unread", [(OLD, OLD), (MIDDLE, NEW), (NEW, NEWEST)], (RETURNS,), (MULTIFD,), TCP),
    Case("unread", [(OLD, OLD), (NEW, NEWEST)], (MULTIFD,), (MULTIFD,), TCP, channels=(2, 4)),
    Case("unread", [(OLD, OLD), (NEW, OLD)], NOTHING, (POSTCOPY, PREEMPT), TCP),
    Case("unread", [(OLD, OLD), (NEW, OLD)], (RETURNS,), (POSTCOPY, PREEMPT), TCP),
    Case("memfd", [(NEW, OLD), (MIDDLE, OLD)], ("x-ignore-shared",), ("x-ignore-shared",), TCP, memory="memfd"),
    Case("paused-ack", [(NEW, NEW)], ("return-path", "switchover-ack"), (RETURNS,), TCP, paused=True),
    Case("pause", [(OLD, OLD), (NEWEST, NEW)], (PAUSE, RETURNS), NOTHING, EXEC),
    Case("pause", [(MIDDLE, NEW), (NEWEST, NEW)], (PAUSE, RETURNS), NOTHING, FILE),
    *(
        Case("-".join(kinds), [(OLD, OLD), (MIDDLE, NEW), (NEWEST, NEWEST)], NOTHING, NOTHING, BOTH, credentials=kinds)
        for kinds in (("anon", "anon"), ("psk", "psk"), ("anon", "psk"), ("psk", "anon"))
    ),
    Case("late", [(MIDDLE, OLD)], (POSTCOPY, PREEMPT), (POSTCOPY, PREEMPT), BOTH, ("pc-q35-8.2", "pc-q35-7.2")),
    Case("not-late", [(MIDDLE, OLD)], (POSTCOPY, PREEMPT), (POSTCOPY, PREEMPT), BOTH),
    Case("bitmap", [(OLD, OLD), (NEW, NEWEST)], ("dirty-bitmaps", PAUSE), ("dirty-bitmaps",), BOTH, bitmap=True),
    *(
        Case(
            "psk-none",
            [(OLD, OLD), (NEWEST, OLD), (OLD, MIDDLE), (NEW, NEWEST)],
            on,
            on,
            BOTH,
            credentials=("psk", None),
        )
        for on in ((MULTIFD,), (POSTCOPY, PREEMPT))
    ),
    Case("psk-psk", [(OLD, OLD), (NEW, NEWEST)], (MULTIFD,), (MULTIFD,), BOTH, credentials=("psk", "psk")),
]


def plan_of(case, transport, folder, number):
    """The arguments of the Plan."""
    uri, incoming = {
        "unix": (f"unix:{folder}/m",) * 2,
        "tcp": (f"tcp:127.0.0.1:{20000 + number}",) * 2,
        "file": (f"file:{folder}/m",) * 2,
        "exec": (f"exec:cat > {folder}/m", f"exec:cat {folder}/m"),
    }[transport]
    settings = [{"capabilities": dict.fromkeys(names, True)} for names in (case.ours, case.theirs)]
    for one, channels in zip(settings, case.channels or (), strict=False):
        one["parameters"] = {"multifd-channels": channels}
    for one, kind in zip(settings, case.credentials, strict=True):
        one["parameters"] = {**one.get("parameters", {}), **({"tls-creds": "t"} if kind else {})}
    return {"source": settings[0], "destination": settings[1], "uri": uri, "incoming_uri": incoming}


BLOCKS = {
    "anonymous": {"pc.ram": {"size": 64 << 20, "kind": "anonymous", "share": False}},
    "memfd": {"m": {"size": 64 << 20, "kind": "memfd", "share": True}},
}
OPTIONS = {"anonymous": (), "memfd": ("-object", "memory-backend-memfd,id=m,size=64M,share=on")}


SIDES = ("client", "server")
DISK = ("-blockdev", "null-co,node-name=d0,size=16777216", "-device", "virtio-blk-pci,drive=d0,addr=6")


def credentials_of(kind, side, folder):
    """The option that makes the object."""
    (folder / "keys.psk").write_text(f"qemu:{'ab' * 32}\n")
    return "-object", f"tls-creds-{kind},id=t,endpoint={side}" + (f",dir={folder}" if kind == "psk" else "")


def facts_of(label, machine, case):
    """What is known of an end whose guest has one block of memory and nothing else."""
    return {
        "version": bring(label),
        "machine": machine,
        "kvm_dirty_ring": False,
        "uuid": None,
        "ram_blocks": BLOCKS[case.memory],
        "cpus": 1,
        "cpu_model": None,
        "devices": [["virtio-blk-pci", "06.0"]] if case.bitmap else [],
        **({"block_nodes": ["d0"], "bitmaps": {"d0": ["b0"]}} if case.bitmap else {}),
    }


def carried_out(number, case, labels, transport):
    """One migration, as a row."""
    facts = [facts_of(label, machine, case) for label, machine in zip(labels, case.machines, strict=True)]
    facts[0]["paused"] = case.paused
    for one, kind, side in zip(facts, case.credentials, SIDES, strict=True):
        one["tls_objects"] = {"t": {"kind": kind, "endpoint": side, "verify_peer": True}} if kind else {}
    backend = ",memory-backend=m" if case.memory == "memfd" else ""
    binaries = [str(wrapper_of(label)) for label in labels]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        options = [["-machine", name + backend, "-m", "64M", *OPTIONS[case.memory]] for name in case.machines]
        options[0] += ["-S"] if case.paused else []
        for words in options if case.bitmap else ():
            words.extend(DISK)
        for words, kind, side in zip(options, case.credentials, SIDES, strict=True):
            words.extend(credentials_of(kind, side, Path(folder)) if kind else ())
        ends = running.enter_context(pair(binaries, folder, *options))
        for end in ends if case.bitmap else ():
            end.ask("block-dirty-bitmap-add", {"node": "d0", "name": "b0"})
        plan = plan_of(case, transport, folder, number)
        answers = carry_out(preflight(*map(endpoint_of, ends), Plan(**plan)), *ends)
        if any(answers):
            raise SystemExit(f"{case}: refused: {answers}")
        seen, guest = outcome(*ends)
        tells = ends[0].ask("query-status") is not None
        row = {
            "id": f"{case.name}/{transport}/{'+'.join(case.ours)}>{'+'.join(case.theirs)}/"
            + ">".join(one["version"] for one in facts),
            "scope": "core",
            "source": facts[0],
            "destination": facts[1],
            "plan": plan,
            "outcomes": [seen],
            "guests": [guest] if tells else ["nowhere", "source"],  # a silent monitor leaves both open
            "refusal": None,
            "words": "\n".join(end.log.read_text() for end in ends),
        }
        return json.loads(json.dumps(row).replace(folder, "@DIR@"))


def with_earlier(row, earlier):
    """The row, with what was seen in earlier runs: some outcomes depend on a race."""
    for seen in ("outcomes", "guests"):
        row[seen] = sorted({*row[seen], *earlier.get(row["id"], row)[seen]})
    return row


def main():
    """The command line."""
    names = sorted({case.name for case in CASES})
    parser = argparse.ArgumentParser(prog="python -m tests.migration.record", description="Record migrations.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=names, default=names, help=f"of {', '.join(names)}")
    chosen = parser.parse_args().names
    rows = {row["id"]: row for row in json.loads(MORE.read_text())}
    cases = [case for case in CASES if case.name in chosen]
    every = [(case, labels, transport) for case in cases for labels in case.ends for transport in case.transports]
    for number, one in enumerate(every):
        row = carried_out(number, *one)
        say(row["id"], f"{row['outcomes'][0]}, {row['guests'][0]}")
        rows[row["id"]] = with_earlier(row, rows)
    separator = ",\n"
    MORE.write_text(f"[\n{separator.join(map(json.dumps, rows.values()))}\n]\n")


if __name__ == "__main__":
    sys.exit(main())
