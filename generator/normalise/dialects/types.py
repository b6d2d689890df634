"""Null, tuples, patterns, and types that are not types of JSON."""

from __future__ import annotations

from ...load.document import Document
from ...load.schemas import key_of, refer, schemas_of, types_of


def write_true_as_a_schema(document: Document) -> None:
    """Write a named schema `true` as an empty one, and drop the flag `required` of older drafts."""
    for key, schema in document.schemas.items():
        if isinstance(schema, bool):
            document.schemas[key] = {}
    for _, schema in schemas_of(document):
        if isinstance(schema.get("required"), bool):
            del schema["required"]


def drop_empty_enums(document: Document) -> None:
    """Drop an `enum` without values, which some programs write for "not known"; no value would be valid."""
    for place, schema in schemas_of(document):
        if schema.get("enum") == []:
            del schema["enum"]
            document.note(place, "has an enum without values; left out")


def replace_foreign_types(document: Document) -> None:
    """Drop the type `any`, which has no effect, and write `file`, the bytes of OpenAPI 2, as a string."""
    for place, schema in schemas_of(document):
        if schema.get("type") == "any":
            document.note(place, "'any' is not a type of JSON; it is typed as Any")
            del schema["type"]
        elif schema.get("type") == "file":
            document.note(place, "'file' is not a type of JSON; it is taken for a string of bytes")
            schema |= {"type": "string", "format": "binary"}


def write_tuples_as_lists(document: Document) -> None:
    """Let each item of a tuple be any of its items: models have no type for each position of a list."""
    for place, schema in list(schemas_of(document)):
        first = schema.pop("prefixItems", None)
        if isinstance(first, list) and first:
            others = [schema["items"]] if isinstance(schema.get("items"), dict) else []
            kinds = [*first, *(each for each in others if each not in first)]
            schema["items"] = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
            document.note(place, "describes its items by position; each may be any of them")


def write_null_as_a_type(document: Document) -> None:
    """Write `nullable: true` of OpenAPI 3.0 as the type `null` of 3.1."""
    for _, schema in list(schemas_of(document)):
        if schema.pop("nullable", False) is not True:
            continue
        if any(keyword in schema for keyword in ("$ref", "allOf", "anyOf", "oneOf", "const")):
            words = ("description", "default", "example", "readOnly", "writeOnly")
            inner = {key: schema.pop(key) for key in list(schema) if key not in words}
            schema["anyOf"] = [inner, {"type": "null"}]
            continue
        if "type" in schema:
            types = types_of(schema)
            schema["type"] = [*types, *(["null"] if "null" not in types else [])]
        if "enum" in schema and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]


def allow_null_at_references(document: Document) -> None:
    """Make a nullable object a plain object, and allow null where it is referred to: its class is one either way."""
    nullable = set()
    for key, schema in document.schemas.items():
        if schema.get("properties") and set(types_of(schema)) == {"object", "null"}:
            schema["type"] = "object"
            nullable.add(key)
    for _, schema in list(schemas_of(document)):
        if key_of(schema) in nullable:
            reference = refer(key_of(schema) or "")
            del schema["$ref"]
            schema["anyOf"] = [reference, {"type": "null"}]


def merge_pattern_properties(document: Document) -> None:
    """Write `patternProperties` as `additionalProperties`: to a type, keys of a pattern are any keys."""
    for _, schema in schemas_of(document):
        patterns = schema.pop("patternProperties", None)
        if patterns and not isinstance(schema.get("additionalProperties"), dict):
            values = list(patterns.values())
            schema["additionalProperties"] = values[0] if len(values) == 1 else {"anyOf": values}
