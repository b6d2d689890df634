"""Valid and invalid instances of the spec's schemas, by a JSON Schema validator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.spec.document import COMPONENT, Json, batch_operations, operations, resolve, schemas, spec

TURN = {"role": "user", "content": "Hello."}
PARAMS = {"model": "claude-haiku-4-5", "max_tokens": 16, "messages": [TURN]}
SCHEMA_OF_TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False}


def accepts(schema: str, instance: object) -> bool:
    """Return true if an instance is valid under a component."""
    return not _mistakes({"$ref": COMPONENT + schema}, instance)


def _mistakes(schema: Json, instance: object) -> list[str]:
    validator = Draft202012Validator({**schema, "components": spec()["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)]


def _contents(path: str, method: str, operation: Json) -> Iterator[tuple[str, Json]]:
    """Yield the bodies of requests and responses of an operation, each with its place."""
    bodies: dict[str, Json] = {**operation["responses"], "body": operation.get("requestBody", {})}
    for name, body in bodies.items():
        for content in resolve(body).get("content", {}).values():
            yield f"{method} {path} {name}", content


def _examples() -> list[Any]:
    found = {name: (schema, schema["example"]) for name, schema in schemas().items() if "example" in schema}
    for operation in operations():
        for place, content in _contents(*operation):
            if "example" in content and "schema" in content:
                found[place] = (content["schema"], content["example"])
    return [pytest.param(place, *pair, id=place) for place, pair in found.items()]


@pytest.mark.parametrize(("place", "schema", "example"), _examples())
def test_examples_are_valid(place: str, schema: Json, example: object) -> None:
    """Every example is valid under its schema."""
    mistakes = _mistakes(schema, example)
    assert not mistakes, f"correct the example of {place} in spec/openapi.yaml: {mistakes}"


def test_batch_operations_have_examples() -> None:
    """Every request and response body of the batch operations has an example."""
    missing = [
        place
        for operation in batch_operations()
        for place, content in _contents(*operation)
        if "example" not in content
    ]
    assert not missing, f"add an `example` beside the schema of each of these in spec/openapi.yaml: {missing}"


@pytest.mark.parametrize(
    ("custom_id", "valid"),
    [
        ("a", True),
        ("A-z_9", True),
        ("x" * 64, True),
        ("", False),
        ("x" * 65, False),
        ("a b", False),
        ("é", False),
        ("a.b", False),
    ],
)
def test_custom_ids(custom_id: str, valid: bool) -> None:
    """A custom_id is 1 to 64 ASCII letters, digits, hyphens and underscores."""
    assert accepts("Request", {"custom_id": custom_id, "params": PARAMS}) is valid


def test_size_of_a_batch() -> None:
    """A batch has 1 to 100,000 requests."""
    requests = schemas()["BatchCreateParams"]["properties"]["requests"]
    assert (requests["minItems"], requests["maxItems"]) == (1, 100_000)
    assert not accepts("BatchCreateParams", {"requests": []})


def test_size_of_a_page() -> None:
    """A page has 1 to 1000 batches, and 20 by default."""
    [limit] = [
        each["schema"]
        for _, _, operation in batch_operations()
        for each in map(resolve, operation["parameters"])
        if operation["operationId"] == "messages_batches_list" and each["name"] == "limit"
    ]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 1000, 20)


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"model": "claude-of-tomorrow"}, True),
        ({"max_tokens": 1}, True),
        ({"max_tokens": 0}, False),
        ({"temperature": 0.5, "top_p": 1, "top_k": 3}, True),
        ({"temperature": "hot"}, False),
        ({"temperature": 1.5}, False),
        ({"top_p": -0.1}, False),
        ({"top_k": -3}, False),
        ({"stream": False}, True),
        ({"stream": True}, False),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, True),
        ({"thinking": {"type": "enabled", "budget_tokens": 1023}}, False),
        ({"thinking": {"type": "unheard-of"}}, False),
        ({"container": "container_1"}, True),
        ({"container": {"skills": [{"type": "anthropic", "skill_id": "pdf"}]}}, True),
        (
            {
                "system": [
                    {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
                ]
            },
            True,
        ),
        ({"messages": [{"role": "narrator", "content": "Hello."}]}, False),
        ({"a_field_of_tomorrow": 1}, True),
    ],
)
def test_types_and_limits_of_params(change: Json, valid: bool) -> None:
    """The params of a request satisfy their types and limits, and may have unknown fields."""
    assert accepts("MessageCreateParamsNonStreaming", {**PARAMS, **change}) is valid


@pytest.mark.parametrize("missing", ["model", "max_tokens", "messages"])
def test_required_params(missing: str) -> None:
    """A request requires `model`, `max_tokens` and `messages`."""
    assert not accepts(
        "MessageCreateParamsNonStreaming", {key: value for key, value in PARAMS.items() if key != missing}
    )


@pytest.mark.parametrize("kind", [{}, {"type": None}, {"type": "custom"}])
def test_a_tool_without_type_is_custom(kind: Json) -> None:
    """A tool without a type is a custom tool and no other."""
    tool = {**kind, "name": "weather", "input_schema": SCHEMA_OF_TOOL}
    assert accepts("ToolUnionParam", tool)
    assert [name for name in _tools() if accepts(name, tool)] == ["ToolParam"]


def test_an_unknown_tool_is_invalid() -> None:
    """A tool of an unknown type is invalid."""
    assert not accepts(
        "ToolUnionParam", {"type": "weather_2030", "name": "weather", "input_schema": SCHEMA_OF_TOOL}
    )


def test_tool_searches_have_two_types() -> None:
    """Each tool search has a dated and a short type."""
    for kind in ("bm25", "regex"):
        for date in ("", "_20251119"):
            assert accepts(
                "ToolUnionParam",
                {"type": f"tool_search_tool_{kind}{date}", "name": f"tool_search_tool_{kind}"},
            )


def _tools() -> list[str]:
    return [member["$ref"].removeprefix(COMPONENT) for member in schemas()["ToolUnionParam"]["oneOf"]]


def test_a_toolset_refuses_unknown_tools() -> None:
    """A toolset accepts settings of its own tools only."""
    toolset = {"type": "browser_toolset_20260801"}
    assert accepts("ToolUnionParam", {**toolset, "configs": {"type": {"enabled": False}, "zoom": None}})
    assert not accepts("ToolUnionParam", {**toolset, "configs": {"teleport": {"enabled": True}}})


def test_a_response_may_have_unknown_fields() -> None:
    """A batch with an unknown field is valid."""
    batch = {**schemas()["MessageBatch"]["example"], "a_field_of_tomorrow": {"any": "thing"}}
    mistakes = _mistakes({"$ref": COMPONENT + "MessageBatch"}, batch)
    assert not mistakes, f"correct the example of MessageBatch in spec/openapi.yaml: {mistakes}"
