# SPDX-License-Identifier: GPL-2.0-or-later

"""QEMU's own state, and what it refuses."""

import warnings
from typing import Any, Literal

from typing_extensions import assert_type

from pymig import (
    AnnounceParameters,
    CapabilityError,
    CapabilitySet,
    Context,
    DeprecatedParameterWarning,
    Host,
    IgnoredParameterWarning,
    KnownFaultWarning,
    MigrationActiveError,
    MigrationError,
    MigrationState,
    QemuBuild,
    RequestTypeError,
    TransportError,
    TransportTypeError,
    Verdict,
)

state = MigrationState(Context("8.0.50", Host(), parameters={"multifd-channels": 4}))
newest = MigrationState(QemuBuild.newest(), Host(), incoming=False, kvm_dirty_ring=True, target_page_size=4096)
assert_type(state, MigrationState)
assert_type(state.context, Context)
assert_type(state.build, QemuBuild)
assert_type(state.host, Host)
assert_type(state.incoming, bool)
assert_type(state.capabilities, CapabilitySet)
assert_type(state.status, str)
state.status = "active"
state.status = "none"

state.set_capability("multifd", True)
state.set_capabilities({"multifd": True, "events": False})
state.set_capabilities([{"capability": "multifd", "state": True}])
assert_type(state.try_set_capabilities({"multifd": True}), Verdict)
assert_type(state.try_set_capabilities([{"capability": "multifd", "state": True}]).ok, bool)
state.set_parameters({"multifd-compression": "zstd", "tls-creds": None, "multifd-channels": 8})

for entry in state.query_capabilities():
    assert_type(entry["capability"], str)
    assert_type(entry["state"], bool)
assert_type({entry["capability"]: entry["state"] for entry in state.query_capabilities()}, dict[str, bool])
assert_type(state.query_parameters(), dict[str, Any])
channels: int = state.query_parameters()["multifd-channels"]

assert_type(
    [
        state.auto_converge,
        state.background_snapshot,
        state.block,
        state.block_incremental,
        state.colo,
        state.compress,
        state.dirty_bitmaps,
        state.events,
        state.ignore_shared,
        state.late_block_activate,
        state.multifd,
        state.pause_before_switchover,
        state.postcopy,
        state.postcopy_blocktime,
        state.postcopy_preempt,
        state.postcopy_ram,
        state.rdma_pin_all,
        state.release_ram,
        state.return_path,
        state.use_tls,
        state.validate_uuid,
        state.xbzrle,
        state.zero_blocks,
        state.zero_copy_send,
        newest.can_snapshot,
        newest.cpu_throttle_tailslow,
        newest.direct_io,
        newest.dirty_limit,
        newest.has_block_bitmap_mapping,
        newest.mapped_ram,
        newest.multifd_flush_after_each_section,
        newest.rdma,
        newest.send_switchover_start,
        newest.switchover_ack,
        newest.tls,
    ],
    list[bool],
)
assert_type(
    [
        state.checkpoint_delay,
        state.compress_level,
        state.compress_threads,
        state.compress_wait_thread,
        state.decompress_threads,
        state.max_cpu_throttle,
        state.max_postcopy_bandwidth,
        state.multifd_channels,
        state.multifd_zlib_level,
        state.multifd_zstd_level,
        state.throttle_trigger_threshold,
        state.xbzrle_cache_size,
        newest.avail_switchover_bandwidth,
        newest.cpu_throttle_increment,
        newest.cpu_throttle_initial,
        newest.downtime_limit,
        newest.max_bandwidth,
        newest.multifd_qatzip_level,
        newest.vcpu_dirty_limit_period,
    ],
    list[int],
)
assert_type([newest.tls_authz, newest.tls_creds, newest.tls_hostname], list[str | None])
assert_type(state.multifd_compression, Literal["none", "zlib", "zstd", "qatzip", "qpl", "uadk"])
assert_type(newest.mode, Literal["normal", "cpr-reboot", "cpr-transfer", "cpr-exec"])
assert_type(newest.zero_page_detection, Literal["none", "legacy", "multifd"])
assert_type(newest.block_bitmap_mapping, list[dict[str, Any]] | None)

announce = state.announce_params
assert_type(announce, AnnounceParameters)
assert_type([announce.initial, announce.max, announce.rounds, announce.step], list[int])

try:
    state.set_capabilities({"compress": True})
except (CapabilityError, MigrationActiveError, RequestTypeError) as refusal:
    assert_type(refusal.message, str)
    assert_type(refusal.hint, str | None)
except MigrationError as error:
    assert_type(error.message, str)

try:
    state.migrate("tcp:192.0.2.1:4444", blockers=["a reason"], run_state="running", detach=True)
    newest.migrate_incoming(channels=[{"channel-type": "main", "addr": {"transport": "exec", "args": ["true"]}}])
except (TransportError, TransportTypeError) as refusal:
    assert_type(refusal.message, str)

for category in (DeprecatedParameterWarning, IgnoredParameterWarning, KnownFaultWarning):
    warnings.simplefilter("default", category)
