# SPDX-License-Identifier: GPL-2.0-or-later

"""Finds the known texts in what people paste: a line of a log, a part of a text, a journal."""

from __future__ import annotations

import errno
import os
import re
from functools import cache
from itertools import islice
from typing import NamedTuple

from pymig.catalog.messages import Message, messages
from pymig.catalog.topics import TOPIC_OF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ENTITIES = {"&#39;": "'", "&#x27;": "'", "&apos;": "'", "&quot;": "'", "&lt;": "<", "&gt;": ">", "&amp;": "&"}
_QUOTES = str.maketrans(dict.fromkeys('"`\u2018\u2019\u201c\u201d', "'"))
_ESCAPES = re.compile(r"\\+(u00(?:22|27|3c|3e|26)|[nrt\"'])", re.IGNORECASE)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NAME = re.compile(r"<[^<>]*>")

ABOUT_QEMU = (
    r"post-?copy|qemu(?!-(?:ga|img|io|nbd)\b)|\bkvm\b|libvirt|virsh|\bvir[a-z]*error\b|multifd|userfault|zero[ -]copy"
    r"|xbzrle|savevm|loadvm|\bqmp command\b|background-snapshot|mapped-ram|dirty-limit|block-bitmap-mapping"
    r"|live[ -]migrat|migrate[-_]|migration status|\bmigration (?:in|out)\b|migratetouri"
)
"""Words by which a line is about QEMU. A text that others say, too, is only believed in such a line, or alone."""

ABOUT_A_MIGRATION = (
    r"migrat|post-?copy|incoming|multifd|nbd-server-|--(?:abort-on-error|auto-converge|change-protection|comp-|compressed|copy-storage"
    r"|disks-|graphicsuri|image-format|live|offline|p2p|parallel|persistent-xml|postcopy|tls-destination|tunnelled"
    r"|undefinesource|zerocopy)"
)
"""Words by which a line is about a migration, of a guest and not of QEMU's or libvirt's other work."""

ABOUT_MIGRATION = ABOUT_QEMU + r"|migrat|\brdma and\b|ramblock|\bcolo\b|anonclass|invtsc|copy-storage"
"""Words by which a text is QEMU's or libvirt's wherever it stands."""

_FLEXIBLE = (
    ("multifd 0:", "multifd <n>:"),
    ("channel 0", "channel <n>"),
    ("' 0. Make sure", "' <n>. Make sure"),
    ("' 1. Make sure", "' <n>. Make sure"),
    (". Make sure that your current VM setup matches your saved VM setup, including any hotplugged devices", ""),
    ("ramblock pc.ram", "ramblock <block>"),
    ("/rom@etc/acpi/rsdp", "<region>"),
)
"""Names and numbers in texts of recordings that are other ones elsewhere."""


def normalised(text: str) -> str:
    """The text as it is compared: tidied, in small letters."""
    return tidied(text).lower()


def tidied(text: str) -> str:
    """The text with one kind of quotes and blanks, without escapes; lines stay lines."""
    text = _ESCAPES.sub(_unescaped, _COLOURS.sub("", text))
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    lines = (" ".join(line.split()) for line in text.translate(_QUOTES).splitlines())
    return "\n".join(filter(None, lines))


def _unescaped(match: re.Match[str]) -> str:
    escape = match[1].lower()
    if escape.startswith("u"):
        return chr(int(escape[1:], 16))
    return escape if escape in "\"'" else "\n" if escape == "n" else " "


MOST_OF_A_NAME, MOST_TRIES, MOST_AROUND = 160, 100, 400
"""How many letters a name has at most; how often a text is looked at; how much of its line, on each side."""


