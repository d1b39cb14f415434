"""Compares two ends: the facts that the table of agreement looks at, and the names that QEMU would say."""

from __future__ import annotations

from pymig._core import lib
from pymig.ends.endpoint import UNKNOWN, UnknownType
from pymig.ends.plan import ENDS
from pymig.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from typing_extensions import Self

    from pymig.ends.endpoint import Endpoint
    from pymig.ends.plan import Plan
    from pymig.state import MigrationState

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
        told: the word that migration_agree() takes.
        names: the names that QEMU would say, by migration_agreement_name().
        unknown: what is not known and could change the prediction.
    """

    def __init__(
        self,
        ends: tuple[Endpoint, Endpoint],
        states: tuple[MigrationState, MigrationState],
        plan: Plan,
        transport: str,
    ) -> None:
        self.ends = self.source, self.destination = ends
        self.states = states
        self.capabilities = [state.capabilities for state in states]
        self.plan = plan
        self.transport = transport
        self.told = 0
        self.names: dict[str, str] = {}
        self.unknown: list[Unknown] = []
        for compare in _COMPARISONS:
            compare(self)

    def tell(self, fact: int, **names: str) -> None:
        """Notes a fact, and the names that go with it."""
        self.told |= 1 << fact
        self.names |= {
            name.replace("_", " ").replace("tls creds", "tls-creds").replace("tls authz", "tls-authz"): text
            for name, text in names.items()
        }

    def on(self, end: int, *names: str) -> bool:
        """Whether one of these capabilities is on at this end."""
        return any(name in self.capabilities[end] for name in names)

    def both(self, fact: str, matters: str) -> tuple[Any, Any] | None:
        """The fact of both ends; None, and a note, if one is not known."""
        values = getattr(self.source, fact), getattr(self.destination, fact)
        missing = [name for name, value in zip(ENDS, values, strict=True) if value is UNKNOWN]
        if not missing:
            return values
        self.unknown.append(Unknown("both" if len(missing) > 1 else missing[0], fact, matters))
        return None


def _plan(pair: Pair) -> None:
    command = pair.plan.uri or ""
    writes_a_file = pair.transport == "file" or (pair.transport == "exec" and ">" in command)
    if pair.plan.postcopy:
        pair.tell(lib.PAIR_POSTCOPY)
    if writes_a_file:
        pair.tell(lib.PAIR_ONE_WAY)
        pair.tell(lib.PAIR_READS_LATER)
    elif pair.transport == "exec":
        pair.unknown.append(
            Unknown(
                "source",
                "exec",
                "a command that only writes has no way back: with return-path the guest stops for ever",
            )
        )
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


def _hosts(pair: Pair) -> None:
    for end, capability, matters in HOST_QUESTIONS:
        if pair.on(end, capability) and pair.ends[end].host is None:
            pair.unknown.append(Unknown(ENDS[end], "host", matters))


def _machine(pair: Pair) -> None:
    machines = pair.both("machine", "the destination refuses another machine type")
    if machines and machines[0] != machines[1]:
        pair.tell(lib.PAIR_MACHINE_DIFFERS, source_machine=machines[0], destination_machine=machines[1])


def _uuid(pair: Pair) -> None:
    if not pair.on(0, "validate-uuid", "multifd"):
        return
    uuids = pair.both("uuid", "with validate-uuid or multifd the destination refuses another UUID")
    if not uuids:
        return
    ours, theirs = (uuid or NO_UUID for uuid in uuids)
    if ours.lower() != theirs.lower():
        pair.tell(lib.PAIR_UUID_DIFFERS, source_uuid=ours, destination_uuid=theirs)
        if None not in uuids:
            pair.tell(lib.PAIR_SET_UUID_DIFFERS)


def _memory(pair: Pair) -> None:
    blocks = pair.both("ram_blocks", "the destination refuses other names or sizes of RAM blocks")
    if not blocks:
        return
    ours, theirs = blocks
    for name, block in ours.items():
        if name not in theirs:
            pair.tell(lib.PAIR_BLOCK_MISSING, block=name)
            return
        _block(pair, name, block, theirs[name])


def _block(pair: Pair, name: str, ours: Any, theirs: Any) -> None:
    sizes = ours.get("size"), theirs.get("size")
    if None not in sizes and sizes[0] != sizes[1]:
        pair.tell(lib.PAIR_BLOCK_SIZE_DIFFERS, block=name, source_size=hex(sizes[0]), destination_size=hex(sizes[1]))
    pages = ours.get("page_size"), theirs.get("page_size")
    if None not in pages and pages[0] != pages[1]:
        texts = (f"{page:x}" for page in pages)
        pair.tell(lib.PAIR_BLOCK_PAGE_SIZE_DIFFERS, source_page_sizes=next(texts), destination_page_sizes=next(texts))
    if _in_shared_file(ours) and not theirs.get("share", False):
        pair.tell(lib.PAIR_SHARED_AT_SOURCE_ONLY, block=name)
    if _in_shared_file(theirs) and not ours.get("share", False):
        pair.tell(lib.PAIR_SHARED_AT_DESTINATION_ONLY, block=name)
    if all(block.get("share") and block.get("kind") == "memfd" for block in (ours, theirs)):
        pair.tell(lib.PAIR_SHARED_WITHOUT_FILE, block=name)
    if _in_shared_file(theirs) and not str(theirs.get("path", "")).startswith("/dev/"):
        pair.tell(lib.PAIR_SHARED_DISK_FILE, block=name)


def _in_shared_file(block: Any) -> bool:
    return bool(block.get("share")) and block.get("kind") == "file"


def _cpus(pair: Pair) -> None:
    counts = pair.both("cpus", "more CPUs at one end break the device state or the guest")
    if counts and counts[0] > counts[1]:
        pair.tell(lib.PAIR_CPUS_MORE_AT_SOURCE)
    if counts and counts[0] < counts[1]:
        pair.tell(lib.PAIR_CPUS_MORE_AT_DESTINATION, section="0000:00:1f.0/ICH9LPC")
    models = pair.both("cpu_model", "nothing checks the CPU model; the guest may fail on another one")
    if models and models[0] != models[1]:
        pair.tell(lib.PAIR_CPU_MODEL_DIFFERS)


def _devices(pair: Pair) -> None:
    devices = pair.both("devices", "the destination can't load the state of a device that it lacks")
    if not devices:
        return
    left = list(devices[1])
    for driver, address in devices[0]:
        if (driver, address) in left:
            left.remove((driver, address))
        else:
            pair.tell(lib.PAIR_DEVICE_MISSING, section=f"{address or ''}/{driver}".lstrip("/"))
            return
    if devices[0] and pair.states[0].build.release != pair.states[1].build.release:
        matters = "another release may not load a device's state; with return-path the guest then goes on at the source"
        pair.unknown.append(Unknown("both", "device_state", matters))


def _bitmaps(pair: Pair) -> None:
    ours: Any = pair.source.bitmaps
    if not pair.on(0, "dirty-bitmaps") or not ours:
        return
    aliases = _aliases(pair.states[0], "node-name", "alias")
    nodes = _aliases(pair.states[1], "alias", "node-name")
    known: Any = pair.destination.block_nodes
    if known is UNKNOWN:
        pair.unknown.append(Unknown("destination", "block_nodes", "a dirty bitmap without a node is silently lost"))
    theirs: Any = pair.destination.bitmaps or {}
    for node, names in ours.items():
        alias = aliases.get(node, None if aliases else node)
        target = None if alias is None else nodes.get(alias, None if nodes else alias)
        if known is not UNKNOWN and names and target not in known:
            pair.tell(lib.PAIR_BITMAP_LOST, node=alias or node)
        for name in set(names) & set(theirs.get(target, ())):
            pair.tell(lib.PAIR_BITMAP_EXISTS, bitmap=name)


def _aliases(state: MigrationState, key: str, value: str) -> dict[str, str]:
    mapping = state.query_parameters().get("block-bitmap-mapping") or ()
    return {entry[key]: entry[value] for entry in mapping}


def _tls(pair: Pair) -> None:
    uses_tls = [lib.migrate_tls(state._c) for state in pair.states]
    if uses_tls[0]:
        ours = pair.states[0].query_parameters()
        _credentials(
            pair, 0, ours["tls-creds"], "server", lib.PAIR_SOURCE_CREDS_MISSING, lib.PAIR_SOURCE_CREDS_OF_SERVER
        )
        _hostname(pair, ours)
    if uses_tls[1]:
        theirs = pair.states[1].query_parameters()
        missing, of_client = lib.PAIR_DESTINATION_CREDS_MISSING, lib.PAIR_DESTINATION_CREDS_OF_CLIENT
        _credentials(pair, 1, theirs["tls-creds"], "client", missing, of_client)
        authz, objects = theirs["tls-authz"], pair.destination.tls_objects
        if authz and not isinstance(objects, UnknownType) and authz not in objects:
            pair.tell(lib.PAIR_AUTHZ_MISSING, destination_tls_authz=authz)


def _credentials(pair: Pair, end: int, name: str, wrong: str, missing: int, of_the_other: int) -> None:
    label = ENDS[end]
    objects: Any = pair.ends[end].tls_objects
    if objects is UNKNOWN:
        pair.unknown.append(
            Unknown(label, "tls_objects", "without the object of tls-creds the migration fails at once")
        )
    elif name not in objects:
        pair.tell(missing, **{f"{label}_tls_creds": name})
    elif objects[name].get("endpoint") == wrong:
        pair.tell(of_the_other, **{f"{label}_tls_creds": name})


def _hostname(pair: Pair, parameters: Any) -> None:
    """The name that the source checks: tls-hostname, else the host of a tcp address."""
    ours: Any = pair.source.tls_objects or {}
    theirs: Any = pair.destination.tls_objects or {}
    if not ours.get(parameters["tls-creds"], {}).get("verify_peer", True):
        return
    hostname = parameters["tls-hostname"] or _host_of(pair)
    names = theirs.get(pair.states[1].query_parameters()["tls-creds"], {}).get("names")
    if not hostname:
        pair.tell(lib.PAIR_HOSTNAME_MISSING)
    elif names is not None and hostname not in names:
        pair.tell(lib.PAIR_HOSTNAME_DIFFERS, hostname=hostname)


def _host_of(pair: Pair) -> str:
    """The host of a tcp address; "" for any other transport."""
    if pair.transport != "tcp":
        return ""
    channels = pair.plan.migrate.get("channels") or [{}]
    address = (pair.plan.uri or "").removeprefix("tcp:").rpartition(":")[0].strip("[]")
    return address or str(channels[0].get("addr", {}).get("host", ""))


FLAGS = {"none": "0", "zlib": "2", "zstd": "4", "qpl": "8", "uadk": "10", "qatzip": "20"}
"""What multifd writes into each packet for its compression."""


def _flags(pair: Pair) -> None:
    if not (pair.on(0, "multifd") and pair.on(1, "multifd")):
        return
    ours, theirs = (FLAGS[state.multifd_compression] for state in pair.states)
    pair.names |= {"source flags": ours, "destination flags": theirs}


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


def _opening(pair: Pair) -> None:
    pair.unknown.append(Unknown(*OPENING[pair.transport]))


_COMPARISONS: tuple[Callable[[Pair], None], ...] = (
    _plan,
    _hosts,
    _machine,
    _uuid,
    _memory,
    _cpus,
    _devices,
    _bitmaps,
    _tls,
    _flags,
    _opening,
)


def named(words: str, names: dict[str, str]) -> str:
    """QEMU's words with its names; a name that is not known stays in angle brackets."""
    for name, text in names.items():
        words = words.replace(f"<{name}>", text)
    return words


def rows_of(bits: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    return (i for i in range(bits.bit_length()) if bits >> i & 1)
