# SPDX-License-Identifier: GPL-2.0-or-later

"""Processes for work that takes all cores."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor


def all_cores():
    """A process for each core, made anew: a fork may inherit locks that other threads hold, such as a sanitizer's."""
    return ProcessPoolExecutor(len(os.sched_getaffinity(0)), multiprocessing.get_context("spawn"))
