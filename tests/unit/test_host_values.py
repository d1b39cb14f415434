# SPDX-License-Identifier: GPL-2.0-or-later

"""The values around a host: memory, facts, documents, diagnoses."""

import errno
import json
import os
import pickle
import resource
from types import SimpleNamespace

import pytest

import pymig
from pymig import Diagnosis, Host, Memory, PostcopySupport
from pymig._core import lib
from pymig.host.backend import parse_bytes
from pymig.host.checks import _zero_copy, ask
from pymig.host.diagnosis import _limits, _numbered, _untracked, diagnose
from pymig.host.report import MemoryReport
from pymig.values import Value
from tests.conftest import run_in_child

UNABLE = PostcopySupport(False, 2, 1)


class TestMemory:
    @pytest.mark.parametrize(
        "text, share",
        [
            ("share=on", True),
            ("share=yes", True),
            ("share=true", True),
            ("share", True),
            ("share=off", False),
            ("share=no", False),
            ("share=false", False),
        ],
    )
    def test_switches(self, text, share):
        assert Memory.parse(f"anonymous,{text}") == Memory(share=share)
        assert Memory.parse(f"anonymous,{text.replace('share', 'readonly')}") == Memory(readonly=share)

    def test_huge_pages(self):
        assert Memory.parse("memfd,hugetlb=off").page_size is None
        assert Memory.parse("memfd,hugetlb=off,hugetlbsize=2M").page_size == 2 << 20
        assert Memory.parse("memfd,hugetlb=on,hugetlbsize=1G").page_size == 1 << 30

    @pytest.mark.parametrize(
        "option",
        [
            *"align=4K discard-data=on dump=off host-nodes=0 id=m0 merge=on offset=0 pmem=on policy=bind".split(),
            *"prealloc=on prealloc-context=p prealloc-threads=4 reserve=off rom=auto seal=on".split(),
            "x-use-canonical-path-for-ramblock-id=on",
        ],
    )
    def test_options_without_effect(self, option):
        assert Memory.parse(f"ram,{option}") == Memory()

    @pytest.mark.parametrize("text", ["ram,size", "ram,page_size", "memfd,hugetlbsize", "file,mem-path", "ram,x=1"])
    def test_an_option_that_is_none(self, text):
        with pytest.raises(ValueError, match="is not a known option of a memory backend"):
            Memory.parse(text)

    @pytest.mark.parametrize(
        "text, size",
        [
            ("1", 1),
            ("0", 0),
            ("2k", 2 << 10),
            ("2K", 2 << 10),
            ("3M", 3 << 20),
            ("4G", 4 << 30),
            ("1T", 1 << 40),
            ("9" * 19, int("9" * 19)),
        ],
    )
    def test_bytes(self, text, size):
        assert parse_bytes(text) == size

    @pytest.mark.parametrize("text", ["", "K", "1KK", "1P", "-1", "1.5M", "0x10", " 1", "٣", "9" * 20])
    def test_what_is_no_number_of_bytes(self, text):
        with pytest.raises(ValueError, match=r"is not a number of bytes; write e\.g\. 2M"):
            parse_bytes(text)

    @pytest.mark.parametrize(
        "memory",
        [
            Memory(),
            Memory("file", path="/dev/shm", share=True, readonly=True),
            Memory("memfd", size=(1 << 63) - 1, page_size=1 << 62),
            Memory(size=1),
        ],
    )
    def test_it_is_a_value(self, memory):
        assert eval(repr(memory), vars(pymig)) == pickle.loads(pickle.dumps(memory)) == memory

    def test_what_is_not_usual_is_shown(self):
        assert repr(Memory()) == "Memory('anonymous')"
        assert repr(Memory(share=True, readonly=True)) == "Memory('anonymous', share=True, readonly=True)"

    @pytest.mark.parametrize("name", ["size", "page_size"])
    def test_sizes(self, name):
        for wrong in (0, -1, 1 << 63):
            with pytest.raises(ValueError, match=rf"{name} must be a positive number of bytes below 2\*\*63"):
                Memory("memfd", **{name: wrong})
        with pytest.raises(TypeError, match=f"{name} must be an int or None, not float"):
            Memory("memfd", **{name: 1.0})
        with pytest.raises(ValueError, match="page_size must be a power of two"):
            Memory("memfd", page_size=3 << 20)

    def test_paths(self, tmp_path):
        assert Memory("file", path=tmp_path).path == str(tmp_path)
        for wrong in ("", "a\0b"):
            with pytest.raises(ValueError, match="path must not be empty or contain a NUL character"):
                Memory("file", path=wrong)
        os.mkfifo(tmp_path / "pipe")
        for wrong in (tmp_path / "pipe", "/dev/null"):
            with pytest.raises(ValueError, match="path must be a regular file or a folder"):
                Host.local([Memory("file", path=wrong)])
        (tmp_path / "file").touch()
        for right in (tmp_path, tmp_path / "file"):
            Host.local([Memory("file", path=right)])
        with pytest.raises(FileNotFoundError):
            Host.local([Memory("file", path=tmp_path / "none")])


