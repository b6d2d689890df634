"""A call like an earlier one is sent like that one, with all that has to differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import claude_batches
import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from tests.client.wire import batch, page
from tests.support.clients import Calls
from tests.support.server import reply, stall


@contextmanager
def own_client(kind: str, url: str, **options: Any) -> Iterator[Calls]:
    """Make a client with an HTTP client of its own."""
    if kind == "sync":
        with claude_batches.Client(api_key="k", base_url=url, **options) as client:
            yield Calls(client, None)
        return
    with start_blocking_portal() as portal:
        client = claude_batches.AsyncClient(api_key="k", base_url=url, **options)
        try:
            yield Calls(client, portal)
        finally:
            portal.call(client.close)


kinds = pytest.mark.parametrize("kind", ["sync", "async"])


@kinds
def test_same_request(serve: Any, kind: str) -> None:
    """A repeated request is byte for byte the first one, and that of an HTTP client of the user."""
    server = serve(reply(200, batch()))
    with own_client(kind, server.url) as do:
        for _ in range(4):
            assert do(lambda batches: batches.retrieve("msgbatch_1")).id == "msgbatch_1"
    with (
        httpx.Client() as http,
        claude_batches.Client(api_key="k", base_url=server.url, http_client=http) as client,
    ):
        client.messages.batches.retrieve("msgbatch_1")
    sent = [(each.method, each.target, [*each.headers.items()]) for each in server.requests]
    assert sent == [sent[0]] * 5


@kinds
def test_other_methods_of_the_url(serve: Any, kind: str) -> None:
    """Another method of the same URL is sent as that method."""
    deleted = reply(200, {"id": "msgbatch_1", "type": "message_batch_deleted"})
    found, listed = reply(200, batch()), reply(200, page(batch()))
    server = serve(found, found, deleted, found, listed, listed, found)
    with own_client(kind, server.url) as do:
        do(lambda batches: batches.retrieve("msgbatch_1"))
        do(lambda batches: batches.retrieve("msgbatch_1"))
        do(lambda batches: batches.delete("msgbatch_1"))
        do(lambda batches: batches.retrieve("msgbatch_1"))
        for _ in range(2):
            do(lambda batches: batches.list())
        do(lambda batches: batches.create(requests=[{}], validate=False))
    assert [each.method for each in server.requests] == ["GET", "GET", "DELETE", "GET", "GET", "GET", "POST"]
    assert server.requests[-1].body == b'{"requests":[{}]}'


@kinds
def test_other_headers(serve: Any, kind: str) -> None:
    """Headers of a call and the credentials of a copy are sent with that call and with no other."""
    server = serve(reply(200, batch()))
    with own_client(kind, server.url) as do:
        copy = do.client.with_options(api_key="other")
        for _ in range(2):
            do(lambda batches: batches.retrieve("msgbatch_1"))
            do(lambda batches: batches.retrieve("msgbatch_1", extra_headers={"x-team": "blue"}))
            do.run(lambda: copy.messages.batches.retrieve("msgbatch_1"))
            do(lambda batches: batches.retrieve("msgbatch_1", extra_query={"q": "1"}))
    sent = [(each.headers["x-api-key"], each.headers.get("x-team"), each.target) for each in server.requests]
    path = "/v1/messages/batches/msgbatch_1"
    each = [("k", None, path), ("k", "blue", path), ("other", None, path), ("k", None, f"{path}?q=1")]
    assert sent == each * 2


@kinds
def test_other_server(serve: Any, kind: str) -> None:
    """A copy with another base URL sends its requests there, with the name of that host."""
    servers = [serve(reply(200, batch())) for _ in range(2)]
    with own_client(kind, servers[0].url) as do:
        copy = do.client.with_options(base_url=f"{servers[1].url}/prefix")
        for _ in range(3):
            do(lambda batches: batches.retrieve("msgbatch_1"))
            do.run(lambda: copy.messages.batches.retrieve("msgbatch_1"))
    for server, prefix in zip(servers, ("", "/prefix"), strict=True):
        sent = [(each.headers["host"], each.target) for each in server.requests]
        assert sent == [(server.url.removeprefix("http://"), f"{prefix}/v1/messages/batches/msgbatch_1")] * 3


@kinds
def test_timeouts_of_each_call(serve: Any, kind: str) -> None:
    """A repeated call has its own timeout and deadline."""
    server = serve(*[reply(200, batch())] * 2, stall(), stall(), reply(200, batch()))
    with own_client(kind, server.url, max_retries=0) as do:
        for _ in range(2):
            do(lambda batches: batches.retrieve("msgbatch_1"))
        for options in ({"timeout": 0.2}, {"deadline": 0.2}):
            with pytest.raises(claude_batches.APITimeoutError):
                do(lambda batches, options=options: batches.retrieve("msgbatch_1", **options))
        assert do(lambda batches: batches.retrieve("msgbatch_1")).id == "msgbatch_1"


@kinds
def test_cookies_of_the_server(serve: Any, kind: str) -> None:
    """A cookie of the server is sent from then on, changed and removed as the server says."""
    cookies = ["a=1; Path=/", "a=2; Path=/", "a=; Path=/; Max-Age=0"]
    said = [{"set-cookie": cookie} for cookie in cookies]
    server = serve(
        *[reply(200, batch())] * 2, *(reply(200, batch(), headers) for headers in said), reply(200, batch())
    )
    with own_client(kind, server.url) as do:
        for _ in range(7):
            do(lambda batches: batches.retrieve("msgbatch_1"))
    sent = [each.headers.get("cookie") for each in server.requests]
    assert sent == [None, None, None, "a=1", "a=2", None, None]


def test_watched_library(serve: Any, monkeypatch: Any) -> None:
    """A tool that watches the HTTP library finds the same in each request."""
    seen: list[Any] = []
    send = httpx.Client.send

    def watched(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        seen.append(
            (request.method, str(request.url), request.headers.raw, request.content, request.extensions)
        )
        return send(client, request, **options)

    monkeypatch.setattr(httpx.Client, "send", watched)
    server = serve(reply(200, batch()))
    with own_client("sync", server.url) as do:
        for _ in range(3):
            do(lambda batches: batches.retrieve("msgbatch_1"))
    assert seen == [seen[0]] * 3
    assert seen[0][3:] == (b"", {"timeout": {"connect": 5.0, "read": 600.0, "write": 600.0, "pool": 600.0}})


@kinds
def test_many_urls(serve: Any, kind: str) -> None:
    """Any number of batches can be retrieved in turn, each by its own URL."""
    server = serve(reply(200, batch()))
    names = [f"msgbatch_{index}" for index in range(150)]
    with own_client(kind, server.url) as do:
        for name in (*names, *names):
            do(lambda batches, name=name: batches.retrieve(name))
    assert [each.target.rpartition("/")[2] for each in server.requests] == names * 2
