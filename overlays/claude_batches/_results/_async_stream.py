"""Results as they come, for code that does something else while it waits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import anyio

from claude_batches._errors import ClaudeBatchesError

from ._errors import ResultsClosedError
from ._reader import Reader

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["AsyncOpen", "AsyncOpenResponse", "AsyncResultStream", "AsyncSource"]

T = TypeVar("T")


class AsyncOpenResponse(Protocol):
    """A response whose body has not been read yet."""

    @property
    def status_code(self) -> int:
        """The status code."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, found by their names in lower case."""
        ...

    def iter_raw(self) -> AsyncIterator[bytes]:
        """The body as it comes, content encoding and all. Errors are ours."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


AsyncOpen = Callable[[dict[str, str]], Awaitable[AsyncOpenResponse]]
"""Asks for the results file, with these headers besides the client's own."""


class AsyncSource(Generic[T]):
    """Does what a `Reader` says: sends requests, reads chunks, sleeps.

    Args:
        reader: Decides everything.
        open: Sends a request.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self, reader: Reader[T], open: AsyncOpen, sleep: Callable[[float], Awaitable[object]] = anyio.sleep
    ) -> None:
        self.reader = reader
        self.items: Iterator[T] = iter(())
        """What is left to hand out of what was read."""
        self.finished = False
        """Whether all was handed out and found complete."""
        self.closed = False
        self._open = open
        self._sleep = sleep
        self._chunks: AsyncGenerator[bytes] | None = None
        self._ending = False

    async def connect(self) -> None:
        """Ask for the file, or the rest of it, and see what comes.

        `advance()` does it when it is time; to do it before shows early that it can't be done.
        """
        response = await self._open(self.reader.headers())
        self._chunks = _owned(response)
        await anext(self._chunks)
        try:
            self.reader.opened(response.status_code, response.headers)
        except ClaudeBatchesError:
            await self._let_go()
            raise

    async def advance(self) -> None:
        """Read on, so that there is more in `items`, or see that all is `finished`."""
        self.check_open()
        if self._ending:
            self.finished = True
            await self.close()
        elif self._chunks is None:
            await self.connect()
        else:
            chunk = await anext(self._chunks, None)
            self._ending = chunk is None
            self.items = self.reader.finish() if chunk is None else self.reader.feed(chunk)

    async def recover(self, error: ClaudeBatchesError) -> None:
        """After a failure, wait and be ready to go on.

        Raises:
            ClaudeBatchesError: There is no going on.
        """
        await self._let_go()
        wait = self.reader.failed(error)
        self._ending = wait is None
        if wait:
            await self._sleep(wait)

    def check_open(self) -> None:
        """Raise `ResultsClosedError` if it was closed: what ends silently looks like all there is."""
        if self.closed:
            raise ResultsClosedError

    async def close(self) -> None:
        """Let go of the connection, for good."""
        self.closed = True
        await self._let_go()

    async def _let_go(self) -> None:
        self.items = iter(())
        self._ending = False
        chunks, self._chunks = self._chunks, None
        if chunks is not None:
            await chunks.aclose()


async def _owned(response: AsyncOpenResponse) -> AsyncGenerator[bytes]:
    """The body of a response, which is closed with this generator: at its end, or when nobody holds it."""
    try:
        yield b""  # from here on, closing the generator closes the response
        async for chunk in response.iter_raw():
            yield chunk
    finally:
        # Also when the task is cancelled, and then nothing else can be awaited any more.
        with anyio.CancelScope(shield=True):
            await response.close()


class AsyncResultStream(Generic[T]):
    """The results of a batch, one by one as they come.

    Iterate over it, straight away, or after an `await`, or in an `async with`. The connection is let go of at
    the end, when the loop is left, on an error, when the task is cancelled, and by `close()`. Reading goes on
    by itself after a lost connection, with nothing lost and nothing twice.

    Raises, while iterating:
        IncompleteResultsError: They ended too early, and reading them again did not help.
        BadLineError: A line is not a result.
        ResultsError: Something else is wrong with them.
        ResultsClosedError: The stream was closed before its end.
    """

    def __init__(self, begin: Callable[[], Awaitable[tuple[MessageBatch, AsyncSource[T]]]]) -> None:
        self._begin = begin
        self._begun: tuple[MessageBatch, AsyncSource[T]] | None = None
        self._closed = False

    @property
    def batch(self) -> MessageBatch:
        """The batch, as it was when reading began.

        Raises:
            RuntimeError: It has not begun: `await` the stream first.
        """
        if self._begun is None:
            raise RuntimeError("the results have not been asked for yet: await them first, or iterate")
        return self._begun[0]

    @property
    def lines_read(self) -> int:
        """How many results were handed out so far."""
        return 0 if self._begun is None else self._begun[1].reader.lines_read

    @property
    def bytes_read(self) -> int:
        """How many bytes came so far: as they were sent, and counting again what had to be read again."""
        return 0 if self._begun is None else self._begun[1].reader.bytes_read

    @property
    def resumes(self) -> int:
        """How often reading was resumed."""
        return 0 if self._begun is None else self._begun[1].reader.resumes

    async def close(self) -> None:
        """Let go of the connection. Nothing more can be read then."""
        self._closed = True
        if self._begun is not None:
            await self._begun[1].close()

    def __await__(self) -> Generator[Any, None, Self]:
        yield from self._source().__await__()
        return self

    async def __aiter__(self) -> AsyncIterator[T]:
        source = await self._source()
        try:
            while not source.finished:
                source.check_open()
                try:
                    for item in source.items:
                        yield item
                    await source.advance()
                except ClaudeBatchesError as error:
                    await source.recover(error)
        finally:
            await source.close()

    async def __anext__(self) -> T:
        source = await self._source()
        try:
            while not source.finished:
                source.check_open()
                try:
                    for item in source.items:
                        return item
                    await source.advance()
                except ClaudeBatchesError as error:
                    await source.recover(error)
        except BaseException:
            await source.close()
            raise
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return await self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        batch = "a batch" if self._begun is None else self._begun[0].id
        return f"<{type(self).__name__} of {batch}, {self.lines_read} read>"

    async def _source(self) -> AsyncSource[T]:
        if self._closed:
            raise ResultsClosedError
        if self._begun is None:
            self._begun = await self._begin()
        return self._begun[1]
