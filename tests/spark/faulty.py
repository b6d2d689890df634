"""The data source with faults of an engine: tasks that fail after writing, run twice, and drivers that are killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from typing import Any

from claude_batches.jobs._ledger._sql import SqlLedger
from claude_batches.spark import ClaudeBatchesSource
from claude_batches.spark._options import WriteOptions
from claude_batches.spark._writer import JobWriter
from pyspark import TaskContext
from pyspark.sql.types import StructType


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class FaultySource(ClaudeBatchesSource):
    """The format `faulty`; the option `fault` names what happens."""

    @classmethod
    def name(cls) -> str:
        return "faulty"

    def writer(self, schema: StructType, overwrite: bool) -> FaultyWriter:
        options = dict(self.options)
        fault = options.pop("fault")
        return FaultyWriter(WriteOptions.of(options), schema, fault)


class FaultyWriter(JobWriter):
    def __init__(self, options: WriteOptions, schema: StructType, fault: str) -> None:
        super().__init__(options, schema)
        self._fault = fault

    def write(self, iterator: Iterator[Any]) -> Any:
        context = TaskContext.get()
        assert context is not None
        batches = list(iterator)
        message = super().write(iter(batches))
        if self._fault == "every task fails":
            raise RuntimeError("failed after writing")
        if self._fault == "tasks fail" and context.attemptNumber() == 0:
            raise RuntimeError("failed after writing")
        if self._fault == "tasks run twice":
            # Another attempt of this task has written, too, and is not the one that counts.
            return super().write(iter(batches))
        return message

    def commit(self, messages: Sequence[Any]) -> None:
        if self._fault == "killed before commit":
            die()
        if self._fault == "killed in commit":
            SqlLedger.register_write = die  # type: ignore[method-assign]
        super().commit(messages)
        if self._fault == "killed after commit":
            die()
        if self._fault == "commit is not seen to succeed":
            raise OSError("the connection was lost")

    def abort(self, messages: Sequence[Any]) -> None:
        if self._fault.startswith("killed"):
            # A driver that is dead cleans up nothing.
            die()
        super().abort(messages)
