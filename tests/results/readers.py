"""Reading from a scripted server, in the same way by code that waits and by code that lets others run."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal

import anyio
import attrs
import httpx
from claude_batches._batches import AsyncBatches, Batches
from claude_batches._config import configure
from claude_batches._errors import ClaudeBatchesError
from claude_batches._headers import Secret
from claude_batches._sender import AsyncSender, Clock, Sender
from claude_batches._transport import AsyncTransport, Transport

from .server import BATCH_ID, ResultsServer

Kind = Literal["sync", "async"]
KINDS: tuple[Kind, ...] = ("sync", "async")

# To make one takes longer than all else that a client does.
TLS = ssl.create_default_context()


class Naps:
    """Time that passes when somebody sleeps, and only then."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.now = 0.0

    def clock(self) -> Clock:
        async def async_sleep(seconds: float) -> None:
            self._sleep(seconds)

        return Clock(monotonic=lambda: self.now, sleep=self._sleep, async_sleep=async_sleep)

    def _sleep(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.now += seconds


def _config(url: str, timeout: float) -> Any:
    return configure(
        api_key=Secret("key-of-a-test"),
        auth_token=Secret(None),
        base_url=url,
        anthropic_version="2023-06-01",
        timeout=timeout,
        deadline=None,
        max_retries=0,
        max_retry_delay=60.0,
        default_headers=Secret({}),
        default_query=None,
    )


@contextmanager
def sync_batches(server: ResultsServer, naps: Naps | None = None, timeout: float = 10.0) -> Iterator[Batches]:
    """The batches of a client that never really sleeps."""
    with httpx.Client(verify=TLS, trust_env=False) as http:
        yield Batches(Transport(_config(server.url, timeout), Sender(http, (naps or Naps()).clock())))


@asynccontextmanager
async def async_batches(
    server: ResultsServer,
    naps: Naps | None = None,
    timeout: float = 10.0,  # noqa: ASYNC109 -- of the network, not of this function
) -> AsyncIterator[AsyncBatches]:
    """The batches of an async client that never really sleeps."""
    async with httpx.AsyncClient(verify=TLS, trust_env=False) as http:
        sender = AsyncSender(http, (naps or Naps()).clock())
        yield AsyncBatches(AsyncTransport(_config(server.url, timeout), sender))


@attrs.define
class Outcome:
    """What reading came to."""

    ids: list[str]
    error: ClaudeBatchesError | None
    naps: list[float]
    resumes: int
    lines_read: int
    bytes_read: int
    items: list[Any]

    @property
    def good(self) -> list[str]:
        """The ids, if nothing went wrong."""
        if self.error is not None:
            raise self.error
        return self.ids


def read(
    kind: Kind, server: ResultsServer, *, timeout: float = 10.0, batch_id: str = BATCH_ID, **options: Any
) -> Outcome:
    """Read all results, as far as that goes."""
    naps = Naps()
    outcome = Outcome([], None, naps.taken, 0, 0, 0, [])

    def note(stream: Any) -> None:
        outcome.resumes, outcome.lines_read = stream.resumes, stream.lines_read
        outcome.bytes_read = stream.bytes_read

    def sync() -> None:
        with sync_batches(server, naps, timeout) as batches, batches.results(batch_id, **options) as stream:
            try:
                for item in stream:
                    outcome.items.append(item)
            finally:
                note(stream)

    async def asynchronous() -> None:
        async with (
            async_batches(server, naps, timeout) as batches,
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


def run(kind: Kind, sync: Callable[[], Any], asynchronous: Callable[[], Awaitable[Any]]) -> Any:
    """Run the one or the other."""
    return sync() if kind == "sync" else anyio.run(asynchronous)
