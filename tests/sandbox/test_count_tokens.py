"""The tokens of a request are counted as its usage is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.calls import Caller, params

COUNT = "/v1/messages/count_tokens"


def countable(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in params(**changes).items() if key != "max_tokens"}


def test_the_count_is_the_usage_of_the_request(instant: Caller):
    """The counted tokens are the input tokens of the result of the same request."""
    changes = {"system": "Be brief", "text": "How deep is the sea?"}
    counted = instant.http.post(COUNT, json=countable(**changes))
    assert counted.status_code == 200, counted.text
    assert counted.headers["anthropic-workspace-id"].startswith("wrkspc_")
    result = instant.answer(**changes)
    assert counted.json() == {"input_tokens": result["message"]["usage"]["input_tokens"]}


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (params(), 400, "max_tokens: Extra inputs are not permitted"),
        (countable(messages=None), 400, "messages: Field required"),
        (countable(model="gpt"), 404, "model: gpt"),
        ([], 400, "Input should be a JSON object"),
    ],
)
def test_an_invalid_request_is_not_counted(instant: Caller, body: Any, status: int, message: str):
    """Mistakes are refused at once, with their place."""
    response = instant.http.post(COUNT, json=body)
    assert (response.status_code, response.json()["error"]["message"]) == (status, message)


def test_a_large_body_is_refused(instant: Caller):
    """A body above 32 MB is answered with 413."""
    body = (b" " * 1024 * 1024 for _ in range(33))
    assert instant.http.post(COUNT, content=body).status_code == 413


def test_a_key_is_needed(instant: Caller):
    """Without a key the answer is 401."""
    assert instant.http.post(COUNT, json=countable(), headers={"x-api-key": ""}).status_code == 401
