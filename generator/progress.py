"""Progress of a run on the terminal, once it takes longer than a second."""

from __future__ import annotations

import sys
from threading import Lock, Timer
from types import TracebackType
from typing import Self

PATIENCE = 1.0
"""Seconds before the first line."""


class Progress:
    """Prints the current stage of a long run to stderr. Use it in a `with`.

    Args:
        patience: Seconds before the first line. Default: `PATIENCE`.
    """

    def __init__(self, patience: float | None = None) -> None:
        self._timer = Timer(PATIENCE if patience is None else patience, self._begin)
        self._timer.daemon = True
        self._lock = Lock()
        self._speaking = False
        self._step = ""

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def step(self, what: str) -> None:
        """Begin a stage."""
        with self._lock:
            self._step = what
            if self._speaking:
                self._say()

    def _begin(self) -> None:
        with self._lock:
            self._speaking = True
            self._say()

    def _say(self) -> None:
        if self._step:
            print(f"{self._step} ...", file=sys.stderr, flush=True)
