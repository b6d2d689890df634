"""What has become of a batch at a given moment. Pure: facts and a time go in, a status comes out.

A batch works through its requests in the order in which they were sent. Request number `p` (from 0) is
done `startup + step * (p + 1)` seconds after the batch was created, and later if it was asked to be slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "ARCHIVED_AFTER",
    "CANCEL_GRACE",
    "EXPIRES_AFTER",
    "Facts",
    "Schedule",
    "Status",
    "done_until",
    "ends_at",
    "schedule",
    "status_at",
    "unfinished_outcome",
]

EXPIRES_AFTER: Final = 24 * 3600.0
ARCHIVED_AFTER: Final = 29 * 24 * 3600.0

CANCEL_GRACE: Final = 5.0
"""When a batch is canceled, a request that needs at most this many seconds more is running, and finishes."""

_STARTUP: Final = 60.0
_STEP: Final = 0.1
_LONGEST: Final = 3600.0

Status = Literal["in_progress", "canceling", "ended"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How fast a batch works, in seconds."""

    startup: float
    step: float


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the course of a batch depends on; times are in seconds since the epoch.

    `work` is how long the batch needs for everything. `looked_at` is only set in an instant sandbox: the
    moment when somebody first looked at the batch, which ends it.
    """

    size: int
    schedule: Schedule
    work: float
    created_at: float
    cancel_at: float | None = None
    looked_at: float | None = None
    instant: bool = False


def schedule(size: int) -> Schedule:
    """The pace of a batch of `size` requests: a minute, and 0.1 s a request, but an hour at most."""
    return Schedule(_STARTUP, min(_STEP, (_LONGEST - _STARTUP) / max(size, 1)))


def ends_at(facts: Facts) -> float | None:
    """When the batch ends, or `None` while an instant sandbox waits for somebody to look."""
    if facts.instant:
        return facts.looked_at
    return facts.created_at + min(facts.work, done_until(facts))


def status_at(facts: Facts, now: float) -> Status:
    end = ends_at(facts)
    if end is not None and now >= end:
        return "ended"
    return "in_progress" if facts.cancel_at is None else "canceling"


def done_until(facts: Facts) -> float:
    """A request counts as done if it needs at most this many seconds after the creation of its batch."""
    if facts.cancel_at is None:
        return EXPIRES_AFTER
    if facts.instant:  # no time passes, so say that half of the batch was running already
        return facts.schedule.startup + facts.schedule.step * (facts.size // 2 + 0.5)
    return min(facts.cancel_at - facts.created_at + CANCEL_GRACE, EXPIRES_AFTER)


def unfinished_outcome(facts: Facts) -> Literal["canceled", "expired"]:
    """What becomes of the requests that are not done when the batch ends."""
    return "expired" if facts.cancel_at is None or done_until(facts) >= EXPIRES_AFTER else "canceled"
