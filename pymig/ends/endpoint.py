# SPDX-License-Identifier: GPL-2.0-or-later

"""One end of a migration: its QEMU, what is set there, and what the other end will compare."""

from __future__ import annotations

from _collections_abc import Iterable, Mapping  # what collections.abc re-exports; that package takes 1 ms to import

from pymig.capability import CapabilitySet
from pymig.context import Context
from pymig.values import READ_ONLY, Value, require_bool, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Self

    from pymig.host.host import Host
    from pymig.host.memory import Memory


class UnknownType:
    """The type of UNKNOWN."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "UNKNOWN"

    def __copy__(self) -> UnknownType:
        return self

    def __deepcopy__(self, memo: object) -> UnknownType:
        return self


UNKNOWN = UnknownType()
"""A fact about an Endpoint that is not known. Nothing is concluded from it."""

SCHEMA, VERSION = "pymig-endpoint", "1.0"

FACTS = (
    "machine",
    "uuid",
    "ram_blocks",
    "cpus",
    "cpu_model",
    "devices",
    "tls_objects",
    "block_nodes",
    "bitmaps",
)
"""The facts that may be UNKNOWN."""

BLOCK_KEYS = ("size", "page_size", "share", "kind", "path")
BLOCK_KINDS = ("anonymous", "memfd", "file")


class Endpoint(Value):
    """One end of a migration. Immutable; equal if everything is equal.

    Args:
        context: which QEMU on which host; ``incoming`` does not matter. ``host=None`` means that it is not known what
            the host can do.
        capabilities: the names of the capabilities that are on.
        parameters: the parameters that are set, by QMP's names.
        machine: the versioned machine type, such as ``"pc-q35-7.2"``.
        uuid: the guest's UUID, or None if none was given.
        ram_blocks: the guest's memory: ``{name: {"size": bytes, "page_size": bytes, "share": bool, "kind": "anonymous",
            "memfd" or "file", "path": ...}}``. Keys may be missing.
        cpus: the number of CPUs.
        cpu_model: the CPU model, such as ``"qemu64"``; None for the default.
        devices: ``[(driver, address or None)]``.
        tls_objects: ``{id: {"kind": "x509", "psk" or "anon", "endpoint": "client" or "server", "verify_peer": bool,
            "names": [...]}}``; names are those in the certificate. Without a kind it is x509.
        block_nodes: the names of block nodes.
        bitmaps: dirty bitmaps by node: ``{node: [name]}``.
        blockers: query-migrate's blocked-reasons, in its order.
        paused: the guest is paused; at a destination: it was started with -S.
        status: the status of query-migrate.

    What is UNKNOWN is not known, and nothing is concluded from it.

    Raises:
        TypeError: an argument has the wrong type; the text names it.
        ValueError: an impossible value; the text names the argument.
        UnknownCapabilityError: a capability that no release has.
    """

    __slots__ = ("_extra", "_mirrors", "blockers", "capabilities", "context", "parameters", "paused", "status", *FACTS)

    context: Context
    capabilities: CapabilitySet
    parameters: Mapping[str, Any]
    machine: str | UnknownType
    uuid: str | UnknownType | None
    ram_blocks: Mapping[str, Mapping[str, Any]] | UnknownType
    cpus: int | UnknownType
    cpu_model: str | UnknownType | None
    devices: tuple[tuple[str, str | None], ...] | UnknownType
    tls_objects: Mapping[str, Mapping[str, Any]] | UnknownType
    block_nodes: tuple[str, ...] | UnknownType
    bitmaps: Mapping[str, tuple[str, ...]] | UnknownType
    blockers: tuple[str, ...]
    paused: bool
    status: str
    _extra: Mapping[str, Any]
    _mirrors: dict[bool, Any]  # preflight's, by incoming

    def __new__(
        cls,
        context: Context,
        *,
        capabilities: Iterable[str] = (),
        parameters: Mapping[str, object] | None = None,
        machine: str | UnknownType = UNKNOWN,
        uuid: str | UnknownType | None = UNKNOWN,
        ram_blocks: Mapping[str, Mapping[str, object]] | UnknownType = UNKNOWN,
        cpus: int | UnknownType = UNKNOWN,
        cpu_model: str | UnknownType | None = UNKNOWN,
        devices: Iterable[tuple[str, str | None]] | UnknownType = UNKNOWN,
        tls_objects: Mapping[str, Mapping[str, object]] | UnknownType = UNKNOWN,
        block_nodes: Iterable[str] | UnknownType = UNKNOWN,
        bitmaps: Mapping[str, Iterable[str]] | UnknownType = UNKNOWN,
        blockers: Iterable[str] = (),
        paused: bool = False,
        status: str = "none",
    ) -> Self:
        """See the class."""
        if not isinstance(context, Context):
            wrong_type(context, "context", "a Context")
        self = object.__new__(cls)
        self._set(
            context=context,
            capabilities=CapabilitySet(capabilities),
            parameters=_frozen_mapping({} if parameters is None else parameters, "parameters"),
            machine=_text(machine, "machine"),
            uuid=_text_or_none(uuid, "uuid"),
            ram_blocks=_blocks(ram_blocks),
            cpus=_count(cpus, "cpus"),
            cpu_model=_text_or_none(cpu_model, "cpu_model"),
            devices=_devices(devices),
            tls_objects=_tls_objects(tls_objects),
            block_nodes=block_nodes if block_nodes is UNKNOWN else _texts(block_nodes, "block_nodes"),
            bitmaps=_bitmaps(bitmaps),
            blockers=_texts(blockers, "blockers"),
            paused=require_bool(paused, "paused"),
            status=_text(status, "status"),
            _extra=READ_ONLY({}),
            _mirrors={},
        )
        return self

    @property
    def host(self) -> Host | None:
        """What the host can do; None if it is not known."""
        return self.context.host

    def replace(self, **changes: Any) -> Endpoint:
        """The same with other values for some of the constructor's arguments."""
        return Endpoint(**{name: getattr(self, name) for name in self._names()} | changes)

    def to_dict(self) -> dict[str, Any]:
        """The end as a dict, as in ``to_json``."""
        from pymig.documents import newer_version  # noqa: PLC0415 - only here

        facts = {name: _thawed(getattr(self, name)) for name in FACTS}
        return {
            **self._extra,
            "schema": SCHEMA,
            "version": newer_version(self._extra.get("version"), VERSION),
            "context": self.context.to_dict(),
            "capabilities": list(self.capabilities),
            "parameters": dict(self.parameters),
            "blockers": list(self.blockers),
            "paused": self.paused,
            "status": self.status,
            **{name: value for name, value in facts.items() if value is not UNKNOWN},
        }

    def to_json(self) -> str:
        """The end as JSON, for use on another machine; docs/endpoint.schema.json describes it.

        What is UNKNOWN is left out. What a local host can do is asked now, unless it was already.
        """
        from pymig.documents import dumps  # noqa: PLC0415 - only here

        return dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> Endpoint:
        """The end that this JSON describes. Unknown fields, from a newer pymig, are kept.

        Raises:
            ValueError: not such a document, or one of another major version.
            TypeError: a field has the wrong type; the text names it.
        """
        from pymig.documents import loads  # noqa: PLC0415 - only here

        return cls._from_dict(loads(text))

    @classmethod
    def _from_dict(cls, document: Any, context_of: Callable[[Any], Context] = Context._from_dict) -> Endpoint:
        from pymig.documents import require_schema  # noqa: PLC0415 - only here

        require_schema(document, SCHEMA, VERSION)
        if "context" not in document:
            raise ValueError("text lacks the field 'context'")
        values = {name: document[name] for name in cls._names() if name in document}
        extra = {name: value for name, value in document.items() if name not in values}
        return _restored({**values, "context": context_of(values["context"])}, extra)

    @classmethod
    def from_qmp(cls, address: str | os.PathLike[str], *, host: Host | None = None, timeout: float = 10.0) -> Endpoint:
        """A running QEMU as one end, read over its QMP monitor. Nothing changes there.

        What QMP does not tell stays at its default: KVM's dirty ring, and a destination's -S. An unset UUID and one of
        zeros read the same. Needs the package qemu.qmp (``pip install 'pymig-qemu[qemu]'``), or for a domain
        libvirt-python (``pip install 'pymig-qemu[libvirt]'``). libvirt marks a domain that is asked as tainted
        (custom-monitor).

        Args:
            address: the monitor's socket: a path, or ``host:port``. Or a running domain of libvirt's, by name or UUID:
                ``libvirt:DOMAIN`` over libvirt's default connection (LIBVIRT_DEFAULT_URI), or ``libvirt:URI#DOMAIN``.
            host: what the QEMU's host can do. None: it is asked in the QEMU's place, as Host.of_process does, if the
                QEMU runs on this machine and this process may; otherwise it is not known.
            timeout: seconds for everything; at most a day.

        Raises:
            ValueError: an impossible timeout, or no domain is named.
            MonitorError: the monitor can't be reached, does not answer in time, or does not answer like QEMU; libvirt
                refuses; the domain is not running; a package is missing.
        """
        from pymig.ends.monitors import read  # noqa: PLC0415 - it imports asyncio

        return _told(read(address, timeout), host)

    @classmethod
    async def from_qmp_async(
        cls, address: str | os.PathLike[str], *, host: Host | None = None, timeout: float = 10.0
    ) -> Endpoint:
        """The same as from_qmp, in the running event loop."""
        from pymig.ends.monitors import read_async  # noqa: PLC0415 - it imports asyncio

        return _told(await read_async(address, timeout), host)

    def __hash__(self) -> int:
        return hash((self.context, self.capabilities, self.machine, self.uuid, self.cpus, self.blockers, self.status))

    def __reduce__(self) -> tuple[object, ...]:
        return (_restored, ({name: _thawed(getattr(self, name)) for name in self._names()}, dict(self._extra)))

    def __repr__(self) -> str:
        values = {name: _thawed(getattr(self, name)) for name in self._names()}
        told = {name: value for name, value in values.items() if value != _DEFAULTS.get(name, UNKNOWN)}
        told |= {"capabilities": list(self.capabilities)} if self.capabilities else {}
        given = [f"{name}={value!r}" for name, value in told.items() if name != "context"]
        return f"Endpoint({', '.join([repr(self.context), *given])})"

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in cls.__slots__ if not name.startswith("_")]


