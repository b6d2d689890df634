"""Rows of results: a request joined with its result."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, cast

import orjson

from ._causes import Cause
from ._codec import place_at
from ._ids import key_of, parse_sent_id
from ._ledger._sql import SqlLedger
from ._lines import Line, parse_result, read_line, split_line
from ._reading import Lines
from ._records import RESULT, Item, ItemState, Shard, ShardState, Twin
from ._tables import AnswerType, check_answer

if TYPE_CHECKING:
    from .. import types

__all__ = ["JobRow", "Order", "rows", "rows_of_shard"]

Order = Literal["input", "arrival"]

#: The size of the results that are read ahead for rows in input order.
AHEAD_BYTES = 16 * 1024 * 1024
AHEAD_ROWS = 20_000


class JobRow:
    """A row: a request joined with its final result. Its parts are decoded at their first use."""

    def __init__(
        self,
        item: Item,
        body: bytes,
        line: bytes | None,
        batch_id: str | None,
        answers: AnswerType | None = None,
        twin: Twin | None = None,
    ) -> None:
        self.position = item.position if twin is None else twin.position
        """The position of the row in input order; positions grow, and some may be left out."""
        self.attempt = item.attempt
        """The number of the attempt that the result is of, from 1."""
        self.cause = item.cause or "missing"
        """Outcome of the request, as in the table of causes: `"succeeded"`, `"expired"`, ..."""
        self.batch_id = batch_id
        """The batch that the result is from."""
        self.raw = line
        """The unparsed line of the result, without its newline; `None` if the batch had none."""
        self._body = body
        self._answers = answers
        self._twin = twin

    @cached_property
    def _line(self) -> Line:
        return read_line(self._body)

    @cached_property
    def custom_id(self) -> str:
        """The custom_id as it was added."""
        return split_line(self._body)[0]

    @cached_property
    def params(self) -> dict[str, Any]:
        """The params that were sent."""
        return self._line.params

    @cached_property
    def columns(self) -> dict[str, Any]:
        """The columns of the table that the request is of, or its other properties."""
        if self._twin is not None:
            return cast("dict[str, Any]", orjson.loads(self._twin.columns))
        return self._line.extra

    @cached_property
    def request(self) -> dict[str, Any]:
        """The request as it was added, with the params that were sent."""
        return {**self.columns, "custom_id": self.custom_id, "params": self.params}

    @cached_property
    def wire(self) -> dict[str, Any] | None:
        """The line of the result, parsed; its custom_id is the one that was sent."""
        return None if self.raw is None else parse_result(self.raw)

    @cached_property
    def result(self) -> types.MessageBatchResult | None:
        """The result: succeeded, errored, canceled or expired; `None` if the batch had none."""
        if self.wire is None:
            return None
        from ..types import MessageBatchIndividualResponse

        return MessageBatchIndividualResponse.from_dict(self.wire).result

    @cached_property
    def output(self) -> Any:
        """The answer as a value of the job's `output` type; `None` where it is not one, or there is not a type."""
        if self._answers is None or self.wire is None or self.cause != Cause.SUCCEEDED:
            return None
        return check_answer(self._answers, self.wire["result"])[1]

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


def rows(
    ledger: SqlLedger, lines: Lines, order: Order, answers: AnswerType | None = None
) -> Iterator[JobRow]:
    """Yield the rows that have a final result."""
    joining = _Joining(ledger, lines, answers)
    return joining.by_arrival() if order == "arrival" else joining.by_input()


def rows_of_shard(
    ledger: SqlLedger,
    lines: Lines,
    shard: Shard,
    causes: Collection[str] | None = None,
    *,
    bodies: bool = True,
    results: bool = True,
) -> Iterator[JobRow]:
    """Yield the rows whose final result is in the batch of one shard, in input order, in flat memory.

    Args:
        ledger: The ledger.
        lines: The lines of bodies and results.
        shard: The shard, whose results are collected.
        causes: The causes of the wanted rows; `None` for all.
        bodies: Reads the requests. Without them a row has no custom_id, params or columns.
        results: Reads the results. Without them a row has none.
    """
    return _Joining(ledger, lines, None, bodies=bodies, results=results).by_shard(shard, causes)


