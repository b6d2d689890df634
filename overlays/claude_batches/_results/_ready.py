"""Whether a batch has results to read, and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_batches._errors import APIStatusError

from ._errors import ResultsGoneError, ResultsNotReadyError

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["check_ended", "gone", "results_url"]


def check_ended(batch: MessageBatch) -> None:
    """Check that a batch has results at all: until it ends, its counts promise none, and mean nothing.

    Raises:
        ResultsNotReadyError: It has not ended.
    """
    if batch.processing_status != "ended":
        raise ResultsNotReadyError(batch.id, batch.processing_status)


def results_url(batch: MessageBatch) -> str:
    """Where the results of a batch are.

    Raises:
        ResultsNotReadyError: It has not ended.
        ResultsGoneError: It has ended, and its results are not kept any more.
    """
    check_ended(batch)
    if batch.archived_at is not None:
        raise ResultsGoneError(batch.id, f"the batch was archived at {batch.archived_at}")
    if not batch.results_url:
        raise ResultsGoneError(batch.id, "the batch has ended and has no results_url")
    return batch.results_url


def gone(batch: MessageBatch, error: APIStatusError) -> ResultsGoneError:
    """The error for results that are not found, of a batch that is."""
    said = error.api_message or "not found"
    return ResultsGoneError(batch.id, f"the server answers {error.status_code} ({said})")