_DEFAULTS: dict[str, object] = {
    "capabilities": CapabilitySet(),
    "parameters": {},
    "blockers": [],
    "paused": False,
    "status": "none",
}


def _restored(values: dict[str, Any], extra: Mapping[str, Any]) -> Endpoint:
    end = Endpoint(**values)
    end._set(_extra=READ_ONLY(dict(extra)))
    return end


def _told(told: tuple[dict[str, Any], dict[str, Any], int], host: Host | None) -> Endpoint:
    context, facts, pid = told
    if host is None and pid:
        host = _host_of(pid, facts["ram_blocks"])
    return Endpoint(Context(host=host, **context), **facts)


def _host_of(pid: int, blocks: Mapping[str, Mapping[str, Any]]) -> Host | None:
    """What the QEMU's host answers it; None if that can't be asked. Somebody else may listen at its socket for it."""
    from pymig.host.host import Host  # noqa: PLC0415 - rare
    from pymig.host.place import is_qemu  # noqa: PLC0415 - likewise

    try:
        return Host.of_process(pid, _memory(blocks)) if is_qemu(pid) else None
    except OSError:
        return None


def _memory(blocks: Mapping[str, Mapping[str, Any]]) -> list[Memory]:
    """The blocks whose backend is known, as Memory; one anonymous block if there are none."""
    from pymig.host.memory import Memory  # noqa: PLC0415 - rare

    known = [
        Memory(
            block["kind"],
            path=block.get("path"),
            share=block["share"],
            page_size=block["page_size"] if block["kind"] == "memfd" else None,
        )
        for block in blocks.values()
        if "kind" in block
    ]
    return known or [Memory()]


