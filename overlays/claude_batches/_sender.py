"""The I/O: two drivers that do what decisions ask for (`_steps`), with whichever HTTP library they were given.

`httpx` and `httpx2` are used by what they have in common, and imported here only when a client has to make
its own.
"""

from __future__ import annotations

import inspect
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import anyio
import attrs

from ._errors import ClientClosedError, ConfigurationError
from ._failure import Failure, failure_of, is_library_error, past_deadline
from ._response import AsyncResponse, Response
from ._steps import Action, Close, Read, Run, Send, Sleep, Steps
from ._timeouts import Timeouts
from ._upload import AsyncUpload, Payload, SyncUpload

__all__ = ["AsyncSender", "Clock", "Sender"]

T = TypeVar("T")

#: Headers that every request to a stranger needs; what else an `http_client` would add is taken away again.
_STRUCTURAL = frozenset({"host", "connection", "content-length", "transfer-encoding"})

#: How many connections a client of our own making opens and keeps: as many as the official SDKs' clients.
_LIMITS = {"max_connections": 1000, "max_keepalive_connections": 100}


@attrs.frozen
class Clock:
    """Time and chance, so that a test can have its own."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    random: Callable[[], float] = random.random
    sleep: Callable[[float], object] = time.sleep
    async_sleep: Callable[[float], Awaitable[object]] = anyio.sleep


class _Base:
    """What both drivers have in common.

    Arguments:
        http_client: The user's, which stays open; `None` makes one, which is closed with this.
        clock: Time and chance.
    """

    def __init__(self, http_client: Any, clock: Clock | None) -> None:
        self.clock = clock or Clock()
        self.owned = http_client is None
        self.http: Any = http_client

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return bool(getattr(self.http, "is_closed", False))

    @property
    def timeouts(self) -> Timeouts | None:
        """Those that the user set on an `http_client`; `None` if it has its library's default."""
        timeout = None if self.owned else getattr(self.http, "timeout", None)
        if timeout is None:
            return None
        found = Timeouts.of(timeout)
        return None if found == Timeouts(5.0, 5.0, 5.0, 5.0) else found

    def _native(self, send: Send, content: Any) -> Any:
        """The HTTP library's request."""
        left = send.deadline.left(self.clock.monotonic())
        request = self.http.build_request(
            send.method,
            send.url,
            headers=send.headers.to_dict(),
            content=content,
            timeout=tuple(send.timeouts.within(left)),
        )
        if not send.trusted:
            # Parameters, headers and cookies of the http_client's own are for those that its user trusts.
            request.url = type(request.url)(send.url)
            for name in [
                name for name in request.headers if name not in send.headers and name not in _STRUCTURAL
            ]:
                del request.headers[name]
        return request

    def _options(self, send: Send) -> dict[str, Any]:
        options: dict[str, Any] = {"stream": True, "follow_redirects": False}
        if not send.trusted:
            options["auth"] = None
        return options

    def _overdue(self, send: Send) -> bool:
        return send.deadline.passed(self.clock.monotonic())

    def _failure(self, error: BaseException, send: Send, upload: SyncUpload | AsyncUpload | None) -> Failure:
        """What an exception means for the attempt.

        Raises:
            ClientClosedError: The attempt can't be made.
        """
        failure = failure_of(error, send.secrets())
        if upload is not None:
            failure = attrs.evolve(failure, handed_over=upload.sent_at is not None, sent_at=upload.sent_at)
        return failure

    def _is_ours(self, error: BaseException) -> bool:
        return is_library_error(error) or (isinstance(error, RuntimeError) and self.closed)

    def _refuse_if_closed(self) -> None:
        if self.closed:
            raise ClientClosedError("the client is closed: make a new one, or close it after its last call")


def _note_if_sent(error: BaseException, upload: SyncUpload | AsyncUpload | None) -> None:
    """Say of an interruption, a cancellation or a hook's own exception that it came late."""
    if upload is not None and upload.sent_at is not None:
        error.add_note("The request had been sent when this happened: the server may have acted on it.")


