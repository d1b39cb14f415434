# SPDX-License-Identifier: GPL-2.0-or-later

"""What a migration is doing, from what both ends answer to query-migrate: where the guest is, and the way out."""

from __future__ import annotations

from _collections_abc import Mapping  # what collections.abc re-exports; that package takes 1 ms to import

from pymig.errors import MonitorError
from pymig.values import Value, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    Answer = Mapping[str, Any] | MonitorError
    Row = tuple[str, str, str, str, str, str, str, str, str]

STATUSES = frozenset(
    {
        "none",
        "setup",
        "cancelling",
        "cancelled",
        "active",
        "postcopy-active",
        "postcopy-device",
        "postcopy-paused",
        "postcopy-recover-setup",
        "postcopy-recover",
        "completed",
        "failing",
        "failed",
        "colo",
        "pre-switchover",
        "device",
        "wait-unplug",
    }
)
"""The statuses of query-migrate in QEMU 7.2 to 11.1. An answer without a status means that there was no migration."""

UNKNOWN_STATUS, NO_ANSWER, NOT_ASKED, STOPPED = "unknown", "no-answer", "not-asked", "stopped"
"""The words of SITUATIONS besides the statuses and run states; "stopped" is every run state but running."""

# ---- The texts that several rows share ----

CANCEL = "Send migrate_cancel to the source. The guest continues to run there."
CANCEL_OR_YANK = (
    'Send migrate_cancel to the source. If the source then stays cancelling, send it yank with {"instances": '
    '[{"type": "migration"}]}, or end the process of the destination. The guest continues to run on the source.'
)
END_COMMAND = (
    "Send migrate_cancel to the source. If it then stays cancelling and the transport is exec:, end the command that "
    "the source runs (yank has no effect there); if the transport is a socket, send yank to the source. The guest "
    "runs again by itself."
)
YANK_OR_KILL = (
    'End the process of the destination, or send {"exec-oob": "yank", "arguments": {"instances": [{"type": '
    '"migration"}]}} over a monitor of the destination that was opened before, with out-of-band commands enabled. '
    "The source becomes failed, and its guest runs."
)
RECOVER = (
    "Send migrate-recover with a new address to the destination, then migrate with that address and resume: true to "
    "the source."
)
TWICE = "Never send cont to the source: QEMU accepts it, and the guest would run twice, on the same disks."
TOO_EARLY = "Never send migrate-start-postcopy before the status of the destination is active: the guest may be lost."
NO_CANCEL = (
    "Never send migrate_cancel to the source after the start of postcopy: QEMU 8.2 aborts, and what 7.2 gives back "
    "with cont is an old state of the guest."
)
NO_POSTCOPY = "Never send migrate-start-postcopy now: the guest may be lost."

# ---- The situations ----

