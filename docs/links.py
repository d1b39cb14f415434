# SPDX-License-Identifier: GPL-2.0-or-later

"""Checks the links inside the site: ``python docs/links.py build/docs/html``. Exit status 1 if one leads nowhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ELSEWHERE = re.compile(r"[a-z]+:|#$")


def broken(site: Path) -> list[str]:
    """The links of all pages that lead to no file, or to no anchor of a page."""
    texts = {page.resolve(): page.read_text() for page in site.rglob("*.html")}
    anchors = {page: set(re.findall(r'id="([^"]+)"', text)) for page, text in texts.items()}
    found = []
    for page, text in texts.items():
        for link in re.findall(r'<a [^>]*href="([^"]+)"', text):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            leads = target.exists() and (not anchor or target.suffix != ".html" or anchor in anchors[target])
            if not ELSEWHERE.match(link) and not leads:
                found.append(f"{page.relative_to(site.resolve())}: {link}")
    return found


if __name__ == "__main__":
    nowhere = broken(Path(sys.argv[1]))
    print("\n".join(nowhere))  # noqa: T201 - it is a script
    sys.exit(bool(nowhere))
