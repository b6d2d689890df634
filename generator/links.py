"""Schemas as links: how JSON becomes what is annotated, as code. No link means that JSON is good as it comes."""

from __future__ import annotations

from typing import Any

from .annotations import MODEL
from .components import Component, Components
from .document import Document, Json
from .schemas import COMPONENT, key_of, members_of


class Links:
    """Reads schemas as links.

    Args:
        document: What the schemas are from.
        components: The named ones among them.
    """

    def __init__(self, document: Document, components: Components) -> None:
        self._document = document
        self._components = components
        self._linked_cycles: set[str] = set()
        self._find_linked_cycles()

    def of(self, schema: Any) -> str | None:
        """The link of a schema."""
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
        match kinds or _implied(schema):
            case "array":
                return _around("Many", self.of(schema.get("items")))
            case "object":
                return _around("Mapped", self.of(schema.get("additionalProperties")))
            case "string":
                return _STRINGS.get(schema.get("format", ""))
            case _:
                return None

    def _named(self, component: Component) -> str | None:
        name = component.name
        if component.kind == "object" or (component.kind == "union" and not component.recursive):
            return f"{MODEL}.One({name!r})"
        if component.recursive:
            return f"{MODEL}.Alias({name!r})" if component.key in self._linked_cycles else None
        return self.of(component.schema)

    def definition(self, component: Component) -> str | None:
        """The link of an alias or a union itself, not of a reference to it."""
        return self.of(component.schema)

    # Unions ---------------------------------------------------------------------------------------------------

    def _union(self, schema: Json, members: list[Any]) -> str | None:
        """A union is told apart by the kind of JSON value first; then objects by their tag or their keys."""
        discriminators = [schema["discriminator"]] if "discriminator" in schema else []
        leaves = self._leaves_by_kind(members, discriminators)
        objects = self._objects(leaves, _agreed(discriminators))
        arrays = _around("Many", self._items([each.get("items") for each in leaves["array"]]))
        strings = None if leaves["text"] else next(map(self.of, leaves["date"]), None)
        kinds = {"object": objects, "array": arrays, "string": strings}
        given = {kind: link for kind, link in kinds.items() if link is not None}
        if len(given) < 2:
            # Whatever else there is, a string or null, is handed on as it comes.
            return next(iter(given.values()), None)
        return f"{MODEL}.Either({', '.join(f'{kind}={link}' for kind, link in given.items())})"

    def _leaves_by_kind(self, members: list[Any], discriminators: list[Json]) -> dict[str, list[Json]]:
        """The members by the kind of JSON value that they take, those of aliases and inner unions included.

        The discriminators of unions inside it are added to those that are known.
        """
        leaves: dict[str, list[Json]] = {"model": [], "object": [], "array": [], "date": [], "text": []}
        seen: set[str] = set()
        todo = [member for member in reversed(members) if isinstance(member, dict)]
        while todo:
            member = todo.pop()
            key = key_of(member)
            if key is not None:
                component = self._components[key]
                if component.kind == "object":
                    leaves["model"].append(member)
                elif key not in seen:
                    seen.add(key)
                    todo.append(component.schema)
                continue
            inner = [each for each in members_of(member) if isinstance(each, dict)]
            if inner:
                if "discriminator" in member:
                    discriminators.append(member["discriminator"])
                todo += reversed(inner)
                continue
            kinds = member.get("type", _implied(member))
            for kind in kinds if isinstance(kinds, list) else [kinds]:
                one = {**member, "type": kind}
                if "const" in member or "enum" in member:
                    leaves["text"].append(one)
                elif kind == "string":
                    leaves["date" if member.get("format") in _STRINGS else "text"].append(one)
                elif kind in ("object", "array"):
                    leaves[kind].append(one)
        return leaves

    def _items(self, items: list[Any]) -> str | None:
        if not items:
            return None
        return self.of(items[0]) if len(items) == 1 else self._union({}, items)

    def _objects(self, leaves: dict[str, list[Json]], discriminator: Json | None) -> str | None:
        """How the objects among the members are told apart: by a tag, or else by their keys."""
        models = [
            self._components[key] for key in dict.fromkeys(key_of(each) or "" for each in leaves["model"])
        ]
        rest = None
        if leaves["object"]:
            values = [each.get("additionalProperties") for each in leaves["object"]]
            rest = _around("Mapped", self._items(values)) or (f"{MODEL}.Plain()" if models else None)
        if not models:
            return rest
        if len(models) == 1 and rest is None:
            return f"{MODEL}.One({models[0].name!r})"
        behind = f", rest={rest}" if rest else ""
        tag = discriminator["propertyName"] if discriminator else _common_tag(self._document, models)
        if tag is None:
            return self._shaped(models, behind)
        mapping = (discriminator or {}).get("mapping") or {}
        return f"{MODEL}.Tagged({tag!r}, {self._table(models, tag, mapping)!r}{behind})"

    def _shaped(self, models: list[Component], behind: str) -> str:
        """Told apart by keys, and by the constants that some of them have."""
        constants: dict[str, dict[str, list[str]]] = {}
        for model in models:
            values = {prop: tag_values(self._document, model, prop) for prop in model.schema["properties"]}
            fixed = {prop: each for prop, each in values.items() if len(each) == 1}
            if fixed:
                constants[model.name] = fixed
        where = f", where={constants!r}" if constants else ""
        return f"{MODEL}.Shaped({', '.join(repr(model.name) for model in models)}{where}{behind})"

    def _table(
        self, models: list[Component], tag: str, mapping: dict[str, str]
    ) -> dict[str, str | tuple[str, ...]]:
        """Which model each value of the tag stands for; several where only their keys tell them apart."""
        table: dict[str, list[str]] = {}
        by_key = {model.schema.get("x-merged-from", model.key): model.name for model in models}
        by_key |= {key: each.name for key, each in self._components.items() if each in models}
        by_key |= {key: each.name for key, each in self._components.items() if each.kind == "union"}
        for value, target in mapping.items():
            name = by_key.get(target.removeprefix(COMPONENT))
            if name is not None:
                table[value] = [name]
        mapped = {name for names in table.values() for name in names}
        for model in models:
            values = tag_values(self._document, model, tag)
            if not values and model.name not in mapped:
                # Without a mapping, the tag is the name of the schema.
                values = [model.schema.get("x-merged-from", model.key)]
            for value in values:
                if value not in mapping:
                    table.setdefault(value, []).append(model.name)
        return {value: names[0] if len(names) == 1 else tuple(names) for value, names in table.items()}

    # Cycles ---------------------------------------------------------------------------------------------------

    def _find_linked_cycles(self) -> None:
        """The aliases that lead back to themselves and that hold, somewhere on the way, more than plain JSON."""
        recursive = [component for component in self._components.values() if component.recursive]
        changed = True
        while changed:
            found = {each.key for each in recursive if self.of(each.schema) is not None}
            changed = found != self._linked_cycles
            self._linked_cycles = found


