# SPDX-License-Identifier: GPL-2.0-or-later

"""What libvirt sends, and refuses."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import assert_type

import pymig
from pymig import (
    Domain,
    EndRequests,
    Flags,
    KnownLibvirtFault,
    LibvirtRefusal,
    Plan,
    Preset,
    QemuBuild,
    Requests,
    libvirt,
)

sent = libvirt.requests("--live --postcopy", libvirt="11.3", source="10.0", destination=QemuBuild("10.1"))
assert_type(sent, Requests)
assert_type(sent.source, EndRequests)
assert_type(sent.destination.capabilities, Mapping[str, bool])
assert_type(sent.destination.parameters, Mapping[str, Any])
assert_type(sent.destination.commands, tuple[libvirt.Command, ...])
assert_type(sent.source.reset[0].execute, str)
assert_type((sent.to_dict(), sent.source.to_dict()), tuple[dict[str, Any], dict[str, Any]])

flags = Flags(1 | 1 << 17, {"parallel.connections": 4})
assert_type(flags.number, int)
assert_type(flags.parameters, Mapping[str, Any])
assert_type(flags.names, tuple[str, ...])
assert_type(flags.methods, tuple[str, ...])
assert_type(flags.has("LIVE", "PARALLEL"), bool)
domain = Domain(hard_limit=True, shared_storage=False, failed_postcopy=True)
facts = (domain.hard_limit, domain.shared_storage, domain.failed_postcopy)
domain = Domain(
    disks={"vda": ["backup"], "vdb": ()},
    snapshots=1,
    blockers=["no"],
    io_error=True,
    auto_destroy=True,
    block_job=True,
    invtsc=True,
    dimm=True,
    shmem="m",
    slirp=True,
    virtiofs=True,
    transient_disk=True,
    swtpm=True,
)
assert_type(Domain.from_xml("<domain/>", snapshots=1), Domain)
assert_type(domain.disks, Mapping[str, tuple[str, ...]] | None)
assert_type((domain.snapshots, domain.blockers, domain.shmem), tuple[int, tuple[str, ...], str])
facts = (domain.io_error, domain.auto_destroy, domain.block_job)
facts = (domain.invtsc, domain.dimm, domain.slirp)
facts = (domain.virtiofs, domain.transient_disk, domain.swtpm)
try:
    pymig.libvirt.requests(
        flags, libvirt="9.0", source="7.2", destination="7.2", destination_libvirt=libvirt.VERSIONS[-1], domain=domain
    )
except LibvirtRefusal as refusal:
    assert_type((refusal.message, refusal.shown, refusal.stage), tuple[str, str, str])
    assert_type(refusal.source, EndRequests | None)
    assert_type(refusal.destination, EndRequests | None)

for fault in libvirt.known_faults(["restore", "image"], libvirt="11.3", source="11.1", destination="11.1"):
    assert_type(fault, KnownLibvirtFault)
    told = (fault.rule, fault.severity, fault.end, fault.message, fault.consequence, fault.remedy, fault.reference)
    assert_type(told, tuple[str, str, str, str, str, str, str])

plan = Plan.from_virsh(
    ["--live"], libvirt="11.3", destination_libvirt="9.0", source="7.2", destination=QemuBuild("10.0")
)
assert_type(plan, Plan)
assert_type(Plan.from_virsh(flags, domain=Domain()).continues, bool)

product = Plan.from_preset(
    "kubevirt", version="1.9", libvirt="11.3", source="10.1", destination="10.1", allowPostCopy=True
)
assert_type(product, Plan)
for name, preset in Plan.presets().items():
    assert_type(preset, Preset)
    assert_type((name, preset.name), tuple[str, str])
    assert_type(preset.settings, Mapping[str, object])
    assert_type(preset.meanings, Mapping[str, str])
    assert_type(preset.sources, Mapping[str, tuple[str, str]])
    assert_type(preset.to_dict(), dict[str, Any])
    assert_type(preset.refusals(version="33.0.0", source="10.0", destination=None), Mapping[str, str])
