# SPDX-License-Identifier: GPL-2.0-or-later

"""What a host can do: probed on this machine, stated, or read from another machine's JSON."""

from __future__ import annotations

from pymig._core import ffi, lib
from pymig.capability import BITS
from pymig.errors import host_unknown
from pymig.host.facts import (
    REFERENCE,
    UNKNOWN,
    WRITE_TRACKING_NAMES,
    HostFacts,
    PostcopySupport,
    write_tracking_of,
)
from pymig.host.memory import DEFAULT_MEMORY, NO_MEMORY, blocks_of
from pymig.owned import new_local_host, new_stated_host
from pymig.values import Frozen, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from typing_extensions import Self

    from pymig._core import MigrationHost
    from pymig.host.facts import FoundTracking, WriteTracking
    from pymig.host.memory import Memory, RamBlocks

_BITS = 64


class Host(Frozen):
    """The facts about a host that QEMU's checks depend on. Immutable, except that ``refresh()`` drops probed facts.

    ``Host(...)`` states facts. ``Host.local()`` probes this machine: each fact once, when it is first needed. Hosts
    with stated facts are equal if their facts are; a local host is equal only to itself.

    What could not be found out, e.g. for lack of file descriptors, raises HostUnknownError when it is needed. A local
    host does not keep that: the next question probes again.

    Args:
        write_tracking: ``"absent"``, ``"available"`` (the kernel supports it, but not for the guest's memory) or
            ``"compatible"``. ``"unknown"`` raises HostUnknownError where it is needed.
        write_tracking_ignore_shared: the same without shared blocks, which QEMU skips while x-ignore-shared is on. By
            default, as write_tracking.
        postcopy: whether the host supports postcopy; a PostcopySupport also gives the step that failed.
    """

    __slots__ = ("__weakref__", "_blocks", "_c", "_extra", "_is_known", "_stated", "_target_page_size")

    _c: MigrationHost
    _extra: Mapping[str, Any]
    _blocks: RamBlocks
    _is_known: bool
    _stated: tuple[HostFacts, ...] | None
    _target_page_size: int

    def __new__(
        cls,
        write_tracking: FoundTracking = "compatible",
        postcopy: bool | PostcopySupport = True,
        *,
        write_tracking_ignore_shared: FoundTracking | None = None,
    ) -> Self:
        """See the class."""
        tracking = write_tracking_of(write_tracking, "write_tracking")
        scoped = tracking
        if write_tracking_ignore_shared is not None:
            scoped = write_tracking_of(write_tracking_ignore_shared, "write_tracking_ignore_shared")
        if isinstance(postcopy, bool):
            postcopy = PostcopySupport(postcopy)
        if not isinstance(postcopy, PostcopySupport):
            wrong_type(postcopy, "postcopy", "a bool or a PostcopySupport")
        facts = HostFacts(tracking, scoped, scoped, postcopy)
        return cls._stating(dict.fromkeys(range(lib.PROBE_VARIANT__MAX), facts), {})

    @classmethod
    def _stating(cls, facts: Mapping[int, HostFacts], extra: Mapping[str, Any]) -> Self:
        """The host with these facts, and with a document's fields that only a newer pymig knows."""
        stated = tuple(facts[variant] for variant in range(lib.PROBE_VARIANT__MAX))
        page_size = extra.get("page_size", 0)
        page_size = page_size if type(page_size) is int and 0 < page_size < 1 << _BITS else 0
        c_facts = ffi.new("HostFacts[]", [fact._c() for fact in stated])
        c_host = new_stated_host(c_facts, page_size)
        self = object.__new__(cls)
        known = all(fact.known for fact in stated)
        self._set(_c=c_host, _stated=stated, _is_known=known, _extra=extra, _blocks=NO_MEMORY, _target_page_size=0)
        return self

    @classmethod
    def local(cls, memory: Iterable[Memory] = DEFAULT_MEMORY, *, target_page_size: int | None = None) -> Self:
        """This machine, for a guest with this memory.

        Its kernel is probed when a fact is first needed, with the system calls that QEMU's own probe makes; version
        numbers play no part. Facts are kept until ``refresh()``.

        Args:
            memory: the blocks of the guest's memory.
            target_page_size: the guest's page size in bytes; the host's own if not given.

        Raises:
            OSError: a block's path does not exist or is not accessible.
        """
        blocks, page_size = blocks_of(memory), page_size_of(target_page_size)
        c_host = new_local_host(blocks.c, len(blocks.memory), page_size)
        self = object.__new__(cls)
        self._set(_c=c_host, _stated=None, _is_known=False, _extra={}, _blocks=blocks, _target_page_size=page_size)
        return self

    @classmethod
    def of_process(cls, pid: int, memory: Iterable[Memory] | None = None, *, ptrace: bool = True) -> Host:
        """The answers that a process like this one gets now, asked in its place on this machine.

        A child takes on the process's namespaces, cgroup, root directory, limits, groups, user, capabilities and
        seccomp filters, and asks; nothing else changes. ``incomplete`` names what it could not take on. The facts are
        stated: ask again for newer ones.

        Args:
            pid: the process's number.
            memory: the blocks of the guest's memory; by default those on the process's command line, or else one
                anonymous block.
            ptrace: whether the process may be stopped, usually for less than 0.1 ms, to read its seccomp filters.

        Raises:
            ProcessLookupError: there is no such process, or it ended meanwhile.
            PermissionError: this process lacks capabilities; the text names them.
        """
        from pymig.host.place import in_place_of_process  # noqa: PLC0415 - a check needs none

        answer = in_place_of_process(pid, memory, 0, ptrace=ptrace)
        return cls._stating(answer.facts(), answer.extra())

    @classmethod
    def of_user(cls, user: str | int, memory: Iterable[Memory] | None = None) -> Host:
        """The same for a user without capabilities, in this process's namespaces.

        Raises:
            ValueError: no such user.
            PermissionError: this process lacks capabilities; the text names them.
        """
        from pymig.host.place import in_place_of_user  # noqa: PLC0415 - likewise

        answer = in_place_of_user(user, memory, 0)
        return cls._stating(answer.facts(), answer.extra())

    @property
    def incomplete(self) -> tuple[tuple[str, int], ...]:
        """What ``of_process`` could not take on: each trait with its errno. Empty for every other host."""
        entries = self._extra.get("incomplete", ())
        pairs = (tuple(entry) for entry in entries if isinstance(entry, (list, tuple)) and len(entry) == 2)  # noqa: PLR2004
        return tuple((what, error) for what, error in pairs if isinstance(what, str) and type(error) is int)

    def refresh(self) -> None:
        """Drops the probed facts: the next check probes the kernel again. Stated facts stay."""
        lib.migration_host_refresh(self._c)

    def _host_dependent_mask(self, incoming: bool) -> int:
        """The capabilities whose verdicts depend on a probe that is repeated, or on what is unknown; not cached."""
        if self._is_known:
            return 0
        return BITS["background-snapshot"] | (BITS["postcopy-ram"] if incoming else 0)

    def _tracking(self, variant: int, scope: int) -> FoundTracking:
        return WRITE_TRACKING_NAMES[lib.migration_host_write_tracking(self._c, variant, scope)]

    def _known_tracking(self, scope: int) -> WriteTracking:
        tracking = self._tracking(REFERENCE, scope)
        if tracking == UNKNOWN:
            raise host_unknown(lib.migration_host_error(self._c))
        return tracking

    @property
    def write_tracking(self) -> WriteTracking:
        """``"absent"``: userfaultfd lacks write protection (ram_write_tracking_available() is false in QEMU).

        ``"available"``: the kernel has it, but a block of the guest's memory can't be registered for it
        (ram_write_tracking_compatible() is false). ``"compatible"``: every block can.

        Raises:
            HostUnknownError: it could not be found out.
        """
        return self._known_tracking(lib.SCOPE_ALL_BLOCKS)

    @property
    def write_tracking_ignore_shared(self) -> WriteTracking:
        """The same without shared blocks, which QEMU skips while x-ignore-shared is on."""
        return self._known_tracking(lib.SCOPE_WITHOUT_SHARED)

    @property
    def postcopy(self) -> PostcopySupport:
        """The answer of QEMU's postcopy_ram_supported_by_host(), with the step that failed and its errno.

        Raises:
            HostUnknownError: it could not be found out.
        """
        support = self._postcopy(REFERENCE)
        if not support.known:
            raise host_unknown(support.errno)
        return support

    def _postcopy(self, variant: int) -> PostcopySupport:
        if self._stated is not None:
            return self._stated[variant].postcopy
        return PostcopySupport._from_c(lib.migration_host_postcopy(self._c, variant))

    def _facts(self, variant: int) -> HostFacts:
        if self._stated is not None:
            return self._stated[variant]
        return HostFacts(
            self._tracking(variant, lib.SCOPE_ALL_BLOCKS),
            self._tracking(variant, lib.SCOPE_WITHOUT_SHARED),
            self._tracking(variant, lib.SCOPE_WITHOUT_SHARED_FILES),
            self._postcopy(variant),
            lib.migration_host_error(self._c),
        )

    def to_dict(self) -> dict[str, Any]:
        """All facts as a dict for JSON. Facts that are not known yet are probed now. Schema: docs/host-facts.md.

        What can't be found out is ``"unknown"`` or None there.
        """
        from pymig.host.document import document_of  # noqa: PLC0415 - a check needs none

        facts = {variant: self._facts(variant) for variant in range(lib.PROBE_VARIANT__MAX)}
        return document_of(facts, self._extra)

    def to_json(self) -> str:
        """The facts as JSON, for use on another machine. Facts that are not known yet are probed now."""
        from pymig.documents import dumps  # noqa: PLC0415 - likewise

        return dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The host that this JSON describes. Unknown fields, from a newer pymig, are kept.

        Raises:
            ValueError: not such a document, or one of a newer major version.
        """
        from pymig.documents import loads  # noqa: PLC0415 - likewise

        return cls._from_dict(loads(text))

    @classmethod
    def _from_dict(cls, document: Any) -> Self:
        from pymig.host.document import facts_of_document  # noqa: PLC0415 - likewise

        return cls._stating(facts_of_document(document), document)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Host):
            return NotImplemented
        return self is other or (self._stated is not None and self._stated == other._stated)

    def __hash__(self) -> int:
        return id(self) if self._stated is None else hash(self._stated)

    def __repr__(self) -> str:
        if self._stated is None:
            size = f", target_page_size={self._target_page_size}" if self._target_page_size else ""
            return f"Host.local({self._blocks.memory!r}{size})"
        facts = self._stated[REFERENCE]
        plain, shared = facts.write_tracking, facts.ignore_shared
        scoped = f", write_tracking_ignore_shared={shared!r}" if shared != plain else ""
        return f"Host({plain!r}, {facts.postcopy!r}{scoped})"

    def __reduce__(self) -> tuple[object, ...]:
        return (Host.from_json, (self.to_json(),))


def page_size_of(target_page_size: int | None) -> int:
    """The page size for C, where 0 means not given."""
    if target_page_size is None:
        return 0
    if type(target_page_size) is not int:
        wrong_type(target_page_size, "target_page_size", "an int")
    if target_page_size <= 0 or target_page_size & (target_page_size - 1) or target_page_size.bit_length() > _BITS:
        raise ValueError("target_page_size must be a power of two, in bytes, below 2**64")
    return target_page_size


def require_host(host: object) -> Host:
    """Returns the host, or this machine for None; anything else raises a TypeError."""
    if host is None:
        return Host.local()
    if not isinstance(host, Host):
        wrong_type(host, "host", "a Host")
    return host
