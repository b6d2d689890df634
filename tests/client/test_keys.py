"""Credentials: sent to the origin of base_url only, and never shown."""

from __future__ import annotations

import logging
import pickle
import traceback
from typing import Any

import claude_batches
import httpx
import pytest
from claude_batches import AsyncClient, Client
from claude_batches._http.origin import origin_of, unsafe_step

from tests.client.wire import batch, error, page, requests
from tests.support.clients import KEY
from tests.support.server import drop, reply

SECRETS = ("authorization", "cookie", "x-api-key", "x-team")


def test_api_key(connect: Any, serve: Any) -> None:
    """A key is sent as `x-api-key`, with the version of the API."""
    server = serve(reply(200, batch()))
    connect(server)(lambda batches: batches.retrieve("b"))
    headers = server.requests[0].headers
    assert headers["x-api-key"] == KEY
    assert headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in headers
    assert headers["user-agent"].startswith("claude-batches/")


def test_auth_token(connect: Any, serve: Any) -> None:
    """A token is sent as a bearer."""
    server = serve(reply(200, batch()))
    connect(server, api_key=None, auth_token=KEY)(lambda batches: batches.retrieve("b"))
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "x-api-key" not in server.requests[0].headers


def test_foreign_redirect(connect: Any, serve: Any) -> None:
    """A redirect to another origin is followed without credentials."""
    other = serve(reply(200, batch("elsewhere")))
    server = serve(
        reply(302, headers={"location": f"{other.url}/found?signature=s3cret", "set-cookie": "a=1"})
    )
    do = connect(server, default_headers={"x-team": "blue", "cookie": "b=2"})
    found = do(lambda batches: batches.with_raw_response.retrieve("b"))
    assert do.run(found.parse).id == "elsewhere"
    assert other.requests[0].target == "/found?signature=s3cret"
    assert [name for name in SECRETS if name in other.requests[0].headers] == []
    assert "anthropic-version" not in other.requests[0].headers
    assert "s3cret" not in repr(found)
    assert "s3cret" not in found.url


@pytest.mark.parametrize("kind", ["httpx", "httpx2"])
def test_foreign_redirect_http_client(serve: Any, kind: str) -> None:
    """Credentials that an `http_client` adds are not sent to another origin."""
    library = pytest.importorskip(kind)
    other = serve(reply(200, batch("elsewhere")))
    server = serve(reply(307, headers={"location": other.url}))
    mine = {"x-api-key": "mine", "x-team": "blue"}
    with (
        library.Client(
            headers=mine,
            cookies={"a": "1"},
            params={"key": "mine"},
            auth=("user", "password"),
            trust_env=False,
        ) as http,
        Client(api_key=KEY, base_url=server.url, http_client=http) as client,
    ):
        client.messages.batches.retrieve("b")
    assert [name for name in SECRETS if name in other.requests[0].headers] == []
    assert other.requests[0].target == "/"
    assert server.requests[0].target.endswith("?key=mine")
    assert server.requests[0].headers["x-team"] == "blue"
    assert server.requests[0].headers["cookie"] == "a=1"


def test_redirect_within_origin(connect: Any, serve: Any) -> None:
    """A redirect within the origin keeps the credential."""
    server = serve(reply(308, headers={"location": "/other"}), reply(200, batch("moved")))
    assert connect(server)(lambda batches: batches.retrieve("b")).id == "moved"
    assert server.requests[1].target == "/other"
    assert server.requests[1].headers["x-api-key"] == KEY


def test_redirect_detour(connect: Any, serve: Any) -> None:
    """A request that left the origin never gets its credential back."""
    home: list[str] = []
    other = serve(lambda exchange: reply(302, headers={"location": f"{home[0]}/back"})(exchange))
    server = serve(reply(302, headers={"location": other.url}), reply(200, batch("back")))
    home.append(server.url)
    connect(server)(lambda batches: batches.retrieve("b"))
    assert "x-api-key" not in server.requests[1].headers


def test_foreign_redirect_of_write(connect: Any, serve: Any) -> None:
    """A write is not redirected to another origin."""
    other = serve(reply(200, batch()))
    server = serve(reply(307, headers={"location": other.url}))
    do = connect(server)
    for call in (
        lambda batches: batches.create(requests=requests(2)),
        lambda batches: batches.cancel("b"),
        lambda batches: batches.delete("b"),
    ):
        with pytest.raises(claude_batches.UnsafeURLError, match="another server"):
            do(call)
    assert other.requests == []


def test_redirect_of_write(connect: Any, serve: Any) -> None:
    """A write is redirected within its origin, with its body."""
    server = serve(reply(307, headers={"location": "/v2/messages/batches"}), reply(200, batch("moved")))
    assert connect(server)(lambda batches: batches.create(requests=requests(2))).id == "moved"
    assert server.bodies == [{"requests": requests(2)}] * 2


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, claude_batches.RedirectError),
        (302, claude_batches.RedirectError),
        # It can answer a request that created something.
        (303, claude_batches.AmbiguousCreateError),
    ],
)
def test_post_stays_post(connect: Any, serve: Any, status: int, error: Any) -> None:
    """A redirected POST never becomes a GET."""
    server = serve(reply(status, headers={"location": "/other"}))
    with pytest.raises(error, match=str(status)):
        connect(server)(lambda batches: batches.create(requests=requests(2)))
    assert len(server.requests) == 1


