"""Streams of server-sent events, for any operation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from .._http.decode import EventDecoder
from .._http.events import ServerSentEvent
from .line_stream import AsyncItemStream
from .response import AsyncResponse

__all__ = ["AsyncEventStream"]

T = TypeVar("T")


class AsyncEventStream(AsyncItemStream[T]):
    """The decoded events of a response. Iterate over it, directly or as a context manager.

    The events of a paid answer are not requested again: a lost connection raises.

    Args:
        open: Opens the response.
        decoder: Returns the decoder for the events of a response.
    """

    def __init__(
        self,
        open: Callable[[], Awaitable[tuple[AsyncResponse, AsyncIterator[bytes]]]],
        decoder: Callable[[AsyncResponse], EventDecoder],
    ) -> None:
        super().__init__(open)
        self._make_decoder = decoder
        self._decoder: EventDecoder | None = None

    @property
    def last_event(self) -> ServerSentEvent | None:
        """The event of the last item, with its name, its id and its data as text; `None` before the first."""
        return None if self._decoder is None else self._decoder.last

    def _decoded(self, response: AsyncResponse, chunks: AsyncIterator[bytes]) -> AsyncIterator[T]:
        self._decoder = self._make_decoder(response)
        return _decoded(self._decoder, chunks)


# Without a reference to the stream, which would otherwise wait for the garbage collector after its last use.
async def _decoded(decoder: EventDecoder, chunks: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for chunk in chunks:
        # sync: yield from decoder.feed(chunk)
        # async only
        for item in decoder.feed(chunk):
            yield item
        if decoder.done:
            return
    decoder.finish()
