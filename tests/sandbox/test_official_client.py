"""The official Python client takes the sandbox for the real API."""

import anthropic
import pytest
from claude_batches.sandbox import Sandbox

from tests.sandbox.calls import requests


def test_the_official_client_runs_a_batch():
    """Every operation of the synchronous client works."""
    with (
        Sandbox(instant=True) as sandbox,
        anthropic.Anthropic(base_url=sandbox.url, api_key="any", max_retries=0) as client,
    ):
        batches = client.messages.batches
        batch = batches.create(
            requests=requests("hello", "[[error:overloaded_error]]", "[[expire]]", "[[cancel]]")
        )
        assert batch.processing_status == "in_progress"
        assert batches.retrieve(batch.id).processing_status == "ended"
        results = {line.custom_id: line.result for line in batches.results(batch.id)}
        assert {key: result.type for key, result in results.items()} == {
            "r0": "succeeded",
            "r1": "errored",
            "r2": "expired",
            "r3": "canceled",
        }
        assert results["r0"].message.content[0].text == "You said: hello"
        second = batches.create(requests=requests("a", "b"))
        assert batches.cancel(second.id).processing_status == "canceling"
        assert [found.id for found in batches.list(limit=1)] == [second.id, batch.id]
        assert batches.delete(batch.id).type == "message_batch_deleted"
        with pytest.raises(anthropic.NotFoundError) as missing:
            batches.retrieve(batch.id)
        assert missing.value.request_id.startswith("req_")
        with pytest.raises(anthropic.BadRequestError, match=r"requests\.1\.custom_id"):
            batches.create(requests=requests("a") * 2)


@pytest.mark.anyio
async def test_the_official_async_client_runs_a_batch():
    """Every operation of the asynchronous client works."""
    with Sandbox(instant=True) as sandbox:
        async with anthropic.AsyncAnthropic(base_url=sandbox.url, api_key="any", max_retries=0) as client:
            batches = client.messages.batches
            batch = await batches.create(requests=requests("hello", "world"))
            assert (await batches.retrieve(batch.id)).request_counts.succeeded == 2
            texts = {line.result.message.content[0].text async for line in await batches.results(batch.id)}
            assert texts == {"You said: hello", "You said: world"}
            second = await batches.create(requests=requests("a", "b"))
            assert (await batches.cancel(second.id)).processing_status == "canceling"
            assert [found.id async for found in batches.list(limit=1)] == [second.id, batch.id]
            assert (await batches.delete(batch.id)).id == batch.id


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
