# SPDX-License-Identifier: GPL-2.0-or-later

"""virsh migrate as a Plan, and on the command line: what QEMU answers, as virsh shows it."""

import errno
import json

import pytest

from pymig import Context, Endpoint, Flags, Host, LibvirtRefusal, Plan, PostcopySupport, preflight
from pymig.cli import main
from pymig.cli.virsh import shown_by_virsh
from pymig.libvirt import VERSIONS, requests

from .recorded import ENTRIES, domain_of, pair_of

HOST = Host(write_tracking="compatible", postcopy=True)
WITHOUT_USERFAULTFD = Host(postcopy=PostcopySupport(False, 2, errno.EPERM))
REFUSED_BY_QEMU = [
    entry
    for entry in ENTRIES
    if entry["virsh"][1] == "migrate" and any("unable to execute QEMU command" in line for line in entry["error"])
]


def flight_of(entry):
    (libvirt, qemu), (other_libvirt, other_qemu) = pair_of(entry)
    choices = {"libvirt": libvirt, "source": qemu, "destination": other_qemu, "destination_libvirt": other_libvirt}
    plan = Plan.from_virsh(entry["virsh"], **choices, domain=domain_of(entry))
    host = WITHOUT_USERFAULTFD if "userfaultfd" in entry["note"] else HOST
    ends = (Endpoint(Context(release, host), capabilities=["events"]) for release in (qemu, other_qemu))
    return preflight(*ends, plan)


@pytest.mark.parametrize("entry", REFUSED_BY_QEMU, ids=lambda entry: f"{entry['case']}-{entry['libvirt']}")
def test_what_qemu_refuses_is_shown_as_virsh_shows_it(entry):
    assert shown_by_virsh(flight_of(entry)) == entry["error"]


COMPLETED = [entry for entry in ENTRIES if entry["exit"] == 0 and entry["virsh"][1] == "migrate" and entry["side"]]


@pytest.mark.parametrize("entry", COMPLETED, ids=lambda entry: f"{entry['case']}-{entry['libvirt']}-{entry['side']}")
def test_what_completed_is_predicted_to_complete(entry):
    flight = flight_of(entry)
    assert (flight.outcome, flight.ok, shown_by_virsh(flight)) == ("completes", True, [])


def test_how_many():
    assert (len(REFUSED_BY_QEMU), len(COMPLETED)) == (34, 268)


def test_a_plan_is_what_libvirt_sends():
    words = "--live --parallel --parallel-connections 4 --migrateuri tcp://there:5"
    choices = {"libvirt": "11.3", "source": "10.0", "destination": "11.1"}
    plan, sent = Plan.from_virsh(words, **choices), requests(words, **choices)
    for end in ("source", "destination"):
        assert getattr(plan, end).capabilities == getattr(sent, end).capabilities
        assert list(getattr(plan, end).parameters.items()) == list(getattr(sent, end).parameters.items())
    assert (plan.uri, plan.incoming_uri, plan.order) == ("tcp:there:5", "tcp:[::]:5", "destination-first")
    assert (dict(plan.migrate), dict(plan.migrate_incoming)) == ({"resume": False}, {"exit-on-error": False})
    assert (plan.continues, plan.postcopy) == (True, False)
    assert Plan.from_json(plan.to_json()) == plan
    assert Plan.from_virsh(iter(words.split()), **choices) == plan
    assert Plan.from_virsh("--live --postcopy --postcopy-after-precopy").postcopy
    assert Plan.from_virsh(Flags(1)) == Plan.from_virsh(["--live"])


def test_a_resumed_migration_has_no_new_destination():
    from pymig import Domain

    plan = Plan.from_virsh("--live --postcopy --postcopy-resume", domain=Domain(failed_postcopy=True))
    assert (plan.incoming_uri, dict(plan.migrate_incoming), plan.migrate["resume"]) == (None, {}, True)


@pytest.mark.parametrize("words", ["save g file", "--offline --persistent"])
def test_no_migration_is_no_plan(words):
    with pytest.raises(ValueError, match="migrates no running guest"):
        Plan.from_virsh(words)


@pytest.mark.parametrize("version", VERSIONS)
def test_compressed_and_parallel(version):
    """oVirt/vdsm#489: flags 145419. libvirt refuses them from 9.4 on; before, multifd met xbzrle."""
    if tuple(map(int, version.split("."))) >= (9, 4):
        with pytest.raises(LibvirtRefusal, match="No compression algorithm selected for parallel migration"):
            Plan.from_virsh(Flags(145419), libvirt=version)
    else:
        assert Plan.from_virsh(Flags(145419), libvirt=version).source.capabilities["xbzrle"] is True


@pytest.mark.parametrize(
    "words, expected",
    [
        (
            "--live --comp-methods mt --comp-mt-level 10",
            "'migrate-set-parameters': Parameter 'compress_level' expects a value between 0 and 9",
        ),
        ("--live --parallel --comp-methods mt", "'migrate-set-capabilities': Multifd is not compatible with compress"),
    ],
)
def test_what_the_destinations_qemu_refuses_comes_before_the_sources_libvirt(words, expected):
    """As seen from 11.3.0 with QEMU 10.0.13 to 9.0.0 with 7.2.22."""
    choices = {"libvirt": "11.3", "destination_libvirt": "9.0", "source": "10.0", "destination": "7.2"}
    ends = (Endpoint(Context(choices[name], HOST), capabilities=["events"]) for name in ("source", "destination"))
    shown = shown_by_virsh(preflight(*ends, Plan.from_virsh(words, **choices)))
    assert shown == [f"error: internal error: unable to execute QEMU command {expected}"]
    assert "compress" not in requests(words, **choices).source.capabilities


