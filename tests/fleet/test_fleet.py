# SPDX-License-Identifier: GPL-2.0-or-later

"""Fleet and FleetMatrix say of each pair what its preflight says."""

import array
import json
import pickle
import random
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pymig import Context, Endpoint, Fleet, FleetMatrix, Host, HostUnknownError, Plan, QemuBuild, preflight
from pymig.fleet.outcomes import Asker
from tests.fleet.ends import MORE, RAM, TYPICAL, random_ends, sixty_ends

TCP = "tcp:host:4444"
PLANS = {
    "nothing": Plan(uri=TCP),
    "multifd": Plan(["multifd"], {"multifd-channels": 4}, uri=TCP),
    "postcopy": Plan(["postcopy-ram", "return-path"], uri=TCP, postcopy=True),
    "snapshot": Plan(["background-snapshot"], uri="file:/tmp/guest"),
    "mapped-ram": Plan(["mapped-ram", "multifd"], uri="file:/tmp/guest"),
    "bitmaps and TLS": Plan(["dirty-bitmaps", "validate-uuid"], {"tls-creds": "tls0"}, uri=TCP),
    "waits": Plan(["pause-before-switchover", "x-ignore-shared"], uri="exec:cat", order="incoming-first"),
    "goes on": Plan(["pause-before-switchover", "multifd"], uri=TCP, continues=True),
    "virsh": Plan.from_virsh("--live --postcopy --auto-converge"),
    "bad value": Plan({"multifd": True, "xbzrle": False}, {"multifd-channels": 0}, uri="unix:/run/s"),
}


@pytest.fixture(scope="module")
def sixty():
    return {f"end {i}": end for i, end in enumerate(sixty_ends())}


def expected(source, destination, plan):
    """What the code of a pair must mean: whether it can, the outcome, and where the guest is."""
    try:
        flight = preflight(source, destination, plan)
    except HostUnknownError:
        return None, "unknown", "unknown"
    return flight.ok, flight.outcome, flight.guest


def agrees(matrix, source, destination, code, wanted):
    ok, *kind = wanted
    if ok is None:
        with pytest.raises(HostUnknownError):
            matrix.can(source, destination)
    else:
        assert matrix.can(source, destination) is ok
    assert (code == 0) == bool(ok)
    assert code == 0 or matrix.kinds[code] == tuple(kind)


def stated(**facts):
    return Endpoint(Context("10.0", Host()), **{**TYPICAL, **facts})


def three():
    return {"a": stated(), "b": stated(machine="pc-q35-10.0"), "c": stated(cpus=2)}