class _Joining:
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

    def by_shard(self, shard: Shard, causes: Collection[str] | None) -> Iterator[JobRow]:
        """Yield the rows with a final result in the batch of a shard, in input order."""
        positions = list(self._ledger.positions(shard))
        window = self._window()
        twins = bool(self._ledger.count_twins())
        for start in range(0, len(positions), window):
            part = positions[start : start + window]
            items = self._ledger.items_at(part)
            group: list[Item | Twin] = [
                item
                for item in map(items.__getitem__, part)
                if item.shard == shard.number
                and item.state == ItemState.DONE
                and (causes is None or (item.cause or "missing") in causes)
            ]
            if twins and group:
                wanted = {item.position for item in group}
                found = self._ledger.twins_of(min(wanted), max(wanted))
                group += [twin for twin in found if twin.item in wanted]
            yield from self._joined(group)

    def by_input(self) -> Iterator[JobRow]:
        """Yield rows in input order."""
        window = self._window()
        items: Iterator[Item | Twin] = self._ledger.items(states=(ItemState.DONE,))
        if self._ledger.count_twins():
            items = merge(items, self._ledger.twins(), key=_position)
        while group := list(islice(items, window)):
            yield from self._joined(group)

    def by_arrival(self) -> Iterator[JobRow]:
        """Yield rows as their results came; those without a result, and twins, come last."""
        collected = self._ledger.shards((ShardState.COLLECTED,))
        for shard in sorted(collected, key=lambda shard: shard.ended_at or 0.0):
            yield from self._of_shard(shard)
        for item in self._ledger.items(states=(ItemState.DONE,)):
            if item.result is None:
                yield self._row(item, None)
        twins = self._ledger.twins()
        while group := list(islice(twins, 1000)):
            yield from self._joined(group)

    def _joined(self, group: Sequence[Item | Twin]) -> Iterator[JobRow]:
        sent = [each.item for each in group if isinstance(each, Twin)]
        twins_of = self._ledger.items_at(sent) if sent else {}
        wanted: dict[int, set[int]] = {}
        pairs: list[tuple[Item, Twin | None]] = []
        for each in group:
            item, twin = (twins_of[each.item], each) if isinstance(each, Twin) else (each, None)
            if item.state == ItemState.DONE:
                pairs.append((item, twin))
                if item.result is not None and self._with_results:
                    wanted.setdefault(item.shard, set()).add(item.result)
        found = {shard: self._lines.results(shard, places) for shard, places in wanted.items()}
        for item, twin in pairs:
            line = found[item.shard][item.result] if item.shard in found and item.result is not None else None
            yield self._row(item, line, twin)

    def _row(self, item: Item, line: bytes | None, twin: Twin | None = None) -> JobRow:
        if item.shard not in self._batches:
            shard = self._ledger.shard(item.shard)
            self._batches[item.shard] = None if shard is None else shard.batch_id
        body = self._lines.body(item.shard, item.place) if self._with_bodies else b""
        return JobRow(item, body, line, self._batches[item.shard], self._answers, twin)

    def _of_shard(self, shard: Shard) -> Iterator[JobRow]:
        """Yield the final results of a shard, unparsed."""
        own = self._ledger.facts().ids == "own"
        for number in range(len(self._ledger.blocks(RESULT, shard.number))):
            block = self._lines.result_block(shard.number, number)
            ids = [parse_result(line)["custom_id"] if line.strip() else "" for line in block]
            if own:
                by_key = self._ledger.items_by_key([key_of(each) for each in ids if each])
                found = {item.position: item for item in by_key.values()}
            else:
                sent = [parse_sent_id(each) for each in ids]
                found = self._ledger.items_at([each.position for each in sent if each is not None])
            by_place = {item.result: item for item in found.values() if item.shard == shard.number}
            for index, line in enumerate(block):
                item = by_place.get(place_at(number, index))
                if item is not None and item.state == ItemState.DONE:
                    yield self._row(item, line)


def _position(each: Item | Twin) -> int:
    return each.position
