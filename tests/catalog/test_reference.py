# SPDX-License-Identifier: GPL-2.0-or-later

"""The reference pages are what the tables say, and their links lead somewhere."""

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pymig import Checker, Context, Host, QemuBuild
from pymig.capability import NAMES
from pymig.catalog.about import CAPABILITIES
from pymig.catalog.about import PARAMETERS as ABOUT_PARAMETERS
from pymig.catalog.messages import messages
from pymig.catalog.names import TUNED_BY, conflicts, rules_of, words_about
from pymig.qemu.parameters import PARAMETERS
from tests.catalog import reference_pages

PAGES = reference_pages.pages()
ANCHORS = {name: set(re.findall(r'<a id="([^"]+)">', text)) for name, text in PAGES.items()}
CAPABILITY_PAGES = {f"capabilities/{name}.md": name for name in NAMES}
PARAMETER_PAGES = {f"parameters/{name}.md": name for name in PARAMETERS}

needs_the_source_tree = pytest.mark.skipif(not reference_pages.FOLDER.exists(), reason="needs the source tree: docs")


@needs_the_source_tree
@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_tables_say(name):
    """If not: make reference."""
    assert (reference_pages.FOLDER / name).read_text() == PAGES[name]


@needs_the_source_tree
def test_there_is_no_other_page():
    folder = reference_pages.FOLDER
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_links(name):
    folder = Path(name).parent
    links = re.findall(r"\]\(([\w./-]+)(?:#([^)]+))?\)", PAGES[name])
    targets = [(os.path.normpath(folder / path), mark) for path, mark in links]
    assert [path for path, mark in targets if path not in PAGES or (mark and mark not in ANCHORS[path])] == []


def test_everything_is_there():
    assert {*CAPABILITY_PAGES, *PARAMETER_PAGES} < set(PAGES)
    assert all(f"]({page})" in PAGES["capabilities.md"] for page in CAPABILITY_PAGES)
    assert all(f"]({page})" in PAGES["parameters.md"] for page in PARAMETER_PAGES)
    assert {message.text for message in messages() if message.text not in PAGES["messages.md"]} == set()


@pytest.mark.parametrize("page", CAPABILITY_PAGES)
def test_a_page_of_a_capability(page):
    """What, ends, costs and needs; its conflicts over the releases; parameters that matter; messages."""
    name, text = CAPABILITY_PAGES[page], PAGES[page]
    about = CAPABILITIES[name]
    lines = [*about.does.splitlines(), about.ends, about.cost, about.host, about.notes]
    assert [line for line in lines if reference_pages.cell(line) not in text] == []
    assert re.search(r"^Needed at (the source|the destination|both ends)\.", text, re.MULTILINE)
    rules = {one.rule for one in conflicts(name)}
    rows = re.findall(r"^\| \[([^]]+)\]\(\.\./messages\.md#[^)]+\) \| .*$", text, re.MULTILINE)
    assert set(rows) == rules
    assert [one for one in TUNED_BY.get(name, ()) if f"](../parameters/{one}.md)" not in text] == []
    assert ("## Messages" in text) == bool(rules_of(name) or reference_pages.disagreements_of(name))


def test_a_table_of_conflicts():
    line = next(
        one for one in PAGES["capabilities/multifd.md"].splitlines() if one.startswith("| [postcopy-ram/multifd]")
    )
    cells = dict(zip(("rule", "with", *QemuBuild.releases()), line.split("|")[1:-1], strict=True))
    assert {name for name, cell in cells.items() if cell.strip() == "no"} == {"8.1", "8.2", "9.0", "9.1", "9.2", "10.0"}


@pytest.mark.parametrize("page", PARAMETER_PAGES)
def test_a_page_of_a_parameter(page):
    name, text = PARAMETER_PAGES[page], PAGES[page]
    assert reference_pages.cell(ABOUT_PARAMETERS[name].does) in text
    assert "Values: " in text
    assert "Default: " in text
    assert [words for words in words_about(name) if f"| `{words}` |" not in text] == []
    assert [
        one for one, tuned in TUNED_BY.items() if name in tuned and f"](../capabilities/{one}.md)" not in text
    ] == []


def test_messages_about_a_parameter():
    assert "[tls/hostname]" in PAGES["parameters/tls-hostname.md"]
    assert "[multifd-channels/more]" in PAGES["parameters/multifd-channels.md"]
    assert "[zero-copy-send/plain-multifd]" in PAGES["parameters/tls-creds.md"]


def test_the_pairs_are_those_that_the_checker_refuses():
    """Every release, every pair, on a host that can do everything."""
    pairs = reference_pages.pairs()
    for release in QemuBuild.releases():
        checker = Checker(Context(release, Host(), kvm_dirty_ring=True, incoming=True))
        for j, second in enumerate(NAMES):
            for i, first in enumerate(NAMES[:j]):
                if not {first, second} <= set(checker.build.capabilities):
                    continue
                needed = needed_by(first) | needed_by(second)
                alone = refusing(checker, needed | {first}) | refusing(checker, needed | {second})
                together = bool(refusing(checker, needed | {first, second}) - alone)
                assert together == (release in pairs.get((i, j), ())), (release, first, second)


def needed_by(name):
    """What the capability needs, and what that needs."""
    needed = {one.other for one in conflicts(name) if one.needed}
    return needed.union(*map(needed_by, needed))


def refusing(checker, names):
    return {verdict.rule for verdict in checker.explain(names & set(checker.build.capabilities))}


def test_the_picture():
    picture = ElementTree.fromstring(PAGES["conflicts.svg"])
    titles = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert len(titles) == len(reference_pages.pairs())
    assert "postcopy-ram and multifd: refused by 8.1 to 10.0" in titles
