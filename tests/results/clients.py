"""Readers to test with: each is read the same way, whether it waits or lets others run."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from claude_batches import AsyncClient, Client
from claude_batches._sender import Clock

from .server import BATCH_ID, ResultsServer


class Sleeps(list[float]):
    """Remembers the waits that nobody waits."""

    def clock(self) -> Clock:
        async def sleep(seconds: float) -> None:
            self.append(seconds)

        return Clock(sleep=self.append, async_sleep=sleep)
