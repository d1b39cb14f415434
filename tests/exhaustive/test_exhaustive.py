# SPDX-License-Identifier: GPL-2.0-or-later

"""The C core and pymig.reference agree on all 2^21 sets: verdict, text and hint."""

import array
import itertools

import pytest

from pymig import Checker, Host, QemuBuild, reference
from tests.exhaustive.pool import all_cores

ALL_SETS = range(1 << 21)
POSTCOPY_RAM = reference.BIT["postcopy-ram"]
IGNORE_SHARED = reference.BIT["x-ignore-shared"]

# Each context as (what differs from the reference's defaults, the old set). Together: every build, incoming or not,
# postcopy supported or not and already on or not, each write tracking, each compression, TLS.
CONTEXTS = [
    ({}, 0),
    ({"live_block_migration": False}, 0),
    ({"replication": False}, 0),
    ({"live_block_migration": False, "replication": False}, 0),
    ({"linux": False}, 0),
    ({"live_block_migration": False, "replication": False, "linux": False}, 0),
    ({"incoming": True}, 0),
    ({"incoming": True}, POSTCOPY_RAM),
    ({"incoming": True, "postcopy": False}, 0),
    ({"incoming": True, "postcopy": False}, POSTCOPY_RAM),
    ({"postcopy": False}, 0),
    ({"postcopy": False}, POSTCOPY_RAM),
    ({"write_tracking": "absent"}, 0),
    ({"write_tracking": "available"}, 0),
    ({"write_tracking": "available", "write_tracking_ignore_shared": "compatible"}, 0),
    ({"write_tracking": "available", "write_tracking_ignore_shared": "compatible"}, IGNORE_SHARED),
    ({"multifd_compression": "zlib"}, 0),
    ({"multifd_compression": "zstd"}, 0),
    ({"tls_creds": "tls0"}, 0),
    ({"multifd_compression": "zstd", "tls_creds": "tls0", "linux": False}, 0),
    ({"incoming": True, "postcopy": False, "write_tracking": "absent", "tls_creds": "tls0"}, 0),
    (
        {
            "incoming": True,
            "live_block_migration": False,
            "replication": False,
            "postcopy": False,
            "write_tracking": "available",
            "multifd_compression": "zlib",
        },
        POSTCOPY_RAM | IGNORE_SHARED,
    ),
]


def checker_of(context):
    parameters = {"multifd-compression": context.multifd_compression, "tls-creds": context.tls_creds}
    host = Host(
        context.write_tracking, context.postcopy, write_tracking_ignore_shared=context.write_tracking_ignore_shared
    )
    build = QemuBuild(
        live_block_migration=context.live_block_migration, replication=context.replication, linux=context.linux
    )
    return Checker(build, host, incoming=context.incoming, parameters=parameters)


def answers_of_core(differs, old):
    """The core's code for every set, and the meaning of each code."""
    checker = checker_of(reference.Context(**differs))
    codes = checker.check_many(array.array("I", ALL_SETS), old)
    texts = {code: (verdict.message, verdict.hint) for code, verdict in checker.verdicts.items()}
    return codes, texts


def first_difference(differs, old):
    """A description of the first set for which texts or hints differ, or None."""
    codes, texts = answers_of_core(differs, old)
    codes_of = {texts[code]: code for code in texts}
    assert len(codes_of) == len(texts), "two rules can't be told apart"
    context = reference.Context(**differs)
    code_of = {refusal: codes_of[refusal or ("", None)] for refusal in refusals()}
    expected = bytes(
        map(
            code_of.__getitem__,
            map(reference.migrate_caps_check, itertools.repeat(old), ALL_SETS, itertools.repeat(context)),
        )
    )
    if codes == expected:
        return None
    mask = next(mask for mask in ALL_SETS if codes[mask] != expected[mask])
    return mask, texts[codes[mask]], reference.migrate_caps_check(old, mask, context)


def refusals():
    """Every answer that the reference can give."""
    constants = (value for value in vars(reference).values() if isinstance(value, reference.Refusal))
    return {None, *constants, *(refusal for _, refusal in reference.SNAPSHOT_CONFLICTS)}


@pytest.fixture(scope="module")
def pool():
    with all_cores() as executor:
        yield executor


@pytest.fixture(scope="module")
def differences(pool):
    """All contexts at once, on all cores."""
    return [pool.submit(first_difference, differs, old) for differs, old in CONTEXTS]


@pytest.mark.parametrize("i", range(len(CONTEXTS)), ids=[f"{old:x}-{differs}" for differs, old in CONTEXTS])
def test_core_and_reference_agree_on_every_set(differences, i):
    assert differences[i].result() is None


def test_single_checks_are_those_of_check_many():
    """On a sample: every 97th set, and the same context's explain begins with the same verdict."""
    for differs, old in CONTEXTS:
        checker = checker_of(reference.Context(**differs))
        codes = checker.check_many(array.array("I", ALL_SETS), old)
        for mask in ALL_SETS[::997]:
            verdict = checker.check(mask, old)
            assert verdict is checker.verdicts[codes[mask]]
            assert (checker.explain(mask, old) or [checker.verdicts[0]])[0] is verdict


def test_every_rule_of_the_reference_was_met():
    met = {
        texts[code]
        for differs, old in CONTEXTS
        for codes, texts in [answers_of_core(differs, old)]
        for code in set(codes)
    }
    assert met == {tuple(refusal) if refusal else ("", None) for refusal in refusals()}
