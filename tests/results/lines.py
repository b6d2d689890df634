"""Results files for tests."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import orjson

from tests.support.results import file_of

__all__ = ["file_of", "lines_of", "reordered", "result", "short", "some_lines"]


def result(custom_id: str, text: str = "hello") -> dict[str, Any]:
    """Return a succeeded result as the API writes it."""
    return {
        "custom_id": custom_id,
        "result": {
            "type": "succeeded",
            "message": {
                "id": f"msg_{custom_id}",
                "type": "message",
                "role": "assistant",
                "model": "claude-test",
                "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 3, "output_tokens": 5, "service_tier": "batch"},
            },
        },
    }


def short(custom_id: str) -> dict[str, Any]:
    """Return the shortest result."""
    return {"custom_id": custom_id, "result": {"type": "canceled"}}


def lines_of(results: Iterable[dict[str, Any]]) -> list[bytes]:
    """Return a line for each result, without line breaks."""
    return [orjson.dumps(item) for item in results]


def some_lines(count: int, seed: int = 0, longest: int = 2000) -> list[bytes]:
    """Return lines of different lengths, the same for the same seed."""
    rng = random.Random(seed)
    alphabet = 'abc é ü 漢 "quoted" \\ \u2028 \u0085 \n 😀 '
    return lines_of(
        result(f"r-{number}", "".join(rng.choices(alphabet, k=rng.randrange(longest))))
        for number in range(count)
    )


def reordered(lines: list[bytes], seed: int = 1) -> list[bytes]:
    """Return the same lines in another order."""
    return random.Random(seed).sample(lines, len(lines))
