"""Schemas as annotations for type checkers.

A schema has two readings. A received value is a model, which tolerates anything that the server sends. A sent value is
written by the caller: typed dicts.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable
from typing import Any

import attrs

from ..load.document import Document
from ..load.pointers import Json
from ..load.schemas import flat_members, has_discriminator, implied_type, key_of, refer
from ..organise.components import Component, Components, Direction

__all__ = ["ANY", "NONE", "Annotations", "Type", "joined", "plain", "qualified"]

#: Names of modules in generated code. No name of a document begins with an underscore, so
#: none can clash.
MODEL = "_model"
BODY = "...body as _body"
HOMES = {Direction.RECEIVED: "_models", Direction.SENT: "_params"}


@attrs.frozen
class Type:
    """A Python type as code."""

    codes: tuple[str, ...]
    """The members of the union, or one type alone."""
    names: frozenset[str] = frozenset()
    """The generated types in it."""
    imports: frozenset[str] = frozenset()
    """Its imports from the standard library: `typing.Any`, `datetime.date`."""

    @property
    def code(self) -> str:
        """The annotation."""
        return " | ".join(self.codes)

    @property
    def is_nullable(self) -> bool:
        """True if `None` is one of its members."""
        return "None" in self.codes

    def __or__(self, other: Type) -> Type:
        codes = dict.fromkeys([*self.codes, *other.codes])
        if "Any" in codes:
            return attrs.evolve(ANY, imports=ANY.imports)
        last = [code for code in ("None",) if code in codes]
        return Type(
            (*(code for code in codes if code not in last), *last),
            self.names | other.names,
            self.imports | other.imports,
        )


def plain(code: str, *imports: str) -> Type:
    """Return a type of Python's own."""
    return Type((code,), imports=frozenset(imports))


NONE = plain("None")
ANY = plain("Any", "typing.Any")
#: Uploads: a file in a form, and a whole body.
FILE, CONTENT = plain("_body.File", BODY), plain("_body.Content", BODY)


class Annotations:
    """Reads schemas as annotations.

    Args:
        document: The document of the schemas.
        components: Its component schemas.
        qualified: Name generated types with their module, `_models.Message`, so that no other name can hide them.
    """

    def __init__(self, document: Document, components: Components, *, qualified: bool = False) -> None:
        self._document = document
        self._components = components
        self._qualified = qualified

    def of(self, schema: Any, direction: Direction, place: str) -> Type:
        """Return the type of a schema.

        Args:
            schema: The schema.
            direction: The direction of the value.
            place: Its place, for notes.
        """
        if not isinstance(schema, dict):
            return ANY
        key = key_of(schema)
        if key is not None:
            return self._named(self._components[key], direction)
        if "const" in schema:
            return self._constants([schema["const"]], place)
        if "enum" in schema:
            return self._enum(schema["enum"], direction, place)
        members = flat_members(schema)
        if members:
            return self._union(schema, members, direction, place)
        kinds = schema.get("type")
        if isinstance(kinds, list):
            types = [self._plain({**schema, "type": kind}, kind, direction, place) for kind in kinds]
            return joined(types) if types else ANY
        return self._plain(schema, kinds or implied_type(schema), direction, place)

    def is_nullable(self, schema: Any) -> bool:
        """Return true if null is a value of a schema, directly or through a name."""
        return "null" in self._kinds(schema)

    def is_partly_plain(self, schema: Any) -> bool:
        """Return true if a schema has values that are neither objects nor lists."""
        return bool(self._kinds(schema) - {"object", "array"})

    def _kinds(self, schema: Any) -> set[str]:
        """Return the types of JSON that a schema takes; `any` where it declares none."""
        todo, seen, kinds = [schema], set[str](), set[str]()
        while todo:
            each = todo.pop()
            key = key_of(each)
            if key is not None:
                if key not in seen:
                    seen.add(key)
                    todo.append(self._components[key].schema)
            elif not isinstance(each, dict):
                kinds.add("any")
            elif "const" in each or "enum" in each:
                values = [each["const"]] if "const" in each else each["enum"]
                kinds |= {_KINDS.get(type(value), "any") for value in values}
            elif members := flat_members(each):
                todo += members
            else:
                said = each.get("type") or implied_type(each) or "any"
                kinds |= set(said) if isinstance(said, list) else {said}
        return kinds

    def _named(self, component: Component, direction: Direction) -> Type:
        name = component.type_name(direction)
        if self._qualified:
            return Type((f"{HOMES[direction]}.{name}",))
        return Type((name,), frozenset({name}))

    def _enum(self, values: list[Any], direction: Direction, place: str) -> Type:
        type_ = self._constants(values, place)
        if direction is Direction.RECEIVED and len([value for value in values if value is not None]) > 1:
            # The server may add values: an unknown one is its plain string or number. A single value is a constant.
            kinds = dict.fromkeys(type(value).__name__ for value in values if isinstance(value, str | int))
            type_ = joined([type_, *map(plain, kinds)])
        return type_

    def _constants(self, values: list[Any], place: str) -> Type:
        literals = dict.fromkeys(repr(value) for value in values if isinstance(value, str | int))
        types = [plain(f"Literal[{', '.join(literals)}]", "typing.Literal")] if literals else []
        if any(isinstance(value, float) for value in values):
            # Python has no float literals in types.
            types.append(plain("float"))
        if None in values:
            types.append(NONE)
        if any(isinstance(value, dict | list) for value in values) or not types:
            self._document.note(
                place, "has constants that are neither texts, numbers nor flags; typed as Any"
            )
            return ANY
        return joined(types)

    def _union(self, schema: Json, members: list[Any], direction: Direction, place: str) -> Type:
        union = joined([self.of(member, direction, place) for member in members])
        if direction is Direction.SENT:
            accepted = schema.get("x-also-accepts")
            # Received models can be sent back: the encoder writes their JSON.
            return union | self.of(refer(accepted), Direction.RECEIVED, place) if accepted else union
        return union | plain(f"{MODEL}.Unknown") if self._may_be_unknown(schema, members) else union

    def _may_be_unknown(self, schema: Json, members: list[Any]) -> bool:
        """Return true if an object may be none of the members: several are objects, or a tag names the one."""
        objects = [
            each for each in members if key_of(each) and self._components[key_of(each) or ""].kind != "alias"
        ]
        return len(objects) > 1 or (len(objects) == 1 and has_discriminator(schema))

    def _plain(self, schema: Json, kind: str | None, direction: Direction, place: str) -> Type:
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
                is_file = schema.get("x-is-file") and direction is Direction.SENT
                if is_file:
                    return FILE | plain("str") if schema["x-is-file"] == "or text" else FILE
                return _string(schema.get("format"), direction)
            case "array":
                item = self.of(schema.get("items"), direction, f"{place}/items")
                return _sequence(item, direction)
            case "object":
                value = self.of(
                    schema.get("additionalProperties"), direction, f"{place}/additionalProperties"
                )
                return _mapping(value, direction)
            case _:
                return ANY


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def joined(types: Iterable[Type]) -> Type:
    """Return the union of some types."""
    union, *others = types
    for other in others:
        union |= other
    return union