def _thawed(value: Any) -> Any:
    """A value as lists and dicts, as in JSON."""
    if isinstance(value, Mapping):
        return {name: _thawed(item) for name, item in value.items()}
    return [_thawed(item) for item in value] if isinstance(value, tuple) else value


# ---- Arguments ----


def _text(value: object, argument: str) -> Any:
    if value is not UNKNOWN and not isinstance(value, str):
        wrong_type(value, argument, "a str")
    return value


def _text_or_none(value: object, argument: str) -> Any:
    return value if value is None else _text(value, argument)


def _texts(values: object, argument: str) -> tuple[str, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        wrong_type(values, argument, "a list of str")
    texts = tuple(values)
    for text in texts:
        if not isinstance(text, str):
            wrong_type(text, argument, "a list of str")
    return texts


def _count(value: object, argument: str) -> Any:
    if value is UNKNOWN:
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        wrong_type(value, argument, "an int")
    if value < 1:
        raise ValueError(f"{argument} must be at least 1, not {value}")
    return value


def _frozen_mapping(value: object, argument: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        wrong_type(value, argument, "a mapping with str keys")
    for name in value:
        if not isinstance(name, str):
            wrong_type(name, argument, "a mapping with str keys")
    return READ_ONLY(dict(value))  # type: ignore[no-any-return]


def _mapping_of_mappings(value: object, argument: str, keys: Iterable[str]) -> Any:
    if value is UNKNOWN:
        return value
    outer = _frozen_mapping(value, argument)
    inner = {name: _frozen_mapping(item, f"{argument}[{name!r}]") for name, item in outer.items()}
    for name, item in inner.items():
        if unknown := sorted(item.keys() - set(keys)):
            raise ValueError(f"{argument}[{name!r}] has no key {unknown[0]!r}; it may have {', '.join(keys)}")
    return READ_ONLY(inner)


def _blocks(value: object) -> Any:
    blocks = _mapping_of_mappings(value, "ram_blocks", BLOCK_KEYS)
    for name, block in () if blocks is UNKNOWN else blocks.items():
        if block.get("kind", "anonymous") not in BLOCK_KINDS:
            raise ValueError(
                f"ram_blocks[{name!r}]: kind must be one of {', '.join(BLOCK_KINDS)}, not {block['kind']!r}"
            )
        for key in ("size", "page_size"):
            if key in block:
                _count(block[key], f"ram_blocks[{name!r}][{key!r}]")
    return blocks


TLS_KINDS = ("x509", "psk", "anon")
TLS_CHOICES = {"kind": TLS_KINDS, "endpoint": ("client", "server")}


def _tls_objects(value: object) -> Any:
    objects = _mapping_of_mappings(value, "tls_objects", (*TLS_CHOICES, "verify_peer", "names"))
    for name, item in () if objects is UNKNOWN else objects.items():
        for key, choices in TLS_CHOICES.items():
            if item.get(key, choices[0]) not in choices:
                raise ValueError(f"tls_objects[{name!r}]: {key} must be {' or '.join(choices)}, not {item[key]!r}")
    return objects


def _devices(value: object) -> Any:
    if value is UNKNOWN:
        return value
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        wrong_type(value, "devices", "a list of (driver, address)")
    devices = []
    for device in value:
        if not isinstance(device, (tuple, list)) or len(device) != 2:  # noqa: PLR2004 - driver and address
            wrong_type(device, "devices", "a list of (driver, address)")
        devices.append((_text(device[0], "a driver in devices"), _text_or_none(device[1], "an address in devices")))
    return tuple(devices)


def _bitmaps(value: object) -> Any:
    if value is UNKNOWN:
        return value
    nodes = _frozen_mapping(value, "bitmaps")
    return READ_ONLY({node: _texts(names, f"bitmaps[{node!r}]") for node, names in nodes.items()})
