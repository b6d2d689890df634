"""Who sends the requests of resources: `claude_batches_api.transport`, fulfilled.

A transport comes in three views, which differ in what becomes of an exchange (`deliver`): the result of an
operation itself, its raw response, or a context manager around the response before its body is read.

Whoever needs a response of their own to read from, as results do, takes

    response = transport.open(request_or_url, headers={"range": "bytes=100-"}, options=options)

It is a `Response` (`status_code`, `headers`, `request_id`, `iter_raw()`, `iter_bytes()`, `close()`), after
redirects and retries; to a URL on another origin no credentials go along. What goes wrong raises this
package's errors, before the first byte and in the middle. An async transport's `open` is awaited, and gives
an `AsyncResponse`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Generic, Self, TypeAlias, TypeVar, cast

import attrs
from claude_batches_api.parameters import query_pairs
from claude_batches_api.request import Request, RequestOptions
from claude_batches_api.transport import View

from ._call import USUAL, Call, Guard, call_of, call_to, fetch, open_response
from ._config import Config
from ._lines import AsyncLineStream, LineStream
from ._pages import AsyncPage, AsyncPager, Page
from ._parse import line_decoder, parse, parse_page
from ._raw import AsyncStreamedResponse, RawResponse, StreamedResponse
from ._response import AsyncResponse, Response
from ._sender import AsyncSender, Sender
from ._steps import AnyResponse, Steps
from ._upload import Payload

__all__ = ["AsyncTransport", "Exchange", "Transport"]

T = TypeVar("T")

_NO_HEADERS: Mapping[str, str] = {}


#: The steps from a call to its response: read or not, as the view needs it.
Go: TypeAlias = Callable[[Call, Guard], Steps[Any]]


@attrs.frozen
class Exchange(Generic[T]):
    """A request, and what is made of its response."""

    request: Request[Any]
    options: RequestOptions
    parser: Callable[[AnyResponse, bytes], T]
    """Makes the result of a response that was read."""
    stream: Callable[[Any], T] | None = None
    """Makes the result of a response that wasn't, where it is read bit by bit."""
    guard: Guard = USUAL
    """What decides about retries."""
    body: Payload | None = None
    """The body, where it's written already."""
    around: Callable[[Call, Go], Steps[Any]] | None = None
    """Takes the steps to the response in its own hands, where sending and retrying is not all there is to it."""


class _Transport:
    """What all transports have in common."""

    def __init__(self, config: Config, sender: Any) -> None:
        self.config = config
        self.clock = sender.clock

    def steps(self, exchange: Exchange[Any], *, read: bool) -> Steps[Any]:
        """The steps of an exchange, to a response that was read or one that is still to be."""
        call = call_of(self.config, self.clock, exchange.request, exchange.options, exchange.body)
        go: Go = partial(fetch if read else open_response, self.config, self.clock)
        return go(call, exchange.guard) if exchange.around is None else exchange.around(call, go)

    def target(
        self, target: Request[Any] | str, headers: Mapping[str, str], options: RequestOptions
    ) -> Steps[AnyResponse]:
        """The steps to a response of a request, or of a URL that the server gave."""
        if isinstance(target, str):
            call = call_to(self.config, self.clock, target, headers, options, name="results")
        else:
            merged = {**headers, **(options.get("extra_headers") or {})}
            call = call_of(
                self.config, self.clock, target, cast(RequestOptions, {**options, "extra_headers": merged})
            )
        return open_response(self.config, self.clock, call)


def _prepared(
    request: Request[Any], options: RequestOptions
) -> tuple[Request[Any], RequestOptions, frozenset[str]]:
    """A request for a first page: with its `extra_query` in the query, where the next page's cursor replaces it."""
    extra = options.get("extra_query") or {}
    pairs = [pair for name, value in extra.items() for pair in query_pairs(name, value)]
    query = (*(pair for pair in request.query if pair[0] not in extra), *pairs)
    pagination = request.operation.pagination
    assert pagination is not None
    cursors = {pagination.next.parameter, pagination.previous.parameter if pagination.previous else ""}
    seen = frozenset(value for name, value in query if name in cursors)
    kept = cast(RequestOptions, {name: value for name, value in options.items() if name != "extra_query"})
    return attrs.evolve(request, query=query), kept, seen


# ------------------------------------------------------------------------------------------------------------
# Sync


