# SPDX-License-Identifier: GPL-2.0-or-later

"""README's Python runs, and gives what it says."""

import ast
import doctest
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text() if README.exists() else "", re.MULTILINE | re.DOTALL)
DIALOGUES = [block for block in BLOCKS if block.startswith(">>>")]
PROGRAMS = [block for block in BLOCKS if not block.startswith(">>>")]

pytestmark = pytest.mark.skipif(not BLOCKS, reason="needs README.md, which only the source tree has")


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=range(len(DIALOGUES)))
def test_dialogues(dialogue):
    test = doctest.DocTestParser().get_doctest(dialogue, {}, "README.md", None, 0)
    outcome = doctest.DocTestRunner().run(test)
    assert (outcome.failed, outcome.attempted) == (0, len(test.examples))


def said(line):
    """The value in the comment at the end of a line; None if there is no comment, or only words."""
    try:
        return ast.literal_eval(line.rpartition("  # ")[2])
    except (SyntaxError, ValueError):
        return None


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_programs(program):
    """A line gives the value in its comment. Huge pages, which this host may lack, are left out."""
    names, lines = {}, program.splitlines()
    for statement in ast.parse(program.replace(", page_size=2 << 20", "")).body:
        if isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), "README.md", "eval"), names)
            assert said(lines[statement.end_lineno - 1]) in (None, value)
        else:
            exec(compile(ast.Module([statement], []), "README.md", "exec"), names)


def test_values_in_comments_are_found():
    values = [said(line) for program in PROGRAMS for line in program.splitlines()]
    assert ("fails", "source") in values
