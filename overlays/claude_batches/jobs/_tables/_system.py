"""A system text that all requests share, and its prompt cache."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from inspect import currentframe
from typing import Any, Literal

from ._errors import CachePrefixWarning
from ._json import dumps

__all__ = ["CACHE_PREFIXES", "cached_system", "rough_tokens", "shortest_prefix", "warn_of_short_prefix"]

Ttl = Literal["5m", "1h"]

_PACKAGE = __name__.partition(".")[0]

#: The shortest cacheable prefix in tokens, by the beginning of a model's name. The API has no operation that
#: tells it. A model that is not listed counts with the smallest, so that a warning is never wrong.
CACHE_PREFIXES: dict[str, int] = {
    "claude-haiku-4-5": 4096,
    "claude-3-5-haiku": 2048,
    "claude-3-haiku": 2048,
    "claude-opus-4-6": 4096,
    "claude-opus-4-5": 4096,
    "claude-opus-4-1": 1024,
    "claude-opus-4": 1024,
    "claude-sonnet-4-6": 1024,
    "claude-sonnet-4-5": 1024,
    "claude-sonnet-4": 1024,
}
SMALLEST_PREFIX = 512

#: Characters of Latin scripts in a token, at the generous end: more tokens are estimated than there may be.
_LATIN = 3.5
_OTHER = re.compile(r"[^\x00-\u024f]")


def rough_tokens(text: str) -> int:
    """Return a rough number of tokens, good to about a third.

    Latin scripts take about 3.5 characters a token, other scripts about one.

    Args:
        text: The text.
    """
    others = 0 if text.isascii() else len(_OTHER.findall(text))
    return round((len(text) - others) / _LATIN + others)


def cached_system(text: str, ttl: Ttl = "1h") -> list[dict[str, Any]]:
    """Return a system text as a block that ends a cached prefix.

    An hour is the default, since the requests of a batch run over a long time, in any order.

    Args:
        text: The text.
        ttl: The time to live of the cache.
    """
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}}]


def shortest_prefix(model: str) -> int:
    """Return the shortest cacheable prefix of a model, in tokens.

    Args:
        model: Its name. For a model that is not known it is the smallest of any.
    """
    matching = [name for name in CACHE_PREFIXES if re.match(rf"{re.escape(name)}(?!-\d(?!\d))", model)]
    return CACHE_PREFIXES[max(matching, key=len)] if matching else SMALLEST_PREFIX


def warn_of_short_prefix(model: str, text: str, params: Mapping[str, Any]) -> None:
    """Warn where a cached system text is too short for the model to cache it.

    The warning has the line of the caller of this package.

    Args:
        model: The model.
        text: The system text.
        params: The params; their tools come before the system text in the prefix.
    """
    tools = params.get("tools")
    tokens = rough_tokens(text) + (rough_tokens(dumps(tools).decode()) if tools else 0)
    least = shortest_prefix(model)
    if tokens < least:
        message = (
            f"the system text has about {tokens} tokens, and {model} caches none below {least}: "
            "nothing will be cached. Pass cache=None to leave out cache_control."
        )
        warnings.warn(message, CachePrefixWarning, stacklevel=_callers_level())


def _callers_level() -> int:
    """Return the stacklevel, for the function that calls this one, of the first frame outside of this package.

    Rows are read by generators, so that the number of frames between depends on who reads them.
    """
    level, frame = 0, currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    return level
