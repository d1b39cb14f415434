# SPDX-License-Identifier: GPL-2.0-or-later

"""Reads ends from JSON: single documents, files and streams of them."""

from __future__ import annotations

import marshal
from hashlib import blake2b
from io import BufferedReader

from pymig.context import Context
from pymig.documents import MOST_BYTES, loads
from pymig.ends.endpoint import SCHEMA, Endpoint
from pymig.host.document import FIELDS as HOST_FIELDS
from pymig.host.document import SCHEMA as HOST_SCHEMA
from pymig.host.host import Host
from pymig.qemu.build import QemuBuild
from pymig.values import wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, BinaryIO, TypeVar

    V = TypeVar("V")

ENDPOINT_FIELDS = ("schema", "version", *Endpoint._names())

MOST_REMEMBERED = 4096
"""Documents whose ends are remembered."""


class Reader:
    """Reads ends. What was read already is not read again: neither an equal text, nor one that decides the same.

    Args:
        build: which QEMU an end has whose document says only what its host can do; the newest by default.
    """

    __slots__ = ("_build", "_contents", "_contexts", "_texts")

    def __init__(self, build: QemuBuild | None = None) -> None:
        self._build = QemuBuild.newest() if build is None else build
        self._contexts: dict[bytes, Context] = {}
        self._contents: dict[bytes, Endpoint] = {}
        self._texts: dict[bytes, tuple[str | None, Endpoint]] = {}

    def read(self, text: str | bytes) -> tuple[str | None, Endpoint]:
        """The name that the document gives, if any, and an end that answers as the document's.

        Raises:
            ValueError: not such a document, or one of another major version.
            TypeError: a field has the wrong type; the text names it.
            MigrationError: QEMU would refuse the document's parameters.
        """
        digest = _digest(text.encode(errors="surrogatepass") if isinstance(text, str) else text)
        return _once(self._texts, digest, lambda: self._parsed(text))

    def _parsed(self, text: str | bytes) -> tuple[str | None, Endpoint]:
        document = loads(text)
        schema = document.get("schema") if isinstance(document, dict) else None
        if schema not in (SCHEMA, HOST_SCHEMA):
            raise ValueError(f'text is no end: its "schema" is neither "{SCHEMA}" nor "{HOST_SCHEMA}"')
        name = document.pop("name", None)
        if name is not None and not isinstance(name, str):
            wrong_type(name, "name", "a str")
        deciding = deciding_in_host(document) if schema == HOST_SCHEMA else deciding_in_endpoint(document)
        return name, _once(self._contents, _exactly(deciding), lambda: self._end_of(deciding))

    def _end_of(self, document: dict[str, Any]) -> Endpoint:
        if document["schema"] == HOST_SCHEMA:
            return Endpoint(Context(self._build, Host._from_dict(document)))
        return Endpoint._from_dict(document, self._context_of)

    def _context_of(self, document: Any) -> Context:
        return _once(self._contexts, _exactly(document), lambda: Context._from_dict(document))


def deciding_in_host(document: Any) -> Any:
    """What decides of a host's document. What is no document stays as it is."""
    return {name: document[name] for name in HOST_FIELDS if name in document} if type(document) is dict else document


def deciding_in_endpoint(document: dict[str, Any]) -> dict[str, Any]:
    """What decides of an end's document."""
    deciding = {name: document[name] for name in ENDPOINT_FIELDS if name in document}
    context = document.get("context")
    if type(context) is dict and "host" in context:
        deciding["context"] = {**context, "host": deciding_in_host(context["host"])}
    return deciding


def _exactly(document: Any) -> bytes:
    """A key: equal for two documents if and only if their values, of equal types, are equal and in the same order."""
    return _digest(marshal.dumps(document, 2))  # version 2 depends on nothing but the values


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=32).digest()


def _once(known: dict[bytes, V], key: bytes, make: Callable[[], V]) -> V:
    """What is known by this key; it is made if it is not known."""
    if key not in known:
        made = make()
        if len(known) == MOST_REMEMBERED:
            known.clear()
        known[key] = made
    return known[key]


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

    A line ``}{``, where two files without a last newline meet, is two. Lines within a document may come as one.
    """
    number, inside = 1, False
    while line := _block(stream) if inside else stream.readline(MOST_BYTES + 1):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(MOST_BYTES + 1)
        if line.startswith(b"}{"):
            yield number, line[:1]
            line = line[1:]
        yield number, line
        number += line.count(b"\n") or 1
        if line.startswith((b"{", b"}")):
            inside = line.startswith(b"{") and not line.rstrip().endswith(b"}")


def _block(stream: BinaryIO) -> bytes:
    """The lines that are in the stream's buffer before the next one that begins with a brace; or just the next line."""
    ahead = stream.peek() if isinstance(stream, BufferedReader) else b""
    if ahead and not ahead.startswith((b"{", b"}")):
        ends = [end for end in (ahead.find(b"\n{"), ahead.find(b"\n}")) if end >= 0]
        size = (min(ends) if ends else ahead.rfind(b"\n")) + 1
        if size:
            return stream.read(size)
    return stream.readline(MOST_BYTES + 1)
