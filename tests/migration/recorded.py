# SPDX-License-Identifier: GPL-2.0-or-later

"""Recorded migrations between two real QEMUs: what was known of both ends before, the plan, and what happened.

``data/migrations.json.gz`` and ``data/more.json`` (written by record.py) list ``{id, scope, source, destination, plan,
outcomes, guests, refusal, words}``.
An end has ``version``, ``kvm_dirty_ring``, and the arguments of Endpoint; ``plan`` has those of Plan.
``outcomes`` and ``guests`` are all that was seen; ``refusal`` is null or ``{end, command, text}``; ``words`` is what
both ends wrote to their standard error or gave as a reason. ``scope`` is ``"core"`` where everything follows from what
both QEMUs tell over QMP and from the plan; else it says why not.
"""

import gzip
import json
import re
from functools import cache
from pathlib import Path

from pymig import Context, Endpoint, Host, Plan, PostcopySupport, QemuBuild, preflight

DATA = Path(__file__).parent / "data" / "migrations.json.gz"
MORE = DATA.with_name("more.json")

ON_DISK = 9  # the step of the postcopy probe that refuses a file that is neither on tmpfs nor on hugetlbfs

NOISE = [
    (re.compile(r"#block\d+"), "#blockN"),
    (re.compile(r"dir=/\S*?,"), "dir=@TLS@,"),
    (re.compile(r"\bDIR/"), "@DIR@/"),
]


@cache
def rows():
    with gzip.open(DATA) as file:
        return json.load(file) + json.loads(MORE.read_text())


def endpoint_of(facts):
    facts = dict(facts)
    build = QemuBuild(facts.pop("version"), target="x86_64", machine=facts["machine"])
    context = Context(build, host_of(build, facts), kvm_dirty_ring=facts.pop("kvm_dirty_ring"))
    return Endpoint(context, **facts)


def host_of(build, facts):
    """A capable host, but for memory in a shared file on a disk, which 7.2 does not look at."""
    blocks = facts["ram_blocks"].values()
    on_disk = any(block["kind"] == "file" and block["share"] for block in blocks)
    looks = build.release[0] != "7"
    return Host("compatible", PostcopySupport(False, ON_DISK) if on_disk and looks else True)


def predicted(row):
    destination = row["destination"] and endpoint_of(row["destination"])
    return preflight(endpoint_of(row["source"]), destination, Plan(**row["plan"]))


def plain(text):
    for pattern, by in NOISE:
        text = pattern.sub(by, text)
    return text.strip()
