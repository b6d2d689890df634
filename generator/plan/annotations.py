"""Schemas as annotations: what a type checker reads.

A schema means two things. Received, it is a model that takes whatever the server says. Sent, it is what a caller may
write: plain dicts, typed.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..load.document import Document
from ..load.pointers import Json
from ..load.schemas import flat_members, implied_type, key_of, refer
from ..organise.components import Component, Components, Direction

__all__ = ["ANY", "NONE", "Annotations", "Type", "joined", "plain", "qualified"]

#: What generated code calls the modules it takes names from. No name of a document begins with an underscore, so
#: none can clash.
MODEL = "_model"
BODY = "...body as _body"
HOMES = {Direction.RECEIVED: "_models", Direction.SENT: "_params"}


@dataclass(frozen=True)
class Type:
    """A Python type, as code."""

    codes: tuple[str, ...]
    """The annotation: the members of a union, or one type alone."""
    names: frozenset[str] = frozenset()
    """The generated types in it."""
    imports: frozenset[str] = frozenset()
    """What it takes of the standard library: `typing.Any`, `datetime.date`."""

    @property
    def code(self) -> str:
        """The annotation."""
        return " | ".join(self.codes)

    @property
    def is_nullable(self) -> bool:
        """Whether `None` is written as one of its values."""
        return "None" in self.codes

    def __or__(self, other: Type) -> Type:
        codes = dict.fromkeys([*self.codes, *other.codes])
        if "Any" in codes:
            return replace(ANY, imports=ANY.imports)
        last = [code for code in ("None",) if code in codes]
        return Type(
            (*(code for code in codes if code not in last), *last),
            self.names | other.names,
            self.imports | other.imports,
        )


def plain(code: str, *imports: str) -> Type:
    """A type of Python's own."""
    return Type((code,), imports=frozenset(imports))


NONE = plain("None")
ANY = plain("Any", "typing.Any")
#: What is uploaded: in a form, and as a whole body.
FILE, CONTENT = plain("_body.File", BODY), plain("_body.Content", BODY)


class Annotations:
    """Reads schemas as annotations.

    Args:
        document: What the schemas are from.
        components: The named ones among them.
        qualified: Whether generated types are named with their module, `_models.Message`: in modules whose own names
            may be anything, no import of a type can then hide one of them.
    """

    def __init__(self, document: Document, components: Components, *, qualified: bool = False) -> None:
        self._document = document
        self._components = components
        self._qualified = qualified

    def of(self, schema: Any, direction: Direction, place: str) -> Type:
        """The type of a schema.

        Args:
            schema: The schema.
            direction: Whether the value is received or sent.
            place: Where it stands, to be named if it can't be said as a type.
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
        """Whether null is a value of a schema, be it by way of a name."""
        return "null" in self._kinds(schema)

    def is_partly_plain(self, schema: Any) -> bool:
        """Whether some values of a schema are neither objects nor lists."""
        return bool(self._kinds(schema) - {"object", "array"})

    def _kinds(self, schema: Any) -> set[str]:
        """The types of JSON that a schema takes; `any` where it doesn't say."""
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
        if direction is Direction.RECEIVED:
            # The server may have learned new ones: an unknown value is just its string, or number.
            kinds = dict.fromkeys(type(value).__name__ for value in values if isinstance(value, str | int))
            type_ = joined([type_, *map(plain, kinds)])
        return type_

    def _constants(self, values: list[Any], place: str) -> Type:
        literals = dict.fromkeys(repr(value) for value in values if isinstance(value, str | int))
        types = [plain(f"Literal[{', '.join(literals)}]", "typing.Literal")] if literals else []
        if any(isinstance(value, float) for value in values):
            # No literal of Python's can be a float.
            types.append(plain("float"))
        if None in values:
            types.append(NONE)
        if any(isinstance(value, dict | list) for value in values) or not types:
            self._document.note(place, "has constants that are no text, number or flag; it is typed as Any")
            return ANY
        return joined(types)

    def _union(self, schema: Json, members: list[Any], direction: Direction, place: str) -> Type:
        union = joined([self.of(member, direction, place) for member in members])
        if direction is Direction.SENT:
            accepted = schema.get("x-also-accepts")
            # What was received can be sent back: the encoder writes a model as the JSON that it came as.
            return union | self.of(refer(accepted), Direction.RECEIVED, place) if accepted else union
        return union | plain(f"{MODEL}.Unknown") if self._may_be_unknown(members) else union

    def _may_be_unknown(self, members: list[Any]) -> bool:
        """Whether an object can come that is none of the members: there are several, and nothing takes any object."""
        objects = [
            each for each in members if key_of(each) and self._components[key_of(each) or ""].kind != "alias"
        ]
        return len(objects) > 1

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
    """The union of some types."""
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
        return replace(item, codes=(f"list[{item.code}]",))
    # A str is an Iterable[str] as well, and hardly ever what was meant.
    kind = "Sequence" if item.codes == ("str",) else "Iterable"
    return replace(item, codes=(f"{kind}[{item.code}]",), imports=item.imports | {f"collections.abc.{kind}"})


def _mapping(value: Type, direction: Direction) -> Type:
    if direction is Direction.RECEIVED:
        return replace(value, codes=(f"dict[str, {value.code}]",))
    imports = value.imports | {"collections.abc.Mapping"}
    return replace(value, codes=(f"Mapping[str, {value.code}]",), imports=imports)


_BUILTINS = frozenset({"bool", "bytes", "dict", "float", "int", "list", "str"})
_DATES = frozenset({"date", "datetime"})
_TOKENS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|(?<![\w.])[A-Za-z_]\w*")


def words_of(code: str) -> set[str]:
    """The names that an annotation looks up."""
    return {word for word in _TOKENS.findall(code) if word[0] not in "'\""}


def qualified(code: str, hidden: Collection[str]) -> str:
    """An annotation in a class whose own names hide some that it uses: `list[int]` in a class with a method `list`."""

    def full(match: re.Match[str]) -> str:
        word = match[0]
        if word not in hidden:
            return word
        return f"_builtins.{word}" if word in _BUILTINS else f"_datetime.{word}" if word in _DATES else word

    return _TOKENS.sub(full, code)


def is_key(name: str) -> bool:
    """Whether a key can be written in the body of a class: no keyword, and not mangled as private names are."""
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")
