"""The facts of an open response. Reading its body is I/O: see `_async/response.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import Any, cast

from .._errors import ErrorResponse
from .._headers import Headers, SentRequest, redacted, redacted_bytes
from .failure import Failure, connection_error, failure_of
from .prepare import PreparedRequest
from .timeouts import Timeouts

__all__ = ["OpenedResponse"]


def _with_request_id(headers: Headers, name: str) -> Headers:
    """Return headers in which `request-id`, where errors and models look for it, has the value of another header."""
    if name == "request-id" or name not in headers:
        return headers
    return Headers({**headers, "request-id": headers[name]})


class OpenedResponse:
    """A response whose body may still be unread.

    Args:
        native: The response of the HTTP library.
        prepared: The request that was sent.
        elapsed: Seconds from the start of the attempt to the end of the headers.
        clock: The monotonic clock, for the deadline.
    """

    def __init__(
        self, native: Any, prepared: PreparedRequest, elapsed: float, clock: Callable[[], float]
    ) -> None:
        self.status_code: int = native.status_code
        """Status code."""
        self.headers = _with_request_id(Headers(native.headers.multi_items()), prepared.request_id_header)
        """Headers, case-insensitive."""
        self.elapsed = timedelta(seconds=elapsed)
        """Time from the start of the attempt to the end of the headers."""
        self.retries_taken = 0
        """Number of earlier attempts."""
        self.ended = False
        """True if the body was read to its end."""
        self.native = native
        """Response of the HTTP library."""
        self.prepared = prepared
        """Request that was sent."""
        self._clock = clock

    @cached_property
    def http_request(self) -> SentRequest:
        """Sent request: method, URL, and headers without credentials."""
        return self.prepared.shown()

    @property
    def url(self) -> str:
        """URL of the response, after redirects."""
        return self.http_request.url

    @property
    def request_id(self) -> str | None:
        """Id of the request at the API; quote it to support."""
        return self.headers.get("request-id")

    @property
    def is_closed(self) -> bool:
        """True if the connection was released. Reading the body to its end releases it."""
        return bool(self.native.is_closed)

    @property
    def http_version(self) -> str:
        """`HTTP/1.1` or `HTTP/2`."""
        return str(self.native.http_version)

    @property
    def was_read(self) -> bool:
        """True if an event hook or a test transport has already read the body; it is then without content encoding."""
        return bool(getattr(self.native, "is_stream_consumed", False)) and hasattr(self.native, "_content")

    def with_body(self, content: bytes) -> ErrorResponse:
        """Return the response of an error, without the credentials that a server may echo."""
        secrets = self.prepared.secrets()
        headers = Headers({name: redacted(value, secrets) for name, value in self.headers.items()})
        return ErrorResponse(self.status_code, headers, redacted_bytes(content, secrets), self.http_request)

    def error(self, failure: Failure) -> Exception:
        """Return the exception for a body that could not be read."""
        return connection_error(failure, self.http_request, retries_taken=self.retries_taken)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_code} of {self.http_request.method} {self.url}>"

    def _left(self) -> float | None:
        """Return the remaining seconds of the call's deadline."""
        return self.prepared.deadline.left(self._clock())

    def _tighten(self) -> None:
        """Limit the read timeout to the rest of the call's deadline."""
        left = self._left()
        timeouts = self.native.request.extensions.get("timeout")
        if left is not None and isinstance(timeouts, dict):
            timeouts["read"] = Timeouts(None, cast(Any, timeouts).get("read"), None, None).within(left).read

    def _failure_of(self, error: BaseException) -> Failure:
        return failure_of(error, self.prepared.secrets())

    def _overdue(self) -> bool:
        return self.prepared.deadline.passed(self._clock())
