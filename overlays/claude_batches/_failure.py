"""What an HTTP library's exception means: for the retry policy, and for the error that a user sees instead.

`httpx` and `httpx2` name their exceptions alike, so an exception is told by the names of its classes.
Neither library is imported here, and what they raise never reaches a user: it would show internals,
credentials among them.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from ._headers import clean

__all__ = ["DeadlinePassed", "Failure", "failure_of", "is_library_error"]

_LIBRARIES = frozenset(
    {"httpx", "httpx2", "httpcore", "httpcore2", "h11", "h2", "anyio", "ssl", "socksio", "zlib"}
)

#: Failures before there was a connection to send anything on.
_BEFORE_CONNECTING = frozenset({"ConnectTimeout", "PoolTimeout", "ConnectError", "ProxyError"})

#: Failures that will not be any different the next time.
_LASTING = frozenset(
    {
        "CookieConflict",
        "HTTPStatusError",
        "InvalidURL",
        "LocalProtocolError",
        "StreamError",
        "TooManyRedirects",
        "UnsupportedProtocol",
    }
)

_MEANING = {
    "ConnectTimeout": "no connection within the timeout",
    "PoolTimeout": "no connection of the pool got free within the timeout",
    "WriteTimeout": "the server didn't take the request within the timeout",
    "ReadTimeout": "the server was silent for longer than the timeout",
    "ConnectError": "the server can't be reached",
    "ProxyError": "the proxy refused or failed",
    "ReadError": "the connection was lost",
    "WriteError": "the connection was lost while sending",
    "CloseError": "the connection was lost",
    "RemoteProtocolError": "the server broke off, or didn't speak HTTP",
    "DecodingError": "the response's content encoding is broken",
    "LocalProtocolError": "the request can't be written as HTTP",
    "UnsupportedProtocol": "the URL is not one of http or https",
    "InvalidURL": "the URL can't be used",
    "StreamError": "the response was closed or read before",
}


class DeadlinePassed(Exception):  # noqa: N818  # it is a signal between our own parts
    """Raised inside an attempt, where the deadline of the call passes while bytes still flow."""


@attrs.frozen
class Failure:
    """An attempt that got no response, or a response that broke off."""

    kind: str
    """The name of the exception that tells most, such as `ReadTimeout`."""
    text: str
    """What happened, for people; no credential in it."""
    timed_out: bool = False
    before_connecting: bool = False
    """Whether nothing at all can have been sent."""
    before_sending: bool = False
    """Whether the request can't have been sent in full."""
    lasting: bool = False
    """Whether trying again is pointless."""
    deadline: bool = False
    """Whether the deadline of the call ended it."""
    handed_over: bool = True
    """Whether the last byte of the body was handed to the network: from then on the server may have acted on it."""
    sent_at: float | None = None
    """When that was, in seconds since the epoch."""


def is_library_error(error: BaseException) -> bool:
    """Whether an exception is an HTTP library's, or the operating system's about a connection."""
    if isinstance(error, OSError | DeadlinePassed):
        return True
    # What asyncio says of a pooled connection whose event loop is gone, in a program that runs several in turn.
    if type(error) is RuntimeError and "Event loop is closed" in str(error):
        return True
    return any(base.__module__.partition(".")[0] in _LIBRARIES for base in type(error).__mro__)


def failure_of(error: BaseException, secrets: Iterable[str] = ()) -> Failure:
    """What an exception means."""
    if isinstance(error, DeadlinePassed):
        return past_deadline()
    names = [base.__name__ for base in type(error).__mro__]
    kind = next((name for name in names if name in _MEANING), names[0])
    said = clean(" ".join(str(error).split()), secrets)[:300]
    meaning = _MEANING.get(kind, "the connection failed")
    timed_out = "TimeoutException" in names or isinstance(error, TimeoutError)
    return Failure(
        kind,
        f"{meaning} ({names[0]}{f': {said}' if said else ''})",
        timed_out=timed_out,
        before_connecting=kind in _BEFORE_CONNECTING,
        before_sending=kind in _BEFORE_CONNECTING or kind == "WriteTimeout",
        lasting=not _LASTING.isdisjoint(names),
    )


def past_deadline() -> Failure:
    """An attempt that the call's deadline ended."""
    return Failure("Deadline", "the deadline of the call passed", timed_out=True, lasting=True, deadline=True)
