# SPDX-License-Identifier: GPL-2.0-or-later

"""The preflight predicts what recorded migrations between real QEMUs did."""

import re
from collections import Counter
from pathlib import Path

import pytest

from pymig._core import ffi, lib
from pymig.ends.finding import OUTCOMES
from pymig.release import rows, text
from tests.migration import agreement_page, recorded

CORE = [row for row in recorded.rows() if row["scope"] == "core"]


@pytest.fixture(scope="module")
def predictions():
    return [(row, recorded.predicted(row)) for row in CORE]


def test_outcomes(predictions):
    assert [row["id"] for row, flight in predictions if flight.outcome not in row["outcomes"]] == []
    assert len(predictions) > 500


def test_guests(predictions):
    assert [row["id"] for row, flight in predictions if flight.guest not in row["guests"]] == []


def test_refusals(predictions):
    refused = [(row, flight) for row, flight in predictions if row["refusal"]]
    assert len(refused) > 50
    for row, flight in refused:
        last = flight.steps[-1]
        assert {"end": last.end, "command": last.command, "text": recorded.plain(last.answer)} == {
            **row["refusal"],
            "text": recorded.plain(row["refusal"]["text"]),
        }, row["id"]


def test_promises(predictions):
    """No unreserved promise that did not hold, whatever the scope of the rest."""
    for row, flight in predictions:
        if flight.outcome == "completes" and flight.guests == ("destination",):
            assert set(row["guests"]) <= {"destination"}, row["id"]
        if flight.outcome == "refused":
            assert row["refusal"], row["id"]
        if flight.guests == ("source",):
            assert row["guests"] != ["nowhere"], row["id"]


ROWS = list(rows(lib.migration_agreement))
PAGE = Path(__file__).parents[2] / "docs" / "agreement.md"

UNRECORDED = {
    "CMD_POSTCOPY_RUN in wrong postcopy state (2)",
    "Capability mapped-ram is on, but received capability is off",
    "Error reading ramblock pc.ram pages, region has bad alignment",
    "Expected TLS credentials for a server endpoint",
    "Postcopy needs matching RAM page sizes (s=<source page sizes> d=<destination page sizes>)",
    "Postcopy preempt is not supported as current migration stream does not support multi-channels.",
    "RAM postcopy is enabled but have 0 byte advise",
    "load of migration failed: Invalid argument: RAM postcopy is enabled but have 0 byte advise",
    "RP: Received invalid message 0x0007 length 0x0000",
    "Received unknown capability mapped-ram",
    "TLS handshake failed: An unexpected TLS packet was received.",
    "Unknown savevm section or instance 'block' 0. Make sure that your current VM setup matches your saved VM setup, "
    "including any hotplugged devices",
}
"""Texts that no recording here shows. They were read in QEMU's source, or seen in migrations that are not kept here."""


def words_of_the_table():
    releases = range(lib.QEMU_RELEASE__MAX)
    words = {lib.migration_agreement_words(i, release) for i in range(len(ROWS)) for release in releases}
    return {text(one) for one in words if one != ffi.NULL}


def is_said(words, said):
    """Whether the recorded text has these words, whatever stands in the place of a name."""
    return re.search(re.sub(r"<[^>]*>", ".+?", re.escape(words)), said) is not None


def test_every_text_is_recorded():
    said = "\n".join(row["words"] for row in recorded.rows())
    assert {words for words in words_of_the_table() if not is_said(words, said)} == UNRECORDED


def test_the_table():
    ids = Counter(text(row.id) for row in ROWS)
    assert len(ROWS) <= lib.MIGRATION_MOST_ROWS
    for row in ROWS:
        assert text(row.consequence)
        assert text(row.remedy)
        assert row.guests >> row.guest & 1, text(row.id)
        assert OUTCOMES[row.outcome] != "refused"
    assert max(ids.values()) > 1  # variants of one disagreement
    assert lib.migration_agreement_words(len(ROWS), 0) == lib.migration_agreement_words(-1, 0) == ffi.NULL


@pytest.mark.skipif(not PAGE.exists(), reason="needs docs/, which only the source tree has")
@pytest.mark.parametrize("table", [agreement_page.who_needs_what, agreement_page.disagreements])
def test_the_page_says_what_the_table_says(table):
    assert table() in PAGE.read_text()
