# SPDX-License-Identifier: GPL-2.0-or-later

"""The options of QEMU's memory backends, as text."""

from __future__ import annotations

from pymig.values import wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BACKENDS = {
    "memory-backend-ram": "anonymous",
    "ram": "anonymous",
    "memory-backend-memfd": "memfd",
    "memory-backend-file": "file",
}

# Options of QEMU's memory backends that change none of pymig's answers.
_IGNORED = frozenset(
    {
        "align",
        "discard-data",
        "dump",
        "host-nodes",
        "id",
        "merge",
        "offset",
        "pmem",
        "policy",
        "prealloc",
        "prealloc-context",
        "prealloc-threads",
        "reserve",
        "rom",
        "seal",
        "x-use-canonical-path-for-ramblock-id",
    }
)

_SWITCHES = {"on": True, "off": False, "yes": True, "no": False, "true": True, "false": False}
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

MEMINFO = "/proc/meminfo"


def parse_backend(text: str) -> tuple[str, dict[str, Any]]:
    """The kind and the keywords of the Memory that the text describes."""
    if not isinstance(text, str):
        wrong_type(text, "text", "a str")
    backend, *options = text.split(",")
    name, colon, path = backend.partition(":")
    kind = _BACKENDS.get(name, name)
    keywords: dict[str, Any] = {"path": path} if colon else {}
    if name == "memory-backend-memfd":
        keywords["share"] = True
    huge = False
    for option in options:
        key, equals, value = option.partition("=")
        if key == "hugetlb":
            huge = _switch(key, value, equals)
        elif key in ("share", "readonly"):
            keywords[key] = _switch(key, value, equals)
        elif key in ("size", "page_size", "hugetlbsize") and equals:
            keywords["size" if key == "size" else "page_size"] = parse_bytes(value)
        elif key == "mem-path" and equals:
            keywords["path"] = value
        elif key not in _IGNORED:
            raise ValueError(f"{option!r} in {text!r} is not a known option of a memory backend")
    if huge and "page_size" not in keywords:
        keywords["page_size"] = _default_huge_page()
    return kind, keywords


def _switch(key: str, value: str, given: str) -> bool:
    if not given:
        return True
    if value not in _SWITCHES:
        raise ValueError(f"{key}={value}: write on or off")
    return _SWITCHES[value]


def parse_bytes(text: str) -> int:
    """The number of bytes of a text such as ``"2M"``. Raises ValueError for any other text."""
    number, unit = (text[:-1], _UNITS[text[-1:].upper()]) if text[-1:].upper() in _UNITS else (text, 1)
    if not (number.isascii() and number.isdigit() and len(number) < 20):  # noqa: PLR2004 - digits of 2**63
        raise ValueError(f"{text!r} is not a number of bytes; write e.g. 2M")
    return int(number) * unit


def _default_huge_page() -> int:
    with open(MEMINFO, encoding="ascii") as file:  # noqa: PTH123 - pathlib takes longer to import than a check
        for line in file:
            if line.startswith("Hugepagesize:"):
                return int(line.split()[1]) * 1024
    raise ValueError(f"hugetlb=on: {MEMINFO} names no size of huge pages; write hugetlbsize=")
