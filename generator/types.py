"""Schemas as Python types: what a type checker reads, and how JSON becomes it.

A schema means two things. Received, it is a model that takes whatever the server says. Sent, it is what a caller may
write: plain dicts, typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, Literal

from .document import Document, Json
from .names import class_name
from .normalise import COMPONENT, is_object

#: What generated modules call the module of links. No name of a document begins with an underscore, so none clashes.
LINKS = "_model"

#: Which kind of JSON value each link takes, for unions of several kinds.
KINDS_OF_JSON = (("Many", "array"), ("Instant", "string"), ("Day", "string"), ("Mapped", "object"))


class Direction(Enum):
    """Which way a value goes."""

    RECEIVED = auto()
    SENT = auto()


@dataclass(frozen=True)
class PyType:
    """A Python type, as code."""

    codes: tuple[str, ...]
    """The annotation: the members of a union, or one type alone."""
    names: frozenset[str] = frozenset()
    """The generated types in it."""
    imports: frozenset[str] = frozenset()
    """What it takes of other modules: `typing.Any`, `datetime.datetime`."""
    link: str | None = None
    """Code that makes the `Link` of a field of this type; `None` where JSON is good as it comes."""
    nullable: bool = False
    """Whether `None` is one of its values."""

    @property
    def code(self) -> str:
        """The annotation."""
        return " | ".join(self.codes)

    def __or__(self, other: PyType) -> PyType:
        codes = dict.fromkeys([*self.codes, *other.codes])
        last = [codes.pop("None", "") or "None"] if "None" in codes else []
        return PyType(
            (*codes, *last),
            self.names | other.names,
            self.imports | other.imports,
            self.link or other.link,
            self.nullable or other.nullable,
        )


def plain(code: str, *imports: str, nullable: bool = False) -> PyType:
    """A type of Python's own."""
    return PyType((code,), imports=frozenset(imports), nullable=nullable)


NONE = plain("None", nullable=True)
ANY = plain("Any", "typing.Any")

Kind = Literal["object", "union", "alias"]


@dataclass
class Component:
    """A component schema, and the names of the types that are made of it."""

    key: str
    name: str
    schema: Json
    kind: Kind
    received: bool = False
    sent: bool = False
    sent_name: str = field(default="")

    def type_name(self, direction: Direction) -> str:
        """The type's name, in one direction."""
        return self.name if direction is Direction.RECEIVED else self.sent_name


