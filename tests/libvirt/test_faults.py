# SPDX-License-Identifier: GPL-2.0-or-later

"""Versions of libvirt that accept a command and then fail."""

import pickle

import pytest

from pymig.libvirt import known_faults

TLS = "--live --p2p --tunnelled --tls"
COPY = "--live --tls --copy-storage-all"
CRASH, HOSTNAME, VMX = "libvirt/tls-crash", "libvirt/copy-tls-hostname", "libvirt/vmx-features"


def rules(options, libvirt, source="10.0", destination="10.0", **choices):
    return [
        one.rule for one in known_faults(options, libvirt=libvirt, source=source, destination=destination, **choices)
    ]


@pytest.mark.parametrize(
    "options, libvirt, choices, expected",
    [
        (TLS, "9.0", {}, ["libvirt/tunnelled-tls-json", CRASH]),
        (TLS, "11.3", {}, ["libvirt/tunnelled-tls-daemon-ends", CRASH]),
        (TLS, "12.8", {}, ["libvirt/tunnelled-tls-handshake"]),
        ("--live --tls", "11.5", {}, [CRASH]),
        ("--live --tls", "11.6", {}, []),
        ("--live --tls", "11.6", {"destination_libvirt": "11.5"}, []),
        (f"{COPY} --parallel", "9.0", {}, [HOSTNAME, CRASH]),
        (f"{COPY} --parallel", "10.2", {"destination_libvirt": "11.6"}, [HOSTNAME, CRASH]),
        (f"{COPY} --parallel", "10.3", {}, [CRASH]),
        (f"{COPY} --parallel --tls-destination there", "9.0", {}, [CRASH]),
        (f"{COPY} --postcopy", "9.10", {}, [CRASH]),
        (f"{COPY} --postcopy", "10.0", {}, [HOSTNAME, CRASH]),
        (COPY, "10.0", {}, [CRASH]),
        ("--live --copy-storage-all --parallel", "9.0", {}, []),
        ("--live --postcopy", "11.1", {}, []),
        ("--live --postcopy", "11.2", {}, ["libvirt/postcopy-resume-crash"]),
        ("--live --postcopy", "11.3", {"destination_libvirt": "11.4"}, []),
        ("--live --postcopy", "11.4", {"destination_libvirt": "11.3"}, ["libvirt/postcopy-resume-crash"]),
        ("--live", "11.3", {"source": "9.2"}, ["libvirt/extra-feature-ht"]),
        ("--live", "11.10", {"source": "9.2"}, []),
        (
            "--live",
            "9.0",
            {"source": "9.0", "destination": "9.0", "destination_libvirt": "10.1"},
            ["libvirt/vmx-features"],
        ),
        ("--live", "9.9", {"destination_libvirt": "9.10"}, [VMX]),
        ("--live", "10.2", {"destination_libvirt": "10.1"}, [VMX]),
        ("--live", "10.1", {"destination_libvirt": "9.9"}, [VMX]),
        ("--live", "9.10", {"destination_libvirt": "10.1"}, []),
        ("--live", "10.1", {"destination_libvirt": "10.2"}, []),
        ("--live", "9.9", {"destination_libvirt": "9.0"}, []),
        ("--live", "9.0", {"source": "9.0", "destination": "9.0", "destination_libvirt": "10.2"}, []),
        ("restore image", "12.0", {"source": "11.1"}, ["libvirt/restore-fd"]),
        ("restore image", "12.1", {"source": "11.1"}, []),
        ("restore image", "11.3", {"source": "10.0"}, []),
        ("restore image --parallel-channels 2", "11.3", {"source": "11.1"}, []),
        ("save g image", "12.0", {"source": "11.1"}, ["libvirt/save-fd"]),
        ("managedsave g", "9.0", {"source": "11.1"}, ["libvirt/save-fd"]),
        ("save g image", "12.1", {"source": "11.1"}, []),
        ("save g image", "12.0", {"source": "11.0"}, []),
        ("save g image --image-format sparse", "11.3", {"source": "11.1"}, []),
        ("save g image --image-format zstd", "11.3", {"source": "11.1"}, ["libvirt/save-fd"]),
        ("snapshot-create-as g s", "11.2", {}, ["libvirt/internal-snapshot-revert"]),
        ("snapshot-create-as g s", "11.1", {}, []),
        ("snapshot-create-as g s", "11.4", {}, []),
        ("snapshot-create-as g s --disk-only", "11.3", {}, []),
        ("snapshot-create-as g s --memspec file=m", "11.3", {}, []),
    ],
)
def test_known_faults(options, libvirt, choices, expected):
    assert rules(options, libvirt, **choices) == expected


def test_a_fault_is_a_value():
    fault = known_faults(TLS, libvirt="9.0", source="7.2", destination="7.2")[0]
    assert pickle.loads(pickle.dumps(fault)) == fault
    assert fault.message == "internal error: failed to convert virJSONValue to yajl data"
    assert (fault.severity, fault.end, fault.reference) == ("error", "source", "seen with 9.0.0")
