"""Retries: which failures are repeated, when, and the error in the end."""

from __future__ import annotations

import logging
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import claude_batches
import pytest
from claude_batches._http.retry import backoff, requested_delay

from tests.client.wire import batch, error
from tests.support.clients import Sleeps
from tests.support.server import drop, garbage, reply, stall


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_retried_statuses(connect: Any, serve: Any, status: int) -> None:
    """A temporary status is retried."""
    server = serve(reply(status, error()), reply(200, batch("b")))
    do = connect(server)
    assert do(lambda batches: batches.retrieve("b")).id == "b"
    assert do.sleeps == [0.5 * 0.875]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_lasting_statuses(connect: Any, serve: Any, status: int) -> None:
    """A permanent status raises at once."""
    server = serve(reply(status, error()))
    do = connect(server)
    with pytest.raises(claude_batches.APIStatusError) as raised:
        do(lambda batches: batches.retrieve("b"))
    assert raised.value.status_code == status
    assert len(server.requests) == 1


@pytest.mark.parametrize("act", [drop(), drop(reset=True), garbage(), reply(200, batch(), cut=20)])
def test_lost_connection(connect: Any, serve: Any, act: Any) -> None:
    """A lost connection is retried."""
    server = serve(act, act, reply(200, batch("b")))
    do = connect(server)
    assert do(lambda batches: batches.retrieve("b")).id == "b"
    assert do.sleeps == [0.5 * 0.875, 1.0 * 0.875]


def test_last_retry(connect: Any, serve: Any) -> None:
    """The error after the last retry counts the retries."""
    server = serve(reply(500, error("api_error", "Broken")))
    do = connect(server)
    with pytest.raises(claude_batches.InternalServerError) as raised:
        do(lambda batches: batches.retrieve("b"))
    assert len(server.requests) == 3
    assert raised.value.retries_taken == 2
    assert "after 2 retries" in str(raised.value)


def test_max_retries(connect: Any, serve: Any) -> None:
    """`max_retries` of a call overrides the client's."""
    server = serve(reply(500, error()))
    do = connect(server, max_retries=4)
    with pytest.raises(claude_batches.InternalServerError):
        do(lambda batches: batches.retrieve("b", max_retries=0))
    with pytest.raises(claude_batches.InternalServerError):
        do.run(lambda: do.client.with_options(max_retries=1).messages.batches.retrieve("b"))
    assert len(server.requests) == 1 + 2


@pytest.mark.parametrize(
    ("headers", "slept"),
    [
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "0"}, 0.5 * 0.875),
        ({"retry-after": "-3"}, 0.5 * 0.875),
        ({"retry-after": "soon"}, 0.5 * 0.875),
        ({"retry-after": "nan"}, 0.5 * 0.875),
    ],
)
def test_requested_delay(connect: Any, serve: Any, headers: dict[str, str], slept: float) -> None:
    """A server can ask for a delay."""
    server = serve(reply(429, error(), headers), reply(200, batch("b")))
    do = connect(server)
    do(lambda batches: batches.retrieve("b"))
    assert do.sleeps == [slept]


def test_requested_date() -> None:
    """A server can ask for a date."""
    at = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    headers = {"retry-after": format_datetime(at + timedelta(seconds=30), usegmt=True)}
    assert requested_delay(headers, at.timestamp()) == 30
    assert requested_delay(headers, at.timestamp() + 60) is None


def test_delay_above_limit(connect: Any, serve: Any) -> None:
    """A requested delay above the limit raises."""
    server = serve(reply(429, error("rate_limit_error", "Slow down"), {"retry-after": "3600"}))
    do = connect(server)
    with pytest.raises(
        claude_batches.RateLimitError, match="asks to wait 3600 s, longer than max_retry_delay"
    ):
        do(lambda batches: batches.retrieve("b"))
    assert do.sleeps == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("forever", ["inf", "9" * 40, "1e400"])
def test_endless_delay(connect: Any, serve: Any, forever: str) -> None:
    """A server can't make a client sleep forever."""
    do = connect(serve(reply(429, error(), {"retry-after": forever})))
    with pytest.raises(claude_batches.RateLimitError):
        do(lambda batches: batches.retrieve("b"))
    assert sum(do.sleeps) < 2


def test_max_retry_delay(connect: Any, serve: Any) -> None:
    """`max_retry_delay` sets the limit."""
    server = serve(reply(429, error(), {"retry-after": "3600"}), reply(200, batch("b")))
    do = connect(server, max_retry_delay=4000)
    do(lambda batches: batches.retrieve("b"))
    assert do.sleeps == [3600]


def test_x_should_retry(connect: Any, serve: Any) -> None:
    """`x-should-retry` overrides the status."""
    server = serve(
        reply(400, error(), {"x-should-retry": "true"}), reply(500, error(), {"x-should-retry": "false"})
    )
    do = connect(server)
    with pytest.raises(claude_batches.InternalServerError):
        do(lambda batches: batches.retrieve("b"))
    assert len(server.requests) == 2


