"""JSONL responses of a generated operation."""

from __future__ import annotations

from typing import Any

import claude_batches
import pytest
from claude_batches_api import resources

from tests.support.server import reply

LINES = b'{"custom_id":"a","result":{"type":"canceled"}}\n\n{"custom_id":"b\xe2\x80\xa8","result":{"type":"expired"}}'


def generated(batches: Any) -> Any:
    """Return the generated resource, whose `results` has nothing written by hand."""
    kind = resources.AsyncBatches if isinstance(batches, resources.AsyncBatches) else resources.Batches
    return kind(batches._transport)


def stream(batches: Any) -> Any:
    return generated(batches).results("b")


def test_lines(connect: Any, serve: Any) -> None:
    """Lines are decoded in order."""
    do = connect(serve(reply(200, LINES)))
    assert [item.custom_id for item in do.items(stream)] == ["a", "b\u2028"]


def test_leave_early(connect: Any, serve: Any) -> None:
    """A stream can be left early, and the client continues."""
    do = connect(serve(reply(200, LINES)))

    async def first() -> Any:
        async with stream(do.batches) as items:
            return await anext(aiter(items))

    if do.portal is None:
        with stream(do.batches) as items:
            assert next(items).custom_id == "a"
    else:
        assert do.portal.call(first).custom_id == "a"
    assert len(do.items(stream)) == 2


def test_line_not_json(connect: Any, serve: Any) -> None:
    """A line that is not JSON raises our error."""
    do = connect(serve(reply(200, b'{"custom_id":"a"}\nno\n')))
    with pytest.raises(claude_batches.APIResponseValidationError, match="not JSON"):
        do.items(stream)


def test_truncated_lines(connect: Any, serve: Any) -> None:
    """A truncated body raises our error."""
    do = connect(serve(reply(200, LINES, cut=60)))
    with pytest.raises(claude_batches.APIConnectionError):
        do.items(stream)


def test_raw_lines(connect: Any, serve: Any) -> None:
    """A raw response parses to the lines."""
    do = connect(serve(reply(200, LINES)))
    raw = do(lambda batches: generated(batches).with_raw_response.results("b"))
    lines = do.run(raw.parse)
    assert [item.custom_id for item in do.all(lambda: lines)] == ["a", "b\u2028"]


@pytest.mark.anyio
async def test_awaited_lines(serve: Any) -> None:
    """An async stream can be awaited."""
    async with claude_batches.AsyncClient(api_key="k", base_url=serve(reply(200, LINES)).url) as client:
        items = await stream(client.messages.batches)
        assert [item.custom_id async for item in items] == ["a", "b\u2028"]


def test_streamed_lines(connect: Any, serve: Any) -> None:
    """A streamed response parses to the lines."""
    do = connect(serve(reply(200, LINES)))

    async def parsed(response: Any) -> list[Any]:
        return [item async for item in await response.parse()]

    found = do.entered(
        lambda batches: generated(batches).with_streaming_response.results("b"),
        lambda response: list(response.parse()) if do.portal is None else parsed(response),
    )
    assert [item.custom_id for item in found] == ["a", "b\u2028"]
