"""The structure of two schemas of different authors: fields, types, values, members of unions.

Authors share no names, so references are followed on both sides, and descriptions are ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import attrs

from ..load.document import Document
from ..load.pointers import Json
from ..load.schemas import key_of, members_of
from ..names import free_name

Aspect = Literal["field", "required", "type", "value", "member"]


@attrs.frozen
class Difference:
    """A structural difference."""

    place: tuple[str, ...]
    """The path from the start of the comparison: fields by name, `[]` for items, `{}` for values."""
    aspect: Aspect
    old: str | None
    """The first schema's side; `None` if it has nothing there."""
    new: str | None
    """The second schema's side."""


@attrs.define
class Shape:
    """The parts of a schema."""

    kinds: set[str] = attrs.field(factory=set[str])
    """The kinds of its values: `string`, `string (date-time)`, `null`."""
    values: set[str] = attrs.field(factory=set[str])
    """Its constants, as JSON."""
    fields: dict[str, Any] = attrs.field(factory=dict[str, Any])
    required: set[str] = attrs.field(factory=set[str])
    members: dict[str, Json] = attrs.field(factory=dict[str, Json])
    """The objects of a union, by their label."""
    items: Any = None
    extra: Any = None
    """The schema of values under any key."""


class Comparison:
    """Compares schemas of two normalised documents. A pair of schemas is compared once.

    Args:
        old: The one document.
        new: The other.
    """

    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new
        self._seen: set[tuple[int, int]] = set()

    def schemas(self, old: Any, new: Any, place: tuple[str, ...] = ()) -> Iterator[Difference]:
        """Yield the differences between two schemas."""
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        if (id(old), id(new)) in self._seen:
            return
        self._seen.add((id(old), id(new)))
        before, after = self._shape(self._old, old), self._shape(self._new, new)
        # A schema without a type takes anything: between two authors, that does not contradict a type.
        if before.kinds and after.kinds and before.kinds != after.kinds:
            yield Difference(place, "type", _joined(before.kinds), _joined(after.kinds))
        if bool(before.fields) != bool(after.fields) and bool(before.members) != bool(after.members):
            yield Difference(place, "type", _form(before), _form(after))
            return
        yield from _sets("value", before.values, after.values, place)
        yield from self._fields(before, after, place)
        _align(before.members, after.members)
        yield from _sets("member", set(before.members), set(after.members), place)
        for name in sorted(before.members.keys() & after.members.keys()):
            yield from self.schemas(before.members[name], after.members[name], (*place, f"<{name}>"))
        if before.items is not None and after.items is not None:
            yield from self.schemas(before.items, after.items, (*place, "[]"))
        if before.extra is not None and after.extra is not None:
            yield from self.schemas(before.extra, after.extra, (*place, "{}"))

    def _fields(self, before: Shape, after: Shape, place: tuple[str, ...]) -> Iterator[Difference]:
        for name in dict.fromkeys([*before.fields, *after.fields]):
            inner = (*place, name)
            if name not in after.fields:
                yield Difference(inner, "field", self._said(self._old, before.fields[name]), None)
            elif name not in before.fields:
                yield Difference(inner, "field", None, self._said(self._new, after.fields[name]))
            else:
                if (name in before.required) != (name in after.required):
                    states = ("optional", "required")
                    needed = (states[name in shape.required] for shape in (before, after))
                    yield Difference(inner, "required", *needed)
                yield from self.schemas(before.fields[name], after.fields[name], inner)

    def _said(self, document: Document, schema: Any) -> str:
        shape = self._shape(document, _resolved(document, schema))
        return " | ".join(sorted(shape.kinds | shape.members.keys() - {"object"})) or (
            "one of " + ", ".join(sorted(shape.values)) if shape.values else "anything"
        )

    # Taking a schema apart ------------------------------------------------------------------------------------

    def _shape(self, document: Document, schema: Any) -> Shape:
        shape = Shape()
        self._add(document, schema, shape, set())
        if len(shape.members) == 1 and not shape.fields:
            # A nullable object is an object.
            (member,) = shape.members.values()
            shape.members.clear()
            self._add(document, member, shape, set())
        return shape

    def _add(self, document: Document, schema: Any, shape: Shape, seen: set[str]) -> None:
        if not isinstance(schema, dict):
            return
        key = key_of(schema)
        if key is not None:
            if key not in seen:
                self._add(document, document.schemas[key], shape, seen | {key})
            return
        members = members_of(schema)
        if members:
            self._add_union(document, schema, members, shape, seen)
            return
        if "const" in schema or "enum" in schema:
            values = [schema["const"]] if "const" in schema else schema["enum"]
            shape.values |= {json.dumps(value) for value in values if value is not None}
            shape.kinds |= {_json_type(value) for value in values}
            return
        kinds = schema.get("type") or ("object" if "properties" in schema else None)
        for kind in kinds if isinstance(kinds, list) else [kinds] if kinds else []:
            form = schema.get("format") if kind == "string" else None
            shape.kinds.add(f"{kind} ({form})" if form else kind)
        shape.fields |= schema.get("properties", {})
        shape.required |= set(schema.get("required", ()))
        shape.items = schema.get("items", shape.items)
        extra = schema.get("additionalProperties")
        shape.extra = extra if isinstance(extra, dict) else shape.extra

    def _add_union(
        self, document: Document, schema: Json, members: list[Any], shape: Shape, seen: set[str]
    ) -> None:
        objects: dict[str, Json] = {}
        for member in members:
            key = key_of(member)
            if key is None or key in seen:
                self._add(document, member, shape, seen)
            elif document.schemas[key].get("properties"):
                objects[key] = document.schemas[key]
            else:
                self._add(document, document.schemas[key], shape, seen | {key})
        for key, label in _labels(document, objects, schema.get("discriminator", {})).items():
            shape.members[free_name(label, shape.members, separator=" ")] = objects[key]
            shape.kinds.add("object")


