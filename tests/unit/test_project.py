# SPDX-License-Identifier: GPL-2.0-or-later

"""The files around the sources say the same: the Pythons, the tools, the commands, the version."""

import re
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

import pymig

ROOT = Path(__file__).parents[2]
FORGE = ROOT / ".github" / "workflows" / "ci.yml"
DEBIAN = ROOT / "debian"
HOOKS = ROOT / ".pre-commit-config.yaml"
PROJECT = ROOT / "pyproject.toml"

pytestmark = pytest.mark.skipif(not FORGE.exists(), reason="needs the source tree")


def found(pattern, path):
    """All that the pattern finds in a file."""
    return re.findall(pattern, path.read_text(), re.MULTILINE)


def listed(pattern, path):
    """The quoted words of the one list that the pattern finds in a file."""
    (text,) = found(pattern, path)
    return re.findall(r'"([^"]+)"', text)


PYTHONS = found(r'^    "Programming Language :: Python :: (3\.\d+)",$', PROJECT)


def test_the_classifiers_begin_with_the_oldest_python():
    assert found(r'^requires-python = ">=(.*)"$', PROJECT) == PYTHONS[:1]


@pytest.mark.parametrize("pattern, path", [(r"^        python: (\[.*\])$", FORGE), (r"^env_list = (\[.*\])$", PROJECT)])
def test_what_tests_every_python_tests_those_of_the_classifiers(pattern, path):
    assert listed(pattern, path) == PYTHONS


def test_the_forge_runs_what_is_run_here():
    assert found(r"^      - run: (.*)$", FORGE) == ['sudo env CI=true "PATH=$PATH" .ci/run']


def test_the_hooks_are_what_make_lint_runs():
    (recipe,) = re.findall(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    commands = recipe.replace("$(BIN)/", "").replace("$(MAKE)", "make").split(" $$(find")[0]
    assert found(r"^        entry: (.*)$", HOOKS) == [line.strip() for line in commands.splitlines()]


def test_the_hooks_have_the_versions_of_make_lint():
    tools = [*listed(r"^lint = (\[.*\])", PROJECT), *found(r'^    "(mypy==.*)",$', PROJECT)]
    assert set(found(r"([a-z-]+==[\d.]+)", HOOKS)) == set(tools)


def test_the_debian_packages_have_the_version_and_the_name_of_the_library():
    """The name of the package ends like the soname, which is the version without its last part."""
    library = f"libpymig{pymig.__version__.rpartition('.')[0]}"
    assert found(r"^pymig \((.*?)(?:-\d+)?\)", DEBIAN / "changelog")[0] == pymig.__version__
    assert found(r"^Package: (libpymig[\d.]+)$", DEBIAN / "control") == [library]
    assert found(r"(libpymig[\d.]+) \(=", DEBIAN / "control") == [library]
    assert (DEBIAN / f"{library}.install").exists()


def test_the_changes_begin_with_those_of_this_version():
    """With the date of the release, which Debian's entry has, too."""
    assert found(r"^## (.*)$", ROOT / "CHANGELOG.md")[0] in {
        "Unreleased",
        f"{pymig.__version__} - {released():%Y-%m-%d}",
    }


def released():
    """When Debian's package of this version was made."""
    return parsedate_to_datetime(found(r"^ -- .*>  (.*)$", DEBIAN / "changelog")[0])