@pytest.mark.parametrize("size", [1, 2, 4096, 1 << 63])
def test_page_sizes(size):
    Host.local(target_page_size=size)
    assert pymig.Context(target_page_size=size).target_page_size == size


@pytest.mark.parametrize("size", [0, -1, -4096, 3, 4097, 1 << 64])
def test_what_is_no_page_size(size):
    with pytest.raises(ValueError, match="target_page_size must be a power of two"):
        Host.local(target_page_size=size)


class TestPostcopySupport:
    @pytest.mark.parametrize("name, most", [("step", 15), ("errno", 4095), ("detail", 2**32 - 1)])
    def test_bounds(self, name, most):
        usual = {"ok": False, "step": 5, "errno": 1, "detail": 0}
        if name != "step":
            assert getattr(PostcopySupport(**{**usual, name: most}), name) == most
        for wrong in (-1, most + 1):
            with pytest.raises(ValueError, match=f"{name} must be within 0 and {most}"):
                PostcopySupport(**{**usual, name: wrong})
        for wrong in (1.0, True, None):
            with pytest.raises(TypeError, match=f"{name} must be an int, not {type(wrong).__name__}$"):
                PostcopySupport(**{**usual, name: wrong})

    @pytest.mark.parametrize("given", [{"step": 1}, {"errno": 1}, {"detail": 1}, {"message": "x"}])
    def test_what_is_supported_has_no_reason(self, given):
        with pytest.raises(ValueError, match="ok is true"):
            PostcopySupport(True, **given)

    @pytest.mark.parametrize("step", [2, 4, 5, 10, 11, 12, 13])
    def test_a_call_that_failed_has_an_errno(self, step):
        assert PostcopySupport(False, step, 1).errno == 1
        with pytest.raises(ValueError, match="errno must be given"):
            PostcopySupport(False, step)

    @pytest.mark.parametrize("step", [0, 1, 3, 6, 7, 8, 9, 14])
    def test_other_steps_have_none(self, step):
        assert not PostcopySupport(False, step)
        with pytest.raises(ValueError, match="errno must be left out"):
            PostcopySupport(False, step, 1)

    def test_a_message_is_a_text(self):
        assert PostcopySupport(False, 2, 1, "mine").message == "mine"
        with pytest.raises(TypeError, match="message must be a str, not int"):
            PostcopySupport(False, 2, 1, 3)

    @pytest.mark.parametrize(
        "support",
        [
            PostcopySupport(True),
            UNABLE,
            PostcopySupport(False, 5, 22, detail=256),
            PostcopySupport(False, 2, 1, "mine"),
            PostcopySupport(False),
            PostcopySupport(False, 15, 12),
        ],
    )
    def test_it_is_a_value(self, support):
        assert eval(repr(support), vars(pymig)) == pickle.loads(pickle.dumps(support)) == support


class TestHost:
    def test_equal_facts(self):
        assert Host("absent", UNABLE) == Host("absent", UNABLE)
        assert hash(Host("absent", UNABLE)) == hash(Host("absent", UNABLE))
        assert Host("absent") != Host("available")
        assert Host("absent", UNABLE) != Host("absent", False)
        assert Host("absent", write_tracking_ignore_shared="available") != Host("absent")
        local = Host.local()
        assert local == local
        assert local != Host.local()
        assert local != Host()
        assert Host() != "Host"

    @pytest.mark.parametrize("argument", ["write_tracking", "write_tracking_ignore_shared"])
    def test_wrong_facts(self, argument):
        with pytest.raises(
            ValueError, match=f"{argument} must be one of unknown, absent, available, compatible, not 'x'"
        ):
            Host(**{argument: "x"})
        with pytest.raises(TypeError, match=f"{argument} must be a str, not int"):
            Host(**{argument: 3})
        with pytest.raises(TypeError, match=r"postcopy must be a bool or a PostcopySupport, not int$"):
            Host(postcopy=1)


