"""A request's body on its way to the server, which knows whether the last byte was handed over.

A server can't act on a body before it has its last byte. So as long as that byte was not handed to the
network, it is sure that nothing was done, and a batch can be sent again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import IO

import attrs
from claude_batches_api.body import Part

from ._failure import DeadlinePassed

__all__ = ["AsyncUpload", "Form", "Payload", "SyncUpload"]

#: How much of a body is read and sent at a time.
CHUNK = 128 * 1024


class Payload:
    """A body in a file, that can be sent more than once, though not twice at a time.

    Arguments:
        file: The file.
        size: How many bytes of it are the body.
        start: Where the body begins.
        owned: Whether the file is ours, and gone when it's closed.
    """

    def __init__(self, file: IO[bytes], size: int, *, start: int = 0, owned: bool = True) -> None:
        self.file = file
        self.size = size
        self.start = start
        self.owned = owned

    def close(self) -> None:
        """Delete the file, if it's ours."""
        if self.owned:
            self.file.close()

    def __del__(self) -> None:
        # A view that was never entered never sends.
        self.close()


@attrs.frozen
class Form:
    """A form with files. The HTTP library writes it, and rewinds its files to send it once more."""

    parts: list[Part] = attrs.field(repr=False)


class _Upload:
    """One sending of a payload.

    Arguments:
        payload: The body.
        overdue: Tells whether the deadline of the call has passed.
        time: Seconds since the epoch.
    """

    def __init__(self, payload: Payload, overdue: Callable[[], bool], time: Callable[[], float]) -> None:
        self.sent_at: float | None = None
        """When the last byte was handed over; `None` before that."""
        self._payload = payload
        self._overdue = overdue
        self._time = time

    def _chunks(self) -> Iterator[bytes]:
        file, left = self._payload.file, self._payload.size
        file.seek(self._payload.start)
        while left:
            if self._overdue():
                raise DeadlinePassed
            chunk = file.read(min(CHUNK, left))
            left -= len(chunk)
            if not left:
                # The last byte goes on its own: if anything before it fails, the server can't have the whole.
                if len(chunk) > 1:
                    yield chunk[:-1]
                self.sent_at = self._time()
                chunk = chunk[-1:]
            yield chunk


class SyncUpload(_Upload):
    """An upload as sync HTTP libraries take it."""

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks()


class AsyncUpload(_Upload):
    """An upload as async HTTP libraries take it. Reading from the file doesn't wait: it was written a moment ago."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks():
            yield chunk
