"""Raw and streamed responses, for all six operations; and what every call takes besides its arguments."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import claude_batches
import httpx
import pytest

from tests.support.server import drop, reply
from .wire import batch, page, requests

DELETED = {"id": "b", "type": "message_batch_deleted"}
LINE = {"custom_id": "a", "result": {"type": "canceled"}}

OPERATIONS: dict[str, tuple[Any, Any]] = {
    "create": (lambda view: view.create(requests=requests(2)), batch("b")),
    "retrieve": (lambda view: view.retrieve("b"), batch("b")),
    "list": (lambda view: view.list(), page(batch("b"))),
    "cancel": (lambda view: view.cancel("b"), batch("b")),
    "delete": (lambda view: view.delete("b"), DELETED),
    "results": (lambda view: view.results("b"), LINE),
}
each_operation = pytest.mark.parametrize(("call", "answer"), OPERATIONS.values(), ids=OPERATIONS.keys())


@each_operation
def test_with_raw_response_gives_the_response(connect: Any, serve: Any, call: Any, answer: Any) -> None:
    do = connect(serve(reply(200, answer, {"x-more": "1"})))
    raw = do(lambda batches: call(batches.with_raw_response))
    assert raw.status_code == 200
    assert raw.headers["X-More"] == "1"
    assert raw.request_id == "req_scripted"
    assert timedelta(0) < raw.elapsed < timedelta(seconds=30)
    assert raw.retries_taken == 0
    assert raw.is_closed
    assert raw.http_request.method == raw.method
    assert raw.http_request.url == raw.url
    assert raw.http_version == "HTTP/1.1"
    assert raw.json() == answer
    assert json.loads(raw.text) == json.loads(raw.read()) == json.loads(raw.content) == answer


@each_operation
def test_with_streaming_response_gives_the_response_unread(
    connect: Any, serve: Any, call: Any, answer: Any
) -> None:
    do = connect(serve(reply(200, answer)))
    read = do.entered(
        lambda batches: call(batches.with_streaming_response),
        lambda response: (
            response.status_code,
            response.request_id,
            response.retries_taken,
            response.is_closed,
        ),
    )
    assert read == (200, "req_scripted", 0, False)
    assert (
        json.loads(
            do.entered(
                lambda batches: call(batches.with_streaming_response), lambda response: response.read()
            )
        )
        == answer
    )


@pytest.mark.parametrize("name", ["create", "retrieve", "cancel", "delete"])
def test_parse_gives_what_the_method_gives(connect: Any, serve: Any, name: str) -> None:
    call, answer = OPERATIONS[name]
    do = connect(serve(reply(200, answer)))
    plain = do(call)
    raw = do(lambda batches: call(batches.with_raw_response))
    assert raw.parse() == plain
    assert raw.parse() is raw.parse()
    assert do.entered(lambda batches: call(batches.with_streaming_response), lambda r: r.parse()) == plain


def test_a_page_of_a_raw_response_goes_on_by_itself(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("b")))))
    first = do(lambda batches: batches.with_raw_response.list()).parse()
    assert do.run(first.get_next_page).data[0].id == "b"


def test_a_streamed_body_comes_in_lines(serve: Any) -> None:
    data = b'{"a":"\xe2\x80\xa8"}\n\n{"b":1}\r\nlast'
    server = serve(reply(200, data))
    with (
        claude_batches.Client(api_key="k", base_url=server.url) as client,
        client.messages.batches.with_streaming_response.results("b") as response,
    ):
        assert list(response.iter_lines()) == [b'{"a":"\xe2\x80\xa8"}', b"", b'{"b":1}\r', b"last"]


def test_a_body_that_breaks_off_while_it_is_read_raises_our_error(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(200, batch(), cut=20)))
    with pytest.raises(claude_batches.APIConnectionError):
        do.entered(lambda batches: batches.with_streaming_response.retrieve("b"), lambda r: r.read())
    with pytest.raises(claude_batches.APIConnectionError):
        do.entered(
            lambda batches: batches.with_streaming_response.retrieve("b"),
            lambda r: list(r.iter_bytes()) if do._portal is None else collect(r.iter_bytes()),
        )


async def collect(chunks: Any) -> list[bytes]:
    return [chunk async for chunk in chunks]


def test_an_error_before_a_stream_is_raised_on_entering(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(404)))
    with pytest.raises(claude_batches.NotFoundError):
        do.entered(lambda batches: batches.with_streaming_response.retrieve("b"), lambda r: None)


def test_leaving_a_stream_unread_closes_it_and_the_client_goes_on(connect: Any, serve: Any) -> None:
    server = serve(reply(200, b"x" * 5_000_000), reply(200, batch("b")))
    do = connect(server)
    do.entered(lambda batches: batches.with_streaming_response.retrieve("b"), lambda r: None)
    assert do(lambda batches: batches.retrieve("b")).id == "b"


def test_a_model_knows_the_id_of_its_request(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(200, batch("b"))))
    assert do(lambda batches: batches.retrieve("b"))._request_id == "req_scripted"


def test_every_call_takes_headers_query_body_and_timeout(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    do = connect(
        server, default_headers={"x-a": "client", "x-b": "client"}, default_query={"q": "client", "r": 1}
    )
    do(
        lambda batches: batches.create(
            requests=requests(1),
            extra_headers={"x-a": "call", "anthropic-beta": "one,two", "user-agent": "mine", "x-b": None},
            extra_query={"q": ["call", "again"], "flag": True, "none": None},
            extra_body={"more": {"x": 1}},
            timeout=httpx.Timeout(3, connect=1),
        )
    )
    (request,) = server.requests
    assert request.target == "/v1/messages/batches?r=1&q=call&q=again&flag=true"
    assert request.headers["x-a"] == "call"
    assert "x-b" not in request.headers
    assert request.headers["anthropic-beta"] == "one,two"
    assert request.headers["user-agent"] == "mine"
    assert server.bodies == [{"requests": requests(1), "more": {"x": 1}}]


def test_a_credential_header_of_the_users_is_sent_in_the_place_of_ours(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    do = connect(server)
    do(lambda batches: batches.retrieve("b", extra_headers={"Authorization": "Bearer mine"}))
    do(lambda batches: batches.retrieve("b", extra_headers={"X-Api-Key": None}))
    assert server.requests[0].headers["authorization"] == "Bearer mine"
    assert "x-api-key" not in server.requests[0].headers
    assert "x-api-key" not in server.requests[1].headers


def test_what_is_no_option_is_refused(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    do = connect(server)
    with pytest.raises(TypeError):
        do(lambda batches: batches.create(requests=requests(1), tiemout=3))
    with pytest.raises(claude_batches.ConfigurationError):
        do(lambda batches: batches.retrieve("b", timeout="3"))
    with pytest.raises(claude_batches.ConfigurationError):
        do(lambda batches: batches.retrieve("b", max_retries=-1))
    assert server.requests == []


def test_the_accept_header_is_what_the_operation_answers(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    do = connect(server)
    do(lambda batches: batches.retrieve("b"))
    do(lambda batches: batches.with_raw_response.results("b"))
    assert [request.headers["accept"] for request in server.requests] == [
        "application/json",
        "application/x-jsonl",
    ]


def test_json_of_a_raw_response_that_is_none_raises_our_error(connect: Any, serve: Any) -> None:
    raw = connect(serve(reply(200, b"no")))(lambda batches: batches.with_raw_response.retrieve("b"))
    for read in (raw.json, raw.parse):
        with pytest.raises(claude_batches.APIResponseValidationError):
            read()


def test_a_lost_connection_is_retried_before_a_raw_response_is_given(connect: Any, serve: Any) -> None:
    do = connect(serve(drop(), reply(200, batch("b"))))
    assert do(lambda batches: batches.with_raw_response.retrieve("b")).retries_taken == 1
