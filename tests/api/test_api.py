# SPDX-License-Identifier: GPL-2.0-or-later

"""The interface that api.md promises to users: each name exists, with the promised arguments and defaults.

api.md specifies the interface; it is not made from the code. In it, a name that begins with a dot belongs to the class
that was named before it.
"""

import builtins
import inspect
import re
from pathlib import Path

import pytest

import pymig

API = Path(__file__).with_name("api.md")

PROSE = {
    "Plan.findings": "Preflight's; Plan is named in between",
    "Plan.steps": "Preflight's; Plan is named in between",
    "Finding.unknown": "Preflight's; Finding is named in between",
    "Unknown.to_json": "Preflight's; Unknown is named in between",
    "Flags.destination": "Requests'; Flags is named in between",
    "QemuBuild.compressions": "an argument, not an attribute",
}
"""Spans that only look like an attribute or a signature of their class."""

EXAMPLES = {
    "Checker(context)": "Checker(Context())",
    "Checker(build, host, **the same keywords)": "Checker(QemuBuild(), Host(), incoming=True, rdma=True)",
    "MigrationState(context)": "MigrationState(Context())",
    "MigrationState(build, host, **keywords)": "MigrationState(QemuBuild(), Host(), incoming=True)",
    "check(new, **same)": "check(['multifd'], build='8.0', host=Host(), incoming=True)",
    "validate(...)": "validate(['multifd'], build='8.0', host=Host(), incoming=True)",
    'Plan(order="destination-first")': "Plan(order='destination-first')",
    "PostcopySupport(False, step)": "PostcopySupport(False, 9)",
    "HostUnknownError(OSError)": "issubclass(HostUnknownError, OSError)",
    "LibvirtRefusal(MigrationError)": "issubclass(LibvirtRefusal, MigrationError)",
}
"""Calls whose arguments are words: the same with values."""


def sections():
    """The text of each section, by its heading."""
    parts = re.split(r"^## (.*)$", API.read_text(), flags=re.MULTILINE)[1:]
    return {
        heading.replace("**(new)**", "").strip(): text for heading, text in zip(parts[::2], parts[1::2], strict=True)
    }


def spans(text):
    """Each promised name and, for a call, its arguments: ``("Checker.check", "new, old=()")``."""
    owner = ""
    for span in re.findall(r"`([^`]+)`", text.replace("\n", " ")):
        shown = span.replace(" (new)", "")
        name, call, arguments = shown.partition("(")
        if name[:1].isupper() and re.fullmatch(r"\w+", name):
            owner = name
        if re.fullmatch(r"\.?\w+(\.\w+)*", name) and (not call or arguments.endswith(")")):
            path = owner + name if name.startswith(".") else name.removeprefix("pymig.")
            yield path, arguments[:-1] if call else None, path + call + arguments


PROMISED = {
    shown: (path, arguments)
    for heading, text in sections().items()
    if heading not in ("The command line", "Compatibility")
    for path, arguments, shown in spans(text)
    if path not in PROSE and (path[0].isupper() or path.partition(".")[0] in dir(pymig))
}


def find(path):
    found = pymig
    for name in path.split("."):
        found = getattr(found, name)
    return found


def is_there(path):
    try:
        find(path)
    except AttributeError:
        return False
    return True


def signature_of(arguments):
    """The signature that is written as source, or None if it is no signature but the arguments of an example."""
    try:
        names = {"Memory": pymig.Memory, "QemuBuild": pymig.QemuBuild, "UNKNOWN": pymig.UNKNOWN}
        return inspect.signature(eval(f"lambda {arguments.removesuffix(', ...')}: 0", names))
    except SyntaxError:
        return None


def is_empty(value):
    return value is None or value == 0 or (hasattr(value, "__len__") and len(value) == 0)


def differences(path, promised):
    """What the code's signature lacks, or has otherwise."""
    actual = inspect.signature(find(path)).parameters
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    positional = [name for name in actual if name != "self" and actual[name].kind not in kinds]
    for i, (name, parameter) in enumerate(promised.parameters.items()):
        if name not in actual:
            yield f"{name} is missing"
        elif parameter.kind is parameter.POSITIONAL_OR_KEYWORD and positional[i : i + 1] != [name]:
            yield f"{name} is not argument {i}"
        elif parameter.kind is parameter.KEYWORD_ONLY and actual[name].kind is not parameter.KEYWORD_ONLY:
            yield f"{name} is not keyword-only"
        elif not same_default(parameter.default, actual[name].default):
            yield f"{name} has the default {actual[name].default!r}"
    yield from (
        f"{name} must be given"
        for name in positional
        if name not in promised.parameters and actual[name].default is inspect.Parameter.empty
    )


def same_default(promised, actual):
    if promised is ...:
        return actual is not inspect.Parameter.empty
    return promised == actual or (promised in ((), {}) and is_empty(actual))


@pytest.mark.parametrize("shown", PROMISED)
def test_promised(shown):
    path, arguments = PROMISED[shown]
    assert is_there(path) or path.partition(".")[2] in instance_attributes(path)
    signature = None if arguments is None or shown in EXAMPLES else signature_of(arguments)
    if signature is not None:
        assert list(differences(path, signature)) == []
    elif arguments is not None:
        names = vars(builtins) | {name: getattr(pymig, name) for name in dir(pymig)}
        assert eval(EXAMPLES.get(shown, shown), names) is not False


def instance_attributes(path):
    """The attributes that the class sets on its objects; only what is no slot or property is missing on the class."""
    known = {
        "LibvirtRefusal": pymig.LibvirtRefusal("m"),
        "MigrationError": pymig.MigrationError("m"),
        "UnknownCapabilityError": pymig.UnknownCapabilityError("x", []),
    }
    owner = path.partition(".")[0]
    return vars(known[owner]) if owner in known else ()


def test_what_is_listed_here_is_in_the_text():
    text = " ".join(" ".join(sections().values()).split()).replace(" (new)", "")
    paths = {path for section in sections().values() for path, _, _ in spans(section)}
    arguments = {
        f"{path}.{name}"
        for path, given in PROMISED.values()
        if given is not None and (signature := signature_of(given))
        for name in signature.parameters
    }
    assert paths | arguments >= set(PROSE)
    assert all(f"`{shown}`" in text for shown in EXAMPLES)
    assert len(PROMISED) > 70