SITUATIONS: tuple[Row, ...] = (
    # situation, source's status, its run state, destination's status, its run state,
    # guests, meaning, way out, never.
    # An empty field matches everything. The first row that matches counts. The places in "guests" are those that the
    # statuses allow, the most likely one first; known run states narrow them down.
    (
        "colo", "colo", "", "", "",
        "both destination nowhere",
        "COLO: the ends run the guest in parallel and compare their output, or one of them has failed.",
        "Send x-colo-lost-heartbeat to the end that is to continue, and end the process of the other one.",
        "Never let both ends continue alone: they write to the same disks.",
    ),
    (
        "both", "", "running", "", "running",
        "both",
        "The guest runs on both ends.",
        "Send stop to the end that is to end, at once; then quit. After a background snapshot, that is the "
        "destination.",
        "Never send cont to the end that was stopped: both write to the same disks.",
    ),
    (
        "not-a-source", "", "inmigrate", "", "",
        "nowhere source destination",
        "The QEMU that was taken for the source waits for an incoming migration itself: it is a destination.",
        "Ask the QEMU that the guest comes from.",
        "",
    ),
    (
        "source-gone", NO_ANSWER, "", "completed", "",
        "destination nowhere both",
        "The destination has loaded the guest. The source does not answer: it has ended, or its monitor hangs.",
        "Make sure that the process of the source has ended. If the guest is paused at the destination, send cont "
        "there.",
        TWICE,
    ),
    (
        "source-lost", NO_ANSWER, "", "postcopy-active postcopy-paused postcopy-recover postcopy-recover-setup", "",
        "destination",
        "The guest runs on the destination, and parts of its memory are still at the source, which does not answer.",
        "If the process of the source still exists, wait for its monitor and recover: " + RECOVER,
        "Never end the process of the source: the guest would be lost.",
    ),
    (
        "source-silent", NO_ANSWER, "", "", "",
        "source nowhere",
        "The source does not answer: it has ended, or its monitor hangs. So where the guest is can't be asked.",
        "Look whether the process of the source exists. If it does, end the process of the destination, unless the "
        "guest runs there, and ask the source again. If it does not, start the guest anew.",
        "Never start the guest anew while the process of the source exists.",
    ),
    (
        "unknown", UNKNOWN_STATUS, "", "", "",
        "source destination nowhere both",
        "The source gives a status that is not known here: a newer QEMU's. The migration counts as running.",
        "Wait, or look this status up in the documentation of that QEMU.",
        "Never send cont to the source as long as the guest may run on the destination.",
    ),
    (
        "none", "none", "", "", "",
        "source nowhere",
        "No migration was started at the source.",
        "Send migrate-incoming to the destination, then migrate to the source.",
        "",
    ),
    (
        "destination-silent", "setup active wait-unplug device pre-switchover failing", "", NO_ANSWER, "",
        "source nowhere",
        "The destination does not answer: it has ended, which the source notices when it next sends something; or its "
        "monitor hangs because multifd channels are missing (fewer at the source than at the destination, or over "
        "unix more).",
        YANK_OR_KILL,
        NO_POSTCOPY,
    ),
    (
        "one-way", "active device cancelling", "finish-migrate", "none setup not-asked", "",
        "nowhere",
        "The guest is stopped, and its last part is sent. If this lasts, the source waits for an answer that can't "
        "come: return-path or postcopy-ram is on, and the transport is a one-way exec:.",
        END_COMMAND,
        NO_POSTCOPY,
    ),
    (
        "cancelling-stopped", "cancelling", "finish-migrate", "", "",
        "nowhere",
        "The migration is being cancelled while the guest is stopped. That takes a moment, unless the other side of "
        "the connection no longer reads or answers.",
        END_COMMAND,
        NO_POSTCOPY,
    ),
    (
        "cancelling", "cancelling", "", "", "",
        "source nowhere",
        "The migration is being cancelled. That takes a moment. It lasts for ever if multifd channels are missing, or "
        "if the destination or an exec'd command no longer reads.",
        'If it lasts, send yank with {"instances": [{"type": "migration"}]} to the source, or end the process of the '
        "destination; with exec:, end the command that the source runs. The guest continues to run on the source.",
        "",
    ),
    (
        "destination-waits", "setup active", "", "none setup", "",
        "source nowhere",
        "The source sends, and the destination has not begun to load. If this lasts, the destination waits for "
        "connections that don't come: multifd is on at the destination only or with more channels there, "
        "postcopy-preempt is on at the destination only (7.2), or TLS is on at one end only.",
        CANCEL_OR_YANK,
        TOO_EARLY,
    ),
    (
        "setup", "setup", "", "", "",
        "source nowhere",
        "The source connects, and prepares. If this lasts, the destination does not accept the connections: multifd "
        "channels are missing, or TLS is on at one end only.",
        CANCEL_OR_YANK,
        TOO_EARLY,
    ),
    (
        "wait-unplug", "wait-unplug", "", "", "",
        "source nowhere",
        "The source waits for the guest to release a failover network device.",
        "Wait for the guest, or give up: " + CANCEL,
        "",
    ),
    (
        "active", "active", "", "", "",
        "source nowhere",
        "The guest's memory is being sent. If nothing moves, an end waits for the other one: multifd is on at the "
        "destination only, switchover-ack has no answer, or TLS is on at one end only; or max-bandwidth is tiny. If "
        "it moves and does not end, the guest writes faster than the source sends.",
        "If it does not converge: a greater max-bandwidth or downtime-limit. To give up: " + CANCEL_OR_YANK,
        TOO_EARLY,
    ),
    (
        "device", "device", "", "", "",
        "nowhere source",
        "The guest is stopped at the source, and the state of its devices is sent. That takes a moment. If it lasts, "
        "the source waits for the destination: over a one-way exec: with return-path, for ever.",
        END_COMMAND,
        NO_POSTCOPY,
    ),
    (
        "pre-switchover", "pre-switchover", "", "", "",
        "nowhere",
        "The guest is stopped at the source, and the source waits, as pause-before-switchover wants it.",
        'Send migrate-continue with {"state": "pre-switchover"} to the source; or migrate_cancel, and the guest runs '
        "there again.",
        NO_POSTCOPY,
    ),
    (
        "failing", "failing", "", "", "",
        "source nowhere",
        "The migration has failed, and the source tidies up. That takes a moment.",
        "Wait until the status is failed.",
        "",
    ),
    (
        "failed-colo", "failed", "", "colo", "",
        "both source",
        "COLO has failed at the source, and the destination continues.",
        "End the process of one end at once.",
        "Never let both ends continue alone: they write to the same disks.",
    ),
    (
        "failed", "failed", "", "", "",
        "source nowhere",
        "The migration has failed. The reason is mostly known to the destination only, on its standard error.",
        "The guest runs on the source; if it is in run state postmigrate there, cont gives it back. Put back the "
        "capabilities and parameters, start a new process as destination, and try again.",
        "",
    ),
    (
        "cancelled", "cancelled", "", "", "",
        "source nowhere",
        "The migration was cancelled.",
        "The guest runs on the source. End the process of the destination: it can't be used again. Put back the "
        "capabilities and parameters before another attempt.",
        "",
    ),
    (
        "completed-snapshot", "completed", "running", "", "",
        "source both",
        "The source has sent everything, and its guest runs: a background snapshot, or cont was sent.",
        "After a background snapshot, leave it so. Otherwise send stop to one end at once.",
        "Never let the destination run as well: both write to the same disks.",
    ),
    (
        "completed-failed", "completed", "", "failed failing cancelled", "",
        "nowhere",
        "The source has sent everything, and the destination could not load it.",
        "Make sure that the destination does not run, then send cont to the source: it gives the guest back.",
        "Never send cont to the source before the process of the destination has failed for certain.",
    ),
    (
        "completed-silent", "completed", "", NO_ANSWER, "",
        "nowhere destination",
        "The source has sent everything. The destination does not answer: it has failed and ended, or was ended, or "
        "its monitor hangs.",
        "If the process of the destination has ended, send cont to the source: it gives the guest back. If it "
        "exists, end it first, or wait for its monitor.",
        "Never send cont to the source while the process of the destination exists: the guest could run twice.",
    ),
    (
        "completed-waits", "completed", "", "none setup", "",
        "nowhere",
        "The source has sent everything, and the destination has not begun to load: the stream is in a file, on its "
        "way, or in the buffers of sockets while the destination waits for connections that don't come: multifd is on "
        "at the destination only or with more channels there, or postcopy-preempt is on at the destination only (7.2).",
        "With file: or exec:, send migrate-incoming to the destination. If it does not begin, or can't load the "
        "stream, end it; cont at the source gives the guest back.",
        "Never send cont to the source once the destination loads the stream.",
    ),
    (
        "completed-loads", "completed", "", "active device", "",
        "nowhere destination",
        "The source has sent everything, and the destination loads the rest.",
        "Wait for the destination. If it fails, cont at the source gives the guest back.",
        "Never send cont to the source before the destination has failed for certain.",
    ),
    (
        "completed-paused", "completed", "", "completed", STOPPED,
        "nowhere",
        "The migration has completed, and the guest is paused at the destination.",
        "Send cont to the destination, and quit to the source.",
        TWICE,
    ),
    (
        "completed", "completed", "", "completed", "",
        "destination nowhere both",
        "The migration has completed.",
        "Send quit to the source.",
        TWICE,
    ),
    (
        "completed-unseen", "completed", "", "", "",
        "destination nowhere",
        "The source has sent everything. Whether the destination could load it is known only there.",
        "Ask the destination. If the guest runs there, send quit to the source. If its process has ended with an "
        "error, cont at the source gives the guest back.",
        TWICE,
    ),
    (
        "postcopy-never-reached", "postcopy-active postcopy-device postcopy-paused", "", "none setup", "",
        "nowhere",
        "Postcopy was started, and the destination has not begun to load: it waits for connections that don't come, "
        "because multifd is on at the destination only.",
        "QEMU 7.2: migrate_cancel, then cont at the source. Later releases: there is no way out.",
        "Never send migrate_cancel to a source 8.2 here: it aborts.",
    ),
    (
        "postcopy-preempt", "postcopy-active postcopy-device", "", "active", "",
        "nowhere",
        "Postcopy was started, and the destination has not entered it. If this lasts, postcopy-preempt is on at the "
        "destination only.",
        "If this lasts, there is no way out: the guest is lost. It must be started anew.",
        "Never send migrate-pause: the source becomes postcopy-paused, and the destination refuses migrate-recover.",
    ),
    (
        "postcopy-failed", "postcopy-active postcopy-paused postcopy-recover-setup postcopy-recover", "",
        "failed failing", "",
        "nowhere",
        "Postcopy was started, and the destination could not load the guest.",
        "There is no way back: the guest is lost. It must be started anew.",
        NO_CANCEL,
    ),
    (
        "postcopy-destination-silent",
        "postcopy-active postcopy-device postcopy-paused postcopy-recover-setup postcopy-recover", "", NO_ANSWER, "",
        "nowhere destination",
        "Postcopy was started, and the destination, which has the guest, does not answer.",
        "If the process of the destination exists, wait for its monitor, and recover: " + RECOVER + " If it has ended, "
        "the guest is lost.",
        NO_CANCEL,
    ),
    (
        "postcopy-device", "postcopy-device", "", "", "",
        "nowhere destination source",
        "Postcopy was started, and the destination loads the state of the devices. That takes a moment.",
        "Wait. If the destination can't load them, the source becomes failed, and its guest runs.",
        NO_CANCEL,
    ),
    (
        "postcopy-active", "postcopy-active", "", "", "",
        "destination nowhere",
        "The guest runs on the destination, and the rest of its memory follows.",
        "Wait. If the network hangs, send migrate-pause to the source, and then recover: " + RECOVER,
        NO_CANCEL,
    ),
    (
        "postcopy-paused", "postcopy-paused", "", "", "",
        "destination nowhere",
        "The connection was lost during postcopy. The guest runs on the destination, and waits for memory that is "
        "still at the source.",
        RECOVER + " If the destination is still postcopy-active, send it migrate-pause first.",
        NO_CANCEL,
    ),
    (
        "postcopy-recover", "postcopy-recover postcopy-recover-setup", "", "", "",
        "destination nowhere",
        "The ends resume postcopy after a lost connection.",
        "Wait. If both become postcopy-paused again: " + RECOVER,
        NO_CANCEL,
    ),
)  # fmt: skip

