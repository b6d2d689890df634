"""Events of a running job, on stderr."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ._progress import Outlook, Reporter, reporter
from ._spoken import spoken

if TYPE_CHECKING:
    from claude_batches.jobs import Job

__all__ = ["followed", "outlook"]

_logger = logging.getLogger("claude_batches.jobs")


class _Events(logging.Handler):
    """Shows progress at each event that a job logs, in the thread that runs it."""

    def __init__(self, job: Job, shown: Reporter, *, verbose: bool) -> None:
        super().__init__(logging.INFO)
        self._job = job
        self._shown = shown
        self._verbose = verbose

    def emit(self, record: logging.LogRecord) -> None:
        if self._verbose or record.levelno >= logging.WARNING:
            self._shown.say(spoken(_text_of(record)))
        self._shown.show(outlook(self._job))


def _text_of(record: logging.LogRecord) -> str:
    """Return a message with its mappings written out."""
    if not isinstance(record.args, tuple):
        return record.getMessage()
    args = tuple(_written(arg) for arg in record.args)
    return str(record.msg) % args if args else str(record.msg)


def _written(value: object) -> object:
    if not isinstance(value, dict):
        return value
    # The types of its items are not known.
    counts: Any = value  # pyright: ignore[reportUnknownVariableType]
    return ", ".join(f"{name} {count}" for name, count in counts.items())


@contextmanager
def followed(job: Job, *, verbose: bool) -> Generator[Reporter]:
    """Show the progress of a job.

    Args:
        job: The job.
        verbose: True to write each event.
    """
    with reporter() as shown:
        handler = _Events(job, shown, verbose=verbose)
        level, propagate = _logger.level, _logger.propagate
        _logger.addHandler(handler)
        _logger.setLevel(logging.INFO)
        _logger.propagate = False
        try:
            yield shown
        finally:
            _logger.removeHandler(handler)
            _logger.setLevel(level)
            _logger.propagate = propagate


def outlook(job: Job) -> Outlook:
    """Return the batches of a job.

    Args:
        job: The job.
    """
    batches = job.batches()
    return Outlook(batches.ended, batches.open, batches.left)
