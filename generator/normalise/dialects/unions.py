"""Unions beside fields, limits, constants or other types."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ...load.document import Document
from ...load.pointers import Json
from ...load.schemas import UNIONS, WORDS, is_structural, key_of, schemas_of, types_of
from .compositions import add, resolved


def drop_self_references(document: Document) -> None:
    """Drop a union from its own members: it equals the others."""
    for key, schema in document.schemas.items():
        for keyword in UNIONS:
            others = [member for member in schema.get(keyword, ()) if key_of(member) != key]
            if others:
                schema[keyword] = others


def drop_limiting_unions(document: Document) -> None:
    """Drop unions of limits, such as `anyOf: [{required: [a]}, {required: [b]}]`: they don't change a type."""
    for _, schema in schemas_of(document):
        for keyword in UNIONS:
            if keyword in schema and not any(is_structural(member) for member in schema[keyword]):
                del schema[keyword]


def split_objects_from_other_types(document: Document) -> None:
    """Write `type: [object, string]` with properties as a union of that object and a string."""
    for _, schema in list(schemas_of(document)):
        types = types_of(schema)
        if len(types) > 1 and "object" in types and schema.get("properties"):
            own = {key: schema.pop(key) for key in list(schema) if key not in ("description", "default")}
            limits = {"properties", "required", "additionalProperties"}
            others = {key: value for key, value in own.items() if key not in limits}
            schema["anyOf"] = [
                {**own, "type": "object"},
                *({**others, "type": kind} for kind in types if kind != "object"),
            ]


def distribute_fields(document: Document) -> None:
    """Write an object with fields and a union of further ones as a union of objects with all of the fields."""
    for place, schema in list(schemas_of(document)):
        unions = [keyword for keyword in UNIONS if keyword in schema]
        if not unions or not schema.get("properties"):
            continue
        if len(unions) > 1:
            document.note(
                place, "has fields beside both `anyOf` and `oneOf`, which no type can say; typed as Any"
            )
            words = {word: schema[word] for word in schema if word in WORDS}
            schema.clear()
            schema.update(words)
            continue
        members = schema.pop(unions[0])
        kept = {word: schema.pop(word) for word in [*schema] if word in WORDS or word == "discriminator"}
        base = dict(schema)
        schema.clear()
        schema.update(kept)
        schema[unions[0]] = [_with_fields(document, member, base, place) for member in members]


def _with_fields(document: Document, member: Any, base: Json, place: str) -> Any:
    """Return a member of a union with the fields of the object around the union."""
    if not isinstance(member, dict):
        return member
    own = resolved(document, member, place, ())
    if not own.get("properties") and is_structural(own) and own.get("type") != "object":
        return member
    merged: Json = {}
    for part in (deepcopy(base), own):
        add(document, merged, part, place)
    key = key_of(member)
    # A discriminator may name the member by this key.
    return {**merged, "x-merged-from": key} if key is not None else merged


def gather_constants(document: Document) -> None:
    """Write a union of constants as an enum; a plain `string` among them stays beside it."""
    for _, schema in schemas_of(document):
        for keyword in UNIONS:
            members = schema.get(keyword, [])
            constants = [member for member in members if _constants(member)]
            values = [value for member in constants for value in _constants(member)]
            if len(constants) < 2 or len({type(value) for value in values}) != 1:
                continue
            rest = [member for member in members if not _constants(member)]
            if rest:
                schema[keyword] = [{"enum": values}, *rest]
            else:
                del schema[keyword]
                # An enum or a constant beside the union narrows it.
                if "const" not in schema:
                    schema.setdefault("enum", values)


def _constants(schema: Any) -> list[Any]:
    if not isinstance(schema, dict) or "$ref" in schema:
        return []
    if "const" in schema:
        return [schema["const"]]
    values: list[Any] = schema.get("enum", [])
    return values
