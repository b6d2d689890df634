"""Responses of `with_raw_response` and `with_streaming_response`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, TypeVar, overload

from .._http.exchange import Parser
from .._http.views import ResponseView, TextDecoder, converted, keep_content
from .line_stream import lines_of
from .response import AsyncResponse

__all__ = ["AsyncAPIResponse", "AsyncRawResponse", "AsyncStreamedResponse"]

T = TypeVar("T")
V = TypeVar("V")


class AsyncAPIResponse(ResponseView, Generic[T]):
    """A response: its status, its headers, and its body in several forms."""

    def __init__(
        self,
        response: AsyncResponse,
        parser: Parser[T],
        *,
        content: bytes | None = None,
        stream: Callable[[AsyncResponse], T] | None = None,
    ) -> None:
        super().__init__(response)
        self._response = response
        self._parser = parser
        self._stream = stream
        self._content = content
        if content is not None:
            keep_content(response.native, content)
        self._parsed: dict[object, Any] = {}

    async def iter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Iterate over the body without its content encoding.

        Args:
            chunk_size: Bytes of each chunk but the last; `None` for chunks as they come.
        """
        pending = b""
        async for chunk in self._chunks():
            if chunk_size is None:
                yield chunk
                continue
            pending += chunk
            while len(pending) >= chunk_size:
                yield pending[:chunk_size]
                pending = pending[chunk_size:]
        if pending:
            yield pending

    async def iter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """Iterate over the body as text, decoded as UTF-8.

        Args:
            chunk_size: Characters of each chunk but the last; `None` for chunks as they come.
        """
        decoder = TextDecoder(chunk_size)
        async for chunk in self._chunks():
            for text in decoder.feed(chunk):
                yield text
        for text in decoder.finish():
            yield text

    async def iter_lines(self) -> AsyncIterator[str]:
        r"""Iterate over the lines of the body as text, without line ends and without blank lines.

        Only `\n` and `\r\n` end a line. JSON can hold other line separators, such as U+2028, inside a string.
        """
        async for line in lines_of(self._response, self._chunks()):
            yield line.decode("utf-8", "replace").removesuffix("\r")

    async def read(self) -> bytes:
        """Read the whole body."""
        if self._content is None:
            self._content = await self._response.read()
            keep_content(self._response.native, self._content)
        return self._content

    async def text(self) -> str:
        """Read the whole body as text, decoded as UTF-8."""
        return (await self.read()).decode("utf-8", "replace")

    async def json(self) -> Any:
        """Read the whole body and parse it as JSON.

        Raises:
            APIResponseValidationError: The body is not JSON.
        """
        return self._json(await self.read())

    @overload
    async def parse(self) -> T: ...

    @overload
    async def parse(self, *, to: type[V]) -> V: ...

    async def parse(self, *, to: Any = None) -> Any:
        """Return the result of the method itself, or the body as another type. Repeated calls return one object.

        Args:
            to: A model of this package or of pydantic, `dict`, `list`, `object`, `str`, `bytes`, `int`, `float`,
                `bool`, or the response class of the HTTP library.

        Raises:
            TypeError: The body can't be converted to that type.
            APIResponseValidationError: The body has a different form.
        """
        if to not in self._parsed:
            if to is not None:
                self._parsed[to] = converted(self, to, await self.read())
            elif self._stream is not None and self._content is None:
                self._parsed[to] = self._stream(self._response)
            else:
                self._parsed[to] = self._parser(self._response, await self.read())
        return self._parsed[to]

    async def close(self) -> None:
        """Close the connection."""
        await self._response.close()

    async def _chunks(self) -> AsyncIterator[bytes]:
        if self._content is not None:
            if self._content:
                yield self._content
            return
        # sync: yield from self._response.iter_bytes()
        # async only
        async for chunk in self._response.iter_bytes():
            yield chunk


class AsyncRawResponse(AsyncAPIResponse[T]):
    """A response whose body was read: `with_raw_response`."""

    @property
    def content(self) -> bytes:
        """Body as bytes."""
        assert self._content is not None
        return self._content


class AsyncStreamedResponse(AsyncAPIResponse[T]):
    """A response whose body is not read yet: `with_streaming_response`."""
