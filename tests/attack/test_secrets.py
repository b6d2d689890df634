"""Credentials and signatures that come out somewhere."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import claude_batches
import claude_batches_api
import httpx
import pytest
from claude_batches import (
    APIStatusError,
    ClaudeBatchesError,
    ConfigurationError,
    CredentialsError,
    LineTooLongError,
)

from tests.attack.servers import (
    BATCH_ID,
    BATCHES,
    KEY,
    Request,
    Server,
    Wire,
    answer,
    batch,
    connected,
    describes,
    hangs_up,
    line,
    requests,
    says,
    serves,
)
from tests.support.results import file_of

#: Where the frames are that show no secret among their locals.
PACKAGES = {Path(package.__file__ or "").parent for package in (claude_batches, claude_batches_api)}

SECRET = "sk-secret-91be-never-shown"
SIGNATURE = "c2lnbmF0dXJl-never-shown"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    left = [error]
    while left:
        error = left.pop()
        if error is not None and id(error) not in seen:
            seen.add(id(error))
            yield error
            left += [error.__cause__, error.__context__]


def _leaks(error: BaseException | None, secret: str, *, in_locals: bool = False) -> list[str]:
    """Return the places of a secret in an exception, its causes and the locals of our frames."""
    found = []
    for each in _chain(error):
        name = type(each).__name__
        shown = {
            "str": str(each),
            "repr": repr(each),
            "args": repr(each.args),
            "notes": repr(getattr(each, "__notes__", "")),
            "message": str(getattr(each, "message", "")),
            "body": repr(getattr(each, "body", "")),
            "request": repr(getattr(each, "request", "")),
            "fields": repr({key: value for key, value in vars(each).items() if key != "response"}),
            "traceback": "".join(traceback.format_exception(each)),
        }
        response = getattr(each, "response", None)
        if response is not None:
            shown["content"] = repr(response.content)
            shown["text"] = response.text
            shown["headers"] = repr(dict(response.headers))
        found += [f"{name}.{where}" for where, text in shown.items() if secret in text]
        if in_locals:
            found += [f"{name} at {where}" for where in _locals(each, secret)]
        if isinstance(each, ClaudeBatchesError):
            found += [f"{name}.pickle"] * (secret.encode() in pickle.dumps(each))
    return found


def _locals(error: BaseException, secret: str) -> list[str]:
    """The frames of the package among whose locals the secret is to be seen."""
    found = []
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        path = Path(frame.f_code.co_filename)
        if PACKAGES & set(path.parents):
            shown = [name for name, value in frame.f_locals.items() if secret in repr(value)]
            found += [f"{path.name}:{trace.tb_lineno} {name}" for name in shown]
        trace = trace.tb_next
    return found


def _failure(function: Callable[[], object]) -> BaseException | None:
    try:
        function()
    except Exception as error:
        return error
    return None


# ---------------------------------------------------------------------------------------------------------------------
# Settings


WRONG_HEADERS: dict[str, Any] = {
    "a list": [f"x-gateway: {SECRET}"],
    "pairs": [("x-gateway", SECRET, "three")],
    "a string": f"x-gateway: {SECRET}",
    "a set": {f"x-gateway: {SECRET}"},
    "bytes": {"x-gateway": SECRET.encode()},
    "a name of bytes": {b"x-gateway": SECRET},
    "a name that is not a string": {5: SECRET},
    "a secret as name": {f"{SECRET}: x": "y"},
    "a line break": {"x-gateway": f"{SECRET}\r\nx-other: 1"},
    "a number": {"x-gateway": 5, "x-other": SECRET},
    "nested": {"x-gateway": {"token": SECRET}},
}


@pytest.mark.parametrize("form", WRONG_HEADERS)
def test_wrong_headers_are_not_shown(kind: str, form: str) -> None:
    """Default headers of a wrong form are a ConfigurationError that shows nothing of them."""
    error = _failure(lambda: _make(kind, "http://127.0.0.1:9", default_headers=WRONG_HEADERS[form]))
    assert isinstance(error, ConfigurationError)
    assert _leaks(error, SECRET, in_locals=True) == []


@pytest.mark.parametrize("form", WRONG_HEADERS)
def test_wrong_headers_of_a_copy_are_not_shown(kind: str, form: str) -> None:
    """Headers of a wrong form in a copy of a client are a ConfigurationError that shows nothing of them."""
    with connected(kind, "http://127.0.0.1:9") as call:
        for name in ("default_headers", "set_default_headers"):
            options = {name: WRONG_HEADERS[form]}
            error = _failure(lambda options=options: call.client.with_options(**options))
            assert isinstance(error, ConfigurationError)
            assert _leaks(error, SECRET, in_locals=True) == []


def _make(kind: str, url: str | None, **options: Any) -> None:
    with connected(kind, url, **options):
        pass


BASE_URLS = (
    f"http://user:{SECRET}@127.0.0.1:9",
    f"http://{SECRET}@127.0.0.1:9",
    f"http://127.0.0.1:9/?token={SECRET}",
    f"http://127.0.0.1:9/#{SECRET}",
    f"http://user:{SECRET}@[::1",
    f"ftp://user:{SECRET}@127.0.0.1",
)


@pytest.mark.parametrize("url", BASE_URLS, ids=["password", "user", "query", "fragment", "bracket", "scheme"])
def test_userinfo_of_base_url_is_not_shown(kind: str, url: str) -> None:
    """A base_url with a password in it is refused, and shown nowhere."""
    error = _failure(lambda: _make(kind, url))
    assert isinstance(error, ConfigurationError)
    assert _leaks(error, SECRET, in_locals=True) == []


@pytest.mark.parametrize("url", BASE_URLS, ids=["password", "user", "query", "fragment", "bracket", "scheme"])
def test_userinfo_in_environment_is_not_shown(kind: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A base_url of the environment with a password in it is refused, and shown nowhere."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
    error = _failure(lambda: _make(kind, None))
    assert isinstance(error, ConfigurationError)
    assert _leaks(error, SECRET, in_locals=True) == []


def test_headers_of_a_call_are_not_among_locals(kind: str) -> None:
    """If a credential is missing, other secret headers are not among the locals of frames."""
    options: dict[str, Any] = {"api_key": None, "default_headers": {"x-gateway-token": SECRET}}
    with connected(kind, "http://127.0.0.1:9", **options) as call:
        error = _failure(lambda: call(lambda batches: batches.retrieve(BATCH_ID)))
    assert isinstance(error, CredentialsError)
    assert _leaks(error, SECRET, in_locals=True) == []


# ---------------------------------------------------------------------------------------------------------------------
# Echoes


def _echo(request: Request) -> str:
    """The credential that came, as a server sees it."""
    return request.headers.get("x-api-key") or request.headers.get("authorization", "")


def _echoes_message(wire: Wire, request: Request) -> None:
    body = {
        "type": "error",
        "error": {"type": "authentication_error", "message": f"bad key {_echo(request)}"},
    }
    wire.send(answer(body, 401))


def _echoes_escaped(wire: Wire, request: Request) -> None:
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in _echo(request))
    wire.send(answer(b'{"type": "error", "error": {"message": "bad key ' + escaped.encode() + b'"}}', 401))


def _echoes_page(wire: Wire, request: Request) -> None:
    wire.send(answer(f"<html><title>Bad key {_echo(request)}</title></html>".encode(), 403))


def _echoes_text(wire: Wire, request: Request) -> None:
    wire.send(answer(f"you sent {dict(request.headers)!r}".encode(), 500))


def _echoes_key(wire: Wire, request: Request) -> None:
    wire.send(answer({_echo(request): {"list": [_echo(request)]}}, 400))


def _echoes_header(wire: Wire, request: Request) -> None:
    wire.send(answer({}, 404, x_echo=_echo(request), request_id=_echo(request)))


def _echoes_location(wire: Wire, request: Request) -> None:
    wire.send(answer(b"", 302, location=f"ftp://elsewhere.test/{_echo(request)}"))


def _echoes_garbage(wire: Wire, request: Request) -> None:
    wire.send(answer(f"not JSON: {_echo(request)}".encode(), 200))


def _echoes_array(wire: Wire, request: Request) -> None:
    wire.send(answer([_echo(request)], 200))


def _echoes_no_http(wire: Wire, request: Request) -> None:
    wire.send(f"EHLO {_echo(request)}\r\n\r\n".encode())
    wire.cut()


ECHOES = {
    "message": _echoes_message,
    "escaped": _echoes_escaped,
    "page": _echoes_page,
    "text": _echoes_text,
    "key": _echoes_key,
    "header": _echoes_header,
    "location": _echoes_location,
    "garbage": _echoes_garbage,
    "array": _echoes_array,
    "no http": _echoes_no_http,
}


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("name", ["retrieve", "create"])
def test_echoed_key_is_hidden(serve: Any, connect: Any, name: str, echo: str) -> None:
    """A key that the server repeats is hidden in message, body and pickle of the error."""
    call = connect(serve(any=ECHOES[echo]))
    ways: dict[str, Callable[[Any], Any]] = {
        "retrieve": lambda batches: batches.retrieve(BATCH_ID),
        "create": lambda batches: batches.create(requests=requests()),
    }
    error = _failure(lambda: call(ways[name]))
    assert isinstance(error, ClaudeBatchesError)
    assert _leaks(error, KEY) == []


@pytest.mark.parametrize("echo", ["message", "text"])
def test_echoed_token_is_hidden(serve: Any, connect: Any, echo: str) -> None:
    """A token that the server repeats is replaced by three asterisks."""
    call = connect(serve(any=ECHOES[echo]), api_key=None, auth_token=SECRET)
    error = _failure(lambda: call(lambda batches: batches.retrieve(BATCH_ID)))
    assert isinstance(error, APIStatusError)
    assert _leaks(error, SECRET) == []
    assert "***" in error.response.text


def test_echoed_header_of_the_user_is_hidden(serve: Any, connect: Any) -> None:
    """A secret header of the user is hidden if the server repeats it."""
    server = serve(
        any=lambda wire, request: wire.send(answer(request.headers["x-gateway-token"].encode(), 403))
    )
    call = connect(server, default_headers={"x-gateway-token": SECRET})
    error = _failure(lambda: call(lambda batches: batches.retrieve(BATCH_ID)))
    assert isinstance(error, APIStatusError)
    assert _leaks(error, SECRET) == []


def test_key_echoed_among_results_is_hidden(serve: Any, connect: Any, tmp_path: Path) -> None:
    """A key within a bad line is hidden in the error about that line."""
    page = f"<p>you sent {KEY}</p>".encode()
    call = connect(serve(retrieve=describes(2), results=serves(file_of([line("r0"), page]))))
    for read in (
        lambda: call.items(lambda batches: batches.results(BATCH_ID)),
        lambda: call(lambda batches: batches.download(BATCH_ID, tmp_path / "results.jsonl")),
    ):
        error = _failure(read)
        assert isinstance(error, ClaudeBatchesError)
        assert _leaks(error, KEY) == []


@pytest.mark.parametrize("before", [0, 150, 195, 250])
def test_key_in_a_long_line_is_hidden(serve: Any, connect: Any, before: int) -> None:
    """A key in a line that is too long is hidden, at every place of the excerpt."""
    page = b"x" * before + KEY.encode() + b"x" * 5000
    call = connect(serve(retrieve=describes(2), results=serves(file_of([line("r0"), page]))))
    error = _failure(lambda: call.items(lambda batches: batches.results(BATCH_ID, max_line_bytes=1000)))
    assert isinstance(error, LineTooLongError)
    assert _leaks(error, KEY) == []
    assert KEY[:12] not in str(error)


def test_echoed_key_is_not_logged(serve: Any, connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A key that the server repeats is not in the log."""
    server = serve(any=lambda wire, request: wire.send(answer({}, 404, request_id=_echo(request))))
    call = connect(server)
    with caplog.at_level(logging.DEBUG, "claude_batches"):
        _failure(lambda: call(lambda batches: batches.retrieve(BATCH_ID)))
    assert caplog.records
    assert KEY not in _logged(caplog)


