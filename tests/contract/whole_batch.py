"""A batch with a request for each outcome and for each kind of reply."""

from __future__ import annotations

from typing import Any


def request(custom_id: str, text: str = "Hello", **params: Any) -> dict[str, Any]:
    """Return a request with a text."""
    return {
        "custom_id": custom_id,
        "params": {
            "model": "claude-haiku-4-5",
            "max_tokens": 2048,
            "messages": [{"role": "user", "content": text}],
            **params,
        },
    }


_WEATHER = {
    "name": "weather",
    "description": "Tells the weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    },
}
_FORMAT = {
    "type": "json_schema",
    "schema": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
        "required": ["name", "tags"],
        "additionalProperties": False,
    },
}

REQUESTS: list[dict[str, Any]] = [
    request("text", "Grüße, 世界! A line\u2028separator"),
    request("tool", "Paris", tools=[_WEATHER], tool_choice={"type": "tool", "name": "weather"}),
    request("thinking", "Think", thinking={"type": "enabled", "budget_tokens": 1024}),
    request("structured", "Ada", output_config={"format": _FORMAT}),
    request("stopped", "one STOP two", stop_sequences=["STOP"]),
    request("cut-short", "word " * 20, max_tokens=4),
    request("refused", "[[refuse]]"),
    request(
        "conversation", [{"type": "text", "text": "Blocks"}], system=[{"type": "text", "text": "Be brief"}]
    ),
    request("errored", "[[error:overloaded_error]]"),
    request("invalid", "Nobody", model="no-such-model"),
    request("expired", "[[expire]]"),
    request("canceled", "[[cancel]]"),
]

TYPES = {
    **dict.fromkeys((one["custom_id"] for one in REQUESTS), "succeeded"),
    "errored": "errored",
    "invalid": "errored",
    "expired": "expired",
    "canceled": "canceled",
}
"""The outcome of each of them."""

BLOCKS = {
    "text": ["text"],
    "tool": ["tool_use"],
    "thinking": ["thinking", "text"],
    "structured": ["text"],
    "refused": [],
}
"""The kinds of blocks that some of them are answered with."""

COUNTS = {"processing": 0, "succeeded": 8, "errored": 2, "canceled": 1, "expired": 1}
"""The counts of the batch at its end."""
