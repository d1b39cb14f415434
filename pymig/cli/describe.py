# SPDX-License-Identifier: GPL-2.0-or-later

"""``pymig describe``: what a running QEMU is as one end of a migration."""

from __future__ import annotations

from pymig.cli.text import print_json
from pymig.cli.values import ACCEPTED, facts_of
from pymig.ends.endpoint import Endpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def run(options: argparse.Namespace) -> int:
    """Prints the end as JSON; returns the exit status."""
    host = None if options.host is None else facts_of(options.host)
    print_json(Endpoint.from_qmp(options.socket, host=host, timeout=options.timeout).to_dict())
    return ACCEPTED
