# SPDX-License-Identifier: GPL-2.0-or-later

"""``--preset NAME[@VERSION][:SETTING=VALUE,...]``: what a product wants, and what goes wrong with it."""

from __future__ import annotations

from pymig.cli.arguments import UsageError
from pymig.cli.refusal import finding_of, print_refusal
from pymig.cli.values import require_only
from pymig.ends.finding import Finding
from pymig.ends.plan import DEFAULT_LIBVIRT, Plan
from pymig.ends.products import wanted
from pymig.libvirt.faults import known_faults
from pymig.libvirt.sent import LibvirtRefusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any

    from pymig.ends.endpoint import Endpoint


def plan_and_findings(
    options: argparse.Namespace, source: Endpoint, destination: Endpoint
) -> tuple[Plan | None, list[Finding]]:
    """The plan, None if libvirt refuses it, which is printed; what the product refuses, and its libvirt's faults."""
    require_only("--preset", options)
    product, _, assignments = options.preset.partition(":")
    name, _, version = product.partition("@")
    settings: dict[str, Any] = dict(_assignments(assignments))
    builds: dict[str, Any] = {"source": source.context.build, "destination": destination.context.build}
    choices = {"version": version or None, **builds}
    if reserved := settings.keys() & {"name", "libvirt", "destination_libvirt", *choices}:
        raise UsageError(f"--preset: {min(reserved)} is no setting")
    try:
        plan = Plan.from_preset(name, libvirt=options.libvirt, **choices, **settings)
    except LibvirtRefusal as refusal:
        print_refusal(refusal, as_json=options.json)
        return None, []
    except (TypeError, ValueError) as error:
        raise UsageError(f"--preset: {error}") from None
    said = Plan.presets()[name].refusals(**choices, **settings)
    asked = wanted(name, version or None, settings, builds)
    libvirt = options.libvirt or DEFAULT_LIBVIRT
    faults = () if isinstance(asked, dict) else known_faults(asked, libvirt=libvirt, **builds)
    return plan, [*(_refusal(name, end, text) for end, text in said.items()), *map(finding_of, faults)]


def _refusal(name: str, end: str, text: str) -> Finding:
    return Finding(
        rule=f"{name}/parallel-postcopy",
        severity="error",
        stage="set",
        end=end,
        message=text,
        source_says="",
        guest="source",
        recovers=None,
        remedy="use a newer QEMU, or switch off one of the two",
        consequence=f"{name} does not start at this end",
    )


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """The settings; a part without = belongs to the value before it, which has a comma."""
    parts: list[str] = []
    for part in text.split(",") if text else ():
        if "=" in part:
            parts.append(part)
        elif parts:
            parts[-1] += f",{part}"
        else:
            raise UsageError(f"--preset: write SETTING=VALUE, not {part}")
    for part in parts:
        name, _, value = part.partition("=")
        yield name, value
