# SPDX-License-Identifier: GPL-2.0-or-later

"""What both ends of a migration must agree on, as tables in Markdown: ``python -m tests.migration.agreement_page``.

Run it to print the tables that stand in docs/agreement.md; a test compares the two.
"""

from pymig._core import ffi, lib
from pymig.ends.finding import OUTCOMES, PLACES, STAGES
from pymig.ends.pair import rows_of
from pymig.ends.plan import ENDS
from pymig.release import rows, text

NEEDED_AT = {1: "source", 2: "destination", 3: "both ends"}
KINDS = {
    "capability": (lib.migration_capability_name, lib.migration_capability_ends),
    "parameter": (lib.migration_parameter_name, lib.migration_parameter_ends),
}


def who_needs_what():
    lines = ["| needed at | what |", "|---|---|"]
    for ends, label in NEEDED_AT.items():
        for kind, (name_of, ends_of) in KINDS.items():
            names = [text(name) for number, name in enumerate(rows(name_of)) if ends_of(number) == ends]
            plural = {"capability": "capabilities", "parameter": "parameters"}[kind]
            lines.append(f"| {label} | {plural}: {', '.join(sorted(names))} |")
    return "\n".join(lines)


def words(number, row):
    """What the end of this row says in its newest release that says something."""
    said = [lib.migration_agreement_words(number, release) for release in range(lib.QEMU_RELEASE__MAX)]
    told = [text(one) for one in said if one != ffi.NULL]
    return f"{ENDS[row.end]}: `{told[-1]}`" if told else "-"


def disagreements():
    lines = ["| stage | rule | outcome, guest | what happens | words | remedy |", "|---|---|---|---|---|---|"]
    for number, row in enumerate(rows(lib.migration_agreement)):
        places = [PLACES[row.guest], *(PLACES[place] for place in rows_of(row.guests) if place != row.guest)]
        outcome = f"{OUTCOMES[row.outcome]}, {' or '.join(places)}"
        cells = STAGES[row.stage], text(row.id), outcome, text(row.consequence), words(number, row), text(row.remedy)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(who_needs_what(), disagreements(), sep="\n\n")
