"""The rules of the spec: a valid document, no dangling or unused parts, tagged unions, complete descriptions.

They hold for every operation; docs/generation.md lists them under "What a new operation needs". Each message has
the missing part and its pointer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from openapi_spec_validator import validate

from tests.spec.document import (
    COMPONENT,
    ROOT,
    Json,
    batch_operations,
    operations,
    references,
    resolve,
    schemas,
    spec,
    success,
    walk,
)

EXTENSIONS = ROOT / "docs" / "spec-extensions.md"


def test_valid_openapi() -> None:
    """The spec is a valid OpenAPI document."""
    validate(spec())


def test_references_resolve() -> None:
    """Every reference resolves."""
    for place, value in walk(spec()):
        if isinstance(value.get("$ref"), str):
            assert resolve(value), f"{place} refers to nothing"


def test_components_are_used() -> None:
    """An operation reaches every component."""
    reached = references(spec()["paths"])
    idle = [
        f"#/components/{kind}/{name}"
        for kind, parts in spec()["components"].items()
        if kind != "securitySchemes"
        for name in parts
        if f"#/components/{kind}/{name}" not in reached
    ]
    assert not idle, f"no operation reaches these components: refer to them, or take them out: {idle}"


def _unions() -> list[tuple[str, Json]]:
    """Each place where one of several objects can stand."""
    return [
        (place, value)
        for place, value in walk(spec())
        for keyword in ("oneOf", "anyOf")
        if sum("properties" in resolve(member) for member in value.get(keyword, ())) > 1
    ]


def test_discriminators_belong_to_unions() -> None:
    """Every schema with a discriminator is a union of objects."""
    unions = {place for place, _ in _unions()}
    assert len(unions) > 25
    odd = [
        name
        for name, schema in schemas().items()
        if "discriminator" in schema and COMPONENT + name not in unions
    ]
    assert not odd, f"these have a `discriminator`, but no `oneOf` of objects to go with it: {odd}"


@pytest.mark.parametrize(("place", "union"), _unions())
def test_unions_have_a_complete_discriminator(place: str, union: Json) -> None:
    """A union of objects is a component with a complete discriminator."""
    assert place.count("/") == COMPONENT.count("/"), (
        f"{place} is a union of objects: put it under components/schemas, and refer to it"
    )
    assert "oneOf" in union, f"{place} is a union of objects: write `oneOf` in place of `anyOf`"
    told = union.get("discriminator", {})
    assert told.keys() >= {"propertyName", "mapping"}, (
        f"{place} is a union of objects: it needs a `discriminator` with `propertyName` and `mapping`"
    )
    tags = [
        (value, member["$ref"])
        for member in union["oneOf"]
        for value in _tags(place, member, told["propertyName"])
    ]
    assert told["mapping"] == dict(tags), f"the `mapping` of {place} does not match its members"
    assert len(told["mapping"]) == len(tags), f"two members of {place} have the same tag"


def _tags(place: str, member: Json, key: str) -> list[str]:
    """The values of the discriminating property by which a member of a union is known."""
    assert "$ref" in member, f"each member of {place} needs a name under components/schemas"
    tags = list(_constants(resolve(member).get("properties", {}).get(key, {})))
    assert tags, f"`{key}`, the discriminator of {place}, needs a `const` or an `enum` in {member['$ref']}"
    return tags


def _constants(schema: Json) -> Iterator[str]:
    for member in schema.get("anyOf", ()):
        yield from _constants(member)
    yield from [schema["const"]] if "const" in schema else schema.get("enum", ())


@pytest.mark.parametrize(("place", "union"), [each for each in _unions() if "discriminator" in each[1]])
def test_members_require_the_discriminator(place: str, union: Json) -> None:
    """Every member of a union requires the discriminating property, except a custom tool."""
    key = union["discriminator"].get("propertyName")
    loose = [
        str(member.get("$ref"))
        for member in (*union.get("oneOf", ()), *union.get("anyOf", ()))
        if key not in resolve(member).get("required", ())
    ]
    allowed = [COMPONENT + "ToolParam"] if place.endswith("/ToolUnionParam") else []
    assert loose == allowed, f"the discriminator of {place}, `{key}`, must be `required` in {loose}"


def test_objects_are_components() -> None:
    """Every object with properties is a component."""
    for place, value in walk(spec()):
        if value.get("type") == "object" and "properties" in value and "/allOf/" not in place:
            assert place.count("/") == COMPONENT.count("/"), (
                f"{place} is an object: put it under components/schemas, and refer to it"
            )


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
            found.append((f"{place} body", resolve(operation["requestBody"])))
    for kind in ("headers", "securitySchemes", "schemas"):
        found += document["components"][kind].items()
    for name, schema in schemas().items():
        found += [(f"{name}.{field}", inner) for field, inner in schema.get("properties", {}).items()]
    return found


def test_descriptions_are_sentences() -> None:
    """Every operation, parameter, response, schema and property has a description in sentences."""
    missing = [
        place for place, value in _described() if not re.search(r"\w.*[.!?]$", value.get("description", ""))
    ]
    assert not missing, (
        f"each of these needs a `description` in whole sentences in spec/openapi.yaml: {missing}"
    )


def test_descriptions_do_not_repeat_names() -> None:
    """A description says more than the name."""

    def letters(text: str) -> str:
        return re.sub(r"[^a-z]", "", text.lower())

    idle = [
        place
        for place, value in _described()
        if letters(value.get("description", "")) == letters(place.split(".")[-1])
    ]
    assert not idle, f"these descriptions only repeat the name; say what it means: {idle}"


def _operation_rules() -> dict[str, list[str]]:
    """Return each requirement with the operations that lack it."""
    declared = {tag["name"] for tag in spec()["tags"]}
    lacking: dict[str, list[str]] = {}

    def need(what: str, there: bool) -> None:
        lacking.setdefault(what, []).extend([] if there else [place])

    for path, method, operation in operations():
        place = f"{method} {path}"
        tags, name = operation.get("tags", []), operation.get("operationId", "")
        responses = operation["responses"]
        parameters = {each["name"]: each for each in map(resolve, operation["parameters"])}
        need("one tag", len(tags) == 1)
        need("a tag that is declared, with a description, under `tags`", declared.issuperset(tags))
        need(
            "an operationId of its tag and a name, joined by underscores, such as messages_batches_list",
            any(name.startswith(tag.replace(".", "_") + "_") for tag in tags),
        )
        need("a `summary`", bool(operation.get("summary")))
        need("a response for success, such as `200`", any(status.startswith("2") for status in responses))
        for status, component in (("4XX", "ClientError"), ("5XX", "ServerError")):
            need(
                f"a response `{status}: {{$ref: '#/components/responses/{component}'}}`", status in responses
            )
        need(
            "the parameter `$ref: '#/components/parameters/AnthropicVersion'`",
            parameters.get("anthropic-version", {}).get("x-client-header") is True,
        )
    return lacking


@pytest.mark.parametrize(("what", "lacking"), _operation_rules().items(), ids=_operation_rules())
def test_parts_of_operations(what: str, lacking: list[str]) -> None:
    """Every operation has each required part."""
    assert not lacking, f"each of these operations of spec/openapi.yaml needs {what}: {lacking}"


def test_media_types_of_batches() -> None:
    """Results are JSONL; every other response about batches is JSON."""
    for path, method, operation in batch_operations():
        for status, response in operation["responses"].items():
            streamed = operation["operationId"] == "messages_batches_results" and status == "200"
            media_type = "application/x-jsonl" if streamed else "application/json"
            assert list(resolve(response).get("content", {})) == [media_type], (
                f"the `content` of {method} {path} {status} must be {media_type}"
            )


def test_batch_operations_take_a_workspace() -> None:
    """Every batch operation has the argument `workspace_id`."""
    for path, method, operation in batch_operations():
        parameters = {each["name"]: each for each in map(resolve, operation["parameters"])}
        assert parameters.get("anthropic-workspace-id", {}).get("x-argument-name") == "workspace_id", (
            f"{method} {path} needs the parameter `$ref: '#/components/parameters/AnthropicWorkspaceId'`"
        )


def _paginated() -> list[tuple[str, Json]]:
    return [
        (f"{method} {path}", operation)
        for path, method, operation in operations()
        if "x-pagination" in operation
    ]


@pytest.mark.parametrize(("place", "operation"), _paginated())
def test_names_in_pagination(place: str, operation: Json) -> None:
    """`x-pagination` names parameters of the operation and properties of the page."""
    pagination = operation["x-pagination"]
    parameters = {each["name"] for each in map(resolve, operation["parameters"])}
    content = success(operation).get("content", {})
    assert "application/json" in content, f"{place} has x-pagination, so it must answer application/json"
    page = resolve(content["application/json"]["schema"]).get("properties", {})
    for key, kind in (("items", "array"), ("more", "boolean")):
        if key in pagination:
            name = pagination[key]
            assert page.get(name, {}).get("type") == kind, (
                f"x-pagination of {place} says `{key}: {name}`, so the page needs a property `{name}`, `type: {kind}`"
            )
    for direction in ("next", "previous"):
        if direction in pagination:
            parameter, field = pagination[direction]["parameter"], pagination[direction]["field"]
            assert parameter in parameters, f"x-pagination of {place} names `{parameter}`: add that parameter"
            assert field in page, f"x-pagination of {place} names `{field}`: add that property to the page"


def test_the_list_has_pagination() -> None:
    """The list of batches has `x-pagination`, so its rule applies."""
    assert "messages_batches_list" in {operation["operationId"] for _, operation in _paginated()}


def test_extensions_are_documented() -> None:
    """The used and the read extensions are the documented ones."""
    places = {
        key: place
        for place, value in walk(spec())
        # Headers and properties may have such names as well.
        if not place.endswith(("/headers", "/properties"))
        for key in value
        if key.startswith("x-")
    }
    used = places.keys()
    documented = set(re.findall(r"^## `(x-[a-z-]+)`", EXTENSIONS.read_text(encoding="utf-8"), re.MULTILINE))
    unknown = [f"{key} of {place}" for key, place in places.items() if key not in documented]
    assert not unknown, f"explain these in docs/spec-extensions.md, under a heading each: {unknown}"
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "generator").rglob("*.py"))
    # These are notes that one step of the generator leaves for a later one; no document has them.
    read = set(re.findall(r'"(x-[a-z-]+)"', code)) - {"x-merged-from", "x-is-file", "x-by-stream"}
    assert not read - documented, (
        f"the generator reads these: explain them in docs/spec-extensions.md: {sorted(read - documented)}"
    )
    idle = sorted(documented - read - used)
    assert not idle, (
        f"take these out of docs/spec-extensions.md: neither the spec nor the generator has them: {idle}"
    )


def test_notation_of_nullable_properties() -> None:
    """A nullable property has one of two notations."""
    for place, value in walk(spec()):
        if {"type": "null"} in value.get("anyOf", ()):
            assert any("$ref" in member or "const" in member for member in value["anyOf"]), (
                f'{place} could be `type: [..., "null"]` in place of `anyOf`'
            )
        kinds = value.get("type")
        if isinstance(kinds, list):
            assert len(kinds) == 2, (
                f'{place}: a list of types has two, one of them "null"; write `anyOf` for more'
            )
            assert "null" in kinds, (
                f'{place}: a list of types has two, one of them "null"; write `anyOf` for more'
            )
