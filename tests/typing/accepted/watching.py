# SPDX-License-Identifier: GPL-2.0-or-later

"""A migration that is watched."""

from collections.abc import AsyncGenerator, Generator

from typing_extensions import assert_type

from pymig import MonitorError, Progress, StatusExplanation, explain_status, watch, watch_async

explained = explain_status(
    {"status": "active", "ram": {"transferred": 1}}, {"status": "setup", "run-state": "inmigrate"}
)
explained = explain_status({"status": "completed"}, MonitorError("no answer"))
explained = explain_status(MonitorError("no answer"), None)
assert_type(explained, StatusExplanation)
assert_type([explained.situation, explained.guest, explained.meaning, explained.way_out, explained.never], list[str])
assert_type(explained.guests, tuple[str, ...])

progress = Progress("active", "setup", explained, elapsed=1.5, transferred=1, remaining=2, total=3, rate=0.5)
assert_type([progress.source, progress.destination], list[str])
assert_type(progress.elapsed, float)
assert_type([progress.transferred, progress.remaining, progress.total], list[int | None])
assert_type([progress.rate, progress.seconds_left], list[float | None])
assert_type([progress.moving, progress.finished], list[bool])
assert_type(progress.events, tuple[tuple[str, str], ...])
assert_type(progress.explanation, StatusExplanation)
documents = [progress.to_dict(), progress.explanation.to_dict()]

looks = watch("/nonexistent/source", "/nonexistent/destination", interval=0.5, still=5, timeout=5)
assert_type(looks, Generator[Progress, None, None])
assert_type(watch_async("localhost:4444"), AsyncGenerator[Progress, None])
try:
    for look in looks:
        assert_type(look, Progress)
except MonitorError as error:
    assert_type(str(error), str)
