"""Decompression of Zstandard files, by the standard library of Python 3.14 and newer, else by `zstandard`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from .errors import BrokenEncodingError, ResultsFormatError

__all__ = ["ZstdInflater"]

#: Bytes of input at a time. A small input can decompress to a large output, so this bounds the memory.
STEP_BYTES = 16 * 1024


class ZstdInflater:
    """Decompressor for a stream of Zstandard frames.

    Raises:
        ResultsFormatError: No Zstandard library is installed.
    """

    def __init__(self) -> None:
        self._new, self._error = _library()
        self._frame: Any = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decompress more data.

        Raises:
            BrokenEncodingError: The data is corrupt.
        """
        for start in range(0, len(data), STEP_BYTES):
            step = data[start : start + STEP_BYTES]
            while step:
                if self._frame is None or self._frame.eof:
                    self._frame = self._new()
                try:
                    piece: bytes = self._frame.decompress(step)
                except self._error as error:
                    raise BrokenEncodingError(f"the zstd data is corrupt: {error}", corrupt=True) from error
                step = self._frame.unused_data if self._frame.eof else b""
                if piece:
                    yield piece

    def finish(self) -> None:
        """Check that the stream is complete.

        Raises:
            BrokenEncodingError: The data is truncated.
        """
        if self._frame is None or not self._frame.eof:
            raise BrokenEncodingError("the zstd data stops before its end", corrupt=False)


def _library() -> tuple[Callable[[], Any], type[Exception]]:
    """Return the constructor of a decompressor for one frame, and its exception."""
    try:
        zstd = import_module("compression.zstd")
    except ImportError:
        pass
    else:
        return zstd.ZstdDecompressor, zstd.ZstdError
    try:
        zstandard = import_module("zstandard")
    except ImportError:
        message = "to read Zstandard, install the package zstandard, or use Python 3.14 or newer"
        raise ResultsFormatError(message) from None
    return lambda: zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError
