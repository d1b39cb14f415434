# SPDX-License-Identifier: GPL-2.0-or-later

"""What was not found out about a host is never a refusal, is never kept, and changes nothing."""

import array
import errno
import json
import os
import pickle
import resource

import pytest

import pymig.suggest  # noqa: F401 - else a question imports it, which needs a descriptor
from pymig import Checker, Host, HostUnknownError, Memory, MigrationError, MigrationState, PostcopySupport, probe
from pymig.cli import main
from tests import machine
from tests.conftest import NOBODY, run_in_child
from tests.host import faults

NOT_FOUND_OUT = 4094  # PYMIG_ERROR_UNKNOWN
INCONCLUSIVE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN, errno.EINTR)
POSTCOPY, SNAPSHOT = ["postcopy-ram"], ["background-snapshot"]
MEMORY = [Memory(), Memory("memfd", share=True), Memory("file", path="/dev/shm", share=True)]

needs_device = pytest.mark.skipif(
    os.geteuid() != 0 or not machine.DEVICE.exists(), reason="needs root and /dev/userfaultfd (Linux 6.1)"
)
needs_x86_64 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="needs x86-64, whose numbers it has")


def unknown(function, *arguments):
    with pytest.raises(HostUnknownError) as caught:
        function(*arguments)
    assert not isinstance(caught.value, MigrationError)
    return caught.value


def assert_every_question_is_unknown(host, number):
    """For each question that the answer of a check depends on."""
    checker, state = Checker(host=host, incoming=True), MigrationState(host=host, incoming=True)
    words = array.array("Q", [0, 1 << 18])
    out = bytearray(b"\x4d\x4d")
    for names in (POSTCOPY, SNAPSHOT):
        for ask in (checker.check, checker.explain, checker.suggest):
            assert unknown(ask, names).errno == number
        unknown(state.set_capabilities, dict.fromkeys(names, True))
        unknown(state.set_capability, names[0], True)
    unknown(checker.check_many, words)
    unknown(checker.check_many, words, 0, out)
    assert out == b"\x4d\x4d"
    assert not state.capabilities
    unknown(lambda: host.postcopy)
    unknown(lambda: host.write_tracking)
    unknown(lambda: host.write_tracking_ignore_shared)
    newer = Checker("10.1", host, incoming=True)
    unknown(lambda: newer.verdicts[3])
    assert checker.check(["multifd"]).ok
    return checker, state


# ---- A local host ----


def ask_without_descriptors_and_then_with():
    host = Host.local(MEMORY)
    json.loads(probe(MEMORY).to_json())  # imports what it needs
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    faults.no_descriptors()
    checker, state = assert_every_question_is_unknown(host, errno.EMFILE)
    report, document = probe(MEMORY), json.loads(host.to_json())
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (report.write_tracking, report.postcopy.known) == ("unknown", False)
    assert (document["write_tracking"], document["write_tracking_errno"]) == ("unknown", "EMFILE")
    assert (document["postcopy"]["ok"], document["postcopy"]["errno"]) == (None, "EMFILE")
    assert_every_question_is_unknown(report.host, errno.EMFILE)
    assert checker.check(POSTCOPY).ok
    assert checker.check(SNAPSHOT).ok
    assert checker.suggest(SNAPSHOT) == ()
    assert list(checker.check_many(array.array("I", [1 << 6, 1 << 18]))) == [0, 0]
    state.set_capabilities({"postcopy-ram": True})
    assert (host.postcopy.ok, host.write_tracking) == (True, "compatible")


@needs_device
def test_the_next_question_is_answered():
    run_in_child(ask_without_descriptors_and_then_with)


def refresh_without_descriptors():
    host = Host.local(MEMORY)
    checker = Checker(host=host, incoming=True)
    assert (checker.check(POSTCOPY).ok, checker.check(SNAPSHOT).ok) == (True, True)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    faults.no_descriptors()
    assert (checker.check(POSTCOPY).ok, checker.check(SNAPSHOT).ok) == (True, True)  # they are kept
    host.refresh()
    unknown(checker.check, POSTCOPY)
    unknown(checker.check, SNAPSHOT)
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert (checker.check(POSTCOPY).ok, checker.check(SNAPSHOT).ok) == (True, True)


@needs_device
def test_refreshing_probes_again():
    run_in_child(refresh_without_descriptors)


def ask_with_a_call_refused(refuse, number, error):
    checker = Checker(host=Host.local(MEMORY), incoming=True)
    answers = []
    refuse(number, error)
    for names in (POSTCOPY, SNAPSHOT):
        try:
            answers.append(checker.check(names).rule)
        except HostUnknownError as caught:
            answers.append(caught.errno)
    return answers


