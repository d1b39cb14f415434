# SPDX-License-Identifier: GPL-2.0-or-later

"""Compares two ends: the facts that the table of agreement looks at, and the names that QEMU would say."""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

from pymig._core import lib
from pymig.ends.endpoint import UNKNOWN, UnknownType
from pymig.ends.plan import ENDS
from pymig.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from typing_extensions import Self

    from pymig.capability import CapabilitySet
    from pymig.ends.endpoint import Endpoint
    from pymig.ends.plan import Plan

NO_UUID = "00000000-0000-0000-0000-000000000000"


class Unknown(Value):
    """Something about an end that is not known, and that could change the prediction. Immutable.

    Attributes:
        end: ``"source"``, ``"destination"`` or ``"both"``.
        what: the fact, for example ``"machine"``.
        matters: what it could change.
    """

    __slots__ = ("end", "matters", "what")

    end: str
    what: str
    matters: str

    def __new__(cls, end: str, what: str, matters: str) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(end=end, what=what, matters=matters)
        return self

    def to_dict(self) -> dict[str, str]:
        """The same as a dict for JSON."""
        return {"end": self.end, "what": self.what, "matters": self.matters}


class Pair:
    """Two ends and a plan, compared.

    Attributes:
        facts: what the table of agreement looks at: the numbers of enum PairFact, each with the names that QEMU would
            say, by migration_agreement_name().
    """

    __slots__ = ("destination", "facts", "plan", "source")

    def __init__(self, source: Endpoint, destination: Endpoint, plan: Plan) -> None:
        self.source = source
        self.destination = destination
        self.plan = plan
        self.facts: dict[int, dict[str, str]] = {}
        for compare, ours, theirs in zip(_COMPARE, _compared(source), _compared(destination), strict=True):
            if ours is not UNKNOWN and theirs is not UNKNOWN:
                compare(self, ours, theirs)
        _circumstances(self)
        _tls(self)
        if source.bitmaps:
            _bitmaps(self, source.bitmaps)

    @property
    def ends(self) -> tuple[Endpoint, Endpoint]:
        """The source and the destination."""
        return self.source, self.destination

    def tell(self, fact: int, names: dict[str, str] = {}) -> None:  # noqa: B006 - never changed
        """Notes a fact, and the names that go with it."""
        self.facts[fact] = names

    def parameter(self, end: int, name: str) -> Any:
        """The parameter that an end would have after the plan; None if nobody sets it."""
        wanted, there = self.plan.ends[end].parameters, self.ends[end]
        if name in wanted:
            return wanted[name]
        return there.parameters[name] if name in there.parameters else (there.context.parameters or {}).get(name)

    def names(self) -> dict[str, str]:
        """The names that QEMU would say."""
        flags = (FLAGS.get(self.parameter(end, "multifd-compression") or "none", "") for end in (0, 1))
        names = {f"{end} flags": flag for end, flag in zip(ENDS, flags, strict=True)}
        for more in self.facts.values():
            names |= more
        return names

    def unknown(self, after: Sequence[CapabilitySet], transport: str, *, one_way: bool) -> list[Unknown]:
        """What is not known and could change the prediction.

        Args:
            after: the capabilities of both ends after the plan.
            transport: the source's.
            one_way: whether it has no way back.
        """
        return [
            *([EXEC] if transport == "exec" and not one_way else ()),
            *_unknown_hosts(self, after),
            *_unknown_facts(self, after),
            *_unknown_devices(self),
            *_unknown_nodes(self, after),
            *_unknown_tls_objects(self),
            Unknown(*OPENING[transport]),
        ]


EXEC = Unknown(
    "source", "exec", "a command that only writes has no way back: with return-path the guest stops for ever"
)


# ---- What both ends have ----


def _machine(pair: Pair, ours: str, theirs: str) -> None:
    if ours != theirs:
        pair.tell(lib.PAIR_MACHINE_DIFFERS, {"source machine": ours, "destination machine": theirs})


def _uuid(pair: Pair, ours: str | None, theirs: str | None) -> None:
    for fact in uuid_facts(ours, theirs):
        pair.tell(fact, {"source uuid": ours or NO_UUID, "destination uuid": theirs or NO_UUID})


def uuid_facts(ours: Any, theirs: Any) -> tuple[int, ...]:
    """What two UUIDs tell; nothing if one is UNKNOWN."""
    if ours == theirs or UNKNOWN in (ours, theirs) or (ours or NO_UUID).lower() == (theirs or NO_UUID).lower():
        return ()
    return _UUID_DIFFERS if ours is None or theirs is None else _SET_UUID_DIFFERS


