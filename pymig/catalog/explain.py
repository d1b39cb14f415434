# SPDX-License-Identifier: GPL-2.0-or-later

"""Explains a text that somebody pasted, a capability, a parameter or a rule."""

from __future__ import annotations

import re
from itertools import islice, pairwise

from pymig.capability import BITS, NAMES
from pymig.catalog.match import MOST_AROUND, MOST_TRIES, find, find_part, normalised, tidied
from pymig.catalog.messages import messages
from pymig.catalog.questions import ALIASES, ASKED, EVERYDAY, FILLERS, HOST_WORDS, OLD_NAMES, TOPICS_BY_NAME
from pymig.catalog.said import explained, keys, of_key
from pymig.catalog.topics import ECHOES, FAINTEST, TOPIC_OF
from pymig.catalog.wrapping import with_end
from pymig.qemu.parameters import PARAMETERS
from pymig.values import wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymig.catalog.explanation import Explanation
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
    identifiers = () if " " in asked else keys()
    shown = {name.lower(): name for name in (*NAMES, *PARAMETERS, *identifiers)}
    shown |= {message.text.lower(): message.text for message in messages()}
    likely = sorted(shown, key=lambda known: _shared(asked, known), reverse=True)[:MOST_COMPARED]
    return tuple(shown[name] for name in get_close_matches(asked, likely, 4, 0.45))


MOST_COMPARED = 12
"""To how many a text is compared letter by letter, which takes long."""


def _shared(one: str, other: str) -> float:
    """How many of the pairs of letters in two texts are in both."""
    pairs, others = set(pairwise(one)), set(pairwise(other))
    return len(pairs & others) / (len(pairs) + len(others) + 1)


# ---- A name ----


_MOST_WORDS = 6
"""No name has more, written with blanks instead of hyphens, and with the word that says what it is."""
_KIND = r"(?i)^(?:capability|parameter|rule)\s+"


def _named(text: str) -> list[Explanation]:
    """A capability, a parameter, a rule, or what else has a name."""
    if len(text.split()) > _MOST_WORDS:
        return []
    name = re.sub(_KIND, "", text.strip()).partition("=")[0].strip(" ,.:'\"`").lower()
    other_spellings = (name, re.sub("[ _]", "-", name), OLD_NAMES.get(name, ""))
    for spelling in (text.strip().strip("'\"`").lower(), *(one for one in other_spellings if one not in EVERYDAY)):
        found = [*_of_name(spelling), *of_key(spelling)]
        if found:
            return found
    return [_host()] if name in HOST_WORDS else of_key(TOPICS_BY_NAME.get(name, ""))


def _of_name(name: str) -> Iterable[Explanation]:
    if name not in BITS and name not in PARAMETERS:
        return ()
    from pymig.catalog.names import of_name  # noqa: PLC0415 - few texts need all that is known of a name

    return of_name(name)


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

VALUE = (
    r"(?i)(?:parameter '(?P<quoted>[^']{1,100})'|(?:max_)?option (?P<bare>[a-z][\w.-]*)) "
    r"(?:expects|does not accept value '(?P<value>[^']*)'|must be|is missing|is unexpected|should be)"
    r"|invalid parameter type for '(?P<typed>[^']{1,100})', expected"
    r"|invalid mapping given for (?P<mapping>block-bitmap-mapping)"
    r"|(?P<mapped>mapped-ram) only available for non-compressed non-tls multifd migration"
    r"|no build-time support for (?P<built>direct-io)"
    r"|invalid parameter '(?P<unknown>[^']{0,100})'"
)


def _values(text: str) -> list[tuple[tuple[bool, int, bool], Explanation]]:
    """What is said about values: of parameters, of capabilities' names, of the arguments of commands."""
    found = []
    for line in tidied(text).splitlines():
        for match in islice(re.finditer(VALUE, line), MOST_TRIES):
            before = line[max(0, match.start() - MOST_AROUND) : match.start()]
            said = line[match.start() : match.end() + MOST_AROUND]
            one = _explained_value(match, before.lower(), said)
            if one is not None:
                around = (before + said).lower()
                found.append(((True, len(match[0]), False), with_end(one, around, len(before))))
    return found


def _explained_value(match: re.Match[str], before: str, said: str) -> Explanation | None:
    from pymig.catalog.refused_values import explained_value  # noqa: PLC0415 - as above

    return explained_value(match, before, said)


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
    return re.sub(_IN_TWO_WORDS, lambda found: found[0].replace(" ", "-"), one)


_ONLY_MIGRATIONS = ("multifd-", "xbzrle-", "downtime-", "max-postcopy-")
"""How names of parameters begin whose words nobody else writes side by side, such as multifd channels."""
_MANY_WORDS = (*NAMES, "zero-copy", *(name for name in PARAMETERS if name.startswith(_ONLY_MIGRATIONS)))
_IN_TWO_WORDS = "|".join(
    name.replace("-", " ")
    for name in sorted(_MANY_WORDS, key=len, reverse=True)
    if "-" in name and name not in EVERYDAY
)


def _about_names(words: Iterable[str]) -> list[Explanation]:
    """If every word is a name or says nothing by itself: what the names mean, their common rules first."""
    told = [word for word in words if word not in FILLERS and not re.fullmatch(_VERSION, word)]
    names = [_known(word) for word in told]
    weak = all(word in _WEAK for word in told) and not _ABOUT_NAMES & set(words)
    if not names or not all(names) or weak:
        return []
    from pymig.catalog.names import common_rules  # noqa: PLC0415 - as above

    host = [_host()] if HOST_WORDS & set(names) else []
    capabilities = [name for name in dict.fromkeys(names) if name in BITS]
    common = [one for rule in common_rules(capabilities) for one in of_key(rule)]
    return [*host, *common, *(one for name in dict.fromkeys(names) for one in _of_name(name))]


_WEAK = frozenset(("block", "events", "compress", "mode", "snapshot", "connections", "bandwidth", "parallel", "bitmap"))
"""Names that are also everyday words: they alone are no question, unless it says that it is about names or QEMU."""

_ABOUT_NAMES = frozenset(("capability", "deprecated", "migration", "parameter", "qemu", "removed", "supported"))
_VERSION = r"\d+(\.\d+)*"


def _known(word: str) -> str:
    if word in HOST_WORDS:
        return word
    name = OLD_NAMES.get(word) or ALIASES.get(word) or word.replace("_", "-")
    return name if name in BITS or name in PARAMETERS else ""
