"""The official Python client takes the sandbox for the real API, and reads from it what our client reads."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import orjson
import pytest
from claude_batches.sandbox import Fault, Sandbox

from tests.contract.calls import OFFICIAL, OURS, Calls, Kind, calling
from tests.contract.values import differing
from tests.contract.whole_batch import BLOCKS, COUNTS, REQUESTS, TYPES, request

AN_HOUR = 3600


@pytest.fixture(params=OFFICIAL)
def official(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Calls]:
    """The official client, sync and async."""
    with calling(request.param, sandbox.url) as calls:
        yield calls


def test_a_batch_lives_from_creation_to_deletion(sandbox: Sandbox, official: Calls) -> None:
    """A batch with every kind of request is created, followed to its end, read and deleted."""
    batch = official.create(REQUESTS)
    assert (batch.type, batch.processing_status) == ("message_batch", "in_progress")
    assert batch.request_counts.processing == len(REQUESTS)
    assert official.retrieve(batch.id) == batch

    sandbox.advance(AN_HOUR)
    ended = official.retrieve(batch.id)
    assert (ended.id, ended.processing_status) == (batch.id, "ended")
    assert ended.request_counts.to_dict() == COUNTS
    assert batch.created_at < ended.ended_at < ended.expires_at

    results = {line.custom_id: line.result for line in official.results(batch.id)}
    assert {custom_id: result.type for custom_id, result in results.items()} == TYPES
    for custom_id, kinds in BLOCKS.items():
        assert [block.type for block in results[custom_id].message.content] == kinds
    assert results["errored"].error.error.type == "overloaded_error"

    assert official.delete(batch.id).type == "message_batch_deleted"
    assert official.listed() == []


def test_replies_fit_what_was_asked_for(sandbox: Sandbox, official: Calls) -> None:
    """A forced tool gets an input of its schema, a format JSON of its schema, and the limits are obeyed."""
    batch = official.create(REQUESTS)
    sandbox.advance(AN_HOUR)
    results = {line.custom_id: line.result for line in official.results(batch.id)}
    tool = results["tool"].message
    assert (tool.stop_reason, tool.content[0].name) == ("tool_use", "weather")
    assert [type(tool.content[0].input[name]) for name in ("city", "days")] == [str, int]
    structured = orjson.loads(results["structured"].message.content[0].text)
    assert {key: type(value) for key, value in structured.items()} == {"name": str, "tags": list}
    stopped = results["stopped"].message
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "STOP")
    assert results["cut-short"].message.stop_reason == "max_tokens"
    assert results["cut-short"].message.usage.output_tokens == 4
    assert results["refused"].message.stop_reason == "refusal"


def test_lists_go_both_ways_over_pages(official: Calls) -> None:
    """Batches come newest first, page by page, onwards with `after_id` and back with `before_id`."""
    newest_first = [official.create([request(f"r{index}")]).id for index in range(5)][::-1]
    assert official.listed(limit=2) == newest_first
    assert official.listed(limit=2, after_id=newest_first[1]) == newest_first[2:]
    assert sorted(official.listed(limit=2, before_id=newest_first[4])) == sorted(newest_first[:4])
    first = official.page(limit=2)
    assert [batch.id for batch in first.data] == newest_first[:2]
    assert (first.has_more, first.first_id, first.last_id) == (True, *newest_first[:2])
    second = official.next_page(first)
    assert [batch.id for batch in second.data] == newest_first[2:4]
    assert not official.next_page(second).has_next_page()


def test_a_cancel_lets_running_requests_finish(sandbox: Sandbox, official: Calls) -> None:
    """Cancel turns the batch to `canceling`, and in the end some requests have succeeded and some not."""
    batch = official.create([request("quick"), request("late", "[[slow:7200]]")])
    sandbox.advance(65)
    canceling = official.cancel(batch.id)
    assert canceling.processing_status == "canceling"
    assert canceling.cancel_initiated_at > batch.created_at
    sandbox.advance(AN_HOUR)
    assert official.retrieve(batch.id).processing_status == "ended"
    results = {line.custom_id: line.result.type for line in official.results(batch.id)}
    assert results == {"quick": "succeeded", "late": "canceled"}


def test_errors_have_the_classes_that_users_catch(sandbox: Sandbox, official: Calls) -> None:
    """Each refusal arrives as the official exception for it, with a body of its kind and a request id."""
    batch = official.create([request("a")])
    refusals = [
        (anthropic.NotFoundError, "not_found_error", lambda: official.retrieve("msgbatch_none")),
        (anthropic.NotFoundError, "not_found_error", lambda: official.delete("msgbatch_none")),
        (anthropic.NotFoundError, "not_found_error", lambda: official.cancel("msgbatch_none")),
        (anthropic.NotFoundError, "not_found_error", lambda: official.results("msgbatch_none")),
        (anthropic.BadRequestError, "invalid_request_error", lambda: official.delete(batch.id)),
        (anthropic.BadRequestError, "invalid_request_error", lambda: official.create([request("a b")])),
        (anthropic.BadRequestError, "invalid_request_error", lambda: official.create([])),
        (
            anthropic.BadRequestError,
            "invalid_request_error",
            lambda: official.create([request("a"), request("a")]),
        ),
        (anthropic.BadRequestError, "invalid_request_error", lambda: official.page(limit=1001)),
    ]
    for error, kind, act in refusals:
        with pytest.raises(error) as refused:
            act()
        assert refused.value.body["error"]["type"] == kind
        assert refused.value.request_id == refused.value.body["request_id"]
        assert refused.value.request_id.startswith("req_")


def test_results_before_the_end_are_refused(official: Calls) -> None:
    """The official client reports a missing `results_url` in a batch that has not ended."""
    batch = official.create([request("a")])
    with pytest.raises(anthropic.AnthropicError, match="in_progress"):
        official.results(batch.id)


@pytest.mark.parametrize("kind", OFFICIAL)
def test_a_wrong_key_is_refused(sandbox: Sandbox, kind: Kind) -> None:
    """Another key than the sandbox's is an authentication error."""
    with (
        calling(kind, sandbox.url, api_key="another") as stranger,
        pytest.raises(anthropic.AuthenticationError),
    ):
        stranger.page()


