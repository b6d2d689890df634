"""The spec against the OpenAPI document that Anthropic publishes: the whole document, or its part about batches.

The document is not part of this repository. Where it is at hand, every difference of the operations on batches and of
their schemas must be in `DELIBERATE`, with a reason, and every row of the table must still be true.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.spec.document import ROOT, Json, batch_operations, batch_schemas, resolve
from tests.spec.notation import (
    Reader,
    branch_differences,
    differences,
    outdated,
    to_add,
    to_drop,
    unexplained,
)

PUBLISHED = Path(
    os.environ.get("CLAUDE_BATCHES_STRUCTURE", ROOT.parent / "shared/reference/batches-structure.json")
)

if not PUBLISHED.is_file():
    pytest.skip(
        "no published document to compare with; CLAUDE_BATCHES_STRUCTURE names one", allow_module_level=True
    )

METHODS = {"get", "put", "post", "delete", "patch"}

# The published names of our schemas, where the rules of `published_name` don't find them.
NAMES = {
    "APIErrorObject": "APIError",
    "AssistantMessageParam": "InputMessage",
    "BatchCreateParams": "CreateMessageBatchParams",
    "CitationCharLocation": "ResponseCharLocationCitation",
    "CitationCharLocationParam": "RequestCharLocationCitation",
    "CitationContentBlockLocation": "ResponseContentBlockLocationCitation",
    "CitationContentBlockLocationParam": "RequestContentBlockLocationCitation",
    "CitationPageLocation": "ResponsePageLocationCitation",
    "CitationPageLocationParam": "RequestPageLocationCitation",
    "CitationSearchResultLocationParam": "RequestSearchResultLocationCitation",
    "CitationWebSearchResultLocationParam": "RequestWebSearchResultLocationCitation",
    "CitationsSearchResultLocation": "ResponseSearchResultLocationCitation",
    "CitationsWebSearchResultLocation": "ResponseWebSearchResultLocationCitation",
    "DeletedMessageBatch": "DeleteMessageBatchResponse",
    "InputSchemaTyped": "InputSchema",
    "JSONOutputFormatParam": "JsonOutputFormat",
    "MessageBatchCanceledResult": "CanceledResult",
    "MessageBatchErroredResult": "ErroredResult",
    "MessageBatchExpiredResult": "ExpiredResult",
    "MessageBatchRequestCounts": "RequestCounts",
    "MessageBatchSucceededResult": "SucceededResult",
    "MessageBatchesPage": "ListResponse_MessageBatch_",
    "MessageCreateParamsNonStreaming": "CreateMessageParams",
    "Request": "MessageBatchIndividualRequestParams",
    "SystemMessageParam": "InputMessage",
    "ToolBash20250124Param": "BashTool_20250124",
    "ToolSearchToolBm25_20251119Param": "ToolSearchToolBM25_20251119",
    "UserMessageParam": "InputMessage",
    "WebFetchBlock": "ResponseWebFetchResultBlock",
    "WebFetchBlockParam": "RequestWebFetchResultBlock",
    "WebFetchToolResultErrorBlock": "ResponseWebFetchToolResultError",
    "WebFetchToolResultErrorBlockParam": "RequestWebFetchToolResultError",
    "WebSearchToolRequestErrorObjectParam": "RequestWebSearchToolResultError",
}

_NEWER = "newer than the published document, which is of August 2026; known from the SDK of November 2026"
_DROPPED = "dropped by the SDK of November 2026"
_CALLER = "always given in August 2026; the SDK of November 2026 lets it be missing"
_ROLES = "a turn has a type for each role, as in the SDK; the published document has one type for all"
_INSTRUCTIONS = "instructions are text, as in the SDK's type for this role"
_NOT_ZERO = "the API refuses 0 in the requests of a batch"
_STREAM = "the API refuses a batch that has a streaming request in it"
_HEADERS = "workspaces are chosen by a header that is newer than the published document"

# Deliberate differences, each with its reason. `*` matches anything.
DELIBERATE = {
    # The operations
    "*(anthropic-version): required only here": "the API refuses a request without it",
    "*(x-api-key): only there": "this is authentication, which the spec describes as such",
    "*(anthropic-workspace-id): only here": _HEADERS,
    "*(5XX): only here": "failures of the server have the same body as refusals",
    "messages_batches_create(413): only here": "its body is of a kind that ErrorObject doesn't have",
    # Received
    "CacheMiss*: only here": _NEWER,
    "Diagnostics: only here": _NEWER,
    "Message.diagnostics: only here": _NEWER,
    'Message.model: only here "claude-*"': _NEWER,
    "Usage.speed: only here": _NEWER,
    "*.caller: required only there": _CALLER,
    '*.error_code: only here "content_too_large"': _NEWER,
    # Sent
    "*: closed only there": "whether an unknown field is an error is for the API to say",
    "DiagnosticsParam: only here": _NEWER,
    "MessageCreateParamsNonStreaming.diagnostics: only here": _NEWER,
    'MessageCreateParamsNonStreaming.model: only here "claude-*"': _NEWER,
    "MessageCreateParamsNonStreaming.speed: only here": _NEWER,
    "MessageCreateParamsNonStreaming.user_profile_id: only here": _NEWER,
    "MessageCreateParamsNonStreaming.max_tokens: only here integer(minimum=1)": _NOT_ZERO,
    "MessageCreateParamsNonStreaming.max_tokens: only there integer(minimum=0)": _NOT_ZERO,
    "MessageCreateParamsNonStreaming.stream: only here false": _STREAM,
    "MessageCreateParamsNonStreaming.stream: only there boolean": _STREAM,
    "MessageCreateParamsNonStreaming.thinking: only here ThinkingConfigBetweenToolsParam": _NEWER,
    "ThinkingConfigBetweenToolsParam: only here": _NEWER,
    "UserMessageParam.role: only there *": _ROLES,
    "AssistantMessageParam.role: only there *": _ROLES,
    "SystemMessageParam.role: only there *": _ROLES,
    "SystemMessageParam.content: only there *": _INSTRUCTIONS,
    "SystemMessageParam.content: only here [RequestTextBlock]": _INSTRUCTIONS,
    "ToolParam.input_schema: only here object": "beside the typed one, as in the SDK",
    "BrowserToolset20260801Param.allowed_callers: only there": _DROPPED,
    "ComputerToolset20260801Param.allowed_callers: only there": _DROPPED,
    "WebFetchTool*.url_sources: only here": _NEWER,
    "WebFetchURLSource*: only here": _NEWER,
}


def published_name(ours: str) -> str:
    """Return the published name of a schema of ours; our own name if there is none like it.

    Sent schemas begin with `Request` there, received ones with `Response`, and shared ones with neither. Dates follow
    an underscore, and errors do not end in `Object`.
    """
    if ours in NAMES:
        return NAMES[ours]
    plain = re.sub(r"_?(20\d{6})$", r"_\1", ours.removesuffix("Param").replace("ErrorObject", "Error"))
    plain = plain.removeprefix("Tool") if plain.startswith("ToolTextEditor") else plain
    prefix = "Request" if ours.endswith("Param") else "Response"
    return next(
        (name for name in (prefix + plain, plain) if name in published()["components"]["schemas"]), ours
    )


@cache
def published() -> Json:
    """Return the part of the published document that is about batches."""
    return batches_of(yaml.load(PUBLISHED.read_text(encoding="utf-8"), Loader=_Loader))


class _Loader(yaml.CSafeLoader):
    """YAML, and so JSON, without dates."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def batches_of(whole: Json) -> Json:
    """Return the operations on batches of a whole document, their references to shared parts resolved, and the schemas
    that they reach."""

    def inlined(part: Json) -> Json:
        while "$ref" in part:
            _, _, section, name = part["$ref"].split("/")
            part = whole["components"][section][name]
        return part

    ours = {path for path, _, _ in batch_operations()}
    paths: Json = {}
    for path in ours & whole["paths"].keys():
        item = inlined(whole["paths"][path])
        for method in METHODS & item.keys():
            operation = dict(item[method])
            own = [inlined(each) for each in operation.get("parameters", [])]
            named = {(each["in"], each["name"]) for each in own}
            shared = [inlined(each) for each in item.get("parameters", [])]
            operation["parameters"] = own + [
                each for each in shared if (each["in"], each["name"]) not in named
            ]
            if "requestBody" in operation:
                operation["requestBody"] = inlined(operation["requestBody"])
            operation["responses"] = {
                status: inlined(response) for status, response in operation["responses"].items()
            }
            paths.setdefault(path, {})[method] = operation
    schemas = whole["components"]["schemas"]
    reached: set[str] = set()
    todo: list[Any] = [paths]
    while todo:
        names = set(re.findall(r'"#/components/schemas/([^"/]+)"', json.dumps(todo.pop()))) - reached
        reached |= names
        todo += [schemas[name] for name in names]
    kept = {name: schema for name, schema in schemas.items() if name in reached}
    return {"paths": paths, "components": {"schemas": kept}}


