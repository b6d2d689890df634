"""Speed and memory of reading results, compared with the official SDK and with the parser alone.

    python benchmarks/results.py --json benchmarks/results.json --svg benchmarks/results.svg

One server in a separate process sends one file to all; each case is a separate process as well. Cases take turns for
some rounds, and the best round of each counts: other work of the machine only makes a round slower. Seconds are those
of the processor.

- `floor` splits the same stream and parses each line with orjson into dicts that it throws away, on bare httpx.
- `claude-batches` and `anthropic` give typed results, and the texts and the usage of each are read. `unread` leaves
  them alone.
- `by hand` makes objects of the same stream with code for these very lines (_results_by_hand.py).
- Memory is the peak of the process less that of one that does all the same and doesn't read.

`results_steps.py` shows where the time goes.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from _results_file import write_results

HERE = Path(__file__).parent
MILLION = 1_000_000
NAMES = {
    "floor": "orjson.loads alone",
    "floor_async": "orjson.loads alone, async",
    "by_hand": "slots by hand, unsafe",
    "ours_used": "claude-batches",
    "ours_async_used": "claude-batches, async",
    "theirs_used": "anthropic",
    "theirs_async_used": "anthropic, async",
    "ours": "claude-batches, unread",
    "ours_async": "claude-batches, async, unread",
    "theirs": "anthropic, unread",
    "theirs_async": "anthropic, async, unread",
}
SPEED = tuple(NAMES)
UNREAD = ("ours", "ours_async", "theirs", "theirs_async")


def main() -> None:
    """Measure, and print the figures."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.jsonl"
        size = write_results(path, options.lines)
        report: dict[str, Any] = {
            **_circumstances(),
            "lines": options.lines,
            "bytes": size,
            "rounds": options.rounds,
        }
        with _server(path, options.lines) as url:
            report["seconds"] = _speed(url, options.rounds)
            report["memory"] = {str(options.lines): _growth("ours", "nothing", url)}
        small = Path(folder) / "small.jsonl"
        write_results(small, options.lines // 10)
        with _server(small, options.lines // 10) as url:
            report["memory"][str(options.lines // 10)] = _growth("ours", "nothing", url)
        if options.million:
            large = Path(folder) / "million.jsonl"
            write_results(large, MILLION)
            report["memory"]["1000000 from a file"] = _growth("file", "no_file", str(large))
    report["ratios"] = _ratios(report["seconds"])
    _show(report)
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    if options.svg is not None:
        options.svg.write_text(_picture(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=100_000, help="how many results the file has")
    parser.add_argument("--rounds", type=int, default=5, help="how often each case is measured")
    parser.add_argument(
        "--million", action="store_true", help="read a million lines from a file, too (1.3 GB)"
    )
    parser.add_argument("--json", type=Path, help="where to write all figures")
    parser.add_argument("--svg", type=Path, help="where to draw them")
    return parser.parse_args()


def _circumstances() -> dict[str, Any]:
    packages = ("claude-batches", "anthropic", "httpx", "orjson", "attrs")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }


@contextmanager
def _server(path: Path, count: int) -> Iterator[str]:
    command = [sys.executable, str(HERE / "_results_server.py"), str(path), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _run(case: str, source: str) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "_results_cases.py"), case, source]
    measured: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return measured


def _speed(url: str, rounds: int) -> dict[str, float]:
    best: dict[str, float] = {}
    for number in range(rounds):
        for case in SPEED:
            seconds = _run(case, url)["seconds"]
            best[case] = min(best.get(case, seconds), seconds)
            print(f"round {number + 1}: {case} {seconds:.2f} s", file=sys.stderr)
    return best


def _growth(reading: str, not_reading: str, source: str) -> int:
    """Maximum increase of the peak memory by reading, in bytes."""
    return max(_run(reading, source)["peak"] for _ in range(3)) - min(
        _run(not_reading, source)["peak"] for _ in range(3)
    )


def _ratios(seconds: dict[str, float]) -> dict[str, float]:
    return {
        "ours to theirs": seconds["theirs_used"] / seconds["ours_used"],
        "ours to theirs, async": seconds["theirs_async_used"] / seconds["ours_async_used"],
        "ours to theirs, unread": seconds["theirs"] / seconds["ours"],
        "ours to floor": seconds["floor"] / seconds["ours_used"],
        "ours to floor, unread": seconds["floor"] / seconds["ours"],
        "async to its floor": seconds["floor_async"] / seconds["ours_async_used"],
        "by hand to floor": seconds["floor"] / seconds["by_hand"],
        "async to sync": seconds["ours_used"] / seconds["ours_async_used"],
    }


def _show(report: dict[str, Any]) -> None:
    lines, seconds = report["lines"], report["seconds"]
    print(f"{lines} lines, {report['bytes'] / 1e6:.0f} MB; Python {report['python']}; {report['system']}")
    print(f"{'':30}{'seconds':>10}{'lines/s':>12}{'to anthropic':>14}{'to orjson':>11}")
    for case in SPEED:
        theirs = seconds["theirs" if case in UNREAD else "theirs_used"]
        against = f"{theirs / seconds[case]:.2f}x"
        floor = f"{seconds['floor'] / seconds[case]:.2f}x"
        print(
            f"{NAMES[case]:30}{seconds[case]:>10.2f}{lines / seconds[case]:>12,.0f}{against:>14}{floor:>11}"
        )
    print(f"async to sync: {report['ratios']['async to sync']:.2f}x")
    for count, size in report["memory"].items():
        print(f"memory to read {count} lines: {size / 1e6:.1f} MB")


def _picture(report: dict[str, Any]) -> str:
    """Bars of lines a second, in colours that show on light and on dark pages."""
    lines, seconds = report["lines"], report["seconds"]
    cases = ("theirs_used", "theirs_async_used", "ours_used", "ours_async_used", "by_hand", "floor")
    fastest = max(lines / seconds[case] for case in cases)
    height = 34 * len(cases) + 62
    size = f'width="720" height="{height}" viewBox="0 0 720 {height}"'
    style = 'font-family="system-ui, sans-serif" font-size="14" fill="#7d8590"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>',
        '<text x="0" y="18" font-size="16" font-weight="600">Results a second, texts and usage read</text>',
    ]
    for index, case in enumerate(cases):
        speed = lines / seconds[case]
        top, width = 36 + 34 * index, max(round(speed / fastest * 380), 2)
        colour = "#d97757" if case.startswith("ours") else "#8b949e"
        parts += [
            f'<text x="0" y="{top + 17}">{escape(NAMES[case])}</text>',
            f'<rect x="180" y="{top}" width="{width}" height="24" rx="4" fill="{colour}"/>',
            f'<text x="{190 + width}" y="{top + 17}">{speed:,.0f}</text>',
        ]
    versions = report["versions"]
    note = (
        f"{lines:,} lines, {report['bytes'] / 1e6:.0f} MB, best of {report['rounds']}; Python {report['python']}, "
        f"anthropic {versions['anthropic']}; {report['system']}"
    )
    parts += [f'<text x="0" y="{height - 8}" font-size="12">{escape(note)}</text>', "</svg>"]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
