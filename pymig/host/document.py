# SPDX-License-Identifier: GPL-2.0-or-later

"""The facts about a host as JSON."""

from __future__ import annotations

import errno as errno_names

from pymig._core import lib
from pymig.documents import newer_version, require_schema
from pymig.host.facts import (
    LEGACY_VARIANTS,
    REFERENCE,
    HostFacts,
    PostcopySupport,
    is_inconclusive,
    write_tracking_of,
)
from pymig.values import wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SCHEMA = "pymig-host"
_VERSION = "1.2"

FIELDS = (
    "schema",
    "version",
    "page_size",
    "write_tracking",
    "write_tracking_ignore_shared",
    "write_tracking_ignore_shared_files",
    "write_tracking_errno",
    "postcopy",
    "older",
)
"""The fields that are read; all others are only kept."""


def document_of(facts: Mapping[int, HostFacts], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of every variant as a dict for JSON; ``extra`` are fields that only a newer pymig knows."""
    legacy = extra.get("older", {})
    return {
        **extra,
        "schema": SCHEMA,
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
    require_schema(document, SCHEMA, _VERSION)
    try:
        _number_of_bytes(document.get("page_size", 0), "page_size")
        reference = _facts_from_json(document)
        legacy = _object(document.get("older", {}), "older")
        facts = {REFERENCE: reference}
        for name, variant in LEGACY_VARIANTS.items():
            facts[variant] = _facts_from_json(_object(legacy[name], f"older.{name}")) if name in legacy else reference
    except KeyError as error:
        raise ValueError(f"text lacks the field {error}") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"text: {error}") from None
    return facts


def _facts_as_json(facts: HostFacts, extra: Mapping[str, Any]) -> dict[str, Any]:
    support = facts.postcopy
    return {
        "write_tracking": facts.write_tracking,
        "write_tracking_ignore_shared": facts.ignore_shared,
        "write_tracking_ignore_shared_files": facts.ignore_shared_files,
        "write_tracking_errno": _errno_name(facts.errno),
        "postcopy": {
            **extra.get("postcopy", {}),
            "ok": support.ok if support.known else None,
            "step": support.step,
            "errno": _errno_name(support.errno),
            "detail": support.detail,
            "block_length": support._block[0],
            "block_page_size": support._block[1],
            "message": support.message,
        },
    }


def _object(value: Any, name: str) -> dict[str, Any]:
    if type(value) is not dict:
        wrong_type(value, name, "an object")
    return value


def _number_of_bytes(value: object, name: str) -> None:
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise ValueError(f"{name} must be a number of bytes")


def _errno_name(number: int) -> str | None:
    return errno_names.errorcode.get(number, str(number)) if number else None


def _errno_number(name: object, field: str) -> int:
    if name is None:
        return 0
    number = getattr(errno_names, name, None) if isinstance(name, str) and name.startswith("E") else None
    if isinstance(number, int):
        return number
    if isinstance(name, str) and name.isascii() and name.isdigit():
        return int(name[:9])
    raise ValueError(f"{field} must be null or an errno's name, not {name!r:.40}")


def _errno_of_unknown(name: object, field: str) -> int:
    """The errno for which a fact is unknown."""
    number = _errno_number(name, field) or int(lib.PYMIG_ERROR_UNKNOWN)
    if not is_inconclusive(number):
        raise ValueError(f"{field} is {name}, with which nothing is unknown")
    return number


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
        _number_of_bytes(number, f"postcopy.{name}")
    return numbers  # type: ignore[return-value]


def _facts_from_json(facts: Mapping[str, Any]) -> HostFacts:
    postcopy = _object(facts["postcopy"], "postcopy")
    message = postcopy.get("message")
    unknown = postcopy["ok"] is None
    support = PostcopySupport._make(
        False if unknown else postcopy["ok"],
        postcopy.get("step", 0),
        (_errno_of_unknown if unknown else _errno_number)(postcopy.get("errno"), "postcopy.errno"),
        None if message == "" else message,
        postcopy.get("detail", 0),
        _block_of(postcopy, message),
    )
    tracking = write_tracking_of(facts["write_tracking"], "write_tracking")
    ignoring = write_tracking_of(facts.get("write_tracking_ignore_shared", tracking), "write_tracking_ignore_shared")
    files = facts.get("write_tracking_ignore_shared_files", ignoring)
    error = _errno_of_unknown(facts.get("write_tracking_errno"), "write_tracking_errno")
    return HostFacts(tracking, ignoring, write_tracking_of(files, "write_tracking_ignore_shared_files"), support, error)
