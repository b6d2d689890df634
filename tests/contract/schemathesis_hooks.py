"""Hooks of schemathesis for this API; its configuration names this file."""

from __future__ import annotations

import json
import re
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

from tests.wire import schemas

_KEPT = {
    "ContentBlockParam": ("text", "tool_result"),
    "ToolResultBlockParamContentParam": ("text",),
    "ToolUnionParam": ("custom",),
    "TextCitationParam": ("char_location",),
    "CallerParam": ("direct",),
}
"""The members that are tried of the unions inside `params`.

All of them would be fourteen thousand cases, of content that a server validates only when a request runs.
"""


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Adapt the document: close what OpenAPI leaves open, and limit the unions to try."""
    components = raw_schema["components"]["schemas"]
    for name, tags in _KEPT.items():
        union = components[name]
        mapping = {tag: union["discriminator"]["mapping"][tag] for tag in tags}
        union["discriminator"]["mapping"] = mapping
        union["oneOf"] = [{"$ref": target} for target in mapping.values()]
    for name in (
        "BatchCreateParams",
        "Request",
        "MessageCreateParamsNonStreaming",
        "MessageCountTokensParams",
    ):
        components[name]["additionalProperties"] = False
    results = raw_schema["paths"]["/v1/messages/batches/{message_batch_id}/results"]["get"]
    lines = results["responses"]["200"]["content"]["application/x-jsonl"]
    lines["schema"] = {"type": "array", "items": lines["schema"]}
    lines["example"] = [lines["example"]]


@schemathesis.deserializer("application/x-jsonl")
def read_lines(context: Any, response: Response) -> list[Any]:
    """Return the results as the array of the adapted document."""
    return [json.loads(line) for line in response.content.splitlines()]


@schemathesis.check
def a_batch_that_is_accepted_has_a_good_envelope(
    context: CheckContext, response: Response, case: Case
) -> None:
    """Of the invalid requests, only those with an error inside `params` are accepted."""
    if (
        case.operation.definition.raw["operationId"] != "messages_batches_create"
        or response.status_code != 200
    ):
        return
    pattern = schemas()["Request"]["properties"]["custom_id"]["pattern"]
    body = json.loads(response.request.body or b"null")
    assert body.keys() == {"requests"}
    assert body["requests"]
    for request in body["requests"]:
        assert request.keys() == {"custom_id", "params"}
        assert re.fullmatch(pattern, request["custom_id"])
        assert isinstance(request["params"], dict)


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Give requests that came out with the same `custom_id` different ones, as the API demands."""
    requests = body.get("requests") if isinstance(body, dict) else None
    taken: set[str] = set()
    for index, request in enumerate(requests if isinstance(requests, list) else []):
        if isinstance(request, dict) and isinstance(custom_id := request.get("custom_id"), str):
            if custom_id in taken:
                request["custom_id"] = f"again-{index}"
            taken.add(custom_id)
    return body
