# SPDX-License-Identifier: GPL-2.0-or-later

"""The modules import each other without a circle, counting imports in functions and for type checkers."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

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


DESIGN = Path(__file__).parents[2] / "docs" / "design.md"


def layers():
    """The modules of each layer in docs/design.md, the lowest layer first."""
    table = DESIGN.read_text().partition("| layer in Python |")[2].partition("\n\n")[0]
    for row in table.splitlines()[2:]:
        packages = re.findall(r"`(\w+)/` \(([^)]*)\)", row)
        alone = re.sub(r"`\w+/` \([^)]*\)", "", row)
        inside = [f"{package}.{name}" for package, names in packages for name in re.findall(r"`(\w+)`", names)]
        yield [f"pymig.{name}" for name in (*inside, *re.findall(r"`(\w+)`", alone))]


@pytest.mark.skipif(not DESIGN.exists(), reason="needs the source tree: docs")
def test_each_module_has_its_layer_and_imports_from_no_higher_one():
    level = {name: number for number, names in enumerate(layers()) for name in names}
    outside = {name for name, path in FILES.items() if path.stem in ("__init__", "__main__")}
    cli = {name for name in FILES if name.startswith("pymig.cli")}
    assert set(level) == set(FILES) - outside - cli - {"pymig.reference"}
    assert [(name, one) for name in level for one in GRAPH[name] if one in level and level[one] > level[name]] == []


def test_the_command_line_is_the_top_layer():
    importers = {name for name, modules in GRAPH.items() if any(module.startswith("pymig.cli") for module in modules)}
    assert {name for name in importers if not name.startswith("pymig.cli")} == {"pymig.__main__"}
