# SPDX-License-Identifier: GPL-2.0-or-later

"""Addresses of QEMUs: a monitor's socket, or a domain of libvirt's."""

from __future__ import annotations

PREFIX = "libvirt:"
"""What an address begins with that names a domain: ``libvirt:DOMAIN``, or ``libvirt:URI#DOMAIN``."""


def is_domain(address: object) -> bool:
    """Whether the address names a domain of libvirt's."""
    return isinstance(address, str) and address.startswith(PREFIX)
