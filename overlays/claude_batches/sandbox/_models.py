"""The models of the sandbox: which names exist, and how many tokens each can generate."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["is_known", "max_output_tokens"]

_KNOWN: Final = re.compile(r"claude-(?:\d|instant|haiku|sonnet|opus|fable|mythos)")

# The published limits of older models. A newer model has the last limit: the list cannot know its name.
_LIMITS: Final = (
    (re.compile(r"claude-(?:2|instant|3-(?:opus|sonnet|haiku))"), 4_096),
    (re.compile(r"claude-3-5-"), 8_192),
    (re.compile(r"claude-3-7-"), 128_000),
    (re.compile(r"claude-opus-4(?:-[01]\b|-20|$)"), 32_000),
    (re.compile(r"claude-(?:(?:sonnet|haiku)-4|opus-4-5)"), 64_000),
    (re.compile(""), 128_000),
)
_LONG_OUTPUT: Final = re.compile(r"output-(\d{3})k\b")
_LARGE: Final = 128_000
_LONGEST_NAME: Final = 256


def is_known(model: str) -> bool:
    """Return true for a name in the form of Claude's models."""
    return len(model) <= _LONGEST_NAME and _KNOWN.match(model) is not None


@lru_cache(maxsize=256)
def max_output_tokens(model: str, betas: frozenset[str] = frozenset()) -> int:
    """Return the largest `max_tokens` of a model. A beta feature raises the limit of the larger models."""
    limit = next(limit for pattern, limit in _LIMITS if pattern.match(model))
    if limit == _LARGE:
        longer = [1000 * int(found[1]) for found in map(_LONG_OUTPUT.match, betas) if found]
        return max([limit, *longer])
    return limit
