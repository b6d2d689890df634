"""The whole life of a batch, against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import claude_batches
import pytest
from claude_batches import AsyncClient, Client
from claude_batches.sandbox import Sandbox

from .wire import requests


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Any]:
    with Sandbox(instant=True) as running:
        yield running


def test_a_batch_is_created_awaited_listed_read_canceled_and_deleted(sandbox: Any) -> None:
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
async def test_a_batch_lives_the_same_life_with_an_async_client(sandbox: Any) -> None:
    async with AsyncClient(api_key="any", base_url=sandbox.url) as client:
        batches = client.messages.batches
        made = await batches.create(requests=requests(5))
        ended = await batches.wait(made.id)
        assert ended.request_counts.succeeded == 5
        assert made.id in [found.id async for found in batches.list(limit=1)]
        ids = {item.custom_id async for item in batches.results(made.id)}
        assert ids == {f"r-{index}" for index in range(5)}
        assert (await batches.delete(made.id)).id == made.id
