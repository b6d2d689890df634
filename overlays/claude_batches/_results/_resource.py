"""What is added to the batches of a client: results that resume, downloads, and results by their ids."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Unpack, cast

import anyio.to_thread
from claude_batches_api import resources
from claude_batches_api.operations.messages_batches import RESULTS
from claude_batches_api.request import RequestOptions

from claude_batches._adoption import sent_ids
from claude_batches._errors import ClaudeBatchesError
from claude_batches._response import AsyncResponse, Response
from claude_batches._transport import AsyncTransport, Transport
from claude_batches._wait import LookOptions

from ._async_stream import AsyncResultStream, AsyncSource
from ._completeness import promised
from ._decode import LineDecoder, LineFinder, LineHandler, LineKeeper, OnBadLine
from ._errors import DuplicateResultsError, ForeignResultsError, ResultsChangedError
from ._join import Joiner, ResultsById, wanted_ids
from ._opening import Opening
from ._partial import DownloadProgress, PartialFile, plain_path
from ._reader import MAX_RESUMES, Reader
from ._ready import check_ended
from ._split import MAX_LINE_BYTES
from ._stream import ResultStream, Source

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch, MessageBatchIndividualResponse

__all__ = ["AsyncResultsMixin", "ResultsMixin"]

T = TypeVar("T")


# `results` takes more than the generated method it overrides, which says that no option is called like that.
# pyright: reportIncompatibleMethodOverride=false


class _Waits(Protocol):
    def wait(self, message_batch_id: str, /, **options: Any) -> Any: ...


def _decoder(batch_id: str) -> Callable[[Any], MessageBatchIndividualResponse]:
    """What makes a result of a parsed line; of an adopted batch, only if its request was sent."""
    decode: Callable[[Any], MessageBatchIndividualResponse] = RESULTS.decoder(RESULTS.success)
    sent = sent_ids(batch_id)
    if sent is None:
        return decode

    def checked(wire: Any) -> MessageBatchIndividualResponse:
        if wire["custom_id"] not in sent:
            raise ForeignResultsError(batch_id, wire["custom_id"])
        return decode(wire)

    return checked


def _look(options: RequestOptions) -> dict[str, Any]:
    """Of the options of a call, those that looking whether the batch has ended takes."""
    return {name: value for name, value in options.items() if name in LookOptions.__annotations__}


def _reader(batch: MessageBatch, handler: LineHandler[T], max_resumes: int, max_line_bytes: int) -> Reader[T]:
    return Reader(
        handler,
        batch_id=batch.id,
        expected=promised(batch.request_counts),
        max_resumes=max_resumes,
        max_line_bytes=max_line_bytes,
    )


def _copier(batch: MessageBatch, partial: PartialFile, max_resumes: int) -> Reader[bytes]:
    """A reader that goes on where an earlier download stopped."""
    reader = Reader(
        LineKeeper(partial.bad_lines),
        batch_id=batch.id,
        expected=promised(batch.request_counts),
        ledger=partial.ledger,
        max_resumes=max_resumes,
    )
    partial.restore(reader)
    return reader


class ResultsMixin(resources.Batches):
    """Results, for the batches of a client."""

    def results(  # type: ignore[override]  # its stream resumes
        self,
        message_batch_id: str,
        *,
        workspace_id: str | None = None,
        wait: bool = False,
        on_bad_line: OnBadLine = "raise",
        max_resumes: int = MAX_RESUMES,
        max_line_bytes: int = MAX_LINE_BYTES,
        **options: Unpack[RequestOptions],
    ) -> ResultStream[MessageBatchIndividualResponse]:
        """Read the results of a batch, in flat memory, as they come.

        They come in no particular order: match them to requests by `custom_id`. Every result comes, and each
        once: after a lost connection reading goes on where it stopped, and when results are missing at the
        end, that is an error. Iterate over what this gives, in a `with` or not.

        Args:
            message_batch_id: The batch's `id`.
            workspace_id: The workspace to act in, for credentials that can act in several.
            wait: Wait for the batch to end first.
            on_bad_line: What to do about a line that is not a result: `"raise"` a BadLineError, `"skip"` it,
                or call a function with the error and go on.
            max_resumes: How many failures in a row are taken; each result gained in between starts the count
                again.
            max_line_bytes: How long a line may be.
            **options: As for every call. `timeout` is for how long the network may be silent; `deadline` is
            for all of the reading.

        Raises:
            ResultsNotReadyError: The batch has not ended.
            ResultsGoneError: The results are not kept any more.
            NotFoundError: There is no such batch. It is raised after three seconds, since one that was made a
                moment ago can be missing for a while.
            APIError: The batch or its results can't be had.
        """
        if type(self._transport) is not Transport:
            # A view that shows responses: there is nothing to add to what comes.
            view: Any = super().results(message_batch_id, workspace_id=workspace_id, **options)
            return cast("ResultStream[MessageBatchIndividualResponse]", view)
        handler = LineDecoder(_decoder(message_batch_id), on_bad_line)
        batch, opening = self._find(message_batch_id, workspace_id, wait, options)
        source = self._source(batch, opening, _reader(batch, handler, max_resumes, max_line_bytes))
        return ResultStream(batch, source)

    def results_by_id(
        self,
        message_batch_id: str,
        requests: Iterable[object] | None = None,
        *,
        workspace_id: str | None = None,
        wait: bool = False,
        on_bad_line: OnBadLine = "raise",
        max_resumes: int = MAX_RESUMES,
        max_line_bytes: int = MAX_LINE_BYTES,
        **options: Unpack[RequestOptions],
    ) -> ResultsById[MessageBatchIndividualResponse]:
        """Read all results of a batch, to be looked up by custom_id or taken in the order of the requests.

        They are read once, into a temporary file; about 100 bytes for each stay in memory.

        Args:
            message_batch_id: The batch's `id`.
            requests: The requests whose results are wanted, or their custom_ids, in the order that the
                results are wanted in; `None` takes all results in the order they come. Those that have none
                are in `missing`.
            workspace_id: The workspace to act in, for credentials that can act in several.
            wait: Wait for the batch to end first.
            on_bad_line: What to do about a line that is not a result, as in `results()`.
            max_resumes: How many failures in a row are taken, as in `results()`.
            max_line_bytes: How long a line may be.
            **options: As for every call.

        Raises:
            TypeError: Something among the requests has no custom_id.
            ValueError: A custom_id is wanted twice.
            ResultsError: Something is wrong with the results.
            APIError: The batch or its results can't be had.
        """
        joiner = Joiner(None if requests is None else wanted_ids(requests), _decoder(message_batch_id))
        try:
            batch, opening = self._find(message_batch_id, workspace_id, wait, options)
            reader = _reader(batch, LineFinder(on_bad_line), max_resumes, max_line_bytes)
            for custom_id, line in ResultStream(batch, self._source(batch, opening, reader)):
                joiner.add(custom_id, line)
        except BaseException:
            joiner.close()
            raise
        return joiner.finish(batch)

    def download(
        self,
        message_batch_id: str,
        path: str | os.PathLike[str],
        *,
        workspace_id: str | None = None,
        wait: bool = False,
        max_resumes: int = MAX_RESUMES,
        progress: Callable[[DownloadProgress], object] | None = None,
        **options: Unpack[RequestOptions],
    ) -> Path:
        """Write the results of a batch to a file, one JSON object a line, as the API sends them.

        The file appears when all results are in it, and replaces one of the same name. Until then they are in
        a hidden file beside it, and the same call goes on with that one: after a crash, too. Read the file
        with `results_from_file()`.

        Args:
            message_batch_id: The batch's `id`.
            path: Where to.
            workspace_id: The workspace to act in, for credentials that can act in several.
            wait: Wait for the batch to end first.
            max_resumes: How many failures in a row are taken, as in `results()`.
            progress: Is called with a `DownloadProgress` every megabyte, and at the end.
            **options: As for every call.

        Returns:
            The path.

        Raises:
            ConfigurationError: The name of the file promises compression.
            FileNotFoundError: The folder to download to is not there.
            OSError: The file can't be written.
            ResultsError: Something is wrong with the results, or another process is downloading them to
                there.
            APIError: The batch or its results can't be had.
        """
        target = plain_path(path)
        batch, opening = self._find(message_batch_id, workspace_id, wait, options)
        check_ended(batch)
        partial = PartialFile(target, batch.id, progress)
        try:
            reader = _copier(batch, partial, max_resumes)
            if not reader.complete:
                for line in ResultStream(batch, self._source(batch, opening, reader)):
                    partial.write(line, reader)
            return partial.complete(reader)
        except (ResultsChangedError, DuplicateResultsError):
            partial.discard()
            raise
        finally:
            partial.close()

    def _find(
        self, batch_id: str, workspace_id: str | None, wait: bool, options: RequestOptions
    ) -> tuple[MessageBatch, Opening]:
        transport = cast(Transport, self._transport)
        opening = Opening(transport.config, transport.clock, batch_id, workspace_id, options)
        if wait:
            batch: MessageBatch = cast(_Waits, self).wait(
                batch_id, workspace_id=workspace_id, **_look(options)
            )
        else:
            batch = transport.sender.run(opening.batch())
        return batch, opening

    def _source(self, batch: MessageBatch, opening: Opening, reader: Reader[T]) -> Source[T]:
        transport = cast(Transport, self._transport)

        def open_(headers: dict[str, str]) -> Response:
            return cast(Response, transport.sender.run(opening.results(batch, headers)))

        source = Source(reader, open_, transport.clock.sleep)
        try:
            source.connect()
        except ClaudeBatchesError as error:
            # Only when an earlier download is gone on with is the rest of a file asked for at first.
            if not reader.range_refused(error):
                raise
            source.recover(error)
        return source


class AsyncResultsMixin(resources.AsyncBatches):
    """Results, for the batches of an async client."""

    def results(  # type: ignore[override]  # its stream resumes
        self,
        message_batch_id: str,
        *,
        workspace_id: str | None = None,
        wait: bool = False,
        on_bad_line: OnBadLine = "raise",
        max_resumes: int = MAX_RESUMES,
        max_line_bytes: int = MAX_LINE_BYTES,
        **options: Unpack[RequestOptions],
    ) -> AsyncResultStream[MessageBatchIndividualResponse]:
        """Read the results of a batch, in flat memory, as they come.

        They come in no particular order: match them to requests by `custom_id`. Every result comes, and each
        once: after a lost connection reading goes on where it stopped, and when results are missing at the
        end, that is an error. Iterate over what this gives with `async for`: straight away, after an `await`,
        or in an `async with`.

        Args:
            message_batch_id: The batch's `id`.
            workspace_id: The workspace to act in, for credentials that can act in several.
            wait: Wait for the batch to end first.
            on_bad_line: What to do about a line that is not a result: `"raise"` a BadLineError, `"skip"` it,
                or call a function with the error and go on.
            max_resumes: How many failures in a row are taken; each result gained in between starts the count
                again.
            max_line_bytes: How long a line may be.
            **options: As for every call. `timeout` is for how long the network may be silent; `deadline` is
            for all of the reading.

        Raises, when it is awaited or the first result is asked for:
            ResultsNotReadyError: The batch has not ended.
            ResultsGoneError: The results are not kept any more.
            NotFoundError: There is no such batch. It is raised after three seconds, since one that was made a
                moment ago can be missing for a while.
            APIError: The batch or its results can't be had.
        """
        if type(self._transport) is not AsyncTransport:
            view: Any = super().results(message_batch_id, workspace_id=workspace_id, **options)
            return cast("AsyncResultStream[MessageBatchIndividualResponse]", view)
        handler = LineDecoder(_decoder(message_batch_id), on_bad_line)

        async def begin() -> tuple[MessageBatch, AsyncSource[MessageBatchIndividualResponse]]:
            batch, opening = await self._find(message_batch_id, workspace_id, wait, options)
            reader = _reader(batch, handler, max_resumes, max_line_bytes)
            return batch, await self._source(batch, opening, reader)

        return AsyncResultStream(begin)

    async def results_by_id(
        self,
        message_batch_id: str,
        requests: Iterable[object] | None = None,
        *,
        workspace_id: str | None = None,
        wait: bool = False,
        on_bad_line: OnBadLine = "raise",
        max_resumes: int = MAX_RESUMES,
        max_line_bytes: int = MAX_LINE_BYTES,
        **options: Unpack[RequestOptions],
    ) -> ResultsById[MessageBatchIndividualResponse]:
        """Read all results of a batch, to be looked up by custom_id or taken in the order of the requests.

        They are read once, into a temporary file; about 100 bytes for each stay in memory.

        Args:
            message_batch_id: The batch's `id`.
            requests: The requests whose results are wanted, or their custom_ids, in the order that the
                results are wanted in; `None` takes all results in the order they come. Those that have none
                are in `missing`.
            workspace_id: The workspace to act in, for credentials that can act in several.
            wait: Wait for the batch to end first.
            on_bad_line: What to do about a line that is not a result, as in `results()`.
            max_resumes: How many failures in a row are taken, as in `results()`.
            max_line_bytes: How long a line may be.
            **options: As for every call.

        Raises:
            TypeError: Something among the requests has no custom_id.
            ValueError: A custom_id is wanted twice.
            ResultsError: Something is wrong with the results.
            APIError: The batch or its results can't be had.
        """
        joiner = Joiner(None if requests is None else wanted_ids(requests), _decoder(message_batch_id))

        async def begin() -> tuple[MessageBatch, AsyncSource[tuple[str, bytes]]]:
            batch, opening = await self._find(message_batch_id, workspace_id, wait, options)
            reader = _reader(batch, LineFinder(on_bad_line), max_resumes, max_line_bytes)
            return batch, await self._source(batch, opening, reader)

        try:
            async with AsyncResultStream(begin) as lines:
                async for custom_id, line in lines:
                    joiner.add(custom_id, line)
        except BaseException:
            joiner.close()
            raise
        return joiner.finish(lines.batch)

    async def download(
        self,
        message_batch_id: str,
        path: str | os.PathLike[str],
        *,
        workspace_id: str | None = None,
        wait: bool = False,
        max_resumes: int = MAX_RESUMES,
        progress: Callable[[DownloadProgress], object] | None = None,
        **options: Unpack[RequestOptions],
    ) -> Path:
        """Write the results of a batch to a file, one JSON object a line, as the API sends them.

        The file appears when all results are in it, and replaces one of the same name. Until then they are in
        a hidden file beside it, and the same call goes on with that one: after a crash, too. Read the file
        with `results_from_file()`.

        Args:
            message_batch_id: The batch's `id`.
            path: Where to.
            workspace_id: The workspace to act in, for credentials that can act in several.
            wait: Wait for the batch to end first.
            max_resumes: How many failures in a row are taken, as in `results()`.
            progress: Is called with a `DownloadProgress` every megabyte, and at the end.
            **options: As for every call.

        Returns:
            The path.

        Raises:
            ConfigurationError: The name of the file promises compression.
            FileNotFoundError: The folder to download to is not there.
            OSError: The file can't be written.
            ResultsError: Something is wrong with the results, or another process is downloading them to
                there.
            APIError: The batch or its results can't be had.
        """
        target = plain_path(path)
        batch, opening = await self._find(message_batch_id, workspace_id, wait, options)
        check_ended(batch)
        # What takes long on disk is done on a thread: reading what is there already, and the sync at the end.
        partial = await anyio.to_thread.run_sync(PartialFile, target, batch.id, progress)
        try:
            reader = _copier(batch, partial, max_resumes)

            async def begin() -> tuple[MessageBatch, AsyncSource[bytes]]:
                return batch, await self._source(batch, opening, reader)

            if not reader.complete:
                async with AsyncResultStream(begin) as lines:
                    async for line in lines:
                        partial.write(line, reader)
            return await anyio.to_thread.run_sync(partial.complete, reader)
        except (ResultsChangedError, DuplicateResultsError):
            partial.discard()
            raise
        finally:
            partial.close()

    async def _find(
        self, batch_id: str, workspace_id: str | None, wait: bool, options: RequestOptions
    ) -> tuple[MessageBatch, Opening]:
        transport = cast(AsyncTransport, self._transport)
        opening = Opening(transport.config, transport.clock, batch_id, workspace_id, options)
        if wait:
            waiting = cast(_Waits, self).wait(batch_id, workspace_id=workspace_id, **_look(options))
            batch: MessageBatch = await waiting
        else:
            batch = await transport.sender.run(opening.batch())
        return batch, opening

    async def _source(self, batch: MessageBatch, opening: Opening, reader: Reader[T]) -> AsyncSource[T]:
        transport = cast(AsyncTransport, self._transport)

        async def open_(headers: dict[str, str]) -> AsyncResponse:
            return cast(AsyncResponse, await transport.sender.run(opening.results(batch, headers)))

        source = AsyncSource(reader, open_, transport.clock.async_sleep)
        try:
            await source.connect()
        except ClaudeBatchesError as error:
            if not reader.range_refused(error):
                raise
            await source.recover(error)
        return source
