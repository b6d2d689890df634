"""Every response of a server leads to a result or to an error of ours."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
from typing import Any

import claude_batches
import httpx
from claude_batches import Client
from claude_batches._errors import ErrorResponse
from claude_batches._headers import Headers, SentRequest
from claude_batches._http.config import Config
from claude_batches._http.lines import LineSplitter
from claude_batches._http.origin import origin_of, redirect_target, unsafe_step
from claude_batches._http.retry import requested_delay
from claude_batches._http.status import status_error
from hypothesis import given
from hypothesis import strategies as st

KEYS = (
    "data",
    "has_more",
    "last_id",
    "id",
    "request_counts",
    "created_at",
    "error",
    "type",
    "message",
    "details",
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=4)
    ),
    max_leaves=8,
)
SENT = SentRequest("GET", "https://a.example/x", Headers())


@given(
    st.integers(100, 999),
    st.binary() | json_values.map(lambda value: httpx.Request("GET", "x:", json=value).content),
)
def test_any_error_body(status: int, body: bytes) -> None:
    """An error with any body has a message of one line and can be pickled."""
    error = status_error(ErrorResponse(status, Headers(), body, SENT))
    assert "\n" not in error.args[0].replace(error.api_message or "\0", "")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@given(json_values, st.sampled_from(["retrieve", "list", "cancel", "delete"]))
def test_any_json(value: Any, name: str) -> None:
    """A response of any JSON is read, or raises our error."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=value))
    with Client(api_key="k", http_client=httpx.Client(transport=transport)) as client:
        call = getattr(client.messages.batches, name)
        with contextlib.suppress(claude_batches.ClaudeBatchesError):
            found = call() if name == "list" else call("b")
            repr(found)


@given(st.text())
def test_any_retry_after(text: str) -> None:
    """Any text in `retry-after` is a positive delay or ignored."""
    for name in ("retry-after", "retry-after-ms"):
        delay = requested_delay({name: text}, 1_700_000_000)
        assert delay is None or delay > 0


@given(st.text(), st.sampled_from(["GET", "POST"]))
def test_any_location(location: str, method: str) -> None:
    """Any `location` is an https URL, one of the same origin, or refused."""
    home = "https://api.example/v1/x"
    try:
        target = origin_of(redirect_target(home, location))
    except ValueError:
        return
    assert target.scheme == "https" or unsafe_step(origin_of(home), target, method)


@given(
    st.lists(
        st.binary(max_size=8) | st.sampled_from([b"\n", b"a\n", b"\n\n", "\u2028".encode()]), max_size=12
    )
)
def test_any_chunks_of_lines(chunks: list[bytes]) -> None:
    """Lines do not depend on the chunks."""
    splitter = LineSplitter(lambda *_: AssertionError())
    found = [line for chunk in chunks for line in splitter.feed(chunk)]
    expected = [line.removesuffix(b"\r") for line in b"".join(chunks).split(b"\n")]
    assert found + splitter.finish() == [line for line in expected if line.strip()]


def test_httpx2_loads_no_httpx() -> None:
    """A client with an `http_client` of httpx2 never imports httpx."""
    code = (
        "import sys, httpx2, claude_batches as c\n"
        "http = httpx2.Client(transport=httpx2.MockTransport(lambda r: httpx2.Response(200, json={'id': 'b'})))\n"
        "assert c.Client(api_key='k', http_client=http).messages.batches.retrieve('b').id == 'b'\n"
        "assert 'httpx' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_settings_hide_credentials() -> None:
    """The repr of a client's settings shows no credential."""
    with Client(api_key="sk-secret", default_headers={"x-auth": "secret"}) as client:
        assert "secret" not in repr(client._config)
        assert isinstance(client._config, Config)
