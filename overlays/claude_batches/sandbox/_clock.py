"""Sandbox time: it starts at the real time, runs faster, and can be advanced by hand."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

__all__ = ["LATEST", "Clock", "rfc3339"]

LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
"""The end of sandbox time. The API's dates end with the year 9999, and a batch has dates up to 29 days ahead."""


class Clock:
    """Sandbox time in seconds since the Unix epoch. It stops at `LATEST`.

    Args:
        speed: Sandbox seconds per real second.
        not_before: The earliest start. A state file remembers its latest time, so a restart never goes back.
        wall: The real time, in seconds since the epoch.
        ticks: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        speed: float,
        *,
        not_before: float = 0.0,
        wall: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.speed = speed
        self._ticks = ticks
        self._lock = threading.Lock()
        self._time = max(wall(), not_before)
        self._tick = ticks()

    def now(self) -> float:
        """Return the sandbox time."""
        with self._lock:
            return self._now()

    def advance(self, seconds: float) -> float:
        """Advance by `seconds` of sandbox time and return the new time.

        Raises:
            ValueError: `seconds` is negative or not finite, or the new time is after `LATEST`.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"sandbox time only moves forward, by a finite number of seconds, not {seconds}")
        with self._lock:
            if self._now() + seconds > LATEST:
                raise ValueError(f"sandbox time ends at {rfc3339(LATEST)}; advance by fewer seconds")
            self._time += seconds
            return self._now()

    def _now(self) -> float:
        return min(self._time + (self._ticks() - self._tick) * self.speed, LATEST)


def rfc3339(seconds: float) -> str:
    """Return a time in the API's format: UTC with microseconds, ending in `Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
