from __future__ import annotations

from collections.abc import Iterator

import pytest
from claude_batches.sandbox import Sandbox

from .killing import Victim
from .postgres import REQUIRED, Postgres, binaries


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees what the machine it runs on has set."""
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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    programs = binaries()
    if programs is None:
        if REQUIRED:
            pytest.fail("CLAUDE_BATCHES_REQUIRE_POSTGRES is set, and there is no PostgreSQL server to start")
        pytest.skip("there is no PostgreSQL server to start")
    server = Postgres(programs)
    yield server
    server.stop()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
