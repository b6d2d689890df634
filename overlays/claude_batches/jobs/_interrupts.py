"""Ctrl-C: once to stop after the current step, twice to stop at once."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Interrupts"]

_NOTICE = (
    "\nStopping after the current step; Ctrl-C again stops at once. "
    "Nothing is canceled: run the job again to continue.\n"
)


class Interrupts:
    """Listens for Ctrl-C while a job runs, in the main thread; elsewhere it does nothing."""

    def __init__(self) -> None:
        self.asked = False
        """Ctrl-C came."""
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._first)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _first(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        sys.stderr.write(_NOTICE)
