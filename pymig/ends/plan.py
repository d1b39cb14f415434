# SPDX-License-Identifier: GPL-2.0-or-later

"""What is wanted of a migration."""

from __future__ import annotations

from _collections_abc import Iterable, Mapping  # what collections.abc re-exports; that package takes 1 ms to import

from pymig._core import ffi, lib
from pymig.capability import BITS
from pymig.qemu.parameters import PARAMETERS
from pymig.request import c_members
from pymig.values import READ_ONLY, Value, require_bool, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from pymig.ends.products import Preset
    from pymig.libvirt.domain import Domain
    from pymig.libvirt.flags import Flags
    from pymig.libvirt.sent import EndRequests
    from pymig.qemu.build import QemuBuild

SCHEMA, VERSION = "pymig-plan", "1.0"

ENDS = ("source", "destination")

ORDERS = ("source-first", "destination-first", "incoming-first")
"""Which end's settings come first; ``incoming-first`` sends migrate-incoming before the source's settings."""

DEFAULT_LIBVIRT = "11.3"
"""The version of libvirt where none is given."""

SWITCHES_TO_POSTCOPY = {"postcopy-after-precopy", "timeout-postcopy"}
"""virsh migrate's options that switch the migration to postcopy."""

PAUSE = "pause-before-switchover"


class Settings(Value):
    """What is set at one end. Immutable.

    Attributes:
        capabilities: ``{name: whether it is switched on}``.
        parameters: QMP's names and values.
    """

    __slots__ = ("capabilities", "parameters")

    capabilities: Mapping[str, bool]
    parameters: Mapping[str, Any]

    def __new__(cls, capabilities: object = (), parameters: object = None, argument: str = "capabilities") -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(
            capabilities=READ_ONLY(_states(capabilities, argument)), parameters=READ_ONLY(_parameters(parameters))
        )
        return self

    def __hash__(self) -> int:
        return hash((tuple(self.capabilities.items()), tuple(self.parameters)))

    def __reduce__(self) -> tuple[object, ...]:
        return (Settings, (dict(self.capabilities), dict(self.parameters)))

    def __repr__(self) -> str:
        return f"Settings({dict(self.capabilities)!r}, {dict(self.parameters)!r})"


FIELDS = (
    "continues",
    "destination",
    "incoming_uri",
    "migrate",
    "migrate_incoming",
    "order",
    "postcopy",
    "source",
    "uri",
)
"""The attributes of a Plan."""


