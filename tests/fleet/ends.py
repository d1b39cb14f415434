# SPDX-License-Identifier: GPL-2.0-or-later

"""Ends of all kinds."""

import random

from pymig import Context, Endpoint, Host, PostcopySupport, QemuBuild

RAM = {"pc.ram": {"size": 1 << 26, "page_size": 4096, "share": False, "kind": "anonymous"}}
SHARED = {"pc.ram": {"size": 1 << 26, "page_size": 4096, "share": True, "kind": "file", "path": "/dev/shm/ram"}}
MORE = {**RAM, "vga.vram": {"size": 1 << 24}}
UUID = "8b5e4f7a-1b1c-4c3e-9f6d-000000000001"
CLIENT = {"tls0": {"endpoint": "client", "verify_peer": True, "names": []}}
SERVER = {"tls0": {"endpoint": "server", "verify_peer": True, "names": ["host"]}}
NO_DESCRIPTORS = 24  # EMFILE: not found out

HOSTS = (
    None,
    Host(),
    Host("absent", False),
    Host("available", PostcopySupport(False, 2, 1)),
    Host("compatible", PostcopySupport(False, 0, NO_DESCRIPTORS)),
)
BUILDS = (
    *QemuBuild.releases(),
    "10.0.0",
    "rhel-9.3",
    QemuBuild("9.2", zstd=False),
    QemuBuild("8.2", replication=False),
)
CIRCUMSTANCES = (
    {},
    {"incoming": True},
    {"incoming_started": True},
    {"single_channel": True},
    {"rdma": True},
    {"kvm_dirty_ring": True},
    {"parameters": {"multifd-channels": 4}},
)

FACTS = {
    "capabilities": (
        [],
        ["events"],
        ["multifd"],
        ["postcopy-ram"],
        ["validate-uuid"],
        ["return-path", "x-ignore-shared"],
    ),
    "parameters": ({}, {"multifd-channels": 4}, {"tls-creds": "tls0"}, {"tls-creds": ""}, {"max-bandwidth": 1}),
    "machine": ("pc-q35-7.2", "pc-q35-10.0", "pc-i440fx-10.0"),
    "uuid": (None, UUID, UUID.upper(), UUID[:-1] + "2"),
    "ram_blocks": (RAM, SHARED, MORE, dict(reversed(MORE.items())), {}),
    "cpus": (1, 2),
    "cpu_model": (None, "qemu64"),
    "devices": ([], [("virtio-rng-pci", "5")], [("virtio-rng-pci", "5"), ("virtio-net-pci", None)]),
    "tls_objects": ({}, CLIENT, SERVER),
    "block_nodes": ([], ["n0"]),
    "bitmaps": ({}, {"n0": ["b0"]}),
    "blockers": ([], ["a reason"]),
    "paused": (False, True),
    "status": ("none", "completed", "active", "setup", "failed"),
}

TYPICAL = {name: FACTS[name][0] for name in ("machine", "uuid", "ram_blocks", "cpus", "cpu_model", "devices")}


def sixty_ends():
    """Ends each of which differs from a typical one in one thing, and such ends with everything else unknown."""
    yield Endpoint(Context("10.0", Host.local()), **TYPICAL)
    yield from (Endpoint(Context("10.0", host), **TYPICAL) for host in HOSTS)
    yield from (Endpoint(Context(build, Host()), **TYPICAL) for build in BUILDS)
    yield from (Endpoint(Context("10.0", Host(), **more), **TYPICAL) for more in CIRCUMSTANCES[1:])
    yield from (
        Endpoint(Context("10.0", Host()), **{**TYPICAL, name: value})
        for name, values in FACTS.items()
        for value in values[1:]
    )
    yield from (Endpoint(Context(release, Host())) for release in ("7.2", "8.2", "10.0"))


def random_ends(number, seed):
    """Ends with a random value of everything; some facts are unknown."""
    rng = random.Random(seed)
    contexts = [
        Context(rng.choice(BUILDS), rng.choice(HOSTS), **rng.choice(CIRCUMSTANCES[:-1])) for _ in range(number // 3)
    ]
    for _ in range(number):
        facts = {name: rng.choice(values) for name, values in FACTS.items() if rng.random() < 0.7}
        for name in ("status", "blockers", "paused"):
            if rng.random() < 0.8:
                facts.pop(name, None)
        yield Endpoint(rng.choice(contexts), **facts)
