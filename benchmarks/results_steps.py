"""Time of each step of reading results, for one line, by the functions that do it.

    python benchmarks/results_steps.py [--lines 20000]

All steps run in one process over the same lines, in turn, and the fastest of many rounds of each is shown. The HTTP
library is not among them: it takes the same time with every client.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from _results_by_hand import result_of
from _results_cases import read_fields
from _results_file import write_results
from claude_batches._distinct import distinct
from claude_batches._results.line import have_large_number
from claude_batches._results.seen_lines import SeenLines
from claude_batches.types import MessageBatchIndividualResponse as Result

CHUNK = 64 * 1024
ROUNDS = 15

Portion = tuple[list[bytes], bytes]
"""The lines of a chunk, and the chunk."""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=20_000, help="how many results are read")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.jsonl"
        write_results(path, options.lines)
        content = path.read_bytes()
    chunks = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]
    lines = content.splitlines()
    custom_ids = [orjson.loads(line)["custom_id"] for line in lines]
    portions = [(chunk.split(b"\n")[:-1], chunk) for chunk in chunks]
    steps: dict[str, Callable[[], object]] = {
        "split into lines": lambda: [chunk.split(b"\n") and None for chunk in chunks],
        "parse (orjson.loads)": lambda: each(lines, orjson.loads),
        "hash each line, for a resume": lambda: hashes(chunks),
        "look for integers beyond 64 bits": lambda: large(portions),
        "note custom_ids, and count different ones": lambda: ids(custom_ids),
        "typed result": lambda: each(lines, lambda line: Result.from_dict(orjson.loads(line))),
        "typed result, text and usage read": lambda: each(
            lines, lambda line: read_fields(Result.from_dict(orjson.loads(line)))
        ),
        "slots by hand, text and usage read": lambda: each(
            lines, lambda line: read_fields(result_of(orjson.loads(line)))
        ),
        "(a call of a function for each line)": lambda: each(lines, lambda line: line),
        "(splitting again, to have new lines)": lambda: [chunk.split(b"\n") and None for chunk in chunks],
    }
    taken = {name: fastest(step) / len(lines) * 1e6 for name, step in steps.items()}
    call, split = taken["(a call of a function for each line)"], taken["(splitting again, to have new lines)"]
    parse = taken["parse (orjson.loads)"]
    taken["hash each line, for a resume"] -= split
    for name in ("typed result", "typed result, text and usage read", "slots by hand, text and usage read"):
        taken[name] -= parse + call
    print(
        f"{len(lines):,} lines of {len(content) // len(lines):,} bytes{'microseconds a line':>32}{'of parsing':>12}"
    )
    for name, each_line in taken.items():
        if not name.startswith("("):
            print(f"{name:<46}{each_line:>14.2f}{each_line / parse:>12.2f}")


def fastest(step: Callable[[], object]) -> float:
    """Return the seconds of processor time that a step takes at best."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        step()
        best = min(best, time.process_time() - start)
    return best


def each(lines: list[bytes], function: Callable[[bytes], Any]) -> None:
    for line in lines:
        function(line)


def hashes(chunks: list[bytes]) -> None:
    seen = SeenLines()
    # Bytes keep their hash, so each round needs new lines.
    for chunk in chunks:
        seen.note(chunk.split(b"\n"))


def large(portions: list[Portion]) -> None:
    for lines, chunk in portions:
        have_large_number(lines, chunk)


def ids(custom_ids: list[str]) -> None:
    known: array[int] = array("q")
    for custom_id in custom_ids:
        known.append(hash(custom_id))
    distinct(known)


if __name__ == "__main__":
    main()
