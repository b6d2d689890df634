"""The API's refusals: of the whole batch at once, or of one request later.

The envelope of a request (its `custom_id`, and the names of its params) is checked during the upload, and a
mistake refuses the batch. The content of `params` is validated when the request runs, so a mistake there
makes that request an `errored` result. The spec's own schemas decide first; the rules below are those that a
schema cannot express.
"""

from __future__ import annotations

import re
from typing import Any, Final

from attrs import frozen

from ._api_schema import VERSIONS, find_mistake, known_fields, refused_in_batches
from ._errors import ApiError
from ._json import is_array, is_object, is_whole
from ._models import is_known, max_output_tokens
from ._schemas import example

__all__ = ["Refusal", "check_count", "check_envelope", "check_params"]

_CUSTOM_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ENVELOPE: Final = frozenset({"custom_id", "params"})
_PARAMS: Final = "MessageCreateParamsNonStreaming"
_COUNTED: Final = "MessageCountTokensParams"
_MOST_BREAKPOINTS: Final = 4


@frozen
class Refusal:
    """The reason for a failed request: the type of the error and its message."""

    kind: str
    message: str


def check_envelope(index: int, request: object) -> tuple[str, dict[str, Any]]:
    """Return the `custom_id` and the `params` of request number `index`.

    Raises:
        ApiError: A mistake that refuses the whole batch; the message names its place.
    """
    place = f"requests.{index}"
    if not is_object(request):
        raise _invalid(place, "Input should be an object")
    if request.keys() != _ENVELOPE:
        for key in request:
            if key not in _ENVELOPE:
                raise _invalid(f"{place}.{key}", "Extra inputs are not permitted")
        missing = "custom_id" if "custom_id" not in request else "params"
        raise _invalid(f"{place}.{missing}", "Field required")
    custom_id, params = request["custom_id"], request["params"]
    if not isinstance(custom_id, str):
        raise _invalid(f"{place}.custom_id", "Input should be a string")
    if not _CUSTOM_ID.fullmatch(custom_id):
        raise _invalid(f"{place}.custom_id", "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'")
    if not is_object(params):
        raise _invalid(f"{place}.params", "Input should be an object")
    _check_names(f"{place}.params", params)
    return custom_id, params


def _check_names(place: str, params: dict[str, Any]) -> None:
    known = known_fields(_PARAMS)
    if not params.keys() <= known:
        key = next(key for key in params if key not in known)
        raise _invalid(f"{place}.{key}", "Extra inputs are not permitted")
    refused = refused_in_batches()
    for name in params.keys() & refused.keys():
        if refused[name].whole_batch and refused[name].applies(params[name]):
            raise _invalid(f"{place}.{name}", "not supported in a batch")


def check_params(
    params: dict[str, Any], version: str = VERSIONS[0], betas: frozenset[str] = frozenset()
) -> Refusal | None:
    """Return the reason why a request fails, or `None` for a valid one."""
    refused = refused_in_batches()
    for name in params.keys() & refused.keys():
        if refused[name].applies(params[name]):
            return _refuse(name, "not supported in a batch")
    return _check_schema(_PARAMS, params, version) or _check_rules(params, betas)


def check_count(params: dict[str, Any], version: str) -> Refusal | None:
    """Return the reason why the tokens of a request cannot be counted, or `None` for a valid one."""
    for name in params:
        if name not in known_fields(_COUNTED):
            return _refuse(name, "Extra inputs are not permitted")
    return _check_schema(_COUNTED, params, version) or _check_rules(params, frozenset())


def _check_schema(schema: str, params: dict[str, Any], version: str) -> Refusal | None:
    mistake = find_mistake(schema, version, params)
    return None if mistake is None else _refuse(mistake.place, mistake.message)


def _check_rules(params: dict[str, Any], betas: frozenset[str]) -> Refusal | None:
    return (
        _check_model(params, betas)
        or _check_messages(params["messages"])
        or _check_tools(params)
        or _check_thinking(params)
        or _check_format(params)
        or _check_stop_sequences(params)
        or _check_breakpoints(params)
    )


def _invalid(place: str, message: str) -> ApiError:
    return ApiError("invalid_request_error", f"{place}: {message}")


def _refuse(place: str, message: str) -> Refusal:
    return Refusal("invalid_request_error", f"{place}: {message}")