RUNS = {
    "source": (True, False),
    "destination": (False, True),
    "nowhere": (False, False),
    "both": (True, True),
}
"""Where the guest is: whether it runs at the source, and at the destination."""


class StatusExplanation(Value):
    """What a migration is doing. Immutable.

    Attributes:
        situation: a stable identifier, such as ``"destination-waits"``.
        guest: where the guest most likely runs: ``"source"``, ``"destination"``, ``"nowhere"`` or ``"both"``.
        guests: every place where it may run. Exactly one if the run states of both ends are known.
        meaning: what happens, and what both ends say about it, as text.
        way_out: what to do, as text.
        never: what must not be sent, as text; "" if nothing is dangerous.
    """

    __slots__ = ("guest", "guests", "meaning", "never", "situation", "way_out")

    situation: str
    guest: str
    guests: tuple[str, ...]
    meaning: str
    way_out: str
    never: str

    def __new__(cls, situation: str, guests: tuple[str, ...], meaning: str, way_out: str, never: str = "") -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(situation=situation, guest=guests[0], guests=guests, meaning=meaning, way_out=way_out, never=never)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        names = ("situation", "guest", "guests", "meaning", "way_out", "never")
        return {name: getattr(self, name) for name in names} | {"guests": list(self.guests)}

    def __reduce__(self) -> tuple[object, ...]:
        return (StatusExplanation, (self.situation, self.guests, self.meaning, self.way_out, self.never))


