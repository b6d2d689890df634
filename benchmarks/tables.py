"""Speed of writing results as tables, compared with the JSON parser alone on the same lines.

    python benchmarks/tables.py --million

Cases take turns, and the best round of each counts. `floor` is `orjson.loads` of each line, its result thrown
away; a figure is the floor's time divided by the case's, so 0.5 is twice the floor's time. `time` is what a clock
shows; `work` is the processor time of all threads, which says more on a machine that is busy. `--million` writes a
million rows in a separate process and prints its peak memory.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import orjson
from _results_file import write_results
from claude_batches.jobs._tables import ResultRow, write

TARGETS = {"parquet with raw": 0.3, "parquet without raw": 0.45}


def main() -> int:
    """Measure, and fail where a target is missed."""
    options = _options()
    if options.peak is not None:
        return _peak(options.peak)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.jsonl"
        size = write_results(path, options.lines)
        lines = path.read_bytes().splitlines()
        rows = [ResultRow(line, None, "msgbatch_1", 1, None) for line in lines]
        joined = [row._replace(columns={"product": "p-17", "stars": 4}) for row in rows]
        cases: dict[str, Callable[[], object]] = {
            "floor": lambda: [None for line in lines if orjson.loads(line) is None],
            "parquet with raw": lambda: write(iter(rows), Path(folder) / "a.parquet"),
            "parquet without raw": lambda: write(iter(rows), Path(folder) / "b.parquet", raw=False),
            "parquet, two columns joined": lambda: write(iter(joined), Path(folder) / "c.parquet"),
            "arrow with raw": lambda: sum(batch.num_rows for batch in write(iter(rows))),
            "arrow without raw": lambda: sum(batch.num_rows for batch in write(iter(rows), raw=False)),
            "jsonl": lambda: write(iter(rows), Path(folder) / "d.jsonl", raw=False),
            "csv": lambda: write(iter(rows), Path(folder) / "e.csv", raw=False),
        }
        # The benchmark's own rows are none of the collector's business: a job has never so many at once.
        gc.collect()
        gc.freeze()
        best: dict[str, float] = {}
        least: dict[str, float] = {}
        for _ in range(options.rounds):
            for name, run in cases.items():
                started, working = time.perf_counter(), time.process_time()
                run()
                spent, worked = time.perf_counter() - started, time.process_time() - working
                best[name] = min(best.get(name, spent), spent)
                least[name] = min(least.get(name, worked), worked)
        figures = {name: best["floor"] / seconds for name, seconds in best.items()}
        work = {name: least["floor"] / seconds for name, seconds in least.items()}
        print(f"{'':32}time  work")
        print(f"{options.lines:,} lines, {size / 1e6:.0f} MB, best of {options.rounds}")
        for name, figure in figures.items():
            target = f"   at least {TARGETS[name]}" if name in TARGETS else ""
            print(f"{name:30}{figure:6.2f}{work[name]:6.2f}{target}")
        if options.million:
            large = Path(folder) / "million.jsonl"
            write_results(large, 1_000_000)
            command = [sys.executable, __file__, "--peak", str(large)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            print(f"a million rows to Parquet: {json.loads(done.stdout)}")
    return int(any(figures[name] < target for name, target in TARGETS.items()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=20_000, help="the number of results")
    parser.add_argument("--rounds", type=int, default=12, help="the number of rounds")
    parser.add_argument("--million", action="store_true", help="write a million rows, too (1.3 GB are read)")
    parser.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _peak(path: Path) -> int:
    def rows() -> Iterator[ResultRow]:
        with path.open("rb") as file:
            for number, line in enumerate(file):
                yield ResultRow(line.rstrip(), f"row-{number}", "msgbatch_1", 1, None)

    # Their own memory is not that of a million rows: pyarrow imports pandas where it is installed.
    for name in ("pyarrow.parquet", "pandas", "msgspec"):
        with suppress(ImportError):
            import_module(name)

    before = _peak_kilobytes()
    started = time.perf_counter()
    count = write(rows(), path.with_suffix(".parquet"))
    peak = _peak_kilobytes()
    print(
        json.dumps(
            {
                "rows": count,
                "seconds": round(time.perf_counter() - started, 1),
                "peak MB": peak // 1024,
                "MB over the imports": (peak - before) // 1024,
            }
        )
    )
    return 0


def _peak_kilobytes() -> int:
    # Not getrusage's: it counts the memory of the process that this one was started by.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    sys.exit(main())
