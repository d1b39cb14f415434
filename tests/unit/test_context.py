# SPDX-License-Identifier: GPL-2.0-or-later

"""Contexts, remedies, suggestions, and reports."""

import itertools
import json
import warnings

import pytest

import pymig
from pymig import CapabilitySet, Change, Checker, Context, Host, Memory, MigrationState, PostcopySupport, QemuBuild
from pymig.documents import newer_version, require_schema

HOST = Host()


class TestContext:
    def test_equal_contexts(self):
        keywords = {"incoming": True, "parameters": {"multifd-compression": "zstd"}, "rdma": True}
        one, other = Context("10.0", HOST, **keywords), Context(QemuBuild("10.0"), Host(), **keywords)
        assert one == other
        assert hash(one) == hash(other)
        assert Context() == Context()
        assert len({Context(), Context(host=None), Context(incoming=True)}) == 2
        assert Context(host=HOST) != Context()

    @pytest.mark.parametrize("name", ["incoming", "incoming_started", "kvm_dirty_ring", "rdma", "single_channel"])
    def test_each_circumstance_tells_contexts_and_checkers_apart(self, name):
        one, other = Context(host=HOST), Context(host=HOST, **{name: True})
        assert one != other
        assert repr(Checker(one)) != repr(Checker(other))
        assert f"{name}=True" in repr(other)
        with pytest.raises(TypeError, match=f"{name} must be a bool, not int"):
            Context(**{name: 1})

    def test_the_keywords_make_one(self):
        keywords = {
            "incoming": True,
            "parameters": {"tls-creds": "t"},
            "kvm_dirty_ring": True,
            "target_page_size": 8192,
        }
        context = Context("9.0", HOST, **keywords)
        assert Checker("9.0", HOST, **keywords).context == context
        assert MigrationState("9.0", HOST, **keywords).context == context
        assert Checker(context).check(["multifd"]).ok

    def test_a_context_says_it_all(self):
        with pytest.raises(TypeError, match="incoming can't be given together with a Context"):
            Checker(Context(), incoming=True)
        with pytest.raises(TypeError, match="host can't be given together with a Context"):
            MigrationState(Context(), HOST)

    def test_its_parameters(self):
        given = {"cpr-exec-command": ["a"], "multifd-channels": 4}
        context = Context("10.2", HOST, parameters=given)
        given["multifd-channels"] = 5
        assert context.parameters["multifd-channels"] == 4
        with pytest.raises(TypeError):
            context.parameters["multifd-channels"] = 6
        state = MigrationState(context)
        assert state.multifd_channels == 4
        assert state.query_parameters()["cpr-exec-command"] == ["a"]
        with pytest.raises(pymig.ParameterError, match="expects a value between 1 and 255"):
            Context("10.2", parameters={"multifd-channels": 0})

    def test_replace(self):
        context = Context("9.0", HOST, incoming=True)
        assert context.replace(build="10.0") == Context("10.0", HOST, incoming=True)
        assert context.replace() == context
        with pytest.raises(TypeError, match="nonsense"):
            context.replace(nonsense=1)

    def test_local_or_not_yet(self):
        assert Context().host is None
        assert isinstance(Checker(Context()).host, Host)
        assert Context(host=Host.local()) != Context(host=Host.local())

    @pytest.mark.parametrize(
        "context",
        [
            Context(),
            Context("10.0.13", HOST, incoming=True, parameters={"tls-creds": "é", "multifd-channels": 3}),
            Context(QemuBuild("11.1", compressions=["qpl"], target="aarch64", machine="virt-9.0")),
            Context(QemuBuild("rhel-9.3"), Host("absent", PostcopySupport(False, 2, 1)), rdma=True),
            Context("9.0", target_page_size=65536),
        ],
    )
    def test_json_there_and_back(self, context):
        again = Context.from_json(context.to_json())
        assert again == context
        assert again.to_json() == context.to_json()
        assert eval(repr(context), vars(pymig)) == context

    def test_json_of_a_newer_minor_version(self):
        document = {**json.loads(Context("9.0").to_json()), "version": "1.9", "new": [1]}
        again = json.loads(Context.from_json(json.dumps(document)).to_json())
        assert (again["version"], again["new"]) == ("1.9", [1])

    @pytest.mark.parametrize(
        "text, why",
        [
            ("[]", "no such document"),
            ("x", "not JSON"),
            ('{"schema": "pymig-context", "version": "2.0"}', "use a newer pymig"),
            ('{"schema": "pymig-context", "version": "1.0"}', "lacks the field 'build'"),
            ('{"schema": "pymig-context", "version": "1.0", "build": {"release": "99.0"}}', "newer than"),
            ('{"schema": "pymig-context", "version": "1.0", "build": 3}', "build must be"),
            ('{"schema": "pymig-context", "version": "1.0", "build": {"release": "9.0"}, "rdma": 1}', "rdma must be"),
        ],
    )
    def test_json_refused(self, text, why):
        with pytest.raises(ValueError, match=why):
            Context.from_json(text)

    def test_warnings_name_the_line_that_asked(self):
        for make in (
            lambda: Context("8.0", parameters={"multifd-zlib-level": 5}),
            lambda: Checker("8.0", HOST, parameters={"multifd-zlib-level": 5}),
            lambda: pymig.check(["multifd"], build="8.0", host=HOST, parameters={"multifd-zlib-level": 5}),
        ):
            with warnings.catch_warnings(record=True) as given:
                warnings.simplefilter("always")
                make()
            assert [warning.filename for warning in given] == [__file__]


