"""The sandbox's model: a deterministic reply to each request.

Words in double brackets in the last user message steer the outcome (`read_steering`). The rest of the text is
echoed, or becomes the input of a tool or the content of structured output.
"""

from __future__ import annotations

import base64
import re
from hashlib import blake2b
from typing import Any, Final

import orjson
from attrs import frozen

from ._errors import REQUEST_ERRORS
from ._ids import derived_id
from ._json import is_array, is_object
from ._schemas import example

__all__ = [
    "Steering",
    "complete_message",
    "count_input_tokens",
    "last_user_text",
    "read_steering",
    "reply_to",
]

_CHARACTERS_A_TOKEN: Final = 4
_LONGEST_ECHO: Final = 2000
_LONGEST_VALUE: Final = 80
_LONGEST_THOUGHT: Final = 200
_SLOW_SECONDS: Final = 3600.0
_MAGIC: Final = re.compile(r"\[\[(error|expire|cancel|slow|refuse|tool)(?::([\w.-]+))?\]\]")


@frozen
class Steering:
    """The instructions of the words in double brackets.

    Attributes:
        error: The type of the error of the request.
        expire: True if the request expires.
        cancel: True if the request is canceled.
        slow: Additional sandbox seconds that the request takes.
        refuse: True if the reply is a refusal.
        tool: The name of a tool to call.
    """

    error: str | None = None
    expire: bool = False
    cancel: bool = False
    slow: float = 0.0
    refuse: bool = False
    tool: str | None = None


_UNSTEERED: Final = Steering()


def read_steering(text: str) -> Steering:
    """Return the instructions of words such as `[[error:overloaded_error]]` or `[[slow:SECONDS]]`."""
    if "[[" not in text:
        return _UNSTEERED
    words: dict[str, str] = {found[1]: found[2] or "" for found in _MAGIC.finditer(text)}
    error = words.get("error")
    if error is not None and error not in REQUEST_ERRORS:
        error = "api_error"
    return Steering(
        error=error,
        expire="expire" in words,
        cancel="cancel" in words,
        slow=_seconds(words["slow"]) if "slow" in words else 0.0,
        refuse="refuse" in words,
        tool=words.get("tool"),
    )


