"""All of reading results that is not I/O: what to ask for, what to make of what comes, when to go on.

A driver (`_stream.py`, `_async_stream.py`) sends the requests, hands chunks in, and sleeps as it is told:

    while True:
        response = open(url, headers=reader.headers())
        reader.opened(response.status_code, response.headers)
        for chunk in response:
            yield from reader.feed(chunk)
        yield from reader.finish()          # raises unless all is there
        break
    # and on any error of ours in there:
        sleep(reader.failed(error))         # raises when there is no going on; None when there is no need
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from claude_batches._errors import APIError, ClaudeBatchesError

from ._completeness import check_complete
from ._decode import LineHandler, line_id
from ._errors import BrokenEncodingError, IncompleteResultsError, ResultsFormatError
from ._inflate import ACCEPT_ENCODING, Inflater, inflater
from ._ledger import Ledger, Retrace
from ._line import NotAResultError, parse
from ._resume import (
    EndedShortError,
    Patience,
    RangeRefusedError,
    Validator,
    continues,
    resumable,
    validator,
)
from ._split import MAX_LINE_BYTES, LineSplitter

__all__ = ["MAX_RESUMES", "Reader"]

T = TypeVar("T")

#: How many failures in a row, without a result gained between them, are taken before reading is given up.
MAX_RESUMES = 5

#: The first is what the API sends; the second what some gateways in front of it insist on.
ACCEPT = "application/x-jsonl, application/binary;q=0.9, */*;q=0.1"


class _Reading:
    """One pass over the file: by one response, or by several of which each goes on with the last."""

    def __init__(self, ledger: Ledger, known: Validator | None, max_line_bytes: int) -> None:
        self.known = known
        """Tells whether the file is still the same."""
        self.splitter = LineSplitter(max_line_bytes=max_line_bytes)
        self._retrace = Retrace(ledger)
        self._overlap: bytes | None = None
        self._previous = b""

    def back_up(self) -> int:
        """Make ready to be fed from an earlier byte on, and tell which.

        It is where the last line that came begins. A server that then does not send that line again is not
        where it says it is, or sends another file.
        """
        if self._overlap is None:
            self._overlap = self.splitter.back_up()
        return self.splitter.offset

    def start_from(self, last_line: bytes, offset: int) -> None:
        """Take all that comes before and with this line, which begins at this offset, as handed out."""
        self.splitter.offset = offset
        self._overlap = last_line
        self._retrace.skip_all()

    def lines(self, chunk: bytes) -> list[bytes]:
        """The lines that end in this chunk and were not handed out yet."""
        return self._new(self.splitter.feed(chunk))

    def finish(self) -> list[bytes]:
        """The last line, if it has no line break and was not handed out yet."""
        lines = self._new(self.splitter.finish())
        self._retrace.finish()
        return lines

    def _new(self, lines: list[bytes]) -> list[bytes]:
        if lines and self._overlap is not None:
            if lines[0] != self._overlap:
                raise RangeRefusedError("what came is not what follows")
            self._overlap = None
            lines = lines[1:]
        if lines and (lines[0] == self._previous or len(set(lines)) < len(lines)):
            lines = self._once(lines)
        if lines:
            self._previous = lines[-1]
        return self._retrace.unseen(lines)

    def _once(self, lines: list[bytes]) -> list[bytes]:
        """The lines without results that come again word for word, right after or soon after.

        Those that come again much later are seen at the end only: to know all of them would take more memory.
        """
        seen = {self._previous}
        kept: list[bytes] = []
        for line in lines:
            if line not in seen or line_id(line) is None:
                kept.append(line)
                seen.add(line)
        return kept


class Reader(Generic[T]):
    """The state of reading one results file, over all the responses that takes.

    Args:
        handler: Makes what is handed out of lines.
        batch_id: For errors.
        expected: How many results the batch has, where that is known.
        ledger: What was handed out before, by an earlier reader.
        max_resumes: How many failures in a row, without a result gained between them, are taken.
        max_line_bytes: How long a line may be.
        uniform: A random number between two, for the waits.
    """

    def __init__(
        self,
        handler: LineHandler[T],
        *,
        batch_id: str | None = None,
        expected: int | None = None,
        ledger: Ledger | None = None,
        max_resumes: int = MAX_RESUMES,
        max_line_bytes: int = MAX_LINE_BYTES,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.ledger = Ledger() if ledger is None else ledger
        self.expected = expected
        self.bytes_read = 0
        """How many bytes came, as they came: before decompression, and counting again what was read again."""
        self.resumes = 0
        """How often reading was resumed."""
        self._handler = handler
        self._batch_id = batch_id
        self._max_line_bytes = max_line_bytes
        self._patience = Patience(max_resumes, uniform)
        self._reading: _Reading | None = None
        self._inflater: Inflater | None = None
        self._ranges = True
        self._asked_from: int | None = None
        self._ended_short_at: int | None = None
        self._in_doubt = False

    @property
    def lines_read(self) -> int:
        """How many results were handed out."""
        return len(self.ledger) - self._handler.skipped

    def restore(self, known: Validator, last_line: bytes, offset: int) -> None:
        """Begin where an earlier reader stopped, whose ledger this is.

        Args:
            known: Tells whether the file is still the same.
            last_line: The last line that was handed out.
            offset: Where that line begins.
        """
        self._reading = _Reading(self.ledger, known, self._max_line_bytes)
        self._reading.start_from(last_line, offset)

    @property
    def complete(self) -> bool:
        """Whether as many results were handed out as the batch has."""
        return self.expected is not None and len(self.ledger) >= self.expected

    @property
    def validator(self) -> Validator | None:
        """What tells whether the file is still the one that is being read."""
        return None if self._reading is None else self._reading.known

    def headers(self) -> dict[str, str]:
        """The headers of the next request: for the file, or for the rest of it where that can be had."""
        headers = {"accept": ACCEPT, "accept-encoding": ACCEPT_ENCODING}
        self._asked_from = None
        reading = self._reading
        if reading is not None:
            # The offsets of ranges are those of the plain file.
            headers["accept-encoding"] = "identity"
            if self._ranges and reading.known is not None and (start := reading.back_up()):
                self._asked_from = start
                headers["range"] = f"bytes={start}-"
                headers["if-range"] = reading.known.value
        return headers

    def opened(self, status: int, headers: Mapping[str, str]) -> None:
        """See what a response is: the file, or the rest of it.

        Raises:
            ResultsFormatError: It is something else, or in an encoding that was not asked for.
            RangeRefusedError: It is a part of the file, but not the part that was asked for.
        """
        reading, start = self._reading, self._asked_from
        if status == 206 and reading is not None and reading.known is not None and start is not None:
            if not continues(headers, start=start, known=reading.known):
                raise RangeRefusedError("another part of the file came, or of another file")
            self._inflater = None
        elif status == 200:
            self._inflater = inflater(headers.get("content-encoding"))
            self._reading = _Reading(self.ledger, validator(headers), self._max_line_bytes)
        else:
            raise ResultsFormatError(f"the server answered {status} instead of sending results")

    def feed(self, chunk: bytes) -> Iterator[T]:
        """Hand out the results that end in this chunk of the body, which comes as it was sent."""
        self.bytes_read += len(chunk)
        if self._inflater is None:
            return self._hand_out(self._open_reading.lines(chunk))
        return self._inflated(self._inflater, chunk)

    def finish(self) -> Iterator[T]:
        """Hand out what is left at the end of a body, and check that all is there.

        Raises:
            EndedShortError: It is not; reading again may help.
        """
        if self._inflater is not None:
            self._inflater.finish()
        reading = self._open_reading
        if self._is_short and _is_cut(reading.splitter.unfinished):
            raise EndedShortError("the response ended within a line")
        yield from self._hand_out(reading.finish())
        if self._is_short:
            raise EndedShortError("the response ended before all results had come")
        self._check()

    def range_refused(self, error: ClaudeBatchesError) -> bool:
        """Whether the rest of the file was asked for, and the answer is that it can't be had like that."""
        if self._asked_from is None:
            return False
        return isinstance(error, RangeRefusedError) or getattr(error, "status_code", None) in (412, 416)

    def failed(self, error: ClaudeBatchesError) -> float | None:
        """Decide about a failure.

        Returns:
            How many seconds to wait before the next request; `None` if all results are there already.

        Raises:
            IncompleteResultsError: This was one failure too many.
            ClaudeBatchesError: The failure itself, where trying again can't mend it.
        """
        if self.range_refused(error):
            error = RangeRefusedError("the server can't send the rest of the file")
        if not isinstance(error, RangeRefusedError | APIError) and not resumable(error):
            raise error
        if isinstance(error, BrokenEncodingError) and error.corrupt:
            # What was handed out may be wrong: from its start on, it is compared with what comes
            # uncompressed.
            self._in_doubt = True
            self._open_reading.known = None
        if self.complete and not self._in_doubt:
            self._check()
            return None
        if isinstance(error, RangeRefusedError):
            self._ranges = False
        if self.ledger.trim():
            # It failed in the middle of lines that had come: what comes after them is not what is wanted
            # next.
            self._open_reading.known = None
        lines = len(self.ledger)
        if isinstance(error, EndedShortError):
            # Twice the same end, and nobody says that anything went wrong: that is where the file ends.
            if self._ended_short_at == lines:
                reason = "the file has no more"
                raise IncompleteResultsError(self._batch_id, lines, self.expected, reason) from None
            self._ended_short_at = lines
        wait = self._patience.wait_before_resuming(error, lines) if resumable(error) else None
        if wait is None:
            cause = error if isinstance(error, APIError | BrokenEncodingError) else None
            raise IncompleteResultsError(self._batch_id, lines, self.expected, str(error)) from cause
        self.resumes += 1
        return wait

    @property
    def _is_short(self) -> bool:
        return self.expected is not None and len(self.ledger) < self.expected

    @property
    def _open_reading(self) -> _Reading:
        if self._reading is None:
            raise RuntimeError("opened() comes first")
        return self._reading

    def _check(self) -> None:
        check_complete(self.ledger, self._batch_id, self.expected, skipped=self._handler.skipped)

    def _hand_out(self, lines: list[bytes]) -> Iterator[T]:
        self.ledger.note(lines)
        locate = self._open_reading.splitter.locate if self._inflater is None else self._doubt
        return self._handler.items(lines, self.ledger.add_id, locate)

    def _doubt(self, _line: bytes) -> tuple[int, int]:
        # Corrupt data often inflates to something, and its checksum comes last. What to do about a bad line
        # is decided when it has come without an encoding.
        raise BrokenEncodingError("a line is not a result; corrupt compressed data may be why", corrupt=True)

    def _inflated(self, stream: Inflater, chunk: bytes) -> Iterator[T]:
        for piece in stream.feed(chunk):
            yield from self._hand_out(self._open_reading.lines(piece))


def _is_cut(line: bytes) -> bool:
    """Whether a last line without a line break is not whole. A part of a JSON object never parses."""
    if not line.strip():
        return False
    try:
        parse(line)
    except NotAResultError:
        return True
    return False
