"""Streamed responses: `with_streaming_response`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, TypeVar

from .._http.exchange import Parser
from .._http.views import ResponseView
from .line_stream import lines_of
from .response import AsyncResponse

__all__ = ["AsyncStreamedResponse"]

T = TypeVar("T")


class AsyncStreamedResponse(ResponseView, Generic[T]):
    """A response whose body is not read yet."""

    def __init__(
        self, response: AsyncResponse, parser: Parser[T], stream: Callable[[AsyncResponse], T] | None
    ) -> None:
        super().__init__(response)
        self._response = response
        self._parser = parser
        self._stream = stream
        self._content: bytes | None = None

    async def iter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Iterate over the body without its content encoding.

        Args:
            chunk_size: Bytes of each chunk but the last; `None` for chunks as they come.
        """
        pending = b""
        async for chunk in self._response.iter_bytes():
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
        """Iterate over the body as text, decoded as UTF-8."""
        import codecs

        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        async for chunk in self.iter_bytes(chunk_size):
            text = decoder.decode(chunk)
            if text:
                yield text
        rest = decoder.decode(b"", final=True)
        if rest:
            yield rest

    def iter_lines(self) -> AsyncIterator[bytes]:
        r"""Iterate over the lines of the body as bytes, without `\n` and without blank lines."""
        return lines_of(self._response, self._response.iter_bytes())

    async def read(self) -> bytes:
        """Read the whole body."""
        if self._content is None:
            self._content = await self._response.read()
        return self._content

    async def text(self) -> str:
        """Read the whole body as text."""
        return (await self.read()).decode("utf-8", "replace")

    async def json(self) -> Any:
        """Read the whole body and parse it as JSON.

        Raises:
            APIResponseValidationError: The body is not JSON.
        """
        return self._json(await self.read())

    async def parse(self) -> T:
        """Return the result of the method without `with_streaming_response`."""
        if self._stream is not None and self._content is None:
            return self._stream(self._response)
        return self._parser(self._response, await self.read())

    async def close(self) -> None:
        """Close the connection."""
        await self._response.close()