class Pattern(NamedTuple):
    """A text, ready for the search.

    Attributes:
        message: the text.
        parts: what stands between the names in it.
        longest: the longest of these.
    """

    message: Message
    parts: tuple[str, ...]
    longest: str

    @property
    def weight(self) -> int:
        """How much of the text is fixed."""
        return sum(map(len, self.parts))

    def search(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the text begins and ends in a normalised one whose lines are joined; each name is the shortest."""
        start = text.find(self.parts[0])
        while start >= 0:
            end = start + len(self.parts[0])
            for part in self.parts[1:]:
                found = text.find(part, end, end + MOST_OF_A_NAME + len(part))
                end = found + len(part) if found >= 0 else -1
                if end < 0:
                    break
            if end >= 0:
                yield start, end
            start = text.find(self.parts[0], start + 1)


@cache
def patterns() -> tuple[Pattern, ...]:
    """The patterns of all texts."""
    texts = "\0".join(message.text for message in messages())
    for fixed, flexible in _FLEXIBLE:
        texts = texts.replace(fixed, flexible)
    return tuple(map(_pattern, messages(), normalised_text(texts).split("\0")))


def _pattern(message: Message, said: str) -> Pattern:
    first, *rest = _NAME.split(said)
    parts = (first.strip(), *rest)
    parts = parts if parts[-1].strip(" .") else parts[:-1]
    return Pattern(message, parts, max(parts, key=len))


def _believed(message: Message) -> str:
    """What must be in the line, unless the text stands alone; "" if the text itself is telling."""
    topic = TOPIC_OF.get(message.key)
    if topic is not None and (topic.strict or not topic.everyday):
        return ABOUT_A_MIGRATION if topic.strict else ""
    said = normalised_text(message.text)
    return "" if re.search(ABOUT_MIGRATION, said) else ABOUT_QEMU


def normalised_text(said: str) -> str:
    """A known text, normalised; its names in angle brackets stay."""
    return said.translate(_QUOTES).lower()


class Found(NamedTuple):
    """A text that was found, how much of it is fixed, the line in which it stands, and where it begins there."""

    message: Message
    weight: int
    line: str
    start: int


def find(text: str) -> list[Found]:
    """The known texts in this one, the most telling first; of texts that belong to one thing, the longest."""
    lines = normalised(text)
    joined = lines.replace("\n", " ")
    best: dict[tuple[str, str], Found] = {}
    for pattern in patterns():
        if pattern.longest not in joined:
            continue
        found = next((one for one in _found(pattern, joined, lines)), None)
        which = pattern.message.kind, pattern.message.key
        if found is not None and (which not in best or best[which].weight < found.weight):
            best[which] = found
    return sorted(best.values(), key=lambda found: -found.weight)


def _found(pattern: Pattern, joined: str, lines: str) -> Iterator[Found]:
    believed = _believed(pattern.message)
    for start, end in islice(pattern.search(joined), MOST_TRIES):
        before = lines[max(0, start - MOST_AROUND) : start].rpartition("\n")[2]
        line = before + joined[start:end] + lines[end : end + MOST_AROUND].partition("\n")[0]
        if not believed or is_believed(line, len(before), believed):
            yield Found(pattern.message, pattern.weight, line, len(before))


def is_believed(line: str, before: int, about: str = ABOUT_QEMU) -> bool:
    """Whether a text that others say, too, is meant here: by the line, or because it stands alone.

    A text about options is meant only if they are those of a migration.
    """
    alone = re.fullmatch(_ALONE, line[:before]) is not None and "--" not in line
    return alone or re.search(about, line) is not None


_ALONE = (
    r"(?:\W|error|warning|argument unsupported|authentication failed|internal error|invalid argument|numerical overflow"
    r"|operation (?:aborted|failed|not supported)|requested operation is not valid|timed out during operation"
    r"|unsupported configuration)*"
)
"""What may stand before a text that stands alone: signs, and libvirt's kinds of errors."""


FEWEST_WORDS, FEWEST_LETTERS, MOST_MEANT = 3, 12, 4
"""A part of a text has three words or more, and is a part of only a few texts."""


_ERRORS = frozenset(os.strerror(number).lower() for number in errno.errorcode)
"""The names of errno values, which are at the end of many texts."""


def find_part(text: str) -> list[Message]:
    """The texts of which this one is a part."""
    part = normalised(text).replace("\n", " ").strip(" .:'")
    if len(part.split()) < FEWEST_WORDS or len(part) < FEWEST_LETTERS or part in _ERRORS:
        return []
    meant = {one.message[:2]: one.message for one in patterns() if part in " ".join(one.parts)}
    return list(meant.values()) if len(meant) <= MOST_MEANT else []
