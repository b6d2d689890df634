"""The comparison itself: it overlooks how a schema is written, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from .document import COMPONENT
from .notation import Reader, differences, outdated, unexplained


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
def test_two_ways_to_write_the_same_are_no_difference(here: Any, there: Any) -> None:
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
def test_another_type_literal_or_limit_is_a_difference(here: Any, there: Any, lines: list[str]) -> None:
    assert _compared(here, there) == lines


def test_a_missing_schema_or_field_and_what_is_required_or_closed_are_differences() -> None:
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


def test_a_row_of_a_table_explains_what_it_matches_and_is_outdated_when_it_matches_nothing() -> None:
    found = ["A.one: only here", "B.one: only here", "B.two: only there"]
    reasons = {"*.one: only here": "", "C: *": ""}
    assert unexplained(found, reasons) == ["B.two: only there"]
    assert outdated(found, reasons) == ["C: *"]
