"""Killed processes: nothing is paid twice and nothing is lost, with the sandbox as the judge."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from claude_batches.jobs import PostgresLedger
from claude_batches.sandbox import Sandbox

from tests.jobs.killing import HOSTILE, KILLED, SOAK, Victim, judge, points, seeds
from tests.jobs.postgres import Postgres

# A soak takes as long as it takes.
pytestmark = pytest.mark.timeout(0 if SOAK else 300)

COUNT, SIZE = 15, 10


def test_killed_at_every_point(tmp_path: Path, victim: Victim) -> None:
    """A process is killed at a write, fsync, commit or call (at each one in a soak); the next one ends the job."""
    order: dict[str, Any] = {"count": COUNT, "options": {"max_requests": SIZE, "settle_seconds": 2}}
    with Sandbox(instant=True) as sandbox:
        order["url"] = sandbox.url
        whole = tmp_path / "whole.job"
        counted = tmp_path / "points"
        assert victim.run(**order, folder=str(whole), points=str(counted)) == 0
        folders = [whole]
        for die_at in points(int(counted.read_text()), 20):
            folder = tmp_path / f"{die_at}.job"
            assert victim.run(**order, folder=str(folder), die_at=die_at) == KILLED
            assert victim.run(**order, folder=str(folder)) == 0
            folders.append(folder)
        judge(sandbox, *folders, count=COUNT)


def test_worker_killed(tmp_path: Path, victim: Victim, second_victim: Victim, postgres: Postgres) -> None:
    """Two processes work on one job in PostgreSQL; one is killed, and the other one ends the job."""
    order: dict[str, Any] = {
        "dsn": postgres.dsn, "lease": 2.0, "count": 45, "options": {"max_requests": SIZE},
    }  # fmt: skip
    for seed in seeds():
        chance = random.Random(seed)
        name = f"killed {seed}"
        with Sandbox(instant=True, seed=seed, faults=HOSTILE) as sandbox:
            victim.start(**order, url=sandbox.url, folder=name, die_at=chance.randrange(5, 120))
            second_victim.start(**order, url=sandbox.url, folder=name)
            assert victim.outcome() in (0, KILLED)
            assert second_victim.outcome() == 0
            judge(sandbox, name, count=45, ledger=PostgresLedger(postgres.dsn))


def test_killed_at_random(tmp_path: Path, victim: Victim, second_victim: Victim) -> None:
    """Two jobs of equal shards run at once on a hostile server, are killed again and again, and end."""
    for seed in seeds():
        chance = random.Random(seed)
        folders = [tmp_path / f"{seed}-{name}.job" for name in ("a", "b")]
        with Sandbox(instant=True, seed=seed, faults=HOSTILE) as sandbox:
            running = dict(zip((victim, second_victim), folders, strict=True))
            kills = 0
            while running:
                kill = kills < 8
                for process, folder in running.items():
                    order = {"die_after": chance.uniform(0.01, 0.6)} if kill else {}
                    process.start(
                        url=sandbox.url,
                        folder=str(folder),
                        count=COUNT,
                        options={"max_requests": SIZE},
                        **order,
                    )
                kills += 1
                outcomes = {process: process.outcome() for process in running}
                assert set(outcomes.values()) <= ({0, KILLED} if kill else {0})
                running = {
                    process: folder for process, folder in running.items() if outcomes[process] == KILLED
                }
            judge(sandbox, *folders, count=COUNT)
