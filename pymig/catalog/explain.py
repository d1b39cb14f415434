# SPDX-License-Identifier: GPL-2.0-or-later

"""Explains a text that somebody pasted, a capability, a parameter or a rule."""

from __future__ import annotations

import re
from itertools import islice

from pymig.capability import BITS, NAMES, unknown_capability
from pymig.catalog.about import CAPABILITIES
from pymig.catalog.explanation import Explanation
from pymig.catalog.match import MOST_AROUND, MOST_TRIES, find, find_part, is_believed, normalised, tidied
from pymig.catalog.messages import messages
from pymig.catalog.names import capability, conflicts, in_words, parameter, words_about
from pymig.catalog.questions import ALIASES, ASKED, FILLERS, HOST_WORDS, INSTEAD, OLD_NAMES, TOPICS_BY_NAME
from pymig.catalog.said import explained, keys, of_key
from pymig.catalog.topics import ECHOES, FAINTEST, TOPIC_OF
from pymig.catalog.wrapping import with_end
from pymig.qemu.parameters import PARAMETERS
from pymig.release import RELEASES
from pymig.values import wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pymig.catalog.match import Found

MOST = 12
"""The most explanations of one text."""


def explain(text: str) -> list[Explanation]:
    """What a text or a name means.

    Args:
        text: a message of QEMU's or libvirt's, by itself, in a line of a log, or a part of it; several lines; the name
            of a capability, a parameter or a rule; or a short question that names one.

    Returns:
        The explanations, the best first; empty if nothing fits.

    Raises:
        TypeError: text is not a str.
    """
    if not isinstance(text, str):
        wrong_type(text, "text", "a str")
    return _named(text) or _said(text) or _part(text) or _asked(text)


def closest(text: str) -> tuple[str, ...]:
    """The names and texts that are most like this one, for a text that nothing fits."""
    from difflib import get_close_matches  # noqa: PLC0415 - rare

    asked = " ".join(normalised(text[:500]).split())
    shown = {name.lower(): name for name in (*NAMES, *PARAMETERS, *keys())}
    shown |= {message.text.lower(): message.text for message in messages()}
    return tuple(shown[name] for name in get_close_matches(asked, shown, 4, 0.45))


# ---- A name ----


_EVERYDAY = frozenset(("block", "compress", "events", "machine", "mode", "return-path"))
"""Names that must stand alone, exactly as they are: other texts have these words, too."""
_KIND = re.compile(r"^(capability|parameter|rule)\s+", re.IGNORECASE)


def _named(text: str) -> list[Explanation]:
    """A capability, a parameter, a rule, or what else has a name."""
    name = _KIND.sub("", text.strip()).partition("=")[0].strip(" ,.:'\"`").lower()
    other_spellings = (name, re.sub("[ _]", "-", name), OLD_NAMES.get(name, ""))
    for spelling in (text.strip().strip("'\"`").lower(), *(one for one in other_spellings if one not in _EVERYDAY)):
        found = [*_of_name(spelling), *of_key(spelling)]
        if found:
            return found
    return [_host()] if name in HOST_WORDS else of_key(TOPICS_BY_NAME.get(name, ""))


def _of_name(name: str) -> Iterator[Explanation]:
    if name in BITS:
        yield capability(name)
    if name in PARAMETERS:
        yield parameter(name)


def _host() -> Explanation:
    """Why a process gets no userfaultfd."""
    return explained(next(one for one in reversed(messages()) if one.text.startswith("Userfaultfd not available")))


# ---- A text ----


def _said(text: str) -> list[Explanation]:
    """The texts in this one, those first that fix the most letters."""
    weighed = [(_weight(found), with_end(explained(found.message), found.line, found.start)) for found in find(text)]
    weighed += _values(text)
    weighed.sort(key=lambda one: one[0], reverse=True)
    return list(dict.fromkeys(explanation for _, explanation in weighed))[:MOST]


def _weight(found: Found) -> tuple[bool, int, bool]:
    """How telling this is: no echo of something else; by its letters; of one text, what the line or a topic says."""
    by_set = "migrate-set-" in found.line
    fits = (found.message.kind == "rule" and by_set) or (found.message.kind == "command" and not by_set)
    letters = 0 if found.message.key == FAINTEST else found.weight
    return found.message.text not in ECHOES, letters, fits or found.message.key in TOPIC_OF


def _part(text: str) -> list[Explanation]:
    return [explained(message) for message in find_part(text)]


