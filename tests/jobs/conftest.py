from __future__ import annotations

from collections.abc import Iterator

import pytest
from claude_batches.jobs import PostgresLedger
from claude_batches.sandbox import Sandbox

from tests.jobs.killing import Victim
from tests.jobs.kinds import Open, async_jobs, sync_jobs
from tests.jobs.postgres import postgres
from tests.jobs.s3 import s3, s3_server

__all__ = ["postgres", "s3", "s3_server"]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the environment variables of the machine."""
    for name in ("API_KEY", "AUTH_TOKEN", "BASE_URL", "LOG", "CUSTOM_HEADERS"):
        monkeypatch.delenv(f"ANTHROPIC_{name}", raising=False)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(instant=True) as running:
        yield running


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    with Victim() as process:
        yield process


@pytest.fixture(scope="module")
def second_victim() -> Iterator[Victim]:
    with Victim() as process:
        yield process


@pytest.fixture(params=["folder", "async folder", "postgres"])
def open_job(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Open jobs of most kinds: `open_job(name, sandbox.url, **options)`."""
    yield from _jobs(request)


@pytest.fixture(params=["folder", "async folder", "postgres", "async postgres"])
def open_any_job(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Open jobs of each kind, as `open_job` does, for what a job does first of all."""
    yield from _jobs(request)


def _jobs(request: pytest.FixtureRequest) -> Iterator[Open]:
    kind: str = request.param
    jobs = async_jobs if kind.startswith("async") else sync_jobs
    ledger = PostgresLedger(request.getfixturevalue("postgres").dsn) if kind.endswith("postgres") else None
    yield from jobs(ledger)


@pytest.fixture
def open_folder() -> Iterator[Open]:
    """Open jobs in folders."""
    yield from sync_jobs(None)
