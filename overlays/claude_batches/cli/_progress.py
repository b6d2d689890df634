"""Progress by ended batches: the API counts no requests before the end of a batch."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from statistics import median

import attrs
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from ._console import stderr

__all__ = ["Outlook", "Reporter", "duration", "reporter"]

#: Seconds after which a batch expires.
LONGEST = 24 * 3600.0
#: Seconds below which an expected time tells nothing.
LEAST = 5.0


@attrs.frozen
class Outlook:
    """The batches of a job, by their times in seconds since the epoch, on the server's clock."""

    ended: Sequence[tuple[float, float]]
    """Creation and end of each batch that has ended."""
    open: Sequence[float]
    """Creation of each batch that has not."""
    waiting: int = 0
    """Batches that were not sent yet."""

    @property
    def total(self) -> int:
        """The number of all batches."""
        return len(self.ended) + len(self.open) + self.waiting

    def now(self, wall: float) -> float:
        """Return the server's time, which is at least that of its latest event.

        Args:
            wall: The time of this machine.
        """
        return max([wall, *self.open, *(end for _, end in self.ended)])

    def expected(self, wall: float) -> float | None:
        """Return the expected seconds until the batches that were sent have ended; `None` if unknown.

        Batches of one job are alike, so those that have ended tell the time of the others.

        Args:
            wall: The time of this machine.
        """
        if not self.open:
            return 0.0
        if not self.ended:
            return None
        usual = median(end - start for start, end in self.ended)
        return max(0.0, max(self.open) + usual - self.now(wall))

    def latest(self, wall: float) -> float:
        """Return the seconds until the last of the sent batches has ended or expired.

        Args:
            wall: The time of this machine.
        """
        return max(0.0, max(self.open) + LONGEST - self.now(wall)) if self.open else 0.0


class _Expected(ProgressColumn):
    """The expected time, counted down."""

    def render(self, task: Task) -> Text:
        """Return the cell."""
        until, limit = task.fields.get("until"), task.fields.get("limit")
        return Text("" if until is None else _left(until - time.monotonic(), limit=bool(limit)))


class Reporter:
    """Shows progress on stderr: a line that changes on a terminal, else a line for each change.

    Args:
        progress: The display of a terminal; `None` elsewhere.
    """

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._task = None if progress is None else progress.add_task("", total=None)
        self._shown = ""
        self._started = time.monotonic()

    def show(self, outlook: Outlook) -> None:
        """Show the state of batches.

        Args:
            outlook: The batches.
        """
        wall = time.time()
        counts = f"{len(outlook.ended)} of {outlook.total} batches ended"
        expected = outlook.expected(wall)
        limit = expected is None
        left = outlook.latest(wall) if expected is None else expected
        if self._progress is not None and self._task is not None:
            self._progress.update(
                self._task,
                total=outlook.total or None,
                completed=len(outlook.ended),
                description=counts,
                until=time.monotonic() + left if outlook.open else None,
                limit=limit,
            )
        elif counts != self._shown:
            self._shown = counts
            told = _left(left, limit=limit) if outlook.open else ""
            elapsed = duration(time.monotonic() - self._started)
            self.say(f"{counts}, {elapsed} elapsed{told and f', {told}'}")

    def say(self, text: str) -> None:
        """Write a line beside the progress.

        Args:
            text: The line.
        """
        console = stderr() if self._progress is None else self._progress.console
        console.print(text, soft_wrap=True, markup=False, highlight=False)


@contextmanager
def reporter() -> Generator[Reporter]:
    """Yield a reporter, and remove its line at the end."""
    console = stderr()
    if not console.is_terminal:
        yield Reporter(None)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        _Expected(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Reporter(progress)


def _left(seconds: float, *, limit: bool) -> str:
    """Return the expected time as text; none where it is over and batches are still open."""
    if seconds < LEAST:
        return ""
    return f"{'at most' if limit else 'about'} {duration(seconds)} left"


def duration(seconds: float) -> str:
    """Return a time as `h:mm:ss`, or `m:ss` below an hour."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
