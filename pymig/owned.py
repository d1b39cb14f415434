"""Who owns memory of C's.

Each object of C's has one owner, which frees it when nobody refers to it any more. Whoever passes such an object to
another object of C's keeps the owner, so that nothing is freed that is still in use.
"""

from __future__ import annotations

import errno

from pymig._core import ffi, lib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _made(kind: str, make: Callable[..., int], free: Any, *arguments: Any) -> Any:
    place = ffi.new(f"{kind} **")
    result = make(*arguments, place)
    if result == -errno.ENOMEM:
        raise MemoryError
    if result < 0:
        raise ValueError(f"{kind}: {arguments!r} can't be")
    return ffi.gc(place[0], free)


def stated_host(facts: Any, page_size: int) -> Any:
    """The owner of a MigrationHost with these facts."""
    return _made("MigrationHost", lib.migration_host_stated, lib.migration_host_free, facts, page_size)


def local_host(blocks: Any, count: int, target_page_size: int) -> Any:
    """The owner of a MigrationHost that asks this machine."""
    return _made("MigrationHost", lib.migration_host_local, lib.migration_host_free, blocks, count, target_page_size)


def checker(context: Any, host: Any) -> Any:
    """The owner of a MigrationChecker. It borrows the host: keep that, too."""
    return _made("MigrationChecker", lib.migration_checker_new, lib.migration_checker_free, context, host)


def state(context: Any, host: Any) -> Any:
    """The owner of a MigrationState. It borrows the host: keep that, too."""
    return _made("MigrationState", lib.migration_state_new, lib.migration_state_free, context, host)


def borrowed(owner: Any) -> Any:
    """The object as a plain pointer, which cffi passes faster than its owner. The owner must outlive its use."""
    return ffi.cast(ffi.typeof(owner), owner)
