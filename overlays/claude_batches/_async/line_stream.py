"""Streams of JSONL and JSON text sequences, for any operation. Results of a batch have more to them: see `_results`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from .._errors import APIResponseValidationError
from .._http.lines import LineSplitter
from .response import AsyncResponse

__all__ = ["AsyncItemStream", "AsyncLineStream", "lines_of"]

T = TypeVar("T")


async def lines_of(
    response: AsyncResponse, chunks: AsyncIterator[bytes], separator: bytes = b"\n"
) -> AsyncIterator[bytes]:
    """Iterate over the lines of a body, without blank ones.

    Raises:
        APIResponseValidationError: A line is too long.
    """

    def too_long(limit: int, number: int, offset: int, line: bytes) -> Exception:
        shown = response.with_body(line)
        text = f"line {number} of the response, at byte {offset}, is longer than {limit} bytes."
        return APIResponseValidationError(text, response=shown, body=None)

    splitter = LineSplitter(too_long, separator=separator)
    async for chunk in chunks:
        for line in splitter.feed(chunk):
            yield line
    for line in splitter.finish():
        yield line


class AsyncItemStream(Generic[T]):
    """The decoded items of a response. Iterate over it, directly or as a context manager.

    Args:
        open: Opens the response.
    """

    def __init__(self, open: Callable[[], Awaitable[tuple[AsyncResponse, AsyncIterator[bytes]]]]) -> None:
        self._open = open
        self._response: AsyncResponse | None = None
        self._items: AsyncIterator[T] | None = None

    async def opened(self) -> Self:
        """Open the response, unless it is open already."""
        if self._items is None:
            self._response, chunks = await self._open()
            self._items = self._decoded(self._response, chunks)
        return self

    def _decoded(self, response: AsyncResponse, chunks: AsyncIterator[bytes]) -> AsyncIterator[T]:
        raise NotImplementedError

    async def close(self) -> None:
        """Close the connection."""
        if self._response is not None:
            await self._response.close()

    # async only
    def __await__(self) -> Generator[Any, None, Self]:
        return self.opened().__await__()

    # async only
    async def __aiter__(self) -> AsyncIterator[T]:
        await self.opened()
        assert self._items is not None
        try:
            async for item in self._items:
                yield item
        finally:
            await self.close()

    # sync: def __iter__(self) -> Iterator[T]:
    # sync:     return self

    async def __anext__(self) -> T:
        await self.opened()
        assert self._items is not None
        try:
            return await anext(self._items)
        except BaseException:
            await self.close()
            raise

    async def __aenter__(self) -> Self:
        return await self.opened()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class AsyncLineStream(AsyncItemStream[T]):
    """The decoded lines of a response. Iterate over it, directly or as a context manager.

    Args:
        open: Opens the response.
        decoder: Returns the decoder for the lines of a response.
        separator: The byte between two lines.
    """

    def __init__(
        self,
        open: Callable[[], Awaitable[tuple[AsyncResponse, AsyncIterator[bytes]]]],
        decoder: Callable[[AsyncResponse], Callable[[bytes], Any]],
        separator: bytes = b"\n",
    ) -> None:
        super().__init__(open)
        self._decoder = decoder
        self._separator = separator

    def _decoded(self, response: AsyncResponse, chunks: AsyncIterator[bytes]) -> AsyncIterator[T]:
        return _decoded(self._decoder(response), lines_of(response, chunks, self._separator))


# Without a reference to the stream, which would otherwise wait for the garbage collector after its last use.
async def _decoded(decode: Callable[[bytes], Any], lines: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for line in lines:
        yield decode(line)
