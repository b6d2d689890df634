"""Requests of our client and responses of the sandbox match the spec, in every operation and variant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
from claude_batches import BadRequestError, ClaudeBatchesError
from claude_batches.sandbox import Fault, Sandbox

from tests.contract.calls import KEY, OURS, Calls, Kind, calling
from tests.contract.promises import allows, batch_operations, broken_promises, operation_of
from tests.contract.recorder import Exchange, Recorder
from tests.contract.samples import Sampler, batch_samples, members, samples
from tests.contract.values import differing
from tests.contract.whole_batch import REQUESTS, TYPES, request
from tests.wire import schemas

AN_HOUR = 3600
COMPONENT = "#/components/schemas/"
VALIDATION = "overlays/claude_batches/sandbox/_validation.py"
PARAMS = "MessageCreateParamsNonStreaming"
FIELDS = [field for field in schemas()[PARAMS]["properties"] if field != "stream"]  # that refuses the batch
GREETING = {"role": "user", "content": "Hello"}
OPERATIONS = {operation["operationId"] for _, _, operation in batch_operations()}


@pytest.fixture
def recorder(sandbox: Sandbox) -> Iterator[Recorder]:
    """A proxy in front of the sandbox. At its end, everything that went through it is as the spec says."""
    with Recorder(sandbox.url) as running:
        yield running
    assert running.exchanges
    assert_kept(running.exchanges)


def assert_kept(exchanges: list[Exchange]) -> None:
    """Fail where a call of ours, or an answer of the sandbox, is not as the spec says."""
    broken = sorted({broken for exchange in exchanges for broken in broken_promises(exchange)})
    assert not broken, (
        "the client or the sandbox (overlays/claude_batches, .../sandbox) must do what spec/openapi.yaml says: "
        f"{broken}"
    )


@pytest.fixture(params=OURS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Our client, sync and async."""
    chosen: Kind = request.param
    return chosen


def last(recorder: Recorder) -> Exchange:
    return recorder.exchanges[-1]


@pytest.mark.parametrize("credentials", [{"api_key": KEY}, {"api_key": None, "auth_token": KEY}], ids=str)
def test_the_life_of_a_batch(
    sandbox: Sandbox, recorder: Recorder, kind: Kind, credentials: dict[str, Any]
) -> None:
    """Every operation on batches is called with each kind of credentials; results have every outcome."""
    with calling(kind, recorder.url, **credentials) as client:
        batch = client.create(REQUESTS)
        client.retrieve(batch.id)
        client.cancel(client.create([request("a")]).id)
        client.listed(limit=1)
        client.page(limit=1, before_id=batch.id)
        sandbox.advance(AN_HOUR)
        client.retrieve(batch.id)
        assert {line.result.type for line in client.results(batch.id)} == set(TYPES.values())
        client.delete(batch.id)
    uncalled = OPERATIONS - {operation_of(exchange) for exchange in recorder.exchanges}
    assert not uncalled, f"call these in test_the_life_of_a_batch of tests/contract/test_spec.py: {uncalled}"


def test_arguments_that_are_headers(recorder: Recorder, kind: Kind) -> None:
    """The arguments that travel as headers reach the server under the names that the spec gives them."""
    with calling(kind, recorder.url) as client:
        batch = client.create([request("a")], user_profile_id="uprof_1", workspace_id="wrkspc_1")
        assert last(recorder).request_headers["anthropic-user-profile-id"] == "uprof_1"
        for act in (client.retrieve, client.cancel):
            act(batch.id, workspace_id="wrkspc_1")
            assert last(recorder).request_headers["anthropic-workspace-id"] == "wrkspc_1"


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (None, 404),
        (Fault(kind="failed"), 500),
        (Fault(kind="overloaded"), 529),
        (Fault(kind="rate_limited", seconds=7), 429),
    ],
    ids=["not found", "failed", "overloaded", "rate limited"],
)
def test_each_operation_failing(
    sandbox: Sandbox, recorder: Recorder, kind: Kind, fault: Fault | None, status: int
) -> None:
    """Errors of every operation have the documented form, those that a user causes and those he doesn't."""
    sandbox.set_faults(None if fault is None else [fault])
    with calling(kind, recorder.url) as client:
        calls = [
            lambda: client.retrieve("msgbatch_none"),
            lambda: client.cancel("msgbatch_none"),
            lambda: client.delete("msgbatch_none"),
            lambda: client.results("msgbatch_none"),
        ]
        if fault is not None:
            calls += [client.page, lambda: client.create([request("a")])]
        for call in calls:
            with pytest.raises(ClaudeBatchesError):
                call()
            assert last(recorder).status == status


