# SPDX-License-Identifier: GPL-2.0-or-later

"""Install the wheels as users do, without a compiler, a network or a source tree. Use pymig, and test it there.

    python -m tests.shipped [--tests PATH]... [PLACE...]

A Python of this machine gets the wheel that `make dist` made of the sdist. A free-threaded one gets one of those of
`make wheels`, like the Pythons of other places. Those for aarch64 run in qemu-aarch64. Those for musl are built from
Debian's sources. The output goes to build/machines/shipped-PLACE.log.

Exit status: 0 all passed, 1 one failed, 77 one can't be had.
"""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.live import bring
from tests.live.bring import BringError, FailsError, NotHadError, fetch, say, worst
from tests.machines.roots import KEPT, ROOTS, TREE, keyring, mirror, unpacked

INSTALL = "tests/shipped/install"
EMULATE = "tests/shipped/emulate"
BUILD_MUSL = TREE / "tests/shipped/build_musl"
PYTHONS = re.findall(r'Python :: (3\.\d+)"', (TREE / "pyproject.toml").read_text())
MACHINE = platform.machine()
FREE_THREADED = f"{PYTHONS[-1]}t"
MUSL_SOURCES = ("musl", "zlib", "libffi", "python3.13")
EXTRACT = ("--quiet", "--variant=extract", "--arch=arm64", "--include=python3,libstdc++6")  # numpy needs libstdc++
VENV = "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends python3-venv"


