"""The facts of a response that `with_raw_response` and `with_streaming_response` show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Generic, TypeVar

import orjson

from .._errors import APIResponseValidationError
from .._headers import Headers, SentRequest
from .exchange import Parser
from .response import OpenedResponse

__all__ = ["RawResponse", "ResponseView"]

T = TypeVar("T")


class ResponseView:
    """Status, headers and request of a response."""

    def __init__(self, response: OpenedResponse) -> None:
        self._opened = response

    @property
    def status_code(self) -> int:
        """Status code."""
        return self._opened.status_code

    @property
    def headers(self) -> Headers:
        """Headers, case-insensitive."""
        return self._opened.headers

    @property
    def request_id(self) -> str | None:
        """Id of the request at the API; quote it to support."""
        return self._opened.request_id

    @property
    def workspace_id(self) -> str | None:
        """Workspace of the request, if the API names it."""
        return self._opened.headers.get("anthropic-workspace-id")

    @property
    def elapsed(self) -> timedelta:
        """Time from the first byte sent to the end of the headers, of the last attempt."""
        return self._opened.elapsed

    @property
    def http_request(self) -> SentRequest:
        """Sent request: method, URL, and headers without credentials."""
        return self._opened.http_request

    @property
    def http_response(self) -> Any:
        """Response of the HTTP library. Its request holds the credentials."""
        return self._opened.native

    @property
    def url(self) -> str:
        """URL of the response, after redirects."""
        return self._opened.url

    @property
    def method(self) -> str:
        """Method of the request."""
        return self._opened.http_request.method

    @property
    def http_version(self) -> str:
        """`HTTP/1.1` or `HTTP/2`."""
        return self._opened.http_version

    @property
    def is_closed(self) -> bool:
        """True if the connection was released. Reading the body to its end releases it."""
        return self._opened.is_closed

    @property
    def retries_taken(self) -> int:
        """Number of earlier attempts."""
        return self._opened.retries_taken

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_code} of {self.method} {self.url}>"

    def _json(self, content: bytes) -> Any:
        try:
            return orjson.loads(content)
        except ValueError:
            response = self._opened.with_body(content)
        raise APIResponseValidationError("the response is not JSON", response=response, body=response.text)


class RawResponse(ResponseView, Generic[T]):
    """A response and its body. `parse()` decodes it."""

    def __init__(self, response: OpenedResponse, content: bytes, parser: Parser[T]) -> None:
        super().__init__(response)
        self.content = content
        """Body as bytes."""
        self._parser = parser
        self._parsed: list[T] = []

    @property
    def text(self) -> str:
        """Body as text."""
        return self.content.decode("utf-8", "replace")

    def read(self) -> bytes:
        """Return the body."""
        return self.content

    def json(self) -> Any:
        """Parse the body as JSON.

        Raises:
            APIResponseValidationError: The body is not JSON.
        """
        return self._json(self.content)

    def parse(self) -> T:
        """Return the result of the method without `with_raw_response`; the same object each time."""
        if not self._parsed:
            self._parsed.append(self._parser(self._opened, self.content))
        return self._parsed[0]
