"""Errors about results.

    ClaudeBatchesError
     └─ ResultsError
         ├─ ResultsNotReadyError      the batch has not ended
         ├─ ResultsGoneError          the results are archived, expired or deleted
         ├─ IncompleteResultsError    fewer results than the batch has
         ├─ ExcessResultsError        more results than the batch has
         ├─ ResultsChangedError       a different file than the one that reading began with
         ├─ DuplicateResultsError     a repeated custom_id
         ├─ ForeignResultsError       results of requests that were not sent
         ├─ ResultsClosedError        reading after close() or break
         ├─ DownloadTargetError       a place that a download can't be written to
         │   └─ DownloadFolderError   its folder does not exist
         ├─ ResultsFormatError        an encoding that can't be read
         │   └─ BrokenEncodingError   truncated or corrupt compressed data
         └─ BadLineError              a line that is not a result
             └─ LineTooLongError

A failed request for results raises an `APIError`.
"""

from __future__ import annotations

import re
from typing import Any

from .._errors import ClaudeBatchesError, name_publicly

__all__ = [
    "BadLineError",
    "BrokenEncodingError",
    "DownloadFolderError",
    "DownloadTargetError",
    "DuplicateResultsError",
    "ExcessResultsError",
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

#: Length of the excerpt shown of a bad line.
EXCERPT_BYTES = 120

# Quotes inside a JSON string follow a backslash, so this matches keys only.
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"([^"\\]{1,256})"')


class ResultsError(ClaudeBatchesError):
    """Root of the errors about results."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ResultsNotReadyError(ResultsError):
    """The batch has not ended and has no results yet."""

    def __init__(self, batch_id: str, status: str | None) -> None:
        super().__init__(
            f"batch {batch_id} has no results yet: its processing_status is {status!r}. "
            "Call results(..., wait=True), or wait(batch_id) first."
        )
        self.batch_id = batch_id
        self.status = status
        """`processing_status` of the batch."""


class ResultsGoneError(ResultsError):
    """The batch has ended and its results are no longer available. They are kept for 29 days after creation."""

    def __init__(self, batch_id: str, reason: str) -> None:
        super().__init__(f"the results of batch {batch_id} are gone: {reason}")
        self.batch_id = batch_id
        self.reason = reason


class IncompleteResultsError(ResultsError):
    """The results ended before the `request_counts` of the batch were reached.

    The `__cause__` is the failure that ended them, if there was one. Results returned before are valid.
    """

    def __init__(
        self, batch_id: str | None, lines_read: int, lines_expected: int | None, reason: str
    ) -> None:
        expected = "" if lines_expected is None else f" of {lines_expected}"
        super().__init__(
            f"the results of batch {batch_id} ended after {lines_read}{expected}: {reason}. "
            "Read them again, or use download(), which resumes."
        )
        self.batch_id = batch_id
        self.lines_read = lines_read
        """Number of different results read."""
        self.lines_expected = lines_expected
        """Number of results of the batch."""


class ExcessResultsError(ResultsError):
    """The file has more results than the `request_counts` of the batch. All of them were returned before."""

    def __init__(self, batch_id: str | None, lines_read: int, lines_expected: int) -> None:
        super().__init__(
            f"the results of batch {batch_id} are {lines_read}, and its request_counts add up to {lines_expected}: "
            "the counts or the file can't be trusted. Retrieve the batch and read its results again."
        )
        self.batch_id = batch_id
        self.lines_read = lines_read
        """Number of different results read."""
        self.lines_expected = lines_expected
        """Number of results of the batch."""


class DownloadTargetError(ResultsError, OSError):
    """A download can't be written to this place.

    It is a folder, device, FIFO, socket or symbolic link, or the system refuses it, for example because the disk is
    full. Results that are on the disk are kept for the next call.
    """

    def __init__(self, code: int, message: str, path: str) -> None:
        OSError.__init__(self, code, message, path)
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        # The number and the path are not in `__dict__`.
        return type(self), (self.errno, self.message, self.filename), self.__dict__

    def __str__(self) -> str:
        return f"{self.message}: {self.filename!r}"


class DownloadFolderError(DownloadTargetError, FileNotFoundError):
    """The folder of a download does not exist."""


class ResultsChangedError(ResultsError):
    """The file read after a failure contradicts the results returned before."""

    def __init__(self, reason: str, custom_id: str | None = None) -> None:
        super().__init__(
            f"the results file changed while it was read: {reason}. The results read so far may not belong together: "
            "read the file again from its start."
        )
        self.custom_id = custom_id
        """The custom_id of the changed result, if it is a single one."""


class DuplicateResultsError(ResultsError):
    """All results were read, and some of them more than once."""

    def __init__(self, batch_id: str | None, duplicates: int) -> None:
        super().__init__(
            f"the results of batch {batch_id} are complete, and {duplicates} of them are repeated: "
            "count each custom_id once, or read them again."
        )
        self.batch_id = batch_id
        self.duplicates = duplicates
        """Number of repeated lines."""


class ForeignResultsError(ResultsError):
    """A reconciled batch belongs to another program: it has a result for a request that was not sent.

    See `create(..., on_ambiguous="reconcile")`. The own batch was most likely not created and can be sent again.
    """

    def __init__(self, batch_id: str, custom_id: str) -> None:
        super().__init__(
            f"batch {batch_id}, found after the response to create() was lost, belongs to another program: "
            f"no request with custom_id {custom_id!r} was sent. Yours was most likely not created: send it again."
        )
        self.batch_id = batch_id
        self.custom_id = custom_id


class ResultsClosedError(ResultsError):
    """Results were read after `close()`, or after a loop over them ended early."""

    def __init__(self) -> None:
        super().__init__(
            "these results were closed before their end: leaving a loop over them closes them. "
            "Call results() again, or take single results with next()."
        )


class ResultsFormatError(ResultsError):
    """A file or response has an encoding or form that can't be read."""


