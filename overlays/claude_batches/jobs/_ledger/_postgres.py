"""A ledger in PostgreSQL, for several processes on several machines.

A job is a schema of the database, with the same tables as a SQLite ledger has, and one for the blocks of bodies and
results. So every process finds the whole job.

Each process has a lease, which a thread extends. A process whose lease has expired counts as dead: others settle
the shards that it was sending and collect those that it was collecting. It finds out before its next step.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from hashlib import blake2b
from typing import Any, ClassVar

from .._errors import JobOptionsError, LedgerError, LedgerFullError, LedgerTooNewError, closed_error
from .._records import Worker
from ._schema import MIGRATIONS, VERSION, statements
from ._sql import SqlLedger

__all__ = ["PostgresJob", "has_job"]

_NAME = re.compile(r"[^\x00]{1,200}")
#: The part of a lease after which it is extended.
_EXTENDED = 1 / 3

#: The bytes of bodies and results, which a folder has in files.
_STORED = (
    "CREATE TABLE stored (kind INTEGER, shard INTEGER, number INTEGER, data BYTEA NOT NULL, "
    "PRIMARY KEY (kind, shard, number))"
)
_VERSION_TABLE = (
    "CREATE TABLE IF NOT EXISTS version (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL)"
)


class PostgresJob(SqlLedger):
    """The ledger of one job in PostgreSQL.

    Args:
        dsn: The database.
        name: The name of the job.
        ids: The custom_ids of a new job.
        lease_seconds: Seconds without a sign of life after which a process counts as dead.
        read_only: Changes nothing, and has no lease.

    Raises:
        LedgerError: The database can't be used; or there is no such job, and it is only read.
    """

    _lock_rows: ClassVar[str] = " FOR UPDATE SKIP LOCKED"
    _lock_job: ClassVar[str] = " FOR UPDATE"

    def __init__(
        self, dsn: str, name: str, *, ids: str, lease_seconds: float, read_only: bool = False
    ) -> None:
        super().__init__(f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}")
        self.place = _place(name)
        self._schema = _schema_of(name)
        self._key = int.from_bytes(blake2b(self._schema.encode(), digest_size=8).digest(), "big", signed=True)
        self._lease_seconds = lease_seconds
        self._library = _library()
        self._lost = self._closed = False
        # How many calls add or send, whether steps are called, and the noted result of both.
        self._blocks, self._steps, self._works = 0, False, 0
        self._heart: _Heart | None = None
        self._connection = self._connect(dsn)
        try:
            if read_only:
                self._begin_reading()
                return
            self._prepare(ids)
            self._heart = _Heart(self._connect(dsn), self._beat_with, lease_seconds * _EXTENDED)
        except BaseException:
            self._connection.close()
            raise

    def _connect(self, dsn: str) -> Any:
        with self._ours():
            connection = self._library.connect(dsn, autocommit=True, application_name="claude-batches")
            connection.execute(f'SET search_path TO "{self._schema}"')
        return connection

    def _begin_reading(self) -> None:
        self._run("SET default_transaction_read_only TO on")
        version = self._version()
        if not version:
            raise LedgerError(f"{self.place} doesn't exist")
        self._check_readable(version)

    def _prepare(self, ids: str) -> None:
        # Only a ledger that is to be changed waits for others: adding may hold its lock for minutes.
        if self._version() != VERSION:
            with self.exclusive(), self.transaction():
                self._migrate(ids)
        with self.transaction():
            self._run("DELETE FROM worker WHERE expires < ?", (self._now() - 24 * 3600,))
            self._run(
                "INSERT INTO worker (id, host, pid, expires) VALUES (?, ?, ?, ?)",
                (self.worker, socket.gethostname(), os.getpid(), self._now() + self._lease_seconds),
            )

    def _version(self) -> int:
        """Return the version of the schema; 0 where there is none."""
        if self._run("SELECT to_regclass(?)", (f'"{self._schema}".version',)).fetchone()[0] is None:
            return 0
        row = self._run("SELECT number FROM version").fetchone()
        return 0 if row is None else int(row[0])

    def _migrate(self, ids: str) -> None:
        self._run(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"')
        self._run(_VERSION_TABLE)
        version = self._version()
        if version > VERSION:
            raise LedgerTooNewError(self.place, version, VERSION)
        if (
            0 < version < VERSION
            and self._run("SELECT 1 FROM worker WHERE expires > ?", (self._now(),)).fetchone()
        ):
            # An earlier release writes what it knows of, and this one would miss the rest.
            raise LedgerError(
                f"{self.place} has schema {version}, and processes of an earlier release work on it: end them, and "
                f"open it again, which migrates it to schema {VERSION}"
            )
        for number in range(version, VERSION):
            for statement in statements(MIGRATIONS[number]):
                self._run(statement.replace(" BLOB", " BYTEA"))
        if not version:
            self._run(_STORED)
        self._run(
            "INSERT INTO version (id, number) VALUES (1, ?) "
            "ON CONFLICT (id) DO UPDATE SET number = excluded.number",
            (VERSION,),
        )
        self.found(ids)

    def _run(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        with self._mutex, self._ours():
            return self._connection.execute(sql.replace("?", "%s"), tuple(parameters))

    def _run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        with self._mutex, self._ours(), self._connection.cursor() as cursor:
            cursor.executemany(sql.replace("?", "%s"), rows)
            return int(cursor.rowcount)

    def _insert(
        self, shard: int, positions: Sequence[int], keys: Sequence[bytes], places: Iterable[int]
    ) -> int:
        added: int = self._run(
            "INSERT INTO item (position, key, shard, place) SELECT position, key, ?, place "
            "FROM unnest(?::bigint[], ?::bytea[], ?::bigint[]) AS rows (position, key, place) "
            "ON CONFLICT DO NOTHING",
            (shard, list(positions), list(keys), list(places)),
        ).rowcount
        return added

    def _now(self) -> float:
        # The database has one clock for all processes.
        return float(self._run("SELECT extract(epoch FROM clock_timestamp())").fetchone()[0])

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Generator[None]:
        """Commit all statements of the block, or none."""
        with self._mutex:
            if self._depth:
                yield
                return
            self._run("BEGIN")
            self._depth = 1
            try:
                self._run(f"SET LOCAL synchronous_commit TO {'on' if durable else 'off'}")
                yield
                self._run("COMMIT")
            except BaseException:
                if not self._connection.closed:
                    with self._ours():
                        self._connection.rollback()
                raise
            finally:
                self._depth = 0

    def _begin_snapshot(self) -> None:
        self._run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    @contextmanager
    def _exclusive(self) -> Generator[None]:
        """Let one process at a time add or stage rows: the lock ends with the connection."""
        self._run("SELECT pg_advisory_lock(?)", (self._key,))
        try:
            yield
        finally:
            if not self._connection.closed:
                self._run("SELECT pg_advisory_unlock(?)", (self._key,))

    def check_lease(self) -> None:
        """Extend the lease of this process.

        Raises:
            LeaseLostError: It has expired.
        """
        if self._lost or not self._beat_with(self._connection):
            self._lost = True
            raise self.lost_lease()

    def note_work(self) -> None:
        """Note that this process sends requests step by step, until it closes the job."""
        self._work(1)
        self._steps = True

    @contextmanager
    def working(self) -> Generator[None]:
        """Note in the block that this process adds or sends requests."""
        with self._mutex:
            self._blocks += 1
            self._work(1)
        try:
            yield
        finally:
            with self._mutex:
                self._blocks -= 1
                if not self._blocks and not self._steps and not self._connection.closed:
                    with suppress(LedgerError):
                        self._work(0)

    def _work(self, sends: int) -> None:
        if self._works != sends:
            self._run("UPDATE worker SET sends = ? WHERE id = ?", (sends, self.worker))
            self._works = sends

    def workers(self) -> list[Worker]:
        """Return the other processes with a lease that add or send requests."""
        rows = self._run(
            "SELECT pid, host FROM worker WHERE sends = 1 AND id != ? AND expires > ? ORDER BY host, pid",
            (self.worker, self._now()),
        ).fetchall()
        return [Worker(*row) for row in rows]

    def _beat_with(self, connection: Any) -> bool:
        with self._ours():
            changed = connection.execute(
                "UPDATE worker SET expires = extract(epoch FROM clock_timestamp()) + %s "
                "WHERE id = %s AND expires > extract(epoch FROM clock_timestamp())",
                (self._lease_seconds, self.worker),
            ).rowcount
        return bool(changed == 1)

    def close(self) -> None:
        """End the lease and close the connections."""
        if self._heart is not None:
            self._heart.stop()
        with self._mutex:
            if not self._connection.closed:
                if self._heart is not None:
                    self._run("DELETE FROM worker WHERE id = ?", (self.worker,))
                self._connection.close()
            self._closed = True

    # The bytes of bodies and results

    def store(self, kind: int, shard: int, number: int, data: bytes) -> None:
        """Store a block."""
        self._run(
            "INSERT INTO stored (kind, shard, number, data) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (kind, shard, number) DO UPDATE SET data = excluded.data",
            (kind, shard, number, data),
        )

    def stored(self, kind: int, shard: int, number: int) -> bytes | None:
        """Return a block."""
        with self._mutex:
            row = self._run(
                "SELECT data FROM stored WHERE kind = ? AND shard = ? AND number = ?", (kind, shard, number)
            ).fetchone()
        return None if row is None else bytes(row[0])

    def delete_stored(self, kind: int, shard: int) -> None:
        """Delete the blocks of a shard."""
        self._run("DELETE FROM stored WHERE kind = ? AND shard = ?", (kind, shard))

    def _ours(self) -> AbstractContextManager[None]:
        if self._closed:
            raise closed_error(self.place)
        return _translated(self._library, self.place)


class _Heart:
    """Extends a lease from a thread, over a separate connection."""

    def __init__(self, connection: Any, beat: Any, seconds: float) -> None:
        self._connection = connection
        self._beat = beat
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="claude-batches lease", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                if not self._beat(self._connection):
                    return
            except LedgerError:
                # The next step of the job finds out by itself.
                return

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._connection.close()


def has_job(dsn: str, name: str) -> bool:
    """Tell if a database has a job.

    Args:
        dsn: The database.
        name: The name of the job.
    """
    library = _library()
    with _translated(library, _place(name)), library.connect(dsn, autocommit=True) as connection:
        found = connection.execute(
            "SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", (_schema_of(name),)
        ).fetchone()
    return found is not None


def _place(name: str) -> str:
    """Return the job for messages.

    Raises:
        JobOptionsError: It has no such name.
    """
    if not _NAME.fullmatch(name):
        raise JobOptionsError(f"a job's name has 1 to 200 characters; got {name!r}")
    return f"job {name!r} in PostgreSQL"


@contextmanager
def _translated(library: Any, place: str) -> Generator[None]:
    try:
        yield
    except library.errors.DiskFull as error:
        raise LedgerFullError(
            f"{place}: the disk of the server is full. Make room, and run again."
        ) from error
    except library.Error as error:
        # The text of a connection error may repeat the DSN, not its password.
        raise LedgerError(f"{place}: the ledger can't be used: {str(error).strip()}") from error


def _schema_of(name: str) -> str:
    """Return the schema of a job: readable, and another one for each name."""
    digest = blake2b(name.encode(), digest_size=5).hexdigest()
    return f"claude_batches_{re.sub(r'[^a-z0-9]+', '_', name.lower())[:30]}_{digest}"


def _library() -> Any:
    try:
        import psycopg
    except ImportError:
        raise LedgerError("a PostgreSQL ledger needs psycopg: install claude-batches[postgres]") from None
    return psycopg
