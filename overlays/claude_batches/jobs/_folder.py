"""The folder of a job: its lock, its sent bodies and its received results.

    NAME/
      ledger.sqlite          rows, shards, batches
      lock                   the process that works on the job
      bodies/000001.jsonl.zst
      results/000001.jsonl

A file is fsynced before the ledger says that its shard may be sent, or is collected. Other files are remains of a call
that was not finished.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Protocol

import orjson

from ._codec import codec_named
from ._errors import RESTORE, JobHeldError, LedgerDamagedError, LedgerError, LedgerFullError, disk_is_full
from ._ledger._sql import SqlLedger
from ._records import BODY, RESULT, Block

if sys.platform == "win32":
    import msvcrt

    #: The locked byte: beyond the text, which a second process reads.
    _LOCKED = 1 << 20

    def _lock(file: IO[bytes]) -> None:
        file.seek(_LOCKED)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


__all__ = ["BlockWriter", "Folder", "FolderLock", "Store", "sync_folder", "writing", "written_whole"]


class BlockWriter(Protocol):
    """The blocks of a shard, while they are written."""

    def write(self, blocks: Sequence[bytes]) -> None:
        """Write the next blocks."""

    def finish(self) -> str:
        """Make all of it durable; return its SHA-256."""
        ...

    def discard(self) -> None:
        """Drop the blocks."""


class Store(Protocol):
    """The storage of bodies and results."""

    def writer(self, shard: int, codec: str) -> BlockWriter:
        """Begin the body of a shard."""
        ...

    def body(self, shard: int, codec: str) -> Iterator[bytes]:
        """Yield the blocks of a body as they are stored."""
        ...

    def block(self, kind: int, shard: int, codec: str, number: int) -> bytes:
        """Return one block as it is stored."""
        ...

    def results(self, shard: int) -> AbstractContextManager[Callable[[int], bytes]]:
        """Return a function that returns blocks of results by number, faster than `block` does."""
        ...

    def download_path(self, shard: int) -> Path:
        """Return the file to download results to."""
        ...

    def keep_results(self, path: Path) -> None:
        """Make downloaded results durable; called before the transaction that notes them."""

    def take_results(self, shard: int, path: Path, blocks: Sequence[Block]) -> None:
        """Note the blocks of downloaded results, within the transaction that notes them."""

    def finish_results(self, path: Path) -> None:
        """Clean up after the results were noted."""

    def delete(self, shard: int, codec: str) -> None:
        """Delete the body of a shard whose adding was not finished."""

    def close(self) -> None:
        """Release resources."""


class FolderLock:
    """A lock on a folder, which ends with its process.

    Args:
        folder: The folder.

    Raises:
        JobHeldError: Another process has it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = _opened(folder / "lock", "a+b")
        try:
            _lock(self._file)
        except (BlockingIOError, PermissionError):
            holder = self._holder()
            self._file.close()
            raise JobHeldError(str(folder), *holder) from None
        except OSError:
            warnings.warn(
                f"the file system of {folder} has no locks: have one process at a time work on this job",
                stacklevel=6,
            )
        self._file.truncate(0)
        self._file.write(orjson.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        self._file.flush()

    def _holder(self) -> tuple[int | None, str | None]:
        try:
            self._file.seek(0)
            told = orjson.loads(self._file.read())
            return int(told["pid"]), str(told["host"])
        except (OSError, ValueError, LookupError, TypeError):
            return None, None

    def release(self) -> None:
        """Let others in."""
        self._file.close()


class Folder:
    """Bodies and results in a folder.

    Args:
        path: The folder of the job.
        ledger: The ledger, with the locations of the blocks.
    """

    def __init__(self, path: Path, ledger: SqlLedger) -> None:
        self._ledger = ledger
        self._path = path
        self._bodies = path / "bodies"
        self._results = path / "results"

    def prepare(self) -> None:
        """Make the folders."""
        for folder in (self._bodies, self._results):
            with writing(folder):
                folder.mkdir(exist_ok=True)
        sync_folder(self._path)

    def writer(self, shard: int, codec: str) -> BlockWriter:
        """Begin the body of a shard."""
        return _FileWriter(self._body_path(shard, codec))

    def body(self, shard: int, codec: str) -> Iterator[bytes]:
        """Yield the blocks of a body as they are stored.

        Raises:
            LedgerDamagedError: The file is missing, or shorter or longer than it was.
        """
        path = self._body_path(shard, codec)
        blocks = self._ledger.blocks(BODY, shard)
        with _reading(path) as file:
            for block in blocks:
                yield _read(file, path, block)
            if file.read(1):
                raise LedgerDamagedError(
                    f"{path} is longer than it was when it was written. Nothing was sent. {RESTORE}"
                )

    def block(self, kind: int, shard: int, codec: str, number: int) -> bytes:
        """Return one block as it is stored.

        Raises:
            LedgerDamagedError: It is not there.
        """
        path = self._body_path(shard, codec) if kind == BODY else self.download_path(shard)
        block = self._ledger.block(kind, shard, number)
        if block is None:
            raise _unknown(path, number)
        with _reading(path) as file:
            file.seek(block.start)
            return _read(file, path, block)

    @contextmanager
    def results(self, shard: int) -> Generator[Callable[[int], bytes]]:
        """Return a function that returns blocks of results by number, from a file that is opened once.

        Raises:
            LedgerDamagedError: A block is not there.
        """
        path = self.download_path(shard)
        blocks = self._ledger.blocks(RESULT, shard)
        with _reading(path) as file:

            def block(number: int) -> bytes:
                if number >= len(blocks):
                    raise _unknown(path, number)
                file.seek(blocks[number].start)
                return _read(file, path, blocks[number])

            yield block

    def download_path(self, shard: int) -> Path:
        """Return the file of a shard's results."""
        return self._results / f"{shard:06d}.jsonl"

    def keep_results(self, path: Path) -> None:
        """Make the name of the file durable; its content is, since the download has ended."""
        sync_folder(path.parent)

    def take_results(self, shard: int, path: Path, blocks: Sequence[Block]) -> None:  # noqa: ARG002  # others copy the file
        """Note where the blocks of results are."""
        self._ledger.add_blocks(RESULT, shard, 0, blocks)

    def finish_results(self, path: Path) -> None:
        """Do nothing: the file stays."""

    def delete(self, shard: int, codec: str) -> None:
        """Delete a body."""
        self._body_path(shard, codec).unlink(missing_ok=True)

    def close(self) -> None:
        """Do nothing: no file is kept open."""

    def _body_path(self, shard: int, codec: str) -> Path:
        return self._bodies / f"{shard:06d}{codec_named(codec).suffix}"


class _FileWriter:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._hash = hashlib.sha256()
        # Blocks are large, and rows that were added before may be compared with while the file grows.
        self._file = _opened(path, "wb", buffering=0)

    def write(self, blocks: Sequence[bytes]) -> None:
        content = b"".join(blocks)
        with writing(self._path):
            view = memoryview(content)
            while view:
                view = view[self._file.write(view) :]
        self._hash.update(content)

    def finish(self) -> str:
        with writing(self._path):
            os.fsync(self._file.fileno())
            self._file.close()
            sync_folder(self._path.parent)
        return self._hash.hexdigest()

    def discard(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


def _unknown(path: Path, number: int) -> LedgerDamagedError:
    return LedgerDamagedError(
        f"the ledger names block {number} of {path}, and doesn't know where it is. {RESTORE}"
    )


def _read(file: IO[bytes], path: Path, block: Block) -> bytes:
    data = file.read(block.length)
    if len(data) != block.length:
        raise LedgerDamagedError(
            f"{path} is truncated: it ends in the block at byte {block.start:,}. {RESTORE}"
        )
    return data


@contextmanager
def _reading(path: Path) -> Generator[IO[bytes]]:
    try:
        with path.open("rb", buffering=0) as file:
            yield file
    except FileNotFoundError:
        raise LedgerDamagedError(f"{path} is missing, and the ledger needs it. {RESTORE}") from None
    except OSError as error:
        raise LedgerError(f"{path} can't be read: {error.strerror}") from error


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn errors of writing into those of a job.

    Raises:
        LedgerFullError: The disk is full.
        LedgerError: The file can't be written for another reason.
    """
    try:
        yield
    except OSError as error:
        if disk_is_full(error):
            raise LedgerFullError(f"{path}: the disk is full. Make room, and run the job again.") from error
        raise LedgerError(f"{path} can't be written: {error.strerror}") from error


def _opened(path: Path, mode: str, buffering: int = -1) -> IO[bytes]:
    with writing(path):
        file: IO[bytes] = path.open(mode, buffering=buffering)
    return file


@contextmanager
def written_whole(path: Path) -> Generator[IO[bytes]]:
    """Write a file that appears when it is whole and durable."""
    part = path.with_name(f".{path.name}.whole")
    with writing(path):
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names of the files in a folder durable."""
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
