"""Writing: tasks stage the rows of their partitions, and the driver commits them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pyspark import TaskContext
from pyspark.sql.datasource import DataSourceArrowWriter, WriterCommitMessage
from pyspark.sql.types import StructType

from ..jobs import JobError, SourceError, StagedShard, begin, commit, discard, stage
from ..jobs._tables._extras import require
from ._checks import check_columns
from ._options import WriteOptions
from ._types import described

__all__ = ["JobWriter"]

logger = logging.getLogger("claude_batches.spark")


@dataclass
class Staged(WriterCommitMessage):
    """The shards that a task returns."""

    shards: list[StagedShard]


class JobWriter(DataSourceArrowWriter):
    """The writer of a table. It is pickled to the tasks, and holds no credential.

    Args:
        options: The options.
        schema: The columns of the table.
    """

    def __init__(self, options: WriteOptions, schema: StructType) -> None:
        self._columns = described(schema)
        check_columns(options, schema)
        self._ledger = options.ledger
        self._source = options.source()
        self._write = begin(options.job, options.stage, ledger=options.ledger, ids=options.ids)

    def write(self, iterator: Iterator[Any]) -> WriterCommitMessage:
        """Stage the rows of a partition."""
        first = next(iterator, None)
        if first is None:
            return Staged([])
        arrow = require("pyarrow", "spark", "the Spark data source")
        rows = arrow.RecordBatchReader.from_batches(first.schema, chain([first], iterator))
        context = TaskContext.get()
        partition, attempt = (0, 0) if context is None else (context.partitionId(), context.taskAttemptId())
        try:
            return Staged(stage(rows, self._write, partition=partition, attempt=attempt, **self._source))
        except SourceError as error:
            if error.lacks in ("model", "max_tokens"):
                error.add_note(f'In Spark, option("{error.lacks}", ...) gives it for all rows.')
            raise

    def commit(self, messages: Sequence[WriterCommitMessage | None]) -> None:
        """Register the shards of all partitions.

        Raises:
            JobError: They can't be registered. Nothing is.
        """
        shards: list[StagedShard] = []
        for message in messages:
            if not isinstance(message, Staged):
                raise JobError("a task returned nothing, so nothing was registered: write the table again")
            shards += message.shards
        done = commit(shards, self._write, ledger=self._ledger, columns=self._columns)
        logger.info("write %s: %s", self._write.id, done)

    def abort(self, messages: Sequence[WriterCommitMessage | None]) -> None:  # noqa: ARG002  # it may lack messages
        """Delete all that the tasks wrote, unless it is registered."""
        discard(self._write, ledger=self._ledger)
