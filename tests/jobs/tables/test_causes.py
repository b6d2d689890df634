"""Causes: each outcome has a cause, and only requests that may succeed are sent again."""

from __future__ import annotations

import pytest
from claude_batches.jobs._causes import Cause, Flood, classify, error_of, follow_up, policy


def errored(kind: str, message: str = "m") -> dict:
    return {"type": "errored", "error": {"type": "error", "error": {"type": kind, "message": message}}}


def succeeded(stop: str | None, **message: object) -> dict:
    return {"type": "succeeded", "message": {"stop_reason": stop, "content": [], **message}}


LOW_CREDIT = (
    "Your credit balance is too low to access the API. Please go to Plans & Billing to purchase credits."
)
RESULTS = [
    (None, "missing"),
    ({"type": "expired"}, "expired"),
    ({"type": "canceled"}, "canceled"),
    (succeeded("end_turn"), "succeeded"),
    (succeeded("tool_use"), "succeeded"),
    (succeeded("a_new_reason"), "succeeded"),
    (succeeded(None), "succeeded"),
    (succeeded("max_tokens"), "max_tokens"),
    (succeeded("pause_turn"), "pause_turn"),
    (succeeded("refusal"), "refusal"),
    (errored("overloaded_error"), "overloaded"),
    (errored("api_error"), "api_error"),
    (errored("rate_limit_error"), "rate_limit"),
    (errored("timeout_error"), "timeout"),
    (errored("billing_error"), "billing"),
    (errored("invalid_request_error", LOW_CREDIT), "billing"),
    (errored("invalid_request_error", "You have reached your specified API usage limits."), "billing"),
    (errored("invalid_request_error", "max_tokens: too large"), "invalid"),
    (errored("not_found_error"), "not_found"),
    (errored("permission_error"), "denied"),
    (errored("authentication_error"), "denied"),
    (errored("an_error_of_next_year"), "unknown"),
    ({"type": "errored", "error": {"type": "api_error", "message": "flat"}}, "api_error"),
    ({"type": "errored"}, "unknown"),
    ({"type": "errored", "error": "text"}, "unknown"),
    ({"type": "succeeded", "message": None}, "unknown"),
    ({"type": "deferred"}, "unknown"),
    ({}, "unknown"),
]


@pytest.mark.parametrize(("result", "cause"), RESULTS)
def test_classify(result: dict | None, cause: str) -> None:
    """Each result has its cause, and broken or newer ones are unknown rather than an exception."""
    assert classify(result) == Cause(cause)


@pytest.mark.parametrize("cause", ["expired", "missing", "overloaded", "api_error", "rate_limit", "timeout"])
def test_retry_up_to_the_limit(cause: str) -> None:
    """Passing causes are tried again until the last attempt."""
    assert [policy(Cause(cause), attempt=n) for n in (1, 2, 3, 4)] == ["retry", "retry", "keep", "keep"]


@pytest.mark.parametrize(
    "cause",
    [
        "succeeded",
        "invalid",
        "not_found",
        "denied",
        "canceled",
        "max_tokens",
        "refusal",
        "unparsable",
        "unknown",
    ],
)
def test_kept_by_default(cause: str) -> None:
    """Final causes are not paid for again unless asked."""
    assert policy(Cause(cause), attempt=1) == "keep"


def test_policy_options() -> None:
    """Each option changes the action of one cause."""
    assert policy(Cause.CANCELED, attempt=1, retry_canceled=True) == "retry"
    assert policy(Cause.UNPARSABLE, attempt=1, retry_unparsable=True) == "retry"
    assert policy(Cause.MAX_TOKENS, attempt=1, on_max_tokens="more") == "retry_more"
    assert policy(Cause.MAX_TOKENS, attempt=3, on_max_tokens="more") == "keep"
    assert policy(Cause.PAUSE_TURN, attempt=9) == "continue"
    assert policy(Cause.PAUSE_TURN, attempt=10) == "keep"
    assert policy(Cause.BILLING, attempt=99) == "pause_job"


def test_every_cause_has_an_action() -> None:
    """Every cause has an action, at every attempt."""
    actions = {policy(cause, attempt=attempt) for cause in Cause for attempt in (1, 99)}
    assert actions == {"keep", "retry", "continue", "pause_job"}


PARAMS = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "q"}]}


def test_more_tokens() -> None:
    """A cut answer goes again with more tokens, up to the model's limit, and the given params stay."""
    assert follow_up("retry_more", PARAMS, succeeded("max_tokens"))["max_tokens"] == 200
    assert follow_up("retry_more", PARAMS, None, factor=1.001)["max_tokens"] == 101
    assert follow_up("retry_more", PARAMS, None, most_tokens=150)["max_tokens"] == 150
    assert PARAMS["max_tokens"] == 100


def test_continued_turn() -> None:
    """A paused turn continues from its content, in its container."""
    content = [{"type": "text", "text": "so far"}]
    params = follow_up("continue", PARAMS, succeeded("pause_turn", content=content, container={"id": "c1"}))
    assert params["messages"] == [*PARAMS["messages"], {"role": "assistant", "content": content}]
    assert params["container"] == "c1"
    assert len(PARAMS["messages"]) == 1


def test_told_error() -> None:
    """An unparsable answer goes again with its error in the conversation."""
    content = [{"type": "text", "text": "{}"}]
    params = follow_up("retry", PARAMS, succeeded("end_turn", content=content), error="field `x` is missing")
    assert [turn["role"] for turn in params["messages"]] == ["user", "assistant", "user"]
    assert "field `x` is missing" in params["messages"][-1]["content"]


def test_flood() -> None:
    """One message over most of a batch is a flood; few or different ones are not."""
    flood = Flood(least=10, share=0.9)
    for number in range(9):
        flood.add(Cause.INVALID, f"request {number} is odd")
    assert flood.message is None
    flood.add(Cause.INVALID, "request 10 is odd")
    assert flood.message == "request # is odd"
    for _ in range(5):
        flood.add(Cause.SUCCEEDED, None)
    assert flood.message is None


def test_error_of() -> None:
    """The type and message of an error are found in both forms."""
    assert error_of(errored("api_error", "x")) == ("api_error", "x")
    assert error_of({"type": "expired"}) == (None, None)
