"""A batch is never paid for twice: what to do when it is not known whether the server took it.

The server may have taken a batch as soon as the last byte of its body was handed over. From then on, only
an answer that says "not processed" makes it certain that it didn't: any 4xx, 429 above all, or 529. After a
lost connection, a timeout, any other 5xx or an answer that makes no sense, the outcome is unknown, and
sending again could pay twice.

What can be done then is to look: list the batches made since, and see whether one fits.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import attrs
from claude_batches_api.operations import messages_batches as operations
from claude_batches_api.request import Request, RequestOptions

from ._adoption import claim, is_ours
from ._call import USUAL, Call, Fetched, Guard, Problem, call_of, fetch
from ._config import Config
from ._encoding import is_object
from ._errors import (
    AmbiguousCreateError,
    APIError,
    APIResponseValidationError,
    NotFoundError,
)
from ._logging import logger
from ._parse import invalid, parse
from ._sender import Clock
from ._steps import AnyResponse, Sleep, Steps

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["Creation", "FindCandidates", "OnAmbiguous", "candidates"]

OnAmbiguous: TypeAlias = Literal["raise", "reconcile", "retry"]
"""What `create` does when the outcome of sending a batch is unknown."""

FindCandidates: TypeAlias = Callable[[AmbiguousCreateError], Any]

#: How long to wait before each look at the list: a batch made a moment ago may not be on it yet.
LOOKS = (1.0, 2.0, 4.0, 8.0, 15.0)
#: How long to wait before making sure that the one found stays the only one.
SECOND_LOOK = 2.0
#: How long after its answer got lost a batch may still be made: the server may have been busy with it.
LATEST = timedelta(seconds=60)
#: How far a server's clock may be off, where its answers tell the time (by whole seconds), and where they don't.
CLOCK_ERROR, CLOCK_ERROR_UNTOLD = timedelta(seconds=2), timedelta(seconds=60)
#: How many pages of the list are looked through.
MAX_PAGES = 20


@attrs.define
class Creation:
    """One call of `create`: a guard of its retries, and what is done when its outcome is unknown."""

    config: Config
    clock: Clock
    request: Request[MessageBatch]
    options: RequestOptions
    mode: OnAmbiguous
    count: int
    size: int
    ids: array[int]
    error: type[AmbiguousCreateError]
    finder: FindCandidates
    started: float = 0.0
    earliest: float | None = None
    """When the first attempt whose outcome is unknown may have reached the server, in seconds since the epoch."""
    adopted: str | None = None
    """The id of the batch that was adopted."""

    # As a guard

    def attempt(self) -> None:
        """An attempt begins."""
        self.started = self.clock.now()

    def worth_retrying(self, problem: Problem) -> bool:
        """Whether to send again: only what certainly was not taken, unless the user wants it otherwise."""
        if may_be_taken(problem):
            if self.earliest is None:
                sent_at = problem.failure.sent_at if problem.failure is not None else None
                self.earliest = self.started if sent_at is None else sent_at
            if self.mode != "retry":
                return False
        return problem.worth_retrying()

    def final(self, error: APIError, retries_taken: int) -> Exception:
        """The error itself where nothing can have been made, and else one that says that it is unknown."""
        return error if self.earliest is None else self._ambiguous(error, retries_taken)

    def _ambiguous(self, cause: APIError, retries_taken: int) -> AmbiguousCreateError:
        started = self.started if self.earliest is None else self.earliest
        what = f"the batch of {self.count:,} request{'' if self.count == 1 else 's'} ({self.size:,} bytes)"
        again = "" if self.mode == "retry" else ", so it was not sent again"
        ambiguous = self.error(
            f"it isn't known whether {what} was made{again}: {cause.message}",
            request=cause.request,
            body=cause.body,
            request_count=self.count,
            body_bytes=self.size,
            started_at=_instant(started),
            failed_at=_instant(self.clock.now()),
            retries_taken=retries_taken,
            finder=self.finder,
        )
        ambiguous.__cause__ = cause
        return ambiguous

    # As the steps of a call

    def steps(self, call: Call, go: Callable[[Call, Guard], Steps[Any]]) -> Steps[Any]:
        """Send, and look for the batch if that is what the user wants."""
        outcome: Any = None
        ambiguous: AmbiguousCreateError | None
        try:
            outcome = yield from go(call, self)
            ambiguous = self._unreadable(outcome)
        except AmbiguousCreateError as error:
            ambiguous = error
        if ambiguous is None:
            return outcome
        if self.mode == "reconcile":
            found = yield from self._reconcile(ambiguous)
            if found is not None:
                self.adopted = found
                return (yield from self._retrieve(found, go))
            ambiguous.note_search()
        raise ambiguous

    def _unreadable(self, outcome: Any) -> AmbiguousCreateError | None:
        """A yes whose words make no sense leaves the id of the batch unknown."""
        if not isinstance(outcome, Fetched):
            return None
        try:
            batch: object = parse(self.request, *outcome)
        except APIResponseValidationError as error:
            return self._ambiguous(error, outcome.response.retries_taken)
        if isinstance(getattr(batch, "id", None), str):
            return None
        nameless = invalid(self.request.operation, *outcome, "names no batch")
        return self._ambiguous(nameless, outcome.response.retries_taken)

    def _reconcile(self, error: AmbiguousCreateError) -> Steps[str | None]:
        """The id of the one batch that fits; `None` where there isn't just one."""
        for pause in LOOKS:
            yield Sleep(pause)
            try:
                found = yield from candidates(self.config, self.clock, error, self.options, self.request)
                if len(found) == 1:
                    yield Sleep(SECOND_LOOK)
                    again = yield from candidates(self.config, self.clock, error, self.options, self.request)
                    same = [batch.id for batch in again] == [found[0].id]
                    if not same or not claim(self.config.origin, found[0].id, self.ids):
                        return None
                    logger.warning("create: adopted batch %s, whose answer got lost", found[0].id)
                    return found[0].id
            except APIError as problem:
                logger.info("create: the batches can't be listed: %s", problem)
                continue
            if found:
                return None
        return None

    def _retrieve(self, batch_id: str, go: Callable[[Call, Guard], Steps[Any]]) -> Steps[Any]:
        """The batch that was adopted, which may be on the list before it can be found by its id."""
        request = attrs.evolve(operations.retrieve(batch_id), headers=workspace_of(self.request))
        for pause in LOOKS:
            try:
                return (
                    yield from go(call_of(self.config, self.clock, request, _harmless(self.options)), USUAL)
                )
            except NotFoundError:
                yield Sleep(pause)
        return (yield from go(call_of(self.config, self.clock, request, _harmless(self.options)), USUAL))


