# SPDX-License-Identifier: GPL-2.0-or-later

"""Endpoint, Plan and preflight() as values and as calls; tests/migration compares predictions with real migrations."""

import copy
import json
import pickle
import warnings

import pytest

from pymig import (
    UNKNOWN,
    Change,
    Context,
    Endpoint,
    Host,
    Plan,
    PostcopySupport,
    Preflight,
    Settings,
    UnknownType,
    preflight,
)

AUTHZ = "set-parameters/tls-authz-null"
TCP = "tcp:192.0.2.1:4444"
KNOWN = {
    "capabilities": ["events"],
    "parameters": {"multifd-channels": 4},
    "machine": "pc-q35-10.0",
    "uuid": None,
    "ram_blocks": {"pc.ram": {"size": 1 << 26, "page_size": 4096, "share": False, "kind": "anonymous"}},
    "cpus": 1,
    "cpu_model": None,
    "devices": [("virtio-rng-pci", "5")],
    "tls_objects": {"tls0": {"endpoint": "client", "verify_peer": True, "names": []}},
    "block_nodes": ["n0"],
    "bitmaps": {"n0": ["b0"]},
    "blockers": ["a reason"],
    "paused": True,
    "status": "failed",
}
SAME = {name: KNOWN[name] for name in ("machine", "uuid", "ram_blocks", "cpus", "cpu_model", "devices")}


def end(release="10.0", host=Host(), **facts):  # noqa: B008 - immutable
    return Endpoint(Context(release, host), **{**SAME, **facts})


def rules(flight):
    return [finding.rule for finding in flight.findings]


class TestEndpoint:
    def test_it_is_a_value(self):
        one = Endpoint(Context("10.0", Host()), **KNOWN)
        assert one == copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == Endpoint.from_json(one.to_json())
        assert hash(one) == hash(Endpoint.from_json(one.to_json()))
        assert one != one.replace(machine="pc-q35-9.2")
        assert eval(repr(one), {**globals(), "QemuBuild": __import__("pymig").QemuBuild}) == one
        with pytest.raises(AttributeError, match="immutable"):
            one.machine = "pc"

    def test_what_is_unknown_stays_so(self):
        one = Endpoint(Context("10.0"))
        assert one.machine is one.uuid is one.bitmaps is UNKNOWN
        assert Endpoint.from_json(one.to_json()).machine is pickle.loads(pickle.dumps(one)).machine is UNKNOWN
        assert "machine" not in json.loads(one.to_json())
        assert one.replace(uuid=None).uuid is None
        assert (repr(UNKNOWN), bool(UNKNOWN), type(UNKNOWN)) == ("UNKNOWN", False, UnknownType)

    def test_unknown_fields_of_a_document_are_kept(self):
        document = {**json.loads(Endpoint(Context("10.0")).to_json()), "version": "1.9", "more": [1]}
        assert json.loads(Endpoint.from_json(json.dumps(document)).to_json()) == document

    @pytest.mark.parametrize(
        "document, says",
        [
            ({"schema": "pymig-host", "version": "1.0"}, "no such document"),
            ({"schema": "pymig-endpoint", "version": "2.0"}, "use a newer pymig"),
            ({"schema": "pymig-endpoint", "version": "1.0"}, "lacks the field 'context'"),
        ],
    )
    def test_documents_that_are_none(self, document, says):
        with pytest.raises(ValueError, match=says):
            Endpoint.from_json(json.dumps(document))

    @pytest.mark.parametrize(
        "facts, error, says",
        [
            ({"context": "10.0"}, TypeError, "context must be a Context"),
            ({"machine": 3}, TypeError, "machine must be a str"),
            ({"uuid": 3}, TypeError, "uuid must be a str"),
            ({"cpus": "1"}, TypeError, "cpus must be an int"),
            ({"cpus": True}, TypeError, "cpus must be an int"),
            ({"cpus": 0}, ValueError, "cpus must be at least 1"),
            ({"parameters": [1]}, TypeError, "parameters must be a mapping"),
            ({"parameters": {1: 2}}, TypeError, "parameters must be a mapping with str keys"),
            ({"ram_blocks": {"a": {"sise": 1}}}, ValueError, "has no key 'sise'"),
            ({"ram_blocks": {"a": {"kind": "ram"}}}, ValueError, "kind must be one of anonymous, memfd, file"),
            ({"ram_blocks": {"a": {"size": "1"}}}, TypeError, "size"),
            ({"tls_objects": {"a": {"endpoint": "x"}}}, ValueError, "endpoint must be client or server"),
            ({"tls_objects": {"a": {"kind": "x"}}}, ValueError, "kind must be x509 or psk or anon"),
            ({"devices": "virtio"}, TypeError, "devices must be a list"),
            ({"devices": [("virtio",)]}, TypeError, "devices must be a list"),
            ({"bitmaps": {"n": "b"}}, TypeError, "must be a list of str"),
            ({"blockers": "x"}, TypeError, "blockers must be a list of str"),
            ({"blockers": [1]}, TypeError, "blockers must be a list of str"),
            ({"paused": 1}, TypeError, "paused must be a bool"),
        ],
    )
    def test_wrong_arguments(self, facts, error, says):
        with pytest.raises(error, match=says):
            Endpoint(**{"context": Context("10.0"), **facts})


