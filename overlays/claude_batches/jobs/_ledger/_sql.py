# ruff: noqa: S608  # the texts that are put into statements are names and numbers of this module
"""The statements of a ledger, the same for SQLite and PostgreSQL. The backends say how one is run.

Every step that decides over money is one transaction, and each changes a shard only from the state that it was decided
in. So two processes that come to the same decision do it once.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import starmap
from typing import Any, ClassVar, Final

import attrs
import orjson

from .._errors import JobError, LeaseLostError, LedgerError, LedgerTooNewError, ShardError
from .._ids import new_token
from .._records import (
    COMMITTED,
    FOREIGN,
    Block,
    Item,
    ItemState,
    ItemValues,
    JobFacts,
    JobState,
    Positions,
    Shard,
    ShardState,
    StageWrite,
    Twin,
    Worker,
    WriteState,
)
from ._schema import VERSION

__all__ = ["Spent", "SqlLedger"]

_SHARD: Final = (
    "number, state, kind, requests, bytes, codec, hash, facts, first, owner, sends, intent_at, doubt_at, batch_id, "
    "created_at, ended_at, counts, failures"
)
_ITEM: Final = "position, shard, place, state, attempt, cause, result"
#: A shard without a worker, or with a dead one.
_FREE: Final = "(owner IS NULL OR owner = ? OR owner NOT IN (SELECT id FROM worker WHERE expires > ?))"
_IN_FLIGHT: Final = "state IN ('sending', 'doubt') OR (state = 'open' AND ended_at IS NULL)"
#: The attempts of a row of `item` that failed. A continued turn is not a failure.
_FAILURES: Final = (
    "attempt - (SELECT count(*) FROM earlier WHERE earlier.position = item.position "
    "AND earlier.cause = 'pause_turn')"
)
#: The number of rows that are read at a time.
PAGE: Final = 1000


@attrs.frozen
class Spent:
    """The tokens of a shard's results, summed up by model, service tier, cause, and use of the result."""

    shard: int
    model: str
    tier: str
    cause: str
    kept: bool
    requests: int
    tokens: dict[str, int]
    """Sums of the numbers in `usage`, by dotted name."""


