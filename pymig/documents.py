# SPDX-License-Identifier: GPL-2.0-or-later

"""Documents of JSON that carry a schema and a version."""

from __future__ import annotations

import json
import math

from pymig.values import escaped, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


MOST_BYTES = 16 << 20  # of a document; a host's facts have some KiB
MOST_DEPTH = 50
MOST_DIGITS = 40  # of a whole number; 64 bits have 20


def dumps(facts: Mapping[str, Any]) -> str:
    """A document as JSON."""
    return json.dumps(facts, indent=2)


def loads(text: str | bytes) -> Any:
    """A document of JSON's of bounded size that ``dumps`` can write again, or a ValueError."""
    if not isinstance(text, (str, bytes)):
        wrong_type(text, "text", "a str or bytes")
    if len(text) > MOST_BYTES:
        raise ValueError(f"text is longer than {MOST_BYTES >> 20} MiB")
    document = _plain(text)
    return _portable(text) if document is None else document


def _plain(text: str | bytes) -> Any:
    """The document of most texts, which can hold nothing that _portable refuses; None for all others.

    A lone surrogate needs a character beyond ASCII or an escape, so strings need not be looked at.
    """
    if not text.isascii() or (r"\u" if isinstance(text, str) else rb"\u") in text:  # type: ignore[operator]
        return None
    try:
        document = _decode(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError):
        return None
    return document if _is_shallow(document) else None


def _portable(text: str | bytes) -> Any:
    """The document, or a ValueError that names the place of what ``dumps`` can't write or other readers don't take."""
    try:
        document = parse(text)
    except ValueError as error:
        raise ValueError(f"text is not JSON: {error}") from None
    if not _is_portable(document):
        _require_portable(document, "text", 0)
    return document


def parse(text: str | bytes) -> Any:
    """JSON's value, with NaN and Infinity as Python's json reads them; or a ValueError."""
    try:
        return json.loads(text, parse_int=_whole_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _whole_number(digits: str) -> int:
    if len(digits) > MOST_DIGITS:  # Python before 3.10.7 would read them in quadratic time
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    """The number, or a ValueError for NaN, Infinity and what is beyond a float."""
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


_decode = json.JSONDecoder(parse_int=_whole_number, parse_float=_finite, parse_constant=_finite).decode
_encoded = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False).encode


def _is_portable(document: Any) -> bool:
    """The same as _require_portable, but faster, as a bool."""
    try:
        _encoded(document).encode()
    except (ValueError, RecursionError):
        return False
    return _is_shallow(document)


def _is_shallow(document: Any) -> bool:
    """Whether nothing in a list or an object is nested too deeply."""
    level = [document] if type(document) in _NESTING else []
    for _ in range(MOST_DEPTH):
        level = [
            member
            for value in level
            for member in (value.values() if type(value) is dict else value)
            if type(member) in _NESTING
        ]
        if not level:
            return True
    return not any(level)


_NESTING = frozenset((dict, list))


def _require_portable(value: Any, name: str, depth: int) -> None:
    """A ValueError that names the place of what JSON does not have or other readers do not take."""
    kind = type(value)
    if depth > MOST_DEPTH:
        raise ValueError(f"{name} is nested more than {MOST_DEPTH} deep")
    if kind is str:
        _require_text(value, name)
    elif kind is float and not math.isfinite(value):
        raise ValueError(f"{name} is {value}, which is no number in JSON")
    elif kind is list:
        for element in value:
            _require_portable(element, name, depth + 1)
    elif kind is dict:
        for key, member in value.items():
            _require_text(key, f"a name in {name}")
            _require_portable(member, escaped(key[:40]) if depth == 0 else f"{name}.{escaped(key[:40])}", depth + 1)


def _require_text(text: str, name: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} has a lone surrogate, which is no text: {text[:40]!a}") from None


def require_schema(document: Any, schema: str, version: str) -> None:
    """A ValueError for a document of another schema, or of another major version than this one."""
    if not isinstance(document, dict) or document.get("schema") != schema:
        raise ValueError(f'text is no such document: it has no "schema": "{schema}"')
    given = document.get("version")
    major = given.partition(".")[0] if isinstance(given, str) else ""
    if not (major.isascii() and major.isdigit()):
        raise ValueError(f"version must be a string like {version!r}, not {given!r:.40}")
    if major != version.partition(".")[0]:
        raise ValueError(f"version {given:.40} is not one that this pymig reads ({version}); use a newer pymig")


def newer_version(given: object, version: str) -> str:
    """The version to write: the document's own where that is newer than what this pymig writes."""
    try:
        mine, theirs = (tuple(map(int, str(text).split(".")[:2])) for text in (version, given))
    except ValueError:
        return version
    return str(given) if theirs > mine else version
