"""What libvirt's own checks look at in a domain."""

from __future__ import annotations

from pymig.values import Value, require_bool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Self


class Domain(Value):
    """The facts about a domain that libvirt's own checks look at. Immutable.

    Args:
        hard_limit: it has ``<memtune><hard_limit>``, which RDMA needs.
        shared_storage: both hosts see its disks.
        failed_postcopy: its migration failed in the post-copy phase, so that it can be resumed.

    The defaults are those of a plain domain that is not being migrated.

    Raises:
        TypeError: an argument is no bool; the text names it.
    """

    __slots__ = ("failed_postcopy", "hard_limit", "shared_storage")

    hard_limit: bool
    shared_storage: bool
    failed_postcopy: bool

    def __new__(cls, *, hard_limit: bool = False, shared_storage: bool = True, failed_postcopy: bool = False) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(
            hard_limit=require_bool(hard_limit, "hard_limit"),
            shared_storage=require_bool(shared_storage, "shared_storage"),
            failed_postcopy=require_bool(failed_postcopy, "failed_postcopy"),
        )
        return self
