# SPDX-License-Identifier: GPL-2.0-or-later

"""Caller-owned buffers, checked and converted for C."""

from __future__ import annotations

import sys

from pymig._core import ffi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pymig._core import Numbers

# The struct module's formats of an unsigned byte, and of a word of 4 or 8 bytes in native order.
_NATIVE = ("", "@", "=", "<" if sys.byteorder == "little" else ">")
_BYTE_FORMATS = frozenset(order + "B" for order in _NATIVE)
_WORD_FORMATS = frozenset(order + code for order in _NATIVE for code in "ILQ")

BYTES = ffi.typeof("uint8_t[]")
_TYPES = {4: ffi.typeof("uint32_t[]"), 8: ffi.typeof("uint64_t[]")}

from_buffer = ffi.from_buffer


def _view(buffer: object, argument: str) -> memoryview:
    try:
        view = memoryview(buffer)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"{argument} must be a buffer, such as array.array or a NumPy array, not {type(buffer).__name__}"
        ) from None
    if not view.c_contiguous:
        raise TypeError(f"{argument} must be C-contiguous; this one has strides")
    return view


def words(buffer: object, argument: str) -> tuple[Numbers, int, int]:
    """The words as C sees them, their number, and the bytes of each: 4 or 8.

    Raw bytes are read as words of 4 bytes. An array whose items are bytes is refused. Whether the words are aligned is
    for C to say.

    Raises:
        TypeError: not a buffer, or one with strides or with other items.
    """
    try:
        view = memoryview(buffer)  # type: ignore[arg-type]
        width = view.itemsize
        if view.format in _WORD_FORMATS:
            return from_buffer(_TYPES[width], view), view.nbytes // width, width
    except (TypeError, KeyError, BufferError):  # the slow way raises the right error
        pass
    return _unusual_words(buffer, argument)


def _unusual_words(buffer: object, argument: str) -> tuple[Numbers, int, int]:
    view = _view(buffer, argument)
    if view.format not in _BYTE_FORMATS or hasattr(view.obj, "itemsize") or view.nbytes % 4:
        raise TypeError(
            f"{argument} must hold uint32 or uint64 words in native order, or be raw bytes of uint32 words, "
            f"not {view.nbytes} bytes of format {view.format!r}"
        )
    return from_buffer(_TYPES[4], view), view.nbytes // 4, 4


def bytes_to_fill(buffer: object, count: int, argument: str) -> Numbers:
    """As many bytes as C sees them.

    Raises:
        TypeError: not a buffer, or one with strides, with other items, or read-only.
        ValueError: the wrong length.
    """
    view = _view(buffer, argument)
    if view.format not in _BYTE_FORMATS:
        raise TypeError(f"{argument} must hold uint8, not items of format {view.format!r}")
    if view.readonly:
        raise TypeError(f"{argument} must be writable; this one is read-only")
    if view.nbytes != count:
        raise ValueError(f"{argument} must be as long as there are masks, {count}, not {view.nbytes}")
    return from_buffer(BYTES, view)


def require_apart(c_words: Numbers, words_size: int, c_bytes: Numbers, bytes_size: int) -> None:
    """Raises ValueError if the two buffers overlap. Sizes in bytes."""
    start, out = (int(ffi.cast("uintptr_t", memory)) for memory in (c_words, c_bytes))
    if start < out + bytes_size and out < start + words_size:
        raise ValueError("out must not overlap masks")