class TestDocument:
    def document(self, **postcopy):
        document = json.loads(Host("absent", UNABLE).to_json())
        document["postcopy"].update(postcopy)
        return document

    def read(self, document):
        return Host.from_json(json.dumps(document))

    def test_every_field(self):
        document = self.document()
        facts = {
            "write_tracking": "absent",
            "write_tracking_ignore_shared": "absent",
            "write_tracking_ignore_shared_files": "absent",
            "write_tracking_errno": None,
            "postcopy": {
                "ok": False,
                "step": 2,
                "errno": "EPERM",
                "detail": 0,
                "block_length": 0,
                "block_page_size": 0,
                "message": "postcopy_ram_supported_by_host: userfaultfd not available: Operation not permitted",
            },
        }
        assert document == {
            "schema": "pymig-host",
            "version": "1.2",
            **facts,
            "older": {"8.0": facts, "7.2": facts},
        }
        assert self.read(document) == Host("absent", UNABLE)

    def test_each_variant_has_its_facts(self):
        document = self.document()
        document["older"]["7.2"]["postcopy"] = {"ok": True}
        document["write_tracking_ignore_shared_files"] = "compatible"
        host = self.read(document)
        assert json.loads(host.to_json())["older"]["7.2"]["postcopy"]["ok"]
        assert pymig.Checker("7.2", host, incoming=True).check(["postcopy-ram"]).ok
        assert not pymig.Checker("8.0", host, incoming=True).check(["postcopy-ram"]).ok
        check = pymig.Checker("10.0", host).check
        assert check(["background-snapshot"], ["x-ignore-shared"]).ok
        assert check(["background-snapshot"]).rule == "background-snapshot/kernel"
        del document["older"]
        assert not pymig.Checker("7.2", self.read(document), incoming=True).check(["postcopy-ram"]).ok

    @pytest.mark.parametrize("errno, number", [("EPERM", 1), ("1", 1), ("4095", 4095)])
    def test_errnos(self, errno, number):
        assert self.read(self.document(errno=errno)).postcopy.errno == number

    @pytest.mark.parametrize("errno", [1, "perm", "E", "errorcode", "-1", "EPERM "])
    def test_what_is_no_errno(self, errno):
        with pytest.raises(ValueError, match=r"postcopy\.errno must be null or an errno's name"):
            self.read(self.document(errno=errno))

    def test_the_block_of_step_8(self):
        block = {"step": 8, "errno": None, "message": None}
        host = self.read(self.document(**block, block_length=(1 << 64) - 1, block_page_size=4096))
        assert "block m0 is 0xffffffffffffffff bytes with a page size of 0x1000" in host.postcopy.message
        old = self.document(**{**block, "message": host.postcopy.message})
        del old["postcopy"]["block_length"], old["postcopy"]["block_page_size"]
        again = json.loads(self.read(old).to_json())["postcopy"]
        assert (again["block_length"], again["block_page_size"]) == ((1 << 64) - 1, 4096)
        for name in ("block_length", "block_page_size"):
            for wrong in (1 << 64, -1, True, "1", 1.0):
                with pytest.raises(ValueError, match=f"postcopy.{name} must be a number of bytes"):
                    self.read(self.document(**block, **{"block_length": 1, "block_page_size": 1, name: wrong}))

    @pytest.mark.parametrize(
        "name", ["write_tracking", "write_tracking_ignore_shared", "write_tracking_ignore_shared_files"]
    )
    def test_wrong_facts(self, name):
        with pytest.raises(ValueError, match=f"{name} must be one of"):
            self.read({**self.document(), name: "x"})

    def test_a_message_of_ones_own(self):
        assert self.read(self.document(message="mine")).postcopy.message == "mine"
        for usual in (None, ""):
            assert self.read(self.document(message=usual)).postcopy == UNABLE

    def test_a_newer_documents_fields_stay(self):
        document = {**self.document(new=1), "extra": [2], "version": "1.9"}
        document["older"]["9.9"] = 3
        document["older"]["8.0"]["postcopy"]["new"] = 4
        assert json.loads(self.read(document).to_json()) == document


