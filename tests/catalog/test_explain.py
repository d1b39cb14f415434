# SPDX-License-Identifier: GPL-2.0-or-later

"""explain(): names, parts of texts, and what the catalogue holds."""

import pickle
import subprocess
import sys

import pytest

from pymig import Explanation, QemuBuild, explain
from pymig._core import lib
from pymig.capability import NAMES
from pymig.catalog import about
from pymig.catalog.explain import closest
from pymig.catalog.explanation import KINDS
from pymig.catalog.messages import RELEASES, command_rules, messages, rules
from pymig.catalog.names import TUNED_BY, conflicts, words_about
from pymig.catalog.notes import NOTES_ON_COMMANDS, NOTES_ON_RULES, STEPS
from pymig.catalog.questions import ALIASES, ASKED, HOST_WORDS, OLD_NAMES
from pymig.catalog.releases import in_words
from pymig.catalog.said import DISAGREEMENTS, FAULTS, explained, faults_of_libvirt, keys
from pymig.catalog.topics import TOPICS
from pymig.qemu.parameters import PARAMETERS
from pymig.release import RELEASES as SERIES


@pytest.mark.parametrize("name", NAMES)
def test_capabilities(name):
    found = explain(name)[0]
    assert (found.kind, found.title) == ("capability", name)
    assert about.CAPABILITIES[name].does in found.text
    assert found.releases == tuple(one for one in SERIES if name in QemuBuild(one).capabilities)
    assert ("deprecated" in found.text) == any(name in QemuBuild(one).deprecated for one in SERIES)
    ends = lib.migration_capability_ends(NAMES.index(name))
    assert {1: "Needed at the source.", 2: "Needed at the destination.", 3: "Needed at both ends."}[ends] in found.text


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name):
    found = explain(name)[0]
    assert (found.kind, found.title) == ("parameter", name)
    assert about.PARAMETERS[name].does in found.text
    assert "Values: " in found.text
    assert found.releases
    assert explain(name.replace("-", "_").upper())[0] == found
    assert explain(f"parameter {name.replace('-', ' ')}")[0] == found


def test_own_words_are_of_the_names_that_there_are():
    assert set(about.CAPABILITIES) == set(NAMES)
    assert set(about.PARAMETERS) == set(PARAMETERS)
    assert {one for tuned in TUNED_BY.values() for one in tuned} <= set(PARAMETERS)
    assert set(TUNED_BY) <= set(NAMES)


def test_every_rule():
    for name, by_release in rules().items():
        found = explain(name)
        assert found[0].see[0] == name
        newest = list(by_release.values())[-1]
        assert found[0].title == newest.message
        assert {*newest.trigger, *newest.need, *newest.forbid} <= set(found[0].see)
        assert found[0].remedies


def test_releases_of_a_rule_are_those_that_have_it():
    (found,) = explain("postcopy-ram/multifd")
    assert found.releases == ("8.1", "8.2", "9.0", "9.1", "9.2", "10.0")
    having = tuple(one for one in SERIES if any(v.rule == "multifd/xbzrle" for v in QemuBuild(one)._verdicts.values()))
    assert explain("multifd/xbzrle")[0].releases == having


def test_conflicts_follow_the_rules():
    tied = {conflict.rule: conflict for conflict in conflicts("multifd")}
    assert tied["postcopy-ram/multifd"].other == "postcopy-ram"
    assert not tied["postcopy-ram/multifd"].needed
    assert "zero-copy-send/plain-multifd" in explain("compress")[0].see  # only old releases have it
    assert {one.rule: one.needed for one in conflicts("switchover-ack")}["switchover-ack/return-path"]
    assert "zero-copy-send/plain-multifd" not in tied  # it needs multifd


VALUES = (
    "Mapped-ram only available for non-compressed non-TLS multifd migration",
    "Parameter 'multifd-channels' expects a value between 1 and 255",
    "Parameter 'uri' is missing",
    "Parameter 'capability' does not accept value 'multi-fd'",
)


