"""A client: settings, sharing, closing."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import claude_batches
import httpx
import httpx2
import pytest
from claude_batches import AsyncClient, Client
from claude_batches._logging import show_logs_if_asked

from tests.client.wire import batch, page, requests
from tests.support.server import reply, stall


def test_environment(serve: Any, monkeypatch: Any) -> None:
    """The environment gives the settings that arguments do not."""
    server = serve(reply(200, batch()))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from-environment")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", f"{server.url}/prefix/")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Team: blue\n\nX-Empty:\nnonsense\nX-Url: a:b")
    with Client(default_headers={"x-url": "argument"}) as client:
        client.messages.batches.retrieve("b")
    (request,) = server.requests
    assert request.target == "/prefix/v1/messages/batches/b"
    assert request.headers["x-api-key"] == "from-environment"
    assert (request.headers["x-team"], request.headers["x-empty"], request.headers["x-url"]) == (
        "blue",
        "",
        "argument",
    )


def test_argument_before_environment(serve: Any, monkeypatch: Any) -> None:
    """A credential as an argument disables those of the environment."""
    server = serve(reply(200, batch()))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from-environment")
    with Client(auth_token="token", base_url=server.url) as client:
        client.messages.batches.retrieve("b")
    assert "x-api-key" not in server.requests[0].headers
    assert server.requests[0].headers["authorization"] == "Bearer token"


def test_two_credentials_in_environment(serve: Any, monkeypatch: Any, caplog: Any) -> None:
    """Of two credentials in the environment the key is used, with a warning."""
    server = serve(reply(200, batch()))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token")
    with Client(base_url=server.url) as client:
        client.messages.batches.retrieve("b")
        assert (client.api_key, client.auth_token) == ("key", None)
    assert "authorization" not in server.requests[0].headers
    assert "the API key is used" in caplog.text


def test_missing_credential(connect: Any, serve: Any) -> None:
    """A missing credential raises on the first call."""
    server = serve(reply(200, batch()))
    do = connect(server, api_key=None)
    with pytest.raises(claude_batches.CredentialsError, match="ANTHROPIC_API_KEY"):
        do(lambda batches: batches.retrieve("b"))
    do(lambda batches: batches.retrieve("b", extra_headers={"x-api-key": "mine"}))
    assert [request.headers["x-api-key"] for request in server.requests] == ["mine"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"base_url": "api.example"}, "https://"),
        ({"base_url": "ftp://api.example"}, "https://"),
        ({"base_url": "https://api.example?x=1"}, "default_query"),
        ({"base_url": "https://a:b@api.example"}, "password"),
        ({"max_retries": -1}, "max_retries"),
        ({"max_retries": "2"}, "max_retries"),
        ({"max_retry_delay": -1}, "max_retry_delay"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": "5"}, "timeout"),
        ({"api_key": 7}, "api_key"),
        ({"default_headers": {"a b": "c"}}, "name of a header"),
        ({"anthropic_version": "a\nb"}, "anthropic-version"),
        ({"http_client": object()}, "http_client"),
    ],
)
def test_invalid_settings(options: dict[str, Any], told: str) -> None:
    """Invalid settings are refused by the constructor."""
    for kind in (Client, AsyncClient):
        with pytest.raises(claude_batches.ConfigurationError, match=told):
            kind(**options)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_http_client_of_wrong_kind(library: Any) -> None:
    """An `http_client` of the wrong kind is refused."""
    with library.Client() as http, pytest.raises(claude_batches.ConfigurationError, match="AsyncClient"):
        AsyncClient(http_client=http)
    with pytest.raises(claude_batches.ConfigurationError, match=r"must be an httpx\.Client"):
        Client(http_client=library.AsyncClient())


def test_with_options(connect: Any, serve: Any) -> None:
    """A copy has other settings and shares the connections."""
    server = serve(reply(200, batch()))
    do = connect(server, default_headers={"x-a": "1", "x-b": "1"}, default_query={"q": 1})
    copy = do.client.with_options(
        api_key="other",
        max_retries=9,
        timeout=3,
        default_headers={"x-b": "2", "x-a": None},
        default_query={"r": 2},
        anthropic_version="2026-10-21",
    )
    do(lambda batches: batches.retrieve("b"))
    do.run(lambda: copy.messages.batches.retrieve("b"))
    do.run(copy.close)
    do(lambda batches: batches.retrieve("b"))
    first, second, third = server.requests
    assert second.headers["x-api-key"] == "other"
    assert second.headers["anthropic-version"] == "2026-10-21"
    assert "x-a" not in second.headers
    assert second.headers["x-b"] == "2"
    assert second.target.endswith("?q=1&r=2")
    assert first.headers["x-api-key"] == third.headers["x-api-key"] != "other"
    assert (copy.max_retries, copy.timeout.read, do.client.max_retries) == (9, 3, 2)
    assert server.connections == 1


def test_copy_replaces(connect: Any, serve: Any) -> None:
    """A copy can replace headers, query and HTTP client."""
    server = serve(reply(200, batch()))
    with (
        httpx.Client(headers={"x-http": "2"}) as http,
        Client(
            api_key="k", base_url=server.url, default_headers={"x-a": "1"}, default_query={"q": 1}
        ) as client,
    ):
        copy = client.copy(set_default_headers={"x-b": "2"}, set_default_query={"r": 2}, http_client=http)
        copy.messages.batches.retrieve("b")
        for wrong in (
            {"default_headers": {}, "set_default_headers": {}},
            {"default_query": {}, "set_default_query": {}},
            {"api_key": "a", "auth_token": "b"},
        ):
            with pytest.raises(claude_batches.ConfigurationError, match="not both"):
                client.copy(**wrong)
    (request,) = server.requests
    assert request.target.endswith("?r=2")
    assert [name for name in ("x-a", "x-b", "x-http") if name in request.headers] == ["x-b", "x-http"]


def test_copy_with_token(connect: Any, serve: Any) -> None:
    """A copy with a token does not send the key."""
    server = serve(reply(200, batch()))
    do = connect(server)
    do.run(lambda: do.client.copy(auth_token="t").messages.batches.retrieve("b"))
    assert "x-api-key" not in server.requests[0].headers


def test_close(serve: Any) -> None:
    """A client closes its own connections, and not an `http_client`."""
    server = serve(reply(200, batch()))
    with httpx.Client() as http:
        with Client(api_key="k", base_url=server.url, http_client=http) as client:
            client.messages.batches.retrieve("b")
        assert not http.is_closed
        assert not client.is_closed()
        with Client(api_key="k", base_url=server.url) as client:
            client.messages.batches.retrieve("b")
        assert client.is_closed()


def test_close_async(serve: Any) -> None:
    """An async client closes its own connections, and not an `http_client`."""
    server = serve(reply(200, batch()))

    async def life() -> None:
        async with httpx.AsyncClient() as http:
            async with AsyncClient(api_key="k", base_url=server.url, http_client=http) as client:
                await client.messages.batches.retrieve("b")
            assert not http.is_closed
            async with AsyncClient(api_key="k", base_url=server.url) as client:
                await client.messages.batches.retrieve("b")
            assert client.is_closed()

    asyncio.run(life())


def test_threads(serve: Any) -> None:
    """One client serves several threads at the same time."""
    together = threading.Barrier(8)

    def act(exchange: Any) -> None:
        together.wait(10)
        reply(200, batch(exchange.target.rpartition("/")[2]))(exchange)

    with Client(api_key="k", base_url=serve(act).url) as client, ThreadPoolExecutor(8) as pool:
        names = [f"b{index}" for index in range(24)]
        assert [found.id for found in pool.map(client.messages.batches.retrieve, names)] == names


def test_concurrent_calls(serve: Any) -> None:
    """Calls of an async client run at the same time."""
    together = threading.Barrier(8)

    def act(exchange: Any) -> None:
        together.wait(10)
        reply(200, batch(exchange.target.rpartition("/")[2]))(exchange)

    server = serve(act)

    async def all_at_once() -> list[str]:
        async with AsyncClient(api_key="k", base_url=server.url) as client:
            calls = [client.messages.batches.retrieve(f"b{index}") for index in range(8)]
            return [found.id for found in await asyncio.gather(*calls)]

    assert asyncio.run(all_at_once()) == [f"b{index}" for index in range(8)]


LOOPS = """
import asyncio, sys
from claude_batches import AsyncClient
client = AsyncClient(api_key="k", base_url=sys.argv[1])
async def call():
    return (await client.messages.batches.retrieve("b")).id
