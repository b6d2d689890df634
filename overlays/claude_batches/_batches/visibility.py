"""The policy for a batch that the API does not list yet.

A new batch can answer 404 for some seconds. Every call that takes a batch id waits that out in the same way.
"""

from __future__ import annotations

from .._errors import APIStatusError
from .._http.effects import Flow, Sleep

__all__ = ["Visibility"]

#: Pauses in seconds before asking again for a batch that was not found.
PAUSES = (0.25, 0.5, 1.0, 2.0, 3.0, 3.0)


class Visibility:
    """Waits for a batch, or its results, to become visible. One instance covers one call of the user."""

    def __init__(self) -> None:
        self._pauses = iter(PAUSES)

    def wait(self, error: APIStatusError, left: float | None = None) -> Flow[None]:
        """Sleep before the next attempt.

        Args:
            error: The response that the batch was not found.
            left: Remaining seconds of the call's deadline.

        Raises:
            APIStatusError: The batch was not found for about ten seconds.
        """
        pause = next(self._pauses, None)
        if pause is None or (left is not None and left <= 0):
            raise error
        yield Sleep(pause if left is None else min(pause, left))