def test_read_timeout_is_retried(connect: Any, serve: Any) -> None:
    """A GET that times out is retried."""
    server = serve(stall(), reply(200, batch("b")))
    # On a busy machine an answer can come too late as well, and is asked for again.
    do = connect(server, timeout=0.2, max_retries=50)
    assert do(lambda batches: batches.retrieve("b")).id == "b"
    assert len(server.requests) >= 2


def test_write_timeout_is_not_retried(connect: Any, serve: Any) -> None:
    """A POST that times out after it was sent is not retried."""
    server = serve(stall())
    do = connect(server, timeout=0.2)
    with pytest.raises(claude_batches.APITimeoutError):
        do(lambda batches: batches.cancel("b"))
    assert do.sleeps == []


def test_refused_connection(connect: Any) -> None:
    """A refused connection is retried, then raises."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    do = connect(None, url=f"http://127.0.0.1:{port}")
    with pytest.raises(claude_batches.APIConnectionError, match="can't be reached") as raised:
        do(lambda batches: batches.retrieve("b"))
    assert raised.value.worth_retrying
    assert len(do.sleeps) == 2


def test_delete_after_retry(connect: Any, serve: Any) -> None:
    """A delete that finds nothing after a retry names the reason."""
    do = connect(serve(drop(), reply(404, error("not_found_error"))))
    with pytest.raises(claude_batches.NotFoundError, match="An earlier attempt, whose response was lost"):
        do(lambda batches: batches.delete("b"))


def test_deadline(connect: Any, serve: Any) -> None:
    """A deadline ends a call within longer timeouts."""
    server = serve(stall())
    do = connect(server, timeout=60)
    with pytest.raises(claude_batches.CallTimeoutError, match=r"deadline of 0\.2 s"):
        do(lambda batches: batches.retrieve("b", deadline=0.2))


def test_deadline_of_body(connect: Any, serve: Any) -> None:
    """A deadline ends the reading of a body."""
    server = serve(stall(after_headers=True))
    do = connect(server, timeout=60)
    with pytest.raises(claude_batches.CallTimeoutError):
        do(lambda batches: batches.retrieve("b", deadline=0.2))


def test_deadline_before_retry(connect: Any, serve: Any) -> None:
    """A retry that the deadline leaves no time for is not begun."""
    server = serve(reply(429, error(), {"retry-after": "20"}))
    do = connect(server, deadline=10)
    with pytest.raises(claude_batches.RateLimitError, match="deadline of 10 s leaves no time"):
        do(lambda batches: batches.retrieve("b"))
    assert do.sleeps == []


def test_log_of_retries(connect: Any, serve: Any, caplog: Any) -> None:
    """The log has each retry and its delay."""
    server = serve(reply(503, error()), reply(200, batch("b")))
    do = connect(server)
    with caplog.at_level(logging.INFO, logger="claude_batches"):
        do(lambda batches: batches.retrieve("b"))
    lines = [record.getMessage() for record in caplog.records if record.name == "claude_batches"]
    assert "messages.batches.retrieve: 503; retrying in 0.44 s (retry 1 of 2)" in lines
    assert any(
        line.startswith("messages.batches.retrieve: 200 in ") and "req_scripted" in line for line in lines
    )


def test_retries_taken(connect: Any, serve: Any) -> None:
    """A raw response has the number of retries."""
    server = serve(reply(500, error()), reply(200, batch("b")))
    do = connect(server)
    assert do(lambda batches: batches.with_raw_response.retrieve("b")).retries_taken == 1


def test_backoff() -> None:
    """The backoff doubles up to eight seconds, less up to a quarter."""
    assert [backoff(n, lambda: 0.0) for n in range(6)] == [0.5, 1, 2, 4, 8, 8]
    assert backoff(10_000, lambda: 1.0) == 6.0


def test_test_clock() -> None:
    """The clock of these tests advances without waiting."""
    sleeps = Sleeps()
    before = sleeps.clock.monotonic()
    sleeps.clock.sleep(1000.0)
    assert sleeps.clock.monotonic() - before >= 1000


def test_delete_after_refusal(connect: Any, serve: Any) -> None:
    """A batch that is not found after a rate limit was not deleted by an earlier attempt."""
    do = connect(serve(reply(429, error("rate_limit_error")), reply(404, error("not_found_error"))))
    with pytest.raises(claude_batches.NotFoundError) as caught:
        do(lambda batches: batches.delete("msgbatch_1"))
    assert "may have deleted" not in str(caught.value)


def test_retry_after_without_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A date with the zone -0000 is in UTC, wherever the client is."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        headers = {"retry-after": "Fri, 20 Nov 2026 10:00:10 -0000"}
        assert requested_delay(headers, datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp()) == 10
    finally:
        monkeypatch.undo()
        time.tzset()
