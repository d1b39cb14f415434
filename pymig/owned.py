# SPDX-License-Identifier: GPL-2.0-or-later

"""Ownership of C objects.

Each C object has one owner, which frees it when the owner is garbage-collected. If an object borrows another one, its
owner keeps the other owner alive, so nothing is freed while in use.
"""

from __future__ import annotations

import errno

from pymig._core import ffi, lib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _made(kind: str, make: Callable[..., int], free: Callable[[Any], None], *arguments: Any) -> Any:
    place = ffi.new(f"{kind} **")
    result = make(*arguments, place)
    if result == -errno.ENOMEM:
        raise MemoryError
    if result < 0:
        raise ValueError(f"a {kind} can't be created from these arguments")
    return ffi.gc(place[0], free)


def new_stated_host(facts: Any, page_size: int) -> Any:
    """The owner of a MigrationHost with these facts."""
    return _made("MigrationHost", lib.migration_host_stated, lib.migration_host_free, facts, page_size)


def new_local_host(blocks: Any, count: int, target_page_size: int) -> Any:
    """The owner of a MigrationHost that asks this machine."""
    return _made("MigrationHost", lib.migration_host_local, lib.migration_host_free, blocks, count, target_page_size)


def _keeping(host: Any, free: Callable[[Any], None]) -> Callable[[Any], None]:
    """The same function, with a reference that keeps the host's owner alive."""

    def free_borrower(borrower: Any, _host: Any = host) -> None:
        free(borrower)

    return free_borrower


def new_checker(context: Any, host: Any) -> Any:
    """The owner of a MigrationChecker. It keeps the host's owner alive."""
    free = _keeping(host, lib.migration_checker_free)
    return _made("MigrationChecker", lib.migration_checker_new, free, context, host)


def new_state(context: Any, host: Any) -> Any:
    """The owner of a MigrationState. It keeps the host's owner alive."""
    return _made("MigrationState", lib.migration_state_new, _keeping(host, lib.migration_state_free), context, host)


def borrowed(owner: Any) -> Any:
    """The object as a plain pointer, which cffi passes faster than its owner. Use it only while the owner is alive."""
    return ffi.cast(ffi.typeof(owner), owner)
