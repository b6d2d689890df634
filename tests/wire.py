"""JSON as the API might send it: hypothesis strategies made from the spec's own schemas."""

from __future__ import annotations

import string
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from generator.load.document import load

SPEC_PATH = Path(__file__).resolve().parent.parent / "spec" / "openapi.yaml"


@cache
def spec() -> dict[str, Any]:
    """The document, parsed."""
    return load(SPEC_PATH).data


def schemas() -> dict[str, dict[str, Any]]:
    """The component schemas, by name."""
    return spec()["components"]["schemas"]


def any_json(max_leaves: int = 6) -> st.SearchStrategy[Any]:
    """Any JSON value."""
    scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
    keys = st.text(string.ascii_lowercase, min_size=1, max_size=6)
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=max_leaves,
    )


def wire(name: str) -> st.SearchStrategy[Any]:
    """JSON of a component schema; sometimes with an unknown field."""
    return _of({"$ref": f"#/components/schemas/{name}"})


@cache
def _component(name: str) -> st.SearchStrategy[Any]:
    return st.deferred(lambda: _of(schemas()[name]))


def _of(schema: Any) -> st.SearchStrategy[Any]:
    if not isinstance(schema, dict) or not schema:
        return any_json()
    if "$ref" in schema:
        return _component(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    members = [*schema.get("oneOf", []), *schema.get("anyOf", [])]
    if members:
        return st.one_of([_of(member) for member in members])
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return st.one_of([_of({**schema, "type": kind}) for kind in kinds])
    return _of_kind(schema, kinds)


def _of_kind(schema: dict[str, Any], kind: str | None) -> st.SearchStrategy[Any]:
    match kind:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(int(schema.get("minimum", 0)), 2**53)
        case "number":
            return st.floats(allow_nan=False, allow_infinity=False)
        case "string":
            return instants() if schema.get("format") == "date-time" else st.text(max_size=20)
        case "array":
            return st.lists(_of(schema.get("items")), max_size=2)
        case "object":
            return _object(schema)
        case _:
            return any_json()


def instants() -> st.SearchStrategy[str]:
    """RFC 3339 as servers write it: with `Z` or an offset, with or without fractions."""
    ends = st.sampled_from(["Z", "+00:00", ".5Z", ".123456Z", ".123456789Z", "+05:30"])
    return st.builds(
        lambda moment, end: moment.strftime("%Y-%m-%dT%H:%M:%S") + end, st.datetimes(), ends
    ).filter(lambda text: len(text.partition("-")[0]) == 4)


def _object(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    properties: dict[str, Any] = schema.get("properties", {})
    required = {key: _of(prop) for key, prop in properties.items() if key in schema.get("required", ())}
    optional = {key: _of(prop) for key, prop in properties.items() if key not in required}
    if not properties:
        return st.dictionaries(st.text(max_size=6), any_json(), max_size=3)
    known = st.fixed_dictionaries(required, optional=optional)
    extra = st.just({}) | st.dictionaries(st.sampled_from(["new_field", "zeta", "x"]), any_json(), max_size=1)
    return st.builds(lambda one, two: {**two, **one}, known, extra)
