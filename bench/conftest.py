import importlib.util

import cffi
import pytest


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


@pytest.fixture(scope="module", params=range(5), ids="turn {}".format)
def turn(request):
    """Runs a module's benchmarks by turns, so that what else the machine does hits all alike; the report takes the
    median of the turns."""
    return request.param