def test_counting_tokens(recorder: Recorder, kind: Kind) -> None:
    """Counting tokens is a call as the spec says, and both clients read the same number."""
    asked = {"model": "claude-haiku-4-5", "messages": [GREETING], "system": "Be brief"}
    with calling(kind, recorder.url) as ours, calling("official", recorder.url) as official:
        count = ours.call(ours.client.messages.count_tokens, **asked, workspace_id="wrkspc_1")
        assert last(recorder).headers["anthropic-workspace-id"] == "wrkspc_1"
        assert (
            count.input_tokens == official.call(official.client.messages.count_tokens, **asked).input_tokens
        )


def test_a_refused_key(recorder: Recorder, kind: Kind) -> None:
    """A wrong key is answered with 401, in the form of every error."""
    with calling(kind, recorder.url, api_key="another") as client, pytest.raises(ClaudeBatchesError):
        client.page()
    assert last(recorder).status == 401


def test_each_variant_of_a_request(recorder: Recorder) -> None:
    """Requests with every member of every union, all fields filled, arrive unchanged, and are taken."""
    requests = [
        {"custom_id": f"sample-{index}", "params": params} for index, params in enumerate(batch_samples())
    ]
    with calling("ours", recorder.url) as client:
        accepted(client, requests)
    assert orjson.loads(last(recorder).request_body) == {"requests": requests}


@pytest.mark.parametrize("name", [PARAMS, "Message"])
def test_samples_leave_nothing_out(name: str) -> None:
    """The samples that these tests send and answer with come by every component that can be reached."""
    sampler = Sampler()
    for _ in samples(name):
        sampler.of({"$ref": COMPONENT + name})
    assert sampler.components == reachable(name)


def reachable(name: str) -> set[str]:
    """The names of the components that a component refers to, however far, with its own."""
    found: set[str] = set()
    waiting: list[Any] = [{"$ref": COMPONENT + name}]
    while waiting:
        match waiting.pop():
            case {"$ref": str(reference)} if (other := reference.removeprefix(COMPONENT)) not in found:
                found.add(other)
                waiting.append(schemas()[other])
            case {**fields}:
                waiting += [value for key, value in fields.items() if key not in ("discriminator", "example")]
            case [*items]:
                waiting += items
    return found


def accepted(client: Calls, requests: list[dict[str, Any]]) -> Any:
    """Create a batch of requests that the sandbox must accept."""
    try:
        return client.create(requests)
    except BadRequestError as refused:
        pytest.fail(
            "the spec has a field that the sandbox refuses: run `python spec/request_schemas.py`, and commit the "
            f"result: {refused.message}",
            pytrace=False,
        )


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str]:
    """Return the outcomes of requests with one invalid field, by the name of that field."""
    wrong = [
        request(field, **{field: value})
        for field in FIELDS
        for value in [value for value in (5.5, "?", {}) if not allows(PARAMS, field, value)][:1]
    ]
    with Sandbox(instant=True) as sandbox, calling("ours", sandbox.url) as client:
        # Not by our client, which refuses most of them before the upload.
        headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
        response = httpx.post(f"{sandbox.url}/v1/messages/batches", json={"requests": wrong}, headers=headers)
        assert response.status_code == 200, response.text
        return {line.custom_id: line.result.type for line in client.results(response.json()["id"])}


@pytest.mark.parametrize("field", FIELDS)
def test_what_the_spec_forbids_ends_as_errored(outcomes: dict[str, str], field: str) -> None:
    """A request with an invalid field is errored, and the others succeed."""
    # A field that accepts any value has no invalid request.
    assert outcomes.get(field, "errored") == "errored", f"check `{field}` in {VALIDATION}"


