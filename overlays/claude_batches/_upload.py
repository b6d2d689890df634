"""A request's body on its way to the server, which knows whether the last byte was handed over.

A server can't act on a body before it has its last byte. So as long as that byte was not handed to the
network, it is sure that nothing was done, and a batch can be sent again.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import IO, TypeAlias, cast

import anyio.to_thread
import attrs

from ._errors import RequestEncodingError
from ._failure import DeadlinePassed

__all__ = ["AsyncUpload", "FilePiece", "Payload", "Piece", "SyncUpload", "piece_of"]

#: How much of a body is read and sent at a time.
CHUNK = 128 * 1024


@attrs.frozen
class FilePiece:
    """A file, from its first byte on each time it is sent."""

    file: IO[bytes] | Path
    """The file; or the path to one, which is opened while it is sent."""
    size: int
    """How many bytes of it are sent."""

    def chunks(self) -> Iterator[bytes]:
        """Read it.

        Raises:
            RequestEncodingError: It can't be read, or not to its end.
        """
        left = self.size
        try:
            with self.file.open("rb") if isinstance(self.file, Path) else nullcontext(self.file) as file:
                file.seek(0)
                while left:
                    chunk = file.read(min(CHUNK, left))
                    if not chunk:
                        raise OSError("it got shorter while it was being sent")  # noqa: TRY301
                    left -= len(chunk)
                    yield chunk
        except (OSError, ValueError) as error:
            raise RequestEncodingError(f"the file to send can't be read: {error}") from error


Piece: TypeAlias = bytes | FilePiece


def piece_of(content: bytes | IO[bytes] | Path) -> Piece:
    """A piece of a body. What can't be read a second time is read now, as it may have to be sent again.

    Raises:
        OSError: It can't be read.
        TypeError: What is read of it are no bytes.
    """
    if isinstance(content, bytes):
        return content
    if isinstance(content, Path):
        with content.open("rb") as file:
            return FilePiece(content, file.seek(0, io.SEEK_END))
    if hasattr(content, "seekable") and content.seekable():
        return FilePiece(content, content.seek(0, io.SEEK_END))
    read = cast("object", content.read())
    if not isinstance(read, bytes):
        raise TypeError(f"reading the file gives {type(read).__name__}, not bytes; open it with 'rb'")
    return read


class Payload:
    """A body that can be sent more than once, though not twice at a time.

    Arguments:
        pieces: What it is made of, in its order.
        owned: A file of ours among them, which is gone when it's closed.
    """

    def __init__(self, pieces: Sequence[Piece], *, owned: IO[bytes] | None = None) -> None:
        self.pieces = pieces
        self.size = sum(len(piece) if isinstance(piece, bytes) else piece.size for piece in pieces)
        self.is_ours = owned is not None
        """Whether reading it waits for nobody: it was written a moment ago."""
        self._owned = owned

    def chunks(self) -> Iterator[bytes]:
        """All of it, a little at a time."""
        for piece in self.pieces:
            if isinstance(piece, FilePiece):
                yield from piece.chunks()
            else:
                yield from (piece[start : start + CHUNK] for start in range(0, len(piece), CHUNK))

    def close(self) -> None:
        """Delete the file that is ours."""
        if self._owned is not None:
            self._owned.close()

    def __del__(self) -> None:
        # A view that was never entered never sends.
        self.close()


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
        left = self._payload.size
        for chunk in self._payload.chunks():
            if self._overdue():
                raise DeadlinePassed
            left -= len(chunk)
            last = chunk
            if not left:
                # The last byte goes on its own: if anything before it fails, the server can't have the whole.
                if len(chunk) > 1:
                    yield chunk[:-1]
                self.sent_at = self._time()
                last = chunk[-1:]
            yield last


class SyncUpload(_Upload):
    """An upload as sync HTTP libraries take it."""

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks()


class AsyncUpload(_Upload):
    """An upload as async HTTP libraries take it. A user's file is read in a thread, as it may keep us waiting."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = self._chunks()
        if self._payload.is_ours:
            for chunk in chunks:
                yield chunk
            return
        while chunk := await anyio.to_thread.run_sync(next, chunks, b""):
            yield chunk