class Plan(Value):
    """What is wanted of a migration. Immutable.

    Args:
        capabilities: names that are wanted, or ``{name: bool}``. Each end gets those that it needs.
        parameters: parameters that are wanted, by QMP's names. Each end gets those that it needs.
        uri: where the source migrates to, such as ``"tcp:host:4444"``.
        incoming_uri: where the destination listens; by default ``uri``. A destination that listens already gets no
            migrate-incoming, unless this or ``migrate_incoming`` is given.
        source: exactly what is set at the source instead: ``{"capabilities": ..., "parameters": ...}``.
        destination: the same at the destination.
        postcopy: the migration will be switched to postcopy.
        migrate: further arguments of ``migrate``, in QMP's spelling.
        migrate_incoming: further arguments of ``migrate-incoming``.
        continues: the source is told to go on (``migrate-continue``) when it has paused before the switchover, as
            libvirt does; without it, such a migration waits.
        order: ``"source-first"``, ``"destination-first"`` (libvirt's) or ``"incoming-first"`` (Proxmox's).

    What a release does not have becomes a refused step of the preflight, never an error here.

    Raises:
        TypeError, ValueError: an impossible argument; the text names it.
    """

    __slots__ = ("_c", *FIELDS)

    source: Settings
    destination: Settings
    continues: bool
    uri: str | None
    incoming_uri: str | None
    postcopy: bool
    migrate: Mapping[str, Any]
    migrate_incoming: Mapping[str, Any]
    order: str
    _c: CPlan

    def __new__(
        cls,
        capabilities: Iterable[str] | Mapping[str, bool] = (),
        parameters: Mapping[str, object] | None = None,
        *,
        uri: str | None = None,
        incoming_uri: str | None = None,
        source: Mapping[str, Any] | None = None,
        destination: Mapping[str, Any] | None = None,
        postcopy: bool = False,
        migrate: Mapping[str, object] | None = None,
        migrate_incoming: Mapping[str, object] | None = None,
        order: str = "source-first",
        continues: bool = False,
    ) -> Self:
        """See the class."""
        wanted = Settings(capabilities, parameters)
        if order not in ORDERS:
            raise ValueError(f"order must be one of {', '.join(ORDERS)}, not {order!r:.40}")
        self = object.__new__(cls)
        self._set(
            source=_settings(source, "source") if source is not None else _needed(wanted, 0),
            destination=_settings(destination, "destination") if destination is not None else _needed(wanted, 1),
            uri=_uri(uri, "uri"),
            incoming_uri=_uri(incoming_uri, "incoming_uri"),
            postcopy=require_bool(postcopy, "postcopy"),
            migrate=READ_ONLY(_arguments(migrate, "migrate")),
            migrate_incoming=READ_ONLY(_arguments(migrate_incoming, "migrate_incoming")),
            order=order,
            continues=require_bool(continues, "continues"),
        )
        self._set(_c=CPlan(self))
        return self

    @classmethod
    def from_virsh(
        cls,
        options: str | Iterable[str] | Flags,
        *,
        libvirt: str = DEFAULT_LIBVIRT,
        destination_libvirt: str | None = None,
        source: QemuBuild | str | None = None,
        destination: QemuBuild | str | None = None,
        domain: Domain | None = None,
    ) -> Plan:
        """What ``virsh migrate`` wants of both ends: exactly what libvirt sends them.

        Args:
            options: virsh's words as a list, or as one string: a whole command line, or only the options of migrate; or
                the Flags that a program passes to libvirt.
            libvirt: the version of libvirt at the source.
            destination_libvirt: the version at the destination; by default, the same.
            source: the source's QEMU; by default, the newest release.
            destination: the destination's QEMU; likewise.
            domain: facts about the domain; by default, a plain one.

        Raises:
            LibvirtRefusal: libvirt refuses the options itself.
            TypeError, ValueError: an impossible argument; the text names it.
        """
        from pymig.libvirt.predict import asked, requests  # noqa: PLC0415 - only here
        from pymig.qemu.build import QemuBuild  # noqa: PLC0415 - only here

        newest = QemuBuild.newest()
        builds = {"source": source or newest, "destination": destination or newest}
        words: Any = options if isinstance(options, str) or not isinstance(options, Iterable) else list(options)
        choices: Any = {**builds, "libvirt": libvirt, "destination_libvirt": destination_libvirt, "domain": domain}
        command, given, migration = asked(words, **choices)
        if command != "migrate" or migration.flags.has("OFFLINE"):
            raise ValueError(f"options: {command if command != 'migrate' else '--offline'} migrates no running guest")
        sent = requests(words, **choices)
        outgoing, incoming = _opening(sent.source), _opening(sent.destination)
        resumes = migration.flags.has("POSTCOPY_RESUME")  # the destination gets migrate-recover
        return cls(
            uri=outgoing.pop("uri"),
            incoming_uri=None if resumes else incoming.pop("uri"),
            source={"capabilities": sent.source.capabilities, "parameters": sent.source.parameters},
            destination={"capabilities": sent.destination.capabilities, "parameters": sent.destination.parameters},
            postcopy=bool(given.keys() & SWITCHES_TO_POSTCOPY),
            migrate=outgoing,
            migrate_incoming=None if resumes else incoming,
            order="destination-first",
            continues=True,
        )

    @classmethod
    def from_preset(
        cls,
        name: str,
        *,
        version: str | None = None,
        libvirt: str | None = None,
        destination_libvirt: str | None = None,
        source: QemuBuild | str | None = None,
        destination: QemuBuild | str | None = None,
        **settings: object,
    ) -> Plan:
        """What a product wants of both ends, such as ``Plan.from_preset("kubevirt", allowPostCopy=True)``.

        Args:
            name: one of ``Plan.presets()``.
            version: of the product; by default, the newest that is known.
            libvirt: for products on top of libvirt: the version at the source; by default, 11.3.
            destination_libvirt: the version at the destination; by default, the same.
            source: the source's QEMU; by default, the newest release.
            destination: the destination's QEMU; likewise.
            settings: in the product's spelling; dots and dashes may be underscores. A text is read as in a
                configuration file.

        Raises:
            LibvirtRefusal: libvirt refuses what the product asks for.
            TypeError, ValueError: an impossible argument; the text names it.
        """
        from pymig.ends.products import wanted  # noqa: PLC0415 - only here
        from pymig.qemu.build import QemuBuild, require_build  # noqa: PLC0415 - only here

        newest = QemuBuild.newest()
        builds = {
            "source": require_build(source or newest, "source"),
            "destination": require_build(destination or newest, "destination"),
        }
        asked = wanted(name, version, settings, builds)
        if isinstance(asked, dict):
            return cls(**asked)
        return cls.from_virsh(
            asked,
            libvirt=libvirt or DEFAULT_LIBVIRT,
            destination_libvirt=destination_libvirt,
            source=builds["source"],
            destination=builds["destination"],
        )

    @staticmethod
    def presets() -> Mapping[str, Preset]:
        """The products that ``from_preset`` knows, with their settings, by name."""
        from pymig.ends.products import PRESETS  # noqa: PLC0415 - only here

        return PRESETS

    @property
    def ends(self) -> tuple[Settings, Settings]:
        """The settings of the source and of the destination."""
        return self.source, self.destination

    def to_dict(self) -> dict[str, Any]:
        """The plan as a dict, as in ``to_json``."""
        return {"schema": SCHEMA, "version": VERSION, **{name: _plain(getattr(self, name)) for name in FIELDS}}

    def to_json(self) -> str:
        """The plan as JSON."""
        from pymig.documents import dumps  # noqa: PLC0415 - only here

        return dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> Plan:
        """The plan that this JSON describes.

        Raises:
            ValueError: not such a document, or one of another major version.
            TypeError: a field has the wrong type; the text names it.
        """
        from pymig.documents import loads, require_schema  # noqa: PLC0415 - only here

        document = loads(text)
        require_schema(document, SCHEMA, VERSION)
        return _restored({name: document[name] for name in FIELDS if name in document})

    @property
    def _goes_on(self) -> bool:
        """Whether the source pauses before the switchover, and is told to go on."""
        return self.continues and bool(self.source.capabilities.get(PAUSE, False))

    def _without_pause(self) -> Plan:
        """The same without the pause before the switchover: what happens when the source is told to go on."""
        source = {**self.source.capabilities, PAUSE: False}
        settings = {"capabilities": source, "parameters": self.source.parameters}
        return _restored({**{name: _plain(getattr(self, name)) for name in FIELDS}, "source": settings})

    def _arguments(self, command: int) -> dict[str, Any]:
        """The arguments of migrate or migrate-incoming: enum MigrationCommand."""
        if command == lib.MIGRATION_MIGRATE:
            uri, further = self.uri, self.migrate
        else:
            uri, further = self.uri if self.incoming_uri is None else self.incoming_uri, self.migrate_incoming
        return {**({} if uri is None else {"uri": uri}), **further}

    def __hash__(self) -> int:
        return hash((self.source, self.destination, self.uri, self.incoming_uri, self.postcopy, self.order))

    def __reduce__(self) -> tuple[object, ...]:
        return (_restored, ({name: _plain(getattr(self, name)) for name in FIELDS},))

    def __repr__(self) -> str:
        shown = {name: _plain(getattr(self, name)) for name in FIELDS}
        return f"Plan({', '.join(f'{name}={value!r}' for name, value in shown.items() if value != _DEFAULTS[name])})"


