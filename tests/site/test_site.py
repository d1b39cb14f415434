# SPDX-License-Identifier: GPL-2.0-or-later

"""The documentation as `make docs` built it: its pages in a narrow Chromium, its search, its man pages.

PYMIG_SITE is the folder with html/ and man/. Without it, nothing was built, and the tests are skipped.
"""

import functools
import html
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path
from urllib.parse import quote

import pytest

from pymig import explain
from pymig.cli.arguments import parser

SITE = os.environ.get("PYMIG_SITE")
CHROMIUMS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("PYMIG_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)
WIDTH = 400  # of a phone's screen, in pixels

if SITE is None:
    pytest.skip("optional: make docs builds the site", allow_module_level=True)

FOLDER = Path(SITE)
HTML = FOLDER / "html"
PAGES = sorted(str(path.relative_to(HTML)) for path in HTML.rglob("*.html"))

# What people look for, and the pages that must be found.
SEARCHES = {
    "Postcopy is not supported: Userfaultfd not available: Operation not permitted": (
        "userfaultfd-not-available.html",
        "how-to.html",
        "reference/messages.html",
    ),
    "zero-blocks removed": ("reference/capabilities/zero-blocks.html",),
    "multifd with postcopy since when": (
        "reference/capabilities/multifd.html",
        "reference/capabilities/postcopy-ram.html",
    ),
    "what needs CAP_SYS_PTRACE": ("userfaultfd-not-available.html", "reference/capabilities/postcopy-ram.html"),
}


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves the site, and visit.html beside it: a page may only look into frames of its own origin."""

    VISIT = (Path(__file__).parent / "visit.html").read_bytes()

    def do_GET(self):
        if self.path != "/visit":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.VISIT)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What Chromium saw of each page and of each search, and the lines of its console."""
    if CHROMIUM is None:
        pytest.skip("optional: needs Chromium")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Server, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asked = quote(json.dumps({"width": WIDTH, "pages": PAGES, "searches": list(SEARCHES)}))
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
    words += ["--virtual-time-budget=600000", f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]
    address = f"http://127.0.0.1:{server.server_port}/visit#{asked}"
    try:
        done = subprocess.run([CHROMIUM, *words, address], capture_output=True, text=True, timeout=300, check=True)
    finally:
        server.shutdown()
        server.server_close()
    written = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)[1]
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return {**json.loads(html.unescape(written)), "console": console}


def test_every_page_was_seen(seen):
    assert set(seen["pages"]) == set(PAGES)
    assert len(PAGES) > 80
    assert seen["console"] == []


@pytest.mark.parametrize("page", PAGES)
class TestPages:
    def test_it_renders(self, seen, page):
        page_seen = seen["pages"][page]
        assert page_seen["heading"].strip("¶ ")
        assert page_seen["unseen"] == []

    def test_it_fits_a_narrow_screen(self, seen, page):
        page_seen = seen["pages"][page]
        assert (page_seen["overflow"], page_seen["wide"]) == (0, page_seen["wide"])
        assert page_seen["top"] < WIDTH  # not below the navigation


def test_options_keep_their_dashes():
    assert "virsh: --copy-storage-all" in (HTML / "reference" / "messages.html").read_text()


@pytest.mark.parametrize("words", SEARCHES)
class TestSearches:
    def test_the_site_answers(self, seen, words):
        found = [address.partition("#")[0].partition("?")[0] for address in seen["searches"][words]]
        assert [page for page in SEARCHES[words] if page not in found] == []

    def test_explain_answers(self, words):
        assert explain(words)


COMMANDS = next(action for action in parser()._actions if action.dest == "command").choices


@pytest.mark.parametrize("name", COMMANDS)
class TestManPages:
    def test_it_is_complete(self, name):
        """Every option and argument, what the statuses mean, and where else to look."""
        text = (FOLDER / "man" / f"pymig-{name}.1").read_text().replace("\\", "")
        sections = re.findall(r'^\.SH "?([A-Z ]+?)"?$', text, re.MULTILINE)
        assert sections[:4] == ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"]
        assert {"EXIT STATUS", "SEE ALSO"} <= set(sections)
        options = [option for action in COMMANDS[name]._actions for option in action.option_strings]
        assert [option for option in options if option not in text] == []

    def test_pymig_names_it(self, name):
        assert f"pymig-{name}(1)" in (FOLDER / "man" / "pymig.1").read_text().replace("\\", "")


def test_there_is_no_other_man_page():
    names = {path.name for path in (FOLDER / "man").glob("*.1")}
    assert names == {"pymig.1", *(f"pymig-{name}.1" for name in COMMANDS)}
