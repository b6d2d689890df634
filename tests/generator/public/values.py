"""Values that schemas allow: each time the same."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from tests.generator.public.documents import PublicDocument

DEEPEST = 3
"""Levels at which an object has all of its properties; deeper objects have the required ones, or one."""
HOPELESS = 20
"""The deepest level."""

FORMATS = {
    "date-time": datetime(2026, 11, 20, 10, tzinfo=UTC),
    "date": date(2026, 11, 20),
    "uuid": "3f2b0a52-6d3c-4c0e-9a51-0b1f2c3d4e5f",
    "uri": "https://example.com/a",
    "url": "https://example.com/a",
    "email": "ada@example.com",
    "byte": "QUJD",
    "binary": b"ABC",
}

#: One of them matches each pattern of the documents.
TEXTS = (
    *("text", "a", "w", "top", "first", "/a", "v1.0", "pkg:a", "refs/heads/a"),
    *("https://example.com/a", "ssh-rsa AAAA"),
)


class Values:
    """Makes values for the schemas of a document."""

    def __init__(self, document: PublicDocument) -> None:
        self._document = document

    def of(self, schema: Any, depth: int = 0) -> Any:
        """A value; of several that are allowed, one of the first."""
        schema = self.merged(schema)
        if "const" in schema and schema["const"] in schema.get("enum", [schema["const"]]):
            return schema["const"]
        if "enum" in schema:
            return next(value for value in schema["enum"] if value is not None)
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        kind = kinds if isinstance(kinds, str) else next((each for each in kinds if each != "null"), "null")
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                count = max(schema.get("minItems", 0), int(depth < HOPELESS / 2))
                return [self.of(schema.get("items"), depth + 1) for _ in range(count)]
            case "string":
                return _text(schema)
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                raise AssertionError(f"there are no values of the type {kind}")

    def merged(self, schema: Any) -> dict[str, Any]:
        """Return a schema and its parts: all parts of a composition, and the first of each choice."""
        schema = self._document.resolve(schema)
        if not isinstance(schema, dict):
            return {}
        parts = [*schema.get("allOf", []), *schema.get("oneOf", [])[:1], *schema.get("anyOf", [])[:1]]
        merged: dict[str, Any] = {}
        properties: dict[str, Any] = {}
        required: list[str] = []
        for part in [*map(self.merged, parts), schema]:
            merged |= part
            properties |= part.get("properties", {})
            required += part.get("required", [])
        merged["required"] = required
        return {**merged, "properties": properties} if properties else merged

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        assert depth < HOPELESS, f"{schema.get('title')} must hold itself"
        properties = {
            key: inner
            for key, inner in schema.get("properties", {}).items()
            if not self.merged(inner).get("readOnly")
        }
        if depth >= DEEPEST:
            # A form can't express an empty object.
            kept = [key for key in properties if key in schema["required"]] or list(properties)[:1]
            properties = {
                key: properties[key] for key in kept if depth < HOPELESS / 2 or key in schema["required"]
            }
        found = {key: self.of(inner, depth + 1) for key, inner in properties.items()}
        # Some documents require properties that they don't describe.
        found |= {key: "text" for key in schema["required"] if key not in schema.get("properties", {})}
        rest = schema.get("additionalProperties")
        return {"key": self.of(rest, depth + 1)} if isinstance(rest, dict) and not found else found


def _text(schema: dict[str, Any]) -> Any:
    if "pattern" not in schema and schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
    texts = [text.ljust(shortest, text[-1])[:longest] for text in TEXTS]
    pattern = schema.get("pattern", "")
    found = next((text for text in texts if re.search(pattern, text)), None)
    assert found is not None, f"none of TEXTS matches {pattern}"
    return found


def _number(schema: dict[str, Any]) -> float:
    most: float = schema.get("maximum", 1)
    least: float = schema.get("minimum", most)
    value = max(least, min(1, most))
    return value + 1 if schema.get("exclusiveMinimum") else value
