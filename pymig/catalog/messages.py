# SPDX-License-Identifier: GPL-2.0-or-later

"""Every text that C's tables can give, and those of topics.py, each with what it belongs to."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from pymig._core import ffi, lib
from pymig.capability import CapabilitySet
from pymig.catalog.topics import TOPICS
from pymig.context import Context
from pymig.errors import TransportError
from pymig.host.host import Host
from pymig.owned import borrowed, new_state
from pymig.release import POINTS, rows, text
from pymig.request import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Said = tuple[str, str, str, int | None]


class Message(NamedTuple):
    """A text.

    Attributes:
        kind: what explains it: a key of KINDS in explanation.py.
        key: its rule, row, fault or topic; for other kinds the text itself.
        text: the text, with ``<...>`` for what it names.
        releases: the numbers of C's releases that say it, in order; empty for a topic.
    """

    kind: str
    key: str
    text: str
    releases: tuple[int, ...]


RELEASES = range(len(POINTS))
ADDRESSES = ("tcp:X", "tcp:[X", "vsock:X", "vsock:1:2,X", "unix:", "fd:", "rdma:X")
"""Addresses that are wrong, one for each text about an address."""


@cache
def messages() -> tuple[Message, ...]:
    """All of them, each once for what it belongs to."""
    releases: dict[tuple[str, str, str], list[int]] = {}
    for source in (_rules, _commands, _addresses, _steps, _disagreements, _warnings, _states):
        for kind, key, said, release in source():
            releases.setdefault((kind, key, said), []).extend([] if release is None else [release])
    of_tables = (Message(*which, tuple(dict.fromkeys(numbers))) for which, numbers in releases.items())
    return (*of_tables, *_topics())


def build_of(release: int) -> Any:
    """C's build of a release, with everything built in."""
    compressions = (1 << lib.MULTIFD_COMPRESSION__MAX) - 1
    built = {"live_block_migration": True, "replication": True, "on_linux": True, "direct_io": True}
    choices = {"release": release, "probe_release": release, "compressions": compressions, **built}
    return ffi.new("QemuBuild *", choices)


_HOST = Host()


@cache
def state_of(release: int) -> Any:
    """The owner of C's state of a migration with this release; a MigrationState would make verdicts, too."""
    return new_state(Context(POINTS[release], _HOST)._c, _HOST._c)


# Most releases have the same rows: what was read once is kept.
_set_of = cache(CapabilitySet.from_mask)
_text = cache(text)


class Rule(NamedTuple):
    """A rule in one release."""

    code: int
    message: str
    hint: str
    trigger: CapabilitySet
    need: CapabilitySet
    forbid: CapabilitySet


@cache
def rules() -> dict[str, dict[int, Rule]]:
    """Every rule's rows, by identifier and C's number of the release."""
    rule = ffi.new("MigrationRule *")
    found: dict[str, dict[int, Rule]] = {}
    for release in RELEASES:
        build = build_of(release)
        for code in range(1, lib.MIGRATION_VERDICT__MAX):
            if lib.migration_rule(build, code, rule) == 0:
                name, row = _rule(code, bytes(ffi.buffer(rule)))
                found.setdefault(name, {})[release] = row
    return found


@cache
def _rule(code: int, row: bytes) -> tuple[str, Rule]:
    """The identifier and the rule of a row of C's."""
    rule: Any = ffi.from_buffer("MigrationRule *", row)
    sets = map(_set_of, (rule.trigger, rule.need, rule.forbid))
    return text(rule.id), Rule(code, text(rule.message), text(rule.hint) if rule.hint else "", *sets)


def _rules() -> Iterator[Said]:
    for name, rows_of in rules().items():
        for release, rule in rows_of.items():
            yield from (("rule", name, said, release) for said in (rule.message, rule.hint) if said)


class CommandRule(NamedTuple):
    """What migrate and migrate-incoming refuse: the commands that say it, and the capabilities that must be on."""

    commands: tuple[str, ...]
    capabilities: CapabilitySet

    def merged(self, other: CommandRule) -> CommandRule:
        """What either refuses, in the same words."""
        return CommandRule(
            tuple(dict.fromkeys((*self.commands, *other.commands))), self.capabilities | other.capabilities
        )


