"""The same test for each kind of client: sync and async, on httpx and on httpx2."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio
import httpx
import httpx2
from anyio.from_thread import start_blocking_portal
from claude_batches import AsyncClient, Client
from claude_batches._sender import Clock

T = TypeVar("T")

KEY = "sk-test-4f1d-never-shown"
KINDS = ("sync-httpx", "sync-httpx2", "async-httpx", "async-httpx2")


class Sleeps(list[float]):
    """A clock that doesn't wait: it notes how long it was asked to, and lets that much time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock(
            monotonic=lambda: Clock().monotonic() + sum(self),
            now=lambda: Clock().now() + sum(self),
            random=lambda: 0.5,
            sleep=self.append,
            async_sleep=self._async,
        )

    async def _async(self, seconds: float) -> None:
        self.append(seconds)
        await anyio.lowlevel.checkpoint()


class Do:
    """Calls a client's methods, and awaits what they give where it's an async client's."""

    def __init__(self, client: Any, portal: Any, sleeps: Sleeps) -> None:
        self.client = client
        self.batches = client.messages.batches
        self.sleeps = sleeps
        self._portal = portal

    def __call__(self, function: Callable[[Any], Any]) -> Any:
        """The result of a function of `client.messages.batches`."""
        return self.run(lambda: function(self.batches))

    def run(self, function: Callable[[], Any]) -> Any:
        if self._portal is None:
            return function()

        async def call() -> Any:
            result = function()
            return await result if inspect.isawaitable(result) else result

        return self._portal.call(call)

    def items(self, function: Callable[[Any], Any]) -> list[Any]:
        """What iterating over the function's result gives."""

        async def collect() -> list[Any]:
            return [item async for item in function(self.batches)]

        return list(function(self.batches)) if self._portal is None else self._portal.call(collect)

    def entered(self, function: Callable[[Any], Any], use: Callable[[Any], Any]) -> Any:
        """What `use` makes of the response that the function's context manager gives."""

        async def enter() -> Any:
            async with function(self.batches) as response:
                result = use(response)
                return await result if inspect.isawaitable(result) else result

        if self._portal is not None:
            return self._portal.call(enter)
        with function(self.batches) as response:
            return use(response)


@contextmanager
def connected(kind: str, url: str, **options: Any) -> Iterator[Do]:
    """A client of that kind."""
    library = httpx2 if kind.endswith("2") else httpx
    sleeps = Sleeps()
    options = {"api_key": KEY, "base_url": url, "_clock": sleeps.clock, **options}
    if kind.startswith("sync"):
        http = library.Client(trust_env=False, verify=False)
        with http, Client(http_client=http, **options) as client:
            yield Do(client, None, sleeps)
        return
    with start_blocking_portal() as portal:

        async def make() -> tuple[Any, AsyncClient]:
            http = library.AsyncClient(trust_env=False, verify=False)
            return http, AsyncClient(http_client=http, **options)

        http, client = portal.call(make)
        try:
            yield Do(client, portal, sleeps)
        finally:
            portal.call(http.aclose)