#: The schema of any value. A single object, because schemas are compared by identity.
_ANYTHING: Json = {}


def _resolved(document: Document, schema: Any) -> Json:
    return document.resolve(schema) if isinstance(schema, dict) else _ANYTHING


def _labels(document: Document, objects: dict[str, Json], discriminator: Json) -> dict[str, str]:
    """Return a label for each member of a union: its tag, or its constant of the most distinctive field."""
    mapping: dict[str, str] = discriminator.get("mapping") or {}
    tags = {target.rpartition("/")[2]: tag for tag, target in sorted(mapping.items(), reverse=True)}
    names = sorted({name for schema in objects.values() for name in schema["properties"]})
    constants = {
        name: {key: _constant(document, each, name) for key, each in objects.items()} for name in names
    }
    distinct = {name: {*values.values()} - {None} for name, values in constants.items()}
    best = max(names, key=lambda name: (len(distinct[name]), name == "type"), default="")
    by_field = constants.get(discriminator.get("propertyName", best), {})
    return {key: tags.get(key) or by_field.get(key) or "object" for key in objects}


def _constant(document: Document, schema: Json, name: str) -> str | None:
    """Return the constant text of a field; the first of several; `None` if it takes any text."""
    todo, values, seen = [schema["properties"].get(name)], list[Any](), set[int]()
    while todo:
        each = _resolved(document, todo.pop())
        if id(each) in seen:
            continue
        seen.add(id(each))
        values += [each["const"]] if "const" in each else each.get("enum", [])
        todo += members_of(each)
        if each.get("type") == "string" and "const" not in each and "enum" not in each:
            return None
    texts = [value for value in values if value is not None]
    return min(texts) if texts and all(isinstance(text, str) for text in texts) else None


def _align(before: dict[str, Json], after: dict[str, Json]) -> None:
    """Number members of one label on both sides, so that those with the most common fields meet."""
    for label in [label for label in before if f"{label} 2" in before | after]:
        ours, theirs = (
            [name for name in members if re.fullmatch(rf"{re.escape(label)}( \d+)?", name)]
            for members in (before, after)
        )
        rest = {name: after.pop(name) for name in theirs}
        for name in ours:
            best = max(rest, key=lambda each: _likeness(before[name], rest[each]), default=None)
            if best is not None:
                after[name] = rest.pop(best)
        for schema in rest.values():
            after[free_name(label, {**before, **after}, separator=" ")] = schema


def _likeness(one: Json, other: Json) -> tuple[float, bool]:
    ours, theirs = one["properties"].keys(), other["properties"].keys()
    return len(ours & theirs) / len(ours | theirs), one == other


def _sets(
    aspect: Literal["value", "member"], before: set[str], after: set[str], place: tuple[str, ...]
) -> Iterator[Difference]:
    for each in sorted(before - after):
        yield Difference(place, aspect, each, None)
    for each in sorted(after - before):
        yield Difference(place, aspect, None, each)


def _form(shape: Shape) -> str:
    if shape.members:
        return f"one of {len(shape.members)} objects ({', '.join(shape.members)})"
    return f"an object ({', '.join(shape.fields)})"


def _joined(kinds: set[str]) -> str:
    return " | ".join(sorted(kinds)) or "anything"


def _json_type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case _:
            return "array" if isinstance(value, list) else "object"


def shown_place(place: tuple[str, ...]) -> str:
    """Return a place as text: `Message.content[]`, `body.tools[]<bash>.name`."""
    text = ""
    for part in place:
        text += part if part in ("[]", "{}") or part.startswith("<") or not text else f".{part}"
    return text
