"""What a sandbox remembers, in SQLite.

A batch is uploaded in chunks that are committed one by one and belong to nobody until the batch's own row
is written: that row is the acknowledgement. So an upload of any size holds the lock for short moments only,
and a process killed in the middle of one leaves rows that the next start sweeps away.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["BatchRow", "Store", "StoredRequest"]

_LAYOUT: Final = 1

_TABLES: Final = """
create table if not exists batch (
    number integer primary key autoincrement,
    id text not null unique,
    size integer not null default 0,
    startup real not null default 0,
    step real not null default 0,
    work real not null default 0,
    created_at real,            -- null until the whole batch is here
    cancel_at real,
    looked_at real,
    ended_at real,              -- null until the outcome is settled
    done_until real not null default 0,
    unfinished text not null default 'expired',
    succeeded integer not null default 0,
    errored integer not null default 0,
    canceled integer not null default 0,
    expired integer not null default 0,
    deleted integer not null default 0
);
create table if not exists request (
    batch integer not null,
    position integer not null,
    custom_id text not null,
    params blob not null,
    outcome text not null,
    error blob,
    slow real not null,
    primary key (batch, position)
) without rowid;
create table if not exists answer (
    batch integer not null,
    position integer not null,
    message blob not null,
    primary key (batch, position)
) without rowid;
create table if not exists mark (
    batch integer not null,
    slice integer not null,
    start integer not null,
    primary key (batch, slice)
) without rowid;
create table if not exists clock (one integer primary key check (one = 1), latest real not null);
"""

_ANY_BATCH: Final = "select * from batch where created_at is not null and deleted = 0"
# A request that is not done when its batch ends has the batch's `unfinished` outcome instead of its own.
_COUNTS: Final = """
select
    case when :startup + :step * (position + 1) + slow <= :done_until then outcome else :unfinished end,
    count(*)
from request where batch = :number group by 1
"""
_REQUESTS: Final = """
select position, custom_id, params,
    case when :startup + :step * (position + 1) + slow <= :done_until then outcome else :unfinished end
        as outcome,
    error, slow
from request where batch = :number and position in (select value from json_each(:positions))
"""
_ANSWERS: Final = """
select position, message from answer
where batch = :number and position in (select value from json_each(:positions))
"""
_ACKNOWLEDGE: Final = """
update batch set id = :id, size = :size, startup = :startup, step = :step, created_at = :created_at,
    work = (select max(:startup + :step * (position + 1) + slow) from request where batch = :number)
where number = :number
"""
_SETTLE: Final = """
update batch set ended_at = :ended_at, done_until = :done_until, unfinished = :unfinished,
    succeeded = :succeeded, errored = :errored, canceled = :canceled, expired = :expired
where number = :number
"""
_NOTE_TIME: Final = """
insert into clock values (1, ?) on conflict (one) do update set latest = max(latest, excluded.latest)
"""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch as it is stored; times are in sandbox seconds since the epoch.

    `number` counts the batches of a state. `done_until`, `unfinished` and the four counts mean something
    once `ended_at` is set.
    """

    number: int
    id: str
    size: int
    startup: float
    step: float
    work: float
    created_at: float
    cancel_at: float | None
    looked_at: float | None
    ended_at: float | None
    done_until: float
    unfinished: str
    succeeded: int
    errored: int
    canceled: int
    expired: int


class StoredRequest(NamedTuple):
    """One request of a batch: where it stands in it, and what is to become of it if it gets to run."""

    position: int
    custom_id: str
    params: bytes
    outcome: str
    error: bytes | None
    slow: float


