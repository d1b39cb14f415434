# SPDX-License-Identifier: GPL-2.0-or-later

"""Writes a page for each command of pymig, made from the parser of its arguments: for the site and the man pages."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pymig.cli.arguments import parser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of pymig and those of its commands, by the name of the man page."""
    whole = parser()
    (commands,) = (action for action in whole._actions if isinstance(action, argparse._SubParsersAction))
    return {"pymig": whole, **{f"pymig-{name}": one for name, one in commands.choices.items()}}


def meanings() -> dict[str, str]:
    """What each command answers, in a line."""
    (commands,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    helps = {f"pymig-{action.dest}": action.help or "" for action in commands._choices_actions}
    return {"pymig": "would QEMU accept this migration, and if not, why?", **helps}


def write(folder: Path) -> None:
    """Writes the pages into the folder."""
    folder.mkdir(exist_ok=True)
    for name, one in parsers().items():
        (folder / f"{name}.md").write_text("\n".join(_page(name, one)))


def _page(name: str, one: argparse.ArgumentParser) -> Iterator[str]:
    """The sections of a man page."""
    others = [other for other in parsers() if other != name]
    yield f"# {name.replace('-', ' ', 1)}\n"
    yield f"## Synopsis\n\n```text\n{_usage(one)}\n```\n"
    yield f"## Description\n\n{_text(one.description)}\n"
    yield "## Options\n"
    yield from (f"{_names(action)}\n: {_help(action)}\n" for action in one._actions if _is_option(action))
    for action in one._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield "## Commands\n"
            yield from (f"{_manpage(f'pymig-{each.dest}')}\n: {_text(each.help)}\n" for each in action._choices_actions)
    yield f"## Exit status\n\n{_text(STATUSES)}\n"
    yield f"## See also\n\n{', '.join(map(_manpage, others))}\n"


STATUSES = (parser().epilog or "").removeprefix("Exit status: ")


def _manpage(name: str) -> str:
    """A reference to a man page, which is a link on the site (manpages_url of conf.py)."""
    return f"{{manpage}}`{name}(1)`"


def _is_option(action: argparse.Action) -> bool:
    return not isinstance(action, argparse._SubParsersAction) and action.help != argparse.SUPPRESS


def _help(action: argparse.Action) -> str:
    return _text((action.help or "") % vars(action))


def _usage(one: argparse.ArgumentParser) -> str:
    return argparse.HelpFormatter(one.prog, width=100)._format_usage(one.usage, one._actions, [], "").strip()


def _names(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else f" {action.metavar or '|'.join(action.choices or ()) or action.dest}"
    names = ", ".join(action.option_strings)
    return f"`{names}{value}`" if names else f"`{action.metavar or action.dest}`"


def _text(text: str | None) -> str:
    """Plain text, so that Markdown shows it as it is."""
    return (text or "").replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;")
