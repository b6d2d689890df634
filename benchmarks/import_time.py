"""Time of `import claude_batches`, compared with `import httpx` and `import anthropic`.

    python -m benchmarks.import_time [--rounds 7]

Each import runs in a separate interpreter, in turn, and the fastest of each is shown, less what an interpreter costs
that imports nothing. What a first client adds is shown as well.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

CASES = {
    "nothing": "pass",
    "claude_batches": "import claude_batches",
    "claude_batches, a client": "import claude_batches; claude_batches.Client(api_key='k').messages.batches",
    "httpx": "import httpx",
    "httpx, a client": "import httpx; httpx.Client()",
    "anthropic": "import anthropic",
    "anthropic, a client": "import anthropic; anthropic.Anthropic(api_key='k').messages.batches",
}


def seconds(code: str) -> float:
    """Seconds that an interpreter takes for an import."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    best = dict.fromkeys(CASES, float("inf"))
    for _ in range(rounds):
        for name, code in CASES.items():
            best[name] = min(best[name], seconds(code))
    floor = best.pop("nothing")
    ours = best["claude_batches"] - floor
    print(f"{'import':<28}{'seconds':>10}{'of ours':>10}")
    for name, taken in best.items():
        print(f"{name:<28}{taken - floor:>10.3f}{(taken - floor) / ours:>9.1f}x")


if __name__ == "__main__":
    main()
