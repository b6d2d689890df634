"""What `with_raw_response` and `with_streaming_response` give: the response, and what is in it by `parse()`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any, Generic, TypeVar

import orjson

from ._errors import APIResponseValidationError, ErrorResponse
from ._headers import Headers, SentRequest
from ._lines import async_lines, lines
from ._response import AsyncResponse, Response
from ._steps import AnyResponse

__all__ = ["AsyncStreamedResponse", "RawResponse", "StreamedResponse"]

T = TypeVar("T")

Parser = Callable[[AnyResponse, bytes], T]


class _View:
    """What is known of a response whoever reads its body."""

    def __init__(self, response: AnyResponse) -> None:
        self._opened = response

    @property
    def status_code(self) -> int:
        """The status code."""
        return self._opened.status_code

    @property
    def headers(self) -> Headers:
        """The headers, looked up without regard to case."""
        return self._opened.headers

    @property
    def request_id(self) -> str | None:
        """The id that the API gave the request; worth quoting to its support."""
        return self._opened.request_id

    @property
    def elapsed(self) -> timedelta:
        """From the first byte sent to the end of the headers, of the last attempt."""
        return self._opened.elapsed

    @property
    def http_request(self) -> SentRequest:
        """What was sent: `method`, `url`, and `headers` without credentials."""
        return self._opened.http_request

    @property
    def url(self) -> str:
        """Where the response came from, after redirects."""
        return self._opened.url

    @property
    def method(self) -> str:
        """The method of the request."""
        return self._opened.http_request.method

    @property
    def http_version(self) -> str:
        """`HTTP/1.1` or `HTTP/2`."""
        return self._opened.http_version

    @property
    def is_closed(self) -> bool:
        """Whether the connection was let go of, as it is when the body was read to its end."""
        return self._opened.is_closed

    @property
    def retries_taken(self) -> int:
        """How many attempts went before this one."""
        return self._opened.retries_taken

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_code} of {self.method} {self.url}>"


class RawResponse(_View, Generic[T]):
    """A response with its status and headers; its body was read, and `parse()` decodes it."""

    def __init__(self, response: AnyResponse, content: bytes, parser: Parser[T]) -> None:
        super().__init__(response)
        self.content = content
        """The body."""
        self._parser = parser
        self._parsed: list[T] = []

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    def read(self) -> bytes:
        """The body."""
        return self.content

    def json(self) -> Any:
        """The body as parsed JSON.

        Raises:
            APIResponseValidationError: It isn't JSON.
        """
        try:
            return orjson.loads(self.content)
        except ValueError:
            response = ErrorResponse(self.status_code, self.headers, self.content, self.http_request)
        raise APIResponseValidationError("the response is not JSON", response=response, body=response.text)

    def parse(self) -> T:
        """What the method without `with_raw_response` gives; the same object each time."""
        if not self._parsed:
            self._parsed.append(self._parser(self._opened, self.content))
        return self._parsed[0]


class StreamedResponse(_View, Generic[T]):
    """A response whose body was not read yet."""

    def __init__(self, response: Response, parser: Parser[T], stream: Callable[[Response], T] | None) -> None:
        super().__init__(response)
        self._response = response
        self._parser = parser
        self._stream = stream
        self._content: bytes | None = None

    def iter_bytes(self) -> Iterator[bytes]:
        """The body as it comes, without its content encoding."""
        return self._response.iter_bytes()

    def iter_lines(self) -> Iterator[bytes]:
        r"""The lines of the body as they come, without the `\n`."""
        return lines(self._response.iter_bytes())

    def read(self) -> bytes:
        """All of the body."""
        if self._content is None:
            self._content = self._response.read()
        return self._content

    def parse(self) -> T:
        """What the method without `with_streaming_response` gives."""
        if self._stream is not None and self._content is None:
            return self._stream(self._response)
        return self._parser(self._response, self.read())

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


class AsyncStreamedResponse(_View, Generic[T]):
    """A response whose body was not read yet."""

    def __init__(
        self, response: AsyncResponse, parser: Parser[T], stream: Callable[[AsyncResponse], T] | None
    ) -> None:
        super().__init__(response)
        self._response = response
        self._parser = parser
        self._stream = stream
        self._content: bytes | None = None

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """The body as it comes, without its content encoding."""
        return self._response.iter_bytes()

    def iter_lines(self) -> AsyncIterator[bytes]:
        r"""The lines of the body as they come, without the `\n`."""
        return async_lines(self._response.iter_bytes())

    async def read(self) -> bytes:
        """All of the body."""
        if self._content is None:
            self._content = await self._response.read()
        return self._content

    async def parse(self) -> T:
        """What the method without `with_streaming_response` gives."""
        if self._stream is not None and self._content is None:
            return self._stream(self._response)
        return self._parser(self._response, await self.read())

    async def close(self) -> None:
        """Let go of the connection."""
        await self._response.close()
