"""Waiting asks less and less often, and gives up for the right reasons only."""

from __future__ import annotations

from typing import Any

import claude_batches
import pytest

from tests.support.server import drop, reply
from .wire import batch, error

RUNNING = reply(200, batch("b", processing_status="in_progress", ended_at=None))
CANCELING = reply(200, batch("b", processing_status="canceling", ended_at=None))
ENDED = reply(200, batch("b"))


def test_it_asks_until_the_batch_has_ended(connect: Any, serve: Any) -> None:
    server = serve(RUNNING, CANCELING, ENDED)
    ended = connect(server)(lambda batches: batches.wait("b"))
    assert ended.processing_status == "ended"
    assert len(server.requests) == 3


def test_a_batch_that_has_ended_is_not_waited_for(connect: Any, serve: Any) -> None:
    do = connect(serve(ENDED))
    do(lambda batches: batches.wait("b"))
    assert do.sleeps == []


def test_pauses_grow_by_half_up_to_the_longest(connect: Any, serve: Any) -> None:
    do = connect(serve(*[RUNNING] * 6, ENDED))
    do(lambda batches: batches.wait("b", poll_interval=1, max_poll_interval=3))
    assert do.sleeps == [1, 1.5, 2.25, 3, 3, 3]


def test_a_timeout_raises_with_the_batch_as_it_was(connect: Any, serve: Any) -> None:
    do = connect(serve(RUNNING))
    with pytest.raises(
        claude_batches.BatchWaitTimeoutError, match="has not ended after 10 s: it is in_progress"
    ) as raised:
        do(lambda batches: batches.wait("b", timeout=10))
    assert raised.value.batch.id == "b"
    assert isinstance(raised.value, TimeoutError)
    assert sum(do.sleeps) == pytest.approx(10, abs=0.5)


def test_each_look_is_told(connect: Any, serve: Any) -> None:
    seen: list[str] = []
    do = connect(serve(RUNNING, CANCELING, ENDED))
    do(lambda batches: batches.wait("b", on_poll=lambda found: seen.append(found.processing_status)))
    assert seen == ["in_progress", "canceling", "ended"]


@pytest.mark.anyio
async def test_an_async_client_awaits_what_on_poll_gives(serve: Any) -> None:
    seen: list[str] = []

    async def look(found: Any) -> None:
        seen.append(found.id)

    async with claude_batches.AsyncClient(api_key="k", base_url=serve(ENDED).url) as client:
        await client.messages.batches.wait("b", on_poll=look)
    assert seen == ["b"]


def test_an_exception_of_on_poll_comes_through(connect: Any, serve: Any) -> None:
    def look(found: Any) -> None:
        raise LookupError("stop")

    with pytest.raises(LookupError, match="stop"):
        connect(serve(RUNNING))(lambda batches: batches.wait("b", on_poll=look))


def test_a_batch_that_is_not_found_yet_is_waited_for_a_bounded_time(connect: Any, serve: Any) -> None:
    missing = reply(404, error("not_found_error"))
    assert connect(serve(missing, missing, ENDED))(lambda batches: batches.wait("b")).id == "b"
    do = connect(serve(missing))
    with pytest.raises(claude_batches.NotFoundError):
        do(lambda batches: batches.wait("b"))
    assert 9 < sum(do.sleeps) < 20


def test_a_batch_that_disappears_is_an_error(connect: Any, serve: Any) -> None:
    with pytest.raises(claude_batches.NotFoundError):
        connect(serve(RUNNING, reply(404, error())))(lambda batches: batches.wait("b"))


def test_an_outage_is_waited_out_for_as_long_as_patience_lasts(connect: Any, serve: Any) -> None:
    outage = [drop(), reply(529), reply(429, error(), {"retry-after": "900"}), reply(500)] * 3
    assert connect(serve(RUNNING, *outage, ENDED))(lambda batches: batches.wait("b")).id == "b"
    do = connect(serve(RUNNING, drop()))
    with pytest.raises(claude_batches.APIConnectionError):
        do(lambda batches: batches.wait("b", patience=100))
    assert 100 < sum(do.sleeps) < 300


def test_what_will_not_pass_ends_the_wait_at_once(connect: Any, serve: Any) -> None:
    do = connect(serve(RUNNING, reply(401, error())))
    with pytest.raises(claude_batches.AuthenticationError):
        do(lambda batches: batches.wait("b"))
    assert len(do.sleeps) == 1


@pytest.mark.parametrize("wrong", [{"poll_interval": 0}, {"max_poll_interval": -1}])
def test_a_wait_without_pauses_is_refused(connect: Any, serve: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(claude_batches.ConfigurationError):
        connect(serve(ENDED))(lambda batches: batches.wait("b", **wrong))


def test_options_hold_for_each_look(connect: Any, serve: Any) -> None:
    server = serve(RUNNING, ENDED)
    connect(server)(lambda batches: batches.wait("b", workspace_id="w", extra_headers={"x-team": "blue"}))
    assert [request.headers["x-team"] for request in server.requests] == ["blue"] * 2
    assert [request.headers["anthropic-workspace-id"] for request in server.requests] == ["w"] * 2
