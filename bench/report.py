# SPDX-License-Identifier: GPL-2.0-or-later

"""Prints what pytest-benchmark measured as ratios to the peers of the same run, and writes them as JSON.

python -m bench.report MEASURED.json RATIOS.json
"""

import json
import re
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from pymig import QemuBuild


class Row(NamedTuple):
    """One thing beside its peer: their benchmarks, and the most that ours may take over the peer's."""

    what: str
    ours: str
    peer: str
    goal: float | None = None


NEWEST = QemuBuild.releases()[-1]
GROWING = ("check_many", "memcpy")

# fmt: off
ROWS = [
    Row("check(mask), seen / empty call of two words", "test_check_seen", "test_empty_call_of_two_words", 0.7),
    Row("check(mask), not seen / the same", "test_check_unseen", "test_empty_call_of_two_words", 0.75),
    Row("a type written by hand, the limit / the same", "test_peer_limit", "test_empty_call_of_two_words"),
    Row("check(tuple of 2) / pymig.reference", "test_check_names[tuple]", "test_reference_names", 0.5),
    Row("check(list of 2) / pymig.reference", "test_check_names[list]", "test_reference_names", 0.4),
    Row("check(frozenset of 2) / pymig.reference", "test_check_names[frozenset]", "test_reference_names", 0.35),
    Row("check(set of 2) / pymig.reference", "test_check_names[set]", "test_reference_names"),
    Row("check(CapabilitySet of 2) / pymig.reference", "test_check_names[CapabilitySet]", "test_reference_names"),
    Row("check(dict of 2) / pymig.reference", "test_check_names[dict]", "test_reference_names"),
    Row("1,000 requests as they come / pymig.reference", "test_check_requests", "test_reference_requests", 0.3),
    Row("check_many of 1 / check(mask), seen", "test_few[1]", "test_check_seen", 12),
    Row("check_many of 10 / check(mask), seen", "test_few[10]", "test_check_seen", 13),
    Row("check_many of 1,000 / check(mask), seen", "test_few[1000]", "test_check_seen", 22),
    Row("check_many, uint32 / memcpy", "test_check_many[uint32]", "test_peer[memcpy]", 3),
    Row("check_many, uint32 / NumPy", "test_check_many[uint32]", "test_peer[numpy]", 1 / 100),
    Row("check_many, uint32 / pymig.reference", "test_check_many[uint32]", "test_peer[reference]", 1 / 300),
    Row("check_many, uint64 / uint32", "test_check_many[uint64]", "test_check_many[uint32]", 2),
    Row("histogram / check_many into out, 2^21 sets", "test_growth[histogram-2097152]", "test_growth[check_many-2097152]"),
    Row("check_many, two threads / one", "test_threads[2]", "test_threads[1]", 1 / 1.8),
    Row("state.multifd / empty call of one pointer", "test_accessor", "test_empty_call_of_one_pointer", 2),
    Row("set_capabilities({one: True}), accepted / the same", "test_set_accepted", "test_empty_call_of_one_pointer", 6),
    Row("set_capabilities(QMP's list of one) / the same", "test_set_qmp_list", "test_empty_call_of_one_pointer", 7),
    Row("try_set_capabilities, refused / the same", "test_try_refused", "test_empty_call_of_one_pointer"),
    Row("pymig check multifd / python -c 'import argparse'", "test_process_check", "test_process_argparse", 1.6),
    Row("pymig explain LINE / pymig check multifd", "test_process_explain[line]", "test_process_check", 2),
    Row("the same of a parameter's value", "test_process_explain[value]", "test_process_check", 2),
    Row("check on 11.0 / check on 7.2", "test_check_of_each_release[11.0]", "test_check_of_each_release[7.2]"),
    Row("check(mask), seen / a live QEMU over QMP", "test_check_seen", "test_live_qemu"),
    Row("a live end's preflight, without its queries / a round trip", "test_read_an_end", "test_round_trip", 3),
    Row("a fleet of 300 x 300 ends in 18 classes / a loop", "test_fleet_beside_a_loop", "test_loop_over_pairs", 1 / 80),
    Row("1,000 machines x 10,000 hosts, a pair / a loop over 20,000 of these", "test_machines_to_hosts", "test_loop_over_machines_and_hosts", 1 / 80),
    Row("Dask: two workers / one", "test_dask[time-2]", "test_dask[time-1]", 1 / 1.5),
    Row("Dask: the busier of two workers / one, CPU time", "test_dask[CPU-2]", "test_dask[CPU-1]", 1 / 1.5),
    Row("reading documents, 100 texts / json.loads", "test_read_documents[100 texts]", "test_json_loads[100 texts]", 4),
    Row("reading documents, names differ / json.loads", "test_read_documents[names differ]", "test_json_loads[names differ]", 4),
    Row("reading documents, all differ / json.loads", "test_read_documents[all differ]", "test_json_loads[all differ]", 4),
    Row("probe() / the same calls in plain C", "test_probe", "test_plain_c_probe", 2),
]
# fmt: on


