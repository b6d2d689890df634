"""The requests of the demo: some of each kind that people send, and a few that must fail in each way there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claude_batches_api.params import MessageCreateParamsNonStreaming, Request

_TOPICS = ("tides", "sourdough", "glaciers", "typesetting", "bees", "canals", "chess clocks", "lighthouses")


def demo_requests(count: int, *, model: str, magic: bool) -> Iterator[Request]:
    """Mixed requests.

    Args:
        count: How many.
        model: The model they ask.
        magic: Whether to add words by which the sandbox makes a request fail, expire, or hold out until it is
            canceled. The real API has no such words.
    """
    for number in range(count):
        kind, params = _params(number, model, magic=magic)
        yield {"custom_id": f"{kind}-{number:05}", "params": params}


def _params(number: int, model: str, *, magic: bool) -> tuple[str, MessageCreateParamsNonStreaming]:
    topic = _TOPICS[number % len(_TOPICS)]
    match number % 50:
        case 7:
            return "refused", _asking(f"Tell me about {topic}.", "a-model-that-is-not-there")
        case 47 if magic:
            return "failed", _asking(f"[[error:overloaded_error]] Tell me about {topic}.", model)
        case 17 if magic:
            return "expires", _asking(f"[[expire]] Tell me all about {topic}.", model)
        case 27 | 37 if magic:
            return "slow", _asking(f"[[slow]] Tell me all about {topic}.", model)
        case _:
            pass
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
