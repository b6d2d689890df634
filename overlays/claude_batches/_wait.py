"""Waiting for a batch to end, without asking too often, and without giving up for a lost connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from claude_batches_api.operations import messages_batches as operations
from claude_batches_api.request import RequestOptions

from ._call import call_of, fetch
from ._config import Config
from ._errors import APIError, BatchWaitTimeoutError, ConfigurationError, NotFoundError
from ._logging import logger
from ._parse import parse
from ._sender import Clock
from ._steps import Run, Sleep, Steps

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["LookOptions", "wait_steps"]


class LookOptions(TypedDict, total=False):
    """What can be said about each look at a batch."""

    extra_headers: Mapping[str, str | None]
    """Headers to add, or to send instead; `None` leaves a header of the client's out."""
    extra_query: Mapping[str, object]
    """Query parameters to add."""
    max_retries: int
    """How often a look is tried again before `patience` begins."""


#: Each pause is this much longer than the one before.
GROWTH = 1.5
#: Pauses differ by up to this share, so that many programs that began together don't ask together.
JITTER = 0.1
#: A batch made a moment ago may not be found for so many seconds.
NOT_FOUND_FOR = 10.0


def wait_steps(
    config: Config,
    clock: Clock,
    batch_id: str,
    *,
    timeout: float | None,
    poll_interval: float,
    max_poll_interval: float,
    patience: float,
    on_poll: Callable[[Any], object] | None,
    workspace_id: str | None,
    options: RequestOptions,
) -> Steps[MessageBatch]:
    """Ask for a batch until it has ended; the arguments are those of `Batches.wait`."""
    if not poll_interval > 0 or not max_poll_interval > 0:
        raise ConfigurationError("poll_interval and max_poll_interval must be more than 0 seconds")
    request = operations.retrieve(batch_id, workspace_id=workspace_id)
    start = clock.monotonic()
    batch: MessageBatch | None = None
    failing_since: float | None = None
    pause = poll_interval
    while True:
        problem: APIError | None = None
        try:
            fetched = yield from fetch(config, clock, call_of(config, clock, request, options))
            batch = parse(request, *fetched)
        except APIError as error:
            problem = error
        now = clock.monotonic()
        if problem is not None:
            failing_since = now if failing_since is None else failing_since
            if not _passes(problem, now - start, now - failing_since, patience, found=batch is not None):
                raise problem
            logger.info("wait: %s; asking again", problem)
        else:
            assert batch is not None
            failing_since = None
            if on_poll is not None:
                yield Run(on_poll, batch)
            if batch.processing_status == "ended":
                return batch
        left = None if timeout is None else timeout - (clock.monotonic() - start)
        if left is not None and left <= 0:
            status = f"is {batch.processing_status}" if batch is not None else "could not be seen"
            raise BatchWaitTimeoutError(
                f"batch {batch_id} has not ended after {timeout:g} s: it {status}. It goes on by itself: "
                "wait for it again, or cancel it.",
                batch,
            )
        delay = pause * (1 + JITTER * (2 * clock.random() - 1))
        yield Sleep(delay if left is None else min(delay, left))
        pause = min(pause * GROWTH, max(max_poll_interval, poll_interval))


def _passes(problem: APIError, waited: float, failing: float, patience: float, *, found: bool) -> bool:
    """Whether a problem is likely to pass by itself."""
    if isinstance(problem, NotFoundError):
        return not found and waited < NOT_FOUND_FOR
    return problem.worth_retrying and failing < patience
