"""The spec against the official SDK's own types, in the version that the development dependencies pin.

Only the operations on batches and the schemas that they reach are compared. Every deliberate difference is a row of
`DELIBERATE` with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.spec import sdk_types
from tests.spec.document import Json, batch_operations, batch_schemas, resolve
from tests.spec.notation import (
    Reader,
    branch_differences,
    differences,
    outdated,
    to_add,
    to_drop,
    unexplained,
)

_FILE = "the SDK reads files and encodes them; on the wire this is always base64"
_OLDER = "API version 2023-06-01 takes it; the SDK's types follow a later version"
_HEADER = "on the wire this is a header, so it is a parameter of the operation"

# Each way in which the spec differs on purpose, with the reason. `*` stands for anything.
DELIBERATE = {
    "BatchCreateParams.user_profile_id: only there": _HEADER,
    "BatchCreateParams.workspace_id: only there": _HEADER,
    "MessageCreateParamsNonStreaming.workspace_id: only there": "a header of the whole batch alone",
    "MessageCreateParamsNonStreaming.temperature: only here": _OLDER,
    "MessageCreateParamsNonStreaming.top_k: only here": _OLDER,
    "MessageCreateParamsNonStreaming.top_p: only here": _OLDER,
    "*.caller: only there null": "the SDK takes it for null where it is missing; it is never sent as null",
    "Base64ImageSourceParam.data: only there file": _FILE,
    "Base64PDFSourceParam.data: only there file": _FILE,
    "BrowserToolsetConfigsParam: closed only here": "only the documentation of the SDK states it",
    "ComputerToolsetConfigsParam: closed only here": "the same family of settings",
    "MessageBatchesPage: only here": "one class for all lists in the SDK, compared in a separate test",
}


@pytest.fixture(scope="module")
def found() -> list[str]:
    return [*_object_differences(), *_alias_differences(), *_method_differences()]


def _object_differences() -> Iterator[str]:
    theirs = sdk_types.read()
    ours = {name: _loosened(schema, theirs.get(name, {})) for name, schema in batch_schemas().items()}
    # The SDK's types hold no limits but the form of a time.
    yield from differences(Reader(ours, matters=lambda _, value: value == "date-time"), Reader(theirs))


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
    return Reader(batch_schemas(), matters=lambda *_: False)


def _shared_aliases() -> list[str]:
    """The unions and enums of ours that the SDK has under the same name."""
    return [
        name
        for name, schema in batch_schemas().items()
        if "properties" not in schema and sdk_types.alias(name) is not None
    ]


def _alias_differences() -> Iterator[str]:
    for name in _shared_aliases():
        theirs = Reader(sdk_types.read()).branches(sdk_types.schema_of(sdk_types.alias(name)))
        # The SDK widens the content of a message, where the spec widens the union that it is made of.
        widened = batch_schemas()[name].get("x-also-accepts")
        received = _reader().branches(batch_schemas()[widened]) if widened else frozenset()
        yield from branch_differences(name, _reader().branches(batch_schemas()[name]), theirs | received)


def _method_differences() -> Iterator[str]:
    ours = {
        operation["operationId"].removeprefix("messages_batches_"): _arguments(operation)
        for _, _, operation in batch_operations()
    }
    theirs = sdk_types.methods()
    yield from (f"{name}(): only here" for name in ours.keys() - theirs.keys())
    yield from (f"{name}(): only there" for name in theirs.keys() - ours.keys())
    for name in ours.keys() & theirs.keys():
        yield from (f"{name}({argument}): only here" for argument in ours[name] - theirs[name])
        yield from (f"{name}({argument}): only there" for argument in theirs[name] - ours[name])


def _arguments(operation: Json) -> set[str]:
    parameters = [each for each in map(resolve, operation["parameters"]) if not each.get("x-client-header")]
    names = {each.get("x-argument-name", each["name"]) for each in parameters}
    for content in resolve(operation.get("requestBody", {})).get("content", {}).values():
        names |= set(resolve(content["schema"]).get("properties", ()))
    return names


def test_every_difference_has_a_reason(found: list[str]) -> None:
    """Every difference from the types of the SDK is deliberate."""
    missing = unexplained(found, DELIBERATE)
    assert not missing, to_add(missing, "test_sdk_types.py")


def test_every_reason_is_needed(found: list[str]) -> None:
    """Every row of the table matches a difference."""
    rows = outdated(found, DELIBERATE)
    assert not rows, to_drop(rows, "test_sdk_types.py")


def test_fields_of_a_page() -> None:
    """A page has the fields of the pages of the SDK."""
    ours, theirs = set(batch_schemas()["MessageBatchesPage"]["properties"]), sdk_types.page_fields()
    assert ours == theirs, (
        "MessageBatchesPage and a page of the SDK differ in these fields; name them here if meant"
    )


def test_unions_and_enums_are_compared() -> None:
    """The comparison covers unions and enums."""
    assert {"StopReason", "ContentBlock", "ToolUnionParam"} <= set(_shared_aliases())
