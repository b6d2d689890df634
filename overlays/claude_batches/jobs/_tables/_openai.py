"""Requests of OpenAI's batch files, translated where there is an equal.

A field that changes the answer and has no equal is an error: to leave it out silently would give other answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import orjson

from ._errors import SourceError
from ._shapes import is_array, is_mapping, is_object, object_of

__all__ = ["is_openai", "translate"]

_CHAT = "/v1/chat/completions"
#: Fields without influence on the answer; `store`, `metadata` and the like are about OpenAI's own storage.
_DROPPED = frozenset(
    {
        "metadata",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "seed",
        "service_tier",
        "store",
        "stream_options",
        "top_logprobs",
    }
)
#: Fields that are dropped at the value of their absence.
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "n": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logprobs": (False,),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "stream": (False,),
}
_TRANSLATED = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
        "user",
    }
)
_EFFORT = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh"}
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,", re.ASCII)


def is_openai(record: Mapping[str, Any]) -> bool:
    """Return true for a record that has the form of OpenAI's batch files.

    Args:
        record: The record.
    """
    return is_mapping(record.get("body")) and "params" not in record


def translate(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params of a request in OpenAI's form; the model is left as it is.

    Args:
        record: The record, with its `body`.

    Raises:
        SourceError: A part of it has no equal; the message has its path.
    """
    url = record.get("url")
    if url not in (None, _CHAT):
        raise SourceError(f"requests to {url} have no equal; only those to {_CHAT} are translated")
    body = cast("Mapping[str, Any]", record["body"])
    for name, value in body.items():
        if value is None or name in _TRANSLATED:
            continue
        neutral = _NEUTRAL.get(name)
        if neutral is not None:
            if value not in neutral:
                raise _no_equal(f"body.{name}", value)
        elif name not in _DROPPED:
            raise _no_equal(f"body.{name}", value)
    params: dict[str, Any] = {}
    if isinstance(body.get("model"), str):
        params["model"] = body["model"]
    tokens = body.get("max_completion_tokens")
    tokens = body.get("max_tokens") if tokens is None else tokens
    if tokens is not None:
        params["max_tokens"] = tokens
    system, params["messages"] = _messages(body.get("messages"))
    if system:
        params["system"] = system
    for name in ("temperature", "top_p"):
        value = body.get(name)
        if value is not None:
            # Above 1 there is not an equal.
            if not isinstance(value, int | float) or value > 1:
                raise _no_equal(f"body.{name}", value)
            params[name] = value
    stop = body.get("stop")
    if stop:
        params["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if body.get("tools"):
        params["tools"] = [_tool(tool, f"body.tools.{i}") for i, tool in enumerate(body["tools"])]
    choice = _tool_choice(body)
    if choice is not None:
        params["tool_choice"] = choice
    config = _output_config(body)
    if config:
        params["output_config"] = config
    if isinstance(body.get("user"), str):
        params["metadata"] = {"user_id": body["user"]}
    return params


def _no_equal(path: str, value: object) -> SourceError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:60]}…"
    return SourceError(f"{path} = {shown} has no equal in Claude's API: remove it, or rewrite the request")


def _messages(messages: object) -> tuple[str, list[dict[str, Any]]]:
    if not is_array(messages) or not messages:
        raise SourceError("body.messages is not a list of messages")
    system: list[str] = []
    translated: list[dict[str, Any]] = []
    for index, message in enumerate(messages):
        path = f"body.messages.{index}"
        if not isinstance(message, Mapping):
            raise SourceError(f"{path} is not an object")
        message = cast("Mapping[str, Any]", message)
        match message.get("role"):
            case "system" | "developer":
                if translated:
                    raise _no_equal(f"{path}.role", message["role"])
                system.append(_plain_text(message.get("content"), f"{path}.content"))
            case "user":
                translated.append({"role": "user", "content": _content(message.get("content"), path)})
            case "assistant":
                translated.append({"role": "assistant", "content": _assistant(message, path)})
            case "tool":
                block = {
                    "type": "tool_result",
                    "tool_use_id": message.get("tool_call_id"),
                    "content": _plain_text(message.get("content"), f"{path}.content"),
                }
                # Results of calls made at once belong into one turn.
                last = translated[-1] if translated else None
                if last is not None and last["role"] == "user" and _is_results(last["content"]):
                    last["content"].append(block)
                else:
                    translated.append({"role": "user", "content": [block]})
            case role:
                raise _no_equal(f"{path}.role", role)
    return "\n\n".join(system), translated


