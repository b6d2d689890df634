"""Files of a stage: any place that fsspec opens, such as a shared folder, s3, gs or abfs.

Object stores show a file when it is whole. Local files are fsynced, and their folders, before they count as written.
Access to a store is configured by its own environment, so nothing here holds a credential.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .. import ClaudeBatchesError
from ._errors import RESTORE, JobOptionsError, LedgerDamagedError, LedgerError
from ._folder import sync_folder, writing
from ._tables._extras import require
from ._temporary import TemporaryFolder

__all__ = [
    "below",
    "check_writable",
    "delete_files",
    "delete_tree",
    "full_url",
    "modified_at",
    "new_file",
    "prune",
    "read_range",
    "reading",
    "size_of",
    "upload",
]

#: The size of the pieces that a file is copied in.
_PIECE = 4 * 1024 * 1024
_WITH_PASSWORD = re.compile(r"[^/]*://[^/@]*:[^/]*@")


def full_url(url: str) -> str:
    """Return a URL with its protocol, without a slash at its end; a path becomes absolute.

    Raises:
        JobOptionsError: It has a password, which would be kept in the ledger.
        LedgerError: No file system here opens it.
    """
    if _WITH_PASSWORD.match(url):
        raise JobOptionsError(
            "the URL of the stage has a password in it: leave it out, and give access by each machine's environment"
        )
    files, path = _opened(url)
    return str(files.unstrip_protocol(path)).rstrip("/")


def check_writable(folder: str) -> None:
    """Check that files can be written to a folder, and deleted there.

    Raises:
        LedgerError: They can't be. A message that names the folder is left to the caller.
    """
    probe = f"{folder}/probe"
    with new_file(probe) as file:
        # Some stores show no empty file.
        file.write(b"claude-batches\n")
    delete_files([probe])
    prune(folder)


@contextmanager
def new_file(url: str) -> Generator[IO[bytes]]:
    """Write a file, which is durable at the end.

    Raises:
        LedgerError: It can't be written.
    """
    files, path = _opened(url)
    with _ours(url, "written"):
        if _is_local(files):
            local = Path(path)
            with writing(local):
                local.parent.mkdir(parents=True, exist_ok=True)
                with local.open("xb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                for folder in (local.parent, local.parent.parent, local.parent.parent.parent):
                    sync_folder(folder)
            return
        # An open file of a store would become half a file on an error.
        with TemporaryFolder() as temporary:
            whole = temporary / "file"
            with whole.open("xb") as file:
                yield file
            files.put_file(str(whole), path)


def upload(source: Path, url: str) -> None:
    """Copy a local file to a stage.

    Raises:
        LedgerError: It can't be written.
    """
    files, path = _opened(url)
    if not _is_local(files):
        with _ours(url, "written"):
            files.put_file(str(source), path)
        return
    with source.open("rb") as given, new_file(url) as file:
        shutil.copyfileobj(given, file, _PIECE)


@contextmanager
def reading(url: str) -> Generator[IO[bytes]]:
    """Read a file from its beginning.

    Raises:
        LedgerDamagedError: It is missing.
        LedgerError: It can't be read.
    """
    files, path = _opened(url)
    with _ours(url, "read"), files.open(path, "rb", block_size=_PIECE) as file:
        yield file


def read_range(url: str, start: int = 0, end: int | None = None) -> bytes:
    """Return the bytes of a file between two offsets, the whole by default; fewer where it is shorter.

    Raises:
        LedgerDamagedError: It is missing.
        LedgerError: It can't be read.
    """
    files, path = _opened(url)
    with _ours(url, "read"):
        return bytes(files.cat_file(path, start=start, end=end))


def size_of(url: str) -> int | None:
    """Return the size of a file; `None` where there is none."""
    files, path = _opened(url)
    with _ours(url, "read"):
        try:
            return int(files.size(path))
        except FileNotFoundError:
            return None


def below(url: str) -> list[str]:
    """Return the URLs of all files under a folder, none where it doesn't exist."""
    files, path = _opened(url)
    with _ours(url, "listed"):
        # Another process may have written meanwhile.
        files.invalidate_cache()
        try:
            found = files.find(path)
        except FileNotFoundError:
            return []
        finally:
            # It would hide what other processes write from now on.
            files.invalidate_cache()
    return [str(files.unstrip_protocol(each)) for each in found]


def modified_at(url: str) -> float | None:
    """Return when a file was written, in seconds since the epoch; `None` where it is gone or the store can't tell."""
    files, path = _opened(url)
    with _ours(url, "read"):
        try:
            return float(files.modified(path).timestamp())
        except (FileNotFoundError, NotImplementedError):
            return None


def delete_files(urls: Iterable[str]) -> int:
    """Delete files; return the number of those that were there."""
    count = 0
    for url in urls:
        files, path = _opened(url)
        with _ours(url, "deleted"):
            try:
                files.rm_file(path)
            except FileNotFoundError:
                continue
        count += 1
    return count


def delete_tree(url: str) -> int:
    """Delete all files under a folder, and the folder where it is one; return the number of files."""
    count = delete_files(below(url))
    prune(url)
    return count


def prune(url: str) -> None:
    """Delete a folder, as far as it has no files. Object stores have no folders."""
    files, path = _opened(url)
    if _is_local(files):
        with _ours(url, "deleted"):
            for folder in _empty_folders(Path(path)):
                folder.rmdir()


def _empty_folders(top: Path) -> Iterator[Path]:
    if top.is_dir():
        for folder in top.iterdir():
            if folder.is_dir():
                yield from _empty_folders(folder)
        if not any(top.iterdir()):
            yield top


def _opened(url: str) -> tuple[Any, str]:
    core = require("fsspec.core", "stage", "a stage")
    with _ours(url, "opened"):
        try:
            files, path = core.url_to_fs(url)
        except ImportError as error:
            # fsspec says which one: "Install s3fs to access S3".
            raise LedgerError(f"{url} can't be opened on this machine: {error}") from error
    return files, path


def _is_local(files: Any) -> bool:
    protocol = files.protocol
    return "file" in ((protocol,) if isinstance(protocol, str) else protocol)


@contextmanager
def _ours(url: str, done: str) -> Generator[None]:
    """Turn the errors of any store into those of a job: a store has its own, such as of missing credentials."""
    try:
        yield
    except ClaudeBatchesError:
        raise
    except FileNotFoundError as error:
        if done != "read":
            raise LedgerError(f"{url} can't be {done}: {error}") from error
        raise LedgerDamagedError(f"{url} is missing, and the ledger needs it. {RESTORE}") from error
    except Exception as error:
        raise LedgerError(f"{url} can't be {done}: {str(error) or type(error).__name__}") from error
