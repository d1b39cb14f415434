# SPDX-License-Identifier: GPL-2.0-or-later

"""Reads what people type after ``virsh``."""

from __future__ import annotations

from pymig.libvirt.flags import BITS, LIMITS, OPTIONS, Flags
from pymig.libvirt.sent import LibvirtRefusal
from pymig.values import wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, NoReturn

    from pymig.libvirt.flags import Option
    from pymig.libvirt.version import Version

GLOBAL_VALUES = (
    "c",
    "connect",
    "d",
    "debug",
    "e",
    "escape",
    "k",
    "keepalive-interval",
    "K",
    "keepalive-count",
    "l",
    "log",
)
GLOBAL_SWITCHES = ("h", "help", "q", "quiet", "r", "readonly", "t", "timing", "v", "V", "version", "no-pkttyagent")
"""virsh's own options, before the command."""

MOST_DIGITS = 20


def split(options: object) -> list[str]:
    """The words of a string, quoted as in a shell, or of a list.

    Raises:
        TypeError, ValueError: neither words nor a text of words.
    """
    if isinstance(options, str):
        import shlex  # noqa: PLC0415 - only here

        try:
            return shlex.split(options)
        except ValueError as error:
            raise ValueError(f"options can't be split into words: {error}") from None
    if not isinstance(options, (list, tuple)) or not all(isinstance(word, str) for word in options):
        wrong_type(options, "options", "virsh's words (a str, or a list of str) or Flags")
    return list(options)


def command_of(words: Sequence[str], commands: Sequence[str]) -> tuple[str, list[str]]:
    """The command and its arguments; ``migrate`` if the words are only its options."""
    rest = list(words)
    if rest and rest[0].rpartition("/")[2] == "virsh":
        rest = _without_global(rest[1:])
        if not rest:
            raise ValueError("options: virsh is given no command")
        if rest[0] not in commands:
            raise ValueError(f"options: virsh {rest[0]!r:.40} is not known here; known are {', '.join(commands)}")
    return (rest[0], rest[1:]) if rest and rest[0] in commands else ("migrate", rest)


def _without_global(words: list[str]) -> list[str]:
    """The words from the command on."""
    while words and words[0].startswith("-"):
        name, _, value = words[0].lstrip("-").partition("=")
        short = not words[0].startswith("--")
        if (name[:1] if short else name) in GLOBAL_VALUES:
            words = words[1 if value or (short and len(name) > 1) else 2 :]
        elif name in GLOBAL_SWITCHES:
            words = words[1:]
        else:
            raise ValueError(f"options: virsh has no option {words[0]!r:.40} before its command")
    return words


def read(command: str, words: Sequence[str], options: Sequence[Option], version: Version) -> dict[str, Any]:
    """The options of a command that are given: their texts, True for a switch.

    Raises:
        LibvirtRefusal: virsh refuses them.
    """
    known = {option.word: option for option in options if option.since <= version}
    given: dict[str, Any] = {}
    left = iter(words)
    for word in left:
        if word == "--":
            for data in left:
                _take_positional(given, known, data)
        elif word.startswith("--"):
            _take_option(given, known, command, word, left)
        else:
            _take_positional(given, known, word)
    return given


def convert(given: dict[str, Any], options: Iterable[Option]) -> None:
    """Replaces the texts of these options by their values, in the options' order.

    Raises:
        LibvirtRefusal: virsh refuses a text.
    """
    for option in options:
        text = given.get(option.word)
        if isinstance(text, str):
            given[option.word] = _value(option, text)


def flags_of(given: Mapping[str, Any]) -> Flags:
    """What virsh migrate makes of its options for the library."""
    options = [option for option in OPTIONS if option.word in given]
    typed = {option.field: given[option.word] for option in options if option.field}
    return Flags(sum(BITS[option.flag] for option in options if option.flag), typed)


def _take_option(given: dict[str, Any], known: dict[str, Option], command: str, word: str, left: Iterator[str]) -> None:
    name, equals, value = word[2:].partition("=")
    if name not in known:
        refuse(f"command '{command}' doesn't support option --{name}")
    option = known[name]
    if name in given and option.takes != "words":
        refuse(f"option --{name} already seen")
    if not option.takes:
        if equals:
            refuse(f"invalid '=' after option --{name}")
        given[name] = True
        return
    text = value if equals else next(left, None)
    if text is None:
        kind = "number" if option.takes in LIMITS else "string"
        refuse(f"expected syntax: --{name} <{kind}>")
    given[name] = text


def _take_positional(given: dict[str, Any], known: dict[str, Option], text: str) -> None:
    """The first option that takes a value and has none yet."""
    free = (
        option for option in known.values() if option.takes and (option.takes == "words" or option.word not in given)
    )
    option = next(free, None)
    if option is None:
        refuse(f"unexpected data '{text}'")
    given[option.word] = text


def _value(option: Option, text: str) -> object:
    if option.takes in LIMITS:
        number, (least, most) = _number(text), LIMITS[option.takes]
        if number is None or not least <= number <= most:
            refuse(f"Numeric value '{text}' for <{option.word}> option is malformed or out of range")
        return number
    if not text:
        refuse(f"Failed to get option '{option.word}': Option argument is empty")
    return tuple(text.split(",")) if option.takes == "list" else text


def _number(text: str) -> int | None:
    """As C's strtol reads it with base 10."""
    unsigned = text.lstrip()
    digits = unsigned[1:] if unsigned[:1] in {"-", "+"} else unsigned
    return int(unsigned) if digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS else None


def refuse(message: str) -> NoReturn:
    """Raises virsh's own refusal."""
    raise LibvirtRefusal(message, stage="virsh")
