"""Zstandard, for files.

From Python 3.14 on the standard library reads it, before that the package `zstandard`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from ._errors import BrokenEncodingError, ResultsFormatError

__all__ = ["ZstdInflater"]

#: A small piece of compressed data can hold much: feeding less at a time bounds what comes out at once.
STEP_BYTES = 16 * 1024


class ZstdInflater:
    """Decompresses a stream of Zstandard frames.

    Raises:
        ResultsFormatError: There is nothing here to do it with.
    """

    def __init__(self) -> None:
        self._new, self._error = _library()
        self._frame: Any = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decompress some more.

        Raises:
            BrokenEncodingError: It is corrupt.
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
        """Check that the stream is whole.

        Raises:
            BrokenEncodingError: It ended too early.
        """
        if self._frame is None or not self._frame.eof:
            raise BrokenEncodingError("the zstd data stops before its end", corrupt=False)


def _library() -> tuple[Callable[[], Any], type[Exception]]:
    """What makes a decompressor of one frame, and what that raises."""
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
