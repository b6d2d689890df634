"""Decompression of content encodings. Own code, because HTTP libraries do not report a truncated stream."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Literal, Protocol

from .errors import BrokenEncodingError, ResultsFormatError

__all__ = ["ACCEPT_ENCODING", "Decompressor", "Inflater", "inflater"]

#: Encodings that the standard library can decompress.
ACCEPT_ENCODING = "gzip, deflate"

#: Size of decompressed pieces. A small chunk may inflate to a thousand times its size.
PIECE_BYTES = 256 * 1024


def inflater(content_encoding: str | None) -> Inflater | None:
    """Return the decompressor for a content encoding; `None` for plain content.

    Raises:
        ResultsFormatError: The encoding was not requested.
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
                f"the response has content encoding {other!r}; requested was {ACCEPT_ENCODING!r}"
            )


class Decompressor(Protocol):
    """Decompressor of a stream."""

    def feed(self, data: bytes, /) -> Iterator[bytes]:
        """Decompress more data."""
        ...

    def finish(self) -> None:
        """Check that the stream is complete."""
        ...


class Inflater:
    """Decompressor for gzip and deflate, with pieces of bounded size."""

    def __init__(self, encoding: Literal["gzip", "deflate"]) -> None:
        self._encoding = encoding
        self._stream: zlib._Decompress | None = None  # pyright: ignore[reportPrivateUsage]

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decompress more data.

        Raises:
            BrokenEncodingError: The data is corrupt.
        """
        while data:
            if self._stream is None:
                self._stream = zlib.decompressobj(self._format(data[0]))
            try:
                piece = self._stream.decompress(data, PIECE_BYTES)
                # The input may be consumed while output is still pending.
                while piece:
                    yield piece
                    piece = self._stream.decompress(self._stream.unconsumed_tail, PIECE_BYTES)
            except zlib.error as error:
                raise BrokenEncodingError(
                    f"the {self._encoding} data is corrupt: {error}", corrupt=True
                ) from error
            data = b""
            if self._stream.eof:
                # Another gzip stream or padding may follow.
                data = self._stream.unused_data.lstrip(b"\0")
                if data:
                    self._stream = None

    def finish(self) -> None:
        """Check that the stream is complete.

        Raises:
            BrokenEncodingError: The data is truncated.
        """
        if self._stream is None or not self._stream.eof:
            raise BrokenEncodingError(f"the {self._encoding} data stops before its end", corrupt=False)

    def _format(self, first: int) -> int:
        if self._encoding == "gzip":
            return 16 + zlib.MAX_WBITS
        # Some servers send "deflate" without a zlib header. The low bits of the first byte of a zlib header are 8.
        return zlib.MAX_WBITS if first & 0x0F == 8 else -zlib.MAX_WBITS
