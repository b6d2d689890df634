"""The schemas of a document, and kinds of schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..names import free_name
from .document import Document
from .pointers import Json, below, pointer

COMPONENT = "#/components/schemas/"

#: Keywords that describe a value and do not define its type.
WORDS = ("title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly")

#: Keywords of unions.
UNIONS = ("anyOf", "oneOf")

#: The keyword of a body's members by the value of their flag `stream`; see `normalise/dialects/streams.py`.
BY_STREAM = "x-by-stream"

#: Keywords whose values are schemas: one, many under names, or many in a list.
_ONE = ("items", "additionalProperties")
_NAMED = ("properties", "patternProperties")
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")

_INNER = frozenset({*_ONE, *_NAMED, *_LISTED})

#: Keywords that define the type of a value. Others limit it or describe it.
_STRUCTURE = frozenset(
    {"$ref", "type", "enum", "const", "format", *_ONE, "properties", "patternProperties", *_LISTED}
)


def schemas_of(document: Document) -> Iterator[tuple[str, Json]]:
    """Yield every schema of the document with its place, those inside others included."""
    for key, schema in list(document.schemas.items()):
        yield from within(schema, document.place_of(key))
    for path, method, operation in document.operations():
        for place, holder in holders_of(operation, pointer("paths", path, method)):
            yield from within(holder.get("schema"), below(place, "schema"))


def holders_of(operation: Json, place: str) -> Iterator[tuple[str, Json]]:
    """Yield every part of an operation that holds a `schema`: parameters, and contents of bodies."""
    for index, parameter in enumerate(operation.get("parameters", [])):
        yield below(place, "parameters", index), parameter
        for media_type, content in parameter.get("content", {}).items():
            yield below(place, "parameters", index, "content", media_type), content
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        content_place = below(place, "requestBody", "content", media_type)
        yield content_place, content
        for part in content.get(BY_STREAM, {}).values():
            yield content_place, part
    for status, response in operation.get("responses", {}).items():
        for media_type, content in response.get("content", {}).items() if isinstance(response, dict) else ():
            yield below(place, "responses", status, "content", media_type), content


def within(schema: Any, place: str) -> Iterator[tuple[str, Json]]:
    """Yield a schema and those inside it, with their places."""
    todo = [(place, schema)]
    while todo:
        place, schema = todo.pop()
        if not isinstance(schema, dict):
            continue
        yield place, schema
        if _INNER.isdisjoint(schema):
            continue
        inner = [(f"{place}/{keyword}", schema[keyword]) for keyword in _ONE if keyword in schema]
        for keyword in _NAMED:
            inner += [(below(place, keyword, name), each) for name, each in schema.get(keyword, {}).items()]
        for keyword in _LISTED:
            listed = enumerate(schema.get(keyword, ()))
            inner += [(f"{place}/{keyword}/{index}", each) for index, each in listed]
        todo += reversed(inner)


def keywords_of_type(schema: Json) -> frozenset[str]:
    """Return the keywords of a schema that define its type."""
    return _STRUCTURE & schema.keys()


def is_structural(schema: Any) -> bool:
    """Return true if a schema defines a type, and not only limits or a description."""
    return isinstance(schema, dict) and not _STRUCTURE.isdisjoint(schema)


def says_what(part: Any) -> bool:
    """Return true if a part of a composition adds to the type: `required` counts as well."""
    return is_structural(part) or (isinstance(part, dict) and isinstance(part.get("required"), list))


def is_object(schema: Any) -> bool:
    """Return true if a schema describes an object with named fields, which becomes a class."""
    return (
        isinstance(schema, dict)
        and schema.get("type", "object") in ("object", ["object"])
        and bool(schema.get("properties"))
        and "$ref" not in schema
    )


def members_of(schema: Any) -> list[Any]:
    """Return the members of a union as it is written; none for any other schema."""
    if not isinstance(schema, dict) or "$ref" in schema:
        return []
    return [*schema.get("anyOf", ()), *schema.get("oneOf", ())]


def flat_members(schema: Any) -> list[Any]:
    """Return the members of a union, with those of unions written inside it in their place."""
    return [leaf for member in members_of(schema) for leaf in (flat_members(member) or [member])]


def types_of(schema: Json) -> list[str]:
    """Return the declared types of a schema."""
    kinds = schema.get("type", [])
    return kinds if isinstance(kinds, list) else [kinds]


def has_discriminator(schema: Any) -> bool:
    """Return true if a union, or a union written inside it, has a discriminator."""
    return isinstance(schema, dict) and (
        "discriminator" in schema or any(map(has_discriminator, members_of(schema)))
    )


def implied_type(schema: Json) -> str | None:
    """Return the type that the keywords of a schema imply where it declares none."""
    if "properties" in schema or isinstance(schema.get("additionalProperties"), dict):
        return "object"
    return "array" if "items" in schema else None


def key_of(reference: Any) -> str | None:
    """Return the key of the component that a schema refers to; `None` unless it is a reference."""
    target = reference.get("$ref") if isinstance(reference, dict) else None
    return target.removeprefix(COMPONENT) if isinstance(target, str) else None


def free_key(document: Document, wanted: str) -> str:
    """Return a key for a new component: the wanted one, numbered if it is taken."""
    return free_name(wanted, document.schemas, separator="")


def refer(key: str) -> Json:
    """Return a reference to a component."""
    # References of a normalised document hold their keys without escapes.
    return {"$ref": COMPONENT + key}