# ---- What QAPI and the checks of parameters say ----

_VALUE = re.compile(
    r"(?:parameter '(?P<quoted>[^']{1,100})'|(?:max_)?option (?P<bare>[a-z][\w.-]*)) "
    r"(?:expects|does not accept value '(?P<value>[^']*)'|must be|is missing|is unexpected|should be)"
    r"|invalid parameter type for '(?P<typed>[^']{1,100})', expected"
    r"|invalid mapping given for (?P<mapping>block-bitmap-mapping)"
    r"|(?P<mapped>mapped-ram) only available for non-compressed non-tls multifd migration"
    r"|no build-time support for (?P<built>direct-io)"
    r"|invalid parameter '(?P<unknown>[^']{0,100})'",
    re.IGNORECASE,
)


def _values(text: str) -> list[tuple[tuple[bool, int, bool], Explanation]]:
    """What is said about values: of parameters, of capabilities' names, of the arguments of commands."""
    found = []
    for line in tidied(text).splitlines():
        for match in islice(_VALUE.finditer(line), MOST_TRIES):
            before = line[max(0, match.start() - MOST_AROUND) : match.start()]
            said = line[match.start() : match.end() + MOST_AROUND]
            one = _value(match, before.lower(), said)
            if one is not None:
                around = (before + said).lower()
                found.append(((True, len(match[0]), False), with_end(one, around, len(before))))
    return found


def _value(match: re.Match[str], before: str, said: str) -> Explanation | None:
    if match["unknown"] is not None:
        return _invalid_name(match["unknown"].lower(), before)
    path = next(filter(None, match.group("quoted", "bare", "typed", "mapping", "mapped", "built"))).lower()
    name = re.split(r"[.\[]", path)[0].replace("_", "-")
    name = {"cpu-throttle": "max-cpu-throttle"}.get(name, name)
    sentence = said[:200]
    if path.endswith("capability") and match["value"] is not None:
        return _unknown_capability(match["value"].lower(), "Parameter 'capability' does not accept value '{}'")
    if name == "mapped-ram":
        return _of_mapped_ram(match[0])
    if name in PARAMETERS:
        return _of_parameter(name, sentence)
    return _of_argument(path, sentence) if is_believed(before + said.lower(), len(before)) else None


def _invalid_name(name: str, before: str) -> Explanation | None:
    """What older QEMUs say of a capability that they do not know; None where something else may be meant."""
    known = OLD_NAMES.get(name, name)
    if (known not in BITS or known in _EVERYDAY) and "migrate-set-capabilities" not in before:
        return None
    return _unknown_capability(name, "Invalid parameter '{}'")


def _unknown_capability(name: str, said: str) -> Explanation:
    known = OLD_NAMES.get(name, name)
    whole = "One name that QEMU does not know refuses the whole command. Said at either end, when capabilities are set."
    if known in BITS:
        about = capability(known)
        life = next(line for line in about.text.splitlines() if line.startswith("Since QEMU"))
        notes = CAPABILITIES[known].notes
        text = " ".join(filter(None, (life, f"Releases that have it: {in_words(about.releases)}.", notes, whole)))
        renamed = [f"use the name {known}"] if known != name else []
        left_out = [f"leave {name} out where query-migrate-capabilities does not list it"]
        remedies = renamed or [*left_out, *INSTEAD.get(known, ())]
        see = [known]
    else:
        see = list(unknown_capability(name, NAMES).suggestions)
        text, remedies = f"No release of QEMU that pymig knows has this capability. {whole}", ["correct the name"]
    causes = (
        "a setting, or a tool with a list of names, that is older or newer than this QEMU (Ganeti's migration_caps, "
        "Incus, LXD, openQA); to tell: query-migrate-capabilities, pymig list",
    )
    return Explanation("value", said.format(name), text, (), causes, remedies, see)


def _of_parameter(name: str, said: str) -> Explanation:
    about = parameter(name)
    lines = about.text.splitlines()
    values = next((line for line in lines if line.startswith("Values:")), "")
    every = words_about(name)
    words = "; ".join(f'"{one}" ({in_words(known)})' for one, known in every.items())
    releases = next((known for one, known in every.items() if said.startswith(one)), about.releases)
    text = (
        f"QEMU refuses this value of {name}. {lines[0]} {values} The words vary: {words}. Said when parameters are set."
    )
    limits = values.removeprefix("Values: ").split(". Default: ")[0]
    return Explanation("value", said, text, releases, (_why(said),), (f"set {name} to: {limits}",), (name, *about.see))


