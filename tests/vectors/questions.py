# SPDX-License-Identifier: GPL-2.0-or-later

"""What a binary is asked when its answers are recorded. The same binary is asked the same in every run."""

import itertools
import json
import random
from typing import NamedTuple

from tests.vectors import recorded

RAM, MEMFD, FILE, PRIVATE_FILE = recorded.MEMORIES

ASKED_BEFORE = recorded.load("debian-11.1.3")


class Amount(NamedTuple):
    """How much is asked.

    Attributes:
        combined, random: in `outgoing` and `incoming`, capabilities that are combined in every way, and random sets.
        combined_elsewhere, random_elsewhere: in the other contexts.
        pairs: requests with two wrong parameters.
        sessions: how many.
    """

    combined: int
    random: int
    combined_elsewhere: int
    random_elsewhere: int
    pairs: int
    sessions: int


FULL = Amount(combined=3, random=6000, combined_elsewhere=2, random_elsewhere=1500, pairs=1000, sessions=48)
QUICK = Amount(combined=1, random=40, combined_elsewhere=1, random_elsewhere=10, pairs=60, sessions=4)

STEPS = 62


# ---- Contexts and sets of capabilities ----


class Context(NamedTuple):
    """How QEMU is started, and what it is told before it is asked."""

    incoming: bool
    host: str = "full"
    memory: str = RAM
    accel: str = "emulated"
    parameters: tuple[tuple[str, object], ...] = ()
    first: tuple[str, ...] = ()
    transport: str | None = None


OUTGOING, INCOMING = Context(incoming=False), Context(incoming=True)

CONTEXTS = {
    "outgoing": OUTGOING,
    "outgoing-kvm": OUTGOING._replace(accel="kvm"),
    "outgoing-kvm-dirty-ring": OUTGOING._replace(accel="kvm,dirty-ring-size=4096"),
    "incoming": INCOMING,
    "outgoing-zlib": OUTGOING._replace(parameters=(("multifd-compression", "zlib"),)),
    "outgoing-zstd": OUTGOING._replace(parameters=(("multifd-compression", "zstd"),)),
    "outgoing-tls": OUTGOING._replace(parameters=(("tls-creds", "tls0"),)),
    "outgoing-no-userfaultfd": OUTGOING._replace(host="no-userfaultfd"),
    "incoming-no-userfaultfd": INCOMING._replace(host="no-userfaultfd"),
    "outgoing-shared-memfd": OUTGOING._replace(memory=MEMFD),
    "incoming-shared-memfd": INCOMING._replace(memory=MEMFD),
    "outgoing-disk-file": OUTGOING._replace(memory=FILE),
    "incoming-disk-file": INCOMING._replace(memory=FILE),
    "outgoing-disk-file-private": OUTGOING._replace(memory=PRIVATE_FILE),
    "incoming-disk-file-private": INCOMING._replace(memory=PRIVATE_FILE),
    "incoming-started": INCOMING._replace(transport="unix"),
    "incoming-started-multifd": INCOMING._replace(transport="unix", first=("multifd",)),
    "incoming-started-preempt": INCOMING._replace(transport="unix", first=("postcopy-ram", "postcopy-preempt")),
    "incoming-exec": INCOMING._replace(transport="exec"),
}


def sets(name, names, amount):
    """The masks to ask about in a context, beginning with what is on at first."""
    in_full = name in ("outgoing", "incoming")
    combined = amount.combined if in_full else amount.combined_elsewhere
    bits = [1 << i for i in range(len(names))]
    first = sum(bit for bit, capability in zip(bits, names, strict=True) if capability in CONTEXTS[name].first)
    for size in range(combined + 1):
        yield from (first | sum(chosen) for chosen in itertools.combinations(bits, size))
    chance = random.Random(name)
    for _ in range(amount.random if in_full else amount.random_elsewhere):
        share = chance.choice((0.1, 0.2, 0.4))
        yield sum(bit for bit in bits if chance.random() < share)


# ---- Single requests ----

