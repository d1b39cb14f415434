"""The facts about a host as JSON."""

from __future__ import annotations

import errno as errno_names

from pymig._core import lib
from pymig.documents import newer_version, require_schema
from pymig.host.facts import LEGACY_VARIANTS, REFERENCE, HostFacts, PostcopySupport, write_tracking_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_SCHEMA = "pymig-host"
_VERSION = "1.1"


def document_of(facts: Mapping[int, HostFacts], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of every variant as a dict for JSON; ``extra`` are fields that only a newer pymig knows."""
    legacy = extra.get("older", {})
    return {
        **extra,
        "schema": _SCHEMA,
        "version": newer_version(extra.get("version"), _VERSION),
        **_facts_as_json(facts[REFERENCE], extra),
        "older": {
            **legacy,
            **{name: _facts_as_json(facts[variant], legacy.get(name, {})) for name, variant in LEGACY_VARIANTS.items()},
        },
    }


def facts_of_document(document: Any) -> dict[int, HostFacts]:
    """The facts of every variant.

    Raises:
        ValueError: no document of facts, or of a newer major version.
    """
    require_schema(document, _SCHEMA, _VERSION)
    try:
        reference = _facts_from_json(document)
        legacy = _object(document.get("older", {}), "older")
        facts = {REFERENCE: reference}
        for name, variant in LEGACY_VARIANTS.items():
            facts[variant] = _facts_from_json(_object(legacy[name], name)) if name in legacy else reference
    except KeyError as error:
        raise ValueError(f"text lacks the field {error}") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"text: {error}") from None
    return facts


def _facts_as_json(facts: HostFacts, extra: Mapping[str, Any]) -> dict[str, Any]:
    support = facts.postcopy
    name = errno_names.errorcode.get(support.errno, str(support.errno)) if support.errno else None
    return {
        "write_tracking": facts.write_tracking,
        "write_tracking_ignore_shared": facts.ignore_shared,
        "write_tracking_ignore_shared_files": facts.ignore_shared_files,
        "postcopy": {
            **extra.get("postcopy", {}),
            "ok": support.ok,
            "step": support.step,
            "errno": name,
            "detail": support.detail,
            "block_length": support._block[0],
            "block_page_size": support._block[1],
            "message": support.message,
        },
    }


def _object(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{field} must be an object, not {type(value).__name__}")  # noqa: TRY004 - a document's text
    return value


def _errno_number(name: object) -> int:
    if name is None:
        return 0
    number = getattr(errno_names, name, None) if isinstance(name, str) and name.startswith("E") else None
    if isinstance(number, int):
        return number
    if isinstance(name, str) and name.isascii() and name.isdigit():
        return int(name[:9])
    raise ValueError(f"postcopy.errno must be null or an errno's name, not {name!r:.40}")


def _block_of(postcopy: Mapping[str, Any], message: object) -> tuple[int, int]:
    """Length and page size of the block that failed at step 8; documents of version 1.0 have them only in the text."""
    numbers = (postcopy.get("block_length"), postcopy.get("block_page_size"))
    if numbers == (None, None):
        words = (
            message.split()
            if isinstance(message, str) and postcopy.get("step") == lib.POSTCOPY_STEP_BLOCK_LENGTH
            else []
        )
        numbers = tuple(int(word, 16) for word in words if word.startswith("0x"))[:2] or (0, 0)  # type: ignore[assignment]
    for name, number in zip(("block_length", "block_page_size"), numbers, strict=True):
        if type(number) is not int or not 0 <= number < 1 << 64:
            raise ValueError(f"postcopy.{name} must be a number of bytes")
    return numbers  # type: ignore[return-value]


def _facts_from_json(facts: Mapping[str, Any]) -> HostFacts:
    postcopy = _object(facts["postcopy"], "postcopy")
    message = postcopy.get("message")
    support = PostcopySupport._make(
        postcopy["ok"],
        postcopy.get("step", 0),
        _errno_number(postcopy.get("errno")),
        message or None,
        postcopy.get("detail", 0),
        _block_of(postcopy, message),
    )
    tracking = write_tracking_of(facts["write_tracking"], "write_tracking")
    ignoring = write_tracking_of(facts.get("write_tracking_ignore_shared", tracking), "write_tracking_ignore_shared")
    files = facts.get("write_tracking_ignore_shared_files", ignoring)
    return HostFacts(tracking, ignoring, write_tracking_of(files, "write_tracking_ignore_shared_files"), support)
