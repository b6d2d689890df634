"""The status of a batch at a given time, as pure functions.

A batch processes its requests in the order in which they were sent. Request number `p` (from 0) is done
`startup + step * (p + 1)` seconds after the creation of the batch, plus its own delay.
"""

from __future__ import annotations

from typing import Final, Literal

from attrs import frozen

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
"""Seconds after a cancel within which running requests still finish."""

_STARTUP: Final = 60.0
_STEP: Final = 0.1
_LONGEST: Final = 3600.0

Status = Literal["in_progress", "canceling", "ended"]


@frozen
class Schedule:
    """The pace of a batch: seconds before the first request, and seconds for each request."""

    startup: float
    step: float


@frozen
class Facts:
    """The facts that decide the status of a batch. Times are in seconds since the epoch.

    Attributes:
        size: The number of requests.
        schedule: The pace.
        work: The seconds that all requests take.
        created_at: The time of creation.
        cancel_at: The time of the first cancel.
        looked_at: In an instant sandbox, the time of the first request about the batch, which ends it.
        instant: True in an instant sandbox.
    """

    size: int
    schedule: Schedule
    work: float
    created_at: float
    cancel_at: float | None = None
    looked_at: float | None = None
    instant: bool = False


def schedule(size: int) -> Schedule:
    """Return the pace of a batch: a minute, and 0.1 s for each request, at most an hour in all."""
    return Schedule(_STARTUP, min(_STEP, (_LONGEST - _STARTUP) / max(size, 1)))


def ends_at(facts: Facts) -> float | None:
    """Return the time of the end, or `None` in an instant sandbox before the first request about the batch."""
    if facts.instant:
        return facts.looked_at
    return facts.created_at + min(facts.work, done_until(facts))


def status_at(facts: Facts, now: float) -> Status:
    """Return the processing status at a time."""
    end = ends_at(facts)
    if end is not None and now >= end:
        return "ended"
    return "in_progress" if facts.cancel_at is None else "canceling"


def done_until(facts: Facts) -> float:
    """Return the seconds after creation within which a request must finish to keep its outcome."""
    if facts.cancel_at is None:
        return EXPIRES_AFTER
    if facts.instant:  # no time passes, so half of the batch counts as done
        return facts.schedule.startup + facts.schedule.step * (facts.size // 2 + 0.5)
    return min(facts.cancel_at - facts.created_at + CANCEL_GRACE, EXPIRES_AFTER)


def unfinished_outcome(facts: Facts) -> Literal["canceled", "expired"]:
    """Return the outcome of the requests that are not done at the end of the batch."""
    return "expired" if facts.cancel_at is None or done_until(facts) >= EXPIRES_AFTER else "canceled"