def may_be_taken(problem: Problem) -> bool:
    """Whether the server may have taken the batch, for all that is known."""
    if problem.success:
        return True
    if problem.failure is not None:
        return problem.failure.handed_over and not problem.failure.before_connecting
    status = problem.response.status_code if problem.response is not None else 0
    return status >= 500 and status != 529


def candidates(
    config: Config,
    clock: Clock,
    error: AmbiguousCreateError,
    options: RequestOptions,
    request: Request[Any],
) -> Steps[list[MessageBatch]]:
    """The batches that may be the one of an ambiguous create, and are not known to be another."""
    found: list[MessageBatch] = []
    after: str | None = None
    for _ in range(MAX_PAGES):
        listing = attrs.evolve(operations.list_(limit=100, after_id=after), headers=workspace_of(request))
        fetched = yield from fetch(config, clock, call_of(config, clock, listing, _harmless(options)))
        page = parse(listing, *fetched)
        earliest, latest = _window(error, fetched.response, clock)
        batches: list[Any] = page.data if type(page.data) is list else []
        for batch in batches:
            made: object = getattr(batch, "created_at", None)
            if not isinstance(made, datetime) or not earliest <= made <= latest:
                continue
            if _size(batch) == error.request_count and not is_ours(config.origin, batch.id):
                found.append(batch)
        oldest: object = getattr(batches[-1], "created_at", None) if batches else None
        if (
            not page.has_more
            or (isinstance(oldest, datetime) and oldest < earliest)
            or page.last_id in (None, after)
        ):
            break
        after = page.last_id
    return found


def _window(error: AmbiguousCreateError, response: AnyResponse, clock: Clock) -> tuple[datetime, datetime]:
    """From when to when, by the server's clock, the batch can have been made."""
    ahead, margin = timedelta(0), CLOCK_ERROR_UNTOLD
    try:
        told = parsedate_to_datetime(response.headers["date"])
        ahead, margin = told.astimezone(UTC) - _instant(clock.now()), CLOCK_ERROR
    except (KeyError, ValueError):
        pass
    return error.started_at + ahead - margin, error.failed_at + ahead + LATEST + margin


def _size(batch: Any) -> int:
    """How many requests a batch has; its counts always add up to that."""
    counts = batch.to_dict().get("request_counts")
    return sum(count for count in counts.values() if type(count) is int) if is_object(counts) else 0


def workspace_of(request: Request[Any]) -> tuple[tuple[str, str], ...]:
    """The header that says in which workspace a request acts."""
    return tuple(pair for pair in request.headers if pair[0] == "anthropic-workspace-id")


def _harmless(options: RequestOptions) -> RequestOptions:
    """The options of a create that also go for looking after it; its body and query are its own."""
    kept = {name: value for name, value in options.items() if name in ("extra_headers", "timeout")}
    return cast(RequestOptions, kept)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
