"""Batches as users of the official SDK write them."""

# Tests run this program with the official SDK and, with other imports, with this package.
# ruff: noqa: ASYNC110, PT018, UP017

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import datetime, timezone

import anthropic
from anthropic import NOT_GIVEN, Anthropic, AsyncAnthropic, DefaultAsyncHttpxClient, DefaultHttpxClient, omit
from anthropic.pagination import AsyncPage, SyncPage
from anthropic.types import Message, MessageParam, TextBlock, ToolParam, ToolUseBlock
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from anthropic.types.messages import (
    DeletedMessageBatch,
    MessageBatch,
    MessageBatchIndividualResponse,
    MessageBatchRequestCounts,
    MessageBatchResult,
    batch_create_params,
)
from anthropic.types.messages.batch_create_params import Request

MODEL = "claude-sonnet-4-5"
WEATHER: ToolParam = {
    "name": "get_weather",
    "description": "Return the weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def rows(questions: list[str]) -> Iterator[Request]:
    for index, question in enumerate(questions):
        messages: list[MessageParam] = [{"role": "user", "content": question}]
        params = MessageCreateParamsNonStreaming(model=MODEL, max_tokens=64, messages=messages)
        yield Request(custom_id=f"row-{index}", params=params)


def with_tool(custom_id: str) -> batch_create_params.Request:
    return {
        "custom_id": custom_id,
        "params": {
            "model": MODEL,
            "max_tokens": 256,
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Weather in Oslo?"}]}],
            "tools": [WEATHER],
            "tool_choice": {"type": "tool", "name": "get_weather"},
        },
    }


def text_of(message: Message) -> str:
    parts: list[str] = []
    for block in message.content:
        if block.type == "text":
            parts.append(block.text)
        elif isinstance(block, ToolUseBlock):
            parts.append(f"{block.name}({json.dumps(block.input, sort_keys=True)})")
    return " ".join(parts)


def describe(result: MessageBatchResult) -> str:
    match result.type:
        case "succeeded":
            return text_of(result.message)
        case "errored":
            return result.error.error.message
        case "canceled" | "expired":
            return result.type
        case _:
            return "unknown"


def show(batch: MessageBatch) -> None:
    counts: MessageBatchRequestCounts = batch.request_counts
    total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
    print(batch.type, batch.processing_status, total, batch.expires_at > batch.created_at)
    left = batch.expires_at - datetime.now(timezone.utc)
    print(left.total_seconds() > 0, batch.cancel_initiated_at, batch.archived_at)


def save(items: Iterator[MessageBatchIndividualResponse]) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in items:
        if item.result.type == "succeeded":
            usage = item.result.message.usage
            assert usage.input_tokens > 0 and usage.output_tokens > 0
            first = item.result.message.content[0]
            if isinstance(first, TextBlock):
                assert first.text
        found[item.custom_id] = describe(item.result)
    return found


def run() -> None:
    http_client = DefaultHttpxClient(headers={"x-team": "search"})
    timeout = anthropic.Timeout(30.0, connect=2.0)
    with Anthropic(max_retries=3, timeout=timeout, http_client=http_client) as client:
        batches = client.messages.batches
        batch = batches.create(requests=[*rows(["Hi", "Bye"]), with_tool("tool")], workspace_id=omit)
        show(batch)
        while batch.processing_status != "ended":
            time.sleep(0.05)
            batch = batches.retrieve(batch.id, timeout=NOT_GIVEN, extra_headers={"x-trace": "1"})
        show(batch)
        for custom_id, text in sorted(save(iter(batches.results(batch.id))).items()):
            print(custom_id, text[:12])

        dumped = batch.model_dump(mode="json", exclude_none=True)
        assert dumped["id"] == batch.id and MessageBatch.model_validate(batch.model_dump()) == batch
        assert json.loads(batch.model_dump_json())["id"] == json.loads(batch.to_json())["id"]
        print(sorted(dumped), sorted(batch.request_counts.to_dict()), len(dict(batch)))
        print(
            batch.model_copy(update={"id": "other"}).id, sorted(batch.model_fields_set)[:2], batch.model_extra
        )

        second = batches.create(requests=rows(["One [[slow:90000]]", "Two"]))
        page: SyncPage[MessageBatch] = batches.list(limit=1)
        print([each.id == second.id for each in page.data], page.has_next_page(), page.has_more)
        print([each.id == batch.id for each in page.get_next_page()], page.last_id == second.id)
        print(len(list(batches.list(limit=1))), len(page.model_dump()["data"]), page.to_dict()["has_more"])
        print([len(each.data) for each in batches.list(limit=1).iter_pages()])

        canceled = batches.cancel(second.id)
        print(canceled.processing_status, canceled.cancel_initiated_at is not None)

        raw = batches.with_raw_response.retrieve(batch.id)
        assert raw.request_id is not None and raw.headers["request-id"] == raw.request_id
        assert raw.parse().id == batch.id and raw.parse()._request_id == raw.request_id
        print(raw.status_code, raw.http_response.status_code, raw.method, raw.retries_taken, raw.is_closed)
        print(
            json.loads(raw.text())["id"] == batch.id,
            len(raw.read()) > 0,
            raw.parse(to=dict[str, object])["type"],
        )
        with batches.with_streaming_response.results(batch.id) as response:
            lines = [json.loads(line) for line in response.iter_lines()]
        with batches.with_streaming_response.results(batch.id) as response:
            size = sum(len(chunk) for chunk in response.iter_bytes(64))
        with batches.with_streaming_response.retrieve(batch.id) as retrieved:
            print(sorted(line["custom_id"] for line in lines), size > 0, retrieved.parse().id == batch.id)

        fast = client.with_options(timeout=5.0, max_retries=0, default_headers={"x-copy": "1"})
        try:
            fast.messages.batches.retrieve("msgbatch_unknown")
        except anthropic.NotFoundError as error:
            print(error.status_code, error.type, error.request_id is not None, error.response.status_code)
        try:
            client.messages.batches.create(requests=[with_tool("same"), with_tool("same")])
        except anthropic.BadRequestError as error:
            print(error.status_code, error.type)
        try:
            client.copy(api_key="wrong").messages.batches.list()
        except anthropic.APIStatusError as error:
            print(type(error).__name__, error.status_code, isinstance(error, anthropic.APIError))
        try:
            Anthropic(base_url="http://127.0.0.1:9", api_key="k", max_retries=0).messages.batches.list()
        except anthropic.APIConnectionError as error:
            print(type(error).__name__, isinstance(error, anthropic.AnthropicError))

        gone: DeletedMessageBatch = batches.delete(batch.id)
        print(
            gone.type,
            gone.id == batch.id,
            anthropic.DEFAULT_MAX_RETRIES,
            anthropic.DEFAULT_TIMEOUT.read == 600,
        )


async def run_async() -> None:
    async with AsyncAnthropic(http_client=DefaultAsyncHttpxClient(), timeout=30.0) as client:
        batches = client.messages.batches
        batch = await batches.create(requests=list(rows(["Hi"])), extra_body={}, user_profile_id=omit)
        while (batch := await batches.retrieve(batch.id)).processing_status != "ended":
            await asyncio.sleep(0.05)
        async for item in await batches.results(batch.id):
            print(item.custom_id, describe(item.result)[:12])
        page: AsyncPage[MessageBatch] = await batches.list(limit=1)
        print([each.id == batch.id for each in page.data], (await page.get_next_page()).has_next_page())
        print(len([each async for each in batches.list(limit=1)]), page.next_page_info() is not None)
        raw = await batches.with_raw_response.list(limit=1)
        print(
            (await raw.parse()).data[0].id == batch.id,
            raw.status_code,
            json.loads(await raw.text())["has_more"],
        )
        async with batches.with_streaming_response.results(batch.id) as response:
            print([json.loads(line)["custom_id"] async for line in response.iter_lines()])
        async with batches.with_streaming_response.retrieve(batch.id) as retrieved:
            print((await retrieved.parse()).type, json.loads(await retrieved.text())["id"] == batch.id)


run()
asyncio.run(run_async())
