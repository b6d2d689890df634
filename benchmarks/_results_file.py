"""Results as the API sends them, about 1.35 KB a line; the same each time."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson

WORDS = """
the a of to and in is that for with as on by this from or which can when not all one their more than
first then batch request result model answer question table value because between system simple
large small often always given known found used made taken shown order number language sentence
paragraph
""".split()  # noqa: SIM905 -- read more easily than as a list


def write_results(path: Path, count: int) -> int:
    """Write a results file of so many lines, and give its size."""
    # A thousand different lines with new ids: making each afresh would take longer than reading them.
    templates = [orjson.dumps(_result(random.Random(seed))) for seed in range(1000)]
    with path.open("wb") as file:
        for number in range(count):
            file.write(templates[number * 7919 % 1000].replace(b"@@@@@@@@", b"%08d" % number) + b"\n")
        return file.tell()


def _result(rng: random.Random) -> dict[str, Any]:
    kind = rng.random()
    result: dict[str, Any]
    if kind < 0.03:
        error = {"type": "overloaded_error", "message": _text(rng, 12)}
        body = {"type": "error", "error": error, "request_id": "req_@@@@@@@@"}
        result = {"type": "errored", "error": body}
    elif kind < 0.04:
        result = {"type": "expired"}
    else:
        result = {"type": "succeeded", "message": _message(rng)}
    return {"custom_id": "request-@@@@@@@@", "result": result}


def _message(rng: random.Random) -> dict[str, Any]:
    kind = rng.random()
    content: list[dict[str, Any]]
    stop_reason = "end_turn"
    if kind < 0.7:
        content = [{"type": "text", "text": _text(rng, rng.randrange(50, 270))}]
    elif kind < 0.9:
        stop_reason = "tool_use"
        tool_input = {
            "query": _text(rng, 20),
            "limit": 10,
            "filters": {"tags": _text(rng, 30).split(), "exact": True},
        }
        tool = {"type": "tool_use", "id": "toolu_@@@@@@@@", "name": "search", "input": tool_input}
        content = [{"type": "text", "text": _text(rng, rng.randrange(10, 120))}, tool]
    else:
        thinking = {"type": "thinking", "thinking": _text(rng, 90), "signature": "s" * 64}
        content = [thinking, {"type": "text", "text": _text(rng, rng.randrange(20, 150))}]
    return {
        "id": "msg_@@@@@@@@",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": rng.randrange(20, 4000),
            "cache_creation_input_tokens": rng.randrange(3000),
            "cache_read_input_tokens": rng.randrange(3000),
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": rng.randrange(20, 900),
            "service_tier": "batch",
        },
    }


def _text(rng: random.Random, words: int) -> str:
    text = " ".join(rng.choices(WORDS, k=words))
    return text + rng.choice([".", "\n\nIn short: yes.", ' It is called "x".', " – naïve, but it works 🙂"])