def _is_results(content: object) -> bool:
    return is_array(content) and all(object_of(block).get("type") == "tool_result" for block in content)


def _plain_text(content: object, path: str) -> str:
    if isinstance(content, str):
        return content
    if not is_array(content):
        raise SourceError(f"{path} is neither text nor a list of text parts")
    parts: list[str] = []
    for index, part in enumerate(content):
        if object_of(part).get("type") != "text":
            raise _no_equal(f"{path}.{index}", part)
        parts.append(str(part.get("text", "")))
    return "\n".join(parts)


def _content(content: object, path: str) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    if not is_array(content):
        raise SourceError(f"{path}.content is neither text nor a list of parts")
    return [_part(object_of(part), f"{path}.content.{index}") for index, part in enumerate(content)]


def _part(part: dict[str, Any], path: str) -> dict[str, Any]:
    match part.get("type"):
        case "text":
            return {"type": "text", "text": part.get("text", "")}
        case "image_url":
            image = part.get("image_url")
            url = image.get("url") if is_object(image) else image
            if not isinstance(url, str):
                raise SourceError(f"{path}.image_url has no url")
            return {"type": "image", "source": _source(url)}
        case "file":
            data = object_of(part.get("file")).get("file_data")
            if isinstance(data, str) and data.startswith("data:application/pdf;base64,"):
                return {"type": "document", "source": _source(data)}
            raise _no_equal(path, part)
        case _:
            raise _no_equal(path, part)


def _source(url: str) -> dict[str, Any]:
    data = _DATA_URL.match(url)
    if data is None:
        return {"type": "url", "url": url}
    return {"type": "base64", "media_type": data[1], "data": url[data.end() :]}


def _assistant(message: Mapping[str, Any], path: str) -> str | list[dict[str, Any]]:
    content = message.get("content")
    calls = message.get("tool_calls")
    if not calls:
        return _plain_text(content, f"{path}.content")
    blocks: list[dict[str, Any]] = []
    if content:
        blocks.append({"type": "text", "text": _plain_text(content, f"{path}.content")})
    for index, call in enumerate(calls):
        call = object_of(call)
        function = object_of(call.get("function"))
        try:
            arguments = orjson.loads(function.get("arguments") or "{}")
        except (orjson.JSONDecodeError, TypeError):
            raise SourceError(f"{path}.tool_calls.{index}.function.arguments is not JSON") from None
        blocks.append(
            {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": arguments}
        )
    return blocks


def _tool(tool: Any, path: str) -> dict[str, Any]:
    if object_of(tool).get("type") != "function":
        raise _no_equal(path, tool)
    function = object_of(object_of(tool).get("function"))
    translated: dict[str, Any] = {
        "name": function.get("name"),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }
    for name in ("description", "strict"):
        if function.get(name) is not None:
            translated[name] = function[name]
    return translated


def _tool_choice(body: Mapping[str, Any]) -> dict[str, Any] | None:
    choice = body.get("tool_choice")
    translated: dict[str, Any] | None
    match choice:
        case None:
            translated = None
        case "auto" | "none":
            translated = {"type": choice}
        case "required":
            translated = {"type": "any"}
        case {"type": "function", "function": {"name": str(name)}}:
            translated = {"type": "tool", "name": name}
        case _:
            raise _no_equal("body.tool_choice", choice)
    if body.get("parallel_tool_calls") is False and body.get("tools"):
        translated = translated or {"type": "auto"}
        if translated["type"] != "none":
            translated["disable_parallel_tool_use"] = True
    return translated


def _output_config(body: Mapping[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    effort = body.get("reasoning_effort")
    if effort is not None:
        if effort not in _EFFORT:
            raise _no_equal("body.reasoning_effort", effort)
        config["effort"] = _EFFORT[effort]
    response_format = body.get("response_format")
    kind = object_of(response_format).get("type")
    schema = object_of(object_of(response_format).get("json_schema")).get("schema")
    if kind == "json_schema" and is_object(schema):
        config["format"] = {"type": "json_schema", "schema": schema}
    elif response_format is not None and kind != "text":
        raise _no_equal("body.response_format", response_format)
    return config