EDGES = (0, 1, 9, 10, 20, 99, 100, 255, 256, 1000, 1024, 4096, 6000, 10**4, 10**5, 2 * 10**6, 2**20, 2**30, 3 * 2**20)
LARGE = (2**32, 2**63, 2**64, -(2**63))

# Small ones first: of a parameter's refusals the first is likely to be its own, and not that of its type.
INTEGERS = sorted(
    {edge + step for edge in EDGES + LARGE for step in (-1, 0, 1)},
    key=lambda number: (abs(number), number),
)

VALUES = {
    "int": INTEGERS,
    "boolean": (True, False, "on"),
    "string": ("", "x", "\u00e9"),
    "alternate": ("", "x", "\u00e9"),
    "array": ([""], ["a", "b"], ["a", 3]),
}
OF_EVERY_TYPE = (None, True, 3, 1.0, 1.5, "x", "1", "", [], {})


def single_parameters(schema):
    """Requests with one parameter or none: what was asked before, and values by type for each that this binary has."""
    before = (request for request, _ in ASKED_BEFORE["parameter_cases"] if len(request) <= 1)
    members = schema[schema["migrate-set-parameters"]["arg-type"]]["members"]
    now = ({member["name"]: value} for member in members for value in values_of(schema[member["type"]]))
    requests = {json.dumps(request): request for request in itertools.chain(before, now)}
    return list(requests.values())


def values_of(kind):
    meta = kind["meta-type"]
    own = kind["values"] if meta == "enum" else VALUES.get(kind.get("json-type", meta), ())
    return [*own, *OF_EVERY_TYPE]


def wrong_pairs(cases, amount):
    """Requests with two wrong parameters, in either order: three refusals of each parameter with each of the others."""
    refusals = {}
    for request, text in cases:
        for name in request:
            if text:
                refusals.setdefault(name, {}).setdefault(text, request)
    wrong = [request for by_text in refusals.values() for request in first_two_and_last(list(by_text.values()))]
    pairs = [one | other for one, other in itertools.permutations(wrong, 2) if one.keys() != other.keys()]
    return random.Random("pairs").sample(pairs, min(amount.pairs, len(pairs)))


def first_two_and_last(items):
    return items[:2] + items[2:][-1:]


def malformed_names():
    return [request for request, _ in ASKED_BEFORE["name_cases"]]


# ---- Sessions ----

TLS = ({"tls-creds": "tls0"}, {"tls-creds": ""})
COMPRESSION = ({"multifd-compression": "zlib"}, {"multifd-compression": "none"})
LOOKING_AT_PARAMETERS = {"multifd", "zero-copy-send", "mapped-ram", "xbzrle"}


def sessions(names, cases, amount):
    """Pairs (incoming, steps), each step a command and its argument.

    The second half is about capabilities that look at parameters, and parameters that look at capabilities.
    """
    accepted, refused = ([request for request, text in cases if bool(text) == bad] for bad in (False, True))
    looking = [name for name in names if name in LOOKING_AT_PARAMETERS]
    usual = [names, names, names, ["no-such"]], [accepted, accepted, accepted, refused]
    special = [names, looking, looking], [accepted, accepted, TLS, COMPRESSION]
    for number in range(amount.sessions):
        capabilities, parameters = usual if 2 * number < amount.sessions else special
        chance = random.Random(f"session {number}")
        yield number % 2 == 1, [step(chance, capabilities, parameters) for _ in range(STEPS)]


COMMANDS = ("set-capabilities", "set-parameters", "query-capabilities", "query-parameters")


def step(chance, capabilities, parameters):
    command = chance.choices(COMMANDS, (8, 8, 1, 1))[0]
    if command.startswith("query"):
        return command, None
    groups = capabilities if command == "set-capabilities" else parameters
    chosen = [chance.choice(chance.choice(groups)) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    if command == "set-parameters":
        return command, {name: value for request in chosen for name, value in request.items()}
    return command, [{"capability": name, "state": chance.random() < 0.6} for name in chosen]
