"""Waiting, and work that takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

# async only
import anyio

# async only
import anyio.to_thread

__all__ = ["in_thread", "pause"]

T = TypeVar("T")

#: Seconds after which a pause looks for a reason to end.
_SLICE = 0.2


async def in_thread(function: Callable[[], T]) -> T:
    """Run a function that takes long, letting others run."""
    # sync: return function()
    # async only
    return await anyio.to_thread.run_sync(function)


async def pause(seconds: float, ended: Callable[[], bool]) -> None:
    """Wait, or until there is a reason to end."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not ended():  # noqa: ASYNC110  # a signal handler sets no event
        # sync: time.sleep(min(left, _SLICE))
        # async only
        await anyio.sleep(min(left, _SLICE))
