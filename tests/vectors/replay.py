# SPDX-License-Identifier: GPL-2.0-or-later

"""Asks pymig what a real QEMU was asked, and reports where the answers differ.

    python -m tests.vectors.replay RECORDING...

Exit status: 0 nothing differs, 1 something differs.
"""

import array
import sys
import warnings
from collections import defaultdict
from functools import partial
from typing import NamedTuple

from pymig import (
    CapabilitySet,
    Checker,
    DeprecatedParameterWarning,
    KnownFaultWarning,
    MigrationError,
    MigrationState,
    QemuBuild,
)
from tests.vectors import recorded

ABSENT, DIES = "absent", "QEMU dies"


class Difference(NamedTuple):
    """One question that pymig answers differently.

    Attributes:
        about: the kind of question, e.g. "set of capabilities".
        asked: the question, for a person; "" if `about` says it all.
        recorded: QEMU's answer.
        given: pymig's answer.
    """

    about: str
    asked: str
    recorded: object
    given: object


def differences(recording):
    """All differences. A release that pymig does not know is compared with the newest that it knows."""
    try:
        build = recorded.build_of(recording)
    except ValueError as error:
        yield Difference("release", "", recorded.version_of(recording), str(error))
        build = recorded.build_of(recording, QemuBuild.releases()[-1])
    for part in parts(recording).values():
        yield from part(recording, build)


def parts(recording):
    """What can be asked again: a name for each part, and a function of recording and build that yields differences."""
    whole = {name: part for name, part in WHOLE_PARTS.items() if name in recording}
    return whole | {f"contexts/{name}": partial(context, name=name) for name in recording.get("contexts", ())}


# ---- Facts ----


def capabilities(recording, build):
    told = {capability["name"]: presence(capability["features"]) for capability in recording["capabilities"]}
    features = ("deprecated", "unstable")
    given = {
        name: presence(feature for feature in features if name in getattr(build, feature))
        for name in build.capabilities
    }
    yield from members("capability", told, given)
    orders = [[name for name in names if name in told and name in given] for names in (told, given)]
    if orders[0] != orders[1]:
        yield Difference("order of capabilities", "", *orders)


def presence(features):
    return " ".join(["present", *sorted(features)])


def listed(recording, build):
    entries = MigrationState(build, recorded.CAPABLE).query_capabilities()
    told = {name: presence([]) for name in recording["listed"]}
    given = {entry["capability"]: presence([]) for entry in entries}
    yield from members("listed capability", told, given)


def parameters(recording, build):
    given = MigrationState(build, recorded.CAPABLE).query_parameters()
    yield from members("default of", recording["parameters"], given)


def members(about, told, given, asked=""):
    """A difference for each member that the two mappings don't have alike."""
    for name in {**told, **given}:
        values = told.get(name, ABSENT), given.get(name, ABSENT)
        if values[0] != values[1]:
            yield Difference(f"{about} {name}", asked, *values)


# ---- Single requests, each from the defaults ----


def parameter_cases(recording, build):
    defaults = MigrationState(build, recorded.CAPABLE).query_parameters()
    for request, text in recording["parameter_cases"]:
        state = MigrationState(build, recorded.CAPABLE)
        answer, _ = set_parameters(state, request)
        yield from request_differences("parameters", request, text, answer, state.query_parameters() != defaults)


def parameter_died(recording, build):
    for request in recording["parameter_died"]:
        answer, _ = set_parameters(MigrationState(build, recorded.CAPABLE), request)
        if answer != DIES:
            yield Difference("parameters", str(request), DIES, answer)


def parameter_warnings(recording, build):
    for name, lines in recording["parameter_warnings"].items():
        state = MigrationState(build, recorded.CAPABLE)
        _, warned = set_parameters(state, {name: recording["parameters"][name]})
        if warned != warnings_in(lines):
            yield Difference(f"warnings about {name}", "", warnings_in(lines), warned)


def name_cases(recording, build):
    for request, text in recording["name_cases"]:
        state = MigrationState(build, recorded.CAPABLE)
        answer = answer_of(state.set_capabilities, request)
        yield from request_differences("names of capabilities", request, text, answer, bool(state.capabilities))


def request_differences(about, request, text, answer, changed):
    if answer != text:
        yield Difference(about, str(request), text, answer)
    elif text and changed:
        yield Difference(about, str(request), "a refusal that changes nothing", "a refusal that changes something")


def answer_of(function, argument):
    """The refusal's text, "" where there is none. Anything else that is raised is no answer of QEMU's."""
    try:
        function(argument)
    except MigrationError as error:
        return error.message
    except Exception as error:
        return repr(error)
    return ""