class SqlLedger(ABC):
    """A ledger in a SQL database.

    Args:
        worker: The id of this process.
    """

    place: str
    """The ledger, for messages."""
    _lock_rows: ClassVar[str] = ""
    """The suffix that locks the selected rows and passes over those that others have locked."""
    _lock_job: ClassVar[str] = ""
    """The suffix that waits for the job's row, so that claims come one after the other."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        # An async job does long work in a thread while its loop may read the status.
        self._mutex = threading.RLock()
        self._depth = 0
        self._staging = threading.Lock()
        self._stager: int | None = None

    # Backends ---------------------------------------------------------------------------------------------

    @abstractmethod
    def _run(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Run a statement, return its cursor."""

    @abstractmethod
    def _run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run a statement for each row, return the number of rows that it changed."""

    @abstractmethod
    def _now(self) -> float:
        """Return the time by which leases expire."""

    @abstractmethod
    def transaction(self, *, durable: bool = True) -> AbstractContextManager[None]:
        """Commit all statements of the block, or none; within another one, be a part of that.

        Args:
            durable: Wait until the commit is on disk. Without it, the next durable one makes it so.
        """

    @abstractmethod
    def _begin_snapshot(self) -> None:
        """Begin a transaction that reads one state."""

    @contextmanager
    def portion(self) -> Generator[None]:
        """Write a portion of the rows that are added, within `exclusive`. A later transaction may commit it.

        A crash, an error or an interrupt may undo it with the portions before it. So the shard of its rows is noted by
        a transaction before: the rest of the call is found by it, and its number is not given to another one.
        """
        with self.transaction(durable=False):
            yield

    def check_portions(self) -> None:  # noqa: B027  # a backend may commit each portion at once
        """Check, in the transaction that ends the call, that no portion of it was undone.

        Raises:
            LedgerError: One was.
        """

    @abstractmethod
    def _exclusive(self) -> AbstractContextManager[None]:
        """Let one process at a time add or stage rows."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    @abstractmethod
    def check_lease(self) -> None:
        """Extend the lease of this process.

        Raises:
            LeaseLostError: It has expired.
        """

    def note_work(self) -> None:  # noqa: B027  # a folder has one process, which its lock tells
        """Note that this process sends requests step by step, so that those that only watch wait for it."""

    @contextmanager
    def working(self) -> Generator[None]:
        """Note in the block that this process adds or sends requests."""
        yield

    def workers(self) -> list[Worker]:
        """Return the other processes that add or send requests, as far as the ledger tells."""
        return []

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """Read one state of the ledger in the block, whatever other processes write meanwhile."""
        with self._mutex:
            if self._depth:
                yield
                return
            self._begin_snapshot()
            self._depth = 1
            try:
                yield
            finally:
                self._depth = 0
                self._run("COMMIT")

    @contextmanager
    def exclusive(self) -> Generator[None]:
        """Let one call at a time add or stage rows, among all processes and all threads of this one.

        Raises:
            JobError: It is called while this thread does so already.
        """
        if self._stager == threading.get_ident():
            raise JobError("requests are being added to this job: wait for that call")
        with self._staging:
            self._stager = threading.get_ident()
            try:
                with self._exclusive():
                    yield
            finally:
                self._stager = None

    def _check_readable(self, version: int) -> None:
        """Check the schema of a ledger that is only read.

        Raises:
            LedgerTooNewError: It is of a newer release.
            LedgerError: It is of an older one, and nothing may be changed.
        """
        if version > VERSION:
            raise LedgerTooNewError(self.place, version, VERSION)
        if version < VERSION:
            raise LedgerError(
                f"{self.place} has schema {version}, and reading needs {VERSION}: open the job once, which migrates it"
            )

    # The job ------------------------------------------------------------------------------------------------

    def found(self, ids: str) -> None:
        """Write the job's row if there is not one."""
        self._run(
            "INSERT INTO job (id, token, ids, state, created_at, next_position, next_shard) "
            "VALUES (1, ?, ?, 'active', ?, 0, 1) ON CONFLICT DO NOTHING",
            (new_token(), ids, self._now()),
        )

    def facts(self) -> JobFacts:
        """Return the facts about the job."""
        with self._mutex:
            row = self._run("SELECT token, ids, state, reason, created_at FROM job").fetchone()
        return JobFacts(row[0], row[1], JobState(row[2]), row[3], row[4])

    def set_ids(self, ids: str) -> bool:
        """Set the custom_ids on the wire of a job that has no requests; false if it has some."""
        with self.transaction():
            changed = self._run(
                "UPDATE job SET ids = ? WHERE NOT EXISTS (SELECT 1 FROM item) AND NOT EXISTS (SELECT 1 FROM shard)",
                (ids,),
            ).rowcount
        return bool(changed)

    def options(self) -> dict[str, Any]:
        """Return the stored options."""
        with self._mutex:
            stored: dict[str, Any] = orjson.loads(self._run("SELECT options FROM job").fetchone()[0])
        return stored

    def set_options(self, options: Mapping[str, Any]) -> None:
        """Store options."""
        # Prices may be decimals, and their text is taken as well.
        written = orjson.dumps(options, str).decode()
        with self.transaction():
            self._run("UPDATE job SET options = ?", (written,))

    def set_state(self, state: JobState, reason: str | None) -> None:
        """Pause, cancel or resume the job."""
        with self.transaction():
            self._run("UPDATE job SET state = ?, reason = ?", (state.value, reason))

    def counters(self) -> tuple[int, int]:
        """Return the next position and the next number of a shard."""
        row = self._run(f"SELECT next_position, next_shard FROM job{self._lock_job}").fetchone()
        return row[0], row[1]

    def set_counters(self, position: int, shard: int) -> None:
        """Set them."""
        self._run("UPDATE job SET next_position = ?, next_shard = ?", (position, shard))

    # The input's columns ------------------------------------------------------------------------------------------

    def input_columns(self) -> dict[str, int]:
        """Return the kinds of values in the input's columns by name, in the order of their first appearance."""
        with self._mutex:
            rows = self._run("SELECT name, kinds FROM input_column ORDER BY place").fetchall()
        return {bytes(name).decode(): kinds for name, kinds in rows}

    def add_input_columns(self, found: Mapping[str, int]) -> None:
        """Note the columns of rows that were added, within the transaction that adds them."""
        # Bytes: the text of PostgreSQL can't hold each text of JSON.
        self._run_many(
            "INSERT INTO input_column (name, place, kinds) "
            "VALUES (?, (SELECT coalesce(max(place), -1) + 1 FROM input_column), ?) "
            "ON CONFLICT (name) DO UPDATE SET kinds = input_column.kinds | excluded.kinds",
            [(name.encode(), kinds) for name, kinds in found.items()],
        )

    def unlisted(self) -> int:
        """Return the position up to which the columns of rows may not be noted; 0 if all are."""
        with self._mutex:
            return int(self._run("SELECT unlisted FROM job").fetchone()[0])

    # Rows -------------------------------------------------------------------------------------------------------

    def insert_items(
        self, shard: int, positions: Sequence[int], keys: Sequence[bytes], places: Iterable[int]
    ) -> bool:
        """Add rows; false if a key is there already, and then the caller undoes it.

        Args:
            shard: Their shard.
            positions: Their positions, in order.
            keys: Their keys.
            places: Their places in the shard.
        """
        return not keys or self._insert(shard, positions, keys, places) == len(keys)

    @abstractmethod
    def _insert(
        self, shard: int, positions: Sequence[int], keys: Sequence[bytes], places: Iterable[int]
    ) -> int:
        """Insert rows whose keys are not there, in one statement; return their number.

        A million rows come through here. Binding the values of each takes longer than inserting it.
        """

    def delete_items(self, first: int) -> None:
        """Remove the rows from a position on, which the caller has added."""
        self._run("DELETE FROM item WHERE position >= ?", (first,))

    def insert_twins(self, rows: Sequence[tuple[int, bytes, int, bytes]]) -> None:
        """Add twins: (position, key, position of the row that is sent, columns). Those that are there stay."""
        self._run_many(
            "INSERT INTO twin (position, key, item, columns) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", rows
        )

    def put_twins(self, rows: Sequence[tuple[int, bytes, int, bytes]]) -> None:
        """Add twins as `insert_twins` does; those that are there get the new position, and so come last.

        One without columns is not a row. It says that the columns of the row that is sent were written last.
        """
        self._run_many(
            "INSERT INTO twin (position, key, item, columns) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET position = excluded.position",
            rows,
        )

    def last_twins(self, items: Sequence[int]) -> dict[int, tuple[bytes, Twin]]:
        """Return the last twin of each row that has some, and its key, by the position of the row."""
        found: dict[int, tuple[bytes, Twin]] = {}
        with self._mutex:
            for start in range(0, len(items), PAGE // 2):
                part = items[start : start + PAGE // 2]
                last = f"SELECT max(position) FROM twin WHERE item IN ({', '.join('?' * len(part))}) GROUP BY item"
                for key, position, item, columns in self._run(
                    f"SELECT key, position, item, columns FROM twin WHERE position IN ({last})", part
                ):
                    found[item] = bytes(key), Twin(position, item, bytes(columns))
        return found

    def has_twins(self, positions: Positions | None = None) -> bool:
        """Tell if rows have twins: any, or those between the first and the last of some positions."""
        where, between = "", tuple[int, ...]()
        if positions is not None:
            where, between = "WHERE item BETWEEN ? AND ?", (positions[0], positions[-1])
        with self._mutex:
            return self._run(f"SELECT 1 FROM twin {where} LIMIT 1", between).fetchone() is not None

    def twins(self, *, after: int = -1) -> Iterator[Twin]:
        """Yield the twins in input order."""
        while True:
            with self._mutex:
                page = self._run(
                    "SELECT position, item, columns FROM twin WHERE position > ? AND length(columns) > 0 "
                    f"ORDER BY position LIMIT {PAGE}",
                    (after,),
                ).fetchall()
            for position, item, columns in page:
                yield Twin(position, item, bytes(columns))
            if len(page) < PAGE:
                return
            after = page[-1][0]

    def count_twins(self) -> int:
        """Return the number of twins."""
        with self._mutex:
            return int(self._run("SELECT count(*) FROM twin WHERE length(columns) > 0").fetchone()[0])

    def items_by_key(self, keys: Sequence[bytes]) -> dict[bytes, Item]:
        """Return the rows that have these keys."""
        found: dict[bytes, Item] = {}
        with self._mutex:
            for start in range(0, len(keys), PAGE // 2):
                part = keys[start : start + PAGE // 2]
                marks = ", ".join("?" * len(part))
                for key, *rest in self._run(f"SELECT key, {_ITEM} FROM item WHERE key IN ({marks})", part):
                    found[bytes(key)] = Item(*rest)
        return found

    def items(self, *, states: Sequence[ItemState] | None = None, after: int = -1) -> Iterator[Item]:
        """Yield rows in input order, in pages, so that nothing is locked meanwhile."""
        for page in self.pages(states=states, after=after):
            yield from starmap(Item, page)

    def pages(
        self, *, states: Sequence[ItemState] | None = None, after: int = -1
    ) -> Iterator[list[ItemValues]]:
        """Yield pages of rows in input order, as plain tuples: a million of them cost the garbage collector nothing."""
        where = "position > ?"
        if states is not None:
            where += f" AND state IN ({', '.join(str(int(state)) for state in states)})"
            if ItemState.DONE not in states and ItemState.OPEN not in states:
                where += " AND state > 1"  # the condition of the index
        while True:
            with self._mutex:
                page: list[ItemValues] = self._run(
                    f"SELECT {_ITEM} FROM item WHERE {where} ORDER BY position LIMIT {PAGE}", (after,)
                ).fetchall()
            yield page
            if len(page) < PAGE:
                return
            after = page[-1][0]

    def items_at(self, positions: Sequence[int]) -> dict[int, Item]:
        """Return rows by their positions."""
        found: dict[int, Item] = {}
        with self._mutex:
            for start in range(0, len(positions), PAGE // 2):
                part = positions[start : start + PAGE // 2]
                marks = ", ".join("?" * len(part))
                for row in self._run(f"SELECT {_ITEM} FROM item WHERE position IN ({marks})", part):
                    found[row[0]] = Item(*row)
        return found

    def finish_items(self, shard: int, rows: Sequence[tuple[int, str, int | None, int]]) -> None:
        """Set state, cause and result of rows: (state, cause, place of the result, position)."""
        self._run_many(
            f"UPDATE item SET state = ?, cause = ?, result = ? WHERE position = ? AND shard = {shard:d} AND state = 0",
            rows,
        )

    def hold_invalid(self, shard: int, positions: Sequence[int]) -> None:
        """Hold the rows of a shard that ended as invalid, without counting an attempt."""
        self._run_many(
            f"UPDATE item SET state = {ItemState.HELD:d} WHERE position = ? AND shard = {shard:d} "
            f"AND state = {ItemState.DONE:d} AND cause = 'invalid'",
            [(position,) for position in positions],
        )

    def keep_waiting(self, states: Sequence[ItemState]) -> None:
        """Make the results final that rows in these states have, which are sent again otherwise."""
        waiting = f"state IN ({', '.join(str(int(state)) for state in states)}) AND state > 1"
        with self.transaction():
            self._run(f"DELETE FROM change WHERE position IN (SELECT position FROM item WHERE {waiting})")
            self._run(f"UPDATE item SET state = {ItemState.DONE:d} WHERE {waiting}")

    def reopen(self, causes: Collection[str], max_attempts: int) -> None:
        """Have rows sent again that ended in these causes after less than so many attempts.

        Rows of a shard whose results a person gave up stay as they are: they may have been paid for.
        """
        with self.transaction():
            self._run(
                f"UPDATE item SET state = {ItemState.AGAIN:d} WHERE {_reopened(causes)} AND {_FAILURES} < ?",
                (*causes, max_attempts),
            )

    def failures(self, causes: Collection[str]) -> dict[int, int]:
        """Return the number of rows that `reopen` would take with a larger limit, by their attempts."""
        with self._mutex:
            rows = self._run(
                f"SELECT attempts, count(*) FROM (SELECT {_FAILURES} AS attempts FROM item "
                f"WHERE {_reopened(causes)}) AS ended GROUP BY attempts ORDER BY attempts",
                (*causes,),
            ).fetchall()
        return dict(rows)

    def move_items(self, shard: int, rows: Sequence[tuple[Item, int, bool]]) -> None:
        """Give rows a new shard: (row as it was, place in the new shard, counts as an attempt)."""
        self._run_many(
            "INSERT INTO earlier (position, shard, place, attempt, cause, result) VALUES (?, ?, ?, ?, ?, ?)",
            [(row.position, row.shard, row.place, row.attempt, row.cause, row.result) for row, _, _ in rows],
        )
        self._run_many(
            f"UPDATE item SET shard = {shard:d}, place = ?, attempt = ?, state = 0, cause = NULL, result = NULL "
            "WHERE position = ?",
            [(place, row.attempt + counted, row.position) for row, place, counted in rows],
        )
        self._run_many("DELETE FROM change WHERE position = ?", [(row.position,) for row, _, _ in rows])

    def move_back(self, shard: int) -> None:
        """Give the rows of a shard of resent rows back to the shards of their attempts before, to be sent again."""
        last = (
            "SELECT shard, place, attempt, cause, result FROM earlier WHERE earlier.position = item.position "
            "ORDER BY earlier.shard DESC LIMIT 1"
        )
        moved = [
            (row[0],) for row in self._run("SELECT position FROM item WHERE shard = ?", (shard,)).fetchall()
        ]
        self._run(
            f"UPDATE item SET state = {ItemState.AGAIN:d}, (shard, place, attempt, cause, result) = ({last}) "
            "WHERE shard = ?",
            (shard,),
        )
        self._run_many(
            "DELETE FROM earlier WHERE position = ? "
            "AND shard = (SELECT item.shard FROM item WHERE item.position = earlier.position)",
            moved,
        )

    def earlier(self, position: int) -> list[Item]:
        """Return the earlier attempts of a row, the first one first."""
        with self._mutex:
            rows = self._run(
                "SELECT position, shard, place, 1, attempt, cause, result FROM earlier WHERE position = ? "
                "ORDER BY shard",
                (position,),
            ).fetchall()
        return [Item(*row) for row in rows]

    def count_earlier(self, position: int, cause: str) -> int:
        """Return the number of earlier attempts of a row that ended with a cause."""
        with self._mutex:
            sql = "SELECT count(*) FROM earlier WHERE position = ? AND cause = ?"
            return int(self._run(sql, (position, str(cause))).fetchone()[0])

    def place_items(self, shard: int, rows: Sequence[tuple[int, int]]) -> None:
        """Give rows that were not sent a new place: (position, place)."""
        self._run_many(
            f"UPDATE item SET shard = {shard:d}, place = ? WHERE position = ?",
            [(place, position) for position, place in rows],
        )

    def earlier_results(self, shard: int) -> set[int]:
        """Return the places of a shard's results that another attempt followed, or is to follow."""
        with self._mutex:
            moved = self._run(
                "SELECT result FROM earlier WHERE shard = ? AND result IS NOT NULL", (shard,)
            ).fetchall()
            waiting = self._run(
                "SELECT result FROM item WHERE state > 1 AND shard = ? AND result IS NOT NULL", (shard,)
            ).fetchall()
        return {row[0] for row in (*moved, *waiting)}

    def without_result(self, shard: Shard) -> list[tuple[int, int]]:
        """Return the rows of a collected shard that it has no result of: (place in its body, position).

        Those of a shard that a person gave up are among them.
        """
        with self._mutex:
            found = self._run(
                "SELECT coalesce(sum(requests), 0) FROM spent WHERE shard = ? AND cause != 'missing'",
                (shard.number,),
            ).fetchone()[0]
            if found >= shard.requests:
                return []
            positions = self.positions(shard)
            between = shard.number, min(positions), max(positions)
            rows = [
                row
                for table in ("item", "earlier")
                for row in self._run(
                    f"SELECT place, position FROM {table} WHERE shard = ? AND position BETWEEN ? AND ? "
                    "AND result IS NULL",
                    between,
                ).fetchall()
            ]
        return sorted((place, position) for place, position in rows)

    def set_changes(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Keep the params that rows are sent again with."""
        self._run_many(
            "INSERT INTO change (position, params) VALUES (?, ?) "
            "ON CONFLICT (position) DO UPDATE SET params = excluded.params",
            rows,
        )

    def change(self, position: int) -> bytes:
        """Return the params that a row is sent again with."""
        with self._mutex:
            return bytes(self._run("SELECT params FROM change WHERE position = ?", (position,)).fetchone()[0])

    def count_items(self) -> list[tuple[int, str | None, int]]:
        """Return the number of rows by state and cause."""
        with self._mutex:
            return self._run("SELECT state, cause, count(*) FROM item GROUP BY state, cause").fetchall()  # type: ignore[no-any-return]

    # Blocks -------------------------------------------------------------------------------------------------

    def add_blocks(self, kind: int, shard: int, first: int, blocks: Sequence[Block]) -> None:
        """Note where blocks are, from one number on."""
        self._run_many(
            "INSERT INTO block (kind, shard, number, start, length) VALUES (?, ?, ?, ?, ?)",
            [(kind, shard, number, each.start, each.length) for number, each in enumerate(blocks, first)],
        )

    def block(self, kind: int, shard: int, number: int) -> Block | None:
        """Return where a block is."""
        with self._mutex:
            row = self._run(
                "SELECT start, length FROM block WHERE kind = ? AND shard = ? AND number = ?",
                (kind, shard, number),
            ).fetchone()
        return None if row is None else Block(*row)

    def blocks(self, kind: int, shard: int) -> list[Block]:
        """Return where the blocks of a shard are, in order."""
        with self._mutex:
            rows = self._run(
                "SELECT start, length FROM block WHERE kind = ? AND shard = ? ORDER BY number", (kind, shard)
            ).fetchall()
        return [Block(*row) for row in rows]

    def average_result(self) -> float | None:
        """Return the average size of a result in bytes."""
        with self._mutex:
            size = self._run("SELECT sum(length) FROM block WHERE kind = 1").fetchone()[0]
            count = self._run("SELECT sum(requests) FROM shard WHERE state = 'collected'").fetchone()[0]
        return float(size) / float(count) if size and count else None

    def delete_blocks(self, kind: int, shard: int) -> None:
        """Forget the blocks of a shard."""
        self._run("DELETE FROM block WHERE kind = ? AND shard = ?", (kind, shard))

    # The stage ------------------------------------------------------------------------------------------------

    def begin_write(self, write: str, place: str) -> None:
        """Note that tasks may write to a place on a stage."""
        with self.transaction():
            self._run(
                "INSERT INTO stage_write (id, place, state, begun_at) VALUES (?, ?, ?, ?)",
                (write, place, WriteState.BEGUN.value, self._now()),
            )

    def register_write(
        self, write: str, columns: str | None, added: int, known: int, shards: int, taken: str
    ) -> None:
        """Note that the shards of a write are registered, within the transaction that does so."""
        self._run(
            "UPDATE stage_write SET state = ?, columns = ?, added = ?, known = ?, shards = ?, taken = ? "
            "WHERE id = ?",
            (WriteState.REGISTERED.value, columns, added, known, shards, taken, write),
        )

    def discard_write(self, write: str) -> bool:
        """Give a write up, so that it can't be registered; false if it was registered before, or is not known."""
        with self.transaction():
            changed = self._run(
                "UPDATE stage_write SET state = ? WHERE id = ? AND state != ?",
                (WriteState.DISCARDED.value, write, WriteState.REGISTERED.value),
            ).rowcount
        return bool(changed == 1)

    def writes(self) -> list[StageWrite]:
        """Return all writes to a stage, the oldest first."""
        with self._mutex:
            rows = self._run(
                "SELECT id, place, state, begun_at, columns, added, known, shards, taken FROM stage_write "
                "ORDER BY begun_at, id"
            ).fetchall()
        return [StageWrite(row[0], row[1], WriteState(row[2]), *row[3:]) for row in rows]

    def staged(self, kind: int, shard: int) -> str | None:
        """Return the URL of a body or of results on a stage; `None` for those that are beside the ledger."""
        with self._mutex:
            row = self._run("SELECT path FROM staged WHERE kind = ? AND shard = ?", (kind, shard)).fetchone()
        return None if row is None else str(row[0])

    def set_staged(self, kind: int, shard: int, path: str) -> None:
        """Note the URL of a body or of results."""
        self._run(
            "INSERT INTO staged (kind, shard, path) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, shard) DO UPDATE SET path = excluded.path",
            (kind, shard, path),
        )

    def forget_staged(self, kind: int, shard: int) -> None:
        """Forget the URL of a body that was deleted."""
        self._run("DELETE FROM staged WHERE kind = ? AND shard = ?", (kind, shard))

    def staged_paths(self) -> set[str]:
        """Return the URLs of all bodies and results on a stage that the job needs."""
        with self._mutex:
            return {
                row[0]
                for row in self._run(
                    "SELECT path FROM staged WHERE shard IN (SELECT number FROM shard)"
                ).fetchall()
            }

    def with_body(self, digest: str) -> Shard | None:
        """Return a shard whose body has this hash: all its rows are in the job. `None` without one."""
        with self._mutex:
            row = self._run(f"SELECT {_SHARD} FROM shard WHERE hash = ? LIMIT 1", (digest,)).fetchone()
        return None if row is None else _shard(row)

    def twins_of(self, first: int, last: int) -> Iterator[Twin]:
        """Yield the twins of rows from one position to another, row by row."""
        after = first, -1
        while True:
            with self._mutex:
                page = self._run(
                    "SELECT position, item, columns FROM twin WHERE (item, position) > (?, ?) AND item <= ? "
                    f"ORDER BY item, position LIMIT {PAGE}",
                    (*after, last),
                ).fetchall()
            # A twin without columns is not a row.
            yield from (
                Twin(position, item, bytes(columns)) for position, item, columns in page if len(columns)
            )
            if len(page) < PAGE:
                return
            after = page[-1][1], page[-1][0]

    # Shards: adding -------------------------------------------------------------------------------------------

    def add_shard(self, shard: Shard, positions: bytes | None) -> None:
        """Add a shard, or replace its facts while it is being added."""
        self._run(
            "INSERT INTO shard (number, state, kind, requests, bytes, codec, hash, facts, first, positions) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET requests = excluded.requests, "
            "bytes = excluded.bytes, hash = excluded.hash, facts = excluded.facts, first = excluded.first, "
            "positions = excluded.positions",
            (
                shard.number, shard.state.value, shard.kind, shard.requests, shard.bytes, shard.codec, shard.hash,
                shard.facts, shard.first, positions,
            ),
        )  # fmt: skip

    def delete_shard(self, number: int) -> None:
        """Remove a shard that no row is in."""
        self._run("DELETE FROM shard WHERE number = ?", (number,))

    def set_first(self, shard: int, first: int) -> None:
        """Set the position of a shard's first row."""
        self._run("UPDATE shard SET first = ? WHERE number = ?", (first, shard))

    def finish_adding(self) -> None:
        """Let the shards of this call be sent."""
        with self.transaction():
            self._run("UPDATE shard SET state = 'staged' WHERE state = 'adding'")

    def abandon_adding(self) -> list[Shard]:
        """Remove shards whose adding was not finished; the caller has the exclusive right to add."""
        with self.transaction():
            shards = self.shards((ShardState.ADDING,))
            if shards:
                first = min(shard.first for shard in shards)
                numbers = [(shard.number,) for shard in shards]
                self._run("DELETE FROM item WHERE position >= ?", (first,))
                self._run("DELETE FROM twin WHERE position >= ?", (first,))
                self._run_many("DELETE FROM block WHERE kind = 0 AND shard = ?", numbers)
                self._run_many("DELETE FROM shard WHERE number = ?", numbers)
                self._run("UPDATE job SET next_position = ?", (first,))
        return shards

    # Shards: reading ------------------------------------------------------------------------------------------

    def shard(self, number: int) -> Shard | None:
        """Return a shard."""
        with self._mutex:
            row = self._run(f"SELECT {_SHARD} FROM shard WHERE number = ?", (number,)).fetchone()
        return None if row is None else _shard(row)

    def shards(self, states: Sequence[ShardState] | None = None) -> list[Shard]:
        """Return the shards in these states, by number."""
        where = (
            "" if states is None else f" WHERE state IN ({', '.join(repr(str(state)) for state in states)})"
        )
        with self._mutex:
            rows = self._run(f"SELECT {_SHARD} FROM shard{where} ORDER BY number").fetchall()
        return [_shard(row) for row in rows]

    def positions(self, shard: Shard) -> Positions:
        """Return the positions of a shard's rows, in its order."""
        with self._mutex:
            row = self._run("SELECT positions FROM shard WHERE number = ?", (shard.number,)).fetchone()
        listed = row[0]
        return Positions(shard.first, shard.requests, None if listed is None else bytes(listed))

    # Shards: sending ------------------------------------------------------------------------------------------

    def claim_send(
        self, server_now: float, max_in_flight: int | None, allow: Callable[[Shard, list[Shard]], bool]
    ) -> Shard | None:
        """Commit the intent to send the next shard; `None` where nothing may be sent now.

        Args:
            server_now: The server's time.
            max_in_flight: The largest number of requests in unfinished batches.
            allow: Decides, from a shard and those that are committed already, if it may be paid for.
        """
        self.check_lease()
        with self.transaction():
            state = self._run(f"SELECT state FROM job{self._lock_job}").fetchone()[0]
            if state != JobState.ACTIVE:
                return None
            row = self._run(
                f"SELECT {_SHARD} FROM shard WHERE state = 'staged' "
                f"ORDER BY CASE kind WHEN 'canary' THEN 0 WHEN 'retry' THEN 1 ELSE 2 END, number LIMIT 1"
                f"{self._lock_rows}"
            ).fetchone()
            if row is None:
                return None
            shard = _shard(row)
            if self._run(
                "SELECT count(*) FROM shard WHERE kind = 'canary' AND state != 'collected' AND number != ?",
                (shard.number,),
            ).fetchone()[0]:
                return None
            flying = self._run(f"SELECT coalesce(sum(requests), 0) FROM shard WHERE {_IN_FLIGHT}").fetchone()[
                0
            ]
            if max_in_flight is not None and flying and flying + shard.requests > max_in_flight:
                return None
            if not allow(shard, self.shards(COMMITTED)):
                return None
            self._run(
                "UPDATE shard SET state = 'sending', owner = ?, sends = sends + 1, intent_at = ?, doubt_at = NULL "
                "WHERE number = ?",
                (self.worker, server_now, shard.number),
            )
        return self.shard(shard.number)

    def lose(self, shard: Shard, *, again: bool = False) -> None:
        """Give up the results of a shard, by the word of a person: its rows are missing, and it stays committed.

        Args:
            shard: The shard.
            again: Has its rows sent again, in another shard.
        """
        state = ItemState.AGAIN if again else ItemState.DONE
        with self.transaction():
            if self._from(shard, "state = 'collected', owner = NULL", (), "('sending', 'doubt', 'open')"):
                self._run(
                    f"UPDATE item SET state = {state:d}, cause = 'missing' WHERE shard = ? AND state = 0",
                    (shard.number,),
                )

    def release_send(self, shard: Shard) -> None:
        """Take an intent back: the server made nothing, by evidence or by the word of a person."""
        self._from(shard, "state = 'staged', owner = NULL", (), "('sending', 'doubt')")

    def doubt(self, shard: Shard) -> None:
        """Note that it is not known if a batch was made. The next look at the server's clock dates it."""
        self._from(shard, "state = 'doubt', owner = NULL, doubt_at = NULL", (), "('sending')")

    def doubt_dead(self, sending: Collection[int] = ()) -> int:
        """Put shards in doubt that nobody is sending any more: their process is dead, or its sending was cut off.

        Args:
            sending: The shards that this process is sending at the moment.
        """
        mine = f" AND number NOT IN ({', '.join(map(str, sending))})" if sending else ""
        with self.transaction():
            return int(
                self._run(
                    "UPDATE shard SET state = 'doubt', owner = NULL, doubt_at = NULL WHERE state = 'sending' "
                    f"AND ((owner = ?{mine}) OR owner NOT IN (SELECT id FROM worker WHERE expires > ?))",
                    (self.worker, self._now()),
                ).rowcount
            )

    def note_doubt(self, shards: Sequence[Shard], server_now: float) -> None:
        """Note the server's time for shards in doubt that were not looked into before."""
        with self.transaction():
            self._run_many(
                "UPDATE shard SET doubt_at = ? "
                "WHERE number = ? AND sends = ? AND state = 'doubt' AND doubt_at IS NULL",
                [(server_now, shard.number, shard.sends) for shard in shards],
            )

    def made(self, shard: Shard, batch_id: str, created_at: float | None) -> bool:
        """Note the batch of a shard; false if another process noted an outcome before."""
        return self._from(
            shard,
            "state = 'open', owner = NULL, batch_id = ?, created_at = ?",
            (batch_id, created_at),
            "('sending', 'doubt')",
        )

    def _from(self, shard: Shard, changes: str, values: Sequence[Any], states: str) -> bool:
        with self.transaction():
            changed = self._run(
                f"UPDATE shard SET {changes} WHERE number = ? AND sends = ? AND state IN {states}",
                (*values, shard.number, shard.sends),
            ).rowcount
        return bool(changed == 1)

    # Shards: settling -----------------------------------------------------------------------------------------

    def known_batches(self) -> set[str]:
        """Return the ids of all batches of the job."""
        with self._mutex:
            return {
                row[0]
                for row in self._run("SELECT batch_id FROM shard WHERE batch_id IS NOT NULL").fetchall()
            }

    def verdicts(self, shard: int) -> dict[str, str]:
        """Return the verdicts about the candidates of a shard, by batch id."""
        with self._mutex:
            rows = self._run("SELECT batch_id, verdict FROM candidate WHERE shard = ?", (shard,)).fetchall()
        return dict(rows)

    def set_verdict(self, shard: int, batch_id: str, verdict: str) -> None:
        """Note a verdict."""
        with self.transaction():
            self._run(
                "INSERT INTO candidate (shard, batch_id, verdict) VALUES (?, ?, ?) "
                "ON CONFLICT (shard, batch_id) DO UPDATE SET verdict = excluded.verdict",
                (shard, batch_id, verdict),
            )

    def verdict(self, shard: Shard) -> str | None:
        """Return the verdict about the batch of a shard, if there is one."""
        return None if shard.batch_id is None else self.verdicts(shard.number).get(shard.batch_id)

    # Shards: collecting -----------------------------------------------------------------------------------------

    def ended(self, number: int, ended_at: float | None, counts: dict[str, int]) -> None:
        """Note the end of a batch."""
        with self.transaction():
            self._run(
                "UPDATE shard SET ended_at = ?, counts = ? WHERE number = ? AND state = 'open' AND ended_at IS NULL",
                (ended_at, orjson.dumps(counts).decode(), number),
            )

    def claim_collect(self, passed: Sequence[int] = ()) -> Shard | None:
        """Take the next shard whose results can be collected: the oldest, since those are archived first.

        Args:
            passed: Shards to leave alone.
        """
        self.check_lease()
        without = f" AND number NOT IN ({', '.join(map(str, passed))})" if passed else ""
        with self.transaction():
            row = self._run(
                f"SELECT {_SHARD} FROM shard WHERE state = 'open' AND ended_at IS NOT NULL AND {_FREE}{without} "
                f"ORDER BY created_at, number LIMIT 1{self._lock_rows}",
                (self.worker, self._now()),
            ).fetchone()
            if row is None:
                return None
            self._run("UPDATE shard SET owner = ? WHERE number = ?", (self.worker, row[0]))
        return _shard(row)

    def collect_left(self, shard: Shard) -> None:
        """Leave the results of a shard to a later call, or to another process."""
        with self.transaction():
            self._run(
                "UPDATE shard SET owner = NULL WHERE number = ? AND owner = ?", (shard.number, self.worker)
            )

    def collect_failed(self, shard: Shard) -> None:
        """Note that the results could not be had."""
        with self.transaction():
            self._run(
                "UPDATE shard SET owner = NULL, failures = failures + 1 WHERE number = ? AND owner = ?",
                (shard.number, self.worker),
            )

    def collected(self, shard: Shard) -> None:
        """Note that the results are in the ledger.

        Raises:
            ShardError: Another process collected it meanwhile.
        """
        changed = self._run(
            "UPDATE shard SET state = 'collected', owner = NULL, failures = 0 "
            "WHERE number = ? AND owner = ? AND state = 'open'",
            (shard.number, self.worker),
        ).rowcount
        if changed != 1:
            raise ShardError(f"shard {shard.number} was collected by another process meanwhile", shard.number)

    def dispute(self, shard: Shard) -> None:
        """Put a shard in doubt again whose batch turned out to be another's."""
        assert shard.batch_id is not None
        with self.transaction():
            self._run(
                "UPDATE shard SET state = 'doubt', owner = NULL, doubt_at = NULL, batch_id = NULL, created_at = NULL, "
                "ended_at = NULL, counts = NULL WHERE number = ? AND state = 'open' AND batch_id = ?",
                (shard.number, shard.batch_id),
            )
            self.set_verdict(shard.number, shard.batch_id, FOREIGN)

    def add_spent(self, entries: Iterable[Spent]) -> None:
        """Add sums of tokens."""
        self._run_many(
            "INSERT INTO spent (shard, model, tier, cause, kept, requests, tokens) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (each.shard, each.model, each.tier, each.cause, int(each.kept), each.requests,
                 orjson.dumps(each.tokens).decode())
                for each in entries
            ],
        )  # fmt: skip

    def set_spent(self, shard: int, entries: Iterable[Spent]) -> None:
        """Replace the sums of tokens of a shard."""
        self._run("DELETE FROM spent WHERE shard = ?", (shard,))
        self.add_spent(entries)

    def spent(self) -> list[Spent]:
        """Return the sums of tokens of all results."""
        with self._mutex:
            rows = self._run(
                "SELECT shard, model, tier, cause, kept, requests, tokens FROM spent ORDER BY shard, model, tier, cause"
            ).fetchall()
        return [
            Spent(shard, model, tier, cause, bool(kept), requests, orjson.loads(tokens))
            for shard, model, tier, cause, kept, requests, tokens in rows
        ]

    def lost_lease(self) -> LeaseLostError:
        """Return the error for a lease that expired."""
        return LeaseLostError(
            f"{self.place}: the lease of worker {self.worker} expired, so others may have taken over its shards. "
            "Open the job again to continue."
        )


def _shard(row: Sequence[Any]) -> Shard:
    (number, state, kind, requests, size, codec, digest, facts, first, owner, sends, intent_at, doubt_at, batch_id,
     created_at, ended_at, counts, failures) = row  # fmt: skip
    return Shard(
        number=number, state=ShardState(state), kind=kind, requests=requests, bytes=size, codec=codec, hash=digest,
        facts=facts, first=first, owner=owner, sends=sends, intent_at=intent_at, doubt_at=doubt_at,
        batch_id=batch_id, created_at=created_at, ended_at=ended_at, counts=counts, failures=failures,
    )  # fmt: skip


def _reopened(causes: Collection[str]) -> str:
    """Return the condition of the rows of `item` that a larger limit sends again, with a mark for each cause."""
    return (
        f"state = {ItemState.DONE:d} AND cause IN ({', '.join('?' * len(causes))}) "
        "AND (result IS NOT NULL OR EXISTS (SELECT 1 FROM block WHERE block.kind = 1 AND block.shard = item.shard))"
    )
