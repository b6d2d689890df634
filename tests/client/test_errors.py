"""Errors: all are ours, name what to do, and can be pickled."""

from __future__ import annotations

import copy
import inspect
import pickle
from pathlib import Path
from typing import Any

import claude_batches
import httpx
import httpx2
import pytest
from claude_batches import _errors

from tests.client.wire import batch, error
from tests.support.server import drop, garbage, reply, stall

TREE = [
    (400, "BadRequestError"),
    (401, "AuthenticationError"),
    (402, "PaymentRequiredError"),
    (403, "PermissionDeniedError"),
    (404, "NotFoundError"),
    (408, "RequestTimeoutError"),
    (409, "ConflictError"),
    (412, "PreconditionFailedError"),
    (413, "RequestTooLargeError"),
    (418, "APIStatusError"),
    (422, "UnprocessableEntityError"),
    (429, "RateLimitError"),
    (431, "RequestHeaderFieldsTooLargeError"),
    (499, "ClientClosedRequestError"),
    (500, "InternalServerError"),
    (501, "HTTPNotImplementedError"),
    (502, "InternalServerError"),
    (503, "ServiceUnavailableError"),
    (504, "GatewayTimeoutError"),
    (529, "OverloadedError"),
    (599, "InternalServerError"),
    (304, "RedirectError"),
]


@pytest.mark.parametrize(("status", "name"), TREE)
def test_error_of_status(serve: Any, status: int, name: str) -> None:
    """Each status has its exception."""
    server = serve(reply(status, error()))
    with (
        claude_batches.Client(api_key="k", base_url=server.url, max_retries=0) as client,
        pytest.raises(claude_batches.APIStatusError) as raised,
    ):
        client.messages.batches.retrieve("b")
    assert type(raised.value) is getattr(claude_batches, name)
    assert isinstance(raised.value, claude_batches.ClaudeBatchesError)


def test_error_message(connect: Any, serve: Any) -> None:
    """An error names the request, the response and what to do."""
    details = {"error_code": "batch_gone", "more": 1}
    server = serve(
        reply(
            404, error("not_found_error", "No such batch.", details=details), {"anthropic-workspace-id": "w"}
        )
    )
    with pytest.raises(claude_batches.NotFoundError) as raised:
        connect(server)(lambda batches: batches.retrieve("b"))
    found = raised.value
    assert str(found) == (
        f"404 not_found_error: No such batch (GET {server.url}/v1/messages/batches/b, request id req_scripted). "
        "Check the id and the workspace. A new batch can be missing for some seconds."
    )
    assert found.message + " " + found.advice == str(found)
    assert found.type == "not_found_error"
    assert found.api_message == "No such batch."
    assert found.details == details
    assert found.error_code == "batch_gone"
    assert found.request_id == "req_scripted"
    assert found.workspace_id == "w"
    assert found.status_code == found.response.status_code == 404
    assert found.body == found.response.json()
    assert found.request.method == "GET"
    assert not found.worth_retrying


def test_request_id_in_body(connect: Any, serve: Any) -> None:
    """A request id that is only in the body is found."""
    with pytest.raises(claude_batches.BadRequestError) as raised:
        connect(serve(reply(400, error(), request_id=None)))(lambda batches: batches.retrieve("b"))
    assert raised.value.request_id == "req_body"


@pytest.mark.parametrize(
    ("body", "said", "parsed"),
    [
        (b"", "(no explanation)", None),
        (b"  \n", "(no explanation)", None),
        (b"<html><head><title>502 Bad\nGateway</title></head><body>x</body></html>", "502 Bad Gateway", str),
        (b"<p>Sorry <b>about</b> <script>alert(1)</script>this</p>", "Sorry about this", str),
        (b'{"type":"error","error":{"type":"api_er', '{"type":"error","error":{"type":"api_er', str),
        (b"[1, 2]", "[1, 2]", list),
        (b'"text"', '"text"', str),
        (b"\xff\xfe\x00\x1b[31m", "��", str),
        (b"x" * 5000, "x" * 200 + "…", str),
        (b'{"error": "plain"}', '{"error": "plain"}', dict),
        (b'{"error": {"type": 7, "message": ["no"]}}', '{"error": {"type": 7', dict),
    ],
)
def test_foreign_error_bodies(serve: Any, body: bytes, said: str, parsed: Any) -> None:
    """A body that is not the API's is shown as a short line."""
    server = serve(reply(403, body))
    with (
        claude_batches.Client(api_key="k", base_url=server.url) as client,
        pytest.raises(claude_batches.PermissionDeniedError) as raised,
    ):
        client.messages.batches.retrieve("b")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "\x1b" not in str(raised.value)
    assert len(str(raised.value)) < 600
    assert raised.value.body is None if parsed is None else isinstance(raised.value.body, parsed)


def test_truncated_error_body(connect: Any, serve: Any) -> None:
    """An error with a truncated body is still that error."""
    with pytest.raises(claude_batches.NotFoundError):
        connect(serve(reply(404, error(), cut=10)))(lambda batches: batches.retrieve("b"))


def test_endless_error_body(serve: Any, monkeypatch: Any) -> None:
    """Only the beginning of an endless error is read."""
    server = serve(reply(400, b"y" * 30_000_000))
    with (
        claude_batches.Client(api_key="k", base_url=server.url) as client,
        pytest.raises(claude_batches.BadRequestError) as raised,
    ):
        client.messages.batches.retrieve("b")
    assert len(raised.value.response.content) < 3_000_000


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b"null", b'{"id": "b"', b'"text"'])
def test_invalid_success(connect: Any, serve: Any, body: bytes) -> None:
    """A success that is not the API's raises an error."""
    with pytest.raises(claude_batches.APIResponseValidationError) as raised:
        connect(serve(reply(200, body)))(lambda batches: batches.retrieve("b"))
    assert raised.value.status_code == 200
    assert raised.value.request_id == "req_scripted"
    assert "messages.batches.retrieve" in str(raised.value)
    assert raised.value.response.content == body


