"""Bounds of time, of bodies and of host names."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from claude_batches.sandbox import Sandbox

from tests.sandbox.calls import BATCHES, Caller, serving

MEGABYTE = 1024 * 1024
FAR = 400_000_000_000.0  # seconds, which lead past the year 9999


@pytest.mark.parametrize("seconds", [FAR, 1e300, -1, "5", True, None])
def test_time_that_cannot_be_is_refused(caller: Caller, seconds: object):
    """The clock refuses such a time, and the sandbox continues."""
    response = caller.http.post("/_sandbox/clock", json={"seconds": seconds})
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert caller.create("one")["processing_status"] == "in_progress"
    assert caller.http.get("/").status_code == 200


def test_time_ends_before_its_dates_do(tmp_path: Path):
    """At the end of sandbox time, and after a restart there, batches are created, listed and shown."""
    state = tmp_path / "state.sqlite"
    with Sandbox(speed=1e18, state=state) as sandbox:
        caller = Caller(sandbox.url)
        assert caller.http.get("/_sandbox/clock").json()["now"].startswith("9999-")
        batch = caller.create("one")
        caller.http.close()
    with Sandbox(speed=1, state=state) as sandbox:
        caller = Caller(sandbox.url)
        assert [each["id"] for each in caller.page()["data"]] == [batch["id"]]
        assert caller.create("two")["expires_at"].startswith("9999-")
        assert caller.http.get("/").status_code == 200
        with pytest.raises(ValueError, match="sandbox time"):
            sandbox.advance(float("nan"))
        caller.http.close()


def repeated(start: bytes, piece: bytes, megabytes: int) -> Iterator[bytes]:
    yield start
    for _ in range(megabytes):
        yield piece * (MEGABYTE // len(piece))


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b'{"requests":[', b"1"),
        (b'{"requests":[{"custom_id":"a","params":{"max_tokens":', b"1"),
        (b'{"requests":[', b"["),
        (b'{"requests":[{"custom_id":"a","params":{"system":', b'[{"a":'),
        (b'{"requests":[{"custom_id":"a","params":{"system":"', b"x"),
    ],
    ids=["number", "number in a request", "brackets", "brackets in a request", "text"],
)
def test_a_body_that_no_parser_should_see(start: bytes, piece: bytes):
    """100 MB of one number, of brackets or of one text are refused in seconds, without a batch."""
    with serving() as caller:
        begun = time.monotonic()
        response = caller.http.post(BATCHES, content=repeated(start, piece, 100))
        assert response.status_code in (400, 413), response.text
        assert time.monotonic() - begun < 20
        assert caller.page()["data"] == []


@pytest.mark.parametrize("path", ["/_sandbox/faults", "/_sandbox/clock"])
def test_the_controls_have_bounds_too(caller: Caller, path: str):
    """A body above 256 KB is refused by the controls."""
    method = "PUT" if path.endswith("faults") else "POST"
    assert caller.http.request(method, path, content=b"[" * MEGABYTE).status_code == 413


@pytest.mark.parametrize("path", [BATCHES, "/v1/messages/count_tokens", "/", "/_sandbox/clock"])
@pytest.mark.parametrize(
    ("host", "admitted"),
    [
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example:80", False),
        ("evil.example:8787", False),
        ("10.0.0.1", False),
        ("", False),
        ("localhost:1", True),
        ("127.0.0.9", True),
        ("[::1]:5", True),
        ("LOCALHOST", True),
    ],
)
def test_only_loopback_host_names_are_answered(refused_caller: Caller, path: str, host: str, admitted: bool):
    """A request for another host name, as after DNS rebinding, is refused by API, page and controls."""
    method = "POST" if path.endswith("tokens") else "GET"
    response = refused_caller.http.request(method, path, headers={"host": host})
    assert (response.status_code not in (400, 403) or response.text.find("JSON") > 0) is admitted
    if not admitted and response.status_code == 403:
        assert response.json()["error"]["type"] == "permission_error"


def test_further_hosts_can_be_admitted():
    """`allowed_hosts` names those of a container, say."""
    with serving(allowed_hosts=["host.docker.internal"]) as caller:
        for host, status in (
            ("host.docker.internal:8787", 200),
            ("Host.Docker.Internal", 200),
            ("other", 403),
        ):
            assert caller.http.get(BATCHES, headers={"host": host}).status_code == status


def test_deep_requests_up_to_the_bound_are_kept(instant: Caller):
    """A request that is nested nearly 200 levels deep is stored and errored, not refused."""
    deep = orjson.loads(b"[" * 190 + b"]" * 190)
    body = {"requests": [{"custom_id": "deep", "params": {"system": deep}}]}
    made = instant.http.post(BATCHES, json=body)
    assert made.status_code == 200, made.text
    assert instant.results(made.json()["id"])["deep"]["type"] == "errored"
