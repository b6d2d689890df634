"""`allOf`: a schema composed of others, as one object."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ...load.document import Document
from ...load.errors import DocumentError
from ...load.pointers import Json
from ...load.schemas import (
    COMPONENT,
    UNIONS,
    WORDS,
    is_object,
    is_structural,
    key_of,
    keywords_of_type,
    says_what,
    schemas_of,
)

#: Keywords of a type without anything about its content.
_TYPES = frozenset({"type", "format"})


def drop_repeated_types(document: Document) -> None:
    """Drop a type beside `allOf: [{$ref}]` that the target has as well: a reference stays a reference then.

    A component keeps it, and is a class of its own.
    """
    named = {id(schema) for schema in document.schemas.values()}
    for _, schema in schemas_of(document):
        if id(schema) in named:
            continue
        parts = [part for part in schema.get("allOf", ()) if says_what(part)]
        if len(parts) == 1 and keywords_of_type(schema) == {"type", "allOf"}:
            target = document.schemas.get(key_of(parts[0]) or "")
            if isinstance(target, dict) and target.get("type") == schema["type"]:
                del schema["type"]


def merge_all_of(document: Document) -> None:
    """Merge the parts of each `allOf`: its model has the fields of all of them."""
    for key, schema in document.schemas.items():
        if "allOf" in schema:
            _merge(document, schema, document.place_of(key), (COMPONENT + key,))
    while todo := [(place, schema) for place, schema in schemas_of(document) if "allOf" in schema]:
        for place, schema in todo:
            if "allOf" in schema:
                _merge(document, schema, place, ())


def _merge(document: Document, schema: Json, place: str, seen: tuple[str, ...]) -> None:
    """Merge the parts of `allOf` into the schema itself. Its own keywords win."""
    parts = [part for part in schema.pop("allOf") if isinstance(part, dict)]
    structural = [part for part in parts if says_what(part)]
    if len(structural) == 1 and not says_what(schema):
        # One schema with a description: a reference stays a reference.
        for part in [*(part for part in parts if part is not structural[0]), structural[0]]:
            schema.update({key: value for key, value in deepcopy(part).items() if key not in schema})
        if "allOf" in schema:
            _merge(document, schema, place, seen)
        return
    merged: Json = {}
    for part in [*parts, dict(schema)]:
        add(document, merged, resolved(document, part, place, seen), place)
    schema.update(merged)


def resolved(document: Document, part: Json, place: str, seen: tuple[str, ...]) -> Json:
    """Return a copy of a part in which references and compositions are resolved.

    Raises:
        DocumentError: The part is composed of itself.
    """
    while "$ref" in part:
        key = part["$ref"]
        if key in seen:
            raise DocumentError(
                f"is composed of itself, through {key}",
                place=place,
                hint="Take the schema out of its own allOf.",
            )
        seen = (*seen, key)
        target = document.schemas.get(key.removeprefix(COMPONENT))
        beside = {word: value for word, value in part.items() if word != "$ref"}
        part = {**target, **beside} if isinstance(target, dict) else beside
    copy = deepcopy(part)
    if "allOf" in copy:
        _merge(document, copy, place, seen)
        if "$ref" in copy:
            return resolved(document, copy, place, seen)
    return copy


def add(document: Document, merged: Json, part: Json, place: str) -> None:
    """Add a part to the merged schema. The later part wins, field by field."""
    properties = dict(merged.get("properties", {}))
    for name, field in part.pop("properties", {}).items():
        properties[name] = _overridden(properties[name], field) if name in properties else field
    required = _names(merged.pop("required", None), part.pop("required", None))
    for keyword in UNIONS:
        if keyword in part and any(each in merged for each in UNIONS) and is_structural(part):
            document.note(place, "is composed of two unions; only the fields of one are known")
            for each in UNIONS:
                merged.pop(each, None)
    if _has_constants(merged) and _has_constants(part):
        _intersect(merged, part)
    merged.update(part)
    if properties:
        merged["properties"] = properties
    if required:
        merged["required"] = required


def _has_constants(schema: Json) -> bool:
    return "const" in schema or "enum" in schema


def _intersect(merged: Json, part: Json) -> None:
    """Leave the constants of both parts to one of them. Of parts that contradict each other, the later one wins."""
    before, after = ([each["const"]] if "const" in each else each["enum"] for each in (merged, part))
    common = [value for value in after if value in before]
    for keyword in ("const", "enum"):
        merged.pop(keyword, None)
    if common and "enum" in part and "const" not in part:
        part["enum"] = common


def _names(*lists: object) -> list[str]:
    return list(dict.fromkeys(name for each in lists if isinstance(each, list) for name in each))


def _overridden(base: Any, field: Any) -> Any:
    """Return a field that two parts describe: the later one if it has a type, else with the earlier type."""
    if not isinstance(field, dict) or not isinstance(base, dict):
        return field
    if not is_structural(field):
        return {**base, **field}
    if is_object(base) and is_object(field):
        properties = dict(base["properties"])
        for name, inner in field["properties"].items():
            properties[name] = _overridden(properties[name], inner) if name in properties else inner
        merged = {**base, **field, "properties": properties}
        required = _names(base.get("required"), field.get("required"))
        return {**merged, "required": required} if required else merged
    if key_of(base) is not None and is_object(field):
        # The field has the fields of both objects.
        return {"allOf": [base, field]}
    if _TYPES.issuperset(keywords_of_type(field)) and not _TYPES.issuperset(keywords_of_type(base)):
        # The later part repeats the type alone: the earlier one has more.
        return {**base, **{key: value for key, value in field.items() if key not in _TYPES}}
    words = {word: value for word, value in base.items() if word in WORDS}
    return {**words, **field}