class Store:
    """The state of a sandbox; every method may be called from any thread.

    Args:
        path: the file to keep it in. By default SQLite keeps it in memory and spills what is large to an
            anonymous temporary file, which is gone with the process.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._lock = threading.RLock()
        try:
            self._database = sqlite3.connect(
                "" if path is None else path, timeout=0, check_same_thread=False, isolation_level=None
            )
        except sqlite3.Error as error:
            raise ValueError(f"the state file {path} can't be opened: {error}") from error
        self._database.row_factory = sqlite3.Row
        try:
            self._open(in_file=path is not None)
        except sqlite3.Error as error:
            self._database.close()
            raise ValueError(
                f"{path} is not a state file of the sandbox, or another one has it open: {error}"
            ) from error

    def _open(self, *, in_file: bool) -> None:
        run = self._database.execute
        if in_file:
            # One sandbox at a time. The write-ahead log survives a killed process, if not a power cut.
            run("pragma locking_mode = exclusive")
            run("pragma journal_mode = wal")
            run("pragma synchronous = normal")
        layout = run("pragma user_version").fetchone()[0]
        if layout not in (0, _LAYOUT):
            raise sqlite3.DatabaseError(
                f"its layout is number {layout}, and this sandbox knows number {_LAYOUT}"
            )
        self._database.executescript(_TABLES)
        run(f"pragma user_version = {_LAYOUT}")
        for row in run("select number from batch where created_at is null").fetchall():
            self.discard(row["number"])

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Keep every other thread away between a look at a batch and what is decided from it."""
        with self._lock:
            yield

    @contextlib.contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("begin")
            try:
                yield self._database
            except BaseException:
                self._database.execute("rollback")
                raise
            self._database.execute("commit")

    # Uploading

    def begin(self, provisional_id: str) -> int:
        """Make room for a batch that is about to be uploaded; its number."""
        with self._transaction() as database:
            number = database.execute("insert into batch (id) values (?)", (provisional_id,)).lastrowid
        assert number is not None
        return number

    def add(self, number: int, requests: Iterable[StoredRequest]) -> None:
        with self._transaction() as database:
            database.executemany(
                "insert into request values (?, ?, ?, ?, ?, ?, ?)",
                ((number, *request) for request in requests),
            )

    def discard(self, number: int) -> None:
        """Forget an upload that came to nothing."""
        with self._transaction() as database:
            database.execute("delete from request where batch = ?", (number,))
            database.execute("delete from batch where number = ?", (number,))

    def acknowledge(
        self, number: int, *, id: str, size: int, startup: float, step: float, created_at: float
    ) -> BatchRow:
        """Turn an upload into a batch; from here on it is there for good."""
        with self._transaction() as database:
            database.execute(
                _ACKNOWLEDGE,
                {
                    "number": number,
                    "id": id,
                    "size": size,
                    "startup": startup,
                    "step": step,
                    "created_at": created_at,
                },
            )
            self._note_time(created_at)
        return self._by_number(number)

    # Batches

    def find(self, id: str) -> BatchRow | None:
        with self._lock:
            row = self._database.execute(f"{_ANY_BATCH} and id = ?", (id,)).fetchone()
        return None if row is None else _batch(row)

    def cursor(self, id: str) -> int | None:
        """The number of a batch, also of a deleted one: a page may start next to a batch that is gone."""
        with self._lock:
            row = self._database.execute("select number from batch where id = ?", (id,)).fetchone()
        return None if row is None else row["number"]

    def newest(self, limit: int, *, before: int | None = None) -> list[BatchRow]:
        """At most `limit` batches, newest first, of those older than number `before`."""
        with self._lock:
            rows = self._database.execute(
                f"{_ANY_BATCH} and (:before is null or number < :before) order by number desc limit :limit",
                {"before": before, "limit": limit},
            ).fetchall()
        return [_batch(row) for row in rows]

    def oldest_after(self, limit: int, number: int) -> list[BatchRow]:
        """The `limit` batches that came right after batch `number`, oldest first."""
        with self._lock:
            rows = self._database.execute(
                f"{_ANY_BATCH} and number > ? order by number limit ?", (number, limit)
            ).fetchall()
        return [_batch(row) for row in rows]

    def cancel(self, number: int, at: float) -> BatchRow:
        """Remember when a batch was canceled first."""
        with self._transaction() as database:
            database.execute(
                "update batch set cancel_at = coalesce(cancel_at, ?) where number = ?", (at, number)
            )
            self._note_time(at)
        return self._by_number(number)

    def look(self, number: int, at: float) -> BatchRow:
        """Remember when somebody first looked at a batch."""
        with self._transaction() as database:
            database.execute(
                "update batch set looked_at = coalesce(looked_at, ?) where number = ?", (at, number)
            )
            self._note_time(at)
        return self._by_number(number)

    def settle(self, batch: BatchRow, *, ended_at: float, done_until: float, unfinished: str) -> BatchRow:
        """Write down how a batch ended; from here on its counts and results stay as they are."""
        settled = _pace(batch) | {"done_until": done_until, "unfinished": unfinished}
        with self._transaction() as database:
            counts: Mapping[str, int] = dict(database.execute(_COUNTS, settled).fetchall())
            for outcome in ("succeeded", "errored", "canceled", "expired"):
                settled[outcome] = counts.get(outcome, 0)
            database.execute(_SETTLE, settled | {"ended_at": ended_at})
            self._note_time(ended_at)
        return self._by_number(batch.number)

    def delete(self, number: int) -> None:
        """Remove a batch with all that belongs to it, but keep its place in the list."""
        with self._transaction() as database:
            database.execute("update batch set deleted = 1 where number = ?", (number,))
            database.execute("delete from request where batch = ?", (number,))
            database.execute("delete from answer where batch = ?", (number,))
            database.execute("delete from mark where batch = ?", (number,))

    # Requests and results

    def requests(self, batch: BatchRow, positions: Sequence[int]) -> list[StoredRequest]:
        """The requests at these positions, in this order, with the outcome that they have in the end."""
        with self._lock:
            rows = self._database.execute(
                _REQUESTS, _pace(batch) | {"positions": _listed(positions)}
            ).fetchall()
        found = {row["position"]: StoredRequest(*row) for row in rows}
        return [found[position] for position in positions if position in found]

    def answered(self, number: int, positions: Sequence[int]) -> dict[int, bytes]:
        """The messages that a reply function wrote for these positions."""
        with self._lock:
            rows = self._database.execute(
                _ANSWERS, {"number": number, "positions": _listed(positions)}
            ).fetchall()
        return {row["position"]: row["message"] for row in rows}

    def answer(
        self, number: int, messages: Iterable[tuple[int, bytes]], errors: Iterable[tuple[int, bytes]]
    ) -> None:
        """Keep what a reply function made of some requests: messages, or the errors that it raised."""
        with self._transaction() as database:
            database.executemany(
                "insert or replace into answer values (?, ?, ?)",
                ((number, position, message) for position, message in messages),
            )
            database.executemany(
                "update request set outcome = 'errored', error = ? where batch = ? and position = ?",
                ((error, number, position) for position, error in errors),
            )

    def marks(self, number: int) -> list[int]:
        """The byte at which each slice of the results starts, and last the size of all; empty if unknown."""
        with self._lock:
            rows = self._database.execute(
                "select start from mark where batch = ? order by slice", (number,)
            ).fetchall()
        return [row["start"] for row in rows]

    def mark(self, number: int, starts: Sequence[int]) -> None:
        with self._transaction() as database:
            database.executemany(
                "insert or ignore into mark values (?, ?, ?)",
                ((number, index, start) for index, start in enumerate(starts)),
            )

    # Time

    def latest_time(self) -> float:
        """The latest sandbox time that this state knows of."""
        with self._lock:
            row = self._database.execute("select latest from clock").fetchone()
        return 0.0 if row is None else row["latest"]

    def note_time(self, now: float) -> None:
        with self._transaction():
            self._note_time(now)

    def _note_time(self, now: float) -> None:
        self._database.execute(_NOTE_TIME, (now,))

    def _by_number(self, number: int) -> BatchRow:
        with self._lock:
            return _batch(
                self._database.execute("select * from batch where number = ?", (number,)).fetchone()
            )


def _batch(row: sqlite3.Row) -> BatchRow:
    return BatchRow(**{name: row[name] for name in BatchRow.__dataclass_fields__})


def _pace(batch: BatchRow) -> dict[str, float | int | str]:
    """What decides which requests of a batch were done when it ended."""
    return {
        "number": batch.number,
        "startup": batch.startup,
        "step": batch.step,
        "done_until": batch.done_until,
        "unfinished": batch.unfinished,
    }


def _listed(positions: Sequence[int]) -> str:
    return f"[{','.join(map(str, positions))}]"
