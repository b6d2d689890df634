"""Requests of the demos: texts, tools and JSON, and a few that the API refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claude_batches_api.params import MessageCreateParamsNonStreaming, Request

_TOPICS = ("tides", "sourdough", "glaciers", "typesetting", "bees", "canals", "chess clocks", "lighthouses")


def demo_requests(count: int, *, model: str) -> Iterator[Request]:
    """Yield mixed requests.

    Args:
        count: Their number.
        model: Their model.
    """
    for number in range(count):
        kind, params = _params(number, model)
        yield {"custom_id": f"{kind}-{number:05}", "params": params}


def _params(number: int, model: str) -> tuple[str, MessageCreateParamsNonStreaming]:
    topic = _TOPICS[number % len(_TOPICS)]
    if number % 100 == 7:
        return "unknown-model", _asking(f"Tell me about {topic}.", "a-model-that-does-not-exist")
    match number % 5:
        case 0:
            return "tool", {
                **_asking(f"What is the weather for {topic}?", model),
                "tools": [
                    {
                        "name": "get_weather",
                        "description": "Look up the weather of a place.",
                        "input_schema": {
                            "type": "object",
                            "properties": {"place": {"type": "string"}, "days": {"type": "integer"}},
                            "required": ["place"],
                        },
                    }
                ],
                "tool_choice": {"type": "tool", "name": "get_weather"},
            }
        case 1:
            schema = {
                "type": "object",
                "properties": {"title": {"type": "string"}, "score": {"type": "integer"}},
                "required": ["title", "score"],
                "additionalProperties": False,
            }
            return "json", {
                **_asking(f"Rate an article about {topic}.", model),
                "output_config": {"format": {"type": "json_schema", "schema": schema}},
            }
        case _:
            return "text", _asking(f"Write one sentence about {topic}.", model)


def _asking(question: str, model: str) -> MessageCreateParamsNonStreaming:
    return {"model": model, "max_tokens": 200, "messages": [{"role": "user", "content": question}]}
