# SPDX-License-Identifier: GPL-2.0-or-later

"""The C library as `make install-c` installs it, and what it exports."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import pymig
from pymig import _core
from pymig._core import ffi, lib

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "c" / "check.c"
PREFIX = "/opt/pymig"
DECLARED = {name for name in dir(lib) if isinstance(getattr(lib, name), type(len))}

needs_binutils = pytest.mark.skipif(not shutil.which("nm"), reason="needs nm, of binutils")


def run(*command, status=0, **environment):
    """Its standard output; fails if it exits with another status. No preloaded sanitizer looks into a compiler."""
    environment = os.environ | {"LD_PRELOAD": ""} | environment
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300, env=environment)
    assert done.returncode == status, done.stderr
    return done.stdout


def exported(library):
    """The names that it defines for others, without a version."""
    lines = run("nm", "--dynamic", "--defined-only", "--format=posix", library).splitlines()
    return {line.split()[0].partition("@")[0] for line in lines if line.split()[1] != "A"}  # A: a version itself


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder that stands for / and holds an installation below PREFIX."""
    if not EXAMPLE.exists():
        pytest.skip("needs csrc/, which only the source tree has")
    for tool in ("make", "cc", "c++", "pkg-config"):
        if not shutil.which(tool):
            pytest.skip(f"needs {tool}")
    root = tmp_path_factory.mktemp("root")
    places = [f"PREFIX={PREFIX}", f"DESTDIR={root}", f"BUILD={tmp_path_factory.mktemp('objects')}"]
    run("make", "-C", "csrc", "install", "CFLAGS=-O1", *places, MAKEFLAGS="", MAKELEVEL="")
    return root


def flags(root, *wanted):
    """What pkg-config says about the installation, as if the folder were /."""
    environment = {"PKG_CONFIG_SYSROOT_DIR": str(root), "PKG_CONFIG_PATH": f"{root}{PREFIX}/lib/pkgconfig"}
    return run("pkg-config", *wanted, "pymig", **environment).split()


@needs_binutils
def test_extension_exports_what_the_header_declares_and_its_init_function():
    assert exported(_core.__file__) == DECLARED | {"PyInit__core"}


@needs_binutils
def test_shared_library_exports_what_the_header_declares(folder):
    assert exported(f"{folder}{PREFIX}/lib/libpymig.so") == DECLARED


def test_version_is_that_of_the_package(folder):
    version = ffi.string(lib.pymig_version()).decode()
    assert version == pymig.__version__
    assert flags(folder, "--modversion") == [version]
    major, minor, micro = map(int, version.split("."))
    assert lib.pymig_version_number() == 10000 * major + 100 * minor + micro
    assert Path(f"{folder}{PREFIX}/lib/libpymig.so").resolve().name == f"libpymig.so.{version}"
    assert f"[libpymig.so.{major}.{minor}]" in run("readelf", "--dynamic", f"{folder}{PREFIX}/lib/libpymig.so")


@pytest.mark.parametrize("linking", ["shared", "static"])
@pytest.mark.parametrize("compiler", ["cc -std=c11", "cc -std=c17", "c++ -std=c++11 -x c++", "c++ -std=c++20 -x c++"])
def test_example_compiles_and_answers(folder, tmp_path, compiler, linking):
    program = tmp_path / "check"
    options = flags(folder, "--cflags", "--libs", *(["--static"] if linking == "static" else []))
    if linking == "static":
        options = [option.replace("-lpymig", "-l:libpymig.a") for option in options]
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    run(*compiler.split(), *warnings, str(EXAMPLE), "-x", "none", *options, "-o", str(program))
    place = {} if linking == "static" else {"LD_LIBRARY_PATH": f"{folder}{PREFIX}/lib"}

    assert run(program, "10.0", "multifd", **place) == "accepted\n"
    refused = run(program, "10.0", "multifd", "xbzrle", status=1, **place)
    assert refused == "refused: Multifd is not compatible with xbzrle\n"
    assert run(program, "10.0", "no-such", status=2, **place) == ""
    assert run(program, "1.0", "multifd", status=2, **place) == ""