def set_parameters(state, request):
    """The answer, and the warnings that QEMU writes to its log."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answer = answer_of(state.set_parameters, request)
    if any(warning.category is KnownFaultWarning for warning in caught):
        answer = DIES
    return answer, [str(warning.message) for warning in caught if warning.category is DeprecatedParameterWarning]


def warnings_in(lines):
    return [line.removeprefix("warning: ") for line in lines if line.startswith("warning: ")]


# ---- Sessions ----


def sessions(recording, build):
    for number, session in enumerate(recording["sessions"]):
        yield from session_differences(session, build, f"session {number}")


def session_differences(session, build, name):
    """Ends where one accepts what the other refuses: from there on the two are not comparable."""
    state = MigrationState(build, recorded.CAPABLE, incoming=session["incoming"])
    commands = {
        "set-capabilities": lambda argument: answer_of(state.set_capabilities, argument),
        "set-parameters": lambda argument: set_parameters(state, argument)[0],
        "query-capabilities": lambda _: state.query_capabilities(),
        "query-parameters": lambda _: state.query_parameters(),
    }
    end = [[*session["died"], DIES]] if "died" in session else []
    for step, (command, argument, answer) in enumerate(session["steps"] + end):
        given = commands[command](argument)
        where = f"{name}, step {step}"
        if command.startswith("query"):
            yield from members(command, by_name(answer), by_name(given), where)
        elif given != answer:
            yield Difference(command, f"{where}: {argument}", answer, given)
            if not (given and answer):
                return


def by_name(answer):
    """A query's answer as a mapping."""
    return answer if isinstance(answer, dict) else {entry["capability"]: entry["state"] for entry in answer}


# ---- Contexts ----


class Masks:
    """A recording's masks, bit i of which is its capability i, as pymig has them."""

    def __init__(self, recording, build):
        self.names = [capability["name"] for capability in recording["capabilities"]]
        self.known = [(i, name) for i, name in enumerate(self.names) if name in build.capabilities]
        self.bits = [(i, CapabilitySet([name]).mask) for i, name in self.known]
        self.unknown = ~sum(1 << i for i, _ in self.known)

    def own(self, mask):
        return sum(bit for i, bit in self.bits if mask >> i & 1)

    def recorded(self, names):
        return sum(1 << i for i, name in enumerate(self.names) if name in names)

    def states(self, mask):
        return {name: bool(mask >> i & 1) for i, name in self.known}

    def text(self, mask):
        return ", ".join(name for i, name in enumerate(self.names) if mask >> i & 1) or "nothing"


def context(recording, build, name):
    """The verdicts and warnings of one context; not about sets with a capability that pymig does not know."""
    told, messages, masks = recording["contexts"][name], recording["messages"], Masks(recording, build)
    if "skipped" in told:
        return
    try:
        ask = asking(told, build, masks)
    except MigrationError as error:
        yield Difference("parameters", f"{name}: {told['parameters']}", "", error.message)
        return
    old, warned = masks.recorded(told.get("first", ())), set()
    for new, index in told["cases"]:
        text = messages[index]
        if not (new | old) & masks.unknown:
            answers, warnings_given = ask(new, old)
            warned.update(warnings_given)
            for answer in answers - {text}:
                asked = f"{name}: {masks.text(new)} (before: {masks.text(old)})"
                yield Difference("set of capabilities", asked, text, answer)
        if not text:
            old = new
    logged = set(warnings_in(told["log"]))
    if warned != logged:
        yield Difference("warnings about capabilities", name, sorted(logged), sorted(warned))


def asking(told, build, masks):
    """A function from a new and an old mask to the set of all answers, which should be one, and the warnings."""
    circumstances, host = recorded.circumstances(told), recorded.host_of(told, build)
    checker = Checker(build, host, parameters=told["parameters"], **circumstances)
    state = MigrationState(build, host, **circumstances)
    state.set_parameters(told["parameters"])
    follows = not told.get("first")  # what is on before incoming starts can't be switched on in a state afterwards

    def ask(new, old):
        own_new, own_old = masks.own(new), masks.own(old)
        verdict = checker.check(own_new, own_old)
        code = checker.check_many(array.array("Q", [own_new]), own_old)[0]
        answers = {verdict.message, checker.verdicts[code].message}
        if follows:
            answers.add(answer_of(state.set_capabilities, masks.states(new)))
        return answers, verdict.warnings

    return ask


WHOLE_PARTS = {
    part.__name__: part
    for part in (
        capabilities,
        listed,
        parameters,
        parameter_cases,
        parameter_died,
        parameter_warnings,
        name_cases,
        sessions,
    )
}


# ---- The report ----


def report(found, examples=3):
    """Prints the differences, those with the same answers together. Returns how many there are."""
    groups = defaultdict(list)
    for difference in found:
        groups[difference.about, shown(difference.recorded), shown(difference.given)].append(difference.asked)
    for (about, recorded_answer, given), asked in groups.items():
        print(f"{about}:" if len(asked) == 1 else f"{about}, {len(asked):,} times:")
        print(f"  QEMU   {recorded_answer}\n  pymig  {given}")
        for example in filter(None, asked[:examples]):
            print(f"  e.g.   {shown(example)}")
    return sum(map(len, groups.values()))


def shown(answer, most=300):
    """The answer as a line for a person."""
    text = "accepted" if answer == "" else str(answer)
    return text if len(text) <= most else f"{text[:most]}..."


def main(paths):
    count = 0
    for path in paths:
        recording = recorded.read(path)
        found = report(differences(recording))
        print(f"{path}: {f'{found:,} answers differ' if found else 'pymig gives every answer'}")
        count += found
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
