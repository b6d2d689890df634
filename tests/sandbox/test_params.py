"""The validation of params: by the spec's schemas, by API version, and by the limits of batches."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

import pytest
from claude_batches.sandbox._api_schema import VERSIONS
from claude_batches.sandbox._models import max_output_tokens
from claude_batches.sandbox._validation import check_params
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.contract.samples import samples
from tests.sandbox.calls import BATCHES, Caller, params
from tests.wire import any_json, spec

PARAMS = "MessageCreateParamsNonStreaming"
# An implementation of JSON Schema that the sandbox does not use, on the spec itself.
ORACLE = Draft202012Validator({"$ref": f"#/components/schemas/{PARAMS}", "components": spec()["components"]})
EPHEMERAL = {"type": "ephemeral", "ttl": "1h"}
WEATHER = {
    "name": "weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": True,
}
CITATION = {
    "type": "char_location",
    "cited_text": "a",
    "document_index": 0,
    "document_title": None,
    "start_char_index": 0,
    "end_char_index": 1,
}
DOCUMENT = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "abc"},
    "citations": {"enabled": True},
}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}
VALID: list[dict[str, Any]] = [
    params(),
    params(temperature=0.5, top_p=1, top_k=3),
    params(
        system=[{"type": "text", "text": "Be brief", "cache_control": EPHEMERAL}],
        messages=[{"role": "user", "content": [{"type": "text", "text": "Look"}, PICTURE, DOCUMENT]}],
        metadata={"user_id": "u"},
        service_tier="auto",
        stop_sequences=["END"],
    ),
    params(
        tools=[WEATHER, {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}],
        tool_choice={"type": "tool", "name": "weather"},
        messages=[
            {"role": "user", "content": "Oslo?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain", "is_error": False}
                ],
            },
        ],
    ),
    params(
        max_tokens=4096,
        thinking={"type": "enabled", "budget_tokens": 1024},
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    ),
]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container of a value with each of its keys or indexes."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def mutations(valid: dict[str, Any], random: Random) -> Iterator[dict[str, Any]]:
    """Endless changes of one place each: another type, an unknown kind, a missing key."""
    wrong = ([], {}, 5, -3, 1.5, "", "unheard_of", "a b!", None, True, [5], {"type": "unheard_of"})
    while True:
        changed = deepcopy(valid)
        container, key = random.choice(list(places(changed)))
        if isinstance(container, dict) and random.random() < 0.2:
            del container[key]
        else:
            container[key] = random.choice(wrong)
        yield changed


def test_mutated_requests_are_errored(instant: Caller):
    """Of 1000 requests that the spec forbids at least 990 end as errored, and every valid request succeeds."""
    random = Random(5)
    endless = [mutations(valid, random) for valid in VALID]
    mutated: list[dict[str, Any]] = []
    while len(mutated) < 1000:
        changed = next(random.choice(endless))
        if not ORACLE.is_valid(changed):
            mutated.append(changed)
    batch = instant.create_from(
        [
            *({"custom_id": f"bad-{number}", "params": each} for number, each in enumerate(mutated)),
            *({"custom_id": f"good-{number}", "params": each} for number, each in enumerate(VALID)),
        ]
    )
    results = instant.results(batch["id"])
    assert sum(results[f"bad-{number}"]["type"] == "errored" for number in range(1000)) >= 990
    assert [results[f"good-{number}"]["type"] for number in range(len(VALID))] == ["succeeded"] * len(VALID)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_value_that_the_spec_forbids_passes(data: st.DataObject):
    """Any JSON at any place of a valid request is refused where an independent validator refuses it."""
    changed = deepcopy(data.draw(st.sampled_from(VALID)))
    container, key = data.draw(st.sampled_from(list(places(changed))))
    container[key] = data.draw(any_json())
    if not ORACLE.is_valid(changed):
        refusal = check_params(changed)
        assert refusal is not None
        assert len(refusal.message) < 2000


@pytest.mark.parametrize("instance", samples(PARAMS))
def test_every_variant_of_the_spec_passes_the_schema(instance: dict[str, Any]):
    """A sample with each member of each union is refused for rules beyond the schema only."""
    assert ORACLE.is_valid(instance)
    refusal = check_params({**instance, "speed": None, "model": "claude-opus-5"})
    assert refusal is None or refusal.message.startswith(
        (
            "tools:",
            "tool_choice:",
            "messages:",
            "thinking:",
            "cache_control:",
            "max_tokens:",
            "stop_sequences:",
        )
    ), refusal


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"temperature": "hot"}, "temperature:"),
        ({"top_k": -3}, "top_k:"),
        ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, "messages.0.content.0:"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text:"),
        ({"tools": [{**WEATHER, "name": "a b!"}]}, "tools.0.name:"),
        ({"tools": [{"type": "custom", "name": "x"}]}, "tools.0.input_schema:"),
        ({"max_tokens": 64_001}, "max_tokens: 64001 > 64000"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"max_tokens": 5.0}, "max_tokens:"),
        ({"speed": "standard"}, "speed: not supported in a batch"),
        (
            {"system": [{"type": "text", "text": "x", "cache_control": EPHEMERAL}] * 5},
            "cache_control: A maximum of 4 blocks",
        ),
        (
            {
                "cache_control": EPHEMERAL,
                "tools": [{**WEATHER, "name": f"t{n}", "cache_control": EPHEMERAL} for n in range(4)],
            },
            "cache_control: A maximum of 4 blocks",
        ),
    ],
    ids=str,
)
def test_a_mistake_is_named_with_its_place(changes: dict[str, Any], place: str):
    """Each mistake is refused with a message that begins with its place."""
    refusal = check_params(params(**changes))
    assert refusal is not None
    assert refusal.message.startswith(place)


@pytest.mark.parametrize(
    ("model", "betas", "limit"),
    [
        ("claude-3-haiku-20240307", [], 4_096),
        ("claude-3-5-sonnet-20241022", [], 8_192),
        ("claude-opus-4-20250514", [], 32_000),
        ("claude-opus-4-1-20250805", [], 32_000),
        ("claude-opus-4-5", [], 64_000),
        ("claude-haiku-4-5", ["output-300k-2026-03-24"], 64_000),
        ("claude-opus-5", [], 128_000),
        ("claude-opus-5", ["other", "output-300k-2026-03-24"], 300_000),
    ],
)
def test_the_limit_of_tokens_depends_on_the_model(model: str, betas: list[str], limit: int):
    """Older models generate fewer tokens, and a beta feature raises the limit of large ones."""
    named = frozenset(betas)
    assert max_output_tokens(model, named) == limit
    assert check_params(params(model=model, max_tokens=limit), betas=named) is None
    assert check_params(params(model=model, max_tokens=limit + 1), betas=named) is not None


def user(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": list(blocks)}]}


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"temperature": 1}, True),
        ({"top_p": 0.5}, True),
        ({"top_k": 5}, True),
        (assistant(DOCUMENT), True),
        (user({"type": "text", "text": "a", "citations": [CITATION]}), True),
        (user(DOCUMENT), False),
        (user({"type": "text", "text": "a", "citations": []}), False),
        (assistant({"type": "text", "text": "a", "citations": [CITATION]}), False),
    ],
    ids=str,
)
def test_api_versions_differ(instant: Caller, changes: dict[str, Any], refused: bool):
    """Under 2026-10-21 a request with a dropped param is errored; under 2023-06-01 it succeeds."""
    for version, expected in (
        ("2023-06-01", "succeeded"),
        ("2026-10-21", "errored" if refused else "succeeded"),
    ):
        body = {"requests": [{"custom_id": "only", "params": params(**changes)}]}
        made = instant.http.post(BATCHES, json=body, headers={"anthropic-version": version}).json()
        result = instant.results(made["id"])["only"]
        assert result["type"] == expected, result
        if expected == "errored":
            assert "2026-10-21" in result["error"]["error"]["message"]


def test_the_versions_of_the_spec_are_known():
    """Each API version of `x-refused-since`, at any place of the spec, is one that the sandbox answers to."""
    found: set[str] = set()
    waiting: list[Any] = [spec()["components"]["schemas"]]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found |= value.get("x-refused-since", {}).keys()
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    assert found == {"2026-10-21"}
    assert found <= set(VERSIONS)


@pytest.mark.parametrize("name", ["stream", "betas"])
def test_a_param_that_refuses_the_batch_makes_no_batch(refused_caller: Caller, name: str):
    """`stream` and `betas` are refused at once, with their place."""
    body = {"requests": [{"custom_id": "only", "params": params(**{name: True})}]}
    response = refused_caller.http.post(BATCHES, json=body)
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith(f"requests.0.params.{name}:")


def test_a_refused_param_leaves_others_alone(instant: Caller):
    """`speed` makes its own request errored; `stream: false` and `speed: null` are allowed."""
    batch = instant.create_from(
        [
            {"custom_id": "fast", "params": params(speed="fast")},
            {"custom_id": "fine", "params": params(stream=False) | {"speed": None}},
        ]
    )
    results = instant.results(batch["id"])
    assert (results["fast"]["type"], results["fine"]["type"]) == ("errored", "succeeded")