def _opening(sent: EndRequests) -> dict[str, Any]:
    """The arguments of the command that opens the stream."""
    return dict(sent.commands[-1].arguments)


class CPlan:
    """C's MigrationPlan, to be copied, and everything that it points to."""

    __slots__ = ("_alive", "struct")

    def __init__(self, plan: Plan) -> None:
        self._alive: list[Any] = []
        self.struct = ffi.new("MigrationPlan *")
        self.struct.order = ORDERS.index(plan.order)
        self.struct.incoming_if_needed = plan.incoming_uri is None and not plan.migrate_incoming
        for end, opening in enumerate((lib.MIGRATION_MIGRATE, lib.MIGRATION_INCOMING)):
            wanted, settings = plan.ends[end], self.struct.ends[end]
            settings.on, settings.off, settings.has_unknown = _masks(wanted.capabilities)
            settings.parameters, settings.n_parameters = self._members(wanted.parameters, "parameters")
            given = {name: value for name, value in plan._arguments(opening).items() if value is not None}
            settings.opening, settings.n_opening = self._members(given, "arguments")

    def _members(self, mapping: Mapping[str, object], argument: str) -> tuple[Any, int]:
        return c_members(mapping, argument, self._alive), len(mapping)


def _masks(capabilities: Mapping[str, bool]) -> tuple[int, int, bool]:
    """The capabilities to switch on and off, and whether there is one that no release has."""
    on, off = (sum(BITS.get(name, 0) for name, is_on in capabilities.items() if is_on is one) for one in (True, False))
    return on, off, not capabilities.keys() <= BITS.keys()


