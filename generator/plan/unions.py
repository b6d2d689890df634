"""The objects of a union as a link: distinguished by a tag, or by their keys and constants."""

from __future__ import annotations

from typing import Any

import attrs

from ..load.document import Document
from ..load.schemas import COMPONENT, flat_members, key_of
from ..organise.components import Component, Components, schema_of
from .annotations import MODEL

Constant = str | int | bool


@attrs.define
class Group:
    """Models that a discriminator distinguishes by one property."""

    tag: str
    mapping: list[tuple[str, str]]
    """The values, each with its component; a value may repeat where two unions map it."""
    models: list[Component]


class Unions:
    """Tells the objects of unions apart, as code.

    Args:
        document: The document of the unions.
        components: Its component schemas.
    """

    def __init__(self, document: Document, components: Components) -> None:
        self._document = document
        self._components = components

    def link(self, models: list[Component], groups: list[Group], rest: str | None) -> str:
        """Return the link of one of several models.

        Args:
            models: The members of the union.
            groups: The discriminators of the union and of unions inside it.
            rest: The link of any other object.
        """
        groups = self._merged(groups)
        if len(models) == 1 and rest is None and not any(group.models for group in groups):
            return f"{MODEL}.Ref({models[0].name!r})"
        found = None if groups else self._common_tag(models)
        if found is not None:
            groups = [Group(found, [], models)]
        tagged = {model.key for group in groups for model in group.models}
        others = [model for model in models if model.key not in tagged]
        link = self._shaped(others, rest) if others else rest
        for group in reversed(groups):
            link = self._tagged(group, link, chosen_here=found is not None)
        assert link is not None  # the union has models
        return link

    def _merged(self, groups: list[Group]) -> list[Group]:
        """Return one group for each property whose constants are all texts."""
        merged: dict[str, Group] = {}
        for group in groups:
            known = merged.setdefault(group.tag, Group(group.tag, [], []))
            known.mapping += group.mapping
            known.models += [model for model in group.models if model not in known.models]
        return [
            group
            for group in merged.values()
            if all(self._is_text(model, group.tag) for model in group.models)
        ]

    def _is_text(self, model: Component, tag: str) -> bool:
        return all(isinstance(value, str) for value in self._constants(model, tag))

    def _tagged(self, group: Group, rest: str | None, *, chosen_here: bool) -> str:
        table = self._table(group)
        shared = {name for names in table.values() if isinstance(names, tuple) for name in names}
        where = self._evidence([model for model in group.models if model.name in shared], besides=group.tag)
        # An object without an optional tag has only its keys.
        untagged = [
            model
            for model in group.models
            if group.tag in model.schema["properties"] and group.tag not in model.schema.get("required", ())
        ]
        if len(untagged) == len(group.models) and not chosen_here:
            untagged = []
        parts = [repr(group.tag), repr(table)]
        parts += [f"where={where!r}"] if where else []
        parts += [f"untagged={self._shaped(untagged, rest)}"] if untagged else []
        parts += [f"rest={rest}"] if rest else []
        return f"{MODEL}.Tagged({', '.join(parts)})"

    def _shaped(self, models: list[Component], rest: str | None) -> str:
        """Return a link by keys, and by the constants of some of them."""
        where = self._evidence(models)
        parts = [repr(model.name) for model in models]
        parts += [f"where={where!r}"] if where else []
        parts += [f"rest={rest}"] if rest else []
        return f"{MODEL}.Untagged({', '.join(parts)})"

    def _table(self, group: Group) -> dict[str, str | tuple[str, ...]]:
        """Return the models of each value of the tag; several where only their keys tell them apart."""
        table: dict[str, list[str]] = {}
        keys = {model.schema.get("x-merged-from", model.key): model.name for model in group.models}
        for value, target in group.mapping:
            name = self._name_of(target.removeprefix(COMPONENT), keys)
            if name is not None and name not in table.setdefault(value, []):
                table[value].append(name)
        mapped = {name for names in table.values() for name in names}
        said = {value for value, _ in group.mapping}
        for model in group.models:
            values = [str(value) for value in self._constants(model, group.tag)]
            own = model.schema.get("x-merged-from", model.key)
            if model.name not in mapped and (not values or (own in values and not said)):
                # Without a mapping, the tag is the schema's name.
                values = [own]
            for value in values:
                if value not in said:
                    table.setdefault(value, []).append(model.name)
        return {
            value: names[0] if len(names) == 1 else tuple(names) for value, names in table.items() if names
        }

    def _name_of(self, key: str, keys: dict[str, str]) -> str | None:
        """Return the type that a mapping leads to, directly or through an alias."""
        if key in keys:
            return keys[key]
        component = self._components.get(key)
        if component is None:
            return None
        if component.kind == "alias":
            target = key_of(schema_of(self._components, {"$ref": COMPONENT + key}))
            component = self._components.get(target or "", component)
        if component.kind == "union" or component.name in keys.values():
            return component.name
        return None

    def _common_tag(self, models: list[Component]) -> str | None:
        """Return the property that is a distinct constant text in each of the models."""
        for prop in models[0].schema["properties"]:
            values = [self._constants(model, prop) for model in models]
            flat = [value for each in values for value in each]
            if all(values) and len(flat) == len(set(flat)) and all(isinstance(value, str) for value in flat):
                return str(prop)
        return None

    def _evidence(
        self, models: list[Component], *, besides: str | None = None
    ) -> dict[str, dict[str, list[Constant]]]:
        """Return the telling constants of each model: fixed ones, and those that differ from other models."""
        constants = {
            model.name: {
                prop: values
                for prop in model.schema["properties"]
                if prop != besides and (values := self._constants(model, prop))
            }
            for model in models
        }
        evidence: dict[str, dict[str, list[Constant]]] = {}
        for name, props in constants.items():
            telling = {
                prop: values
                for prop, values in props.items()
                if len(values) == 1
                or any(set(other.get(prop, values)) != set(values) for other in constants.values())
            }
            if telling:
                evidence[name] = telling
        return evidence

    def _constants(self, component: Component, prop: str) -> list[Constant]:
        """Return the constants of a property of a model."""
        return constants_of(self._document, component.schema["properties"].get(prop))


def constants_of(document: Document, schema: Any) -> list[Constant]:
    """Return the constants of a schema besides null; none if it takes other values as well."""
    if not isinstance(schema, dict):
        return []
    schema = document.resolve(schema)
    if "const" in schema or "enum" in schema:
        values: list[Any] = [schema["const"]] if "const" in schema else schema["enum"]
        return [value for value in values if isinstance(value, str | int)]
    found: list[Constant] = []
    for member in flat_members(schema):
        if isinstance(member, dict) and member.get("type") == "null":
            continue
        inner = constants_of(document, member) if member is not schema else []
        if not inner:
            return []
        found += inner
    return found
