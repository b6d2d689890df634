"""`Client` and `AsyncClient`: settings, a connection pool, and the resources of the API."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import cached_property
from types import TracebackType
from typing import Any, Never, Protocol, Self, cast

import attrs
from claude_batches_api import resources as api
from claude_batches_api.parameters import Unset, unset
from claude_batches_api.request import TimeoutLike

from ._batches import AsyncBatches, Batches
from ._config import DEFAULT_VERSION, Config, configure
from ._headers import Secret
from ._logging import show_logs_if_asked
from ._sender import AsyncSender, Clock, Sender
from ._timeouts import Timeouts
from ._transport import AsyncTransport, Transport

__all__ = ["AsyncClient", "AsyncHTTPClient", "Client", "HTTPClient"]


class HTTPClient(Protocol):
    """What is needed of an `httpx.Client`, or of one of `httpx2`."""

    @property
    def build_request(self) -> Callable[..., Any]:
        """Makes a request."""
        ...

    @property
    def send(self) -> Callable[..., Any]:
        """Sends a request."""
        ...

    @property
    def close(self) -> Callable[[], None]:
        """Closes the connections."""
        ...


class AsyncHTTPClient(Protocol):
    """What is needed of an `httpx.AsyncClient`, or of one of `httpx2`."""

    @property
    def build_request(self) -> Callable[..., Any]:
        """Makes a request."""
        ...

    @property
    def send(self) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Sends a request."""
        ...

    @property
    def aclose(self) -> Callable[[], Coroutine[Any, Any, None]]:
        """Closes the connections."""
        ...


class Messages(api.Messages):
    """The operations of `messages`."""

    @cached_property
    def batches(self) -> Batches:
        """Create, follow, cancel and delete batches of Messages requests, and read their results."""
        return Batches(cast(Transport, self._transport))


class AsyncMessages(api.AsyncMessages):
    """The operations of `messages`."""

    @cached_property
    def batches(self) -> AsyncBatches:
        """Create, follow, cancel and delete batches of Messages requests, and read their results."""
        return AsyncBatches(cast(AsyncTransport, self._transport))


class _Settings:
    """What a client tells about itself. None of it shows a credential but the two that are named so."""

    _config: Config

    @property
    def base_url(self) -> str:
        """Where the API is, without a slash at the end."""
        return self._config.base_url

    @property
    def api_key(self) -> str | None:
        """The API key that is sent."""
        return None if self._config.api_key is None else self._config.api_key.reveal()

    @property
    def auth_token(self) -> str | None:
        """The token that is sent."""
        return None if self._config.auth_token is None else self._config.auth_token.reveal()

    @property
    def max_retries(self) -> int:
        """How often a call is tried again."""
        return self._config.retry.max_retries

    @property
    def timeout(self) -> Timeouts:
        """Seconds of silence that an attempt puts up with: to connect, to read, to write, and for the pool."""
        return self._config.timeouts

    def __repr__(self) -> str:
        # A traceback may show a client that could not be made.
        config: Config | None = getattr(self, "_config", None)
        return f"{type(self).__name__}(base_url={config and config.base_url!r})"

    def __reduce__(self) -> Never:
        raise TypeError("a client can't be pickled or copied: make one in each process, or use copy()")


