# SPDX-License-Identifier: GPL-2.0-or-later

"""``pymig list``: which capabilities and parameters are there?"""

from __future__ import annotations

from pymig._core import lib
from pymig.capability import CapabilitySet
from pymig.cli.arguments import UsageError
from pymig.cli.text import BOLD, print_json, print_table, styled
from pymig.cli.values import ACCEPTED, builds
from pymig.host.host import Host
from pymig.qemu.parameters import PARAMETERS, values_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from pymig.qemu.build import QemuBuild


def run(options: argparse.Namespace) -> int:
    """Prints the list; returns the exit status."""
    if options.presets:
        return _print_presets(options)
    build, *others = builds(options)
    if others:
        raise UsageError("--qemu: list shows one release at a time; pymig diff compares two")
    from pymig.state import MigrationState  # noqa: PLC0415 - no other command needs it

    capabilities, parameters = _capability_marks(build), _parameter_marks(build)
    defaults = MigrationState(build, Host()).query_parameters()
    if options.json:
        print_json(
            {
                "qemu": build.release,
                "downstream": list(build.downstream),
                "capabilities": [
                    {"name": name, "bit": CapabilitySet([name]).mask.bit_length() - 1, "marks": marks}
                    for name, marks in capabilities.items()
                ],
                "parameters": [
                    {"name": name, "default": default, "values": _values(build, name), "marks": parameters[name]}
                    for name, default in defaults.items()
                ],
                "known_faults": [fault.to_dict() for fault in build.known_faults],
            }
        )
        return ACCEPTED
    print(styled(f"Capabilities of QEMU {build.release}", BOLD))
    print_table([(name, ", ".join(marks)) for name, marks in capabilities.items()], "  ")
    print(styled("Parameters and their defaults", BOLD))
    rows = [
        (name, _shown(default), "; ".join((*parameters[name], *_told(_values(build, name)))))
        for name, default in defaults.items()
    ]
    print_table(rows, "  ")
    if build.known_faults:
        print(styled("Known faults", BOLD))
        for fault in build.known_faults:
            print(f"  {fault}\n    {fault.releases}; {fault.reference}")
    return ACCEPTED


def _print_presets(options: argparse.Namespace) -> int:
    """Prints products and their settings; returns the exit status."""
    from pymig.ends.products import PRESETS  # noqa: PLC0415 - only here

    if options.qemu or options.without:
        raise UsageError("--presets: products are not of a release; leave out --qemu and --without")
    if options.json:
        print_json({name: preset.to_dict() for name, preset in PRESETS.items()})
        return ACCEPTED
    for name, preset in PRESETS.items():
        print(styled(name, BOLD))
        rows = [
            (setting, _shown(default), preset.meanings[setting], ", ".join(preset.sources[setting]))
            for setting, default in preset.settings.items()
        ]
        print_table(rows, "  ")
    return ACCEPTED


def _capability_marks(build: QemuBuild) -> dict[str, list[str]]:
    marks = {
        "unstable": build.unstable,
        "deprecated": build.deprecated,
        "not built in": build.capabilities - build.listed,
    }
    return {name: [mark for mark, names in marks.items() if name in names] for name in build.capabilities}


def _parameter_marks(build: QemuBuild) -> dict[str, list[str]]:
    marks = {
        "unstable": lib.migration_parameter_unstable,
        "deprecated": lib.migration_parameter_deprecated,
        "accepted and ignored": lib.migration_parameter_ignored,
    }
    return {name: [mark for mark, has in marks.items() if has(build._c, i)] for name, i in PARAMETERS.items()}


def _values(build: QemuBuild, name: str) -> list[str]:
    """The values that an enum parameter has in this build; empty for any other."""
    parameter = PARAMETERS[name]
    values = enumerate(values_of(parameter))
    return [value for i, value in values if lib.migration_parameter_value_known(build._c, parameter, i)]


def _told(values: list[str]) -> list[str]:
    return [f"of {', '.join(values)}"] if values else []


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return str(default) or '""'