def test_redirect_loop(connect: Any, serve: Any) -> None:
    """A circle of redirects ends."""
    server = serve(reply(302, headers={"location": "/again"}))
    with pytest.raises(claude_batches.RedirectError):
        connect(server)(lambda batches: batches.retrieve("b"))
    assert len(server.requests) == 11


def test_https_to_http() -> None:
    """A step from https to http is always refused."""
    secure, plain = origin_of("https://a.example"), origin_of("http://a.example")
    for method in ("GET", "POST"):
        assert "https to http" in (unsafe_step(secure, plain, method) or "")
    assert unsafe_step(secure, origin_of("https://b.example"), "GET") is None


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://API.example:443/x", True),
        ("https://api.example./x", False),
        ("https://api.example:444", False),
        ("http://api.example", False),
        ("https://api.example.evil.example", False),
        ("https://evil.example/https://api.example", False),
    ],
)
def test_origin(url: str, same: bool) -> None:
    """An origin is scheme, host and port."""
    assert (origin_of(url) == origin_of("https://api.example")) is same


@pytest.mark.parametrize(
    "url",
    ["https://api.example@evil.example/", "ftp://api.example", "//api.example", "https://", "https://[", "x"],
)
def test_obscure_locations(connect: Any, serve: Any, url: str) -> None:
    """A location that obscures its target is not followed."""
    server = serve(reply(302, headers={"location": url}))
    with pytest.raises(
        (claude_batches.UnsafeURLError, claude_batches.APIConnectionError, claude_batches.RedirectError)
    ):
        connect(server)(lambda batches: batches.retrieve("b"))
    # A relative one stays on the same origin.
    assert all(request.headers["x-api-key"] == KEY for request in server.requests)


def results_at(url: str) -> Any:
    """Return a script for a batch with this `results_url`, and its results."""
    line = b'{"custom_id": "r-0", "result": {"type": "canceled"}}\n'

    def act(exchange: Any) -> None:
        (reply(200, line) if "results" in exchange.target else reply(200, batch(results_url=url)))(exchange)

    return act


def test_results_url_within_origin(connect: Any, serve: Any) -> None:
    """A `results_url` of the same origin is requested with the key, for every path."""
    server = serve(lambda exchange: results_at(f"{exchange.server.url}/elsewhere/results?s=1")(exchange))
    do = connect(server)
    assert do.entered(lambda b: b.with_streaming_response.results("b"), lambda r: r.status_code) == 200
    assert [request.target for request in server.requests][1:] == ["/elsewhere/results?s=1"]
    assert server.requests[1].headers["x-api-key"] == KEY


def test_foreign_results_url(connect: Any, serve: Any) -> None:
    """A `results_url` of another origin is requested without credentials, and its query is never shown."""
    other = serve(results_at(""))
    server = serve(results_at(f"{other.url}/results?signature=s3cret"))
    do = connect(server, default_headers={"x-team": "blue"})
    raw = do(lambda batches: batches.with_raw_response.results("b"))
    assert b"r-0" in raw.content
    assert other.requests[0].target == "/results?signature=s3cret"
    assert [name for name in SECRETS if name in other.requests[0].headers] == []
    assert "s3cret" not in repr(raw) + raw.url + repr(raw.http_request)


@pytest.mark.parametrize(
    "url", ["https://user:pw@127.0.0.1/results", "nowhere/\x00", "https://a.example:0/", 7]
)
def test_obscure_results_urls(connect: Any, serve: Any, url: Any) -> None:
    """A `results_url` that obscures its target is not followed, and a password in it is not shown."""
    do = connect(serve(results_at(url)), max_retries=0)
    with pytest.raises(claude_batches.APIError) as raised:
        do.items(lambda batches: batches.results("b"))
    assert "pw" not in str(raised.value)


