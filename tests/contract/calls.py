"""Four clients behind one blocking interface, so that each test runs with all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from anthropic import Anthropic, AsyncAnthropic
from anyio.from_thread import BlockingPortal, start_blocking_portal
from claude_batches import AsyncClient, Client

KEY = "the-right-key"

Kind = Literal["ours", "ours, async", "official", "official, async"]
OURS: tuple[Kind, ...] = ("ours", "ours, async")
OFFICIAL: tuple[Kind, ...] = ("official", "official, async")

_CLIENTS: dict[Kind, Callable[..., Any]] = {
    "ours": Client,
    "ours, async": AsyncClient,
    "official": Anthropic,
    "official, async": AsyncAnthropic,
}


class Calls:
    """The batch methods of a client, sync or async, ours or the official one: they have the same names.

    The return value is awaited and collected where the client is async.
    """

    def __init__(self, client: Any, portal: BlockingPortal | None) -> None:
        self.client = client
        self._portal = portal

    def create(self, requests: list[dict[str, Any]], **options: Any) -> Any:
        return self.call(self.client.messages.batches.create, requests=requests, **options)

    def retrieve(self, batch_id: str, **options: Any) -> Any:
        return self.call(self.client.messages.batches.retrieve, batch_id, **options)

    def page(self, **query: Any) -> Any:
        """One page."""
        return self.call(self.client.messages.batches.list, **query)

    def next_page(self, page: Any) -> Any:
        return self.call(page.get_next_page)

    def listed(self, **query: Any) -> list[str]:
        """The ids of all batches, over as many pages as it takes."""
        return [batch.id for batch in self._collect(self.client.messages.batches.list, **query)]

    def cancel(self, batch_id: str, **options: Any) -> Any:
        return self.call(self.client.messages.batches.cancel, batch_id, **options)

    def delete(self, batch_id: str, **options: Any) -> Any:
        return self.call(self.client.messages.batches.delete, batch_id, **options)

    def results(self, batch_id: str, **options: Any) -> list[Any]:
        """All results."""
        return self._collect(self.client.messages.batches.results, batch_id, **options)

    def call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Return the value of any method of the client."""
        if self._portal is None:
            return method(*arguments, **options)

        async def awaited() -> Any:
            return await method(*arguments, **options)

        return self._portal.call(awaited)

    def _collect(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> list[Any]:
        if self._portal is None:
            return list(method(*arguments, **options))

        async def collected() -> list[Any]:
            items: AsyncIterator[Any] = await method(*arguments, **options)
            return [item async for item in items]

        return self._portal.call(collected)


@contextmanager
def calling(kind: Kind, url: str, **options: Any) -> Iterator[Calls]:
    """A client that talks to the server at `url`, for the length of a `with` block."""
    client = _CLIENTS[kind](base_url=url, **{"api_key": KEY, "max_retries": 0, **options})
    if not kind.endswith("async"):
        with client:
            yield Calls(client, None)
        return
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client):
        yield Calls(client, portal)
