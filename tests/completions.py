# SPDX-License-Identifier: GPL-2.0-or-later

"""Writes the completion scripts: ``python -m tests.completions``. A test compares them with what this makes."""

from pathlib import Path

from pymig.cli.arguments import COMPLETIONS, SHELLS, parser


def made(shell):
    """The script that shtab makes of the parser for a shell."""
    import shtab

    return shtab.complete(parser(), shell) + "\n"


if __name__ == "__main__":
    Path(COMPLETIONS).mkdir(exist_ok=True)
    for shell in SHELLS:
        Path(COMPLETIONS, f"pymig.{shell}").write_text(made(shell), encoding="utf-8")
