"""A migration that is watched."""

from collections.abc import AsyncIterator, Iterator

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

looks = watch("/run/source.sock", "/run/destination.sock", interval=0.5, still=5, timeout=5)
assert_type(looks, Iterator[Progress])
assert_type(watch_async("localhost:4444"), AsyncIterator[Progress])
for progress in looks:
    assert_type([progress.source, progress.destination], list[str])
    assert_type([progress.transferred, progress.remaining, progress.total], list[int | None])
    assert_type([progress.rate, progress.seconds_left], list[float | None])
    assert_type([progress.moving, progress.finished], list[bool])
    assert_type(progress.events, tuple[tuple[str, str], ...])
    assert_type(progress.explanation, StatusExplanation)
    documents = [progress.to_dict(), progress.explanation.to_dict()]
