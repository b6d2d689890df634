"""Many processes on one job: staging, committing, submitting and reading, with the sandbox as the server.

    python benchmarks/scale.py
    python benchmarks/scale.py --rows 1000000 --shards 64 --spark

Each case runs in processes of its own. PostgreSQL is a server of the benchmark's own, on this machine.

1. Rows staged by one task, and committed to SQLite and to PostgreSQL.
2. Batches submitted by 1, 2 and 4 workers, with a latency for each call.
3. Rows read as Arrow batches, as a worker of Spark reads them, and the peak of its memory.
4. With `--spark`: a table written and read by Spark on two cores, which needs Java.
5. On paper: how long a hundred million requests take by the API's limits.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from claude_batches import Client  # noqa: E402
from claude_batches.jobs import Job, begin, commit, stage  # noqa: E402
from claude_batches.sandbox import Fault, Sandbox  # noqa: E402

from tests.jobs.postgres import Postgres, binaries  # noqa: E402

WORKERS = (1, 2, 4)
#: The largest peak of a worker's memory that is promised.
MOST_MB = 300
#: Requests in the queue, and calls a minute, of the lowest and the highest tier.
TIERS = {"lowest": (100_000, 50), "highest": (500_000, 2_000)}
MILLIONS = 100


def main() -> int:
    """Measure all parts, or be one of their processes."""
    options = _options()
    if options.worker is not None:
        _worker(json.loads(options.worker))
        return 0
    programs = binaries()
    server = None if programs is None else Postgres(programs)
    try:
        with tempfile.TemporaryDirectory() as folder:
            _staging(options.rows, Path(folder), server)
            if server is None:
                print("workers are left out: PostgreSQL is not installed")
            else:
                _submitting(options.shards, options.latency, Path(folder), server.dsn)
            _reading(options.rows, Path(folder))
            if options.spark:
                _spark(options.rows, Path(folder))
    finally:
        if server is not None:
            server.stop()
    _paper()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows", type=int, default=200_000, help="the number of rows that are staged and read"
    )
    parser.add_argument("--shards", type=int, default=48, help="the number of batches that are submitted")
    parser.add_argument("--latency", type=float, default=0.5, help="seconds that each create takes at least")
    parser.add_argument("--spark", action="store_true", help="measure Spark as well")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def _rows(count: int, start: int = 0) -> Iterator[dict[str, Any]]:
    for number in range(start, start + count):
        message = {"role": "user", "content": f"Rate review {number}: " + "a fine product " * 20}
        params = {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": [message]}
        yield {"custom_id": f"row {number}", "params": params, "ticket": f"t{number}", "number": number}


# ------------------------------------------------------------------------------------------------------------
# Parts


def _staging(count: int, folder: Path, server: Postgres | None) -> None:
    print(f"{count:,} rows of 400 bytes, by one process")
    print(f"{'':24}{'rows a second':>15}")
    places = {"SQLite": (str(folder / "read.job"), None)}
    if server is not None:
        places["PostgreSQL"] = ("scale", server.dsn)
    for name, (job, ledger) in places.items():
        write = begin(job, folder / "stage", ledger=ledger)
        begun = time.perf_counter()
        shards = stage(_rows(count), write)
        staged = time.perf_counter()
        commit(shards, write, ledger=ledger)
        done = time.perf_counter()
        if name == "SQLite":
            print(f"{'stage':24}{count / (staged - begun):>15,.0f}")
        print(f"{'commit to ' + name:24}{count / (done - staged):>15,.0f}")
    print()


def _submitting(count: int, latency: float, folder: Path, dsn: str) -> None:
    print(f"{count} batches of 20 requests, {latency} s for each create")
    print(f"{'workers':>8}{'seconds':>10}{'batches a second':>18}{'of the ideal':>14}")
    faults = [Fault(kind="latency", on="create", seconds=latency)]
    for workers in WORKERS:
        name = f"submit {workers}"
        with Job.open(name, ledger=dsn, max_requests=20):
            pass
        write = begin(name, folder / "stage", ledger=dsn)
        # Full shards, which are not merged.
        shards = [
            shard
            for number in range(count)
            for shard in stage(_rows(20, 20 * number), write, partition=number)
        ]
        commit(shards, write, ledger=dsn)
        with Sandbox(instant=True, faults=faults) as sandbox:
            seconds = _together(workers, {"part": "submit", "job": name, "dsn": dsn, "url": sandbox.url})
        with Job.open(name, ledger=dsn) as job:
            batches = [shard.batch_id for shard in job.shards()]
        assert len(batches) == len(set(batches)) == count
        assert None not in batches
        print(
            f"{workers:>8}{seconds:>10.1f}{count / seconds:>18.1f}{count * latency / workers / seconds:>14.2f}"
        )
    print()


def _together(workers: int, order: dict[str, Any]) -> float:
    """Run workers at once, from the moment that all of them are loaded; return the seconds."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_started(order)) for _ in range(workers)]
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        begun = time.perf_counter()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            assert process.wait() == 0
        return time.perf_counter() - begun