class TestUntrackedMemory:
    """What kernels say that are not at hand: the block's results are given, the diagnosis is asked."""

    FILE, PRIVATE = Memory("file", path="/dev/shm", share=True), Memory("file", path="/dev/shm")

    def entry(self, memory, file_system, *, features=("wp-hugetlbfs-shmem",), page_size=4096, **results):
        c_results = {"map_error": 0, "postcopy_step": 0, "register_error": 22, "tracked": False, **results}
        c_report = SimpleNamespace(file_system=file_system, page_size=page_size, **c_results)
        facts = {lib.PROBE_REFERENCE: SimpleNamespace(errno=0)}
        report = SimpleNamespace(features=features, errno=0, _facts=lambda: facts, _place=None)
        return _untracked(MemoryReport(memory, c_report, True), report)

    def test_a_file_system_that_never_can(self):
        entry = self.entry(self.FILE, lib.RAM_FILE_SYSTEM_OTHER)
        assert (entry.cause, entry.what) == ("filesystem", "write tracking of file /dev/shm share=on")
        assert entry.remedy.startswith("back the guest's memory by tmpfs")
        assert "x-ignore-shared" in entry.remedy
        assert "x-ignore-shared" not in self.entry(self.PRIVATE, lib.RAM_FILE_SYSTEM_OTHER).remedy
        assert entry.evidence["file system"] == "other"

    @pytest.mark.parametrize("file_system", [lib.RAM_FILE_SYSTEM_TMPFS, lib.RAM_FILE_SYSTEM_HUGETLBFS])
    def test_a_kernel_before_5_19(self, file_system):
        entry = self.entry(self.FILE, file_system, features=("pagefault-flag-wp",))
        assert entry.cause == "kernel-too-old"
        assert "5.19" in entry.remedy
        assert self.entry(self.FILE, file_system).cause != "kernel-too-old"
        assert self.entry(Memory(), lib.RAM_FILE_SYSTEM_NONE, features=()).cause != "kernel-too-old"

    def test_an_odd_size(self):
        odd = self.entry(Memory(size=4097), lib.RAM_FILE_SYSTEM_NONE)
        assert (odd.cause, odd.remedy) == ("filesystem", "make the memory's size a multiple of the page size")
        for memory, page_size in ((Memory(size=8192), 4096), (Memory(), 4096), (Memory(size=4097), 0)):
            assert self.entry(memory, lib.RAM_FILE_SYSTEM_NONE, page_size=page_size).remedy != odd.remedy

    def test_memory_that_can_not_be_made(self):
        unmade = {"map_error": errno.ENOMEM, "register_error": -1}
        huge = self.entry(
            Memory("memfd", page_size=2 << 20), lib.RAM_FILE_SYSTEM_HUGETLBFS, page_size=2 << 20, **unmade
        )
        pool = "/sys/kernel/mm/hugepages/hugepages-2048kB"
        assert (huge.cause, huge.what) == ("hugepages-unavailable", "memory of memfd")
        assert huge.remedy == f"reserve some: echo COUNT > {pool}/nr_hugepages"
        assert f"{pool}/free_hugepages" in huge.evidence
        assert self.entry(Memory(), lib.RAM_FILE_SYSTEM_NONE, **unmade).cause == "resource-limit"
        unmade["map_error"] = errno.EACCES
        closed = self.entry(self.FILE, lib.RAM_FILE_SYSTEM_TMPFS, **unmade)
        assert (closed.cause, "mode of /dev/shm" in closed.evidence) == ("filesystem", True)
        assert closed.remedy == "give QEMU's user the right to read and write /dev/shm"
        assert self.entry(Memory(), lib.RAM_FILE_SYSTEM_NONE, **unmade).cause == "unknown"


def test_features_that_can_not_be_asked():
    report = SimpleNamespace(errno=0, userfaultfd="syscall", api_errno=errno.EINVAL, _place=None)
    [entry] = diagnose(report)
    assert (entry.what, entry.cause) == ("userfaultfd features", "unknown")
    assert entry.evidence["UFFDIO_API"] == "EINVAL (Invalid argument)"
    assert entry.remedy == "see the errno; strace -f pymig probe shows the call"
    report.api_errno = errno.EMFILE
    assert diagnose(report)[0].cause == "resource-limit"


