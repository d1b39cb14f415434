"""The command line: a module a command."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from pymig.cli.arguments import parser
from pymig.cli.values import REFUSED, WRONG_USAGE, UsageError
from pymig.errors import MigrationError, QemuBinaryError, UnknownCapabilityError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        status: int = import_module(f"{__name__}.{options.command}").run(options)
        sys.stdout.flush()
    except (UsageError, MigrationError, QemuBinaryError, ValueError) as error:
        print(f"pymig {options.command}: {_explained(error)}", file=sys.stderr)
        return WRONG_USAGE
    except BrokenPipeError:
        # Whoever read has seen enough; keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    return status


def _explained(error: Exception) -> str:
    if isinstance(error, UnknownCapabilityError):
        close = ", ".join(error.suggestions)
        return f"{error}{f'; did you mean {close}?' if close else '; see pymig list'}"
    return str(error)
