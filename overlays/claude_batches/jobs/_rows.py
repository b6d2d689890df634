# The function that joins rows fills them.
# ruff: noqa: SLF001
# pyright: reportPrivateUsage=false
"""Rows of results: a request joined with its result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from heapq import merge
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any, Literal, cast

import orjson

from ._causes import Cause
from ._codec import BLOCK_LINES, LINE_BITS
from ._ledger._sql import SqlLedger
from ._lines import OWN_ID_COLUMN, Line, custom_id_of, exact_result, read_line, split_line, user_head
from ._reading import INDEX_BITS, Lines, StoredBlock
from ._records import Item, ItemState, ItemValues, Shard, ShardState, Twin
from ._tables import AnswerType, check_answer

if TYPE_CHECKING:
    from .. import types

__all__ = ["JobRow", "Joining", "Order", "rows", "rows_of_shard", "with_twins"]

Order = Literal["input", "arrival"]

#: The size of the results that are read ahead for rows in input order.
AHEAD_BYTES = 32 * 1024 * 1024
AHEAD_ROWS = 40_000


class JobRow:
    """A row: a request joined with its final result. Its parts are decoded at their first use."""

    __slots__ = (
        "_answers",
        "_block",
        "_columns",
        "_line",
        "_output",
        "_place",
        "_result",
        "_wire",
        "attempt",
        "batch_id",
        "cause",
        "position",
        "raw",
    )

    def __init__(
        self,
        position: int,
        attempt: int,
        cause: str,
        batch_id: str | None,
        line: bytes | None,
        block: StoredBlock,
        place: int,
        answers: AnswerType | None,
        columns: bytes | None,
    ) -> None:
        self.position = position
        """The position of the row in input order; positions grow, and some may be left out."""
        self.attempt = attempt
        """The number of the attempt that the result is of, from 1."""
        self.cause = cause
        """Outcome of the request, as in the table of causes: `"succeeded"`, `"expired"`, ..."""
        self.batch_id = batch_id
        """The batch that the result is from."""
        self.raw = line
        """The unparsed line of the result, without its newline; `None` if the batch had none."""
        self._block = block
        self._place = place
        self._answers = answers
        # The columns of a twin, whose body is that of another row.
        self._columns = columns
        self._line: Any = _UNREAD
        self._wire: Any = _UNREAD
        self._result: Any = _UNREAD
        self._output: Any = _UNREAD

    @property
    def custom_id(self) -> str:
        """The custom_id as it was added."""
        line = self._block.line(self._place)
        if self._columns is None:
            return custom_id_of(line)
        return user_head(split_line(line)[0], orjson.loads(self._columns))[0]

    @property
    def params(self) -> dict[str, Any]:
        """The params that were sent."""
        return self._read().params

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of the table that the request is of, or its other properties."""
        extra = self._read().extra if self._columns is None else orjson.loads(self._columns)
        return user_head("", extra)[1] or {}

    @property
    def request(self) -> dict[str, Any]:
        """The request as it was added, with the params that were sent."""
        return {**self.columns, "custom_id": self.custom_id, "params": self.params}

    @property
    def wire(self) -> dict[str, Any] | None:
        """The line of the result, parsed; its custom_id is the one that was sent."""
        wire = self._wire
        if wire is _UNREAD:
            wire = self._wire = None if self.raw is None else exact_result(self.raw)
        return wire  # type: ignore[no-any-return]

    @property
    def result(self) -> types.MessageBatchResult | None:
        """The result: succeeded, errored, canceled or expired; `None` if the batch had none."""
        result = self._result
        if result is _UNREAD:
            wire = self.wire
            result = self._result = None if wire is None else _decoder()(wire["result"])
        return result  # type: ignore[no-any-return]

    @property
    def output(self) -> Any:
        """The answer as a value of the job's `output` type; `None` where it is not one, or the job has no type.

        In a job that was opened without the type that it has, the value of the JSON.
        """
        if self._output is _UNREAD:
            self._output = None
            if self._answers is not None and self.wire is not None and self.cause == Cause.SUCCEEDED:
                self._output = check_answer(self._answers, self.wire["result"])[1]
        return self._output

    @property
    def message(self) -> types.Message | None:
        """The message of a succeeded result."""
        result = self.result
        return result.message if result is not None and result.type == "succeeded" else None

    @property
    def usage(self) -> types.Usage | None:
        """The tokens of a succeeded result."""
        message = self.message
        return None if message is None else message.usage

    def _read(self) -> Line:
        if self._line is _UNREAD:
            self._line = read_line(self._block.line(self._place))
        return cast("Line", self._line)

    def __repr__(self) -> str:
        return f"<JobRow {self.custom_id!r}: {self.cause}, attempt {self.attempt}>"


#: The value of a part that was not decoded so far.
_UNREAD: Any = object()
#: The block of rows whose requests are not read.
_NO_BODY = StoredBlock(0, 0, b"\n" * BLOCK_LINES)


