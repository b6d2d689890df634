"""A credential is sent to the origin of base_url, and is shown nowhere."""

from __future__ import annotations

import logging
import pickle
import traceback
from typing import Any

import claude_batches
import httpx
import pytest
from claude_batches import AsyncClient, Client
from claude_batches._origin import origin_of, unsafe_step

from tests.support.clients import KEY
from tests.support.server import drop, reply
from .wire import batch, error, page, requests

SECRETS = ("authorization", "cookie", "x-api-key", "x-team")


def test_an_api_key_is_sent_as_it_is_with_the_version(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    connect(server)(lambda batches: batches.retrieve("b"))
    headers = server.requests[0].headers
    assert headers["x-api-key"] == KEY
    assert headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in headers
    assert headers["user-agent"].startswith("claude-batches/")


def test_a_token_is_sent_as_a_bearer(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    connect(server, api_key=None, auth_token=KEY)(lambda batches: batches.retrieve("b"))
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "x-api-key" not in server.requests[0].headers


def test_a_redirect_to_another_origin_is_followed_without_anything_secret(connect: Any, serve: Any) -> None:
    other = serve(reply(200, batch("elsewhere")))
    server = serve(
        reply(302, headers={"location": f"{other.url}/found?signature=s3cret", "set-cookie": "a=1"})
    )
    do = connect(server, default_headers={"x-team": "blue", "cookie": "b=2"})
    found = do(lambda batches: batches.with_raw_response.retrieve("b"))
    assert found.parse().id == "elsewhere"
    assert other.requests[0].target == "/found?signature=s3cret"
    assert [name for name in SECRETS if name in other.requests[0].headers] == []
    assert "anthropic-version" not in other.requests[0].headers
    assert "s3cret" not in repr(found)
    assert "s3cret" not in found.url


@pytest.mark.parametrize("kind", ["httpx", "httpx2"])
def test_what_an_http_client_would_add_stays_away_from_another_origin_too(serve: Any, kind: str) -> None:
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


def test_a_redirect_within_the_origin_keeps_the_credential(connect: Any, serve: Any) -> None:
    server = serve(reply(308, headers={"location": "/other"}), reply(200, batch("moved")))
    assert connect(server)(lambda batches: batches.retrieve("b")).id == "moved"
    assert server.requests[1].target == "/other"
    assert server.requests[1].headers["x-api-key"] == KEY


def test_a_credential_does_not_come_back_after_a_detour(connect: Any, serve: Any) -> None:
    """Whoever is trusted with a request less its secrets can't have them added again."""
    home: list[str] = []
    other = serve(lambda exchange: reply(302, headers={"location": f"{home[0]}/back"})(exchange))
    server = serve(reply(302, headers={"location": other.url}), reply(200, batch("back")))
    home.append(server.url)
    connect(server)(lambda batches: batches.retrieve("b"))
    assert "x-api-key" not in server.requests[1].headers


def test_a_write_is_not_redirected_to_another_origin(connect: Any, serve: Any) -> None:
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


def test_a_write_is_redirected_within_its_origin(connect: Any, serve: Any) -> None:
    server = serve(reply(307, headers={"location": "/v2/messages/batches"}), reply(200, batch("moved")))
    assert connect(server)(lambda batches: batches.create(requests=requests(2))).id == "moved"
    assert server.bodies == [{"requests": requests(2)}] * 2


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_post_never_turns_into_a_get(connect: Any, serve: Any, status: int) -> None:
    server = serve(reply(status, headers={"location": "/other"}))
    with pytest.raises(claude_batches.RedirectError, match=str(status)):
        connect(server)(lambda batches: batches.create(requests=requests(2)))
    assert len(server.requests) == 1


def test_redirects_in_a_circle_end(connect: Any, serve: Any) -> None:
    server = serve(reply(302, headers={"location": "/again"}))
    with pytest.raises(claude_batches.RedirectError):
        connect(server)(lambda batches: batches.retrieve("b"))
    assert len(server.requests) == 11


def test_from_https_to_http_is_always_refused() -> None:
    secure, plain = origin_of("https://a.example"), origin_of("http://a.example")
    for method in ("GET", "POST"):
        assert "https to http" in (unsafe_step(secure, plain, method) or "")
    assert unsafe_step(secure, origin_of("https://b.example"), "GET") is None


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://API.example:443/x", True),
        ("https://api.example./x", True),
        ("https://api.example:444", False),
        ("http://api.example", False),
        ("https://api.example.evil.example", False),
        ("https://evil.example/https://api.example", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, same: bool) -> None:
    assert (origin_of(url) == origin_of("https://api.example")) is same


@pytest.mark.parametrize(
    "url",
    ["https://api.example@evil.example/", "ftp://api.example", "//api.example", "https://", "https://[", "x"],
)
def test_a_location_that_hides_where_it_leads_is_not_followed(connect: Any, serve: Any, url: str) -> None:
    server = serve(reply(302, headers={"location": url}))
    with pytest.raises(
        (claude_batches.UnsafeURLError, claude_batches.APIConnectionError, claude_batches.RedirectError)
    ):
        connect(server)(lambda batches: batches.retrieve("b"))
    # A relative one leads nowhere else.
    assert all(request.headers["x-api-key"] == KEY for request in server.requests)


def test_transport_open_follows_a_results_url_by_its_origin(serve: Any) -> None:
    other = serve(reply(200, b"there"))
    server = serve(reply(200, b"here"))
    with Client(api_key=KEY, base_url=server.url) as client:
        transport = client.messages.batches._transport
        with transport.open(f"{server.url}/results", headers={"range": "bytes=5-"}) as response:
            assert response.read() == b"here"
        with transport.open(f"{other.url}/results?s=1", headers={"range": "bytes=5-"}) as response:
            assert b"".join(response.iter_raw()) == b"there"
        with pytest.raises(claude_batches.UnsafeURLError, match="this URL is not followed"):
            transport.open("https://user:pw@127.0.0.1/results")
    assert server.requests[0].headers["x-api-key"] == KEY
    assert "x-api-key" not in other.requests[0].headers
    assert [request.headers["range"] for request in (*server.requests, *other.requests)] == ["bytes=5-"] * 2


def shown(error: BaseException) -> str:
    """What an error reporter could show of an exception, the locals of each of our frames included."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame.locals for frame in told.stack if "/claude_batches" in frame.filename]
    assert ours
    return f"{error} {error!r} {vars(error)} {ours} {error.__context__!r} {pickle.dumps(error)!r}"


@pytest.mark.parametrize("token", [False, True])
@pytest.mark.parametrize(
    "act", [reply(401, error()), reply(500), reply(200, b"<html>"), drop(), drop(reset=True), reply(302)]
)
def test_no_error_shows_a_credential(connect: Any, serve: Any, act: Any, token: bool, caplog: Any) -> None:
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


def test_no_error_shows_what_was_sent(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(500)))
    rows = [{"custom_id": "a", "params": {"prompt": "between-us"}}]
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
    ],
)
def test_a_client_that_cannot_be_made_does_not_show_what_it_was_given(
    kind: Any, wrong: dict[str, Any]
) -> None:
    with pytest.raises(claude_batches.ConfigurationError) as raised:
        kind(**wrong)
    if "@" in str(wrong.get("base_url")):
        # The frames show the argument by the name of which the URL was given, and the message doesn't.
        assert KEY not in str(raised.value)
    else:
        assert KEY not in shown(raised.value)


def test_responses_and_requests_show_headers_without_credentials(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(200, batch())))
    raw = do(lambda batches: batches.with_raw_response.retrieve("b", extra_headers={"x-auth-me": KEY}))
    assert raw.http_request.headers["x-api-key"] == "***"
    assert KEY not in repr(raw.http_request) + repr(raw) + repr(dict(raw.http_request.headers))


def test_a_client_is_not_pickled() -> None:
    with Client(api_key=KEY) as client, pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(client)


@pytest.mark.parametrize("identifier", ["", ".", ".."])
def test_an_id_that_would_name_another_resource_is_refused_before_anything_is_sent(
    connect: Any, serve: Any, identifier: str
) -> None:
    server = serve(reply(200, batch()))
    do = connect(server)
    for name in ("retrieve", "cancel", "delete", "results", "wait"):
        with pytest.raises(ValueError, match="must name a resource"):
            do.items(
                lambda batches, name=name: getattr(batches, name)(identifier)
            ) if name == "results" else do(lambda batches, name=name: getattr(batches, name)(identifier))
    assert server.requests == []


def test_an_id_is_encoded_in_the_path(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    connect(server)(lambda batches: batches.retrieve("../a b?c#d%2e"))
    assert server.requests[0].target == "/v1/messages/batches/..%2Fa%20b%3Fc%23d%252e"


def test_a_header_argument_with_a_line_break_is_refused_without_being_shown(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    do = connect(server)
    with pytest.raises(claude_batches.ConfigurationError, match="anthropic-workspace-id"):
        do(lambda batches: batches.retrieve("b", workspace_id="a\r\nx-evil: 1"))
    assert server.requests == []


def test_an_exception_of_the_http_library_is_not_the_context_of_ours(connect: Any, serve: Any) -> None:
    do = connect(serve(drop()), max_retries=0)
    with pytest.raises(claude_batches.APIConnectionError) as raised:
        do(lambda batches: batches.retrieve("b"))
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None
    assert not isinstance(raised.value, httpx.HTTPError)


def test_pages_after_the_first_go_to_the_origin_only(connect: Any, serve: Any) -> None:
    server = serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("b"))))
    assert len(connect(server).items(lambda batches: batches.list())) == 2
    assert all(request.headers["x-api-key"] == KEY for request in server.requests)
