"""Killed processes: nothing is paid twice and nothing is lost, with the sandbox as the judge."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from claude_batches.jobs import PostgresLedger
from claude_batches.sandbox import Sandbox

from tests.jobs.killing import KILLED, KINDS, PROFILES, SOAK, STEPS, Victim, each_kind, judge, points, seeds
from tests.jobs.postgres import Postgres
from tests.jobs.victim import CUT_OFF, STOPPED

# A soak takes as long as it takes.
pytestmark = pytest.mark.timeout(0 if SOAK else 300)

COUNT, SIZE = 15, 10


def of_seed(seed: int) -> tuple[str, random.Random]:
    """Return the profile of faults and the chances of a round; rounds in a row go through the profiles."""
    return sorted(PROFILES)[seed % len(PROFILES)], random.Random(seed)


@each_kind
def test_killed_at_every_point(
    tmp_path: Path, victim: Victim, second_victim: Victim, kind: dict[str, str]
) -> None:
    """A process is killed at a write, fsync, commit or call (at each one in a soak); the next one ends the job.

    A job of equal shards runs meanwhile.
    """
    order: dict[str, Any] = {**kind, "count": COUNT, "options": {"max_requests": SIZE, **STEPS}}
    with Sandbox(instant=True) as sandbox:
        order["url"] = sandbox.url
        whole = tmp_path / "whole.job"
        counted = tmp_path / "points"
        assert victim.run(**order, folder=str(whole), points=str(counted)) == 0
        folders = [whole]
        for die_at in points(int(counted.read_text()), 3):
            folder, other = tmp_path / f"{die_at}.job", tmp_path / f"other {die_at}.job"
            second_victim.start(**order, folder=str(other))
            outcomes = [
                victim.run(**order, folder=str(folder), die_at=die_at),
                victim.run(**order, folder=str(folder)),
                second_victim.outcome(),
            ]
            assert outcomes == [KILLED, 0, 0]
            folders += [folder, other]
        judge(sandbox, *folders, count=COUNT)


@each_kind
def test_killed_at_every_point_in_postgres(
    tmp_path: Path, victim: Victim, second_victim: Victim, postgres: Postgres, kind: dict[str, str]
) -> None:
    """Workers are killed at commits, writes or calls (at each one in a soak); others end their jobs."""
    order: dict[str, Any] = {
        **kind, "dsn": postgres.dsn, "lease": 2.0, "count": COUNT,
        "options": {"max_requests": SIZE, **STEPS},
    }  # fmt: skip
    with Sandbox(instant=True) as sandbox:
        order["url"] = sandbox.url
        counted = tmp_path / "points"
        name = f"point of {tmp_path.name} "
        assert victim.run(**order, folder=f"{name}0", points=str(counted)) == 0
        killed = points(int(counted.read_text()), 2)
        # All are killed before the first one goes on, so the leases expire at the same time.
        for die_at in killed:
            assert victim.run(**order, folder=f"{name}{die_at}", die_at=die_at) == KILLED
        # Two jobs go on at once.
        halves = {victim: killed[::2], second_victim: killed[1::2]}
        while any(halves.values()):
            at_work = [process for process, half in halves.items() if half]
            for process in at_work:
                process.start(**order, folder=f"{name}{halves[process].pop()}")
            assert [process.outcome() for process in at_work] == [0] * len(at_work)
        names = [f"{name}{die_at}" for die_at in (0, *killed)]
        judge(sandbox, *names, count=COUNT, ledger=PostgresLedger(postgres.dsn))


def test_worker_killed(tmp_path: Path, victim: Victim, second_victim: Victim, postgres: Postgres) -> None:
    """Two processes work on one job in PostgreSQL under faults; one is killed, and the other one ends the job."""
    order: dict[str, Any] = {
        "dsn": postgres.dsn, "lease": 2.0, "count": 45, "options": {"max_requests": SIZE},
    }  # fmt: skip
    for seed in seeds():
        profile, chance = of_seed(seed)
        name = f"killed {seed} {tmp_path.name}"
        ids = chance.choice(["derived", "own"])
        killed, other = ({"api": chance.choice(["sync", "async"]), "ids": ids} for _ in range(2))
        with Sandbox(instant=True, seed=seed, faults=PROFILES[profile]) as sandbox:
            victim.start(**order, **killed, url=sandbox.url, folder=name, die_at=chance.randrange(5, 120))
            second_victim.start(**order, **other, url=sandbox.url, folder=name)
            outcomes = victim.outcome(), second_victim.outcome()
            assert outcomes in ((0, 0), (KILLED, 0))
            judge(sandbox, name, count=45, ledger=PostgresLedger(postgres.dsn))


def test_killed_at_random(tmp_path: Path, victim: Victim, second_victim: Victim) -> None:
    """Two jobs of equal shards run at once under faults, are killed again and again, and end.

    Half of the kills are at a write, fsync, commit or call, the others at any time.
    """
    for seed in seeds(len(PROFILES)):
        profile, chance = of_seed(seed)
        folders = [tmp_path / f"{seed}-{name}.job" for name in ("a", "b")]
        kinds = {folder: chance.choice(KINDS) for folder in folders}
        with Sandbox(instant=True, seed=seed, faults=PROFILES[profile]) as sandbox:
            running = dict(zip((victim, second_victim), folders, strict=True))
            kills = 0
            while running:
                kill = kills < 8
                for process, folder in running.items():
                    at_a_point = {"die_at": chance.randrange(1, 120)}
                    when = chance.choice([at_a_point, {"die_after": chance.uniform(0.01, 0.6)}])
                    order = when if kill else {}
                    process.start(
                        url=sandbox.url,
                        folder=str(folder),
                        count=COUNT,
                        options={"max_requests": SIZE},
                        **kinds[folder],
                        **order,
                    )
                kills += 1
                outcomes = {process: process.outcome() for process in running}
                assert set(outcomes.values()) <= ({0, KILLED} if kill else {0})
                running = {
                    process: folder for process, folder in running.items() if outcomes[process] == KILLED
                }
            judge(sandbox, *folders, count=COUNT)


@pytest.mark.parametrize("interrupts", [1, 2])
@pytest.mark.parametrize("api", ["sync", "async"])
def test_ctrl_c_at_every_point(
    tmp_path: Path, victim: Victim, second_victim: Victim, api: str, interrupts: int
) -> None:
    """A run gets SIGINT once or twice at a write, fsync, commit or call; it stops, and the next one ends the job.

    At each point in a soak. A job of equal shards runs meanwhile.
    """
    order: dict[str, Any] = {
        "api": api, "count": COUNT, "options": {"max_requests": SIZE, **STEPS},
    }  # fmt: skip
    stopped = STOPPED if interrupts == 1 else CUT_OFF
    with Sandbox(instant=True) as sandbox:
        order["url"] = sandbox.url
        whole = tmp_path / "whole.job"
        counted = tmp_path / "points"
        assert victim.run(**order, folder=str(whole), points=str(counted), interrupts=interrupts) == 0
        folders = [whole]
        for at in points(int(counted.read_text()), 2):
            folder, other = tmp_path / f"{at}.job", tmp_path / f"other {at}.job"
            second_victim.start(**order, folder=str(other))
            outcomes = [
                # Half of the jobs go on in the process that was interrupted.
                victim.run(**order, folder=str(folder), die_at=at, interrupts=interrupts, again=at % 2 == 0),
                victim.run(**order, folder=str(folder)),
                second_victim.outcome(),
            ]
            assert outcomes == [stopped, 0, 0]
            folders += [folder, other]
        judge(sandbox, *folders, count=COUNT)
