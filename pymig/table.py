# SPDX-License-Identifier: GPL-2.0-or-later

"""A table of the verdicts on every set in one context, made once for equal contexts."""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter

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

_ROWS, _CELLS, _PART = 256, 256, 256

MOST_TABLES = 16
"""The most tables that are kept, of at most 0.7 MiB each."""


@lru_cache(maxsize=MOST_TABLES)
def rows_of(context: Context) -> list[Row]:
    """The verdict on each set with an empty old set: ``rows[mask >> 8][mask & 255]``. Equal rows are one object.

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
    starts = range(0, count * lib.MIGRATION_ROW, lib.MIGRATION_ROW)
    rows = _picked(cell_verdicts, [bytes(row_bytes[i : i + lib.MIGRATION_ROW]) for i in starts])
    parts = [bytes(row_of[i : i + _PART]) for i in range(0, len(row_of), _PART)]
    table: list[Row] = []
    for part in _picked(rows, parts):
        table += part
    return table


def _picked(things: list[T], numbers: list[bytes]) -> list[tuple[T, ...]]:
    """For each list of numbers, the things with these numbers. Equal lists give one object."""
    picked = {each: itemgetter(*each)(things) for each in set(numbers)}
    return [picked[each] for each in numbers]


def _verdict(verdicts: Verdicts, cell: int) -> Verdict | None:
    if cell == lib.MIGRATION_UNDECIDED:
        return None
    code, warnings = cell & 0xFF, cell >> 8
    try:
        return verdicts.with_warnings(code, warnings) if warnings else verdicts[code]
    except HostUnknownError:
        return None
