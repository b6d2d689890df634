"""Compare two sets of schemas, independent of their notation.

Both sides are read into one notation. A schema is a set of branches: the name of an object, a literal, a
scalar with its limits, or a list. Named unions and enums are spelled out, so that it makes no difference
which side gives them a name; objects are not, as each is compared in its own right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.spec.document import COMPONENT, Json

_STRING = ("format", "pattern", "minLength", "maxLength")
_NUMBER = ("minimum", "exclusiveMinimum", "maximum")
_ARRAY = ("minItems", "maxItems")
_LIMITS = {"string": _STRING, "integer": _NUMBER, "number": _NUMBER, "array": _ARRAY}


@dataclass(frozen=True)
class Reader:
    """One side of a comparison.

    Args:
        schemas: The components of the document.
        called: The name of a component in the comparison. Two of one side may share one name of the other.
        matters: True for a limit to compare, by its keyword and value.
    """

    schemas: Mapping[str, Json]
    called: Callable[[str], str] = str
    matters: Callable[[str, object], bool] = lambda keyword, value: True

    def objects(self) -> dict[str, Json]:
        return {name: schema for name, schema in self.schemas.items() if _is_object(schema)}

    def branches(self, schema: Json, outer: Mapping[str, object] | None = None) -> frozenset[str]:
        """Return the values that a schema accepts, as branches."""
        if "$ref" in schema:
            return self._component(schema["$ref"].removeprefix(COMPONENT))
        limits = {**(outer or {}), **schema}
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                members = [*schema[keyword], *({"$ref": COMPONENT + name} for name in _also_accepts(schema))]
                return frozenset().union(*(self.branches(member, limits) for member in members))
        if "const" in schema:
            return frozenset([json.dumps(schema["const"])])
        if "enum" in schema:
            return frozenset(map(json.dumps, schema["enum"]))
        assert "type" in schema, f"this schema of the batch operations needs a `type`: {schema}"
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return frozenset(self._plain(kind, schema, limits) for kind in kinds)

    def _component(self, name: str) -> frozenset[str]:
        schema = self.schemas[name]
        return frozenset([self.called(name)]) if _is_object(schema) else self.branches(schema)

    def _plain(self, kind: str, schema: Json, limits: Mapping[str, object]) -> str:
        assert "properties" not in schema, (
            f"this object needs a name: put it under components/schemas and refer to it: {schema}"
        )
        told = [
            f"{keyword}={limits[keyword]}"
            for keyword in _LIMITS.get(kind, ())
            if keyword in limits and self.matters(keyword, limits[keyword])
        ]
        name = f"[{spelled(self.branches(schema['items']))}]" if kind == "array" else kind
        return f"{name}({', '.join(told)})" if told else name


def spelled(branches: Iterable[str]) -> str:
    return " | ".join(sorted(branches))


def _is_object(schema: Json) -> bool:
    return schema.get("type") == "object" and "properties" in schema


def _also_accepts(schema: Json) -> list[str]:
    """The further unions that a union takes the members of, as either document puts it."""
    ours, structure = schema.get("x-also-accepts"), schema.get("x-stainless-python-extend-union", [])
    return [ours] if ours else structure


def differences(here: Reader, there: Reader) -> Iterator[str]:
    """Yield a line for each difference, such as `Usage.speed: only here`."""
    theirs = there.objects()
    for name, schema in here.objects().items():
        if here.called(name) in theirs:
            yield from _object_differences(name, schema, theirs[here.called(name)], here, there)
        else:
            yield f"{name}: only here"
    for name in theirs.keys() - {here.called(name) for name in here.objects()}:
        yield f"{name}: only there"


def _object_differences(name: str, ours: Json, theirs: Json, here: Reader, there: Reader) -> Iterator[str]:
    yield from _sides(
        name, "closed", {name} if _is_closed(ours) else set(), {name} if _is_closed(theirs) else set()
    )
    for field in ours["properties"].keys() | theirs["properties"].keys():
        place = f"{name}.{field}"
        if field not in theirs["properties"]:
            yield f"{place}: only here"
        elif field not in ours["properties"]:
            yield f"{place}: only there"
        else:
            a, b = ours["properties"][field], theirs["properties"][field]
            yield from branch_differences(place, here.branches(a), there.branches(b))
            yield from _sides(
                place,
                "required",
                {field} & set(ours.get("required", ())),
                {field} & set(theirs.get("required", ())),
            )


def _is_closed(schema: Json) -> bool:
    return schema.get("additionalProperties") is False


def _sides(place: str, what: str, here: set[str], there: set[str]) -> Iterator[str]:
    if here - there:
        yield f"{place}: {what} only here"
    if there - here:
        yield f"{place}: {what} only there"


def branch_differences(place: str, here: frozenset[str], there: frozenset[str]) -> Iterator[str]:
    yield from (f"{place}: only here {branch}" for branch in here - there)
    yield from (f"{place}: only there {branch}" for branch in there - here)


def unexplained(found: Iterable[str], reasons: Mapping[str, str]) -> list[str]:
    """Return the differences that no row of a table explains. In a row, `*` matches anything."""
    return sorted(line for line in found if not any(_matches(row, line) for row in reasons))


def outdated(found: Iterable[str], reasons: Mapping[str, str]) -> list[str]:
    """Return the rows of a table that match no difference."""
    lines = list(found)
    return sorted(row for row in reasons if not any(_matches(row, line) for line in lines))


def to_add(lines: Iterable[str], file: str) -> str:
    """Return the message about differences without a reason."""
    return (
        f'Here the batch operations of spec/openapi.yaml ("here") are not as published ("there"). If that is '
        f"meant, add each line to the table DELIBERATE in tests/spec/{file} with its reason:" + _listed(lines)
    )


def to_drop(rows: Iterable[str], file: str) -> str:
    """Return the message about reasons without a difference."""
    return (
        f"These rows explain nothing any more: take them out of DELIBERATE in tests/spec/{file}:"
        + _listed(rows)
    )


def _listed(lines: Iterable[str]) -> str:
    return "".join(f"\n  {line}" for line in lines)


def _matches(row: str, line: str) -> bool:
    return re.fullmatch(re.escape(row).replace(r"\*", ".*"), line) is not None
