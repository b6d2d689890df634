"""Adding: requests become rows of the ledger and shards on disk.

Rows are taken together by some megabytes. They are inserted in a thread, by one statement a shard. Meanwhile the lines
of the rows before them are written, and the next ones are prepared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain
from operator import attrgetter
from typing import Any

import attrs
import orjson

from .._words import counted
from ._codec import best_codec, place_at
from ._errors import JobConflictError, JobError, JobRequestError, LedgerError
from ._folder import Store
from ._ids import twin_key
from ._input_columns import InputColumns
from ._ledger._sql import SqlLedger
from ._lines import read_line, split_line
from ._memory import give_back
from ._options import JobOptions
from ._reading import Lines
from ._records import Item, JobState, Shard, ShardState
from ._requests import Request, prepare
from ._shards import Limits, ShardFill, blocks_of, distinct_count
from ._staging import Body, clean, shown

__all__ = ["Adding"]

#: The rows of a portion, and the size of their lines: each is inserted by one statement for each shard.
_PENDING_ROWS = 33_000
_PENDING_BYTES = 4 * 1024 * 1024
#: Shards that are noted together, before they have rows.
_NOTED = 16


@attrs.define
class _Pending:
    """Requests that are to be added together."""

    rows: dict[bytes, Request] = attrs.field(factory=dict[bytes, Request])
    """Those that may be new, by key."""
    bytes: int = 0
    """The size of all lines on disk."""
    repeated: list[Request] = attrs.field(factory=list[Request])
    """Requests with the key of another row."""


@attrs.frozen
class _Part:
    """Rows of one shard."""

    body: Body
    positions: Sequence[int]
    requests: Sequence[Request]
    sizes: Sequence[int]
    """The sizes of their lines as they are sent."""
    blocks: Sequence[tuple[int, int]]
    """The blocks of their lines."""
    first_block: int
    """The number of the first block."""
    fills: bool
    """True if there was no room for the next request."""

    def places(self) -> Iterator[int]:
        """Return the places of the rows."""
        return chain.from_iterable(
            range(place_at(number, 0), place_at(number, end - start))
            for number, (start, end) in enumerate(self.blocks, self.first_block)
        )


@attrs.frozen
class _Arranged:
    """The positions of rows that are added together, in the order in which they came."""

    rows: Sequence[int]
    """Those of new rows."""
    twins: Sequence[tuple[int, bytes, int, bytes]]
    """Rows that repeat the request of another one, as the ledger has them."""
    end: int
    """The position after all of them."""


@attrs.frozen
class _Inserting:
    """Rows that a thread inserts."""

    pending: _Pending
    arranged: _Arranged
    parts: list[_Part]
    done: Future[bool]


class Adding:
    """One call that adds requests: all of them, or none.

    Args:
        ledger: The ledger.
        store: The store.
        lines: The lines that are there.
        options: The options of the job.
    """

    def __init__(self, ledger: SqlLedger, store: Store, lines: Lines, options: JobOptions) -> None:
        self._ledger = ledger
        self._store = store
        self._lines = lines
        self._options = options
        self._exits = ExitStack()
        self._exits.enter_context(ledger.exclusive())
        try:
            clean(ledger, store, lines)
            facts = ledger.facts()
            self._own = facts.ids == "own"
            self._token = facts.token
            self._position, self._number = ledger.counters()
            self._first_position = self._position
        except BaseException:
            self._exits.close()
            raise
        self.added = 0
        """The number of new requests."""
        self.known = 0
        """The number of requests that the job had already."""
        self._index = 0
        # The last one takes the next rows; the others wait for theirs.
        self._bodies: list[Body] = []
        # Those that take no more rows, to be closed when all of theirs are written.
        self._full: list[Body] = []
        # Rows that are in the ledger, and whose lines are not written.
        self._unwritten: list[_Part] = []
        self._opened = False
        # The number after the last one that is noted.
        self._noted = self._number
        # The number of the first one, and the position of its first row.
        self._first: tuple[int, int] | None = None
        self._pending = _Pending()
        self._inserting: _Inserting | None = None
        self._thread = ThreadPoolExecutor(1, "claude-batches add")
        self._columns = InputColumns()

    def push(self, given: Any) -> None:
        """Take a request.

        Raises:
            JobRequestError: It can't be sent, or one of those before it is larger than a batch.
            JobConflictError: A custom_id is in the job or in this call already, with other params.
        """
        index = self._index
        self._index = index + 1
        request = prepare(index, given, own_ids=self._own)
        pending = self._pending
        known = pending.rows.get(request.key)
        if known is not None:
            _compare(request, split_line(known.line)[1], repeated=True, first_index=known.at)
            pending.repeated.append(request)
            self.known += 1
        else:
            pending.rows[request.key] = request
        pending.bytes += len(request.line) + 1
        if pending.bytes >= _PENDING_BYTES or len(pending.rows) + len(pending.repeated) >= _PENDING_ROWS:
            self._flush()

    def finish(self) -> None:
        """Let the added requests be sent."""
        try:
            self._flush()
            self._settle()
            self._write()
            with self._ledger.transaction():
                self._ledger.check_portions()
                self._check_canceled()
                for body in (*self._full, *self._bodies):
                    self._close(body)
                self._full, self._bodies = [], []
                for number in range(self._number, self._noted):
                    self._ledger.delete_shard(number)
                self._ledger.set_counters(self._position, self._number)
                if self._first is not None:
                    self._ledger.set_first(*self._first)
                self._ledger.add_input_columns(self._columns.found)
                self._ledger.finish_adding()
        except BaseException:
            self.abandon()
            raise
        self._thread.shutdown()
        self._exits.close()
        if self.added > _PENDING_ROWS:
            give_back()

    def _check_canceled(self) -> None:
        """Refuse new requests of a job that would never send them.

        Raises:
            JobError: The job was canceled.
        """
        if self.added and self._ledger.facts().state is JobState.CANCELED:
            new = counted(self.added, "new request")
            raise JobError(
                f"the job was canceled, which is final: add the {new} to another job. Nothing was added."
            )

    def abandon(self) -> None:
        """Add nothing."""
        try:
            # What the thread inserts now is deleted with the rest.
            self._thread.shutdown()
            for body in (*self._full, *self._bodies):
                body.discard()
            clean(self._ledger, self._store, self._lines)
        finally:
            self._exits.close()

    # Rows ---------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Begin to insert the pending rows, and write the lines of those before them."""
        self._settle()
        pending, self._pending = self._pending, _Pending()
        if pending.rows:
            if not self._opened:
                self._open(self._position)
            arranged = self._arranged(pending)
            parts = list(self._parts(list(pending.rows.values()), arranged.rows))
            done = self._thread.submit(self._insert, parts)
            self._inserting = _Inserting(pending, arranged, parts, done)
        self._write()

    def _settle(self) -> None:
        """Count the rows that were inserted, without those that the job has already."""
        inserting, self._inserting = self._inserting, None
        if inserting is None:
            return
        inserted = inserting.done.result()
        # All their lines are written. It is done here because the thread has the ledger in between.
        for body in self._full:
            self._close(body)
        self._full = []
        arranged, parts = inserting.arranged, inserting.parts
        if not inserted:
            # The new rows among them are fewer, and are cut into shards anew. None has gone to the later shards.
            for part in parts[1:]:
                self._bodies.remove(part.body)
                self._close(part.body)
            pending = inserting.pending
            pending.rows = self._unknown(pending)
            arranged = self._arranged(pending)
            parts = list(self._parts(list(pending.rows.values()), arranged.rows))
            if not self._insert(parts):
                raise LedgerError("rows that the job does not have could not be added; nothing was added")
        if arranged.twins:
            with self._ledger.portion():
                self._ledger.insert_twins(arranged.twins)
        self._position = arranged.end
        for part in parts:
            part.body.add(part.positions, part.requests, part.sizes)
            self.added += len(part.requests)
            self._unwritten.append(part)
            if part.fills:
                self._bodies.remove(part.body)
                self._full.append(part.body)

    def _insert(self, parts: list[_Part]) -> bool:
        """Insert rows; false, and none inserted, if the job has one already."""
        with self._ledger.portion():
            for part in parts:
                keys = [request.key for request in part.requests]
                if not self._ledger.insert_items(part.body.fill.number, part.positions, keys, part.places()):
                    self._ledger.delete_items(parts[0].positions[0])
                    return False
        return True

    def _arranged(self, pending: _Pending) -> _Arranged:
        """Return the positions of rows and of their twins, and note the columns of these."""
        first, rows = self._position, pending.rows
        twins = self._twins(pending)
        if not twins:
            end = first + len(rows)
            return _Arranged(range(first, end), (), end)
        together = sorted([*rows.values(), *(request for request, _ in twins)], key=attrgetter("at"))
        positions = {request.at: position for position, request in enumerate(together, first)}
        return _Arranged(
            [positions[request.at] for request in rows.values()],
            [
                (
                    positions[request.at],
                    twin_key(request.key, request.row or 0, request.columns),
                    positions[rows[request.key].at] if item is None else item.position,
                    request.columns,
                )
                for request, item in twins
            ],
            first + len(together),
        )

    def _twins(self, pending: _Pending) -> list[tuple[Request, Item | None]]:
        """Return the rows of a table that repeat the request of another row, unless they are that row.

        Each comes with the other row, or with `None` for one that is added together with it.
        """
        repeated = [request for request in pending.repeated if request.row is not None]
        items = self._ledger.items_by_key(
            [request.key for request in repeated if request.key not in pending.rows]
        )
        twins: list[tuple[Request, Item | None]] = []
        for request in repeated:
            item = items.get(request.key)
            first = read_line(pending.rows[request.key].line if item is None else self._as_added(item))
            if first.row != request.row or first.extra != orjson.loads(request.columns):
                twins.append((request, item))
                self._columns.add(request.columns)
        return twins

    def _unknown(self, pending: _Pending) -> dict[bytes, Request]:
        """Return the rows that the job doesn't have; the others repeat a row.

        Raises:
            JobConflictError: One has the custom_id of a row with other params.
        """
        known = self._ledger.items_by_key(list(pending.rows))
        unknown: dict[bytes, Request] = {}
        for key, request in pending.rows.items():
            item = known.get(key)
            if item is None:
                unknown[key] = request
                continue
            params = split_line(self._as_added(item))[1]
            _compare(request, params, repeated=item.position >= self._first_position)
            pending.repeated.append(request)
        self.known += len(known)
        return unknown

    def _as_added(self, item: Item) -> bytes:
        """Return the line of a row as it was added: rows that were sent again may have other params."""
        first = (self._ledger.earlier(item.position) or [item])[0] if item.attempt > 1 else item
        if first.position >= self._first_position:
            # The row was added in this call.
            self._write()
            for body in (*self._full, *self._bodies):
                body.note_blocks()
        return self._lines.body(first.shard, first.place)

    # Shards -------------------------------------------------------------------------------------------------

    def _parts(self, requests: Sequence[Request], positions: Sequence[int]) -> Iterator[_Part]:
        """Yield rows by shard.

        Raises:
            JobRequestError: One is larger than a batch.
        """
        start = 0
        while start < len(requests):
            body = self._bodies[-1] if self._bodies else self._open(positions[start])
            sizes = body.fill.fitting(requests, positions, start)
            end = start + len(sizes)
            if sizes:
                part = requests[start:end]
                blocks = list(blocks_of([request.line for request in part]))
                # The blocks before it may not be written so far.
                first_block = body.blocks + sum(
                    len(each.blocks) for each in self._unwritten if each.body is body
                )
                yield _Part(
                    body, positions[start:end], part, sizes, blocks, first_block, fills=end < len(requests)
                )
                if end < len(requests):
                    self._open(positions[end])
            elif body.fill.requests:
                self._bodies.remove(body)
                self._full.append(body)
            else:
                raise self._oversized(requests[start], body, positions[start])
            start = end

    def _oversized(self, request: Request, body: Body, position: int) -> JobRequestError:
        size = body.fill.size(request.custom_id, position, request.params_size)
        return JobRequestError(
            request.at,
            request.custom_id,
            f"it takes {size:,} bytes, and with its envelope a batch may have {self._options.max_bytes:,} "
            "(max_bytes): shorten it, or give files by their URL or file_id",
        )

    def _write(self) -> None:
        """Write the lines of the rows that were inserted."""
        parts, self._unwritten = self._unwritten, []
        for part in parts:
            lines = [request.line for request in part.requests]
            part.body.write(*(lines[start:end] for start, end in part.blocks))
            # Most requests have no columns.
            for columns in [request.columns for request in part.requests if request.columns != b"{}"]:
                self._columns.add(columns)

    def _open(self, position: int) -> Body:
        most = self._options.shard_requests
        canary = self._options.canary and not self._ledger.shards()
        requests = (
            min(self._options.canary, most) if canary else distinct_count(self._number, self._token, most)
        )
        fill = ShardFill(
            self._number, None if self._own else self._token, Limits(requests, self._options.max_bytes)
        )
        kind = "canary" if canary else "first"
        if self._number == self._noted:
            self._note_shards(kind)
        body = Body(self._ledger, self._store, kind, fill, position)
        self._bodies.append(body)
        self._opened = True
        self._lines.note_codec(self._number, body.codec.name)
        self._number += 1
        return body

    def _note_shards(self, kind: str) -> None:
        """Note the next shards; the first one is of this kind.

        They are committed before they have rows: a number must not be given out again, and what is left of a killed
        call is found by it.
        """
        with self._ledger.transaction(durable=False):
            for number in range(self._number, self._number + _NOTED):
                shard = Shard(
                    number=number, state=ShardState.ADDING, kind=kind, requests=0, bytes=0, codec=best_codec().name,
                    hash="", facts="{}", first=self._position,
                )  # fmt: skip
                self._ledger.add_shard(shard, None)
                kind = "first"
            self._noted = self._number + _NOTED
            self._ledger.set_counters(self._position, self._noted)

    def _close(self, body: Body) -> None:
        with self._ledger.portion():
            if body.fill.requests:
                positions = body.positions
                if body.first == self._first_position:
                    # Until the call ends, its rows are those from here on: a twin may come before the first row.
                    self._first = body.fill.number, positions[0]
                else:
                    body.first = positions[0]
                # Twins take positions between those of the rows.
                contiguous = positions[-1] - positions[0] + 1 == len(positions)
                body.finish(ShardState.ADDING, None if contiguous else positions.tobytes())
            else:
                body.discard()
                self._ledger.delete_shard(body.fill.number)


def _compare(request: Request, known: bytes, **other: Any) -> None:
    """Check that params are equal, as JSON.

    Raises:
        JobConflictError: They are not.
    """
    given = split_line(request.line)[1]
    if given != known and orjson.loads(given) != orjson.loads(known):
        raise JobConflictError(request.custom_id, request.at, shown(known), shown(given), **other)
