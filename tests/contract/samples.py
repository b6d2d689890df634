"""Instances of the spec's schemas, until every choice was made at least once."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Any

from tests.wire import schemas

_DEEPEST = 10
"""The number of references up to which an instance has all fields."""
_PATIENCE = 8
"""The number of instances without a new choice that ends the list."""
_TEXTS = ("ab", "srvtoolu_1")


def members(union: str) -> list[str]:
    """The names of the members of a union."""
    return [_name(member) for member in schemas()[union]["oneOf"]]


@cache
def samples(name: str) -> list[Any]:
    """Instances of a component with all its fields, in which each member of each union, each value of each
    enum and each null comes at least once.
    """
    sampler = Sampler()
    found: list[Any] = []
    news = 0  # when a choice was last made for the first time
    while len(found) - news < _PATIENCE:
        known = len(sampler.chosen)
        found.append(sampler.of({"$ref": f"#/components/schemas/{name}"}))
        if len(sampler.chosen) > known:
            news = len(found)
    return found[:news]


def batch_samples() -> list[dict[str, Any]]:
    """Return the samples of the params of a request, without the params that batches refuse."""
    name = "MessageCreateParamsNonStreaming"
    refused: dict[str, Any] = schemas()[name]["x-refused-in-batches"]
    return [{key: value for key, value in sample.items() if key not in refused} for sample in samples(name)]


class Sampler:
    """Makes instances of schemas. Each time it comes to a choice, it takes the next one.

    A list of a union has as many items as the union has members.
    """

    def __init__(self) -> None:
        self.chosen: set[tuple[int, int]] = set()
        self.components: set[str] = set()
        """The components that were reached."""
        self._visits: Counter[int] = Counter()

    def of(self, schema: dict[str, Any], depth: int = 0) -> Any:
        """Return an instance. Deeply nested objects have required fields only, so that the recursion ends."""
        if "$ref" in schema:
            self.components.add(_name(schema))
            return self.of(schemas()[_name(schema)], depth + 1)
        for key in ("oneOf", "anyOf"):
            if key in schema:
                return self.of(self._choice(schema, schema[key], depth), depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choice(schema, schema["enum"], depth)
        kinds = schema.get("type", "object")
        match kinds if isinstance(kinds, str) else self._choice(schema, kinds, depth):
            case "null":
                return None
            case "boolean":
                return True
            case "integer":
                return max(schema.get("minimum", 0), schema.get("exclusiveMinimum", 0) + 1)
            case "number":
                return schema.get("minimum", 0) + 0.5
            case "string":
                return _text(schema)
            case "array":
                if depth > _DEEPEST and not schema.get("minItems"):
                    return []
                items = schemas()[_name(schema["items"])] if "$ref" in schema["items"] else schema["items"]
                return [self.of(schema["items"], depth) for _ in items.get("oneOf", [None])]
            case "object":
                required = schema.get("required", ())
                return {
                    key: self.of(inner, depth)
                    for key, inner in schema.get("properties", {}).items()
                    if key in required or depth <= _DEEPEST
                }
            case kind:
                raise AssertionError(f"no sample exists for the type {kind}")

    def _choice(self, schema: dict[str, Any], choices: list[Any], depth: int) -> Any:
        if depth > _DEEPEST:
            return choices[0]
        index = self._visits[id(schema)] % len(choices)
        self._visits[id(schema)] += 1
        self.chosen.add((id(schema), index))
        return choices[index]


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"].rpartition("/")[2])


def _text(schema: dict[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "2026-11-20T10:00:00Z"
    if schema.get("format") == "byte":
        return "QUJD"
    return next(text for text in _TEXTS if re.search(schema.get("pattern", ""), text))
