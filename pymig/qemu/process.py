# SPDX-License-Identifier: GPL-2.0-or-later

"""Runs a program that ends with its caller, and of which nothing is left."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pymig._core import ffi, lib

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_INT = 4  # bytes of C's int


@contextmanager
def running(command: Sequence[bytes], descriptors: Sequence[int]) -> Iterator[int]:
    """Runs the command, and ends all its processes on the way out.

    The program has exactly these descriptors, numbered from 0 on. Gives a descriptor from which ``errno_of`` reads why
    the program could not be started. Its end of file says that the program has ended.

    Raises:
        OSError: no process can be created.
    """
    words = [ffi.new("char[]", word) for word in command]
    process = ffi.gc(ffi.new("GuardedProcess *"), lib.guarded_process_end)
    try:
        arguments = ffi.new("char *[]", [*words, ffi.NULL])
        result = lib.guarded_process_start(arguments, descriptors, len(descriptors), process)
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        yield process.life
    finally:
        ffi.release(process)


def errno_of(life: int) -> int:
    """The errno of the program's start, from the descriptor that ``running`` gives; 0: it started, and has ended."""
    return int.from_bytes(os.read(life, _INT), sys.byteorder)