def _why(said: str) -> str:
    """Why QEMU says this of a value: QAPI names a type, the checks of parameters name a range."""
    if _TYPE.search(said):
        return (
            "the value has another type: a string, a fraction, or a number that is negative or does not fit; to tell: "
            "the arguments of migrate-set-parameters in the manager's log"
        )
    return "the value is outside the range; to tell: the arguments of migrate-set-parameters in the manager's log"


_TYPE = re.compile(
    r"expects (?:u?int(?:8|16|32|64)|size|string|boolean|array|dict)\w*$|invalid parameter type", re.IGNORECASE
)


def _of_mapped_ram(said: str) -> Explanation:
    text = (
        "mapped-ram writes pages as they are. QEMU looks at the values that are stored, not at those of the request: "
        "the parameters must be reset before anything else can be set. Said when parameters are set."
    )
    remedies = ("switch mapped-ram off, set multifd-compression=none and tls-creds='', and switch it on again",)
    having = tuple(release for release in RELEASES if release in capability("mapped-ram").releases)
    return Explanation("value", said, text, having, (), remedies, ("mapped-ram", "multifd-compression", "tls-creds"))


def _of_argument(path: str, said: str) -> Explanation:
    text = (
        f"The request does not fit the QMP schema of this QEMU: {path} is missing, has the wrong type or value, or is "
        "not known there. QEMU names the first that it meets. The answer is the same at both ends, and nothing was "
        "changed."
    )
    causes = ("a tool that is newer or older than this QEMU; to tell: query-qmp-schema, query-version",)
    return Explanation("value", said, text, (), causes, (f"correct or leave out {path}",), ())


# ---- A question ----


def _asked(text: str) -> list[Explanation]:
    """A short question that names what pymig knows, or that many ask in such words."""
    words = tuple(word.strip(".'") for word in re.findall(r"[\w./'-]+", _joined(normalised(text))))
    if not 0 < len(words) <= 40:  # noqa: PLR2004 - a question
        return []
    keys_asked = [key for asked, key in ASKED if set(asked.split()) <= set(words)]
    found = [one for key in keys_asked for one in _named(key) or _said(key)]
    return list(dict.fromkeys((*found, *_about_names(words))))[:MOST]


def _joined(text: str) -> str:
    """The text with the names in one word that people write in two, such as zero copy."""
    one = re.sub("post[ -]copy(?!-)", "postcopy", text)
    return _IN_TWO_WORDS.sub(lambda found: found[0].replace(" ", "-"), one)


_IN_TWO_WORDS = re.compile("|".join(name.replace("-", " ") for name in (*NAMES, "zero-copy") if name not in _EVERYDAY))


def _about_names(words: Iterable[str]) -> list[Explanation]:
    """If every word is a name or says nothing by itself: what the names mean, their common rules first."""
    told = [word for word in words if word not in FILLERS and not _VERSION.fullmatch(word)]
    names = [_known(word) for word in told]
    weak = all(word in _WEAK for word in told) and not _ABOUT_NAMES & set(words)
    if not names or not all(names) or weak:
        return []
    host = [_host()] if HOST_WORDS & set(names) else []
    capabilities = [name for name in dict.fromkeys(names) if name in BITS]
    common = [one for rule in _common_rules(capabilities) for one in of_key(rule)]
    return [*host, *common, *(one for name in dict.fromkeys(names) for one in _of_name(name))]


_WEAK = frozenset(("block", "events", "compress", "mode", "snapshot", "connections", "bandwidth", "parallel", "bitmap"))
"""Names that are also everyday words: they alone are no question, unless it says that it is about names or QEMU."""

_ABOUT_NAMES = frozenset(("capability", "deprecated", "migration", "parameter", "qemu", "removed", "supported"))
_VERSION = re.compile(r"\d+(\.\d+)*")


def _known(word: str) -> str:
    if word in HOST_WORDS:
        return word
    name = OLD_NAMES.get(word) or ALIASES.get(word) or word.replace("_", "-")
    return name if name in BITS or name in PARAMETERS else ""


def _common_rules(capabilities: list[str]) -> list[str]:
    """The rules that tie two of these together."""
    tied = (one for name in capabilities for one in conflicts(name) if one.other in capabilities)
    return list(dict.fromkeys(one.rule for one in tied))
