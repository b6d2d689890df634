"""Temporary folders, each with a lock that ends with its process, so that those of dead processes can be removed."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Lock

__all__ = ["TemporaryFolder", "remove_leftovers"]

# A job's folder can lie beside these, with a similar name and a lock of its own: both names are of this module alone.
PREFIX = "claude-batches-tmp-"
_LOCK = ".claude-batches-temporary"


class TemporaryFolder:
    """A folder for files that this process needs for a while, made at its first use.

    Its lock tells other processes that its owner lives.
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._lock = -1
        # Results are taken in a thread while others are downloaded.
        self._making = Lock()

    @property
    def path(self) -> Path:
        """The folder."""
        with self._making:
            if self._path is None:
                remove_leftovers()
            while self._path is None:
                path = Path(tempfile.mkdtemp(prefix=PREFIX))
                lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                if _locked(lock) is False or not _is(lock, path / _LOCK):
                    # Another process took it for a leftover before it was locked.
                    os.close(lock)
                    continue
                self._path, self._lock = path, lock
            return self._path

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete the folder."""
        with self._making:
            if self._path is not None:
                shutil.rmtree(self._path, ignore_errors=sys.platform != "win32")
                os.close(self._lock)
                self._path = None


def remove_leftovers() -> None:
    """Remove the temporary folders of this user whose processes are gone.

    A folder is removed only under its lock: the owner has that until it ends, however it ends. Folders without a
    lock, of other users, or on file systems without locks stay.
    """
    if sys.platform == "win32":
        # A file that is open can't be deleted there, so nothing can be deleted under its lock.
        return
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX):
                with suppress(OSError):
                    _remove(Path(entry.path))


def _remove(path: Path) -> None:
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return
    lock = os.open(path / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        if _locked(lock) and _is(lock, path / _LOCK):
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(lock)


def _locked(lock: int) -> bool | None:
    """Lock a file; false if another process has it, `None` if the file system has no locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


def _is(lock: int, path: Path) -> bool:
    """Tell if an open file is still the one of this name."""
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False
