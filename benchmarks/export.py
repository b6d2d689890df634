"""Speed of a job's table of results, compared with the JSON parser alone on the same lines.

    python benchmarks/export.py

Three jobs of the same results, in a folder: of plain requests, of a table with three columns, and of requests with
their own ids. `floor` is `orjson.loads` of each line of results. A figure is the floor's processor time divided by that
of all threads that write the table, so 0.2 is five times the floor's time. The best of the rounds counts, since other
programs make each longer. The results are put into the job without a server, as if they had been downloaded.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
from _results_file import write_results
from claude_batches.jobs import Job
from claude_batches.jobs._collect import ingest
from claude_batches.jobs._ids import sent_id


def main() -> int:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=40_000, help="the number of requests")
    parser.add_argument("--rounds", type=int, default=5, help="the number of rounds")
    options = parser.parse_args()
    for name in ("pyarrow.parquet", "msgspec"):
        import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.jsonl"
        write_results(lines, 1_000)
        templates = lines.read_bytes().splitlines()
        print(f"{'job':10}{'raw':>8}{'no raw':>8}{'text alone':>12}")
        for name, columns, ids in (
            ("plain", {}, "derived"),
            ("table", {"product": "p-17", "stars": 4, "price": 1.5}, "derived"),
            ("own ids", {}, "own"),
        ):
            with Job.open(Path(folder) / name, ids=ids) as job:  # type: ignore[arg-type]
                job.add(_requests(options.rows, columns))
                _collect(job, templates)
                figures = list(_figures(job, Path(folder) / "a.parquet", options.rounds))
            print(f"{name:10}{figures[0]:8.2f}{figures[1]:8.2f}{figures[2]:12.2f}")
    return 0


def _figures(job: Job, path: Path, rounds: int) -> Iterator[float]:
    lines = [row.raw or b"" for row in job.results()]
    floor = _best(lambda: [None for line in lines if orjson.loads(line) is None], rounds)
    lines.clear()
    yield floor / _best(lambda: job.write(path), rounds)
    yield floor / _best(lambda: job.write(path, raw=False), rounds)
    yield floor / _best(lambda: job.write(path, columns=["custom_id", "text"]), rounds)


def _requests(count: int, columns: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for number in range(count):
        text = f"Question {number}: " + "why is the sea salt and not sweet " * 12
        params = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": text}]}
        yield {**columns, "custom_id": f"row-{number}", "params": params}


def _collect(job: Job, templates: list[bytes]) -> None:
    """Give each row a result, in another order than that of the rows."""
    opened = job._job  # noqa: SLF001
    ledger = opened.ledger
    facts = ledger.facts()
    for shard in ledger.shards():
        ledger._run(  # noqa: SLF001
            "UPDATE shard SET state = 'open', batch_id = ?, created_at = 1, ended_at = 2, owner = ? WHERE number = ?",
            (f"msgbatch_{shard.number}", ledger.worker, shard.number),
        )
        positions = list(ledger.positions(shard))
        random.Random(1).shuffle(positions)
        path = opened.store.download_path(shard.number)
        with path.open("wb") as file:
            for position in positions:
                custom_id = f"row-{position}"
                if facts.ids == "derived":
                    custom_id = sent_id(facts.token, shard.number, position)
                head, _, tail = templates[position % len(templates)].partition(b'","result"')
                del head
                file.write(b'{"custom_id":"%b","result"%b\n' % (custom_id.encode(), tail))
        found = ledger.shard(shard.number)
        assert found is not None
        ingest(ledger, opened.store, opened.lines, job.options, found, path)


def _best(run: Callable[[], object], rounds: int) -> float:
    times: list[float] = []
    for _ in range(rounds):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
