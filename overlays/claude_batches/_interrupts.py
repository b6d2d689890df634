"""Ctrl-C: once to stop after the current step, twice to stop at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Interrupts"]


class Interrupts:
    """Listens for Ctrl-C during a step that is not to be cut off, in the main thread; elsewhere it does nothing.

    Args:
        notice: The message for the first Ctrl-C.
        say: Writes it.
        started: False while the step has not started: Ctrl-C stops at once.
    """

    def __init__(self, notice: str, say: Callable[[str], object], *, started: bool = True) -> None:
        self.asked = False
        """Ctrl-C came."""
        self.started = started
        self._notice = notice
        self._say = say
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._received)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _received(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked or not self.started:
            raise KeyboardInterrupt
        self.asked = True
        self._say(f"\n{self._notice}")
