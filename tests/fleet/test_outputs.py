# SPDX-License-Identifier: GPL-2.0-or-later

"""CSV, Arrow and the page say what the matrix says, to their own readers."""

import csv
import os
import re
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from pymig import Fleet, HostUnknownError, Plan
from pymig.values import escaped
from tests.fleet.ends import sixty_ends

PLAN = Plan(["postcopy-ram", "return-path"], uri="tcp:host:4444", postcopy=True)
NAMES = ['a "quoted", name', "<b>&amp;\x1b[31m", "line\nbreak", "=1+1"]


@pytest.fixture(scope="module")
def matrix():
    ends = list(sixty_ends())
    names = [*NAMES, *(f"host{i:02d}" for i in range(len(ends) - len(NAMES)))]
    return Fleet(dict(zip(names, ends, strict=True))).matrix(PLAN)


def facts(matrix, source, destination):
    try:
        flight = matrix.preflight(source, destination)
    except HostUnknownError as error:
        return False, "unknown", "unknown", str(error)
    error = next((one for one in flight.findings if one.severity == "error"), None)
    return flight.ok, flight.outcome, flight.guest, error and error.consequence


class TestTables:
    def test_csv(self, matrix):
        rows = list(csv.DictReader(matrix.to_csv().splitlines(keepends=True), strict=True))
        assert len(rows) == len(matrix.names) ** 2
        pairs = [(source, destination) for source in matrix.names for destination in matrix.names]
        for row, (source, destination) in zip(rows, pairs, strict=True):
            shown = [name.replace("\x1b", r"\x1b").replace("\n", r"\n") for name in (source, destination)]
            assert [row["source"], row["destination"]] == shown
            ok, outcome, guest, why = facts(matrix, source, destination)
            assert (row["ok"], row["outcome"], row["guest"]) == (str(ok).lower(), outcome, guest)
            assert why is None or row["consequence"] == why
        assert all(line.isprintable() for line in matrix.to_csv().split("\n"))

    def test_arrow(self, matrix, tmp_path):
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(matrix.to_arrow(), tmp_path / "fleet.parquet")
        table = parquet.read_table(tmp_path / "fleet.parquet")
        rows = table.to_pylist()
        assert len(rows) == len(matrix.names) ** 2
        assert table.schema.field("ok").type == pyarrow.bool_()
        for i, row in enumerate(rows):
            source, destination = (matrix.names[place] for place in divmod(i, len(matrix.names)))
            assert (row["source"], row["destination"]) == (source, destination)
            ok, outcome, guest, why = facts(matrix, source, destination)
            assert (row["ok"], row["outcome"], row["guest"]) == (ok, outcome, guest)
            assert why is None or row["consequence"] == why


