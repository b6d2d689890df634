"""Rough numbers of tokens, and the most that a request can cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..._errors import ClaudeBatchesError
from .._tables._shapes import is_array, is_mapping, is_sequence, object_of
from .._tables._system import rough_tokens
from ._prices import Prices

__all__ = ["ParamError", "most_cost", "rough_input"]

#: An image at the size that the API scales larger ones down to.
IMAGE_TOKENS = 1600
#: Bytes of a PDF in a token, for text pages with few pictures.
PDF_BYTES = 20
#: Tokens of a turn's or tool's frame.
FRAME_TOKENS = 6
#: The margin over rough numbers for limits.
MARGIN = 1.5


class ParamError(ClaudeBatchesError, ValueError):
    """A param that decides over the cost of a request, and is not a number."""

    def __init__(self, path: str, value: object) -> None:
        self.path = path
        self.problem = f"{value!r:.60} is not a number of tokens or calls from 0"
        super().__init__(f"{path}: {self.problem}")


_PARTS = ("system", "messages", "tools", "output_config")


def rough_input(params: Mapping[str, Any]) -> int:
    """Return a rough number of the input tokens of a request, good to about a third.

    Args:
        params: Its params.
    """
    return sum(_rough(params[part]) for part in _PARTS if part in params)


def _rough(value: Any) -> int:
    if isinstance(value, str):
        return rough_tokens(value)
    if is_mapping(value):
        source = value.get("source")
        if is_mapping(source) and value.get("type") in ("image", "document"):
            return _media(value, source)
        # The names of keys count for schemas, where they are the content.
        return FRAME_TOKENS + sum(_rough(item) + len(name) // 8 for name, item in value.items())
    if is_sequence(value):
        return sum(map(_rough, value))
    return 1


def _media(block: Mapping[str, Any], source: Mapping[str, Any]) -> int:
    data = source.get("data")
    if block["type"] == "image":
        return IMAGE_TOKENS
    if source.get("type") == "base64" and isinstance(data, str):
        return max(len(data) * 3 // 4 // PDF_BYTES, IMAGE_TOKENS)
    return _rough(source.get("content") or data or "") or IMAGE_TOKENS


def most_cost(params: Mapping[str, Any], prices: Prices, *, margin: float = MARGIN) -> Decimal | None:
    """Return the most that a request in a batch can cost, `None` if it is unpriced.

    All `max_tokens` are counted, and the input at its highest price: written to the cache, if the request has
    it. Input that server tools bring in isn't foreseeable, nor are searches without `max_uses`.

    Args:
        params: Its params.
        prices: The prices.
        margin: The margin over the rough number of input tokens.

    Raises:
        ParamError: A limit in the params is not a number, so that nothing bounds the cost.
    """
    model = params.get("model")
    if not isinstance(model, str):
        return None
    tokens = round(rough_input(params) * margin)
    rates = prices.rates(model, whole_input=tokens)
    if rates is None:
        return None
    written = rates.cost({_dearest(params): tokens}) if tokens else Decimal(0)
    rest = rates.cost(
        {
            "output_tokens": _number("max_tokens", params.get("max_tokens")),
            "web_searches": _searches(params),
        }
    )
    return None if written is None or rest is None else written + rest


def _dearest(params: Mapping[str, Any]) -> str:
    times = _times(params, 0)
    return "cache_write_1h_tokens" if "1h" in times else "cache_write_5m_tokens" if times else "input_tokens"


def _times(value: Any, depth: int) -> set[str]:
    """Return the times to live of every `cache_control` in params."""
    if is_mapping(value):
        found: set[str] = set()
        for name, item in value.items():
            if name == "cache_control" and is_mapping(item):
                found.add(str(item.get("ttl", "5m")))
            elif depth < 8:
                found |= _times(item, depth + 1)
        return found
    if is_array(value) and depth < 8:
        return set[str]().union(*(_times(item, depth + 1) for item in value))
    return set()


def _searches(params: Mapping[str, Any]) -> int:
    tools = params.get("tools")
    return sum(
        _number(f"tools.{index}.max_uses", tool.get("max_uses"))
        for index, tool in enumerate(map(object_of, tools if is_array(tools) else []))
        if str(tool.get("type")).startswith("web_search")
    )


def _number(path: str, value: object) -> int:
    """Return a limit as a number; 0 where there is none.

    Raises:
        ParamError: It is something else.
    """
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ParamError(path, value)
    return math.ceil(value)