class TestVersionsOfDocuments:
    @pytest.mark.parametrize(
        "given, written",
        [
            ("1.1", "1.1"),
            ("1.0", "1.1"),
            ("1.2", "1.2"),
            ("1.10", "1.10"),
            ("1.1.5", "1.1"),
            ("1.2.5", "1.2.5"),
            (None, "1.1"),
            ("1.x", "1.1"),
            ("1", "1.1"),
        ],
    )
    def test_the_newer_one_is_written(self, given, written):
        assert newer_version(given, "1.1") == written

    @pytest.mark.parametrize("given", ["0.9", "2.0", "10.0", "x.1", "", "-1.0", "١.0", 1.0, None])
    def test_only_its_own_major_version_is_read(self, given):
        with pytest.raises(ValueError, match="version"):
            require_schema({"schema": "s", "version": given}, "s", "1.1")
        require_schema({"schema": "s", "version": "1.9"}, "s", "1.1")


class TestBuildsAsStrings:
    def test_wherever_a_build_is_taken(self):
        assert Checker("10.0", HOST).build == MigrationState((10, 0), HOST).build == QemuBuild("10.0")
        assert pymig.check(["multifd"], build="10.0", host=HOST).ok
        assert pymig.diff("10.0", (10, 1)).before == QemuBuild("10.0")
        with pytest.raises(TypeError, match="build must be a QemuBuild or a release"):
            Checker(10.0)


class TestNames:
    def test_a_mapping_counts_by_what_is_true(self):
        checker = Checker(host=HOST)
        assert checker.check({"multifd": True, "compress": False}).ok
        assert checker.check({"multifd": True, "compress": True}).rule == "multifd/compress"
        assert checker.check({"multifd": True}, {"compress": False}).ok
        assert CapabilitySet({"multifd": True, "events": False}) == {"multifd"}
        with pytest.raises(TypeError, match="must be a bool"):
            checker.check({"multifd": 1})

    @pytest.mark.parametrize(
        "release, name, since, until",
        [
            ("8.0", "mapped-ram", "9.0", None),
            ("10.0", "compress", "7.2", "9.0"),
            ("11.1", "zero-blocks", "7.2", "10.2"),
            ("11.1", "multifdd", None, None),
        ],
    )
    def test_an_unknown_name_says_where_it_is_known(self, release, name, since, until):
        state = MigrationState(release, HOST)
        with pytest.raises(pymig.UnknownCapabilityError) as caught:
            state.set_capability(name, True)
        assert (caught.value.since, caught.value.until) == (since, until)


