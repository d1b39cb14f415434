# SPDX-License-Identifier: GPL-2.0-or-later

"""Run `make run` and `make test` in bare roots, which have only python3 and make, and print a table.

    python -m tests.machines [ROOT...]

The output of make goes to build/machines/ROOT.log.

Exit status: 0 all passed, 1 one failed, 77 one can't be had.
"""

import argparse
import re
import sys
import time
from dataclasses import dataclass, fields

from tests.live.bring import BringError, NotHadError, say, worst
from tests.machines.roots import ROOTS, Bare, unpacked

USUAL = ["debian-12", "debian-13", "ubuntu-24.04"]


@dataclass
class Row:
    """The results of one root."""

    root: str
    make_run: str = "-"
    run_seconds: str = "-"
    make_test: str = "-"
    test_seconds: str = "-"
    passed: str = "-"
    failed: str = "-"
    skipped: str = "-"


# ---- Both commands ----


def make(bare: Bare, target: str) -> tuple[str, str, str]:
    """Make a target in a root. Return passed or failed, the seconds, and the output."""
    say(bare.name, f"make {target}")
    begin = time.monotonic()
    ran = bare.run("make", "-C", "/root/pymig", target)
    return "failed" if ran.returncode else "passed", f"{time.monotonic() - begin:.0f}", ran.stdout


def counts(text: str) -> dict[str, str]:
    """The numbers of passed, failed and skipped tests from pytest's last line."""
    ends = re.findall(r"^(?:=+ )?((?:\d+ \w+,? )+)in [\d.]+s", text, re.MULTILINE)
    found = {word: number for number, word in re.findall(r"(\d+) (\w+)", ends[-1])} if ends else {}
    return {word: found.get(word, "0") for word in ("passed", "failed", "skipped")} if found else {}


def run(name: str, row: Row) -> int:
    """Fill the row of a root. Return an exit status."""
    try:
        with unpacked(name, ROOTS[name]) as bare:
            row.make_run, row.run_seconds, _ = make(bare, "run")
            row.make_test, row.test_seconds, text = make(bare, "test")
    except BringError as error:
        say(name, f"{error.outcome}: {error}")
        row.make_run = row.make_test = error.outcome
        return error.status
    vars(row).update(counts(text))
    return int("failed" in (row.make_run, row.make_test))


def table(rows: list[Row]) -> str:
    """The rows as text, a line each."""
    lines = [[field.name.replace("_", " ") for field in fields(Row)], *(list(vars(row).values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def known_root(text: str) -> str:
    """The root, if it is one."""
    if text not in ROOTS:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(ROOTS)}")
    return text


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.machines", description="Test on bare machines.")
    text = f"of {', '.join(ROOTS)}; if none is given: {', '.join(USUAL)}"
    parser.add_argument("roots", nargs="*", metavar="ROOT", type=known_root, default=USUAL, help=text)
    names, rows, statuses = list(parser.parse_args().roots), [], []
    for name in names:
        rows.append(Row(name))
        statuses.append(run(name, rows[-1]))
        stand_in = ROOTS[name].stand_in
        if statuses[-1] == NotHadError.status and stand_in:
            say(name, f"{stand_in} stands in")
            names.append(stand_in)
    print(table(rows))
    return worst(statuses)


if __name__ == "__main__":
    sys.exit(main())
