"""The generated types: models for received values, dicts for sent ones, and their modules."""

from __future__ import annotations

from collections.abc import Iterable

from ..load.document import Document
from ..load.pointers import Json
from ..names import MODEL_MEMBERS, attribute_name, snake, told_apart
from ..organise.components import Component, Components, Direction, connected, module_names
from ..text import clean
from .annotations import NONE, Annotations, Type, is_key, qualified, words_of
from .links import Links
from .package import Definition, Field, Module
from .words import field_doc


class Definitions:
    """Describes the generated types.

    Args:
        document: Their document.
        components: Its component schemas.
    """

    def __init__(self, document: Document, components: Components) -> None:
        self._document = document
        self._components = components
        self._annotations = Annotations(document, components)
        self._links = Links(document, components)

    def models(self) -> list[Module]:
        """Return a module for each type that is received."""
        received = [each for each in self._components.values() if each.received]
        homes = module_names([each.name for each in received])
        modules = []
        for component in received:
            definition = self._definition(component, Direction.RECEIVED)
            module = Module(homes[component.name], [definition], import_lines(definition.type.imports))
            others = sorted(definition.type.names - {component.name})
            module.typing_imports = [f"from .{homes[name]} import {name}" for name in others]
            modules.append(module)
        return modules

    def params(self) -> list[Module]:
        """Return a module for each type that is sent, or for several that refer to one another."""
        sent = [each for each in self._components.values() if each.sent]
        definitions = {each.sent_name: self._definition(each, Direction.SENT) for each in sent}
        graph = {name: sorted(each.type.names & definitions.keys()) for name, each in definitions.items()}
        groups = connected(graph)
        modules = module_names([group[0] for group in groups])
        homes = {name: modules[group[0]] for group in groups for name in group}
        unready = {name for name, each in definitions.items() if each.quoted}
        for group in groups:
            for each in (field for name in group for field in definitions[name].fields):
                # Annotations are evaluated: a TypedDict finds its optional keys in no other way.
                each.quoted = not unready.union(group).isdisjoint(words_of(each.annotation))
        return [
            self._params_module(
                modules[group[0]], _in_order([definitions[name] for name in group], graph), homes
            )
            for group in groups
        ]

    def _params_module(self, name: str, members: list[Definition], homes: dict[str, str]) -> Module:
        names = {name for member in members for name in member.type.names}
        module = Module(
            name, members, import_lines(each for member in members for each in member.type.imports)
        )
        others = sorted(names & homes.keys() - {member.name for member in members})
        module.imports += [f"from .{homes[other]} import {other}" for other in others]
        module.imports += [f"from ..models import {other}" for other in sorted(names - homes.keys())]
        return module

    def _definition(self, component: Component, direction: Direction) -> Definition:
        doc = clean(component.schema.get("description")) or _fallback_doc(component)
        name = component.type_name(direction)
        if component.kind == "object":
            return self._object(component, Definition(name, "", doc, Type(())), direction)
        type_ = self._annotations.of(component.schema, direction, self._document.place_of(component.key))
        definition = Definition(name, "alias", doc, type_, quoted=component.recursive)
        if direction is Direction.RECEIVED:
            definition.link = self._links.definition(component)
            # Evaluating an alias of received types would import them all, so it is for type checkers alone.
            definition.kind = "union" if type_.names else "alias"
        return definition

    def _object(self, component: Component, definition: Definition, direction: Direction) -> Definition:
        received = direction is Direction.RECEIVED
        properties: Json = component.schema["properties"]
        required = _required(component.schema, direction)
        for key in component.schema.get("required", ()):
            if key not in properties:
                place = self._document.place_of(component.key, "required")
                self._document.note(place, f"{key!r} is required, but not a property")
        names = self._attributes(component) if received else {key: key for key in properties}
        keys = list(properties)
        if not received and "" in keys:
            keys.remove("")
            place = self._document.place_of(component.key)
            self._document.note(place, "a key without a name can be sent, but has no type")
        for key in sorted(keys, key=lambda key: key not in required):
            prop = properties[key]
            type_ = self._annotations.of(
                prop, direction, self._document.place_of(component.key, "properties", key)
            )
            shown = type_ if key in required or not received or type_.codes == ("Any",) else type_ | NONE
            link = self._links.of(prop) if received else None
            definition.fields.append(
                Field(names[key], key, shown.code, field_doc(prop), key in required, link)
            )
            definition.type |= Type((), shown.names, shown.imports)
        if received:
            definition.kind = "model"
            _qualify(definition)
        else:
            used = {word for each in definition.fields for word in words_of(each.annotation)}
            plain_keys = all(is_key(key) and key not in used for key in keys)
            definition.kind = "dict" if plain_keys else "dict_call"
        return definition

    def _attributes(self, component: Component) -> dict[str, str]:
        """Return the attribute of a model for each of its properties."""
        names: dict[str, str] = {}
        for key, (name, owner) in attributes_of(component.schema["properties"]).items():
            names[key] = name
            if owner != key:
                said = f"property {owner!r} has the same name in Python; this is {name}, or its `x-attribute-name`"
                self._document.note(self._document.place_of(component.key, "properties", key), said)
        return names


def attributes_of(properties: Json) -> dict[str, tuple[str, str]]:
    """Return the attribute for each property, and the property that owns the wanted name."""
    wanted: list[tuple[str, str]] = []
    for key, prop in properties.items():
        own = prop.get("x-attribute-name") if isinstance(prop, dict) else None
        wanted.append((key, attribute_name(own or key, reserved=MODEL_MEMBERS)))
    return dict(zip(properties, told_apart(wanted), strict=True))


def import_lines(imports: Iterable[str]) -> list[str]:
    """Return import statements for `module.name`s, one for each module."""
    by_module: dict[str, set[str]] = {}
    for each in imports:
        module, _, name = each.rpartition(".")
        by_module.setdefault(module, set()).add(name)
    return [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(by_module.items())]


def _required(schema: Json, direction: Direction) -> set[str]:
    """Return the required properties. `readOnly` ones need not be sent, `writeOnly` ones need not come."""
    other_way = "readOnly" if direction is Direction.SENT else "writeOnly"
    properties: Json = schema["properties"]
    return {
        key
        for key in schema.get("required", ())
        if key in properties and not (isinstance(properties[key], dict) and properties[key].get(other_way))
    }


def _qualify(definition: Definition) -> None:
    """Write `_builtins.list` in a class with a field `list`."""
    hidden = {each.name for each in definition.fields}
    for each in definition.fields:
        each.annotation = qualified(each.annotation, hidden)


def _in_order(members: list[Definition], graph: dict[str, list[str]]) -> list[Definition]:
    """Return dicts first, as they only name other types; then aliases, each behind its parts."""
    aliases = {each.name: each for each in members if each.kind == "alias"}
    edges = {name: [target for target in graph[name] if target in aliases] for name in aliases}
    ordered = [aliases[name] for group in connected(edges) for name in group]
    return [*(each for each in members if each.kind != "alias"), *ordered]


def _fallback_doc(component: Component) -> str:
    words = snake(component.name).replace("_", " ").strip()
    return f"{words[:1].upper()}{words[1:]}."