@cache
def _decoder() -> Callable[[Any], types.MessageBatchResult]:
    """Return the decoder of a result; the models load at its first use."""
    from claude_batches_api import models

    decode: Callable[[Any], types.MessageBatchResult] = models.find("MessageBatchResult").resolve()
    return decode


def rows(
    ledger: SqlLedger, lines: Lines, order: Order, answers: AnswerType | None = None
) -> Iterator[JobRow]:
    """Yield the rows that have a final result."""
    joining = Joining(ledger, lines, answers)
    return joining.by_arrival() if order == "arrival" else joining.by_input()


def rows_of_shard(
    ledger: SqlLedger,
    lines: Lines,
    shard: Shard,
    causes: Collection[str] | None = None,
    *,
    latest: bool = False,
    bodies: bool = True,
    results: bool = True,
) -> Iterator[JobRow]:
    """Yield the rows whose final result is in the batch of one shard, in input order, in flat memory.

    Args:
        ledger: The ledger.
        lines: The lines of bodies and results.
        shard: The shard, whose results are collected.
        causes: The causes of the wanted rows; `None` for all.
        latest: Leaves out twins, and rows that have some, but for the one of each custom_id that was written last.
        bodies: Reads the requests. Without them a row has no custom_id, params or columns.
        results: Reads the results. Without them a row has none.
    """
    return Joining(ledger, lines, None, bodies=bodies, results=results).by_shard(shard, causes, latest=latest)


def with_twins(ledger: SqlLedger, lines: Lines, items: Sequence[Item], *, latest: bool) -> list[Item | Twin]:
    """Return rows and their twins; with `latest` the one of each custom_id that was written last.

    Args:
        ledger: The ledger.
        lines: The lines of bodies.
        items: The rows.
        latest: Leaves out the others.
    """
    if not items:
        return []
    wanted = {item.position for item in items}
    if not latest:
        return [*items, *_twins_of(ledger, wanted)]
    last = ledger.last_twins(list(wanted))
    if OWN_ID_COLUMN in ledger.input_columns():
        return _last_of_ids(ledger, lines, items, last)
    # A twin without columns says that it is the row itself.
    return [
        item if item.position not in last or not (twin := last[item.position][1]).columns else twin
        for item in items
    ]


def _last_of_ids(
    ledger: SqlLedger, lines: Lines, items: Sequence[Item], last: Mapping[int, tuple[bytes, Twin]]
) -> list[Item | Twin]:
    """Return the last of the rows with each custom_id, in a job where rows with several share a request."""
    by_id: dict[tuple[int, str | None], Item | Twin] = {}
    own: dict[int, tuple[int, str | None]] = {}
    for item in items:
        own[item.position] = (
            item.position,
            read_line(lines.body(item.shard, item.place)).extra.get(OWN_ID_COLUMN),
        )
        by_id[own[item.position]] = item
    for twin in _twins_of(ledger, set(own)):
        by_id[twin.item, orjson.loads(twin.columns).get(OWN_ID_COLUMN)] = twin
    for item in items:
        # A twin without columns says that it is the row itself.
        if item.position in last and not last[item.position][1].columns:
            by_id[own[item.position]] = item
    return list(by_id.values())


def _twins_of(ledger: SqlLedger, wanted: set[int]) -> Iterator[Twin]:
    """Yield the twins of rows with these positions."""
    return (twin for twin in ledger.twins_of(min(wanted), max(wanted)) if twin.item in wanted)


