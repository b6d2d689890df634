"""Time and randomness, replaceable in tests."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable

import attrs

__all__ = ["Clock"]


async def _async_sleep(seconds: float) -> None:
    import anyio  # loaded by httpx, and only needed by async clients

    await anyio.sleep(seconds)


@attrs.frozen
class Clock:
    """Sources of time and randomness, and the functions that sleep."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    random: Callable[[], float] = random.random
    sleep: Callable[[float], object] = time.sleep
    async_sleep: Callable[[float], Awaitable[object]] = _async_sleep