class TestPlan:
    def test_it_is_a_value(self):
        plan = Plan(
            {"multifd": True, "events": False},
            {"multifd-channels": 4},
            uri=TCP,
            incoming_uri="tcp::4444",
            postcopy=True,
            migrate={"resume": True},
            migrate_incoming={"exit-on-error": True},
            order="destination-first",
        )
        assert plan == pickle.loads(pickle.dumps(plan)) == Plan.from_json(plan.to_json()) == eval(repr(plan))
        assert hash(plan) == hash(Plan.from_json(plan.to_json()))
        assert plan.source == Settings({"multifd": True, "events": False}, {"multifd-channels": 4})

    def test_each_end_gets_what_it_needs(self):
        wanted = ("xbzrle", "multifd", "late-block-activate", "return-path")
        plan = Plan(wanted, {"multifd-channels": 4, "max-bandwidth": 1, "announce-max": 2, "tls-hostname": "h"})
        assert list(plan.source.capabilities) == ["xbzrle", "multifd", "return-path"]
        assert list(plan.destination.capabilities) == ["multifd", "late-block-activate", "return-path"]
        assert list(plan.source.parameters) == ["multifd-channels", "max-bandwidth", "tls-hostname"]
        assert list(plan.destination.parameters) == ["multifd-channels", "announce-max"]
        assert Plan(wanted, source={"capabilities": ["events"]}).source == Settings(["events"])

    @pytest.mark.parametrize(
        "arguments, error, says",
        [
            ({"capabilities": "multifd"}, TypeError, "capabilities must be names"),
            ({"capabilities": [1]}, TypeError, "a name in capabilities must be a str"),
            ({"capabilities": {"multifd": 1}}, TypeError, "must be a bool"),
            ({"parameters": []}, TypeError, "parameters must be a mapping"),
            ({"uri": 3}, TypeError, "uri must be a str"),
            ({"source": {"capability": []}}, ValueError, "source has no key 'capability'"),
            ({"postcopy": 1}, TypeError, "postcopy must be a bool"),
            ({"migrate": {1: 2}}, TypeError, "a name in migrate must be a str"),
            ({"order": "x"}, ValueError, "order must be one of source-first"),
        ],
    )
    def test_wrong_arguments(self, arguments, error, says):
        with pytest.raises(error, match=says):
            Plan(**arguments)


