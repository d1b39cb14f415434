# SPDX-License-Identifier: GPL-2.0-or-later

"""Build the Debian packages in a bare Debian 13, check them with lintian, and let autopkgtest use them in another one.

    python -m tests.machines.package

The packages are left in build/debian, the output in build/machines.
Exit status: 0 all passed, 1 something failed, 77 Debian 13 can't be had.
"""

import shutil
import sys

from tests.live.bring import BringError, say
from tests.machines.roots import ROOTS, TREE, unpacked

BUILT = TREE / "build" / "debian"
DEBIAN = ROOTS["debian-13"]

INSTALL = "apt-get install -qq --no-install-recommends"

BUILD = f"""
set -e
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt-get update -qq
{INSTALL} build-essential lintian
cd /root/pymig
apt-get build-dep -qq --no-install-recommends ./
dpkg-buildpackage --unsigned-source --unsigned-changes
lintian --allow-root --fail-on error,warning ../*.changes
mkdir ../built
mv ../pymig_* ../*.deb ../built
"""

USE = f"""
set -e
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt-get update -qq
{INSTALL} autopkgtest
cd /root/built
autopkgtest *.changes -- null
"""


def build() -> bool:
    """Leave the packages in build/debian. Whether all went well."""
    say("package-build", "dpkg-buildpackage and lintian")
    with unpacked("package-build", DEBIAN) as bare:
        if bare.run("sh", "-c", BUILD).returncode:
            return False
        shutil.rmtree(BUILT, ignore_errors=True)
        shutil.copytree(bare.folder / "root/built", BUILT)
    return True


def use() -> bool:
    """Install the packages, and run the tests in debian/tests. Whether all went well."""
    say("package-use", "autopkgtest")
    with unpacked("package-use", DEBIAN) as bare:
        shutil.copytree(BUILT, bare.folder / "root/built")
        return bare.run("sh", "-c", USE).returncode == 0


def main() -> int:
    """The command line."""
    try:
        passed = build() and use()
    except BringError as error:
        say("package", f"{error.outcome}: {error}")
        return error.status
    say("package", "passed" if passed else "failed")
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
