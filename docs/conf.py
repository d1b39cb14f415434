# SPDX-License-Identifier: GPL-2.0-or-later

"""The documentation site: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import commands  # noqa: E402 - it stands beside this file

import pymig  # noqa: E402 - installed

project = "pymig"
author = "pymig developers"
release = version = pymig.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {
    "description": "QEMU's own answer about live migration, before QEMU gives it.",
    "fixed_sidebar": True,
    "page_width": "68rem",
}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
html_static_path = ["_static"]
html_css_files = ["narrow.css"]
html_show_sphinx = False
smartquotes = False  # they make one dash of the two of an option
manpages_url = "{page}.html"  # they refer to each other, in one folder
html_copy_source = False
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "myst.xref_missing"]  # the generated pages link by <a id>, which MyST does not know
napoleon_custom_sections = [("Warns", "returns_style")]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"

commands.write(HERE / "commands")
man_pages = [(f"commands/{name}", name, meaning, author, 1) for name, meaning in commands.meanings().items()]
