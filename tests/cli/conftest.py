from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.processes import jsonl, request
from tests.jobs.postgres import postgres

__all__ = ["postgres"]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the environment variables of the machine."""
    for name in ("API_KEY", "AUTH_TOKEN", "BASE_URL", "LOG", "CUSTOM_HEADERS"):
        monkeypatch.delenv(f"ANTHROPIC_{name}", raising=False)
    monkeypatch.delenv("CLAUDE_BATCHES_LEDGER", raising=False)


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    """A file of five requests."""
    path = tmp_path / "requests.jsonl"
    path.write_text(jsonl(*map(request, range(5))))
    return path
