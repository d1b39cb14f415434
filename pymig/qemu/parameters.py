# SPDX-License-Identifier: GPL-2.0-or-later

"""The migration parameters: names, types and values."""

from __future__ import annotations

from pymig._core import lib
from pymig.release import rows, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    MultiFDCompression = Literal["none", "zlib", "zstd", "qatzip", "qpl", "uadk"]
    MigMode = Literal["normal", "cpr-reboot", "cpr-transfer", "cpr-exec"]
    ZeroPageDetection = Literal["none", "legacy", "multifd"]

NAMES: tuple[str, ...] = tuple(map(text, rows(lib.migration_parameter_name)))
"""Every parameter's QMP name, indexed by C's numbers."""

PARAMETERS: dict[str, int] = {name: i for i, name in enumerate(NAMES)}
"""C's number of every parameter, by its QMP name."""

_TYPE_NAMES = {
    lib.PARAMETER_BOOL: "bool",
    lib.PARAMETER_STRING: "str",
    lib.PARAMETER_ENUM: "str",
    lib.PARAMETER_STRINGS: "list",
    lib.PARAMETER_BITMAPS: "list",
}


def type_of(name: str) -> str:
    """The Python type of a parameter's value; ``"str"`` for an unknown parameter."""
    if name not in PARAMETERS:
        return "str"
    return _TYPE_NAMES.get(lib.migration_parameter_type(PARAMETERS[name]), "int")


def values_of(parameter: int) -> tuple[str, ...]:
    """The values of an enum parameter in all releases, indexed by C's numbers; empty for other parameters."""
    return tuple(map(text, rows(lambda number: lib.migration_parameter_value_name(parameter, number))))


COMPRESSIONS = values_of(lib.MIGRATION_PARAMETER_MULTIFD_COMPRESSION)
"""The values of multifd-compression in all builds."""
