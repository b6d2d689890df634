"""The base classes of resources, and the types of the views that return responses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from .transport import AsyncTransport, SyncTransport

if TYPE_CHECKING:
    # For type checkers alone: at run time this package does not import its client.
    from claude_batches import AsyncRawResponse, AsyncStreamedResponse, RawResponse, StreamedResponse

__all__ = ["AsyncResource", "SyncResource"]

P = ParamSpec("P")
T = TypeVar("T")


class SyncResource:
    """A group of operations of a client."""

    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport


class AsyncResource:
    """A group of operations of an async client."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport


# The transport of a view returns responses. These functions tell type checkers so.
if TYPE_CHECKING:

    def raw(method: Callable[P, T]) -> Callable[P, RawResponse[T]]:
        """Annotate a method of the view `raw`."""
        ...

    def streamed(method: Callable[P, T]) -> Callable[P, AbstractContextManager[StreamedResponse[T]]]:
        """Annotate a method of the view `streamed`."""
        ...

    def async_raw(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[AsyncRawResponse[T]]]:
        """Annotate an async method of the view `raw`."""
        ...

    def async_streamed(
        method: Callable[P, Awaitable[T]],
    ) -> Callable[P, AbstractAsyncContextManager[AsyncStreamedResponse[T]]]:
        """Annotate an async method of the view `streamed`."""
        ...

else:

    def raw(method):
        """Return a method as it is."""
        return method

    streamed = async_raw = raw

    def async_streamed(method):
        """Make a context manager of a method that returns an awaitable of one."""

        @wraps(method)
        @asynccontextmanager
        async def entered(*arguments, **options):
            async with await method(*arguments, **options) as response:
                yield response

        return entered
