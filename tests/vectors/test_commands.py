# SPDX-License-Identifier: GPL-2.0-or-later

"""pymig answers migrate and migrate-incoming as recorded QEMUs did, as far as QEMU decides before it opens anything."""

import pytest

from tests.vectors import commands, recorded

NAMES = sorted(path.name.removesuffix(".json.gz") for path in commands.DATA.glob("*.json.gz"))


def differences(version, answers):
    for case, text in answers:
        told = commands.told(version, case)
        if told != ("" if commands.is_beyond(text) else text):
            yield case, text, told


@pytest.mark.parametrize("version", NAMES)
def test_pymig_answers_as_the_binary_did(version):
    recording = recorded.read(commands.DATA / f"{version}.json.gz")
    assert len(recording["answers"]) > 400
    assert list(differences(recorded.version_of(recording), recording["answers"])) == []