class Page(HTMLParser):
    """The cells of the matrix, the ids, the links, and what would be loaded from elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.cells, self.ids, self.links, self.loaded, self.open, self.words = [], set(), [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids |= {given["id"]} if "id" in given else set()
        self.links += [given["href"]] if tag == "a" else []
        self.loaded += [given[name] for name in ("src", "srcset", "data", "poster") if name in given]
        self.loaded += [tag] if tag in ("link", "iframe", "object", "img") else []
        if tag == "td" and "data-pairs" in given:
            self.cells.append(given)

    def handle_data(self, data):
        self.words.append(data)


class TestPage:
    def test_every_cell_has_its_kind_and_its_reason(self, matrix):
        page = Page(matrix.to_html())
        codes = matrix.class_outcomes.tolist()
        assert len(page.cells) == len(codes) ** 2
        names = {number: matrix.names[list(matrix.class_of).index(number)] for number in range(len(codes))}
        for i, cell in enumerate(page.cells):
            row, column = divmod(i, len(codes))
            ok, outcome, guest, _ = facts(matrix, names[row], names[column])
            assert cell["class"] == ("ok" if ok else outcome)
            assert ok == (codes[row][column] == 0)
            assert cell["title"].startswith("not found out" if outcome == "unknown" else f"{outcome}: the guest runs")
            assert guest in cell["title"] or outcome == "unknown"
            assert ok or len(cell["title"]) > len(f"{outcome}: the guest runs at the destination; ")
        assert {link.removeprefix("#") for link in page.links} <= page.ids
        heads = re.findall(r"<small>(.*?)</small>", matrix.to_html())
        assert len(heads) == len(codes)
        assert all(head.startswith(escape(escaped(names[number]))) for number, head in enumerate(heads))
        assert sum(int(cell["data-pairs"]) for cell in page.cells) == len(matrix.names) ** 2

    def test_it_needs_no_other_file_and_escapes_what_others_wrote(self, matrix):
        text = matrix.to_html()
        assert Page(text).loaded == []
        assert not re.search(r"url\(|@import|https?:", text)
        assert "<b>&amp;" not in text
        assert "&lt;b&gt;&amp;amp;\\x1b[31m" in text
        assert all(line.isprintable() for line in text.split("\n"))

    def test_colours_are_told_apart_without_seeing_colours(self, matrix):
        """Each kind has a letter of its own."""
        from pymig.fleet.page import SYMBOLS

        assert {"ok", *(outcome for outcome, _ in matrix.kinds)} == set(SYMBOLS)
        assert len(set(SYMBOLS.values())) == len(SYMBOLS)


@pytest.fixture(scope="module")
def file(matrix, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "fleet.html"
    file.write_text(matrix.to_html(), encoding="utf-8")
    return file


CHROMIUMS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("PYMIG_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)


@pytest.mark.skipif(CHROMIUM is None, reason="optional: make test-fleet installs Chromium")
class TestInChromium:
    def opened(self, file, *options, fragment=""):
        """The page as it is after its script, and the lines of its console."""
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom", *options]
        profile = f"--user-data-dir={file.parent / 'profile'}"
        address = f"{file.as_uri()}#{fragment}"
        done = subprocess.run(
            [CHROMIUM, *words, profile, address], capture_output=True, text=True, timeout=120, check=True
        )
        return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]

    def rows(self, text):
        """Whether each row of the matrix is shown."""
        return [
            "hidden" not in tag for tag in re.findall(r'<tr([^>]*)><th scope="row"', text[text.index('id="matrix"') :])
        ]

    def test_the_console_would_show_an_error(self, tmp_path):
        file = tmp_path / "wrong.html"
        file.write_text("<script>nonsense()</script>")
        assert self.opened(file)[1]

    def test_without_a_filter_everything_is_shown(self, file, matrix):
        text, console = self.opened(file)
        assert console == []
        assert '<form id="filters">' in text
        assert all(self.rows(text))
        assert f">{len(matrix.names) ** 2} pairs of ends</output>" in text
        assert not re.search(r'<td class="\w+ faded"', text)

    def test_filters(self, file, matrix):
        wanted = {"source": "HOST3", "destination": "host4", "only": "fails"}
        text, console = self.opened(file, fragment=urlencode(wanted))
        assert console == []
        classes = list(matrix.class_of)
        rows = {number for name, number in zip(matrix.names, classes, strict=True) if "host3" in name}
        columns = {number for name, number in zip(matrix.names, classes, strict=True) if "host4" in name}
        assert self.rows(text) == [number in rows for number in range(max(classes) + 1)]
        [style] = re.findall(r"<style>(#matrix tr[^<]*)</style>", text)
        assert {int(n) - 2 for n in re.findall(r"nth-child\((\d+)\)", style)} == set(classes) - columns
        fails = [matrix.kinds[matrix.class_outcomes[row, column]][0] == "fails" for row in rows for column in columns]
        sizes = [classes.count(row) * classes.count(column) for row in rows for column in columns]
        count = sum(size for size, one in zip(sizes, fails, strict=True) if one)
        assert count > 0
        assert f">{count} pairs of ends</output>" in text
        cells = re.findall(r'<td class="(\w+)( faded)?" data-pairs', text)
        assert all((kind == "fails") == (not faded) for kind, faded in cells)

    def test_without_scripting(self, file):
        page, cells = file.read_text(encoding="utf-8"), Page(file.read_text(encoding="utf-8")).cells
        barred = file.with_name("barred.html")
        barred.write_text(page.replace("script-src 'unsafe-inline'", "script-src 'none'"), encoding="utf-8")
        text, console = self.opened(barred, fragment="source=host0")
        assert all("Content Security Policy" in line for line in console)
        assert len(console) == 1
        assert re.search(r'<form id="filters" hidden', text)
        assert all(self.rows(text))
        assert [cell["title"] for cell in Page(text).cells] == [cell["title"] for cell in cells]
