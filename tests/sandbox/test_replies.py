"""The replies of the sandbox's model."""

from typing import Any

import orjson
import pytest
from claude_batches.sandbox import ReplyError
from claude_batches.sandbox._replies import reply_to
from claude_batches.sandbox._schemas import example
from claude_batches.sandbox._validation import check_params
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from tests.sandbox.calls import Caller, params, requests, serving
from tests.wire import spec, wire

MESSAGES = Draft202012Validator({"$ref": "#/components/schemas/Message", "components": spec()["components"]})
WEATHER = {
    "name": "weather",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["city"],
    },
}


def message(result: dict[str, Any]) -> dict[str, Any]:
    assert result["type"] == "succeeded", result
    found: dict[str, Any] = result["message"]
    return found


def test_the_reply_echoes_the_last_user_message(instant: Caller):
    """The text, the model and the usage are those of the request."""
    turns = [
        {"role": "user", "content": "First"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": [{"type": "text", "text": "Second, with ünïcödé"}]},
    ]
    made = message(instant.answer(messages=turns))
    assert made["content"] == [{"type": "text", "text": "You said: Second, with ünïcödé", "citations": None}]
    assert (made["role"], made["model"], made["stop_reason"]) == ("assistant", "claude-haiku-4-5", "end_turn")
    assert made["usage"]["service_tier"] == "batch"
    assert made["usage"]["input_tokens"] > 10
    assert made["usage"]["output_tokens"] == 8


def test_results_have_a_fixed_other_order(instant: Caller):
    """The order is not that of the requests, and always the same."""
    batch = instant.create(*map(str, range(600)))
    url = instant.retrieve(batch["id"])["results_url"]
    first = instant.http.get(url).content
    order = [orjson.loads(line)["custom_id"] for line in first.splitlines()]
    assert order != [f"r{number}" for number in range(600)]
    assert sorted(order) == sorted(f"r{number}" for number in range(600))
    assert instant.http.get(url).content == first


@pytest.mark.parametrize("choice", [{"type": "tool", "name": "weather"}, {"type": "any"}])
def test_a_forced_tool_is_called(instant: Caller, choice):
    """Its input is valid under its schema."""
    made = message(instant.answer(text="Oslo", tools=[WEATHER], tool_choice=choice))
    (block,) = made["content"]
    assert (made["stop_reason"], block["type"], block["name"]) == ("tool_use", "tool_use", "weather")
    assert block["input"] == {"city": "Oslo", "days": 1}
    assert block["id"].startswith("toolu_")


def test_a_word_makes_the_reply_call_a_tool(instant: Caller):
    """Without the word the reply is text."""
    assert message(instant.answer(text="Oslo", tools=[WEATHER]))["stop_reason"] == "end_turn"
    assert message(instant.answer(text="[[tool:weather]]", tools=[WEATHER]))["stop_reason"] == "tool_use"


@pytest.mark.parametrize("thinking", [{"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}])
def test_thinking_comes_first_and_is_counted(instant: Caller, thinking):
    """The block precedes the text, and its tokens are in the usage."""
    made = message(instant.answer(max_tokens=2048, thinking=thinking))
    assert [block["type"] for block in made["content"]] == ["thinking", "text"]
    assert made["content"][0]["thinking"]
    assert made["content"][0]["signature"]
    assert 0 < made["usage"]["output_tokens_details"]["thinking_tokens"] < made["usage"]["output_tokens"]


def test_omitted_thinking_keeps_its_signature(instant: Caller):
    """The text of the block is empty."""
    made = message(instant.answer(thinking={"type": "adaptive", "display": "omitted"}))
    assert made["content"][0]["thinking"] == ""
    assert made["content"][0]["signature"]


def test_structured_output_is_valid(instant: Caller):
    """The text is JSON that is valid under the schema."""
    schema = {
        "type": "object",
        "properties": {"label": {"enum": ["spam", "ham"]}, "why": {"type": "string"}},
        "required": ["label", "why"],
        "additionalProperties": False,
    }
    config = {"format": {"type": "json_schema", "schema": schema}}
    made = message(instant.answer(text="Buy now", output_config=config))
    assert orjson.loads(made["content"][0]["text"]) == {"label": "spam", "why": "Buy now"}


def test_a_stop_sequence_ends_the_reply(instant: Caller):
    """The first sequence in the text decides."""
    made = message(instant.answer(text="one two three", stop_sequences=["three", "two"]))
    assert made["content"][0]["text"] == "You said: one "
    assert (made["stop_reason"], made["stop_sequence"]) == ("stop_sequence", "two")


def test_max_tokens_cuts_the_reply(instant: Caller):
    """The text has four characters for each token."""
    made = message(instant.answer(text="a" * 500, max_tokens=5))
    assert len(made["content"][0]["text"]) == 20
    assert (made["stop_reason"], made["usage"]["output_tokens"]) == ("max_tokens", 5)


@pytest.mark.parametrize(
    ("changes", "kind", "place"),
    [
        ({"model": "claude-nope"}, "not_found_error", "model: claude-nope"),
        ({"model": None}, "invalid_request_error", "model"),
        ({"max_tokens": None}, "invalid_request_error", "max_tokens"),
        ({"max_tokens": 0}, "invalid_request_error", "max_tokens"),
        ({"max_tokens": "5"}, "invalid_request_error", "max_tokens"),
        ({"messages": None}, "invalid_request_error", "messages"),
        ({"messages": []}, "invalid_request_error", "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "invalid_request_error", "messages"),
        ({"messages": [{"role": "user", "content": ""}]}, "invalid_request_error", "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "invalid_request_error", "messages.0.content.0"),
        ({"tool_choice": {"type": "any"}}, "invalid_request_error", "tool_choice"),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "x"}},
            "invalid_request_error",
            "tool_choice",
        ),
        ({"tools": [WEATHER, WEATHER]}, "invalid_request_error", "tools"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "invalid_request_error", "thinking"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "invalid_request_error", "max_tokens"),
        (
            {"tools": [{"name": "x", "input_schema": {"$ref": "#"}}]},
            "invalid_request_error",
            "tools.0.input_schema",
        ),
        (
            {"tools": [{"name": "x", "input_schema": {"minItems": 1e9, "type": "array"}}]},
            "invalid_request_error",
            "tools",
        ),
        (
            {"tools": [{"name": "x", "input_schema": {"anyOf": 5}}]},
            "invalid_request_error",
            "tools.0.input_schema",
        ),
        ({"stop_sequences": [" "]}, "invalid_request_error", "stop_sequences"),
        (
            {"output_config": {"format": {"type": "xml"}}},
            "invalid_request_error",
            "output_config.format.type",
        ),
    ],
)
def test_bad_params_error_their_request_alone(instant: Caller, changes, kind, place):
    """The error names the place, and the other request succeeds."""
    batch = instant.create_from([*requests("fine"), {"custom_id": "bad", "params": params(**changes)}])
    results = instant.results(batch["id"])
    assert results["r0"]["type"] == "succeeded"
    assert results["bad"]["type"] == "errored"
    error = results["bad"]["error"]
    assert (error["type"], error["error"]["type"]) == ("error", kind)
    assert error["error"]["message"].startswith(place)
    assert error["request_id"].startswith("req_")


def test_words_steer_every_outcome(instant: Caller):
    """Each word in double brackets has its outcome and its count."""
    batch = instant.create("[[error:overloaded_error]]", "[[expire]]", "[[cancel]]", "[[refuse]]", "fine")
    results = instant.results(batch["id"])
    assert [results[f"r{n}"]["type"] for n in range(5)] == [
        *("errored", "expired", "canceled"),
        *("succeeded", "succeeded"),
    ]
    assert results["r0"]["error"]["error"]["type"] == "overloaded_error"
    assert results["r3"]["message"]["stop_reason"] == "refusal"
    assert instant.retrieve(batch["id"])["request_counts"] == {
        "processing": 0,
        "succeeded": 2,
        "errored": 1,
        "canceled": 1,
        "expired": 1,
    }


def test_a_reply_function_answers_once():
    """Its replies and errors become results, and it is called once for each request."""
    asked: list[str] = []

    def reply(request: dict[str, Any]) -> str | dict[str, Any] | None:
        asked.append(request["custom_id"])
        match request["custom_id"]:
            case "r0":
                return "My own words"
            case "r1":
                return {
                    "content": [{"type": "text", "text": "x", "citations": None}],
                    "stop_reason": "pause_turn",
                }
            case "r2":
                raise ReplyError("overloaded_error", "Too busy")
            case "r3":
                raise KeyError("oops")
        return None

    with serving(instant=True, reply=reply) as caller:
        batch = caller.create("a", "b", "c", "d", "e", "[[error:api_error]]")
        results = caller.results(batch["id"])
        assert caller.results(batch["id"]) == results
        counts = caller.retrieve(batch["id"])["request_counts"]
    assert sorted(asked) == ["r0", "r1", "r2", "r3", "r4"]
    assert message(results["r0"])["content"][0]["text"] == "My own words"
    assert message(results["r1"])["stop_reason"] == "pause_turn"
    assert results["r2"]["error"]["error"] == {"type": "overloaded_error", "message": "Too busy"}
    assert "KeyError" in results["r3"]["error"]["error"]["message"]
    assert message(results["r4"])["content"][0]["text"] == "You said: e"
    assert (counts["succeeded"], counts["errored"]) == (3, 3)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (True, "text"),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "maximum": -2}, -2),
        ({"type": "integer", "multipleOf": 7, "minimum": 8}, 14),
        ({"type": "number", "minimum": 0, "maximum": 1}, 0.5),
        ({"type": ["null", "boolean"]}, True),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "minLength": 6}, "text.."),
        ({"type": "string", "format": "date"}, "2026-01-02"),
        ({"type": "string", "pattern": r"^[A-Z]{3}-\d+$"}, "ABC-123"),
        ({"type": "array", "items": {"const": 1}, "minItems": 3}, [1, 1, 1]),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        (
            {"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]},
            {"a": 1, "b": 2},
        ),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"enum": ["y"]}}}, "y"),
    ],
)
def test_an_example_fits_its_schema(schema, value):
    """The example of each schema is as expected."""
    assert example(schema, "text") == value


def test_a_recursive_schema_has_an_example():
    """The example of a recursive schema is finite."""
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#"}, "name": {"type": "string"}},
        "required": ["name"],
    }
    made = example(node, "text")
    assert made["next"]["next"]["name"] == "text"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(wire("MessageCreateParamsNonStreaming"))
def test_replies_match_the_spec(params):
    """The reply to any valid params is valid under the spec."""
    params |= {"model": "claude-haiku-4-5", "max_tokens": 5000}
    params["messages"] = [{"role": "user", "content": "Hello"}, *params["messages"]]
    if check_params(params) is None:
        MESSAGES.validate(reply_to(params, "a request"))
