"""Schemas as links: code that decodes JSON to the annotated type. A schema without a link needs no decoding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from ..load.document import Document
from ..load.pointers import Json
from ..load.schemas import implied_type, key_of, members_of, refer
from ..organise.components import Component, Components
from .annotations import MODEL
from .unions import Group, Unions


@attrs.define
class _Leaves:
    """The members of a union by the kind of their JSON values."""

    models: list[Component] = attrs.field(factory=list[Component])
    objects: list[Json] = attrs.field(factory=list[Json])
    """Mappings from any key."""
    arrays: list[Json] = attrs.field(factory=list[Json])
    dates: list[Json] = attrs.field(factory=list[Json])
    text: list[Json] = attrs.field(factory=list[Json])
    unions: list[Json] = attrs.field(factory=list[Json])
    """The unions around the members."""


class Links:
    """Reads schemas as links.

    Args:
        document: The document of the schemas.
        components: Its component schemas.
    """

    def __init__(self, document: Document, components: Components) -> None:
        self._document = document
        self._components = components
        self._unions = Unions(document, components)
        self._linked_cycles: set[str] = set()
        self._find_linked_cycles()

    def of(self, schema: Any) -> str | None:
        """Return the link of a schema."""
        if not isinstance(schema, dict):
            return None
        key = key_of(schema)
        if key is not None:
            return self._named(self._components[key])
        if "const" in schema or "enum" in schema:
            return None
        members = members_of(schema)
        if members:
            return self._union(schema, members)
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return self._union(schema, [{**schema, "type": kind} for kind in kinds])
        match kinds or implied_type(schema):
            case "array":
                return _around("List", self.of(schema.get("items")))
            case "object":
                return _around("Dict", self.of(schema.get("additionalProperties")))
            case "string":
                return _STRINGS.get(schema.get("format", ""))
            case _:
                return None

    def _named(self, component: Component) -> str | None:
        name = component.name
        if component.kind == "object" or (component.kind == "union" and not component.recursive):
            return f"{MODEL}.Ref({name!r})"
        if component.recursive:
            return f"{MODEL}.Alias({name!r})" if component.key in self._linked_cycles else None
        return self.of(component.schema)

    def definition(self, component: Component) -> str | None:
        """Return the link of an alias or a union itself, not of a reference to it."""
        return self.of(component.schema)

    # Unions ---------------------------------------------------------------------------------------------------

    def _union(self, schema: Json, members: list[Any]) -> str | None:
        """Return the link of a union: by the kind of JSON value first, then objects by their tag or their keys."""
        leaves = self._leaves_by_kind(members)
        groups = [group for member in [schema, *leaves.unions] for group in self._group(member)]
        kinds = {"object": self._objects(leaves, groups), "array": self._arrays(leaves), "string": None}
        if not leaves.text:
            kinds["string"] = next(map(self.of, leaves.dates), None)
        given = {kind: link for kind, link in kinds.items() if link is not None}
        if len(given) < 2:
            # Other values, a string or null, need no decoding.
            return next(iter(given.values()), None)
        return f"{MODEL}.Either({', '.join(f'{kind}={link}' for kind, link in given.items())})"

    def _group(self, union: Json) -> Iterator[Group]:
        """Yield the models that the discriminator of a union distinguishes."""
        discriminator = union.get("discriminator")
        if discriminator is not None:
            models = self._leaves_by_kind(members_of(union)).models
            mapping = list((discriminator.get("mapping") or {}).items())
            yield Group(discriminator["propertyName"], mapping, models)

    def _leaves_by_kind(self, members: list[Any]) -> _Leaves:
        """Sort the members by the kind of their JSON values, those of aliases and inner unions included."""
        leaves = _Leaves()
        seen: set[str] = set()
        todo = [member for member in reversed(members) if isinstance(member, dict)]
        while todo:
            member = todo.pop()
            key = key_of(member)
            if key is not None:
                if key not in seen:
                    seen.add(key)
                    self._add_named(leaves, self._components[key], todo)
                continue
            inner = [each for each in members_of(member) if isinstance(each, dict)]
            if inner:
                leaves.unions.append(member)
                todo += reversed(inner)
                continue
            kinds = member.get("type", implied_type(member))
            for kind in kinds if isinstance(kinds, list) else [kinds]:
                one = {**member, "type": kind}
                if "const" in member or "enum" in member:
                    leaves.text.append(one)
                elif kind == "string":
                    (leaves.dates if member.get("format") in _STRINGS else leaves.text).append(one)
                elif kind in ("object", "array"):
                    (leaves.objects if kind == "object" else leaves.arrays).append(one)
        return leaves

    def _add_named(self, leaves: _Leaves, component: Component, todo: list[Json]) -> None:
        if component.kind == "object":
            leaves.models.append(component)
        elif component.recursive and not members_of(component.schema):
            # A recursive list: looking into it would never end.
            is_array = component.schema.get("type", implied_type(component.schema)) == "array"
            (leaves.arrays if is_array else leaves.objects).append(refer(component.key))
        else:
            todo.append(component.schema)

    def _arrays(self, leaves: _Leaves) -> str | None:
        named = next((self.of(each) for each in leaves.arrays if key_of(each)), None)
        return named or _around("List", self._items([each.get("items") for each in leaves.arrays]))

    def _items(self, items: list[Any]) -> str | None:
        if not items:
            return None
        return self.of(items[0]) if len(items) == 1 else self._union({}, items)

    def _objects(self, leaves: _Leaves, groups: list[Group]) -> str | None:
        """Return the link of the objects among the members."""
        rest = None
        if leaves.objects:
            values = [each.get("additionalProperties") for each in leaves.objects if not key_of(each)]
            rest = next((self.of(each) for each in leaves.objects if key_of(each)), None)
            rest = rest or _around("Dict", self._items(values))
            rest = rest or (f"{MODEL}.Plain()" if leaves.models else None)
        return self._unions.link(leaves.models, groups, rest) if leaves.models else rest

    # Cycles ---------------------------------------------------------------------------------------------------

    def _find_linked_cycles(self) -> None:
        """Find the recursive aliases that hold more than plain JSON."""
        recursive = [component for component in self._components.values() if component.recursive]
        changed = True
        while changed:
            found = {each.key for each in recursive if self.of(each.schema) is not None}
            changed = found != self._linked_cycles
            self._linked_cycles = found


_STRINGS = {"date-time": f"{MODEL}.DateTime()", "date": f"{MODEL}.Date()"}


def _around(kind: str, link: str | None) -> str | None:
    return None if link is None else f"{MODEL}.{kind}({link})"