class Transport(_Transport):
    """Sends requests and waits for what comes back."""

    def __init__(self, config: Config, sender: Sender) -> None:
        super().__init__(config, sender)
        self.sender = sender

    def view(self, kind: View, /) -> Self:
        """Return a transport on the same connections with another kind of result."""
        views = {"plain": Transport, "raw": RawTransport, "streamed": StreamedTransport}
        return cast(Self, views[kind](self.config, self.sender))

    @property
    def plain(self) -> Transport:
        """The same, except that each call gives its result."""
        return Transport(self.config, self.sender)

    def fetch(self, exchange: Exchange[T]) -> RawResponse[T]:
        """Send and read."""
        fetched = self.sender.run(self.steps(exchange, read=True))
        return RawResponse(fetched.response, fetched.content, exchange.parser)

    def deliver(self, exchange: Exchange[T]) -> T:
        """Send, and give what this view gives."""
        if exchange.stream is not None:
            return exchange.stream(self.sender.run(self.steps(exchange, read=False)))
        return self.fetch(exchange).parse()

    def send(self, request: Request[T], options: RequestOptions, /) -> T:
        """Send it and decode what comes."""
        return self.deliver(Exchange(request, options, partial(parse, request)))

    def page(self, request: Request[Any], options: RequestOptions, /) -> Page[Any]:
        """Fetch the first page of a paginated operation."""
        request, options, seen = _prepared(request, options)
        return self.deliver(self._paging(options, request, seen))

    def _paging(
        self, options: RequestOptions, request: Request[Any], seen: frozenset[str]
    ) -> Exchange[Page[Any]]:
        def following(request: Request[Any], seen: frozenset[str]) -> Page[Any]:
            return self.plain.deliver(self._paging(options, request, seen))

        def page(response: AnyResponse, content: bytes) -> Page[Any]:
            return Page(request, parse_page(request, response, content), seen, following)

        return Exchange(request, options, page)

    def stream(self, request: Request[T], options: RequestOptions, /) -> LineStream[T]:
        """Read a response line by line, each decoded."""
        return self.deliver(self._streaming(request, options))

    def _streaming(self, request: Request[T], options: RequestOptions) -> Exchange[LineStream[T]]:
        operation = request.operation

        def whole(response: AnyResponse, content: bytes) -> LineStream[T]:
            return LineStream(cast(Response, response), [content], line_decoder(operation, response))

        def open_(response: Response) -> LineStream[T]:
            return LineStream(response, response.iter_bytes(), line_decoder(operation, response))

        return Exchange(request, options, whole, open_)

    def open(
        self,
        target: Request[Any] | str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        options: RequestOptions | None = None,
    ) -> Response:
        """Open a response, to be read and closed by the caller.

        Arguments:
            target: A request, or an absolute URL that the server gave.
            headers: To send besides.
            options: What the user said about the call.

        Raises:
            APIError: There is none, or one that says no.
            UnsafeURLError: The URL is not one to follow.
        """
        return cast(Response, self.sender.run(self.target(target, headers, options or {})))


class RawTransport(Transport):
    """Gives a `RawResponse` for each call."""

    def deliver(self, exchange: Exchange[T]) -> T:
        """The response, read."""
        # The methods of `with_raw_response` are typed to give this; see claude_batches_api.resource.
        return cast(T, self.fetch(exchange))


class StreamedTransport(Transport):
    """Gives a context manager for a `StreamedResponse` for each call."""

    def deliver(self, exchange: Exchange[T]) -> T:
        """The response, to be entered."""
        return cast(T, self._entering(exchange))

    @contextmanager
    def _entering(self, exchange: Exchange[T]) -> Generator[StreamedResponse[T]]:
        response: Response = self.sender.run(self.steps(exchange, read=False))
        try:
            yield StreamedResponse(response, exchange.parser, exchange.stream)
        finally:
            response.close()


# ------------------------------------------------------------------------------------------------------------
# Async