class TestAgreesWithPreflight:
    @pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
    def test_every_pair_of_sixty_ends(self, sixty, plan):
        assert len(sixty) >= 60
        matrix = Fleet(sixty).matrix(plan)
        for i, (source, ours) in enumerate(sixty.items()):
            for j, (destination, theirs) in enumerate(sixty.items()):
                agrees(matrix, source, destination, matrix.outcomes[i, j], expected(ours, theirs, plan))

    def test_the_plans_bring_about_every_outcome(self, sixty):
        matrices = [Fleet(sixty).matrix(plan) for plan in PLANS.values()]
        counts = [sum(matrix.count(kind) for matrix in matrices) for kind in range(len(matrices[0].kinds))]
        seen = {outcome for (outcome, _), count in zip(matrices[0].kinds, counts, strict=True) if count}
        assert seen == {outcome for outcome, _ in matrices[0].kinds}
        assert sum(counts) == len(matrices) * len(sixty) ** 2

    def test_random_pairs_of_larger_fleets(self):
        rng = random.Random(1)
        for seed, plan in enumerate(PLANS.values()):
            ends = {f"end {i}": end for i, end in enumerate(random_ends(160, seed))}
            matrix = Fleet(ends).matrix(plan)
            names = list(ends)
            for _ in range(100_000 // len(PLANS)):
                source, destination = rng.choice(names), rng.choice(names)
                code = matrix.class_outcomes[
                    matrix.class_of[names.index(source)], matrix.class_of[names.index(destination)]
                ]
                agrees(matrix, source, destination, code, expected(ends[source], ends[destination], plan))

    def test_the_words_are_those_of_the_pair(self, sixty):
        matrix = Fleet(sixty).matrix(PLANS["multifd"])
        for (source, ours), (destination, theirs) in zip(sixty.items(), reversed(sixty.items()), strict=True):
            if expected(ours, theirs, PLANS["multifd"])[0] is not None:
                flight = matrix.preflight(source, destination)
                assert flight.to_dict() == preflight(ours, theirs, PLANS["multifd"]).to_dict()
                assert matrix.preflight(source, destination) is flight


class TestClasses:
    def test_ends_that_answer_alike_are_one_class(self):
        alike = [
            stated(),
            stated(),
            Endpoint(Context("10.0", Host(), incoming=True), **TYPICAL),
            Endpoint.from_json(json.dumps({**stated().to_dict(), "rack": 7})),
        ]
        assert Fleet({str(i): end for i, end in enumerate(alike)}).classes == 1

    @pytest.mark.parametrize(
        "one, other",
        [
            (stated(ram_blocks=MORE), stated(ram_blocks=dict(reversed(MORE.items())))),
            (stated(ram_blocks=RAM), stated()),
            (
                Endpoint(Context("10.0", Host.from_json(json.dumps({**Host().to_dict(), "page_size": 4096})))),
                Endpoint(Context("10.0", Host.from_json(json.dumps({**Host().to_dict(), "page_size": 65536})))),
            ),
            (Endpoint(Context("10.0", Host.local())), Endpoint(Context("10.0", Host.local()))),
            (Endpoint(Context("10.0", Host())), Endpoint(Context("10.0", None))),
            (Endpoint(Context("10.0")), Endpoint(Context("10.0.13"))),
        ],
        ids=["order of RAM blocks", "the same", "page size", "local hosts", "no host", "releases"],
    )
    def test_ends_that_answer_differently(self, one, other, request):
        same = "the same" in request.node.name
        assert Fleet({"one": one, "other": other}).classes == (1 if same else 2)

    def test_one_true_and_1_are_two_values(self):
        number, switch = stated(parameters={"multifd-channels": 1}), stated(parameters={"multifd-channels": True})
        assert number == switch
        with pytest.raises(ValueError, match=r"ends\['b'\]: no migration can have this end"):
            Fleet({"a": number, "b": switch})
        fleet = Fleet({"a": number})
        right, wrong = (Plan(parameters={"multifd-channels": value}, uri=TCP) for value in (1, True))
        assert right == wrong
        assert [fleet.matrix(plan).can("a", "a") for plan in (right, wrong, right)] == [True, False, True]

    def test_a_local_host_is_asked_again(self):
        host = Host.local()
        fleet = Fleet({"here": Endpoint(Context("10.0", host)), "there": stated()})
        plan = PLANS["snapshot"]
        assert fleet.matrix(plan) is not fleet.matrix(plan)
        assert Fleet({"there": stated()}).matrix(plan).can("there", "there") in (True, False)
        copy = pickle.loads(pickle.dumps(fleet))
        assert (copy.classes, copy.matrix(plan).class_outcomes) == (2, fleet.matrix(plan).class_outcomes)


def uuid(number):
    return f"8b5e4f7a-1b1c-4c3e-9f6d-{number:012}"


OWN = {
    "UUID": lambda i: {"uuid": uuid(i)},
    "block nodes": lambda i: {"block_nodes": [f"#block{i}"]},
    "bitmaps": lambda i: {"bitmaps": {f"#block{i}": ["b0"]}, "block_nodes": ["#block0"]},
    "certificate": lambda i: {"tls_objects": {"tls0": {"endpoint": "client", "names": [f"host{i}"]}}},
    "file": lambda i: {"ram_blocks": {"m": {"size": 1 << 20, "share": True, "kind": "file", "path": f"/dev/shm/{i}"}}},
    "blockers": lambda i: {"blockers": [f"reason {i}", "a reason"]},
}
"""What each end may have of its own."""


class TestIdentity:
    """What each end has of its own makes it a class of its own only if the plan compares that."""

    @pytest.mark.parametrize("own", OWN.values(), ids=OWN)
    @pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
    def test_every_pair_and_its_words(self, own, plan):
        kinds = [{}, {"capabilities": ["validate-uuid"]}, {"capabilities": ["multifd"]}, {"paused": True}]
        facts = [(i, {**kind, **own(i)}) for kind in (kinds if own is OWN["UUID"] else kinds[::3]) for i in range(4)]
        ends = {f"end {n}": stated(**more) for n, (_, more) in enumerate(facts)}
        matrix = Fleet(ends).matrix(plan)
        for i, (source, ours) in enumerate(ends.items()):
            for j, (destination, theirs) in enumerate(ends.items()):
                agrees(matrix, source, destination, matrix.outcomes[i, j], expected(ours, theirs, plan))
                words = matrix.preflight(source, destination).to_dict()
                assert words == preflight(ours, theirs, plan).to_dict()

    @pytest.mark.parametrize("name", OWN)
    def test_one_class_if_nobody_looks(self, name):
        fleet = Fleet({str(i): stated(**OWN[name](i)) for i in range(5)})
        always = {"file": 1, "blockers": 1}.get(name, 5)
        assert len(fleet.variants) == always
        assert fleet.classes == fleet.matrix(PLANS["nothing"]).classes == 1
        assert list(fleet.matrix(PLANS["nothing"]).class_of) == [0] * 5
        looks = {"bitmaps": "bitmaps and TLS", "block nodes": "bitmaps and TLS", "certificate": "bitmaps and TLS"}
        assert fleet.matrix(PLANS[looks.get(name, "multifd")]).classes == always

    @pytest.mark.parametrize("capability", ["validate-uuid", "multifd"])
    def test_a_uuid_that_is_compared(self, capability):
        ends = {str(i): stated(uuid=uuid(i)) for i in range(5)}
        matrix = Fleet(ends).matrix(Plan([capability], uri=TCP))
        assert matrix.classes == 5
        assert [[code == 0 for code in row] for row in matrix.outcomes.tolist()] == [
            [i == j for i in range(5)] for j in range(5)
        ]
        fleet = Fleet({**ends, "sends it": stated(uuid=uuid(0), capabilities=[capability])})
        assert fleet.classes == fleet.matrix(PLANS["nothing"]).classes == 6

    @pytest.mark.parametrize("where", ["context", "parameters"])
    def test_certificates_where_only_the_ends_set_tls(self, where):
        creds = {"tls-creds": "tls0"}
        set_there = (
            {"context": Context("10.0", Host(), parameters=creds)} if where == "context" else {"parameters": creds}
        )
        ends = {
            name: stated().replace(tls_objects={"tls0": {"names": [name]}}, **set_there) for name in ("host", "other")
        }
        matrix = Fleet(ends).matrix(PLANS["nothing"])
        assert matrix.classes == 2
        for source, ours in ends.items():
            for destination, theirs in ends.items():
                wanted = preflight(ours, theirs, PLANS["nothing"])
                assert matrix.preflight(source, destination).to_dict() == wanted.to_dict()
                assert matrix.can(source, destination) == wanted.ok == (destination == "host")

    def test_of_a_files_path_its_beginning_counts(self):
        paths = ["/dev/shm/a", "/dev/hugepages/b", "/tmp/a", "/tmp/b"]
        blocks = [{"m": {"size": 1 << 20, "share": True, "kind": "file", "path": path}} for path in paths]
        ends = {path: stated(ram_blocks=block) for path, block in zip(paths, blocks, strict=True)}
        assert [names for _, names in Fleet(ends).variants] == [tuple(paths[:2]), tuple(paths[2:])]

    def test_pairs_whose_uuids_compare_alike_are_asked_once(self, monkeypatch):
        from pymig.fleet import outcomes

        pairs = []

        def counted(*arguments):
            pairs.append(arguments)
            return pair(*arguments)

        pair = outcomes.Pair
        monkeypatch.setattr(outcomes, "Pair", counted)
        matrix = Fleet({str(i): stated(uuid=uuid(i)) for i in range(100)}).matrix(PLANS["multifd"])
        assert (matrix.classes, matrix.count(), len(pairs)) == (100, 100, 2)

    def test_variants(self):
        ends = {"a": stated(uuid=uuid(0)), "b": stated(uuid=uuid(1)), "c": stated(uuid=uuid(0)), "d": stated(cpus=2)}
        fleet = Fleet(ends)
        assert [names for _, names in fleet.variants] == [("a", "c"), ("b",), ("d",)]
        assert [end for end, _ in fleet.variants] == [ends["a"], ends["b"], ends["d"]]
        assert (fleet.classes, len(fleet.representatives(PLANS["nothing"]))) == (2, 2)

    def test_another_end_may_make_it_matter(self):
        ends = {str(i): stated(uuid=uuid(i)) for i in range(3)}
        fleet, plan = Fleet(ends), PLANS["nothing"]
        assert fleet.matrix(plan).classes == 1
        strict = stated(uuid=uuid(0), capabilities=["validate-uuid"])
        other = fleet.replace("0", strict)
        assert other.matrix(plan).outcomes == Fleet({**ends, "0": strict}).matrix(plan).outcomes
        assert other.matrix(plan).classes == 3
        again = other.replace("0", ends["0"])
        assert again.matrix(plan).outcomes == fleet.matrix(plan).outcomes
        assert again.matrix(plan).classes == 1


class TestMatrix:
    def test_shapes(self):
        fleet = Fleet(three())
        matrix = fleet.matrix(PLANS["nothing"])
        assert (fleet.names, fleet.classes) == (("a", "b", "c"), 3)
        assert (matrix.names, matrix.plan) == (fleet.names, PLANS["nothing"])
        assert (matrix.class_outcomes.shape, matrix.class_outcomes.format) == ((3, 3), "B")
        assert list(matrix.class_of) == [0, 1, 2]
        assert matrix.outcomes is matrix.outcomes
        fails, completes, kills = ("fails", "source"), ("completes", "destination"), ("fails", "nowhere")
        kinds = [[matrix.kinds[code] for code in row] for row in matrix.outcomes.tolist()]
        assert kinds == [[completes, fails, completes], [fails, completes, fails], [kills, fails, completes]]
        assert [matrix.can(name, name) for name in "abc"] == [True] * 3
        assert not matrix.can("a", "c"), "it completes, with an error"
        assert matrix.count() == sum(row.count(0) for row in matrix.outcomes.tolist())
        for view in (matrix.class_outcomes, matrix.class_of, matrix.outcomes):
            assert view.readonly

    def test_numpy_reads_it(self):
        numpy = pytest.importorskip("numpy")
        ends = {f"end {i}": end for i, end in enumerate([*three().values()] * 3)}
        matrix = Fleet(ends).matrix(PLANS["nothing"])
        codes, classes = numpy.asarray(matrix.class_outcomes), numpy.asarray(matrix.class_of)
        assert (codes.dtype, codes.shape, matrix.outcomes.shape) == (numpy.uint8, (3, 3), (9, 9))
        assert (numpy.asarray(matrix.outcomes) == codes[classes][:, classes]).all()
        assert matrix.count() == (numpy.asarray(matrix.outcomes) == 0).sum()
        for sources in (matrix.names, matrix.names[:2], ()):
            out = numpy.empty((len(sources), 9), numpy.uint8)
            assert matrix.block(sources, matrix.names, out) is out
            assert (out == numpy.asarray(matrix.outcomes)[: len(sources)]).all()
        with pytest.raises(TypeError, match="contiguous"):
            matrix.block(matrix.names, matrix.names, numpy.empty((9, 18), numpy.uint8)[:, ::2])

    def test_blocks(self, sixty):
        matrix = Fleet(sixty).matrix(PLANS["multifd"])
        sources, destinations = matrix.names[5:9], matrix.names[::-7]
        block = matrix.block(sources, destinations)
        wanted = [
            [matrix.outcomes[matrix.names.index(s), matrix.names.index(d)] for d in destinations] for s in sources
        ]
        assert block.tolist() == wanted
        for out in (bytearray(block.nbytes), array.array("B", bytes(block.nbytes))):
            assert matrix.block(sources, destinations, out) is out
            assert bytes(out) == block.tobytes()
        assert bytes(matrix.block(iter(()), destinations)) == b""

    @pytest.mark.parametrize(
        "arguments, error, says",
        [
            ((["a"], ["x"]), ValueError, "destinations: the fleet has no end named 'x'"),
            (("a", ["a"]), TypeError, "sources must be a list of names"),
            ((["a"], [1]), TypeError, "destinations must be a str"),
            ((["a"], ["a"], bytes(1)), TypeError, "out must be writable"),
            ((["a"], ["a"], bytearray(2)), ValueError, "out must have a byte a pair, 1, not 2"),
            ((["a"], ["a"], array.array("I", [0])), TypeError, "items of a byte"),
            ((["a"], ["a"], 3), TypeError, "out must be a writable buffer"),
        ],
    )
    def test_wrong_arguments_of_block(self, arguments, error, says):
        with pytest.raises(error, match=says):
            Fleet(three()).matrix(PLANS["nothing"]).block(*arguments)

    def test_wrong_arguments(self):
        fleet = Fleet(three())
        matrix = fleet.matrix(PLANS["nothing"])
        for call, error, says in (
            (lambda: matrix.can("a", "\x1b"), ValueError, r"destination: the fleet has no end named '\\x1b'"),
            (lambda: matrix.preflight(1, "a"), TypeError, "source must be a str"),
            (lambda: matrix.count(len(matrix.kinds)), ValueError, "kind must be an index of kinds"),
            (lambda: matrix.count(True), TypeError, "kind must be an int"),
            (lambda: fleet.matrix("multifd"), TypeError, "plan must be a Plan"),
            (lambda: fleet.replace("x", stated()), ValueError, "name: the fleet has no end named 'x'"),
            (lambda: fleet.replace("a", None), TypeError, "end must be an Endpoint"),
            (lambda: Fleet({}), ValueError, "at least one end"),
            (lambda: Fleet({1: stated()}), TypeError, "a name in ends must be a str"),
            (lambda: Fleet({"a": 1}), TypeError, r"ends\['a'\]: end must be an Endpoint"),
            (lambda: Fleet("abc"), TypeError, "ends must be a mapping"),
            (lambda: Fleet([stated()]), TypeError, r"ends\[0\] must be a JSON document"),
            (lambda: Fleet(["{}"]), ValueError, r"ends\[0\]: text is no end"),
        ):
            with pytest.raises(error, match=says):
                call()

    def test_values(self):
        matrix = Fleet(three()).matrix(PLANS["multifd"])
        copy = pickle.loads(pickle.dumps(matrix))
        assert isinstance(copy, FleetMatrix)
        assert copy == matrix
        assert hash(copy) == hash(matrix)
        assert copy != Fleet(three()).matrix(PLANS["nothing"])
        assert "3 ends in 3 classes" in repr(matrix)
        assert Fleet(three()) == Fleet(three()) != Fleet({"a": stated()})
        with pytest.raises(AttributeError, match="immutable"):
            matrix.names = ()


class TestReplace:
    def test_every_replacement_is_like_a_new_fleet(self):
        ends = {f"end {i}": end for i, end in enumerate(list(three().values()) * 2)}
        ends["alone"] = stated(paused=True)
        others = [*three().values(), stated(cpus=7), stated(paused=True)]
        plan = PLANS["multifd"]
        for name in ends:
            for other in others:
                fleet = Fleet(ends)
                fleet.matrix(plan)
                replaced, fresh = fleet.replace(name, other), Fleet({**ends, name: other})
                assert replaced == fresh
                assert replaced.classes == fresh.classes
                assert replaced.matrix(plan).outcomes == fresh.matrix(plan).outcomes
                assert fleet == Fleet(ends)

    def test_only_the_new_class_is_asked(self, monkeypatch):
        asked = []
        row = Asker.row

        def counted(asker, source, destinations):
            asked.append(len(destinations))
            return row(asker, source, destinations)

        monkeypatch.setattr(Asker, "row", counted)
        fleet = Fleet({str(i): stated(cpus=1 + i) for i in range(20)})
        fleet.matrix(PLANS["multifd"])
        assert sum(asked) == 400
        asked.clear()
        fleet.matrix(PLANS["multifd"])
        assert sum(asked) == 0
        fleet.replace("3", stated(cpus=99)).matrix(PLANS["multifd"])
        assert sum(asked) == 39

    def test_the_last_plans_are_kept(self):
        fleet = Fleet(three())
        plans = [Plan(parameters={"multifd-channels": 1 + i}, uri=TCP) for i in range(10)]
        matrices = [fleet.matrix(plan) for plan in plans]
        assert len(fleet._asked) == 8
        assert all(fleet.matrix(plan) is matrix for plan, matrix in zip(plans[2:], matrices[2:], strict=True))
        assert fleet.matrix(plans[0]) is not matrices[0]
        assert fleet.matrix(plans[0]) == matrices[0]

    def test_threads(self):
        """Many threads ask one fleet for more plans than it keeps, and derive others from it."""
        fleet = Fleet({str(i): stated(cpus=1 + i) for i in range(5)})
        plans = [Plan(parameters={"multifd-channels": 1 + i}, uri=TCP) for i in range(12)]
        wanted = [
            bytes(Fleet(dict(zip("01234", fleet.representatives(PLANS["nothing"]), strict=True))).matrix(p).outcomes)
            for p in plans
        ]

        def ask(number):
            one = fleet.replace("3", stated(cpus=4)) if number % 3 == 0 else fleet
            return [bytes(one.matrix(plan).outcomes) for plan in plans] == wanted

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(ask, range(64)))

    def test_progress(self):
        seen = []
        Fleet(three()).matrix(PLANS["nothing"], progress=lambda *done: seen.append(done))
        assert seen == [(1, 3), (2, 3), (3, 3)]


class TestDocuments:
    def test_ends_and_hosts(self):
        named = json.dumps({**stated().to_dict(), "name": "web"})
        fleet = Fleet([named, stated().to_json(), Host().to_json().encode()])
        assert fleet.names == ("web", "1", "2")
        assert fleet == Fleet({"web": stated(), "1": stated(), "2": Endpoint(Context(QemuBuild.newest(), Host()))})

    def test_a_name_twice(self):
        named = json.dumps({**stated().to_dict(), "name": "web"})
        with pytest.raises(ValueError, match="the name 'web' twice"):
            Fleet([named, named])


DOCS = Path(__file__).parents[2] / "docs" / "fleet.md"


@pytest.mark.skipif(not DOCS.exists(), reason="needs the source tree: docs/fleet.md")
def test_the_example_of_the_docs():
    """Each comment that is a value is what its line gives."""
    [block] = re.findall(r"^```python\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    names, values = {}, 0
    for line in block.splitlines():
        code, _, comment = line.partition("  # ")
        try:
            value = eval(code, names)
        except SyntaxError:
            exec(code, names)
            continue
        if re.match(r"True|\(|'", comment):
            assert value == eval(comment)
            values += 1
    assert values == 3
