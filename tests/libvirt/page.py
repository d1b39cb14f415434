# SPDX-License-Identifier: GPL-2.0-or-later

"""What libvirt makes of virsh migrate, as tables in Markdown: ``python -m tests.libvirt.page``.

Run it to print the tables that stand in docs/libvirt.md; a test compares the two.
"""

from pymig.ends.products import PRESETS
from pymig.libvirt.faults import FAULTS
from pymig.libvirt.flags import MIB, OPTIONS
from pymig.libvirt.refusals import (
    ALLOWED,
    BEGIN,
    CHANNELS,
    CLIENT,
    COMPRESSION,
    CONVERGE,
    DISKS,
    FUTURE,
    PREPARE,
    RESUME,
    UNIX_DISKS,
    UNIX_TLS,
    VIRSH_LATE,
    VIRSH_SWITCHES,
    VIRSH_TIMEOUTS,
)
from pymig.libvirt.version import OLDEST
from pymig.libvirt.wire import CAPABILITIES, PARAMETERS

REFUSALS = (
    ("virsh", (*VIRSH_SWITCHES, *VIRSH_TIMEOUTS, *VIRSH_LATE)),
    ("client", CLIENT),
    ("source", (*RESUME, *ALLOWED, *BEGIN)),
    ("destination, source", (CHANNELS, *COMPRESSION)),
    ("destination", (*PREPARE, *DISKS)),
    ("source, later", (CONVERGE, UNIX_TLS, UNIX_DISKS)),
)


def rows(heads, lines):
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *lines))


def versions(since, until=FUTURE):
    words = [f"from {dotted(since)}"] if since > OLDEST else []
    return " ".join([*words, *([f"before {dotted(until)}"] if until < FUTURE else [])]) or "all"


def dotted(version):
    return ".".join(map(str, version))


def options():
    """virsh's options, and what they set."""

    def constant(option):
        if option.flag:
            return f"`VIR_MIGRATE_{option.flag}` ({option.bit})"
        return f"`VIR_MIGRATE_PARAM_{option.parameter}` (`{option.field}`)" if option.parameter else "-"

    def sets(option):
        unit = " (MiB/s)" if option.factor == MIB else ""
        return f"`{option.sets}`{unit}" if option.sets else "-"

    lines = [
        (f"`--{one.word}`", constant(one), sets(one), ", ".join(one.ends) or "-", versions(one.since))
        for one in OPTIONS
    ]
    return rows(("virsh migrate", "flag or typed parameter", "in QEMU", "end", "libvirt"), lines)


def order():
    """What libvirt names, in its order."""
    lines = [
        (
            kind,
            ", ".join(
                f"`{name}`" + (f" ({versions(since)})" if since > OLDEST else "") for name, since in names.items()
            ),
        )
        for kind, names in (("capabilities", CAPABILITIES), ("parameters", PARAMETERS))
    ]
    return rows(("what", "in this order"), lines)


def refusals():
    """What libvirt refuses, stage by stage."""
    lines = [
        (stage, f"`error: {rule.prefix}{rule.text}`".replace("|", "\\|"), versions(rule.since, rule.until))
        for stage, rules in REFUSALS
        for rule in rules
    ]
    return rows(("stage", "virsh shows", "libvirt"), lines)


def faults():
    """Versions that accept a command and then fail."""
    lines = [(row.fault.rule, row.versions, row.fault.end, row.fault.consequence, row.fault.remedy) for row in FAULTS]
    return rows(("rule", "libvirt", "end", "what happens", "remedy"), lines)


def presets():
    """The products' settings."""
    lines = [
        (name, f"`{setting}`", f"`{default}`" if default != "" else "-", preset.meanings[setting])
        for name, preset in PRESETS.items()
        for setting, default in preset.settings.items()
    ]
    return rows(("preset", "setting", "default", "what it does"), lines)


TABLES = (options, order, refusals, faults, presets)

if __name__ == "__main__":
    print(*(table() for table in TABLES), sep="\n\n")
