# SPDX-License-Identifier: GPL-2.0-or-later

"""``pymig preflight``: will this migration work, and if not, where does it break? With --apply, prepares it."""

from __future__ import annotations

import os
import stat
from shlex import quote

from pymig.cli.arguments import UsageError
from pymig.cli.text import BOLD, GREEN, RED, YELLOW, places, print_json, print_table, printable, styled
from pymig.cli.values import ACCEPTED, REFUSED, content, plan_of
from pymig.context import Context
from pymig.ends.address import is_domain
from pymig.ends.endpoint import Endpoint
from pymig.ends.preflight import preflight

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from pymig.ends.apply import Applied
    from pymig.ends.finding import Finding, Step
    from pymig.ends.plan import Plan
    from pymig.ends.preflight import Preflight

FEW = 3
"""The most capabilities switched off that are named."""

STYLES = {"error": RED, "warning": YELLOW, "info": BOLD}


def run(options: argparse.Namespace) -> int:
    """Predicts the migration, and prints the prediction; applies it if asked. Returns the exit status."""
    _require_monitors(options)
    ends = end_of(options.source), end_of(options.destination)
    plan, findings = _plan(options, *ends)
    if plan is None:
        return REFUSED
    flight = preflight(*ends, plan)
    ok = flight.ok and not any(finding.severity == "error" for finding in findings)
    if not options.json:
        print_flight(flight, findings)
    if options.apply:
        return _apply(options, flight, ok=ok)
    if options.json:
        product = {"product": [finding.to_dict() for finding in findings]} if findings else {}
        print_json({**flight.to_dict(), **product})
    return ACCEPTED if ok else REFUSED


def _plan(options: argparse.Namespace, source: Endpoint, destination: Endpoint) -> tuple[Plan | None, list[Finding]]:
    """What is wanted, None if libvirt refuses it, which is printed; and what a preset adds to the findings."""
    if options.preset is not None:
        from pymig.cli.preset import plan_and_findings  # noqa: PLC0415 - only for a preset

        return plan_and_findings(options, source, destination)
    if options.libvirt is not None:
        raise UsageError("--libvirt needs --preset; for virsh migrate there is pymig virsh")
    return plan_of(options), []


def _require_monitors(options: argparse.Namespace) -> None:
    """Raises UsageError for --apply to what is no monitor, and for --migrate alone."""
    if options.migrate and not options.apply:
        raise UsageError("--migrate needs --apply")
    for name in ("source", "destination") if options.apply else ():
        given = getattr(options, name)
        if not _is_monitor(given):
            raise UsageError(f"--apply: --{name} must be a running QEMU's monitor, a socket or host:port, not {given}")


def _apply(options: argparse.Namespace, flight: Preflight, *, ok: bool) -> int:
    """Sends the preflight's commands if nothing is wrong, and prints what was done. Returns the exit status."""
    from pymig.ends.apply import apply  # noqa: PLC0415 - it imports asyncio

    applied = apply(flight, options.source, options.destination, migrate=options.migrate) if ok else None
    if options.json:
        print_json({"preflight": flight.to_dict(), "applied": None if applied is None else applied.to_dict()})
    elif applied is None:
        print("nothing was sent")
    else:
        _print_applied(applied)
    return ACCEPTED if applied else REFUSED


def end_of(text: str) -> Endpoint:
    """The end that a word names: a monitor's socket, libvirt:DOMAIN, a file of ``pymig describe``, or a release."""
    if text == "-" or _is(text, stat.S_ISREG) or _is(text, stat.S_ISFIFO):
        return Endpoint.from_json(content(text))
    if _is_monitor(text) or is_domain(text):
        return Endpoint.from_qmp(text)
    if "/" in text:
        raise FileNotFoundError(f"{text}: there is neither a socket nor a file")
    try:
        return Endpoint(Context(text))
    except ValueError as error:
        raise UsageError(f"an end is a socket, host:port, libvirt:DOMAIN, a file, or a release: {error}") from None


def _is_monitor(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return not is_domain(text) and (_is(text, stat.S_ISSOCK) or (bool(host) and port.isdecimal()))


def _is(path: str, kind: object) -> bool:
    try:
        return bool(kind(os.stat(path).st_mode))  # type: ignore[operator] # noqa: PTH116 - pathlib takes long to import
    except OSError:
        return False


def print_flight(flight: Preflight, before: Iterable[Finding] = ()) -> None:
    """Prints a preflight; the findings ``before`` stand before its own."""
    print_table([row(step) for step in flight.steps])
    for finding in (*before, *flight.findings):
        print_finding(finding)
    if flight.unknown:
        print()
        print_table([("unknown", f"{one.end}: {one.what}", one.matters) for one in flight.unknown])
    print(f"\n{_last_line(flight)}")


def row(step: Step) -> tuple[str, ...]:
    """A command and its answer, as a row of a table."""
    answer = f"refused: {step.answer}" if step.answer else "accepted"
    return step.end, step.command, printable(shown_arguments(step.arguments)), printable(answer)


def shown_arguments(arguments: Mapping[str, object]) -> str:
    """Arguments as people write them."""
    switches = arguments.get("capabilities")
    if isinstance(switches, list):
        on = [f"+{entry['capability']}" for entry in switches if entry["state"]]
        off = [f"-{entry['capability']}" for entry in switches if not entry["state"]]
        return " ".join([*on, *(off if len(off) <= FEW else [f"and {len(off)} off"])])
    return " ".join(f"{name}={_shown(value)}" for name, value in arguments.items())


def _shown(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def print_finding(finding: Finding) -> None:
    """Prints what happens, who says what, and what helps."""
    print(f"\n{styled(f'{finding.severity:<8}', STYLES[finding.severity])} {finding.rule} ({finding.stage})")
    rows = [("what happens", finding.consequence)]
    rows += [(f"{finding.end} says", finding.message)] if finding.message else []
    rows += [("remedy", finding.remedy), *([("explain", _leads_on(finding))] if finding.severity == "error" else [])]
    print_table([(name, printable(text)) for name, text in rows], "         ")


def _leads_on(finding: Finding) -> str:
    """The command that explains the finding: by its rule, or a refused command by QEMU's text."""
    return f"pymig explain {quote(finding.message) if finding.rule.endswith('/refused') else finding.rule}"


def _last_line(flight: Preflight) -> str:
    return f"{styled(flight.outcome, GREEN if flight.ok else RED)}: the guest {places(flight.guests)}"


def _print_applied(applied: Applied) -> None:
    """What was sent, with QEMU's answers; after a refusal, what was put back and what was not."""
    print("\nsent:")
    print_table([row(step) for step in applied.sent])
    restorations = (*applied.restored, *applied.not_restored)
    if restorations:
        print()
        print_table([(one.end, one.what, printable(_restoration(one.reason))) for one in restorations])
    print(f"\n{styled(_result(applied), GREEN if applied else RED)}")


def _restoration(reason: str) -> str:
    return f"not put back: {reason}" if reason else "put back"


def _result(applied: Applied) -> str:
    if applied:
        return f"{len(applied.sent)} of {len(applied.steps)} commands were sent, and accepted"
    return "refused: not everything is as before" if applied.not_restored else "refused: both ends are as before"
