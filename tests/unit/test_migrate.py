# SPDX-License-Identifier: GPL-2.0-or-later

"""What migrate and migrate-incoming do to a MigrationState; tests/vectors has what they refuse."""

import pytest

from pymig import CapabilityError, Host, KnownFaultWarning, MigrationState, TransportError, TransportTypeError
from pymig._core import ffi, lib
from pymig.release import rows, text

TCP = "tcp:192.0.2.1:4444"


def state_of(release="10.0", incoming=False):
    return MigrationState(release, Host(), incoming=incoming)


def test_a_migration_that_begins():
    state = state_of()
    state.migrate(TCP)
    assert state.status == "setup"
    with pytest.raises(TransportError, match="There's a migration process in progress"):
        state.migrate(TCP)
    state.status = "failed"
    state.migrate(TCP)


def test_after_a_migration():
    state = state_of()
    state.status = "completed"
    with pytest.raises(TransportError, match="paused due to previous migration"):
        state.migrate(TCP)
    state.migrate(TCP, run_state="running")
    assert state.status == "setup"


def test_a_refused_command_changes_nothing():
    state = state_of("9.0")
    state.set_capabilities({"multifd": True})
    for refused in ({"uri": "fd:4"}, {"uri": "nowhere:1"}, {}, {"uri": TCP, "foo": 1}):
        with pytest.raises(TransportError):
            state.migrate(**refused)
        assert state.status == "none"
    with pytest.raises(TransportTypeError, match="Invalid parameter type for 'uri', expected: string") as refusal:
        state.migrate(4)
    assert isinstance(refusal.value, TypeError)


def test_blockers():
    state = state_of()
    with pytest.raises(TransportError, match="the last"):
        state.migrate(TCP, blockers=["the first", "the last"])
    with pytest.raises(TypeError, match="blockers must be a list of str"):
        state.migrate(TCP, blockers="not a list")
    with pytest.raises(TransportError, match="hardware poisoned"):
        state.migrate(TCP, poisoned_memory=True)
    state_of("8.2").migrate(TCP, poisoned_memory=True)


def test_resume():
    state = state_of()
    state.status = "postcopy-paused"
    state.migrate(TCP, resume=True)
    assert state.status == "postcopy-recover"
    state.set_parameters({})
    state = state_of()
    state.set_capabilities({"release-ram": True})
    state.status = "postcopy-paused"
    with pytest.raises(TransportError, match="Postcopy recovery cannot work"):
        state.migrate(TCP, resume=True)


@pytest.mark.parametrize(
    "release, uri, refused", [("8.2", TCP, True), ("8.2", "exec:true", False), ("7.2", TCP, False)]
)
def test_incoming_starts(release, uri, refused):
    state = state_of(release, incoming=True)
    state.set_capabilities({"multifd": True})
    state.set_capabilities({"multifd": False})
    state.migrate_incoming(uri)
    if refused:
        with pytest.raises(CapabilityError, match="Multifd must be set before incoming starts"):
            state.set_capabilities({"multifd": True})
    else:
        state.set_capabilities({"multifd": True})
    with pytest.raises(TransportError, match="already been started"):
        state.migrate_incoming(uri)


def test_a_single_channel_in_7_2():
    state = state_of("7.2", incoming=True)
    state.migrate_incoming("exec:true")
    with pytest.raises(CapabilityError, match="multifd is not supported by current protocol"):
        state.set_capabilities({"multifd": True})


def test_block_migration_switches_the_capability_on():
    state = state_of("8.0")
    state.migrate(TCP, blk=True)
    assert "block" in state.capabilities
    state = MigrationState("8.0", Host(), parameters={"block-incremental": True})
    with pytest.raises(TransportError, match="Command options are incompatible"):
        state.migrate(TCP, inc=True)
    with pytest.raises(TransportError, match="Parameter 'blk' is unexpected"):
        state_of("9.1").migrate(TCP, blk=True)


def test_a_command_that_would_kill_is_warned_of_before_anything_changes():
    state = state_of()
    with pytest.raises(KnownFaultWarning, match="rdma: uri without a port"):
        state.migrate("rdma:x")
    assert state.status == "none"
    with pytest.warns(KnownFaultWarning):
        state.migrate("rdma:x")
    assert state.status == "setup"
    with pytest.raises(KnownFaultWarning, match="cpr_state_save"):
        MigrationState("11.1", Host(), parameters={"mode": "cpr-transfer"}).migrate(TCP)


def test_transports():
    names = [text(name) for name in rows(lib.migration_transport_name)]
    assert names == ["tcp", "unix", "vsock", "fd", "exec", "file", "rdma"]
    old, new = (ffi.new("QemuBuild *", {"release": release}) for release in (lib.QEMU_8_1, lib.QEMU_8_2))
    for i, name in enumerate(names):
        assert lib.migration_transport_of_uri(new, f"{name}:x".encode()) == i
        assert lib.migration_transport_of_uri(old, f"{name}:x".encode()) == (i if name != "file" else -2)
        assert lib.migration_transport_of_uri(new, name.encode()) == -2
