"""The client: settings, a connection pool, and the resources of the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self, Unpack

import attrs
from claude_batches_api import resources as api
from claude_batches_api.parameters import Unset, unset

from .._headers import Headers
from .._http.clock import Clock
from .._http.config import Config, Settings, has_credential, hide
from .._http.known_batches import KnownBatches
from .._http.options import check_options
from .._http.session import Session
from .._http.signature import SettingsSignature
from .._http.timeouts import Timeouts
from .._logging import show_logs_if_asked
from .base_client import AsyncBaseClient
from .batches import AsyncBatches
from .driver import AsyncDriver
from .transport import AsyncTransport

__all__ = ["AsyncClient", "AsyncHTTPClient"]


class AsyncHTTPClient(Protocol):
    """The methods needed of an `httpx.AsyncClient`, or of one of `httpx2`."""

    @property
    def build_request(self) -> Callable[..., Any]:
        """Makes a request."""
        ...

    @property
    def send(self) -> Callable[..., Awaitable[Any]]:
        """Sends a request."""
        ...

    @property
    def aclose(self) -> Callable[[], Awaitable[None]]:
        """Closes the connections."""
        ...


class AsyncMessages(api.AsyncMessages):
    """The operations of `messages`."""

    _transport: AsyncTransport  # pyright: ignore[reportIncompatibleVariableOverride]

    @cached_property
    def batches(self) -> AsyncBatches:
        """Create, follow, cancel and delete batches of Messages requests, and read their results."""
        return AsyncBatches(self._transport)


class AsyncClient(AsyncBaseClient, api.AsyncResources):
    """Asynchronous client of the Message Batches API.

    A client keeps connections open between calls. Make one, use it for all calls, and close it at the end, or use it
    as a context manager. A copy made by `with_options` shares its connections.

    With asyncio, a client belongs to one event loop. Without, it can be used from several threads. After a fork, the
    child makes new connections.

    Args:
        http_client: An `httpx.AsyncClient` or `httpx2.AsyncClient` to send with. It stays the caller's to close.
        **settings: See `Settings`: `api_key`, `auth_token`, `base_url`, `timeout`, `deadline`, `max_retries`,
            `max_retry_delay`, `retry_created_statuses`, `default_headers`, `default_query`, `anthropic_version`.

    Raises:
        ConfigurationError: A setting is invalid. A missing credential raises on the first call.
        TypeError: A setting is unknown.
    """

    __signature__: ClassVar[Any] = SettingsSignature("http_client")

    def __init__(
        self,
        *,
        http_client: AsyncHTTPClient | None = None,
        _clock: Clock | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        # First, so that no traceback shows a credential.
        hide(settings)
        check_options(settings, type(self), Settings)
        show_logs_if_asked()
        clock = _clock or Clock()
        config = Config.from_environment(credentials=not has_credential(settings)).changed(settings)
        self._driver = AsyncDriver(http_client, clock, config.origin)
        if isinstance(settings.get("timeout", unset), Unset) and self._driver.timeouts is not None:
            config = attrs.evolve(config, timeouts=self._driver.timeouts)
        self._owner = True
        session = Session(config, clock, KnownBatches())
        super().__init__(AsyncTransport(session, self._driver))

    _transport: AsyncTransport  # pyright: ignore[reportIncompatibleVariableOverride]

    @cached_property
    def messages(self) -> AsyncMessages:
        """The operations of `messages`."""
        return AsyncMessages(self._transport)

    @property
    def api_key(self) -> str | None:
        """The API key."""
        return None if self._config.api_key is None else self._config.api_key.reveal()

    @property
    def auth_token(self) -> str | None:
        """The token."""
        return None if self._config.auth_token is None else self._config.auth_token.reveal()

    @property
    def max_retries(self) -> int:
        """Number of retries of a call."""
        return self._config.retry.max_retries

    @property
    def default_headers(self) -> Headers:
        """Headers of every request, without those of HTTP itself and the credential."""
        changes = self._config.headers
        return self._config.own_headers.merged(changes.sent, omitted=changes.omitted)

    @property
    def default_query(self) -> dict[str, object]:
        """Query parameters of every request."""
        return dict(self._config.query)

    @property
    def timeout(self) -> Timeouts:
        """Timeouts in seconds: to connect, to read, to write, and for a connection of the pool."""
        return self._config.timeouts

    def with_options(
        self, *, http_client: AsyncHTTPClient | None = None, **settings: Unpack[Settings]
    ) -> Self:
        """Return a client with other settings that shares this client's connections.

        `client.with_options(timeout=5)` changes the timeouts and keeps everything else. Closing the copy leaves the
        connections open.

        Args:
            http_client: Another HTTP client for the copy.
            **settings: See `Settings`. `default_headers` and `default_query` are added to those of this client;
                `set_default_headers` and `set_default_query` replace them.

        Raises:
            ConfigurationError: A setting is invalid.
            TypeError: A setting is unknown.
        """
        hide(settings)
        check_options(settings, self.with_options, Settings)
        session = attrs.evolve(self._transport.session, config=self._config.changed(settings))
        copy = object.__new__(type(self))
        copy._driver = self._driver
        if session.config.origin != self._config.origin:
            copy._driver.check_origin(session.config.origin)
        if http_client is not None:
            copy._driver = AsyncDriver(http_client, session.clock, session.config.origin)
        copy._owner = False
        copy._transport = AsyncTransport(session, copy._driver)
        return copy

    copy = with_options

    def is_closed(self) -> bool:
        """Return true if calls raise `ClientClosedError`."""
        return self._driver.closed

    async def __aenter__(self) -> Self:
        return self

    @property
    def _config(self) -> Config:
        return self._transport.session.config