def _check_model(params: dict[str, Any], betas: frozenset[str]) -> Refusal | None:
    model = params["model"]
    if not is_known(model):
        return Refusal("not_found_error", f"model: {model}")
    max_tokens = params.get("max_tokens", 1)
    if not is_whole(max_tokens):  # a schema takes 5.0 for an integer
        return _refuse("max_tokens", "Input should be an integer")
    limit = max_output_tokens(model, betas)
    if max_tokens > limit:
        return _refuse(
            "max_tokens",
            f"{max_tokens} > {limit}, which is the maximum allowed number of output tokens for {model}",
        )
    return None


def _check_messages(messages: list[Any]) -> Refusal | None:
    if not messages:
        return _refuse("messages", "at least one message is required")
    for index, message in enumerate(messages):
        if not message["content"]:
            # Only the assistant's last turn may be empty.
            if message["role"] == "assistant" and index == len(messages) - 1:
                continue
            return _refuse(f"messages.{index}.content", "content must not be empty")
    if messages[0]["role"] != "user":
        return _refuse("messages", "first message must use the user role")
    return None


def _check_tools(params: dict[str, Any]) -> Refusal | None:
    tools: list[dict[str, Any]] = params.get("tools", [])
    names: set[str] = set()
    for index, tool in enumerate(tools):
        if "input_schema" in tool:
            refusal = _check_json_schema(f"tools.{index}.input_schema", tool["input_schema"])
            if refusal is not None:
                return refusal
        name = tool.get("name")
        if name is not None and name in names:
            return _refuse("tools", "Tool names must be unique")
        if name is not None:
            names.add(name)
    choice: dict[str, Any] = params.get("tool_choice", {"type": "auto"})
    if choice["type"] in ("any", "tool") and not tools:
        return _refuse("tool_choice", "may only be specified while providing tools")
    if choice["type"] == "tool" and choice["name"] not in names:
        return _refuse("tool_choice", f"tool '{choice['name']}' not found in provided tools")
    return None


def _check_thinking(params: dict[str, Any]) -> Refusal | None:
    thinking: dict[str, Any] = params.get("thinking", {"type": "disabled"})
    if thinking["type"] != "enabled":
        return None
    if thinking["budget_tokens"] >= params.get("max_tokens", float("inf")):
        return _refuse("max_tokens", "must be greater than thinking.budget_tokens")
    if params.get("tool_choice", {}).get("type") in ("any", "tool"):
        return _refuse("thinking", "may not be enabled when tool_choice forces tool use")
    return None


def _check_format(params: dict[str, Any]) -> Refusal | None:
    wanted = params.get("output_config", {}).get("format")
    return None if wanted is None else _check_json_schema("output_config.format.schema", wanted["schema"])


def _check_json_schema(place: str, schema: object) -> Refusal | None:
    """Refuse a JSON schema without an example: the sandbox could not answer by it."""
    try:
        example(schema, "")
    except ValueError as problem:
        return _refuse(place, str(problem))
    return None


def _check_stop_sequences(params: dict[str, Any]) -> Refusal | None:
    sequences: list[str] = params.get("stop_sequences", [])
    if not all(sequence.strip() for sequence in sequences):
        return _refuse("stop_sequences", "each stop sequence must contain non-whitespace")
    return None


def _check_breakpoints(params: dict[str, Any]) -> Refusal | None:
    count = int(params.get("cache_control") is not None)
    for name in ("tools", "system", "messages"):
        blocks = params.get(name)
        if is_array(blocks):
            count += _breakpoints(blocks)
    if count > _MOST_BREAKPOINTS:
        return _refuse(
            "cache_control",
            f"A maximum of {_MOST_BREAKPOINTS} blocks with cache_control may be provided. Found {count}.",
        )
    return None


def _breakpoints(blocks: list[dict[str, Any]]) -> int:
    """Count the cache breakpoints of messages, blocks or tools. Tool inputs and JSON schemas are not blocks."""
    count = 0
    for block in blocks:
        count += block.get("cache_control") is not None
        content = block.get("content")
        if is_array(content):
            count += _breakpoints(content)
        source = block.get("source")
        if is_object(source) and is_array(source.get("content")):
            count += _breakpoints(source["content"])
    return count
