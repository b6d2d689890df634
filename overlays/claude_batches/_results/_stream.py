"""Results as they come, for code that waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from claude_batches._errors import ClaudeBatchesError

from ._errors import ResultsClosedError
from ._reader import Reader

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["Items", "Open", "OpenResponse", "ResultStream", "Source"]

T = TypeVar("T")


class OpenResponse(Protocol):
    """A response whose body has not been read yet."""

    @property
    def status_code(self) -> int:
        """The status code."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, found by their names in lower case."""
        ...

    def iter_raw(self) -> Iterator[bytes]:
        """The body as it comes, content encoding and all. Errors are ours."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class _Source(Protocol[T]):
    """What `Items` iterates over."""

    items: Iterator[T]
    finished: bool

    def check_open(self) -> None: ...
    def advance(self) -> None: ...
    def recover(self, error: ClaudeBatchesError) -> None: ...
    def close(self) -> None: ...


Open = Callable[[dict[str, str]], OpenResponse]
"""Asks for the results file, with these headers besides the client's own."""


class Source(Generic[T]):
    """Does what a `Reader` says: sends requests, reads chunks, sleeps.

    Args:
        reader: Decides everything.
        open: Sends a request.
        sleep: Waits for so many seconds.
    """

    def __init__(self, reader: Reader[T], open: Open, sleep: Callable[[float], object] = time.sleep) -> None:
        self.reader = reader
        self.items: Iterator[T] = iter(())
        """What is left to hand out of what was read."""
        self.finished = False
        """Whether all was handed out and found complete."""
        self.closed = False
        self._open = open
        self._sleep = sleep
        self._chunks: Generator[bytes] | None = None
        self._ending = False

    def connect(self) -> None:
        """Ask for the file, or the rest of it, and see what comes.

        `advance()` does it when it is time; to do it before shows early that it can't be done.
        """
        response = self._open(self.reader.headers())
        self._chunks = _owned(response)
        next(self._chunks)
        try:
            self.reader.opened(response.status_code, response.headers)
        except ClaudeBatchesError:
            self._let_go()
            raise

    def advance(self) -> None:
        """Read on, so that there is more in `items`, or see that all is `finished`."""
        self.check_open()
        if self._ending:
            self.finished = True
            self.close()
        elif self._chunks is None:
            self.connect()
        else:
            chunk = next(self._chunks, None)
            self._ending = chunk is None
            self.items = self.reader.finish() if chunk is None else self.reader.feed(chunk)

    def recover(self, error: ClaudeBatchesError) -> None:
        """After a failure, wait and be ready to go on.

        Raises:
            ClaudeBatchesError: There is no going on.
        """
        self._let_go()
        wait = self.reader.failed(error)
        self._ending = wait is None
        if wait:
            self._sleep(wait)

    def check_open(self) -> None:
        """Raise `ResultsClosedError` if it was closed: what ends silently looks like all there is."""
        if self.closed:
            raise ResultsClosedError

    def close(self) -> None:
        """Let go of the connection, for good."""
        self.closed = True
        self._let_go()

    def _let_go(self) -> None:
        self.items = iter(())
        self._ending = False
        chunks, self._chunks = self._chunks, None
        if chunks is not None:
            chunks.close()


def _owned(response: OpenResponse) -> Generator[bytes]:
    """The body of a response, which is closed with this generator: at its end, or when nobody holds it."""
    try:
        yield b""  # from here on, closing the generator closes the response
        yield from response.iter_raw()
    finally:
        response.close()


class Items(Generic[T]):
    """An iterator over what a source hands out, which closes the source when it is left."""

    def __init__(self, source: _Source[T]) -> None:
        self._source = source

    def close(self) -> None:
        """Let go of the connection or file. Nothing more can be read then."""
        self._source.close()

    def __iter__(self) -> Iterator[T]:
        source = self._source
        try:
            while not source.finished:
                source.check_open()
                try:
                    yield from source.items
                    source.advance()
                except ClaudeBatchesError as error:
                    source.recover(error)
        finally:
            source.close()

    def __next__(self) -> T:
        source = self._source
        try:
            while not source.finished:
                source.check_open()
                try:
                    for item in source.items:
                        return item
                    source.advance()
                except ClaudeBatchesError as error:
                    source.recover(error)
        except BaseException:
            source.close()
            raise
        raise StopIteration

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ResultStream(Items[T]):
    """The results of a batch, one by one as they come.

    Iterate over it, in a `with` or not. The connection is let go of at the end, when the loop is left, on an
    error, and by `close()`. Reading goes on by itself after a lost connection, with nothing lost and nothing
    twice.

    Raises, while iterating:
        IncompleteResultsError: They ended too early, and reading them again did not help.
        BadLineError: A line is not a result.
        ResultsError: Something else is wrong with them.
        ResultsClosedError: The stream was closed before its end.
    """

    def __init__(self, batch: MessageBatch, source: Source[T]) -> None:
        super().__init__(source)
        self.batch = batch
        """The batch, as it was when reading began."""
        self._reader = source.reader

    @property
    def lines_read(self) -> int:
        """How many results were handed out so far."""
        return self._reader.lines_read

    @property
    def bytes_read(self) -> int:
        """How many bytes came so far: as they were sent, and counting again what had to be read again."""
        return self._reader.bytes_read

    @property
    def resumes(self) -> int:
        """How often reading was resumed."""
        return self._reader.resumes

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.batch.id}, {self.lines_read} read>"
