"""The transport of resources: sends the requests of generated methods.

It fulfils `claude_batches_api.transport`. A transport has one of three views, which decide the result of each call:

- `plain`: the decoded result;
- `raw`: an `AsyncRawResponse`;
- `streamed`: a context manager for an `AsyncStreamedResponse`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Literal, TypeVar, cast

from claude_batches_api.request import Request, RequestOptions

from .._http.decode import decode_page, decode_response, event_decoder, line_decoder, separator_of
from .._http.effects import Flow
from .._http.exchange import Exchange, exchange
from .._http.pages import first_request
from .._http.response import OpenedResponse
from .._http.session import Session
from .driver import AsyncDriver
from .event_stream import AsyncEventStream
from .line_stream import AsyncItemStream, AsyncLineStream

# sync: from .pages import Page
# async only
from .pages import AsyncPage, AsyncPager
from .response import AsyncResponse
from .views import AsyncRawResponse, AsyncStreamedResponse

__all__ = ["AsyncTransport", "View"]

T = TypeVar("T")
S = TypeVar("S", bound="AsyncItemStream[Any]")

Opener = Callable[[], Awaitable[tuple[AsyncResponse, AsyncIterator[bytes]]]]
"""Opens a response, and returns it with the chunks of its body."""

View = Literal["plain", "raw", "streamed"]


class AsyncTransport:
    """Sends requests and awaits their responses.

    Args:
        session: State of the client.
        driver: Performs the I/O.
        kind: View of the responses.
    """

    def __init__(self, session: Session, driver: AsyncDriver, kind: View = "plain") -> None:
        self.session = session
        self.driver = driver
        self.kind: View = kind

    def view(self, kind: View, /) -> AsyncTransport:
        """Return the transport with another view."""
        return AsyncTransport(self.session, self.driver, kind)

    async def run(self, flow: Flow[T]) -> T:
        """Perform a flow."""
        return await self.driver.run(flow)

    async def send(self, request: Request[T], options: RequestOptions, /) -> T:
        """Send a request and decode the response."""
        return await self.deliver(exchange(self.session, request, options, partial(decode_response, request)))

    # sync: def page(self, request: Request[Any], options: RequestOptions, /) -> Page[Any]:
    # sync:     """Fetch the first page of a list."""
    # sync:     return self._page(*first_request(request, options))
    # async only
    def page(self, request: Request[Any], options: RequestOptions, /) -> AsyncPager[Any]:
        """Return the list of a paginated operation, not fetched yet."""
        first = partial(self._page, *first_request(request, options))
        # A raw or streamed view of a list is one response, so there is nothing to iterate over.
        return AsyncPager(first) if self.kind == "plain" else cast(AsyncPager[Any], first())

    def stream(self, request: Request[T], options: RequestOptions, /) -> AsyncLineStream[T]:
        """Return the decoded lines of a JSONL response, or the values of a JSON text sequence."""
        decoder = partial(line_decoder, request.operation)
        separator = separator_of(request)

        def make(open: Opener) -> AsyncLineStream[T]:
            return AsyncLineStream(open, decoder, separator)

        return self.deliver_stream(exchange(self.session, request, options), make)

    def events(self, request: Request[Any], options: RequestOptions, /) -> AsyncEventStream[Any]:
        """Return the decoded events of a stream."""

        def make(open: Opener) -> AsyncEventStream[Any]:
            return AsyncEventStream(open, partial(event_decoder, request.operation))

        return self.deliver_stream(exchange(self.session, request, options), make)

    async def deliver(self, exchange: Exchange[T]) -> T:
        """Perform an exchange, and return the result in the transport's view."""
        if self.kind == "streamed":
            # The methods of a view are typed by claude_batches_api.resource.
            return cast(T, self._entered(exchange))
        fetched = await self.driver.run(exchange.flow(True))
        if self.kind == "raw":
            return cast(T, AsyncRawResponse(fetched.response, exchange.parse, content=fetched.content))
        return exchange.parse(*fetched)

    def deliver_stream(self, exchange: Exchange[Any], make: Callable[[Opener], S]) -> S:
        """Return the decoded items of an exchange in the transport's view.

        Args:
            exchange: The exchange.
            make: Makes the stream of a function that opens the response.
        """

        def of_response(response: AsyncResponse) -> S:
            async def opened() -> tuple[AsyncResponse, AsyncIterator[bytes]]:
                return response, response.iter_bytes()

            return make(opened)

        def of_content(response: OpenedResponse, content: bytes) -> S:
            async def opened() -> tuple[AsyncResponse, AsyncIterator[bytes]]:
                return cast(AsyncResponse, response), _once(content)

            return make(opened)

        if self.kind != "plain":
            view: Any = self.deliver(Exchange(exchange.flow, of_content, of_response))
            return cast(S, view)

        async def opened() -> tuple[AsyncResponse, AsyncIterator[bytes]]:
            response: AsyncResponse = await self.driver.run(exchange.flow(False))
            return response, response.iter_bytes()

        # sync: return make(opened).opened()
        # async only
        return make(opened)

    async def _page(
        self,
        request: Request[Any],
        options: RequestOptions,
        seen: frozenset[str],
        view: View | None = None,
    ) -> AsyncPage[Any]:
        async def following(request: Request[Any], seen: frozenset[str]) -> AsyncPage[Any]:
            return await self._page(request, options, seen, view="plain")

        def parse(response: OpenedResponse, content: bytes) -> AsyncPage[Any]:
            return AsyncPage(request, decode_page(request, response, content), seen, following)

        transport = self if view is None else self.view(view)
        return await transport.deliver(exchange(self.session, request, options, parse))

    @asynccontextmanager
    async def _entered(self, exchange: Exchange[T]) -> AsyncGenerator[AsyncStreamedResponse[T]]:
        response: AsyncResponse = await self.driver.run(exchange.flow(False))
        try:
            yield AsyncStreamedResponse(response, exchange.parse, stream=exchange.stream)
        finally:
            exchange.leave(response)
            await response.close()


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