@cache
def command_rules() -> dict[tuple[str, int], CommandRule]:
    """By text and C's number of the release."""
    rule = ffi.new("MigrationCommandRule *")
    found: dict[tuple[str, int], CommandRule] = {}
    for release in RELEASES:
        number = 0
        while lib.migration_command_rule(number, release, rule) == 0:
            said, row = _command_rule(bytes(ffi.buffer(rule)))
            if row.commands and said.strip("<>name"):
                before = found.get((said, release))
                found[said, release] = row if before is None else before.merged(row)
            number += 1
    return found


@cache
def _command_rule(row: bytes) -> tuple[str, CommandRule]:
    """The text and the rule of a row of C's."""
    rule: Any = ffi.from_buffer("MigrationCommandRule *", row)
    commands = tuple(name for name, says in zip(COMMANDS, (rule.migrate, rule.incoming), strict=True) if says)
    return _named(text(rule.text)), CommandRule(commands, _set_of(rule.capabilities))


COMMANDS = ("migrate", "migrate-incoming")


def _named(said: str) -> str:
    return said.replace("%s", "<name>")


def _commands() -> Iterator[Said]:
    for said, release in command_rules():
        yield "command", said, said, release


def _addresses() -> Iterator[Said]:
    around, faults = ffi.new("MigrationSurroundings *"), ffi.new("uint32_t *")
    commands = {uri: Command({"uri": uri}) for uri in ADDRESSES}
    for release in RELEASES:
        state = borrowed(state_of(release))
        for uri, command in commands.items():
            said = _fault_of(uri, lambda: command.send(lib.migrate_try, state, around, faults))  # noqa: B023
            if said and (said, release) not in command_rules():
                yield "command", said, said, release


def _fault_of(uri: str, dry_run: Callable[[], None]) -> str:
    """What migrate says about a wrong address; "" if it accepts."""
    address = uri.partition(":")[2]
    try:
        dry_run()
    except TransportError as error:
        return error.message.replace(uri, "<name>").replace(address or "\0", "<address>")
    return ""


_ERROR = 1
"""An errno for texts that end with its name."""


def _steps() -> Iterator[Said]:
    """Why a host has no postcopy, in the words of QEMU's error and of its log."""
    buffer = ffi.new("char[]", 512)
    for step in range(lib.POSTCOPY_STEP_TARGET_PAGE_SIZE, lib.POSTCOPY_STEP_MEMORY):
        support = ffi.new("PostcopySupport *", [False, step, _ERROR, 0, 1, 1])
        for release in RELEASES:
            lib.postcopy_support_message(support, release, buffer, 512)
            for line in text(buffer).replace("Operation not permitted", "<reason>").splitlines():
                yield "host", f"postcopy-step/{step}", _unnumbered(line), release


@cache
def _unnumbered(line: str) -> str:
    """A text with numbers, which are other ones on another host."""
    words = (word if not word.lstrip("m").isdigit() and not word.startswith("0x") else "<n>" for word in line.split())
    return " ".join(words)


def _disagreements() -> Iterator[Said]:
    for number, row in enumerate(rows(lib.migration_agreement)):
        key = text(row.id)
        for release in RELEASES:
            words = lib.migration_agreement_words(number, release)
            if words:
                yield "stream", key, _text(words), release


def _warnings() -> Iterator[Said]:
    for warning in rows(lib.migration_warning):
        yield "warning", text(warning), text(warning), None
    for release in RELEASES:
        build = build_of(release)
        for parameter, _ in enumerate(rows(lib.migration_parameter_name)):
            warning = lib.migration_parameter_warning(build, parameter)
            if warning != ffi.NULL:
                yield "warning", text(warning), text(warning), release


def _states() -> Iterator[Said]:
    active, snapshot = text(lib.migration_active_message()), text(lib.migration_snapshot_message())
    for release in RELEASES:
        if (active, release) not in command_rules():
            yield "command", active, active, release
    yield "fault", "savevm/multifd", snapshot, None


def _topics() -> Iterator[Message]:
    return (Message(topic.kind, topic.name, said, ()) for topic in TOPICS for said in topic.texts)
