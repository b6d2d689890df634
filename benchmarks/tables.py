"""Speed of writing results as tables, compared with the JSON parser alone on the same lines.

    python benchmarks/tables.py --million

Cases take turns, and figures are medians of the rounds. `floor` is `orjson.loads` of each line, its result thrown
away; a figure is the floor's time divided by the case's, so 0.5 is twice the floor's time. Three times are taken:

- `free` is processor time: of the thread that writes, or of those that compress beside it, whichever is more. It is
  what a clock shows on two free cores, and other programs change it little, so targets are about it.
- `work` is the processor time of all threads together.
- `clock` is what a clock shows, which depends on what else the machine does.

`--million` writes a million rows in a separate process and prints its peak memory.
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
from statistics import median
from typing import NamedTuple

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
        taken: dict[str, list[_Times]] = {name: [] for name in cases}
        for _ in range(options.rounds):
            for name, run in cases.items():
                taken[name].append(_timed(run))
        middle = {name: _Times(*map(median, zip(*times, strict=True))) for name, times in taken.items()}
        floor = middle["floor"]
        figures = {name: floor.free / times.free for name, times in middle.items()}
        print(f"{options.lines:,} lines, {size / 1e6:.0f} MB, medians of {options.rounds} rounds")
        print(f"{'':30}{'free':>6}{'work':>6}{'clock':>7}")
        for name, times in middle.items():
            target = f"   at least {TARGETS[name]}" if name in TARGETS else ""
            others = f"{floor.work / times.work:6.2f}{floor.clock / times.clock:7.2f}"
            print(f"{name:30}{figures[name]:6.2f}{others}{target}")
        if options.million:
            large = Path(folder) / "million.jsonl"
            write_results(large, 1_000_000)
            command = [sys.executable, __file__, "--peak", str(large)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            print(f"a million rows to Parquet: {json.loads(done.stdout)}")
    return int(any(figures[name] < target for name, target in TARGETS.items()))


class _Times(NamedTuple):
    """Seconds of one round."""

    free: float
    work: float
    clock: float


def _timed(run: Callable[[], object]) -> _Times:
    clock, work, own = time.perf_counter(), time.process_time(), time.thread_time()
    run()
    clock, work, own = time.perf_counter() - clock, time.process_time() - work, time.thread_time() - own
    return _Times(max(own, work - own), work, clock)


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
