"""The state of a sandbox, in SQLite.

A batch is uploaded in chunks. Each is committed on its own, and belongs to no batch until the row of the batch is
acknowledged. So an upload of any size holds the lock for short moments only, and the next start removes the rows
of an upload that a killed process left behind.

Each row has a checksum. A state file with a damaged row is refused at the start: SQLite itself only notices
damage to its own structure.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import zlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import attrs
from attrs import frozen

__all__ = ["BatchRow", "Filter", "Matches", "Owner", "Store", "StoredRequest"]

_LAYOUT: Final = 2

# `check` is a checksum of the other columns. The columns of filters and searches precede the large ones.
_TABLES: Final = """
create table if not exists batch (
    number integer primary key autoincrement,
    id text not null unique,
    key text not null default '',
    workspace text not null default '',
    size integer not null default 0,
    startup real not null default 0,
    step real not null default 0,
    work real not null default 0,
    created_at real,            -- null until the whole batch is uploaded
    cancel_at real,
    looked_at real,
    ended_at real,              -- null until the outcome is settled
    done_until real not null default 0,
    unfinished text not null default 'expired',
    succeeded integer not null default 0,
    errored integer not null default 0,
    canceled integer not null default 0,
    expired integer not null default 0,
    deleted integer not null default 0,
    "check" integer not null default 0
);
create table if not exists request (
    batch integer not null,
    position integer not null,
    custom_id text not null,
    outcome text not null,
    slow real not null,
    "check" integer not null,
    error blob,
    params blob not null,
    primary key (batch, position)
) without rowid;
create table if not exists answer (
    batch integer not null,
    position integer not null,
    "check" integer not null,
    message blob not null,
    primary key (batch, position)
) without rowid;
create table if not exists mark (
    batch integer not null,
    slice integer not null,
    start integer not null,
    primary key (batch, slice)
) without rowid;
create table if not exists clock (
    one integer primary key check (one = 1), latest real not null, "check" integer not null
);
"""

_ANY_BATCH: Final = "select * from batch where created_at is not null and deleted = 0"
_OWNED: Final = "and (:key is null or (key = :key and workspace = :workspace))"
# A request that is not done when its batch ends has the batch's `unfinished` outcome instead of its own.
_OUTCOME: Final = (
    "case when :startup + :step * (position + 1) + slow <= :done_until then outcome else :unfinished end"
)
_COUNTS: Final = f"select {_OUTCOME}, count(*) from request where batch = :number group by 1"  # noqa: S608 - constants
_COLUMNS: Final = f"position, custom_id, params, {_OUTCOME} as outcome, error, slow"
_REQUESTS: Final = f"""
select {_COLUMNS} from request
where batch = :number and position in (select value from json_each(:positions))
"""  # noqa: S608 - constants
# The requests that a filter of the page matches. Their columns precede `params`, so no params are read.
_MATCHES: Final = f"""
batch = :number and (:text = '' or instr(custom_id, :text) > 0) and (:outcome = '' or {_OUTCOME} = :outcome)
"""
_ANSWERS: Final = """
select position, message from answer
where batch = :number and position in (select value from json_each(:positions))
"""
_ACKNOWLEDGE: Final = """
update batch set id = :id, key = :key, workspace = :workspace, size = :size, startup = :startup, step = :step,
    created_at = :created_at,
    work = (select max(:startup + :step * (position + 1) + slow) from request where batch = :number)
where number = :number
"""
_SETTLE: Final = """
update batch set ended_at = :ended_at, done_until = :done_until, unfinished = :unfinished,
    succeeded = :succeeded, errored = :errored, canceled = :canceled, expired = :expired
