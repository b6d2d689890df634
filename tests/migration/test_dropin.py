"""Names and behaviours that migrated code relies on, with both clients against the sandbox."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import claude_batches
import httpx
import pydantic
import pytest
from claude_batches import NOT_GIVEN, AsyncClient, Client, InvalidBatchError, Omit, omit
from claude_batches.sandbox import Sandbox
from claude_batches.types import MessageBatch
from claude_batches.types.messages import BatchListParams

from tests.contract.calls import KEY, OURS, Calls, Kind, calling
from tests.contract.whole_batch import REQUESTS, request

AN_HOUR = 3600


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox where time only passes when a test lets it."""
    with Sandbox(speed=1e-9, api_key=KEY) as running:
        yield running


@pytest.fixture(params=OURS)
def calls(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Calls]:
    """Our client, sync and async."""
    kind: Kind = request.param
    with calling(kind, sandbox.url) as calls:
        yield calls


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    """Our sync client."""
    with Client(base_url=sandbox.url, api_key=KEY) as client:
        yield client


def collected(calls: Calls, method: Callable[[], Any]) -> list[Any]:
    """Return the items of an iterator, sync or async."""
    if calls._portal is None:
        return list(method())

    async def all_items() -> list[Any]:
        return [item async for item in method()]

    return calls._portal.call(all_items)


# ------------------------------------------------------------------------------------------------------------
# Arguments that are left out


@pytest.mark.parametrize("absent", [NOT_GIVEN, omit, Omit(), claude_batches.NotGiven()], ids=repr)
def test_absent_arguments_are_left_out(calls: Calls, absent: Any) -> None:
    """Each argument that may be left out takes NOT_GIVEN and omit."""
    batch = calls.create(REQUESTS, user_profile_id=absent, workspace_id=absent, timeout=absent)
    options = dict.fromkeys(("extra_headers", "extra_query", "extra_body", "timeout", "deadline"), absent)
    assert calls.retrieve(batch.id, workspace_id=absent, max_retries=absent, **options) == batch
    arguments = {"after_id": absent, "before_id": absent, "limit": absent}
    assert calls.listed(**arguments, **options) == [batch.id]
    raw = calls.call(calls.client.messages.batches.with_raw_response.list, **arguments, workspace_id=absent)
    assert raw.url.endswith("/v1/messages/batches")


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_absent_settings_keep_their_defaults(kind: type) -> None:
    """Settings of a client and of a copy take NOT_GIVEN."""
    settings = dict.fromkeys(sorted(claude_batches.Settings.__annotations__), NOT_GIVEN)
    client = kind(**{**settings, "api_key": "key", "max_retries": 7})
    copied = client.copy(**settings)
    assert copied.max_retries == client.max_retries == 7
    assert copied.timeout == client.timeout == kind(api_key="key").timeout
    assert copied.api_key == "key"


def test_omitted_headers_are_not_sent(client: Client) -> None:
    """`omit` as the value of a header removes a header of the client."""
    copied = client.with_options(default_headers={"x-a": "1", "x-b": "2"})
    raw = copied.messages.batches.with_raw_response.list(extra_headers={"X-A": Omit(), "x-b": omit})
    assert {"x-a", "x-b"}.isdisjoint(raw.http_request.headers)
    assert "user-agent" not in client.with_options(default_headers={"User-Agent": Omit()}).default_headers


# ------------------------------------------------------------------------------------------------------------
# Errors


@pytest.mark.parametrize("kind", [claude_batches.BadRequestError, claude_batches.APIStatusError, ValueError])
def test_invalid_batches_are_bad_requests(calls: Calls, sandbox: Sandbox, kind: type[Exception]) -> None:
    """The `except` clauses for a refused batch catch one that was refused before sending."""
    with pytest.raises(kind) as caught:
        calls.create([request("same"), request("same")])
    error: Any = caught.value
    for each in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(each) is InvalidBatchError
        assert (each.status_code, each.type, each.request_id) == (400, "invalid_request_error", None)
        assert each.response.json() == each.body
        assert "same" in each.message
        assert len(each.problems) == each.problem_count == 1
    assert calls.listed() == []


CODED = [
    (status, code, kind.__name__)
    for (status, code), kind in anthropic._error_classes.ERROR_CLASSES.items()
    if code is not None and getattr(anthropic, kind.__name__, None) is kind
]


