# SPDX-License-Identifier: GPL-2.0-or-later

"""A fixed sample of all mutants."""

import hashlib
import itertools
import math

from . import in_c, in_python
from .mutant import ROOT
from .suites import suite_of

# They only hand on, or describe what is described elsewhere.
LEFT_OUT = ("__init__.py", "__main__.py", "_core.pyi", "reference.py", "cffi_build.py", "stub.py", "pymig.h")


def sources():
    for path in sorted([*ROOT.glob("csrc/**/*.[ch]"), *ROOT.glob("pymig/**/*.py")]):
        name = path.relative_to(ROOT).as_posix()
        if path.name not in LEFT_OUT and suite_of(name) is not None:
            yield name, path.read_bytes()


def _drawn(*parts):
    """A number that is random and always the same."""
    return hashlib.sha256(" ".join(parts).encode()).digest()


def _mixed(path, mutants):
    """The mutants of one file in a fixed order in which the operators take turns."""
    by_operator = {}
    for mutant in sorted(mutants, key=lambda mutant: _drawn(mutant.key)):
        by_operator.setdefault(mutant.operator, []).append(mutant)
    operators = sorted(by_operator, key=lambda name: _drawn(path, name))
    turns = itertools.zip_longest(*(by_operator[name] for name in operators))
    return [mutant for turn in turns for mutant in turn if mutant is not None]


def all_mutants():
    """All mutants in the order of sampling, so that a smaller sample is the beginning of a larger one.

    A file's share grows with the square root of the number of its mutants: large tables don't crowd out the rest.
    """
    ranked = []
    for path, source in sources():
        language = in_python if path.endswith(".py") else in_c
        mutants = list({mutant.key: mutant for mutant in language.mutants(path, source)}.values())
        for i, mutant in enumerate(_mixed(path, mutants)):
            ranked.append(((i + 1) / math.sqrt(len(mutants)), path, mutant))
    return [mutant for _, _, mutant in sorted(ranked, key=lambda each: each[:2])]
