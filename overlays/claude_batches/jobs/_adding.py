"""Adding: requests become rows of the ledger and shards on disk.

The rows of some megabytes are inserted in one statement, in a thread, while the next ones are prepared.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain
from typing import Any

import attrs
import orjson

from ._codec import place_at
from ._errors import JobConflictError, JobRequestError, LedgerError
from ._folder import Store
from ._ids import twin_key
from ._input_columns import InputColumns
from ._ledger._sql import SqlLedger
from ._lines import SEPARATOR, read_line, split_line
from ._options import JobOptions
from ._reading import Lines
from ._records import Item, ShardState
from ._requests import Request, prepare
from ._shards import Limits, ShardFill, blocks_of, distinct_count
from ._staging import Body, clean, shown

__all__ = ["Adding"]

#: Rows that are added in one transaction: their keys are spread over the whole index, so that few large transactions
#: write much less than many small ones.
_PENDING_ROWS = 50_000
_PENDING_BYTES = 16 * 1024 * 1024


@attrs.define
class _Pending:
    """Rows that are to be added together."""

    first: int
    """The position of the first one, if all rows before it are new."""
    rows: dict[bytes, Request] = attrs.field(factory=dict[bytes, Request])
    """Their requests by key."""
    sizes: list[int] = attrs.field(factory=list[int])
    """The sizes of their lines as they are sent."""
    bytes: int = 0
    """The size of their lines on disk."""
    twins: list[Request] = attrs.field(factory=list[Request])
    """Requests with the key of another row."""


@attrs.frozen
class _Inserting:
    """Rows that a thread inserts."""

    pending: _Pending
    blocks: list[tuple[int, int]]
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
        self._body: Body | None = None
        # The room in the body after all rows that may go there.
        self._left_requests = self._left_bytes = 0
        self._pending = _Pending(self._position)
        self._inserting: _Inserting | None = None
        self._thread = ThreadPoolExecutor(1, "claude-batches add")
        self._columns = InputColumns()

    def push(self, given: Any) -> None:
        """Take a request.

        Raises:
            JobRequestError: It can't be sent.
            JobConflictError: Its custom_id is in the job or in this call already, with other params.
        """
        index = self._index
        self._index = index + 1
        request = prepare(index, given, own_ids=self._own)
        pending = self._pending
        twin = pending.rows.get(request.key)
        if twin is not None:
            _compare(request, split_line(twin.line)[1], repeated=True, first_index=twin.at)
            pending.twins.append(request)
            self.known += 1
            return
        body = self._body or self._open()
        size = body.fill.size(request.custom_id, pending.first + len(pending.sizes), request.params_size)
        if not self._left_requests or size + SEPARATOR > self._left_bytes:
            size = self._make_room(request)
            pending = self._pending
        pending.rows[request.key] = request
        pending.sizes.append(size)
        pending.bytes += len(request.line) + 1
        self._left_requests -= 1
        self._left_bytes -= size + SEPARATOR
        if pending.bytes >= _PENDING_BYTES or len(pending.sizes) >= _PENDING_ROWS:
            self._flush()

    def finish(self) -> None:
        """Let the added requests be sent."""
        try:
            self._write_all()
            if self._body is not None:
                self._close()
            with self._ledger.transaction():
                self._ledger.add_input_columns(self._columns.found)
                self._ledger.finish_adding()
        except BaseException:
            self.abandon()
            raise
        self._thread.shutdown()
        self._exits.close()

    def abandon(self) -> None:
        """Add nothing."""
        try:
            # What the thread inserts now is deleted with the rest.
            self._thread.shutdown()
            if self._body is not None:
                self._body.discard()
            clean(self._ledger, self._store, self._lines)
        finally:
            self._exits.close()

    def _make_room(self, request: Request) -> int:
        """Return the size of a request for which there seemed to be no room, once there is some.

        Raises:
            JobRequestError: It is larger than a batch.
        """
        # Rows that the job has already leave their room.
        self._write_all()
        while True:
            body = self._body or self._open()
            size = body.fill.size(request.custom_id, self._position, request.params_size)
            if self._left_requests and size + SEPARATOR <= self._left_bytes:
                return size
            if not body.fill.requests:
                raise JobRequestError(
                    request.at,
                    request.custom_id,
                    f"it takes {size:,} bytes, and with its envelope a batch may have {self._options.max_bytes:,} "
                    "(max_bytes): shorten it, or give files by their URL or file_id",
                )
            self._close()

    def _open(self) -> Body:
        most = self._options.shard_requests
        canary = self._options.canary and not self._ledger.shards()
        requests = (
            min(self._options.canary, most) if canary else distinct_count(self._number, self._token, most)
        )
        fill = ShardFill(
            self._number, None if self._own else self._token, Limits(requests, self._options.max_bytes)
        )
        body = Body(self._ledger, self._store, "canary" if canary else "first", fill, self._position)
        self._body = body
        self._left_requests, self._left_bytes = fill.left
        self._lines.note_codec(self._number, body.codec.name)
        self._number += 1
        with self._ledger.transaction(durable=False):
            self._ledger.set_counters(self._position, self._number)
            body.note(ShardState.ADDING)
        return body

    def _close(self) -> None:
        assert self._body is not None
        with self._ledger.transaction(durable=False):
            if self._body.fill.requests:
                positions = self._body.positions
                self._body.first = positions[0]
                # Twins take positions between those of the rows.
                contiguous = positions[-1] - positions[0] + 1 == len(positions)
                self._body.finish(ShardState.ADDING, None if contiguous else positions.tobytes())
                self._ledger.set_counters(self._position, self._number)
            else:
                self._body.discard()
                self._ledger.delete_shard(self._body.fill.number)
        self._body = None

    # Writing ----------------------------------------------------------------------------------------------

    def _write_all(self) -> None:
        """Write all pending rows, and count the room that is left."""
        self._flush()
        self._settle()
        if self._body is not None:
            self._left_requests, self._left_bytes = self._body.fill.left
        self._pending = _Pending(self._position)

    def _flush(self) -> None:
        """Begin to write the pending rows."""
        self._settle()
        pending, body = self._pending, self._body
        # Positions are counted as if all rows were new, so that sizes are not counted too small.
        self._pending = _Pending(self._position + len(pending.rows) + len(pending.twins))
        if not pending.rows or body is None:
            return
        if pending.first != self._position:
            pending.sizes = self._sizes(body, pending)
        lines = [request.line for request in pending.rows.values()]
        blocks = list(blocks_of(lines))
        done = self._thread.submit(self._insert, body, pending, blocks)
        self._inserting = _Inserting(pending, blocks, done)

    def _insert(self, body: Body, pending: _Pending, blocks: list[tuple[int, int]]) -> bool:
        """Insert rows; false, and none inserted, if the job has one already."""
        places = chain.from_iterable(
            range(place_at(number, 0), place_at(number, end - start))
            for number, (start, end) in enumerate(blocks, body.blocks)
        )
        with self._ledger.transaction(durable=False):
            # The counters come first: numbers that are not counted would be given out again after a crash.
            self._ledger.set_counters(
                self._position + 2 * len(pending.rows) + len(pending.twins), self._number
            )
            return self._ledger.insert_items(body.fill.number, self._position, list(pending.rows), places)

    def _settle(self) -> None:
        """Write the bodies of the rows that were inserted, without the rows that the job has already."""
        inserting, self._inserting = self._inserting, None
        if inserting is None:
            return
        body, pending, blocks = self._body, inserting.pending, inserting.blocks
        assert body is not None
        inserted = inserting.done.result()
        with self._ledger.transaction(durable=False):
            if not inserted:
                pending.rows = self._unknown(pending)
                pending.sizes = self._sizes(body, pending)
                blocks = list(blocks_of([request.line for request in pending.rows.values()]))
                if not self._insert(body, pending, blocks):
                    raise LedgerError("rows that the job does not have could not be added; nothing was added")
            self._write(body, list(pending.rows.values()), pending.sizes, blocks)
            if pending.twins:
                self._add_twins(pending.twins)

    def _sizes(self, body: Body, pending: _Pending) -> list[int]:
        return [
            body.fill.size(request.custom_id, position, request.params_size)
            for position, request in enumerate(pending.rows.values(), self._position)
        ]

    def _write(
        self, body: Body, requests: list[Request], sizes: list[int], blocks: list[tuple[int, int]]
    ) -> None:
        for start, end in blocks:
            body.write([request.line for request in requests[start:end]])
        body.add(self._position, requests, sizes)
        for columns in [request.columns for request in requests if request.columns != b"{}"]:
            self._columns.add(columns)
        self._position += len(requests)
        self.added += len(requests)

    def _add_twins(self, twins: list[Request]) -> None:
        """Add the rows of a table that repeat the request of another row, unless they are that row."""
        items = self._ledger.items_by_key([request.key for request in twins])
        rows: list[tuple[int, bytes, int, bytes]] = []
        for request in twins:
            if request.row is None:
                continue
            item = items[request.key]
            first = self._first(item)
            sent = read_line(self._lines.body(first.shard, first.place))
            if sent.row == request.row and sent.extra == orjson.loads(request.columns):
                continue
            rows.append(
                (
                    self._position,
                    twin_key(request.key, request.row, request.columns),
                    item.position,
                    request.columns,
                )
            )
            self._columns.add(request.columns)
            self._position += 1
        self._ledger.insert_twins(rows)

    def _unknown(self, pending: _Pending) -> dict[bytes, Request]:
        """Return the rows that the job doesn't have; the others may be twins.

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
            first = self._first(item)
            known_params = split_line(self._lines.body(first.shard, first.place))[1]
            _compare(request, known_params, repeated=item.position >= self._first_position)
            pending.twins.append(request)
        self.known += len(known)
        return unknown

    def _first(self, item: Item) -> Item:
        """Return a row as it was added: rows that were sent again may have other params."""
        return (self._ledger.earlier(item.position) or [item])[0] if item.attempt > 1 else item


def _compare(request: Request, known: bytes, **other: Any) -> None:
    """Check that params are equal, as JSON.

    Raises:
        JobConflictError: They are not.
    """
    given = split_line(request.line)[1]
    if given != known and orjson.loads(given) != orjson.loads(known):
        raise JobConflictError(request.custom_id, request.at, shown(known), shown(given), **other)
