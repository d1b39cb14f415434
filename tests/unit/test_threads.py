# SPDX-License-Identifier: GPL-2.0-or-later

"""States and checkers shared by threads, and after fork()."""

import os
import random
import threading
import time

import pytest

from pymig import CapabilityError, Checker, Host, MigrationState, ParameterError, reference
from tests.conftest import FREE_THREADED, run_in_child

CONTENDED = (
    "multifd",
    "compress",
    "xbzrle",
    "postcopy-ram",
    "x-ignore-shared",
    "postcopy-preempt",
    "background-snapshot",
)
OWN = ("events", "zero-blocks", "dirty-bitmaps", "validate-uuid", "release-ram", "rdma-pin-all", "block", "return-path")
HOST = Host()


def run_threads(functions):
    failures = []

    def guarded(function):
        try:
            function()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "a thread hangs"
    if failures:
        raise failures[0]


def test_eight_threads_never_reach_a_refused_set_and_lose_no_change():
    state = MigrationState(host=HOST)
    seen, refused = set(), []

    def contend(own, seed):
        chance = random.Random(seed)
        mine = False
        for _ in range(3000):
            change = {name: chance.random() < 0.5 for name in chance.sample(CONTENDED, 3)}
            change[own] = wanted = chance.random() < 0.5
            try:
                state.set_capabilities(change)
                mine = wanted
            except CapabilityError:
                refused.append(own)
            assert (own in state.capabilities) is mine, f"a change to {own} was lost, or a refused one was made"
            seen.add(state.capabilities.mask)
            seen.add(sum(reference.BIT[e["capability"]] for e in state.query_capabilities() if e["state"]))
        finals[own] = mine

    finals = {}
    run_threads([lambda own=own, seed=seed: contend(own, seed) for seed, own in enumerate(OWN)])
    assert {own: own in state.capabilities for own in OWN} == finals
    assert len(refused) > 1000
    assert len(seen) > 100
    for mask in seen:
        assert reference.check(mask) is None, reference.mask_of(mask)


def test_capabilities_and_parameters_are_checked_against_each_other():
    """While this thread has zero-copy-send on, no thread can set compression."""
    state = MigrationState(host=HOST)
    done = threading.Event()
    taken = []

    def compress():
        while not done.is_set() or "zstd" not in taken:  # in the end nobody stands in its way
            for method in ("zstd", "none"):
                try:
                    state.set_parameters({"multifd-compression": method})
                    taken.append(method)
                except ParameterError:
                    pass

    def send():
        accepted = 0
        deadline = time.monotonic() + 60
        while accepted < 2000 and time.monotonic() < deadline:
            try:
                state.set_capabilities({"multifd": True, "zero-copy-send": True})
            except CapabilityError:
                continue
            accepted += 1
            for _ in range(5):
                assert state.multifd_compression == "none"
            state.set_capabilities({"zero-copy-send": False})
        done.set()
        assert accepted == 2000

    run_threads([send, compress, compress])
    assert "zstd" in taken


def test_announce_parameters_are_of_one_moment():
    state = MigrationState(host=HOST)
    done = threading.Event()

    def change():
        for i in range(5000):
            state.set_parameters({f"announce-{name}": i % 1000 + 1 for name in ("initial", "max", "rounds", "step")})
        done.set()

    def look():
        while not done.is_set():
            assert len(set(state.announce_params)) == 1

    state.set_parameters({f"announce-{name}": 1 for name in ("initial", "max", "rounds", "step")})
    run_threads([change, look, look])


def test_one_checker_for_many_threads():
    checker = Checker(host=Host.local())
    expected = {mask: checker.check(mask) for mask in range(0, 1 << 21, 4099)}

    def ask():
        for mask, verdict in expected.items():
            assert checker.check(mask) is verdict

    run_threads([ask] * 8)


@pytest.mark.skipif(FREE_THREADED, reason="a forked child of free-threaded CPython may hang in isinstance()")
def test_a_fork_while_other_threads_change_the_state():
    state, checker = MigrationState(host=HOST), Checker(host=Host.local())
    done = threading.Event()

    def change():
        value = False
        while not done.is_set():
            value = not value
            state.set_capabilities({"multifd": value})
            state.set_parameters({"tls-creds": "x" * 100 if value else "y", "announce-max": 5})

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            assert run_in_child(use_everything, state, checker, timeout=20) == "fine"
    finally:
        done.set()
        for thread in threads:
            thread.join()


def use_everything(state, checker):
    assert state.query_parameters()["tls-creds"] in ("", "x" * 100, "y")
    state.set_capabilities({"multifd": True, "xbzrle": True})
    state.set_parameters({"tls-creds": "child"})
    assert state.multifd
    assert state.use_tls
    assert not checker.check(["multifd", "compress"])
    assert checker.check(["background-snapshot"]).rule in ("accepted", "background-snapshot/kernel")
    return "fine"


def test_child_and_parent_do_not_see_each_other():
    state = MigrationState(host=HOST)
    run_in_child(state.set_capabilities, {"multifd": True})
    assert not state.multifd


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="needs fork")
def test_refresh_while_others_ask():
    host = Host.local()
    checker = Checker(host=host)
    done = threading.Event()

    def ask():
        while not done.is_set():
            checker.check(["background-snapshot"])
            assert host.write_tracking in ("absent", "available", "compatible")

    def refresh():
        for _ in range(2000):
            host.refresh()
        done.set()

    run_threads([refresh, ask, ask])