class TestMemoryParse:
    @pytest.mark.parametrize(
        "text, memory",
        [
            ("anonymous", Memory()),
            ("memory-backend-ram,id=m0,size=1G,share=on", Memory(share=True, size=1 << 30)),
            ("memfd,share=on,hugetlbsize=2M", Memory("memfd", share=True, page_size=2 << 20)),
            ("memfd,share,page_size=2M", Memory("memfd", share=True, page_size=2 << 20)),
            ("memory-backend-memfd,size=64M", Memory("memfd", share=True, size=64 << 20)),
            ("memory-backend-memfd,share=off", Memory("memfd")),
            ("file,mem-path=/dev/shm,share=on,prealloc=on", Memory("file", path="/dev/shm", share=True)),
            ("file:/dev/shm,readonly", Memory("file", path="/dev/shm", readonly=True)),
        ],
    )
    def test_spellings(self, text, memory):
        assert Memory.parse(text) == memory

    def test_the_kernels_own_huge_pages(self):
        with open("/proc/meminfo") as file:
            size = next(int(line.split()[1]) << 10 for line in file if line.startswith("Hugepagesize:"))
        assert Memory.parse("memfd,hugetlb=on").page_size == size

    @pytest.mark.parametrize(
        "text", ["disk", "memfd,sharing", "memfd,share=maybe", "memfd,size=x", "memfd,size", "file"]
    )
    def test_refused(self, text):
        with pytest.raises(ValueError, match=r"must|option|write|number"):
            Memory.parse(text)


class TestRemedies:
    @pytest.mark.parametrize("release", QemuBuild.releases())
    def test_each_undoes_its_rule(self, release):
        """For every rule: on the smallest set that it refuses, each of its remedies undoes the refusal."""
        unable = Host("absent", PostcopySupport(False, 2, 1))
        contexts = [
            Context(release, HOST, rdma=True, incoming=True, incoming_started=True, single_channel=True),
            Context(release, unable, incoming=True, parameters={"multifd-compression": "zlib"}),
            Context(release, Host("available")),
            Context(QemuBuild(release, replication=False, live_block_migration=False, linux=False), HOST),
            Context(release, HOST, kvm_dirty_ring=True),
        ]
        seen = set()
        for context in contexts:
            checker = Checker(context)
            for names in itertools.chain(
                itertools.combinations(context.build.capabilities, 1),
                itertools.combinations(context.build.capabilities, 2),
            ):
                for verdict in checker.explain(names):
                    seen.add(verdict.rule)
                    assert verdict.remedies
                    for remedy in verdict.remedies:
                        parameters = {**(context.parameters or {}), **remedy.parameters}
                        after = Checker(context.replace(parameters=parameters))
                        assert verdict.rule not in [v.rule for v in after.explain(remedy.apply(names))], (names, remedy)
        assert seen == {verdict.rule for verdict in Checker(release, HOST).verdicts.values()} - {"accepted"}

    def test_to_dict(self):
        verdict = pymig.check(["multifd", "compress"], host=HOST)
        document = json.loads(json.dumps(verdict.to_dict()))
        assert document["rule"] == "multifd/compress"
        assert document["remedies"][0] == {"on": [], "off": ["multifd"], "parameters": {}}


class TestChange:
    def test_what_it_says(self):
        assert str(Change(off=["multifd"])) == "without multifd"
        assert (
            str(Change(on=["return-path"], off=["xbzrle", "compress"]))
            == "with return-path, without xbzrle and compress"
        )
        assert str(Change(parameters={"multifd-compression": "none", "tls-creds": ""})) == (
            "multifd-compression=none, tls-creds=unset"
        )
        assert Change(on=["events"], off=["multifd"]).apply(["multifd", "xbzrle"]) == {"events", "xbzrle"}
        with pytest.raises(ValueError, match="on and off both contain multifd"):
            Change(["multifd"], ["multifd"])
        assert str(Change()) == "nothing changed"

    def test_it_is_a_value(self):
        change = Change(on=["events"], off=["multifd", "xbzrle"], parameters={"tls-creds": ""})
        assert eval(repr(change)) == change
        assert repr(Change(off=["multifd"])) == "Change(off=['multifd'])"
        assert len(change) == 4
        assert len(Change()) == 0
        assert Change()
        assert hash(change) == hash(eval(repr(change)))
        assert change.to_dict() == {"on": ["events"], "off": ["xbzrle", "multifd"], "parameters": {"tls-creds": ""}}
        for other in (Change(on=["events"]), Change(off=["multifd", "xbzrle"]), Change(parameters={"tls-creds": ""})):
            assert other != change


