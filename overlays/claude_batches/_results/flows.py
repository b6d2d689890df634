"""Flows of reading results: to a stream, an index or a file. All of them are outputs of one reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import attrs
from claude_batches_api.operations.messages_batches import RESULTS
from claude_batches_api.request import RequestOptions

from .._batches.ids import check_id
from .._batches.wait import Polling
from .._errors import ClaudeBatchesError
from .._http.attempts import Fetched
from .._http.effects import Flow, Read, Work
from .._http.failure import Failure
from .._http.lines import MAX_LINE_BYTES
from .._http.response import OpenedResponse
from .._http.session import Session
from .decoder import LineDecoder, LineHandler, OnBadLine, RawLines
from .errors import (
    DuplicateResultsError,
    ExcessResultsError,
    ForeignResultsError,
    ResultsChangedError,
)
from .index import ResultsById, ResultsIndex, wanted_ids
from .line import has_large_number, is_bad, parse
from .partial import DownloadProgress, PartialFile
from .reader import MAX_RESUMES, Reader
from .requests import ResultsRequests, check_ended

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch, MessageBatchIndividualResponse

__all__ = [
    "ResultsCall",
    "Sink",
    "download",
    "drain",
    "fetch_response_of",
    "index_results",
    "open_response_of",
    "open_stream",
]

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Sink(Protocol[T_contra]):
    """Receives the items of a reader."""

    def write(self, item: T_contra, /) -> object:
        """Take one item."""
        ...


def _check_id(_: object, __: attrs.Attribute[str], batch_id: str) -> None:
    check_id(batch_id)


@attrs.frozen
class ResultsCall:
    """One call for results: the batch and the caller's options."""

    session: Session
    batch_id: str = attrs.field(validator=_check_id)
    arguments: Mapping[str, Any]
    """Arguments of the operation besides the batch: headers and query parameters."""
    options: RequestOptions
    polling: Polling | None = None
    """Waits for the end of the batch first; `None` does not wait."""
    on_bad_line: OnBadLine = "raise"
    max_resumes: int = MAX_RESUMES
    max_line_bytes: int = MAX_LINE_BYTES

    def requests(self) -> ResultsRequests:
        """Return the requests of the call. Its deadline starts now."""
        return ResultsRequests(self.session, self.batch_id, self.arguments, self.options)

    def decoder(self) -> LineDecoder[MessageBatchIndividualResponse]:
        """Return the handler that decodes lines."""
        return LineDecoder(
            RESULTS.decoder(RESULTS.success),
            self.on_bad_line,
            batch_id=self.batch_id,
            sent=self._sent(),
            secrets=self.session.config.secrets(),
        )

    def raw_lines(self) -> RawLines:
        """Return the handler that checks lines and leaves them undecoded."""
        return RawLines(self.on_bad_line, **self._checks())

    def reader(
        self, requests: ResultsRequests, handler: LineHandler[T], batch: MessageBatch, **more: Any
    ) -> Reader[T]:
        """Return a reader for the results of a batch."""
        limits: dict[str, Any] = {
            "max_resumes": self.max_resumes,
            "max_line_bytes": self.max_line_bytes,
            **more,
        }
        return Reader(self.session, partial(requests.results, batch), handler, batch, **limits)

    def checked(self, decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        """Return a decoder that reads large numbers exactly, and refuses results of another program's batch."""
        sent = self._sent()
        decode_exactly = RESULTS.decoder(RESULTS.success)

        def decode_line(line: bytes) -> Any:
            exact = has_large_number(line) and not is_bad(line)
            result = decode_exactly(parse(line)) if exact else decode(line)
            custom_id: Any = getattr(result, "custom_id", None)
            if sent is not None and custom_id not in sent:
                raise ForeignResultsError(self.batch_id, str(custom_id))
            return result

        return decode_line

    def _checks(self) -> dict[str, Any]:
        """Return the arguments of line handlers for errors and checks."""
        secrets = self.session.config.secrets()
        return {"batch_id": self.batch_id, "sent": self._sent(), "secrets": secrets}

    def _sent(self) -> Any:
        # A reconciled batch is checked against the custom_ids that were sent.
        return self.session.batches.sent_ids(self.session.config.origin, self.batch_id)


def drain(reader: Reader[T], sink: Sink[T]) -> Flow[None]:
    """Read everything into a sink."""
    more = True
    try:
        while more:
            try:
                for item in reader.items:
                    sink.write(item)
                more = yield from reader.advance()
            except ClaudeBatchesError as error:
                yield from reader.recover(error)
    except GeneratorExit:
        # A discarded flow can't yield any more. The response is closed when it is garbage collected.
        raise
    except BaseException:
        yield from reader.close()
        raise


def open_stream(
    call: ResultsCall, handler: LineDecoder[MessageBatchIndividualResponse]
) -> Flow[Reader[MessageBatchIndividualResponse]]:
    """Open the results of a batch."""
    requests = call.requests()
    batch = yield from requests.batch(call.polling)
    reader = call.reader(requests, handler, batch)
    yield from reader.connect()
    return reader


def open_response_of(call: ResultsCall) -> Flow[OpenedResponse]:
    """Open the response with the results of a batch, for a raw or streamed view."""
    requests = call.requests()
    batch = yield from requests.batch(call.polling)
    return (yield from requests.results(batch, {"accept": RESULTS.success.media_type or "*/*"}))


def fetch_response_of(call: ResultsCall) -> Flow[Fetched]:
    """Read the response with the results of a batch, for a raw view."""
    response = yield from open_response_of(call)
    content: bytes | Failure = yield Read(response)
    if isinstance(content, Failure):
        raise response.error(content)
    return Fetched(response, content)


def index_results(
    call: ResultsCall, requests: Iterable[object] | None
) -> Flow[ResultsById[MessageBatchIndividualResponse]]:
    """Read all results of a batch into an index."""
    ids = None if requests is None else wanted_ids(requests)
    handler = call.raw_lines()
    index: ResultsIndex[MessageBatchIndividualResponse] = ResultsIndex(ids, RESULTS.decoder(RESULTS.success))
    try:
        source = call.requests()
        batch = yield from source.batch(call.polling)
        reader = call.reader(source, handler, batch)
        yield from reader.connect()
        yield from drain(reader, index)
        return index.finish(batch)
    except BaseException:
        index.close()
        raise


def download(
    call: ResultsCall, target: Path, progress: Callable[[DownloadProgress], object] | None
) -> Flow[Path]:
    """Write the results of a batch to a file, continuing an earlier download."""
    handler = call.raw_lines()
    requests = call.requests()
    batch = yield from requests.batch(call.polling)
    check_ended(batch)
    # Slow disk work: reading the partial file, and the sync at the end.
    partial_file = PartialFile(target, call.batch_id, progress)
    try:
        yield Work(partial_file.open)
        reader = call.reader(requests, handler, batch, seen=partial_file.seen)
        partial_file.attach(reader)
        if not reader.is_complete:
            yield from reader.connect()
            yield from drain(reader, partial_file)
        partial_file.report()
        yield Work(partial_file.complete)
    except (ResultsChangedError, DuplicateResultsError, ExcessResultsError):
        partial_file.discard()
        raise
    finally:
        partial_file.close()
    return target
