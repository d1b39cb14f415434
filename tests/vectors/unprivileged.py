# SPDX-License-Identifier: GPL-2.0-or-later

"""Runs a command as a user without userfaultfd: as where the device is root's and vm.unprivileged_userfaultfd is 0.

    python -m tests.vectors.unprivileged UNREADABLE_FILE COMMAND...

The device and the system call are closed to this process alone.
"""

import os
import sys

from tests.conftest import NOBODY
from tests.host import faults

DEVICE = "/dev/userfaultfd"

file, *command = sys.argv[1:]
if os.path.exists(DEVICE):
    faults.cover(DEVICE, file)
faults.refuse(faults.USERFAULTFD, faults.EPERM)
faults.become(NOBODY)
os.execvp(command[0], command)
