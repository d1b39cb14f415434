# SPDX-License-Identifier: GPL-2.0-or-later

"""The context of a check: which QEMU, which host, which options and parameters."""

from __future__ import annotations

from _collections_abc import Mapping  # what collections.abc re-exports; that package takes 1 ms to import

from pymig._core import ffi, lib
from pymig.host.host import Host, page_size_of
from pymig.qemu.build import REFERENCE_BUILD, QemuBuild, require_build
from pymig.values import READ_ONLY, Value, require_bool, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypedDict

    from typing_extensions import Self, Unpack

    from pymig._core import MigrationContext

    class Arguments(TypedDict, total=False):
        """The arguments of Context."""

        build: QemuBuild | str | tuple[int, ...]
        host: Host | None
        incoming: bool
        parameters: Mapping[str, object] | None
        incoming_started: bool
        kvm_dirty_ring: bool
        rdma: bool
        single_channel: bool
        target_page_size: int | None


CIRCUMSTANCES = ("incoming", "incoming_started", "kvm_dirty_ring", "rdma", "single_channel")
"""The boolean facts about a running QEMU, named as in C's MigrationContext."""

_SCHEMA = "pymig-context"
_VERSION = "1.0"


class Context(Value):
    """The context of a check, as an immutable value: comparable, hashable, picklable, with a JSON form.

    Args:
        build: a QemuBuild, or a release such as ``"10.0"``.
        host: what QEMU's host can do. None is this machine, which is probed when a check needs it.
        incoming: QEMU waits for an incoming migration (it was started with -incoming).
        parameters: the migration parameters that are set, in QMP's spelling, e.g. ``{"multifd-compression": "zstd"}``.
        incoming_started: a listening socket of the incoming side is open (from 8.1 on).
        kvm_dirty_ring: KVM runs with its dirty ring, ``-accel kvm,dirty-ring-size=N`` (from 8.1 on).
        rdma: an RDMA migration is set up (from 10.1 on).
        single_channel: the incoming transport can't carry several channels (7.2 only).
        target_page_size: the guest's page size in bytes. By default, that of the build's target and machine.

    Raises:
        ParameterError: QEMU would refuse the parameters.
        TypeError: an argument has the wrong type; the text names it.
        ValueError: an unknown release; a page size that is not a power of two.

    Warns:
        IgnoredParameterWarning, DeprecatedParameterWarning: see ``MigrationState.set_parameters``.
    """

    __slots__ = (
        "_c",
        "_extra",
        "build",
        "host",
        "incoming",
        "incoming_started",
        "kvm_dirty_ring",
        "parameters",
        "rdma",
        "single_channel",
        "target_page_size",
    )

    build: QemuBuild
    host: Host | None
    incoming: bool
    parameters: Mapping[str, Any] | None
    incoming_started: bool
    kvm_dirty_ring: bool
    rdma: bool
    single_channel: bool
    target_page_size: int | None
    _c: MigrationContext
    _extra: Mapping[str, Any]

    def __new__(
        cls,
        build: QemuBuild | str | tuple[int, ...] = REFERENCE_BUILD,
        host: Host | None = None,
        *,
        incoming: bool = False,
        parameters: Mapping[str, object] | None = None,
        incoming_started: bool = False,
        kvm_dirty_ring: bool = False,
        rdma: bool = False,
        single_channel: bool = False,
        target_page_size: int | None = None,
    ) -> Self:
        """See the class."""
        if host is not None and not isinstance(host, Host):
            wrong_type(host, "host", "a Host")
        build, page_size = require_build(build), page_size_of(target_page_size)
        c_context = ffi.new("MigrationContext *")
        c_context.build = build._c[0]
        if page_size:
            c_context.target_page_size = page_size
        if not (incoming is incoming_started is kvm_dirty_ring is rdma is single_channel is False):
            circumstances = (incoming, incoming_started, kvm_dirty_ring, rdma, single_channel)
            for name, value in zip(CIRCUMSTANCES, circumstances, strict=True):
                setattr(c_context, name, require_bool(value, name))
        self = object.__new__(cls)
        self._set(
            build=build,
            host=host,
            incoming=incoming,
            parameters=None,
            incoming_started=incoming_started,
            kvm_dirty_ring=kvm_dirty_ring,
            rdma=rdma,
            single_channel=single_channel,
            target_page_size=target_page_size,
            _c=c_context,
            _extra={},
        )
        if parameters is not None:
            self._set(parameters=self._apply(parameters))
        return self

    def _apply(self, parameters: Mapping[str, object]) -> Mapping[str, object]:
        """Applies the parameters to C's context. Returns a read-only copy of them."""
        from pymig.request import Request  # noqa: PLC0415 - few contexts have parameters

        request = Request(parameters)
        request.send(lib.migration_context_apply, self._c)
        self.build._warn_of(request.parameters)
        return READ_ONLY({name: _frozen(value) for name, value in request.parameters.items()})  # type: ignore[no-any-return]

    def replace(self, **changes: Unpack[Arguments]) -> Context:
        """The same with other values for some of the constructor's arguments.

        Raises:
            TypeError: not an argument of the constructor.
        """
        return Context(**{**self._arguments(), **changes})

    def _arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _ARGUMENTS}

    def _key(self) -> tuple[object, ...]:
        parameters = None if self.parameters is None else tuple(sorted(self.parameters.items()))
        return tuple(parameters if name == "parameters" else getattr(self, name) for name in _ARGUMENTS)

    def __hash__(self) -> int:
        return hash((self.build, self.host, self.incoming, *(self.parameters or ())))

    def __repr__(self) -> str:
        given = {name: value for name, value in self._arguments().items() if value not in (None, False)}
        if self.parameters is not None:
            given["parameters"] = _thawed(self.parameters)
        if self.build == REFERENCE_BUILD:
            del given["build"]
        return f"Context({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    def to_dict(self) -> dict[str, Any]:
        """The context as a dict, as in ``to_json``. A local host is probed now, unless it was already."""
        from pymig.documents import newer_version  # noqa: PLC0415 - a check needs none

        return {
            **self._extra,
            "schema": _SCHEMA,
            "version": newer_version(self._extra.get("version"), _VERSION),
            "build": {**self._extra.get("build", {}), **self.build._to_dict()},
            "host": None if self.host is None else self.host.to_dict(),
            **{name: getattr(self, name) for name in CIRCUMSTANCES},
            "parameters": None if self.parameters is None else _thawed(self.parameters),
            "target_page_size": self.target_page_size,
        }

    def to_json(self) -> str:
        """The context as JSON, for use on another machine. A local host is probed now, unless it was already."""
        from pymig.documents import dumps  # noqa: PLC0415 - likewise

        return dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> Context:
        """The context that this JSON describes. Unknown fields, from a newer pymig, are kept.

        Raises:
            ValueError: not such a document, or one of another major version.
            ParameterError: QEMU would refuse its parameters.
        """
        from pymig.documents import loads  # noqa: PLC0415 - likewise

        return cls._from_dict(loads(text))

    @classmethod
    def _from_dict(cls, document: Any) -> Context:
        from pymig.documents import require_schema  # noqa: PLC0415 - likewise

        require_schema(document, _SCHEMA, _VERSION)
        host = document.get("host")
        given = {
            name: document[name] for name in (*CIRCUMSTANCES, "parameters", "target_page_size") if name in document
        }
        try:
            build = QemuBuild._from_dict(document["build"])
            context = Context(build, None if host is None else Host._from_dict(host), **given)
        except KeyError as error:
            raise ValueError(f"text lacks the field {error}") from None
        except TypeError as error:
            raise ValueError(f"text: {error}") from None
        context._set(_extra=document)
        return context

    def __reduce__(self) -> tuple[object, ...]:
        arguments = self._arguments()
        if self.parameters is not None:
            arguments["parameters"] = _thawed(self.parameters)
        return (_context, (arguments, self._extra))