def test_everything_leads_on():
    """What an explanation refers to is explained, too."""
    every = [explained(message) for message in messages()]
    every += [one for name in (*NAMES, *PARAMETERS, *keys(), *VALUES) for one in explain(name)]
    assert {one.kind for one in every} == set(KINDS)
    assert {explain(text)[0].kind for text in VALUES} == {"value"}
    assert {name for one in every for name in one.see if not explain(name)} == set()


def test_tables_of_notes_have_no_dead_rows():
    assert set(NOTES_ON_RULES) <= set(rules())
    said = {text for text, _ in command_rules()} | {"There's a migration process in progress"}
    assert [start for start in NOTES_ON_COMMANDS if not any(text.startswith(start) for text in said)] == []
    noted = [text for text in said if any(text.startswith(start) for start in NOTES_ON_COMMANDS)]
    assert set(noted) == said
    assert set(STEPS) == set(range(lib.POSTCOPY_STEP_TARGET_PAGE_SIZE, lib.POSTCOPY_STEP_MEMORY))
    assert {topic.kind for topic in TOPICS} <= set(KINDS)
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    assert {topic.name for topic in TOPICS}.isdisjoint({*rules(), *DISAGREEMENTS, *FAULTS, *faults_of_libvirt()})
    assert [key for _, key in ASKED if not explain(key)] == []
    assert set(ALIASES.values()) | set(OLD_NAMES.values()) <= {*NAMES, *PARAMETERS}


def test_every_text_finds_itself():
    for message in messages():
        text = message.text.replace("<name>", "x").replace("<address>", "x").replace("<option>", "postcopy")
        assert explain(text), message
    for fault in (*FAULTS, *faults_of_libvirt()):
        assert explain(fault)[0].kind == "fault"
    assert len(messages()) > 250


@pytest.mark.parametrize(
    "spelling",
    [
        "Downtime Limit",
        "downtime_limit",
        "'downtime-limit'",
        "downtime-limit:",
        "parameter downtime-limit",
        "downtime-limit=300",
    ],
)
def test_spellings(spelling):
    assert explain(spelling)[0] == explain("downtime-limit")[0]


def test_everyday_words_are_names_only_if_they_stand_alone():
    assert explain("mode")[0].title == "mode"
    assert explain("mode.") == explain("    return path\n") == explain("block:") == []
    assert explain("is compress deprecated")[0].title == "compress"


def test_questions_about_pairs():
    assert explain("can i use xbzrle with multifd in 11.1?")[0].see[0] == "multifd/xbzrle"
    assert [one.title for one in explain("postcopy-preempt multifd")] == ["postcopy-preempt", "multifd"]
    assert explain("rdma with multifd")[0].see[0] == "rdma/multifd"


@pytest.mark.parametrize("word", sorted(HOST_WORDS))
def test_words_of_the_host(word):
    assert explain(word)[0].see[0] == "postcopy-ram/host"


@pytest.mark.parametrize(
    "part",
    [
        "not yet compatible with multifd",
        "Guest is waiting for an incoming",
        "expects multi-channel",
        "is not compatible with",
    ],
)
def test_parts(part):
    """A part of one text is found; one that many texts have is not."""
    assert bool(explain(part)) == (
        part in "Postcopy is not yet compatible with multifd Guest is waiting for an incoming"
    )


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "'", "<", "1", "-", "events block", "the", "Operation not permitted", "\udcff"]
)
def test_nothing(text):
    assert explain(text) == []
    closest(text)


def test_wrong_type():
    with pytest.raises(TypeError, match="text must be a str, not bytes"):
        explain(b"multifd")


RARELY_NEEDED = ("pymig.state", "pymig.libvirt", "pymig.catalog.about", "pymig.catalog.names", "pymig.host.diagnosis")


@pytest.mark.parametrize("text", ["Postcopy is not supported", "zero-copy: not supported by this kernel at all, sorry"])
def test_a_text_is_explained_without_what_few_texts_need(text):
    code = f"import sys; from pymig import explain; explain({text!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pymig.catalog.explain" in done.stdout.split()
    assert set(RARELY_NEEDED).isdisjoint(done.stdout.split())


