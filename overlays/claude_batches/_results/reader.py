"""Reading of a results file over as many responses as it takes.

A `Reader` is a flow like every call: it yields effects, and a driver performs them. Its items come in portions, one for
each chunk of a response:

    while True:
        try:
            for item in reader.items: ...
            if not (yield from reader.advance()): break
        except ClaudeBatchesError as error:
            yield from reader.recover(error)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import eq
from typing import TYPE_CHECKING, Generic, TypeVar

from .._errors import APIError, ClaudeBatchesError
from .._headers import redacted_bytes
from .._http.effects import Close, Flow, ReadChunk, Sleep
from .._http.failure import Failure
from .._http.lines import MAX_LINE_BYTES, LineSplitter
from .._http.response import OpenedResponse
from .._http.session import Session
from .._logging import logger
from .completeness import check_complete, expected_results
from .decoder import LineHandler
from .errors import (
    BrokenEncodingError,
    IncompleteResultsError,
    LineTooLongError,
    ResultsClosedError,
    ResultsFormatError,
)
from .inflate import ACCEPT_ENCODING, Inflater, inflater
from .line import is_bad, is_cut
from .resume import (
    EndedShortError,
    Patience,
    RangeRefusedError,
    Validator,
    continues,
    resumable,
    validator,
)
from .seen_lines import Retrace, SeenLines

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["MAX_RESUMES", "OVERLAP", "Reader"]

T = TypeVar("T")

#: Number of failures in a row, without progress between them, before reading is given up.
MAX_RESUMES = 5

#: Bytes before the first missing one that a resumed request asks for again. A server that sends other bytes there has
#: another file.
OVERLAP = 1024

#: The content type of the API, and one that some gateways require.
ACCEPT = "application/x-jsonl, application/binary;q=0.9, */*;q=0.1"

Open = Callable[[dict[str, str]], Flow[OpenedResponse]]
"""Opens the results file with additional headers."""


class _Pass:
    """One pass over the file: one response, or several that continue one another.

    Args:
        seen: The returned lines.
        known: Validator of the file.
        splitter: Splits the file into lines.
        tail: The last bytes before the position of the splitter.
    """

    def __init__(
        self, seen: SeenLines, known: Validator | None, splitter: LineSplitter, tail: bytes = b""
    ) -> None:
        self.known = known
        self.splitter = splitter
        self.retrace = Retrace(seen)
        self._tail = tail
        self._overlap = b""
        self._previous = b""

    def resume_at(self) -> int:
        """Prepare for a response from an earlier byte on, and return its position."""
        self._overlap = self._tail
        return self.splitter.position - len(self._tail)

    def lines(self, chunk: bytes) -> list[bytes]:
        """Return the lines that end in a chunk and were not returned yet.

        Raises:
            RangeRefusedError: The overlap with the last response differs.
        """
        if self._overlap:
            size = min(len(chunk), len(self._overlap))
            if chunk[:size] != self._overlap[:size]:
                raise RangeRefusedError("the bytes differ from those that were read before")
            self._overlap, chunk = self._overlap[size:], chunk[size:]
        self._tail = (self._tail + chunk[-OVERLAP:])[-OVERLAP:]
        return self._unseen(self.splitter.feed(chunk))

    def finish(self) -> list[bytes]:
        """Return the last line if it has no line break and was not returned yet."""
        lines = self._unseen(self.splitter.finish())
        self.retrace.finish()
        return lines

    def _unseen(self, lines: list[bytes]) -> list[bytes]:
        if lines and (lines[0] == self._previous or any(map(eq, lines, lines[1:]))):
            lines = self._without_repetitions(lines)
        if lines:
            self._previous = lines[-1]
        return self.retrace.unseen(lines)

    def _without_repetitions(self, lines: list[bytes]) -> list[bytes]:
        """Leave out each result that directly follows an equal one. A repeated bad line stays."""
        before = [self._previous, *lines]
        return [
            line for previous, line in zip(before, lines, strict=False) if line != previous or is_bad(line)
        ]


class Reader(Generic[T]):
    """Reads the results of a batch, each once.

    Args:
        session: State of the client.
        open: Opens the results file.
        handler: Makes items of lines.
        batch: The batch.
        seen: Lines that an earlier reader returned.
        max_resumes: Number of failures in a row that are accepted.
        max_line_bytes: Longest line in bytes.
    """

    def __init__(
        self,
        session: Session,
        open: Open,
        handler: LineHandler[T],
        batch: MessageBatch,
        *,
        seen: SeenLines | None = None,
        max_resumes: int = MAX_RESUMES,
        max_line_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        self.batch = batch
        self.seen = SeenLines() if seen is None else seen
        self.expected = expected_results(batch.request_counts)
        """Number of results of the batch; `None` if it is unknown."""
        self.items: Iterator[T] = iter(())
        """Items that were read and not returned yet."""
        self.bytes_read = 0
        """Number of bytes received, compressed ones as sent, repeated ones again."""
        self.resumes = 0
        """Number of resumed requests."""
        self.complete: bool | None = None if self.expected is None else False
        """True after the end of a complete file; `None` if the number of results is unknown."""
        self.closed = False
        self.response: OpenedResponse | None = None
        """The current response, or the last one."""
        self._session = session
        self._open = open
        self._handler = handler
        self._max_line_bytes = max_line_bytes
        self._patience = Patience(max_resumes, session.clock)
        self._pass: _Pass | None = None
        self._inflater: Inflater | None = None
        self._reading = False
        # Made once a response, because a results file has thousands of chunks.
        self._next_chunk: ReadChunk | None = None
        self._ending = False
        self._finished = False
        self._ranges = True
        self._asked_from: int | None = None
        self._ended_short_at: tuple[int, int] | None = None
        self._in_doubt = False
        self._failure: Exception | None = None
        if self.expected is None:
            logger.warning(
                "results of batch %s: its request_counts are unreadable, so a truncated file can't be noticed",
                batch.id,
            )

    def restore(self, known: Validator, tail: bytes, size: int, unfinished: bytes = b"") -> None:
        """Continue where an earlier reader stopped.

        Args:
            known: Validator of the file.
            tail: The last bytes that were read.
            size: Number of bytes of the lines that were read.
            unfinished: The beginning of the next line.
        """
        self._pass = _Pass(self.seen, known, self._splitter(size, len(self.seen) + 1), tail[-OVERLAP:])
        self._pass.splitter.feed(unfinished)
        self._pass.retrace.skip_all()

    def unfinished_after(self, size: int) -> bytes:
        """Return the beginning of the next line if the lines so far are the first `size` bytes of the file."""
        current = self._pass
        if current is None or current.known is None or current.splitter.offset != size:
            return b""
        return current.splitter.unfinished

    @property
    def is_complete(self) -> bool:
        """True if as many results were returned as the batch has."""
        return self.expected is not None and self.seen.results >= self.expected

    @property
    def validator(self) -> Validator | None:
        """Validator of the file."""
        return None if self._pass is None else self._pass.known

    # Flows

    def connect(self) -> Flow[None]:
        """Open the file before the first item is asked for, so that an error is raised early."""
        try:
            yield from self._connect()
        except ClaudeBatchesError as error:
            # Only a continued download starts with a request for the rest of the file.
            if not self._range_refused(error):
                raise
            yield from self.recover(error)

    def advance(self) -> Flow[bool]:
        """Read until there are new `items`. Return false after the end.

        Raises:
            ResultsClosedError: The reader was closed.
            ClaudeBatchesError: A failure; see `recover`.
        """
        if self._finished:
            return False
        if self.closed:
            raise ResultsClosedError
        if self._ending:
            self._finished = True
            yield from self.close()
            return False
        if not self._reading:
            yield from self._connect()
        assert self.response is not None
        assert self._next_chunk is not None
        chunk: bytes | Failure | None = yield self._next_chunk
        if isinstance(chunk, Failure):
            self._failure = self.response.error(chunk)
            raise self._failure
        if chunk is None:
            self._ending = True
            self.items = self._finish()
        else:
            self.items = self._feed(chunk)
        return True

    def recover(self, error: ClaudeBatchesError) -> Flow[None]:
        """Prepare to continue after a failure.

        Raises:
            ClaudeBatchesError: The failure can't be cured, or was the last of too many.
        """
        yield from self._release()
        ours, self._failure = self._failure, None
        if isinstance(error, APIError) and error is not ours:
            # A function of the user, such as `on_bad_line`, raised it.
            raise error
        delay = self._delay_after(error)
        self._ending = delay is None
        if delay:
            yield Sleep(delay)

    def close(self) -> Flow[None]:
        """Close the connection permanently."""
        self.closed = True
        yield from self._release()

    def _connect(self) -> Flow[None]:
        try:
            self.response = yield from self._open(self._headers())
        except APIError as error:
            self._failure = error
            raise
        self._reading = True
        self._next_chunk = ReadChunk(self.response)
        # The first reply is empty; it ties the response to this reader.
        yield self._next_chunk
        try:
            self._opened(self.response)
        except ClaudeBatchesError:
            yield from self._release()
            raise

    def _release(self) -> Flow[None]:
        self.items = iter(())
        self._ending = False
        if self._reading and self.response is not None:
            self._reading = False
            yield Close(self.response)

    # Decisions

    def _headers(self) -> dict[str, str]:
        """Return the headers of the next request: for the file, or for the rest of it."""
        headers = {"accept": ACCEPT, "accept-encoding": ACCEPT_ENCODING}
        self._asked_from = None
        current = self._pass
        if current is not None:
            # Offsets of ranges are those of the plain file.
            headers["accept-encoding"] = "identity"
            if self._ranges and current.known is not None and current.splitter.position:
                self._asked_from = current.resume_at()
                headers["range"] = f"bytes={self._asked_from}-"
                headers["if-range"] = current.known.value
        return headers

    def _opened(self, response: OpenedResponse) -> None:
        """Classify a response: the file, or the rest of it.

        Raises:
            ResultsFormatError: It is neither, or has an encoding that was not requested.
            RangeRefusedError: It is another part of the file.
        """
        headers: Mapping[str, str] = response.headers
        current, start = self._pass, self._asked_from
        if response.status_code == 206 and current is not None and current.known and start is not None:
            if not continues(headers, start=start, known=current.known):
                raise RangeRefusedError("the server sent another part of the file, or another file")
            self._inflater = None
        elif response.status_code == 200:
            encoding = None if response.was_read else headers.get("content-encoding")
            self._inflater = inflater(encoding)
            self._pass = _Pass(self.seen, validator(headers), self._splitter())
        else:
            raise ResultsFormatError(f"the server answered {response.status_code} in place of results")

    def _feed(self, chunk: bytes) -> Iterator[T]:
        self.bytes_read += len(chunk)
        if self._inflater is None:
            return self._items(self._current.lines(chunk), chunk)
        return self._inflated(self._inflater, chunk)

    def _finish(self) -> Iterator[T]:
        """Return the last items, and check that all results were read.

        Raises:
            EndedShortError: Results are missing. Reading again may help.
        """
        if self._inflater is not None:
            self._inflater.finish()
        unfinished = self._current.splitter.unfinished
        if self._is_short and unfinished.strip() and is_cut(unfinished):
            raise EndedShortError("the response ended within a line")
        yield from self._items(self._current.finish(), b"")
        if self._is_short or not self._current.retrace.passed:
            raise EndedShortError("the response ended before the last result")
        self._check()

    def _range_refused(self, error: ClaudeBatchesError) -> bool:
        """Return true if the server can't send the requested rest of the file."""
        if self._asked_from is None:
            return False
        return isinstance(error, RangeRefusedError) or getattr(error, "status_code", None) in (412, 416)

    def _delay_after(self, error: ClaudeBatchesError) -> float | None:
        """Return the seconds to wait before the next request; `None` if all results were read.

        Raises:
            IncompleteResultsError: This was one failure too many.
            ClaudeBatchesError: The failure itself, if a new request can't cure it.
        """
        if self._range_refused(error):
            error = RangeRefusedError("the server can't send the rest of the file")
        if not isinstance(error, RangeRefusedError | APIError) and not resumable(error):
            raise error
        position = 0 if self._pass is None else self._pass.splitter.position
        if isinstance(error, BrokenEncodingError) and error.corrupt:
            # The returned items may be wrong. They are compared with the uncompressed file from its start.
            self._in_doubt = True
            self._current.known = None
        if self.is_complete and not self._in_doubt:
            self._check()
            return None
        if isinstance(error, RangeRefusedError):
            self._ranges = False
        if self.seen.trim():
            # The failure came between lines that had been received, so the next bytes are not the next lines.
            self._current.known = None
        results = self.seen.results
        if isinstance(error, EndedShortError):
            # The same end twice without an error is the end of the file.
            if self._ended_short_at == (results, position):
                reason = "the file has no more"
                raise IncompleteResultsError(self.batch.id, results, self.expected, reason) from None
            self._ended_short_at = results, position
        delay = self._patience.delay(error, len(self.seen), position) if resumable(error) else None
        if delay is None:
            cause = error if isinstance(error, APIError | BrokenEncodingError) else None
            raise IncompleteResultsError(self.batch.id, results, self.expected, str(error)) from cause
        self.resumes += 1
        logger.info("results of batch %s: resuming after %d lines: %s", self.batch.id, len(self.seen), error)
        return delay

    @property
    def _is_short(self) -> bool:
        return self.expected is not None and self.seen.results < self.expected

    @property
    def _current(self) -> _Pass:
        assert self._pass is not None, "a response was opened before"
        return self._pass

    def _splitter(self, offset: int = 0, number: int = 1) -> LineSplitter:
        return LineSplitter(self._too_long, max_line_bytes=self._max_line_bytes, offset=offset, number=number)

    def _too_long(self, limit: int, number: int, offset: int, line: bytes) -> LineTooLongError:
        # A page of a proxy is often one long line.
        return LineTooLongError(limit, number, offset, redacted_bytes(line, self._session.config.secrets()))

    def _check(self) -> None:
        check_complete(self.seen, self.batch.id, self.expected)
        if self.expected is not None:
            self.complete = True

    def _items(self, lines: list[bytes], chunk: bytes) -> Iterator[T]:
        self.seen.note(lines)
        locate = self._current.splitter.locate if self._inflater is None else self._doubt
        return self._handler.items(lines, chunk, self.seen, locate)

    def _doubt(self, _line: bytes) -> tuple[int, int]:
        # Corrupt data often decompresses to something, and the checksum is at the end. A bad line is judged after it
        # was read again without an encoding.
        raise BrokenEncodingError("a line is not a result, perhaps because of corrupt data", corrupt=True)

    def _inflated(self, stream: Inflater, chunk: bytes) -> Iterator[T]:
        for piece in stream.feed(chunk):
            yield from self._items(self._current.lines(piece), piece)