def explain_status(source_answer: Answer, destination_answer: Answer | None = None) -> StatusExplanation:
    """Explains what two ends answer to query-migrate: what happens, where the guest is, and the way out.

    An answer tells one moment. Some situations are normal for a moment and a hang if they last: the texts say so.

    Args:
        source_answer: what the source answers to query-migrate. The run state (``status`` of query-status) may be
            added under the key ``"run-state"``; without it, more places of the guest are possible. A MonitorError
            stands for a monitor that does not answer.
        destination_answer: likewise from the destination; None if it was not asked.

    Raises:
        TypeError: an argument is neither a mapping nor a MonitorError, or its status or run state is no text.

    A status that is not known is the situation ``"unknown"``.
    """
    ends = _read("source_answer", source_answer), _read("destination_answer", destination_answer)
    situation, _, _, _, _, guests, meaning, way_out, never = next(row for row in SITUATIONS if _fits(row, ends))
    said = [*_said("source", source_answer), *_said("destination", destination_answer)]
    runs = _runs(ends[0][1]), _runs(ends[1][1])
    return StatusExplanation(situation, _places(guests.split(), runs), " ".join([meaning, *said]), way_out, never)


def status_of(answer: Answer | None, argument: str = "answer") -> str:
    """The status as SITUATIONS spells it. Raises TypeError."""
    return _read(argument, answer)[0]


