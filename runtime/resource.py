"""The base of every resource, and the views of one that show responses instead of what is in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from .transport import AsyncStreamedResponse, AsyncTransport, RawResponse, SyncStreamedResponse, SyncTransport

__all__ = ["AsyncResource", "SyncResource"]

P = ParamSpec("P")
T = TypeVar("T")


class SyncResource:
    """A group of operations, as a client offers it."""

    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport


class AsyncResource:
    """A group of operations, as an async client offers it."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport


# A method of a resource whose transport gives responses does give responses; these say so to a type checker.
if TYPE_CHECKING:

    def raw(method: Callable[P, T]) -> Callable[P, RawResponse[T]]:
        """Type a method whose transport is `raw`."""
        ...

    def streamed(method: Callable[P, T]) -> Callable[P, AbstractContextManager[SyncStreamedResponse[T]]]:
        """Type a method whose transport is `streamed`."""
        ...

    def async_raw(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[RawResponse[T]]]:
        """Type an async method whose transport is `raw`."""
        ...

    def async_streamed(
        method: Callable[P, Awaitable[T]],
    ) -> Callable[P, AbstractAsyncContextManager[AsyncStreamedResponse[T]]]:
        """Type an async method whose transport is `streamed`."""
        ...

else:

    def raw(method):  # for type checkers, the functions above stand here
        """Hand a method on as it is."""
        return method

    streamed = async_raw = raw

    def async_streamed(method):
        """Let a coroutine function be entered: what it gives is awaited first."""

        @wraps(method)
        @asynccontextmanager
        async def entered(*arguments, **options):
            async with await method(*arguments, **options) as response:
                yield response

        return entered
