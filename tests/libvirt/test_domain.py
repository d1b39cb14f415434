# SPDX-License-Identifier: GPL-2.0-or-later

"""libvirt:DOMAIN as an end. Here a module stands in for libvirt-python; tests.libvirt.live asks real libvirts."""

import asyncio
import json
import time
from contextlib import suppress
from pathlib import Path

import pytest

from pymig import Context, Domain, Endpoint, Host, MonitorError, Plan, apply, preflight, watch
from pymig.cli import main
from pymig.ends.domain import DomainMonitor, told_by_libvirt
from pymig.ends.monitors import monitor_at
from pymig.host.place import pid_of_machine
from tests.live.conftest import event_loop
from tests.migration.pair import MACHINE, Qemu, binaries

from .stand_in.libvirt import UUID

STAND_IN = Path(__file__).parent / "stand_in"


@pytest.fixture(autouse=True)
def stand_in(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(STAND_IN)
    monkeypatch.delenv("LIBVIRT_DEFAULT_URI", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture(scope="module")
def qemu(tmp_path_factory):
    with event_loop():
        one = Qemu(binaries()[0], tmp_path_factory.mktemp("qemu"), "g", *MACHINE, "-uuid", UUID)
        try:
            yield one
        finally:
            one.end()


@pytest.fixture
def domain(qemu, monkeypatch):
    monkeypatch.setenv("STAND_IN_QMP", str(qemu.address))
    return qemu


# ---- A QEMU that answers ----


@pytest.mark.live
@pytest.mark.parametrize("address", ["libvirt:g", f"libvirt:{UUID}", "libvirt:qemu+ssh://there/system#g"])
def test_the_same_end_as_over_its_monitor(domain, address):
    host = Host(write_tracking="compatible")
    end = Endpoint.from_qmp(address, host=host)
    assert end == Endpoint.from_qmp(domain.address, host=host)
    assert (end.uuid, end.host, end.machine) == (UUID, host, "pc-q35-7.2")


@pytest.mark.live
def test_in_a_running_event_loop(domain):
    async def both():
        return Endpoint.from_qmp("libvirt:g", host=Host()), await Endpoint.from_qmp_async("libvirt:g", host=Host())

    a, b = asyncio.run(both())
    assert a == b == Endpoint.from_qmp(domain.address, host=Host())


@pytest.mark.live
def test_the_host_is_asked_in_the_place_of_the_process_in_libvirts_file(domain, tmp_path):
    assert Endpoint.from_qmp("libvirt:g").host is None
    folder = tmp_path / "libvirt/qemu/run"
    folder.mkdir(parents=True)
    (folder / "g.pid").write_text(f"{domain.process.pid}\n")
    assert Endpoint.from_qmp("libvirt:g").host.to_json() == Endpoint.from_qmp(domain.address).host.to_json()
    assert Endpoint.from_qmp("libvirt:qemu+ssh://there/session#g").host is None
    assert Endpoint.from_qmp("libvirt:qemu:///system#g").host is None


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "4294967296"])
def test_a_file_without_a_process(text, tmp_path):
    folder = tmp_path / "libvirt/qemu/run"
    folder.mkdir(parents=True)
    (folder / "g.pid").write_text(text)
    with pytest.raises(ValueError, match=r"invalid literal|is no number of a process"):
        pid_of_machine("g", session=True)


@pytest.mark.live
def test_watch(domain):
    (look,) = watch("libvirt:g", "libvirt:g")
    assert (look.source, look.destination, look.finished) == ("none", "none", True)


@pytest.mark.live
def test_the_command_line(domain, capsys):
    assert main(["describe", "libvirt:g"]) == 0
    document = capsys.readouterr().out
    assert Endpoint.from_json(document) == Endpoint.from_qmp("libvirt:g")
    assert main(["preflight", "multifd", "--source", "libvirt:g", "--destination", "libvirt:g", "--json"]) in (0, 1)
    assert json.loads(capsys.readouterr().out)["steps"]
    assert main(["virsh", "migrate", "--live", "--source", "libvirt:g", "--destination", "libvirt:g"]) in (0, 1)
    assert "migrate-incoming" in capsys.readouterr().out
    assert main(["watch", "libvirt:g"]) == 2
    assert "none: the guest runs on the source" in capsys.readouterr().out


@pytest.mark.live
def test_only_what_changes_nothing_is_asked(domain):
    async def ask(command):
        monitor = monitor_at("libvirt:g")
        try:
            await monitor.connect()
            return await monitor.ask(command)
        finally:
            await monitor.close(1)

    assert asyncio.run(ask("query-name")) == {}
    for command in ("stop", "migrate_cancel", "qom-set", "qom-list-properties", "x-query"):
        with pytest.raises(EOFError):
            asyncio.run(ask(command))
    assert domain.runs()


def test_what_libvirt_tells():
    domain = Domain(hard_limit=True, disks={"vda": ()})
    assert told_by_libvirt("libvirt:g") == ("9.0.0", domain)
    with pytest.raises(MonitorError, match="no domain with matching name"):
        told_by_libvirt("libvirt:nobody")


