"""The reference pages are what the tables say, and their links lead somewhere."""

import re
from xml.etree import ElementTree

import pytest

from pymig import Checker, Context, Host, QemuBuild
from pymig.capability import NAMES
from pymig.catalog.messages import messages
from pymig.catalog.names import conflicts
from pymig.qemu.parameters import PARAMETERS
from tests.catalog import reference_pages

PAGES = reference_pages.pages()
ANCHORS = {name: set(re.findall(r'<a id="([^"]+)">', text)) for name, text in PAGES.items()}

needs_the_source_tree = pytest.mark.skipif(not reference_pages.FOLDER.exists(), reason="needs the source tree: docs")


@needs_the_source_tree
@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_tables_say(name):
    """If not: make reference."""
    assert (reference_pages.FOLDER / name).read_text() == PAGES[name]


@needs_the_source_tree
def test_there_is_no_other_page():
    assert {path.name for path in reference_pages.FOLDER.iterdir()} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_links(name):
    links = re.findall(r"\]\(([\w.-]+)#([^)]+)\)", PAGES[name])
    assert [link for link in links if link[1] not in ANCHORS[link[0]]] == []


def test_everything_is_there():
    assert ANCHORS["capabilities.md"] == set(NAMES)
    assert ANCHORS["parameters.md"] == set(PARAMETERS)
    assert {message.text for message in messages() if message.text not in PAGES["messages.md"]} == set()


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
