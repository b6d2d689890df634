"""Retry rules: which attempts are repeated, and after which backoff. Pure decisions; a driver sleeps.

The defaults are those of the official SDKs: two retries, after 0.5 s, 1 s, 2 s and so on up to 8 s, each shortened
by up to a quarter at random so that many clients do not retry in step. A server can ask for another delay
(`retry-after-ms`, `retry-after`) and decide the question itself (`x-should-retry`).

Unlike the official SDKs, a requested delay above the policy's limit is not slept: the call raises, and the error names
the delay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite

import attrs

from .._errors import ConfigurationError
from .dates import header_date
from .failure import Failure

__all__ = [
    "RetryLimits",
    "backoff",
    "is_count",
    "requested_delay",
    "worth_retrying_failure",
    "worth_retrying_status",
]

FIRST_DELAY = 0.5
LONGEST_DELAY = 8.0
JITTER = 0.25

#: Methods without side effects. Repeating one is harmless after every outcome of the first attempt.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def is_count(value: object) -> bool:
    """Return true for an integer of 0 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _count(_: object, __: object, value: object) -> None:
    if not is_count(value):
        raise ConfigurationError(f"max_retries must be an integer of 0 or more; got {value!r}")


def _seconds(_: object, __: object, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise ConfigurationError(f"max_retry_delay must be 0 or more seconds; got {value!r}")


@attrs.frozen
class RetryLimits:
    """Limits of retrying."""

    max_retries: int = attrs.field(default=2, validator=_count)
    """Number of retries."""
    max_delay: float = attrs.field(default=60.0, validator=_seconds)
    """Longest delay in seconds that a server may ask for."""


def backoff(retries_taken: int, random: Callable[[], float]) -> float:
    """Return the seconds to wait before the next attempt.

    Args:
        retries_taken: Number of retries so far.
        random: Returns a number from 0 up to 1.
    """
    # A larger exponent would overflow long after the limit is reached.
    delay = min(FIRST_DELAY * 2.0 ** min(retries_taken, 16), LONGEST_DELAY)
    return delay * (1 - JITTER * random())


def requested_delay(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that a server asks to wait; `None` without a usable request.

    Args:
        headers: Headers of the response.
        now: Seconds since the epoch, to compare a date with.
    """
    delay = _number(headers.get("retry-after-ms"))
    if delay is not None:
        delay /= 1000
    else:
        wanted = headers.get("retry-after")
        delay = _number(wanted)
        if delay is None and wanted is not None:
            try:
                delay = header_date(wanted).timestamp() - now
            except (ValueError, OverflowError):
                return None
    return delay if delay is not None and delay > 0 else None


def _number(text: str | None) -> float | None:
    try:
        number = None if text is None else float(text)
    except ValueError:
        return None
    return number if number is not None and isfinite(number) else None


def worth_retrying_status(status: int, headers: Mapping[str, str]) -> bool:
    """Return true if a response asks for a retry."""
    asked = headers.get("x-should-retry", "").lower()
    if asked in ("true", "false"):
        return asked == "true"
    return status in (408, 409, 429) or status >= 500


def worth_retrying_failure(failure: Failure, method: str) -> bool:
    """Return true if an attempt without a response is repeated.

    A request that was sent and timed out is repeated only if it has no side effects: the server may still work on it.
    """
    if failure.lasting:
        return False
    if failure.timed_out:
        return failure.before_sending or method in _SAFE
    return True
