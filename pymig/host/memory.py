# SPDX-License-Identifier: GPL-2.0-or-later

"""What backs the guest's memory."""

from __future__ import annotations

import os
import stat

from pymig._core import ffi, lib
from pymig.values import Value, require_bool, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from typing_extensions import Self

_KINDS: dict[str, int] = {
    "anonymous": lib.RAM_BLOCK_ANONYMOUS,
    "memfd": lib.RAM_BLOCK_MEMFD,
    "file": lib.RAM_BLOCK_FILE,
}


def _size(value: object, argument: str) -> int | None:
    if value is None:
        return None
    if type(value) is not int:
        raise TypeError(f"{argument} must be an int or None, not {type(value).__name__}")
    if not 0 < value < 1 << 63:
        raise ValueError(f"{argument} must be a positive number of bytes below 2**63")
    return value


class Memory(Value):
    """What backs one block of the guest's memory, as a QEMU memory backend creates it. Immutable.

    Args:
        kind: ``"anonymous"`` (memory-backend-ram), ``"memfd"`` (memory-backend-memfd) or ``"file"``
            (memory-backend-file).
        path: for a file: an existing file or folder, as in ``mem-path``. It is not changed.
        share: mapped shared (``share=on``), not private.
        size: the backend's size in bytes. By default, one page of the backing memory.
        page_size: for a memfd: the size of its huge pages in bytes (``hugetlbsize``). Other kinds have the page size
            of their backing memory.
        readonly: the guest never writes to it; QEMU skips such blocks when it checks write tracking.

    Raises:
        ValueError: an unknown kind; a path without kind="file" or the reverse; a page_size that is not a power of two.
    """

    __slots__ = ("kind", "page_size", "path", "readonly", "share", "size")

    kind: str
    path: str | None
    share: bool
    size: int | None
    page_size: int | None
    readonly: bool

    def __new__(
        cls,
        kind: str = "anonymous",
        *,
        path: str | os.PathLike[str] | None = None,
        share: bool = False,
        size: int | None = None,
        page_size: int | None = None,
        readonly: bool = False,
    ) -> Self:
        """See the class."""
        if not isinstance(kind, str):
            wrong_type(kind, "kind", "a str")
        if kind not in _KINDS:
            raise ValueError(f"kind must be one of {', '.join(_KINDS)}, not {kind[:40]!r}")
        if (path is not None) != (kind == "file"):
            raise ValueError("path must be given for kind 'file', and for no other")
        if page_size is not None and kind != "memfd":
            raise ValueError("page_size can be given only for kind 'memfd'")
        plain = _size(page_size, "page_size")
        if plain is not None and plain & (plain - 1):
            raise ValueError("page_size must be a power of two")
        self = object.__new__(cls)
        self._set(
            kind=kind,
            path=None if path is None else _path(path),
            share=require_bool(share, "share"),
            size=_size(size, "size"),
            page_size=plain,
            readonly=require_bool(readonly, "readonly"),
        )
        return self

    @classmethod
    def parse(cls, text: str) -> Self:
        """The memory that a text describes: the options of a QEMU memory backend, or pymig's short form.

        ``"memory-backend-memfd,share=on,hugetlb=on,hugetlbsize=2M"``, ``"memfd,share=on,hugetlbsize=2M"``,
        ``"file,mem-path=/dev/shm,share=on"``, ``"file:/dev/shm,share"``. A memory-backend-memfd is shared unless
        the text says otherwise, as in QEMU. Options that don't affect the answers, such as ``id``, are ignored.

        Raises:
            ValueError: an unknown kind or option, which the error names.
        """
        from pymig.host.backend import parse_backend  # noqa: PLC0415 - a check needs none

        kind, keywords = parse_backend(text)
        return cls(kind, **keywords)

    def __repr__(self) -> str:
        plain = {"path": None, "share": False, "size": None, "page_size": None, "readonly": False}
        given = ((name, getattr(self, name)) for name in plain)
        rest = "".join(f", {name}={value!r}" for name, value in given if value != plain[name])
        return f"Memory({self.kind!r}{rest})"

    def __reduce__(self) -> tuple[object, ...]:
        return (_memory, (self.kind, self.path, self.share, self.size, self.page_size, self.readonly))


def _memory(
    kind: str, path: str | None, share: bool, size: int | None, page_size: int | None, readonly: bool
) -> Memory:
    return Memory(kind, path=path, share=share, size=size, page_size=page_size, readonly=readonly)


def _path(path: object) -> str:
    try:
        plain = os.fspath(path)  # type: ignore[call-overload]
    except TypeError:
        plain = None
    if not isinstance(plain, str):
        raise TypeError(f"path must be a str or a path, not {type(path).__name__}")
    if not plain or "\0" in plain:
        raise ValueError("path must not be empty or contain a NUL character")
    try:
        os.fsencode(plain)
    except UnicodeEncodeError:
        raise ValueError("path must be text that a file name can be") from None
    return plain


# ---- As C sees them ----


class RamBlocks:
    """Blocks of memory as C's RamBlock[]."""

    __slots__ = ("_paths", "c", "memory")

    memory: tuple[Memory, ...]
    c: Any

    def __init__(self, memory: Iterable[Memory], root: str = "", *, in_use: bool = False) -> None:
        """``root``: where the root directory is below which the paths are; ``in_use``: as C has it."""
        self.memory = _memory_blocks(memory)
        for block in self.memory:
            if block.path is not None:
                _check_backing_path(block.path, root)
        self._paths = [ffi.NULL if b.path is None else ffi.new("char[]", os.fsencode(b.path)) for b in self.memory]
        self.c = ffi.new(
            "RamBlock[]",
            [
                (_KINDS[b.kind], b.share, b.readonly, in_use, b.size or 0, b.page_size or 0, path)
                for b, path in zip(self.memory, self._paths, strict=True)
            ],
        )

    def __len__(self) -> int:
        return len(self.memory)


def _check_backing_path(path: str, root: str) -> None:
    """Raises OSError or ValueError unless the path is a file or a folder."""
    mode = os.stat(root + path).st_mode  # noqa: PTH116 - pathlib takes longer to import than a check
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ValueError(f"path must be a regular file or a folder, which {path!r} is not")


def _memory_blocks(memory: Iterable[Memory]) -> tuple[Memory, ...]:
    if isinstance(memory, Memory):
        raise TypeError("memory must be an iterable of Memory; for one block, write (block,)")
    try:
        blocks = tuple(memory)
    except TypeError:
        raise TypeError(f"memory must be an iterable of Memory, not {type(memory).__name__}") from None
    for block in blocks:
        if not isinstance(block, Memory):
            raise TypeError(f"memory must hold Memory objects, not {type(block).__name__}")
    return blocks


NO_MEMORY = RamBlocks(())
_ANONYMOUS = RamBlocks((Memory(),))

DEFAULT_MEMORY = _ANONYMOUS.memory
"""The default of ``memory``. Its blocks are made once."""


def blocks_of(memory: Iterable[Memory]) -> RamBlocks:
    """The blocks of this memory."""
    return _ANONYMOUS if memory is DEFAULT_MEMORY else RamBlocks(memory)
