# SPDX-License-Identifier: GPL-2.0-or-later

"""Every text of every recording is found, by itself and in a line of a log, and leads to its own rule or parameter."""

import json
import re
from pathlib import Path

import pytest

from pymig import explain
from pymig.capability import NAMES
from pymig.catalog.messages import rules
from pymig.qemu.parameters import PARAMETERS
from tests.migration import recorded as migrations
from tests.vectors import recorded
from tests.vectors.commands import DATA as COMMANDS

WRAPPED = {
    "virsh": "error: internal error: unable to execute QEMU command 'migrate-set-capabilities': {}",
    "libvirtd": "2026-05-12 10:00:01.123+0000: 4242: error : qemuMonitorJSONCheckErrorFull:399 : internal error: "
    "unable to "
    "execute QEMU command 'migrate-set-capabilities': {}",
    "nova": "2026-05-12 10:00:01.123 7 ERROR nova.virt.libvirt.driver [None req-4f1c - - - -] [instance: 6c2e] Live "
    "Migration failure: internal error: unable to execute QEMU command 'migrate-set-capabilities': {}: "
    "libvirt.libvirtError: internal error",
    "ganeti": "Failed to accept instance: kvm: error executing the migrate-set-capabilities command: {} (GenericError)",
}


def in_json(text):
    """The text in kubevirt's log, where quotes are escaped."""
    line = json.dumps(
        {"level": "error", "msg": "Live migration failed", "reason": f"virError(Code=1, Message='{text}')"}
    )
    return line.replace("'", "\\u0027")


def texts_of(name):
    recording = recorded.load(name)
    if "parameter_cases" in recording:
        yield from recording["messages"]
        for cases in ("parameter_cases", "name_cases"):
            yield from (text for _, text in recording[cases])
    for session in recording["sessions"] if isinstance(recording.get("sessions"), list) else ():
        yield from (answer for command, _, answer in session["steps"] if command.startswith("set-"))


def commands():
    for path in sorted(COMMANDS.glob("*.json.gz")):
        yield from (answer for _, answer in recorded.read(path)["answers"])


ANSWERS = sorted({text for name in recorded.names() for text in texts_of(name) if text})
REFUSED_COMMANDS = sorted({text for text in commands() if text})
RULE_OF = {row.message: name for name, by_release in rules().items() for row in by_release.values()}


def test_the_recordings_are_there():
    assert len(ANSWERS) > 200
    assert len(REFUSED_COMMANDS) > 100


def own(text):
    """What the text must lead to: its rule, or the parameter or capability that it names; None if it names none."""
    rule = next((name for message, name in RULE_OF.items() if text == message or text.startswith(f"{message}: ")), None)
    if rule is not None:
        return rule
    named = re.search(r"(?:Parameter '|Option |for '|for |max_Option )([\w-]+)", text)
    name = named[1].replace("_", "-") if named else ""
    return {"cpu-throttle": "max-cpu-throttle"}.get(name, name if name in PARAMETERS else None)


def leads_to(found):
    return {name for one in found for name in one.see}


@pytest.mark.parametrize("wrapping", ["alone", "json", *WRAPPED])
def test_answers(wrapping):
    for text in ANSWERS:
        line = {"alone": text, "json": in_json(text)}.get(wrapping) or WRAPPED[wrapping].format(text)
        found = explain(line)
        assert found, line
        name = own(text)
        assert name is None or name in leads_to(found), line
        assert name is None or name in found[0].see, line


def test_unknown_capabilities():
    named = (re.fullmatch(r"Parameter '(?:\S*\.)?capability' does not accept value '(.*)'", text) for text in ANSWERS)
    names = [match[1] for match in named if match]
    assert len(names) > 10
    for name in names:
        found = explain(f"Parameter 'capability' does not accept value '{name}'")
        assert name.lower() in found[0].title
        assert name not in NAMES or found[0].see == (name,)


@pytest.mark.parametrize("wrapping", ["alone", *WRAPPED])
def test_refused_commands(wrapping):
    for text in REFUSED_COMMANDS:
        line = text if wrapping == "alone" else WRAPPED[wrapping].format(text)
        found = explain(line)
        assert found, line
        assert {one.kind for one in found} <= {
            "command",
            "rule",
            "value",
            "other matter",
            "migration",
            "stream",
            "libvirt",
        }


ENDED = [row for row in migrations.rows() if row["scope"] == "core"]

HARMLESS = (
    re.compile(r"Receiving block device images|Completed 100 %"),
    re.compile(r"warning: Machine type '\S+' is deprecated"),
    re.compile(r"Assertion `"),  # QEMU has died: no text of migration
)


def test_words_of_migrations():
    words = {line.strip() for row in migrations.rows() for line in row["words"].splitlines()} - {""}
    assert len(words) > 100
    assert [word for word in words if not explain(word) and not any(one.search(word) for one in HARMLESS)] == []


def test_findings_lead_to_their_rows():
    """What the preflight predicts an end to say leads to the row that predicted it."""
    checked = 0
    for row in ENDED:
        for finding in migrations.predicted(row).findings:
            if finding.message and finding.severity == "error" and not finding.rule.endswith("/refused"):
                assert finding.rule in leads_to(explain(f"qemu-system-x86_64: {finding.message}")), finding
                checked += 1
    assert checked > 100


def test_hosts_lead_to_the_host():
    texts = [text for text in ANSWERS if text.startswith("Postcopy is not supported: ")]
    assert len(texts) > 1
    for text in texts:
        assert explain(text)[0].kind == "host"


def test_lines_of_virsh():
    """What virsh of libvirt 9.0.0, 11.3.0 and 12.8.0 printed when a migration, a save or a restore was refused or "
    "failed."""
    lines = (Path(__file__).parent / "virsh.txt").read_text().splitlines()
    assert len(lines) > 50
    assert [line for line in lines if not explain(line)] == []
