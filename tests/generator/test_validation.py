"""Validation by the models of openapi-python-client, and the tolerances for published documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.load.document import Document
from generator.load.errors import DocumentError
from generator.load.tolerances import TOLERANCES, Fault
from generator.load.validate import validate
from tests.generator.running import PETS

Edit = Callable[[dict[str, Any]], object]


def pet(document: dict[str, Any]) -> dict[str, Any]:
    return document["components"]["schemas"]["Pet"]


def operation(document: dict[str, Any]) -> dict[str, Any]:
    return document["paths"]["/pets/{pet_id}"]["get"]


def validated(change: Edit) -> Document:
    data = yaml.safe_load(PETS)
    change(data)
    document = Document(data, "", Path("pets.yaml"))
    validate(document)
    return document


#: An edit, the fault, and its place.
FAULTS: dict[str, tuple[Edit, str, str]] = {
    "a missing name": (
        lambda d: operation(d)["parameters"][0].pop("name"),
        "`name` is missing",
        "#/paths/~1pets~1{pet_id}/get/parameters/0",
    ),
    "a flag in quotes": (
        lambda d: operation(d)["parameters"][0].update(required="true"),
        "`required` is not true or false",
        "#/paths/~1pets~1{pet_id}/get/parameters/0/required",
    ),
    "the deepest of a union": (
        lambda d: pet(d).update(additionalProperties={"properties": {"other": {"items": 3}}}),
        "`items` is not a mapping",
        "#/components/schemas/Pet/additionalProperties/properties/other/items",
    ),
    "an item of a list": (
        lambda d: operation(d).update(tags=["a", 3]),
        "`tags[1]` is not a string",
        "#/paths/~1pets~1{pet_id}/get/tags/1",
    ),
    "a component of another kind": (
        lambda d: operation(d)["parameters"].append({"$ref": "#/components/schemas/Pet/properties/age"}),
        "`name` is missing",
        "#/paths/~1pets~1{pet_id}/get/parameters/1",
    ),
    "a key beside a reference": (
        lambda d: (
            d["components"].update(parameters={"A": {"name": "a", "in": "query"}}),
            operation(d)["parameters"].append({"$ref": "#/components/parameters/A", "in": "nowhere"}),
        ),
        "'nowhere' is not allowed here",
        "#/paths/~1pets~1{pet_id}/get/parameters/1/in",
    ),
    "a pattern of properties": (
        lambda d: pet(d).update(patternProperties={"^x": {"enum": 3}}),
        "`enum` is not a list",
        "#/components/schemas/Pet/patternProperties/^x/enum",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_have_exact_places(name: str) -> None:
    """The first fault is reported with its place, down to the member of a union that got furthest."""
    from generator.normalise import normalise

    change, problem, place = FAULTS[name]
    with pytest.raises(DocumentError) as caught:
        normalise(validated(change))
    assert (caught.value.problem, caught.value.place) == (problem, place)


#: Edits that the tolerances excuse.
TOLERATED: dict[str, Edit] = {
    "no version": lambda d: d["info"].pop("version"),
    "a number for a version": lambda d: d["info"].update(version=1.0),
    "OpenAPI 3.1 as a number": lambda d: d.update(openapi=3.1),
    "an empty keyword": lambda d: operation(d).update(tags=None),
    "a boolean schema": lambda d: pet(d)["properties"].update(any=True),
    "an object as a constant": lambda d: pet(d)["properties"].update(one={"const": {"a": 1}}),
    "an empty enum": lambda d: pet(d)["properties"].update(none={"enum": []}),
    "a flag `required`": lambda d: pet(d)["properties"].update(must={"required": True}),
    "the type `any`": lambda d: pet(d)["properties"].update(any={"type": "any"}),
    "no responses": lambda d: operation(d).pop("responses"),
    "no description": lambda d: operation(d)["responses"]["200"].pop("description"),
    "a number for a description": lambda d: pet(d).update(description=3),
    "an extension": lambda d: d["paths"].update({"x-odd": 3}),
    "limits in quotes": lambda d: pet(d)["properties"]["age"].update(maximum="9"),
    "examples of any form": lambda d: pet(d).update(examples="none"),
    "odd headers": lambda d: operation(d)["responses"]["200"].update(headers={"X": 3}),
}


@pytest.mark.parametrize("name", TOLERATED)
def test_tolerances_excuse_published_slips(name: str) -> None:
    """Slips of published documents with a clear meaning pass validation."""
    from generator.normalise import normalise

    normalise(validated(TOLERATED[name]))


def test_every_tolerance_has_a_reason() -> None:
    """Each tolerance states its reason, and none excuses any fault at all."""
    fault = Fault(("paths", "/pets", "get", "parameters"), "list_type", 3, "")
    for tolerance in TOLERANCES:
        assert (tolerance.__doc__ or "").endswith(".")
        assert not tolerance(fault)
