"""Processes to kill, and the count of paid requests in the sandbox."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import attrs
import pytest
from claude_batches import Client
from claude_batches.jobs import Job, PostgresLedger
from claude_batches.sandbox import PROFILES as SANDBOX_PROFILES
from claude_batches.sandbox import Fault, Sandbox

from tests.jobs.victim import prefix_of


def _suits_tests(fault: Fault) -> Fault:
    """Return a fault of a profile with other numbers, for many small jobs."""
    # The results of a shard here are smaller than the place at which the profiles cut them.
    at = 2_001 if fault.kind == "cut" and fault.on == "results" else fault.at
    # A wait has the same effect when it is short, and a job waits dozens of times. 0.05 s are more than a poll's pause.
    return attrs.evolve(fault, at=at, seconds=min(fault.seconds, 0.05))


#: The faults of the sandbox's profiles: every kind and every share.
PROFILES = {name: tuple(map(_suits_tests, faults)) for name, faults in SANDBOX_PROFILES.items()}
HOSTILE = PROFILES["hostile"]

#: The kinds of jobs: who runs one, and whose custom_ids are on the wire.
KINDS = [{"api": api, "ids": ids} for api in ("sync", "async") for ids in ("derived", "own")]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: " ".join(kind.values()))

KILLED = -signal.SIGKILL

#: The options of jobs whose points are counted: a run polls after each create, so that each run has the same points.
STEPS = {"poll_interval": 1e-6, "settle_seconds": 2}

#: How often random kills are repeated: once or twice in the tests, hundreds of times in a soak.
SOAK = int(os.environ.get("CLAUDE_BATCHES_SOAK", "0"))


def seeds(rounds: int = 1) -> Iterator[int]:
    """Yield the seed of each round, and print it, so that a failure can be repeated with CLAUDE_BATCHES_SEED."""
    given = os.environ.get("CLAUDE_BATCHES_SEED")
    first = int(given) if given else random.randrange(1_000_000)
    for seed in range(first, first + (SOAK or rounds)):
        print(f"CLAUDE_BATCHES_SEED={seed}")
        yield seed


def points(count: int, sample: int) -> list[int]:
    """Return the points to be killed at: all in a soak, a sample otherwise."""
    if SOAK:
        return list(range(1, count))
    (seed,) = seeds()
    return sorted(random.Random(seed).sample(range(1, count), sample))


class Victim:
    """A process that runs jobs and may be killed while it does."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("victim.py"))],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, **order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def outcome(self) -> int:
        """Wait for the end of the process; return its exit status, or the negative signal."""
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        assert answer, "the victim's parent died"
        return json.loads(answer)

    def run(self, **order: Any) -> int:
        self.start(**order)
        return self.outcome()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def paid(sandbox: Sandbox) -> Counter[tuple[str, int]]:
    """Return how many times each row was paid for, by all batches: (token, position) to count."""
    sandbox.set_faults(None)
    counts: Counter[tuple[str, int]] = Counter()
    with Client(base_url=sandbox.url, api_key="k") as client:
        for batch in client.messages.batches.list(limit=100):
            for line in client.messages.batches.results(batch.id, wait=True):
                if line.result.type == "succeeded":
                    token, _, position = line.custom_id.split("-")
                    counts[token, int(position)] += 1
    return counts


def judge(sandbox: Sandbox, *names: Path | str, count: int, ledger: PostgresLedger | None = None) -> None:
    """Assert that each row of these jobs was paid for once, and has its own result."""
    counts = paid(sandbox)
    assert not {row: times for row, times in counts.items() if times > 1}, "paid twice"
    assert len(counts) == count * len(names), f"batches of no job, or rows never paid for: {sorted(counts)}"
    for name in names:
        with Job.open(name, ledger=ledger) as job:
            rows = list(job.results())
            prefix = prefix_of(name, job._job.ledger.facts().ids)
            assert [row.custom_id for row in rows] == [f"{prefix}{index}" for index in range(count)], "lost"
            for index, row in enumerate(rows):
                assert row.cause == "succeeded"
                assert f"hello {index}" in str(row.wire["result"]["message"]["content"]), (
                    "another row's result"
                )