class Types:
    """Reads schemas as types.

    Args:
        document: What the schemas are from.
        components: The named ones among them.
        qualified: Whether generated types are named with their module, `_models.Message`: in modules whose own names
            may be anything, no import of a type can then hide one of them.
    """

    def __init__(self, document: Document, components: dict[str, Component], *, qualified: bool = False) -> None:
        self._document = document
        self._components = components
        self._qualified = qualified

    def component(self, reference: str) -> Component:
        """The component that a `$ref` points to."""
        return self._components[reference.removeprefix(COMPONENT)]

    def of(self, schema: Any, direction: Direction) -> PyType:
        """The type of a schema."""
        if not isinstance(schema, dict):
            return ANY
        if "$ref" in schema:
            return self._reference(self.component(schema["$ref"]), direction)
        if "const" in schema:
            return _literal([schema["const"]])
        if "enum" in schema:
            return self._enum(schema, direction)
        if "anyOf" in schema or "oneOf" in schema:
            members = [*(schema.get("anyOf") or []), *(schema.get("oneOf") or [])]
            union = self._union(members, schema.get("discriminator"), direction)
            if direction is Direction.SENT and "x-also-accepts" in schema:
                # What was received can be sent back: the encoder writes a model as the JSON that it came as.
                union |= self.of({"$ref": COMPONENT + schema["x-also-accepts"]}, Direction.RECEIVED)
            return union
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return self._union([{**schema, "type": kind} for kind in kinds], None, direction)
        return self._plain(schema, kinds or ("object" if "properties" in schema else None), direction)

    def _reference(self, component: Component, direction: Direction) -> PyType:
        name = component.type_name(direction)
        link = f"{LINKS}.One({component.name!r})"
        if self._qualified:
            home = "models" if direction is Direction.RECEIVED else "params"
            named = PyType((f"_{home}.{name}",), link=link)
        else:
            named = PyType((name,), frozenset({name}), link=link)
        if component.kind != "alias":
            return replace(named, link=named.link if direction is Direction.RECEIVED else None)
        target = self.of(component.schema, direction)
        return replace(named, link=target.link, nullable=target.nullable)

    def _enum(self, schema: Json, direction: Direction) -> PyType:
        values = schema["enum"]
        literal = _literal([value for value in values if value is not None])
        if direction is Direction.RECEIVED:
            # The server may have learned new ones: an unknown value is just its string, or number.
            kinds = dict.fromkeys(type(value).__name__ for value in values if isinstance(value, str | int))
            for kind in kinds:
                literal |= plain(kind)
        return literal | NONE if None in values else literal

    def _plain(self, schema: Json, kind: str | None, direction: Direction) -> PyType:
        match kind:
            case "null":
                return NONE
            case "boolean":
                return plain("bool")
            case "integer":
                return plain("int")
            case "number":
                return plain("float")
            case "string":
                return _string(schema.get("format"), direction)
            case "array":
                return _sequence(self.of(schema.get("items"), direction), direction)
            case "object":
                return self._mapping(schema, direction)
            case _:
                return ANY

    def _mapping(self, schema: Json, direction: Direction) -> PyType:
        extra = schema.get("additionalProperties")
        value = self.of(extra, direction) if isinstance(extra, dict) and extra else ANY
        if direction is Direction.SENT:
            imports = value.imports | {"collections.abc.Mapping"}
            return PyType((f"Mapping[str, {value.code}]",), value.names, imports)
        link = f"{LINKS}.Mapped({value.link})" if value.link else None
        return PyType((f"dict[str, {value.code}]",), value.names, value.imports, link)

    # Unions --------------------------------------------------------------------------------------------------------

    def _union(self, members: list[Json], discriminator: Json | None, direction: Direction) -> PyType:
        members = list(_flat(members))
        types = [self.of(member, direction) for member in members]
        union = types[0]
        for each in types[1:]:
            union |= each
        if direction is Direction.SENT:
            return union
        return self._received_union(union, members, types, discriminator)

    def _received_union(
        self, union: PyType, members: list[Json], types: list[PyType], discriminator: Json | None
    ) -> PyType:
        objects = [member for member in members if self.is_object_like(member)]
        link = self._link(members, types, objects, discriminator)
        if len(objects) > 1:
            union |= plain(f"{LINKS}.Unknown")
        return replace(union, link=link)

    def _link(
        self, members: list[Json], types: list[PyType], objects: list[Json], discriminator: Json | None
    ) -> str | None:
        linked = [(member, each) for member, each in zip(members, types, strict=True) if each.link]
        if not linked:
            return None
        of_objects = self.object_link(objects, discriminator)
        others = [each for member, each in linked if member not in objects]
        if not others:
            # Whatever else there is, a string or null, is handed on as it comes.
            return of_objects
        arguments = [f"object={of_objects}"] if of_objects else []
        for prefix, argument in KINDS_OF_JSON:
            for each in others:
                plain_strings = argument == "string" and any(other.code == "str" for other in types)
                if (each.link or "").startswith(f"{LINKS}.{prefix}(") and not plain_strings:
                    if not any(text.startswith(argument) for text in arguments):
                        arguments.append(f"{argument}={each.link}")
        if len(arguments) == 1 and len(linked) == 1:
            return linked[0][1].link
        return f"{LINKS}.Either({', '.join(arguments)})" if arguments else None

    def object_link(self, objects: list[Json], discriminator: Json | None) -> str | None:
        """How a union tells its objects apart: by a tag, or else by their keys."""
        if not objects:
            return None
        components = [self.component(member["$ref"]) for member in objects]
        if len(components) == 1:
            return f"{LINKS}.One({components[0].name!r})"
        tag = discriminator["propertyName"] if discriminator else self._common_tag(components)
        if tag is not None:
            table = self._tag_table(components, tag, (discriminator or {}).get("mapping") or {})
            return f"{LINKS}.Tagged({tag!r}, {table!r})"
        names = ", ".join(repr(component.name) for component in self._leaves(components))
        return f"{LINKS}.Shaped({names})"

    def is_object_like(self, member: Json) -> bool:
        """Whether a union member is a model, or a union of nothing but models."""
        return "$ref" in member and self.component(member["$ref"]).kind != "alias"

    def _leaves(self, components: Iterable[Component]) -> list[Component]:
        """The models in a union, those of unions inside it included."""
        leaves: dict[str, Component] = {}
        for component in components:
            if component.kind == "union":
                inner = _flat([*(component.schema.get("anyOf") or []), *(component.schema.get("oneOf") or [])])
                references = [member["$ref"] for member in inner if "$ref" in member]
                leaves |= {leaf.key: leaf for leaf in self._leaves(map(self.component, references))}
            else:
                leaves[component.key] = component
        return list(leaves.values())

    def _common_tag(self, components: list[Component]) -> str | None:
        """The property that is a constant, and another one, in each of the models."""
        leaves = self._leaves(components)
        for prop in leaves[0].schema["properties"]:
            values = [self._tag_values(leaf, prop) for leaf in leaves]
            flat = [value for each in values for value in each]
            if all(values) and len(flat) == len(set(flat)):
                return str(prop)
        return None

    def _tag_table(self, components: list[Component], tag: str, mapping: dict[str, str]) -> dict[str, str]:
        table: dict[str, str] = {}
        for leaf in self._leaves(components):
            for value in self._tag_values(leaf, tag) or [leaf.key]:
                table.setdefault(value, leaf.name)
        for value, target in mapping.items():
            key = target.removeprefix(COMPONENT)
            if key in self._components:
                table[value] = self._components[key].name
        return table

    def _tag_values(self, component: Component, tag: str) -> list[str]:
        schema = component.schema["properties"].get(tag)
        if not isinstance(schema, dict):
            return []
        schema = self._document.resolve(schema)
        values = [schema["const"]] if "const" in schema else schema.get("enum", [])
        return [value for value in values if isinstance(value, str)]


