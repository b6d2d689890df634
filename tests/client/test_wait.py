"""`wait()`: pauses, deadline and patience."""

from __future__ import annotations

from typing import Any

import claude_batches
import pytest

from tests.client.wire import batch, error
from tests.support.server import drop, reply

RUNNING = reply(200, batch("b", processing_status="in_progress", ended_at=None))
CANCELING = reply(200, batch("b", processing_status="canceling", ended_at=None))
ENDED = reply(200, batch("b"))


def test_wait(connect: Any, serve: Any) -> None:
    """`wait()` polls until the batch has ended."""
    server = serve(RUNNING, CANCELING, ENDED)
    ended = connect(server)(lambda batches: batches.wait("b"))
    assert ended.processing_status == "ended"
    assert len(server.requests) == 3


def test_ended_batch(connect: Any, serve: Any) -> None:
    """A batch that has ended is not waited for."""
    do = connect(serve(ENDED))
    do(lambda batches: batches.wait("b"))
    assert do.sleeps == []


def test_pauses(connect: Any, serve: Any) -> None:
    """Pauses grow by half up to the longest."""
    do = connect(serve(*[RUNNING] * 6, ENDED))
    do(lambda batches: batches.wait("b", poll_interval=1, max_poll_interval=3))
    assert do.sleeps == [1, 1.5, 2.25, 3, 3, 3]


def test_wait_deadline(connect: Any, serve: Any) -> None:
    """The deadline raises an error with the batch at the last poll."""
    do = connect(serve(RUNNING))
    with pytest.raises(
        claude_batches.BatchWaitTimeoutError, match="has not ended after 10 s: it is in_progress"
    ) as raised:
        do(lambda batches: batches.wait("b", deadline=10))
    assert raised.value.batch.id == "b"
    assert isinstance(raised.value, TimeoutError)
    assert sum(do.sleeps) == pytest.approx(10, abs=0.5)


def test_on_poll(connect: Any, serve: Any) -> None:
    """`on_poll` is called after each poll."""
    seen: list[str] = []
    do = connect(serve(RUNNING, CANCELING, ENDED))
    do(lambda batches: batches.wait("b", on_poll=lambda found: seen.append(found.processing_status)))
    assert seen == ["in_progress", "canceling", "ended"]


@pytest.mark.anyio
async def test_async_on_poll(serve: Any) -> None:
    """An async client awaits the result of `on_poll`."""
    seen: list[str] = []

    async def look(found: Any) -> None:
        seen.append(found.id)

    async with claude_batches.AsyncClient(api_key="k", base_url=serve(ENDED).url) as client:
        await client.messages.batches.wait("b", on_poll=look)
    assert seen == ["b"]


def test_exception_of_on_poll(connect: Any, serve: Any) -> None:
    """An exception of `on_poll` reaches the user."""

    def look(found: Any) -> None:
        raise LookupError("stop")

    with pytest.raises(LookupError, match="stop"):
        connect(serve(RUNNING))(lambda batches: batches.wait("b", on_poll=look))


def test_new_batch_not_found(connect: Any, serve: Any) -> None:
    """A new batch that is not found is waited for about ten seconds."""
    missing = reply(404, error("not_found_error"))
    assert connect(serve(missing, missing, ENDED))(lambda batches: batches.wait("b")).id == "b"
    do = connect(serve(missing))
    with pytest.raises(claude_batches.NotFoundError):
        do(lambda batches: batches.wait("b"))
    assert 9 < sum(do.sleeps) < 20


def test_lost_batch(connect: Any, serve: Any) -> None:
    """A batch that disappears is waited for until `patience` ends."""
    missing = reply(404, error("not_found_error"))
    assert connect(serve(RUNNING, *[missing] * 5, ENDED))(lambda batches: batches.wait("b")).id == "b"
    do = connect(serve(RUNNING, missing))
    with pytest.raises(claude_batches.NotFoundError):
        do(lambda batches: batches.wait("b", patience=100))
    assert 100 < sum(do.sleeps) < 300


def test_patience(connect: Any, serve: Any) -> None:
    """An outage is waited out for `patience`."""
    outage = [drop(), reply(529), reply(429, error(), {"retry-after": "900"}), reply(500)] * 3
    assert connect(serve(RUNNING, *outage, ENDED))(lambda batches: batches.wait("b")).id == "b"
    do = connect(serve(RUNNING, drop()))
    with pytest.raises(claude_batches.APIConnectionError):
        do(lambda batches: batches.wait("b", patience=100))
    assert 100 < sum(do.sleeps) < 300


def test_lasting_error(connect: Any, serve: Any) -> None:
    """A permanent error ends the wait at once."""
    do = connect(serve(RUNNING, reply(401, error())))
    with pytest.raises(claude_batches.AuthenticationError):
        do(lambda batches: batches.wait("b"))
    assert len(do.sleeps) == 1


@pytest.mark.parametrize("wrong", [{"poll_interval": 0}, {"max_poll_interval": -1}])
def test_invalid_pauses(connect: Any, serve: Any, wrong: dict[str, Any]) -> None:
    """A wait without pauses is refused."""
    with pytest.raises(claude_batches.ConfigurationError):
        connect(serve(ENDED))(lambda batches: batches.wait("b", **wrong))


def test_poll_options(connect: Any, serve: Any) -> None:
    """The options hold for each poll."""
    server = serve(RUNNING, ENDED)
    connect(server)(lambda batches: batches.wait("b", workspace_id="w", extra_headers={"x-team": "blue"}))
    assert [request.headers["x-team"] for request in server.requests] == ["blue"] * 2
    assert [request.headers["anthropic-workspace-id"] for request in server.requests] == ["w"] * 2
