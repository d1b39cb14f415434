# SPDX-License-Identifier: GPL-2.0-or-later

"""The documentation's own programs, as far as they need no Sphinx: `make docs` runs the rest."""

import importlib.util
from pathlib import Path

import pytest

from pymig.cli.arguments import parser

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="needs the source tree: docs")


def program(name):
    specification = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def options(one):
    return {option for action in one._actions for option in action.option_strings}


def test_every_command_has_a_page_with_all_its_options(tmp_path):
    commands = program("commands")
    commands.write(tmp_path)
    pages = {path.stem: path.read_text() for path in tmp_path.iterdir()}
    assert set(pages) == set(commands.parsers()) == set(commands.meanings())
    assert "pymig-explain" in pages
    for name, one in commands.parsers().items():
        assert options(one) == {option for option in options(one) if option in pages[name]}
        assert options(parser()) & options(one)


def test_broken_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#x">x</a> <a class="c" href="#y">y</a> <a href="https://x.org#z">z</a>'
    )
    (tmp_path / "b.html").write_text('<p id="x"><a href="a.html">a</a><a href="c.html">c</a><a href="#">top</a></p>')
    assert sorted(program("links").broken(tmp_path)) == ["a.html: #y", "b.html: c.html"]
