"""Decisions about going on after a failure: pure, so that all streams make the same ones."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime

import attrs

from claude_batches._errors import APIError, APIStatusError, CallTimeoutError, ConfigurationError

from ._errors import BrokenEncodingError, ResultsError

__all__ = [
    "EndedShortError",
    "Patience",
    "RangeRefusedError",
    "Validator",
    "continues",
    "resumable",
    "validator",
]

FIRST_DELAY = 0.5
LONGEST_DELAY = 8.0
#: The longest that a server's `retry-after` is obeyed.
LONGEST_RETRY_AFTER = 60.0

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")


class EndedShortError(ResultsError):
    """A response ended as if all were well, and results are missing; never leaves this package."""


class RangeRefusedError(ResultsError):
    """The rest of the file was asked for, and what came is not that; never leaves this package."""


@attrs.frozen
class Validator:
    """What tells one version of a file from another, byte by byte."""

    header: str
    """`etag` or `last-modified`."""
    value: str


def validator(headers: Mapping[str, str]) -> Validator | None:
    """The strong validator of a response, if it has one.

    A weak one would not do: it only promises the same meaning, and ranges need the same bytes.
    """
    etag = headers.get("etag")
    if etag is not None:
        return Validator("etag", etag) if etag.startswith('"') else None
    modified = headers.get("last-modified")
    if modified is not None and _settled(modified, headers.get("date")):
        return Validator("last-modified", modified)
    return None


def _settled(modified: str, date: str | None) -> bool:
    """Whether a file could not have changed twice within the second that its date of modification names."""
    if date is None:
        return False
    try:
        return parsedate_to_datetime(date) - parsedate_to_datetime(modified) >= timedelta(seconds=1)
    except (TypeError, ValueError, OverflowError):
        return False


def continues(headers: Mapping[str, str], *, start: int, known: Validator) -> bool:
    """Whether a 206 response is the rest of the same bytes, from `start` on."""
    found = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if found is None or int(found[1]) != start:
        return False
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        return False
    now = headers.get(known.header)
    # After If-Range with a date, a server may leave the date out: the 206 itself says that it is the same.
    return now == known.value or (now is None and known.header == "last-modified")


def resumable(error: Exception) -> bool:
    """Whether trying again may mend this failure."""
    if isinstance(error, APIError):
        return error.worth_retrying and not isinstance(error, CallTimeoutError)
    return isinstance(error, BrokenEncodingError | EndedShortError | RangeRefusedError)


class Patience:
    """How often, and after how long, reading is resumed.

    `max_resumes` counts failures in a row: each result gained sets it back. The wait begins at half a second,
    doubles up to eight, and is shortened by up to a quarter at random, so that many readers don't come back
    in step.
    """

    def __init__(self, max_resumes: int, uniform: Callable[[float, float], float] = random.uniform) -> None:
        if max_resumes < 0:
            raise ConfigurationError(f"max_resumes can't be negative; got {max_resumes}")
        self._max_resumes = max_resumes
        self._uniform = uniform
        self._in_vain = 0
        self._lines = 0

    def wait_before_resuming(self, error: Exception, lines: int) -> float | None:
        """How many seconds to wait after this failure; `None` when there were too many in a row.

        Args:
            error: The failure.
            lines: How many lines were handed out so far.
        """
        if lines > self._lines:
            self._lines, self._in_vain = lines, 0
        if self._in_vain >= self._max_resumes:
            return None
        self._in_vain += 1
        if isinstance(error, RangeRefusedError):
            # The server is well; it only has to be asked for the whole file.
            return 0.0
        delay = min(FIRST_DELAY * 2.0 ** (self._in_vain - 1), LONGEST_DELAY) * self._uniform(0.75, 1.0)
        return max(delay, _retry_after(error))


def _retry_after(error: Exception) -> float:
    if not isinstance(error, APIStatusError):
        return 0.0
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return 0.0
    return min(seconds, LONGEST_RETRY_AFTER) if seconds > 0 else 0.0
