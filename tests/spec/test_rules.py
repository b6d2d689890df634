"""The rules of the spec: a valid document, nothing dangling or idle, unions told apart, words everywhere."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from openapi_spec_validator import validate

from .document import COMPONENT, ROOT, Json, operations, resolve, schemas, spec, walk

EXTENSIONS = ROOT / "docs" / "spec-extensions.md"


def test_the_document_is_valid_openapi() -> None:
    validate(spec())


def test_every_reference_leads_somewhere() -> None:
    for place, value in walk(spec()):
        if isinstance(value.get("$ref"), str):
            assert resolve(value), place


def test_every_component_is_reached_by_an_operation() -> None:
    reached: set[str] = set()
    waiting: list[Any] = [spec()["paths"]]
    while waiting:
        for _, value in walk(waiting.pop()):
            for reference in [value.get("$ref"), *_named(value)]:
                if isinstance(reference, str) and reference not in reached:
                    reached.add(reference)
                    waiting.append(resolve({"$ref": reference}))
    components = spec()["components"]
    known = {f"#/components/{kind}/{name}" for kind, parts in components.items() for name in parts}
    assert known - reached == {
        f"#/components/securitySchemes/{name}" for name in components["securitySchemes"]
    }


def _named(value: Json) -> list[str]:
    """The union that `x-also-accepts` names."""
    return [COMPONENT + value["x-also-accepts"]] if "x-also-accepts" in value else []


def _unions() -> list[tuple[str, Json]]:
    """Each place where one of several objects can stand."""
    return [
        (place, value)
        for place, value in walk(spec())
        for keyword in ("oneOf", "anyOf")
        if sum("properties" in resolve(member) for member in value.get(keyword, ())) > 1
    ]


def test_there_are_unions_to_hold_to_the_rules() -> None:
    assert len(_unions()) == sum("discriminator" in schema for schema in schemas().values()) > 25


@pytest.mark.parametrize(("place", "union"), _unions())
def test_a_union_of_objects_has_a_name_and_a_discriminator_that_tells_each_member(
    place: str, union: Json
) -> None:
    assert place.count("/") == COMPONENT.count("/"), "a union of objects stands in a place of its own"
    assert "oneOf" in union
    key, mapping = union["discriminator"]["propertyName"], union["discriminator"]["mapping"]
    expected = {
        value: member["$ref"]
        for member in union["oneOf"]
        for value in _values(resolve(member)["properties"][key])
    }
    assert mapping == expected
    assert len(mapping) == sum(len(_values(resolve(member)["properties"][key])) for member in union["oneOf"])


def _values(schema: Json) -> list[str]:
    """The values that a discriminating property can take."""
    if "anyOf" in schema:
        return [
            value for member in schema["anyOf"] if member != {"type": "null"} for value in _values(member)
        ]
    return [schema["const"]] if "const" in schema else schema["enum"]


@pytest.mark.parametrize(("place", "union"), _unions())
def test_the_discriminating_property_is_required_of_every_member_but_a_custom_tool(
    place: str, union: Json
) -> None:
    key = union["discriminator"]["propertyName"]
    loose = [member["$ref"] for member in union["oneOf"] if key not in resolve(member)["required"]]
    assert loose == ([COMPONENT + "ToolParam"] if place.endswith("/ToolUnionParam") else [])


def _described() -> list[tuple[str, Json]]:
    """Everything that a reader meets: operations and their parts, schemas, their properties."""
    document = spec()
    found = [("info", document["info"]), *((f"tag {tag['name']}", tag) for tag in document["tags"])]
    for path, method, operation in operations():
        place = f"{method} {path}"
        found.append((place, operation))
        found += [(f"{place} {each['name']}", each) for each in map(resolve, operation["parameters"])]
        found += [
            (f"{place} {status}", resolve(response)) for status, response in operation["responses"].items()
        ]
        if "requestBody" in operation:
            found.append((f"{place} body", operation["requestBody"]))
    for kind in ("headers", "securitySchemes", "schemas"):
        found += document["components"][kind].items()
    for name, schema in schemas().items():
        found += [(f"{name}.{field}", inner) for field, inner in schema.get("properties", {}).items()]
    return found


def test_everything_has_a_description_in_whole_sentences() -> None:
    assert [
        place for place, value in _described() if not re.search(r"\w.*[.!?]$", value.get("description", ""))
    ] == []


def test_no_description_only_repeats_the_name() -> None:
    def letters(text: str) -> str:
        return re.sub(r"[^a-z]", "", text.lower())

    assert [
        place
        for place, value in _described()
        if letters(value["description"]) == letters(place.split(".")[-1])
    ] == []


def test_every_operation_has_a_summary_a_name_after_its_tag_and_answers_for_errors() -> None:
    for _, _, operation in operations():
        [tag] = operation["tags"]
        assert operation["operationId"].startswith(tag.replace(".", "_") + "_")
        assert operation["summary"]
        assert list(operation["responses"]) == ["200", "4XX", "5XX"]
    names = [operation["operationId"].rpartition("_")[2] for _, _, operation in operations()]
    assert sorted(names) == ["cancel", "create", "delete", "list", "results", "retrieve"]


def test_results_are_json_lines_and_all_else_is_json() -> None:
    for _, _, operation in operations():
        for status, response in operation["responses"].items():
            streamed = operation["operationId"].endswith("_results") and status == "200"
            media_type = "application/x-jsonl" if streamed else "application/json"
            assert list(resolve(response)["content"]) == [media_type]


def test_every_operation_takes_the_version_from_the_client_and_a_workspace_from_its_caller() -> None:
    for _, _, operation in operations():
        parameters = {each["name"]: each for each in map(resolve, operation["parameters"])}
        assert parameters["anthropic-version"]["required"]
        assert parameters["anthropic-version"]["x-client-header"] is True
        assert parameters["anthropic-workspace-id"]["x-argument-name"] == "workspace_id"


def test_pagination_names_parameters_of_the_operation_and_fields_of_the_page() -> None:
    [operation] = [operation for _, _, operation in operations() if "x-pagination" in operation]
    pagination = operation["x-pagination"]
    parameters = {each["name"] for each in map(resolve, operation["parameters"])}
    page = resolve(operation["responses"]["200"]["content"]["application/json"]["schema"])["properties"]
    assert page[pagination["items"]]["type"] == "array"
    assert page[pagination["more"]]["type"] == "boolean"
    for direction in ("next", "previous"):
        assert pagination[direction]["parameter"] in parameters
        assert pagination[direction]["field"] in page


def test_the_extensions_in_use_are_those_that_are_documented() -> None:
    used = {key for _, value in walk(spec()) for key in value if key.startswith("x-")}
    documented = set(re.findall(r"^## `(x-[a-z-]+)`", EXTENSIONS.read_text(encoding="utf-8"), re.MULTILINE))
    assert used == documented


def test_nullable_properties_say_so_in_one_of_two_ways() -> None:
    for place, value in walk(spec()):
        if {"type": "null"} in value.get("anyOf", ()):
            assert any("$ref" in member or "const" in member for member in value["anyOf"]), (
                f"{place} could use a list of types"
            )
        kinds = value.get("type")
        if isinstance(kinds, list):
            assert Counter(kinds)["null"] == 1, place
            assert len(kinds) == 2, place