_STRINGS = {"date-time": f"{MODEL}.Instant()", "date": f"{MODEL}.Day()"}


def tag_values(document: Document, component: Component, tag: str) -> list[str]:
    """The constants that a property of a model can be."""
    schema = component.schema.get("properties", {}).get(tag)
    if not isinstance(schema, dict):
        return []
    schema = document.resolve(schema)
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return [value for value in values if isinstance(value, str)]


def _agreed(discriminators: list[Json]) -> Json | None:
    """The discriminator of a union and those inside it, where they go by one property."""
    names = {each["propertyName"] for each in discriminators}
    if len(names) != 1:
        return None
    mapping = {
        value: target for each in discriminators for value, target in (each.get("mapping") or {}).items()
    }
    return {"propertyName": names.pop(), "mapping": mapping}


def _common_tag(document: Document, models: list[Component]) -> str | None:
    """The property that is a constant, and another one, in each of the models."""
    for prop in models[0].schema["properties"]:
        values = [tag_values(document, model, prop) for model in models]
        flat = [value for each in values for value in each]
        if all(values) and len(flat) == len(set(flat)):
            return str(prop)
    return None


def _implied(schema: Json) -> str | None:
    if isinstance(schema.get("additionalProperties"), dict) or "properties" in schema:
        return "object"
    return "array" if "items" in schema else None


def _around(kind: str, link: str | None) -> str | None:
    return None if link is None else f"{MODEL}.{kind}({link})"