_UUID_DIFFERS = (lib.PAIR_UUID_DIFFERS,)
_SET_UUID_DIFFERS = (lib.PAIR_UUID_DIFFERS, lib.PAIR_SET_UUID_DIFFERS)


def _memory(pair: Pair, ours: Any, theirs: Any) -> None:
    if ours == theirs and not any(block.get("share") for block in ours.values()):
        return
    for name, block in ours.items():
        if name not in theirs:
            pair.tell(lib.PAIR_BLOCK_MISSING, {"block": name})
            return
        _block(pair, name, block, theirs[name])


def _block(pair: Pair, name: str, ours: Any, theirs: Any) -> None:
    sizes = ours.get("size"), theirs.get("size")
    if None not in sizes and sizes[0] != sizes[1]:
        names = {"block": name, "source size": hex(sizes[0]), "destination size": hex(sizes[1])}
        pair.tell(lib.PAIR_BLOCK_SIZE_DIFFERS, names)
    pages = ours.get("page_size"), theirs.get("page_size")
    if None not in pages and pages[0] != pages[1]:
        names = {"source page sizes": f"{pages[0]:x}", "destination page sizes": f"{pages[1]:x}"}
        pair.tell(lib.PAIR_BLOCK_PAGE_SIZE_DIFFERS, names)
    if _in_shared_file(ours) and not theirs.get("share", False):
        pair.tell(lib.PAIR_SHARED_AT_SOURCE_ONLY, {"block": name})
    if _in_shared_file(theirs) and not ours.get("share", False):
        pair.tell(lib.PAIR_SHARED_AT_DESTINATION_ONLY, {"block": name})
    if all(block.get("share") and block.get("kind") == "memfd" for block in (ours, theirs)):
        pair.tell(lib.PAIR_SHARED_WITHOUT_FILE, {"block": name})
    if _in_shared_file(theirs) and not is_device(theirs):
        pair.tell(lib.PAIR_SHARED_DISK_FILE, {"block": name})


def is_device(block: Any) -> bool:
    """Whether a block's file is in /dev, as in /dev/shm or /dev/hugepages."""
    return str(block.get("path", "")).startswith("/dev/")


def _in_shared_file(block: Any) -> bool:
    return bool(block.get("share")) and block.get("kind") == "file"


def _cpus(pair: Pair, ours: int, theirs: int) -> None:
    if ours > theirs:
        pair.tell(lib.PAIR_CPUS_MORE_AT_SOURCE)
    if ours < theirs:
        pair.tell(lib.PAIR_CPUS_MORE_AT_DESTINATION, {"section": "0000:00:1f.0/ICH9LPC"})


def _cpu_model(pair: Pair, ours: str | None, theirs: str | None) -> None:
    if ours != theirs:
        pair.tell(lib.PAIR_CPU_MODEL_DIFFERS)


def _devices(pair: Pair, ours: Any, theirs: Any) -> None:
    if ours == theirs:
        return
    left = list(theirs)
    for driver, address in ours:
        if (driver, address) in left:
            left.remove((driver, address))
        else:
            pair.tell(lib.PAIR_DEVICE_MISSING, {"section": f"{address or ''}/{driver}".lstrip("/")})
            return


class Comparison(NamedTuple):
    """A fact of both ends that is compared.

    Attributes:
        fact: the attribute of Endpoint.
        compare: tells what it finds.
        matters: what not knowing it could change,
        capabilities: if one of these is on at the source; always if there are none.
    """

    fact: str
    compare: Callable[[Pair, Any, Any], None]
    matters: str
    capabilities: tuple[str, ...] = ()


COMPARISONS = (
    Comparison("machine", _machine, "the destination refuses another machine type"),
    Comparison(
        "uuid",
        _uuid,
        "with validate-uuid or multifd the destination refuses another UUID",
        ("validate-uuid", "multifd"),
    ),
    Comparison("ram_blocks", _memory, "the destination refuses other names or sizes of RAM blocks"),
    Comparison("cpus", _cpus, "more CPUs at one end break the device state or the guest"),
    Comparison("cpu_model", _cpu_model, "nothing checks the CPU model; the guest may fail on another one"),
    Comparison("devices", _devices, "the destination can't load the state of a device that it lacks"),
)

BITMAPS = ("dirty-bitmaps",)

LOOKED_AT_WITH = {
    **{comparison.fact: comparison.capabilities for comparison in COMPARISONS if comparison.capabilities},
    "block_nodes": BITMAPS,
    "bitmaps": BITMAPS,
}
"""Facts that matter only if one of these capabilities is on at the source. TLS objects matter only with tls-creds."""