class Joining:
    """Joins rows with their results.

    Args:
        ledger: The ledger.
        lines: The lines of bodies and results.
        answers: The type of the answers.
        bodies: Reads the requests.
        results: Reads the results.
    """

    def __init__(
        self,
        ledger: SqlLedger,
        lines: Lines,
        answers: AnswerType | None,
        *,
        bodies: bool = True,
        results: bool = True,
    ) -> None:
        self._with_bodies = bodies
        self._with_results = results
        self._ledger = ledger
        self._lines = lines
        self._answers = answers
        self._batches: dict[int, str | None] = {}

    def _window(self) -> int:
        """Return the number of rows whose results are found together.

        Results come in any order. So those of many rows are found in one pass over the blocks that hold them.
        """
        ahead = self._ledger.average_result()
        return AHEAD_ROWS if ahead is None else max(100, min(AHEAD_ROWS, int(AHEAD_BYTES / max(ahead, 1))))

    def by_shard(self, shard: Shard, causes: Collection[str] | None, *, latest: bool) -> Iterator[JobRow]:
        """Return the rows with a final result in the batch of a shard, in input order; their twins follow."""
        return chain.from_iterable(map(self._joined, self._items_of_shard(shard, causes, latest=latest)))

    def _items_of_shard(
        self, shard: Shard, causes: Collection[str] | None, *, latest: bool
    ) -> Iterator[Sequence[Item | Twin]]:
        positions = list(self._ledger.positions(shard))
        window = self._window()
        twins = self._ledger.has_twins()
        for start in range(0, len(positions), window):
            part = positions[start : start + window]
            items = self._ledger.items_at(part)
            group = [
                item
                for item in map(items.__getitem__, part)
                if item.shard == shard.number
                and item.state == ItemState.DONE
                and (causes is None or (item.cause or "missing") in causes)
            ]
            if not twins or not group:
                yield group
            elif latest:
                yield with_twins(self._ledger, self._lines, group, latest=True)
            else:
                yield group
                # A row may have any number of them.
                others = _twins_of(self._ledger, {item.position for item in group})
                while some := list(islice(others, window)):
                    yield some

    def by_input(self) -> Iterator[JobRow]:
        """Return the rows in input order."""
        # Not a generator: each row would pass through it.
        if self._ledger.has_twins():
            return chain.from_iterable(map(self._joined, self._with_twins()))
        return chain.from_iterable(map(self._with_lines, self._windows()))

    def _with_twins(self) -> Iterator[list[Item | Twin]]:
        items: Iterator[Item | Twin] = self._ledger.items(states=(ItemState.DONE,))
        both, size = merge(items, self._ledger.twins(), key=_position), self._window()
        while group := list(islice(both, size)):
            yield group

    def _windows(self) -> Iterator[list[ItemValues]]:
        size = self._window()
        window: list[ItemValues] = []
        for page in self._ledger.pages(states=(ItemState.DONE,)):
            window += page
            if len(window) >= size:
                yield window
                window = []
        yield window

    def by_arrival(self) -> Iterator[JobRow]:
        """Return the rows batch by batch, in the order in which these ended."""
        collected = self._ledger.shards((ShardState.COLLECTED,))
        collected.sort(key=lambda shard: shard.ended_at or 0.0)
        return chain.from_iterable(self.by_shard(shard, None, latest=False) for shard in collected)

    def _joined(self, group: Sequence[Item | Twin]) -> Iterator[JobRow]:
        """Join rows with their results."""
        return self._with_lines(*self._items_of(group))

    def _with_lines(self, items: Sequence[ItemValues], twins: Sequence[Twin | None] = ()) -> Iterator[JobRow]:
        """Join rows with their results, each block of which is read once."""
        assert len(items) < 1 << INDEX_BITS, "more rows than an index has bits for"
        found: list[bytes | None] = [None] * len(items)
        if self._with_results:
            for shard, wanted in _wanted(items).items():
                self._lines.find_results(shard, sorted(wanted), found)
        return self._rows(items, found, twins)

    def _items_of(self, group: Sequence[Item | Twin]) -> tuple[list[Item], list[Twin | None]]:
        """Return the finished rows of a group, with a twin in the place of its own row."""
        sent = [each.item for each in group if isinstance(each, Twin)]
        if not sent:
            return cast("list[Item]", group), []
        items_of = self._ledger.items_at(sent)
        pairs = [(items_of[each.item], each) if isinstance(each, Twin) else (each, None) for each in group]
        done = [(item, twin) for item, twin in pairs if item.state == ItemState.DONE]
        return [item for item, _ in done], [twin for _, twin in done]

    def _rows(
        self, items: Sequence[ItemValues], results: Sequence[bytes | None], twins: Sequence[Twin | None] = ()
    ) -> Iterator[JobRow]:
        """Join rows, results and requests."""
        # A million rows come through here: a row is filled in place of being called, which takes half of the time.
        new, row_type, unread, answers = object.__new__, JobRow, _UNREAD, self._answers
        in_shard = in_block = -1
        block, batch = _NO_BODY, None
        for item, line, twin in zip(items, results, twins or repeat(None), strict=False):
            row = new(row_type)
            row.position, shard, place, _, row.attempt, cause, _ = item
            if place >> LINE_BITS != in_block or shard != in_shard:
                if shard != in_shard:
                    batch = self._batch_of(shard)
                in_shard, in_block = shard, place >> LINE_BITS
                if self._with_bodies:
                    block = self._lines.body_block(shard, in_block)
            row.cause = cause or "missing"
            row.batch_id = batch
            row.raw = line
            row._block = block
            row._place = place
            row._answers = answers
            row._columns = None
            row._line = row._wire = row._result = row._output = unread
            if twin is not None:
                row.position, _, row._columns = twin
            yield row

    def _batch_of(self, number: int) -> str | None:
        if number not in self._batches:
            shard = self._ledger.shard(number)
            self._batches[number] = None if shard is None else shard.batch_id
        return self._batches[number]


def _wanted(items: Sequence[ItemValues]) -> dict[int, list[int]]:
    """Return the wanted results of rows by shard, in the form of `Lines.find_results`."""
    found: dict[int, list[int]] = {}
    in_shard = -1
    wanted: list[int] = []
    for index, (_, shard, _, _, _, _, place) in enumerate(items):
        if place is not None:
            if shard != in_shard:
                in_shard, wanted = shard, found.setdefault(shard, [])
            wanted.append(place << INDEX_BITS | index)
    return found


def _position(each: Item | Twin) -> int:
    return each.position
