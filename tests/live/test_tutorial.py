# SPDX-License-Identifier: GPL-2.0-or-later

"""docs/tutorial.md, run as it stands: its commands, in order, with two real QEMUs."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.conftest import BINARY

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(BINARY is None, reason="needs QEMU"),
    pytest.mark.skipif(not PAGE.exists(), reason="needs the source tree: docs"),
]


def examples():
    """Each command, with the lines that the page shows after it."""
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = example.rstrip("\n").split("\n")
            yield command, shown


def tidy(text):
    """Without the columns' widths, and without what only newer releases are sent."""
    lines = text.replace("exit-on-error=off", "").splitlines()
    return "".join(f"{' '.join(line.split())}\n" for line in lines)


def pattern(shown):
    """What the page shows; a line of dots stands for any lines."""
    return re.escape(tidy("\n".join(shown))).replace(re.escape("...\n"), "(.*\n)*")


@pytest.fixture
def folder(tmp_path):
    """A folder with its own qemu-system-x86_64 and pymig; QEMUs that were left are ended."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "qemu-system-x86_64").symlink_to(BINARY)
    (tools / "pymig").write_text(f'#!/bin/sh\nexec {sys.executable} -m pymig "$@"\n')
    (tools / "pymig").chmod(0o755)
    yield tmp_path
    for file in tmp_path.glob("*.pid"):
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # QEMU removes its file when it ends
            os.kill(int(file.read_text()), signal.SIGKILL)


def test_the_page(folder):
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(PAGE.parents[1])}
    commands = list(examples())
    assert len(commands) > 10
    for command, shown in commands:
        words = ["bash", "-c", command]
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode in (0, 1), (command, done.stderr)  # 1: refused, or this host lacks something
        assert re.fullmatch(pattern(shown), tidy(done.stdout)), (command, done.stdout, done.stderr)
