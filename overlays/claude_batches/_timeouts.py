"""How long an attempt may wait for the network, and how long a whole call may take."""

from __future__ import annotations

from typing import NamedTuple

from claude_batches_api.request import TimeoutLike

from ._errors import ConfigurationError

__all__ = ["DEFAULT", "Deadline", "Timeouts"]


class Timeouts(NamedTuple):
    """Seconds of silence that are put up with; `None` is for ever. In the order in which HTTP libraries take them."""

    connect: float | None
    read: float | None
    write: float | None
    pool: float | None

    @classmethod
    def of(cls, timeout: float | TimeoutLike | None) -> Timeouts:
        """What a user gave: seconds for each kind, an object with one for each, or `None`.

        Raises:
            ConfigurationError: It is none of these.
        """
        if timeout is None:
            return cls(None, None, None, None)
        if isinstance(timeout, int | float):
            if not timeout > 0:
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
        """The same, none of them longer than what is left of a deadline."""
        if seconds is None:
            return self
        # An HTTP library takes 0 for "don't wait at all", and some for "wait for ever".
        left = max(seconds, 0.001)
        return Timeouts(*(left if each is None else min(each, left) for each in self))


#: Ten minutes, as in the official SDKs, with five seconds to connect.
DEFAULT = Timeouts(5.0, 600.0, 600.0, 600.0)


class Deadline(NamedTuple):
    """The moment, on the monotonic clock, at which a call gives up; `None` is never."""

    at: float | None
    seconds: float | None

    @classmethod
    def after(cls, seconds: float | None, now: float) -> Deadline:
        """So many seconds from now.

        Raises:
            ConfigurationError: It isn't a positive number.
        """
        if seconds is None:
            return cls(None, None)
        if not seconds > 0:
            raise ConfigurationError(f"deadline must be more than 0 seconds; got {seconds!r}")
        return cls(now + seconds, seconds)

    def left(self, now: float) -> float | None:
        """Seconds until then; `None` where there is no deadline."""
        return None if self.at is None else self.at - now

    def passed(self, now: float) -> bool:
        """Whether it is too late."""
        return self.at is not None and now >= self.at