CALLS = {**faults.REQUESTS, **faults.CALLS, "faccessat2": 439, "fstat": 5, "newfstatat": 262, "mmap": 9}


@needs_device
@needs_x86_64
@pytest.mark.parametrize("error", INCONCLUSIVE, ids=errno.errorcode.get)
@pytest.mark.parametrize("name", CALLS)
def test_no_such_errno_is_a_refusal(name, error):
    refuse = faults.refuse_ioctl if name in faults.REQUESTS else faults.refuse
    answers = run_in_child(ask_with_a_call_refused, refuse, CALLS[name], error, timeout=30)
    assert set(answers) <= {"accepted", error, NOT_FOUND_OUT}


def one_block_of_two(number, error):
    """A private block of a memfd that can't be made, beside anonymous memory."""
    host = Host.local([Memory(), Memory("file", path="/dev/shm", share=True)])
    checker = Checker("8.1", host)
    faults.refuse(number, error)
    unknown(checker.check, SNAPSHOT)
    return checker.check([*SNAPSHOT, "x-ignore-shared"], ["x-ignore-shared"]).rule


@needs_device
@needs_x86_64
def test_what_is_not_asked_about_need_not_be_known():
    assert run_in_child(one_block_of_two, faults.CALLS["memfd_create"], errno.EMFILE) == "accepted"


def answer_after(*steps, release="8.0.50"):
    host = Host.local()
    for step in steps:
        step()
    return unknown(Checker(release, host, incoming=True).check, POSTCOPY).errno


@needs_device
@needs_x86_64
def test_a_device_that_might_have_opened(closed_userfaultfd):
    """What the system call answers instead, EPERM, is nothing that is true of the host."""
    steps = (
        lambda: machine.own_device(0o666),
        lambda: faults.become(NOBODY),
        lambda: faults.refuse(faults.CALLS["openat"], errno.EMFILE),
    )
    assert run_in_child(answer_after, *steps) == errno.EMFILE


def answer_of_7_2_without_children():
    return answer_after(lambda: faults.refuse(faults.CALLS["clone"], faults.EPERM), release="7.2")


@needs_device
@needs_x86_64
def test_a_refused_child_is_no_refused_call():
    assert run_in_child(answer_of_7_2_without_children) == NOT_FOUND_OUT


def status_without_descriptors(*arguments):
    import pymig.cli.check
    import pymig.cli.probe  # noqa: F401 - importing takes a descriptor

    Checker(host=Host()).suggest(["multifd", "compress"])
    faults.no_descriptors()
    return main(arguments)


@needs_device
@pytest.mark.parametrize(
    "arguments",
    [("check", "background-snapshot"), ("check", "postcopy-ram", "--incoming", "--qemu", "all"), ("probe",)],
    ids=" ".join,
)
def test_the_command_exits_with_2(arguments):
    assert run_in_child(status_without_descriptors, *arguments) == 2


# ---- Stated and from JSON ----


@pytest.mark.parametrize("error", [*INCONCLUSIVE, NOT_FOUND_OUT])
def test_a_stated_host(error):
    host = Host("unknown", PostcopySupport(False, 2, error))
    again = [Host.from_json(host.to_json()), pickle.loads(pickle.dumps(host)), eval(repr(host))]
    assert all(other == host for other in again)
    for one in (host, *again):
        checker = Checker(host=one, incoming=True)
        assert unknown(checker.check, POSTCOPY).errno == error
        assert unknown(checker.check, SNAPSHOT).errno == NOT_FOUND_OUT
        host.refresh()


def test_json_names_the_errno():
    document = json.loads(Host().to_json())
    document |= {"write_tracking": "unknown", "write_tracking_errno": "ENOMEM"}
    document["postcopy"] |= {"ok": None, "errno": "EMFILE"}
    host = Host.from_json(json.dumps(document | {"older": {}}))
    assert unknown(lambda: host.postcopy).errno == errno.EMFILE
    assert unknown(lambda: host.write_tracking).errno == errno.ENOMEM
    assert host.write_tracking_ignore_shared == "compatible"
    assert Host.from_json(host.to_json()) == host


@pytest.mark.parametrize(
    "fields, name",
    [
        ({"write_tracking": "unknown", "write_tracking_errno": "EPERM"}, "write_tracking_errno"),
        ({"postcopy": {"ok": None, "step": 2, "errno": "EPERM"}}, "postcopy.errno"),
        ({"postcopy": {"ok": "yes"}}, "ok"),
    ],
)
def test_json_that_contradicts_itself(fields, name):
    with pytest.raises(ValueError, match=name):
        Host.from_json(json.dumps(json.loads(Host().to_json()) | fields))