_COMPARE = tuple(comparison.compare for comparison in COMPARISONS)
_compared = attrgetter(*(comparison.fact for comparison in COMPARISONS))


def _unknown_facts(pair: Pair, after: Sequence[CapabilitySet]) -> Iterator[Unknown]:
    for fact, _, matters, capabilities in COMPARISONS:
        missing = [name for name, end in zip(ENDS, pair.ends, strict=True) if getattr(end, fact) is UNKNOWN]
        if missing and (not capabilities or not after[0].isdisjoint(capabilities)):
            yield Unknown("both" if len(missing) > 1 else missing[0], fact, matters)


def _unknown_devices(pair: Pair) -> Iterator[Unknown]:
    """Devices that both have, whose state another release may not load."""
    known: Any = UNKNOWN not in (pair.source.devices, pair.destination.devices) and pair.source.devices
    releases = {end.context.build.release for end in pair.ends}
    if known and len(releases) > 1 and lib.PAIR_DEVICE_MISSING not in pair.facts:
        matters = "another release may not load a device's state; with return-path the guest then goes on at the source"
        yield Unknown("both", "device_state", matters)


# ---- Circumstances ----


def _circumstances(pair: Pair) -> None:
    if pair.plan.postcopy:
        pair.tell(lib.PAIR_POSTCOPY)
    if pair.source.paused:
        pair.tell(lib.PAIR_SOURCE_PAUSED)
    if pair.destination.paused:
        pair.tell(lib.PAIR_DESTINATION_PAUSED)


HOST_QUESTIONS = (
    (
        0,
        "background-snapshot",
        "the source refuses background-snapshot where its kernel can't protect memory from writes",
    ),
    (1, "postcopy-ram", "the destination refuses postcopy-ram where its kernel can't do it"),
)
"""End, capability, and what its host decides."""


def _unknown_hosts(pair: Pair, after: Sequence[CapabilitySet]) -> Iterator[Unknown]:
    for end, capability, matters in HOST_QUESTIONS:
        if capability in after[end] and pair.ends[end].host is None:
            yield Unknown(ENDS[end], "host", matters)


# ---- Dirty bitmaps ----


def _bitmaps(pair: Pair, ours: Any) -> None:
    aliases = _aliases(pair, 0, "node-name", "alias")
    nodes = _aliases(pair, 1, "alias", "node-name")
    known: Any = pair.destination.block_nodes
    theirs: Any = pair.destination.bitmaps or {}
    for node, names in ours.items():
        alias = aliases.get(node, None if aliases else node)
        target = None if alias is None else nodes.get(alias, None if nodes else alias)
        if known is not UNKNOWN and names and target not in known:
            pair.tell(lib.PAIR_BITMAP_LOST, {"node": alias or node})
        for name in set(names) & set(theirs.get(target, ())):
            pair.tell(lib.PAIR_BITMAP_EXISTS, {"bitmap": name})


def _aliases(pair: Pair, end: int, key: str, value: str) -> dict[str, str]:
    """What block-bitmap-mapping says; nothing if QEMU would refuse it."""
    try:
        return {entry[key]: entry[value] for entry in pair.parameter(end, "block-bitmap-mapping") or ()}
    except (KeyError, TypeError):
        return {}


def _unknown_nodes(pair: Pair, after: Sequence[CapabilitySet]) -> Iterator[Unknown]:
    if not after[0].isdisjoint(BITMAPS) and pair.source.bitmaps and pair.destination.block_nodes is UNKNOWN:
        yield Unknown("destination", "block_nodes", "a dirty bitmap without a node is silently lost")


# ---- TLS ----


def _creds(pair: Pair, end: int) -> str:
    """The id of an end's credentials; "" if it does not use TLS."""
    name = pair.parameter(end, "tls-creds")
    return name if isinstance(name, str) else ""


def _tls(pair: Pair) -> None:
    ours, theirs = _creds(pair, 0), _creds(pair, 1)
    if ours:
        missing, of_server = lib.PAIR_SOURCE_CREDS_MISSING, lib.PAIR_SOURCE_CREDS_OF_SERVER
        _credentials(pair, 0, ours, "server", missing, of_server)
        if theirs:
            _kinds(pair, ours, theirs)
        _hostname(pair, ours, theirs)
    if theirs:
        missing, of_client = lib.PAIR_DESTINATION_CREDS_MISSING, lib.PAIR_DESTINATION_CREDS_OF_CLIENT
        _credentials(pair, 1, theirs, "client", missing, of_client)
        _authz(pair, theirs)


