"""The requests for the results of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs
from claude_batches_api.operations.messages_batches import RETRIEVE, results, retrieve
from claude_batches_api.parameters import Unset, unset
from claude_batches_api.request import RequestOptions

from .._batches.visibility import Visibility
from .._batches.wait import Polling, PollOptions, wait
from .._errors import APIStatusError, NotFoundError
from .._http.attempts import fetch, open_response
from .._http.decode import decode_response
from .._http.effects import Flow
from .._http.failure import connection_error, past_deadline
from .._http.options import given
from .._http.prepare import PreparedRequest, prepare, prepare_url
from .._http.response import OpenedResponse
from .._http.session import Session
from .._http.timeouts import Deadline
from .errors import ResultsGoneError, ResultsNotReadyError

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["ResultsRequests"]


class ResultsRequests:
    """Retrieves a batch and opens its results, repeatedly if needed.

    Args:
        session: State of the client.
        batch_id: Id of the batch.
        arguments: Arguments of the operation besides the batch. Those of `retrieve` among them go there as well.
        options: The caller's options. A deadline starts now and covers waiting and all requests together. The
            client's own deadline covers the requests.
    """

    def __init__(
        self, session: Session, batch_id: str, arguments: Mapping[str, Any], options: RequestOptions
    ) -> None:
        self._session = session
        self._batch_id = batch_id
        self._results = results(batch_id, **arguments)
        shared = {name: value for name, value in arguments.items() if name in RETRIEVE.arguments}
        self._retrieve = retrieve(batch_id, **shared)
        self._options = options
        self._visibility = Visibility()
        self._opened = False
        self._deadline = Deadline.after(given(options, "deadline"), session.now())
        # `None` as an option lifts the client's own deadline.
        is_given = not isinstance(options.get("deadline", unset), Unset)
        self._default = None if is_given else session.config.deadline

    def batch(self, polling: Polling | None = None) -> Flow[MessageBatch]:
        """Retrieve the batch.

        Args:
            polling: Waits for the end of the batch first; `None` does not wait.

        Raises:
            NotFoundError: The batch was not found for about ten seconds.
            APIError: The request failed.
        """
        if polling is not None:
            known = PollOptions.__annotations__
            poll_options = {name: value for name, value in self._options.items() if name in known}
            batch = yield from wait(
                self._session,
                self._batch_id,
                deadline=self._deadline,
                polling=polling,
                request=self._retrieve,
                options=cast(PollOptions, poll_options),
            )
            self._start()
            return batch
        self._start()
        request = self._retrieve
        while True:
            prepared = self._limited(prepare(self._session, request, self._current_options()))
            try:
                fetched = yield from fetch(self._session, prepared)
            except NotFoundError as error:
                yield from self._visibility.wait(error, self._left())
            else:
                return decode_response(request, *fetched)

    def results(self, batch: MessageBatch, headers: dict[str, str]) -> Flow[OpenedResponse]:
        """Open the results of a batch, or the rest of them with a Range header.

        Raises:
            ResultsNotReadyError: The batch has not ended.
            ResultsGoneError: The results are no longer available.
            APIError: The request failed.
        """
        url = results_url(batch)
        request = self._results
        headers = {**dict(request.headers), **headers}
        while True:
            options = self._current_options()
            name, query = request.operation.name, request.query
            prepared = prepare_url(self._session, url, headers, options, name=name, query=query)
            prepared = self._limited(prepared)
            if self._deadline.passed(self._session.now()):
                raise connection_error(past_deadline(), prepared.shown())
            try:
                response = yield from open_response(self._session, prepared)
            except APIStatusError as error:
                if self._opened or error.status_code not in (404, 410):
                    raise
                if error.status_code == 410:
                    raise _gone(batch, error) from error
                # The results of a batch that has just ended can be missing for some seconds.
                try:
                    yield from self._visibility.wait(error, self._left())
                except APIStatusError:
                    raise _gone(batch, error) from error
            else:
                self._opened = True
                return response

    def _left(self) -> float | None:
        return self._deadline.left(self._session.now())

    def _start(self) -> None:
        """Start the client's deadline, unless the call has its own."""
        if self._default is not None:
            self._deadline = Deadline.after(self._default, self._session.now())

    def _limited(self, prepared: PreparedRequest) -> PreparedRequest:
        """Return a request with the deadline of the whole call."""
        return attrs.evolve(prepared, deadline=self._deadline)

    def _current_options(self) -> RequestOptions:
        options: dict[str, object] = {**self._options, "deadline": None}
        if self._opened:
            # Reading was interrupted. The reader decides how often it is resumed.
            options["max_retries"] = 0
        return cast(RequestOptions, options)


def check_ended(batch: MessageBatch) -> None:
    """Check that a batch can have results. The counts of a batch in progress mean nothing.

    Raises:
        ResultsNotReadyError: The batch has not ended.
    """
    # Some gateways leave the status out.
    status = cast("str | None", batch.processing_status)
    if status != "ended" and not (status is None and batch.results_url):
        raise ResultsNotReadyError(batch.id, status)


def results_url(batch: MessageBatch) -> str:
    """Return the URL of the results.

    Raises:
        ResultsNotReadyError: The batch has not ended.
        ResultsGoneError: The results are no longer available.
    """
    check_ended(batch)
    if batch.archived_at is not None:
        raise ResultsGoneError(batch.id, f"the batch was archived at {batch.archived_at}")
    if not batch.results_url:
        raise ResultsGoneError(batch.id, "the batch has ended and has no results_url")
    return batch.results_url


def _gone(batch: MessageBatch, error: APIStatusError) -> ResultsGoneError:
    """Return the error for missing results of an existing batch."""
    said = error.api_message or "not found"
    return ResultsGoneError(batch.id, f"the server answers {error.status_code} ({said})")
