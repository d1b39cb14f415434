"""Reads ends from JSON: single documents, files and streams of them."""

from __future__ import annotations

import marshal
from hashlib import blake2b

from pymig.context import Context
from pymig.documents import MOST_BYTES, parse_document, require_portable
from pymig.ends.endpoint import SCHEMA, Endpoint
from pymig.host.host import Host
from pymig.qemu.build import QemuBuild
from pymig.values import wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO, TypeVar

    V = TypeVar("V")

HOST_SCHEMA = "pymig-host"

MOST_REMEMBERED = 4096
"""Documents whose ends are remembered."""


class Reader:
    """Reads ends. What was read already is not read again: neither an equal text, nor one with just another name.

    Args:
        build: which QEMU an end has whose document says only what its host can do; the newest by default.
    """

    __slots__ = ("_build", "_contents", "_texts")

    def __init__(self, build: QemuBuild | None = None) -> None:
        self._build = QemuBuild.newest() if build is None else build
        self._contents: dict[bytes, Endpoint] = {}
        self._texts: dict[bytes, tuple[str | None, Endpoint]] = {}

    def read(self, text: str | bytes) -> tuple[str | None, Endpoint]:
        """The name that the document gives, if any, and the end.

        Raises:
            ValueError: not such a document, or one of another major version.
            TypeError: a field has the wrong type; the text names it.
            MigrationError: QEMU would refuse the document's parameters.
        """
        digest = _digest(text.encode(errors="surrogatepass") if isinstance(text, str) else text)
        if digest not in self._texts:
            found = self._parsed(text)
            self._texts = _with_room(self._texts)
            self._texts[digest] = found
        return self._texts[digest]

    def _parsed(self, text: str | bytes) -> tuple[str | None, Endpoint]:
        document = parse_document(text)
        name = document.pop("name", None) if isinstance(document, dict) else None
        if name is not None and not isinstance(name, str):
            wrong_type(name, "name", "a str")
        require_portable({"name": name})
        content = _digest(marshal.dumps(document, 2))  # version 2 depends on nothing but the values
        if content not in self._contents:
            require_portable(document)
            end = self._end_of(document)
            self._contents = _with_room(self._contents)
            self._contents[content] = end
        return name, self._contents[content]

    def _end_of(self, document: Any) -> Endpoint:
        schema = document.get("schema") if isinstance(document, dict) else None
        if schema == SCHEMA:
            return Endpoint._from_dict(document)
        if schema == HOST_SCHEMA:
            return Endpoint(Context(self._build, Host._from_dict(document)))
        raise ValueError(f'text is no end: its "schema" is neither "{SCHEMA}" nor "{HOST_SCHEMA}"')


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=32).digest()


def _with_room(remembered: dict[bytes, V]) -> dict[bytes, V]:
    return remembered if len(remembered) < MOST_REMEMBERED else {}


def documents(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The documents of a stream: JSON Lines, or what pymig prints, one after another; each after its line's number.

    A document begins with ``{`` at the start of a line. It ends with a line that starts with ``}``, or, if it is all on
    one line, with that line. So what is damaged spoils nothing behind it. What is too long is cut off, so that whoever
    reads it sees that.
    """
    text, start = bytearray(), 0
    for number, line in _lines(stream):
        if line.startswith(b"{") and text:
            yield start, bytes(text)
            text.clear()
        if not text:
            start = number
        if text or line.strip():
            text += line[: MOST_BYTES + 1 - len(text)]
        if text and (line.startswith(b"}") or (line.startswith(b"{") and line.rstrip().endswith(b"}"))):
            yield start, bytes(text)
            text.clear()
    if text:
        yield start, bytes(text)


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Each line, or of a longer one as much as shows that it is too long; after its number.

    A line ``}{``, where two files without a last newline meet, is two.
    """
    number = 0
    while line := stream.readline(MOST_BYTES + 1):
        number += 1
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(MOST_BYTES + 1)
        if line.startswith(b"}{"):
            yield number, line[:1]
            line = line[1:]
        yield number, line
