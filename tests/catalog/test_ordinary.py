# SPDX-License-Identifier: GPL-2.0-or-later

"""Ordinary lines of logs are claimed by nothing: 500 that were made for this test, of many programs."""

from pathlib import Path

from pymig import explain

LINES = (Path(__file__).parent / "ordinary.log").read_text().splitlines()


def test_there_are_500():
    assert len(LINES) == len(set(LINES)) == 500


def test_nothing_is_claimed():
    assert [(line, explain(line)[0].title) for line in LINES if explain(line)] == []


def test_not_even_together():
    assert explain("\n".join(LINES)) == []


def test_a_text_is_found_among_them():
    text = 'qemu-kvm: Unknown ramblock "ma", cannot accept migration'
    found = explain("\n".join([*LINES[:250], text, *LINES[250:]]))
    assert [one.see[0] for one in found] == ["ram/block-missing"]
