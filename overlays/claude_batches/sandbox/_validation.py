"""What the API refuses: at once, for the whole batch, or later, for one request of it.

The envelope of a request (its `custom_id`, and which keys its `params` have) is checked while the batch is
uploaded, and one mistake refuses the batch. What stands inside `params` is only looked at when the request
runs, so a mistake there is an `errored` result and leaves the other requests alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from ._errors import ApiError
from ._json import is_array, is_object, is_whole
from ._schemas import example

__all__ = ["Refusal", "check_envelope", "check_params"]

_CUSTOM_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KNOWN_MODEL: Final = re.compile(r"claude-(?:\d|instant|haiku|sonnet|opus|fable|mythos)")
_LEAST_THINKING_BUDGET: Final = 1024

_PARAMS: Final = frozenset(
    {
        *("model", "max_tokens", "messages", "system", "stop_sequences", "stream", "metadata", "diagnostics"),
        *("tools", "tool_choice", "thinking", "output_config", "cache_control", "container"),
        *("service_tier", "speed", "inference_geo", "user_profile_id", "temperature", "top_k", "top_p"),
    }
)

_CHOICES: Final[dict[str, tuple[str | None, ...]]] = {
    "service_tier": ("auto", "standard_only"),
    "speed": ("fast", "standard", None),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one request fails: the kind of the error, and its message."""

    kind: str
    message: str


def check_envelope(index: int, request: object) -> tuple[str, dict[str, Any]]:
    """The `custom_id` and `params` of request number `index`.

    Raises:
        ApiError: something is wrong that refuses the whole batch; the message names the place.
    """
    place = f"requests.{index}"
    if not is_object(request):
        raise _invalid(place, "Input should be an object")
    for key in request:
        if key not in ("custom_id", "params"):
            raise _invalid(f"{place}.{key}", "Extra inputs are not permitted")
    for key in ("custom_id", "params"):
        if key not in request:
            raise _invalid(f"{place}.{key}", "Field required")
    custom_id, params = request["custom_id"], request["params"]
    if not isinstance(custom_id, str):
        raise _invalid(f"{place}.custom_id", "Input should be a string")
    if not _CUSTOM_ID.fullmatch(custom_id):
        raise _invalid(f"{place}.custom_id", "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'")
    if not is_object(params):
        raise _invalid(f"{place}.params", "Input should be an object")
    if not params.keys() <= _PARAMS:
        key = next(key for key in params if key not in _PARAMS)
        raise _invalid(f"{place}.params.{key}", "Extra inputs are not permitted")
    if params.get("stream", False) is not False:
        raise _invalid(f"{place}.params.stream", "A request of a batch can't be streamed")
    return custom_id, params


def check_params(params: dict[str, Any]) -> Refusal | None:
    """What the API would find wrong when it runs a request, or `None`."""
    for check in _CHECKS:
        refusal = check(params)
        if refusal is not None:
            return refusal
    return None


def _invalid(place: str, message: str) -> ApiError:
    return ApiError("invalid_request_error", f"{place}: {message}")


def _refuse(place: str, message: str) -> Refusal:
    return Refusal("invalid_request_error", f"{place}: {message}")


def _check_model(params: dict[str, Any]) -> Refusal | None:
    if "model" not in params:
        return _refuse("model", "Field required")
    model = params["model"]
    if not isinstance(model, str):
        return _refuse("model", "Input should be a string")
    if not _KNOWN_MODEL.match(model):
        return Refusal("not_found_error", f"model: {model}")
    return None


def _check_max_tokens(params: dict[str, Any]) -> Refusal | None:
    if "max_tokens" not in params:
        return _refuse("max_tokens", "Field required")
    max_tokens = params["max_tokens"]
    if not is_whole(max_tokens):
        return _refuse("max_tokens", "Input should be an integer")
    if max_tokens < 1:
        return _refuse("max_tokens", "Input should be greater than or equal to 1")
    return None


def _check_messages(params: dict[str, Any]) -> Refusal | None:
    if "messages" not in params:
        return _refuse("messages", "Field required")
    messages = params["messages"]
    if not is_array(messages):
        return _refuse("messages", "Input should be a list")
    if not messages:
        return _refuse("messages", "at least one message is required")
    for index, message in enumerate(messages):
        place = f"messages.{index}"
        if not is_object(message):
            return _refuse(place, "Input should be an object")
        if message.get("role") not in ("user", "assistant", "system"):
            return _refuse(f"{place}.role", "Input should be 'user', 'assistant' or 'system'")
        refusal = _check_content(f"{place}.content", message.get("content"))
        if refusal is not None:
            return refusal
    if messages[0]["role"] != "user":
        return _refuse("messages", "first message must use the user role")
    return None


def _check_content(place: str, content: object) -> Refusal | None:
    if content is None:
        return _refuse(place, "Field required")
    if isinstance(content, str):
        return None if content else _refuse(place, "text content must not be empty")
    if not is_array(content):
        return _refuse(place, "Input should be a string or a list")
    for index, block in enumerate(content):
        if not is_object(block) or not isinstance(block.get("type"), str):
            return _refuse(f"{place}.{index}", "Input should be a content block with a type")
        if block["type"] == "text" and not isinstance(block.get("text"), str):
            return _refuse(f"{place}.{index}.text", "Input should be a string")
    return None