class Client(_Settings, api.SyncResources):
    """The Message Batches API, for programs that wait for its answers.

    A client keeps connections open between calls: make one and use it for all of them, from as many threads
    as you like. Close it at the end, or use it in a `with`. A copy of it (`with_options`) shares its
    connections.

    Args:
        api_key: Sent as `x-api-key`. By default the environment's `ANTHROPIC_API_KEY`.
        auth_token: Sent as `Authorization: Bearer`, instead of a key. By default `ANTHROPIC_AUTH_TOKEN`.
        base_url: Where the API is. By default `ANTHROPIC_BASE_URL`, or else https://api.anthropic.com.
            Credentials are
            sent to its scheme, host and port only.
        timeout: Seconds of silence that an attempt puts up with, or an object with seconds to `connect`,
            `read`,
            `write` and for the `pool`. By default 600, and 5 to connect; `None` waits for ever.
        deadline: Seconds that a whole call may take, with its retries; by default as long as it takes.
        max_retries: How often a call is tried again, where that may help and can do no harm.
        max_retry_delay: The longest time in seconds that a server may ask to wait before a retry. Where it
            asks for
            longer, the call raises at once, and the error says what was asked for.
        default_headers: Headers for every request; `None` as a value leaves one out.
        default_query: Query parameters for every request.
        http_client: An `httpx.Client` or `httpx2.Client` to send with. It stays yours to close.
        anthropic_version: The version of the API.

    Raises:
        ConfigurationError: These can't work. That there is no credential is not said before the first call.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        auth_token: str | None = None,
        base_url: str | None = None,
        timeout: float | TimeoutLike | Unset | None = unset,
        deadline: float | None = None,
        max_retries: int = 2,
        max_retry_delay: float = 60.0,
        default_headers: Mapping[str, str | None] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: HTTPClient | None = None,
        anthropic_version: str = DEFAULT_VERSION,
        _clock: Clock | None = None,
    ) -> None:
        # Wrapped before anything can fail, so that no traceback shows them.
        hidden = Secret(api_key), Secret(auth_token), Secret(default_headers)
        del api_key, auth_token, default_headers
        show_logs_if_asked()
        self._config = configure(
            api_key=hidden[0],
            auth_token=hidden[1],
            base_url=base_url,
            anthropic_version=anthropic_version,
            timeout=timeout,
            deadline=deadline,
            max_retries=max_retries,
            max_retry_delay=max_retry_delay,
            default_headers=hidden[2],
            default_query=default_query,
        )
        self._sender = Sender(http_client, _clock)
        if isinstance(timeout, Unset) and self._sender.timeouts is not None:
            self._config = attrs.evolve(self._config, timeouts=self._sender.timeouts)
        self._owner = True
        super().__init__(Transport(self._config, self._sender))

    @cached_property
    def messages(self) -> Messages:
        """The operations of `messages`."""
        return Messages(self._transport)

    def with_options(
        self,
        *,
        api_key: str | None = None,
        auth_token: str | None = None,
        base_url: str | None = None,
        timeout: float | TimeoutLike | Unset | None = unset,
        deadline: float | Unset | None = unset,
        max_retries: int | None = None,
        max_retry_delay: float | None = None,
        default_headers: Mapping[str, str | None] | None = None,
        set_default_headers: Mapping[str, str | None] | None = None,
        default_query: Mapping[str, object] | None = None,
        set_default_query: Mapping[str, object] | None = None,
        http_client: HTTPClient | None = None,
        anthropic_version: str | None = None,
    ) -> Self:
        """A client with other settings, which shares this one's connections: `client.with_options(timeout=5)`.

        The arguments are those of `Client`; what is not given stays as it is. Headers and query parameters
        are added to those that are there. Closing the copy leaves the connections open.
        """
        hidden = Secret(api_key), Secret(auth_token), Secret(default_headers), Secret(set_default_headers)
        del api_key, auth_token, default_headers, set_default_headers
        copy = object.__new__(type(self))
        copy._config = self._config.changed(
            api_key=hidden[0],
            auth_token=hidden[1],
            base_url=base_url,
            anthropic_version=anthropic_version,
            timeout=timeout,
            deadline=deadline,
            max_retries=max_retries,
            max_retry_delay=max_retry_delay,
            default_headers=hidden[2],
            set_default_headers=hidden[3],
            default_query=default_query,
            set_default_query=set_default_query,
        )
        copy._sender = self._sender if http_client is None else Sender(http_client, self._sender.clock)
        copy._owner = False
        copy._transport = Transport(copy._config, copy._sender)
        return copy

    copy = with_options

    def is_closed(self) -> bool:
        """Whether calls raise `ClientClosedError`."""
        return self._sender.closed

    def close(self) -> None:
        """Close the connections, unless they are those of another client or of an `http_client`."""
        if self._owner:
            self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Settings, api.AsyncResources):
    """The Message Batches API, for programs that do other things meanwhile.

    Its methods are awaited; a list and results can be iterated over with `async for` straight away. A
    client belongs to one event loop: make one, use it for all calls and close it at the end, or use it in
    an `async with`.

    Args:
        api_key: Sent as `x-api-key`. By default the environment's `ANTHROPIC_API_KEY`.
        auth_token: Sent as `Authorization: Bearer`, instead of a key. By default `ANTHROPIC_AUTH_TOKEN`.
        base_url: Where the API is. By default `ANTHROPIC_BASE_URL`, or else https://api.anthropic.com.
            Credentials are
            sent to its scheme, host and port only.
        timeout: Seconds of silence that an attempt puts up with; see `Client`.
        deadline: Seconds that a whole call may take, with its retries; by default as long as it takes.
        max_retries: How often a call is tried again, where that may help and can do no harm.
        max_retry_delay: The longest time in seconds that a server may ask to wait before a retry.
        default_headers: Headers for every request; `None` as a value leaves one out.
        default_query: Query parameters for every request.
        http_client: An `httpx.AsyncClient` or `httpx2.AsyncClient` to send with. It stays yours to close.
        anthropic_version: The version of the API.

    Raises:
        ConfigurationError: These can't work. That there is no credential is not said before the first call.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        auth_token: str | None = None,
        base_url: str | None = None,
        timeout: float | TimeoutLike | Unset | None = unset,
        deadline: float | None = None,
        max_retries: int = 2,
        max_retry_delay: float = 60.0,
        default_headers: Mapping[str, str | None] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: AsyncHTTPClient | None = None,
        anthropic_version: str = DEFAULT_VERSION,
        _clock: Clock | None = None,
    ) -> None:
        # Wrapped before anything can fail, so that no traceback shows them.
        hidden = Secret(api_key), Secret(auth_token), Secret(default_headers)
        del api_key, auth_token, default_headers
        show_logs_if_asked()
        self._config = configure(
            api_key=hidden[0],
            auth_token=hidden[1],
            base_url=base_url,
            anthropic_version=anthropic_version,
            timeout=timeout,
            deadline=deadline,
            max_retries=max_retries,
            max_retry_delay=max_retry_delay,
            default_headers=hidden[2],
            default_query=default_query,
        )
        self._sender = AsyncSender(http_client, _clock)
        if isinstance(timeout, Unset) and self._sender.timeouts is not None:
            self._config = attrs.evolve(self._config, timeouts=self._sender.timeouts)
        self._owner = True
        super().__init__(AsyncTransport(self._config, self._sender))

    @cached_property
    def messages(self) -> AsyncMessages:
        """The operations of `messages`."""
        return AsyncMessages(self._transport)

    def with_options(
        self,
        *,
        api_key: str | None = None,
        auth_token: str | None = None,
        base_url: str | None = None,
        timeout: float | TimeoutLike | Unset | None = unset,
        deadline: float | Unset | None = unset,
        max_retries: int | None = None,
        max_retry_delay: float | None = None,
        default_headers: Mapping[str, str | None] | None = None,
        set_default_headers: Mapping[str, str | None] | None = None,
        default_query: Mapping[str, object] | None = None,
        set_default_query: Mapping[str, object] | None = None,
        http_client: AsyncHTTPClient | None = None,
        anthropic_version: str | None = None,
    ) -> Self:
        """A client with other settings, which shares this one's connections; see `Client.with_options`."""
        hidden = Secret(api_key), Secret(auth_token), Secret(default_headers), Secret(set_default_headers)
        del api_key, auth_token, default_headers, set_default_headers
        copy = object.__new__(type(self))
        copy._config = self._config.changed(
            api_key=hidden[0],
            auth_token=hidden[1],
            base_url=base_url,
            anthropic_version=anthropic_version,
            timeout=timeout,
            deadline=deadline,
            max_retries=max_retries,
            max_retry_delay=max_retry_delay,
            default_headers=hidden[2],
            set_default_headers=hidden[3],
            default_query=default_query,
            set_default_query=set_default_query,
        )
        copy._sender = self._sender if http_client is None else AsyncSender(http_client, self._sender.clock)
        copy._owner = False
        copy._transport = AsyncTransport(copy._config, copy._sender)
        return copy

    copy = with_options

    def is_closed(self) -> bool:
        """Whether calls raise `ClientClosedError`."""
        return self._sender.closed

    async def close(self) -> None:
        """Close the connections, unless they are those of another client or of an `http_client`."""
        if self._owner:
            await self._sender.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
