"""One test for each kind of client: sync and async, on httpx and on httpx2."""

from __future__ import annotations

import inspect
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import httpx2
from anyio.from_thread import start_blocking_portal
from claude_batches import AsyncClient, Client

from tests.support.clock import Sleeps

KEY = "sk-test-4f1d-never-shown"
KINDS = ("sync-httpx", "sync-httpx2", "async-httpx", "async-httpx2")

#: Making one takes longer than everything else that a client does.
TLS = ssl.create_default_context()


class Calls:
    """Calls methods of a client, and awaits the results of an async one."""

    def __init__(self, client: Any, portal: Any) -> None:
        self.client = client
        self.batches = client.messages.batches
        self.portal = portal
        """Runs coroutines in the client's event loop; `None` for a sync client."""

    def __call__(self, function: Callable[[Any], Any]) -> Any:
        """Return the result of a function of `client.messages.batches`."""
        return self.run(lambda: function(self.batches))

    def run(self, function: Callable[[], Any]) -> Any:
        """Return the result of a function, awaited if possible."""
        if self.portal is None:
            return function()

        async def call() -> Any:
            result = function()
            return await result if inspect.isawaitable(result) else result

        return self.portal.call(call)

    def items(self, function: Callable[[Any], Any]) -> list[Any]:
        """Return all items of the iterable that a function of `client.messages.batches` returns."""
        return self.all(lambda: function(self.batches))

    def all(self, function: Callable[[], Any]) -> list[Any]:
        """Return all items of the iterable that a function returns."""

        async def collect() -> list[Any]:
            return [item async for item in function()]

        return list(function()) if self.portal is None else self.portal.call(collect)


class Do(Calls):
    """Calls methods of a client whose clock is a test's.

    Args:
        client: The client.
        portal: Runs coroutines in the client's event loop.
        sleeps: The sleeps of the client.
    """

    def __init__(self, client: Any, portal: Any, sleeps: Sleeps) -> None:
        super().__init__(client, portal)
        self.sleeps = sleeps

    def entered(self, function: Callable[[Any], Any], use: Callable[[Any], Any]) -> Any:
        """Return the result of `use` for the response of a context manager, such as a streamed view."""

        async def enter() -> Any:
            async with function(self.batches) as response:
                result = use(response)
                if hasattr(result, "__aiter__"):
                    return [item async for item in result]
                return await result if inspect.isawaitable(result) else result

        if self.portal is not None:
            return self.portal.call(enter)
        with function(self.batches) as response:
            result = use(response)
            return list(result) if hasattr(result, "__next__") else result


@contextmanager
def connected(kind: str, url: str, **options: Any) -> Iterator[Do]:
    """Make a client of a kind, with a clock on which sleeping takes no time."""
    library = httpx2 if kind.endswith("2") else httpx
    sleeps = Sleeps()
    options = {"api_key": KEY, "base_url": url, "_clock": sleeps.clock, **options}
    if kind.startswith("sync"):
        http = library.Client(trust_env=False, verify=TLS)
        with http, Client(http_client=http, **options) as client:
            yield Do(client, None, sleeps)
        return
    with start_blocking_portal() as portal:

        async def make() -> tuple[Any, AsyncClient]:
            http = library.AsyncClient(trust_env=False, verify=TLS)
            return http, AsyncClient(http_client=http, **options)

        http, client = portal.call(make)
        try:
            yield Do(client, portal, sleeps)
        finally:
            portal.call(http.aclose)
