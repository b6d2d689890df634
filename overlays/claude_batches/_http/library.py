"""Options of the HTTP client that a client makes for itself."""

from __future__ import annotations

from typing import Any
from urllib.request import getproxies, proxy_bypass

from .._logging import logger
from .origin import Origin
from .timeouts import Timeouts

__all__ = ["client_options", "client_timeouts", "warn_of_proxy"]

#: Numbers of connections, as in the official SDKs.
MAX_CONNECTIONS = 1000
MAX_KEEPALIVE_CONNECTIONS = 100

_LOOPBACK = ("localhost", "127.0.0.1", "::1")

#: Default timeouts of `httpx`, which a user did not choose.
_LIBRARY_DEFAULT = Timeouts(5.0, 5.0, 5.0, 5.0)


def client_options(httpx: Any, origin: Origin, *, keep_alive: bool) -> dict[str, Any]:
    """Return the options of an HTTP client.

    Args:
        httpx: The HTTP library.
        origin: Origin of `base_url`.
        keep_alive: True to reuse connections.
    """
    kept = MAX_KEEPALIVE_CONNECTIONS if keep_alive else 0
    options: dict[str, Any] = {
        "limits": httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=kept)
    }
    # A proxy for a server on this machine would only learn the key. A copy of the client can have another origin.
    hosts = [*_LOOPBACK, *([origin.host] if origin.is_loopback else [])]
    options["mounts"] = {f"all://[{host}]" if ":" in host else f"all://{host}": None for host in hosts}
    return options


def client_timeouts(http_client: Any) -> Timeouts | None:
    """Return the timeouts that a user set on an HTTP client; `None` for the default of the library."""
    timeout = getattr(http_client, "timeout", None)
    if timeout is None:
        return None
    found = Timeouts.of(timeout)
    return None if found == _LIBRARY_DEFAULT else found


def warn_of_proxy(origin: Origin) -> None:
    """Warn if a proxy of the environment would receive the key in plain text."""
    if origin.scheme != "http" or origin.is_loopback:
        return
    proxies = getproxies()
    if ("http" in proxies or "all" in proxies) and not proxy_bypass(origin.host):
        logger.warning(
            "requests to %s go through the proxy of the environment in plain text, credentials included: use https, or "
            "set NO_PROXY",
            origin,
        )
