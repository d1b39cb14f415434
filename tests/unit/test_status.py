# SPDX-License-Identifier: GPL-2.0-or-later

"""What explain_status says of each situation. The guest's place was seen in real migrations between real QEMUs."""

import pickle
from types import MappingProxyType

import pytest

from pymig import MonitorError, StatusExplanation, explain_status
from pymig.ends.status import SITUATIONS, STATUSES

SILENT = MonitorError("the monitor did not answer")

# Each: the source's status and run state, the destination's (or None: not asked), where the guest was, the situation.
# "" is an answer without a status; "silent" is a monitor that does not answer.
SEEN = [
    (("active", "finish-migrate"), ("", "inmigrate"), "nowhere", "one-way"),
    (("active", "running"), ("", "inmigrate"), "source", "destination-waits"),
    (("active", "running"), ("active", "inmigrate"), "source", "active"),
    (("active", "running"), ("setup", "inmigrate"), "source", "destination-waits"),
    (("cancelled", "running"), "silent", "source", "cancelled"),
    (("colo", "finish-migrate"), ("completed", "running"), "destination", "colo"),
    (("colo", "running"), ("colo", "running"), "both", "colo"),
    (("completed", "postmigrate"), "silent", "nowhere", "completed-silent"),
    (("completed", "postmigrate"), ("", "inmigrate"), "nowhere", "completed-waits"),
    (("completed", "postmigrate"), ("completed", "paused"), "nowhere", "completed-paused"),
    (("completed", "postmigrate"), ("completed", "running"), "destination", "completed"),
    (("completed", "postmigrate"), ("failed", "inmigrate"), "nowhere", "completed-failed"),
    (("completed", "running"), ("completed", "running"), "both", "both"),
    (("device", "finish-migrate"), ("", "inmigrate"), "nowhere", "one-way"),
    (("failed", "running"), None, "source", "failed"),
    (("failed", "running"), "silent", "source", "failed"),
    (("failed", "running"), ("", "inmigrate"), "source", "failed"),
    (("failed", "running"), ("active", "inmigrate"), "source", "failed"),
    (("failed", "running"), ("colo", "running"), "both", "both"),
    (("failed", "running"), ("failed", "inmigrate"), "source", "failed"),
    (("failed", "running"), ("setup", "inmigrate"), "source", "failed"),
    (("postcopy-active", "finish-migrate"), ("active", "inmigrate"), "nowhere", "postcopy-preempt"),
    (("postcopy-active", "finish-migrate"), ("postcopy-active", "running"), "destination", "postcopy-active"),
    (("postcopy-device", "finish-migrate"), ("active", "inmigrate"), "nowhere", "postcopy-preempt"),
    (("postcopy-paused", "finish-migrate"), "silent", "nowhere", "postcopy-destination-silent"),
    (("setup", "running"), "silent", "source", "destination-silent"),
    ("silent", "silent", "nowhere", "source-silent"),
]

# The situations that were not recorded at the moment when they lasted: the answers, and all possible places.
OTHERS = [
    (("", "running"), None, ("source",), "none"),
    (("", ""), None, ("source", "nowhere"), "none"),
    (("", "inmigrate"), None, ("nowhere", "destination"), "not-a-source"),
    (("setup", ""), None, ("source", "nowhere"), "setup"),
    (("setup", "running"), ("active", "inmigrate"), ("source",), "setup"),
    (("wait-unplug", "running"), None, ("source",), "wait-unplug"),
    (("active", ""), None, ("source", "nowhere"), "active"),
    (("active", "paused"), ("active", "inmigrate"), ("nowhere",), "active"),
    (("active", ""), "silent", ("source", "nowhere"), "destination-silent"),
    (("device", ""), None, ("nowhere", "source"), "device"),
    (("device", "finish-migrate"), ("active", "inmigrate"), ("nowhere",), "device"),
    (("pre-switchover", "finish-migrate"), ("active", "inmigrate"), ("nowhere",), "pre-switchover"),
    (("pre-switchover", ""), None, ("nowhere",), "pre-switchover"),
    (("cancelling", "running"), ("setup", "inmigrate"), ("source",), "cancelling"),
    (("cancelling", "running"), "silent", ("source",), "cancelling"),
    (("cancelling", "finish-migrate"), None, ("nowhere",), "one-way"),
    (("cancelling", "finish-migrate"), ("active", "inmigrate"), ("nowhere",), "cancelling-stopped"),
    (("failing", "running"), ("failed", "inmigrate"), ("source",), "failing"),
    (("failed", ""), ("colo", ""), ("both", "source"), "failed-colo"),
    (("completed", "running"), None, ("source", "both"), "completed-snapshot"),
    (("completed", "postmigrate"), ("active", "inmigrate"), ("nowhere",), "completed-loads"),
    (("completed", ""), None, ("destination", "nowhere"), "completed-unseen"),
    (("completed", "postmigrate"), ("of-the-future", "running"), ("destination",), "completed-unseen"),
    (("postcopy-active", "finish-migrate"), ("setup", "inmigrate"), ("nowhere",), "postcopy-never-reached"),
    (("postcopy-active", "finish-migrate"), ("failed", "inmigrate"), ("nowhere",), "postcopy-failed"),
    (("postcopy-active", "finish-migrate"), "silent", ("nowhere", "destination"), "postcopy-destination-silent"),
    (("postcopy-device", "finish-migrate"), None, ("nowhere", "destination"), "postcopy-device"),
    (("postcopy-active", ""), None, ("destination", "nowhere"), "postcopy-active"),
    (("postcopy-paused", "finish-migrate"), ("postcopy-paused", "running"), ("destination",), "postcopy-paused"),
    (("postcopy-recover", "finish-migrate"), ("postcopy-recover", "running"), ("destination",), "postcopy-recover"),
    (("postcopy-recover-setup", ""), None, ("destination", "nowhere"), "postcopy-recover"),
    ("silent", ("completed", "running"), ("destination", "both"), "source-gone"),
    ("silent", ("postcopy-active", "running"), ("destination",), "source-lost"),
    ("silent", ("setup", "inmigrate"), ("source", "nowhere"), "source-silent"),
    (("of-the-future", ""), None, ("source", "destination", "nowhere", "both"), "unknown"),
]


