# SPDX-License-Identifier: GPL-2.0-or-later

"""Draws the time a set over the number of sets, for pymig and its peers.

python -m bench.plot MEASURED.json PLOT.svg
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

# Each way's line: its name in the legend, its colour, and its dashes.
LINES = {
    "pure_python": ("pymig.reference, pure Python", "#999999", "-"),
    "check": ("check(mask), one by one", "#d95f02", "-"),
    "numpy_rules": ("NumPy, rule by rule", "#7570b3", "-"),
    "check_many_without_out": ("check_many(masks)", "#1b9e77", "--"),
    "check_many": ("check_many(masks, out=out)", "#1b9e77", "-"),
    "histogram": ("histogram(masks)", "#1b9e77", ":"),
    "memcpy": ("memcpy of the words", "#333333", ":"),
}


def _series(benchmarks):
    """Per way its numbers of sets and the ns a set."""
    series = defaultdict(list)
    for entry in benchmarks:
        info = entry["extra_info"]
        if "way" in info:
            series[info["way"]].append((info["units"], entry["stats"]["median"] * 1e9 / info["units"]))
    return {way: sorted(points) for way, points in series.items()}


def main(measured, plot):
    """Writes the plot."""
    mpl.rcParams.update({"svg.hashsalt": "pymig", "svg.fonttype": "none", "font.family": "sans-serif"})
    benchmarks = json.loads(Path(measured).read_text())["benchmarks"]
    figure = Figure(figsize=(8, 6), layout="constrained")
    axes = figure.add_subplot()
    for way, points in _series(benchmarks).items():
        label, colour, dashes = LINES[way]
        axes.plot(*zip(*points, strict=True), label=label, color=colour, linestyle=dashes, marker="o", markersize=3)
    for entry in benchmarks:
        if entry["name"].startswith("test_live_qemu[turn 0"):
            axes.axhline(entry["stats"]["median"] * 1e9, color="#e7298a", label="a live QEMU over QMP")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("sets")
    axes.set_ylabel("ns a set")
    axes.grid(which="major", color="#dddddd")
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    figure.savefig(plot, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