def _logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return the log of the package."""
    return "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith("claude_batches")
    )


# ---------------------------------------------------------------------------------------------------------------------
# Signed URLs


SIGNED = f"{BATCHES}/{BATCH_ID}/results?X-Amz-Signature={SIGNATURE}"

BAD_RESULTS: dict[str, Any] = {
    "refused": says({"error": {"message": "expired"}}, 403),
    "gone": says(b"", 410),
    "broken off": lambda wire, request: (wire.send(answer(file_of([line("r0")] * 3))[:-30]), wire.cut()),
    "lost": hangs_up,
    "a wrong status": says(b"", 204),
    "redirected away": lambda wire, request: wire.send(
        answer(b"", 302, location=f"ftp://elsewhere.test/?X-Amz-Signature={SIGNATURE}")
    ),
    "bad line": says(b"nonsense\n"),
}


@pytest.mark.parametrize("bad", BAD_RESULTS)
@pytest.mark.parametrize("reader", ["results", "download"])
def test_signed_url_is_not_shown(
    serve: Any, connect: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, reader: str, bad: str
) -> None:
    """The query of a results_url of the API's own origin is in no error and no log line."""

    def retrieve(wire: Wire, request: Request) -> None:
        wire.send(answer(batch(2, results_url=f"{request.base}{SIGNED}")))

    call = connect(serve(retrieve=retrieve, results=BAD_RESULTS[bad]))
    target = tmp_path / "results.jsonl"
    ways: dict[str, Callable[[], Any]] = {
        "results": lambda: call.items(lambda batches: batches.results(BATCH_ID, max_resumes=0)),
        "download": lambda: call(lambda batches: batches.download(BATCH_ID, target, max_resumes=0)),
    }
    with caplog.at_level(logging.DEBUG, "claude_batches"):
        error = _failure(ways[reader])
    assert isinstance(error, ClaudeBatchesError)
    assert _leaks(error, SIGNATURE) == []
    assert SIGNATURE not in _logged(caplog)


