# SPDX-License-Identifier: GPL-2.0-or-later

"""Versions of libvirt that accept a command and then fail."""

import pickle

import pytest

from pymig.libvirt import known_faults

TLS = "--live --p2p --tunnelled --tls"


def rules(options, libvirt, source="10.0", destination="10.0", **choices):
    return [
        one.rule for one in known_faults(options, libvirt=libvirt, source=source, destination=destination, **choices)
    ]


@pytest.mark.parametrize(
    "options, libvirt, choices, expected",
    [
        (TLS, "9.0", {}, ["libvirt/tunnelled-tls-json"]),
        (TLS, "11.3", {}, ["libvirt/tunnelled-tls-daemon-ends"]),
        (TLS, "12.8", {}, ["libvirt/tunnelled-tls-handshake"]),
        ("--live --tls", "11.3", {}, []),
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
        ("--live", "9.0", {"source": "9.0", "destination": "9.0", "destination_libvirt": "10.2"}, []),
        ("restore image", "12.0", {"source": "11.1"}, ["libvirt/restore-fd"]),
        ("restore image", "12.1", {"source": "11.1"}, []),
        ("restore image", "11.3", {"source": "10.0"}, []),
        ("restore image --parallel-channels 2", "11.3", {"source": "11.1"}, []),
    ],
)
def test_known_faults(options, libvirt, choices, expected):
    assert rules(options, libvirt, **choices) == expected


def test_a_fault_is_a_value():
    fault = known_faults(TLS, libvirt="9.0", source="7.2", destination="7.2")[0]
    assert pickle.loads(pickle.dumps(fault)) == fault
    assert fault.message == "internal error: failed to convert virJSONValue to yajl data"
    assert (fault.severity, fault.end, fault.reference) == ("error", "source", "seen with 9.0.0")
