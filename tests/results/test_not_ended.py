"""A batch that has not ended: nothing is read from it, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from claude_batches import AsyncClient, Client, ResultsNotReadyError
from claude_batches.sandbox import Sandbox

from tests.results.readers import KINDS, Kind, run

REQUEST: Any = {
    "custom_id": "a",
    "params": {"model": "claude-haiku-4-5", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]},
}

READING: dict[str, Callable[[Any, str, Path], Any]] = {
    "results": lambda batches, batch_id, path: batches.results(batch_id),
    "results_by_id": lambda batches, batch_id, path: batches.results_by_id(batch_id),
    "download": lambda batches, batch_id, path: batches.download(batch_id, path),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READING)
def test_reading_is_refused(kind: Kind, name: str, tmp_path: Path) -> None:
    """Each way to read names the status of the batch, and an existing file keeps its content."""
    path = tmp_path / "results.jsonl"
    path.write_text("earlier\n")
    with Sandbox(speed=1) as sandbox:

        def sync() -> None:
            with Client(base_url=sandbox.url, api_key="k") as client:
                batch = client.messages.batches.create(requests=[REQUEST])
                READING[name](client.messages.batches, batch.id, path)

        async def asynchronous() -> None:
            async with AsyncClient(base_url=sandbox.url, api_key="k") as client:
                batch = await client.messages.batches.create(requests=[REQUEST])
                await READING[name](client.messages.batches, batch.id, path)

        with pytest.raises(ResultsNotReadyError, match="in_progress"):
            run(kind, sync, asynchronous)
    assert [file.name for file in tmp_path.iterdir()] == ["results.jsonl"]
    assert path.read_text() == "earlier\n"