class BrokenEncodingError(ResultsFormatError):
    """Compressed data is truncated or corrupt."""

    def __init__(self, message: str, *, corrupt: bool) -> None:
        super().__init__(message)
        self.corrupt = corrupt
        """True for corrupt data, whose decompressed part may be wrong; false for truncated data."""


class BadLineError(ResultsError):
    """A line that is not JSON, or not a result."""

    def __init__(self, reason: str, line_number: int, byte_offset: int, line: bytes) -> None:
        found = _CUSTOM_ID.search(line)
        self.reason = reason
        """Description of the problem."""
        self.line_number = line_number
        """Number of the line, from 1, blank lines included."""
        self.byte_offset = byte_offset
        """Start of the line, in bytes from the start of the decompressed file."""
        self.custom_id = found[1].decode("utf-8", "replace") if found else None
        """The custom_id in the line, if it is readable."""
        self.excerpt = _excerpt(line)
        """Beginning of the line, and the end of a long one."""
        whose = f" (custom_id {self.custom_id!r})" if self.custom_id is not None else ""
        super().__init__(f"line {line_number} at byte {byte_offset}{whose} {reason}: {self.excerpt}")


class LineTooLongError(BadLineError):
    """A line exceeds the limit. `on_bad_line` does not apply, because the end of the line is unknown."""

    def __init__(self, max_line_bytes: int, line_number: int, byte_offset: int, line: bytes) -> None:
        super().__init__(
            f"is longer than {max_line_bytes} bytes", line_number, byte_offset, line[:EXCERPT_BYTES]
        )
        self.max_line_bytes = max_line_bytes


def _excerpt(line: bytes) -> str:
    """Return a short printable form on one line."""
    if len(line) > EXCERPT_BYTES:
        half = EXCERPT_BYTES // 2
        return f"{_excerpt(line[:half])} ... {_excerpt(line[-half:])}"
    return ascii(line.decode("utf-8", "replace"))


name_publicly(globals())
