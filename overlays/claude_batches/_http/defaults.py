"""Names of the official SDK that are made of `httpx`. Importing this module imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
from httpx import Timeout

from .library import MAX_CONNECTIONS, MAX_KEEPALIVE_CONNECTIONS
from .timeouts import DEFAULT

__all__ = [
    "DEFAULT_CONNECTION_LIMITS",
    "DEFAULT_TIMEOUT",
    "DefaultAsyncHttpxClient",
    "DefaultHttpxClient",
    "Timeout",
]

DEFAULT_TIMEOUT = Timeout(DEFAULT.read, connect=DEFAULT.connect)
DEFAULT_CONNECTION_LIMITS = httpx.Limits(
    max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_KEEPALIVE_CONNECTIONS
)


def _with_defaults(options: dict[str, Any]) -> dict[str, Any]:
    return {"timeout": DEFAULT_TIMEOUT, "limits": DEFAULT_CONNECTION_LIMITS, **options}


if TYPE_CHECKING:
    DefaultHttpxClient = httpx.Client
    DefaultAsyncHttpxClient = httpx.AsyncClient
else:

    class DefaultHttpxClient(httpx.Client):
        """An `httpx.Client` with the timeouts and limits of this package, for `Client(http_client=...)`."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**_with_defaults(options))

    class DefaultAsyncHttpxClient(httpx.AsyncClient):
        """An `httpx.AsyncClient` with the timeouts and limits of this package, for `AsyncClient(http_client=...)`."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**_with_defaults(options))
