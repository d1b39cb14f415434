"""Documents of JSON that carry a schema and a version."""

from __future__ import annotations

import json

from pymig.values import wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def dumps(facts: Mapping[str, Any]) -> str:
    """A document as JSON."""
    return json.dumps(facts, indent=2)


def loads(text: str | bytes) -> Any:
    """A document of JSON's, or a ValueError."""
    if not isinstance(text, (str, bytes)):
        wrong_type(text, "text", "a str or bytes")
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"text is not JSON: {error}") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON's")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text:.40} is too large")
    return number


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
