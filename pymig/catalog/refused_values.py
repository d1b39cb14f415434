# SPDX-License-Identifier: GPL-2.0-or-later

"""Explains what QAPI and the checks of parameters say about values."""

from __future__ import annotations

import re

from pymig.capability import BITS, NAMES, unknown_capability
from pymig.catalog.about import CAPABILITIES
from pymig.catalog.explanation import Explanation
from pymig.catalog.match import is_believed
from pymig.catalog.names import capability, parameter, words_about
from pymig.catalog.questions import EVERYDAY, INSTEAD, OLD_NAMES
from pymig.catalog.releases import in_words
from pymig.qemu.parameters import PARAMETERS
from pymig.release import RELEASES


def explained_value(match: re.Match[str], before: str, said: str) -> Explanation | None:
    """What a match of VALUE in explain.py means, with what stands before it and what is said; None if nothing."""
    if match["unknown"] is not None:
        return _invalid_name(match["unknown"].lower(), before)
    path = next(filter(None, match.group("quoted", "bare", "typed", "mapping", "mapped", "built"))).lower()
    name = re.split(r"[.\[]", path)[0].replace("_", "-")
    name = {"cpu-throttle": "max-cpu-throttle"}.get(name, name)
    sentence = said[:200]
    if path.endswith("capability") and match["value"] is not None:
        return _unknown_capability(match["value"].lower(), "Parameter 'capability' does not accept value '{}'")
    if name == "mapped-ram":
        return _of_mapped_ram(match[0])
    if name in PARAMETERS:
        return _unknown_parameter(name, match[0]) if match[0].endswith("unexpected") else _of_parameter(name, sentence)
    return _of_argument(path, sentence) if is_believed(before + said.lower(), len(before)) else None


def _invalid_name(name: str, before: str) -> Explanation | None:
    """What older QEMUs say of a capability that they do not know; None where something else may be meant."""
    known = OLD_NAMES.get(name, name)
    if (known not in BITS or known in EVERYDAY) and "migrate-set-capabilities" not in before:
        return None
    return _unknown_capability(name, "Invalid parameter '{}'")


def _unknown_capability(name: str, said: str) -> Explanation:
    known = OLD_NAMES.get(name, name)
    whole = f"{ONE_NAME} Said at either end, when capabilities are set."
    if known in BITS:
        text = " ".join(filter(None, (_life(capability(known)), CAPABILITIES[known].notes, whole)))
        renamed = [f"use the name {known}"] if known != name else []
        left_out = [f"leave {name} out where query-migrate-capabilities does not list it"]
        remedies = renamed or [*left_out, *INSTEAD.get(known, ())]
        see = [known]
    else:
        see = list(unknown_capability(name, NAMES).suggestions)
        text, remedies = f"No release of QEMU that pymig knows has this capability. {whole}", ["correct the name"]
    causes = (
        "a setting, or a tool with a list of names, that is older or newer than this QEMU (Ganeti's migration_caps, "
        "Incus, LXD, openQA); to tell: query-migrate-capabilities, pymig list",
    )
    return Explanation("value", said.format(name), text, (), causes, remedies, see)


ONE_NAME = "One name that QEMU does not know refuses the whole command."


def _life(about: Explanation) -> str:
    """Since when and until when a capability or a parameter is there."""
    life = next(line for line in about.text.splitlines() if line.startswith("Since QEMU"))
    return f"{life} Releases that have it: {in_words(about.releases)}."


def _unknown_parameter(name: str, said: str) -> Explanation:
    about = parameter(name)
    text = f"This QEMU does not know {name}. {_life(about)} {ONE_NAME} Said at either end, when parameters are set."
    causes = ("a tool that is newer or older than this QEMU; to tell: query-migrate-parameters, query-version",)
    instead = (remedy for owner in about.see for remedy in INSTEAD.get(owner, ()))
    remedies = (f"leave {name} out where query-migrate-parameters does not list it", *instead)
    return Explanation("value", said, text, (), causes, remedies, (name, *about.see))


def _of_parameter(name: str, said: str) -> Explanation:
    about = parameter(name)
    lines = about.text.splitlines()
    values = next((line for line in lines if line.startswith("Values:")), "")
    every = words_about(name)
    words = "; ".join(f'"{one}" ({in_words(known)})' for one, known in every.items())
    releases = next((known for one, known in every.items() if said.startswith(one)), about.releases)
    text = (
        f"QEMU refuses this value of {name}. {lines[0]} {values} The words vary: {words}. Said when parameters are set."
    )
    limits = values.removeprefix("Values: ").split(". Default: ")[0]
    return Explanation("value", said, text, releases, (_why(said),), (f"set {name} to: {limits}",), (name, *about.see))


def _why(said: str) -> str:
    """Why QEMU says this of a value: QAPI names a type, the checks of parameters name a range."""
    if re.search(_TYPE, said):
        return (
            "the value has another type: a string, a fraction, or a number that is negative or does not fit; to tell: "
            "the arguments of migrate-set-parameters in the manager's log"
        )
    return "the value is outside the range; to tell: the arguments of migrate-set-parameters in the manager's log"


_TYPE = r"(?i)expects (?:u?int(?:8|16|32|64)|size|string|boolean|array|dict)\w*$|invalid parameter type"


def _of_mapped_ram(said: str) -> Explanation:
    text = (
        "mapped-ram writes pages as they are. QEMU looks at the values that are stored, not at those of the request: "
        "the parameters must be reset before anything else can be set. Said when parameters are set."
    )
    remedies = ("switch mapped-ram off, set multifd-compression=none and tls-creds='', and switch it on again",)
    having = tuple(release for release in RELEASES if release in capability("mapped-ram").releases)
    return Explanation("value", said, text, having, (), remedies, ("mapped-ram", "multifd-compression", "tls-creds"))


def _of_argument(path: str, said: str) -> Explanation:
    text = (
        f"The request does not fit the QMP schema of this QEMU: {path} is missing, has the wrong type or value, or is "
        "not known there. QEMU names the first that it meets. The answer is the same at both ends, and nothing was "
        "changed."
    )
    causes = ("a tool that is newer or older than this QEMU; to tell: query-qmp-schema, query-version",)
    return Explanation("value", said, text, (), causes, (f"correct or leave out {path}",), ())
