"""Patience: how long failures that pass by themselves are waited out. Decisions only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import random

from .. import (
    AmbiguousCreateError,
    APIConnectionError,
    APIError,
    APIStatusError,
    ClaudeBatchesError,
    ResultsError,
)
from ._causes import Cause, classify

__all__ = ["Patience", "passes", "requested_wait", "stops_the_job"]

#: The longest time in seconds that a server may ask to wait.
_MOST = 600.0


class Patience:
    """Counts failures without a break, of all calls of a job together.

    Args:
        seconds: The maximum duration of the failures.
        pauses: The first and the longest pause after a failure.
        ticks: A clock that never goes back.
    """

    def __init__(self, seconds: float, pauses: tuple[float, float], ticks: Callable[[], float]) -> None:
        self._seconds = seconds
        self._first, self._longest = pauses
        self._ticks = ticks
        self._since: float | None = None
        self._failures = 0

    def succeeded(self) -> None:
        """Note a call that succeeded."""
        self._since = None
        self._failures = 0

    def failed(self, error: ClaudeBatchesError) -> float:
        """Note a failure; return the seconds to wait.

        Raises:
            ClaudeBatchesError: The failure doesn't pass by itself, or they have gone on for too long.
        """
        now = self._ticks()
        if self._since is None:
            self._since = now
        if not passes(error) or now - self._since > self._seconds:
            raise error
        self._failures += 1
        delay = min(self._first * 2.0 ** min(self._failures - 1, 16), self._longest) * (1 - random() / 4)
        return max(delay, requested_wait(error))


def passes(error: ClaudeBatchesError) -> bool:
    """Tell if a failure passes by itself."""
    if isinstance(error, AmbiguousCreateError):
        # The shard is settled by evidence.
        return True
    if isinstance(error, APIError):
        return error.worth_retrying or isinstance(error, APIConnectionError)
    return isinstance(error, ResultsError)


def requested_wait(error: ClaudeBatchesError) -> float:
    """Return the seconds that the server asks to wait."""
    if not isinstance(error, APIStatusError):
        return 0.0
    headers: Mapping[str, str] = error.response.headers
    try:
        return min(max(float(headers.get("retry-after") or 0), 0.0), _MOST)
    except ValueError:
        return 0.0


def stops_the_job(error: APIStatusError) -> bool:
    """Tell if a refusal is about the account: low credit or billing."""
    if error.status_code == 402:
        return True
    result = {"type": "errored", "error": {"type": error.type, "message": error.api_message}}
    return classify(result) is Cause.BILLING