@pytest.mark.parametrize(("status", "code", "name"), CODED)
def test_error_codes_have_their_classes(status: int, code: str, name: str) -> None:
    """An error with a code is raised as the class that the official package names for it."""
    body = {"type": "error", "error": {"type": "x", "message": "m", "details": {"error_code": code}}}
    http_client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(status, json=body)))
    client = Client(api_key="key", http_client=http_client, max_retries=0)
    kind = getattr(claude_batches, name)
    with pytest.raises(kind) as caught:
        client.messages.batches.retrieve("b")
    assert (caught.value.error_code, type(caught.value).__module__) == (code, "claude_batches")
    assert type(pickle.loads(pickle.dumps(caught.value))) is kind
    official = getattr(anthropic, name)
    assert [each.__name__ for each in official.__mro__[1:4]] == [
        {"RequestTooLargeError": "ContentTooLargeError"}.get(each.__name__, each.__name__)
        for each in kind.__mro__[1:4]
    ]


def test_unknown_codes_are_of_the_status(client: Client) -> None:
    """A code of another status, or an unknown one, gives the class of the status."""
    body = {"error": {"details": {"error_code": "ramp_limit_exceeded"}}}
    http_client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(400, json=body)))
    with pytest.raises(claude_batches.BadRequestError) as caught:
        client.with_options(http_client=http_client).messages.batches.retrieve("b")
    assert type(caught.value) is claude_batches.BadRequestError


# ------------------------------------------------------------------------------------------------------------
# Responses and pages


class Counts(pydantic.BaseModel):
    """A user's own model."""

    processing: int


class Brief(pydantic.BaseModel):
    """A user's own model with another inside."""

    id: str
    request_counts: Counts


class Wrong(pydantic.BaseModel):
    """A user's own model that does not fit."""

    created_at: int


def test_raw_responses_have_the_body_in_every_form(calls: Calls) -> None:
    """A raw response gives bytes, text, JSON, chunks, lines and several types, as often as asked."""
    batch = calls.create(REQUESTS)
    raw = calls.call(calls.client.messages.batches.with_raw_response.retrieve, batch.id)
    body = calls.call(raw.json)
    assert json.loads(calls.call(raw.text)) == json.loads(calls.call(raw.read)) == body
    assert raw.http_response.json() == json.loads(raw.content) == body
    assert b"".join(collected(calls, raw.iter_bytes)) == raw.content
    assert {len(chunk) for chunk in collected(calls, lambda: raw.iter_bytes(10))[:-1]} == {10}
    assert {len(chunk) for chunk in collected(calls, lambda: raw.iter_text(7))[:-1]} == {7}
    assert "".join(collected(calls, raw.iter_lines)) == calls.call(raw.text)
    assert calls.call(raw.parse) == batch
    assert calls.call(raw.parse, to=MessageBatch) == batch
    assert calls.call(raw.parse, to=MessageBatch)._request_id == raw.request_id
    assert calls.call(raw.parse, to=Brief).request_counts.processing == len(REQUESTS)
    assert calls.call(raw.parse, to=dict[str, Any]) == calls.call(raw.parse, to=object) == body
    assert calls.call(raw.parse, to=str).encode() == calls.call(raw.parse, to=bytes) == raw.content
    assert calls.call(raw.parse, to=httpx.Response) is raw.http_response
    assert calls.call(raw.parse, to=bool) is False
    calls.call(raw.close)


@pytest.mark.parametrize(
    ("to", "error"),
    [
        (list, claude_batches.APIResponseValidationError),
        (int, claude_batches.APIResponseValidationError),
        (Wrong, claude_batches.APIResponseValidationError),
        (set, TypeError),
        (Sandbox, TypeError),
    ],
)
def test_other_types_are_refused(calls: Calls, to: type, error: type[Exception]) -> None:
    """A body that is not of the type raises an error of this package, and an impossible type a TypeError."""
    calls.create(REQUESTS)
    raw = calls.call(calls.client.messages.batches.with_raw_response.list)
    with pytest.raises(error):
        calls.call(raw.parse, to=to)