print([asyncio.run(call()) for _ in range(3)])
"""


def test_closed_event_loop(serve: Any) -> None:
    """A connection of a closed event loop is replaced."""
    server = serve(reply(200, batch("b")))
    command = [sys.executable, "-c", LOOPS, server.url]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.strip() == "['b', 'b', 'b']", done.stderr


def test_a_canceled_create_reports_the_body(serve: Any) -> None:
    """A canceled create reports if the body had been sent."""
    arrived = threading.Event()

    def act(exchange: Any) -> None:
        exchange.on_body = lambda body: arrived.set()
        stall()(exchange)

    server = serve(act)

    async def cancel() -> BaseException:
        async with AsyncClient(api_key="k", base_url=server.url) as client:
            call = asyncio.ensure_future(client.messages.batches.create(requests=requests(2)))
            await asyncio.to_thread(arrived.wait, 10)
            call.cancel()
            try:
                await call
            except asyncio.CancelledError as error:
                return error
        raise AssertionError("it was not canceled")

    assert "The request had been sent" in "".join(getattr(asyncio.run(cancel()), "__notes__", []))


@pytest.mark.parametrize("kind", ["httpx", "httpx2"])
def test_http_client_settings(serve: Any, kind: str) -> None:
    """Event hooks, timeouts and transports of an `http_client` are kept."""
    library = pytest.importorskip(kind)
    server = serve(reply(200, batch()))
    seen: list[str] = []
    hooks = {"request": [lambda request: seen.append(str(request.url))]}
    with (
        library.Client(timeout=7, event_hooks=hooks, transport=library.HTTPTransport()) as http,
        Client(api_key="k", base_url=server.url, http_client=http) as client,
    ):
        assert client.timeout == (7, 7, 7, 7)
        client.messages.batches.retrieve("b")
        client.messages.batches.create(requests=requests(2))
    assert seen == [f"{server.url}/v1/messages/batches/b", f"{server.url}/v1/messages/batches"]


@pytest.mark.parametrize("kind", ["httpx", "httpx2"])
def test_mock_transport(kind: str) -> None:
    """A client works on a MockTransport."""
    library = pytest.importorskip(kind)

    def answer(request: Any) -> Any:
        return library.Response(200, json=page(batch("a")) if request.method == "GET" else batch("made"))

    with (
        library.Client(transport=library.MockTransport(answer)) as http,
        Client(api_key="k", http_client=http) as client,
    ):
        assert [found.id for found in client.messages.batches.list()] == ["a"]
        assert client.messages.batches.create(requests=requests(1)).id == "made"


@pytest.mark.parametrize("kind", ["httpx", "httpx2"])
def test_hook_that_reads(serve: Any, kind: str) -> None:
    """A response that an event hook has read is read again in every view."""
    library = pytest.importorskip(kind)
    hooks = {"response": [lambda response: response.read()]}
    with (
        library.Client(event_hooks=hooks) as http,
        Client(api_key="k", base_url=serve(reply(200, batch("b"))).url, http_client=http) as client,
    ):
        batches = client.messages.batches
        assert batches.retrieve("b").id == batches.create(requests=requests(1)).id == "b"
        assert batches.with_raw_response.retrieve("b").parse().id == "b"
        with batches.with_streaming_response.retrieve("b") as response:
            assert b"".join(response.iter_bytes()) == response.read()
            assert response.parse().id == "b"


def test_default_timeouts() -> None:
    """The default timeouts are ten minutes, and five seconds to connect."""
    with Client(api_key="k") as client, Client(api_key="k", timeout=None) as patient:
        assert client.timeout == (5, 600, 600, 600)
        assert patient.timeout == (None,) * 4


def test_log_of_environment(monkeypatch: Any) -> None:
    """`ANTHROPIC_LOG` prints the log, once."""
    logger = logging.getLogger("claude_batches")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logging.NOTSET)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    show_logs_if_asked()
    assert (logger.handlers, logger.level) == ([], logging.NOTSET)
    monkeypatch.setenv("ANTHROPIC_LOG", "debug")
    show_logs_if_asked()
    show_logs_if_asked()
    assert len(logger.handlers) == 1
    assert logger.level == logging.DEBUG


def test_log_has_no_bodies(connect: Any, serve: Any, caplog: Any) -> None:
    """The log never has a body."""
    caplog.set_level(logging.DEBUG)
    do = connect(serve(reply(200, batch("b", note="in-the-answer"))))
    do(lambda batches: batches.create(requests=requests(1, system="in-the-request")))
    assert "messages.batches.create" in caplog.text
    assert "in-the-answer" not in caplog.text
    assert "in-the-request" not in caplog.text


PROBE = """
import sys, claude_batches
heavy = {"httpx", "httpx2", "attrs", "attr", "orjson", "anyio", "claude_batches_api.models", "claude_batches_api"}
loaded = sorted(heavy & set(sys.modules))
assert not loaded, loaded
claude_batches.RateLimitError, claude_batches.types
assert "httpx" not in sys.modules
assert not [name for name in sys.modules if name.startswith("claude_batches_api.models._")]
from claude_batches.types import MessageBatch, TextBlockParam
for name in claude_batches.__all__: getattr(claude_batches, name)
for name in claude_batches.types.__all__: getattr(claude_batches.types, name)
"""


def test_import_is_light() -> None:
    """Importing the package loads neither models nor an HTTP library."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, env=os.environ.copy()
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_unknown_name() -> None:
    """An unknown public name raises AttributeError."""
    with pytest.raises(AttributeError, match="Cleint"):
        claude_batches.Cleint  # noqa: B018
    with pytest.raises(AttributeError, match="NoSuchType"):
        claude_batches.types.NoSuchType  # noqa: B018