@pytest.mark.parametrize(
    "act",
    [drop(), drop(reset=True), garbage(), garbage(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nno")],
)
def test_no_library_exceptions(connect: Any, serve: Any, act: Any) -> None:
    """No exception of an HTTP library reaches the user."""
    do = connect(serve(act), max_retries=0)
    with pytest.raises(claude_batches.APIConnectionError) as raised:
        do(lambda batches: batches.retrieve("b"))
    assert not isinstance(raised.value, httpx.HTTPError | httpx2.HTTPError | OSError)
    assert raised.value.worth_retrying
    assert "Worth trying again" in str(raised.value)


def test_timeout_error(connect: Any, serve: Any) -> None:
    """A timeout raises APITimeoutError."""
    do = connect(serve(stall()), max_retries=0)
    with pytest.raises(claude_batches.APITimeoutError, match="silent for longer than the timeout") as raised:
        do(lambda batches: batches.retrieve("b", timeout=0.1))
    assert isinstance(raised.value, claude_batches.APIConnectionError)
    assert type(raised.value) is claude_batches.APITimeoutError


@pytest.mark.parametrize("kind", ["httpx", "httpx2"])
def test_event_hook_errors(serve: Any, kind: str) -> None:
    """A library's error in an event hook is translated, a user's own is not."""
    library = pytest.importorskip(kind)
    server = serve(reply(404, error()))
    with (
        library.Client(event_hooks={"response": [lambda response: response.raise_for_status()]}) as http,
        claude_batches.Client(api_key="k", base_url=server.url, http_client=http) as client,
    ):
        with pytest.raises(claude_batches.APIConnectionError, match="404"):
            client.messages.batches.retrieve("b")

        def hook(response: Any) -> None:
            raise LookupError("mine")

        http.event_hooks = {"response": [hook]}
        with pytest.raises(LookupError, match="mine"):
            client.messages.batches.retrieve("b")


def raised_by(serve: Any, *script: Any, **options: Any) -> claude_batches.ClaudeBatchesError:
    server = serve(*script)
    with (
        claude_batches.Client(api_key="k", base_url=server.url, max_retries=0) as client,
        pytest.raises(claude_batches.ClaudeBatchesError) as raised,
    ):
        client.messages.batches.retrieve("b", **options)
    return raised.value


@pytest.mark.parametrize("act", [reply(429, error()), reply(500), drop(), reply(200, b"<"), reply(302)])
def test_pickled_errors(serve: Any, act: Any) -> None:
    """Errors of responses are pickled and copied in full."""
    found = raised_by(serve, act)
    for again in (pickle.loads(pickle.dumps(found)), copy.copy(found)):
        assert type(again) is type(found)
        assert str(again) == str(found)
        assert vars(again).keys() == vars(found).keys()
        assert again.request == found.request


def test_pickled_other_errors() -> None:
    """Errors with other constructors are pickled in full."""
    for found in (
        claude_batches.InvalidBatchError("no", ("a",), 3),
        claude_batches.BatchWaitTimeoutError("late", None),
        claude_batches.CredentialsError("none"),
    ):
        again = pickle.loads(pickle.dumps(found))
        assert str(again) == str(found)
        assert repr(vars(again)) == repr(vars(found))


def test_spool_error() -> None:
    """A SpoolError is an OSError with its number, also after pickling."""
    found = claude_batches.SpoolError(28, "the disk is full")
    for again in (found, pickle.loads(pickle.dumps(found)), copy.copy(found)):
        assert isinstance(again, OSError)
        assert (again.errno, again.strerror) == (28, "the disk is full")
        assert "the disk is full" in str(again)


def test_error_tree() -> None:
    """The tree in the docstring of the module is that of the classes."""
    picture = _errors.__doc__ or ""
    drawn: list[tuple[int, str]] = []
    for line in picture.splitlines():
        words = line.replace("├─", "").replace("└─", "").replace("│", " ").split()
        if words and words[0].endswith("Error") and words[0].isidentifier():
            drawn.append((line.index(words[0]), words[0]))
    parents: dict[str, str] = {}
    for position, (indent, name) in enumerate(drawn[1:], 1):
        parents[name] = next(above for left, above in reversed(drawn[:position]) if left < indent)
    classes = {
        name: kind
        for name, kind in vars(_errors).items()
        if inspect.isclass(kind) and issubclass(kind, claude_batches.ClaudeBatchesError)
    }
    assert parents == {
        name: kind.__bases__[0].__name__ for name, kind in classes.items() if name != "ClaudeBatchesError"
    }
    assert set(classes) <= set(dir(claude_batches))


def test_error_tree_in_docs() -> None:
    """The tree in the docs is that of the module."""
    drawn = (Path(__file__).parents[2] / "docs" / "errors.md").read_text().partition("```text\n")[2]
    picture = inspect.getdoc(_errors) or ""
    assert drawn.partition("\n```")[0] in inspect.cleandoc(picture).replace("\n    ", "\n")


def test_call_after_close(connect: Any, serve: Any) -> None:
    """A call on a closed client raises ClientClosedError."""
    server = serve(reply(200, batch()))
    client = claude_batches.Client(api_key="k", base_url=server.url)
    client.close()
    with pytest.raises(claude_batches.ClientClosedError):
        client.messages.batches.retrieve("b")
    assert server.requests == []
