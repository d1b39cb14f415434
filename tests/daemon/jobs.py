# SPDX-License-Identifier: GPL-2.0-or-later

"""What the daemon's threads do. Each job returns whether every answer was the known one."""

import array
import json
import shutil
import threading

import pymig
from pymig import Checker, Context, Host, Memory, MigrationState, QemuBuild, reference

QEMU = shutil.which("qemu-system-x86_64")

CAPABLE = Host()
CHECKER = Checker(host=CAPABLE)
STATE = MigrationState(host=CAPABLE)
BLOCKS = [Memory(), Memory("memfd", share=True), Memory("file", path="/dev/shm", share=True)]
LOCAL = Host.local(BLOCKS)
INCOMING = Checker("10.1", LOCAL, incoming=True)

# No two threads switch the same one, and none is refused.
OWN = "events zero-blocks dirty-bitmaps validate-uuid release-ram rdma-pin-all block return-path".split()


def _message(mask):
    refusal = reference.check(mask)
    return refusal.message if refusal else ""


def _answers(host):
    return host.write_tracking, host.postcopy, Checker("10.1", host, incoming=True).check(["postcopy-ram"]).rule


SETS = {mask: _message(mask) for mask in range(0, 1 << 21, 1543)}
MASKS = list(SETS)
KNOWN = _answers(LOCAL)
PROBED = Host.from_json(pymig.probe().to_json())
CONTEXTS = [
    Context("9.0", CAPABLE, incoming=True, parameters={"multifd-channels": 4}),
    Context(QemuBuild("rhel-9.3"), Host("absent", False)),
]
TEXTS = [context.to_json() for context in CONTEXTS]
BUILD = QemuBuild.from_binary(QEMU, timeout=120) if QEMU else None


def check(chance, _):
    mask = chance.choice(MASKS)
    return CHECKER.check(mask).message == SETS[mask]


def check_many(chance, _):
    masks = chance.choices(MASKS, k=300)
    codes = CHECKER.check_many(array.array("I", masks))
    return [CHECKER.verdicts[code].message for code in codes] == [SETS[mask] for mask in masks]


def explain_and_suggest(*_):
    rules = [verdict.rule for verdict in CHECKER.explain(["multifd", "compress"])]
    return rules == ["multifd/compress"] and len(CHECKER.suggest(["multifd", "compress"])) == 2


def switch_own(chance, number):
    name, on = OWN[number % len(OWN)], chance.random() < 0.5
    STATE.set_capabilities({name: on})
    return (name in STATE.capabilities) is on


def set_parameters(chance, _):
    """Each thread sets both at once, so they always belong together."""
    channels = chance.randrange(1, 200)
    STATE.set_parameters({"multifd-channels": channels, "tls-creds": f"tls{channels}"})
    numbers = STATE.query_parameters()
    return numbers["tls-creds"] == f"tls{numbers['multifd-channels']}"


def states_come_and_go(chance, _):
    state = MigrationState(chance.choice(QemuBuild.releases()), CAPABLE)
    state.set_capabilities({"multifd": True})
    return state.multifd and state.query_parameters()["multifd-channels"] == 2


def shared_host(*_):
    LOCAL.refresh()
    return _answers(LOCAL) == KNOWN and INCOMING.check(["postcopy-ram"]).rule == KNOWN[2]


def own_host(*_):
    return _answers(Host.local(BLOCKS)) == KNOWN


def probe(*_):
    """What the probe did not find out for a release, a check raises."""
    host = Host.from_json(pymig.probe().to_json())
    for release in QemuBuild.releases():
        Checker(release, host).check(["background-snapshot"])
        Checker(release, host, incoming=True).check(["postcopy-ram"])
    return host == PROBED


def round_trips(chance, _):
    number = chance.randrange(len(CONTEXTS))
    again = Context.from_json(TEXTS[number])
    return again == CONTEXTS[number] and json.loads(again.to_json()) == json.loads(TEXTS[number])


_one_qemu = threading.Semaphore(1)


def ask_a_qemu(*_):
    if not _one_qemu.acquire(blocking=False):
        return True
    try:
        return QemuBuild.from_binary(QEMU, timeout=120) == BUILD
    finally:
        _one_qemu.release()


IN_MEMORY = (check, check_many, explain_and_suggest, switch_own, set_parameters, states_come_and_go, round_trips)
"""Jobs that need no system call."""

WEIGHTS = {
    **dict.fromkeys(IN_MEMORY, 100),
    shared_host: 20,
    own_host: 10,
    probe: 2,
    **({ask_a_qemu: 1} if QEMU else {}),
}
"""Each job, and how often it is done."""
