# SPDX-License-Identifier: GPL-2.0-or-later

"""At which end a text was met: what wraps it may tell."""

from __future__ import annotations

import re

from pymig.catalog.explanation import Explanation

WRAPPINGS: tuple[tuple[str, str, str], ...] = (
    (r"command '?(?:migrate-incoming|migrate-recover)\b", "destination", "only a destination is sent {}"),
    (r"command '?(?:migrate|migrate-start-postcopy|migrate-continue)(?![\w-])", "source", "only a source is sent {}"),
    (r"job '?migration out\b|\bmigration out job", "source", "migration out is libvirt's job there"),
    (r"job '?migration in\b|\bmigration in job", "destination", "migration in is libvirt's job there"),
    (r"migrateprepare", "destination", "libvirt prepares there"),
    (r"migrate(?:begin|perform)", "source", "libvirt begins and performs there"),
    (r"failed to accept instance", "destination", "Ganeti accepts an instance there"),
    (r"load of migration failed", "destination", "only a destination loads"),
)
"""What stands in the line, in small letters; the end that it tells, and why."""

_NAMED = re.compile(r"message from the (source|destination) host:")


def met_at(line: str, start: int) -> str:
    """At which end the text at ``start`` of a normalised line was met, in a sentence; "" if nothing tells."""
    named = _NAMED.findall(line, 0, start)
    if named:
        return f"This line: met at the {named[-1]}, says libvirt."
    for pattern, end, why in WRAPPINGS:
        found = re.search(pattern, line)
        if found:
            return f"This line: met at the {end}: {why.format(found[0].split()[-1].strip(chr(39)))}."
    return ""


def with_end(explanation: Explanation, line: str, start: int) -> Explanation:
    """The explanation, with the end at which the text of this line was met."""
    said = met_at(line, start)
    if not said:
        return explanation
    return Explanation(**{**explanation.to_dict(), "text": f"{explanation.text}\n{said}"})
