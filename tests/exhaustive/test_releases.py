# SPDX-License-Identifier: GPL-2.0-or-later

"""The table in docs/releases.md of answers that differ between releases is correct."""

from pathlib import Path

import pytest

from tests.exhaustive import release_differences

PAGE = Path(__file__).parents[2] / "docs" / "releases.md"


@pytest.mark.skipif(not PAGE.exists(), reason="needs docs/, which only the source tree has")
def test_the_page_says_what_is_computed():
    assert release_differences.table() in PAGE.read_text()
