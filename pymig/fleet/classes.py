# SPDX-License-Identifier: GPL-2.0-or-later

"""Ends that answer alike: everything that a preflight reads of them is the same."""

from __future__ import annotations

from _collections_abc import Mapping  # what collections.abc re-exports; that package takes 1 ms to import
from typing import NamedTuple

from pymig.capability import CapabilitySet
from pymig.ends.endpoint import FACTS, UNKNOWN
from pymig.ends.mirror import mirror_of
from pymig.ends.pair import LOOKED_AT_WITH, is_device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from pymig.context import Context
    from pymig.ends.endpoint import Endpoint
    from pymig.ends.plan import Plan
    from pymig.host.facts import HostFacts
    from pymig.host.host import Host

    Key = tuple[object, ...]


PARTS = ("context", "capabilities", "parameters", *FACTS, "blockers", "paused", "status")
"""What a key consists of."""


NOT_MIRRORED = frozenset({*FACTS, "paused"} - {"ram_blocks"})
"""What C's mirrors of an end don't hold."""


class Keys:
    """The keys of ends: two ends have equal keys if and only if no preflight can tell them apart.

    An Endpoint's own equality does not say that. To it ``1``, ``1.0`` and ``True`` are equal, but not to QMP; it does
    not compare a host's page size; it ignores the order of RAM blocks, of which QEMU names the first that is wrong; and
    it compares ``incoming`` and the paths of memory's files, which do not matter. A local host is equal only to itself:
    its answers may change.
    """

    __slots__ = ("_contexts",)

    def __init__(self) -> None:
        # Ends share contexts. What is remembered by its id is kept alive beside it.
        self._contexts: dict[int, tuple[Context, ContextKey]] = {}

    def of(self, end: Endpoint) -> Key:
        """The end's key. Raises TypeError if a parameter's value is nothing that JSON has."""
        return (
            self._of_context(end.context),
            end.capabilities.mask,
            _parameters(end),
            end.machine,
            end.uuid,
            end.ram_blocks if end.ram_blocks is UNKNOWN else _blocks(end.ram_blocks),
            end.cpus,
            end.cpu_model,
            end.devices,
            end.tls_objects if end.tls_objects is UNKNOWN else _exact(end.tls_objects),
            end.block_nodes,
            end.bitmaps if end.bitmaps is UNKNOWN else tuple(end.bitmaps.items()),  # type: ignore[union-attr]
            end.blockers[-1:],
            end.paused,
            end.status,
        )

    def of_mirrors(self, end: Endpoint) -> Key:
        """The key of what C knows of an end, its mirrors. The other facts, Pair compares."""
        return (
            self._of_context(end.context),
            end.capabilities.mask,
            _parameters(end),
            mirror_of(end, incoming=False).around.private_memory,
            end.blockers[-1:],
            end.status,
        )

    def _of_context(self, context: Context) -> ContextKey:
        known = self._contexts.get(id(context))
        if known is None:
            known = self._contexts[id(context)] = context, ContextKey(context)
        return known[1]


class Numbered(NamedTuple):
    """An end with numbers that tell what it has in common with others.

    Attributes:
        end: the end.
        but_uuid: equal for two ends if and only if no preflight can tell them apart but by their UUIDs.
        mirror: equal for two ends if and only if C can't tell them apart.
    """

    end: Endpoint
    but_uuid: int
    mirror: int


class Numbers:
    """Numbers ends."""

    __slots__ = ("_keys", "_numbers")

    def __init__(self) -> None:
        self._keys = Keys()
        self._numbers: dict[Key, int] = {}

    def of(self, end: Endpoint) -> Numbered:
        """The end and its numbers."""
        but_uuid = without(self._keys.of(end), ("uuid",))
        return Numbered(end, self._number(but_uuid), self._number(self._keys.of_mirrors(end)))

    def _number(self, key: Key) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


OVERLOOKED = object()
"""A part of a key that is not compared."""


def without(key: Key, facts: Iterable[str]) -> Key:
    """The key without these facts."""
    return tuple(OVERLOOKED if name in facts else part for name, part in zip(PARTS, key, strict=True))


class Classes:
    """The classes of a fleet's variants that a plan can tell apart.

    Attributes:
        numbers: the number of each class, by its key.
        ends: one end of each class.
        of: the number of each variant's class.
    """

    __slots__ = ("ends", "numbers", "of")

    def __init__(self, keys: Iterable[Key], ends: Sequence[Endpoint], plan: Plan) -> None:
        self.numbers: dict[Key, int] = {}
        self.ends: list[Endpoint] = []
        self.of: list[int] = []
        facts = overlooked(ends, plan)
        for key, end in zip(keys, ends, strict=True):
            number = self.numbers.setdefault(without(key, facts) if facts else key, len(self.ends))
            if number == len(self.ends):
                self.ends.append(end)
            self.of.append(number)


def overlooked(ends: Iterable[Endpoint], plan: Plan) -> frozenset[str]:
    """The facts that no preflight of these ends with this plan looks at, such as UUIDs that nobody compares."""
    mask, creds = 0, any(settings.parameters.get("tls-creds") for settings in plan.ends)
    for end in ends:
        mask |= end.capabilities.mask
        creds = creds or bool(end.parameters.get("tls-creds") or (end.context.parameters or {}).get("tls-creds"))
    on = {*CapabilitySet.from_mask(mask), *(name for name, is_on in plan.source.capabilities.items() if is_on)}
    facts = {fact for fact, capabilities in LOOKED_AT_WITH.items() if on.isdisjoint(capabilities)}
    return frozenset(facts if creds else facts | {"tls_objects"})


class ContextKey:
    """What is compared of a context, with its hash, which takes long to compute."""

    __slots__ = ("_hash", "_values")

    def __init__(self, context: Context) -> None:
        self._values = _key_of_context(context)
        self._hash = hash(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ContextKey) and self._values == other._values

    def __hash__(self) -> int:
        return self._hash


def is_lasting(end: Endpoint) -> bool:
    """Whether its answers stay as they are: a local host's may change."""
    return end.host is None or end.host._stated is not None


def _key_of_context(context: Context) -> Key:
    return (
        context.build,
        context.build._differences,
        None if context.host is None else _key_of_host(context.host),
        _exact(context.parameters or {}),
        context.incoming_started,
        context.kvm_dirty_ring,
        context.rdma,
        context.single_channel,
        context.target_page_size,
    )


def _key_of_host(host: Host) -> Key:
    if host._stated is None:
        return (host,)
    return (*map(_key_of_facts, host._stated), _exact(host._extra.get("page_size")))


def _key_of_facts(facts: HostFacts) -> Key:
    """The facts, flat, because tuples are compared faster than values."""
    support = facts.postcopy
    return (*(fact for fact in facts._key() if fact is not support), *support._key(), support._block)


def _parameters(end: Endpoint) -> Key | None:
    return _exact(end.parameters) if end.parameters else None


def _blocks(blocks: Any) -> Key:
    """RAM blocks in their order. Of a path matters where it begins."""
    return tuple((name, frozenset({**block, "path": is_device(block)}.items())) for name, block in blocks.items())


def _exact(value: Any) -> Any:
    """The value, hashable, so that values of two types never are equal."""
    if isinstance(value, Mapping):
        return (dict, *((name, _exact(value[name])) for name in sorted(value))) if value else ()
    if isinstance(value, (tuple, list)):
        return (list, *map(_exact, value))
    return value if isinstance(value, str) else (type(value), value)