def answer_of(end):
    if end is None or end == "silent":
        return end and SILENT
    return {key: value for key, value in zip(("status", "run-state"), end, strict=True) if value}


def without_run_state(answer):
    return {key: answer[key] for key in answer if key != "run-state"} if isinstance(answer, dict) else answer


@pytest.mark.parametrize("source, destination, guest, situation", SEEN)
def test_where_the_guest_was_seen(source, destination, guest, situation):
    answers = answer_of(source), answer_of(destination)
    explained = explain_status(*answers)
    assert explained.situation == situation
    assert guest in explained.guests
    known = not {source, destination} & {None, "silent"}
    assert not known or explained.guests == (guest,)
    assert guest in explain_status(*map(without_run_state, answers)).guests


@pytest.mark.parametrize("source, destination, guests, situation", OTHERS)
def test_other_situations(source, destination, guests, situation):
    explained = explain_status(answer_of(source), answer_of(destination))
    assert (explained.situation, set(explained.guests)) == (situation, set(guests))
    assert explained.guest == explained.guests[0]


def test_each_row_is_reached():
    assert {row[0] for row in SITUATIONS} == {case[3] for case in SEEN + OTHERS}
    assert len({row[0] for row in SITUATIONS}) == len(SITUATIONS)


def test_each_status_has_its_own_row():
    assert "unknown" not in {explain_status({"status": status}).situation for status in STATUSES}


@pytest.mark.parametrize("row", SITUATIONS, ids=lambda row: row[0])
def test_texts_are_sentences(row):
    meaning, way_out, never = row[6:]
    assert meaning.endswith(".")
    assert way_out.endswith(".")
    assert not never or (never.startswith("Never ") and never.endswith("."))


NEVER = {
    "completed": "cont",
    "completed-unseen": "cont",
    "completed-silent": "cont",
    "destination-waits": "migrate-start-postcopy",
    "active": "migrate-start-postcopy",
    "postcopy-paused": "migrate_cancel",
    "postcopy-preempt": "migrate-pause",
}
WAY_OUT = {
    "destination-waits": ["migrate_cancel to the source", 'yank with {"instances": [{"type": "migration"}]}'],
    "destination-silent": ["End the process of the destination", "exec-oob", "yank"],
    "one-way": ["migrate_cancel", "end the command that the source runs", "yank has no effect"],
    "pre-switchover": ['migrate-continue with {"state": "pre-switchover"}', "migrate_cancel"],
    "completed-failed": ["cont to the source"],
    "postcopy-preempt": ["no way out"],
    "postcopy-paused": ["migrate-recover", "resume: true"],
}


@pytest.mark.parametrize("situation", {**NEVER, **WAY_OUT})
def test_ways_out_and_what_must_not_be_sent(situation):
    row = next(row for row in SITUATIONS if row[0] == situation)
    assert NEVER.get(situation, "") in row[8]
    assert all(part in row[7] for part in WAY_OUT.get(situation, ()))


def test_what_the_ends_say_is_shown():
    source = {"status": "failed", "error-desc": "Broken pipe", "blocked-reasons": ["first", "second"]}
    explained = explain_status(source, {"status": "failed", "error-desc": "load failed"})
    assert "The source says: Broken pipe." in explained.meaning
    assert "The source can't migrate: first; second." in explained.meaning
    assert "The destination says: load failed." in explained.meaning
    assert "The destination gives no answer: the monitor did not answer." in explain_status(source, SILENT).meaning


def test_answers_of_any_mapping_type():
    assert explain_status(MappingProxyType({"status": "active", "ram": {}})) == explain_status({"status": "active"})


@pytest.mark.parametrize(
    "answers, text",
    [
        ((None,), "source_answer must be a mapping, as query-migrate returns it, or a MonitorError, not NoneType"),
        (("active",), "source_answer must be a mapping"),
        (({}, "active"), "destination_answer must be a mapping"),
        (({}, OSError()), "destination_answer must be a mapping"),
        (({"status": 1},), "source_answer['status'] must be a string, not int"),
        (({}, {"run-state": None}), "destination_answer['run-state'] must be a string, not NoneType"),
    ],
)
def test_wrong_answers(answers, text):
    with pytest.raises(TypeError) as caught:
        explain_status(*answers)
    assert str(caught.value).startswith(text)


def test_an_explanation_is_a_value():
    explained = explain_status({"status": "active"})
    again = pickle.loads(pickle.dumps(explained))
    assert again == explained
    assert hash(again) == hash(explained)
    assert isinstance(explained, StatusExplanation)
    assert explained.to_dict()["guests"] == ["source", "nowhere"]
    assert explained.to_dict().keys() == set(StatusExplanation.__slots__)
    with pytest.raises(AttributeError):
        explained.guest = "both"
