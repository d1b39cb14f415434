# SPDX-License-Identifier: GPL-2.0-or-later

import importlib.util
import subprocess
import sysconfig
from pathlib import Path

import cffi
import pytest

CSRC = Path(__file__).parents[1] / "csrc"


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """C functions that do nothing, called through cffi as pymig's are."""
    ffi = cffi.FFI()
    ffi.cdef("int empty1(void *); int empty2(uint64_t, uint64_t);")
    ffi.set_source(
        "pymig_bench_empty",
        """
        static int empty1(void *a) { (void)a; return 0; }
        static int empty2(uint64_t a, uint64_t b) { (void)a, (void)b; return 0; }
        """,
    )
    path = ffi.compile(tmpdir=str(tmp_path_factory.mktemp("empty")))
    spec = importlib.util.spec_from_file_location("pymig_bench_empty", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def peer_limit(tmp_path_factory):
    """The module of peer_limit.c, with the C core in it."""
    path = tmp_path_factory.mktemp("peer_limit") / "peer_limit.so"
    sources = [Path(__file__).with_name("peer_limit.c"), *CSRC.rglob("*.c")]
    include = [f"-I{CSRC}", f"-I{sysconfig.get_path('include')}"]
    subprocess.run(["cc", "-std=c11", "-O3", "-shared", "-fPIC", *include, "-o", path, *sources], check=True)
    spec = importlib.util.spec_from_file_location("peer_limit", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=range(5), ids="turn {}".format)
def turn(request):
    """Runs a module's benchmarks by turns, so that what else the machine does hits all alike; the report takes the
    median of the turns."""
    return request.param
