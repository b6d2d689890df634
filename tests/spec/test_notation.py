"""The comparison itself: it overlooks how a schema is written, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.spec.document import COMPONENT
from tests.spec.notation import Reader, differences, outdated, unexplained


def _ref(name: str) -> dict[str, str]:
    return {"$ref": COMPONENT + name}


def _compared(here: Any, there: Any) -> list[str]:
    shared = {
        "Cat": {"type": "object", "properties": {}},
        "Size": {"enum": ["s", "l"]},
        "Pet": {"oneOf": [_ref("Cat")]},
    }
    sides = [{**shared, "X": {"type": "object", "properties": {"field": schema}}} for schema in (here, there)]
    return sorted(differences(Reader(sides[0]), Reader(sides[1])))


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (
            {"type": ["string", "null"], "maxLength": 3},
            {"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 3}]},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}], "maxLength": 3},
            {"type": ["null", "string"], "maxLength": 3},
        ),
        (_ref("Size"), {"anyOf": [{"const": "l"}, {"const": "s"}]}),
        ({"anyOf": [_ref("Pet"), {"type": "null"}]}, {"anyOf": [{"type": "null"}, {"oneOf": [_ref("Cat")]}]}),
        ({"type": "array", "items": _ref("Size")}, {"type": "array", "items": {"enum": ["l", "s"]}}),
    ],
)
def test_equal_meanings_are_equal(here: Any, there: Any) -> None:
    """Two notations of the same schema do not differ."""
    assert _compared(here, there) == []


@pytest.mark.parametrize(
    ("here", "there", "lines"),
    [
        (
            {"type": "string"},
            {"type": "integer"},
            ["X.field: only here string", "X.field: only there integer"],
        ),
        ({"type": ["string", "null"]}, {"type": "string"}, ["X.field: only here null"]),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, ['X.field: only here "b"']),
        (_ref("Cat"), {"type": "object"}, ["X.field: only here Cat", "X.field: only there object"]),
        (
            {"type": "integer", "minimum": 1},
            {"type": "integer", "minimum": 2},
            ["X.field: only here integer(minimum=1)", "X.field: only there integer(minimum=2)"],
        ),
        (
            {"type": "array", "items": {"type": "string"}},
            {"type": "array", "items": {"type": "string"}, "maxItems": 5},
            ["X.field: only here [string]", "X.field: only there [string](maxItems=5)"],
        ),
    ],
)
def test_types_literals_and_limits(here: Any, there: Any, lines: list[str]) -> None:
    """A different type, literal or limit is a difference."""
    assert _compared(here, there) == lines


def test_schemas_fields_and_required() -> None:
    """A missing schema or field, and a different `required` or closedness, is a difference."""
    here = {
        "A": {
            "type": "object",
            "properties": {"one": {"type": "string"}, "two": {"type": "string"}},
            "required": ["two"],
        },
        "B": {"type": "object", "properties": {}},
    }
    there = {
        "A": {
            "type": "object",
            "properties": {"two": {"type": "string"}, "three": {"type": "string"}},
            "additionalProperties": False,
        },
        "C": {"type": "object", "properties": {}},
    }
    assert sorted(differences(Reader(here), Reader(there))) == [
        "A.one: only here",
        "A.three: only there",
        "A.two: required only here",
        "A: closed only there",
        "B: only here",
        "C: only there",
    ]


def test_rows_explain_or_are_outdated() -> None:
    """A row explains the differences that it matches, and is outdated without a match."""
    found = ["A.one: only here", "B.one: only here", "B.two: only there"]
    reasons = {"*.one: only here": "", "C: *": ""}
    assert unexplained(found, reasons) == ["B.two: only there"]
    assert outdated(found, reasons) == ["C: *"]
