# SPDX-License-Identifier: GPL-2.0-or-later

"""The reference pages, made from the tables: ``python -m tests.catalog.reference_pages`` writes docs/reference.

A test compares the pages with what this makes.
"""

from pathlib import Path

from pymig._core import lib
from pymig.capability import BITS, NAMES
from pymig.catalog.explain import explain
from pymig.catalog.explanation import KINDS
from pymig.catalog.messages import messages, rules
from pymig.catalog.names import (
    NEEDED_AT,
    capability,
    conflicts,
    parameter,
    parameters_of,
    rules_of,
    words_about,
)
from pymig.catalog.notes import NOTES_ON_RULES
from pymig.catalog.releases import in_words, series
from pymig.catalog.said import DISAGREEMENTS, FAULTS, explained, faults_of_libvirt, of_key
from pymig.catalog.topics import TOPICS
from pymig.qemu.parameters import PARAMETERS as NUMBERS
from pymig.release import RELEASES, text

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
MADE = "<!-- Made by tests/catalog/reference_pages.py: do not edit, run `make reference`. -->\n"


def anchor(name):
    return name.replace("/", "-")


def link(name, up=""):
    """A link to where the name is explained, from a page whose folder lies below by ``up``."""
    folder = "capabilities" if name in BITS else "parameters" if name in NUMBERS else ""
    target = f"{folder}/{name}.md" if folder else f"messages.md#{anchor(name)}"
    return f"[{name}]({up}{target})"


def links(names, up=""):
    return ", ".join(link(name, up) for name in names)


def heading(name):
    return f'<a id="{anchor(name)}"></a>\n\n### {name}\n'


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def table(head, lines):
    return (
        "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(line)} |" for line in lines)])
        + "\n"
    )


def bullets(texts):
    return "\n".join(f"- {cell(text)}" for text in texts) + "\n"


def paragraphs(text):
    return "\n\n".join(map(cell, text.splitlines())) + "\n"


def index_page(title, intro, head, rows, folder):
    """A page with a table of the pages in a folder."""
    toctree = f"```{{toctree}}\n:hidden:\n:glob:\n\n{folder}/*\n```\n"
    return "\n".join([MADE, f"# {title}\n", intro, table(head, rows), toctree])


# ---- Capabilities ----


def capability_page(name):
    """What it does; its conflicts as a table over the releases; parameters and messages that matter."""
    tied = conflicts(name)
    told = (
        ("Parameters that matter", parameters_of(name)),
        ("Messages", (*rules_of(name), *disagreements_of(name), *faults_of(name))),
    )
    parts = [MADE, f"# {name}\n", paragraphs(capability(name).text)]
    parts += ["## Conflicts over the releases\n", conflict_table(tied)] if tied else []
    parts += [f"## {label}\n\n{links(names, '../')}.\n" for label, names in told if names]
    return "\n".join(parts)


def conflict_table(tied):
    rows = []
    for one in tied:
        which = series(one.releases)
        sign = "needs" if one.needed else "no"
        having = capability(one.other).releases
        cells = (sign if each in which else "" if each in having else "-" for each in RELEASES)
        rows.append([link(one.rule, "../"), link(one.other, "../"), *cells])
    legend = (
        "`no`: QEMU refuses the two together. `needs`: it refuses the one without the other. "
        "`-`: the release does not have the other.\n"
    )
    return f"{table(['rule', 'with', *RELEASES], rows)}\n{legend}"


def disagreements_of(name):
    return tuple(key for key in DISAGREEMENTS if name in key.split("/"))


def faults_of(name):
    return tuple(key for key, fault in FAULTS.items() if name in fault.capabilities)


def capabilities_page():
    intro = (
        f"What each of QEMU's {len(NAMES)} migration capabilities does, needs and costs, in pymig's words, with what "
        "pymig's tables say about releases.\n\n![Pairs that QEMU refuses](conflicts.svg)\n"
    )
    rows = [
        [link(name), NEEDED_AT[lib.migration_capability_ends(i)], in_words(capability(name).releases)]
        for i, name in enumerate(NAMES)
    ]
    return index_page("Capabilities", intro, ["capability", "needed", "releases"], rows, "capabilities")


# ---- Pairs, as a picture ----

SIDE, MARGIN = 22, 170
ALWAYS, CHANGED = "#5b7fa6", "#e08a3c"


def pairs():
    """The series in which QEMU refuses two capabilities together, by their numbers, the smaller first."""
    found = {}
    for name in NAMES:
        for one in conflicts(name):
            if not one.needed:
                pair = tuple(sorted((NAMES.index(name), NAMES.index(one.other))))
                found.setdefault(pair, set()).update(series(one.releases))
    return {pair: tuple(each for each in RELEASES if each in known) for pair, known in found.items()}


