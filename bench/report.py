"""Prints what pytest-benchmark measured as ratios to the peers of the same run, and writes them as JSON.

python bench/report.py MEASURED.json RATIOS.json
"""

import json
import sys
from pathlib import Path

EACH, SETS, CALLS = 1, 1 << 21, 1000

# Each row: what, its benchmark and how many units that was, its peer and likewise, the goal (ours over the peer's).
ROWS = [
    (
        "check(mask), seen / empty cffi call of two words",
        ("test_check_seen", CALLS),
        ("test_empty_call_of_two_words", CALLS),
        0.5,
    ),
    (
        "check(mask), not seen / empty cffi call of two words",
        ("test_check_unseen", CALLS),
        ("test_empty_call_of_two_words", CALLS),
        1.7,
    ),
    ("check(names), seen / pymig.reference", ("test_check_names_seen", CALLS), ("test_reference_names", CALLS), 0.5),
    ("1,000 sets as they come / pymig.reference", ("test_check_mix", CALLS), ("test_reference_mix", CALLS), 0.25),
    ("check_many, uint32 / memcpy", ("test_check_many[uint32]", SETS), ("test_memcpy", SETS), 3.0),
    ("check_many, uint32 / NumPy", ("test_check_many[uint32]", SETS), ("test_numpy", SETS), 0.01),
    (
        "check_many, uint32 / pymig.reference",
        ("test_check_many[uint32]", SETS),
        ("test_reference_many", 1 << 17),
        1 / 300,
    ),
    ("check_many, uint64 / uint32", ("test_check_many[uint64]", SETS), ("test_check_many[uint32]", SETS), 2.0),
    (
        "state.multifd / empty cffi call of one pointer",
        ("test_accessor", CALLS),
        ("test_empty_call_of_one_pointer", CALLS),
        2.0,
    ),
    (
        "set_capabilities({one: True}) / the same",
        ("test_set_accepted", CALLS),
        ("test_empty_call_of_one_pointer", CALLS),
        6.0,
    ),
    (
        "check on 11.0 / check on 7.2",
        ("test_check_of_each_release[11.0]", CALLS),
        ("test_check_of_each_release[7.2]", CALLS),
        None,
    ),
    ("check(mask), seen / a live QEMU over QMP", ("test_check_seen", CALLS), ("test_live_qemu", EACH), None),
    ("probe() / plain C", ("test_probe", EACH), ("test_plain_c_probe", EACH), None),
]


def main(measured, ratios):
    """Prints the table."""
    benchmarks = {entry["name"]: entry for entry in json.loads(Path(measured).read_text())["benchmarks"]}

    def nanoseconds(name, units):
        entry = benchmarks.get(name)
        if entry is None:
            return None
        return entry["extra_info"].get("ns") or entry["stats"]["median"] * 1e9 / units

    rows = []
    for what, (ours, our_units), (peer, peer_units), goal in ROWS:
        one, other = nanoseconds(ours, our_units), nanoseconds(peer, peer_units)
        if one is not None and other is not None:
            rows.append({"what": what, "ns": one, "peer_ns": other, "ratio": one / other, "goal": goal})
    if "test_make_a_checker" in benchmarks:
        rows.append({"what": "making a Checker, ns", "ns": nanoseconds("test_make_a_checker", 1), "goal_ns": 10000})
    Path(ratios).write_text(json.dumps(rows, indent=2) + "\n")
    print(f"{'what':<55} {'ns':>10} {'peer ns':>12} {'ratio':>9} {'goal':>8}")
    for row in rows:
        goal = f"{row['goal']:.3g}" if row.get("goal") else ""
        peer, ratio = (f"{row['peer_ns']:.4g}", f"{row['ratio']:.3g}") if "ratio" in row else ("", "")
        print(f"{row['what']:<55} {row['ns']:>10.4g} {peer:>12} {ratio:>9} {goal:>8}")


if __name__ == "__main__":
    main(*sys.argv[1:])