_NOTHING: dict[str, object] = {"capabilities": {}, "parameters": {}}
_DEFAULTS: dict[str, object] = {
    "source": _NOTHING,
    "destination": _NOTHING,
    "uri": None,
    "incoming_uri": None,
    "postcopy": False,
    "migrate": {},
    "migrate_incoming": {},
    "order": "source-first",
    "continues": False,
}


def _restored(values: dict[str, Any]) -> Plan:
    return Plan(**values)


def _plain(value: object) -> object:
    if isinstance(value, Settings):
        return {"capabilities": dict(value.capabilities), "parameters": dict(value.parameters)}
    return dict(value) if isinstance(value, Mapping) else value


# ---- Arguments ----


def _states(capabilities: object, argument: str) -> dict[str, bool]:
    if isinstance(capabilities, (str, bytes)) or not isinstance(capabilities, Iterable):
        wrong_type(capabilities, argument, "names, or a mapping of names to bool")
    pairs = capabilities.items() if isinstance(capabilities, Mapping) else ((name, True) for name in capabilities)
    states = {}
    for name, state in pairs:
        if not isinstance(name, str):
            wrong_type(name, f"a name in {argument}", "a str")
        states[name] = require_bool(state, f"{argument}[{name!r}]")
    return states


def _parameters(parameters: object) -> dict[str, Any]:
    return _arguments(parameters, "parameters")


def _arguments(arguments: object, argument: str) -> dict[str, Any]:
    if arguments is None:
        return {}
    if not isinstance(arguments, Mapping):
        wrong_type(arguments, argument, "a mapping of QMP names to values")
    for name in arguments:
        if not isinstance(name, str):
            wrong_type(name, f"a name in {argument}", "a str")
    return dict(arguments)


def _settings(value: object, argument: str) -> Settings:
    if isinstance(value, Settings):
        return value
    given = _arguments(value, argument)
    if unknown := sorted(given.keys() - {"capabilities", "parameters"}):
        raise ValueError(f"{argument} has no key {unknown[0]!r}; it may have capabilities and parameters")
    return Settings(given.get("capabilities", ()), given.get("parameters"), f"{argument}['capabilities']")


def _uri(value: object, argument: str) -> Any:
    if value is not None and not isinstance(value, str):
        wrong_type(value, argument, "a str")
    return value


def _needed(wanted: Settings, end: int) -> Settings:
    """What this end needs of the settings. A name that no release has goes to both, which refuse it."""

    def is_needed(ends: int) -> bool:
        return not ends or bool(ends >> end & 1)

    return Settings(
        {
            name: on
            for name, on in wanted.capabilities.items()
            if is_needed(lib.migration_capability_ends(BITS.get(name, 0).bit_length() - 1))
        },
        {
            name: value
            for name, value in wanted.parameters.items()
            if is_needed(lib.migration_parameter_ends(PARAMETERS.get(name, -1)))
        },
    )
