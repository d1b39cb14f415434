# SPDX-License-Identifier: GPL-2.0-or-later

"""This machine's QEMU answers a sample of the recorded migrate and migrate-incoming commands as pymig does."""

import pytest

from tests.vectors import commands

pytestmark = pytest.mark.live

CASES = list(commands.cases())[::20]


def test_commands(binary, build, tmp_path):
    answers = [(case, commands.ask(binary, case, tmp_path)) for case in CASES]
    answers = [(case, text) for case, text in answers if text is not False]  # the release takes the case's settings
    told = [commands.told(build, case) for case, _ in answers]
    assert told == ["" if commands.is_beyond(text) else text for _, text in answers]
    assert len(answers) > 20
