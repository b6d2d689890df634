"""Codecs: how the blocks of a shard are stored, as Zstandard frames or as plain lines.

A shard is a sequence of blocks of some hundred lines. Each block is read alone, so any row is found in two steps: the
place of a row is `block << LINE_BITS | line`. The blocks of a shard in a row are one `.zst` (or `.jsonl`) file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Final

from ._errors import RESTORE, LedgerDamagedError, LedgerError

__all__ = [
    "BLOCK_BYTES",
    "BLOCK_LINES",
    "LINE_BITS",
    "Codec",
    "best_codec",
    "codec_named",
    "decoded",
    "place_at",
]

#: The bits of a place that are the number of a line in its block; the others are the number of the block.
LINE_BITS: Final = 10
BLOCK_LINES: Final = 1 << LINE_BITS
#: The size of the lines from which on a block is closed.
BLOCK_BYTES: Final = 128 * 1024
#: Higher levels take twice the time, and requests that share a prompt are hardly smaller for it.
_LEVEL: Final = 1
#: The first bytes of a Zstandard frame.
_MAGIC: Final = b"\x28\xb5\x2f\xfd"


def place_at(block: int, line: int) -> int:
    """Return the position of a line. The end of a full block, one beyond its last line, is the start of the next."""
    return (block << LINE_BITS) + line


class Codec:
    """Plain lines."""

    name = "plain"
    suffix = ".jsonl"

    def encode(self, lines: bytes) -> bytes:
        """Encode a block."""
        return lines

    def decode(self, block: bytes) -> bytes:
        """Decode a block."""
        return block


class _Contexts(threading.local):
    """The contexts of `zstandard`, made for each thread: two threads in one crash the process."""

    def __init__(self, library: Any) -> None:
        self.compress: Callable[[bytes], bytes] = library.ZstdCompressor(
            level=_LEVEL, write_checksum=True
        ).compress
        self.decompress: Callable[[bytes], bytes] = library.ZstdDecompressor().decompress


class _StandardContexts:
    """The functions of the standard library, which make a context for each call."""

    def __init__(self, library: Any) -> None:
        self.compress: Callable[[bytes], bytes] = lambda data: library.compress(data, level=_LEVEL)
        self.decompress: Callable[[bytes], bytes] = library.decompress


class ZstdCodec(Codec):
    """One Zstandard frame a block.

    Args:
        library: The module.
        standard: It is the standard library's.
    """

    name = "zstd"
    suffix = ".jsonl.zst"

    def __init__(self, library: Any, *, standard: bool) -> None:
        self._error: type[Exception] = library.ZstdError
        self._contexts: Any = _StandardContexts(library) if standard else _Contexts(library)

    def encode(self, lines: bytes) -> bytes:
        """Encode a block."""
        encoded: bytes = self._contexts.compress(lines)
        return encoded

    def decode(self, block: bytes) -> bytes:
        """Decode a block.

        Raises:
            LedgerDamagedError: It is corrupt.
        """
        try:
            lines: bytes = self._contexts.decompress(block)
        except self._error as error:
            raise LedgerDamagedError(f"a block of a shard is corrupt: {error}. {RESTORE}") from None
        return lines


@cache
def codec_named(name: str) -> Codec:
    """Return a codec.

    Raises:
        LedgerError: Nothing here reads it.
    """
    if name == Codec.name:
        return Codec()
    for module, standard in (("compression.zstd", True), ("zstandard", False)):
        try:
            return ZstdCodec(import_module(module), standard=standard)
        except ImportError:
            continue
    raise LedgerError(
        "the shards of this job are compressed: install claude-batches[zstd], or use Python 3.14 or newer"
    )


def decoded(block: bytes) -> bytes:
    """Decode a block. Its first bytes determine its codec: lines begin with a brace.

    Raises:
        LedgerDamagedError: It is corrupt.
        LedgerError: Nothing here reads it.
    """
    return codec_named(ZstdCodec.name if block.startswith(_MAGIC) else Codec.name).decode(block)


def best_codec() -> Codec:
    """Return Zstandard where there is a library for it, else plain lines."""
    try:
        return codec_named(ZstdCodec.name)
    except LedgerError:
        return codec_named(Codec.name)