def _read(argument: str, answer: object) -> tuple[str, str]:
    """An end's status and run state in the words of SITUATIONS."""
    if answer is None and argument != "source_answer":
        return NOT_ASKED, UNKNOWN_STATUS
    if isinstance(answer, MonitorError):
        return NO_ANSWER, UNKNOWN_STATUS
    if not isinstance(answer, Mapping):
        wrong_type(answer, argument, "a mapping, as query-migrate returns it, or a MonitorError")
    status, run_state = _text(answer, "status", "none", argument), _text(answer, "run-state", UNKNOWN_STATUS, argument)
    return status if status in STATUSES else UNKNOWN_STATUS, run_state


def _text(answer: Mapping[str, Any], key: str, default: str, argument: str) -> str:
    value = answer.get(key, default)
    if not isinstance(value, str):
        wrong_type(value, f"{argument}[{key!r}]", "a string")
    return value


def _fits(row: Row, ends: tuple[tuple[str, str], tuple[str, str]]) -> bool:
    found = (ends[0][0], ends[0][1], ends[1][0], ends[1][1])
    return all(
        not words or not _words(word).isdisjoint(words.split()) for words, word in zip(row[1:5], found, strict=True)
    )


def _words(word: str) -> set[str]:
    """The words of SITUATIONS that stand for a status or a run state."""
    return {word} if word in {"running", UNKNOWN_STATUS} else {word, STOPPED}


def _runs(run_state: str) -> bool | None:
    """Whether the guest runs there; None if that is not known."""
    return None if run_state == UNKNOWN_STATUS else run_state == "running"


def _places(guests: list[str], runs: tuple[bool | None, bool | None]) -> tuple[str, ...]:
    """The places that agree with the run states; if none of those given does, any other place that agrees."""
    agreeing = [
        place
        for place, at in RUNS.items()
        if all(known in {None, there} for known, there in zip(runs, at, strict=True))
    ]
    return tuple(place for place in guests if place in agreeing) or tuple(agreeing)


def _said(end: str, answer: Answer | None) -> list[str]:
    """What an end says itself: the reason of a failure, and what blocks a migration."""
    if isinstance(answer, MonitorError):
        return [f"The {end} gives no answer: {answer}."]
    told = answer or {}
    reason, blockers = told.get("error-desc"), told.get("blocked-reasons") or ()
    said = [f"The {end} says: {reason}."] if reason else []
    return said + ([f"The {end} can't migrate: {'; '.join(map(str, blockers))}."] if blockers else [])
