"""Jobs that are staged by tasks, as an engine does it; and the places that they are in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
from claude_batches.jobs import Committed, StagedShard, Write, begin, commit, stage

from tests.jobs.victim import requests


@attrs.frozen
class Place:
    """A job and its stage."""

    job: str
    stage: str
    ledger: str | None

    def begin(self) -> Write:
        return begin(self.job, self.stage, ledger=self.ledger)

    def commit(self, shards: Iterable[StagedShard], write: Write, **options: Any) -> Committed:
        return commit(shards, write, ledger=self.ledger, **options)

    def write(self, rows: Sequence[Any], *, partitions: int = 3, **source: Any) -> Committed:
        """Write rows as an engine does, each partition by a task."""
        write = self.begin()
        shards = [
            shard
            for partition in range(partitions)
            for shard in stage(rows[partition::partitions], write, partition=partition, **source)
        ]
        return self.commit(shards, write)

    def files(self) -> set[str]:
        """Return the files on the stage."""
        return {path.as_uri() for path in Path(self.stage).rglob("*") if path.is_file()}


def numbered(count: int, start: int = 0) -> list[Any]:
    return list(requests(count, start))
