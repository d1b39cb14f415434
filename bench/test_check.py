"""One check."""

import shutil

import pytest

from bench.peers import CALLS, HOST, NAMES, UNSEEN, measure, requests
from pymig import Checker, QemuBuild, reference

pytestmark = [pytest.mark.benchmark(group="check"), pytest.mark.usefixtures("turn")]


def forgetting(checker):
    """A setup that makes every set unseen."""
    return lambda: checker._set(_memo={})


def test_empty_call_of_two_words(benchmark, empty):
    measure(benchmark, lambda call=empty.lib.empty2: [call(0, 4096) for _ in range(CALLS)])


def test_check_seen(benchmark):
    check = Checker(host=HOST).check
    check(4096)
    measure(benchmark, lambda: [check(4096) for _ in range(CALLS)])


def test_check_unseen(benchmark):
    checker = Checker(host=HOST)
    measure(benchmark, lambda check=checker.check: [check(mask) for mask in UNSEEN], setup=forgetting(checker))


def test_check_names_seen(benchmark):
    check = Checker(host=HOST).check
    check(NAMES)
    measure(benchmark, lambda: [check(NAMES) for _ in range(CALLS)])


def test_reference_names(benchmark):
    measure(benchmark, lambda check=reference.check: [check(NAMES) for _ in range(CALLS)])


def test_check_requests(benchmark):
    sets, checker = requests(), Checker(host=HOST)
    measure(benchmark, lambda check=checker.check: [check(names) for names in sets], setup=forgetting(checker))


def test_reference_requests(benchmark):
    sets = requests()
    measure(benchmark, lambda check=reference.check: [check(names) for names in sets])


@pytest.mark.parametrize("release", QemuBuild.releases())
def test_check_of_each_release(benchmark, release):
    checker = Checker(QemuBuild(release), HOST)
    masks = [mask for mask in UNSEEN if not mask & ~checker.build.capabilities.mask][:500] * 2
    measure(
        benchmark, lambda check=checker.check: [check(mask) for mask in masks], setup=forgetting(checker), rounds=100
    )


def test_make_a_checker(benchmark):
    benchmark(Checker, host=HOST)


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