def conflicts_picture():
    """A square for each pair: one colour where every release that has both refuses it, another where some do."""
    size = MARGIN + SIDE * len(NAMES) + 40
    shapes = [
        f'<rect x="{MARGIN + SIDE * i}" y="{MARGIN + SIDE * j}" width="{SIDE - 2}" height="{SIDE - 2}" fill="{colour}">'
        f"<title>{NAMES[i]} and {NAMES[j]}: refused by {in_words(known)}</title></rect>"
        for (i, j), known in sorted(pairs().items())
        for colour in [
            ALWAYS if set(known) >= set(capability(NAMES[i]).releases) & set(capability(NAMES[j]).releases) else CHANGED
        ]
    ]
    for i, name in enumerate(NAMES):
        middle = MARGIN + SIDE * i + SIDE - 8
        shapes.append(f'<text x="{MARGIN - 8}" y="{middle}" text-anchor="end">{name}</text>')
        shapes.append(f'<text transform="translate({middle} {MARGIN - 8}) rotate(-90)">{name}</text>')
    for i, (colour, words) in enumerate(((ALWAYS, "every release that has both"), (CHANGED, "some releases"))):
        at = MARGIN + SIDE * 12, MARGIN + SIDE * (2 + i)
        shapes.append(f'<rect x="{at[0]}" y="{at[1]}" width="{SIDE - 2}" height="{SIDE - 2}" fill="{colour}"/>')
        shapes.append(f'<text x="{at[0] + SIDE + 4}" y="{at[1] + SIDE - 8}">refused by {words}</text>')
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" font-family="sans-serif" font-size="12">'
    )
    return "\n".join([head, f'<rect width="{size}" height="{size}" fill="white"/>', *shapes, "</svg>\n"])


# ---- Parameters ----


def parameter_page(name):
    """What it does, its values, what QEMU says about wrong ones, and what the ends say if they differ."""
    found = parameter(name)
    words = [[f"`{text}`", in_words(known)] for text, known in words_about(name).items()]
    parts = [MADE, f"# {name}\n", paragraphs(found.text)]
    parts += ["## Wrong values\n", table(["QEMU says, for example", "releases"], words)] if words else []
    told = (("Capabilities that it belongs to", found.see), ("Messages", messages_about(name)))
    parts += [f"## {label}\n\n{links(names, '../')}.\n" for label, names in told if names]
    return "\n".join(parts)


def messages_about(name):
    """The rules, disagreements and topics that lead to the parameter, or whose remedy names it."""
    topics = (topic.name for topic in TOPICS if name in topic.see)
    rows = (key for key, found in DISAGREEMENTS.items() if any(name in text(row.remedy).split() for row in found))
    noted = (key for key, note in NOTES_ON_RULES.items() if name in note.see)
    return tuple(dict.fromkeys((*noted, *rows, *topics)))


def parameters_page():
    intro = f"What each of QEMU's {len(NUMBERS)} migration parameters does, and its values.\n"
    rows = [
        [link(name), NEEDED_AT[lib.migration_parameter_ends(i)], in_words(parameter(name).releases)]
        for name, i in NUMBERS.items()
    ]
    return index_page("Parameters", intro, ["parameter", "needed", "releases"], rows, "parameters")


# ---- Messages ----


def message_section(name):
    """Every text of one rule, row, fault or topic, and what it means."""
    parts = [heading(name)]
    said = {}
    for message in messages():
        if message.key == name:
            said[message.text] = series(message.releases)
    if any(text != name for text in said):
        parts.append(
            table(
                ["text", "releases"], [[f"`{text}`", in_words(known) if known else ""] for text, known in said.items()]
            )
        )
    for found in of_key(name):
        parts.append(f"*{KINDS[found.kind]}.* {cell(found.text)}\n")
        for label, texts in (("Causes", found.causes), ("Remedies", found.remedies)):
            parts += [f"{label}:\n", bullets(texts)] if texts else []
        others = [one for one in found.see if one != name and explain(one)]
        parts += [f"See {links(others)}.\n"] if others else []
    return "\n".join(dict.fromkeys(parts))


def other_section(kind):
    """Texts without a name of their own: of commands, and of the host's probe."""
    lines = []
    for message in messages():
        if message.kind == kind and message.key not in NAMED:
            found = explained(message)
            lines.append(
                [f"`{message.text}`", in_words(found.releases), cell(f"{found.text} {' '.join(found.remedies)}")]
            )
    return table(["text", "releases", "meaning, remedies"], lines)


GROUPS = {
    "Rules: sets of capabilities that QEMU refuses": tuple(rules()),
    "Two ends that disagree": tuple(DISAGREEMENTS),
    "Known faults": tuple(FAULTS),
    "Known faults of libvirt": tuple(faults_of_libvirt()),
    "libvirt, the kernel, and other matters": tuple(topic.name for topic in TOPICS),
}
NAMED = {name for names in GROUPS.values() for name in names}


def messages_page():
    intro = (
        f"{MADE}\n# Messages\n\nEvery text that pymig knows, by the rule that it belongs to. `pymig explain TEXT` "
        'finds it from a line of a log. What ends with "(not tried)" is followed by no test of pymig.\n'
    )
    parts = [intro]
    for title, names in GROUPS.items():
        parts += [f"## {title}\n", *map(message_section, dict.fromkeys(names))]
    parts += ["## Warnings\n", other_section("warning")]
    parts += ["## What migrate and migrate-incoming refuse\n", other_section("command")]
    parts += ["## Why the host has no postcopy\n", heading("userfaultfd"), other_section("host")]
    return "\n".join(parts)


def pages():
    """Every page, by its file's name."""
    return {
        "capabilities.md": capabilities_page(),
        "parameters.md": parameters_page(),
        **{f"capabilities/{name}.md": capability_page(name) for name in NAMES},
        **{f"parameters/{name}.md": parameter_page(name) for name in NUMBERS},
        "messages.md": messages_page(),
        "conflicts.svg": conflicts_picture(),
    }


if __name__ == "__main__":
    for name, content in pages().items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(content)
