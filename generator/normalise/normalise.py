"""Say the same document in fewer words of OpenAPI, so that the steps after this one meet fewer cases.

Each step is a function that changes the document in place, does one thing, and says why. `normalise` runs them in
order.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from ..load.check import LOCATIONS, check_path_item, check_schema
from ..load.document import METHODS, Document, DocumentError, Json, below, parts_of, pointer
from ..load.schemas import COMPONENT, key_of, refer, schemas_of, within
from ..names import class_name
from .dialects.compositions import (
    WORDS,
    distribute_fields,
    drop_limiting_unions,
    free_key,
    merge_all_of,
    unfold_inheritance,
)
from .dialects.inner import name_inner_compositions, name_inner_objects

#: Headers that OpenAPI leaves to other parts of the document; a parameter of such a name shall be ignored.
_NOT_PARAMETERS = frozenset({"accept", "content-type", "authorization"})


_OF_PATHS = frozenset({*METHODS, "$ref", "summary", "description", "servers", "parameters"})


def normalise(document: Document) -> None:
    """Run every step.

    Raises:
        DocumentError: Something in the document can't be said in any other way.
    """
    for step in STEPS:
        step(document)


def complete_info(document: Document) -> None:
    """The parser refuses a document whose `info` has no title or version; many published ones have none."""
    info = document.data["info"]
    info["title"] = str(info.get("title") or "Untitled API")
    info["version"] = str(info.get("version") or "0")
    document.data.setdefault("paths", {})


def inline_shared_parts(document: Document) -> None:
    """Shared parameters, responses, bodies and path items are put where they are used: one case less."""
    paths = document.data["paths"]
    for path, item in list(paths.items()):
        place = pointer("paths", path)
        if path.startswith("x-"):
            del paths[path]
            continue
        paths[path] = item = _merged(document, item)
        check_path_item(item, place)
        for word in item.keys() - _OF_PATHS:
            if not word.startswith("x-"):
                document.note(below(place, word), f"{word!r} is no method, and left out")
        shared = [_merged(document, parameter) for parameter in item.get("parameters", [])]
        for method in [method for method in item if method in METHODS]:
            operation = item[method] = _merged(document, item[method])
            own = [_merged(document, parameter) for parameter in operation.get("parameters", [])]
            named = {(parameter.get("name"), parameter.get("in")) for parameter in own}
            operation["parameters"] = own + [
                deepcopy(each) for each in shared if (each.get("name"), each.get("in")) not in named
            ]
            if "requestBody" in operation:
                operation["requestBody"] = _merged(document, operation["requestBody"])
            operation["responses"] = {
                status: _merged(document, response)
                for status, response in operation.get("responses", {}).items()
                if not status.startswith("x-")
            }
            check_path_item({method: operation}, place)
            for name, callback in operation.get("callbacks", {}).items():
                if callback:
                    document.note(below(place, method, "callbacks", name), "callbacks are not generated")


def tell_of_what_is_left_out(document: Document) -> None:
    """A client has one address and calls nobody back: webhooks, and servers of single paths, have no place in it."""
    for name in document.data.get("webhooks") or ():
        place = pointer("webhooks", name)
        document.note(place, "webhooks are not generated; the schemas they refer to are, to decode with")
    top = document.data.get("servers")
    own = [path for path, item in document.data["paths"].items() if item.get("servers", top) != top]
    own += [path for path, _, operation in document.operations() if operation.get("servers", top) != top]
    if own:
        count = len(dict.fromkeys(own))
        paths = "a path has" if count == 1 else f"{count} paths have"
        document.note(pointer("paths", own[0]), f"{paths} servers of their own; a client has one address")


def name_operations(document: Document) -> None:
    """An operation without an id is called after its method and path: `GET /pets/{id}` is `get_pets_by_id`."""
    for path, method, operation in document.operations():
        if not operation.get("operationId"):
            words = [
                f"by_{part.strip('{}')}" if part.startswith("{") else part
                for part in re.findall(r"\{[^}]*\}|[^/{}?&=#]+", path)
            ]
            operation["operationId"] = "_".join([method, *words])


def settle_parameters(document: Document) -> None:
    """Each parameter of a path must be declared, and each that is declared must be in the path."""
    for path, method, operation in document.operations():
        place = pointer("paths", path, method, "parameters")
        kept: list[Json] = []
        in_path = re.findall(r"\{([^{}]+)\}", path)
        for parameter in operation["parameters"]:
            if parameter["in"] == "header" and parameter["name"].lower() in _NOT_PARAMETERS:
                continue
            if not parameter["name"]:
                document.note(place, "a parameter without a name is left out")
                continue
            if parameter["in"] == "path" and parameter["name"] not in in_path:
                document.note(place, f"path parameter {parameter['name']!r} is not in the path; left out")
                continue
            twin = next((each for each in kept if _names_of(each) == _names_of(parameter)), None)
            if twin is None:
                kept.append(parameter)
            elif twin == parameter:
                continue
            elif _without_words(twin) == _without_words(parameter):
                document.note(place, f"{parameter['in']} parameter {parameter['name']!r} is described twice")
            else:
                raise DocumentError(
                    f"{parameter['in']} parameter {parameter['name']!r} is described twice, in different ways",
                    place=place,
                    way_out="Remove one of them.",
                )
        declared = {parameter["name"] for parameter in kept if parameter["in"] == "path"}
        for name in dict.fromkeys(in_path):
            if name not in declared:
                document.note(place, f"path parameter {name!r} is not declared; taken for a string")
                kept.append({"name": name, "in": "path", "required": True, "schema": {"type": "string"}})
        operation["parameters"] = kept


def write_true_as_a_schema(document: Document) -> None:
    """`true` as a named schema takes anything, as an empty one does. A flag `required` is one of an older draft."""
    for key, schema in document.schemas.items():
        if isinstance(schema, bool):
            document.schemas[key] = {}
    for _, schema in schemas_of(document):
        if isinstance(schema.get("required"), bool):
            del schema["required"]


def name_referenced_places(document: Document) -> None:
    """A `$ref` may point to any place, `#/components/schemas/A/properties/b`; such a place becomes a component."""
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
        # A component whose key takes escaping in a pointer.
        return parts[-1]
    target = document.find(reference)
    if isinstance(target, dict) and target.get("in") in LOCATIONS and "name" in target:
        raise DocumentError(
            "a schema refers to a parameter", place=place, way_out="Refer to the parameter's `schema`."
        )
    check_schema(target, reference)
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
    if isinstance(target.get("$ref"), str):
        document.schemas[key] = dict(target)
        return key
    document.schemas[key] = dict(target)
    # What stood there refers to the component from now on, so that both are one type.
    said: Json = {word: target[word] for word in WORDS if word in target}
    target.clear()
    target.update({**refer(key), **said})
    return key


def replace_types_of_other_languages(document: Document) -> None:
    """`any` says nothing, and `file` is how OpenAPI 2 called bytes."""
    for place, schema in schemas_of(document):
        if schema.get("type") == "any":
            document.note(place, "'any' is no type of JSON; it is typed as Any")
            del schema["type"]
        elif schema.get("type") == "file":
            document.note(place, "'file' is no type of JSON; it is taken for a string of bytes")
            schema |= {"type": "string", "format": "binary"}


def compose_what_stands_beside_references(document: Document) -> None:
    """In OpenAPI 3.1 a schema may say more beside a `$ref`; in 3.0 that was ignored, and still is."""
    if str(document.data["openapi"]).startswith("3.0"):
        return
    for place, schema in list(schemas_of(document)):
        beside = {key: value for key, value in schema.items() if key != "$ref" and key not in WORDS}
        if "$ref" in schema and (beside.keys() & {"properties", "required", "allOf", "anyOf", "oneOf"}):
            check_schema(beside, place)
            words = {key: value for key, value in schema.items() if key in WORDS}
            reference = {"$ref": schema["$ref"]}
            schema.clear()
            schema.update({**words, "allOf": [reference, beside]})


def write_tuples_as_lists(document: Document) -> None:
    """Python has no name for what stands at which place of a list: each item may be any of those."""
    for place, schema in list(schemas_of(document)):
        first = schema.pop("prefixItems", None)
        if isinstance(first, list) and first:
            others = [schema["items"]] if isinstance(schema.get("items"), dict) else []
            kinds = [*first, *(each for each in others if each not in first)]
            schema["items"] = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
            document.note(place, "has items of its own at each place; each may be any of them")


def drop_members_that_say_nothing(document: Document) -> None:
    """A union that is a member of itself stands for the others."""
    for key, schema in document.schemas.items():
        for keyword in ("anyOf", "oneOf"):
            others = [member for member in schema.get(keyword, ()) if key_of(member) != key]
            if others:
                schema[keyword] = others


def drop_titles(document: Document) -> None:
    """The parser names a class after the title of its schema, which need be neither unique nor a name."""
    for _, schema in schemas_of(document):
        schema.pop("title", None)


def say_null_as_a_type(document: Document) -> None:
    """OpenAPI 3.0 says `nullable: true` where 3.1 has the type `null`."""
    for _, schema in list(schemas_of(document)):
        if schema.pop("nullable", False) is not True:
            continue
        if any(keyword in schema for keyword in ("$ref", "allOf", "anyOf", "oneOf", "const")):
            words = ("description", "default", "example", "readOnly", "writeOnly")
            inner = {key: schema.pop(key) for key in list(schema) if key not in words}
            schema["anyOf"] = [inner, {"type": "null"}]
            continue
        if "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            schema["type"] = [*types, *(["null"] if "null" not in types else [])]
        if "enum" in schema and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]


def mark_files(document: Document) -> None:
    """A string of bytes is a file only where a form is sent; in JSON it is a text.

    OpenAPI 3.0 says it by the format `binary`, 3.1 by a media type.
    """
    todo: list[Any] = [
        content.get("schema")
        for _, _, operation in document.operations()
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
        if media_type.startswith("multipart/")
    ]
    seen: set[str] = set()
    while todo:
        for _, schema in within(todo.pop(), ""):
            key = key_of(schema)
            if key is not None and key not in seen:
                seen.add(key)
                todo.append(document.schemas[key])
            is_typed = "contentMediaType" in schema and "contentEncoding" not in schema
            if "string" in _types(schema) and (schema.get("format") == "binary" or is_typed):
                is_text = str(schema.get("contentMediaType", "")).startswith(("text/", "application/json"))
                schema["x-is-file"] = "or text" if is_text else True


def move_null_to_references(document: Document) -> None:
    """An object that may be null is a class all the same; it is where it is used that null may stand instead."""
    nullable = set()
    for key, schema in document.schemas.items():
        if schema.get("properties") and set(_types(schema)) == {"object", "null"}:
            schema["type"] = "object"
            nullable.add(key)
    for _, schema in list(schemas_of(document)):
        if key_of(schema) in nullable:
            reference = refer(key_of(schema) or "")
            del schema["$ref"]
            schema["anyOf"] = [reference, {"type": "null"}]


def split_objects_from_other_types(document: Document) -> None:
    """`type: [object, string]` with properties is a union of that object and a string."""
    for _, schema in list(schemas_of(document)):
        types = _types(schema)
        if len(types) > 1 and "object" in types and schema.get("properties"):
            own = {key: schema.pop(key) for key in list(schema) if key not in ("description", "default")}
            limits = {"properties", "required", "additionalProperties"}
            others = {key: value for key, value in own.items() if key not in limits}
            schema["anyOf"] = [
                {**own, "type": "object"},
                *({**others, "type": kind} for kind in types if kind != "object"),
            ]


def name_pattern_properties(document: Document) -> None:
    """Keys that follow a pattern are any keys, to a type; their values are as they are described."""
    for _, schema in schemas_of(document):
        patterns = schema.pop("patternProperties", None)
        if patterns and not isinstance(schema.get("additionalProperties"), dict):
            values = list(patterns.values())
            schema["additionalProperties"] = values[0] if len(values) == 1 else {"anyOf": values}


def gather_constants(document: Document) -> None:
    """A union of constants is an enum; with a plain `string` beside them it is an enum that any string may join."""
    for _, schema in schemas_of(document):
        for keyword in ("anyOf", "oneOf"):
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
                schema["enum"] = values


def drop_what_was_shared(document: Document) -> None:
    """Nothing refers to the shared parts any more, so the parser need not read them."""
    document.data["components"] = {"schemas": document.schemas}
    for item in document.data["paths"].values():
        item.pop("parameters", None)


STEPS: tuple[Callable[[Document], None], ...] = (
    complete_info,
    inline_shared_parts,
    tell_of_what_is_left_out,
    name_operations,
    settle_parameters,
    write_true_as_a_schema,
    replace_types_of_other_languages,
    name_referenced_places,
    write_tuples_as_lists,
    compose_what_stands_beside_references,
    drop_members_that_say_nothing,
    drop_titles,
    say_null_as_a_type,
    unfold_inheritance,
    drop_limiting_unions,
    name_inner_compositions,
    merge_all_of,
    move_null_to_references,
    split_objects_from_other_types,
    distribute_fields,
    name_pattern_properties,
    gather_constants,
    mark_files,
    name_inner_objects,
    drop_what_was_shared,
)


def _without_words(parameter: Json) -> Json:
    return {key: value for key, value in parameter.items() if key not in WORDS}


def _names_of(parameter: Json) -> tuple[str, str]:
    return parameter["in"], parameter["name"]


def _types(schema: Json) -> list[str]:
    kinds = schema.get("type", [])
    return kinds if isinstance(kinds, list) else [kinds]


def _constants(schema: Any) -> list[Any]:
    if not isinstance(schema, dict) or "$ref" in schema:
        return []
    if "const" in schema:
        return [schema["const"]]
    values: list[Any] = schema.get("enum", [])
    return values


def _merged(document: Document, value: Json) -> Json:
    """A shared part in place of the reference to it; what stands beside the `$ref` wins."""
    if not isinstance(value.get("$ref"), str):
        return value
    beside = {key: item for key, item in value.items() if key != "$ref"}
    target = document.resolve(value)
    return {**deepcopy(target), **beside}
