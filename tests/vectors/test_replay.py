# SPDX-License-Identifier: GPL-2.0-or-later

"""A recording that was changed in one place differs in that place alone."""

import copy

import pytest

from pymig import QemuBuild
from tests.vectors import recorded, replay

NO_BLOCK = "QEMU compiled without old-style (blk/-b, inc/-i) block migration"
COMPRESS_WARNING = "old compression method is deprecated; use multifd compression methods instead"


@pytest.fixture
def recording():
    """A short one that has every part and that pymig reproduces."""
    whole, sessions = recorded.load("qemu-9.0.0"), recorded.load("qemu-9.0.0.sessions")["sessions"]
    contexts = {name: dict(whole["contexts"][name]) for name in ("outgoing", "incoming-no-userfaultfd")}
    for context in contexts.values():
        context["cases"] = context["cases"][:30]
    short = {"contexts": contexts, "sessions": sessions[:2], "parameter_warnings": {"max-bandwidth": []}}
    return copy.deepcopy(whole | short)


def setting(*path):
    """A change of what stands at this path, the last of it being the value."""

    def change(recording):
        *keys, last, value = path
        for key in keys:
            recording = recording[key]
        recording[last] = value

    return change


CHANGES = {
    "a new capability": (
        lambda recording: recording["capabilities"].append({"name": "x-new", "features": ["unstable"]}),
        [("capability x-new", "", "present unstable", "absent")],
    ),
    "a capability that is gone": (
        lambda recording: recording["capabilities"].pop(),
        [("capability mapped-ram", "", "absent", "present")],
    ),
    "a feature": (
        setting("capabilities", 0, "features", ["deprecated"]),
        [("capability xbzrle", "", "present deprecated", "present")],
    ),
    "another order": (
        lambda recording: recording["capabilities"].insert(0, recording["capabilities"].pop(1)),
        "order of capabilities",
    ),
    "what is listed": (setting("listed", 0, "x-new"), "listed capability xbzrle"),
    "a default": (setting("parameters", "multifd-channels", 3), [("default of multifd-channels", "", 3, 2)]),
    "a new parameter": (setting("parameters", "x-new", 0), [("default of x-new", "", 0, "absent")]),
    "a text": (
        setting("messages", 1, "No block"),
        [
            ("set of capabilities", f"{context}: block (before: release-ram)", "No block", NO_BLOCK)
            for context in ("outgoing", "incoming-no-userfaultfd")
        ],
    ),
    "a set that is refused": (
        setting("contexts", "outgoing", "cases", 2, 1, 1),
        [("set of capabilities", "outgoing: rdma-pin-all (before: xbzrle)", NO_BLOCK, "")],
    ),
    "a set that is accepted": (
        setting("contexts", "outgoing", "cases", 10, 1, 0),
        [("set of capabilities", "outgoing: block (before: release-ram)", "", NO_BLOCK)],
    ),
    "a warning": (
        setting("contexts", "outgoing", "log", ["warning: no"]),
        [("warnings about capabilities", "outgoing", ["no"], [COMPRESS_WARNING])],
    ),
    "a request to set parameters": (
        setting("parameter_cases", 0, 1, "No"),
        [("parameters", "{'compress-level': 0}", "No", "")],
    ),
    "a warning about a parameter": (
        setting("parameter_warnings", "max-bandwidth", ["warning: no", "else"]),
        [("warnings about max-bandwidth", "", ["no"], [])],
    ),
    "a request that QEMU died of": (
        setting("parameter_died", [{"max-bandwidth": 1}]),
        [("parameters", "{'max-bandwidth': 1}", "QEMU dies", "")],
    ),
    "a session that QEMU died in": (
        setting("sessions", 1, "died", ["set-capabilities", []]),
        [("set-capabilities", "session 1, step 62: []", "QEMU dies", "")],
    ),
    "a malformed request": (
        setting("name_cases", 0, 1, ""),
        [
            (
                "names of capabilities",
                "[{'capability': 'no-such', 'state': True}]",
                "",
                "Parameter 'capability' does not accept value 'no-such'",
            )
        ],
    ),
    "a step of a session": (
        setting("sessions", 1, "steps", [["set-parameters", {}, "No"], ["set-parameters", {"no-such": 1}, ""]]),
        [("set-parameters", "session 1, step 0: {}", "No", "")],
    ),
    "a query of a session": (
        setting("sessions", 0, "steps", [["query-capabilities", None, [{"capability": "block", "state": True}]]]),
        "query-capabilities xbzrle",
    ),
    "a parameter that pymig refuses": (
        setting("contexts", "outgoing", "parameters", {"multifd-compression": "new"}),
        [
            (
                "parameters",
                "outgoing: {'multifd-compression': 'new'}",
                "",
                "Parameter 'multifd-compression' does not accept value 'new'",
            )
        ],
    ),
}


def test_nothing_differs(recording):
    assert list(replay.differences(recording)) == []


@pytest.mark.parametrize("change, expected", CHANGES.values(), ids=CHANGES)
def test_a_change_is_found(recording, change, expected):
    change(recording)
    found = list(replay.differences(recording))
    if isinstance(expected, str):
        assert expected in [difference.about for difference in found]
    else:
        assert found == expected


def test_sets_with_a_capability_that_pymig_does_not_know_are_passed_over(recording):
    recording["capabilities"].append({"name": "x-new", "features": []})
    recording["contexts"]["outgoing"]["cases"] += [[1 << 24, 0], [0, 0], [1, 1]]
    assert [difference.about for difference in replay.differences(recording)] == [
        "capability x-new",
        "set of capabilities",
    ]


def test_a_release_that_pymig_does_not_know_is_compared_with_the_newest(recording):
    recording["version"]["major"] = 99
    first, *others = replay.differences(recording)
    assert (first.about, first.recorded) == ("release", "99.0.0")
    newest = recorded.build_of(recording, QemuBuild.releases()[-1])
    assert others == [d for part in replay.parts(recording).values() for d in part(recording, newest)]
    assert others


def test_the_report(recording, tmp_path, capsys):
    path = tmp_path / "recording.json.gz"
    recorded.write(path, recording)
    assert replay.main([path]) == 0
    assert capsys.readouterr().out == f"{path}: pymig gives every answer\n"
    setting("messages", 1, "No block")(recording)
    setting("parameters", "multifd-channels", 3)(recording)
    recorded.write(path, recording)
    assert replay.main([path]) == 1
    assert (
        capsys.readouterr().out
        == f"""\
default of multifd-channels:
  QEMU   3
  pymig  2
set of capabilities, 2 times:
  QEMU   No block
  pymig  {NO_BLOCK}
  e.g.   outgoing: block (before: release-ram)
  e.g.   incoming-no-userfaultfd: block (before: release-ram)
{path}: 3 answers differ
"""
    )