def found() -> list[str]:
    here, there = Reader(batch_schemas(), called=published_name), Reader(published()["components"]["schemas"])
    return [*differences(here, there), *_operation_differences(here, there)]


def test_whole_document_gives_the_same_part() -> None:
    """A whole document, with other operations and shared parts, gives the same part as a slice of it."""
    part = published()
    whole: Json = json.loads(json.dumps(part))
    whole["paths"]["/v1/others"] = {
        "get": {"responses": {"200": {"$ref": "#/components/responses/Other"}}, "parameters": []}
    }
    whole["components"]["schemas"]["Other"] = {"type": "object", "properties": {"a": {"type": "string"}}}
    shared: Json = {"parameters": {}, "responses": {}}
    for item in whole["paths"].values():
        for operation in item.values():
            for index, parameter in enumerate(operation["parameters"]):
                name = f"Parameter{len(shared['parameters'])}"
                shared["parameters"][name] = parameter
                operation["parameters"][index] = {"$ref": f"#/components/parameters/{name}"}
            for status, response in operation["responses"].items():
                name = f"Response{len(shared['responses'])}"
                shared["responses"][name] = response
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    whole["components"] |= shared
    assert batches_of(whole) == part


def _operation_differences(here: Reader, there: Reader) -> Iterator[str]:
    paths = published()["paths"]
    ours = {(path, method): operation for path, method, operation in batch_operations()}
    theirs = {(path, method): operation for path, item in paths.items() for method, operation in item.items()}
    yield from (f"{method} {path}: only here" for path, method in ours.keys() - theirs.keys())
    yield from (f"{method} {path}: only there" for path, method in theirs.keys() - ours.keys())
    for key in ours.keys() & theirs.keys():
        yield from _part_differences(
            ours[key]["operationId"], _parts(ours[key]), _parts(theirs[key]), here, there
        )


