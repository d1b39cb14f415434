# SPDX-License-Identifier: GPL-2.0-or-later

"""Records what a QEMU binary answers, then reports where pymig answers differently.

Run as root. What this machine does not have, such as KVM, is left out, and the recording says why. Nothing on the
machine changes: what a context must not have is closed to its QEMU alone.

Exit status: 0 nothing differs, 1 something differs, 2 the binary could not be recorded.
"""

import argparse
import resource
import signal
import sys
from collections import deque
from pathlib import Path

from tests.live.conftest import DidNotStartError, DiedError, entities_of
from tests.vectors import questions, recorded, replay
from tests.vectors.machine import machine
from tests.vectors.questions import OUTGOING


def record(binary, label, amount):
    """The recording of a binary."""
    with machine(binary) as place:
        facts, schema = facts_of(place)
        names = [capability["name"] for capability in facts["capabilities"]]
        label = label or f"qemu-{recorded.version_of(facts)}"
        say(f"{label}: single requests")
        requests = single_requests(place, facts, schema, amount)
        contexts = contexts_of(place, names, amount)
        say("sessions")
        sessions = questions.sessions(names, requests["parameter_cases"], amount)
        told = [session_of(place, *session) for session in sessions if not place.obstacle(OUTGOING)]
    return {"label": label, **facts, **requests, **contexts, "sessions": told}


def say(text):
    print(text, file=sys.stderr, flush=True)


def refusal(answer):
    return answer if isinstance(answer, str) else ""


ASK = {
    "set-capabilities": lambda qemu, request: refusal(qemu.ask("migrate-set-capabilities", capabilities=request)),
    "set-parameters": lambda qemu, request: refusal(qemu.ask("migrate-set-parameters", **request)),
    "query-capabilities": lambda qemu, _: qemu.ask("query-migrate-capabilities"),
    "query-parameters": lambda qemu, _: qemu.ask("query-migrate-parameters"),
    "incoming": lambda qemu, uri: refusal(qemu.ask("migrate-incoming", uri=uri)),
}


def attempt(ask, qemu, request):
    """The answer, None where QEMU dies of the request."""
    try:
        return ask(qemu, request)
    except DiedError:
        return None


# ---- Facts ----


def facts_of(place):
    """What the binary says about itself, and its schema."""
    with place.qemu(OUTGOING) as qemu:
        schema = entities_of(qemu.ask("query-qmp-schema"))
        facts = {
            "version": qemu.ask("query-version")["qemu"],
            "capabilities": capabilities_in(schema),
            "listed": qemu.capabilities(),
            "parameters": qemu.ask("query-migrate-parameters"),
        }
    return facts, schema


def capabilities_in(schema):
    (argument,) = schema[schema["migrate-set-capabilities"]["arg-type"]]["members"]
    entry = schema[schema[argument["type"]]["element-type"]]
    kind = next(member["type"] for member in entry["members"] if member["name"] == "capability")
    return [{"name": value["name"], "features": value.get("features", [])} for value in schema[kind]["members"]]


# ---- Single requests ----


def single_requests(place, facts, schema, amount):
    defaults = facts["parameters"]
    ask, is_back = ASK["set-parameters"], back_to(defaults)
    cases = list(from_defaults(place, questions.single_parameters(schema), ask, is_back))
    cases += from_defaults(place, questions.wrong_pairs(survived(cases), amount), ask, is_back)
    names = list(from_defaults(place, questions.malformed_names(), ASK["set-capabilities"], all_off))
    lines = from_defaults(place, [{name: value} for name, value in defaults.items()], lines_about, is_back)
    return {
        "parameter_cases": survived(cases),
        "parameter_died": [request for request, answer in cases if answer is None],
        "parameter_warnings": {name: lines for request, lines in survived(lines) for name in request},
        "name_cases": survived(names),
        "name_died": [request for request, answer in names if answer is None],
    }


def from_defaults(place, requests, ask, is_back):
    """Each request and its answer, asked of a QEMU at its defaults."""
    remaining = deque(requests)
    while remaining:
        with place.qemu(OUTGOING) as qemu:
            usable = True
            while remaining and usable:
                request = remaining.popleft()
                answer = attempt(ask, qemu, request)
                yield request, answer
                usable = answer is not None and attempt(is_back, qemu, request)


def survived(cases):
    return [[request, answer] for request, answer in cases if answer is not None]


def back_to(defaults):
    """A function that undoes a request to set parameters, as far as that can be, and says whether it could."""

    def is_back(qemu, request):
        if qemu.ask("query-migrate-parameters") == defaults:
            return True
        ASK["set-parameters"](qemu, {name: defaults[name] for name in request if name in defaults})
        return qemu.ask("query-migrate-parameters") == defaults

    return is_back


