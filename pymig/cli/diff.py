# SPDX-License-Identifier: GPL-2.0-or-later

"""``pymig diff``: what changes from one release to another?"""

from __future__ import annotations

from pymig.cli.text import print_json, print_table
from pymig.cli.values import ACCEPTED, REFUSED, build, circumstances
from pymig.difference import diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from pymig.difference import ReleaseDifference
    from pymig.verdict import Verdict


def run(options: argparse.Namespace) -> int:
    """Compares, and prints the difference; returns the exit status."""
    before, after = (build(name, options.without) for name in (options.before, options.after))
    keywords = circumstances(options)
    sets = [options.names] if options.names else []
    difference = diff(before, after, sets, host=None, **keywords)
    if options.json:
        print_json(_difference_as_json(difference))
    else:
        _print_difference(difference)
    return REFUSED if difference.answers else ACCEPTED


def _difference_as_json(difference: ReleaseDifference) -> dict[str, object]:
    return {
        "before": difference.before.release,
        "after": difference.after.release,
        "capabilities": {name: list(getattr(difference, name)) for name in ("added", "removed", "deprecated")},
        "rules": {
            "added": [[rule.rule, rule.message] for rule in difference.rules_added],
            "removed": [[rule.rule, rule.message] for rule in difference.rules_removed],
            "changed": [[old.rule, _text(old), _text(new)] for old, new in difference.rules_changed],
        },
        "parameters": {
            "added": list(difference.parameters_added),
            "removed": list(difference.parameters_removed),
            "deprecated": list(difference.parameters_deprecated),
            "changed": [list(change) for change in difference.parameters_changed],
        },
        "statuses": {"added": list(difference.statuses_added)},
        "faults": {
            "added": [fault.to_dict() for fault in difference.faults_added],
            "mended": [fault.to_dict() for fault in difference.faults_mended],
        },
        "answers": [
            {"capabilities": list(names), "before": _answer(old), "after": _answer(new)}
            for names, old, new in difference.answers
        ],
    }


def _text(verdict: Verdict) -> str:
    return f"{verdict.message} ({verdict.hint})" if verdict.hint else verdict.message


def _answer(verdict: Verdict) -> str:
    said = f"refused: {verdict.message}" if verdict.message else "accepted"
    return "; ".join((said, *(f"warning: {warning}" for warning in verdict.warnings)))


def _print_difference(difference: ReleaseDifference) -> None:
    rows = [
        ("capability", change, name)
        for change in ("added", "removed", "deprecated")
        for name in getattr(difference, change)
    ]
    rows += [("rule", "added", rule.message) for rule in difference.rules_added]
    rows += [("rule", "removed", rule.message) for rule in difference.rules_removed]
    for old, new in difference.rules_changed:
        reason = ": ..., the host's own reason follows" if _text(old) == _text(new) else ""
        rows.append(("rule", "changed", f"{_text(new)}{reason}"))
    rows += [
        ("parameter", change, name)
        for change in ("added", "removed", "deprecated")
        for name in getattr(difference, f"parameters_{change}")
    ]
    for _, was, now in difference.parameters_changed:
        rows += [("parameter", "before", was), ("parameter", "after", now)]
    rows += [("status", "added", name) for name in difference.statuses_added]
    rows += [("fault", "added", str(fault)) for fault in difference.faults_added]
    rows += [("fault", "mended", str(fault)) for fault in difference.faults_mended]
    for names, old, new in difference.answers:
        rows.append(("answer", "before", f"{', '.join(names)}: {_answer(old)}"))
        rows.append(("answer", "after", f"{', '.join(names)}: {_answer(new)}"))
    if rows:
        print_table(rows)
    else:
        print(f"nothing changes from {difference.before.release} to {difference.after.release}")