@pytest.mark.live
def test_virsh_takes_what_libvirt_tells(domain, capsys, monkeypatch):
    words = ["virsh", "migrate", "--live", "--source", "libvirt:g", "--destination", "7.2"]
    main([*words, "--json"])
    assert json.loads(capsys.readouterr().out)["requests"]["source"]["commands"][-1]["arguments"]["detach"] is True
    main([*words, "--libvirt", "11.3", "--json"])
    assert "detach" not in json.loads(capsys.readouterr().out)["requests"]["source"]["commands"][-1]["arguments"]
    main([*words, "--migrateuri", "rdma://there"])
    assert "no memory hard limit" not in capsys.readouterr().out
    main([*words, "--copy-storage-all", "--migrate-disks", "vdb"])
    assert "error: invalid argument: disk target vdb not found" in capsys.readouterr().out
    main([*words, "--copy-storage-all", "--fact", "disk=vda:b"])
    assert "libvirt-vda-b" in capsys.readouterr().out
    monkeypatch.setenv("STAND_IN_SNAPSHOTS", "3")
    assert main(words) == 1
    assert "cannot migrate domain with 3 snapshots" in capsys.readouterr().out
    assert main(["virsh", "migrate", "--live", "--comp-zlib-level", "3", "--source", "libvirt:g"]) == 1
    assert "doesn't support option --comp-zlib-level" in capsys.readouterr().out


# ---- What goes wrong ----

SAID = {
    "libvirt:nobody": r".*: libvirt says: Domain not found: no domain with matching name 'nobody'\\x1b\[31m",
    "libvirt:off": "libvirt:off: the domain is not running",
    "libvirt:xen:///system#g": "libvirt:xen:///system#g: libvirt is connected to Xen, not to QEMU",
    "libvirt:qemu+tls://nowhere/system#g": ".*: libvirt says: unable to connect to server at 'qemu.tls://nowhere/system'",
    "libvirt:refuses": "libvirt:refuses: libvirt says: Timed out during operation: cannot acquire state change lock",
    "libvirt:ends": "libvirt:ends does not answer over QMP: the connection to libvirt has ended",
    "libvirt:no-json": "libvirt:no-json does not answer like QEMU",
    "libvirt:no-object": "libvirt:no-object does not answer like QEMU",
    "libvirt:no-return": "libvirt:no-return does not answer like QEMU: KeyError",
    "libvirt:long": "libvirt:long does not answer like QEMU",
}


@pytest.mark.parametrize("address", SAID)
def test_errors(address):
    with pytest.raises(MonitorError, match=f"^{SAID[address]}"):
        Endpoint.from_qmp(address)


@pytest.mark.parametrize(
    "words",
    [
        ["describe", "libvirt:off"],
        ["watch", "libvirt:off"],
        ["virsh", "migrate", "--live", "--destination", "libvirt:off"],
        ["preflight", "multifd", "--source", "libvirt:off", "--destination", "10.0"],
    ],
)
def test_errors_on_the_command_line(words, capsys):
    assert main(words) == 2
    assert capsys.readouterr() == ("", "pymig: libvirt:off: the domain is not running\n")


@pytest.mark.parametrize("address", ["libvirt:hangs", "libvirt:qemu+hangs:///system#g"])
def test_a_hang_ends(address):
    began = time.monotonic()
    with pytest.raises(MonitorError, match=f"^{address.replace('+', '.')} did not answer over QMP within 0.5 seconds"):
        Endpoint.from_qmp(address, timeout=0.5)
    assert time.monotonic() - began < 60  # the call hangs for ten minutes


@pytest.mark.parametrize("name", ["hangs", "off", "ends"])
def test_nothing_is_left(name):
    async def ask():
        monitor = DomainMonitor(f"libvirt:{name}")
        with suppress(MonitorError, EOFError, asyncio.TimeoutError):
            await monitor.connect()
            await asyncio.wait_for(monitor.ask("query-name"), 0.2)
        await monitor.close(0.1)
        return monitor._process

    assert asyncio.run(ask()).returncode is not None


def test_the_default_connection_is_libvirts(monkeypatch):
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "xen:///")
    with pytest.raises(MonitorError, match="is connected to Xen"):
        Endpoint.from_qmp("libvirt:g")


def test_without_the_package(monkeypatch, tmp_path):
    (tmp_path / "libvirt.py").write_text("raise ImportError('no libvirt here')")
    monkeypatch.syspath_prepend(tmp_path)
    remedy = r"pip install 'pymig-qemu\[libvirt\]' \(no libvirt here\)"
    with pytest.raises(MonitorError, match=f"^reading libvirt:g needs the package libvirt-python: {remedy}"):
        Endpoint.from_qmp("libvirt:g")


@pytest.mark.parametrize("address", ["libvirt:", "libvirt:qemu:///system", "libvirt:qemu:///system#"])
def test_no_domain(address, capsys):
    with pytest.raises(ValueError, match=r"^address must be libvirt:DOMAIN or libvirt:URI#DOMAIN, not libvirt:"):
        Endpoint.from_qmp(address)
    assert main(["describe", address]) == 2


def test_libvirt_sets_its_domains_itself(capsys):
    end = Endpoint(Context("10.0"))
    with pytest.raises(ValueError, match=r"^destination must be a monitor's socket; libvirt sets its domains itself"):
        apply(preflight(end, end, Plan(uri="tcp:there:1")), "/nowhere", "libvirt:1")
    assert main(["preflight", "--source", "libvirt:1", "--destination", "10.0", "--apply"]) == 2
    assert "--apply: --source must be a running QEMU's monitor" in capsys.readouterr().err
