"""The meaning of an HTTP library's exception, for the retry policy and for the error that a user sees.

`httpx` and `httpx2` name their exceptions alike, so an exception is recognised by the names of its classes. Neither
library is imported here. Their exceptions never reach a user, because they hold internals and credentials.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from .._errors import APIConnectionError, APIError, APITimeoutError, CallTimeoutError
from .._headers import SentRequest, redacted

__all__ = ["DeadlinePassed", "Failure", "connection_error", "failure_of", "is_library_error", "past_deadline"]

_LIBRARIES = frozenset(
    {"httpx", "httpx2", "httpcore", "httpcore2", "h11", "h2", "anyio", "ssl", "socksio", "zlib"}
)

#: Failures before a connection existed.
_BEFORE_CONNECTING = frozenset({"ConnectTimeout", "PoolTimeout", "ConnectError", "ProxyError"})

#: Failures that a retry can't cure.
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
    "PoolTimeout": "no free connection in the pool within the timeout",
    "WriteTimeout": "the server did not accept the request within the timeout",
    "ReadTimeout": "the server was silent for longer than the timeout",
    "ConnectError": "the server can't be reached",
    "ProxyError": "the proxy refused or failed",
    "ReadError": "the connection was lost",
    "WriteError": "the connection was lost while sending",
    "CloseError": "the connection was lost",
    "RemoteProtocolError": "the server closed the connection early or did not speak HTTP",
    "DecodingError": "the content encoding of the response is broken",
    "LocalProtocolError": "the request can't be written as HTTP",
    "UnsupportedProtocol": "the URL is not http or https",
    "InvalidURL": "the URL is invalid",
    "StreamError": "the response was already closed or read",
}


class DeadlinePassed(Exception):  # noqa: N818  # an internal signal, never raised to a user
    """Raised inside an attempt when the deadline of the call passes while bytes still flow."""


@attrs.frozen
class Failure:
    """An attempt without a response, or with a truncated one."""

    kind: str
    """Name of the most specific known exception class, such as `ReadTimeout`."""
    text: str
    """Description without credentials."""
    timed_out: bool = False
    before_connecting: bool = False
    """True if nothing was sent."""
    before_sending: bool = False
    """True if the request was not sent in full."""
    lasting: bool = False
    """True if a retry can't succeed."""
    deadline: bool = False
    """True if the deadline of the call ended the attempt."""
    handed_over: bool = True
    """True if the last byte of the body was handed to the network. From then on the server may act on the request."""
    sent_at: float | None = None
    """Time of handing over the last byte, in seconds since the epoch."""


def is_library_error(error: BaseException) -> bool:
    """Return true for an exception of an HTTP library, or of the operating system about a connection."""
    if isinstance(error, OSError | DeadlinePassed):
        return True
    # asyncio raises this for a pooled connection whose event loop is closed, in a program that runs several loops.
    if type(error) is RuntimeError and "Event loop is closed" in str(error):
        return True
    return any(base.__module__.partition(".")[0] in _LIBRARIES for base in type(error).__mro__)


def failure_of(error: BaseException, secrets: Iterable[str] = ()) -> Failure:
    """Return the meaning of an exception."""
    if isinstance(error, DeadlinePassed):
        return past_deadline()
    names = [base.__name__ for base in type(error).__mro__]
    kind = next((name for name in names if name in _MEANING), names[0])
    said = redacted(" ".join(str(error).split()), secrets)[:300]
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
    """Return the failure of an attempt that the deadline of the call ended."""
    return Failure("Deadline", "the deadline of the call passed", timed_out=True, lasting=True, deadline=True)


def connection_error(
    failure: Failure, request: SentRequest, *, retries_taken: int = 0, note: str = ""
) -> APIError:
    """Return the exception for a failed attempt or a truncated response."""
    kind: type[APIConnectionError] = APIConnectionError
    if failure.deadline:
        kind, advice = CallTimeoutError, "Give the call a longer deadline, or try again later."
    elif failure.timed_out:
        kind, advice = APITimeoutError, "Check the network, or give the client a longer timeout."
    elif failure.lasting:
        advice = "Trying again won't help: check base_url and the http_client."
    else:
        advice = "Worth trying again; if it persists, check the network and base_url."
    retries = ""
    if retries_taken:
        retries = f", after {retries_taken} {'retry' if retries_taken == 1 else 'retries'}"
    sentences = [f"{failure.text} ({request.method} {request.url}{retries}).", note]
    return kind(" ".join(sentence for sentence in sentences if sentence), request=request, advice=advice)
