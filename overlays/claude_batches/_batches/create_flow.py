"""Creating a batch once: sending, and settling an unknown outcome.

The server may have accepted a batch as soon as the last byte of its body was handed to the network. From then on,
only a response that proves the opposite makes it certain that no batch exists: a 4xx other than 408, 409 and 499, above
all 429; 529; or a redirect other than 303. After a lost connection, a timeout, another 5xx or an invalid response, the
outcome is unknown, and sending again could pay twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs
from claude_batches_api.request import Request, RequestOptions

from .._errors import AmbiguousCreateError, APIError, APIResponseValidationError
from .._http.attempts import FailedAttempt, Fetched
from .._http.decode import decode_response, invalid
from .._http.effects import Flow
from .._http.exchange import Transfer
from .._http.known_batches import RunningCreate
from .._http.prepare import PreparedRequest
from .._http.response import OpenedResponse
from .._http.session import Session
from .body_writer import WrittenBatch
from .reconcile import Search, landmark, reconcile, retrieve_reconciled

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["CreateFlow", "OnAmbiguous"]

OnAmbiguous: TypeAlias = Literal["raise", "reconcile", "retry"]
"""Reaction of `create` to an unknown outcome."""


@attrs.define
class CreateFlow:
    """One call of `create`: its retry policy, and the flow from the body to the outcome."""

    session: Session
    request: Request[MessageBatch]
    options: RequestOptions
    mode: OnAmbiguous
    written: WrittenBatch
    error: type[AmbiguousCreateError]
    find: Callable[[AmbiguousCreateError], Any]
    """Lists candidates for the error's `find_candidates()`."""
    started: float = 0.0
    """Start of the current attempt, in seconds since the epoch."""
    earliest: float | None = None
    """Time at which the first attempt of unknown outcome may have reached the server, in seconds since the epoch."""
    batch_id: str | None = None
    """Id of the batch, once it is known."""
    unread: RunningCreate | None = None
    """The create whose response a streamed view has not read yet."""
    reconciled: bool = False
    """True if the batch was found on the list rather than in the response."""

    # Retry policy

    def begin(self) -> None:
        """Note the start of an attempt."""
        self.started = self.session.clock.now()

    def worth_retrying(self, failed: FailedAttempt) -> bool:
        """Return true if no batch was created for certain, or if the user accepts paying twice."""
        if self._may_be_created(failed):
            if self.earliest is None:
                sent_at = failed.failure.sent_at if failed.failure is not None else None
                self.earliest = self.started if sent_at is None else sent_at
            return self.mode == "retry" and failed.worth_retrying()
        if self.earliest is None:
            # The server has certainly not created a batch from what was sent so far.
            self.written.payload.sent_at = None
        status = failed.response.status_code if failed.response is not None else None
        # `x-should-retry: true` does not apply: it would send a refused body again.
        return failed.worth_retrying() and (status is None or status in self.session.config.not_created)

    def final(self, error: APIError, retries_taken: int) -> Exception:
        """Return the error itself if no batch was created for certain, else one about the unknown outcome."""
        return error if self.earliest is None else self._ambiguous(error, retries_taken)

    def _may_be_created(self, failed: FailedAttempt) -> bool:
        if failed.success:
            return True
        if failed.failure is not None:
            return failed.failure.handed_over and not failed.failure.before_connecting
        status = failed.response.status_code if failed.response is not None else 0
        if status in self.session.config.not_created:
            return False
        # 303 can answer a request that created something, and gateways add 408, 409, 499 and 5xx after the fact.
        return status in (303, 408, 409, 499) or status >= 500

    # Flow

    def run(self, prepared: PreparedRequest, transfer: Transfer) -> Flow[Any]:
        """Send the batch, and settle an unknown outcome.

        Raises:
            AmbiguousCreateError: The outcome is unknown.
            APIError: No batch was created.
        """
        known = self.session.batches
        create = RunningCreate(self.written.request_count, self.written.payload.size, self.written.ids)
        known.begin(create)
        reason = "the call was interrupted"
        settled = False
        try:
            outcome = yield from self._sent(prepared, transfer, create)
            settled = True
        except AmbiguousCreateError as error:
            reason = error.message
            raise
        except BaseException as error:
            settled = self._certainly_failed(error)
            if not settled:
                reason = f"the call was interrupted by {type(error).__name__}"
            raise
        else:
            if self.batch_id is None:
                self.unread = create
            elif not self.reconciled:
                known.created(create, self.session.config.origin, self.batch_id)
            return outcome
        finally:
            if not settled:
                self._left_unsettled(create, reason)
            elif self.unread is None:
                known.not_created(create)
            self.written.payload.close()

    def leave(self, response: OpenedResponse) -> None:
        """Settle a create whose streamed response was unread. A user who has read it to its end has the id."""
        create, self.unread = self.unread, None
        if create is None:
            return
        if response.ended:
            self.session.batches.not_created(create)
        else:
            self._left_unsettled(create, "the streamed response was not read to its end")

    def _left_unsettled(self, create: RunningCreate, reason: str) -> None:
        sent_at = self.written.payload.sent_at
        self.session.batches.left_unsettled(
            create, self.started if sent_at is None else sent_at, reason, self.batch_id
        )

    def _certainly_failed(self, error: BaseException) -> bool:
        """Return true if no batch can exist after an error."""
        if self.written.payload.sent_at is None:
            return True
        return isinstance(error, APIError) and self.earliest is None

    def _sent(self, prepared: PreparedRequest, transfer: Transfer, create: RunningCreate) -> Flow[Any]:
        """Return the outcome of sending the batch, or of the search for it."""
        search: Search | None = None
        if self.mode == "reconcile":
            search = Search.of(self.session, self.request, self.options, prepared.deadline)
            search = attrs.evolve(search, landmark=(yield from landmark(search)))
        try:
            outcome = yield from transfer(prepared, self)
            self.batch_id = self._batch_id(outcome)
        except AmbiguousCreateError as error:
            ambiguous = error
        else:
            return outcome
        if search is not None:
            search = search.after(ambiguous)
            found = yield from reconcile(search, create)
            if found is not None:
                self.batch_id, self.reconciled = found, True
                try:
                    return (yield from retrieve_reconciled(search, found, transfer))
                except APIError as error:
                    # An ordinary error would mean that nothing was created.
                    ambiguous.note_found(found, error.message)
            else:
                ambiguous.note_search()
        raise ambiguous

    def _batch_id(self, outcome: Any) -> str | None:
        """Return the id in a response, or `None` if its body is still unread.

        Raises:
            AmbiguousCreateError: The response is a success without the id of a batch.
        """
        if not isinstance(outcome, Fetched):
            return None
        cause: APIError
        try:
            batch: object = decode_response(self.request, *outcome)
        except APIResponseValidationError as error:
            cause = error
        else:
            batch_id: object = getattr(batch, "id", None)
            if isinstance(batch_id, str) and batch_id:
                return batch_id
            cause = invalid(self.request.operation, *outcome, "has no id of a batch")
        raise self._ambiguous(cause, outcome.response.retries_taken)

    def _ambiguous(self, cause: APIError, retries_taken: int) -> AmbiguousCreateError:
        if self.earliest is None:
            sent_at = self.written.payload.sent_at
            self.earliest = self.started if sent_at is None else sent_at
        count, size = self.written.request_count, self.written.payload.size
        batch = f"the batch of {count:,} request{'' if count == 1 else 's'} ({size:,} bytes)"
        again = "" if self.mode == "retry" else ", so it was not sent again"
        ambiguous = self.error(
            f"it is unknown if {batch} was created{again}: {cause.message}",
            request=cause.request,
            body=cause.body,
            request_count=count,
            body_bytes=size,
            started_at=datetime.fromtimestamp(self.earliest, UTC),
            failed_at=datetime.fromtimestamp(self.session.clock.now(), UTC),
            retries_taken=retries_taken,
            finder=self.find,
        )
        ambiguous.__cause__ = cause
        return ambiguous