_ARGUMENTS = (
    "build",
    "host",
    "incoming",
    "parameters",
    "incoming_started",
    "kvm_dirty_ring",
    "rdma",
    "single_channel",
    "target_page_size",
)


def _context(arguments: dict[str, Any], extra: Mapping[str, Any]) -> Context:
    context = Context(**arguments)
    context._set(_extra=extra)
    return context


def _frozen(value: Any) -> Any:
    """A parameter's value, made immutable."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_frozen, value))
    if isinstance(value, Mapping):
        return READ_ONLY({name: _frozen(item) for name, item in value.items()})
    return value


def _thawed(value: Any) -> Any:
    """A frozen value as lists and dicts, as in JSON."""
    if isinstance(value, tuple):
        return list(map(_thawed, value))
    if isinstance(value, Mapping):
        return {name: _thawed(item) for name, item in value.items()}
    return value


def require_context(context: object, host: Host | None, keywords: dict[str, Any]) -> Context:
    """The context itself, or one made from a build, a host and the other keywords."""
    if type(context) is not Context and not isinstance(context, Context):
        return Context(context, host, **keywords)  # type: ignore[arg-type]
    given = [name for name, value in keywords.items() if value not in (None, False)]
    if host is not None or given:
        raise TypeError(f"{(given or ['host'])[0]} can't be given together with a Context: use context.replace()")
    return context
