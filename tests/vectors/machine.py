# SPDX-License-Identifier: GPL-2.0-or-later

"""Starts a QEMU binary in the circumstances that a recording's context tells of."""

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from pymig import Host
from tests.live.conftest import live_qemu

ROOT = Path(__file__).parents[2]

ACCELERATORS = {"emulated": ("-accel", "tcg", "-accel", "qtest")}
TRANSPORTS = {"unix": "unix:DIR/incoming", "exec": "exec:cat DIR/fifo"}

# The kernel kills what follows when this process, $0, ends; if it has ended already, nothing is started.
ENDING_WITH = ("setpriv", "--pdeathsig", "KILL", "sh", "-c", '[ $PPID = $0 ] && exec "$@"')
WITHOUT_USERFAULTFD = (
    "env",
    f"PYTHONPATH={ROOT}",
    sys.executable,
    "-m",
    "tests.vectors.unprivileged",
    "DIR/unreadable",
)

IN_MEMORY = ("tmpfs", "ramfs", "hugetlbfs")


class Machine:
    """This machine, with a folder for what a QEMU needs: DIR in a recording."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder
        self.file_system = subprocess.check_output(["stat", "-f", "-c", "%T", folder], text=True).strip()
        host = Host.local()
        self.has_userfaultfd = host.write_tracking == "compatible" and bool(host.postcopy)

    def obstacle(self, context):
        """Why the context can't be had on this machine, None if it can."""
        if os.geteuid() != 0:
            return "needs root"
        if context.host == "full" and not self.has_userfaultfd:
            return "needs userfaultfd, which root does not have here"
        if "DIR" in context.memory and self.file_system in IN_MEMORY:
            return f"needs a file on a disk, and {self.folder} is on {self.file_system}"
        return None

    def qemu(self, context):
        """A QEMU in these circumstances. It ends with this process, however that ends."""
        accelerator = ACCELERATORS.get(context.accel, ("-accel", context.accel))
        memory = ("-object", context.memory, "-machine", "memory-backend=m0")
        side = ("-incoming", "defer") if context.incoming else ()
        user = WITHOUT_USERFAULTFD if context.host == "no-userfaultfd" else ()
        command = (*user, *ENDING_WITH, str(os.getpid()), self.binary)
        return live_qemu(*map(self.there, (*accelerator, *memory, *side)), command=map(self.there, command))

    def uri(self, transport):
        """What migrate-incoming is given: it waits for a source, and none comes."""
        return self.there(TRANSPORTS[transport])

    def there(self, text):
        return text.replace("DIR", self.folder)


@contextlib.contextmanager
def machine(binary):
    """The machine, until its folder is removed again. The default is on a disk where /tmp may not be."""
    with tempfile.TemporaryDirectory(prefix="pymig-record-", dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        Path(folder).chmod(0o755)
        Path(folder, "unreadable").touch(mode=0o600)
        fifo = Path(folder, "fifo")
        os.mkfifo(fifo)
        with fifo.open("r+b", buffering=0):  # what reads from it ends when this is closed
            yield Machine(binary, folder)
