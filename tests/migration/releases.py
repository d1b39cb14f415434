# SPDX-License-Identifier: GPL-2.0-or-later

"""Predict migrations between real QEMUs of several releases, then carry them out, and print a table.

    python -m tests.migration.releases [SOURCE:DESTINATION...]

By default, each release migrates to the next, the newest to the oldest and the oldest to the newest. What pytest finds
stays in build/qemus/DESTINATION/from-SOURCE.xml. Exit status: 0 all passed, 1 one failed, 77 one can't be had.
"""

import argparse
import sys
import time
from itertools import pairwise

from tests.live.bring import ORIGINS, BringError, bring, known_label, say, worst, wrapper_of
from tests.live.releases import Row, run_tests, table

LABELS = sorted(ORIGINS, key=lambda label: [int(number) for number in label.split("-")[1].split(".")])  # oldest first
PAIRS = [*pairwise(LABELS), (LABELS[-1], LABELS[0]), (LABELS[0], LABELS[-1])]


def ask(source: str, destination: str) -> Row:
    """Bring two QEMUs and migrate between them."""
    begin = time.monotonic()
    versions = "-"
    try:
        versions = " to ".join(bring(label) for label in (source, destination))
        say(destination, f"testing {versions}")
        report = wrapper_of(destination).with_name(f"from-{source}.xml")
        binaries = {"PYMIG_QEMU": wrapper_of(source), "PYMIG_QEMU_DESTINATION": wrapper_of(destination)}
        result, status = run_tests(["tests/migration/test_live.py"], report, **binaries)
    except BringError as error:
        result, status = f"{error.outcome}: {error}", error.status
    return Row(f"{source}:{destination}", versions, result, time.monotonic() - begin, status)


def known_pair(text: str) -> tuple[str, str]:
    """Two labels, separated by a colon."""
    source, colon, destination = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is not SOURCE:DESTINATION")
    return known_label(source), known_label(destination)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.migration.releases", description="Migrate for real.")
    meaning = f"two of {', '.join(LABELS)}, separated by a colon"
    parser.add_argument("pairs", nargs="*", metavar="SOURCE:DESTINATION", type=known_pair, default=PAIRS, help=meaning)
    rows = [ask(*pair) for pair in parser.parse_args().pairs]
    print(table(rows))
    return worst([row.status for row in rows])


if __name__ == "__main__":
    sys.exit(main())
