"""A time limit for blocking calls of an HTTP library.

The timeouts of HTTP libraries apply to single reads. A server that sends a byte from time to time, or informational
responses forever, never triggers them. A call with a deadline therefore runs in a thread, and is abandoned when the
deadline passes.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

from .failure import DeadlinePassed

__all__ = ["run_with_deadline"]

T = TypeVar("T")


def run_with_deadline(function: Callable[[], T], seconds: float) -> T:
    """Run a blocking function.

    Raises:
        DeadlinePassed: It did not return in time. It continues in its thread, and a late response is closed there.
    """
    lock = threading.Lock()
    done = threading.Event()
    outcome: list[tuple[T | None, BaseException | None]] = []
    abandoned = False

    def work() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = function()
        except BaseException as raised:  # handed to the caller
            error = raised
        with lock:
            outcome.append((result, error))
            done.set()
            late = abandoned
        close: Any = getattr(result, "close", None)
        if late and callable(close):
            close()

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="claude-batches", daemon=True).start()
    try:
        done.wait(seconds)
    finally:
        with lock:
            abandoned = not outcome
    if not outcome:
        raise DeadlinePassed
    result, error = outcome[0]
    if error is not None:
        raise error
    return cast(T, result)
