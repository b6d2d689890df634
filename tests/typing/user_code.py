"""Code of users, sync and async, without a mistake. Type checkers in strict mode report nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import assert_type

import claude_batches
import httpx
import httpx2
from claude_batches import (
    AmbiguousCreateError,
    APIStatusError,
    AsyncAmbiguousCreateError,
    AsyncClient,
    AsyncPage,
    AsyncPager,
    BatchWaitTimeoutError,
    Client,
    Page,
    RateLimitError,
    RawResponse,
    ReconciledBatch,
    ResultsById,
    ResultStream,
    StreamedResponse,
)
from claude_batches.jobs import AsyncJob, Job
from claude_batches.types import (
    DeletedMessageBatch,
    Message,
    MessageBatch,
    MessageBatchErroredResult,
    MessageBatchIndividualResponse,
    MessageBatchSucceededResult,
    MessageCreateParamsNonStreaming,
    Request,
    TextBlock,
    ToolUseBlock,
    Unknown,
)


def rows() -> Iterator[Request]:
    for index in range(3):
        yield {
            "custom_id": f"r-{index}",
            "params": {
                "model": "claude-haiku-4-5",
                "max_tokens": 100,
                "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
                "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
                "tools": [{"name": "now", "input_schema": {"type": "object"}}],
                "tool_choice": {"type": "auto"},
            },
        }


async def async_rows() -> AsyncIterator[Request]:
    for row in rows():
        yield row


def params() -> MessageCreateParamsNonStreaming:
    return {"model": "claude-haiku-4-5", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}


def text_of(message: Message) -> str:
    found = ""
    for block in message.content:
        match block:
            case TextBlock(text=text):
                found += text
            case ToolUseBlock(name=name, id=identifier):
                found += f"{name} {identifier}"
            case Unknown(type=kind):
                found += kind or ""
            case _:
                pass
    return found


def read(item: MessageBatchIndividualResponse) -> str:
    match item.result:
        case MessageBatchSucceededResult(message=message):
            return text_of(message)
        case MessageBatchErroredResult(error=error):
            return str(error.request_id)
        case other:
            return str(other.type)


def seen(batch: MessageBatch) -> None:
    print(batch.request_counts.succeeded)


def run() -> None:
    with Client(api_key="k", timeout=httpx.Timeout(5), default_headers={"x-team": None}) as client:
        try:
            batch: MessageBatch = client.messages.batches.create(
                requests=rows(),
                on_ambiguous="reconcile",
                extra_headers={"anthropic-beta": "x"},
                max_retries=1,
            )
        except AmbiguousCreateError as error:
            batch = error.find_candidates()[0]
        made: datetime = batch.created_at
        try:
            batch = client.messages.batches.wait(batch.id, deadline=60, timeout=5, on_poll=seen)
        except BatchWaitTimeoutError as error:
            print(error.batch and error.batch.id, made)
        if isinstance(batch, ReconciledBatch):
            assert_type(batch.reconciled, bool)
        for unsettled in client.messages.batches.unsettled:
            print(unsettled.request_count, unsettled.started_at, unsettled.batch_id, unsettled.reason)
        results = client.messages.batches.results(batch.id, on_bad_line="skip")
        assert_type(results, ResultStream[MessageBatchIndividualResponse])
        with results:
            for item in results:
                print(read(item))
        by_id: ResultsById[MessageBatchIndividualResponse] = client.messages.batches.results_by_id(
            batch.id, ["a"]
        )
        print(by_id["a"].custom_id, by_id.missing)
        path: Path = client.messages.batches.download(batch.id, "results.jsonl", progress=print)
        print(path.name)
        for other in client.messages.batches.list(limit=20, before_id="b"):
            identifier: str = other.id
            print(identifier)
        page: claude_batches.Page[MessageBatch] = client.messages.batches.list()
        assert_type(client.messages.batches.list(), Page[MessageBatch])
        first: str | None = page.first_id
        raw_page: claude_batches.RawResponse[claude_batches.Page[MessageBatch]]
        raw_page = client.messages.batches.with_raw_response.list()
        assert_type(client.messages.batches.with_raw_response.list(), RawResponse[Page[MessageBatch]])
        assert_type(raw_page.parse().first_id, str | None)
        streamed: AbstractContextManager[StreamedResponse[MessageBatch]]
        streamed = client.messages.batches.with_streaming_response.retrieve("b")
        print(streamed, first, page.last_id, raw_page.parse().data[0].id)
        newest: MessageBatch = page.data[0]
        print(newest, page.has_next_page(), page.get_next_page().data, page.next_page_info())
        raw: claude_batches.RawResponse[MessageBatch] = client.messages.batches.with_raw_response.retrieve(
            "b"
        )
        again: MessageBatch = raw.parse()
        print(again, raw.headers["x"], raw.request_id, raw.elapsed)
        with client.messages.batches.with_streaming_response.results("b") as response:
            for line in response.iter_lines():
                print(line.upper())
        try:
            gone: DeletedMessageBatch = client.with_options(timeout=5).messages.batches.delete("b")
        except RateLimitError as error:
            print(error.status_code, error.request_id, error.response.headers.get("retry-after"))
        except APIStatusError as error:
            print(error.type, error.body)
        else:
            print(gone.id)
    Client(http_client=httpx.Client())
    Client(http_client=httpx2.Client())


async def run_async() -> None:
    async with AsyncClient(auth_token="t", http_client=httpx.AsyncClient()) as client:
        try:
            batch: MessageBatch = await client.messages.batches.create(requests=async_rows(), validate=False)
        except AsyncAmbiguousCreateError as error:
            batch = (await error.find_candidates())[0]
        batch = await client.messages.batches.wait(batch.id)
        async for item in client.messages.batches.results(batch.id):
            print(read(item))
        async for other in client.messages.batches.list():
            identifier: str = other.id
            print(identifier)
        pager: AsyncPager[MessageBatch] = client.messages.batches.list()
        page: claude_batches.AsyncPage[MessageBatch] = await pager
        assert_type(await client.messages.batches.list(), AsyncPage[MessageBatch])
        raw_page: claude_batches.AsyncRawResponse[AsyncPage[MessageBatch]]
        raw_page = await client.messages.batches.with_raw_response.list()
        print(raw_page, page.first_id)
        newest: MessageBatch = page.data[0]
        print(newest, (await page.get_next_page()).data)
        raw = await client.messages.batches.with_raw_response.cancel("b")
        canceled: MessageBatch = await raw.parse()
        async with client.messages.batches.with_streaming_response.retrieve("b") as response:
            streamed: MessageBatch = await response.parse()
        print(canceled, streamed)
    AsyncClient(http_client=httpx2.AsyncClient())


def tables(job: Job, path: Path) -> int:
    table = job.write(columns=["custom_id", "text"]).read_all()
    print(table.num_rows, [batch.num_rows for batch in job.write()], job.write(format="arrow").schema)
    return assert_type(job.write(path, format="csv"), int)


async def async_tables(job: AsyncJob) -> int:
    return await asyncio.to_thread(job.write, "reviews.parquet")