def _check_tools(params: dict[str, Any]) -> Refusal | None:
    tools: Any = params.get("tools") or []
    if not is_array(tools):
        return _refuse("tools", "Input should be a list")
    names: set[object] = set()
    for index, tool in enumerate(tools):
        if not is_object(tool):
            return _refuse(f"tools.{index}", "Input should be an object")
        if tool.get("type") in (None, "custom"):
            if not isinstance(tool.get("name"), str):
                return _refuse(f"tools.{index}.name", "Field required")
            if not is_object(tool.get("input_schema")):
                return _refuse(f"tools.{index}.input_schema", "Field required")
            refusal = _check_schema(f"tools.{index}.input_schema", tool["input_schema"])
            if refusal is not None:
                return refusal
        elif not isinstance(tool["type"], str) or not isinstance(tool.get("name", ""), str):
            return _refuse(f"tools.{index}", "Input should be a tool with a type and a name")
        name = tool.get("name")
        if isinstance(name, str) and name in names:
            return _refuse("tools", "Tool names must be unique")
        names.add(name)
    choice = params.get("tool_choice")
    if choice is None:
        return None
    if not is_object(choice) or choice.get("type") not in ("auto", "any", "tool", "none"):
        return _refuse("tool_choice", "Input should be of type 'auto', 'any', 'tool' or 'none'")
    if choice["type"] in ("any", "tool") and not tools:
        return _refuse("tool_choice", "may only be specified while providing tools")
    if choice["type"] == "tool" and choice.get("name") not in names:
        return _refuse("tool_choice", f"tool '{choice.get('name')}' not found in provided tools")
    return None


def _check_thinking(params: dict[str, Any]) -> Refusal | None:
    thinking = params.get("thinking")
    if thinking is None:
        return None
    kinds = ("enabled", "disabled", "between_tools", "adaptive")
    if not is_object(thinking) or thinking.get("type") not in kinds:
        return _refuse(
            "thinking", "Input should be of type 'enabled', 'disabled', 'between_tools' or 'adaptive'"
        )
    if thinking["type"] != "enabled":
        return None
    budget = thinking.get("budget_tokens")
    if not is_whole(budget):
        return _refuse("thinking.enabled.budget_tokens", "Input should be an integer")
    if budget < _LEAST_THINKING_BUDGET:
        return _refuse("thinking.enabled.budget_tokens", "Input should be greater than or equal to 1024")
    if budget >= params["max_tokens"]:
        return _refuse("max_tokens", "must be greater than thinking.budget_tokens")
    choice = params.get("tool_choice")
    if choice is not None and choice["type"] in ("any", "tool"):
        return _refuse("thinking", "may not be enabled when tool_choice forces tool use")
    return None


def _check_format(params: dict[str, Any]) -> Refusal | None:
    config = params.get("output_config")
    if config is None:
        return None
    if not is_object(config):
        return _refuse("output_config", "Input should be an object")
    wanted = config.get("format")
    if wanted is None:
        return None
    if not is_object(wanted) or wanted.get("type") != "json_schema":
        return _refuse("output_config.format.type", "Input should be 'json_schema'")
    if not is_object(wanted.get("schema")):
        return _refuse("output_config.format.schema", "Input should be an object")
    return _check_schema("output_config.format.schema", wanted["schema"])


def _check_schema(place: str, schema: dict[str, Any]) -> Refusal | None:
    """A schema is good if a value can be made that fits it."""
    try:
        example(schema, "")
    except ValueError as problem:
        return _refuse(place, str(problem))
    return None


def _check_system(params: dict[str, Any]) -> Refusal | None:
    system = params.get("system", "")
    if isinstance(system, str):
        return None
    if not is_array(system):
        return _refuse("system", "Input should be a string or a list of text blocks")
    for index, block in enumerate(system):
        if not is_object(block) or block.get("type") != "text":
            return _refuse(f"system.{index}.type", "Input should be 'text'")
        if not isinstance(block.get("text"), str):
            return _refuse(f"system.{index}.text", "Input should be a string")
    return None


def _check_choices(params: dict[str, Any]) -> Refusal | None:
    """The fields that take one of a few words."""
    for key, choices in _CHOICES.items():
        if key in params and params[key] not in choices:
            words = " or ".join(repr(choice) for choice in choices if choice is not None)
            return _refuse(key, f"Input should be {words}")
    return None


def _check_strings(params: dict[str, Any]) -> Refusal | None:
    for key, nullable in (("inference_geo", True), ("user_profile_id", False)):
        if key in params and not isinstance(params[key], str) and not (nullable and params[key] is None):
            return _refuse(key, "Input should be a string")
    return None


def _check_objects(params: dict[str, Any]) -> Refusal | None:
    """The fields that hold an object of which little is known here."""
    cache_control = params.get("cache_control")
    if cache_control is not None and not is_object(cache_control):
        return _refuse("cache_control", "Input should be an object")
    if cache_control is not None and cache_control.get("type") != "ephemeral":
        return _refuse("cache_control.type", "Input should be 'ephemeral'")
    if "metadata" in params and not is_object(params["metadata"]):
        return _refuse("metadata", "Input should be an object")
    if params.get("diagnostics") is not None and not is_object(params["diagnostics"]):
        return _refuse("diagnostics", "Input should be an object")
    container = params.get("container")
    if container is not None and not isinstance(container, str) and not is_object(container):
        return _refuse("container", "Input should be a string or an object")
    return None


def _check_stop_sequences(params: dict[str, Any]) -> Refusal | None:
    sequences = params.get("stop_sequences")
    if sequences is None:
        return None
    if not is_array(sequences) or not all(isinstance(sequence, str) for sequence in sequences):
        return _refuse("stop_sequences", "Input should be a list of strings")
    if not all(sequence.strip() for sequence in sequences):
        return _refuse("stop_sequences", "each stop sequence must contain non-whitespace")
    return None


_CHECKS: Final = (
    _check_model,
    _check_max_tokens,
    _check_messages,
    _check_tools,
    _check_thinking,
    _check_format,
    _check_stop_sequences,
    _check_system,
    _check_choices,
    _check_strings,
    _check_objects,
)