def _credentials(pair: Pair, end: int, name: str, wrong: str, missing: int, of_the_other: int) -> None:
    objects: Any = pair.ends[end].tls_objects
    if objects is UNKNOWN:
        return
    if name not in objects:
        pair.tell(missing, {f"{ENDS[end]} tls-creds": name})
    elif objects[name].get("endpoint") == wrong:
        pair.tell(of_the_other, {f"{ENDS[end]} tls-creds": name})


KIND_FACTS = {
    ("anon", "x509"): lib.PAIR_CREDS_ANONYMOUS,
    ("anon", "psk"): lib.PAIR_CREDS_ANONYMOUS,
    ("psk", "x509"): lib.PAIR_CREDS_KEY_FOR_X509,
}
"""By the kinds of credentials at the source and at the destination: which fact it is that they differ. For any other
two kinds it is PAIR_CREDS_DIFFER."""


def _kind(credentials: Mapping[str, Any]) -> str:
    return str(credentials.get("kind", "x509"))


def _kinds(pair: Pair, ours: str, theirs: str) -> None:
    objects: list[Any] = [pair.ends[end].tls_objects for end in (0, 1)]
    if UNKNOWN in objects or ours not in objects[0] or theirs not in objects[1]:
        return
    kinds = _kind(objects[0][ours]), _kind(objects[1][theirs])
    if kinds[0] != kinds[1]:
        pair.tell(KIND_FACTS.get(kinds, lib.PAIR_CREDS_DIFFER))


def _verifies(credentials: Mapping[str, Any]) -> bool:
    """Whether they look at the peer's certificate."""
    return _kind(credentials) == "x509" and bool(credentials.get("verify_peer", True))


def _authz(pair: Pair, creds: str) -> None:
    authz, objects = pair.parameter(1, "tls-authz"), pair.destination.tls_objects
    if not authz or isinstance(objects, UnknownType):
        return
    if authz not in objects and _verifies(objects.get(creds, {})):
        pair.tell(lib.PAIR_AUTHZ_MISSING, {"destination tls-authz": authz})


def _hostname(pair: Pair, creds: str, their_creds: str) -> None:
    """The name that the source checks: tls-hostname, else the host of a tcp address."""
    ours: Any = pair.source.tls_objects or {}
    theirs: Any = pair.destination.tls_objects or {}
    if not _verifies(ours.get(creds, {})):
        return
    hostname = pair.parameter(0, "tls-hostname") or _host_of(pair.plan)
    names = theirs.get(their_creds, {}).get("names")
    if not hostname:
        pair.tell(lib.PAIR_HOSTNAME_MISSING)
    elif names is not None and hostname not in names:
        pair.tell(lib.PAIR_HOSTNAME_DIFFERS, {"hostname": hostname})


def _host_of(plan: Plan) -> str:
    """The host of a tcp address; "" for any other transport."""
    uri = plan.uri or ""
    if uri.startswith("tcp:"):
        return uri.removeprefix("tcp:").rpartition(":")[0].strip("[]")
    try:
        address = plan.migrate["channels"][0]["addr"]
        return str(address["host"]) if address["type"] == "inet" else ""
    except (KeyError, IndexError, TypeError):
        return ""


def _unknown_tls_objects(pair: Pair) -> Iterator[Unknown]:
    for end, label in enumerate(ENDS):
        if _creds(pair, end) and pair.ends[end].tls_objects is UNKNOWN:
            yield Unknown(label, "tls_objects", "without the object of tls-creds the migration fails at once")


# ---- Words ----

FLAGS = {"none": "0", "zlib": "2", "zstd": "4", "qpl": "8", "uadk": "10", "qatzip": "20"}
"""What multifd writes into each packet for its compression."""

OPENING = {
    "tcp": ("both", "address", "the destination must own the address, and the source must reach it"),
    "unix": ("both", "path", "both ends must see the same folder; the socket must not exist yet"),
    "vsock": ("both", "address", "the destination must own the address, and the source must reach it"),
    "fd": ("both", "descriptor", "a descriptor of this name must have been passed to each end"),
    "exec": ("both", "command", "the command must work at each end"),
    "file": ("both", "file", "the source must be able to create the file, and the destination to read it"),
    "rdma": ("both", "device", "each end needs an RDMA device"),
}
"""What opening a transport needs, which is taken as there."""


def named(words: str, names: dict[str, str]) -> str:
    """QEMU's words with its names; a name that is not known stays in angle brackets."""
    for name, text in names.items():
        words = words.replace(f"<{name}>", text)
    return words


def rows_of(bits: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    return (i for i in range(bits.bit_length()) if bits >> i & 1)
