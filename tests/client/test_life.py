"""The whole life of a batch, on the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import claude_batches
import pytest
from claude_batches import AsyncClient, Client
from claude_batches._http.clock import Clock
from claude_batches.sandbox import Fault, Sandbox

from tests.client.wire import requests


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Any]:
    with Sandbox(instant=True) as running:
        yield running


def test_life_of_a_batch(sandbox: Any) -> None:
    """A batch is created, awaited, listed, read, canceled and deleted."""
    with Client(api_key="any", base_url=sandbox.url) as client:
        batches = client.messages.batches
        made = batches.create(requests=requests(5))
        assert made.request_counts.processing + made.request_counts.succeeded == 5
        ended = batches.wait(made.id)
        assert ended.request_counts.succeeded == 5
        assert made.id in [found.id for found in batches.list(limit=1)]
        assert {item.custom_id for item in batches.results(made.id)} == {f"r-{index}" for index in range(5)}
        assert batches.cancel(batches.create(requests=requests(1)).id).processing_status in (
            "canceling",
            "ended",
        )
        assert batches.delete(made.id).id == made.id
        with pytest.raises(claude_batches.NotFoundError):
            batches.retrieve(made.id)


@pytest.mark.anyio
async def test_life_of_a_batch_async(sandbox: Any) -> None:
    """An async client does the same."""
    async with AsyncClient(api_key="any", base_url=sandbox.url) as client:
        batches = client.messages.batches
        made = await batches.create(requests=requests(5))
        ended = await batches.wait(made.id)
        assert ended.request_counts.succeeded == 5
        assert made.id in [found.id async for found in batches.list(limit=1)]
        ids = {item.custom_id async for item in batches.results(made.id)}
        assert ids == {f"r-{index}" for index in range(5)}
        assert (await batches.delete(made.id)).id == made.id


@pytest.mark.parametrize(
    "fault", [Fault(kind="failed_after", on="create"), Fault(kind="cut", on="create", at=0)]
)
def test_sandbox_reconcile(fault: Any) -> None:
    """A batch of the sandbox whose response was lost is reconciled."""
    with Sandbox(instant=True, faults=[fault]) as sandbox:
        clock = Clock(sleep=lambda seconds: None)
        with Client(api_key="any", base_url=sandbox.url, _clock=clock) as client:
            batches = client.messages.batches
            adopted = batches.create(requests=requests(3), on_ambiguous="reconcile")
            assert isinstance(adopted, claude_batches.ReconciledBatch)
            assert [found.id for found in batches.list()] == [adopted.id]
            assert {item.custom_id for item in batches.results(adopted.id)} == {"r-0", "r-1", "r-2"}
