"""Bodies of requests, and the moment at which the last byte is handed to the network.

A server can't act on a body before it has the last byte. Until then nothing was processed, and a batch can be sent
again safely.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from typing import IO, TypeAlias, cast

import attrs

from .._errors import RequestEncodingError
from .failure import DeadlinePassed

__all__ = ["FilePiece", "MadePiece", "Payload", "Piece", "Transmission", "piece_of"]

#: Number of bytes read and sent at a time.
CHUNK = 128 * 1024


@attrs.frozen
class FilePiece:
    """A file, sent from its first byte each time."""

    file: IO[bytes] | Path
    """An open file, or a path that is opened while it is sent."""
    size: int
    """Number of bytes to send."""

    def chunks(self) -> Iterator[bytes]:
        """Read the file.

        Raises:
            RequestEncodingError: The file can't be read to its end.
        """
        left = self.size
        try:
            with self.file.open("rb") if isinstance(self.file, Path) else nullcontext(self.file) as file:
                file.seek(0)
                while left:
                    chunk = file.read(min(CHUNK, left))
                    if not chunk:
                        raise OSError("it was truncated while it was sent")  # noqa: TRY301
                    left -= len(chunk)
                    yield chunk
        except (OSError, ValueError) as error:
            raise RequestEncodingError(f"the file to send can't be read: {error}") from error


@attrs.frozen
class MadePiece:
    """Bytes that are made anew for each transmission."""

    chunks: Callable[[], Iterator[bytes]]
    size: int
    """Number of bytes to send."""


Piece: TypeAlias = bytes | FilePiece | MadePiece


def piece_of(content: bytes | IO[bytes] | Path) -> Piece:
    """Return content as a piece of a body. A stream that can't seek is read now, because a retry sends it again.

    Raises:
        OSError: The file can't be read.
        TypeError: Reading the file returns text.
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
        raise TypeError(f"reading the file returns {type(read).__name__}, not bytes; open it with 'rb'")
    return read


class Payload:
    """A body that can be sent repeatedly, once at a time.

    Args:
        pieces: Parts of the body in order.
        owned: The temporary file among them, deleted by `close()`.
    """

    def __init__(self, pieces: Sequence[Piece], *, owned: IO[bytes] | None = None) -> None:
        self.pieces = pieces
        self.size = sum(len(piece) if isinstance(piece, bytes) else piece.size for piece in pieces)
        self.sent_at: float | None = None
        """Time at which the last byte was first handed to the network, in seconds since the epoch."""
        self.is_spooled = owned is not None
        """True if the body was just written to a temporary file, so that reading it does not block."""
        self._owned = owned

    def chunks(self) -> Iterator[bytes]:
        """Read the body in chunks."""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield from (piece[start : start + CHUNK] for start in range(0, len(piece), CHUNK))
            else:
                yield from piece.chunks()

    def close(self) -> None:
        """Delete the temporary file."""
        if self._owned is not None:
            self._owned.close()

    def __del__(self) -> None:
        # A streamed view that was never entered never sends its body.
        self.close()


class Transmission:
    """One transmission of a payload.

    Args:
        payload: The body.
        overdue: Returns true after the deadline of the call.
        time: Returns seconds since the epoch.
    """

    def __init__(self, payload: Payload, overdue: Callable[[], bool], time: Callable[[], float]) -> None:
        self.payload = payload
        self.sent_at: float | None = None
        """Time at which the last byte was handed to the network; `None` before."""
        self._overdue = overdue
        self._time = time
        self._lock = Lock()
        self._abandoned = False

    def abandon(self) -> None:
        """Prevent the last byte from being sent, unless that happened already. `sent_at` is final afterwards.

        An abandoned attempt can continue in its thread. Without this, it could complete a request that was reported
        as not sent.
        """
        with self._lock:
            self._abandoned = True

    def chunks(self) -> Iterator[bytes]:
        """Read the body; the last byte is a separate chunk, and its time is recorded.

        If anything before that byte fails, the server can't have the whole body.
        """
        left = self.payload.size
        for chunk in self.payload.chunks():
            if self._overdue():
                raise DeadlinePassed
            left -= len(chunk)
            last = chunk
            if not left:
                if len(chunk) > 1:
                    yield chunk[:-1]
                self._hand_over()
                last = chunk[-1:]
            yield last

    def _hand_over(self) -> None:
        """Record that the last byte is sent now.

        Raises:
            DeadlinePassed: The attempt was abandoned or is late.
        """
        with self._lock:
            if self._abandoned or self._overdue():
                raise DeadlinePassed
            self.sent_at = self._time()
            if self.payload.sent_at is None:
                self.payload.sent_at = self.sent_at
