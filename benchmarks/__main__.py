"""Run every benchmark: `python -m benchmarks`, or some of them: `python -m benchmarks results create`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

#: In the order of what users wait for.
NAMES = ("import_time", "call", "create", "results", "generate")


def main(wanted: list[str]) -> int:
    """Run the benchmarks named, or all; the exit status is that of the first that fails."""
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in wanted or NAMES:
        print(f"\n{name}\n{'=' * len(name)}", flush=True)
        # Each in a separate process, so that none profits from modules loaded by another.
        done = subprocess.run([sys.executable, str(HERE / f"{name}.py")], check=False)
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
