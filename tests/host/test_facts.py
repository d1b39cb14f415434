# SPDX-License-Identifier: GPL-2.0-or-later

"""Facts that travel: the answers from them are the answers on the host itself, for every release."""

import pytest

from pymig import Checker, Host, Memory, QemuBuild, probe

MEMORIES = {
    "anonymous": [Memory()],
    "memfd shared": [Memory("memfd", share=True)],
    "tmpfs and anonymous": [Memory(), Memory("file", path="/dev/shm", share=True)],
    "disk file shared": [Memory("file", path="/usr", share=True, readonly=False)],
    "odd size": [Memory(size=4097)],
    "a hundred blocks": [Memory()] * 100,
}
SETS = [["postcopy-ram"], ["background-snapshot"], ["background-snapshot", "multifd"], ["multifd"]]
OLD = [[], ["x-ignore-shared"], ["postcopy-ram"]]


def answers(host):
    return [
        Checker(QemuBuild(release), host, incoming=incoming).check(new, old).message
        for release in QemuBuild.releases()
        for incoming in (False, True)
        for new in SETS
        for old in OLD
    ]


@pytest.mark.parametrize("memory", MEMORIES)
def test_from_the_facts_as_on_the_host(memory, tmp_path):
    blocks = [
        Memory("file", path=str(tmp_path), share=True) if block.path == "/usr" else block for block in MEMORIES[memory]
    ]
    local = Host.local(blocks)
    expected = answers(local)
    assert answers(Host.from_json(local.to_json())) == expected
    report = probe(blocks)
    assert answers(report.host) == expected
    assert answers(Host.from_json(report.to_json())) == expected
