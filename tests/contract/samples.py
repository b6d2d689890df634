"""One instance after another of what the spec describes, until every member of every union was there."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from tests.wire import schemas

_DEEPEST = 9
_TEXTS = ("ab", "srvtoolu_1")


def members(union: str) -> list[str]:
    """The names of the members of a union."""
    return [member["$ref"].rpartition("/")[2] for member in schemas()[union]["oneOf"]]


def turns() -> range:
    """As many turns as the largest union has members."""
    return range(max(len(schema.get("oneOf", ())) for schema in schemas().values()))


@cache
def sample(name: str, turn: int) -> Any:
    """JSON with all the fields that a component has, where each union is its member number `turn`.

    Far inside, objects only have what they must, so that those that hold each other come to an end.
    """
    return _of({"$ref": f"#/components/schemas/{name}"}, turn, 0)


def _of(schema: dict[str, Any], turn: int, depth: int) -> Any:
    if "$ref" in schema:
        return _of(schemas()[schema["$ref"].rpartition("/")[2]], turn, depth + 1)
    for key in ("oneOf", "anyOf"):
        if key in schema:
            choices = schema[key]
            return _of(choices[0 if depth > _DEEPEST else turn % len(choices)], turn, depth)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][turn % len(schema["enum"])]
    kinds = schema.get("type", "object")
    match kinds if isinstance(kinds, str) else kinds[turn % len(kinds)]:
        case "null":
            return None
        case "boolean":
            return turn % 2 == 0
        case "integer":
            return max(schema.get("minimum", 0), schema.get("exclusiveMinimum", 0) + 1)
        case "number":
            return 0.5
        case "string":
            return _text(schema)
        case "array":
            wanted = depth <= _DEEPEST or schema.get("minItems")
            return [_of(schema["items"], turn, depth)] if wanted and "items" in schema else []
        case _:
            required = schema.get("required", ())
            return {
                key: _of(inner, turn, depth)
                for key, inner in schema.get("properties", {}).items()
                if key in required or depth <= _DEEPEST
            }


def _text(schema: dict[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "2026-11-20T10:00:00Z"
    if schema.get("format") == "byte":
        return "QUJD"
    return next(text for text in _TEXTS if re.search(schema.get("pattern", ""), text))
