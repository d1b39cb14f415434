# SPDX-License-Identifier: GPL-2.0-or-later

"""The texts that no recording shows, because no binary that was recorded could be made to say them.

They are known from QEMU's source alone, so they are pinned here. docs/releases.md lists them.
"""

from functools import cache
from pathlib import Path

import pytest

from pymig import Checker, Host, QemuBuild
from tests.vectors import recorded

PAGE = Path(__file__).parents[2] / "docs" / "releases.md"

UNRECORDED = [
    ("block/not-built", "Use drive_mirror+NBD instead."),
    ("block/not-built", "Use blockdev-mirror with NBD instead."),
    ("x-colo/not-built", "Please enable replication before COLO."),
    ("zero-copy-send/linux", "Zero copy currently only available on Linux"),
    ("rdma/xbzrle", "RDMA and XBZRLE can't be used together"),
    ("rdma/multifd", "RDMA and multifd can't be used together"),
    ("rdma/postcopy-ram", "RDMA and postcopy-ram can't be used together"),
]
"""Each rule with a text that is not recorded: its message, or its hint."""


def strings(value):
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        value = [*value.values()]
    return set().union(*map(strings, value)) if isinstance(value, list) else set()


@cache
def recorded_strings():
    return set().union(*(strings(recorded.load(name)) for name in recorded.names()))


def is_recorded(text):
    """Whether a binary said it, by itself or followed by the host's reason."""
    return any(said == text or said.startswith(f"{text}: ") for said in recorded_strings())


def texts():
    """Each rule with its message and with its hint, in every release."""
    for release in QemuBuild.releases():
        for verdict in Checker(release, Host()).verdicts.values():
            yield from ((verdict.rule, text) for text in (verdict.message, verdict.hint) if text)


def test_all_other_texts_are_recorded():
    assert {(rule, text) for rule, text in texts() if not is_recorded(text)} == set(UNRECORDED)


@pytest.mark.skipif(not PAGE.exists(), reason="needs docs/, which only the source tree has")
def test_the_page_lists_them():
    page = PAGE.read_text()
    assert [(rule, text) for rule, text in UNRECORDED if f"| {rule} | {text} |" not in page] == []


@pytest.mark.parametrize("release", QemuBuild.releases())
def test_rdma(release):
    found = Checker(release, Host(), rdma=True).explain(["xbzrle", "multifd", "postcopy-ram"])
    said = [verdict.message for verdict in found if verdict.rule.startswith("rdma/")]
    first = QemuBuild.releases().index("10.1")
    is_checked = QemuBuild.releases().index(release) >= first
    assert said == [text for rule, text in UNRECORDED if rule.startswith("rdma/") and is_checked]
    assert said == [verdict.message for verdict in found][len(found) - len(said) :]  # after all other rules


@pytest.mark.parametrize("release", QemuBuild.releases())
def test_not_on_linux(release):
    verdict = Checker(QemuBuild(release, linux=False), Host()).check(["zero-copy-send", "multifd"])
    assert (verdict.rule, verdict.message) == UNRECORDED[3]