def shown(error: BaseException) -> str:
    """Return the text that an error reporter could show, including the locals of our frames."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame.locals for frame in told.stack if "/claude_batches" in frame.filename]
    assert ours
    return f"{error} {error!r} {vars(error)} {ours} {error.__context__!r} {pickle.dumps(error)!r}"


@pytest.mark.parametrize("token", [False, True])
@pytest.mark.parametrize(
    "act", [reply(401, error()), reply(500), reply(200, b"<html>"), drop(), drop(reset=True), reply(302)]
)
def test_errors_hide_credentials(connect: Any, serve: Any, act: Any, token: bool, caplog: Any) -> None:
    """No error and no log shows a credential, the locals of our frames included."""
    caplog.set_level(logging.DEBUG)
    credential = {"api_key": None, "auth_token": KEY} if token else {"api_key": KEY}
    do = connect(serve(act), **credential)
    for call in (lambda batches: batches.retrieve("b"), lambda batches: batches.create(requests=requests(2))):
        with pytest.raises(claude_batches.APIError) as raised:
            do(call)
        assert KEY not in shown(raised.value)
        assert isinstance(raised.value.__context__, claude_batches.ClaudeBatchesError | None)
    assert KEY not in caplog.text
    assert KEY not in repr(do.client) + repr(vars(do.client)) + repr(do.client._config)


def test_errors_hide_bodies(connect: Any, serve: Any) -> None:
    """An error does not show sent content."""
    do = connect(serve(reply(500)))
    rows = requests(1, system="between-us")
    with pytest.raises(claude_batches.AmbiguousCreateError) as raised:
        do(lambda batches: batches.create(requests=(row for row in rows)))
    assert "between-us" not in str(vars(raised.value)) + str(raised.value) + str(pickle.dumps(raised.value))


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    "wrong",
    [
        {"api_key": f"{KEY}\nx: y"},
        {"api_key": KEY, "auth_token": KEY},
        {"api_key": KEY, "base_url": "nowhere"},
        {"api_key": KEY, "base_url": f"https://user:{KEY}@api.example"},
        {"api_key": KEY, "default_headers": {"x-api-key": f"{KEY}\r\n"}},
        {"api_key": KEY, "timeout": -1},
        {"api_key": f"{KEY}\N{SNOWMAN}"},
        {"default_headers": [("x-api-key", KEY)]},
        {"default_headers": KEY},
        {"set_default_headers": {"x-api-key": KEY.encode()}},
        {"api_key": KEY, "max_retries": -1},
        {"api_key": KEY, "default_query": "nothing"},
        {"api_key": KEY, "http_client": object()},
        {"auth_token": KEY, "retry_created_statuses": {200}},
    ],
)
def test_invalid_settings_are_hidden(kind: Any, wrong: dict[str, Any]) -> None:
    """A constructor that fails does not show credentials in its frames."""
    with pytest.raises(claude_batches.ConfigurationError) as raised:
        kind(**wrong)
    assert KEY not in shown(raised.value)


def test_views_hide_credentials(connect: Any, serve: Any) -> None:
    """Responses and requests show headers without credentials."""
    do = connect(serve(reply(200, batch())))
    raw = do(lambda batches: batches.with_raw_response.retrieve("b", extra_headers={"x-auth-me": KEY}))
    assert raw.http_request.headers["x-api-key"] == "***"
    assert KEY not in repr(raw.http_request) + repr(raw) + repr(dict(raw.http_request.headers))


def test_client_is_not_pickled() -> None:
    """A client can't be pickled."""
    with Client(api_key=KEY) as client, pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(client)


@pytest.mark.parametrize("identifier", ["", ".", "..", "a\ud800", "a\n", 7, None, b"a", ["a"]])
def test_ids_of_other_resources(connect: Any, serve: Any, identifier: Any) -> None:
    """An id that would name another resource is refused."""
    server = serve(reply(200, batch()))
    do = connect(server)
    for name in ("retrieve", "cancel", "delete", "wait", "results_by_id"):
        with pytest.raises(claude_batches.ConfigurationError, match="message_batch_id must be the id"):
            do(lambda batches, name=name: getattr(batches, name)(identifier))
        with pytest.raises(ValueError, match="message_batch_id"):
            do(lambda batches, name=name: getattr(batches, name)(message_batch_id=identifier))
    with pytest.raises(claude_batches.ConfigurationError, match="message_batch_id must be the id"):
        do.items(lambda batches: batches.results(identifier))
    assert server.requests == []


def test_id_in_path(connect: Any, serve: Any) -> None:
    """An id is encoded in the path."""
    server = serve(reply(200, batch()))
    connect(server)(lambda batches: batches.retrieve("../a b?c#d%2e"))
    assert server.requests[0].target == "/v1/messages/batches/..%2Fa%20b%3Fc%23d%252e"


def test_header_injection(connect: Any, serve: Any) -> None:
    """An argument with a line break can't add a header."""
    server = serve(reply(200, batch()))
    do = connect(server)
    with pytest.raises(claude_batches.ConfigurationError, match="anthropic-workspace-id"):
        do(lambda batches: batches.retrieve("b", workspace_id="a\r\nx-evil: 1"))
    assert server.requests == []


def test_no_library_context(connect: Any, serve: Any) -> None:
    """An exception of the HTTP library is not the context of ours."""
    do = connect(serve(drop()), max_retries=0)
    with pytest.raises(claude_batches.APIConnectionError) as raised:
        do(lambda batches: batches.retrieve("b"))
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None
    assert not isinstance(raised.value, httpx.HTTPError)


def test_pages_send_key(connect: Any, serve: Any) -> None:
    """Pages after the first are requested with the key."""
    server = serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("b"))))
    assert len(connect(server).items(lambda batches: batches.list())) == 2
    assert all(request.headers["x-api-key"] == KEY for request in server.requests)