def test_signed_redirect_is_not_shown(serve: Any, connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The query of a redirect within the API's own origin is in no error and no log line."""
    server = serve(
        retrieve=lambda wire, request: wire.send(answer(b"", 307, location=f"/moved?signature={SIGNATURE}")),
        other=says({"error": {"message": "no"}}, 403),
    )
    call = connect(server)
    with caplog.at_level(logging.DEBUG, "claude_batches"):
        error = _failure(lambda: call(lambda batches: batches.retrieve(BATCH_ID)))
    assert len(server.asked("other")) == 1
    assert isinstance(error, APIStatusError)
    assert _leaks(error, SIGNATURE) == []
    assert SIGNATURE not in _logged(caplog)


# ---------------------------------------------------------------------------------------------------------------------
# Origins


@pytest.mark.parametrize(
    ("base", "results"),
    [
        ("http://api.test", "http://api.test:0"),
        ("http://api.test", "http://api.test."),
        ("http://api.test", "http://api.test.."),
        ("http://api.test.", "http://api.test"),
    ],
)
def test_other_origin_gets_no_key(kind: str, base: str, results: str) -> None:
    """Port 0 and dots at the end of a host make another origin, which gets no credential."""

    def retrieve(wire: Wire, request: Request) -> None:
        wire.send(answer(batch(1, results_url=f"{results}{BATCHES}/{BATCH_ID}/results")))

    # As the proxy of an http client, the server is asked for every host.
    with Server(retrieve=retrieve, results=serves(file_of([line("r0")]))) as server:
        library: Any = httpx.Client if kind == "sync" else httpx.AsyncClient
        http = library(proxy=server.url, trust_env=False)
        with connected(kind, base, http_client=http) as call:
            error = _failure(lambda: call.items(lambda batches: batches.results(BATCH_ID)))
            call.run(http.close if kind == "sync" else http.aclose)
    assert server.asked("retrieve")[0].headers["x-api-key"] == KEY
    assert [request.headers.get("x-api-key") for request in server.asked("results")] in ([], [None])
    assert error is None or isinstance(error, ClaudeBatchesError)


# ---------------------------------------------------------------------------------------------------------------------
# Proxies


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.9.8.7"])
def test_loopback_needs_no_proxy(
    kind: str, host: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the environment is not asked for a base_url on this machine, and gets no key."""
    with Server(any=describes(2)) as proxy, Server(retrieve=describes(2)) as server:
        monkeypatch.setenv(variable, proxy.url)
        with connected(kind, f"http://{host}:{server.port}", timeout=2) as call:
            _failure(lambda: call(lambda batches: batches.retrieve(BATCH_ID)))
    assert proxy.requests == []
    # The server listens on 127.0.0.1 only.
    assert len(server.requests) == (0 if host == "127.9.8.7" else 1)


def test_loopback_needs_no_proxy_in_a_copy(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of a client with a base_url on this machine does not ask a proxy of the environment."""
    with Server(any=describes(2)) as proxy, Server(retrieve=describes(2)) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with connected(kind, "http://api.test") as call:
            copy = call.client.with_options(base_url=server.url)
            call.run(lambda: copy.messages.batches.retrieve(BATCH_ID))
    assert proxy.requests == []


def test_key_to_a_proxy_is_warned_of(
    kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A proxy of a plain http base_url causes a warning that shows neither key nor password."""
    with Server(retrieve=describes(2)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:{SECRET}@127.0.0.1:{proxy.port}")
        with (
            caplog.at_level(logging.WARNING, "claude_batches"),
            connected(kind, "http://api.test") as call,
        ):
            call(lambda batches: batches.retrieve(BATCH_ID))
    assert len(proxy.requests) == 1
    logged = _logged(caplog)
    assert "proxy" in logged.lower()
    assert KEY not in logged
    assert SECRET not in logged
    assert base64.b64encode(f"user:{SECRET}".encode()).decode() not in logged


def test_no_warning_without_a_proxy(serve: Any, connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Without a proxy there is not a warning."""
    with caplog.at_level(logging.WARNING, "claude_batches"):
        call = connect(serve(retrieve=describes(2)))
        call(lambda batches: batches.retrieve(BATCH_ID))
    assert _logged(caplog) == ""


def test_hidden_key_keeps_the_rest(serve: Any, connect: Any) -> None:
    """The rest of a server's message stays readable."""
    call = connect(serve(any=_echoes_message))
    error = _failure(lambda: call(lambda batches: batches.retrieve(BATCH_ID)))
    assert isinstance(error, APIStatusError)
    assert "bad key ***" in str(error)
    assert json.loads(json.dumps(error.body))["error"]["message"] == "bad key ***"
    assert pickle.loads(pickle.dumps(error)).body == error.body