def variant(request: dict[str, Any]) -> dict[str, Any]:
    """A reply with all that a message may have."""
    message: dict[str, Any] = samples("Message")[int(request["custom_id"].removeprefix("sample-"))]
    return message


@pytest.fixture(scope="module")
def variants() -> Iterator[tuple[Sandbox, str]]:
    """A sandbox, and a batch in it whose results have every variant of a message."""
    with Sandbox(instant=True, reply=variant) as sandbox, calling("ours", sandbox.url) as client:
        requests = [request(f"sample-{index}") for index, _ in enumerate(samples("Message"))]
        yield sandbox, client.create(requests).id


def test_each_variant_of_a_reply(variants: tuple[Sandbox, str], kind: Kind) -> None:
    """Messages with every block and every union inside come as the spec says, and nothing of them is lost."""
    sandbox, batch_id = variants
    with Recorder(sandbox.url) as recorder, calling(kind, recorder.url) as client:
        lines = client.results(batch_id)
        assert_kept([last(recorder)])
    assert [line.to_dict() for line in lines] == [
        orjson.loads(text) for text in last(recorder).body.splitlines()
    ]
    found = {block.type for line in lines for block in line.result.message.content}
    assert len(found) == len(members("ContentBlock"))


def test_each_variant_of_a_reply_reads_as_officially(variants: tuple[Sandbox, str], kind: Kind) -> None:
    """Every block of a message has the same values read by us and by the official client."""
    sandbox, batch_id = variants
    with calling(kind, sandbox.url) as ours, calling("official", sandbox.url) as official:
        assert differing(ours.results(batch_id), official.results(batch_id)) == []


@pytest.mark.parametrize("block", members("ContentBlock"))
def test_what_was_received_can_be_sent(variants: tuple[Sandbox, str], block: str) -> None:
    """Blocks of a reply, sent back unchanged, make a valid request."""
    sandbox, batch_id = variants
    kind = schemas()[block]["properties"]["type"]["const"]
    with Recorder(sandbox.url) as recorder, calling("ours", recorder.url) as client:
        received = [
            [one for one in line.result.message.content if one.type == kind]
            for line in client.results(batch_id)
        ]
        client.create(
            [
                request(f"line-{number}", messages=[GREETING, {"role": "assistant", "content": blocks}])
                for number, blocks in enumerate(received)
            ]
        )
        sent = orjson.loads(last(recorder).request_body)["requests"]
        assert [one["params"]["messages"][1]["content"] for one in sent] == [
            [one.to_dict() for one in blocks] for blocks in received
        ]
        assert_kept([last(recorder)])


@pytest.mark.parametrize(
    "change",
    [
        {"target": "/v1/messages/batches?limit=0"},
        {"target": "/v1/messages/batches?page=2"},
        {"request_headers": {"x-api-key": KEY}},
        {"request_headers": {"anthropic-version": "2023-06-01"}},
        {"request_body": b"{}"},
        {"status": 302},
        {"headers": {"content-type": "text/html", "request-id": "req_1"}},
        {"headers": {"content-type": "application/json"}},
        {"body": b'{"data": [], "has_more": false, "first_id": null}'},
        {"body": b'{"data": [], "has_more": false, "first_id": null, "last_id": null, "more": 1}'},
    ],
    ids=str,
)
def test_a_broken_promise_is_found(change: dict[str, Any]) -> None:
    """Each way to stray from the spec is noticed, once, in an exchange that is good otherwise."""
    good = Exchange(
        method="GET",
        target="/v1/messages/batches?limit=2",
        request_headers={"x-api-key": KEY, "anthropic-version": "2023-06-01"},
        request_body=b"",
        status=200,
        headers={"content-type": "application/json", "request-id": "req_1"},
        body=b'{"data": [], "has_more": false, "first_id": null, "last_id": null}',
    )
    assert broken_promises(good) == []
    assert len(broken_promises(replace(good, **change))) == 1
