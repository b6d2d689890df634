"""A download on its way: a file beside the one that it will be, and what is needed to go on with it later."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import attrs

from claude_batches._errors import ConfigurationError

from ._decode import line_id
from ._errors import ResultsError
from ._ledger import Ledger
from ._reader import Reader
from ._resume import Validator
from ._split import LineSplitter

if sys.platform != "win32":
    import fcntl

__all__ = ["DownloadProgress", "PartialFile", "plain_path"]

#: How often progress is told, in bytes.
PROGRESS_BYTES = 1024 * 1024

CHUNK_BYTES = 1024 * 1024

#: Names that `results_from_file` reads as compressed.
COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")


def plain_path(path: str | os.PathLike[str]) -> Path:
    """Where a download goes.

    Raises:
        ConfigurationError: The name promises compression, which a download doesn't do.
        FileNotFoundError: There is no such folder.
    """
    path = Path(path)
    if path.suffix.lower() in COMPRESSED:
        problem = f"results are written as plain JSONL, which a name like {path.name!r} does not say"
        raise ConfigurationError(problem)
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder to download to", str(path.parent))
    return path


@attrs.frozen
class DownloadProgress:
    """How far a download has come."""

    bytes: int
    """How many bytes are in the file."""
    lines: int
    """How many results are in it."""
    lines_expected: int | None
    """How many there will be."""


class PartialFile:
    """The lines of a results file that are on disk already, and those that are still to come.

    They are in `.NAME.BATCH.part`, beside the file they will be. What identifies the version of the server's
    file they are from is in `.NAME.BATCH.part.json`.

    Args:
        path: The file to make.
        batch_id: Whose results it holds.
        progress: Is told how far it is, every megabyte and at the end.

    Raises:
        ResultsError: Another process is at it.
        OSError: The file can't be written.
    """

    def __init__(
        self,
        path: Path,
        batch_id: str,
        progress: Callable[[DownloadProgress], object] | None,
    ) -> None:
        self.path = path
        # Ids come from the server in the end: nothing of one may lead out of the directory.
        safe_id = "".join(character if character.isalnum() else "_" for character in batch_id)
        self._part = self.path.with_name(f".{self.path.name}.{safe_id}.part")
        self._note = self._part.with_name(f"{self._part.name}.json")
        self._progress = progress
        self._told = 0
        self._size = 0
        self._noted: Validator | None = None
        self.ledger = Ledger()
        """The lines that are on disk."""
        self.bad_lines = 0
        """How many of them are not results."""
        self._last_line = b""
        self._file = _open_locked(self._part)
        try:
            self._take_stock()
        except BaseException:
            self._file.close()
            raise

    def restore(self, reader: Reader[bytes]) -> None:
        """Have a reader go on where the lines on disk end."""
        try:
            noted = Validator(**json.loads(self._note.read_bytes()))
        except (OSError, ValueError, TypeError):
            return
        if self._last_line:
            self._noted = noted
            reader.restore(noted, self._last_line, self._size - len(self._last_line) - 1)

    def write(self, line: bytes, reader: Reader[bytes]) -> None:
        """Take the next line."""
        if reader.validator != self._noted:
            self._take_note(reader.validator)
        self._size += self._file.write(line) + self._file.write(b"\n")
        if self._size - self._told >= PROGRESS_BYTES:
            self._tell(reader)

    def complete(self, reader: Reader[bytes]) -> Path:
        """Make it the file that it was to be, now that all lines are in it."""
        self._tell(reader)
        self._file.flush()
        os.fsync(self._file.fileno())
        # Windows can't rename an open file.
        self._file.close()
        self._part.replace(self.path)
        self._note.unlink(missing_ok=True)
        return self.path

    def close(self) -> None:
        """Leave what there is on disk, to go on with later."""
        self._file.close()

    def discard(self) -> None:
        """Delete it, since what is in it can't be trusted."""
        self._file.close()
        self._part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _take_stock(self) -> None:
        """Read what is on disk, and cut off a line that was not written to its end."""
        splitter = LineSplitter()
        while chunk := self._file.read(CHUNK_BYTES):
            lines = splitter.feed(chunk)
            self.ledger.note(lines)
            for line in lines:
                key = line_id(line)
                self.bad_lines += key is None
                self.ledger.add_id(hash(line) if key is None else key)
                self._last_line = line
        if self.ledger.distinct() < len(self.ledger) - self.bad_lines:
            # Some result is there twice, which a resumed download never does: better to begin again.
            self.ledger, self.bad_lines, self._last_line = Ledger(), 0, b""
            splitter = LineSplitter()
        self._size = splitter.offset
        self._file.seek(self._size)
        self._file.truncate()

    def _take_note(self, validator: Validator | None) -> None:
        """Remember which version of the server's file the lines are from."""
        self._noted = validator
        if validator is None:
            self._note.unlink(missing_ok=True)
        else:
            self._note.write_text(json.dumps(attrs.asdict(validator)))

    def _tell(self, reader: Reader[bytes]) -> None:
        self._told = self._size
        if self._progress is not None:
            self._progress(DownloadProgress(self._size, len(reader.ledger), reader.expected))


def _open_locked(path: Path) -> IO[bytes]:
    path.touch()
    file = path.open("r+b")
    if sys.platform != "win32":  # where two downloads to one path at the same time go unnoticed
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise ResultsError(f"another process is downloading to {str(path)!r}") from None
        except OSError:
            # Some network file systems have no locks; that is no reason not to download.
            pass
    return file
