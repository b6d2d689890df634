"""Results that are in a file already."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Generic, TypeVar

from claude_batches._errors import ClaudeBatchesError

from ._decode import LineDecoder, OnBadLine
from ._errors import ResultsClosedError
from ._inflate import Decompressor, Inflater
from ._split import MAX_LINE_BYTES, LineSplitter
from ._stream import Items
from ._zstd import ZstdInflater

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatchIndividualResponse

__all__ = ["FileResults", "results_from_file"]

T = TypeVar("T")

#: Large enough that reading costs nothing, small enough that nobody notices the memory.
CHUNK_BYTES = 128 * 1024


class _FileSource(Generic[T]):
    """Reads a file as a `Source` reads responses; there is nothing to try again."""

    def __init__(
        self, file: IO[bytes], decompressor: Decompressor | None, handler: LineDecoder[T], max_line: int
    ) -> None:
        self.items: Iterator[T] = iter(())
        self.finished = False
        self.bytes_read = 0
        self._file = file
        self._decompressor = decompressor
        self._handler = handler
        self._splitter = LineSplitter(max_line_bytes=max_line)
        self._ending = False
        # Nothing has to be remembered of the lines of a file but how many there were.
        self._ids: list[int] = []
        self._lines = 0

    @property
    def lines_read(self) -> int:
        return self._lines + len(self._ids) - self._handler.skipped

    def check_open(self) -> None:
        if self._file.closed:
            raise ResultsClosedError

    def advance(self) -> None:
        self.check_open()
        self._forget()
        if self._ending:
            self.finished = True
            self.close()
            return
        chunk = self._file.read(CHUNK_BYTES)
        self.bytes_read += len(chunk)
        self._ending = not chunk
        if self._decompressor is not None:
            self.items = self._decompressed(self._decompressor, chunk)
        else:
            self.items = self._hand_out(self._splitter.feed(chunk) if chunk else self._splitter.finish())

    def recover(self, error: ClaudeBatchesError) -> None:
        raise error

    def close(self) -> None:
        self.items = iter(())
        self._file.close()

    def _decompressed(self, stream: Decompressor, chunk: bytes) -> Iterator[T]:
        for piece in stream.feed(chunk):
            yield from self._hand_out(self._splitter.feed(piece))
            self._forget()
        if not chunk:
            stream.finish()
            yield from self._hand_out(self._splitter.finish())

    def _hand_out(self, lines: list[bytes]) -> Iterator[T]:
        return self._handler.items(lines, self._ids.append, self._splitter.locate)

    def _forget(self) -> None:
        self._lines += len(self._ids)
        self._ids.clear()


class FileResults(Items[T]):
    """The results in a file, one by one.

    Iterate over it, in a `with` or not. The file is closed at its end, when the loop is left, and by
    `close()`.

    Raises, while iterating:
        BadLineError: A line is not a result; the last one of a file that was cut, for example.
        BrokenEncodingError: A compressed file is truncated or corrupt.
        ResultsClosedError: It was closed before its end.
    """

    def __init__(self, source: _FileSource[T], path: Path) -> None:
        super().__init__(source)
        self.path = path
        self._file_source = source

    @property
    def lines_read(self) -> int:
        """How many results were handed out so far."""
        return self._file_source.lines_read

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file were read so far."""
        return self._file_source.bytes_read

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self.path)!r}, {self.lines_read} read>"


def results_from_file(
    path: str | os.PathLike[str], *, on_bad_line: OnBadLine = "raise", max_line_bytes: int = MAX_LINE_BYTES
) -> FileResults[MessageBatchIndividualResponse]:
    """Read the results of a batch back from a JSONL file, typed as `results()` types them.

    The memory this takes does not depend on the file's size. Whether the file is complete is not checked: it
    does not say how many results there should be.

    Args:
        path: The file. A name that ends in `.gz` is read as gzip, one in `.zst` or `.zstd` as Zstandard: by
            the standard library from Python 3.14 on, before that by the package `zstandard`.
        on_bad_line: What to do about a line that is not a result: `"raise"` a BadLineError, `"skip"` it, or
            call a function with the error and go on.
        max_line_bytes: How long a line may be.

    Raises:
        OSError: The file can't be opened.
        ResultsFormatError: There is nothing here to read Zstandard with.
    """
    from claude_batches_api.operations.messages_batches import RESULTS

    path = Path(path)
    decode: Callable[[object], MessageBatchIndividualResponse] = RESULTS.decoder(RESULTS.success)
    handler = LineDecoder(decode, on_bad_line)
    decompressor = _decompressor(path)
    return FileResults(_FileSource(path.open("rb", buffering=0), decompressor, handler, max_line_bytes), path)


def _decompressor(path: Path) -> Decompressor | None:
    match path.suffix.lower():
        case ".gz" | ".gzip":
            return Inflater("gzip")
        case ".zst" | ".zstd":
            return ZstdInflater()
        case _:
            return None
