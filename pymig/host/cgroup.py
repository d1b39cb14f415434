# SPDX-License-Identifier: GPL-2.0-or-later

"""The cgroups of a process, and how many huge pages they let it have."""

from __future__ import annotations

import errno
import os

from pymig._core import ffi, lib

_PATH_MAX = 4096

_FILES = (
    ("max", "current"),
    ("rsvd.max", "rsvd.current"),
    ("limit_in_bytes", "usage_in_bytes"),
    ("rsvd.limit_in_bytes", "rsvd.usage_in_bytes"),
)
"""A limit, and what counts against it: pages in use, and reserved ones; in version 2, and in version 1."""


def huge_pages_left(pid: int, size: int) -> tuple[int, str] | None:
    """How many more huge pages the process's cgroup and those above let it have, and the file that says so.

    Args:
        pid: the process's number.
        size: of a huge page, in bytes.

    Returns:
        None if there is no limit.

    Raises:
        OSError: the cgroup can't be found, or a limit can't be read.
    """
    folder, left = cgroup_of(pid, "hugetlb") or cgroup_of(pid, ""), []
    while len(folder) > 1:
        for limit, usage in _FILES:
            path = f"{folder}/hugetlb.{_shown(size)}."
            most = _bytes(path + limit)
            if most is not None:
                left.append((max(most - (_bytes(path + usage) or 0), 0) // size, path + limit))
        folder = os.path.dirname(folder)  # noqa: PTH120 - pathlib takes long to import
    return min(left, default=None)


def cgroup_of(pid: int, controller: str) -> str:
    """The folder of the process's cgroup in the hierarchy of this controller, "" for version 2; "" if there is none.

    Raises:
        OSError: it can't be found.
    """
    path = ffi.new("char[]", _PATH_MAX)
    result = lib.process_cgroup(pid, controller.encode(), path, _PATH_MAX)
    if result == -errno.ENODEV:
        return ""
    if result < 0:
        raise OSError(-result, f"the cgroup of process {pid}: {os.strerror(-result)}")
    return os.fsdecode(ffi.string(path))


def _shown(size: int) -> str:
    """As the kernel writes it in the names of these files."""
    return f"{size >> 30}GB" if size >> 30 else f"{size >> 20}MB" if size >> 20 else f"{size >> 10}KB"


def _bytes(path: str) -> int | None:
    """The number in this file; None if there is no such file, or no limit."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - likewise
            text = file.read().strip()
    except FileNotFoundError:
        return None
    return None if text == b"max" else int(text)
