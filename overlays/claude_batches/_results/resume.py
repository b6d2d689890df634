"""Rules for resuming after a failure: validators, ranges and patience."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

import attrs

from .._errors import APIError, APIStatusError, CallTimeoutError, ConfigurationError
from .._http.clock import Clock
from .._http.dates import header_date
from .._http.retry import backoff, is_count, requested_delay
from .errors import BrokenEncodingError, ResultsError

__all__ = [
    "EndedShortError",
    "Patience",
    "RangeRefusedError",
    "Validator",
    "continues",
    "resumable",
    "validator",
]

#: Longest `retry-after` in seconds that is obeyed.
LONGEST_RETRY_AFTER = 60.0

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")


class EndedShortError(ResultsError):
    """A response ended without an error, and results are missing. Never leaves this package."""


class RangeRefusedError(ResultsError):
    """The server did not send the requested rest of the file. Never leaves this package."""


@attrs.frozen
class Validator:
    """Header that distinguishes versions of a file byte by byte."""

    header: str
    """`etag` or `last-modified`."""
    value: str


def validator(headers: Mapping[str, str]) -> Validator | None:
    """Return the strong validator of a response; `None` without one.

    A weak validator promises the same meaning only, and ranges need the same bytes.
    """
    etag = headers.get("etag")
    if etag is not None:
        return Validator("etag", etag) if etag.startswith('"') else None
    modified = headers.get("last-modified")
    if modified is not None and _settled(modified, headers.get("date")):
        return Validator("last-modified", modified)
    return None


def _settled(modified: str, date: str | None) -> bool:
    """Return true if a file can't have changed twice within the second of its modification date."""
    if date is None:
        return False
    try:
        return header_date(date) - header_date(modified) >= timedelta(seconds=1)
    except ValueError:
        return False


def continues(headers: Mapping[str, str], *, start: int, known: Validator) -> bool:
    """Return true if a 206 response is the rest of the same bytes from `start` on."""
    found = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if found is None or int(found[1]) != start:
        return False
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        return False
    now = headers.get(known.header)
    # After If-Range with a date, a server may omit the date: the status 206 means that the file is unchanged.
    return now == known.value or (now is None and known.header == "last-modified")


def resumable(error: Exception) -> bool:
    """Return true for a failure that a new request may cure."""
    if isinstance(error, APIError):
        return error.worth_retrying and not isinstance(error, CallTimeoutError)
    return isinstance(error, BrokenEncodingError | EndedShortError | RangeRefusedError)


class Patience:
    """Number of failures in a row that are accepted, and the backoff after each.

    Progress resets the count: a new line, or a byte beyond the furthest one so far.
    """

    def __init__(self, max_resumes: int, clock: Clock) -> None:
        if not is_count(max_resumes):
            raise ConfigurationError(f"max_resumes must be an integer of 0 or more; got {max_resumes!r}")
        self._max_resumes = max_resumes
        self._clock = clock
        self._in_vain = 0
        self._furthest = (0, 0)

    def delay(self, error: Exception, lines: int, position: int) -> float | None:
        """Return the seconds to wait after a failure; `None` after too many in a row.

        Args:
            error: The failure.
            lines: Number of lines returned so far.
            position: Number of bytes of the file read so far.
        """
        if lines > self._furthest[0] or position > self._furthest[1]:
            self._furthest = (max(lines, self._furthest[0]), max(position, self._furthest[1]))
            self._in_vain = 0
        if self._in_vain >= self._max_resumes:
            return None
        self._in_vain += 1
        if isinstance(error, RangeRefusedError):
            # The server is available and is asked for the whole file.
            return 0.0
        delay = backoff(self._in_vain - 1, self._clock.random)
        asked = None
        if isinstance(error, APIStatusError):
            asked = requested_delay(error.response.headers, self._clock.now())
        return delay if asked is None else max(delay, min(asked, LONGEST_RETRY_AFTER))
