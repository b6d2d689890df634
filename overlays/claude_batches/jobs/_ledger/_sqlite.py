"""A ledger in a SQLite file, for one process at a time."""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from .._errors import (
    RESTORE,
    LedgerDamagedError,
    LedgerError,
    LedgerFullError,
    LedgerTooNewError,
    closed_error,
)
from .._ids import KEY_BYTES
from ._schema import APPLICATION_ID, MIGRATIONS, VERSION, statements
from ._sql import SqlLedger

__all__ = ["SqliteLedger"]

#: Kilobytes of pages in memory: where rows are taken in their order, and where they are added.
_CACHE, _CACHE_TO_ADD = 4_000, 32_000
#: Changes by portions in one transaction. The keys of added rows are spread over all pages of an index, and each
#: transaction writes the pages that it changed.
_CHANGES = 250_000
#: The bits of a place in a number that has an offset before it. A shard has less than 2^40 lines and blocks.
_PLACE_BITS = 40
#: Ledgers up to this size are checked whole at each opening.
CHECKED_BYTES = 64 * 1024 * 1024


class SqliteLedger(SqlLedger):
    """A ledger in a SQLite file: to read until `write` is called, beside a process that writes.

    Commits are on disk when they return (WAL, `synchronous=FULL`): after a power cut, nothing is sent that the ledger
    doesn't know of.

    Args:
        path: The file.

    Raises:
        LedgerTooNewError: The file is of a newer release.
        LedgerDamagedError: The file is not a ledger, corrupt or truncated.
        LedgerError: The file can't be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}")
        self.path = Path(path)
        self.place = str(self.path)
        self._durable: bool = True
        # The changes before a transaction that `portion` began and left open.
        self._open_since: int | None = None
        self._undone = False
        self._closed = False
        _check_size(self.path)
        with self._ours():
            self._connection = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False, timeout=30
            )
        try:
            with self._ours():
                self._version = self._checked()
                self._run("PRAGMA query_only = ON")
        except BaseException:
            self._connection.close()
            raise

    def _checked(self) -> int:
        """Return the version of the schema, 0 for a new file."""
        application = self._run("PRAGMA application_id").fetchone()[0]
        version: int = self._run("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID:
            if self._run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise LedgerDamagedError(f"{self.path} is a database of something else. Nothing was changed.")
        elif version > VERSION:
            raise LedgerTooNewError(self.place, version, VERSION)
        elif self.path.stat().st_size <= CHECKED_BYTES:
            problem = self._run("PRAGMA quick_check(1)").fetchone()[0]
            if problem != "ok":
                raise self._damaged(problem)
        return version

    @property
    def readable(self) -> bool:
        """True if the schema is of this release; `write` makes it so."""
        return self._version == VERSION

    def check_readable(self) -> None:
        """Raise `LedgerError` for a schema of an earlier release, which only `write` migrates."""
        self._check_readable(self._version)

    def write(self, ids: str = "derived") -> None:
        """Let this process write: the caller has the folder's lock.

        Args:
            ids: The custom_ids of a new job: `"derived"` or `"own"`.

        Raises:
            LedgerTooNewError: A newer release has changed the file since it was opened.
        """
        # Another process, of another release, may have had the lock since this one opened the file.
        version = self._run("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise LedgerTooNewError(self.place, version, VERSION)
        with self._ours():
            self._run("PRAGMA query_only = OFF")
            self._run("PRAGMA journal_mode = WAL")
            self._run("PRAGMA synchronous = FULL")
            self._run(f"PRAGMA cache_size = -{_CACHE}")
        with self.transaction():
            self._run(f"PRAGMA application_id = {APPLICATION_ID}")
            for number in range(version, VERSION):
                for statement in statements(MIGRATIONS[number]):
                    self._run(statement)
            self._run(f"PRAGMA user_version = {VERSION}")
            self.found(ids)
            # The folder's lock proves that earlier processes are gone.
            self._run("DELETE FROM worker")
            self._run(
                "INSERT INTO worker (id, host, pid, expires) VALUES (?, ?, ?, ?)",
                (self.worker, socket.gethostname(), os.getpid(), 9e15),
            )
        self._version = VERSION

    def _run(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        with self._mutex, self._ours():
            return self._connection.execute(sql, parameters)

    def _run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        with self._mutex, self._ours():
            return self._connection.executemany(sql, rows).rowcount

    def _insert(
        self, shard: int, positions: Sequence[int], keys: Sequence[bytes], places: Iterable[int]
    ) -> int:
        first = positions[0]
        numbers = [
            position - first << _PLACE_BITS | place for position, place in zip(positions, places, strict=True)
        ]
        # Other threads go on meanwhile: one statement is one call without Python's lock.
        added: int = self._run(
            "INSERT INTO item (position, key, shard, place) "
            "SELECT ?1 + (value >> ?2), substr(?3, key * ?4 + 1, ?4), ?5, value & ?6 FROM json_each(?7) "
            "WHERE true ON CONFLICT DO NOTHING",
            (
                first, _PLACE_BITS, b"".join(keys), KEY_BYTES, shard, (1 << _PLACE_BITS) - 1,
                orjson.dumps(numbers),
            ),
        ).rowcount  # fmt: skip
        return added

    def _now(self) -> float:
        return time.time()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Generator[None]:
        """Commit all statements of the block, or none."""
        with self._mutex:
            if self._depth:
                yield
                return
            self._check_open()
            self._commit_portions()
            with self._undone_by_errors():
                self._begin(durable=durable)
                yield
                self._run("COMMIT")

    @contextmanager
    def portion(self) -> Generator[None]:
        """Write a portion of the rows that are added: some are committed together, or by the next transaction."""
        with self._mutex:
            if self._depth:
                yield
                return
            self._check_open()
            self.check_portions()
            with self._undone_by_errors():
                if self._open_since is None:
                    # Noted first, for an interrupt in between.
                    self._open_since = self._connection.total_changes
                    self._begin(durable=False)
                yield
            if self._connection.total_changes - self._open_since >= _CHANGES:
                self._commit_portions()

    def check_portions(self) -> None:
        """Check that no portion was undone.

        Raises:
            LedgerError: One was, by the failure of another thread say. The call that wrote it must not go on.
        """
        self._notice_loss()
        if self._undone:
            raise LedgerError(
                f"{self.path}: rows could not be written, and nothing was added. Add them again."
            )

    def _notice_loss(self) -> None:
        """Notice that SQLite has rolled a transaction back by itself, in a statement of whichever thread."""
        if self._open_since is not None and not self._connection.in_transaction:
            self._open_since, self._undone = None, True

    def _commit_portions(self) -> None:
        self._notice_loss()
        if self._open_since is not None:
            with self._undone_by_errors():
                self._run("COMMIT")
                self._open_since = None

    def _begin(self, *, durable: bool) -> None:
        if durable != self._durable:
            self._run(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        self._run("BEGIN IMMEDIATE")

    @contextmanager
    def _undone_by_errors(self) -> Generator[None]:
        """Have the block's statements in the transaction that has begun, and roll it back after an error."""
        try:
            self._depth = 1
            yield
        except BaseException:
            if self._open_since is not None:
                # Another thread may have come upon it, so that the call that added them doesn't know.
                self._open_since, self._undone = None, True
            # A full disk has SQLite roll back by itself.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        finally:
            self._depth = 0

    def _begin_snapshot(self) -> None:
        self._commit_portions()
        self._run("BEGIN")

    @contextmanager
    def _exclusive(self) -> Generator[None]:
        """Have a larger cache: the keys of new rows are spread over their whole index. The lock is the folder's."""
        self._undone = False
        self._run(f"PRAGMA cache_size = -{_CACHE_TO_ADD}")
        try:
            yield
        finally:
            with suppress(LedgerError), self._mutex:
                # Nothing is left of a call that ended well. After an error of the disk, the rest is undone.
                self._commit_portions()
            self._run(f"PRAGMA cache_size = -{_CACHE}")
            self._run("PRAGMA shrink_memory")

    def check_lease(self) -> None:
        """Do nothing: the folder's lock ends with the process."""

    def close(self) -> None:
        """Close the file."""
        with self._mutex:
            self._closed = True
            self._connection.close()

    @contextmanager
    def _ours(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: sqlite3.Error) -> LedgerError:
        if self._closed:
            return self._closed_error()
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return LedgerFullError(f"{self.path}: the disk is full. Make room, and run the job again.")
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return self._damaged(error)
        return LedgerError(f"{self.path}: the ledger can't be used: {error}")

    def _check_open(self) -> None:
        if self._closed:
            raise self._closed_error()

    def _closed_error(self) -> LedgerError:
        return closed_error(f"the job {str(self.path.parent)!r}")

    def _damaged(self, problem: object) -> LedgerDamagedError:
        return LedgerDamagedError(
            f"{self.path} is damaged: {problem}. Nothing was overwritten. Restore it from a copy; "
            "the bodies and results beside it are as they were."
        )


def _check_size(path: Path) -> None:
    """Compare a file's size with the number of pages in its header.

    SQLite itself notices a truncated file only when it comes to a missing page.
    """
    try:
        with path.open("rb") as file:
            head = file.read(100)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return
    except OSError as error:
        raise LedgerError(f"{path}: the ledger can't be opened: {error.strerror}") from error
    if not head:
        return
    if len(head) < 100 or head[:16] != b"SQLite format 3\0":
        raise LedgerDamagedError(
            f"{path} is damaged: it is not a SQLite file. Nothing was overwritten. {RESTORE}"
        )
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    told = pages * (65536 if page == 1 else page)
    wal = path.with_name(f"{path.name}-wal")
    if size < told and not (wal.exists() and wal.stat().st_size):
        raise LedgerDamagedError(
            f"{path} is truncated: it has {size:,} bytes, and its header requires {told:,}. Nothing was overwritten. "
            f"{RESTORE}"
        )
