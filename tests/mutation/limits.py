"""A plugin of pytest: a mutant that makes a test hang is ended by a signal."""

import signal

import pytest

MOST_SECONDS = 60  # the slowest test takes five


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    signal.alarm(MOST_SECONDS)