def test_what_the_destinations_qemu_accepts_leaves_the_sources_libvirt_to_refuse():
    choices = {"libvirt": "11.3", "destination_libvirt": "9.0", "source": "10.0", "destination": "7.2"}
    with pytest.raises(LibvirtRefusal, match="Migration option 'compress' is not supported") as caught:
        requests("--live --comp-methods mt --comp-mt-level 9", **choices)
    assert caught.value.stage == "source"


# ---- The command line ----


def run(capsys, *words):
    status = main(["virsh", *words])
    return status, *capsys.readouterr()


def test_a_migration_that_completes(capsys):
    status, out, _ = run(capsys, "migrate", "--live", "--libvirt", "9.0", "--source", "7.2", "--destination=7.2")
    assert status == 0
    assert "destination  migrate-set-capabilities  +late-block-activate +return-path and 9 off" in out
    assert out.endswith("\ncompletes: the guest runs on the destination\n")


def test_own_options_stand_anywhere(capsys):
    own = ["--source", "10.0", "--destination", "10.0", "--json"]
    words = ["migrate", "g", "--live", "--bandwidth", "5", "qemu+ssh://there/system"]
    outs = [run(capsys, *words[:i], *own, *words[i:]) for i in (0, 1, 3, 6)]
    outs.append(run(capsys, *own, "virsh", "-c", "qemu:///system", *words))
    assert len(set(outs)) == 1
    assert json.loads(outs[0][1])["requests"]["source"]["parameters"]["max-bandwidth"] == 5 << 20


def test_refused_by_qemu(capsys):
    words = ["migrate", "--live", "--postcopy", "--parallel", "--source", "10.0", "--destination", "10.0"]
    status, out, _ = run(capsys, *words)
    line = (
        "error: internal error: unable to execute QEMU command 'migrate-set-capabilities': "
        "Postcopy is not yet compatible with multifd"
    )
    assert (status, out.splitlines()[0]) == (1, line)
    assert "pause-before-switchover (" not in out
    assert json.loads(run(capsys, *words, "--json")[1])["shown"] == [line]


def test_refused_by_libvirt(capsys):
    status, out, _ = run(capsys, "migrate", "--live", "--auto-converge-initial", "3")
    assert (status, out.splitlines()[0]) == (1, "error: invalid argument: Turn auto convergence on to tune it")
    assert "libvirt at the source refuses; the destination's QEMU had got commands before" in out
    status, out, _ = run(capsys, "migrate", "--live", "--offline", "--json")
    answer = json.loads(out)
    assert (status, answer["refusal"]["stage"], answer["requests"]) == (
        1,
        "virsh",
        {"source": None, "destination": None},
    )


def test_options_that_virsh_lacks_are_refused_as_virsh_does(capsys):
    status, out, _ = run(capsys, "migrate", "--live", "--warp-speed")
    assert (status, out.splitlines()[0]) == (1, "error: command 'migrate' doesn't support option --warp-speed")
    assert "\x1b" not in run(capsys, "migrate", "--\x1b[31m")[1]


def test_facts_about_the_domain(capsys):
    words = ["migrate", "--live", "--migrateuri", "rdma://there"]
    assert run(capsys, *words)[0] == 1
    assert run(capsys, *words, "--hard-limit")[0] == 0
    assert "Unsafe migration" in run(capsys, "migrate", "--live", "--no-shared-storage")[1]


def test_a_command_besides_migrate(capsys):
    status, out, _ = run(capsys, "save", "g", "image", "--source", "10.0")
    assert (status, out.splitlines()[-1].split()) == (0, ["source", "migrate", "resume=off", "uri=fd:migrate"])
    status, out, _ = run(capsys, "save", "g", "image", "--source", "11.1")
    assert (status, "libvirt/save-fd" in out) == (0, True)
    status, out, _ = run(capsys, "restore", "image", "--libvirt", "11.3", "--source", "11.1")
    assert status == 1
    assert "fd: migration to a file is not supported. Use file: instead." in out
    assert run(capsys, "restore", "image", "--libvirt", "12.1", "--source", "11.1")[0] == 0


@pytest.mark.parametrize(
    "words, text",
    [
        ([], "virsh needs its command"),
        (["migrate", "--libvirt", "8.0"], "libvirt: libvirt 8.0 is not known"),
        (["migrate", "--live", "--source"], "expected one argument"),
        (["list"], "virsh 'list' is not known here"),
    ],
)
def test_wrong_usage(capsys, words, text):
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert text in err


def test_tls_objects_are_libvirts_own(capsys):
    out = run(capsys, "migrate", "--live", "--tls")[1]
    assert "tls-creds=objlibvirt_migrate_tls0 tls-hostname=destination" in out
    assert "unknown  source: tls_objects" not in out
