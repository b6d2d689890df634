"""Headers, errors, pages and bodies over plain HTTP."""

import httpx
import orjson
import pytest
from claude_batches.sandbox import Sandbox

from tests.sandbox.calls import BATCHES, HEADERS, Caller, params, requests, serving


def refused(response: httpx.Response, status: int, kind: str) -> str:
    """Check that a response is an error of the API, and return its message."""
    body = response.json()
    assert (response.status_code, body["type"], body["error"]["type"]) == (status, "error", kind)
    assert body["request_id"] == response.headers["request-id"]
    assert body["request_id"].startswith("req_")
    message: str = body["error"]["message"]
    return message


@pytest.mark.parametrize("headers", [{"x-api-key": "k"}, {"authorization": "Bearer k"}])
@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
def test_both_credentials_work_with_both_versions(sandbox: Sandbox, headers, version):
    """A key and a bearer token are valid under both API versions."""
    response = httpx.get(sandbox.url + BATCHES, headers={**headers, "anthropic-version": version})
    assert response.status_code == 200
    assert response.headers["request-id"].startswith("req_")


@pytest.mark.parametrize(
    "headers", [{}, {"x-api-key": ""}, {"authorization": "Bearer"}, {"authorization": "k"}]
)
def test_a_missing_key_is_refused(sandbox: Sandbox, headers):
    """A request without a key is answered with 401."""
    response = httpx.get(sandbox.url + BATCHES, headers={**headers, "anthropic-version": "2023-06-01"})
    refused(response, 401, "authentication_error")


def test_another_key_is_refused():
    """With `api_key`, only that key is valid, in either header."""
    with serving(api_key="secret") as caller:
        refused(caller.http.get(BATCHES), 401, "authentication_error")
        assert caller.http.get(BATCHES, headers={"x-api-key": "secret"}).status_code == 200
        bearer = {"x-api-key": "", "authorization": "Bearer secret"}
        assert caller.http.get(BATCHES, headers=bearer).status_code == 200


@pytest.mark.parametrize("version", [{}, {"anthropic-version": "2023-06-02"}])
def test_an_unknown_version_is_refused(sandbox: Sandbox, version):
    """A request without a known API version is answered with 400."""
    message = refused(
        httpx.get(sandbox.url + BATCHES, headers={"x-api-key": "k", **version}), 400, "invalid_request_error"
    )
    assert message.startswith("anthropic-version:")


def test_unknown_paths_and_batches_are_not_found(refused_caller: Caller):
    """Both are answered with 404 in the form of the API's errors."""
    refused(refused_caller.http.get("/v1/nowhere"), 404, "not_found_error")
    refused(refused_caller.http.get(f"{BATCHES}/"), 404, "not_found_error")
    refused(refused_caller.http.get(f"{BATCHES}/msgbatch_nope"), 404, "not_found_error")


def test_a_405_lists_the_methods(refused_caller: Caller):
    """The `allow` header of a 405 lists all methods of the path."""
    response = refused_caller.http.put(BATCHES)
    refused(response, 405, "invalid_request_error")
    assert {"GET", "POST"} <= set(response.headers["allow"].split(", "))


def test_pages_lead_in_both_directions(caller: Caller):
    """Cursors lead through all batches, to older and to newer ones."""
    made = [caller.create(str(number))["id"] for number in range(5)][::-1]
    first = caller.page(limit=2)
    assert [batch["id"] for batch in first["data"]] == made[:2]
    assert (first["first_id"], first["last_id"], first["has_more"]) == (made[0], made[1], True)
    second = caller.page(limit=2, after_id=first["last_id"])
    assert ([batch["id"] for batch in second["data"]], second["has_more"]) == (made[2:4], True)
    last = caller.page(limit=2, after_id=second["last_id"])
    assert ([batch["id"] for batch in last["data"]], last["has_more"]) == (made[4:], False)
    back = caller.page(limit=2, before_id=last["first_id"])
    assert ([batch["id"] for batch in back["data"]], back["has_more"]) == (made[2:4], True)
    newest = caller.page(limit=2, before_id=back["first_id"])
    assert ([batch["id"] for batch in newest["data"]], newest["has_more"]) == (made[:2], False)


def test_an_empty_page_has_no_cursors(caller: Caller):
    """The cursors of an empty page are null."""
    assert caller.page() == {"data": [], "has_more": False, "first_id": None, "last_id": None}


def test_a_deleted_batch_remains_a_cursor(instant: Caller):
    """A page can start after a batch that was deleted meanwhile."""
    made = [instant.create(str(number))["id"] for number in range(3)]
    assert instant.http.delete(f"{BATCHES}/{made[1]}").status_code == 200
    assert [batch["id"] for batch in instant.page(after_id=made[1])["data"]] == [made[0]]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=", "limit=1e2", "after_id=a&before_id=b", "after_id=nope"],
)
def test_a_bad_page_query_is_refused(refused_caller: Caller, query: str):
    """Bad limits and cursors are answered with 400."""
    refused(refused_caller.http.get(f"{BATCHES}?{query}"), 400, "invalid_request_error")


