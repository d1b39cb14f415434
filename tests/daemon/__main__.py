# SPDX-License-Identifier: GPL-2.0-or-later

"""Use pymig for a long time from several threads, with faults thrown in: nothing may be wrong, and nothing may grow.

    python -m tests.daemon [--seconds 1800] [--threads 8]

While the threads work, the process runs out of descriptors for moments, its threads are interrupted by signals, and
it forks. A job during which descriptors were lacking may fail, but only with the errors below. Any other answer must
be the known one. The table shows ten stretches of the time, after each of which the threads have ended; the first is
the warm-up.

Exit status: 0; 1 if an answer was wrong, an error unexpected, or anything grew.
"""

import argparse
import gc
import os
import random
import resource
import signal
import sys
import threading
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pymig
from tests.daemon.jobs import IN_MEMORY, WEIGHTS

STRETCHES = 10
CHILD_SECONDS = 60  # a child that takes longer hangs
TOLERATED = {"MiB": 4.0, "descriptors": 0, "mappings": 40, "threads": 0, "children": 0}
SELF = Path("/proc/self")

LACKING = (OSError, ImportError, pymig.QemuBinaryError)
"""What a call may raise while descriptors are lacking; HostUnknownError is an OSError."""


class Descriptors:
    """Whether descriptors are lacking, and whether they were since a moment."""

    def __init__(self):
        self.changes = 0  # odd while they are lacking

    def take_away(self, seconds):
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.changes += 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
        time.sleep(seconds)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        self.changes += 1

    def lacked_since(self, changes):
        return changes % 2 == 1 or self.changes != changes


class Worker(threading.Thread):
    """Does jobs at random until ``stop`` is set."""

    def __init__(self, number, seed, stop, descriptors):
        super().__init__()
        self.number = number
        self.chance = random.Random(seed)
        self.stop = stop
        self.descriptors = descriptors
        self.done = self.excused = 0
        self.wrong = Counter()

    def run(self):
        jobs, weights = list(WEIGHTS), list(WEIGHTS.values())
        while not self.stop.is_set():
            self.do(*self.chance.choices(jobs, weights))

    def do(self, job):
        changes = self.descriptors.changes
        try:
            right, why = job(self.chance, self.number), "another answer"
            excusable = False
        except Exception as error:
            right, why = False, f"{type(error).__name__}: {error}"
            excusable = isinstance(error, LACKING)
        self.done += 1
        if not right and excusable and self.descriptors.lacked_since(changes):
            self.excused += 1
        elif not right:
            self.wrong[f"{job.__name__}: {why}"] += 1


def child_works():
    """Whether a forked child does each job in memory rightly, whatever the other threads were doing."""
    child = os.fork()
    if child == 0:
        right = False
        try:
            signal.alarm(CHILD_SECONDS)
            right = all(job(random.Random(1), 0) for job in IN_MEMORY)
        finally:
            os._exit(0 if right else 1)
    return os.waitpid(child, 0)[1] == 0


@dataclass
class Stretch:
    """What one stretch of the time did, and the process after it."""

    seconds: float
    jobs: int
    excused: int
    forks: int
    signals: int
    wrong: Counter
    holds: dict[str, float]


def work(threads, seconds, seed):
    """One stretch."""
    stop, descriptors = threading.Event(), Descriptors()
    workers = [Worker(number, seed * threads + number, stop, descriptors) for number in range(threads)]
    chance, wrong, forks, signals = random.Random(seed), Counter(), 0, 0
    begin = time.monotonic()
    for worker in workers:
        worker.start()
    while time.monotonic() < begin + seconds:
        descriptors.take_away(chance.uniform(0, 0.05))
        for _ in range(20):
            time.sleep(chance.uniform(0, 0.02))
            signal.pthread_kill(chance.choice(workers).ident, signal.SIGUSR1)
            signals += 1
        forks += 1
        if not child_works():
            wrong["a forked child failed or hung"] += 1
    stop.set()
    for worker in workers:
        worker.join()
        wrong.update(worker.wrong)
    elapsed = time.monotonic() - begin
    jobs, excused = (sum(getattr(worker, what) for worker in workers) for what in ("done", "excused"))
    return Stretch(elapsed, jobs, excused, forks, signals, wrong, held())


def held():
    """What the process holds now, once the kernel has removed the threads that were joined."""
    gc.collect()
    for _ in range(50):
        if len(os.listdir(SELF / "task")) > 1:
            time.sleep(0.1)
    pages = int((SELF / "statm").read_text().split()[1])
    children = [path.read_text().split() for path in SELF.glob("task/*/children")]
    return {
        "MiB": pages * resource.getpagesize() / (1 << 20),
        "descriptors": len(os.listdir(SELF / "fd")),
        "mappings": len((SELF / "maps").read_text().splitlines()),
        "threads": len(os.listdir(SELF / "task")),
        "children": sum(map(len, children)),
    }


def heading():
    numbers = ("seconds", "jobs", "excused", "forks", "signals", "wrong", *TOLERATED)
    return "".join(f"{name:>12}" for name in numbers)


def row(stretch):
    wrong = stretch.wrong.total()
    counts = "".join(f"{n:12d}" for n in (stretch.jobs, stretch.excused, stretch.forks, stretch.signals, wrong))
    return f"{stretch.seconds:12.0f}{counts}" + "".join(f"{value:12.5g}" for value in stretch.holds.values())


def complaints(stretches):
    """What was wrong, and what grew after the warm-up."""
    wrong = sum((stretch.wrong for stretch in stretches), Counter())
    yield from (f"wrong {count} times: {what}" for what, count in wrong.most_common())
    first, last = stretches[0].holds, stretches[-1].holds
    for name, tolerance in TOLERATED.items():
        if last[name] > first[name] + tolerance:
            yield f"{name}: {first[name]:.5g} after the warm-up, {last[name]:.5g} at the end"


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.daemon", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGUSR1, lambda *_: None)
    print(heading(), flush=True)
    stretches = []
    for number in range(STRETCHES):
        stretches.append(work(options.threads, options.seconds / STRETCHES, number))
        print(row(stretches[-1]), flush=True)
    complained = list(complaints(stretches))
    print("\n".join(complained) or "nothing was wrong, and nothing grew")
    return 1 if complained else 0


if __name__ == "__main__":
    sys.exit(main())
