"""Sandbox time: starts at the real time, passes faster, and can be moved on by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["Clock", "rfc3339"]


class Clock:
    """Tells sandbox time in seconds since the Unix epoch.

    Args:
        speed: how many sandbox seconds pass per real second.
        not_before: the sandbox time to go on from, if that is later than the real time. A state file
            remembers it, so that a sandbox that is started again never goes back in time.
        wall: the real time, in seconds since the epoch.
        ticks: a clock that never goes back, in seconds.
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
        with self._lock:
            return self._time + (self._ticks() - self._tick) * self.speed

    def advance(self, seconds: float) -> float:
        """Move on by `seconds` of sandbox time, and tell the new time."""
        if seconds < 0:
            raise ValueError(f"sandbox time only moves forward, not by {seconds} seconds")
        with self._lock:
            self._time += seconds
        return self.now()


def rfc3339(seconds: float) -> str:
    """A time as the API writes it: UTC, with microseconds, ending in `Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
