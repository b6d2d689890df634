"""The partial file of a download, and the note that makes it safe to continue.

The lines are in `.NAME.BATCH.part` beside the target. The note `.NAME.BATCH.part.json` has the validator of the
server's file and a checksum of each block. A later download verifies the blocks first, and drops everything from the
first different block on. So neither a flipped bit nor planted lines reach the target.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import sys
from collections.abc import Callable, Generator
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, cast

import attrs

from .._errors import ConfigurationError
from .._http.lines import LineSplitter
from .decoder import RawLine
from .errors import DownloadFolderError, DownloadTargetError, LineTooLongError, ResultsError
from .line import NotAResultError, parse
from .reader import OVERLAP, Reader
from .resume import Validator
from .seen_lines import SeenLines

if sys.platform != "win32":
    import fcntl

__all__ = ["DownloadProgress", "PartialFile", "plain_path"]

#: Bytes between two calls of a progress function.
PROGRESS_BYTES = 1024 * 1024
#: Bytes that one checksum covers.
BLOCK_BYTES = 1024 * 1024
#: Version of the note.
NOTE_VERSION = 2
#: Bytes of lines that are written and hashed at once.
WRITE_BYTES = 64 * 1024

#: Suffixes that `results_from_file` reads as compressed.
COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")

#: Windows has neither flag.
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def plain_path(path: str | os.PathLike[str]) -> Path:
    """Return the target of a download.

    Raises:
        ConfigurationError: The name promises compression, or contains a null character.
        DownloadTargetError: The target exists and is not a regular file.
        DownloadFolderError: The folder does not exist.
    """
    target = Path(path)
    if "\0" in str(target):
        raise ConfigurationError("the path of a download contains a null character")
    if target.suffix.lower() in COMPRESSED:
        raise ConfigurationError(
            f"a download is plain JSONL, and a name like {target.name!r} promises compression"
        )
    if not target.parent.is_dir():
        message = "the folder of the download does not exist: make it first"
        raise DownloadFolderError(errno.ENOENT, message, str(target.parent))
    _check_regular(target)
    return target


@attrs.frozen
class DownloadProgress:
    """Progress of a download."""

    bytes: int
    """Number of bytes in the file."""
    lines: int
    """Number of results in the file."""
    lines_expected: int | None
    """Number of results of the batch."""


class _Blocks:
    """Running checksums of a file's blocks."""

    def __init__(self) -> None:
        self.digests: list[str] = []
        self._hash = blake2b(digest_size=16)
        self._room = BLOCK_BYTES

    def update(self, data: bytes) -> bool:
        """Add data. Return true if a block is finished."""
        finished = False
        while len(data) >= self._room:
            self._hash.update(data[: self._room])
            data = data[self._room :]
            self.digests.append(self._hash.hexdigest())
            self._hash, self._room, finished = blake2b(digest_size=16), BLOCK_BYTES, True
        self._hash.update(data)
        self._room -= len(data)
        return finished

    @property
    def last(self) -> str:
        """Checksum of the unfinished block."""
        return self._hash.hexdigest()


