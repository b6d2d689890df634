"""Streams of results."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from .._errors import ClaudeBatchesError
from .._http.views import ResponseView
from .._results.errors import ResultsClosedError
from .._results.reader import Reader
from .driver import AsyncDriver

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["AsyncResultStream"]

T = TypeVar("T")


class AsyncResultStream(Generic[T]):
    """The results of a batch, one by one as they arrive.

    Iterate over it, directly or as a context manager. The connection is closed at the end, when the loop is left, on an
    error, on cancellation, and by `close()`. Reading resumes after a lost connection; no result is lost or repeated.

    Raises, while iterating:
        IncompleteResultsError: The file ended early, and reading it again did not help.
        ExcessResultsError: The file has more results than the batch.
        BadLineError: A line is not a result.
        ResultsError: Another problem with the results.
        ResultsClosedError: The stream was closed before its end.
    """

    def __init__(self, driver: AsyncDriver, open: Callable[[], Awaitable[Reader[T]]]) -> None:
        self._driver = driver
        self._open = open
        self._reader: Reader[T] | None = None
        self._closed = False

    @property
    def batch(self) -> MessageBatch:
        """The batch at the start of reading.

        Raises:
            RuntimeError: The results were not requested yet.
        """
        return self._opened.batch

    @property
    def response(self) -> ResponseView:
        """Status, headers and request id of the current response.

        Raises:
            RuntimeError: The results were not requested yet.
        """
        response = self._opened.response
        assert response is not None
        return ResponseView(response)

    @property
    def http_response(self) -> Any:
        """Current response of the HTTP library. Its request holds the credentials.

        Raises:
            RuntimeError: The results were not requested yet.
        """
        return self.response.http_response

    @property
    def complete(self) -> bool | None:
        """True after all results were read; `None` if the batch does not tell how many there are."""
        return False if self._reader is None else self._reader.complete

    @property
    def lines_read(self) -> int:
        """Number of results returned so far."""
        return 0 if self._reader is None else self._reader.seen.returned

    @property
    def bytes_read(self) -> int:
        """Number of bytes received so far, compressed ones as sent, repeated ones again."""
        return 0 if self._reader is None else self._reader.bytes_read

    @property
    def resumes(self) -> int:
        """Number of resumed requests."""
        return 0 if self._reader is None else self._reader.resumes

    async def opened(self) -> Self:
        """Request the results, unless that was done already."""
        if self._closed:
            raise ResultsClosedError
        if self._reader is None:
            self._reader = await self._open()
        return self

    async def close(self) -> None:
        """Close the connection. No more results can be read."""
        self._closed = True
        if self._reader is not None:
            await self._driver.run(self._reader.close())

    # async only
    def __await__(self) -> Generator[Any, None, Self]:
        return self.opened().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        await self.opened()
        reader = self._opened
        more = True
        try:
            while more:
                try:
                    # sync: yield from reader.items
                    # async only
                    for item in reader.items:
                        yield item
                    more = await self._driver.run(reader.advance())
                except ClaudeBatchesError as error:
                    await self._driver.run(reader.recover(error))
        finally:
            await self._driver.run(reader.close())

    async def __anext__(self) -> T:
        await self.opened()
        reader = self._opened
        more = True
        try:
            while more:
                try:
                    for item in reader.items:
                        return item
                    more = await self._driver.run(reader.advance())
                except ClaudeBatchesError as error:
                    await self._driver.run(reader.recover(error))
        except BaseException:
            await self._driver.run(reader.close())
            raise
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return await self.opened()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        batch = "a batch" if self._reader is None else self._reader.batch.id
        return f"<{type(self).__name__} of {batch}, {self.lines_read} read>"

    @property
    def _opened(self) -> Reader[T]:
        if self._reader is None:
            # sync: raise RuntimeError("the results were not requested yet: iterate over them first")
            # async only
            raise RuntimeError("the results were not requested yet: await the stream, or iterate over it")
        return self._reader