where number = :number
"""


@frozen
class BatchRow:
    """A batch as it is stored. Times are in sandbox seconds since the epoch.

    `number` counts the batches of a state. `done_until`, `unfinished` and the four counts have a meaning once
    `ended_at` is set.
    """

    number: int
    id: str
    key: str
    workspace: str
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


_FIELDS: Final = tuple(field.name for field in attrs.fields(BatchRow))


class StoredRequest(NamedTuple):
    """A request of a batch: its position, its content, and its outcome if it is processed in time."""

    position: int
    custom_id: str
    params: bytes
    outcome: str
    error: bytes | None
    slow: float


class Owner(NamedTuple):
    """The key and the workspace that a batch belongs to."""

    key: str
    workspace: str


class Filter(NamedTuple):
    """A filter of requests: an outcome and a part of the `custom_id`, both empty for all requests."""

    outcome: str = ""
    text: str = ""


class Matches(NamedTuple):
    """The requests that a filter matches.

    Attributes:
        positions: The positions on the page.
        total: The number of all matching requests.
        before: The number of matching requests before the page.
        previous: The first position of the page before, if there is one.
    """

    positions: list[int]
    total: int
    before: int
    previous: int | None


class _DamagedError(Exception):
    """A state file whose content does not agree with its checksums."""


class Store:
    """The state of a sandbox. Every method can be called from any thread.

    Args:
        path: The state file. By default SQLite keeps the state in memory, and spills to an anonymous temporary
            file that ends with the process.

    Raises:
        ValueError: The file is damaged, not a state file, or open in another sandbox.
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
        except (sqlite3.Error, _DamagedError, OverflowError, TypeError) as error:
            self._database.close()
            if "locked" in str(error):
                raise ValueError(f"the state file {path} is open in another sandbox") from error
            raise ValueError(
                f"{path} is damaged or not a state file of the sandbox ({error}): restore a copy of it, or delete "
                "it to start with an empty state"
            ) from error

    def _open(self, *, in_file: bool) -> None:
        run = self._database.execute
        if in_file:
            # One sandbox at a time. The write-ahead log survives a killed process, but not a power cut.
            run("pragma locking_mode = exclusive")
            run("pragma journal_mode = wal")
            run("pragma synchronous = normal")
        layout = run("pragma user_version").fetchone()[0]
        tables = run("select count(*) from sqlite_master").fetchone()[0]
        if tables:
            if layout != _LAYOUT:
                raise _DamagedError(f"its layout is number {layout}, this sandbox reads number {_LAYOUT}")
            self._verify()
        else:
            self._database.executescript(_TABLES)
            run(f"pragma user_version = {_LAYOUT}")
        run("delete from mark")  # offsets are generated again, so they need no checksum
        for row in run("select number from batch where created_at is null").fetchall():
            self.discard(row["number"])

    def _verify(self) -> None:
        """Compare the whole file with its checksums.

        Raises:
            _DamagedError: They disagree.
        """
        run = self._database.execute
        state = run("pragma integrity_check(1)").fetchone()[0]
        if state != "ok":
            raise _DamagedError(str(state))
        with contextlib.closing(sqlite3.connect("")) as fresh:
            fresh.executescript(_TABLES)
            layout = "select name, sql from sqlite_master where sql is not null order by name"
            if [(name, sql) for name, sql in run(layout)] != fresh.execute(layout).fetchall():
                raise _DamagedError("its tables were changed")
        sizes: dict[int, int] = {}
        for row in run("select * from batch"):
            if row["check"] != _check(tuple(row)[:-1]):
                raise _DamagedError(f"batch number {row['number']} fails its checksum")
            if row["created_at"] is not None and not row["deleted"]:
                sizes[row["number"]] = row["size"]
        for row in run(
            'select batch, position, custom_id, outcome, slow, error, params, "check" from request'
        ):
            if row["check"] != _request_check(*tuple(row)[:-1]):
                raise _DamagedError(
                    f"request {row['position']} of batch number {row['batch']} fails its checksum"
                )
        counts: dict[int, int] = dict(run("select batch, count(*) from request group by batch").fetchall())
        if any(counts.get(number) != size for number, size in sizes.items()):
            raise _DamagedError("requests are missing")
        for row in run('select batch, position, message, "check" from answer'):
            if row["check"] != _check(tuple(row)[:-1]):
                raise _DamagedError(f"an answer of batch number {row['batch']} fails its checksum")
        for row in run('select latest, "check" from clock'):
            if row["check"] != _check(tuple(row)[:-1]):
                raise _DamagedError("the time fails its checksum")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Exclude all other threads, from reading a batch to the decision that follows from it."""
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

    # Uploads

    def begin(self, provisional_id: str) -> int:
        """Return the number of a new upload."""
        with self._transaction() as database:
            number = database.execute("insert into batch (id) values (?)", (provisional_id,)).lastrowid
            assert number is not None
            self._seal(number)
        return number

    def add(self, number: int, requests: Iterable[StoredRequest]) -> None:
        """Store a chunk of an upload."""
        with self._transaction() as database:
            database.executemany(
                "insert into request values (?, ?, ?, ?, ?, ?, ?, ?)",
                (_request_values(number, request) for request in requests),
            )

    def discard(self, number: int) -> None:
        """Remove an unfinished upload."""
        with self._transaction() as database:
            database.execute("delete from request where batch = ?", (number,))
            database.execute("delete from batch where number = ?", (number,))

    def acknowledge(
        self, number: int, *, id: str, owner: Owner, size: int, startup: float, step: float, created_at: float
    ) -> BatchRow:
        """Turn an upload into a batch. From here on the batch survives a killed process."""
        values = {
            "number": number,
            "id": id,
            "key": owner.key,
            "workspace": owner.workspace,
            "size": size,
            "startup": startup,
            "step": step,
            "created_at": created_at,
        }
        with self._transaction() as database:
            database.execute(_ACKNOWLEDGE, values)
            self._seal(number)
            self._note_time(created_at)
        return self._by_number(number)

    # Batches

    def find(self, id: str, owner: Owner | None = None) -> BatchRow | None:
        """Return the batch of an id, if it belongs to the owner; without one, any batch."""
        with self._lock:
            row = self._database.execute(
                f"{_ANY_BATCH} and id = :id {_OWNED}", {"id": id, **_owned(owner)}
            ).fetchone()
        return None if row is None else _batch(row)

    def cursor(self, id: str, owner: Owner | None = None) -> int | None:
        """Return the number of a batch, even of a deleted one: a page may start next to it."""
        with self._lock:
            row = self._database.execute(
                f"select number from batch where id = :id {_OWNED}",  # noqa: S608 - constants
                {"id": id, **_owned(owner)},
            ).fetchone()
        return None if row is None else row["number"]

    def newest(self, limit: int, *, before: int | None = None, owner: Owner | None = None) -> list[BatchRow]:
        """Return at most `limit` batches, newest first, of those older than number `before`."""
        with self._lock:
            rows = self._database.execute(
                f"{_ANY_BATCH} {_OWNED} and (:before is null or number < :before) "
                "order by number desc limit :limit",
                {"before": before, "limit": limit, **_owned(owner)},
            ).fetchall()
        return [_batch(row) for row in rows]

    def oldest_after(self, limit: int, number: int, *, owner: Owner | None = None) -> list[BatchRow]:
        """Return the `limit` batches right after batch `number`, oldest first."""
        with self._lock:
            rows = self._database.execute(
                f"{_ANY_BATCH} {_OWNED} and number > :number order by number limit :limit",
                {"number": number, "limit": limit, **_owned(owner)},
            ).fetchall()
        return [_batch(row) for row in rows]

    def unsettled(self, key: str) -> list[BatchRow]:
        """Return the batches of a key whose outcome is not settled."""
        with self._lock:
            rows = self._database.execute(f"{_ANY_BATCH} and key = ? and ended_at is null", (key,)).fetchall()
        return [_batch(row) for row in rows]

    def cancel(self, number: int, at: float) -> BatchRow:
        """Store the time of the first cancel."""
        return self._update(
            number, at, "update batch set cancel_at = coalesce(cancel_at, ?) where number = ?", (at, number)
        )

    def look(self, number: int, at: float) -> BatchRow:
        """Store the time of the first request about a batch."""
        return self._update(
            number, at, "update batch set looked_at = coalesce(looked_at, ?) where number = ?", (at, number)
        )

    def settle(self, batch: BatchRow, *, ended_at: float, done_until: float, unfinished: str) -> BatchRow:
        """Store the end of a batch. From here on its counts and results stay the same."""
        settled = _pace(batch) | {"done_until": done_until, "unfinished": unfinished}
        with self._transaction() as database:
            counts: Mapping[str, int] = dict(database.execute(_COUNTS, settled).fetchall())
            for outcome in ("succeeded", "errored", "canceled", "expired"):
                settled[outcome] = counts.get(outcome, 0)
            database.execute(_SETTLE, settled | {"ended_at": ended_at})
            self._seal(batch.number)
            self._note_time(ended_at)
        return self._by_number(batch.number)

    def delete(self, number: int) -> None:
        """Remove a batch and its content, but keep its place in the list."""
        with self._transaction() as database:
            database.execute("update batch set deleted = 1 where number = ?", (number,))
            database.execute("delete from request where batch = ?", (number,))
            database.execute("delete from answer where batch = ?", (number,))
            database.execute("delete from mark where batch = ?", (number,))
            self._seal(number)

    def _update(self, number: int, at: float, statement: str, values: tuple[object, ...]) -> BatchRow:
        with self._transaction() as database:
            database.execute(statement, values)
            self._seal(number)
            self._note_time(at)
        return self._by_number(number)

    def _seal(self, number: int) -> None:
        """Write the checksum of the row of a batch."""
        row = self._database.execute("select * from batch where number = ?", (number,)).fetchone()
        if row is not None:
            self._database.execute(
                'update batch set "check" = ? where number = ?', (_check(tuple(row)[:-1]), number)
            )

    # Requests and results

    def requests(self, batch: BatchRow, positions: Sequence[int]) -> list[StoredRequest]:
        """Return the requests at these positions, in this order, with their final outcomes."""
        with self._lock:
            rows = self._database.execute(
                _REQUESTS, _pace(batch) | {"positions": _listed(positions)}
            ).fetchall()
        found = {row["position"]: StoredRequest(*row) for row in rows}
        return [found[position] for position in positions if position in found]

    def matches(self, batch: BatchRow, wanted: Filter, start: int, limit: int) -> Matches:
        """Return the positions of at most `limit` requests from position `start` on that a filter matches."""
        values = _pace(batch) | wanted._asdict() | {"start": start, "limit": limit}
        with self._lock:
            run = self._database.execute
            shown = run(
                f"select position from request where {_MATCHES} and position >= :start "  # noqa: S608 - constants
                "order by position limit :limit",
                values,
            ).fetchall()
            total, before = run(
                f"select count(*), coalesce(sum(position < :start), 0) from request where {_MATCHES}",  # noqa: S608
                values,
            ).fetchone()
            previous = run(
                "select min(position) from (select position from request "  # noqa: S608 - constants
                f"where {_MATCHES} and position < :start order by position desc limit :limit)",
                values,
            ).fetchone()[0]
        return Matches([row["position"] for row in shown], total, before, previous)

    def answered(self, number: int, positions: Sequence[int]) -> dict[int, bytes]:
        """Return the messages of the reply function for these positions."""
        with self._lock:
            rows = self._database.execute(
                _ANSWERS, {"number": number, "positions": _listed(positions)}
            ).fetchall()
        return {row["position"]: row["message"] for row in rows}

    def answer(
        self,
        number: int,
        messages: Iterable[tuple[int, bytes]],
        errors: Iterable[tuple[StoredRequest, bytes]],
    ) -> None:
        """Store the messages and the errors of a reply function."""
        with self._transaction() as database:
            database.executemany(
                "insert or replace into answer values (?, ?, ?, ?)",
                (
                    (number, position, _check((number, position, message)), message)
                    for position, message in messages
                ),
            )
            database.executemany(
                "insert or replace into request values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    _request_values(number, request._replace(outcome="errored", error=error))
                    for request, error in errors
                ),
            )

    def marks(self, number: int) -> list[int]:
        """Return the offset of each slice of the results, and last their size; empty if unknown."""
        with self._lock:
            rows = self._database.execute(
                "select start from mark where batch = ? order by slice", (number,)
            ).fetchall()
        return [row["start"] for row in rows]

    def mark(self, number: int, starts: Sequence[int]) -> None:
        """Store the offset of each slice of the results."""
        with self._transaction() as database:
            database.executemany(
                "insert or ignore into mark values (?, ?, ?)",
                ((number, index, start) for index, start in enumerate(starts)),
            )

    # Time

    def latest_time(self) -> float:
        """Return the latest sandbox time of this state."""
        with self._lock:
            row = self._database.execute("select latest from clock").fetchone()
        return 0.0 if row is None else row["latest"]

    def note_time(self, now: float) -> None:
        """Store a sandbox time."""
        with self._transaction():
            self._note_time(now)

    def _note_time(self, now: float) -> None:
        latest = max(float(now), self.latest_time())
        self._database.execute("insert or replace into clock values (1, ?, ?)", (latest, _check((latest,))))

    def _by_number(self, number: int) -> BatchRow:
        with self._lock:
            return _batch(
                self._database.execute("select * from batch where number = ?", (number,)).fetchone()
            )


def _batch(row: sqlite3.Row) -> BatchRow:
    return BatchRow(*(row[name] for name in _FIELDS))


def _owned(owner: Owner | None) -> dict[str, str | None]:
    return {"key": None, "workspace": None} if owner is None else owner._asdict()


def _request_values(number: int, request: StoredRequest) -> tuple[object, ...]:
    position, custom_id, params, outcome, error, slow = request
    check = _request_check(number, position, custom_id, outcome, slow, error, params)
    return (number, position, custom_id, outcome, slow, check, error, params)


def _request_check(
    number: int, position: int, custom_id: str, outcome: str, slow: float, error: bytes | None, params: bytes
) -> int:
    """Return the checksum of a request. There are many, so it is written out."""
    head = f"{number},{position},{custom_id},{outcome},{slow!r},{error is None}".encode()
    return zlib.crc32(params, zlib.crc32(error or b"", zlib.crc32(head)))


def _check(values: tuple[Any, ...]) -> int:
    """Return the checksum of the columns of a row. A float is compared as SQLite gives it back."""
    small = [value for value in values if not isinstance(value, bytes)]
    check = zlib.crc32(repr(small).encode())
    for value in values:
        if isinstance(value, bytes):
            check = zlib.crc32(value, check)
    return check


def _pace(batch: BatchRow) -> dict[str, float | int | str]:
    """Return the values that decide which requests of a batch were done at its end."""
    return {
        "number": batch.number,
        "startup": batch.startup,
        "step": batch.step,
        "done_until": batch.done_until,
        "unfinished": batch.unfinished,
    }


def _listed(positions: Sequence[int]) -> str:
    return f"[{','.join(map(str, positions))}]"
