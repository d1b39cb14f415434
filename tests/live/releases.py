# SPDX-License-Identifier: GPL-2.0-or-later

"""Run the live tests against a real QEMU of each release, and print a table.

    python -m tests.live.releases [LABEL...]

What pytest finds stays in build/qemus/LABEL/tests.xml. Exit status: 0 all passed, 1 one failed, 77 one can't be had.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.live.bring import BringError, FailsError, add_labels, bring, say, worst, wrapper_of

ROOT = Path(__file__).parents[2]

TESTS = ("tests/live", "tests/host/test_process.py", "tests/host/test_containers.py")


@dataclass(frozen=True)
class Row:
    """How it went with one QEMU."""

    label: str
    version: str
    result: str
    seconds: float
    status: int


def ask(label: str) -> Row:
    """Bring a QEMU and run the live tests against it."""
    begin = time.monotonic()
    version = "-"
    try:
        version = bring(label)
        say(label, f"testing {version}")
        report = wrapper_of(label).with_name("tests.xml")
        result, status = run_tests(TESTS, report, PYMIG_QEMU=wrapper_of(label))
    except BringError as error:
        result, status = f"{error.outcome}: {error}", error.status
    return Row(label, version, result, time.monotonic() - begin, status)


def run_tests(tests: Sequence[str], report: Path, **binaries: Path) -> tuple[str, int]:
    """Run tests against QEMUs that are here; how many passed, failed and were skipped, and 1 if one failed."""
    report.unlink(missing_ok=True)
    environment = {**os.environ, **{name: str(binary) for name, binary in binaries.items()}}
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *tests]
    ran = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if not report.exists():
        raise FailsError(f"pytest ended with status {ran.returncode}")
    suite = ElementTree.parse(report).find("testsuite")
    counts = {
        "failed": int(suite.get("failures")) + int(suite.get("errors")),
        "skipped": int(suite.get("skipped")),
    }
    counts = {"passed": int(suite.get("tests")) - sum(counts.values()), **counts}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count), int(ran.returncode != 0)


def table(rows: list[Row]) -> str:
    """The rows as text, a line each."""
    lines = [("label", "version", "result", "seconds")]
    lines += [(row.label, row.version, row.result, f"{row.seconds:.0f}") for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.releases", description="Test against real QEMUs.")
    add_labels(parser)
    rows = [ask(label) for label in parser.parse_args().labels]
    print(table(rows))
    return worst([row.status for row in rows])


if __name__ == "__main__":
    sys.exit(main())