def lay_out(folder: Path, wheels: Path) -> None:
    """Put into the folder what a user has, and the tests."""
    if not list(wheels.glob("*.whl")):
        raise FailsError(f"no wheels in {wheels.relative_to(TREE)}: run make dist, then make wheels")
    shutil.copytree(TREE / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(TREE / name, folder)
    (folder / "wheels").mkdir()
    for wheel in wheels.glob("*.whl"):
        shutil.copy(wheel, folder / "wheels")


def run(place: str, command: list[str | Path], folder: Path, **environment: str) -> None:
    """Run a command in the folder. Nothing of this project's tree is in Python's path, unless given."""
    with (KEPT / f"shipped-{place}.log").open("w") as log:
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        variables = os.environ | {"CI": "", "PYTHONPATH": ""} | environment
        ran = subprocess.run(command, cwd=folder, env=variables, check=False, **streams)
    if ran.returncode:
        print("\n".join(Path(log.name).read_text().splitlines()[-30:]))
        raise FailsError(f"see {log.name}")


def on_this_machine(version: str, tests: list[str]) -> None:
    """Test with a Python of this machine."""
    python = shutil.which(f"python{version}")
    if python is None:
        raise NotHadError(f"no python{version} in PATH")
    wheels = TREE / ("dist/wheels" if version == FREE_THREADED else "dist")
    with tempfile.TemporaryDirectory(prefix="shipped-") as name:
        lay_out(Path(name), wheels)
        run(version, [INSTALL, python, *tests], Path(name))


def in_a_bare_root(name: str, tests: list[str]) -> None:
    """Test with the Python of another system."""
    with unpacked(f"shipped-{name}", ROOTS[name]) as bare:
        folder = bare.folder / "root/shipped"
        folder.mkdir()
        lay_out(folder, TREE / "dist/wheels")
        shutil.rmtree(bare.folder / "root/pymig")
        script = f'{VENV} && cd /root/shipped && exec {INSTALL} python3 "$@"'
        if bare.run("sh", "-c", script, "sh", *tests).returncode:
            raise FailsError("see its log")


def emulated_root(name: str) -> Path:
    """An unpacked Debian 13 for aarch64, of which nothing has run yet."""
    root, unfinished = KEPT / name, KEPT / f"{name}-unfinished"
    if not root.exists():
        say(name, "unpacking an aarch64 Python")
        shutil.rmtree(unfinished, ignore_errors=True)
        where = (f"--keyring={keyring('debian')}", ROOTS["debian-13"].suite, str(unfinished), *mirror("debian"))
        fetch("mmdebstrap", *EXTRACT, *where)
        (unfinished / "lib").symlink_to("usr/lib")
        unfinished.rename(root)
    return root


# What can't work in qemu-aarch64 and in that namespace: it does not limit the address space, a process can't take on
# what another one has, and there is no terminal.
NOT_EMULATED = (
    "--deselect=tests/unit/test_robust.py::TestBuffers::test_nothing_is_needed_beyond_out",
    "--deselect=tests/unit/test_cli.py::test_probe_in_the_own_place",
    "--deselect=tests/unit/test_cli.py::test_colour_only_on_a_terminal",
)

# They speak QMP with qemu.qmp, which needs the module ssl.
WITHOUT_OPENSSL = (
    "--ignore=tests/vectors/test_commands.py",
    "--deselect=tests/unit/test_apply.py::test_arguments",
    "--deselect=tests/unit/test_cli.py::test_wrong_usage",
)

USE = '"$0" -m pymig check multifd && { "$0" -m pymig probe || test $? = 1; } && exec "$0" -m pytest -q "$@"'


def site_of(folder: Path, python: Path, platforms: list[str]) -> str:
    """The folder with what this machine's pip installs for another platform's Python, which is slow or has no pip."""
    site = str(folder / "site")
    target = ("--target", site, "--python-version", python.name.removeprefix("python"))
    wheels = ("--only-binary=:all:", f"--find-links={folder}/wheels", *(f"--platform={name}" for name in platforms))
    fetch(sys.executable, "-m", "pip", "install", "--quiet", *wheels, *target, "pymig-qemu[test]")
    return site


class Foreign(NamedTuple):
    """A Python for another platform.

    Attributes:
        python: its path.
        platforms: the tags of the wheels that fit.
        without: pytest's options that leave out what can't work with it.
        start: what runs it, if this machine can't.
    """

    python: Path
    platforms: list[str]
    without: tuple[str, ...]
    start: tuple[str, ...] = ()


def with_foreign(name: str, tests: list[str]) -> None:
    """Test with a Python for another platform."""
    foreign = FOREIGN[name](name)
    with tempfile.TemporaryDirectory(prefix="shipped-") as folder:
        lay_out(Path(folder), TREE / "dist/wheels")
        site = site_of(Path(folder), foreign.python, foreign.platforms)
        command = [*foreign.start, "sh", "-c", USE, foreign.python, *foreign.without, *tests]
        run(name, command, Path(folder), PYTHONPATH=site)


def for_aarch64(name: str) -> Foreign:
    """The Python of Debian 13."""
    root = emulated_root(name)
    platforms = ["manylinux2014_aarch64", *(f"manylinux_2_{minor}_aarch64" for minor in (17, 26, 27, 28))]
    python = (root / "usr/bin/python3").resolve()
    return Foreign(python, platforms, NOT_EMULATED, ("env", f"QEMU_LD_PREFIX={root}", EMULATE))


def built_for_musl(name: str, *machine_and_python: str) -> Path:
    """A CPython for musl, which no package of Debian brings: built from its sources."""
    prefix = KEPT / name
    python = prefix / "bin/python3"
    if not python.exists():
        shutil.rmtree(prefix, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="musl-") as folder:
            apt = bring.prepare_apt(Path(folder), bring.mirror(), (ROOTS["debian-13"].suite,), "deb-src")
            say(name, f"downloading the sources of {', '.join(MUSL_SOURCES)}")
            fetch(*apt, "update")
            fetch("env", f"--chdir={folder}", *apt, "source", "--download-only", "--tar-only", *MUSL_SOURCES)
            say(name, "building a CPython for musl; this can take ten minutes")
            run(f"{name}-build", [BUILD_MUSL, prefix, *machine_and_python], Path(folder))
    return python.resolve()


def for_musl(name: str) -> Foreign:
    """A Python for this machine whose C library is musl."""
    return Foreign(built_for_musl(name), musl_platforms(MACHINE), WITHOUT_OPENSSL)


def for_musl_on_aarch64(name: str) -> Foreign:
    """A Python for aarch64 whose C library is musl; the one for this machine builds it."""
    python = built_for_musl(name, "aarch64", str(built_for_musl("musl")))
    return Foreign(python, musl_platforms("aarch64"), (*WITHOUT_OPENSSL, *NOT_EMULATED), (EMULATE,))


def musl_platforms(machine: str) -> list[str]:
    """The tags of its wheels."""
    return [f"musllinux_1_{minor}_{machine}" for minor in (1, 2)]


FOREIGN = {"debian-13-arm64": for_aarch64, "musl": for_musl, "musl-arm64": for_musl_on_aarch64}

TESTERS = {
    **dict.fromkeys([*PYTHONS, FREE_THREADED], on_this_machine),
    **dict.fromkeys(["debian-12", "debian-13", "debian-sid"], in_a_bare_root),
    **dict.fromkeys(FOREIGN, with_foreign),
}


def known_place(text: str) -> str:
    """The place, if it is one."""
    if text not in TESTERS:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(TESTERS)}")
    return text


def status_of(place: str, tests: list[str]) -> int:
    """Test in a place. Print the outcome, and return the exit status."""
    try:
        TESTERS[place](place, tests)
    except BringError as error:
        say(place, f"{error.outcome}: {error}")
        return error.status
    say(place, "passed")
    return 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.shipped", description="Test the wheels.")
    text = f"of {', '.join(TESTERS)}; if none is given, all"
    parser.add_argument("places", nargs="*", metavar="PLACE", type=known_place, default=list(TESTERS), help=text)
    parser.add_argument("--tests", action="append", metavar="PATH", help="instead of tests/unit and tests/vectors")
    arguments = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    return worst([status_of(place, arguments.tests or ["tests/unit", "tests/vectors"]) for place in arguments.places])


if __name__ == "__main__":
    sys.exit(main())
