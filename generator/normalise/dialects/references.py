"""References to any place of a document, and keywords beside a reference."""

from __future__ import annotations

from pathlib import PurePosixPath

from ...load.document import Document
from ...load.errors import DocumentError
from ...load.pointers import FILES, Json, below, parts_of
from ...load.schemas import COMPONENT, WORDS, free_key, key_of, refer, schemas_of
from ...load.validate import validate_part
from ...names import class_name

#: Keywords that change the type of a reference beside them.
_COMPOSED = frozenset({"properties", "required", "enum", "const", "allOf", "anyOf", "oneOf"})
_LOCATIONS = ("path", "query", "header", "cookie")


def name_referenced_places(document: Document) -> None:
    """Make a component of each schema that is referred to elsewhere: `#/components/schemas/A/properties/b`.

    Later stages then know every reference as the key of a component.
    """
    moved: dict[str, str] = {}
    for key, schema in list(document.schemas.items()):
        # A component that only refers to another place gives that place its name.
        reference = schema.get("$ref") if isinstance(schema, dict) and len(schema) == 1 else None
        if isinstance(reference, str) and key_of(schema) not in document.schemas and reference not in moved:
            place = document.place_of(key, "$ref")
            moved[reference] = _moved(document, reference, place, key)
    todo = _deep_references(document)
    while todo:
        for place, schema in todo:
            reference = schema["$ref"]
            if reference not in moved:
                moved[reference] = _moved(document, reference, below(place, "$ref"))
            schema["$ref"] = COMPONENT + moved[reference]
        todo = _deep_references(document)
    for _, schema in schemas_of(document):
        mapping = (schema.get("discriminator") or {}).get("mapping") or {}
        mapping.update({value: COMPONENT + moved[to] for value, to in mapping.items() if to in moved})


def _deep_references(document: Document) -> list[tuple[str, Json]]:
    return [
        (place, schema)
        for place, schema in schemas_of(document)
        if isinstance(schema.get("$ref"), str) and key_of(schema) not in document.schemas
    ]


def _moved(document: Document, reference: str, place: str, key: str | None = None) -> str:
    """Make a component of a place, of the given key or one made of its reference; return its key."""
    parts = parts_of(reference)
    if parts[:-1] == ["components", "schemas"]:
        # A component whose key is escaped in a pointer.
        return parts[-1]
    target = document.find(reference)
    if isinstance(target, dict) and target.get("in") in _LOCATIONS and "name" in target:
        raise DocumentError(
            "a schema refers to a parameter", place=place, hint="Refer to the parameter's `schema`."
        )
    validate_part(target if target is not True else {}, "Schema", reference)
    key = key or _new_key(document, parts)
    document.origins[key] = reference
    if not isinstance(target, dict):
        document.schemas[key] = {}
        return key
    document.schemas[key] = dict(target)
    if isinstance(target.get("$ref"), str):
        return key
    # The original place refers to the component from now on, so that both are one type.
    said: Json = {word: target[word] for word in WORDS if word in target}
    target.clear()
    target.update({**refer(key), **said})
    return key


def _new_key(document: Document, parts: list[str]) -> str:
    words = [part for part in parts if part not in ("components", "schemas", "properties", "$defs", "paths")]
    short = words
    if parts[0] == FILES:
        # The name of the file counts for a schema that is a file, or if the schema's own name is taken.
        own = [word for word in words[2:] if word not in ("definitions", "parameters", "responses")]
        words = [PurePosixPath(parts[1]).name.partition(".")[0], *own]
        short = words[1:] or words
    elif parts[-2:-1] == ["$defs"]:
        short = parts[-1:]
    key = class_name("_".join(short))
    return free_key(document, class_name("_".join(words)) if key in document.schemas else key)


def compose_keywords_beside_references(document: Document) -> None:
    """Write keywords beside a `$ref` as `allOf`. OpenAPI 3.0 ignores them, and so does this step."""
    if str(document.data["openapi"]).startswith("3.0"):
        return
    for place, schema in list(schemas_of(document)):
        beside = {key: value for key, value in schema.items() if key != "$ref" and key not in WORDS}
        if "$ref" in schema and not _COMPOSED.isdisjoint(beside):
            validate_part(beside, "Schema", place)
            kept = {key: value for key, value in schema.items() if key in (*WORDS, "enum", "const")}
            parts = [{"$ref": schema["$ref"]}, {key: beside[key] for key in beside if key not in kept}]
            schema.clear()
            schema.update({**kept, "allOf": [part for part in parts if part]})
