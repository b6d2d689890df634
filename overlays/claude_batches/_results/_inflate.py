"""Content encodings, undone by ourselves: so that a truncated or corrupt one is seen as what it is."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Literal, Protocol

from ._errors import BrokenEncodingError, ResultsFormatError

__all__ = ["ACCEPT_ENCODING", "Decompressor", "Inflater", "inflater"]

#: What we ask for: what the standard library can undo.
ACCEPT_ENCODING = "gzip, deflate"

#: A small chunk may inflate to a thousand times its size; it is handed on in pieces of this.
PIECE_BYTES = 256 * 1024


def inflater(content_encoding: str | None) -> Inflater | None:
    """What undoes a content encoding; `None` where there is none to undo.

    Raises:
        ResultsFormatError: It is another than we asked for.
    """
    match (content_encoding or "").strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return Inflater("gzip")
        case "deflate":
            return Inflater("deflate")
        case other:
            raise ResultsFormatError(
                f"the response has content encoding {other!r}; asked for was {ACCEPT_ENCODING!r}"
            )


class Decompressor(Protocol):
    """Undoes the compression of a stream."""

    def feed(self, data: bytes, /) -> Iterator[bytes]:
        """Decompress some more."""
        ...

    def finish(self) -> None:
        """Check that the stream is whole."""
        ...


class Inflater:
    """Inflates a stream of gzip or deflate, in pieces of bounded size."""

    def __init__(self, encoding: Literal["gzip", "deflate"]) -> None:
        self._encoding = encoding
        self._stream: zlib._Decompress | None = None  # pyright: ignore[reportPrivateUsage]

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Inflate some more.

        Raises:
            BrokenEncodingError: It is corrupt.
        """
        while data:
            if self._stream is None:
                self._stream = zlib.decompressobj(self._format(data[0]))
            try:
                piece = self._stream.decompress(data, PIECE_BYTES)
                # Input may be used up while output still waits for room.
                while piece:
                    yield piece
                    piece = self._stream.decompress(self._stream.unconsumed_tail, PIECE_BYTES)
            except zlib.error as error:
                raise BrokenEncodingError(
                    f"the {self._encoding} data is corrupt: {error}", corrupt=True
                ) from error
            data = b""
            if self._stream.eof:
                # Another gzip stream may follow, or padding.
                data = self._stream.unused_data.lstrip(b"\0")
                if data:
                    self._stream = None

    def finish(self) -> None:
        """Check that the stream is whole.

        Raises:
            BrokenEncodingError: It ended too early.
        """
        if self._stream is None or not self._stream.eof:
            raise BrokenEncodingError(f"the {self._encoding} data stops before its end", corrupt=False)

    def _format(self, first: int) -> int:
        if self._encoding == "gzip":
            return 16 + zlib.MAX_WBITS
        # Some servers take "deflate" for the bare format. A zlib header begins with a byte that ends in 8.
        return zlib.MAX_WBITS if first & 0x0F == 8 else -zlib.MAX_WBITS
