# SPDX-License-Identifier: GPL-2.0-or-later

"""docs/libvirt.md has the tables that the library prints."""

import re
from pathlib import Path

import pytest

from pymig import explain

from . import page

DOCS = Path(__file__).parents[2] / "docs" / "libvirt.md"


def test_every_refusal_is_explained():
    for _, rules in page.REFUSALS:
        for rule in rules:
            text = re.sub(r"\{\w+\}", "2", rule.text)
            assert explain(f"error: {rule.prefix}{text}"), text


@pytest.mark.skipif(not DOCS.exists(), reason="needs the source tree: docs/libvirt.md")
@pytest.mark.parametrize("table", page.TABLES)
def test_the_page_has_the_table(table):
    assert table() in DOCS.read_text()
