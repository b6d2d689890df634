"""Polling of a batch until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, cast

import attrs
from claude_batches_api.parameters import Unset
from claude_batches_api.request import Request, RequestOptions, TimeoutLike

from .._errors import (
    APIError,
    BatchWaitTimeoutError,
    CallTimeoutError,
    NotFoundError,
)
from .._http.attempts import fetch
from .._http.decode import decode_response
from .._http.effects import Call, Flow, Sleep
from .._http.prepare import PreparedRequest, prepare
from .._http.session import Session
from .._http.timeouts import Deadline, positive_seconds
from .._logging import logger
from .visibility import Visibility

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["DEFAULT_POLLING", "PollOptions", "Polling", "wait"]


class PollOptions(TypedDict, total=False):
    """Options of each poll of a batch."""

    extra_headers: Mapping[str, str | Unset | None]
    """Headers to add or replace; `None` omits a header of the client."""
    extra_query: Mapping[str, object]
    """Query parameters to add."""
    timeout: float | TimeoutLike | Unset | None
    """Network timeouts of an attempt in seconds; `None` waits forever."""
    max_retries: int
    """Number of retries of a poll before `patience` begins."""


#: Factor between two pauses.
GROWTH = 1.5
#: Random share of a pause, so that programs started together do not poll together.
JITTER = 0.1


def _positive(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    positive_seconds(attribute.name, value)


@attrs.frozen
class Polling:
    """Pace and patience of polling."""

    poll_interval: float = attrs.field(default=2.0, validator=_positive)
    max_poll_interval: float = attrs.field(default=60.0, validator=_positive)
    patience: float = 300.0
    on_poll: Callable[[Any], object] | None = None


DEFAULT_POLLING = Polling()


def wait(
    session: Session,
    batch_id: str,
    *,
    deadline: Deadline,
    polling: Polling,
    request: Request[MessageBatch],
    options: PollOptions,
) -> Flow[MessageBatch]:
    """Poll a batch by a request that retrieves it until it has ended; see `Batches.wait`."""
    visibility = Visibility()
    batch: MessageBatch | None = None
    failing_since: float | None = None
    pause = polling.poll_interval
    while True:
        problem: APIError | None = None
        try:
            prepared = _prepare_poll(session, request, deadline, options)
            batch = decode_response(request, *(yield from fetch(session, prepared)))
        except APIError as error:
            problem = error
        now = session.now()
        if isinstance(problem, NotFoundError) and batch is None:
            if not deadline.passed(now):
                yield from visibility.wait(problem, deadline.left(now))
                continue
        elif problem is not None:
            failing_since = now if failing_since is None else failing_since
            if not _may_pass(problem, deadline, now) or now - failing_since >= polling.patience:
                raise problem
            logger.info("wait: %s; polling again", problem)
        else:
            assert batch is not None
            failing_since = None
            if polling.on_poll is not None:
                yield Call(polling.on_poll, batch)
            if batch.processing_status == "ended":
                return batch
        left = deadline.left(session.now())
        if left is not None and left <= 0:
            raise _timed_out(batch_id, batch, deadline)
        delay = pause * (1 + JITTER * (2 * session.clock.random() - 1))
        yield Sleep(delay if left is None else min(delay, left))
        pause = min(pause * GROWTH, max(polling.max_poll_interval, polling.poll_interval))


def _prepare_poll(
    session: Session, request: Request[Any], deadline: Deadline, options: PollOptions
) -> PreparedRequest:
    """Prepare one poll, which ends with the deadline of the whole wait."""
    # The client's own deadline bounds a call, and here the call is the whole wait.
    prepared = prepare(session, request, cast(RequestOptions, {**options, "deadline": None}))
    return attrs.evolve(prepared, deadline=deadline)


def _may_pass(problem: APIError, deadline: Deadline, now: float) -> bool:
    """Return true for a problem that is likely temporary.

    A batch that was found before and is now not found is such a problem: the API is eventually consistent.
    """
    if isinstance(problem, CallTimeoutError):
        return deadline.passed(now + 0.05)
    return isinstance(problem, NotFoundError) or problem.worth_retrying


def _timed_out(batch_id: str, batch: MessageBatch | None, deadline: Deadline) -> BatchWaitTimeoutError:
    status = f"is {batch.processing_status}" if batch is not None else "could not be retrieved"
    return BatchWaitTimeoutError(
        f"batch {batch_id} has not ended after {deadline.shown()}: it {status}. Processing continues: wait for it "
        "again, or cancel it.",
        batch,
    )
