"""Who owns memory of C's.

Each object of C's has one owner, which frees it when nobody refers to it any more. The owner of an object that borrows
another one keeps that one's owner, so nothing is freed that is still in use.
"""

from __future__ import annotations

import errno

from pymig._core import ffi, lib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


_HOST, _CHECKER, _STATE = (ffi.typeof(f"{kind} **") for kind in ("MigrationHost", "MigrationChecker", "MigrationState"))


def _made(kind: Any, make: Callable[..., int], free: Callable[[Any], None], *arguments: Any) -> Any:
    place = ffi.new(kind)
    result = make(*arguments, place)
    if result == -errno.ENOMEM:
        raise MemoryError
    if result < 0:
        raise ValueError(f"what was given makes no {kind.item.item.cname}")
    return ffi.gc(place[0], free)


def stated_host(facts: Any, page_size: int) -> Any:
    """The owner of a MigrationHost with these facts."""
    return _made(_HOST, lib.migration_host_stated, lib.migration_host_free, facts, page_size)


def local_host(blocks: Any, count: int, target_page_size: int) -> Any:
    """The owner of a MigrationHost that asks this machine."""
    return _made(_HOST, lib.migration_host_local, lib.migration_host_free, blocks, count, target_page_size)


def _keeping(host: Any, free: Callable[[Any], None]) -> Callable[[Any], None]:
    """The same function; as long as it may be called, the host is there."""

    def free_borrower(borrower: Any, _host: Any = host) -> None:
        free(borrower)

    return free_borrower


def checker(context: Any, host: Any) -> Any:
    """The owner of a MigrationChecker; it keeps the owner of the host."""
    free = _keeping(host, lib.migration_checker_free)
    return _made(_CHECKER, lib.migration_checker_new, free, context, host)


def state(context: Any, host: Any) -> Any:
    """The owner of a MigrationState; it keeps the owner of the host."""
    return _made(_STATE, lib.migration_state_new, _keeping(host, lib.migration_state_free), context, host)


def borrowed(owner: Any) -> Any:
    """The object as a plain pointer, which cffi passes faster than its owner. The owner must outlive its use."""
    return ffi.cast(ffi.typeof(owner), owner)
