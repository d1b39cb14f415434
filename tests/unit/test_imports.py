# SPDX-License-Identifier: GPL-2.0-or-later

"""The modules import each other without a circle, counting imports in functions and for type checkers."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pymig

ROOT = Path(pymig.__file__).parent.parent
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "pymig").rglob("*.py"))
}


def imported(path):
    """The modules of pymig that the file imports."""
    for statement in ast.walk(ast.parse(path.read_text())):
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                module = f"{statement.module}.{alias.name}"
                yield module if module in FILES else statement.module
        elif isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)


GRAPH = {name: set(imported(path)).intersection(FILES) for name, path in FILES.items()}


def test_no_circle():
    order = list(TopologicalSorter(GRAPH).static_order())  # raises CycleError, which names the circle
    assert set(order) == set(FILES)


def test_the_command_line_is_the_top_layer():
    importers = {name for name, modules in GRAPH.items() if any(module.startswith("pymig.cli") for module in modules)}
    assert {name for name in importers if not name.startswith("pymig.cli")} == {"pymig.__main__"}