class AsyncTransport(_Transport):
    """Sends requests and lets others run while it waits."""

    def __init__(self, config: Config, sender: AsyncSender) -> None:
        super().__init__(config, sender)
        self.sender = sender

    def view(self, kind: View, /) -> Self:
        """Return a transport on the same connections with another kind of result."""
        views = {"plain": AsyncTransport, "raw": AsyncRawTransport, "streamed": AsyncStreamedTransport}
        return cast(Self, views[kind](self.config, self.sender))

    @property
    def plain(self) -> AsyncTransport:
        """The same, except that each call gives its result."""
        return AsyncTransport(self.config, self.sender)

    async def fetch(self, exchange: Exchange[T]) -> RawResponse[T]:
        """Send and read."""
        fetched = await self.sender.run(self.steps(exchange, read=True))
        return RawResponse(fetched.response, fetched.content, exchange.parser)

    async def deliver(self, exchange: Exchange[T]) -> T:
        """Send, and give what this view gives."""
        return (await self.fetch(exchange)).parse()

    async def send(self, request: Request[T], options: RequestOptions, /) -> T:
        """Send it and decode what comes."""
        return await self.deliver(Exchange(request, options, partial(parse, request)))

    def page(self, request: Request[Any], options: RequestOptions, /) -> AsyncPager[Any]:
        """A paginated operation, ready to be fetched."""
        request, options, seen = _prepared(request, options)
        pager: AsyncPager[Any] = self.later(lambda: self.deliver(self._paging(options, request, seen)))
        return pager

    def later(self, deliver: Callable[[], Any]) -> Any:
        """What a list gives before it is fetched."""
        return AsyncPager(deliver)

    def _paging(
        self, options: RequestOptions, request: Request[Any], seen: frozenset[str]
    ) -> Exchange[AsyncPage[Any]]:
        async def following(request: Request[Any], seen: frozenset[str]) -> AsyncPage[Any]:
            return await self.plain.deliver(self._paging(options, request, seen))

        def page(response: AnyResponse, content: bytes) -> AsyncPage[Any]:
            return AsyncPage(request, parse_page(request, response, content), seen, following)

        return Exchange(request, options, page)

    def stream(self, request: Request[T], options: RequestOptions, /) -> AsyncLineStream[T]:
        """Read a response line by line, each decoded."""
        return self.lines(self._streaming(request, options))

    def lines(self, exchange: Exchange[AsyncLineStream[T]]) -> AsyncLineStream[T]:
        """What a stream gives before it is opened."""

        async def opening() -> tuple[AsyncResponse, AsyncIterator[bytes]]:
            response: AsyncResponse = await self.sender.run(self.steps(exchange, read=False))
            return response, response.iter_bytes()

        return AsyncLineStream(opening, partial(line_decoder, exchange.request.operation))

    def _streaming(self, request: Request[T], options: RequestOptions) -> Exchange[AsyncLineStream[T]]:
        decoder = partial(line_decoder, request.operation)

        def whole(response: AnyResponse, content: bytes) -> AsyncLineStream[T]:
            async def once() -> AsyncIterator[bytes]:
                yield content

            async def opening() -> tuple[AsyncResponse, AsyncIterator[bytes]]:
                return cast(AsyncResponse, response), once()

            return AsyncLineStream(opening, decoder)

        def open_(response: AsyncResponse) -> AsyncLineStream[T]:
            async def opening() -> tuple[AsyncResponse, AsyncIterator[bytes]]:
                return response, response.iter_bytes()

            return AsyncLineStream(opening, decoder)

        return Exchange(request, options, whole, open_)

    async def open(
        self,
        target: Request[Any] | str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        options: RequestOptions | None = None,
    ) -> AsyncResponse:
        """Open a response, to be read and closed by the caller; see `Transport.open`."""
        return cast(AsyncResponse, await self.sender.run(self.target(target, headers, options or {})))


class AsyncRawTransport(AsyncTransport):
    """Gives a `RawResponse` for each call."""

    async def deliver(self, exchange: Exchange[T]) -> T:
        """The response, read."""
        return cast(T, await self.fetch(exchange))

    def later(self, deliver: Callable[[], Any]) -> Any:
        """The response of a first page, to be awaited."""
        return deliver()

    def lines(self, exchange: Exchange[AsyncLineStream[T]]) -> AsyncLineStream[T]:
        """The response of a stream, to be awaited."""
        return cast(AsyncLineStream[T], self.deliver(exchange))


class AsyncStreamedTransport(AsyncTransport):
    """Gives an async context manager for an `AsyncStreamedResponse` for each call."""

    async def deliver(self, exchange: Exchange[T]) -> T:
        """The response, to be entered."""
        return cast(T, self._entering(exchange))

    def later(self, deliver: Callable[[], Any]) -> Any:
        """The response of a first page, to be awaited and entered."""
        return deliver()

    def lines(self, exchange: Exchange[AsyncLineStream[T]]) -> AsyncLineStream[T]:
        """The response of a stream, to be awaited and entered."""
        return cast(AsyncLineStream[T], self.deliver(exchange))

    @asynccontextmanager
    async def _entering(self, exchange: Exchange[T]) -> AsyncGenerator[AsyncStreamedResponse[T]]:
        response: AsyncResponse = await self.sender.run(self.steps(exchange, read=False))
        try:
            yield AsyncStreamedResponse(response, exchange.parser, exchange.stream)
        finally:
            await response.close()
