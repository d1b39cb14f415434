# SPDX-License-Identifier: GPL-2.0-or-later

"""Texts and names, explained."""

from typing_extensions import assert_type

from pymig import Explanation, explain

for found in explain("error: Postcopy is not yet compatible with multifd"):
    assert_type(found, Explanation)
    assert_type([found.kind, found.title, found.text], list[str])
    assert_type([found.releases, found.causes, found.remedies, found.see], list[tuple[str, ...]])
assert_type(explain("multifd") == explain("multifd"), bool)
made = Explanation("rule", "title", "text", ["8.1"], (), [], ("multifd",))
assert_type(made, Explanation)
