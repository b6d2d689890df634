"""What a resource needs of whoever sends its requests, and what its methods give in return.

These are interfaces only. `claude_batches` fulfils them; a test, or another HTTP library, can bring its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from .request import Request, RequestOptions

__all__ = [
    "AsyncPage",
    "AsyncPager",
    "AsyncStream",
    "AsyncStreamedResponse",
    "AsyncTransport",
    "RawResponse",
    "SyncPage",
    "SyncStream",
    "SyncStreamedResponse",
    "SyncTransport",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class SyncPage(Protocol[T]):
    """One page of a list. Iterating gives its items, then those of the pages after it, fetched as needed."""

    @property
    def data(self) -> list[T]:
        """The items of this page alone."""
        ...

    @property
    def has_more(self) -> bool:
        """Whether the server says that more items follow."""
        ...

    @property
    def response(self) -> Any:
        """The page as the server sent it, decoded."""
        ...

    def __iter__(self) -> Iterator[T]: ...

    def iter_pages(self) -> Iterator[SyncPage[T]]:
        """This page and those after it."""
        ...

    def has_next_page(self) -> bool:
        """Whether `get_next_page()` has one to fetch."""
        ...

    def next_page_info(self) -> dict[str, str] | None:
        """The query parameters that ask for the next page; `None` after the last."""
        ...

    def get_next_page(self) -> SyncPage[T]:
        """Fetch the next page."""
        ...


class AsyncPage(Protocol[T]):
    """One page of a list. Iterating gives its items, then those of the pages after it, fetched as needed."""

    @property
    def data(self) -> list[T]:
        """The items of this page alone."""
        ...

    @property
    def has_more(self) -> bool:
        """Whether the server says that more items follow."""
        ...

    @property
    def response(self) -> Any:
        """The page as the server sent it, decoded."""
        ...

    def __aiter__(self) -> AsyncIterator[T]: ...

    def iter_pages(self) -> AsyncIterator[AsyncPage[T]]:
        """This page and those after it."""
        ...

    def has_next_page(self) -> bool:
        """Whether `get_next_page()` has one to fetch."""
        ...

    def next_page_info(self) -> dict[str, str] | None:
        """The query parameters that ask for the next page; `None` after the last."""
        ...

    async def get_next_page(self) -> AsyncPage[T]:
        """Fetch the next page."""
        ...


class AsyncPager(Protocol[T]):
    """A list that is not fetched yet: `await` it for its first page, or iterate over all of its items."""

    def __await__(self) -> Generator[Any, None, AsyncPage[T]]: ...

    def __aiter__(self) -> AsyncIterator[T]: ...


class SyncStream(Protocol[T_co]):
    """The lines of a response, decoded as they come. Close it, or use it in a `with`, when stopping early."""

    def __iter__(self) -> Iterator[T_co]: ...

    def __next__(self) -> T_co: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class AsyncStream(Protocol[T_co]):
    """The lines of a response, decoded as they come: await it, iterate over it, or use it in `async with`."""

    def __await__(self) -> Generator[Any, None, Self]: ...

    def __aiter__(self) -> AsyncIterator[T_co]: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class RawResponse(Protocol[T_co]):
    """A response with its status and headers; its body was read, and `parse()` decodes it."""

    @property
    def status_code(self) -> int:
        """The status code."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, looked up without regard to case."""
        ...

    @property
    def request_id(self) -> str | None:
        """The id that the API gave the request; worth quoting to its support."""
        ...

    @property
    def elapsed(self) -> timedelta:
        """From the first byte sent to the end of the headers, of the last attempt."""
        ...

    @property
    def http_request(self) -> Any:
        """The request as the HTTP library sent it, without credentials."""
        ...

    @property
    def retries_taken(self) -> int:
        """How many attempts went before this one."""
        ...

    @property
    def content(self) -> bytes:
        """The body."""
        ...

    @property
    def text(self) -> str:
        """The body as text."""
        ...

    def json(self) -> Any:
        """The body as parsed JSON."""
        ...

    def parse(self) -> T_co:
        """What the method without `with_raw_response` gives."""
        ...


class SyncStreamedResponse(Protocol[T_co]):
    """A response whose body was not read yet."""

    @property
    def status_code(self) -> int:
        """The status code."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, looked up without regard to case."""
        ...

    @property
    def request_id(self) -> str | None:
        """The id that the API gave the request; worth quoting to its support."""
        ...

    @property
    def retries_taken(self) -> int:
        """How many attempts went before this one."""
        ...

    def iter_bytes(self) -> Iterator[bytes]:
        """The body as it comes, without its content encoding."""
        ...

    def iter_lines(self) -> Iterator[bytes]:
        r"""The lines of the body as they come, without the `\n`."""
        ...

    def read(self) -> bytes:
        """All of the body."""
        ...

    def parse(self) -> T_co:
        """What the method without `with_streaming_response` gives."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class AsyncStreamedResponse(Protocol[T_co]):
    """A response whose body was not read yet."""

    @property
    def status_code(self) -> int:
        """The status code."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, looked up without regard to case."""
        ...

    @property
    def request_id(self) -> str | None:
        """The id that the API gave the request; worth quoting to its support."""
        ...

    @property
    def retries_taken(self) -> int:
        """How many attempts went before this one."""
        ...

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """The body as it comes, without its content encoding."""
        ...

    def iter_lines(self) -> AsyncIterator[bytes]:
        r"""The lines of the body as they come, without the `\n`."""
        ...

    async def read(self) -> bytes:
        """All of the body."""
        ...

    async def parse(self) -> T_co:
        """What the method without `with_streaming_response` gives."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class SyncTransport(Protocol):
    """Sends requests and waits for what comes back."""

    @property
    def raw(self) -> SyncTransport:
        """The same, except that each call gives a `RawResponse`."""
        ...

    @property
    def streamed(self) -> SyncTransport:
        """The same, except that each call gives a context manager for a `SyncStreamedResponse`."""
        ...

    def send(self, request: Request[T], options: RequestOptions, /) -> T:
        """Send it and decode what comes."""
        ...

    def page(self, request: Request[Any], options: RequestOptions, /) -> SyncPage[Any]:
        """Fetch the first page of a paginated operation."""
        ...

    def stream(self, request: Request[T], options: RequestOptions, /) -> SyncStream[T]:
        """Read a response line by line, each decoded."""
        ...


class AsyncTransport(Protocol):
    """Sends requests and lets others run while it waits."""

    @property
    def raw(self) -> AsyncTransport:
        """The same, except that each call gives a `RawResponse`."""
        ...

    @property
    def streamed(self) -> AsyncTransport:
        """The same, except that each call gives an async context manager for an `AsyncStreamedResponse`."""
        ...

    async def send(self, request: Request[T], options: RequestOptions, /) -> T:
        """Send it and decode what comes."""
        ...

    def page(self, request: Request[Any], options: RequestOptions, /) -> AsyncPager[Any]:
        """A paginated operation, ready to be fetched."""
        ...

    def stream(self, request: Request[T], options: RequestOptions, /) -> AsyncStream[T]:
        """Read a response line by line, each decoded."""
        ...