def _string(format_: str | None, direction: Direction) -> Type:
    match format_:
        case "date-time" | "date":
            name = "datetime" if format_ == "date-time" else "date"
            type_ = plain(name, f"datetime.{name}")
            return type_ | plain("str") if direction is Direction.SENT else type_
        case _:
            return plain("str")


def _sequence(item: Type, direction: Direction) -> Type:
    if direction is Direction.RECEIVED:
        return attrs.evolve(item, codes=(f"list[{item.code}]",))
    # A str is an Iterable[str] too, which is hardly ever intended.
    kind = "Sequence" if item.codes == ("str",) else "Iterable"
    return attrs.evolve(
        item, codes=(f"{kind}[{item.code}]",), imports=item.imports | {f"collections.abc.{kind}"}
    )


def _mapping(value: Type, direction: Direction) -> Type:
    if direction is Direction.RECEIVED:
        return attrs.evolve(value, codes=(f"dict[str, {value.code}]",))
    imports = value.imports | {"collections.abc.Mapping"}
    return attrs.evolve(value, codes=(f"Mapping[str, {value.code}]",), imports=imports)


_BUILTINS = frozenset({"bool", "bytes", "dict", "float", "int", "list", "str"})
_DATES = frozenset({"date", "datetime"})
_TOKENS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|(?<![\w.])[A-Za-z_]\w*")


def words_of(code: str) -> set[str]:
    """Return the names that an annotation looks up."""
    return {word for word in _TOKENS.findall(code) if word[0] not in "'\""}


def qualified(code: str, hidden: Collection[str]) -> str:
    """Return an annotation for a class whose members hide some of its names, as a method `list` hides `list[int]`."""

    def full(match: re.Match[str]) -> str:
        word = match[0]
        if word not in hidden:
            return word
        return f"_builtins.{word}" if word in _BUILTINS else f"_datetime.{word}" if word in _DATES else word

    return _TOKENS.sub(full, code)


def is_key(name: str) -> bool:
    """Return true if a key can be declared in a class body: not a keyword, and not mangled like a private name."""
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")
