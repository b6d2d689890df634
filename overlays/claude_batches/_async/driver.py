"""The driver: performs the effects of flows with `httpx` or `httpx2`.

Only the common surface of the two libraries is used. `httpx` is imported when a client has to make an HTTP client of
its own.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar, cast

# async only
import anyio

# async only
import anyio.to_thread
import attrs

from .._errors import ClientClosedError, ConfigurationError
from .._headers import Headers
from .._http.clock import Clock
from .._http.effects import Call, Close, Effect, Flow, Read, ReadChunk, Send, Sleep, Work
from .._http.failure import DeadlinePassed, Failure, failure_of, is_library_error, past_deadline
from .._http.library import client_options, client_timeouts, warn_of_proxy
from .._http.origin import Origin
from .._http.prepare import PreparedRequest

# sync: from .._http.threads import run_with_deadline
from .._http.timeouts import Timeouts
from .._http.upload import Payload, Transmission
from .response import AsyncResponse

__all__ = ["AsyncDriver"]

T = TypeVar("T")

#: Headers that HTTP itself needs. For a foreign origin, all other headers that an `http_client` adds are removed.
_STRUCTURAL = frozenset({"host", "connection", "content-length", "transfer-encoding"})

#: Number of URLs that a driver keeps parsed, and of templates.
KEPT = 64

#: Seconds after the deadline at which an attempt is abandoned. The timeouts of the HTTP library come first.
_GRACE = 0.3


@attrs.frozen
class Template:
    """A request that others to the same host are made of."""

    headers: Headers
    """The headers that it was made with."""
    native: Any
    """The request of the HTTP library."""


class AsyncUpload(Transmission):
    """An upload in the form that HTTP libraries take."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = self.chunks()
        # async only
        if not self.payload.is_spooled:
            # A user's file can block, so it is read in a thread.
            while chunk := await anyio.to_thread.run_sync(next, chunks, b""):
                yield chunk
            return
        # sync: yield from chunks
        # async only
        for chunk in chunks:
            yield chunk


