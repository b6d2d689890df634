"""A clock for tests: sleeping takes no time, and is noted."""

from __future__ import annotations

import time
from typing import Any

import anyio.lowlevel


class Sleeps(list[float]):
    """The seconds of each sleep. The clock advances by them, and by the time that really passes.

    Give a client its clock: `Client(_clock=sleeps.clock)`.
    """

    @property
    def clock(self) -> Any:
        """A `Clock` of `claude_batches`, with a random number that is always 0.5."""
        from claude_batches._http.clock import Clock

        return Clock(
            monotonic=self.monotonic,
            now=lambda: time.time() + sum(self),
            random=lambda: 0.5,
            sleep=self.append,
            async_sleep=self._async_sleep,
        )

    def monotonic(self) -> float:
        """Return seconds on the monotonic clock."""
        return time.monotonic() + sum(self)

    async def _async_sleep(self, seconds: float) -> None:
        self.append(seconds)
        await anyio.lowlevel.checkpoint()
