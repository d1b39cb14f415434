# SPDX-License-Identifier: GPL-2.0-or-later

"""A state: reading it, and changing it."""

import pytest

from bench.peers import CALLS, HOST, measure
from pymig import CapabilityError, MigrationState

pytestmark = [pytest.mark.benchmark(group="state"), pytest.mark.usefixtures("turn")]


def test_empty_call_of_one_pointer(benchmark, empty):
    null = empty.ffi.NULL
    measure(benchmark, lambda call=empty.lib.empty1: [call(null) for _ in range(CALLS)])


def test_accessor(benchmark):
    state = MigrationState(host=HOST)
    measure(benchmark, lambda: [state.multifd for _ in range(CALLS)])


def test_set_accepted(benchmark):
    state = MigrationState(host=HOST)
    measure(benchmark, lambda: [state.set_capabilities({"multifd": True}) for _ in range(CALLS)])


def test_set_qmp_list(benchmark):
    state, changes = MigrationState(host=HOST), [{"capability": "multifd", "state": True}]
    measure(benchmark, lambda: [state.set_capabilities(changes) for _ in range(CALLS)])


def test_try_refused(benchmark):
    state = MigrationState(host=HOST)
    state.set_capabilities({"multifd": True})
    measure(benchmark, lambda: [state.try_set_capabilities({"compress": True}) for _ in range(CALLS)])


def test_set_refused(benchmark):
    state = MigrationState(host=HOST)
    state.set_capabilities({"multifd": True})

    def refused():
        for _ in range(CALLS):
            try:
                state.set_capabilities({"compress": True})
            except CapabilityError:
                continue
            raise AssertionError

    measure(benchmark, refused)


class RefusalError(Exception):
    """What a refusal costs in Python before it says anything."""


def test_empty_exception(benchmark):
    def refuse():
        raise RefusalError

    def refused():
        for _ in range(CALLS):
            try:
                refuse()
            except RefusalError:
                continue

    measure(benchmark, refused)
