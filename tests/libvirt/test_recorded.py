# SPDX-License-Identifier: GPL-2.0-or-later

"""Real libvirts: what pymig predicts of their refusals, and of what they send to each end, in their order."""

import pytest

from pymig.libvirt import LibvirtRefusal, known_faults

from .recorded import (
    ENTRIES,
    FAULTY,
    after_opening,
    libvirts_own,
    opened_by,
    pair_of,
    predicted,
    settings,
    tidy,
)

NAMES = [f"{i}-{entry['case']}-{entry['side']}" for i, entry in enumerate(ENTRIES)]
RIGHT = [(entry, name) for entry, name in zip(ENTRIES, NAMES, strict=True) if entry["case"] not in FAULTY]
SENT = [(entry, name) for entry, name in RIGHT if entry["side"] is not None]
MIGRATED = [(entry, name) for entry, name in SENT if entry["exit"] == 0 and entry["virsh"][1] == "migrate"]


def each(pairs):
    return pytest.mark.parametrize("entry", [entry for entry, _ in pairs], ids=[name for _, name in pairs])


@each(RIGHT)
def test_refusal(entry):
    answer = predicted(entry)
    assert (answer.shown if isinstance(answer, LibvirtRefusal) else None) == libvirts_own(entry)


@each(SENT)
def test_what_each_end_is_sent(entry):
    """All of it, if the command succeeded; else what was sent before QEMU, or libvirt at the other end, refused."""
    end = getattr(predicted(entry), entry["side"])
    capabilities, parameters = settings(entry["commands"])
    if capabilities or not entry["exit"]:
        assert list(end.capabilities.items()) == capabilities
    if parameters or not entry["exit"]:
        assert dict(end.parameters) == parameters


@each([(entry, name) for entry, name in MIGRATED if "meanwhile" not in entry])
def test_commands(entry):
    end = getattr(predicted(entry), entry["side"])
    assert [tidy(*command) for command in end.commands] == opened_by(entry["commands"])


@each([(entry, name) for entry, name in MIGRATED if entry["side"] == "destination"])
def test_reset(entry):
    switches, parameters = predicted(entry).destination.reset[:2]
    found = settings([list(command) for command in after_opening(entry["commands"])])
    assert [(one["capability"], one["state"]) for one in switches.arguments["capabilities"]] == found[0]
    assert parameters.arguments == found[1]


def test_what_was_recorded():
    """The counts that the other tests rest on; of the ends, only a fault of libvirt's is left out."""
    assert (len(ENTRIES), len(RIGHT), len(SENT), len(MIGRATED)) == (434, 430, 405, 268)
    assert sum(libvirts_own(entry) is not None for entry, _ in RIGHT) == 83


@each([(entry, name) for entry, name in zip(ENTRIES, NAMES, strict=True) if entry["case"] in FAULTY])
def test_faults(entry):
    """A fault of libvirt's is known for what is not predicted."""
    (libvirt, qemu), _ = pair_of(entry)
    faults = known_faults(entry["virsh"], libvirt=libvirt, source=qemu, destination=qemu)
    assert faults[0].rule.startswith("libvirt/tunnelled-tls")
    assert faults[0].message in entry["error"][-1]
