# SPDX-License-Identifier: GPL-2.0-or-later

"""One copy of the project, in which one mutant at a time is built and tested."""

import contextlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import sysconfig

from .mutant import ROOT
from .suites import suite_of

COPIED = ("csrc", "pymig", "tests", "docs", "pyproject.toml", "setup.py", "README.md", "LICENSE")
# What is undefined ends the program, as it does in `make test-c`.
CFLAGS = "-std=c11 -O1 -w -fPIC -fvisibility=hidden -fsanitize=undefined -fsanitize-undefined-trap-on-error"
MOST_MEMORY = 8 << 30
MOST_SECONDS = 1800
MOST_SECONDS_IN_C = 60  # the slowest program takes two


def _run(command, folder, timeout=MOST_SECONDS):
    """The exit status and the output; the status is None after a timeout. Nothing of it is left running."""
    environment = os.environ | {"PYTHONPATH": str(folder), "LC_ALL": "C.UTF-8"}
    for name in ("CI", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    for limit, most in ((resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(limit)[1]  # tests change the soft limit, and restore it
        resource.prlimit(process.pid, limit, (most, hard))
    try:
        output, _ = process.communicate(timeout=timeout)
        return process.returncode, output.decode(errors="replace")
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Tree:
    """A copy of the project, and its objects."""

    def __init__(self, folder):
        self.folder = folder
        self.objects = folder / "build" / "c"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)
        for extension in folder.glob("pymig/*.so"):
            extension.unlink()
        self._make_interface()
        if not self.build():
            raise RuntimeError("the core does not compile")

    def _make_interface(self):
        """Compiles what cffi generates; no mutant changes it."""
        emit = "import cffi_build; cffi_build.ffi.emit_c_code('../build/_core.c')"
        (self.folder / "build").mkdir()
        include = f"-I{sysconfig.get_path('include')} -Icsrc"
        for command in (
            [sys.executable, "-c", f"import os, sys; os.chdir('csrc'); sys.path[0] = '.'; {emit}"],
            f"cc {CFLAGS} {include} -c -o build/_core.o build/_core.c".split(),
        ):
            status, output = _run(command, self.folder)
            if status != 0:
                raise RuntimeError(output)

    def _make(self, *targets):
        flags = f"{CFLAGS} -I../../csrc"
        return _run(
            ["make", "-s", "-C", "tests/c", f"BUILD={self.objects}", f"CFLAGS={flags}", *map(str, targets)], self.folder
        )

    def build(self):
        """Whether the core compiles."""
        csrc = self.folder / "csrc"
        objects = [self.objects / source.relative_to(csrc).with_suffix(".o") for source in csrc.glob("**/*.c")]
        status, _ = self._make(*objects)
        if status != 0:
            return False
        extension = ["cc", "-shared", "-o", "pymig/_core.abi3.so", "build/_core.o", *map(str, objects)]
        return _run(extension, self.folder)[0] == 0

    def _failing_program(self, programs):
        for program in programs:
            path = self.objects / f"test_{program}"
            if self._make(path)[0] != 0 or _run([path], self.folder, MOST_SECONDS_IN_C)[0] != 0:
                return f"tests/c/test_{program}"
        return None

    def _failing_test(self, arguments):
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "tests.mutation.limits"]
        status, output = _run([*command, "--no-header", "--tb=no", *arguments], self.folder)
        if status == 0:
            return None
        named = re.search(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)
        return named[1] if named else f"pytest, which ended with {status}"

    def failing(self, programs, arguments):
        """The first that fails, of these programs of tests/c and of what pytest runs; None if all pass."""
        return self._failing_program(programs) or self._failing_test(arguments)

    def _write(self, path, source):
        file = self.folder / path
        file.write_bytes(source)
        for stale in file.parent.glob(f"__pycache__/{file.stem}.*"):
            stale.unlink()

    def try_mutant(self, mutant):
        """The outcome, and the test that noticed: "killed", "survived", or "invalid" if it doesn't compile."""
        self._write(mutant.path, mutant.changed)
        try:
            if mutant.path.startswith("csrc/") and not self.build():
                return "invalid", None
            test = self.failing(*suite_of(mutant.path))
            return ("killed", test) if test else ("survived", None)
        finally:
            self._write(mutant.path, mutant.source)
            if mutant.path.startswith("csrc/"):
                self.build()
