"""JSON Lines of an operation that has nothing written for it by hand, as a spec may add one."""

from __future__ import annotations

from typing import Any

import claude_batches
import pytest
from claude_batches_api.operations import messages_batches as operations

from tests.support.server import reply

LINES = b'{"custom_id":"a","result":{"type":"canceled"}}\n\n{"custom_id":"b\xe2\x80\xa8","result":{"type":"expired"}}'


def stream(batches: Any, view: str = "plain") -> Any:
    return batches._transport.view(view).stream(operations.results("b"), {})


def test_lines_are_decoded_as_they_come(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(200, LINES)))
    assert [item.custom_id for item in do.items(stream)] == ["a", "b\u2028"]


def test_a_stream_can_be_left_early_and_the_client_goes_on(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(200, LINES)))

    async def first() -> Any:
        async with stream(do.batches) as items:
            return await anext(aiter(items))

    if do._portal is None:
        with stream(do.batches) as items:
            assert next(items).custom_id == "a"
    else:
        assert do._portal.call(first).custom_id == "a"
    assert len(do.items(stream)) == 2


def test_a_line_that_is_not_json_is_our_error(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(200, b'{"custom_id":"a"}\nno\n')))
    with pytest.raises(claude_batches.APIResponseValidationError, match="not JSON"):
        do.items(stream)


def test_a_body_that_breaks_off_is_our_error(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(200, LINES, cut=60)))
    with pytest.raises(claude_batches.APIConnectionError):
        do.items(stream)


def test_a_raw_response_parses_to_the_lines(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(200, LINES)))
    raw = do(lambda batches: stream(batches, "raw"))
    assert [item.custom_id for item in do.items(lambda _: raw.parse())] == ["a", "b\u2028"]


@pytest.mark.anyio
async def test_an_async_stream_can_be_awaited(serve: Any) -> None:
    async with claude_batches.AsyncClient(api_key="k", base_url=serve(reply(200, LINES)).url) as client:
        items = await stream(client.messages.batches)
        assert [item.custom_id async for item in items] == ["a", "b\u2028"]


def test_a_streamed_response_parses_to_the_lines(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(200, LINES)))

    async def collect(response: Any) -> list[Any]:
        return [item async for item in await response.parse()]

    if do._portal is None:
        with stream(do.batches, "streamed") as response:
            found = list(response.parse())
    else:

        async def enter() -> list[Any]:
            async with await stream(do.batches, "streamed") as response:
                return await collect(response)

        found = do._portal.call(enter)
    assert [item.custom_id for item in found] == ["a", "b\u2028"]