class Sender(_Base):
    """Does what decisions ask for, and waits for it. Safe to use from several threads at once."""

    def __init__(self, http_client: Any = None, clock: Clock | None = None) -> None:
        super().__init__(http_client, clock)
        if http_client is None:
            import httpx  # not before a client is made: it takes longer to import than all of this package

            self.http = httpx.Client(limits=httpx.Limits(**_LIMITS))
        elif inspect.iscoroutinefunction(getattr(http_client, "send", None)) or not hasattr(
            http_client, "send"
        ):
            raise ConfigurationError(
                f"http_client must be an httpx.Client or an httpx2.Client; got {type(http_client).__name__}"
            )

    def run(self, steps: Steps[T]) -> T:
        """Go through the steps to their result."""
        try:
            action = next(steps)
            while True:
                try:
                    reply = self._do(action)
                except BaseException as error:
                    action = steps.throw(error)
                else:
                    action = steps.send(reply)
        except StopIteration as stop:
            return cast(T, stop.value)

    def _do(self, action: Action) -> Any:
        match action:
            case Send():
                return self._send(action)
            case Read(response, limit):
                return cast(Response, response).try_read(limit)
            case Close(response):
                return cast(Response, response).close()
            case Sleep(seconds):
                self.clock.sleep(seconds)
            case Run(function, argument):
                function(argument)
        return None

    def _send(self, send: Send) -> Response | Failure:
        self._refuse_if_closed()
        if self._overdue(send):
            return past_deadline()
        upload = None
        if isinstance(send.body, Payload):
            upload = SyncUpload(send.body, lambda: self._overdue(send), self.clock.now)
        start = self.clock.monotonic()
        try:
            native = self.http.send(self._native(send, upload or send.body), **self._options(send))
        except BaseException as error:
            if not self._is_ours(error):
                _note_if_sent(error, upload)
                raise
            return self._failure(error, send, upload)
        elapsed = self.clock.monotonic() - start
        return Response(native, send, elapsed, self.clock.monotonic)

    def close(self) -> None:
        """Close what was opened here."""
        if self.owned:
            self.http.close()


class AsyncSender(_Base):
    """Does what decisions ask for, and lets others run meanwhile."""

    def __init__(self, http_client: Any = None, clock: Clock | None = None) -> None:
        super().__init__(http_client, clock)
        if http_client is None:
            import httpx

            self.http = httpx.AsyncClient(limits=httpx.Limits(**_LIMITS))
        elif not inspect.iscoroutinefunction(getattr(http_client, "send", None)):
            raise ConfigurationError(
                "http_client must be an httpx.AsyncClient or an httpx2.AsyncClient; "
                f"got {type(http_client).__name__}"
            )

    async def run(self, steps: Steps[T]) -> T:
        """Go through the steps to their result."""
        try:
            action = next(steps)
            while True:
                try:
                    reply = await self._do(action)
                except BaseException as error:
                    action = steps.throw(error)
                else:
                    action = steps.send(reply)
        except StopIteration as stop:
            return cast(T, stop.value)

    async def _do(self, action: Action) -> Any:
        match action:
            case Send():
                return await self._send(action)
            case Read(response, limit):
                return await cast(AsyncResponse, response).try_read(limit)
            case Close(response):
                return await cast(AsyncResponse, response).close()
            case Sleep(seconds):
                await self.clock.async_sleep(seconds)
            case Run(function, argument):
                result = function(argument)
                if inspect.isawaitable(result):
                    await result
        return None

    async def _send(self, send: Send) -> AsyncResponse | Failure:
        self._refuse_if_closed()
        if self._overdue(send):
            return past_deadline()
        upload = None
        if isinstance(send.body, Payload):
            upload = AsyncUpload(send.body, lambda: self._overdue(send), self.clock.now)
        start = self.clock.monotonic()
        try:
            native = await self.http.send(self._native(send, upload or send.body), **self._options(send))
        except BaseException as error:
            if not self._is_ours(error):
                _note_if_sent(error, upload)
                raise
            return self._failure(error, send, upload)
        elapsed = self.clock.monotonic() - start
        return AsyncResponse(native, send, elapsed, self.clock.monotonic)

    async def close(self) -> None:
        """Close what was opened here."""
        if self.owned:
            await self.http.aclose()
