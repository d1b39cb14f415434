"""pymig beside its peers, in one run: an empty cffi call, pymig.reference, NumPy, memcpy, and a live QEMU.

``make bench`` runs it and prints the ratios (bench/report.py).
"""

import array
import random
import shutil
import subprocess
from pathlib import Path

import cffi
import numpy
import pytest

import pymig
from pymig import Checker, Host, MigrationState, reference

HERE = Path(__file__).parent
HOST = Host()
SETS = 1 << 21
NAMES = ("multifd", "zero-copy-send")


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """C functions that do nothing, called through cffi as pymig's are."""
    folder = tmp_path_factory.mktemp("empty")
    ffi = cffi.FFI()
    ffi.cdef("int empty1(void *); int empty2(uint64_t, uint64_t);")
    source = "static int empty1(void *a) { (void)a; return 0; }"
    source += "static int empty2(uint64_t a, uint64_t b) { (void)a, (void)b; return 0; }"
    ffi.set_source("pymig_bench_empty", source)
    path = ffi.compile(tmpdir=str(folder))
    import importlib.util

    spec = importlib.util.spec_from_file_location("pymig_bench_empty", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mix(seed=1000):
    """1,000 sets as an orchestrator asks about them: most again and again, a few new; accepted and refused."""
    chance = random.Random(seed)
    common = ["multifd", "postcopy-ram", "auto-converge", "xbzrle", "events", "return-path", "compress"]
    usual = [tuple(name for name in common if chance.random() < 0.3) for _ in range(50)]
    rare = [tuple(name for name in reference.CAPABILITIES if chance.random() < 0.2) for _ in range(200)]
    return [chance.choice(usual) for _ in range(800)] + rare


# ---- The single check ----


@pytest.mark.benchmark(group="check")
def test_empty_call_of_two_words(benchmark, empty):
    benchmark.pedantic(lambda call=empty.lib.empty2: [call(0, 4096) for _ in range(1000)], rounds=200)


@pytest.mark.benchmark(group="check")
def test_check_seen(benchmark):
    check = Checker(host=HOST).check
    benchmark.pedantic(lambda: [check(4096) for _ in range(1000)], rounds=200)


@pytest.mark.benchmark(group="check")
def test_check_unseen(benchmark):
    checker = Checker(host=HOST)
    masks = list(range(0, 1 << 18, 1 << 6))[:1000]

    def setup():
        checker._memo.clear()

    benchmark.pedantic(lambda check=checker.check: [check(mask) for mask in masks], setup=setup, rounds=200)


@pytest.mark.benchmark(group="check")
def test_check_names_seen(benchmark):
    check = Checker(host=HOST).check
    benchmark.pedantic(lambda: [check(NAMES) for _ in range(1000)], rounds=200)


@pytest.mark.benchmark(group="check")
def test_reference_names(benchmark):
    benchmark.pedantic(lambda check=reference.check: [check(NAMES) for _ in range(1000)], rounds=100)


@pytest.mark.benchmark(group="check")
def test_check_mix(benchmark):
    sets = mix()
    check = Checker(host=HOST).check
    benchmark.pedantic(lambda: [check(names) for names in sets], rounds=100)


@pytest.mark.benchmark(group="check")
def test_reference_mix(benchmark):
    sets = mix()
    benchmark.pedantic(lambda check=reference.check: [check(names) for names in sets], rounds=50)


# ---- The batch ----


def words():
    return numpy.random.default_rng(1).permutation(numpy.arange(SETS, dtype=numpy.uint32))


@pytest.mark.benchmark(group="check_many")
@pytest.mark.parametrize("kind", [numpy.uint32, numpy.uint64])
def test_check_many(benchmark, kind):
    checker, sets, out = Checker(host=HOST), words().astype(kind), bytearray(SETS)
    benchmark.pedantic(lambda: checker.check_many(sets, out=out), rounds=30, warmup_rounds=2)


@pytest.mark.benchmark(group="check_many")
def test_memcpy(benchmark):
    sets, copy = words(), numpy.empty(SETS, numpy.uint32)
    benchmark.pedantic(lambda: numpy.copyto(copy, sets), rounds=30, warmup_rounds=2)


@pytest.mark.benchmark(group="check_many")
def test_numpy(benchmark):
    sets, out = words(), numpy.empty(SETS, numpy.uint8)
    benchmark.pedantic(lambda: check_with_numpy(sets, out), rounds=3)


@pytest.mark.benchmark(group="check_many")
def test_reference_many(benchmark):
    sets = words()[: 1 << 17].tolist()
    context = reference.Context()
    benchmark.pedantic(lambda: [reference.migrate_caps_check(0, word, context) for word in sets], rounds=3)


def check_with_numpy(sets, out):
    """As a user would write it: rule by rule, the last one first."""
    bit = {name: numpy.uint32(mask) for name, mask in reference.BIT.items()}

    def on(name):
        return (sets & bit[name]) != 0

    out[:] = 0
    out[on("multifd") & on("compress")] = 26
    out[on("postcopy-preempt") & on("compress")] = 25
    out[on("postcopy-preempt") & ~on("postcopy-ram")] = 24
    out[on("zero-copy-send") & (~on("multifd") | on("compress") | on("xbzrle"))] = 22
    snapshot = on("background-snapshot")
    for code, name in reversed(list(enumerate(reference.NOT_WITH_BACKGROUND_SNAPSHOT, 7))):
        out[snapshot & on(name)] = code
    out[on("postcopy-ram") & on("x-ignore-shared")] = 4


def test_the_peers_say_the_same():
    """What is compared does the same work."""
    sets, out = words()[: 1 << 16], numpy.empty(1 << 16, numpy.uint8)
    check_with_numpy(sets, out)
    assert Checker(host=HOST).check_many(sets) == bytes(out)
    checker = Checker(host=HOST)
    for names in mix():
        refusal = reference.check(names)
        assert checker.check(names).message == (refusal.message if refusal else "")


# ---- States, contexts, hosts ----


@pytest.mark.benchmark(group="state")
def test_empty_call_of_one_pointer(benchmark, empty):
    null = empty.ffi.NULL
    benchmark.pedantic(lambda call=empty.lib.empty1: [call(null) for _ in range(1000)], rounds=200)


@pytest.mark.benchmark(group="state")
def test_accessor(benchmark):
    state = MigrationState(host=HOST)
    benchmark.pedantic(lambda: [state.multifd for _ in range(1000)], rounds=200)


@pytest.mark.benchmark(group="state")
def test_set_accepted(benchmark):
    state = MigrationState(host=HOST)
    benchmark.pedantic(lambda: [state.set_capabilities({"multifd": True}) for _ in range(1000)], rounds=100)


@pytest.mark.benchmark(group="state")
@pytest.mark.parametrize("release", pymig.QemuBuild.releases())
def test_check_of_each_release(benchmark, release):
    checker = Checker(pymig.QemuBuild(release), HOST)
    masks = [mask for mask in range(0, 1 << 18, 1 << 6) if not mask & ~checker.build.capabilities.mask][:500] * 2

    def setup():
        checker._memo.clear()

    benchmark.pedantic(lambda check=checker.check: [check(mask) for mask in masks], setup=setup, rounds=100)


@pytest.mark.benchmark(group="checker")
def test_make_a_checker(benchmark):
    benchmark(Checker, host=HOST)


@pytest.mark.benchmark(group="probe")
def test_probe(benchmark):
    benchmark(pymig.probe)


@pytest.mark.benchmark(group="probe")
def test_plain_c_probe(benchmark, tmp_path):
    """The reference's own sequence in plain C, by its own clock."""
    program = tmp_path / "reference_probe"
    subprocess.run(["cc", "-O2", "-o", program, HERE / "reference_probe.c"], check=True)

    def ask():
        done = subprocess.run([program, "2000"], capture_output=True, text=True, check=False)
        return float(done.stdout)

    benchmark.extra_info["ns"] = sorted(ask() for _ in range(5))[2]
    benchmark.pedantic(ask, rounds=1)


@pytest.mark.benchmark(group="qemu")
@pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="needs a real QEMU: qemu-system-x86_64")
def test_live_qemu(benchmark):
    from tests.live.conftest import live_qemu

    with live_qemu() as qemu:
        benchmark.pedantic(lambda: qemu.set_capabilities({"multifd": True}), rounds=300, warmup_rounds=10)


def test_array_of_words_is_taken_in_place():
    sets = array.array("I", range(1 << 10))
    assert Checker(host=HOST).check_many(sets) == bytes(Checker(host=HOST).check(word).code for word in sets)
