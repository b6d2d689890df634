"""Reading from a scripted server in the same way with a sync and an async client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Literal

import anyio
import attrs
import httpx
from claude_batches import AsyncClient, ClaudeBatchesError, Client

from tests.support.clients import KEY, TLS
from tests.support.clock import Sleeps
from tests.support.results import BATCH_ID, ResultsServer

if TYPE_CHECKING:
    from claude_batches._async.batches import AsyncBatches
    from claude_batches._sync.batches import Batches

Kind = Literal["sync", "async"]
KINDS: tuple[Kind, ...] = ("sync", "async")


@contextmanager
def sync_client(
    server: ResultsServer, sleeps: Sleeps | None = None, timeout: float = 10.0
) -> Iterator[Client]:
    """Make a client that never really sleeps and does not retry."""
    with (
        httpx.Client(verify=TLS, trust_env=False) as http,
        Client(
            base_url=server.url,
            api_key=KEY,
            http_client=http,
            timeout=timeout,
            max_retries=0,
            _clock=(Sleeps() if sleeps is None else sleeps).clock,
        ) as client,
    ):
        yield client


@contextmanager
def sync_batches(
    server: ResultsServer, sleeps: Sleeps | None = None, timeout: float = 10.0
) -> Iterator[Batches]:
    """Make the batches of a client that never really sleeps."""
    with sync_client(server, sleeps, timeout) as client:
        yield client.messages.batches


@asynccontextmanager
async def async_batches(
    server: ResultsServer,
    sleeps: Sleeps | None = None,
    timeout: float = 10.0,  # noqa: ASYNC109 -- of the network, not of this function
) -> AsyncIterator[AsyncBatches]:
    """Make the batches of an async client that never really sleeps."""
    async with (
        httpx.AsyncClient(verify=TLS, trust_env=False) as http,
        AsyncClient(
            base_url=server.url,
            api_key=KEY,
            http_client=http,
            timeout=timeout,
            max_retries=0,
            _clock=(Sleeps() if sleeps is None else sleeps).clock,
        ) as client,
    ):
        yield client.messages.batches


@attrs.define
class Outcome:
    """The outcome of one reading."""

    ids: list[str]
    error: ClaudeBatchesError | None
    sleeps: list[float]
    resumes: int
    lines_read: int
    bytes_read: int
    complete: bool | None
    items: list[Any]

    @property
    def good(self) -> list[str]:
        """The ids. Raises the error if there was one."""
        if self.error is not None:
            raise self.error
        return self.ids


def read(
    kind: Kind, server: ResultsServer, *, timeout: float = 10.0, batch_id: str = BATCH_ID, **options: Any
) -> Outcome:
    """Read results until their end or an error."""
    sleeps = Sleeps()
    outcome = Outcome([], None, sleeps, 0, 0, 0, False, [])

    def note(stream: Any) -> None:
        outcome.resumes, outcome.lines_read = stream.resumes, stream.lines_read
        outcome.bytes_read, outcome.complete = stream.bytes_read, stream.complete

    def sync() -> None:
        with sync_batches(server, sleeps, timeout) as batches, batches.results(batch_id, **options) as stream:
            try:
                for item in stream:
                    outcome.items.append(item)
            finally:
                note(stream)

    async def asynchronous() -> None:
        async with (
            async_batches(server, sleeps, timeout) as batches,
            batches.results(batch_id, **options) as stream,
        ):
            try:
                async for item in stream:
                    outcome.items.append(item)
            finally:
                note(stream)

    try:
        run(kind, sync, asynchronous)
    except ClaudeBatchesError as error:
        outcome.error = error
    outcome.ids = [item.custom_id for item in outcome.items]
    return outcome


def call(kind: Kind, server: ResultsServer, method: str, *arguments: Any, **options: Any) -> Any:
    """Call a method of the batches, such as `download`."""

    def sync() -> Any:
        with sync_batches(server) as batches:
            return getattr(batches, method)(*arguments, **options)

    async def asynchronous() -> Any:
        async with async_batches(server) as batches:
            return await getattr(batches, method)(*arguments, **options)

    return run(kind, sync, asynchronous)


def run(kind: Kind, sync: Callable[[], Any], asynchronous: Callable[[], Awaitable[Any]]) -> Any:
    """Run the function of a kind."""
    return sync() if kind == "sync" else anyio.run(asynchronous)
