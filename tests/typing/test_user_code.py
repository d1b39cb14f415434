# SPDX-License-Identifier: GPL-2.0-or-later

"""Type checkers accept what is right in code that uses pymig, and find what is wrong."""

import ast
import re
import runpy
from pathlib import Path

import pytest

import pymig
from tests.typing.checkers import ERRORS_OF, make_project, require

HERE = Path(__file__).parent
README = HERE.parents[1] / "README.md"
ACCEPTED = sorted((HERE / "accepted").glob("*.py"))
REFUSED = sorted((HERE / "refused").glob("*.py"))

# The end of a line that is wrong: mypy's code, then pyright's rule.
MARK = re.compile(r"# E: ([a-z-]+), (\w+)$")


def blocks_of_readme():
    """The Python code of README.md, block by block; of a dialogue what is typed."""
    text = README.read_text() if README.exists() else ""
    for block in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        typed = re.findall(r"^(?:>>>|\.\.\.) (.*\n)", block, re.MULTILINE)
        yield "".join(typed) or block


SOURCES = {
    **{f"accepted_{path.name}": path.read_text() for path in ACCEPTED},
    **{f"refused_{path.name}": path.read_text() for path in REFUSED},
    **{f"readme_{i}.py": block for i, block in enumerate(blocks_of_readme(), 1)},
}


@pytest.fixture(scope="module", params=ERRORS_OF)
def checked(request, tmp_path_factory):
    """A checker's name and the errors that it finds."""
    checker = request.param
    require(checker)
    folder = tmp_path_factory.mktemp(checker)
    make_project(folder, SOURCES)
    return checker, ERRORS_OF[checker](folder, sorted(SOURCES))


@pytest.mark.skipif(not README.exists(), reason="needs README.md, which only the source tree has")
def test_readme_has_blocks_of_python():
    assert len(list(blocks_of_readme())) >= 2


def test_missing_checker_is_skipped_but_fails_in_continuous_integration(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="missing: the package no_such_checker"):
        require("no_such_checker")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="missing: the package no_such_checker"):
        require("no_such_checker")


def test_right_code_passes(checked):
    _, errors = checked
    assert [error for error in errors if not error[0].startswith("refused_")] == []


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_exactly_the_marked_lines_are_errors(checked, path):
    checker, errors = checked
    marks = ((i, MARK.search(line)) for i, line in enumerate(path.read_text().splitlines(), 1))
    marked = {(i, mark[1 if checker == "mypy" else 2]) for i, mark in marks if mark}
    found = {(line, code): message for file, line, code, message in errors if file == f"refused_{path.name}"}
    unmarked = {where: message for where, message in found.items() if where not in marked}
    assert (unmarked, marked - found.keys()) == ({}, set())


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_right_code_runs(path):
    runpy.run_path(str(path))


def test_right_code_uses_the_whole_interface():
    used = set()
    for path in ACCEPTED:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.alias):
                used.add(node.name)
            elif isinstance(node, ast.Attribute):
                used.add(node.attr)
    classes = (value for name in pymig.__all__ if isinstance(value := getattr(pymig, name), type))
    members = {f"{cls.__name__}.{name}" for cls in classes for name in vars(cls) if not name.startswith("_")}
    unused = {name for name in {*pymig.__all__, *members} if name.rpartition(".")[2] not in used}
    assert unused == set()
