"""Objects described in place, as components of their own, so that each becomes a class."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from ...load.document import Document
from ...load.pointers import Json, below, pointer
from ...load.schemas import WORDS, free_key, holders_of, is_object, members_of, refer, says_what
from ...names import class_name


def name_inner_objects(document: Document) -> None:
    """Name every object described inside another schema, or in an operation, after its place."""
    _Namer(document, is_object).run()


def name_inner_compositions(document: Document) -> None:
    """Name compositions inside other schemas before they are merged.

    Merging copies the parts of a composition. Of a named inner composition it copies the reference alone, so that a
    schema that leads back to itself ends there.
    """
    _Namer(document, _is_composition).run()


def _is_composition(schema: Any) -> bool:
    if not isinstance(schema, dict) or "const" in schema or "enum" in schema:
        # Constants lead nowhere, and are short.
        return False
    parts = [part for part in schema.get("allOf", ()) if says_what(part)]
    own = {key: value for key, value in schema.items() if key != "allOf"}
    return len(parts) > 1 or (bool(parts) and says_what(own)) or _has_fields_and_members(schema)


def _has_fields_and_members(schema: Json) -> bool:
    return bool(schema.get("properties")) and bool(members_of(schema))


class _Namer:
    """Makes components of inner schemas.

    Args:
        document: The document.
        wanted: Returns true if a schema needs a name.
    """

    def __init__(self, document: Document, wanted: Callable[[Any], bool]) -> None:
        self._document = document
        self._wanted = wanted
        self._written: dict[str, str] = {}
        """The text of each named schema, from before the schemas inside it were named."""

    def run(self) -> None:
        """Name every wanted schema."""
        document = self._document
        for key in list(document.schemas):
            self._within(document.schemas[key], class_name(key), document.place_of(key))
        for path, method, operation in document.operations():
            base = class_name(operation["operationId"])
            for place, holder in holders_of(operation, pointer("paths", path, method)):
                if "schema" in holder:
                    name = base + _role(operation, holder, place)
                    holder["schema"] = self._named(holder["schema"], name, below(place, "schema"))

    def _within(self, schema: Any, name: str, place: str) -> None:
        """Name the schemas inside a schema, but not itself."""
        if not isinstance(schema, dict):
            return
        for prop, inner in schema.get("properties", {}).items():
            inner_place = below(place, "properties", prop)
            schema["properties"][prop] = self._named(inner, f"{name}{class_name(prop)}", inner_place)
        for keyword, suffix in (("items", "Item"), ("additionalProperties", "Value")):
            if isinstance(schema.get(keyword), dict):
                schema[keyword] = self._named(schema[keyword], f"{name}{suffix}", f"{place}/{keyword}")
        for index, part in enumerate(schema.get("allOf", ())):
            self._within(part, name, f"{place}/allOf/{index}")
        alone = sum(map(is_object, members_of(schema))) == 1
        for keyword in ("anyOf", "oneOf"):
            for index, inner in enumerate(schema.get(keyword, ())):
                suffix = _member_suffix(inner, index, alone=alone)
                inner_place = f"{place}/{keyword}/{index}"
                schema[keyword][index] = self._named(inner, f"{name}{suffix}", inner_place)

    def _named(self, schema: Any, name: str, place: str) -> Any:
        """Return a reference to the component that a schema becomes, or the schema itself if it needs no name."""
        if not isinstance(schema, dict) or "$ref" in schema:
            return schema
        if not self._wanted(schema):
            self._within(schema, name, place)
            return schema
        schemas = self._document.schemas
        written = json.dumps(schema, sort_keys=True)
        if self._written.get(name) != written and schemas.get(name) != schema:
            name = free_key(self._document, name)
            schemas[name] = schema
            self._document.origins[name] = place
            self._written[name] = written
            self._within(schema, name, place)
        words = {word: schema[word] for word in WORDS if word in schema}
        return {**refer(name), **words}


def _role(operation: Json, holder: Json, place: str) -> str:
    """Return the role of a schema in its operation, as the end of a name."""
    if "/requestBody/" in place:
        return "Body"
    if "/responses/" in place:
        status = place.partition("/responses/")[2].partition("/")[0]
        return "Response" if status.startswith("2") else f"Response{status}"
    if "name" in holder:
        return class_name(holder["name"])
    owners = (each for each in operation["parameters"] if holder in each.get("content", {}).values())
    return class_name(next(owners)["name"])


def _member_suffix(member: Any, index: int, *, alone: bool) -> str:
    """Return the end of the name of a union's member: its constant, or else its number."""
    constant = next(_constants(member), None)
    if constant is not None:
        return class_name(constant)
    return "Value" if alone else str(index + 1)


def _constants(schema: Any) -> Iterator[str]:
    """Yield the constant texts among the properties of an object."""
    for inner in schema.get("properties", {}).values() if isinstance(schema, dict) else ():
        values = [inner.get("const"), *inner.get("enum", ())] if isinstance(inner, dict) else []
        texts = [value for value in values if isinstance(value, str)]
        if len(texts) == 1:
            yield texts[0]
