# SPDX-License-Identifier: GPL-2.0-or-later

"""The main calls of pymig without memory, or without file descriptors. A program, since CPython may not survive it.

``python -m tests.unit.starved memory|descriptors`` prints as JSON, by call, which exceptions came, and what was wrong:
an answer, half a change, or the next call, which has everything again.
"""

import contextlib
import faulthandler
import json
import os
import resource
import sys
import warnings
from collections import Counter

import pymig
from pymig import Checker, Context, Host, Memory, MigrationError, MigrationState, PostcopySupport, QemuBuild
from pymig.table import rows_of

HOST = Host()
CHECKER = Checker(host=HOST)
EVERYTHING = tuple(CHECKER.build.capabilities)
FACTS, CONTEXT = HOST.to_json(), Context("9.0", HOST).to_json()
STATE, UNCHANGED = MigrationState(host=HOST), MigrationState(host=HOST)
BEFORE = {"announce-max": 550, "tls-creds": "", "multifd-channels": 2}
AFTER = {"announce-max": 7, "tls-creds": "tls0", "multifd-channels": 4}


def refusal(call, *arguments):
    try:
        call(*arguments)
    except MigrationError as error:
        return error.message


def two_blocks():
    return Host.local([Memory("file", path="/dev/shm", share=True), Memory("memfd", share=True)])


def by_turns(change, is_made, makes, takes_back):
    change(takes_back if is_made() else makes)


def make_a_table():
    rows_of.cache_clear()
    return [verdict.rule for verdict in rows_of(CHECKER.context)[4096 >> 8][:2]]


CALLS = {
    "Checker": lambda: Checker("9.0", HOST, parameters={"multifd-channels": 4}).check(["multifd"]).ok,
    "check": lambda: CHECKER.check(list(EVERYTHING)).rule,
    "table": make_a_table,
    "check of a change": lambda: CHECKER.check(list(EVERYTHING), ["events"]).rule,
    "explain": lambda: [verdict.rule for verdict in CHECKER.explain(["multifd", "compress", "postcopy-preempt"])],
    "check_many": lambda: CHECKER.check_many(bytes(64)),
    "suggest": lambda: [str(change) for change in CHECKER.suggest(["multifd", "compress"])],
    "set_capabilities": lambda: by_turns(
        STATE.set_capabilities, lambda: STATE.multifd, {"multifd": True}, {"multifd": False}
    ),
    "set_capabilities, refused": lambda: refusal(UNCHANGED.set_capabilities, {"multifd": True, "compress": True}),
    "set_parameters": lambda: by_turns(STATE.set_parameters, lambda: STATE.multifd_channels == 4, AFTER, BEFORE),
    "set_parameters, refused": lambda: refusal(STATE.set_parameters, {"multifd-channels": 0, "tls-creds": "x"}),
    "query": lambda: (UNCHANGED.query_parameters(), UNCHANGED.query_capabilities()),
    "Host": lambda: Host("absent", PostcopySupport(False, 2, 1)).postcopy.message,
    "local": lambda: (two_blocks().write_tracking, two_blocks().postcopy),
    "probe": lambda: pymig.probe().to_json(),
    "from_json": lambda: Host.from_json(FACTS) == HOST,
    "to_json": HOST.to_json,
    "Context": lambda: Context.from_json(CONTEXT).to_json(),
    "QemuBuild": lambda: QemuBuild("8.2", zstd=False, target="aarch64").releases(),
    "Memory": lambda: Memory.parse("memfd,share,page_size=2M") == Memory("memfd", share=True, page_size=2 << 20),
}

PROBES = {"local", "probe"}
"""Calls whose answer depends on what the kernel hands out."""


def is_whole():
    """Whether all parameters are as before a change, or all as after it."""
    numbers = STATE.query_parameters()
    return any(all(numbers[name] == value for name, value in side.items()) for side in (BEFORE, AFTER))


class Attempts:
    """Attempts of one call: which exceptions came, and what was wrong."""

    def __init__(self, name, expected):
        self.name = name
        self.expected = expected
        self.raised = Counter()
        self.wrong = []

    def attempt(self, starving, what, any_answer=False):
        """One call while ``starving``, and the next one. Whether the first gave an answer."""
        call = CALLS[self.name]
        answer, error = None, None
        try:
            with starving:
                answer = call()
        except Exception as raised:
            error = type(raised).__name__
            self.raised[error] += 1
        if error is None and answer != self.expected and not any_answer:
            self.wrong.append(f"{what}: {answer!r}")
        if not is_whole():
            self.wrong.append(f"{what}: half a change")
        if (after := call()) != self.expected:
            self.wrong.append(f"{what}, the next call: {after!r}")
        return error is None

    def outcome(self):
        return {"raised": self.raised, "wrong": self.wrong}


# ---- Without memory ----


@contextlib.contextmanager
def failing(first, end):
    """The allocations from number ``first`` up to ``end`` fail."""
    from _testcapi import remove_mem_hooks, set_nomemory

    set_nomemory(first, end)
    try:
        yield
    finally:
        remove_mem_hooks()


def without_memory(name):
    """Fails each allocation of a call in turn, alone and with the 99 after it, until a call needs fewer.

    Not with all later ones: CPython 3.11 then enters an exception handler for ever, which allocates a number.
    """
    attempts = Attempts(name, CALLS[name]())
    for count in (1, 100):
        first = unharmed = 0
        while unharmed < 20 and first < 3000:  # some allocations may fail without harm
            first += 1
            answered = attempts.attempt(failing(first, first + count), f"allocation {first}")
            unharmed = unharmed + 1 if answered else 0
    return attempts.outcome()


# ---- Without descriptors ----


@contextlib.contextmanager
def at_most(descriptors):
    """No descriptor from this number on can be opened."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def without_descriptors(name):
    """The first call of a fresh process, which may have to import a module, with 0 to 3 descriptors left."""
    expected = json.loads(in_child(lambda: json.dumps(CALLS[name](), default=repr)))
    outcomes = [json.loads(in_child(lambda left=left: json.dumps(one_call(name, left, expected)))) for left in range(4)]
    raised = sum((Counter(outcome["raised"]) for outcome in outcomes), Counter())
    return {"raised": raised, "wrong": [line for outcome in outcomes for line in outcome["wrong"]]}


def one_call(name, left, expected):
    lowest = os.dup(0)
    os.close(lowest)
    CALLS[name], call = (lambda: json.loads(json.dumps(call(), default=repr))), CALLS[name]
    attempts = Attempts(name, expected)
    attempts.attempt(at_most(lowest + left), f"{left} descriptors left", any_answer=name in PROBES)
    return attempts.outcome()


def in_child(function):
    """What the function returns in a forked child, as text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as pipe:
            pipe.write(function())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    if os.waitpid(child, 0)[1] != 0:
        raise ChildProcessError("the child failed")
    return text


if __name__ == "__main__":
    faulthandler.enable()
    warnings.simplefilter("ignore")
    starve = {"memory": without_memory, "descriptors": without_descriptors}[sys.argv[1]]
    json.dump({name: starve(name) for name in CALLS}, sys.stdout)
