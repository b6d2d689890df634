"""The components of a document compared with the types of its package, read by code of the tests' own."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from datetime import date, datetime
from importlib import import_module
from typing import Any

from tests.generator.public.calls import Types, letters
from tests.generator.public.documents import PublicDocument
from tests.generator.public.values import Values

_COMPOSED = ("allOf", "oneOf", "anyOf", "not", "if")
_KINDS = {
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "list",
    "object": "object",
    "null": "null",
}
_PYTHON = {
    int: "int",
    float: "float",
    bool: "bool",
    str: "str",
    datetime: "datetime",
    date: "date",
    list: "list",
}


def flat(document: PublicDocument, schema: Any) -> Iterator[dict[str, Any]]:
    """Yield the members of a union, and of the unions that it names."""
    resolved = document.resolve(schema)
    members = [*resolved.get("oneOf", ()), *resolved.get("anyOf", ())] if isinstance(resolved, dict) else []
    for each in members:
        inner = list(flat(document, each))
        yield from inner or [each]


def _field(model: Any, key: str) -> str:
    name: str = model._fields.names[model._fields.keys.index(key)]
    return name


class Shape(typing.NamedTuple):
    """A type, as far as a document and Python can both express it."""

    kinds: frozenset[str]
    constants: frozenset[str]


class Components:
    """Compares the components of a document with the package that was made of it.

    Args:
        document: The document.
        package: The name of the package.
    """

    def __init__(self, document: PublicDocument, package: str) -> None:
        self._document = document
        self._types = Types(package)
        self._models = import_module(f"{package}.models")
        self._params = import_module(f"{package}.params")
        self._to_json = import_module(f"{package}.model").to_json
        self._values = Values(document)
        self.compared = 0
        """Number of compared properties."""
        self.members = 0
        """Number of decoded members of unions."""

    def remarks(self) -> Iterator[str]:
        """Yield the differences of the models and dicts."""
        named = {letters(name): name for name in [*self._models._MODULES, *self._params._MODULES]}
        schemas: dict[str, Any] = self._document.data["components"]["schemas"]
        for key, schema in schemas.items():
            name = named.get(letters(key))
            if name is None or "$ref" in schema:
                continue
            if schema.get("properties") and not any(each in schema for each in _COMPOSED):
                yield from self._object(key, schema, name)

    def _object(self, key: str, schema: dict[str, Any], name: str) -> Iterator[str]:
        required = set(schema.get("required", ())) & schema["properties"].keys()
        if name in self._params._MODULES:
            found = getattr(self._params, name)
            needed = {each for each in required if not schema["properties"][each].get("readOnly")}
            if found.__required_keys__ != needed:
                yield f"{key}: a writer needs {sorted(found.__required_keys__)}, not {sorted(needed)}"
        model: Any = getattr(self._models, name, None)
        if not hasattr(model, "_fields"):
            return
        fields = dict(zip(model._fields.keys, model._fields.names, strict=True))
        if fields.keys() != schema["properties"].keys():
            yield f"{key}: other fields: {sorted(fields.keys() ^ schema['properties'].keys())}"
            return
        hints = self._types._fields_of(model)
        for prop, described in schema["properties"].items():
            if isinstance(described, dict) and ("oneOf" in described or "anyOf" in described):
                yield from self._member(key, prop, described, model)
            wanted = self._described(described)
            if wanted is None:
                continue
            self.compared += 1
            optional = prop not in required
            got = self._annotated(hints[fields[prop]])
            kinds = wanted.kinds | ({"null"} if optional else set())
            if got.kinds != kinds or got.constants != wanted.constants:
                yield f"{key}.{prop}: {sorted(got.kinds | got.constants)}, not {sorted(kinds | wanted.constants)}"

    def _member(self, place: str, prop: str, described: Any, model: Any) -> Iterator[str]:
        """Decode a sample of each object that a property may be, and compare its class and its content."""
        members = [each for each in flat(self._document, described) if "$ref" in each]
        samples = {each["$ref"]: self._sample(each) for each in members}
        for target, sample in samples.items():
            if sample is None:
                continue
            self.members += 1
            decoded = getattr(model.from_dict({prop: sample}), _field(model, prop))
            # An object whose keys another member has as well can't be told apart without constants.
            others = [each for each in samples if sample.keys() <= self._properties(each).keys()]
            names = {letters(each.rpartition("/")[2]) for each in others}
            if letters(type(decoded).__name__) not in names:
                yield f"{place}.{prop}: {target} decodes as {type(decoded).__name__}"
            elif self._to_json(decoded) != sample:
                yield f"{place}.{prop}: {target} loses something"

    def _sample(self, reference: Any) -> dict[str, Any] | None:
        """Return a value of a plain object; `None` for any other schema."""
        schema = self._document.resolve(reference)
        if "properties" not in schema or any(each in schema for each in _COMPOSED):
            return None
        try:
            sample: dict[str, Any] = self._to_json(self._values.of(reference))
        except AssertionError:
            # A pattern that none of our texts matches, or an object that must hold itself.
            return None
        return sample or None

    def _properties(self, target: str) -> dict[str, Any]:
        properties: dict[str, Any] = self._document.resolve({"$ref": target}).get("properties", {})
        return properties

    def _described(self, schema: Any) -> Shape | None:
        """Return the shape that a document describes; `None` for what is composed."""
        chain = 0
        while isinstance(schema, dict) and "$ref" in schema:
            schema, chain = self._document.resolve(schema), chain + 1
        if not isinstance(schema, dict) or any(each in schema for each in _COMPOSED):
            return None
        kinds = schema.get("type", "object" if "properties" in schema else None)
        kinds = [kinds] if isinstance(kinds, str) else [*(kinds or ())]
        if not kinds:
            return None
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        null = {"null"} if schema.get("nullable") or "null" in kinds or None in (values or ()) else set[str]()
        if values is not None:
            constants = [each for each in values if each is not None]
            if not all(isinstance(each, str | int) for each in constants):
                return None
            open_kinds = (
                {type(each).__name__ for each in constants} if len(set(constants)) > 1 else set[str]()
            )
            return Shape(frozenset(open_kinds | null), frozenset(map(repr, constants)))
        formats = {"date-time": "datetime", "date": "date"}
        names = {_KINDS.get(each) or formats.get(schema.get("format", ""), "str") for each in kinds}
        return Shape(frozenset(names | null), frozenset())

    def _annotated(self, hint: Any) -> Shape:
        """Return the shape of an annotation."""
        origin, members = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            shapes = [self._annotated(each) for each in members]
            return Shape(
                frozenset().union(*(each.kinds for each in shapes)),
                frozenset().union(*(each.constants for each in shapes)),
            )
        if origin is typing.Literal:
            return Shape(frozenset(), frozenset(map(repr, members)))
        if hint is Any:
            return Shape(frozenset({"any"}), frozenset())
        if hint in (None, types.NoneType):
            return Shape(frozenset({"null"}), frozenset())
        return Shape(frozenset({_PYTHON.get(origin or hint, "object")}), frozenset())
