"""Write a table of Ray Data to a job: tasks stage their blocks, and the driver commits them.

    python examples/engines/ray_data.py reviews.csv

The table has the columns `id` and `review`. It needs `pip install "ray[data]" "claude-batches[stage]"`. Nothing is sent
before the job is run: `claude-batches run reviews.job`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import ray
from claude_batches.jobs import Write, begin, commit, discard, stage
from ray.data import Datasink


class JobSink(Datasink[Any]):
    """Stages the rows of a dataset. Ray runs a task again that failed: what it returned last is committed."""

    def __init__(self, write: Write, ledger: str | None = None, **source: Any) -> None:
        self._write = write
        self._ledger = ledger
        self._source = source

    def write(self, blocks: Iterable[Any], ctx: Any) -> Any:
        """Stage the blocks of a task, which are Arrow tables."""
        shards: list[Any] = []
        for block in blocks:
            shards += stage(block, self._write, partition=ctx.task_idx, **self._source)
        return shards

    def on_write_complete(self, write_result: Any) -> None:
        """Commit the shards of all tasks."""
        shards = [shard for returned in write_result.write_returns for shard in returned]
        print(commit(shards, self._write, ledger=self._ledger))

    def on_write_failed(self, error: Exception) -> None:  # noqa: ARG002
        """Delete what the tasks staged."""
        discard(self._write, ledger=self._ledger)


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False)
    sink = JobSink(
        begin("reviews.job", "stage"),
        template="Rate this review from 1 to 5: {review}",
        id_column="id",
        model="claude-haiku-4-5",
        params={"max_tokens": 50},
    )
    ray.data.read_csv(sys.argv[1]).repartition(4).write_datasink(sink)
