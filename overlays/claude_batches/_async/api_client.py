"""The client of any API that has a generated package."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, Self, TypeVar, Unpack, cast

import attrs

from .._http.api_config import ApiSettings, api_config, hide_credentials
from .._http.clock import Clock
from .._http.config import Settings, hide
from .._http.known_batches import KnownBatches
from .._http.options import check_options
from .._http.session import Session
from .._logging import show_logs_if_asked
from .base_client import AsyncBaseClient
from .client import AsyncHTTPClient
from .driver import AsyncDriver
from .transport import AsyncTransport

__all__ = ["AsyncApiClient"]

R = TypeVar("R")


class AsyncApiClient(AsyncBaseClient, Generic[R]):
    """Asynchronous client of an API whose package `codegen.py` has generated.

    As a context manager it gives the resources of the API; `api` does as well. It keeps connections open between
    calls. Make one, use it for all calls, and close it at the end.

    Args:
        resources: The class `AsyncResources` of the package; `ApiClient` takes its `SyncResources`.
        http_client: An `httpx.AsyncClient` or `httpx2.AsyncClient` to send with. It stays the caller's to close.
        **settings: See `ApiSettings`; `base_url` is required.

    Raises:
        ConfigurationError: A setting is invalid. A missing credential raises on the first call.
        TypeError: A setting is unknown.
    """

    def __init__(
        self,
        resources: Callable[[Any], R],
        *,
        http_client: AsyncHTTPClient | None = None,
        _clock: Clock | None = None,
        **settings: Unpack[ApiSettings],
    ) -> None:
        # First, so that no traceback shows a credential.
        hide_credentials(settings)
        hide(cast(Settings, settings))
        check_options(settings, type(self), ApiSettings)
        show_logs_if_asked()
        clock = _clock or Clock()
        config = api_config(resources, settings)
        self._resources = resources
        self._driver = AsyncDriver(http_client, clock, config.origin)
        self._owner = True
        self._transport = AsyncTransport(Session(config, clock, KnownBatches()), self._driver)

    @cached_property
    def api(self) -> R:
        """The resources of the API."""
        return self._resources(self._transport)

    def with_options(self, **settings: Unpack[ApiSettings]) -> Self:
        """Return a client with other settings that shares this client's connections.

        Raises:
            ConfigurationError: A setting is invalid.
            TypeError: A setting is unknown.
        """
        hide_credentials(settings)
        hide(cast(Settings, settings))
        check_options(settings, self.with_options, ApiSettings)
        session = self._transport.session
        session = attrs.evolve(session, config=session.config.changed(cast(Settings, settings)))
        copy = object.__new__(type(self))
        copy._resources = self._resources
        copy._driver = self._driver
        copy._owner = False
        copy._transport = AsyncTransport(session, copy._driver)
        return copy

    async def __aenter__(self) -> R:
        return self.api
