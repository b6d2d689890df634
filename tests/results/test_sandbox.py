"""Results of the sandbox with faults."""

from __future__ import annotations

from pathlib import Path

import pytest
from claude_batches import Client, results_from_file
from claude_batches.sandbox import Fault, Sandbox

from tests.support.clock import Sleeps

IDS = [f"request-{number}" for number in range(120)]
PARAMS = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Hi " * 40}],
}

FAULTS = {
    "cut": [Fault(kind="cut", on="results", at=9_000, times=8)],
    "cut early": [Fault(kind="cut", on="results", at=0, times=2)],
    "truncated": [Fault(kind="truncated_line", at=50, times=1)],
    "duplicated": [Fault(kind="duplicated_line", at=7)],
    "all at once": [
        Fault(kind="duplicated_line", at=3),
        Fault(kind="cut", on="results", at=20_000, times=3),
        Fault(kind="truncated_line", at=60, skip=1, times=1),
        Fault(kind="failed", on="results", skip=2, times=2),
        Fault(kind="stale", at=2),
    ],
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_lose_and_repeat_nothing(name: str, tmp_path: Path) -> None:
    """Every way to read gives each result once, for every fault."""
    with (
        Sandbox(instant=True) as sandbox,
        Client(base_url=sandbox.url, api_key="any", _clock=Sleeps().clock) as client,
    ):
        requests = [{"custom_id": custom_id, "params": PARAMS} for custom_id in IDS]
        batch = client.messages.batches.create(requests=requests)  # type: ignore[arg-type]
        sandbox.set_faults(FAULTS[name])
        results = client.messages.batches.results(batch.id, wait=True, max_resumes=20)
        assert sorted(item.custom_id for item in results) == sorted(IDS)

        sandbox.set_faults(FAULTS[name])
        path = client.messages.batches.download(batch.id, tmp_path / "x.jsonl", max_resumes=20)
        assert sorted(item.custom_id for item in results_from_file(path)) == sorted(IDS)

        sandbox.set_faults(FAULTS[name])
        with client.messages.batches.results_by_id(batch.id, requests, max_resumes=20) as by_id:
            assert list(by_id) == IDS