def all_off(qemu, _):
    return qemu.set_capabilities(dict.fromkeys(qemu.capabilities(), False)) == ""


def lines_about(qemu, request):
    """What QEMU writes when these parameters are set."""
    qemu.lines()
    qemu.set_parameters(request)
    return qemu.lines()


# ---- Contexts ----


def contexts_of(place, names, amount):
    messages, contexts = {"": 0}, {}
    for name, asked in questions.CONTEXTS.items():
        say(name)
        contexts[name] = context_of(place, asked, names, questions.sets(name, names, amount), messages)
    return {"messages": list(messages), "contexts": contexts}


def context_of(place, asked, names, masks, messages):
    """One context; messages that are new are numbered on."""
    obstacle = place.obstacle(asked)
    if obstacle:
        return {"skipped": obstacle}
    try:
        with place.qemu(asked) as qemu:
            refused = prepare(place, qemu, asked)
            if refused:
                return {"skipped": refused}
            cases = answers(qemu, set(asked.first), names, masks, messages)
            log = {"log": list(dict.fromkeys(qemu.lines()))}
    except (DidNotStartError, DiedError, OSError) as error:
        return {"skipped": str(error).strip()}
    return asked._asdict() | {"parameters": dict(asked.parameters)} | log | cases


def prepare(place, qemu, asked):
    """Brings QEMU to where the sets are asked about. The refusal, "" if all is accepted."""
    steps = (
        ("set-parameters", dict(asked.parameters)),
        ("set-capabilities", [{"capability": name, "state": True} for name in asked.first]),
        ("incoming", asked.transport and place.uri(asked.transport)),
    )
    refusals = (ASK[command](qemu, request) for command, request in steps if request)
    return next(filter(None, refusals), "")


def answers(qemu, on, names, masks, messages):
    """Each mask with the number of its answer, up to one that QEMU dies of.

    A request names only what differs from the capabilities that are on: QEMU takes its time for every byte of it.
    """
    cases = []
    for mask in masks:
        wanted = {name for i, name in enumerate(names) if mask >> i & 1}
        text = attempt(type(qemu).set_capabilities, qemu, {name: name in wanted for name in sorted(wanted ^ on)})
        if text is None:
            return {"cases": cases, "died": mask}
        cases.append([mask, messages.setdefault(text, len(messages))])
        on = on if text else wanted
    return {"cases": cases}


# ---- Sessions ----


def session_of(place, incoming, steps):
    """One session, up to a step that QEMU dies of."""
    session = {"incoming": incoming, "steps": []}
    with place.qemu(OUTGOING._replace(incoming=incoming)) as qemu:
        for command, argument in steps:
            answer = attempt(ASK[command], qemu, argument)
            if answer is None:
                return session | {"died": [command, argument]}
            session["steps"].append([command, argument, answer])
    return session


# ---- The command line ----


def new_file(text):
    path = Path(text)
    if not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path


def arguments():
    summary, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(prog="python -m tests.vectors.record", description=summary, epilog=rest)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("binary", metavar="BINARY", help="e.g. /usr/bin/qemu-system-x86_64")
    parser.add_argument("--label", metavar="NAME", help="the recording's name; qemu-X.Y.Z if not given")
    parser.add_argument("--output", metavar="FILE", type=new_file, help="LABEL.json.gz in this folder if not given")
    parser.add_argument("--quick", action="store_true", help="a small part of the questions, in seconds")
    return parser.parse_args()


def main():
    asked = arguments()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(2))  # so that everything is put back
    try:
        recording = record(asked.binary, asked.label, questions.QUICK if asked.quick else questions.FULL)
        path = asked.output or Path(f"{recording['label']}.json.gz")
        recorded.write(path, recording)
    except Exception as error:
        say(f"{asked.binary} could not be recorded: {type(error).__name__}: {str(error).strip()}")
        return 2
    for line in remarks(recording):
        print(line)
    return replay.main([path])


def remarks(recording):
    """What was left out, and what QEMU died of."""
    for name, context in recording["contexts"].items():
        if "skipped" in context:
            yield f"{name} is left out: {context['skipped']}"
    if not recording["sessions"]:
        yield "sessions are left out"
    died = [
        *recording["parameter_died"],
        *recording["name_died"],
        *(f"{name}: set {context['died']:#x}" for name, context in recording["contexts"].items() if "died" in context),
        *(session["died"] for session in recording["sessions"] if "died" in session),
    ]
    yield from (f"QEMU died of: {request}" for request in died)


if __name__ == "__main__":
    sys.exit(main())