class PartialFile:
    """A sink that writes lines to the partial file.

    Args:
        path: The target.
        batch_id: Id of the batch.
        progress: Called every megabyte and at the end.
    """

    def __init__(
        self, path: Path, batch_id: str, progress: Callable[[DownloadProgress], object] | None
    ) -> None:
        self.path = path
        # No character of the id may lead out of the folder.
        safe_id = "".join(character if character.isalnum() else "_" for character in batch_id)
        self._part = self.path.with_name(f".{self.path.name}.{safe_id}.part")
        self._note = self._part.with_name(f"{self._part.name}.json")
        self._progress = progress
        self._reported = 0
        self._size = 0
        self._blocks = _Blocks()
        # Lines that are counted in the size, and written later: a write for each would take half of the time.
        self._lines: list[bytes] = []
        self._lines_size = 0
        self._noted: Validator | None = None
        self._tail = b""
        self._unfinished = b""
        self._reader: Reader[RawLine] | None = None
        self._opened: IO[bytes] | None = None
        self.seen = SeenLines()
        """The lines on disk."""

    def open(self) -> None:
        """Open the file and read the lines of an earlier download.

        Raises:
            ResultsError: Another process downloads to the same target.
            DownloadTargetError: The file can't be written.
        """
        with self._refusing():
            self._opened = _open_locked(self._part)
            self._load(self._opened)

    def attach(self, reader: Reader[RawLine]) -> None:
        """Let a reader continue after the lines on disk."""
        self._reader = reader
        if self._noted is not None and self._size + len(self._unfinished):
            reader.restore(self._noted, self._tail, self._size, self._unfinished)

    def write(self, item: RawLine) -> None:
        """Add a line.

        Raises:
            DownloadTargetError: The file can't be written.
        """
        line = item[1]
        self._lines.append(line)
        size = len(line) + 1
        self._size += size
        self._lines_size += size
        if self._lines_size >= WRITE_BYTES:
            with self._refusing():
                self._write_lines()
        if self._size - self._reported >= PROGRESS_BYTES:
            self.report()

    def _write_lines(self) -> None:
        if not self._lines:
            return
        self._lines.append(b"")
        data = b"\n".join(self._lines)
        self._lines, self._lines_size = [], 0
        self._file.write(data)
        if self._blocks.update(data):
            self._write_note(self._size)

    def report(self) -> None:
        """Call the function for progress."""
        self._reported = self._size
        if self._progress is not None and self._reader is not None:
            lines = self._reader.seen.returned
            self._progress(DownloadProgress(self._size, lines, self._reader.expected))

    def complete(self) -> None:
        """Move the complete file to the target.

        Raises:
            DownloadTargetError: The target became something else than a regular file, or can't be replaced.
        """
        with self._refusing():
            self._write_lines()
            self._file.flush()
            os.fsync(self._file.fileno())
            _check_regular(self.path)
            # Windows can't rename an open file.
            self._file.close()
            self._part.replace(self.path)
            self._note.unlink(missing_ok=True)

    def close(self) -> None:
        """Keep what was read for a later download: the lines, and the beginning of the next one."""
        if self._opened is None or self._opened.closed:
            return
        # The error that ended the download matters more than one here. Without a note, the file is read again.
        with contextlib.suppress(OSError):
            self._write_lines()
            unfinished = b"" if self._reader is None else self._reader.unfinished_after(self._size)
            if self._size or unfinished:
                self._opened.write(unfinished)
                self._blocks.update(unfinished)
                self._write_note(self._size + len(unfinished))
        with contextlib.suppress(OSError):
            self._opened.close()

    def discard(self) -> None:
        """Delete the file, because its content can't be trusted."""
        with contextlib.suppress(OSError):
            self._file.close()
            self._part.unlink(missing_ok=True)
            self._note.unlink(missing_ok=True)

    @property
    def _file(self) -> IO[bytes]:
        assert self._opened is not None, "open() was called before"
        return self._opened

    @contextlib.contextmanager
    def _refusing(self) -> Generator[None]:
        """Raise errors of the system as errors of the package."""
        try:
            yield
        except DownloadTargetError:
            raise
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> DownloadTargetError:
        problem = f"the download can't be written ({error.strerror or error})"
        return DownloadTargetError(error.errno or errno.EIO, problem, str(self.path))

    def _load(self, file: IO[bytes]) -> None:
        """Read the lines on disk as far as their checksums agree, and cut off the rest."""
        note = _read_note(self._note)
        left = verified = _verified(file, note)
        self._noted = note.validator
        file.seek(0)
        splitter = LineSplitter(LineTooLongError, max_line_bytes=sys.maxsize)
        try:
            while left:
                chunk = file.read(min(BLOCK_BYTES, left))
                left -= len(chunk)
                self._add(splitter.feed(chunk))
        except NotAResultError:
            self._forget()
        if self.seen.distinct() < len(self.seen):
            # A resumed download never writes a result twice.
            self._forget()
        if self._size + len(splitter.unfinished) == verified:
            self._unfinished = splitter.unfinished
            file.seek(max(verified - OVERLAP, 0))
            self._tail = file.read(verified - file.tell())
        file.seek(self._size)
        file.truncate()

    def _add(self, lines: list[bytes]) -> None:
        self.seen.note(lines)
        for line in lines:
            self.seen.add_id(hash(parse(line)["custom_id"]))
            self._size += len(line) + 1
            self._blocks.update(line + b"\n")

    def _forget(self) -> None:
        self.seen, self._blocks, self._size, self._noted = SeenLines(), _Blocks(), 0, None

    def _write_note(self, size: int) -> None:
        """Write the note, after the data that it describes."""
        self._file.flush()
        validator = self._noted if self._reader is None else self._reader.validator or self._noted
        note = {
            "version": NOTE_VERSION,
            "validator": None if validator is None else attrs.asdict(validator),
            "size": size,
            "blocks": self._blocks.digests,
            "last": self._blocks.last,
        }
        temporary = self._note.with_name(f"{self._note.name}.new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(note, file)
        temporary.replace(self._note)


@attrs.frozen
class _Note:
    validator: Validator | None = None
    size: int = 0
    blocks: tuple[str, ...] = ()
    last: str = ""


def _read_note(path: Path) -> _Note:
    """Return the note; an empty one if it is missing, unreadable, or not a regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return _Note()
            note: Any = json.loads(file.read())
        if note["version"] != NOTE_VERSION or type(note["size"]) is not int:
            return _Note()
        validator = None if note["validator"] is None else Validator(**note["validator"])
        return _Note(validator, note["size"], tuple(note["blocks"]), note["last"])
    except (OSError, ValueError, TypeError, LookupError):
        return _Note()


def _verified(file: IO[bytes], note: _Note) -> int:
    """Return the number of bytes whose checksums agree with the note."""
    verified = 0
    for digest in (*note.blocks, note.last):
        block = file.read(min(BLOCK_BYTES, max(note.size - verified, 0)))
        if not block or blake2b(block, digest_size=16).hexdigest() != digest:
            break
        verified += len(block)
    return verified


def _check_regular(path: Path) -> None:
    """Check that a path is free or a regular file. A download replaces nothing else.

    Raises:
        DownloadTargetError: It is something else.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise DownloadTargetError(
            errno.EISDIR, "a download needs the name of a file, not of a folder", str(path)
        )
    if not stat.S_ISREG(mode):
        raise DownloadTargetError(
            errno.EEXIST,
            "a download replaces regular files only, not links, devices, FIFOs or sockets",
            str(path),
        )


def _open_locked(path: Path) -> IO[bytes]:
    """Open the partial file for this process alone."""
    while True:
        _check_regular(path)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NO_FOLLOW, 0o666)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            continue
        file = cast("IO[bytes]", os.fdopen(descriptor, "r+b"))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            file.close()
            continue
        if sys.platform == "win32":  # two downloads to one target at the same time are not noticed there
            return file
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise ResultsError(
                f"another download writes to {str(path)!r}: wait for it, or choose another target"
            ) from None
        except OSError:
            # Some network file systems have no locks. A download works without one.
            return file
        if _is_same_file(path, descriptor):
            return file
        # Another download moved the file to its target between the two calls.
        file.close()


def _is_same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
