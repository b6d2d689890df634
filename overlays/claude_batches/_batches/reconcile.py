"""Finding the batch of a create whose response was lost, on the list of batches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import attrs
from claude_batches_api.models import MessageBatch
from claude_batches_api.operations import messages_batches as operations
from claude_batches_api.request import Request, RequestOptions

from .._errors import AmbiguousCreateError, APIError, NotFoundError
from .._http.attempts import DEFAULT_POLICY, fetch
from .._http.dates import header_date
from .._http.decode import decode_response
from .._http.effects import Flow, Sleep
from .._http.encoding import is_object
from .._http.exchange import Transfer
from .._http.known_batches import RunningCreate
from .._http.prepare import PreparedRequest, prepare
from .._http.response import OpenedResponse
from .._http.session import Session
from .._http.timeouts import Deadline
from .._logging import logger
from .visibility import Visibility

__all__ = [
    "Landmark",
    "ReconciledBatch",
    "Search",
    "candidates",
    "landmark",
    "reconcile",
    "reconciled",
    "retrieve_reconciled",
]

#: Pauses in seconds before each look at the list: a new batch may not be listed yet.
LOOKS = (1.0, 2.0, 4.0, 8.0, 15.0)
#: Pause in seconds before confirming that a candidate stays the only one.
SECOND_LOOK = 2.0
#: Error of the server's clock: with a `date` header (in whole seconds), and without.
CLOCK_ERROR, CLOCK_ERROR_UNKNOWN = timedelta(seconds=2), timedelta(seconds=60)
#: Number of pages of the list to search.
MAX_PAGES = 20


class ReconciledBatch(MessageBatch):
    """A batch that `create(..., on_ambiguous="reconcile")` found after the response was lost.

    It is the only one created in that period with that number of requests, and may still be another program's. Reading
    its results with the same client compares their custom_ids with those that were sent.
    """

    __slots__ = ()

    @property
    def reconciled(self) -> bool:
        """Always true."""
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MessageBatch) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]


def reconciled(batch: MessageBatch) -> ReconciledBatch:
    """Return the same batch as a `ReconciledBatch`."""
    copy = ReconciledBatch.__new__(ReconciledBatch)
    for kind in type(batch).__mro__:
        for slot in getattr(kind, "__slots__", ()):
            if hasattr(batch, slot):
                setattr(copy, slot, getattr(batch, slot))
    return copy


@attrs.frozen
class Landmark:
    """State of the list before a create: a batch of that create is newer."""

    server_time: datetime | None = None
    """Time by the server's clock; `None` if its responses carry no date."""
    newest_id: str | None = None
    """Id of the newest batch; `None` for an empty list."""


@attrs.frozen
class Search:
    """Criteria and options of a search for one batch."""

    session: Session
    headers: tuple[tuple[str, str], ...]
    """The header that names the workspace."""
    options: RequestOptions
    deadline: Deadline
    landmark: Landmark
    request_count: int = 0
    started_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    @classmethod
    def of(
        cls, session: Session, request: Request[Any], options: RequestOptions, deadline: Deadline
    ) -> Search:
        """Return a search with the workspace and options of a create."""
        kept = {name: value for name, value in options.items() if name in ("extra_headers", "timeout")}
        workspace = tuple(pair for pair in request.headers if pair[0] == "anthropic-workspace-id")
        return cls(session, workspace, cast(RequestOptions, kept), deadline, Landmark())

    def after(self, error: AmbiguousCreateError) -> Search:
        """Return the search for the batch of an ambiguous create."""
        return attrs.evolve(self, request_count=error.request_count, started_at=error.started_at)

    def prepare(self, request: Request[Any]) -> PreparedRequest:
        """Prepare a request that ends with the deadline of the create."""
        # The client's own deadline bounds a call, and here the call is the whole create.
        prepared = prepare(self.session, request, {**self.options, "deadline": None})
        return attrs.evolve(prepared, deadline=self.deadline)

    def pause(self, seconds: float) -> Flow[bool]:
        """Sleep. Return false if the deadline leaves no time after it."""
        left = self.deadline.left(self.session.now())
        if left is not None and left <= seconds:
            return False
        yield Sleep(seconds)
        return True


