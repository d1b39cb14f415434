# SPDX-License-Identifier: GPL-2.0-or-later

"""docs/libvirt.md has the tables that the library prints."""

from pathlib import Path

import pytest

from . import page

DOCS = Path(__file__).parents[2] / "docs" / "libvirt.md"


@pytest.mark.skipif(not DOCS.exists(), reason="needs the source tree: docs/libvirt.md")
@pytest.mark.parametrize("table", page.TABLES)
def test_the_page_has_the_table(table):
    assert table() in DOCS.read_text()
