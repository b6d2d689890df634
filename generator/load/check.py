"""Refuse a broken document in words that help, so that the steps after this one can rely on its shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from .document import METHODS, NAMES, Document, DocumentError, Json, below, places, pointer

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
LOCATIONS = ("path", "query", "header", "cookie")

Check = Callable[[Any, str], None]


def check(document: Document) -> None:
    """Check everything that the generator reads.

    Raises:
        DocumentError: The first thing that is broken.
    """
    data = document.data
    _drop_empty(document)
    _check_version(data)
    if not isinstance(data.get("info"), dict):
        raise DocumentError("has no `info`", way_out="Add `info` with a `title` and a `version`.")
    _check_references(document)
    _members(data, "#", _TOP)
    _check_operation_ids(document)


def _check_version(data: Json) -> None:
    if "swagger" in data:
        raise DocumentError(
            f"is Swagger {data['swagger']}, which is older than OpenAPI 3",
            place="#/swagger",
            way_out="Convert it to OpenAPI 3 first.",
        )
    version = data.get("openapi")
    if not isinstance(version, str | float) or not re.match(r"3\.[01](\.|$)", str(version)):
        problem = "does not say its OpenAPI version" if version is None else f"is OpenAPI {version}"
        raise DocumentError(problem, place="#/openapi", way_out="OpenAPI 3.0 and 3.1 can be generated from.")
    # Written bare in YAML, 3.1 is a number.
    data["openapi"] = f"{version}.0" if isinstance(version, float) else version


# Shapes: what stands where ------------------------------------------------------------------------------------


def _members(value: Json, place: str, shapes: dict[str, Check]) -> None:
    for key, shape in shapes.items():
        if key in value:
            shape(value[key], below(place, key))


def _text(value: Any, place: str) -> None:
    if not isinstance(value, str):
        raise DocumentError(f"{_name(place)} is no text", place=place)


def _flag(value: Any, place: str) -> None:
    if not isinstance(value, bool):
        raise DocumentError(f"{_name(place)} is neither true nor false", place=place)


def _any_list(value: Any, place: str) -> None:
    if not isinstance(value, list):
        raise DocumentError(f"{_name(place)} is no list", place=place)


def _mapping(value: Any, place: str) -> None:
    if not isinstance(value, dict):
        raise DocumentError(f"{_name(place)} is no mapping", place=place)


def _named(shape: Check) -> Check:
    def check_all(value: Any, place: str) -> None:
        _mapping(value, place)
        for name, item in value.items():
            shape(item, below(place, name))

    return check_all


def _listed(shape: Check) -> Check:
    def check_all(value: Any, place: str) -> None:
        _any_list(value, place)
        for index, item in enumerate(value):
            shape(item, below(place, index))

    return check_all


def _object(shapes: dict[str, Check]) -> Check:
    def check_object(value: Any, place: str) -> None:
        _mapping(value, place)
        if not isinstance(value.get("$ref"), str):
            _members(value, place, shapes)

    return check_object


def _type(value: Any, place: str) -> None:
    for kind in value if isinstance(value, list) else [value]:
        if kind is None:
            raise DocumentError("null is a type in quotes only", place=place, way_out='Write "null".')
        if kind not in TYPES and value not in ("any", "file"):
            raise DocumentError(
                f"{kind!r} is no type of JSON", place=place, way_out=f"There are {', '.join(TYPES)}."
            )


def _required(value: Any, place: str) -> None:
    # Before draft 4 of JSON Schema, `required` was a flag of the property, and some write it so still.
    if not isinstance(value, bool):
        _listed(_text)(value, place)


def _discriminator(value: Any, place: str) -> None:
    _mapping(value, place)
    if not isinstance(value.get("propertyName"), str):
        raise DocumentError("a discriminator does not say its `propertyName`", place=place)
    _named(_text)(value.get("mapping") or {}, below(place, "mapping"))


def check_schema(value: Any, place: str) -> None:
    """Check a schema, and those inside it."""
    if isinstance(value, bool):
        return
    _mapping(value, place)
    if "$ref" in value:
        _text(value["$ref"], below(place, "$ref"))
        return
    _members(value, place, _SCHEMA)


_SCHEMA: dict[str, Check] = {
    "type": _type,
    "properties": _named(check_schema),
    "patternProperties": _named(check_schema),
    "$defs": _named(check_schema),
    "additionalProperties": check_schema,
    "items": check_schema,
    "prefixItems": _listed(check_schema),
    "allOf": _listed(check_schema),
    "anyOf": _listed(check_schema),
    "oneOf": _listed(check_schema),
    "required": _required,
    "enum": _any_list,
    "discriminator": _discriminator,
    "format": _text,
    "nullable": _flag,
    "readOnly": _flag,
    "writeOnly": _flag,
    "x-also-accepts": _text,
    "x-attribute-name": _text,
}

_CONTENT = _named(_object({"schema": check_schema}))


def _parameter(value: Any, place: str) -> None:
    _mapping(value, place)
    if isinstance(value.get("$ref"), str):
        return
    if not isinstance(value.get("name"), str):
        raise DocumentError("a parameter has no name", place=place)
    if value.get("in") not in LOCATIONS:
        raise DocumentError(
            f"parameter {value['name']!r} does not say where it goes",
            place=below(place, "in"),
            way_out=f"`in` is one of {', '.join(LOCATIONS)}.",
        )
    _members(
        value,
        place,
        {"schema": check_schema, "content": _CONTENT, "required": _flag, "style": _text, "explode": _flag},
    )
    _members(value, place, {"x-argument-name": _identifier, "x-client-header": _flag})


def _identifier(value: Any, place: str) -> None:
    _text(value, place)
    if not value.isidentifier():
        raise DocumentError(f"{value!r} is no name in Python", place=place)


_RESPONSE = _object({"content": _CONTENT})


def _responses(value: Any, place: str) -> None:
    _mapping(value, place)
    for status, response in value.items():
        if status.startswith("x-"):
            continue
        if not re.fullmatch(r"[1-9]([0-9]{2}|XX|xx)|default", status):
            raise DocumentError(
                f"{status!r} is no status code",
                place=below(place, status),
                way_out="Responses go by `200`, `2XX` or `default`.",
            )
        _RESPONSE(response, below(place, status))


_BODY = _object({"content": _CONTENT, "required": _flag})

_OPERATION: dict[str, Check] = {
    "operationId": _text,
    "tags": _listed(_text),
    "parameters": _listed(_parameter),
    "requestBody": _BODY,
    "responses": _responses,
    "security": _any_list,
    "callbacks": _mapping,
    "x-pagination": _mapping,
}


def check_path_item(value: Any, place: str) -> None:
    """Check the operations of a path."""
    _object({"parameters": _listed(_parameter), **dict.fromkeys(METHODS, _object(_OPERATION))})(value, place)


def _paths(value: Any, place: str) -> None:
    _mapping(value, place)
    _named(check_path_item)({path: item for path, item in value.items() if not path.startswith("x-")}, place)


def _tag(value: Any, place: str) -> None:
    _mapping(value, place)
    _members(value, place, {"name": _text})


_TOP: dict[str, Check] = {
    "paths": _paths,
    "webhooks": _mapping,
    "security": _any_list,
    "tags": _listed(_tag),
    "components": _object(
        {
            "schemas": _named(check_schema),
            "parameters": _named(_parameter),
            "responses": _named(_RESPONSE),
            "requestBodies": _named(_BODY),
            "pathItems": _named(check_path_item),
        }
    ),
}


def _name(place: str) -> str:
    last = place.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
    return f"`{last}`" if last else "the document"


def _drop_empty(document: Document) -> None:
    """`parameters:` with nothing behind it, as YAML lets people write, is no more than no parameters."""
    for _, value in list(places(document.data)):
        for key in [key for key in _MAY_BE_EMPTY if key in value and value[key] is None]:
            del value[key]


_MAY_BE_EMPTY = (
    "parameters",
    "tags",
    "properties",
    "required",
    "security",
    "servers",
    "content",
    "callbacks",
    "schemas",
)


# References ---------------------------------------------------------------------------------------------------


def _check_references(document: Document) -> None:
    for parts, value in places(document.data):
        reference = value.get("$ref")
        if not isinstance(reference, str) or _is_unread(parts):
            continue
        place = pointer(*parts, "$ref")
        if "%" in reference and not _leads_somewhere(document, reference):
            # A pointer in a URL is percent-encoded, and many documents write it as it is.
            reference = value["$ref"] = unquote(reference)
        if not reference.startswith("#"):
            raise DocumentError(
                f"refers to another document: {reference}",
                place=place,
                way_out="Bundle the documents into one first.",
            )
        _follow(document, reference, place)


#: Nothing is made of what stands below these, so it may refer to anything.
_UNREAD = frozenset({"headers", "links", "examples", "securitySchemes"})


def _is_unread(parts: tuple[str | int, ...]) -> bool:
    """Whether a place is below one of those, and not below a property, say, of such a name."""
    return any(part in _UNREAD and before not in NAMES for before, part in pairwise(("", *parts)))


def _leads_somewhere(document: Document, reference: str) -> bool:
    try:
        document.find(reference)
    except LookupError:
        return False
    return True


def _follow(document: Document, reference: str, place: str) -> None:
    """Follow a chain of references to its end."""
    seen = [reference]
    while True:
        try:
            target = document.find(reference) if reference.startswith("#/") else None
        except LookupError:
            target = None
        if target is None:
            raise DocumentError(
                f"refers to {reference}, which is not there",
                place=place,
                way_out="Correct the $ref, or add its target.",
            )
        if not isinstance(target, dict | bool):
            raise DocumentError(f"refers to {reference}, which is no mapping", place=place)
        if not isinstance(target, dict) or not isinstance(target.get("$ref"), str):
            return
        reference = target["$ref"]
        if reference in seen:
            raise DocumentError(f"refers to itself by way of {reference}", place=place)
        seen.append(reference)


# Operations ---------------------------------------------------------------------------------------------------


def _check_operation_ids(document: Document) -> None:
    seen: dict[str, str] = {}
    for path, method, operation in document.operations():
        name = operation.get("operationId")
        if name is None:
            continue
        place = pointer("paths", path, method, "operationId")
        if name in seen:
            document.note(place, f"operationId {name!r} is taken already, at {seen[name]}")
        seen.setdefault(name, place)
