"""Results in a local file."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Generic, Self, TypeVar

from .._http.lines import MAX_LINE_BYTES, LineSplitter
from .decoder import LineDecoder, OnBadLine
from .errors import LineTooLongError, ResultsClosedError
from .inflate import Decompressor, Inflater
from .seen_lines import SeenLines
from .zstd import ZstdInflater

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatchIndividualResponse

__all__ = ["FileResults", "results_from_file"]

T = TypeVar("T")

#: Large enough for a negligible cost of reading, small enough for a negligible amount of memory.
CHUNK_BYTES = 128 * 1024


class FileResults(Generic[T]):
    """The results in a file, one by one.

    Iterate over it, in a `with` or directly. The file is closed at its end, when the loop is left, and by `close()`.

    Raises, while iterating:
        BadLineError: A line is not a result; for example the last one of a truncated file.
        BrokenEncodingError: A compressed file is truncated or corrupt.
        ResultsClosedError: The file was closed before its end.
    """

    def __init__(
        self,
        path: Path,
        file: IO[bytes],
        decompressor: Decompressor | None,
        handler: LineDecoder[T],
        max_line_bytes: int,
    ) -> None:
        self.path = path
        """The file."""
        self.lines_read = 0
        """Number of results returned so far."""
        self.bytes_read = 0
        """Number of bytes of the file read so far."""
        self._file = file
        self._decompressor = decompressor
        self._handler = handler
        self._splitter = LineSplitter(LineTooLongError, max_line_bytes=max_line_bytes)
        self._items = self._read()
        self._finished = False

    def close(self) -> None:
        """Close the file. No more results can be read."""
        self._file.close()

    def __iter__(self) -> Iterator[T]:
        try:
            self._check_open()
            yield from self._items
            self._check_open()
        finally:
            self.close()

    def __next__(self) -> T:
        self._check_open()
        try:
            return next(self._items)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self.path)!r}, {self.lines_read} read>"

    def _check_open(self) -> None:
        if self._file.closed and not self._finished:
            raise ResultsClosedError

    def _read(self) -> Generator[T]:
        # Only the number of lines has to be remembered, so each chunk gets new `SeenLines`.
        locate = self._splitter.locate
        for lines, piece in self._lines():
            for item in self._handler.items(lines, piece, SeenLines(), locate):
                self.lines_read += 1
                yield item
                self._check_open()
        self._finished = True

    def _lines(self) -> Iterator[tuple[list[bytes], bytes]]:
        while chunk := self._file.read(CHUNK_BYTES):
            self.bytes_read += len(chunk)
            pieces = (chunk,) if self._decompressor is None else self._decompressor.feed(chunk)
            for piece in pieces:
                yield self._splitter.feed(piece), piece
        if self._decompressor is not None:
            self._decompressor.finish()
        yield self._splitter.finish(), b""


def results_from_file(
    path: str | os.PathLike[str], *, on_bad_line: OnBadLine = "raise", max_line_bytes: int = MAX_LINE_BYTES
) -> FileResults[MessageBatchIndividualResponse]:
    """Read the results of a batch from a JSONL file, typed as those of `results()`.

    The memory does not depend on the size of the file. A file does not say how many results it should have, so a
    missing result is not noticed.

    Args:
        path: The file. Names that end with `.gz` are read as gzip, and with `.zst` or `.zstd` as Zstandard (by the
            standard library of Python 3.14 and newer, else by the package `zstandard`).
        on_bad_line: Reaction to a line that is not a result: `"raise"` a BadLineError, `"skip"` it, or call a function
            with the error and continue.
        max_line_bytes: Longest line in bytes.

    Raises:
        OSError: The file can't be opened.
        ResultsFormatError: No Zstandard library is installed.
    """
    from claude_batches_api.operations.messages_batches import RESULTS

    path = Path(path)
    decode: Callable[[object], MessageBatchIndividualResponse] = RESULTS.decoder(RESULTS.success)
    handler = LineDecoder(decode, on_bad_line)
    decompressor = _decompressor(path)
    return FileResults(path, path.open("rb", buffering=0), decompressor, handler, max_line_bytes)


def _decompressor(path: Path) -> Decompressor | None:
    match path.suffix.lower():
        case ".gz" | ".gzip":
            return Inflater("gzip")
        case ".zst" | ".zstd":
            return ZstdInflater()
        case _:
            return None
