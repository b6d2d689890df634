"""References to any place of a document, and keywords beside a reference."""

from __future__ import annotations

from ...load.document import Document
from ...load.errors import DocumentError
from ...load.pointers import Json, below, parts_of
from ...load.schemas import COMPONENT, WORDS, free_key, key_of, refer, schemas_of
from ...load.validate import validate_part
from ...names import class_name

_LOCATIONS = ("path", "query", "header", "cookie")


def name_referenced_places(document: Document) -> None:
    """Make a component of each schema that is referred to elsewhere: `#/components/schemas/A/properties/b`.

    Later stages then know every reference as the key of a component.
    """
    moved: dict[str, str] = {}
    todo = _deep_references(document)
    while todo:
        for place, schema in todo:
            reference = schema["$ref"]
            if reference not in moved:
                moved[reference] = _moved(document, reference, below(place, "$ref"))
            schema["$ref"] = COMPONENT + moved[reference]
        todo = _deep_references(document)


def _deep_references(document: Document) -> list[tuple[str, Json]]:
    return [
        (place, schema)
        for place, schema in schemas_of(document)
        if isinstance(schema.get("$ref"), str) and key_of(schema) not in document.schemas
    ]


def _moved(document: Document, reference: str, place: str) -> str:
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
    inner = isinstance(target, dict) and parts[-2:-1] == ["$defs"]
    words = [part for part in parts if part not in ("components", "schemas", "properties", "$defs", "paths")]
    key = class_name(parts[-1] if inner else "_".join(words))
    if key in document.schemas and inner:
        key = class_name("_".join(words))
    key = free_key(document, key)
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


def compose_keywords_beside_references(document: Document) -> None:
    """Write keywords beside a `$ref` as `allOf`. OpenAPI 3.0 ignores them, and so does this step."""
    if str(document.data["openapi"]).startswith("3.0"):
        return
    for place, schema in list(schemas_of(document)):
        beside = {key: value for key, value in schema.items() if key != "$ref" and key not in WORDS}
        if "$ref" in schema and (beside.keys() & {"properties", "required", "allOf", "anyOf", "oneOf"}):
            validate_part(beside, "Schema", place)
            words = {key: value for key, value in schema.items() if key in WORDS}
            reference = {"$ref": schema["$ref"]}
            schema.clear()
            schema.update({**words, "allOf": [reference, beside]})