def test_raw_responses_carry_headers_and_parse(official: Calls) -> None:
    """`with_raw_response` gives the status, the `request-id` header and the same batch."""
    batch = official.create([request("a")])
    raw = official.call(official.client.messages.batches.with_raw_response.retrieve, batch.id)
    assert (raw.status_code, raw.headers["content-type"]) == (200, "application/json")
    assert raw.headers["request-id"].startswith("req_")
    assert official.call(raw.parse) == batch


def test_an_overloaded_sandbox_is_tried_again(sandbox: Sandbox) -> None:
    """A 529 of the sandbox is one that the official client waits out."""
    with calling("official", sandbox.url, max_retries=1) as official:
        batch = official.create([request("a")])
        sandbox.set_faults([Fault(kind="overloaded", times=1)])
        assert official.retrieve(batch.id) == batch


@pytest.mark.parametrize("kind", OURS)
def test_both_clients_read_the_same_values(sandbox: Sandbox, official: Calls, kind: Kind) -> None:
    """Batches, pages and results of every outcome have equal fields, read from the same sandbox."""
    with calling(kind, sandbox.url) as ours:
        batch = ours.create(REQUESTS)
        assert not differing(batch, official.retrieve(batch.id))
        sandbox.advance(AN_HOUR)
        assert not differing(ours.retrieve(batch.id), official.retrieve(batch.id))
        assert not differing(ours.page(limit=1).data, official.page(limit=1).data)
        mine, theirs = ours.results(batch.id), official.results(batch.id)
        assert {line.custom_id for line in mine} == TYPES.keys()
        assert not differing(mine, theirs)