class AsyncDriver:
    """Performs effects.

    Args:
        http_client: The user's HTTP client, which stays open; `None` makes one, which is closed with the driver.
        clock: Time and randomness.
        origin: Origin of `base_url`.
    """

    def __init__(self, http_client: Any, clock: Clock, origin: Origin) -> None:
        self._clock = clock
        self._origin = origin
        self._owned = http_client is None
        self._process = os.getpid()
        self._closed = False
        self._fresh: Any = None
        self._parsed_urls: dict[str, Any] = {}
        self._templates: dict[str, Template] = {}
        if http_client is None:
            self.check_origin(origin)
            self._http = self._new_client()
        else:
            self._http = http_client
            self._check_client()

    @property
    def closed(self) -> bool:
        """True after the HTTP client was closed."""
        return self._closed or bool(getattr(self._http, "is_closed", False))

    @property
    def timeouts(self) -> Timeouts | None:
        """Timeouts that the user set on an `http_client`; `None` for the default of its library."""
        return None if self._owned else client_timeouts(self._http)

    def check_origin(self, origin: Origin) -> None:
        """Warn if a proxy of the environment would receive the credentials for an origin in plain text."""
        if self._owned:
            warn_of_proxy(origin)

    async def run(self, flow: Flow[T]) -> T:
        """Perform the effects of a flow, and return its result."""
        try:
            effect = next(flow)
            while True:
                try:
                    reply = await self._perform(effect)
                except BaseException as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(reply)
        except StopIteration as stop:
            return cast(T, stop.value)
        finally:
            # An interruption between two effects does not reach the flow by itself.
            flow.close()

    async def close(self) -> None:
        """Close the HTTP client, unless it is the user's."""
        if self._owned:
            self._closed = True
            for client in (self._http, self._fresh):
                if client is not None:
                    await client.aclose()

    async def _perform(self, effect: Effect) -> Any:
        # First, because a results file has thousands of chunks.
        if isinstance(effect, ReadChunk):
            chunked = cast(AsyncResponse, effect.response)
            return await self._within_deadline(chunked.prepared, chunked.try_chunk)
        match effect:
            case Send(request):
                return await self._send(request)
            case Read(response, limit):
                opened = cast(AsyncResponse, response)
                return await self._within_deadline(opened.prepared, lambda: opened.try_read(limit))
            case Close(response):
                return await cast(AsyncResponse, response).close()
            case Sleep(seconds):
                await self._clock.async_sleep(seconds)
            case Call(function, argument):
                # sync: function(argument)
                # async only
                result = function(argument)
                # async only
                if inspect.isawaitable(result):
                    await result
            case Work(function):
                # sync: return function()
                # async only
                return await anyio.to_thread.run_sync(function)
        return None

    async def _within_deadline(
        self, prepared: PreparedRequest, operation: Callable[[], Awaitable[T]]
    ) -> T | Failure:
        """Perform an operation, and give up shortly after the deadline of the call."""
        if prepared.deadline.at is None:
            return await operation()
        left = prepared.deadline.at - self._clock.monotonic()
        limit = max(left, 0) + _GRACE
        try:
            # sync: return run_with_deadline(operation, limit)
            # async only
            with anyio.move_on_after(limit):
                return await operation()
        except DeadlinePassed:
            pass
        return past_deadline()

    async def _send(self, prepared: PreparedRequest) -> AsyncResponse | Failure:
        http = self._client(prepared)
        if self._overdue(prepared):
            return past_deadline()
        upload = None
        if isinstance(prepared.body, Payload):
            upload = AsyncUpload(prepared.body, lambda: self._overdue(prepared), self._clock.now)

        async def attempt() -> AsyncResponse:
            start = self._clock.monotonic()
            native = await http.send(self._native(http, prepared, upload), **self._options(prepared))
            elapsed = self._clock.monotonic() - start
            return AsyncResponse(native, prepared, elapsed, self._clock.monotonic)

        try:
            reply = await self._within_deadline(prepared, attempt)
        except BaseException as error:
            if upload is not None:
                upload.abandon()
            if not self._is_failure(error):
                _note_if_sent(error, upload)
                raise
            reply = failure_of(error, prepared.secrets())
        if isinstance(reply, Failure) and upload is not None:
            upload.abandon()
            return attrs.evolve(reply, handed_over=upload.sent_at is not None, sent_at=upload.sent_at)
        return reply

    def _native(self, http: Any, prepared: PreparedRequest, upload: AsyncUpload | None) -> Any:
        """Return the request of the HTTP library."""
        timeouts = prepared.timeouts.within(prepared.deadline.left(self._clock.monotonic()))
        # A cookie of the server has to be added to each request.
        if not self._is_plain(prepared) or http.cookies:
            return self._built(http, prepared, upload, timeouts)
        # The scheme and the host, which the HTTP library makes a header of.
        host = prepared.url[: prepared.url.find("/", len("https://"))]
        template = self._templates.get(host)
        if template is None or template.headers != prepared.headers:
            request = self._built(http, prepared, upload, timeouts)
            native = type(request)("GET", request.url, headers=request.headers, stream=request.stream)
            _keep(self._templates, host, Template(prepared.headers, native))
        else:
            native = template.native
            request = type(native)(
                "GET",
                self._parsed_urls.get(prepared.url, prepared.url),
                headers=native.headers,
                stream=native.stream,
                extensions={"timeout": timeouts._asdict()},
            )
            # Tools that watch the HTTP library look at the content.
            request.read()
        _keep(self._parsed_urls, prepared.url, request.url)
        return request

    def _is_plain(self, prepared: PreparedRequest) -> bool:
        """Return true for a request that can be made of a template. Polls are such requests.

        Making its headers anew takes a tenth of the time of a call. An `http_client` of the user makes each request
        itself, and a URL that holds a credential is not kept.
        """
        return (
            self._owned
            and prepared.method == "GET"
            and prepared.body is None
            and prepared.trusted
            and not prepared.server_url
            and not prepared.hidden_query
        )

    def _built(
        self, http: Any, prepared: PreparedRequest, upload: AsyncUpload | None, timeouts: Timeouts
    ) -> Any:
        """Return the request of the HTTP library as that makes it."""
        request = http.build_request(
            prepared.method,
            prepared.url,
            headers=prepared.headers.to_dict(),
            content=prepared.body if upload is None else upload,
            timeout=tuple(timeouts),
        )
        if not prepared.trusted:
            # Parameters, headers and cookies of the http_client are meant for the origin of base_url.
            request.url = type(request.url)(prepared.url)
            for name in list(request.headers):
                if name not in prepared.headers and name not in _STRUCTURAL:
                    del request.headers[name]
        return request

    def _options(self, prepared: PreparedRequest) -> dict[str, Any]:
        options: dict[str, Any] = {"stream": True, "follow_redirects": False}
        if not prepared.trusted:
            options["auth"] = None
        return options

    def _client(self, prepared: PreparedRequest) -> Any:
        """Return the HTTP client for a request.

        Connections of another process are never used: parent and child would read one another's responses.

        Raises:
            ClientClosedError: The client is closed, or its `http_client` belongs to another process.
        """
        if self.closed:
            raise ClientClosedError("the client is closed: make a new one, or close it after its last call")
        if self._process != os.getpid():
            if not self._owned:
                raise ClientClosedError(
                    "the http_client was made in another process: make one, and a client, in each process"
                )
            self._process, self._http, self._fresh = os.getpid(), self._new_client(), None
        if not (prepared.fresh and self._owned):
            return self._http
        if self._fresh is None:
            self._fresh = self._new_client(keep_alive=False)
        return self._fresh

    def _new_client(self, *, keep_alive: bool = True) -> Any:
        import httpx  # takes longer to import than this package

        options = client_options(httpx, self._origin, keep_alive=keep_alive)
        try:
            return httpx.AsyncClient(**options)
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            problem = str(error)
        if self._origin.is_loopback:
            # A proxy is not used for this machine, so one that can't be used does not matter.
            return httpx.AsyncClient(**options, trust_env=False)
        raise ConfigurationError(
            f"the proxy of the environment can't be used: {problem}. Check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, or "
            "give the client an http_client"
        )

    def _check_client(self) -> None:
        send = getattr(self._http, "send", None)
        # sync: if send is None or inspect.iscoroutinefunction(send):
        # async only
        if not inspect.iscoroutinefunction(send):
            raise ConfigurationError(
                "http_client must be an httpx.AsyncClient or an httpx2.AsyncClient; "
                f"got {type(self._http).__name__}"
            )
        # sync:     raise ConfigurationError(
        # sync:         f"http_client must be an httpx.Client or an httpx2.Client; got {type(self._http).__name__}"
        # sync:     )

    def _overdue(self, prepared: PreparedRequest) -> bool:
        return prepared.deadline.passed(self._clock.monotonic())

    def _is_failure(self, error: BaseException) -> bool:
        return is_library_error(error) or (isinstance(error, RuntimeError) and self.closed)


def _keep(kept: dict[str, T], key: str, value: T) -> None:
    """Add to a dict of bounded size."""
    if len(kept) >= KEPT and key not in kept:
        kept.clear()
    kept[key] = value


def _note_if_sent(error: BaseException, upload: Transmission | None) -> None:
    """Add a note to an interruption that came after the whole body was sent."""
    if upload is not None and upload.sent_at is not None:
        error.add_note("The request had been sent when this happened: the server may have acted on it.")
