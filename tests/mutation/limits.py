# SPDX-License-Identifier: GPL-2.0-or-later

"""A plugin of pytest: a mutant that makes a test hang is ended by a signal, sooner if it keeps the processor busy."""

import signal

import pytest

MOST_BUSY_SECONDS = 20  # the slowest test takes five
MOST_SECONDS = 120


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    signal.setitimer(signal.ITIMER_PROF, MOST_BUSY_SECONDS)
    signal.alarm(MOST_SECONDS)
