"""Rows of results: a request joined with its result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

from ._codec import place_at
from ._collect import parse_result
from ._ids import key_of, parse_sent_id
from ._ledger._sql import SqlLedger
from ._lines import read_line, split_line
from ._reading import Lines
from ._records import RESULT, Item, ItemState, Shard, ShardState

if TYPE_CHECKING:
    from claude_batches import types

__all__ = ["JobRow", "Order", "rows"]

Order = Literal["input", "arrival"]

#: The size of the results that are read ahead for rows in input order.
AHEAD_BYTES = 16 * 1024 * 1024
AHEAD_ROWS = 20_000


class JobRow:
    """A row: a request joined with its final result. What it holds is decoded when it is asked for."""

    def __init__(self, item: Item, body: bytes, line: bytes | None, batch_id: str | None) -> None:
        self.position = item.position
        """The position of the request in input order, from 0."""
        self.attempt = item.attempt
        """The number of the attempt that the result is of, from 1."""
        self.cause = item.cause or "missing"
        """How the request ended, as the table of causes names it: `"succeeded"`, `"expired"`, ..."""
        self.batch_id = batch_id
        """The batch that the result is from."""
        self.raw_request = body
        """The request as JSON, with the params that were sent."""
        self.raw = line
        """The line of the result as it came, without its newline; `None` if the batch had none."""

    @cached_property
    def custom_id(self) -> str:
        """The custom_id as it was added."""
        return split_line(self.raw_request)[0]

    @cached_property
    def request(self) -> dict[str, Any]:
        """The request as it was added, with the params that were sent."""
        return read_line(self.raw_request)

    @cached_property
    def wire(self) -> dict[str, Any] | None:
        """The line of the result, parsed; its custom_id is the one that was sent."""
        return None if self.raw is None else parse_result(self.raw)

    @cached_property
    def result(self) -> types.MessageBatchResult | None:
        """The result: succeeded, errored, canceled or expired; `None` if the batch had none."""
        if self.wire is None:
            return None
        from claude_batches.types import MessageBatchIndividualResponse

        return MessageBatchIndividualResponse.from_dict(self.wire).result

    @property
    def message(self) -> types.Message | None:
        """The message of a succeeded result."""
        return cast("types.Message | None", getattr(self.result, "message", None))

    @property
    def usage(self) -> types.Usage | None:
        """The tokens of a succeeded result."""
        return None if self.message is None else self.message.usage

    def __repr__(self) -> str:
        return f"<JobRow {self.custom_id!r}: {self.cause}, attempt {self.attempt}>"


def rows(ledger: SqlLedger, lines: Lines, order: Order) -> Iterator[JobRow]:
    """Yield the rows that have a final result."""
    batches = _Batches(ledger)
    if order == "arrival":
        return _by_arrival(ledger, lines, batches)
    return _by_input(ledger, lines, batches)


class _Batches:
    """The batch ids of shards."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger
        self._known: dict[int, str | None] = {}

    def __getitem__(self, shard: int) -> str | None:
        if shard not in self._known:
            found = self._ledger.shard(shard)
            self._known[shard] = None if found is None else found.batch_id
        return self._known[shard]


def _by_input(ledger: SqlLedger, lines: Lines, batches: _Batches) -> Iterator[JobRow]:
    # Results come in any order. So those of many rows are found in one pass over the blocks that hold them.
    ahead = ledger.average_result()
    window = AHEAD_ROWS if ahead is None else max(100, min(AHEAD_ROWS, int(AHEAD_BYTES / max(ahead, 1))))
    items: list[Item] = []
    for item in ledger.items(states=(ItemState.DONE,)):
        items.append(item)
        if len(items) == window:
            yield from _joined(items, lines, batches)
            items = []
    yield from _joined(items, lines, batches)


def _joined(items: Sequence[Item], lines: Lines, batches: _Batches) -> Iterator[JobRow]:
    wanted: dict[int, list[int]] = {}
    for item in items:
        if item.result is not None:
            wanted.setdefault(item.shard, []).append(item.result)
    found = {shard: lines.results(shard, places) for shard, places in wanted.items()}
    for item in items:
        line = None if item.result is None else found[item.shard].pop(item.result)
        yield JobRow(item, lines.body(item.shard, item.place), line, batches[item.shard])


def _by_arrival(ledger: SqlLedger, lines: Lines, batches: _Batches) -> Iterator[JobRow]:
    collected = sorted(ledger.shards((ShardState.COLLECTED,)), key=lambda shard: shard.ended_at or 0.0)
    for shard in collected:
        yield from _of_shard(shard, ledger, lines, batches)
    for item in ledger.items(states=(ItemState.DONE,)):
        if item.result is None:
            yield JobRow(item, lines.body(item.shard, item.place), None, batches[item.shard])


def _of_shard(shard: Shard, ledger: SqlLedger, lines: Lines, batches: _Batches) -> Iterator[JobRow]:
    """Yield the final results among those of a shard, as they came."""
    own = ledger.facts().ids == "own"
    for number in range(len(ledger.blocks(RESULT, shard.number))):
        block = lines.result_block(shard.number, number)
        ids = [parse_result(line)["custom_id"] if line.strip() else "" for line in block]
        if own:
            by_key = ledger.items_by_key([key_of(each) for each in ids if each])
            found = {item.position: item for item in by_key.values()}
        else:
            sent = [parse_sent_id(each) for each in ids]
            found = ledger.items_at([each.position for each in sent if each is not None])
        by_place = {item.result: item for item in found.values() if item.shard == shard.number}
        for index, line in enumerate(block):
            item = by_place.get(place_at(number, index))
            if item is not None and item.state == ItemState.DONE:
                yield JobRow(item, lines.body(item.shard, item.place), line, batches[item.shard])
