"""Run every benchmark: `python -m benchmarks`, or some of them: `python -m benchmarks results create`."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent

#: In the order of what users wait for.
NAMES = ("import_time", "call", "create", "results", "tables", "export", "jobs", "scale", "generate")
#: The packages of extras that a benchmark needs, by benchmark.
NEEDS = {
    "tables": ("pyarrow", "msgspec"),
    "export": ("pyarrow", "msgspec"),
    "jobs": ("starlette", "uvicorn"),
    "scale": ("fsspec", "pyspark"),
}


def main(wanted: list[str]) -> int:
    """Run the benchmarks named, or all; the exit status is that of the first that fails."""
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in wanted or NAMES:
        print(f"\n{name}\n{'=' * len(name)}", flush=True)
        missing = [package for package in NEEDS.get(name, ()) if find_spec(package) is None]
        if missing:
            print(f"left out: {', '.join(missing)} is not installed")
            continue
        # Each in a process of its own, so that none profits from what another has loaded.
        done = subprocess.run([sys.executable, str(HERE / f"{name}.py")], check=False)
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
