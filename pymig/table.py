# SPDX-License-Identifier: GPL-2.0-or-later

"""A table of the verdicts on every set in one context, made once for equal contexts."""

from __future__ import annotations

from functools import lru_cache
from operator import add, itemgetter

from pymig._core import ffi, lib
from pymig.buffers import BYTES, from_buffer
from pymig.errors import HostUnknownError
from pymig.host.host import require_host
from pymig.owned import new_checker
from pymig.qemu.rules import Verdicts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from pymig.context import Context
    from pymig.verdict import Verdict

    Row = tuple[Verdict | None, ...]
    T = TypeVar("T")

_ROWS, _CELLS = 256, 256
_PART = 128  # half a row: the fastest of 32, 64, 128 and 256

MOST_TABLES = 16
"""The most tables that are kept, of at most 1 MiB each."""


@lru_cache(maxsize=MOST_TABLES)
def rows_of(context: Context) -> list[Row]:
    """The verdict on each set with an empty old set: ``rows[mask >> 8][mask & 255]``. Sets share rows.

    None stands for what must be asked each time: an answer of a local host, a capability that the release lacks. The
    list is empty if there are too many rows (migrate_caps_table).
    """
    host, build = require_host(context.host), context.build
    owner = new_checker(context._c, host._c)
    row_of = bytearray((build._mask >> 8) + 1)
    cells, row_bytes = ffi.new("uint16_t[]", _CELLS), bytearray(_ROWS * lib.MIGRATION_ROW)
    left_out = host._host_dependent_mask(context.incoming)
    count = lib.migrate_caps_table(owner, left_out, from_buffer(BYTES, row_of), from_buffer(BYTES, row_bytes), cells)
    if count < 0:
        return []
    verdicts = Verdicts(build._c, build._mask, lib.migration_checker_message, owner, host._c)
    cell_verdicts = [_verdict(verdicts, cell) for cell in ffi.unpack(cells, _CELLS)]
    halves = _looked_up(cell_verdicts, bytes(row_bytes[: count * lib.MIGRATION_ROW]))
    rows = list(map(add, halves[::2], halves[1::2]))
    table: list[Row] = []
    for part in _looked_up(rows, bytes(row_of)):
        table += part
    return table


def _looked_up(things: list[T], numbers: bytes) -> list[tuple[T, ...]]:
    """The things with these numbers, in parts. Equal parts are looked up once, and are one object: most are equal."""
    parts = [numbers[i : i + _PART] for i in range(0, len(numbers), _PART)]
    known = {part: itemgetter(*part)(things) for part in set(parts)}
    return [known[part] for part in parts]


def _verdict(verdicts: Verdicts, cell: int) -> Verdict | None:
    if cell == lib.MIGRATION_UNDECIDED:
        return None
    code, warnings = cell & 0xFF, cell >> 8
    try:
        return verdicts.with_warnings(code, warnings) if warnings else verdicts[code]
    except HostUnknownError:
        return None
