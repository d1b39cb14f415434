"""A state: reading it, and changing it."""

import pytest

from bench.peers import CALLS, HOST
from pymig import CapabilityError, MigrationState

pytestmark = pytest.mark.benchmark(group="state")
ROUNDS = 300


def test_empty_call_of_one_pointer(benchmark, empty):
    null = empty.ffi.NULL
    benchmark.pedantic(lambda call=empty.lib.empty1: [call(null) for _ in range(CALLS)], rounds=ROUNDS)


def test_accessor(benchmark):
    state = MigrationState(host=HOST)
    benchmark.pedantic(lambda: [state.multifd for _ in range(CALLS)], rounds=ROUNDS)


def test_set_accepted(benchmark):
    state = MigrationState(host=HOST)
    benchmark.pedantic(lambda: [state.set_capabilities({"multifd": True}) for _ in range(CALLS)], rounds=ROUNDS)


def test_set_refused(benchmark):
    state = MigrationState(host=HOST)
    state.set_capabilities({"multifd": True})

    def refused():
        for _ in range(CALLS):
            try:
                state.set_capabilities({"compress": True})
            except CapabilityError:
                pass
            else:
                raise AssertionError

    benchmark.pedantic(refused, rounds=ROUNDS)


class Refused(Exception):
    """What a refusal costs in Python before it says anything."""


def test_empty_exception(benchmark):
    def refuse():
        raise Refused

    def refused():
        for _ in range(CALLS):
            try:
                refuse()
            except Refused:
                pass

    benchmark.pedantic(refused, rounds=ROUNDS)
