"""The server's clock, as its responses tell it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["ServerClock", "epoch"]

#: Seconds that this machine's clock may be ahead of a server that doesn't tell the time.
UNTOLD = 60.0


class ServerClock:
    """Clock of the server, from the `Date` of its last response and this machine's monotonic clock.

    Args:
        ticks: A clock that never goes back.
        wall: The time in seconds since the epoch, used while no response had a `Date`.
    """

    def __init__(
        self, ticks: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._ticks = ticks
        self._wall = wall
        self._told: tuple[float, float] | None = None
        self.asked = False
        """A response came, with a `Date` or without one."""

    def note(self, headers: Mapping[str, str]) -> float:
        """Take the time of a response; return it."""
        self.asked = True
        try:
            told = parsedate_to_datetime(headers["date"]).astimezone(UTC).timestamp()
        except (KeyError, ValueError):
            return self.now()
        self._told = told, self._ticks()
        return told

    def now(self) -> float:
        """Return the server's time."""
        if self._told is None:
            return self._wall() - UNTOLD
        told, tick = self._told
        return told + self._ticks() - tick


def epoch(instant: object) -> float | None:
    """Return an instant of a response in seconds since the epoch."""
    return instant.timestamp() if isinstance(instant, datetime) else None