def _nanoseconds(entry):
    """The median a unit; of what has a clock of its own, what that said."""
    info = entry["extra_info"]
    return info.get("ns") or entry["stats"]["median"] * 1e9 / info.get("units", 1)


def _medians(benchmarks):
    """The median of the turns, by the benchmark's name without its turn."""
    turns = defaultdict(list)
    for entry in benchmarks:
        turns[re.sub(r"-?turn \d-?", "", entry["name"]).removesuffix("[]")].append(_nanoseconds(entry))
    return {name: statistics.median(each) for name, each in turns.items()}


def _rows(ns):
    for row in ROWS:
        if row.ours in ns and row.peer in ns:
            ours, peer = ns[row.ours], ns[row.peer]
            yield {"what": row.what, "ns": ours, "peer_ns": peer, "ratio": ours / peer, "goal": row.goal}
    refused, peer = ns["test_set_refused"], ns["test_set_accepted"] + ns["test_empty_exception"]
    yield {
        "what": "set_capabilities, refused / accepted + an empty exception",
        "ns": refused,
        "peer_ns": peer,
        "ratio": refused / peer,
        "goal": 1.15,
    }
    yield from _growth(ns)
    peer = ns.get("test_two_live_queries")
    for what, name, goal in (
        ("preflight() of two stated ends / two live queries", "test_preflight[1]", 15_000),
        ("the same, with its words", "test_preflight_with_words[1]", 100_000),
    ):
        beside = {"peer_ns": peer, "ratio": ns[name] / peer} if peer else {}
        yield {"what": what, "ns": ns[name], **beside, "goal_ns": goal}
    for what, name, goal in (
        ("10^5 x 10^5 ends in 100 classes, from values", "test_fleet[100]", 1_500_000_000),
        ("10^5 x 10^5 ends in 500 classes, from values", "test_fleet[500]", 5_000_000_000),
        ("a fleet's outcome, without words", "test_outcome_without_words", 15_000),
    ):
        yield {"what": what, "ns": ns[name], "goal_ns": goal}
    yield {"what": "making a table, 8.0.50", "ns": ns["test_make_a_table[8.0.50]"], "goal_ns": 1_000_000}
    yield {"what": "making a table, the newest release", "ns": ns[f"test_make_a_table[{NEWEST}]"], "goal_ns": 1_000_000}
    yield {"what": "making a Checker", "ns": ns["test_make_a_checker"], "goal_ns": 10_000}
    peer = ns["test_import_backend"]
    for what, ours in (("import pymig", ns["test_import_pymig"]), ("import and first check", ns["test_first_check"])):
        yield {
            "what": f"{what} / import _cffi_backend",
            "ns": ours,
            "peer_ns": peer,
            "ratio": ours / peer,
            "goal_ns": 1.5 * peer + 3e6,
        }


def _growth(ns):
    """How much more a set costs from memory than from the cache, beside the same of memcpy."""
    small, large = 1 << 16, 1 << 27
    if f"test_growth[memcpy-{large}]" in ns:
        ours, peer = (ns[f"test_growth[{way}-{large}]"] / ns[f"test_growth[{way}-{small}]"] for way in GROWING)
        what = "growth of check_many into out, 2^27 / 2^16 sets / memcpy's"
        yield {"what": what, "ns": ours, "peer_ns": peer, "ratio": ours / peer, "goal": 0.5}


def reached(row):
    """Whether the row's goal is; None if it has none."""
    if row.get("goal_ns"):
        return row["ns"] <= row["goal_ns"]
    return row["ratio"] <= row["goal"] if row.get("goal") else None


def main(measured, ratios):
    """Prints the table, as Markdown."""
    benchmarks = json.loads(Path(measured).read_text())["benchmarks"]
    rows = list(_rows(_medians(benchmarks)))
    Path(ratios).write_text(json.dumps([{**row, "reached": reached(row)} for row in rows], indent=2) + "\n")
    print(f"| {'what':<52} | {'ns':>9} | {'peer, ns':>9} | {'ratio':>8} | {'goal':>12} | |")
    print(f"|:{'-' * 52}-|-{'-' * 9}:|-{'-' * 9}:|-{'-' * 8}:|-{'-' * 12}:|---|")
    for row in rows:
        goal = f"{row['goal']:.3g}" if row.get("goal") else f"{row['goal_ns']:,.0f} ns" if row.get("goal_ns") else ""
        peer, ratio = (_short(row["peer_ns"]), f"{row['ratio']:.3g}") if "ratio" in row else ("", "")
        missed = "missed " if reached(row) is False else ""
        print(f"| {row['what']:<52} | {_short(row['ns']):>9} | {peer:>9} | {ratio:>8} | {goal:>12} | {missed}|")


def _short(ns):
    return f"{ns:.3g}" if ns < 100 else f"{ns:,.0f}"


if __name__ == "__main__":
    main(*sys.argv[1:])
