"""Keys and workspaces see their own batches only, and a key has a limited queue."""

from __future__ import annotations

import pytest
from claude_batches.sandbox import Sandbox

from tests.sandbox.calls import BATCHES, Caller, requests, serving

OTHERS = [
    {"x-api-key": "another"},
    {"x-api-key": "", "authorization": "Bearer another"},
    {"anthropic-workspace-id": "wrkspc_1"},
]


@pytest.mark.parametrize("headers", OTHERS, ids=str)
def test_another_key_or_workspace_sees_nothing(instant: Caller, headers: dict[str, str]):
    """No operation reaches the batch of another key or workspace."""
    batch = instant.create("one")
    path = f"{BATCHES}/{batch['id']}"
    for method, url in [
        ("GET", path),
        ("GET", f"{path}/results"),
        ("POST", f"{path}/cancel"),
        ("DELETE", path),
    ]:
        assert instant.http.request(method, url, headers=headers).status_code == 404
    assert instant.http.get(BATCHES, headers=headers).json()["data"] == []
    assert instant.http.get(BATCHES, params={"after_id": batch["id"]}, headers=headers).status_code == 400
    assert instant.retrieve(batch["id"])["id"] == batch["id"]


def test_a_key_is_the_same_in_either_header(instant: Caller):
    """A batch that was created with `x-api-key` is found with the same key as a bearer token."""
    batch = instant.create("one")
    bearer = {"x-api-key": "", "authorization": "Bearer any"}
    assert instant.http.get(f"{BATCHES}/{batch['id']}", headers=bearer).status_code == 200


def test_the_response_names_the_workspace(instant: Caller):
    """The header is that of the request, or the default workspace of the key, which can be named as well."""
    named = instant.http.get(BATCHES, headers={"anthropic-workspace-id": "wrkspc_1"})
    assert named.headers["anthropic-workspace-id"] == "wrkspc_1"
    batch = instant.create("one")
    default = instant.http.get(BATCHES).headers["anthropic-workspace-id"]
    assert default.startswith("wrkspc_01")
    path = f"{BATCHES}/{batch['id']}"
    assert instant.http.get(path, headers={"anthropic-workspace-id": default}).status_code == 200
    other = instant.http.get(BATCHES, headers={"x-api-key": "another"})
    assert other.headers["anthropic-workspace-id"] != default


def test_a_full_queue_is_answered_with_429():
    """A create above the limit names the seconds to wait, and works once the first batch has ended."""
    with Sandbox(speed=1, queue_limit=3) as sandbox:
        caller = Caller(sandbox.url)
        first = caller.create("one", "two")
        refused = caller.http.post(BATCHES, json={"requests": requests("a", "b")})
        assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_error")
        wait = int(refused.headers["retry-after"])
        assert 1 <= wait <= 61
        assert caller.create("a")["request_counts"]["processing"] == 1
        assert caller.http.post(BATCHES, json={"requests": requests("b")}).status_code == 429
        other = caller.http.post(BATCHES, json={"requests": requests("b")}, headers={"x-api-key": "another"})
        assert other.status_code == 200
        sandbox.advance(wait)
        assert caller.retrieve(first["id"])["processing_status"] == "ended"
        assert caller.create("b", "c", "d")["request_counts"]["processing"] == 3
        assert len(caller.page()["data"]) == 3
        caller.http.close()


def test_a_queue_limit_must_be_positive():
    """A limit below one is refused at once."""
    with pytest.raises(ValueError, match="queue_limit must be positive"), serving(queue_limit=0):
        pass