GOOD = {"custom_id": "ok", "params": params()}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "requests: Field required"),
        ({"requests": []}, "requests: List should have at least 1 item"),
        ({"requests": {}}, "requests: Input should be a valid list"),
        ({"betas": [], "requests": [GOOD]}, "betas: Extra inputs are not permitted"),
        ({"requests": [GOOD], "metadata": {"a": 1}}, "metadata: Extra inputs are not permitted"),
        ({"requests": [GOOD, 5]}, "requests.1: Input should be an object"),
        ({"requests": [GOOD, [GOOD]]}, "requests.1: Input should be an object"),
        ({"requests": [{"params": params()}]}, "requests.0.custom_id: Field required"),
        ({"requests": [{"custom_id": "a"}]}, "requests.0.params: Field required"),
        ({"requests": [{"custom_id": 5, "params": {}}]}, "requests.0.custom_id: Input should be a string"),
        ({"requests": [{"custom_id": "a", "params": []}]}, "requests.0.params: Input should be an object"),
        ({"requests": [{**GOOD, "more": 1}]}, "requests.0.more: Extra inputs are not permitted"),
        ({"requests": [GOOD, GOOD]}, "requests.1.custom_id: 'ok' appears twice"),
        (
            {"requests": [{"custom_id": "a", "params": params(betas=["x"])}]},
            "requests.0.params.betas: Extra inputs are not permitted",
        ),
        (
            {"requests": [{"custom_id": "a", "params": params(stream=True)}]},
            "requests.0.params.stream: not supported in a batch",
        ),
    ],
)
def test_a_bad_envelope_refuses_the_batch(refused_caller: Caller, body, message):
    """The message of the 400 names the place of the mistake."""
    assert refused(refused_caller.http.post(BATCHES, json=body), 400, "invalid_request_error") == message


@pytest.mark.parametrize("custom_id", ["", "a" * 65, "a b", "ä", "a\n", "a.b"])
def test_a_bad_custom_id_is_refused(refused_caller: Caller, custom_id: str):
    """A `custom_id` with a wrong character or length refuses the batch."""
    body = {"requests": [{"custom_id": custom_id, "params": params()}]}
    message = refused(refused_caller.http.post(BATCHES, json=body), 400, "invalid_request_error")
    assert message.startswith("requests.0.custom_id:")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"[]",
        b"null",
        b"{",
        b'{"requests"',
        b'{"requests":[',
        b'{"requests":[{"a":}]}',
        b"{}x",
        b"{,}",
    ],
)
def test_a_body_must_be_a_json_object(refused_caller: Caller, body: bytes):
    """Any other body is answered with 400."""
    refused(refused_caller.http.post(BATCHES, content=body), 400, "invalid_request_error")


def test_more_than_100_000_requests_are_too_many(refused_caller: Caller):
    """They are answered with 413."""
    body = orjson.dumps({"requests": [{"custom_id": f"r{n}", "params": {}} for n in range(100_001)]})
    refused(refused_caller.http.post(BATCHES, content=body), 413, "request_too_large")


def test_more_than_256_mb_are_too_large(refused_caller: Caller):
    """Such a body is answered with 413."""
    megabyte = b" " * 1024 * 1024
    body = (megabyte for _ in range(257))
    refused(refused_caller.http.post(BATCHES, content=body), 413, "request_too_large")


def test_a_refused_upload_is_not_cut_off(caller: Caller):
    """A large upload without a key gets its 401, and not a lost connection."""
    body = (b" " * 1024 * 1024 for _ in range(20))
    refused(caller.http.post(BATCHES, content=body, headers={"x-api-key": ""}), 401, "authentication_error")


def test_an_interrupted_create_leaves_nothing(caller: Caller):
    """A body that ends early makes no batch."""

    def half():
        yield b'{"requests":['
        yield orjson.dumps(GOOD)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        caller.http.post(BATCHES, content=half())
    assert caller.page()["data"] == []


def test_ids_depend_on_the_seed():
    """Equal seeds give equal ids, other seeds other ids."""

    def first_id(seed: int) -> str:
        with Sandbox(seed=seed) as sandbox:
            made = httpx.post(sandbox.url + BATCHES, headers=HEADERS, json={"requests": requests("a")})
            identity: str = made.json()["id"]
            return identity

    assert first_id(1) == first_id(1) != first_id(2)


def test_only_loopback_addresses_are_allowed():
    """A `host` that others could reach is refused."""
    with pytest.raises(ValueError, match="only listens on this machine"):
        Sandbox(host="0.0.0.0").start()


def test_a_stopped_sandbox_has_no_url():
    """The error shows how to start the sandbox."""
    with pytest.raises(RuntimeError, match="with Sandbox"):
        _ = Sandbox().url
