# SPDX-License-Identifier: GPL-2.0-or-later

"""A running domain of a real libvirt as an end. tests.libvirt.live does the same with two suites of Debian.

PYMIG_LIBVIRT_ROOT names a root directory that has libvirt; by default, it is this machine's.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .live import NAMESPACES, REAPS, differences_of_domain

ROOT = Path(os.environ.get("PYMIG_LIBVIRT_ROOT", "/"))
PROGRAMS = ("usr/sbin/libvirtd", "usr/bin/virsh", "usr/bin/qemu-system-x86_64", "usr/bin/python3")
PACKAGES = "libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients python3-libvirt python3-cffi-backend"
LONGEST = 200  # seconds


def has_libvirt():
    """Whether the root has libvirt, and its own Python what pymig needs. A layer over it lacks what else is mounted."""
    if not all((ROOT / program).exists() for program in PROGRAMS) or (ROOT / "usr").stat().st_dev != ROOT.stat().st_dev:
        return False
    words = ["chroot", ROOT, "python3", "-c", "import libvirt_qemu, _cffi_backend"]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to start libvirt in namespaces of its own")
@pytest.mark.skipif(os.geteuid() == 0 and not has_libvirt(), reason=f"optional: apt-get install {PACKAGES}")
def test_a_running_domain(tmp_path):
    out = tmp_path / "out.json"
    command = [*NAMESPACES, *REAPS, sys.executable, "-m", "tests.libvirt.hosts", ROOT, out, "domain"]
    subprocess.run(command, check=True, timeout=LONGEST, cwd=Path(__file__).parents[2])
    seen = json.loads(out.read_text())
    assert differences_of_domain(seen["domain"], seen["qemu"]) == []
