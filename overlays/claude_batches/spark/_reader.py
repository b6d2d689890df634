"""Reading: each batch that has ended is a partition, read on a worker as Arrow batches."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql.datasource import (
    DataSourceReader,
    EqualNullSafe,
    EqualTo,
    Filter,
    In,
    InputPartition,
    IsNotNull,
)
from pyspark.sql.types import StructType

from ..jobs import JobRow, ResultRow, WriteError
from ..jobs._causes import classify
from ..jobs._codec import LINE_BITS
from ..jobs._cost import Prices
from ..jobs._ids import key_of, parse_sent_id
from ..jobs._lines import parse_result
from ..jobs._opening import Opened, opened_to_read, options_of
from ..jobs._records import Shard, ShardState, Twin
from ..jobs._rows import rows_of_shard, with_twins
from ..jobs._stage._values import restorer
from ..jobs._tables import SCHEMA
from ..jobs._tables._columns import ColumnBuilder, Pricer
from ..jobs._tables._extras import optional, require
from ..jobs._tables._json import dumps
from ..jobs._temporary import TemporaryFolder
from ._client import ClientConfig
from ._options import ReadOptions
from ._types import FIXED, arrow_type, read_name

__all__ = ["JobReader", "PushingReader"]

logger = logging.getLogger("claude_batches.spark")

#: Rows that are made to one Arrow batch, unless they are large.
_ROWS = 1024
_BYTES = 2 * 1024 * 1024
#: Columns that are known without parsing a result.
_KNOWN: dict[str, Callable[[JobRow], Any]] = {
    "custom_id": lambda row: row.custom_id,
    "status": lambda row: row.cause,
    "response": lambda row: _response(row),
    "batch_id": lambda row: row.batch_id,
    "attempt": lambda row: row.attempt,
    "raw": lambda row: None if row.raw is None else row.raw.decode("utf-8", "replace"),
}
#: Columns that the ledger has, without the results.
_OF_LEDGER = frozenset(("status", "batch_id", "attempt"))
#: Columns that need no request.
_OF_RESULT = frozenset(FIXED) - {"custom_id"}


class Batch(InputPartition):
    """A batch that has ended.

    Args:
        shard: The number of its shard.
    """

    def __init__(self, shard: int) -> None:
        super().__init__(shard)
        self.shard = shard


class JobReader(DataSourceReader):
    """The reader of a job. It is pickled to the workers, and holds no credential.

    Args:
        options: The options.
        schema: The columns to read.
    """

    def __init__(self, options: ReadOptions, schema: StructType) -> None:
        self._job = options.job if options.ledger else str(Path(options.job).absolute())
        self._ledger = options.ledger
        self._uncollected = options.uncollected
        self._latest = options.latest
        self._client = options.client
        self._schema = schema
        self._statuses: frozenset[Any] | None = None
        self._batches: frozenset[Any] | None = None

    def partitions(self) -> Sequence[InputPartition]:
        """Return the batches that have ended."""
        job = opened_to_read(self._job, self._ledger)
        try:
            return [Batch(shard.number) for shard in job.ledger.shards() if self._wants(shard)]
        finally:
            job.close()

    def _wants(self, shard: Shard) -> bool:
        if self._batches is not None and shard.batch_id not in self._batches:
            return False
        ended = shard.state is ShardState.OPEN and shard.ended_at is not None
        return shard.state is ShardState.COLLECTED or (self._uncollected and ended)

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """Yield the rows of a batch as Arrow batches."""
        # Spark makes one partition of none.
        if isinstance(partition, Batch):
            job = opened_to_read(self._job, self._ledger)
            try:
                pricer = _pricer(job) if "cost" in self._schema.names else None
                yield from _Table(self._schema, pricer).batches(self._rows(job, partition.shard))
            finally:
                job.close()

    def _rows(self, job: Opened, number: int) -> Iterator[JobRow]:
        shard = job.ledger.shard(number)
        if shard is None:
            return
        if shard.state is ShardState.COLLECTED:
            names = set(self._schema.names)
            yield from rows_of_shard(
                job.ledger,
                job.lines,
                shard,
                self._statuses,
                latest=self._latest,
                bodies=not names <= _OF_RESULT,
                results=bool((names & _OF_RESULT) - _OF_LEDGER),
            )
            return
        for row in _uncollected(job, shard, self._client, latest=self._latest):
            if self._statuses is None or row.cause in self._statuses:
                yield row


class PushingReader(JobReader):
    """A reader that takes filters on `status` and `batch_id`. Spark refuses it where pushing filters is not enabled."""

    def pushFilters(self, filters: list[Filter]) -> Iterable[Filter]:  # noqa: N802  # Spark's name
        """Take filters; return those that are left to Spark."""
        for each in filters:
            column = _column(each)
            values = _values(each)
            if column == "status" and values is not None:
                self._statuses = values if self._statuses is None else self._statuses & values
            elif column == "batch_id" and values is not None:
                self._batches = values if self._batches is None else self._batches & values
            elif not (column == "status" and isinstance(each, IsNotNull)):
                yield each


def _column(given: Any) -> str | None:
    """Return the column that a filter is on; `None` where it is not a single one."""
    path: tuple[str, ...] = getattr(given, "attribute", ())
    return path[0] if len(path) == 1 else None


def _values(given: Filter) -> frozenset[Any] | None:
    """Return the values that a filter lets through; `None` for another kind of filter."""
    if isinstance(given, In):
        return frozenset(given.value) - {None}
    if isinstance(given, EqualTo | EqualNullSafe) and given.value is not None:
        return frozenset((given.value,))
    return None


def _pricer(job: Opened) -> Pricer:
    """Return the prices that the job's own tables have, as far as they are known here."""
    listed = optional("genai_prices") is not None
    if not listed:
        # No warning: each partition would repeat it, where nobody may want the column.
        logger.info(
            "models without prices of the job have no cost: claude-batches[cost] is not on this worker"
        )
    return Prices(options_of(job, {}).prices, listed=listed).pricer


