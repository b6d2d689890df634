"""Raw and streamed views of all six operations, and the options of every call."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import claude_batches
import httpx
import pytest

from tests.client.wire import batch, page, requests
from tests.support.server import Act, Exchange, drop, reply

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


def answering(answer: Any, headers: dict[str, str] | None = None) -> Act:
    """Return a script that gives the answer, and for results first the batch that has them."""

    def act(exchange: Exchange) -> None:
        url = f"{exchange.server.url}/v1/messages/batches/b/results"
        reading = answer is LINE and not exchange.path.endswith("/results")
        reply(200, batch("b", results_url=url) if reading else answer, headers)(exchange)

    return act


@each_operation
def test_raw_response(connect: Any, serve: Any, call: Any, answer: Any) -> None:
    """`with_raw_response` returns the facts and the body of the response."""
    do = connect(serve(answering(answer, {"x-more": "1"})))
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
    assert do.run(raw.json) == raw.http_response.json() == answer
    assert json.loads(do.run(raw.text)) == json.loads(do.run(raw.read)) == json.loads(raw.content) == answer


@each_operation
def test_streamed_response(connect: Any, serve: Any, call: Any, answer: Any) -> None:
    """`with_streaming_response` returns the response unread."""
    do = connect(serve(answering(answer)))
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
def test_parse(connect: Any, serve: Any, name: str) -> None:
    """`parse()` returns the result of the plain method."""
    call, answer = OPERATIONS[name]
    do = connect(serve(reply(200, answer)))
    plain = do(call)
    raw = do(lambda batches: call(batches.with_raw_response))
    assert do.run(raw.parse) == plain
    assert do.run(raw.parse) is do.run(raw.parse)
    assert do.entered(lambda batches: call(batches.with_streaming_response), lambda r: r.parse()) == plain


def test_raw_page(connect: Any, serve: Any) -> None:
    """A page of a raw response fetches the next one."""
    do = connect(serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("b")))))
    first = do.run(do(lambda batches: batches.with_raw_response.list()).parse)
    assert do.run(first.get_next_page).data[0].id == "b"


def test_iter_lines(connect: Any, serve: Any) -> None:
    """`iter_lines()` splits a body at line feeds only, and leaves blank lines out."""
    do = connect(serve(reply(200, b'{"a":"\xe2\x80\xa8"}\n\n{"b":1}\r\nlast')))
    lines = do.entered(
        lambda batches: batches.with_streaming_response.retrieve("b"), lambda response: response.iter_lines()
    )
    assert lines == ['{"a":"\u2028"}', '{"b":1}', "last"]


def test_iter_text(connect: Any, serve: Any) -> None:
    """`iter_text()` decodes characters that are split between chunks."""
    do = connect(serve(reply(200, "schön".encode() + b"\xff")))
    texts = do.entered(
        lambda batches: batches.with_streaming_response.retrieve("b"), lambda response: response.iter_text(2)
    )
    assert "".join(texts) == "schön\ufffd"


def test_iter_bytes_of_a_size(connect: Any, serve: Any) -> None:
    """`iter_bytes(n)` returns chunks of n bytes, and a shorter last one."""
    do = connect(serve(reply(200, bytes(range(10)))))
    chunks = do.entered(
        lambda batches: batches.with_streaming_response.retrieve("b"), lambda response: response.iter_bytes(4)
    )
    assert chunks == [bytes([0, 1, 2, 3]), bytes([4, 5, 6, 7]), bytes([8, 9])]


def test_streamed_body_forms(connect: Any, serve: Any) -> None:
    """A streamed body can be read as bytes, text and JSON, more than once."""
    do = connect(serve(reply(200, batch("b"))))

    async def read(response: Any) -> Any:
        return [await response.read(), await response.text(), await response.json(), await response.parse()]

    found = do.entered(
        lambda batches: batches.with_streaming_response.retrieve("b"),
        lambda response: (
            [response.read(), response.text(), response.json(), response.parse()]
            if do.portal is None
            else read(response)
        ),
    )
    assert json.loads(found[0]) == json.loads(found[1]) == found[2] == found[3].to_dict()


def test_truncated_stream(connect: Any, serve: Any) -> None:
    """A body that is truncated while it is read raises our error."""
    do = connect(serve(reply(200, batch(), cut=20)))
    with pytest.raises(claude_batches.APIConnectionError):
        do.entered(lambda batches: batches.with_streaming_response.retrieve("b"), lambda r: r.read())
    with pytest.raises(claude_batches.APIConnectionError):
        do.entered(lambda batches: batches.with_streaming_response.retrieve("b"), lambda r: r.iter_bytes())


def test_error_on_entering(connect: Any, serve: Any) -> None:
    """An error status raises on entering a streamed response."""
    do = connect(serve(reply(404)))
    with pytest.raises(claude_batches.NotFoundError):
        do.entered(lambda batches: batches.with_streaming_response.retrieve("b"), lambda r: None)


def test_unread_stream(connect: Any, serve: Any) -> None:
    """A streamed response that is left unread does not disturb the client."""
    server = serve(reply(200, b"x" * 5_000_000), reply(200, batch("b")))
    do = connect(server)
    do.entered(lambda batches: batches.with_streaming_response.retrieve("b"), lambda r: None)
    assert do(lambda batches: batches.retrieve("b")).id == "b"


def test_request_id_of_model(connect: Any, serve: Any) -> None:
    """A model has the id of its request."""
    do = connect(serve(reply(200, batch("b"))))
    assert do(lambda batches: batches.retrieve("b"))._request_id == "req_scripted"


def test_call_options(connect: Any, serve: Any) -> None:
    """A call takes headers, query, body and timeout."""
    server = serve(reply(200, batch()))
    do = connect(
        server, default_headers={"x-a": "client", "x-b": "client"}, default_query={"q": "client", "r": 1}
    )
    do(
        lambda batches: batches.create(
            requests=requests(1),
            extra_headers={"x-a": "call", "anthropic-beta": "one,two", "user-agent": "mine", "x-b": None},
            extra_query={"q": ["call", "again"], "flag": True, "none": None, "filter": {"r": 1}},
            extra_body={"more": {"x": 1}},
            timeout=httpx.Timeout(3, connect=1),
        )
    )
    (request,) = server.requests
    assert request.target == "/v1/messages/batches?r=1&q=call&q=again&flag=true&filter%5Br%5D=1"
    assert request.headers["x-a"] == "call"
    assert "x-b" not in request.headers
    assert request.headers["anthropic-beta"] == "one,two"
    assert request.headers["user-agent"] == "mine"
    assert server.bodies == [{"requests": requests(1), "more": {"x": 1}}]


def test_own_credential_header(connect: Any, serve: Any) -> None:
    """A user's authentication header replaces the client's."""
    server = serve(reply(200, batch()))
    do = connect(server)
    do(lambda batches: batches.retrieve("b", extra_headers={"Authorization": "Bearer mine"}))
    do(lambda batches: batches.retrieve("b", extra_headers={"X-Api-Key": None}))
    assert server.requests[0].headers["authorization"] == "Bearer mine"
    assert "x-api-key" not in server.requests[0].headers
    assert "x-api-key" not in server.requests[1].headers


UNKNOWN: dict[str, Any] = {
    "create": lambda view: view.create(requests=iter(()), tiemout=3),
    "retrieve": lambda view: view.retrieve("b", tiemout=3),
    "list": lambda view: view.list(tiemout=3),
    "cancel": lambda view: view.cancel("b", tiemout=3),
    "delete": lambda view: view.delete("b", tiemout=3),
    "results": lambda view: view.results("b", tiemout=3),
}


def called(do: Any, call: Any, view: str) -> Any:
    """Return the result of a call in a view of the batches."""
    if view == "plain":
        return do(call)
    if view == "raw":
        return do(lambda batches: call(batches.with_raw_response))
    return do.entered(lambda batches: call(batches.with_streaming_response), lambda response: None)


@pytest.mark.parametrize("view", ["plain", "raw", "streamed"])
@pytest.mark.parametrize("call", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown_arguments(connect: Any, serve: Any, call: Any, view: str) -> None:
    """An unknown argument of any operation raises a TypeError with the nearest known one."""
    server = serve(reply(200, batch()))
    do = connect(server)
    with pytest.raises(TypeError, match=r"tiemout.*timeout"):
        called(do, call, view)
    assert server.requests == []


@pytest.mark.parametrize(
    ("call", "nearest"),
    [
        (lambda batches: batches.wait("b", deadlin=1), "deadline"),
        (lambda batches: batches.wait("b", extra_body={}), "extra_query"),
        (lambda batches: batches.results("b", on_badline="skip"), "on_bad_line"),
        (lambda batches: batches.results_by_id("b", max_resume=1), "max_resumes"),
        (lambda batches: batches.download("b", "x", progres=print), "progress"),
    ],
)
def test_unknown_arguments_by_hand(connect: Any, serve: Any, call: Any, nearest: str) -> None:
    """An unknown argument of a handwritten method raises a TypeError with the nearest known one."""
    server = serve(reply(200, batch()))
    with pytest.raises(TypeError, match=nearest):
        connect(server)(call)
    assert server.requests == []


def test_invalid_options(connect: Any, serve: Any) -> None:
    """Options with invalid values are refused before anything is sent."""
    server = serve(reply(200, batch()))
    do = connect(server)
    for options in (
        {"timeout": "3"},
        {"timeout": True},
        {"max_retries": -1},
        {"deadline": 0},
        {"extra_query": "q=1"},
        {"extra_headers": "x: 1"},
        {"extra_headers": {"x": "a\nb"}},
    ):
        with pytest.raises(claude_batches.ConfigurationError):
            do(lambda batches, options=options: batches.retrieve("b", **options))
    assert server.requests == []


def test_accept_header(connect: Any, serve: Any) -> None:
    """The `accept` header is the operation's content type."""
    server = serve(answering(LINE))
    do = connect(server)
    do(lambda batches: batches.with_raw_response.results("b"))
    assert [request.headers["accept"] for request in server.requests] == [
        "application/json",
        "application/x-jsonl",
    ]


def test_raw_json_error(connect: Any, serve: Any) -> None:
    """A raw response that is not JSON raises our error."""
    do = connect(serve(reply(200, b"no")))
    raw = do(lambda batches: batches.with_raw_response.retrieve("b"))
    for read in (raw.json, raw.parse):
        with pytest.raises(claude_batches.APIResponseValidationError):
            do.run(read)


def test_raw_retry(connect: Any, serve: Any) -> None:
    """A lost connection is retried before a raw response is returned."""
    do = connect(serve(drop(), reply(200, batch("b"))))
    assert do(lambda batches: batches.with_raw_response.retrieve("b")).retries_taken == 1
