"""Whether to try again, and how long to wait before: decisions only, nobody sleeps here.

As users of the official SDKs know it: two retries by default, after half a second, one second, two and so
on up to eight, each less up to a quarter at random, so that many clients don't come back together. A server
can ask for another delay (`retry-after-ms`, `retry-after`) and decide the question itself
(`x-should-retry`).

Unlike there, a server can't make a client sleep for an hour: a delay above the policy's limit is not slept,
it's an error that says what was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

import attrs

from ._errors import ConfigurationError
from ._failure import Failure

__all__ = ["RetryPolicy", "backoff", "requested_delay", "worth_retrying_failure", "worth_retrying_status"]

FIRST_DELAY = 0.5
LONGEST_DELAY = 8.0
JITTER = 0.25

#: Methods that change nothing, so that a second one does no harm whatever became of the first.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def _count(_: object, __: object, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigurationError(f"max_retries must be a whole number, 0 or more; got {value!r}")


def _seconds(_: object, __: object, value: object) -> None:
    if not isinstance(value, int | float) or not value >= 0:
        raise ConfigurationError(f"max_retry_delay must be seconds, 0 or more; got {value!r}")


@attrs.frozen
class RetryPolicy:
    """How often to try again, and how long a server may make us wait for it."""

    max_retries: int = attrs.field(default=2, validator=_count)
    max_delay: float = attrs.field(default=60.0, validator=_seconds)


def backoff(retries_taken: int, random: Callable[[], float]) -> float:
    """Seconds to wait before the next attempt where the server asks for nothing. `random` gives 0 up to 1."""
    # Beyond some retries the power would overflow, long after it stopped to matter.
    delay = min(FIRST_DELAY * 2.0 ** min(retries_taken, 16), LONGEST_DELAY)
    return delay * (1 - JITTER * random())


def requested_delay(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the server asks to wait; `None` where it doesn't, or asks for something senseless.

    Arguments:
        headers: The response's.
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
                delay = parsedate_to_datetime(wanted).timestamp() - now
            except (ValueError, OverflowError):
                return None
    return delay if delay is not None and delay > 0 else None


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def worth_retrying_status(status: int, headers: Mapping[str, str]) -> bool:
    """Whether a response says to try again."""
    asked = headers.get("x-should-retry", "").lower()
    if asked in ("true", "false"):
        return asked == "true"
    return status in (408, 409, 429) or status >= 500


def worth_retrying_failure(failure: Failure, method: str) -> bool:
    """Whether to try again where no response came.

    A request that was sent and then timed out is tried again only if it changes nothing: the server may
    still be at it.
    """
    if failure.lasting:
        return False
    if failure.timed_out:
        return failure.before_sending or method in _SAFE
    return True
