"""Network timeouts of an attempt, and the deadline of a whole call."""

from __future__ import annotations

from typing import NamedTuple

from claude_batches_api.request import TimeoutLike

from .._errors import ConfigurationError

__all__ = ["DEFAULT", "NO_DEADLINE", "Deadline", "Timeouts", "positive_seconds"]


def positive_seconds(name: str, value: object) -> float:
    """Return a number of seconds.

    Raises:
        ConfigurationError: The value is not a positive number.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        raise ConfigurationError(f"{name} must be more than 0 seconds; got {value!r}")
    return value


class Timeouts(NamedTuple):
    """Timeouts in seconds; `None` waits forever. The order is that of HTTP libraries."""

    connect: float | None
    read: float | None
    write: float | None
    pool: float | None

    @classmethod
    def of(cls, timeout: float | TimeoutLike | None) -> Timeouts:
        """Convert a user's value: seconds for each kind, an object with one attribute for each, or `None`.

        Raises:
            ConfigurationError: The value has a different form.
        """
        if timeout is None:
            return cls(None, None, None, None)
        if isinstance(timeout, int | float):
            if not timeout > 0 or timeout is True:
                raise ConfigurationError(f"timeout must be more than 0 seconds; got {timeout!r}")
            return cls(timeout, timeout, timeout, timeout)
        try:
            return cls(timeout.connect, timeout.read, timeout.write, timeout.pool)
        except AttributeError:
            raise ConfigurationError(
                "timeout must be seconds, None, or an object with connect, read, write and pool, like httpx.Timeout; "
                f"got {type(timeout).__name__}"
            ) from None

    def within(self, seconds: float | None) -> Timeouts:
        """Return the timeouts, each limited to the remaining seconds of a deadline."""
        if seconds is None:
            return self
        # Some HTTP libraries take 0 as "do not wait", others as "wait forever".
        left = max(seconds, 0.001)
        return Timeouts(*(left if each is None else min(each, left) for each in self))


#: Ten minutes, as in the official SDKs, with five seconds to connect.
DEFAULT = Timeouts(5.0, 600.0, 600.0, 600.0)


class Deadline(NamedTuple):
    """The moment on the monotonic clock at which a call gives up; `None` is never."""

    at: float | None
    seconds: float | None

    @classmethod
    def after(cls, seconds: float | None, now: float) -> Deadline:
        """Return the deadline that many seconds from now.

        Raises:
            ConfigurationError: The value is not a positive number.
        """
        if seconds is None:
            return NO_DEADLINE
        checked = positive_seconds("deadline", seconds)
        return cls(now + checked, checked)

    def left(self, now: float) -> float | None:
        """Return the remaining seconds; `None` without a deadline."""
        return None if self.at is None else self.at - now

    def passed(self, now: float) -> bool:
        """Return true after the deadline."""
        return self.at is not None and now >= self.at

    def shown(self) -> str:
        """Return the length of the deadline for a message: `3 s`."""
        return f"{self.seconds or 0:.3g} s"


#: A call without a deadline.
NO_DEADLINE = Deadline(None, None)