def _parts(operation: Json) -> dict[str, Json]:
    """Return the parameters, body and responses of an operation by name, each with a `schema`."""
    found = {parameter["name"]: parameter for parameter in map(resolve, operation["parameters"])}
    bodies = {"body": operation["requestBody"]} if "requestBody" in operation else {}
    for name, body in {**bodies, **operation["responses"]}.items():
        for media_type, content in resolve(body).get("content", {}).items():
            found[name] = {"in": media_type, "required": body.get("required"), "schema": content["schema"]}
    return found


def _part_differences(
    operation: str, ours: dict[str, Json], theirs: dict[str, Json], here: Reader, there: Reader
) -> Iterator[str]:
    for name in ours.keys() | theirs.keys():
        place = f"{operation}({name})"
        if name not in theirs or name not in ours:
            yield f"{place}: only {'here' if name in ours else 'there'}"
            continue
        a, b = ours[name], theirs[name]
        if a["in"] != b["in"]:
            yield f"{place}: in {a['in']} here, in {b['in']} there"
        if bool(a.get("required")) != bool(b.get("required")):
            yield f"{place}: required only {'here' if a.get('required') else 'there'}"
        if a["schema"].get("default") != b["schema"].get("default"):
            yield f"{place}: another default"
        yield from branch_differences(place, here.branches(a["schema"]), there.branches(b["schema"]))


def test_every_difference_has_a_reason() -> None:
    """Every difference from the published document is deliberate."""
    missing = unexplained(found(), DELIBERATE)
    assert not missing, to_add(missing, "test_structure.py")


def test_every_reason_is_needed() -> None:
    """Every row of the table matches a difference."""
    rows = outdated(found(), DELIBERATE)
    assert not rows, to_drop(rows, "test_structure.py")


def test_names_exist_on_both_sides() -> None:
    """Every name in the table is one of a schema on both sides."""
    objects = Reader(published()["components"]["schemas"]).objects()
    idle = [ours for ours, theirs in NAMES.items() if ours not in batch_schemas() or theirs not in objects]
    assert not idle, f"take these out of NAMES in tests/spec/test_structure.py, or correct them: {idle}"
