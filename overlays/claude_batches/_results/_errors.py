"""What can go wrong with results.

ClaudeBatchesError
 └─ ResultsError
     ├─ ResultsNotReadyError      the batch has not ended yet
     ├─ ResultsGoneError          they are archived, expired or deleted
     ├─ IncompleteResultsError    fewer came than the batch has
     ├─ ResultsChangedError       the file is another than the one that reading began with
     ├─ DuplicateResultsError     a custom_id came more than once
     ├─ ForeignResultsError       they are not of the requests that were sent
     ├─ ResultsClosedError        read on after close() or break
     ├─ ResultsFormatError        in an encoding that can't be read here
     │   └─ BrokenEncodingError   in one that is truncated or corrupted
     └─ BadLineError              a line is not a result
         └─ LineTooLongError
"""

from __future__ import annotations

import re

from claude_batches._errors import ClaudeBatchesError, name_publicly

__all__ = [
    "BadLineError",
    "BrokenEncodingError",
    "DuplicateResultsError",
    "ForeignResultsError",
    "IncompleteResultsError",
    "LineTooLongError",
    "ResultsChangedError",
    "ResultsClosedError",
    "ResultsError",
    "ResultsFormatError",
    "ResultsGoneError",
    "ResultsNotReadyError",
]

#: How much of a bad line an error shows.
EXCERPT_BYTES = 120

# In a string, the quotes would have backslashes before them: this finds keys only.
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"([^"\\]{1,256})"')


class ResultsError(ClaudeBatchesError):
    """The root of everything that is wrong with results themselves."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ResultsNotReadyError(ResultsError):
    """The batch has not ended, so it has no results yet."""

    def __init__(self, batch_id: str, status: str | None) -> None:
        super().__init__(
            f"batch {batch_id} has no results yet: its processing_status is {status!r}. "
            "Call results(..., wait=True), or wait(batch_id) first."
        )
        self.batch_id = batch_id
        self.status = status
        """The batch's `processing_status`."""


class ResultsGoneError(ResultsError):
    """The batch ended, and its results are not kept any more (they are for 29 days after its creation)."""

    def __init__(self, batch_id: str, reason: str) -> None:
        super().__init__(f"the results of batch {batch_id} are gone: {reason}")
        self.batch_id = batch_id
        self.reason = reason


class IncompleteResultsError(ResultsError):
    """The results ended before the batch's `request_counts` were reached.

    Where a failure ended them it is the `__cause__`. What was handed out until then is good.
    """

    def __init__(
        self, batch_id: str | None, lines_read: int, lines_expected: int | None, reason: str
    ) -> None:
        expected = "" if lines_expected is None else f" of {lines_expected}"
        super().__init__(
            f"the results of batch {batch_id} ended after {lines_read}{expected}: {reason}. "
            "Read them again, or use download(), which goes on where it stopped."
        )
        self.batch_id = batch_id
        self.lines_read = lines_read
        """How many different results came."""
        self.lines_expected = lines_expected
        """How many the batch has."""


class ResultsChangedError(ResultsError):
    """On reading again, the file contradicts what was handed out from it before."""

    def __init__(self, reason: str, custom_id: str | None = None) -> None:
        super().__init__(
            f"the results file changed while it was read: {reason}. What was read of it can't be trusted "
            "to belong together: read it again from its start."
        )
        self.custom_id = custom_id
        """The result that is another now, where it is one."""


class DuplicateResultsError(ResultsError):
    """All results came, and some of them more than once."""

    def __init__(self, batch_id: str | None, duplicates: int) -> None:
        super().__init__(
            f"the results of batch {batch_id} are all there, but {duplicates} came more than once: "
            "count each custom_id once, or read them again."
        )
        self.batch_id = batch_id
        self.duplicates = duplicates
        """How many lines were too many."""


class ForeignResultsError(ResultsError):
    """An adopted batch turns out to be another's: it has a result for a request that was not sent.

    See `create(..., on_ambiguous="reconcile")`: the batch was not made after all, and can be sent again.
    """

    def __init__(self, batch_id: str, custom_id: str) -> None:
        super().__init__(
            f"batch {batch_id}, which was adopted when the answer to create() got lost, is not yours: "
            f"no request with custom_id {custom_id!r} was sent. Yours was most likely not made: send it again."
        )
        self.batch_id = batch_id
        self.custom_id = custom_id


class ResultsClosedError(ResultsError):
    """Results were read on after `close()`, or after a loop over them was left."""

    def __init__(self) -> None:
        super().__init__(
            "these results were closed before their end: leaving a loop over them closes them. "
            "Ask for results() again, or take single ones with next()."
        )


class ResultsFormatError(ResultsError):
    """A file or response is in an encoding that can't be read here."""


class BrokenEncodingError(ResultsFormatError):
    """Compressed data ends too early, or is corrupt."""

    def __init__(self, message: str, *, corrupt: bool) -> None:
        super().__init__(message)
        self.corrupt = corrupt
        """Whether it is, and what was read of it may be wrong; otherwise it only ends too early."""


class BadLineError(ResultsError):
    """A line that is not JSON, or is JSON and not a result."""

    def __init__(self, reason: str, line_number: int, byte_offset: int, line: bytes) -> None:
        found = _CUSTOM_ID.search(line)
        self.reason = reason
        """What is wrong with it."""
        self.line_number = line_number
        """Which line it is, from 1; blank lines count."""
        self.byte_offset = byte_offset
        """Where it begins, in bytes from the start of the file, without content encoding."""
        self.custom_id = found[1].decode("utf-8", "replace") if found else None
        """Whose result it is, where that can be read."""
        self.excerpt = _excerpt(line)
        """How it begins, and where it is long, how it ends."""
        whose = f" (custom_id {self.custom_id!r})" if self.custom_id is not None else ""
        super().__init__(f"line {line_number} at byte {byte_offset}{whose} {reason}: {self.excerpt}")


class LineTooLongError(BadLineError):
    """A line is longer than the bound; `on_bad_line` doesn't apply, since where it ends is not known."""

    def __init__(self, max_line_bytes: int, line_number: int, byte_offset: int, line: bytes) -> None:
        super().__init__(
            f"is longer than {max_line_bytes} bytes", line_number, byte_offset, line[:EXCERPT_BYTES]
        )
        self.max_line_bytes = max_line_bytes


def _excerpt(line: bytes) -> str:
    """Printable, on one line, and short."""
    if len(line) > EXCERPT_BYTES:
        half = EXCERPT_BYTES // 2
        return f"{_excerpt(line[:half])} ... {_excerpt(line[-half:])}"
    return ascii(line.decode("utf-8", "replace"))


name_publicly(globals())
