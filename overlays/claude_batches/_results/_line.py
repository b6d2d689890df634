"""One line of results as parsed JSON, or what is wrong with it."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeGuard

import orjson

__all__ = ["NotAResultError", "parse"]


class NotAResultError(ValueError):
    """Says what is wrong with a line, in words that follow "line 7 ..."; never leaves this package."""


def parse(line: bytes) -> dict[str, Any]:
    """Parse a line that may be anything.

    Raises:
        NotAResultError: It is no JSON, or is not a result: an object with a `custom_id` and a `result` with a
            `type`.
    """
    try:
        wire: Any = orjson.loads(line)
    except ValueError as error:
        wire = _loads_leniently(line, str(error))
    if not _is_object(wire):
        raise NotAResultError("is JSON, but no object")
    if type(wire.get("custom_id")) is not str:
        raise NotAResultError("is no result: it has no custom_id")
    result = wire.get("result")
    if not _is_object(result) or type(result.get("type")) is not str:
        raise NotAResultError("is no result: it has no result with a type")
    return wire


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return type(value) is dict


def _loads_leniently(line: bytes, problem: str) -> Any:
    r"""Parse what orjson refuses and JSON's grammar allows: half of a surrogate pair, `"\ud83d"`.

    A model's answer that was cut within an emoji ends like that.
    """
    try:
        return json.loads(line.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotAResultError(f"is not JSON ({problem})") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
