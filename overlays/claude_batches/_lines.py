"""JSON Lines as they come, for any operation that answers with them.

Reading the results of a batch has more to it (resuming, checking that all is there) and is `_results`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from ._response import AsyncResponse, Response

__all__ = ["AsyncLineStream", "LineBuffer", "LineStream", "async_lines", "lines"]

T = TypeVar("T")


class LineBuffer:
    r"""Puts lines together from chunks. A line ends at `\n`, and nowhere else: JSON strings may hold U+2028."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that end in this chunk."""
        first, *rest = chunk.split(b"\n")
        self._begun.append(first)
        if not rest:
            return []
        *whole, last = [b"".join(self._begun), *rest]
        self._begun = [last]
        return whole

    def finish(self) -> list[bytes]:
        """What stands after the last line's end."""
        last = b"".join(self._begun)
        return [last] if last else []


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a body."""
    buffer = LineBuffer()
    for chunk in chunks:
        yield from buffer.feed(chunk)
    yield from buffer.finish()


async def async_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a body."""
    buffer = LineBuffer()
    async for chunk in chunks:
        for line in buffer.feed(chunk):
            yield line
    for line in buffer.finish():
        yield line


class LineStream(Generic[T]):
    """The decoded lines of an open response."""

    def __init__(self, response: Response, chunks: Iterable[bytes], decode: Callable[[bytes], Any]) -> None:
        self._response = response
        self._items: Iterator[T] = (decode(line) for line in lines(chunks) if line.strip())

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            return next(self._items)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


class AsyncLineStream(Generic[T]):
    """The decoded lines of a response, opened when it is awaited, entered or iterated over."""

    def __init__(
        self,
        opening: Callable[[], Awaitable[tuple[AsyncResponse, AsyncIterator[bytes]]]],
        decoder: Callable[[AsyncResponse], Callable[[bytes], Any]],
    ) -> None:
        self._opening = opening
        self._decoder = decoder
        self._response: AsyncResponse | None = None
        self._items: AsyncIterator[T] | None = None

    async def _open(self) -> Self:
        if self._items is None:
            self._response, chunks = await self._opening()
            self._items = self._decoded(self._response, chunks)
        return self

    async def _decoded(self, response: AsyncResponse, chunks: AsyncIterator[bytes]) -> AsyncIterator[T]:
        decode = self._decoder(response)
        async for line in async_lines(chunks):
            if line.strip():
                yield decode(line)

    def __await__(self) -> Generator[Any, None, Self]:
        return self._open().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        await self._open()
        assert self._items is not None
        try:
            async for item in self._items:
                yield item
        finally:
            await self.close()

    async def __aenter__(self) -> Self:
        return await self._open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connection."""
        if self._response is not None:
            await self._response.close()
