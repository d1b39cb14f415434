# SPDX-License-Identifier: GPL-2.0-or-later

"""Changes the code in many small ways, one at a time, and shows which changes no test notices.

python -m tests.mutation --sample 400 --jobs 2                 starts anew
python -m tests.mutation --keep killed csrc/qemu pymig/host    tries again what survived in these files
"""

import argparse
import collections
import concurrent.futures
import itertools
import json
import queue
import sys
import time

from .mutant import ROOT
from .sample import all_mutants
from .suites import suite_of
from .trial import Tree

BUILD = ROOT / "build" / "mutation"
STATE = BUILD / "state.jsonl"
EQUIVALENT = ROOT / "tests" / "mutation" / "equivalent.txt"
COUNTED = ("killed", "survived")


def equivalents():
    """The mutants that behave as the original does, each as str(Mutant)."""
    paragraphs = EQUIVALENT.read_text().strip().split("\n\n")
    return {"\n".join(paragraph.split("\n")[:3]) for paragraph in paragraphs}


def known_outcomes(keep):
    """The outcomes of earlier runs by the mutants' keys."""
    if keep == "none" or not STATE.exists():
        STATE.unlink(missing_ok=True)
        return {}
    rows = [json.loads(line) for line in STATE.read_text().splitlines()]
    outcomes = {row["key"]: row["outcome"] for row in rows}
    return {key: outcome for key, outcome in outcomes.items() if not (keep == "killed" and outcome == "survived")}


def require_tests_that_pass(tree, mutants):
    """A test that fails without a mutant would seem to notice every one."""
    suites = {suite_of(mutant.path) for mutant in mutants}
    programs, arguments = (dict.fromkeys(itertools.chain(*each)) for each in zip(*suites, strict=True))
    if test := tree.failing(programs, arguments):
        sys.exit(f"without any mutant, {test} fails in {tree.folder}")


def try_all(mutants, jobs, outcomes):
    """Tries the mutants that have no outcome yet, and notes each outcome at once."""
    left = [mutant for mutant in mutants if mutant.key not in outcomes]
    if not left:
        return
    trees = queue.SimpleQueue()
    for i in range(min(jobs, len(left))):
        trees.put(tree := Tree(BUILD / f"tree-{i}"))
    if not outcomes:
        require_tests_that_pass(tree, left)

    def try_one(mutant):
        tree, begin = trees.get(), time.monotonic()
        try:
            outcome, test = tree.try_mutant(mutant)
        finally:
            trees.put(tree)
        return mutant, outcome, test, time.monotonic() - begin

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool, STATE.open("a") as state:
        tried = [pool.submit(try_one, mutant) for mutant in left]
        for done in concurrent.futures.as_completed(tried):
            mutant, outcome, test, seconds = done.result()
            outcomes[mutant.key] = outcome
            print(json.dumps({"key": mutant.key, "outcome": outcome, "test": test}), file=state, flush=True)
            place = f"{mutant.path}:{mutant.line}"
            print(f"{outcome:8} {seconds:6.1f} s  {place} {mutant.operator}  {test or ''}", flush=True)


def report(mutants, outcomes, equivalent):
    """Prints the survivors and the table. Returns the share of the mutants that were killed."""
    counts = collections.defaultdict(collections.Counter)
    for mutant in mutants:
        outcome = "equivalent" if str(mutant) in equivalent else outcomes[mutant.key]
        counts[mutant.path][outcome] += 1
        if outcome == "survived":
            print(f"\n{mutant}")
    total = sum(counts.values(), collections.Counter())
    columns = ("killed", "survived", "equivalent")
    print(f"\n{'file':36} {'mutants':>8}" + "".join(f"{column:>12}" for column in columns))
    for name, count in [*sorted(counts.items()), ("all", total)]:
        numbers = [count[column] for column in columns]
        print(f"{name:36} {sum(numbers):8}" + "".join(f"{number:12}" for number in numbers))
    return total["killed"] / max(1, sum(total[outcome] for outcome in COUNTED))


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*", default=[""], help="only files whose path begins so")
    parser.add_argument("--sample", type=int, default=400, help="how many mutants (400)")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="how many at a time (2)")
    parser.add_argument(
        "--keep",
        choices=("none", "killed", "all"),
        default="none",
        help="outcomes to keep from earlier runs: all, to go on after an interruption; killed, to try survivors again",
    )
    parser.add_argument("--least", type=float, default=0.95, help="the share to be killed (0.95)")
    arguments = parser.parse_args()

    BUILD.mkdir(parents=True, exist_ok=True)
    sample = [mutant for mutant in all_mutants()[: arguments.sample] if mutant.path.startswith(tuple(arguments.paths))]
    equivalent, outcomes = equivalents(), known_outcomes(arguments.keep)
    try_all([mutant for mutant in sample if str(mutant) not in equivalent], arguments.jobs, outcomes)
    share = report(sample, outcomes, equivalent)
    print(f"{share:.1%} killed")
    return 0 if share >= arguments.least else 1


if __name__ == "__main__":
    sys.exit(main())
