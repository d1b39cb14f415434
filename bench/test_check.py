# SPDX-License-Identifier: GPL-2.0-or-later

"""One check."""

import shutil

import pytest

from bench.peers import CALLS, HOST, NAMES, UNSEEN, measure, requests
from pymig import CapabilitySet, Checker, Context, QemuBuild, reference
from pymig.checker import CHECKS_BEFORE_TABLE
from pymig.table import rows_of

pytestmark = [pytest.mark.benchmark(group="check"), pytest.mark.usefixtures("turn")]


def with_table(checker):
    """The same, after it got its table."""
    for _ in range(2 * CHECKS_BEFORE_TABLE):
        checker.check(4096)
    return checker


def forgetting(checker):
    """A setup that makes all names unseen."""
    return lambda: checker._set(_memo={})


def test_empty_call_of_two_words(benchmark, empty):
    measure(benchmark, lambda call=empty.lib.empty2: [call(0, 4096) for _ in range(CALLS)])


def test_check_seen(benchmark):
    check = with_table(Checker(host=HOST)).check
    measure(benchmark, lambda: [check(4096) for _ in range(CALLS)])


def test_check_unseen(benchmark):
    """Every mask once a round, but for the first round."""
    check = with_table(Checker(host=HOST)).check
    measure(benchmark, lambda: [check(mask) for mask in UNSEEN])


def test_peer_limit(benchmark, peer_limit):
    verdicts = Checker(host=HOST).verdicts
    check = peer_limit.Checker(tuple(verdicts[code] for code in range(max(verdicts) + 1))).check
    assert [check(mask) for mask in UNSEEN] == [Checker(host=HOST).check(mask) for mask in UNSEEN]
    measure(benchmark, lambda: [check(mask) for mask in UNSEEN])


@pytest.mark.parametrize("kind", [tuple, list, set, frozenset, CapabilitySet, dict], ids=lambda kind: kind.__name__)
def test_check_names(benchmark, kind):
    names = dict.fromkeys(NAMES, True) if kind is dict else kind(NAMES)
    check = with_table(Checker(host=HOST)).check
    measure(benchmark, lambda: [check(names) for _ in range(CALLS)])


def test_reference_names(benchmark):
    measure(benchmark, lambda check=reference.check: [check(NAMES) for _ in range(CALLS)])


def test_check_requests(benchmark):
    sets, checker = requests(), with_table(Checker(host=HOST))
    measure(benchmark, lambda check=checker.check: [check(names) for names in sets], setup=forgetting(checker))


def test_reference_requests(benchmark):
    sets = requests()
    measure(benchmark, lambda check=reference.check: [check(names) for names in sets])


@pytest.mark.parametrize("release", QemuBuild.releases())
def test_check_of_each_release(benchmark, release):
    checker = with_table(Checker(QemuBuild(release), HOST))
    masks = [mask for mask in UNSEEN if not mask & ~checker.build.capabilities.mask][:500] * 2
    measure(benchmark, lambda check=checker.check: [check(mask) for mask in masks], rounds=100)


def test_make_a_checker(benchmark):
    benchmark(Checker, host=HOST)


@pytest.mark.parametrize("release", ["8.0.50", QemuBuild.releases()[-1]])
def test_make_a_table(benchmark, release):
    context = Context(release, HOST)
    benchmark.pedantic(lambda: rows_of(context), setup=rows_of.cache_clear, rounds=100)


@pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="needs a real QEMU: qemu-system-x86_64")
def test_live_qemu(benchmark):
    from tests.live.conftest import live_qemu

    with live_qemu() as qemu:
        measure(benchmark, lambda: qemu.set_capabilities({"multifd": True}), units=1, warmup_rounds=10)


def test_the_peers_say_the_same():
    checker = Checker(host=HOST)
    for names in requests():
        refusal = reference.check(names)
        assert checker.check(names).message == (refusal.message if refusal else "")