def _response(row: JobRow) -> str | None:
    message = None if row.wire is None else row.wire["result"].get("message")
    return None if message is None else dumps(message).decode()


class _Table:
    """Makes Arrow batches of rows, with the wanted columns alone.

    Args:
        schema: The columns.
        pricer: The prices of messages, for the column `cost`.
    """

    def __init__(self, schema: StructType, pricer: Pricer | None) -> None:
        self._arrow = require("pyarrow", "spark", "the Spark data source")
        self._fields = [
            self._arrow.field(field.name, arrow_type(field.dataType), nullable=field.nullable)
            for field in schema
        ]
        self._schema = self._arrow.schema(self._fields)
        self._parsed = [each.name for each in self._fields if each.name in SCHEMA and each.name not in _KNOWN]
        self._builder = ColumnBuilder(self._parsed, pricer=pricer)
        self._passed = {
            each.name: (restorer(each.type), self._arrow.types.is_string(each.type))
            for each in self._fields
            if each.name not in FIXED
        }

    def batches(self, rows: Iterable[JobRow]) -> Iterator[Any]:
        """Yield the rows as Arrow batches."""
        chunk: list[JobRow] = []
        size = 0
        for row in rows:
            chunk.append(row)
            size += len(row.raw or b"")
            if len(chunk) >= _ROWS or size >= _BYTES:
                yield self._batch(chunk)
                chunk, size = [], 0
        if chunk:
            yield self._batch(chunk)

    def _batch(self, rows: list[JobRow]) -> Any:
        columns: dict[str, Any] = {}
        if self._parsed:
            # The other parts of a row are columns by themselves here.
            columns.update(self._builder.build([ResultRow(row.raw, "", None, 1, None) for row in rows]))
        for field in self._fields:
            known = _KNOWN.get(field.name)
            if known is not None:
                columns[field.name] = [known(row) for row in rows]
        if self._passed:
            inputs = [{read_name(name): value for name, value in row.columns.items()} for row in rows]
            for name, (restore, is_text) in self._passed.items():
                columns[name] = [_value(each.get(name), restore, is_text=is_text) for each in inputs]
        arrays = [self._array(field, columns[field.name]) for field in self._fields]
        return self._arrow.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _array(self, field: Any, values: Any) -> Any:
        try:
            return self._arrow.array(values, field.type)
        except (self._arrow.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise WriteError(f"the column {field.name!r} is not {field.type} in every row: {error}") from None


def _value(value: Any, restore: Callable[[Any], Any] | None, *, is_text: bool) -> Any:
    if restore is not None:
        return restore(value)
    return value if not is_text or value is None or isinstance(value, str) else dumps(value).decode()


# Batches that are not collected -----------------------------------------------------------------------------------


def _uncollected(job: Opened, shard: Shard, config: ClientConfig, *, latest: bool) -> Iterator[JobRow]:
    """Yield the results of a batch that has ended, from the API. A job may send some of the rows again."""
    assert shard.batch_id is not None
    with TemporaryFolder() as folder, config.client() as client:
        path = folder / "results.jsonl"
        client.messages.batches.download(shard.batch_id, path, workspace_id=config.workspace_id)
        yield from _joined(job, shard, path, latest=latest)


def _joined(job: Opened, shard: Shard, path: Path, *, latest: bool) -> Iterator[JobRow]:
    """Yield the rows of a file of results, in the order of the body, of which then each block is read once."""
    positions = job.ledger.positions(shard)
    starts = array("q", [-1]) * len(positions)
    own = job.ledger.facts().ids == "own"
    start = 0
    with path.open("rb") as file:
        for line in file:
            position = _position(job, parse_result(line)["custom_id"], own=own)
            index = None if position is None else positions.index(position)
            if index is not None:
                starts[index] = start
            start += len(line)
        for begin in range(0, len(positions), _ROWS):
            part = [positions[index] for index in range(begin, min(begin + _ROWS, len(positions)))]
            items = job.ledger.items_at(part)
            found = {
                position: starts[index]
                for index, position in enumerate(part, begin)
                if starts[index] >= 0 and items[position].shard == shard.number
            }
            for each in with_twins(
                job.ledger, job.lines, [items[position] for position in found], latest=latest
            ):
                columns = each.columns if isinstance(each, Twin) else None
                item = items[each.item] if isinstance(each, Twin) else each
                file.seek(found[item.position])
                line = file.readline().rstrip(b"\n")
                cause = classify(parse_result(line)["result"]).value
                yield JobRow(
                    each.position,
                    item.attempt,
                    cause,
                    shard.batch_id,
                    line,
                    job.lines.body_block(item.shard, item.place >> LINE_BITS),
                    item.place,
                    answers=None,
                    columns=columns,
                )


def _position(job: Opened, custom_id: str, *, own: bool) -> int | None:
    if own:
        found = job.ledger.items_by_key([key_of(custom_id)])
        return next((item.position for item in found.values()), None)
    sent = parse_sent_id(custom_id)
    return None if sent is None else sent.position
