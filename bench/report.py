"""Prints what pytest-benchmark measured as ratios to the peers of the same run, and writes them as JSON.

python -m bench.report MEASURED.json RATIOS.json
"""

import json
import sys
from pathlib import Path
from typing import NamedTuple

from bench.peers import CALLS

SETS, REFERENCE_SETS = 1 << 21, 1 << 17
SMALLEST, LARGEST = 1 << 16, 1 << 27


class Row(NamedTuple):
    """One thing beside its peer: their benchmarks, what each is divided by, and what is to be reached."""

    what: str
    ours: str
    our_units: int
    peer: str | None
    peer_units: int = 1
    goal: float | None = None  # the ratio of ours to the peer's; of two threads to one, how many times as fast


ROWS = [
    Row(
        "check(mask), seen / empty call of two words",
        "test_check_seen",
        CALLS,
        "test_empty_call_of_two_words",
        CALLS,
        0.5,
    ),
    Row("check(mask), not seen / the same", "test_check_unseen", CALLS, "test_empty_call_of_two_words", CALLS, 1.7),
    Row("check(names), seen / pymig.reference", "test_check_names_seen", CALLS, "test_reference_names", CALLS, 0.5),
    Row(
        "1,000 requests as they come / pymig.reference",
        "test_check_requests",
        CALLS,
        "test_reference_requests",
        CALLS,
        0.25,
    ),
    Row("check_many, uint32 / memcpy", "test_check_many[uint32]", SETS, "test_peer[memcpy-100]", SETS, 3),
    Row("check_many, uint32 / NumPy", "test_check_many[uint32]", SETS, "test_peer[numpy-5]", SETS, 1 / 100),
    Row(
        "check_many, uint32 / pymig.reference",
        "test_check_many[uint32]",
        SETS,
        "test_reference_many",
        REFERENCE_SETS,
        1 / 300,
    ),
    Row("check_many, uint64 / uint32", "test_check_many[uint64]", SETS, "test_check_many[uint32]", SETS, 2),
    Row(
        "check_many into out, 2^27 / 2^16 sets",
        f"test_growth[check_many-{LARGEST}]",
        LARGEST,
        f"test_growth[check_many-{SMALLEST}]",
        SMALLEST,
        1.2,
    ),
    Row(
        "memcpy, 2^27 / 2^16 sets",
        f"test_growth[memcpy-{LARGEST}]",
        LARGEST,
        f"test_growth[memcpy-{SMALLEST}]",
        SMALLEST,
    ),
    Row("check_many, two threads / one", "test_threads[2]", 1 << 23, "test_threads[1]", 1 << 23, 1 / 1.8),
    Row(
        "state.multifd / empty call of one pointer", "test_accessor", CALLS, "test_empty_call_of_one_pointer", CALLS, 2
    ),
    Row(
        "set_capabilities({one: True}), accepted / the same",
        "test_set_accepted",
        CALLS,
        "test_empty_call_of_one_pointer",
        CALLS,
        6,
    ),
    Row(
        "set_capabilities({one: True}), refused / the same",
        "test_set_refused",
        CALLS,
        "test_empty_call_of_one_pointer",
        CALLS,
        6,
    ),
    Row(
        "an empty exception, raised and caught / the same",
        "test_empty_exception",
        CALLS,
        "test_empty_call_of_one_pointer",
        CALLS,
    ),
    Row("pymig check multifd / python -c 'import argparse'", "test_process_check", 1, "test_process_argparse", 1, 1.6),
    Row(
        "check on 11.0 / check on 7.2",
        "test_check_of_each_release[11.0]",
        CALLS,
        "test_check_of_each_release[7.2]",
        CALLS,
    ),
    Row("check(mask), seen / a live QEMU over QMP", "test_check_seen", CALLS, "test_live_qemu"),
    Row("probe() / the same calls in plain C", "test_probe", 1, "test_plain_c_probe"),
]


def _measured(path):
    """Each benchmark's median in ns, by its name."""
    benchmarks = json.loads(Path(path).read_text())["benchmarks"]
    return {entry["name"]: entry["extra_info"].get("ns") or entry["stats"]["median"] * 1e9 for entry in benchmarks}


def _rows(ns):
    for row in ROWS:
        if row.ours in ns and row.peer in ns:
            ours, peer = ns[row.ours] / row.our_units, ns[row.peer] / row.peer_units
            yield {"what": row.what, "ns": ours, "peer_ns": peer, "ratio": ours / peer, "goal": row.goal}
    yield {"what": "making a Checker", "ns": ns["test_make_a_checker"], "goal_ns": 10_000}
    backend = ns["test_import_backend"]
    yield {
        "what": "import pymig",
        "ns": ns["test_import_pymig"],
        "peer_ns": backend,
        "ratio": ns["test_import_pymig"] / backend,
        "goal_ns": 1.5 * backend + 3e6,
    }


def reached(row):
    """Whether the row's goal is; None if it has none."""
    if row.get("goal_ns"):
        return row["ns"] <= row["goal_ns"]
    return row["ratio"] <= row["goal"] if row.get("goal") else None


def main(measured, ratios):
    """Prints the table."""
    rows = list(_rows(_measured(measured)))
    Path(ratios).write_text(json.dumps([{**row, "reached": reached(row)} for row in rows], indent=2) + "\n")
    print(f"{'what':<52} {'ns':>10} {'peer ns':>10} {'ratio':>9} {'goal':>12}")
    for row in rows:
        goal = f"{row['goal']:.3g}" if row.get("goal") else f"{row['goal_ns']:,.0f} ns" if row.get("goal_ns") else ""
        peer, ratio = (f"{row['peer_ns']:.4g}", f"{row['ratio']:.3g}") if "ratio" in row else ("", "")
        missed = "  missed" if reached(row) is False else ""
        print(f"{row['what']:<52} {row['ns']:>10.4g} {peer:>10} {ratio:>9} {goal:>12}{missed}")


if __name__ == "__main__":
    main(*sys.argv[1:])
