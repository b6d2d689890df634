"""The requests that reading results takes, as steps that a sync and an async client go through alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from claude_batches_api.operations.messages_batches import retrieve
from claude_batches_api.parameters import header_pairs
from claude_batches_api.request import RequestOptions

from claude_batches._call import call_of, call_to, fetch, open_response
from claude_batches._config import Config
from claude_batches._errors import APIStatusError, NotFoundError
from claude_batches._failure import past_deadline
from claude_batches._headers import Headers, SentRequest, shown_url
from claude_batches._parse import parse
from claude_batches._response import connection_error
from claude_batches._sender import Clock
from claude_batches._steps import AnyResponse, Sleep, Steps

from ._ready import gone, results_url

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["Opening"]

#: How long a 404 is waited out, in seconds: what was made a moment ago can be missing for a second or two.
NOT_FOUND_WAITS = (0.25, 0.5, 1.0, 1.0)


class Opening:
    """Finds a batch and opens its results, as often as that is needed.

    Args:
        config: The client's settings.
        clock: The time.
        batch_id: Whose results.
        workspace_id: The workspace to act in.
        options: What the user said about the call; a deadline counts from now, for all of it together.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        batch_id: str,
        workspace_id: str | None,
        options: RequestOptions,
    ) -> None:
        self._config = config
        self._clock = clock
        self._batch_id = batch_id
        self._workspace_id = workspace_id
        self._options = options
        self._waits: Iterator[float] = iter(NOT_FOUND_WAITS)
        self._opened = False
        deadline = options.get("deadline")
        self._until = None if deadline is None else clock.monotonic() + deadline

    def batch(self) -> Steps[MessageBatch]:
        """Find the batch.

        Raises:
            NotFoundError: It is not there, and did not turn up in the next seconds.
            APIError: Something else went wrong.
        """
        request = retrieve(self._batch_id, workspace_id=self._workspace_id)
        while True:
            options = self._current_options(f"{self._config.base_url}{request.path}")
            call = call_of(self._config, self._clock, request, options)
            try:
                fetched = yield from fetch(self._config, self._clock, call)
            except NotFoundError:
                wait = next(self._waits, None)
                if wait is None:
                    raise
                yield Sleep(wait)
            else:
                return parse(request, *fetched)

    def results(self, batch: MessageBatch, headers: dict[str, str]) -> Steps[AnyResponse]:
        """Open the results of a batch, or with a Range header the rest of them.

        Raises:
            ResultsNotReadyError: The batch has not ended.
            ResultsGoneError: Its results are not kept any more.
            APIError: Something else went wrong.
        """
        url = results_url(batch)
        headers = {**dict(header_pairs("anthropic-workspace-id", self._workspace_id)), **headers}
        while True:
            options = self._current_options(url)
            call = call_to(self._config, self._clock, url, headers, options, name="messages.batches.results")
            try:
                response = yield from open_response(self._config, self._clock, call)
            except APIStatusError as error:
                if self._opened or error.status_code not in (404, 410):
                    raise
                wait = next(self._waits, None)
                if wait is None or error.status_code == 410:
                    raise gone(batch, error) from error
                yield Sleep(wait)
            else:
                self._opened = True
                return response

    def _current_options(self, url: str) -> RequestOptions:
        options: dict[str, object] = {**self._options}
        if self._until is not None:
            left = self._until - self._clock.monotonic()
            if left <= 0:
                raise connection_error(past_deadline(), SentRequest("GET", shown_url(url), Headers({})))
            options["deadline"] = left
        if self._opened:
            # Reading was interrupted: it is for the reader to say how often that is tried again.
            options["max_retries"] = 0
        return cast(RequestOptions, options)
