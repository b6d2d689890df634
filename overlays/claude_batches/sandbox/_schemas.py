"""Deterministic examples of JSON schemas, for tool inputs and structured output."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from ._json import is_array, is_object

__all__ = ["example"]

_FORMATS: Final = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "6d0c8c1e-3b1f-4c7a-9a52-0a1b2c3d4e5f",
}
_GUESSES: Final = (
    *(
        "a",
        "A",
        "aa",
        "AA",
        "aaa",
        "AAA",
        "abc",
        "Abc",
        "ABC",
        "abc123",
        "ABC123",
        "a1",
        "A1",
        "a-b",
        "a_b",
        "a b",
    ),
    *(
        "0",
        "1",
        "00",
        "12",
        "000",
        "123",
        "1234",
        "12345",
        "123456",
        "0.5",
        "1.0",
        "1.0.0",
        "-1",
        "+1",
        "#aabbcc",
    ),
    *(
        "ABC-123",
        "AB-12",
        "555-1234",
        "+15555550100",
        "(555) 555-0100",
        "03:04",
        "2026-01",
        "$1.00",
        "en",
        "en-US",
    ),
    *_FORMATS.values(),
)
_DEEPEST: Final = 6
_MOST_VALUES: Final = 10_000
_LONGEST_TEXT: Final = 100_000
_LONGEST_GUESS: Final = 20
_MAY_TAKE_FOREVER: Final = re.compile(r"[+*}]\)[+*{]")
_DEFAULT_TEXT: Final = "sandbox"


def example(schema: object, text: str) -> Any:
    """Return a value that is valid under `schema`. Unconstrained strings are taken from `text`.

    Raises:
        ValueError: The schema is invalid, or describes a very large value.
    """
    try:
        return _Maker(schema, text).make(schema, 0)
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError) as error:
        raise ValueError("JSON schema is invalid") from error


class _Maker:
    def __init__(self, root: object, text: str) -> None:
        self._root = root
        self._text = text or _DEFAULT_TEXT
        self._budget = _MOST_VALUES

    def make(self, schema: object, depth: int) -> Any:
        self._budget -= 1
        if self._budget < 0:
            raise ValueError("JSON schema describes a very large value")
        if schema is True:
            return self._text
        if not is_object(schema):
            raise TypeError
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        if "$ref" in schema:
            return self.make(self._resolve(schema["$ref"]), depth + 1)
        if "allOf" in schema:
            return self.make(self._merged(schema), depth)
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return self.make(self._simplest(schema[key], depth), depth + 1)
        match self._type(schema, depth):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer":
                return self._number(schema, 1)
            case "number":
                return self._number(schema, 0)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._string(schema)

    def _type(self, schema: dict[str, Any], depth: int) -> str:
        kind = schema.get("type")
        if is_array(kind):
            kind = (
                "null"
                if depth > _DEEPEST and "null" in kind
                else next((k for k in kind if k != "null"), "null")
            )
        if isinstance(kind, str):
            return kind
        return "object" if "properties" in schema else "array" if "items" in schema else "string"

    def _simplest(self, choices: list[Any], depth: int) -> Any:
        """Return the first choice; deep inside a recursive schema, a choice that ends the recursion."""
        if depth > _DEEPEST:
            for choice in choices:
                if (
                    is_object(choice)
                    and "$ref" not in choice
                    and choice.get("type") not in ("object", "array")
                ):
                    return choice
        return choices[0]

    def _resolve(self, reference: str) -> Any:
        found: Any = self._root
        for part in reference.removeprefix("#").split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found[key]
        return found

    def _merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            if is_object(part) and "$ref" in part:
                part = self._resolve(part["$ref"])
            if is_object(part):
                properties = {**merged.get("properties", {}), **part.get("properties", {})}
                required = [*merged.get("required", []), *part.get("required", [])]
                merged = {**merged, **part}
                if properties:
                    merged["properties"] = properties
                if required:
                    merged["required"] = required
        return merged

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties: dict[str, Any] = schema.get("properties") or {}
        required: list[str] = schema.get("required") or []
        wanted = [name for name in properties if depth <= _DEEPEST or name in required]
        wanted += [name for name in required if name not in properties]
        return {name: self.make(properties.get(name, True), depth + 1) for name in wanted}

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        fewest = schema.get("minItems") or 0
        most = schema.get("maxItems", math.inf)
        count = int(min(most, max(fewest, 1 if depth <= _DEEPEST else 0)))
        items = schema.get("items", True)
        first: list[Any] = schema.get("prefixItems") or []
        made = [self.make(part, depth + 1) for part in first[:count]]
        while len(made) < count:
            value = self.make(items, depth + 1)
            if schema.get("uniqueItems") and value in made:
                value = f"{value} {len(made) + 1}" if isinstance(value, str) else len(made) + 1
            made.append(value)
        return made

    def _number(self, schema: dict[str, Any], grid: int) -> float:
        lowest: float = schema.get("minimum", -math.inf)
        highest: float = schema.get("maximum", math.inf)
        above: float = schema.get("exclusiveMinimum", -math.inf)
        below: float = schema.get("exclusiveMaximum", math.inf)
        floor, ceiling = max(lowest, above), min(highest, below)
        step: float = schema.get("multipleOf") or grid
        if step:
            value = step if floor == -math.inf else math.ceil(floor / step) * step
            value += step if value <= above else 0
            if value > ceiling or value >= below:
                value = math.floor(ceiling / step) * step
                value -= step if value >= below else 0
            return value
        if floor == -math.inf:
            return 0.5 if ceiling > 0.5 else ceiling - 1
        return floor + 0.5 if ceiling == math.inf else (floor + ceiling) / 2

    def _string(self, schema: dict[str, Any]) -> str:
        fewest = schema.get("minLength") or 0
        most = schema.get("maxLength")
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        pattern = schema.get("pattern")
        if isinstance(pattern, str):
            guess = _guess(pattern, fewest, most)
            if guess is not None:
                return guess
        if fewest > _LONGEST_TEXT:
            raise ValueError("JSON schema describes a very long text")
        value = self._text[:most] if most is not None else self._text
        return value + "." * (fewest - len(value))


def _guess(pattern: str, fewest: int, most: int | None) -> str | None:
    """Return a string that matches a common pattern, or `None`."""
    try:
        compiled = re.compile(pattern)
    except re.error:
        return None
    if _MAY_TAKE_FOREVER.search(pattern):
        return None
    repeated = (letter * min(fewest, _LONGEST_GUESS) for letter in ("a", "A", "0"))
    for guess in (*_GUESSES, *repeated):
        if fewest <= len(guess) <= (math.inf if most is None else most) and compiled.search(guess):
            return guess
    return None