def _flat(members: list[Json]) -> Iterable[Json]:
    """Members of a union, those of unions written inside it included."""
    for member in members:
        inner = [*(member.get("anyOf") or []), *(member.get("oneOf") or [])] if isinstance(member, dict) else []
        if inner and "$ref" not in member:
            yield from _flat(inner)
        else:
            yield member


def union_members(schema: Json) -> list[Json]:
    """The members of a union, flat."""
    return list(_flat([*(schema.get("anyOf") or []), *(schema.get("oneOf") or [])]))


def make_components(document: Document) -> dict[str, Component]:
    """Sort the component schemas into models, unions of models, and other names for types."""
    components = {key: Component(key, class_name(key), schema, "alias") for key, schema in document.schemas.items()}
    for component in components.values():
        if is_object(component.schema):
            component.kind = "object"
    changed = True
    while changed:
        changed = False
        for component in components.values():
            members = union_members(component.schema)
            if component.kind == "alias" and len(members) > 1:
                targets = [components.get(member.get("$ref", "").removeprefix(COMPONENT)) for member in members]
                if all(target is not None and target.kind != "alias" for target in targets):
                    component.kind = "union"
                    changed = True
    return components


def _literal(values: list[Any]) -> PyType:
    values = list(dict.fromkeys(value for value in values if isinstance(value, str | int))) if values else []
    return plain(f"Literal[{', '.join(map(repr, values))}]", "typing.Literal") if values else ANY


def _string(format_: str | None, direction: Direction) -> PyType:
    match format_:
        case "date-time" | "date":
            name = "datetime" if format_ == "date-time" else "date"
            if direction is Direction.SENT:
                return PyType((name, "str"), imports=frozenset({f"datetime.{name}"}))
            link = f"{LINKS}.Instant()" if name == "datetime" else f"{LINKS}.Day()"
            return replace(plain(name, f"datetime.{name}"), link=link)
        case "binary":
            return plain("bytes")
        case _:
            return plain("str")


def _sequence(item: PyType, direction: Direction) -> PyType:
    if direction is Direction.SENT:
        # A str is an Iterable[str] as well, and hardly ever what was meant.
        kind = "Sequence" if item.codes == ("str",) else "Iterable"
        return PyType((f"{kind}[{item.code}]",), item.names, item.imports | {f"collections.abc.{kind}"})
    link = f"{LINKS}.Many({item.link})" if item.link else None
    return PyType((f"list[{item.code}]",), item.names, item.imports, link)
