# SPDX-License-Identifier: GPL-2.0-or-later

"""Builds ``pymig._core`` with cffi, from the declarations of the public header."""

import os
import re
from pathlib import Path

import cffi

HERE = Path(__file__).resolve().parent


def declarations(header: str) -> str:
    """The header without what cffi can't parse: directives, linkage, visibility."""
    plain = re.sub(r"^#.*(?:\\\n.*)*\n", "", header, flags=re.MULTILINE)
    return plain.replace('extern "C" {\n', "").replace("\n}\n", "\n").replace("PYMIG_API ", "")


ffi = cffi.FFI()
ffi.cdef(declarations((HERE / "pymig.h").read_text()))
ffi.set_source(
    "pymig._core",
    '#include "pymig.h"',
    sources=sorted(f"csrc/{source.relative_to(HERE)}" for source in HERE.rglob("*.c")),
    depends=sorted(f"csrc/{header.relative_to(HERE)}" for header in HERE.rglob("*.h")),
    include_dirs=["csrc"],
    extra_compile_args=[
        "-std=c11",
        "-O3",
        "-fvisibility=hidden",
        f"-fdebug-prefix-map={HERE.parent}=.",  # where it was built does not count
        *os.environ.get("PYMIG_CFLAGS", "").split(),
    ],
)
