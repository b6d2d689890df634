"""Progress by ended batches: the API counts no requests before the end of a batch."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from statistics import median

import attrs
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from ._console import stderr

__all__ = ["Outlook", "Reporter", "duration", "reporter"]

#: Seconds after which a batch expires.
LONGEST = 24 * 3600.0


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

    def expected(self, now: float) -> float | None:
        """Return the expected seconds until the batches that were sent have ended; `None` if unknown.

        Batches of one job are alike, so those that have ended tell the time of the others.

        Args:
            now: The server's time.
        """
        if not self.open:
            return 0.0
        if not self.ended:
            return None
        usual = median(end - start for start, end in self.ended)
        return max(0.0, max(self.open) + usual - now)

    def latest(self, now: float) -> float:
        """Return the seconds until the last of the sent batches has ended or expired.

        Args:
            now: The server's time.
        """
        return max(0.0, max(self.open, default=now) + LONGEST - now) if self.open else 0.0


class Reporter:
    """Shows progress on stderr: a line that changes on a terminal, else a line for each change.

    Args:
        progress: The display of a terminal; `None` elsewhere.
        quiet: True to show nothing.
    """

    def __init__(self, progress: Progress | None, *, quiet: bool = False) -> None:
        self._progress = progress
        self._task = None if progress is None else progress.add_task("", total=None)
        self._quiet = quiet
        self._shown = ""
        self._started = time.monotonic()

    def show(self, outlook: Outlook, now: float) -> None:
        """Show the state of batches.

        Args:
            outlook: The batches.
            now: The server's time.
        """
        counts = f"{len(outlook.ended)} of {outlook.total} batches ended"
        elapsed = duration(time.monotonic() - self._started)
        expected = outlook.expected(now)
        if not outlook.open:
            left = ""
        elif expected is None:
            left = f", at most {duration(outlook.latest(now))} left"
        else:
            left = f", about {duration(expected)} left"
        if self._progress is not None and self._task is not None:
            self._progress.update(
                self._task,
                total=outlook.total or None,
                completed=len(outlook.ended),
                description=f"{counts}, {elapsed} elapsed{left}",
            )
        elif counts != self._shown and not self._quiet:
            self._shown = counts
            stderr().print(f"{counts}, {elapsed} elapsed{left}", soft_wrap=True)

    def say(self, text: str) -> None:
        """Write a line beside the progress.

        Args:
            text: The line.
        """
        console = stderr() if self._progress is None else self._progress.console
        console.print(text, soft_wrap=True, markup=False, highlight=False)


@contextmanager
def reporter(*, quiet: bool = False) -> Generator[Reporter]:
    """Yield a reporter, and remove its line at the end.

    Args:
        quiet: True to show nothing.
    """
    console = stderr()
    if quiet or not console.is_terminal:
        yield Reporter(None, quiet=quiet)
        return
    columns = (SpinnerColumn(), BarColumn(bar_width=20), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        yield Reporter(progress)


def duration(seconds: float) -> str:
    """Return a time as `h:mm:ss`, or `m:ss` below an hour."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
