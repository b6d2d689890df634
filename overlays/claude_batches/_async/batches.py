"""`client.messages.batches`: the generated operations, and the behaviour that a spec can't express."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from functools import partial

# async only
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

# async only
import anyio.lowlevel
from claude_batches_api import resources
from claude_batches_api.operations import messages_batches as operations
from claude_batches_api.operations.messages_batches import CreateOptions, ResultsOptions
from claude_batches_api.request import RequestOptions

from .._batches.body_writer import BodyWriter, WrittenBatch
from .._batches.create_flow import CreateFlow, OnAmbiguous
from .._batches.encoded_body import EncodedBody
from .._batches.ids import check_id, checked
from .._batches.reconcile import Search, candidates, reconciled
from .._batches.wait import Polling, PollOptions, wait
from .._errors import AsyncAmbiguousCreateError, ConfigurationError, RequestEncodingError
from .._http.decode import decode_response, line_decoder
from .._http.effects import Flow
from .._http.exchange import Exchange, transfer
from .._http.known_batches import UnsettledCreate
from .._http.lines import MAX_LINE_BYTES
from .._http.options import check_options, shows_options, split_options
from .._http.prepare import prepare
from .._http.response import OpenedResponse
from .._http.timeouts import Deadline
from .._results import flows
from .._results.decoder import OnBadLine
from .._results.index import ResultsById
from .._results.partial import DownloadProgress, plain_path
from .._results.reader import MAX_RESUMES
from .line_stream import AsyncLineStream
from .result_stream import AsyncResultStream
from .transport import AsyncTransport

if TYPE_CHECKING:
    from claude_batches_api import params
    from claude_batches_api.models import MessageBatch, MessageBatchIndividualResponse

__all__ = ["AsyncBatches"]

#: Number of requests that are written before other tasks may run.
WRITTEN_AT_ONCE = 200

# The methods take more arguments than the generated ones that they override.
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false


class AsyncBatches(resources.AsyncBatches):
    """Create, follow, cancel and delete batches of Messages requests, and read their results."""

    _transport: AsyncTransport

    @property
    def unsettled(self) -> list[UnsettledCreate]:
        """Creates of this client and its copies that were left with an unknown outcome, oldest first.

        A batch of each may exist and be billed. An entry is added however the call ended: by `AmbiguousCreateError`, by
        `KeyboardInterrupt`, or by a cancelled task.
        """
        return self._transport.session.batches.unsettled

    @shows_options(operations.CREATE)
    async def create(
        self,
        *,
        # sync: requests: Iterable[params.Request],
        # async only
        requests: Iterable[params.Request] | AsyncIterable[params.Request],
        on_ambiguous: OnAmbiguous = "raise",
        validate: bool = True,
        **options: Unpack[CreateOptions],
    ) -> MessageBatch:
        """Create a batch, and never two.

        The requests are written to a temporary file as they come, so any number of them takes little memory. Then they
        are sent. After a failure that leaves the outcome unknown, they are not sent again: see `on_ambiguous`.

        Args:
            requests: An iterable or async iterable of 1 to 100,000 requests, at most 256 MB in all.
            on_ambiguous: Reaction to an unknown outcome. `"raise"` raises `AmbiguousCreateError`. `"reconcile"`
                lists the batches, for up to half a minute, and returns the only one that was created in that period
                with that number of requests as a `ReconciledBatch`; if not exactly one matches, it raises as well.
                If another program created a batch of the same size in those seconds and yours was not created, that
                one is returned; reading its results with this client then raises `ForeignResultsError`. It lists the
                batches once before sending. `"retry"` sends again, and may pay twice.
            validate: True to check, before anything is sent, the form and uniqueness of each custom_id, the required
                params, the number of requests, the size, and params that a batch does not accept.
            **options: `user_profile_id`, the user profile to attribute every request of this batch to; `workspace_id`,
                the workspace to act in, for credentials with access to several; and `RequestOptions`. `max_retries`
                counts attempts that certainly created nothing.

        Returns:
            The batch, accepted and in progress.

        Raises:
            InvalidBatchError: The requests can't form a batch. Nothing was sent.
            AmbiguousCreateError: The outcome is unknown. An async client raises its subclass
                `AsyncAmbiguousCreateError`, with an awaitable `find_candidates()`.
            APIStatusError: The server refused the batch. Nothing was created.
            APIConnectionError: The server could not be reached, or not for long enough. Nothing was created.
        """
        check_options(options, self.create, CreateOptions)
        known, arguments = split_options(options, operations.CREATE)
        _check_create(requests, on_ambiguous, known)
        writer = BodyWriter(validate=validate)
        try:
            # sync: writer.extend(requests)
            # async only
            if isinstance(requests, AsyncIterable):
                async for request in requests:
                    writer.add(request)
            else:
                iterator = iter(requests)
                while writer.extend(islice(iterator, WRITTEN_AT_ONCE)) == WRITTEN_AT_ONCE:
                    await anyio.lowlevel.checkpoint()
            exchange = self._creating(writer, arguments, on_ambiguous, known)
        except BaseException:
            writer.discard()
            raise
        return await self._transport.deliver(exchange)

    async def _create_encoded(
        self, body: EncodedBody, *, workspace_id: str | None = None, **options: Unpack[RequestOptions]
    ) -> MessageBatch:
        """Create a batch of an encoded body, which is not checked. Its errors are those of `create`."""
        return await self._transport.deliver(
            self._creating(body, {"workspace_id": workspace_id}, "raise", options)
        )

    retrieve = checked(resources.AsyncBatches.retrieve)
    cancel = checked(resources.AsyncBatches.cancel)
    delete = checked(resources.AsyncBatches.delete)

    async def wait(
        self,
        message_batch_id: str,
        *,
        deadline: float | None = None,
        poll_interval: float = 2.0,
        max_poll_interval: float = 60.0,
        patience: float = 300.0,
        on_poll: Callable[[MessageBatch], object] | None = None,
        workspace_id: str | None = None,
        **options: Unpack[PollOptions],
    ) -> MessageBatch:
        """Wait until a batch has ended.

        The pauses between polls grow by half each time, with a random variation. A new batch that is not found yet,
        lost connections and overload are waited out.

        Args:
            message_batch_id: Id of the batch.
            deadline: Seconds to wait for the end; `None` waits as long as it takes (a batch ends within 24 hours).
            poll_interval: Seconds before the second poll.
            max_poll_interval: Longest pause in seconds.
            patience: Seconds that the server may be unreachable, overloaded or without the batch at a stretch.
            on_poll: Called with the batch after each poll, including the last. Its result is awaited if possible.
            workspace_id: Workspace to act in, for credentials with access to several.
            **options: Options of each poll: `extra_headers`, `extra_query`, `timeout`, `max_retries`.

        Returns:
            The batch, with `processing_status` `ended`.

        Raises:
            BatchWaitTimeoutError: The batch has not ended in time. The error has the batch at the last poll.
            APIError: A poll failed permanently.
        """
        check_options(options, self.wait, PollOptions)
        check_id(message_batch_id)
        session = self._transport.session
        return await self._transport.run(
            wait(
                session,
                message_batch_id,
                deadline=Deadline.after(deadline, session.now()),
                polling=Polling(poll_interval, max_poll_interval, patience, on_poll),
                request=operations.retrieve(message_batch_id, workspace_id=workspace_id),
                options=options,
            )
        )

    @shows_options(operations.RESULTS)
    def results(  # type: ignore[override]  # its stream resumes
        self,
        message_batch_id: str,
        *,
        wait: bool = False,
        on_poll: Callable[[MessageBatch], object] | None = None,
        on_bad_line: OnBadLine = "raise",
        max_resumes: int = MAX_RESUMES,
        max_line_bytes: int = MAX_LINE_BYTES,
        **options: Unpack[ResultsOptions],
    ) -> AsyncResultStream[MessageBatchIndividualResponse]:
        """Read the results of a batch as they arrive, in flat memory.

        They come in any order: match them to requests by `custom_id`. Each result comes once. Reading resumes after a
        lost connection, and missing results raise an error at the end. Iterate over the stream, directly or as a
        context manager.

        Args:
            message_batch_id: Id of the batch.
            wait: True to wait for the end of the batch first.
            on_poll: Called with the batch after each poll, with `wait=True`.
            on_bad_line: Reaction to a line that is not a result: `"raise"` a BadLineError, `"skip"` it, or call a
                function with the error and continue.
            max_resumes: Number of failures in a row that are accepted. Progress resets the count.
            max_line_bytes: Longest line in bytes.
            **options: `workspace_id`, the workspace to act in, for credentials with access to several; and
                `RequestOptions`. `deadline` covers waiting and reading.

        Raises:
            ResultsNotReadyError: The batch has not ended.
            ResultsGoneError: The results are no longer available.
            NotFoundError: The batch does not exist. Raised after about ten seconds, because a new batch can be missing
                for a while.
            APIError: The batch or its results can't be read.
        """
        check_options(options, self.results, ResultsOptions)
        call = self._results_call(
            message_batch_id, options, wait, on_poll, on_bad_line, max_resumes, max_line_bytes
        )
        if self._transport.kind != "plain":
            exchange: Exchange[Any] = Exchange(partial(_view_of, call))
            lines: partial[AsyncLineStream[Any]] = partial(
                AsyncLineStream, decoder=partial(_line_decoder, call)
            )
            view: Any = self._transport.deliver_stream(exchange, lines)
            return cast("AsyncResultStream[MessageBatchIndividualResponse]", view)
        opened: Any = partial(_opened, self._transport, call, call.decoder())
        stream: AsyncResultStream[MessageBatchIndividualResponse] = AsyncResultStream(
            self._transport.driver, opened
        )
        # sync: return stream.opened()
        # async only
        return stream

    @shows_options(operations.RESULTS)
    async def results_by_id(
        self,
        message_batch_id: str,
        requests: Iterable[object] | None = None,
        *,
        wait: bool = False,
        on_poll: Callable[[MessageBatch], object] | None = None,
        on_bad_line: OnBadLine = "raise",
        max_resumes: int = MAX_RESUMES,
        max_line_bytes: int = MAX_LINE_BYTES,
        **options: Unpack[ResultsOptions],
    ) -> ResultsById[MessageBatchIndividualResponse]:
        """Read all results of a batch, for look-ups by custom_id or in the order of the requests.

        The results are written to a temporary file; about 100 bytes for each stay in memory.

        Args:
            message_batch_id: Id of the batch.
            requests: Requests or custom_ids, in the order wanted for the results; `None` takes all results in the order
                of the file. Requests without a result are in `missing`.
            wait: True to wait for the end of the batch first.
            on_poll: Called with the batch after each poll, with `wait=True`.
            on_bad_line: Reaction to a line that is not a result; see `results()`.
            max_resumes: Number of failures in a row that are accepted; see `results()`.
            max_line_bytes: Longest line in bytes.
            **options: `workspace_id`, the workspace to act in, for credentials with access to several; and
                `RequestOptions`. `deadline` covers waiting and reading.

        Raises:
            TypeError: A request has no custom_id.
            ValueError: A custom_id is repeated.
            ResultsError: A problem with the results.
            APIError: The batch or its results can't be read.
        """
        check_options(options, self.results_by_id, ResultsOptions)
        call = self._results_call(
            message_batch_id, options, wait, on_poll, on_bad_line, max_resumes, max_line_bytes
        )
        return await self._transport.run(flows.index_results(call, requests))

    @shows_options(operations.RESULTS)
    async def download(
        self,
        message_batch_id: str,
        path: str | os.PathLike[str],
        *,
        wait: bool = False,
        on_poll: Callable[[MessageBatch], object] | None = None,
        on_bad_line: OnBadLine = "raise",
        max_resumes: int = MAX_RESUMES,
        max_line_bytes: int = MAX_LINE_BYTES,
        progress: Callable[[DownloadProgress], object] | None = None,
        **options: Unpack[ResultsOptions],
    ) -> Path:
        """Write the results of a batch to a file, one JSON object a line, as the API sends them.

        The file appears when it is complete, and replaces a regular file of the same name. Until then the results
        are in a hidden file beside it, and the same call continues with that file, also after a crash. Read the file
        with `results_from_file()`.

        Args:
            message_batch_id: Id of the batch.
            path: The target.
            wait: True to wait for the end of the batch first.
            on_poll: Called with the batch after each poll, with `wait=True`.
            on_bad_line: Reaction to a line that is not a result; see `results()`. A skipped line is left out of the
                file.
            max_resumes: Number of failures in a row that are accepted; see `results()`.
            max_line_bytes: Longest line in bytes.
            progress: Called with a `DownloadProgress` every megabyte, and at the end.
            **options: `workspace_id`, the workspace to act in, for credentials with access to several; and
                `RequestOptions`. `deadline` covers waiting and reading.

        Returns:
            The path.

        Raises:
            ConfigurationError: The name of the file promises compression.
            DownloadTargetError: The target is a folder, a link, a device, a FIFO or a socket.
            FileNotFoundError: The folder of the target does not exist.
            OSError: The file can't be written.
            ResultsError: A problem with the results, or another process downloads to the same target.
            APIError: The batch or its results can't be read.
        """
        check_options(options, self.download, ResultsOptions)
        target = plain_path(path)
        call = self._results_call(
            message_batch_id, options, wait, on_poll, on_bad_line, max_resumes, max_line_bytes
        )
        return await self._transport.run(flows.download(call, target, progress))

    def _results_call(
        self,
        batch_id: str,
        options: ResultsOptions,
        wait: bool,
        on_poll: Callable[[MessageBatch], object] | None,
        on_bad_line: OnBadLine,
        max_resumes: int,
        max_line_bytes: int,
    ) -> flows.ResultsCall:
        known, arguments = split_options(options, operations.RESULTS)
        return flows.ResultsCall(
            self._transport.session,
            batch_id,
            arguments,
            known,
            Polling(on_poll=on_poll) if wait else None,
            on_bad_line,
            max_resumes,
            max_line_bytes,
        )

    def _creating(
        self,
        body: BodyWriter | EncodedBody,
        arguments: Mapping[str, Any],
        mode: OnAmbiguous,
        options: RequestOptions,
    ) -> Exchange[MessageBatch]:
        """Return the exchange that creates a batch of a body."""
        session = self._transport.session
        request = operations.create(requests=(), **arguments)
        assert request.body is not None
        others = {name: value for name, value in request.body.content.items() if name != "requests"}
        written = body.finish({**others, **(options.get("extra_body") or {})})

        def find(error: AsyncAmbiguousCreateError) -> Any:
            # A coroutine of an async client, a list of a sync one.
            deadline = Deadline.after(session.config.deadline, session.now())
            search = Search.of(session, request, options, deadline).after(error)
            return self._transport.run(candidates(search))

        create = CreateFlow(
            session=session,
            request=request,
            options=options,
            mode=mode,
            written=written,
            error=AsyncAmbiguousCreateError,
            find=cast(Any, find),
        )

        def parse(response: OpenedResponse, content: bytes) -> MessageBatch:
            batch = decode_response(request, response, content)
            return reconciled(batch) if create.reconciled else batch

        return Exchange(partial(_create_flow, create, written), parse, leave=create.leave)


def _create_flow(create: CreateFlow, written: WrittenBatch, read: bool) -> Flow[Any]:
    import attrs

    try:
        prepared = prepare(create.session, create.request, create.options, written.payload)
    except BaseException:
        written.payload.close()
        raise
    prepared = attrs.evolve(prepared, fresh=True)
    return create.run(prepared, partial(transfer, create.session, read=read))


def _check_create(requests: object, on_ambiguous: object, options: RequestOptions) -> None:
    """Check the arguments of `create` before the iterable is consumed.

    Raises:
        ConfigurationError: `on_ambiguous` is unknown.
        RequestEncodingError: The requests are not an iterable of requests.
    """
    if on_ambiguous not in ("raise", "reconcile", "retry"):
        raise ConfigurationError(
            f'on_ambiguous must be "raise", "reconcile" or "retry"; got {on_ambiguous!r}'
        )
    if "requests" in (options.get("extra_body") or {}):
        raise RequestEncodingError("give the requests as `requests`, not in extra_body")
    # async only
    if isinstance(requests, AsyncIterable):
        return
    # sync: if hasattr(requests, "__" + "aiter__"):
    # sync:     raise RequestEncodingError("requests is an async iterable: only an async client can read it")
    if isinstance(requests, Mapping):
        raise RequestEncodingError("requests is a single dict: put it into a list")
    if isinstance(requests, str | bytes) or not isinstance(requests, Iterable):
        raise RequestEncodingError(f"requests must be an iterable of dicts; got {type(requests).__name__}")


async def _opened(transport: AsyncTransport, call: flows.ResultsCall, handler: Any) -> Any:
    return await transport.run(flows.open_stream(call, handler))


def _view_of(call: flows.ResultsCall, read: bool) -> Flow[Any]:
    return flows.fetch_response_of(call) if read else flows.open_response_of(call)


def _line_decoder(call: flows.ResultsCall, response: OpenedResponse) -> Callable[[bytes], Any]:
    """Return the decoder of a view, which checks a reconciled batch as well."""
    return call.checked(line_decoder(operations.RESULTS, response))
