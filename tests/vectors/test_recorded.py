# SPDX-License-Identifier: GPL-2.0-or-later

"""Every recorded answer of a real QEMU is reproduced, word for word."""

from itertools import islice

import pytest

from pymig import IgnoredParameterWarning, MigrationState, QemuBuild
from tests.vectors import recorded, replay

PARTS = [(name, part) for name in recorded.names() for part in replay.parts(recorded.load(name))]
LABELS = [name for name in recorded.names() if name == recorded.load(name)["label"]]

NOT_BUILT_IN = {
    "debian-7.2.22-microvm": ("live_block_migration", "replication", "zstd"),
    "debian-10.0.13-microvm": ("replication", "zstd"),
    "debian-11.1.3-microvm": ("replication", "zstd"),
    "qemu-8.0.0": ("live_block_migration",),
    "qemu-8.0.50-2682c4eea7-minimal": ("live_block_migration", "replication"),
    "qemu-8.1.0": ("live_block_migration",),
    "qemu-8.2.0": ("live_block_migration",),
    "qemu-9.0.0": ("live_block_migration",),
}


@pytest.mark.parametrize("name, part", PARTS, ids=[f"{name}:{part}" for name, part in PARTS])
def test_pymig_answers_as_the_binary_did(name, part):
    recording = recorded.load(name)
    found = replay.parts(recording)[part](recording, recorded.build_of(recording))
    assert list(islice(found, 5)) == []


@pytest.mark.parametrize("label", LABELS)
def test_what_a_binary_was_built_with(label):
    recording = recorded.load(label)
    choices = dict.fromkeys(NOT_BUILT_IN.get(label, ()), False)
    assert recorded.build_of(recording) == QemuBuild(recorded.version_of(recording), **choices)


def test_the_warning_about_a_parameter_that_is_ignored():
    state = MigrationState(host=recorded.CAPABLE)
    with pytest.warns(IgnoredParameterWarning, match="8.0.50 accepts multifd-zlib-level and ignores it"):
        state.set_parameters({"multifd-zlib-level": 9})
    assert state.multifd_zlib_level == 1
