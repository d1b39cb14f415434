# SPDX-License-Identifier: GPL-2.0-or-later

"""``pymig virsh``: what will this command of virsh do, and who refuses it?"""

from __future__ import annotations

from pymig.cli.arguments import UsageError
from pymig.cli.preflight import end_of, print_finding, print_flight, shown_arguments
from pymig.cli.refusal import finding_of, print_refusal
from pymig.cli.text import print_json, print_table, printable
from pymig.cli.values import ACCEPTED, REFUSED
from pymig.context import Context
from pymig.ends.address import is_domain
from pymig.ends.endpoint import Endpoint
from pymig.ends.plan import DEFAULT_LIBVIRT, ENDS, Plan
from pymig.ends.preflight import preflight
from pymig.libvirt.domain import SWITCHES, Domain
from pymig.libvirt.faults import known_faults
from pymig.libvirt.predict import requests
from pymig.libvirt.sent import LibvirtRefusal
from pymig.qemu.build import QemuBuild

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from pymig.ends.finding import Finding
    from pymig.ends.preflight import Preflight
    from pymig.libvirt.sent import EndRequests, Requests


def run(options: argparse.Namespace) -> int:
    """Predicts the command, and prints the prediction. Returns the exit status."""
    if not options.words:
        raise UsageError("virsh needs its command, such as: pymig virsh migrate --live --postcopy")
    words = options.words if options.words[0].rpartition("/")[2] == "virsh" else ["virsh", *options.words]
    ends = {name: _end(getattr(options, name)) for name in ENDS}
    versions, domain = _told_by_libvirt(options)
    choices: dict[str, Any] = {
        "libvirt": options.libvirt or versions.get("source", DEFAULT_LIBVIRT),
        "destination_libvirt": options.destination_libvirt or versions.get("destination"),
        "domain": _domain(options, ends["source"], domain),
        **{name: end.context.build for name, end in ends.items()},
    }
    try:
        sent = requests(words, **choices)
    except LibvirtRefusal as refusal:
        return print_refusal(refusal, as_json=options.json)
    findings = list(map(finding_of, known_faults(words, **choices)))
    flight = _flight(words, choices, ends, sent)
    if options.json:
        print_json(_document(sent, findings, flight))
    elif flight is None:
        _print_sent(sent, findings)
    else:
        _print_flight(flight, findings)
    broken = any(finding.severity == "error" for finding in findings)
    return REFUSED if broken or (flight is not None and not flight.ok) else ACCEPTED


def _told_by_libvirt(options: argparse.Namespace) -> tuple[dict[str, str], Domain]:
    """The versions of libvirt at the ends that are running domains, and what libvirt tells of the source."""
    domains = {name: address for name in ENDS if is_domain(address := getattr(options, name))}
    if not domains:
        return {}, Domain()
    from pymig.ends.domain import told_by_libvirt  # noqa: PLC0415 - it imports asyncio

    told = {name: told_by_libvirt(address) for name, address in domains.items()}
    return {name: version for name, (version, _) in told.items()}, told.get("source", ("", Domain()))[1]


def _domain(options: argparse.Namespace, source: Endpoint, told: Domain) -> Domain:
    """What is said of the domain, and what its libvirt and its QEMU say."""
    facts: dict[str, Any] = {name: getattr(told, name) for name in ("snapshots", "transient_disk")}
    facts |= {"hard_limit": options.hard_limit or told.hard_limit, "shared_storage": not options.no_shared_storage}
    facts |= {"blockers": list(source.blockers), "disks": dict(told.disks or {})}
    for text in options.fact:
        name, equals, value = text.partition("=")
        fact = name.replace("-", "_")
        if bool(equals and value) is (fact in SWITCHES) or fact not in {*SWITCHES, *VALUED}:
            raise UsageError(f"--fact {text}: write {', '.join(VALUED.values())}, or one of {', '.join(SWITCHES)}")
        _add_fact(facts, fact, value)
    return Domain(**{**facts, "disks": facts["disks"] or None})


VALUED = {
    "disk": "disk=TARGET[:BITMAP,...]",
    "snapshots": "snapshots=N",
    "blocker": "blocker=TEXT",
    "shmem": "shmem=NAME",
}
"""The facts that have a value, and how they are written."""


def _add_fact(facts: dict[str, Any], fact: str, value: str) -> None:
    if fact == "disk":
        target, _, bitmaps = value.partition(":")
        facts["disks"][target] = bitmaps.split(",") if bitmaps else []
    elif fact == "blocker":
        facts["blockers"].append(value)
    elif fact == "snapshots":
        if not (value.isascii() and value.isdecimal() and len(value) < 10):  # noqa: PLR2004 - snapshots are few
            raise UsageError(f"--fact snapshots={value}: write how many there are")
        facts[fact] = int(value)
    else:
        facts[fact] = value or True


def _end(text: str | None) -> Endpoint:
    """The end that a word names; of a release, one that libvirt has started."""
    end = Endpoint(Context(QemuBuild.newest())) if text is None else end_of(text)
    return end.replace(capabilities=end.capabilities | {"events"})


def _flight(words: list[str], choices: dict[str, Any], ends: dict[str, Endpoint], sent: Requests) -> Preflight | None:
    """The preflight of a migration between two QEMUs; None for any other command."""
    if sent.destination.commands:
        plan = Plan.from_virsh(words, **choices)
        source, destination = (_with_credentials(ends[name], getattr(sent, name)) for name in ENDS)
        return preflight(source, destination, plan)
    return None


def _with_credentials(end: Endpoint, sent: EndRequests) -> Endpoint:
    """The end with the TLS object that libvirt adds, the only one that it uses."""
    added = {
        command.arguments["id"]: {"endpoint": command.arguments["endpoint"], "verify_peer": True}
        for command in sent.commands
        if command.execute == "object-add"
    }
    return end.replace(tls_objects=added) if added else end


def shown_by_virsh(flight: Preflight) -> list[str]:
    """The lines that virsh prints for commands that QEMU refuses."""
    return [
        f"error: internal error: unable to execute QEMU command '{step.command}': {step.answer}"
        for step in flight.steps
        if step.answer
    ]


def _document(sent: Requests, findings: list[Finding], flight: Preflight | None) -> dict[str, Any]:
    return {
        "refusal": None,
        "requests": sent.to_dict(),
        "findings": [finding.to_dict() for finding in findings],
        "preflight": None if flight is None else flight.to_dict(),
        "shown": [] if flight is None else shown_by_virsh(flight),
    }


def _print_flight(flight: Preflight, findings: list[Finding]) -> None:
    for line in shown_by_virsh(flight):
        print(f"{printable(line)}\n")
    print_flight(flight, findings)


def _print_sent(sent: Requests, findings: list[Finding]) -> None:
    rows = [
        (name, command.execute, printable(shown_arguments(command.arguments)))
        for name in ENDS
        for command in getattr(sent, name).commands
    ]
    print_table(rows) if rows else print("no QEMU gets a command of migration")
    for finding in findings:
        print_finding(finding)
