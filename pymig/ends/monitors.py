# SPDX-License-Identifier: GPL-2.0-or-later

"""The monitor that an address names, and what it tells about one end of a migration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymig.ends.address import is_domain
from pymig.ends.domain import DomainMonitor
from pymig.ends.qmp import SocketMonitor, run, told_by
from pymig.values import require_seconds

if TYPE_CHECKING:
    import os
    from typing import TypeAlias

    from pymig.ends.qmp import Monitor, Told

    Address: TypeAlias = str | os.PathLike[str]


def monitor_at(address: Address, argument: str = "address") -> Monitor:
    """The monitor at a path, at ``host:port``, or behind ``libvirt:DOMAIN``. ``argument``: how errors call the address.

    Raises:
        TypeError, ValueError: not an address.
        MonitorError: a package is missing.
    """
    if is_domain(address):
        return DomainMonitor(str(address), argument)
    return SocketMonitor(address, argument)


async def read_async(address: Address, timeout: float) -> Told:
    """See Endpoint.from_qmp_async."""
    require_seconds(timeout, "timeout")
    monitor = monitor_at(address)
    try:
        return await monitor.within(timeout, told_by(monitor))
    finally:
        await monitor.close(timeout)


def read(address: Address, timeout: float) -> Told:
    """See Endpoint.from_qmp."""
    return run(read_async(address, timeout))
