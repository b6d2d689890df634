"""Say the same document in fewer words of OpenAPI, so that the steps after this one meet fewer cases.

Each step is a function that changes the document in place, does one thing, and says why. `normalise` runs them in
order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from .document import Document, DocumentError, Json, parts_of, places, pointer
from .names import class_name

#: Keywords whose values are schemas, one, or many under names, or many in a list.
_ONE = ("items", "additionalProperties", "contains", "not", "propertyNames")
_NAMED = ("properties", "patternProperties", "$defs", "dependentSchemas")
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")

COMPONENT = "#/components/schemas/"


def normalise(document: Document) -> None:
    """Run every step."""
    for step in STEPS:
        step(document)


def complete_info(document: Document) -> None:
    """The parser refuses a document whose `info` has no title or version; many published ones have none."""
    info = document.data["info"]
    info["title"] = str(info.get("title") or "Untitled API")
    info["version"] = str(info.get("version") or "0")
    document.data.setdefault("paths", {})


def inline_shared_parts(document: Document) -> None:
    """Shared parameters, responses, bodies, headers and path items are put where they are used: one case less."""
    for path, item in list(document.data["paths"].items()):
        item = document.data["paths"][path] = _merged(document, item)
        shared = [_merged(document, parameter) for parameter in item.pop("parameters", [])]
        for method, operation in item.items():
            if not isinstance(operation, dict) or method == "servers":
                continue
            own = [_merged(document, parameter) for parameter in operation.get("parameters", [])]
            named = {(parameter.get("name"), parameter.get("in")) for parameter in own}
            operation["parameters"] = own + [
                parameter for parameter in shared if (parameter.get("name"), parameter.get("in")) not in named
            ]
            if "requestBody" in operation:
                operation["requestBody"] = _merged(document, operation["requestBody"])
            operation["responses"] = {
                str(status): _merged(document, response) for status, response in operation.get("responses", {}).items()
            }
    components = document.data.get("components", {})
    document.data["components"] = {
        key: value for key, value in components.items() if key in ("schemas", "securitySchemes")
    }


def name_referenced_places(document: Document) -> None:
    """A `$ref` may point to any place, `#/components/schemas/A/properties/b`; such a place becomes a component."""
    moved: dict[str, str] = {}
    for _, value in list(places(document.data)):
        reference = value.get("$ref")
        if not isinstance(reference, str):
            continue
        parts = parts_of(reference)
        if parts[:2] == ["components", "schemas"] and len(parts) == 3:
            continue
        if reference not in moved:
            try:
                target = document.find(reference)
            except (LookupError, TypeError, ValueError):
                continue
            if not isinstance(target, dict):
                continue
            words = [part for part in parts if part not in ("components", "schemas", "properties", "$defs", "paths")]
            key = _free_key(document, class_name("_".join(words) or "Part"))
            document.schemas[key] = deepcopy(target)
            moved[reference] = COMPONENT + key
        value["$ref"] = moved[reference]


def drop_titles(document: Document) -> None:
    """The parser names a class after the title of its schema, which need be neither unique nor a name. The key is."""
    for _, schema in schemas_of(document):
        schema.pop("title", None)


def say_null_as_a_type(document: Document) -> None:
    """OpenAPI 3.0 says `nullable: true` where 3.1 has the type `null`."""
    for _, schema in list(schemas_of(document)):
        if schema.pop("nullable", False) is not True:
            continue
        if "$ref" in schema or any(keyword in schema for keyword in ("allOf", "anyOf", "oneOf")):
            inner = {key: schema.pop(key) for key in list(schema) if key not in ("description", "default", "example")}
            schema["anyOf"] = [inner, {"type": "null"}]
        elif "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            schema["type"] = [*types, *(["null"] if "null" not in types else [])]
            if "enum" in schema and None not in schema["enum"]:
                schema["enum"] = [*schema["enum"], None]


def merge_all_of(document: Document) -> None:
    """`allOf` composes a schema of others; the model made of it has the fields of all of them."""
    for _, schema in list(schemas_of(document)):
        if "allOf" in schema:
            _merge(document, schema, ())


def gather_constants(document: Document) -> None:
    """A union of constants is an enum; with a plain `string` beside them it is an enum that any string may join."""
    for _, schema in schemas_of(document):
        for keyword in ("anyOf", "oneOf"):
            members = schema.get(keyword, [])
            constants = [member for member in members if _constants(member)]
            if len(constants) < 2 or any("$ref" in member for member in constants):
                continue
            kinds = {type(value) for member in constants for value in _constants(member)}
            if len(kinds) != 1:
                continue
            rest = [member for member in members if not _constants(member)]
            enum: Json = {"enum": [value for member in constants for value in _constants(member)]}
            if kinds == {str}:
                enum["type"] = "string"
            if rest:
                schema[keyword] = [enum, *rest]
            else:
                del schema[keyword]
                schema.update(enum)


def name_inner_objects(document: Document) -> None:
    """An object described in place becomes a component, named after its place, so that a class can be made of it."""
    for key in list(document.schemas):
        _name_within(document, document.schemas[key], class_name(key))
    for path, method, operation in document.operations():
        base = class_name(operation.get("operationId") or f"{method}_{path}")
        for parameter in operation.get("parameters", []):
            schema = parameter.get("schema")
            if schema is not None:
                parameter["schema"] = _named(document, schema, f"{base}{class_name(parameter['name'])}")
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "schema" in content:
                content["schema"] = _named(document, content["schema"], f"{base}Body")
        for status, response in operation["responses"].items():
            suffix = "Response" if status.startswith("2") else f"Response{status}"
            for content in response.get("content", {}).values():
                if "schema" in content:
                    content["schema"] = _named(document, content["schema"], f"{base}{suffix}")


STEPS: tuple[Callable[[Document], None], ...] = (
    complete_info,
    inline_shared_parts,
    name_referenced_places,
    drop_titles,
    say_null_as_a_type,
    merge_all_of,
    gather_constants,
    name_inner_objects,
)


def schemas_of(document: Document) -> Iterator[tuple[str, Json]]:
    """Every schema in the document with its place, those inside others included."""
    for key, schema in list(document.schemas.items()):
        yield from within(schema, pointer("components", "schemas", key))
    for path, method, operation in document.operations():
        place = pointer("paths", path, method)
        for index, parameter in enumerate(operation.get("parameters", [])):
            yield from within(parameter.get("schema"), f"{place}/parameters/{index}/schema")
        contents = [(f"{place}/requestBody", operation.get("requestBody", {}))]
        contents += [(f"{place}/responses/{status}", each) for status, each in operation.get("responses", {}).items()]
        for inner, holder in contents:
            for media_type, content in holder.get("content", {}).items():
                yield from within(content.get("schema"), inner + pointer("content", media_type, "schema")[1:])


def within(schema: Any, place: str) -> Iterator[tuple[str, Json]]:
    """A schema and those inside it, with their places."""
    if not isinstance(schema, dict):
        return
    yield place, schema
    for keyword in _ONE:
        yield from within(schema.get(keyword), f"{place}/{keyword}")
    for keyword in _NAMED:
        for name, inner in (schema.get(keyword) or {}).items():
            yield from within(inner, place + pointer(keyword, name)[1:])
    for keyword in _LISTED:
        for index, inner in enumerate(schema.get(keyword) or []):
            yield from within(inner, f"{place}/{keyword}/{index}")


def is_object(schema: Json) -> bool:
    """Whether a schema describes an object with named fields: one to make a class of."""
    return schema.get("type", "object") in ("object", ["object"]) and bool(schema.get("properties"))


def _constants(schema: Json) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    enum: list[Any] = schema.get("enum", [])
    return enum


def _merged(document: Document, value: Json) -> Json:
    """A shared part in place of the reference to it; what stands beside the `$ref` wins."""
    if "$ref" not in value:
        return value
    beside = {key: item for key, item in value.items() if key != "$ref"}
    return {**deepcopy(document.resolve(value)), **beside}


def _free_key(document: Document, wanted: str) -> str:
    key, number = wanted, 2
    while key in document.schemas:
        key, number = f"{wanted}{number}", number + 1
    return key


def _name_within(document: Document, schema: Json, name: str) -> None:
    """Name the objects inside `schema`, but not itself."""
    for prop, inner in (schema.get("properties") or {}).items():
        schema["properties"][prop] = _named(document, inner, f"{name}{class_name(prop)}")
    for keyword, suffix in (("items", "Item"), ("additionalProperties", "Value")):
        if isinstance(schema.get(keyword), dict):
            schema[keyword] = _named(document, schema[keyword], f"{name}{suffix}")
    for keyword in ("anyOf", "oneOf"):
        members = schema.get(keyword) or []
        for index, inner in enumerate(members):
            constant = next(iter(_tags(inner)), None)
            suffix = class_name(constant) if constant else (str(index + 1) if len(members) > 1 else "")
            members[index] = _named(document, inner, f"{name}{suffix}" if suffix else f"{name}Value")


def _named(document: Document, schema: Json, name: str) -> Json:
    """A reference to the component that `schema` becomes, where it is an object; else itself, with its inside named."""
    if not isinstance(schema, dict) or "$ref" in schema:
        return schema
    if not is_object(schema):
        _name_within(document, schema, name)
        return schema
    key = _free_key(document, name)
    document.schemas[key] = schema
    _name_within(document, schema, key)
    reference: Json = {"$ref": COMPONENT + key}
    if "description" in schema:
        reference["description"] = schema["description"]
    return reference


def _tags(schema: Any) -> Iterator[str]:
    """The constants among the properties of an inline object: what tells it from its fellows in a union."""
    for inner in (schema.get("properties") or {}).values() if isinstance(schema, dict) else ():
        if isinstance(inner, dict) and isinstance(inner.get("const"), str):
            yield inner["const"]


def _merge(document: Document, schema: Json, seen: tuple[str, ...]) -> None:
    """Merge the parts of `allOf` into the schema itself; what the schema says on its own wins."""
    parts = schema.pop("allOf")
    own = {key: value for key, value in schema.items() if key != "description"}
    if len(parts) == 1 and not own:
        schema.update({**parts[0], **schema})
        if "allOf" in schema:
            _merge(document, schema, seen)
        return
    merged: Json = {}
    for part in [*parts, dict(schema)]:
        names = seen
        while "$ref" in part:
            if part["$ref"] in names:
                raise DocumentError(
                    f"is composed of itself, by way of {part['$ref']}",
                    place=part["$ref"],
                    way_out="Take the schema out of its own allOf.",
                )
            names = (*names, part["$ref"])
            part = document.find(part["$ref"])
        part = deepcopy(part)
        if "allOf" in part:
            _merge(document, part, names)
        properties = {**merged.get("properties", {}), **part.pop("properties", {})}
        required = list(dict.fromkeys([*merged.get("required", []), *part.pop("required", [])]))
        merged.update(part)
        if properties:
            merged["properties"] = properties
        if required:
            merged["required"] = required
    schema.update(merged)
