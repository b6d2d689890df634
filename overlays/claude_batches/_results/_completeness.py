"""How many results a batch promises, and whether they came."""

from __future__ import annotations

from typing import Any

from ._errors import DuplicateResultsError, IncompleteResultsError
from ._ledger import Ledger

__all__ = ["check_complete", "promised"]

# Counts are kept for these outcomes, and each has its line in the results. `processing` is 0 when a batch has
# ended.
_OUTCOMES = ("succeeded", "errored", "canceled", "expired")


def promised(request_counts: Any) -> int | None:
    """How many results an ended batch has, by its `request_counts`; `None` if they don't say."""
    counts = [getattr(request_counts, outcome, None) for outcome in _OUTCOMES]
    known = [count for count in counts if type(count) is int]
    return sum(known) if known else None


def check_complete(ledger: Ledger, batch_id: str | None, expected: int | None, *, skipped: int = 0) -> None:
    """Check, when all was read, that it was all.

    Args:
        ledger: What was read.
        batch_id: For the error.
        expected: How many results the batch has, where that is known.
        skipped: How many of the lines were bad and passed over. Each stands for a result that its reader did
            without.

    Raises:
        IncompleteResultsError: Fewer results came than the batch has.
        DuplicateResultsError: All came, and some more than once.
    """
    lines = len(ledger)
    if expected is not None and lines < expected:
        raise IncompleteResultsError(batch_id, lines, expected, "the file has no more")
    if skipped:
        return
    distinct = ledger.distinct()
    if expected is not None and distinct < expected:
        reason = f"{lines - distinct} of its {lines} lines repeat the custom_id of another"
        raise IncompleteResultsError(batch_id, distinct, expected, reason)
    if distinct < lines:
        raise DuplicateResultsError(batch_id, lines - distinct)