def landmark(search: Search) -> Flow[Landmark]:
    """Return the state of the list before a create.

    A clock of the server that runs ahead, behind or at another pace than this machine's does not disturb a search that
    has a landmark.
    """
    listing = attrs.evolve(operations.list_(limit=1), headers=search.headers)
    fetched = yield from fetch(search.session, search.prepare(listing))
    page: Any = decode_response(listing, *fetched)
    newest: Any = next(iter(page.data or ()), None)
    return Landmark(_server_time(fetched.response), getattr(newest, "id", None))


def reconcile(search: Search, create: RunningCreate) -> Flow[str | None]:
    """Return the id of the only matching batch; `None` if there is none or more than one."""
    session = search.session
    for pause in LOOKS:
        if not (yield from search.pause(pause)):
            return None
        try:
            found = yield from candidates(search)
            if len(found) == 1 and not session.batches.has_rival(create):
                if not (yield from search.pause(SECOND_LOOK)):
                    return None
                again = yield from candidates(search)
                if [batch.id for batch in again] != [found[0].id]:
                    return None
                if session.batches.reconcile(create, session.config.origin, found[0].id):
                    logger.warning("create: reconciled with batch %s after a lost response", found[0].id)
                    return found[0].id
                continue
        except APIError as problem:
            logger.info("create: the batches can't be listed: %s", problem)
            continue
        if len(found) > 1 and not session.batches.has_rival(create):
            return None
    return None


def retrieve_reconciled(search: Search, batch_id: str, transfer: Transfer) -> Flow[Any]:
    """Retrieve a batch that was found on the list, where it can appear before it is found by its id."""
    request = attrs.evolve(operations.retrieve(batch_id), headers=search.headers)
    visibility = Visibility()
    while True:
        try:
            return (yield from transfer(search.prepare(request), DEFAULT_POLICY))
        except NotFoundError as error:
            yield from visibility.wait(error, search.deadline.left(search.session.now()))


def candidates(search: Search) -> Flow[list[MessageBatch]]:
    """Return the batches created in the period with the number of requests, except those of other creates."""
    session = search.session
    found: list[MessageBatch] = []
    after: str | None = None
    for _ in range(MAX_PAGES):
        listing = attrs.evolve(operations.list_(limit=100, after_id=after), headers=search.headers)
        fetched = yield from fetch(session, search.prepare(listing))
        page = decode_response(listing, *fetched)
        earliest = _earliest(search, fetched.response)
        batches: list[Any] = page.data if type(page.data) is list else []
        for batch in batches:
            if batch.id == search.landmark.newest_id:
                return found
            created: object = getattr(batch, "created_at", None)
            if not isinstance(created, datetime) or created < earliest:
                continue
            known = session.batches.is_known(session.config.origin, batch.id)
            if _size(batch) == search.request_count and not known:
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


def _earliest(search: Search, response: OpenedResponse) -> datetime:
    """Return the earliest time, by the server's clock, at which the batch can have been created."""
    if search.landmark.server_time is not None:
        return search.landmark.server_time - CLOCK_ERROR
    server_time = _server_time(response)
    if server_time is None:
        return search.started_at - CLOCK_ERROR_UNKNOWN
    now = datetime.fromtimestamp(search.session.clock.now(), UTC)
    return search.started_at + (server_time - now) - CLOCK_ERROR


def _server_time(response: OpenedResponse) -> datetime | None:
    try:
        return header_date(response.headers["date"])
    except (KeyError, ValueError):
        return None


def _size(batch: Any) -> int:
    """Return the number of requests in a batch, the sum of its counts."""
    counts = batch.to_dict().get("request_counts")
    return sum(count for count in counts.values() if type(count) is int) if is_object(counts) else 0
