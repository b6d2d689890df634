"""Write Parquet files to a job with plain processes: each stages some files, and one process commits.

    python examples/engines/processes.py PART.parquet PART.parquet ...

The tables have the columns `id` and `review`. It needs `pip install "claude-batches[arrow,stage]"`. Nothing is sent
before the job is run: `claude-batches run reviews.job`.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from claude_batches.jobs import StagedShard, Write, begin, commit, discard, stage


def stage_file(write: Write, numbered: tuple[int, str]) -> list[StagedShard]:
    """Stage the rows of a file."""
    number, path = numbered
    return stage(
        path,
        write,
        partition=number,
        template="Rate this review from 1 to 5: {review}",
        id_column="id",
        model="claude-haiku-4-5",
        params={"max_tokens": 50},
    )


def main(paths: list[str]) -> None:
    """Stage all files, two at a time, and commit them."""
    write = begin("reviews.job", "stage")
    try:
        with ProcessPoolExecutor(2) as pool:
            staged = list(pool.map(partial(stage_file, write), enumerate(paths)))
    except BaseException:
        discard(write)
        raise
    print(commit([shard for shards in staged for shard in shards], write))


if __name__ == "__main__":
    main(sys.argv[1:])
