# SPDX-License-Identifier: GPL-2.0-or-later

"""An end as C sees it."""

from __future__ import annotations

from functools import lru_cache

from pymig._core import ffi, lib
from pymig.host.host import Host
from pymig.qemu.parameters import PARAMETERS
from pymig.request import Request, c_text
from pymig.state import MigrationState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pymig.ends.endpoint import Endpoint
    from pymig.qemu.build import QemuBuild


class Mirror:
    """An end as C sees it.

    Attributes:
        state: a MigrationState with what is set at the end.
        around: C's MigrationSurroundings.
    """

    __slots__ = ("_blocker", "around", "state")

    def __init__(self, end: Endpoint, *, incoming: bool) -> None:
        """A host that is not known refuses nothing."""
        build = _build_of(end)
        given = {**(end.context.parameters or {}), **end.parameters}
        known = {name: value for name, value in given.items() if _is_parameter(build._c, name)}
        host = Host() if end.host is None else end.host
        self.state = MigrationState._of(end.context.replace(build=build, incoming=incoming, host=host, parameters=None))
        Request(known).send(lib.qmp_migrate_set_parameters, self.state._c)
        lib.migration_state_load(self.state._c, end.capabilities.mask & build._mask)
        if not incoming:  # a destination's is that of its incoming side
            self.state.status = end.status
        self._blocker = c_text(end.blockers[-1], "blockers[-1]") if end.blockers else ffi.NULL
        private = bool(end.ram_blocks) and not all(block.get("share") for block in end.ram_blocks.values())  # type: ignore[union-attr]
        started = end.context.incoming_started or end.context.single_channel
        failed = incoming and end.status == "setup" and not started
        facts = (end.status == "completed", False, private, self._blocker, failed)
        self.around = ffi.new("MigrationSurroundings *", facts)


def _build_of(end: Endpoint) -> QemuBuild:
    """The end's build, with the end's machine type, unless it has one."""
    build, machine = end.context.build, end.machine
    return build if build.machine is not None or not isinstance(machine, str) else _of_machine(build, machine)


@lru_cache(maxsize=256)
def _of_machine(build: QemuBuild, machine: str) -> QemuBuild:
    return build.of_machine(machine)


def _is_parameter(c_build: Any, name: str) -> bool:
    return bool(lib.migration_parameter_known(c_build, PARAMETERS.get(name, -1)))


def mirror_of(end: Endpoint, *, incoming: bool) -> Mirror:
    """The end as a source or as a destination, made once."""
    made: Mirror | None = end._mirrors.get(incoming)
    if made is None:
        made = end._mirrors[incoming] = Mirror(end, incoming=incoming)
    return made