def limits_after_lowering_one():
    resource.setrlimit(resource.RLIMIT_NOFILE, (77, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return _limits(SimpleNamespace(_place=None))


def test_the_soft_limits_are_evidence():
    limits = run_in_child(limits_after_lowering_one)
    assert list(limits) == ["RLIMIT_NOFILE", "RLIMIT_AS", "RLIMIT_MEMLOCK"]
    assert limits["RLIMIT_NOFILE"] == "77"


class TestDiagnosis:
    def test_it_is_a_value(self):
        evidence = {"a": "b"}
        one = Diagnosis("w", "unknown", evidence, "r")
        evidence["a"] = "c"
        assert one.evidence == {"a": "b"}
        assert one == Diagnosis("w", "unknown", {"a": "b"}, "r") != Diagnosis("w", "unknown", evidence, "r")
        assert hash(one) == hash(pickle.loads(pickle.dumps(one)))
        assert one.to_dict() == {"what": "w", "cause": "unknown", "evidence": {"a": "b"}, "remedy": "r"}

    def test_ways_are_numbered(self):
        assert _numbered("do this", "or that") == "1. do this\n2. or that"


EMFILE, EPERM = errno.EMFILE, errno.EPERM
ONE_BLOCK = SimpleNamespace(write_tracking=True, errno=0)


@pytest.mark.parametrize(
    "check, facts, result",
    [
        ("userfaultfd", {"userfaultfd": "syscall"}, ("PASS", "by the syscall")),
        ("userfaultfd", {"errno": EPERM}, ("FAIL", "Operation not permitted")),
        ("userfaultfd", {"errno": EMFILE}, ("ERROR", os.strerror(EMFILE))),
        ("userfaultfd", {"errno": lib.PYMIG_ERROR_KILLED}, ("FAIL", "Bad system call")),
        ("features", {"api_errno": 0, "features": ("a", "b")}, ("PASS", "2 features")),
        ("features", {"api_errno": 1}, ("FAIL", "they can't be asked")),
        ("features", {"api_errno": EMFILE}, ("ERROR", "they can't be asked")),
        ("features", {"errno": EMFILE}, ("ERROR", "they can't be asked")),
        ("write-protect", {"features": ("pagefault-flag-wp",)}, ("PASS", "pagefault-flag-wp")),
        ("write-protect", {"errno": EPERM}, ("FAIL", "no pagefault-flag-wp")),
        ("write-protect", {"api_errno": EMFILE}, ("ERROR", "no pagefault-flag-wp")),
        ("background-snapshot", {"write_tracking": "compatible", "memory": [ONE_BLOCK]}, ("PASS", "1 of memory")),
        ("background-snapshot", {"write_tracking": "absent"}, ("FAIL", "write tracking is absent")),
        ("background-snapshot", {"write_tracking": "available"}, ("FAIL", "write tracking is available")),
        ("background-snapshot", {"write_tracking": "unknown"}, ("ERROR", "write tracking is unknown")),
        ("postcopy", {"postcopy": PostcopySupport(True)}, ("PASS", "postcopy_ram_supported_by_host")),
        (
            "postcopy",
            {"postcopy": PostcopySupport(False, 4, EMFILE, detail=1)},
            ("ERROR", f"step 4: receive_ufd_features: uffd_open() failed: {os.strerror(EMFILE)}"),
        ),
        (
            "postcopy",
            {"postcopy": UNABLE},
            ("FAIL", "step 2: postcopy_ram_supported_by_host: userfaultfd not available: Operation not permitted"),
        ),
    ],
)
def test_what_a_report_answers(check, facts, result):
    nothing = {"userfaultfd": None, "errno": 0, "api_errno": None, "features": (), "memory": []}
    report = SimpleNamespace(**{**nothing, "write_tracking": "absent", "postcopy": UNABLE, **facts})
    [answer] = ask(report, [check])
    assert (answer.status, answer.detail) == result
    assert answer.to_dict() == {
        "name": check,
        "question": answer.question,
        "status": result[0],
        "detail": result[1],
    }


def zero_copy_without_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return _zero_copy(None)


def test_a_limit_is_no_answer():
    assert run_in_child(zero_copy_without_descriptors) == ("ERROR", f"SO_ZEROCOPY: {os.strerror(EMFILE)}")


def test_a_value_shows_what_is_public():
    class Pair(Value):
        __slots__ = ("_hidden", "shown")

        def __new__(cls, shown, hidden):
            self = object.__new__(cls)
            self._set(shown=shown, _hidden=hidden)
            return self

    assert repr(Pair(1, 2)) == "Pair(shown=1)"
    assert Pair(1, 2) == Pair(1, 3) != Pair(2, 3)
    assert hash(Pair(1, 2)) == hash(Pair(1, 3))


def test_a_report_travels_whole():
    report = pymig.probe([Memory(), Memory("memfd", share=True)])
    copy = pickle.loads(pickle.dumps(report))
    assert copy.to_dict() == report.to_dict()
    assert copy.memory == report.memory
    assert repr(copy) == repr(report)
    assert [block.made for block in report.memory] == [True, True]
