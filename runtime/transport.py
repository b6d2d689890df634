"""The interface of transports, which send the requests of resources.

`claude_batches` implements it. A test, or a client on another HTTP library, can bring its own implementation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeAlias, TypeVar

from .request import Request, RequestOptions

if TYPE_CHECKING:
    # For type checkers alone: at run time this package does not import its client.
    from claude_batches import AsyncEventStream, AsyncLineStream, AsyncPager, EventStream, LineStream, Page

__all__ = ["AsyncTransport", "SyncTransport", "View"]

T = TypeVar("T")

#: The result of each call: the decoded value (`plain`), a response that was read (`raw`), or a context manager for a
#: response with an unread body (`streamed`).
View: TypeAlias = Literal["plain", "raw", "streamed"]


class SyncTransport(Protocol):
    """Sends requests and blocks until the result is there."""

    def view(self, kind: View, /) -> Self:
        """Return a transport on the same connections with another kind of result."""
        ...

    def send(self, request: Request[T], options: RequestOptions, /) -> T:
        """Send a request and decode its response."""
        ...

    def page(self, request: Request[Any], options: RequestOptions, /) -> Page[Any]:
        """Fetch the first page of a list."""
        ...

    def stream(self, request: Request[T], options: RequestOptions, /) -> LineStream[T]:
        """Read a response line by line and decode each line."""
        ...

    def events(self, request: Request[Any], options: RequestOptions, /) -> EventStream[Any]:
        """Read a response event by event and decode each event."""
        ...


class AsyncTransport(Protocol):
    """Sends requests without blocking the event loop."""

    def view(self, kind: View, /) -> Self:
        """Return a transport on the same connections with another kind of result."""
        ...

    async def send(self, request: Request[T], options: RequestOptions, /) -> T:
        """Send a request and decode its response."""
        ...

    def page(self, request: Request[Any], options: RequestOptions, /) -> AsyncPager[Any]:
        """Return a list that is fetched when it is awaited or iterated over."""
        ...

    def stream(self, request: Request[T], options: RequestOptions, /) -> AsyncLineStream[T]:
        """Return a stream that is opened when it is awaited, entered or iterated over."""
        ...

    def events(self, request: Request[Any], options: RequestOptions, /) -> AsyncEventStream[Any]:
        """Return a stream of events that is opened when it is awaited, entered or iterated over."""
        ...