def test_closest():
    assert "multifd" in closest("multifdd")
    assert "Postcopy is not yet compatible with multifd" in closest("Postcopy isn't yet compatible to multifd")


def test_lines_that_the_terminal_wrapped_and_coloured():
    text = "\x1b[31merror:\x1b[0m internal error: Postcopy is not yet\n   compatible with\n   multifd"
    assert explain(text)[0].see[0] == "postcopy-ram/multifd"


@pytest.mark.parametrize("quote", ["&#39;", "\\'", '\\"', "\u2019", "`", "\\u0027", "\\\\u0027"])
def test_quotes(quote):
    text = f"msg=Migration option {quote}compress{quote} is not supported by QEMU binary"
    assert explain(text)[0].title == "Migration option '<option>' is not supported by QEMU binary"


def test_everyday_texts_are_only_believed_where_qemu_speaks():
    said = "Failed to connect to '10.0.0.2:49152': Connection refused"
    assert explain(f"qemu-system-x86_64: {said}")[0].kind == "other matter"
    assert explain(said)
    assert explain(f"May 12 10:00:01 web1 app[42]: {said}") == []


def test_a_rule_and_a_command_of_one_text():
    """The wrapping tells which of the two it was."""
    text = "RDMA and multifd can't be used together"
    by_set = explain(f"unable to execute QEMU command 'migrate-set-capabilities': {text}")
    by_migrate = explain(f"unable to execute QEMU command 'migrate-incoming': {text}")
    assert (by_set[0].kind, by_migrate[0].kind) == ("rule", "command")
    assert {one.kind for one in by_set} == {one.kind for one in by_migrate} == {"rule", "command"}


def test_words_about_a_parameter():
    words = words_about("multifd-channels")
    assert words["Option multifd-channels expects a value between 1 and 255"] == ("11.0", "11.1")
    assert "7.2" in words["Parameter 'multifd-channels' expects uint8_t"]


def test_series_in_words():
    assert in_words(SERIES) == "all"
    assert in_words(("8.1", "8.2", "9.0")) == "8.1 to 9.0"
    assert in_words(SERIES[-2:]) == f"{SERIES[-2]} and later"
    assert in_words(("7.2", "9.0")) == "7.2, 9.0"


def test_values():
    found = explain("multifd")[0]
    assert found == pickle.loads(pickle.dumps(found))
    assert found.to_dict()["see"] == list(found.see)
    assert hash(found) == hash(explain("multifd")[0])
    made = Explanation("rule", "title", "text", ["8.1"], ["cause"], ["remedy"], ["see"])
    assert (made.releases, made.causes, made.remedies, made.see) == (("8.1",), ("cause",), ("remedy",), ("see",))
    with pytest.raises(AttributeError, match="immutable"):
        made.kind = "other"


def test_the_c_accessor_has_every_release():
    assert {release for _, release in command_rules()} == set(RELEASES)


@pytest.mark.parametrize(
    "piece",
    [
        "options a and b ",
        "multifd: received uuid 'x' and expected ",
        "Failed to connect to 'x",
        "<",
        "\\u00",
        "invalid parameter '",
        "post copy zero copy ",
    ],
)
def test_a_megabyte_of_beginnings(piece):
    """It ends: nothing looks at all pairs of places."""
    assert explain(piece * (2**20 // len(piece))) == []
    closest(piece * 1000)


def test_a_megabyte_of_values():
    """It ends: what stands around is looked at, not the whole line."""
    assert len(explain("parameter 'x' expects a " * 50000)) <= 1
    assert [one.see[0] for one in explain("parameter 'multifd-channels' expects uint8_t " * 20000)] == [
        "multifd-channels"
    ]


def test_texts_with_several_names():
    said = "multifd: received uuid 'aaaa' and expected uuid 'bbbb' for channel 7"
    assert explain(f"qemu-system-x86_64: {said}")[0].see[0] == "multifd/uuid"
    assert explain(said.replace("for channel", "for no channel")) == []