def _started(order: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--worker", json.dumps(order)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _reading(count: int, folder: Path) -> None:
    job = str(folder / "read.job")
    _finish(job)
    order = {"part": "read", "job": job}
    print(f"{count:,} rows read as Arrow batches, a batch after the other, by one worker")
    print(f"{'columns':24}{'rows a second':>15}{'peak MB':>10}")
    for name, columns in (("all", None), ("custom_id, text", "custom_id,text"), ("status", "status")):
        process = _started({**order, "columns": columns})
        out, _ = process.communicate("go\n")
        told = json.loads(out.splitlines()[1])
        assert told["rows"] == count
        assert told["peak_mb"] <= MOST_MB
        print(f"{name:24}{count / told['seconds']:>15,.0f}{told['peak_mb']:>10.0f}")
    print()


def _finish(job: str) -> None:
    """Run a job on a sandbox."""
    with (
        Sandbox(instant=True) as sandbox,
        Client(base_url=sandbox.url, api_key="k") as client,
        Job.open(job, client=client, poll_interval=0.1) as opened,
    ):
        assert opened.run().finished


def _spark(count: int, folder: Path) -> None:
    from claude_batches.spark import ClaudeBatchesSource
    from pyspark.sql import SparkSession, functions

    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Workers import from the same places.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    builder: Any = SparkSession.builder
    for name in ("spark.ui.enabled", "spark.ui.showConsoleProgress"):
        builder = builder.config(name, "false")
    session = builder.master("local[2]").config("spark.log.level", "OFF").getOrCreate()
    session.dataSource.register(ClaudeBatchesSource)
    job = str(folder / "spark.job")
    table = session.range(count).selectExpr(
        "concat('t', id) AS custom_id", "concat('Review ', id, repeat(' fine', 60)) AS review", "id AS number"
    )
    begun = time.perf_counter()
    table.write.format("claude_batches").mode("append").options(
        job=job,
        stage=str(folder / "stage"),
        template="Rate: {review}",
        model="claude-haiku-4-5",
        max_tokens=50,
    ).save()
    written = time.perf_counter() - begun
    _finish(job)
    begun = time.perf_counter()
    found = session.read.format("claude_batches").option("job", job).load()
    sums = found.agg(functions.sum("number"), functions.sum(functions.length("raw"))).collect()[0]
    seconds = time.perf_counter() - begun
    assert sums[0] == count * (count - 1) // 2
    print(
        f"{count:,} rows by Spark on two cores: written in {written:.0f} s, read in {seconds:.0f} s, all columns;"
    )
    print(f"the peak of a Python worker: {max(_peaks('pyspark.daemon')):.0f} MB\n")
    session.stop()


def _peaks(command: str) -> Iterator[float]:
    """Yield the peak memory of the processes with a command, in MB."""
    for process in Path("/proc").iterdir():
        try:
            if command in (process / "cmdline").read_text():
                lines = (process / "status").read_text().splitlines()
                yield next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            continue


def _paper() -> None:
    requests = MILLIONS * 1_000_000
    batches = requests // 100_000
    print(f"On paper: {MILLIONS} million requests in {batches:,} batches, by the API's limits")
    print(f"{'tier':10}{'queue':>10}{'calls/min':>11}{'calls':>12}{'queue, 1 h':>14}{'queue, 24 h':>14}")
    for name, (queue, calls) in TIERS.items():
        minutes = 3 * batches / calls
        hours = requests / queue
        print(
            f"{name:10}{queue:>10,}{calls:>11,}{minutes:>8.1f} min{hours / 24:>9.1f} days{hours:>9,.0f} days"
        )
    print("calls: a create, a list entry and a download for each batch; queue: batches that take 1 h or 24 h")


# ------------------------------------------------------------------------------------------------------------
# Processes


def _worker(order: dict[str, Any]) -> None:
    part = {"submit": _submit, "read": _read}[order["part"]]
    os.environ["ANTHROPIC_API_KEY"] = "k"
    part(order)


def _ready() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def _submit(order: dict[str, Any]) -> None:
    with (
        Client(base_url=order["url"], api_key="k") as client,
        Job.open(order["job"], client=client, ledger=order["dsn"]) as job,
    ):
        _ready()
        while job.status().shards.get("staged", 0):
            job.submit()


def _read(order: dict[str, Any]) -> None:
    import resource

    from claude_batches.spark import ClaudeBatchesSource

    given = {"job": order["job"]}
    if order["columns"]:
        given["columns"] = order["columns"]
    source = ClaudeBatchesSource(given)
    reader = source.reader(source.schema())
    _ready()
    begun = time.perf_counter()
    rows = sum(batch.num_rows for partition in reader.partitions() for batch in reader.read(partition))
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "peak_mb": peak}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
