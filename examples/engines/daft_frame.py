"""Write a data frame of Daft to a job: workers stage their rows, and the driver commits them.

    python examples/engines/daft_frame.py reviews.csv

The table has the columns `id` and `review`. It needs `pip install daft "claude-batches[stage]"`. Nothing is sent before
the job is run: `claude-batches run reviews.job`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import daft
from claude_batches.jobs import Write, begin, commit, stage
from daft.io.sink import DataSink, WriteResult
from daft.recordbatch import MicroPartition


class JobSink(DataSink[Any]):
    """Stages the rows of a frame. Daft hands the results of successful tasks to `finalize`: these are committed."""

    def __init__(self, write: Write, ledger: str | None = None, **source: Any) -> None:
        self._write = write
        self._ledger = ledger
        self._source = source

    def name(self) -> str:
        """Return the name that plans show."""
        return "claude-batches"

    def schema(self) -> Any:
        """Return the columns of the outcome."""
        return daft.Schema.from_pydict(dict.fromkeys(("added", "known", "shards"), daft.DataType.int64()))

    def write(self, micropartitions: Iterator[Any]) -> Iterator[WriteResult[Any]]:
        """Stage the rows of a worker."""
        for part in micropartitions:
            shards = stage(part.to_arrow(), self._write, **self._source)
            yield WriteResult(shards, sum(shard.bytes for shard in shards), len(part))

    def finalize(self, write_results: list[WriteResult[Any]]) -> Any:
        """Commit the shards of all workers."""
        shards = [shard for each in write_results for shard in each.result]
        done = commit(shards, self._write, ledger=self._ledger)
        return MicroPartition.from_pydict(
            {"added": [done.added], "known": [done.known], "shards": [done.shards]}
        )


if __name__ == "__main__":
    sink = JobSink(
        begin("reviews.job", "stage"),
        template="Rate this review from 1 to 5: {review}",
        id_column="id",
        model="claude-haiku-4-5",
        params={"max_tokens": 50},
    )
    print(daft.read_csv(sys.argv[1]).write_sink(sink).to_pydict())