def _seconds(text: str) -> float:
    return float(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else _SLOW_SECONDS


def last_user_text(params: dict[str, Any]) -> str:
    """Return the text of the last user message, tool results included."""
    for message in reversed(params["messages"]):
        if message["role"] == "user":
            return _text_of(message["content"])
    return ""


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    if not is_array(content):
        return ""
    texts: list[str] = []
    for block in content:
        if is_object(block):
            if isinstance(block.get("text"), str):
                texts.append(block["text"])
            elif block.get("type") == "tool_result":
                texts.append(_text_of(block.get("content")))
    return "\n".join(texts)


def reply_to(params: dict[str, Any], identity: str) -> dict[str, Any]:
    """Return the message that answers valid params.

    Args:
        params: The params, as `check_params` accepts them.
        identity: The identity of the request. Equal params of two requests get messages with different ids.
    """
    text = last_user_text(params)
    steering = read_steering(text)
    if steering.refuse:
        return _message(params, identity, [], "refusal", stop_details=_REFUSAL)
    content = _thinking(params, text)
    tool = _tool_to_call(params, steering)
    if tool is not None:
        content.append(_tool_use(tool, text, identity))
        return complete_message({"content": content}, params, identity)
    answer, stop_reason, stop_sequence = _obey_limits(_answer(params, text), params)
    content.append({"type": "text", "text": answer, "citations": None})
    return _message(params, identity, content, stop_reason, stop_sequence)


_REFUSAL: Final = {
    "type": "refusal",
    "category": None,
    "explanation": "The request asked the sandbox to refuse.",
}


def complete_message(answer: str | dict[str, Any], params: dict[str, Any], identity: str) -> dict[str, Any]:
    """Return a whole message from the return value of a reply function: its text, or fields of a message."""
    if isinstance(answer, str):
        text, stop_reason, stop_sequence = _obey_limits(answer, params)
        content = [{"type": "text", "text": text, "citations": None}]
        return _message(params, identity, content, stop_reason, stop_sequence)
    content = answer.get("content", [])
    if isinstance(content, str):
        content = [{"type": "text", "text": content, "citations": None}]
    calls_tool = any(block.get("type") == "tool_use" for block in content)
    stop_reason = "tool_use" if calls_tool else "end_turn"
    return {**_message(params, identity, content, stop_reason), **answer, "content": content}


def _answer(params: dict[str, Any], text: str) -> str:
    config: dict[str, Any] = params.get("output_config") or {}
    wanted = config.get("format")
    if wanted is not None:
        return orjson.dumps(example(wanted["schema"], text[:_LONGEST_VALUE])).decode()
    echo = text if len(text) <= _LONGEST_ECHO else f"{text[:_LONGEST_ECHO]}..."
    return f"You said: {echo}" if echo else "Your message has no text."


def _obey_limits(text: str, params: dict[str, Any]) -> tuple[str, str, str | None]:
    """Cut a text at a stop sequence or at `max_tokens`; return it with its stop reason and stop sequence."""
    limit = params["max_tokens"] * _CHARACTERS_A_TOKEN
    sequences: list[str] = params.get("stop_sequences") or []
    found = [(text.find(stop), stop) for stop in sequences if stop in text]
    if found:
        end, stop = min(found)
        if end <= limit:
            return text[:end], "stop_sequence", stop
    if len(text) > limit:
        return text[:limit], "max_tokens", None
    return text, "end_turn", None


def _thinking(params: dict[str, Any], text: str) -> list[dict[str, Any]]:
    thinking: dict[str, Any] = params.get("thinking") or {}
    if thinking.get("type") not in ("enabled", "adaptive"):
        return []
    thought = f"The user wrote {len(text)} characters. They begin with: {text[:_LONGEST_THOUGHT]}"
    shown = "" if thinking.get("display") == "omitted" else thought
    signature = base64.b64encode(blake2b(thought.encode(), digest_size=48).digest()).decode()
    return [{"type": "thinking", "thinking": shown, "signature": signature}]


def _tool_to_call(params: dict[str, Any], steering: Steering) -> dict[str, Any] | None:
    tools: list[dict[str, Any]] = params.get("tools") or []
    choice: dict[str, Any] = params.get("tool_choice") or {"type": "auto"}
    if choice["type"] == "none":
        return None
    name = choice["name"] if choice["type"] == "tool" else steering.tool
    for tool in tools:
        if name is not None and tool.get("name") == name:
            return tool
    if choice["type"] != "any":
        return None
    return next((tool for tool in tools if "input_schema" in tool), tools[0])


def _tool_use(tool: dict[str, Any], text: str, identity: str) -> dict[str, Any]:
    made = example(tool.get("input_schema", {"type": "object"}), text[:_LONGEST_VALUE])
    return {
        "type": "tool_use",
        "id": derived_id("toolu", identity),
        "name": tool.get("name") or tool.get("type") or "tool",
        "input": made if is_object(made) else {},
        "caller": {"type": "direct"},
    }


def _message(
    params: dict[str, Any],
    identity: str,
    content: list[dict[str, Any]],
    stop_reason: str,
    stop_sequence: str | None = None,
    stop_details: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "id": derived_id("msg", identity),
        "type": "message",
        "role": "assistant",
        "model": params["model"],
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": stop_sequence,
        "stop_details": stop_details,
        "usage": _usage(params, content),
        "container": None,
    }


def _usage(params: dict[str, Any], content: list[dict[str, Any]]) -> dict[str, Any]:
    thought = sum(_weigh(block.get("thinking")) for block in content if block.get("type") == "thinking")
    said = sum(_weigh(block.get("text")) + _weigh(block.get("input")) for block in content)
    return {
        "input_tokens": count_input_tokens(params),
        "output_tokens": min(_tokens(thought) + _tokens(said), params["max_tokens"]),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens_details": {"thinking_tokens": _tokens(thought)} if thought else None,
        "server_tool_use": None,
        "service_tier": "batch",
        "inference_geo": params.get("inference_geo"),
    }


def count_input_tokens(params: dict[str, Any]) -> int:
    """Return the input tokens of a request, for its usage and for `count_tokens`."""
    return _tokens(sum(_weigh(params.get(key)) for key in ("messages", "system", "tools")))


def _weigh(value: object) -> int:
    """Return the number of characters of a part of a request."""
    if value is None:
        return 0
    return len(value) if isinstance(value, str) else len(orjson.dumps(value))


def _tokens(characters: int) -> int:
    return -(-characters // _CHARACTERS_A_TOKEN)
