"""The spec against the official SDK's own types, in the version that the development dependencies pin."""

from __future__ import annotations

import pytest

from . import sdk_types
from .document import Json, operations, resolve, schemas
from .notation import Reader, differences, outdated, unexplained

_FILE = "the SDK reads files and encodes them; on the wire this is always base64"
_HEADER = "on the wire this is a header, so it is a parameter of the operation"

# Each way in which the spec differs on purpose, with the reason. `*` stands for anything.
DELIBERATE = {
    "BatchCreateParams.user_profile_id: only there": _HEADER,
    "BatchCreateParams.workspace_id: only there": _HEADER,
    "MessageCreateParamsNonStreaming.workspace_id: only there": "a header of the whole batch alone",
    "*.caller: only there null": "the SDK takes it for null where it is missing; it is never sent as null",
    "Base64ImageSourceParam.data: only there file": _FILE,
    "Base64PDFSourceParam.data: only there file": _FILE,
    "BrowserToolsetConfigsParam: closed only here": "the SDK only says so in its documentation",
    "ComputerToolsetConfigsParam: closed only here": "the same family of settings",
    "MessageBatchesPage: only here": "one class for all lists in the SDK, compared in a test of its own",
}


@pytest.fixture(scope="module")
def found() -> list[str]:
    theirs = sdk_types.read()
    ours = {name: _loosened(schema, theirs.get(name, {})) for name, schema in schemas().items()}
    # The SDK's types hold no limits but the form of a time.
    return [*differences(Reader(ours, matters=lambda _, value: value == "date-time"), Reader(theirs))]


def _loosened(ours: Json, theirs: Json) -> Json:
    """A received schema as the SDK puts it, which does not tell what may be missing from what may be null."""
    if not theirs.get(sdk_types.RECEIVED):
        return ours
    certain = [
        name
        for name in ours.get("required", ())
        if "null" not in _reader().branches(ours["properties"][name])
    ]
    return {**ours, "required": certain}


def _reader() -> Reader:
    return Reader(schemas(), matters=lambda *_: False)


def test_every_difference_from_the_sdk_has_a_reason(found: list[str]) -> None:
    assert unexplained(found, DELIBERATE) == []


def test_every_reason_for_a_difference_is_still_needed(found: list[str]) -> None:
    assert outdated(found, DELIBERATE) == []


def test_a_page_has_the_fields_of_the_sdks_pages() -> None:
    assert set(schemas()["MessageBatchesPage"]["properties"]) == sdk_types.page_fields()


def _shared_aliases() -> list[str]:
    return [
        name
        for name, schema in schemas().items()
        if "properties" not in schema and sdk_types.alias(name) is not None
    ]


@pytest.mark.parametrize("name", _shared_aliases())
def test_a_union_or_enum_with_a_name_of_the_sdk_has_its_members(name: str) -> None:
    theirs = Reader(sdk_types.read()).branches(sdk_types.schema_of(sdk_types.alias(name)))
    # The SDK widens the content of a message, where the spec widens the union that it is made of.
    widened = schemas()[name].get("x-also-accepts")
    received = _reader().branches(schemas()[widened]) if widened else frozenset()
    assert _reader().branches(schemas()[name]) == theirs | received


def test_the_operations_are_the_methods_of_the_sdk_with_the_same_arguments() -> None:
    ours = {
        operation["operationId"].removeprefix("messages_batches_"): _arguments(operation)
        for _, _, operation in operations()
    }
    assert ours == sdk_types.methods()


def _arguments(operation: Json) -> set[str]:
    parameters = [each for each in map(resolve, operation["parameters"]) if not each.get("x-client-header")]
    names = {each.get("x-argument-name", each["name"]) for each in parameters}
    if "requestBody" in operation:
        names |= set(resolve(operation["requestBody"]["content"]["application/json"]["schema"])["properties"])
    return names