class TestPreflight:
    def test_a_good_one(self):
        flight = preflight(end(), end(), Plan(["multifd", "return-path"], {"multifd-channels": 4}, uri=TCP))
        assert flight
        assert (flight.outcome, flight.guest, flight.guests) == ("completes", "destination", ("destination",))
        assert [(step.end, step.command, step.answer) for step in flight.steps] == [
            ("source", "migrate-set-capabilities", ""),
            ("source", "migrate-set-parameters", ""),
            ("destination", "migrate-set-capabilities", ""),
            ("destination", "migrate-set-parameters", ""),
            ("destination", "migrate-incoming", ""),
            ("source", "migrate", ""),
        ]
        assert flight.steps[4].arguments == {"uri": TCP, "exit-on-error": False}
        assert flight.findings == ()
        assert [unknown.what for unknown in flight.unknown] == ["address"]
        assert repr(flight) == "<Preflight completes, guest: destination>"
        assert flight == pickle.loads(pickle.dumps(flight))
        assert json.loads(flight.to_json()) == flight.to_dict()

    def test_a_destination_that_is_too_old_to_stay_alive(self):
        flight = preflight(end("9.0"), end("9.0"), Plan(uri=TCP))
        assert flight.steps[0].arguments == {"uri": TCP}

    def test_orders(self):
        def order(plan):
            return [
                (step.end[0], step.command.removeprefix("migrate-")) for step in preflight(end(), end(), plan).steps
            ]

        settings = {"capabilities": ["events"], "uri": TCP}
        assert order(Plan(**settings, order="destination-first"))[0] == ("d", "set-capabilities")
        assert order(Plan(**settings, order="incoming-first"))[:2] == [("d", "set-capabilities"), ("d", "incoming")]
        assert order(Plan(uri="file:/tmp/x")) == [("s", "migrate"), ("d", "incoming")]

    def test_a_refused_command_ends_the_steps(self):
        flight = preflight(end(), end(), Plan(["postcopy-ram", "multifd"], uri=TCP))
        assert (flight.outcome, flight.guest, bool(flight)) == ("refused", "source", False)
        assert [step.answer for step in flight.steps] == ["Postcopy is not yet compatible with multifd"]
        first = flight.findings[0]
        assert (first.rule, first.stage, first.end) == ("migrate-set-capabilities/refused", "set", "source")
        assert Change(off=["multifd"]) in first.changes
        assert first.remedy.startswith("set the capabilities ")
        assert rules(flight).count("migrate-set-capabilities/refused") == 2  # the destination would refuse, too

    def test_what_follows_from_a_refusal_is_not_told(self):
        plan = Plan(["postcopy-ram", "multifd"], uri=TCP)
        flight = preflight(end("10.1"), end("9.2"), plan)  # only 9.2 refuses
        assert rules(flight) == ["migrate-set-capabilities/refused"]
        also_wrong = preflight(end("10.1"), end("9.2", machine="pc-q35-9.2"), plan)
        assert rules(also_wrong) == ["migrate-set-capabilities/refused", "machine"]
        assert {str(change) for change in flight.findings[0].changes} == {"without multifd", "without postcopy-ram"}

    @pytest.mark.parametrize("name, release", [("mapped-ram", "8.2"), ("multfd", "10.0")])
    def test_a_name_that_the_release_lacks(self, name, release):
        flight = preflight(end(release), end(release), Plan([name], uri=TCP))
        assert flight.outcome == "refused"
        assert flight.steps[-1].answer == f"Parameter 'capability' does not accept value '{name}'"

    def test_what_is_set_already_counts(self):
        flight = preflight(end(capabilities=["multifd"]), end(), Plan(uri=TCP))
        assert (flight.outcome, flight.guests) == ("fails", ("source",))
        assert rules(flight) == ["multifd/source-only"]
        assert preflight(end(capabilities=["multifd"]), end(), Plan({"multifd": False}, uri=TCP))

    @pytest.mark.parametrize("machine, outcome", [("pc-q35-7.2", "hangs"), ("pc-q35-8.0", "completes")])
    def test_the_machine_type_decides_without_being_said_of_the_build(self, machine, outcome):
        plan = Plan(["multifd", "postcopy-ram", "postcopy-preempt"], uri=TCP)
        flight = preflight(end("11.1", machine=machine), end("11.1", machine=machine), plan)
        assert flight.outcome == outcome

    @pytest.mark.parametrize(
        "source, destination, guests",
        [
            ({}, {}, ("source", "both")),
            ({"paused": True}, {}, ("nowhere",)),
            ({}, {"paused": True}, ("source",)),
        ],
    )
    def test_a_file_that_is_read_although_the_source_failed(self, source, destination, guests):
        flight = preflight(end(**source), end(**destination), Plan(["return-path"], uri="file:/x"))
        assert (flight.outcome, flight.guest, flight.guests) == ("fails", guests[0], guests)

    def test_a_snapshot_of_a_paused_guest(self):
        flight = preflight(end(paused=True), end(), Plan(["background-snapshot"], uri=TCP))
        assert flight.guests == ("nowhere",)

    def test_a_pause_before_a_way_back_that_is_missing(self):
        names = ["pause-before-switchover", "return-path"]
        exec_ = {"uri": "exec:cat > x", "incoming_uri": "exec:cat x"}
        flight = preflight(end(), end(), Plan(source={"capabilities": names}, **exec_))
        assert (flight.outcome, flight.ok) == ("waits", False)
        assert preflight(end(), end(), Plan(source={"capabilities": names}, continues=True, **exec_)).outcome == "hangs"

    def test_the_words_are_the_destinations(self):
        def message(release):
            other = end(release, machine="pc-q35-9.2")
            return preflight(end(), other, Plan(["return-path"], uri=TCP)).findings[0].message

        words = "Machine type received is 'pc-q35-10.0' and local is 'pc-q35-9.2'"
        assert message("10.0") == words
        assert message("11.1").startswith("load of migration failed: Invalid argument: ")
        assert message("11.1").endswith(words)

    def test_unknowns(self):
        flight = preflight(end(), end(machine=UNKNOWN, cpus=UNKNOWN), Plan(uri=TCP))
        assert flight.outcome == "completes"
        assert ("destination", "machine") in [(unknown.end, unknown.what) for unknown in flight.unknown]
        assert preflight(end(machine=UNKNOWN), end(machine=UNKNOWN), Plan(uri=TCP)).unknown[0].end == "both"

    @pytest.mark.parametrize(
        "names, unknown_at, asked",
        [
            (["postcopy-ram"], "destination", True),
            (["postcopy-ram"], "source", False),
            (["background-snapshot"], "source", True),
            (["background-snapshot"], "destination", False),
            (["multifd"], "source", False),
        ],
    )
    def test_an_unknown_host(self, names, unknown_at, asked):
        ends = {"source": end(), "destination": end(), unknown_at: end(host=None)}
        flight = preflight(ends["source"], ends["destination"], Plan(names, uri=TCP))
        assert ((unknown_at, "host") in [(unknown.end, unknown.what) for unknown in flight.unknown]) == asked

    @pytest.mark.parametrize(
        "destination, devices, told",
        [("10.0", SAME["devices"], False), ("11.1", SAME["devices"], True), ("11.1", [], False)],
    )
    def test_device_states_of_another_release_are_unknown(self, destination, devices, told):
        ends = end("10.0", devices=devices), end(destination, devices=devices)
        unknown = [unknown.what for unknown in preflight(*ends, Plan(uri=TCP)).unknown]
        assert ("device_state" in unknown) == told

    @pytest.mark.parametrize(
        "source, destination, breaks",
        [("8.2", "9.2.0", True), ("8.2", "9.2.1", False), ("8.2", "9.1", False), ("9.0", "9.2.0", False)],
    )
    def test_issue_2720(self, source, destination, breaks):
        flight = preflight(end(source), end(destination), Plan(["multifd"], uri=TCP))
        assert (rules(flight) == ["multifd/sync"]) == breaks
        assert flight.outcome == ("fails" if breaks else "completes")
        assert preflight(end(source), end(destination), Plan(uri=TCP)).ok

    @pytest.mark.parametrize(
        "ends, plan, rule, died, guest",
        [
            (
                ("11.0.0", "11.1"),
                Plan(["zero-copy-send", "multifd"], {"max-bandwidth": 1}, uri=TCP),
                "set-parameters/zero-copy-send",
                "source",
                "nowhere",
            ),
            (("10.0", "10.0"), Plan(uri="rdma:host"), "migrate/rdma-address", "destination", "source"),
            (("7.2.0", "7.2.0"), Plan(source={"parameters": {"tls-authz": None}}, uri=TCP), AUTHZ, "source", "nowhere"),
            (("7.2.7", "7.2.7"), Plan(source={"parameters": {"tls-authz": None}}, uri=TCP), None, None, "destination"),
        ],
    )
    def test_a_command_that_kills_qemu(self, ends, plan, rule, died, guest):
        flight = preflight(*map(end, ends), plan)
        assert flight.guests == (guest,)
        if rule is None:
            assert flight.ok
        else:
            first = flight.findings[0]
            assert (flight.outcome, first.rule, first.end, first.severity) == ("fails", rule, died, "error")
            assert (flight.steps[-1].end, flight.steps[-1].answer) == (died, "")
            assert first.recovers is False

    def test_cpr_transfer_has_no_monitor_before_migrate(self):
        channels = [
            {"channel-type": kind, "addr": {"transport": "socket", "type": "unix", "path": f"/run/{kind}"}}
            for kind in ("main", "cpr")
        ]
        sides = {"source": {"parameters": {"mode": "cpr-transfer"}}, "destination": {"capabilities": ["events"]}}
        plan = Plan(**sides, incoming_uri="unix:/run/main", migrate={"channels": channels})
        flight = preflight(end("10.1", ram_blocks={}), end("10.1", ram_blocks={}), plan)
        assert [(step.end, step.command) for step in flight.steps] == [
            ("source", "migrate-set-parameters"),
            ("source", "migrate"),
            ("destination", "migrate-set-capabilities"),
            ("destination", "migrate-incoming"),
        ]
        assert rules(flight) == ["cpr-transfer/monitor"]
        assert flight.ok
        normal = preflight(end("10.1"), end("10.1"), Plan(destination=sides["destination"], uri=TCP))
        assert [step.command for step in normal.steps][-1] == "migrate"

    def test_an_ignored_parameter(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # they are findings, not warnings
            flight = preflight(end("8.0"), end("8.0"), Plan(parameters={"multifd-zlib-level": 2}, uri=TCP))
        assert [(f.rule, f.severity, f.stage) for f in flight.findings] == [("parameter/ignored", "warning", "set")]
        assert flight.ok

    def test_a_deprecated_parameter(self):
        flight = preflight(end("8.2"), end("8.2"), Plan(parameters={"block-incremental": True}, uri=TCP))
        assert [(f.rule, f.severity) for f in flight.findings] == [("parameter/deprecated", "info")]

    @pytest.mark.parametrize(
        "source, destination, postcopy, races",
        [
            ("11.1", "7.2", True, True),
            ("11.1", "7.2", False, False),
            ("10.0", "7.2", True, False),
            ("11.1", "8.2", True, False),
        ],
    )
    def test_postcopy_to_an_old_destination_is_a_race(self, source, destination, postcopy, races):
        plan = Plan(["postcopy-ram", "return-path"], uri=TCP, postcopy=postcopy)
        flight = preflight(end(source), end(destination), plan)
        assert (flight.outcome, flight.guest, flight.ok) == ("completes", "destination", True)
        assert flight.guests == (("destination", "source") if races else ("destination",))
        assert rules(flight) == (["postcopy/run"] if races else [])

    def test_a_return_path_brings_the_guest_back(self):
        lacking = end(devices=[])
        with_return = preflight(end(), lacking, Plan(["return-path"], uri=TCP))
        without = preflight(end(), lacking, Plan(uri=TCP))
        assert (with_return.guests, without.guests) == (("source",), ("nowhere", "source"))
        assert without.findings[0].message.startswith("Unknown savevm section or instance '5/virtio-rng-pci' 0.")

    def test_postcopy_has_no_way_back(self):
        plan = Plan(["postcopy-ram"], uri=TCP, postcopy=True)
        assert preflight(end(), end(devices=[]), plan).guest == "nowhere"
        assert preflight(end("11.1"), end("11.1", devices=[]), plan).guest == "source"

    def test_what_is_read_later(self):
        plan = Plan(uri="file:/tmp/guest")
        flight = preflight(end(), end(machine="pc-q35-9.2"), plan)
        assert (flight.outcome, flight.guest) == ("fails", "nowhere")
        assert preflight(end(), end("8.1"), plan).steps[-1].answer == "unknown migration protocol: file:/tmp/guest"
        assert preflight(end(), end("8.1"), plan).guest == "nowhere"

    @pytest.mark.parametrize("order", ["source-first", "destination-first", "incoming-first"])
    @pytest.mark.parametrize(
        "address",
        [
            {"transport": "file", "filename": "/tmp/guest", "offset": 0},
            {"transport": "exec", "args": ["/bin/sh", "-c", "cat > /tmp/guest"]},
        ],
    )
    def test_it_is_written_before_it_is_read(self, address, order):
        arguments = {"channels": [{"channel-type": "main", "addr": address}]}
        plan = Plan(["xbzrle"], migrate=arguments, migrate_incoming=arguments, order=order)
        flight = preflight(end(), end(machine="pc-q35-9.2"), plan)
        assert [step.command for step in flight.steps] == ["migrate-set-capabilities", "migrate", "migrate-incoming"]
        assert flight.guest == "nowhere"

    def test_a_snapshot_never_stops_the_source(self):
        flight = preflight(end(), end(), Plan(["background-snapshot"], uri=TCP))
        assert (flight.outcome, flight.guest, bool(flight)) == ("completes", "both", False)

    def test_paused_guests(self):
        assert preflight(end(paused=True), end(), Plan(uri=TCP)).guest == "nowhere"
        assert preflight(end(), end(paused=True), Plan(uri=TCP)).guest == "nowhere"

    def test_nobody_listens(self):
        flight = preflight(end(), None, Plan(uri=TCP))
        assert (flight.outcome, flight.guest, rules(flight)) == ("fails", "source", ["no-destination"])
        assert preflight(end(), None, Plan(uri="nowhere:1")).outcome == "refused"

    def test_the_hosts_count(self):
        unable = Host("absent", PostcopySupport(False, 2, 1))
        plan = Plan(["postcopy-ram"], uri=TCP)
        assert preflight(end(host=unable), end(), plan)
        flight = preflight(end(), end(host=unable), plan)
        assert flight.steps[-1].answer.startswith("Postcopy is not supported: Userfaultfd not available")
        assert flight.steps[-1].end == "destination"

    def test_blockers(self):
        flight = preflight(end(blockers=["one", "two"]), end(), Plan(uri=TCP))
        assert (flight.steps[-1].command, flight.steps[-1].answer) == ("migrate", "two")

    @pytest.mark.parametrize(
        "mapping, rule",
        [
            (None, "dirty-bitmaps/exists"),
            ([{"node-name": "n0", "alias": "a", "bitmaps": [{"name": "b0", "alias": "b0"}]}], "dirty-bitmaps/lost"),
        ],
    )
    def test_bitmaps(self, mapping, rule):
        bitmaps = {"block_nodes": ["n0"], "bitmaps": {"n0": ["b0"]}}
        parameters = {} if mapping is None else {"block-bitmap-mapping": mapping}
        source = {"capabilities": ["dirty-bitmaps"], "parameters": parameters}
        flight = preflight(end(**bitmaps), end(**bitmaps), Plan(source=source, uri=TCP))
        assert rule in rules(flight)
        empty = end(block_nodes=[], bitmaps={})
        assert "dirty-bitmaps/lost" in rules(preflight(end(**bitmaps), empty, Plan(["dirty-bitmaps"], uri=TCP)))

    def test_tls(self):
        def flight(ours, theirs, **parameters):
            ends = (
                end(tls_objects={"t": {"endpoint": ours}}),
                end(tls_objects={"t": {"endpoint": theirs, "names": ["h"]}}),
            )
            return rules(preflight(*ends, Plan((), {"tls-creds": "t", **parameters}, uri="unix:/s")))

        assert flight("client", "server", **{"tls-hostname": "h"}) == []
        assert flight("client", "server", **{"tls-hostname": "other"}) == ["tls/hostname"]
        assert flight("client", "server") == ["tls/no-hostname"]
        assert flight("server", "server", **{"tls-hostname": "h"}) == ["tls/source-endpoint"]
        assert flight("client", "client", **{"tls-hostname": "h"}) == ["tls/destination-endpoint"]
        assert rules(preflight(end(), end(), Plan(source={"parameters": {"tls-creds": "t"}}, uri=TCP))) == [
            "tls/source-only"
        ]

    def test_kinds_of_credentials(self):
        def flight(ours, theirs, authz=""):
            ends = (
                end(tls_objects={"t": {"kind": ours, "endpoint": "client"}}),
                end(tls_objects={"t": {"kind": theirs, "endpoint": "server"}}),
            )
            return preflight(*ends, Plan((), {"tls-creds": "t", "tls-authz": authz}, uri="unix:/s")).findings

        for kind in ("anon", "psk"):
            assert flight(kind, kind) == flight(kind, kind, "none") == ()
        assert [one.rule for one in flight("x509", "x509", "none")] == ["tls/no-hostname", "tls/authz-missing"]
        told = {
            (ours, theirs): [(one.end, one.message) for one in flight(ours, theirs) if one.rule == "tls/kind"]
            for ours in ("anon", "psk", "x509")
            for theirs in ("anon", "psk", "x509")
            if ours != theirs
        }
        no_suite = "TLS handshake failed: No supported cipher suites have been found."
        insufficient = "TLS handshake failed: Insufficient credentials for that request."
        assert told == {
            ("anon", "psk"): [("destination", no_suite)],
            ("anon", "x509"): [("destination", no_suite)],
            ("psk", "anon"): [("destination", insufficient)],
            ("psk", "x509"): [("source", insufficient)],
            ("x509", "anon"): [("destination", insufficient)],
            ("x509", "psk"): [("destination", insufficient)],
        }

    def test_wrong_arguments(self):
        for arguments, says in (
            ((1, end(), Plan()), "source must be an Endpoint"),
            ((end(), 1, Plan()), "destination must be an Endpoint or None"),
            ((end(), end(), 1), "plan must be a Plan"),
        ):
            with pytest.raises(TypeError, match=says):
                preflight(*arguments)

    def test_it_is_a_value(self):
        flight = preflight(end(), end(capabilities=["multifd"]), Plan(["xbzrle"], uri=TCP))
        again = preflight(end(), end(capabilities=["multifd"]), Plan(["xbzrle"], uri=TCP))
        assert flight == again == pickle.loads(pickle.dumps(flight)) == copy.deepcopy(flight)
        assert pickle.loads(pickle.dumps(again)).to_dict() == again.to_dict()
        assert hash(flight) == hash(again)
        assert flight != preflight(end(), end(), Plan(["xbzrle"], uri=TCP))
        assert repr(flight) == "<Preflight hangs, guest: nowhere or source, multifd/destination-only>"

    def test_it_changes_neither_end(self):
        one, other = end(), end()
        before = one.to_json(), other.to_json()
        assert isinstance(preflight(one, other, Plan(["multifd"], uri=TCP)), Preflight)
        assert (one.to_json(), other.to_json()) == before