class TestSuggest:
    def test_what_helps(self):
        checker = Checker("9.0", HOST)
        assert checker.suggest(["multifd"]) == ()
        assert [str(change) for change in checker.suggest(["multifd", "compress"])] == [
            "without compress",
            "without multifd",
        ]
        assert Change(on=["return-path"]) in checker.suggest(["switchover-ack"])

    def test_parameters_that_stand_in_the_way(self):
        checker = Checker("10.0", HOST, parameters={"multifd-compression": "zstd", "multifd-channels": 8})
        changes = checker.suggest(["multifd", "zero-copy-send"])
        assert [str(change) for change in changes] == ["without zero-copy-send", "multifd-compression=none"]

    def test_limit(self):
        checker = Checker("9.0", HOST)
        refused = ["background-snapshot", "multifd", "compress", "xbzrle"]
        assert len(checker.suggest(refused, limit=1)) == 1
        with pytest.raises(ValueError, match="limit"):
            checker.suggest(refused, limit=0)

    @pytest.mark.parametrize("release", ["7.2", "9.0", "11.1"])
    def test_all_minimal_changes_and_no_other(self, release):
        """Compares the suggestions with a search through all changes of up to three switches."""
        checker = Checker(release, HOST)
        known = list(checker.build.capabilities)
        sets = [
            ["multifd", "xbzrle", "zero-copy-send"],
            ["postcopy-preempt", "multifd", "compress" if release != "11.1" else "xbzrle"],
            ["background-snapshot", "return-path", "xbzrle"],
            ["x-colo", "postcopy-ram", "x-ignore-shared"],
        ]
        for names in sets:
            new, found = CapabilitySet(names), []
            for size in (1, 2, 3):
                for switched in itertools.combinations(known, size):
                    if not any(small <= set(switched) for small in found) and checker.check(new ^ set(switched)):
                        found.append(set(switched))
            changes = checker.suggest(names, limit=10_000)
            small = [set(change.on | change.off) for change in changes if len(change) <= 3]
            assert sorted(map(sorted, small)) == sorted(map(sorted, found))
            assert [len(change) for change in changes] == sorted(len(change) for change in changes)
            for change in changes:
                assert checker.check(change.apply(names)).ok


class TestFactsThatCanNotBe:
    @pytest.mark.parametrize(
        "arguments",
        [
            (True, 4),
            (True, 0, 1),
            (True, 0, 0, "x"),
            (False, 2),
            (False, 5, 0),
            (False, 9, 1),
            (False, 0, 1),
            (False, 16),
        ],
    )
    def test_refused(self, arguments):
        with pytest.raises(ValueError, match="must be"):
            PostcopySupport(*arguments)

    @pytest.mark.parametrize("step", [0, 1, 3, 6, 7, 8, 9, 14, 15])
    def test_steps_without_a_system_call(self, step):
        assert not PostcopySupport(False, step)

    @pytest.mark.parametrize("release", QemuBuild.releases())
    def test_no_text_that_qemu_never_says(self, release):
        message = Checker(release, Host(postcopy=False), incoming=True).check(["postcopy-ram"]).message
        assert message == "Postcopy is not supported"


class TestManySets:
    def test_misaligned_words_are_refused(self):
        with pytest.raises(TypeError, match="masks must be aligned"):
            Checker(host=HOST).check_many(memoryview(bytearray(9))[1:])

    def test_overlapping_memory_is_refused_before_anything_is_written(self):
        memory = bytearray(range(64))
        before = bytes(memory)
        for start in (0, 1, 40):
            with pytest.raises(ValueError, match="out must not overlap masks"):
                Checker(host=HOST).check_many(memoryview(memory)[:64], out=memoryview(memory)[start : start + 16])
        assert memory == before


class TestReports:
    def test_one_report_one_answer(self):
        """A report keeps stating the facts of the moment of the probe."""
        report = pymig.probe()
        assert report.to_json() == report.to_json()
        assert report.host == report.host
        assert Host.from_json(report.to_json()) == report.host