def test_responses_name_their_workspace() -> None:
    """The workspace of a response is on the response, on its model and on its page."""
    headers = {"anthropic-workspace-id": "wrkspc_1", "request-id": "req_1"}

    def answer(sent: httpx.Request) -> httpx.Response:
        page: dict[str, Any] = {"data": [], "has_more": False}
        return httpx.Response(
            200, json=page if sent.url.path.endswith("batches") else {"id": "b"}, headers=headers
        )

    with httpx.Client(transport=httpx.MockTransport(answer)) as http_client:
        batches = Client(api_key="key", http_client=http_client).messages.batches
        assert batches.with_raw_response.retrieve("b").workspace_id == "wrkspc_1"
        assert batches.retrieve("b")._workspace_id == batches.list()._workspace_id == "wrkspc_1"
        assert batches.retrieve("b")._request_id == batches.list()._request_id == "req_1"


def test_streamed_lines_are_text(client: Client, sandbox: Sandbox) -> None:
    """Lines end at line feeds alone, so that each line of a results file is JSON."""
    batch = client.messages.batches.create(
        requests=[request("a", messages=[{"role": "user", "content": "\u2028"}])]
    )
    sandbox.advance(AN_HOUR)
    with client.messages.batches.with_streaming_response.results(batch.id) as response:
        [line] = response.iter_lines()
    assert json.loads(line)["custom_id"] == "a"
    with client.messages.batches.with_streaming_response.results(batch.id) as response:
        assert "".join(response.iter_text()).strip() == line


def test_text_is_split_between_characters() -> None:
    """A character that is cut between two chunks arrives whole."""
    body = json.dumps({"id": "ä€🦊" * 9}, ensure_ascii=False).encode()
    chunks = [body[index : index + 1] for index in range(len(body))]
    for size in (None, 1, 3, 1000):
        decoder = claude_batches._http.views.TextDecoder(size)
        pieces = [piece for chunk in chunks for piece in decoder.feed(chunk)]
        assert "".join([*pieces, *decoder.finish()]) == body.decode()


def test_pages_have_the_methods_of_models(calls: Calls) -> None:
    """A page has `model_dump` and the like, sync and async."""
    batch = calls.create(REQUESTS)
    page = calls.page(limit=1)
    assert page.model_dump()["data"] == [batch.model_dump()]
    assert json.loads(page.model_dump_json()) == json.loads(page.to_json()) == page.to_dict(mode="json")
    assert page.model_fields_set == {"data", "has_more", "first_id", "last_id"}
    assert page.model_extra == {}


def test_result_streams_show_their_response(client: Client, sandbox: Sandbox) -> None:
    """A stream of results has the response of the HTTP library."""
    batch = client.messages.batches.create(requests=REQUESTS)
    sandbox.advance(AN_HOUR)
    with client.messages.batches.results(batch.id) as results:
        assert results.http_response.status_code == results.response.status_code == 200


# ------------------------------------------------------------------------------------------------------------
# Names


def test_types_are_grouped_as_in_the_official_package() -> None:
    """Arguments that are collected in the official types are accepted as they are."""
    arguments: BatchListParams = {"limit": 3}
    assert set(BatchListParams.__annotations__) == set(
        anthropic.types.messages.BatchListParams.__annotations__
    )
    assert arguments["limit"] == 3
    assert claude_batches.types.messages.MessageBatch is MessageBatch


def test_default_clients_have_the_defaults() -> None:
    """`DefaultHttpxClient` keeps the timeouts of this package, which other arguments change."""
    with claude_batches.DefaultHttpxClient() as http_client:
        assert http_client.timeout == claude_batches.DEFAULT_TIMEOUT
        assert Client(api_key="key", http_client=http_client).timeout == Client(api_key="key").timeout
    with claude_batches.DefaultHttpxClient(timeout=3) as http_client:
        assert Client(api_key="key", http_client=http_client).timeout.read == 3
    assert (
        anthropic.DEFAULT_MAX_RETRIES
        == claude_batches.DEFAULT_MAX_RETRIES
        == Client(api_key="key").max_retries
    )
    assert anthropic.DEFAULT_TIMEOUT.as_dict() == claude_batches.DEFAULT_TIMEOUT.as_dict()


def test_imports_stay_light() -> None:
    """Neither the package nor its names for migrated code import an HTTP library or the models."""
    program = (
        "import sys, claude_batches\n"
        "assert not {'httpx', 'httpx2', 'orjson', 'claude_batches_api'} & set(sys.modules)\n"
        "claude_batches.NOT_GIVEN, claude_batches.OrganizationOnHoldError, claude_batches.Anthropic\n"
        "assert not {'httpx', 'httpx2'} & set(sys.modules)\n"
        "claude_batches.types.MessageBatch\n"
        "assert not {'httpx', 'httpx2', 'claude_batches.types.messages'} & set(sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
