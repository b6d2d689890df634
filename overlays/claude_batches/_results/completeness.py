"""The number of results that a batch has, and the check that all were read."""

from __future__ import annotations

from typing import Any

from .errors import DuplicateResultsError, ExcessResultsError, IncompleteResultsError
from .seen_lines import SeenLines

__all__ = ["check_complete", "expected_results"]

# Each of these outcomes has a line in the results. `processing` is 0 in a batch that has ended.
_OUTCOMES = ("succeeded", "errored", "canceled", "expired")


def expected_results(request_counts: Any) -> int | None:
    """Return the number of results of an ended batch by its `request_counts`; `None` if a count is unreadable."""
    counts = [getattr(request_counts, outcome, None) for outcome in _OUTCOMES]
    known = [count for count in counts if type(count) is int and count >= 0]
    return sum(known) if len(known) == len(counts) else None


def check_complete(seen: SeenLines, batch_id: str | None, expected: int | None) -> None:
    """Check at the end of the file that all results were read, each once.

    Args:
        seen: The lines that were read.
        batch_id: Id of the batch, for the error.
        expected: Number of results of the batch; `None` if it is unknown.

    Raises:
        IncompleteResultsError: There are fewer results.
        ExcessResultsError: There are more results.
        DuplicateResultsError: All results were read, and some are repeated.
    """
    results = seen.results
    if expected is not None and results < expected:
        raise IncompleteResultsError(batch_id, results, expected, "the file has no more")
    distinct = seen.distinct()
    if expected is not None and distinct < expected:
        reason = f"{results - distinct} of its {results} lines repeat the custom_id of another"
        raise IncompleteResultsError(batch_id, distinct, expected, reason)
    if expected is not None and distinct > expected:
        raise ExcessResultsError(batch_id, distinct, expected)
    if distinct < results:
        raise DuplicateResultsError(batch_id, results - distinct)
